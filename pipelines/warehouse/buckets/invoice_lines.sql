select
    {columns},
    coalesce(
        found.bucket, subscriptions.bucket, bucket_of(account_id, coalesce(invoice_id, subscription_id, ''))
    ) as bucket
from staging.invoice_lines
left join (select account_id, id as invoice_id, bucket from of_invoices) as found using (account_id, invoice_id)
left join (select account_id, id as subscription_id, bucket from of_subscriptions) as subscriptions
    using (account_id, subscription_id)
