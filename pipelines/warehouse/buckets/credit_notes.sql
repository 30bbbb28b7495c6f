select
    {columns},
    coalesce(found.bucket, bucket_of(account_id, coalesce(customer_id, invoice_id, ''))) as bucket
from staging.credit_notes
left join (select account_id, id as invoice_id, bucket from of_invoices) as found using (account_id, invoice_id)
