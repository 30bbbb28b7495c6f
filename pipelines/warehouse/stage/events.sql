select
    account_id,
    id,
    event.type,
    event.data.object.id as object_id,
    event.data.object.object as object_type,
    event.created as created_at,
    event.api_version
from (
    select account_id, id, json_transform(payload, '{
        "type": "VARCHAR",
        "data": {"object": {"id": "VARCHAR", "object": "VARCHAR"}},
        "created": "VARCHAR",
        "api_version": "VARCHAR"
    }') as event
    from current_events
    where not deleted
)
