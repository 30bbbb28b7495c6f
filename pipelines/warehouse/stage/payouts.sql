select
    account_id,
    id,
    payout.amount,
    payout.currency,
    payout.status,
    payout.type,
    payout.method,
    payout.automatic,
    payout.arrival_date as arrival_at,
    id_of(payout.balance_transaction) as balance_transaction_id,
    id_of(payout.failure_balance_transaction) as failure_balance_transaction_id,
    payout.created as created_at,
    payout.reconciliation_status
from (
    select account_id, id, json_transform(payload, '{
        "amount": "VARCHAR",
        "currency": "VARCHAR",
        "status": "VARCHAR",
        "type": "VARCHAR",
        "method": "VARCHAR",
        "automatic": "VARCHAR",
        "arrival_date": "VARCHAR",
        "balance_transaction": "VARCHAR",
        "failure_balance_transaction": "VARCHAR",
        "created": "VARCHAR",
        "reconciliation_status": "VARCHAR"
    }') as payout
    from current_payouts
    where not deleted
)
