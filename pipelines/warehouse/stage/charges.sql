select
    account_id,
    id,
    id_of(charge.customer) as customer_id,
    id_of(charge.payment_intent) as payment_intent_id,
    charge.amount,
    charge.amount_captured,
    charge.amount_refunded,
    charge.currency,
    charge.status,
    charge.paid,
    charge.captured,
    charge.refunded,
    charge.disputed,
    charge.failure_code,
    charge.failure_message,
    charge.outcome.type as outcome_type,
    charge.outcome.reason as outcome_reason,
    charge.outcome.network_status as outcome_network_status,
    charge.outcome.network_decline_code as outcome_network_decline_code,
    charge.outcome.advice_code as outcome_advice_code,
    id_of(charge.balance_transaction) as balance_transaction_id,
    id_of(charge.payment_method) as payment_method_id,
    charge.payment_method_details.type as payment_method_type,
    charge.payment_method_details.card.brand as card_brand,
    charge.payment_method_details.card.network as card_network,
    charge.payment_method_details.card.country as card_country,
    charge.payment_method_details.card.funding as card_funding,
    charge.payment_method_details.card.exp_month as card_exp_month,
    charge.payment_method_details.card.exp_year as card_exp_year,
    charge.description,
    charge.created as created_at,
    charge.metadata
from (
    select account_id, id, json_transform(payload, '{
        "customer": "VARCHAR",
        "payment_intent": "VARCHAR",
        "amount": "VARCHAR",
        "amount_captured": "VARCHAR",
        "amount_refunded": "VARCHAR",
        "currency": "VARCHAR",
        "status": "VARCHAR",
        "paid": "VARCHAR",
        "captured": "VARCHAR",
        "refunded": "VARCHAR",
        "disputed": "VARCHAR",
        "failure_code": "VARCHAR",
        "failure_message": "VARCHAR",
        "outcome": {
            "type": "VARCHAR",
            "reason": "VARCHAR",
            "network_status": "VARCHAR",
            "network_decline_code": "VARCHAR",
            "advice_code": "VARCHAR"
        },
        "balance_transaction": "VARCHAR",
        "payment_method": "VARCHAR",
        "payment_method_details": {
            "type": "VARCHAR",
            "card": {
                "brand": "VARCHAR",
                "network": "VARCHAR",
                "country": "VARCHAR",
                "funding": "VARCHAR",
                "exp_month": "VARCHAR",
                "exp_year": "VARCHAR"
            }
        },
        "description": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as charge
    from current_charges
    where not deleted
)
