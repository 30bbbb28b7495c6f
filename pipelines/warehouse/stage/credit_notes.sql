select
    account_id,
    id,
    id_of(note.invoice) as invoice_id,
    id_of(note.customer) as customer_id,
    note.amount,
    note.total,
    note.total_excluding_tax,
    note.amount_shipping,
    note.currency,
    note.status,
    note.type,
    note.reason,
    note.created as created_at,
    note.voided_at,
    list_transform(note.refunds, lambda given: id_of(given.refund)) as refund_ids
from (
    select account_id, id, json_transform(payload, '{
        "invoice": "VARCHAR",
        "customer": "VARCHAR",
        "amount": "VARCHAR",
        "total": "VARCHAR",
        "total_excluding_tax": "VARCHAR",
        "amount_shipping": "VARCHAR",
        "currency": "VARCHAR",
        "status": "VARCHAR",
        "type": "VARCHAR",
        "reason": "VARCHAR",
        "created": "VARCHAR",
        "voided_at": "VARCHAR",
        "refunds": [{"refund": "VARCHAR"}]
    }') as note
    from current_credit_notes
    where not deleted
)
