select {columns}, coalesce(found.bucket, bucket_of(account_id, coalesce(subscription_id, ''))) as bucket
from staging.subscription_items
left join (select account_id, id as subscription_id, bucket from of_subscriptions) as found using (account_id, subscription_id)
