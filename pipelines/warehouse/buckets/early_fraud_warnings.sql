select {columns}, coalesce(found.bucket, bucket_of(account_id, coalesce(charge_id, id))) as bucket
from staging.early_fraud_warnings
left join (select account_id, id as charge_id, bucket from of_charges) as found using (account_id, charge_id)
