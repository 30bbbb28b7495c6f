select
    account_id,
    id,
    movement.amount,
    movement.fee,
    movement.net,
    movement.currency,
    movement.type,
    movement.reporting_category,
    movement.status,
    id_of(movement.source) as source_id,
    movement.exchange_rate,
    movement.created as created_at,
    movement.available_on as available_at,
    movement.description
from (
    select account_id, id, json_transform(payload, '{
        "amount": "VARCHAR",
        "fee": "VARCHAR",
        "net": "VARCHAR",
        "currency": "VARCHAR",
        "type": "VARCHAR",
        "reporting_category": "VARCHAR",
        "status": "VARCHAR",
        "source": "VARCHAR",
        "exchange_rate": "VARCHAR",
        "created": "VARCHAR",
        "available_on": "VARCHAR",
        "description": "VARCHAR"
    }') as movement
    from current_balance_transactions
    where not deleted
)
