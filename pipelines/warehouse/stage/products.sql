select
    account_id,
    id,
    product.name,
    product.active,
    product.description,
    product.created as created_at,
    deleted,
    product.metadata
from (
    select account_id, id, deleted, json_transform(payload, '{
        "name": "VARCHAR",
        "active": "VARCHAR",
        "description": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as product
    from current_products
)
