with subscriptions as (
    select account_id, id, json_transform(payload, '{
        "items": {"data": [{
            "id": "VARCHAR",
            "price": "VARCHAR",
            "quantity": "VARCHAR",
            "created": "VARCHAR",
            "current_period_start": "VARCHAR",
            "current_period_end": "VARCHAR",
            "discounts": ["VARCHAR"],
            "current_trial": {"start_date": "VARCHAR", "end_date": "VARCHAR"},
            "metadata": "VARCHAR"
        }]}
    }') as subscription
    from current_subscriptions
    where not deleted
),
listed as (
    select
        account_id,
        id as subscription_id,
        unnest(subscription."items".data) as item,
        generate_subscripts(subscription."items".data, 1) - 1 as position
    from subscriptions
)
select
    account_id,
    item.id,
    subscription_id,
    id_of(item.price) as price_id,
    item.quantity,
    position,
    item.created as created_at,
    item.current_period_start as current_period_start_at,
    item.current_period_end as current_period_end_at,
    ids_of(item.discounts) as discounts,
    item.current_trial.start_date as trial_start_at,
    item.current_trial.end_date as trial_end_at,
    item.metadata
from listed
