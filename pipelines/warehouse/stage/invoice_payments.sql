-- Payments are objects of their own; old API versions, and invoices read with their payments, hold them inside invoices.
with inside as (
    select account_id, id as invoice_id, unnest(invoice.payments.data) as payload
    from (
        select account_id, id, json_transform(payload, '{
            "payments": {"data": ["JSON"]}
        }') as invoice
        from current_invoices
        where not deleted and contains(payload::varchar, '"payments":{')
    )
),
payments as (
    select account_id, id, payload, json_extract_string(payload, '$.invoice') as invoice_id
    from current_invoice_payments
    where not deleted
    union all
    select account_id, json_extract_string(payload, '$.id'), payload, invoice_id
    from inside
    where not exists (
        select 1
        from current_invoice_payments as listed
        where listed.account_id = inside.account_id
            and id_of(json_extract_string(listed.payload, '$.invoice')) = inside.invoice_id
    )
)
select
    account_id,
    id,
    coalesce(id_of(payment.invoice), invoice_id) as invoice_id,
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
    select account_id, id, invoice_id, json_transform(payload, '{
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
    from payments -- of the shape of those from current_invoice_payments
)
