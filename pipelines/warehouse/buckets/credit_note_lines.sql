select {columns}, coalesce(found.bucket, bucket_of(account_id, coalesce(credit_note_id, ''))) as bucket
from staging.credit_note_lines
left join (select account_id, id as credit_note_id, bucket from of_credit_notes) as found
    using (account_id, credit_note_id)
