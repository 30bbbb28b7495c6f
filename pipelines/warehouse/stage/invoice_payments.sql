select
    account_id,
    id,
    id_of(payment.invoice) as invoice_id,
    payment.status,
    payment.amount_paid,
    payment.amount_requested,
    payment.currency,
    payment.payment.type as payment_type,
    id_of(payment.payment.payment_intent) as payment_intent_id,
    id_of(payment.payment.charge) as charge_id,
    id_of(payment.payment.payment_record) as payment_record_id,
    payment.is_default,
    payment.created as created_at,
    payment.status_transitions.paid_at
from (
    select account_id, id, json_transform(payload, '{
        "invoice": "VARCHAR",
        "status": "VARCHAR",
        "amount_paid": "VARCHAR",
        "amount_requested": "VARCHAR",
        "currency": "VARCHAR",
        "payment": {
            "type": "VARCHAR",
            "payment_intent": "VARCHAR",
            "charge": "VARCHAR",
            "payment_record": "VARCHAR"
        },
        "is_default": "VARCHAR",
        "created": "VARCHAR",
        "status_transitions": {"paid_at": "VARCHAR"}
    }') as payment
    from current_invoice_payments
    where not deleted
)
