select
    account_id,
    id,
    id_of(session.customer) as customer_id,
    session.mode,
    session.status,
    session.payment_status,
    id_of(session.subscription) as subscription_id,
    id_of(session.invoice) as invoice_id,
    id_of(session.payment_intent) as payment_intent_id,
    session.amount_subtotal,
    session.amount_total,
    session.currency,
    session.client_reference_id,
    session.expires_at,
    session.created as created_at,
    session.metadata
from (
    select account_id, id, json_transform(payload, '{
        "customer": "VARCHAR",
        "mode": "VARCHAR",
        "status": "VARCHAR",
        "payment_status": "VARCHAR",
        "subscription": "VARCHAR",
        "invoice": "VARCHAR",
        "payment_intent": "VARCHAR",
        "amount_subtotal": "VARCHAR",
        "amount_total": "VARCHAR",
        "currency": "VARCHAR",
        "client_reference_id": "VARCHAR",
        "expires_at": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as session
    from current_checkout_sessions
    where not deleted
)
