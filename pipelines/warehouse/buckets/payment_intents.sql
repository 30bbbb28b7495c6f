select
    {columns},
    coalesce(bucket_of(account_id, customer_id), named.bucket, bucket_of(account_id, id)) as bucket
from staging.payment_intents
left join of_nameless_intents as named using (account_id, id)
