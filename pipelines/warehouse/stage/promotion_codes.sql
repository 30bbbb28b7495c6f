select
    account_id,
    id,
    code.code,
    id_of(code.promotion.coupon) as coupon_id,
    id_of(code.customer) as customer_id,
    code.active,
    code.max_redemptions,
    code.times_redeemed,
    code.restrictions.first_time_transaction as first_time_transaction,
    code.expires_at,
    code.created as created_at,
    code.metadata
from (
    select account_id, id, json_transform(payload, '{
        "code": "VARCHAR",
        "promotion": {"coupon": "VARCHAR"},
        "customer": "VARCHAR",
        "active": "VARCHAR",
        "max_redemptions": "VARCHAR",
        "times_redeemed": "VARCHAR",
        "restrictions": {"first_time_transaction": "VARCHAR"},
        "expires_at": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as code
    from current_promotion_codes
    where not deleted
)
