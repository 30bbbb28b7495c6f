-- Live subscriptions whose period should have been over by an instant: when the next begins is worked out.
select distinct 'subscription' as kind, live.account_id, live.id
from staging.subscriptions as live
inner join staging.subscription_items as items
    on items.account_id = live.account_id and items.subscription_id = live.id
where live.ended_at is null and items.current_period_end_at <= $until
