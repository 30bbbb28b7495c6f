select
    account_id,
    id,
    meter.display_name,
    meter.event_name,
    meter.default_aggregation.formula as aggregation,
    meter.status,
    meter.status_transitions.deactivated_at as deactivated_at,
    meter.created as created_at,
    meter.updated as updated_at
from (
    select account_id, id, json_transform(payload, '{
        "display_name": "VARCHAR",
        "event_name": "VARCHAR",
        "default_aggregation": {"formula": "VARCHAR"},
        "status": "VARCHAR",
        "status_transitions": {"deactivated_at": "VARCHAR"},
        "created": "VARCHAR",
        "updated": "VARCHAR"
    }') as meter
    from current_meters
    where not deleted
)
