select
    {columns},
    coalesce(bucket_of(account_id, customer_id), charged.bucket, billed.bucket, bucket_of(account_id, id)) as bucket
from staging.payment_intents
left join (
    select account_id, payment_intent_id as id, min(bucket) as bucket from of_charges group by account_id, payment_intent_id
) as charged using (account_id, id)
left join (
    select payments.account_id, payments.payment_intent_id as id, min(invoices.bucket) as bucket
    from staging.invoice_payments as payments
    inner join of_invoices as invoices
        on invoices.account_id = payments.account_id and invoices.id = payments.invoice_id
    group by payments.account_id, payments.payment_intent_id
) as billed using (account_id, id)
