with fees as (
    select account_id, id, json_transform(payload, '{
        "refunds": {"data": [{
            "id": "VARCHAR",
            "amount": "VARCHAR",
            "currency": "VARCHAR",
            "balance_transaction": "VARCHAR",
            "created": "VARCHAR"
        }]}
    }') as fee
    from current_application_fees
    where not deleted
),
listed as (
    select account_id, id as application_fee_id, unnest(fee.refunds.data) as refund from fees
)
select
    account_id,
    refund.id,
    application_fee_id,
    refund.amount,
    refund.currency,
    id_of(refund.balance_transaction) as balance_transaction_id,
    refund.created as created_at
from listed
