select
    account_id,
    id,
    rate.display_name,
    rate.percentage,
    rate.inclusive,
    rate.country,
    rate.active,
    rate.created as created_at
from (
    select account_id, id, json_transform(payload, '{
        "display_name": "VARCHAR",
        "percentage": "VARCHAR",
        "inclusive": "VARCHAR",
        "country": "VARCHAR",
        "active": "VARCHAR",
        "created": "VARCHAR"
    }') as rate
    from current_tax_rates
    where not deleted
)
