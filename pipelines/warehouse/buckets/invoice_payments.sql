select
    {columns},
    coalesce(found.bucket, strays.bucket, bucket_of(account_id, coalesce(invoice_id, ''))) as bucket
from staging.invoice_payments
left join (select account_id, id as invoice_id, bucket from of_invoices) as found using (account_id, invoice_id)
left join of_strays as strays using (account_id, id)
