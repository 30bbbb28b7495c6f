select {columns}, bucket
from staging.credit_notes
inner join (select account_id, id, bucket from of_credit_notes) using (account_id, id)
