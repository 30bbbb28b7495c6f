with transfers as (
    select account_id, id, json_transform(payload, '{
        "reversals": {"data": [{
            "id": "VARCHAR",
            "amount": "VARCHAR",
            "currency": "VARCHAR",
            "balance_transaction": "VARCHAR",
            "source_refund": "VARCHAR",
            "created": "VARCHAR"
        }]}
    }') as transfer
    from current_transfers
    where not deleted
),
listed as (
    select account_id, id as transfer_id, unnest(transfer.reversals.data) as reversal from transfers
)
select
    account_id,
    reversal.id,
    transfer_id,
    reversal.amount,
    reversal.currency,
    id_of(reversal.balance_transaction) as balance_transaction_id,
    id_of(reversal.source_refund) as refund_id,
    reversal.created as created_at
from listed
