select
    account_id,
    id,
    id_of(entry.customer) as customer_id,
    entry.amount,
    entry.ending_balance,
    entry.currency,
    entry.type,
    id_of(entry.invoice) as invoice_id,
    id_of(entry.credit_note) as credit_note_id,
    entry.description,
    entry.created as created_at,
    entry.metadata
from (
    select account_id, id, json_transform(payload, '{
        "customer": "VARCHAR",
        "amount": "VARCHAR",
        "ending_balance": "VARCHAR",
        "currency": "VARCHAR",
        "type": "VARCHAR",
        "invoice": "VARCHAR",
        "credit_note": "VARCHAR",
        "description": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as entry
    from current_customer_balance_transactions
    where not deleted
)
