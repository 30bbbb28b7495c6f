select {columns}, bucket
from staging.charges
inner join (select account_id, id, bucket from of_charges) as found using (account_id, id)
