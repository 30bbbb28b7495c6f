select
    account_id,
    id,
    id_of(refund.charge) as charge_id,
    id_of(refund.payment_intent) as payment_intent_id,
    id_of(refund.customer) as customer_id,
    refund.amount,
    refund.currency,
    refund.status,
    refund.reason,
    refund.failure_reason,
    id_of(refund.balance_transaction) as balance_transaction_id,
    refund.created as created_at
from (
    select account_id, id, json_transform(payload, '{
        "charge": "VARCHAR",
        "payment_intent": "VARCHAR",
        "customer": "VARCHAR",
        "amount": "VARCHAR",
        "currency": "VARCHAR",
        "status": "VARCHAR",
        "reason": "VARCHAR",
        "failure_reason": "VARCHAR",
        "balance_transaction": "VARCHAR",
        "created": "VARCHAR"
    }') as refund
    from current_refunds
    where not deleted
)
