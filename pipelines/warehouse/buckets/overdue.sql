-- Families with a live subscription whose period should have been over by an instant: when the next begins is worked out.
select subscriptions.bucket
from of_subscriptions as subscriptions
inner join staging.subscriptions as live on live.account_id = subscriptions.account_id and live.id = subscriptions.id
inner join staging.subscription_items as items
    on items.account_id = live.account_id and items.subscription_id = live.id
where live.ended_at is null and items.current_period_end_at <= ?
