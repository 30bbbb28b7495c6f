select
    account_id,
    id,
    id_of(method.customer) as customer_id,
    method.type,
    method.card.brand as card_brand,
    method.card.country as card_country,
    method.card.funding as card_funding,
    method.card.exp_month as card_exp_month,
    method.card.exp_year as card_exp_year,
    method.card.last4 as card_last4,
    method.card.fingerprint as card_fingerprint,
    method.card.wallet.type as card_wallet,
    method.billing_details.address.country as billing_country,
    method.allow_redisplay,
    method.created as created_at,
    method.metadata
from (
    select account_id, id, json_transform(payload, '{
        "customer": "VARCHAR",
        "type": "VARCHAR",
        "card": {
            "brand": "VARCHAR",
            "country": "VARCHAR",
            "funding": "VARCHAR",
            "exp_month": "VARCHAR",
            "exp_year": "VARCHAR",
            "last4": "VARCHAR",
            "fingerprint": "VARCHAR",
            "wallet": {"type": "VARCHAR"}
        },
        "billing_details": {"address": {"country": "VARCHAR"}},
        "allow_redisplay": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as method
    from current_payment_methods
    where not deleted
)
