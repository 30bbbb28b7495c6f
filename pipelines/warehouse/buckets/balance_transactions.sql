select
    {columns},
    coalesce(found.bucket, sourceless.bucket, bucket_of(account_id, id)) as bucket
from staging.balance_transactions
left join (select account_id, id as source_id, bucket from of_sources) as found using (account_id, source_id)
left join of_sourceless as sourceless using (account_id, id)
