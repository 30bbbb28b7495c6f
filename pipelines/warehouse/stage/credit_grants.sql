select
    account_id,
    id,
    id_of(credit.customer) as customer_id,
    credit.name,
    credit.category,
    credit.amount.monetary.value as amount,
    credit.amount.monetary.currency as currency,
    credit.priority,
    credit.effective_at,
    credit.expires_at,
    credit.voided_at,
    credit.created as created_at,
    credit.metadata
from (
    select account_id, id, json_transform(payload, '{
        "customer": "VARCHAR",
        "name": "VARCHAR",
        "category": "VARCHAR",
        "amount": {"monetary": {"value": "VARCHAR", "currency": "VARCHAR"}},
        "priority": "VARCHAR",
        "effective_at": "VARCHAR",
        "expires_at": "VARCHAR",
        "voided_at": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as credit
    from current_credit_grants
    where not deleted
)
