select
    account_id,
    id,
    id_of(intent.customer) as customer_id,
    intent.amount,
    intent.amount_received,
    intent.amount_capturable,
    intent.currency,
    intent.status,
    intent.cancellation_reason,
    intent.canceled_at,
    id_of(intent.latest_charge) as latest_charge_id,
    id_of(intent.payment_method) as payment_method_id,
    intent.last_payment_error.code as last_error_code,
    intent.last_payment_error.decline_code as last_error_decline_code,
    intent.setup_future_usage,
    intent.created as created_at,
    intent.metadata
from (
    select account_id, id, json_transform(payload, '{
        "customer": "VARCHAR",
        "amount": "VARCHAR",
        "amount_received": "VARCHAR",
        "amount_capturable": "VARCHAR",
        "currency": "VARCHAR",
        "status": "VARCHAR",
        "cancellation_reason": "VARCHAR",
        "canceled_at": "VARCHAR",
        "latest_charge": "VARCHAR",
        "payment_method": "VARCHAR",
        "last_payment_error": {"code": "VARCHAR", "decline_code": "VARCHAR"},
        "setup_future_usage": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as intent
    from current_payment_intents
    where not deleted
)
