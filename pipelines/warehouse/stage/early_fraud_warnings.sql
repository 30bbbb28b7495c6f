select
    account_id,
    id,
    id_of(warning.charge) as charge_id,
    id_of(warning.payment_intent) as payment_intent_id,
    warning.fraud_type,
    warning.actionable,
    warning.created as created_at
from (
    select account_id, id, json_transform(payload, '{
        "charge": "VARCHAR",
        "payment_intent": "VARCHAR",
        "fraud_type": "VARCHAR",
        "actionable": "VARCHAR",
        "created": "VARCHAR"
    }') as warning
    from current_early_fraud_warnings
    where not deleted
)
