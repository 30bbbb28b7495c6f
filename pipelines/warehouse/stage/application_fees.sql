select
    account_id,
    id,
    id_of(fee.account) as connected_account_id,
    id_of(fee.charge) as charge_id,
    fee.amount,
    fee.amount_refunded,
    fee.currency,
    fee.refunded,
    id_of(fee.balance_transaction) as balance_transaction_id,
    fee.created as created_at
from (
    select account_id, id, json_transform(payload, '{
        "account": "VARCHAR",
        "charge": "VARCHAR",
        "amount": "VARCHAR",
        "amount_refunded": "VARCHAR",
        "currency": "VARCHAR",
        "refunded": "VARCHAR",
        "balance_transaction": "VARCHAR",
        "created": "VARCHAR"
    }') as fee
    from current_application_fees
    where not deleted
)
