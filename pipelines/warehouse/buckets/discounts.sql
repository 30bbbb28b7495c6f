select
    {columns},
    coalesce(
        bucket_of(account_id, customer_id), subscriptions.bucket, invoices.bucket,
        bucket_of(account_id, coalesce(subscription_id, invoice_id, id))
    ) as bucket
from staging.discounts
left join (select account_id, id as subscription_id, bucket from of_subscriptions) as subscriptions
    using (account_id, subscription_id)
left join (select account_id, id as invoice_id, bucket from of_invoices) as invoices using (account_id, invoice_id)
