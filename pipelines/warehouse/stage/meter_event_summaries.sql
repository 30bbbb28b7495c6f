-- Stripe's summary does not say whose usage it is; the id it is held under does: customer/meter/start.
select
    account_id,
    id,
    url_decode(split_part(id, '/', 1)) as customer_id,
    url_decode(split_part(id, '/', 2)) as meter_id,
    summary.start_time as start_at,
    summary.end_time as end_at,
    summary.aggregated_value
from (
    select account_id, id, json_transform(payload, '{
        "start_time": "VARCHAR",
        "end_time": "VARCHAR",
        "aggregated_value": "VARCHAR"
    }') as summary
    from current_meter_event_summaries
    where not deleted
)
