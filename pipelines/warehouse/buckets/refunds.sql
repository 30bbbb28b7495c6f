select {columns}, bucket
from staging.refunds
inner join (select account_id, id, bucket from of_refunds) as found using (account_id, id)
