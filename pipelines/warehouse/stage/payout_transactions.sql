select
    account_id,
    id,
    split_part(id, '/', 1) as payout_id,
    split_part(id, '/', 2) as balance_transaction_id,
    carried.amount,
    carried.fee,
    carried.net,
    carried.currency,
    carried.reporting_category,
    id_of(carried.source) as source_id,
    carried.created as created_at
from (
    select account_id, id, json_transform(payload, '{
        "amount": "VARCHAR",
        "fee": "VARCHAR",
        "net": "VARCHAR",
        "currency": "VARCHAR",
        "reporting_category": "VARCHAR",
        "source": "VARCHAR",
        "created": "VARCHAR"
    }') as carried
    from current_payout_transactions
    where not deleted
)
