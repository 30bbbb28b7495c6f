select
    account_id,
    id,
    id_of(schedule.customer) as customer_id,
    coalesce(id_of(schedule.subscription), schedule.released_subscription) as subscription_id,
    schedule.status,
    schedule.end_behavior,
    schedule.current_phase.start_date as current_phase_start_at,
    schedule.current_phase.end_date as current_phase_end_at,
    schedule.released_at,
    schedule.canceled_at,
    schedule.completed_at,
    schedule.created as created_at,
    schedule.metadata
from (
    select account_id, id, json_transform(payload, '{
        "customer": "VARCHAR",
        "subscription": "VARCHAR",
        "released_subscription": "VARCHAR",
        "status": "VARCHAR",
        "end_behavior": "VARCHAR",
        "current_phase": {"start_date": "VARCHAR", "end_date": "VARCHAR"},
        "released_at": "VARCHAR",
        "canceled_at": "VARCHAR",
        "completed_at": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as schedule
    from current_subscription_schedules
    where not deleted
)
