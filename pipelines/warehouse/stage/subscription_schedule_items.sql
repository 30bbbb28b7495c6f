with schedules as (
    select account_id, id, json_transform(payload, '{
        "phases": [{
            "start_date": "VARCHAR",
            "end_date": "VARCHAR",
            "trial_end": "VARCHAR",
            "proration_behavior": "VARCHAR",
            "currency": "VARCHAR",
            "discounts": [{"coupon": "VARCHAR", "discount": "VARCHAR", "promotion_code": "VARCHAR"}],
            "items": [{
                "price": "VARCHAR",
                "quantity": "VARCHAR",
                "discounts": [{"coupon": "VARCHAR", "discount": "VARCHAR", "promotion_code": "VARCHAR"}]
            }]
        }]
    }') as schedule
    from current_subscription_schedules
    where not deleted
),
phases as (
    select
        account_id,
        id as subscription_schedule_id,
        unnest(schedule.phases) as phase,
        generate_subscripts(schedule.phases, 1) - 1 as phase_position
    from schedules
),
items as (
    select
        account_id,
        subscription_schedule_id,
        phase,
        phase_position,
        unnest(phase.items) as item,
        generate_subscripts(phase.items, 1) - 1 as position
    from phases
)
select
    account_id,
    subscription_schedule_id || '/' || phase_position || '/' || position as id,
    subscription_schedule_id,
    phase_position,
    position,
    phase.start_date as start_at,
    phase.end_date as end_at,
    phase.trial_end as trial_end_at,
    id_of(item.price) as price_id,
    item.quantity,
    phase.currency,
    phase.proration_behavior,
    list_transform(phase.discounts, lambda part: id_of(part.coupon)) as phase_coupon_ids,
    list_transform(item.discounts, lambda part: id_of(part.coupon)) as item_coupon_ids
from items
