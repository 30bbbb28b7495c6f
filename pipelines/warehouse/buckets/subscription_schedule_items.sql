select {columns}, coalesce(found.bucket, bucket_of(account_id, coalesce(subscription_schedule_id, ''))) as bucket
from staging.subscription_schedule_items
left join (select account_id, id as subscription_schedule_id, bucket from of_schedules) as found
    using (account_id, subscription_schedule_id)
