select
    account_id,
    id,
    clock.name,
    clock.status,
    clock.frozen_time as frozen_at,
    clock.status_details.advancing.target_frozen_time as target_frozen_at,
    clock.created as created_at,
    clock.deletes_after as deletes_after_at
from (
    select account_id, id, json_transform(payload, '{
        "name": "VARCHAR",
        "status": "VARCHAR",
        "frozen_time": "VARCHAR",
        "status_details": {"advancing": {"target_frozen_time": "VARCHAR"}},
        "created": "VARCHAR",
        "deletes_after": "VARCHAR"
    }') as clock
    from current_test_clocks
    where not deleted
)
