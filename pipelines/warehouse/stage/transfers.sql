select
    account_id,
    id,
    id_of(transfer.destination) as destination_id,
    transfer.amount,
    transfer.amount_reversed,
    transfer.currency,
    transfer.reversed,
    id_of(transfer.source_transaction) as source_transaction_id,
    id_of(transfer.balance_transaction) as balance_transaction_id,
    transfer.transfer_group,
    transfer.created as created_at,
    transfer.metadata
from (
    select account_id, id, json_transform(payload, '{
        "destination": "VARCHAR",
        "amount": "VARCHAR",
        "amount_reversed": "VARCHAR",
        "currency": "VARCHAR",
        "reversed": "VARCHAR",
        "source_transaction": "VARCHAR",
        "balance_transaction": "VARCHAR",
        "transfer_group": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as transfer
    from current_transfers
    where not deleted
)
