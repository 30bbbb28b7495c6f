select
    account_id,
    id,
    id_of(review.charge) as charge_id,
    id_of(review.payment_intent) as payment_intent_id,
    review.open,
    review.opened_reason,
    review.closed_reason,
    review.created as created_at
from (
    select account_id, id, json_transform(payload, '{
        "charge": "VARCHAR",
        "payment_intent": "VARCHAR",
        "open": "VARCHAR",
        "opened_reason": "VARCHAR",
        "closed_reason": "VARCHAR",
        "created": "VARCHAR"
    }') as review
    from current_reviews
    where not deleted
)
