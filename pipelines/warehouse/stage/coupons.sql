-- A coupon that was deleted before the first load is in no list: it lives on inside the discounts made with it alone.
with candidates as (
    select account_id, id, deleted, payload::varchar as payload, json_exists(payload, '$.duration')::int * 2 as rank
    from current_coupons
    union all
    select account_id, json_extract_string(coupon, '$.id'), true, coupon, 1
    from carried_discounts
    where coupon is not null
),
best as (
    select account_id, id, bool_and(deleted) as deleted, arg_max(payload, rank) as payload
    from candidates
    group by account_id, id
)
select
    account_id,
    id,
    coupon.name,
    coupon.percent_off,
    coupon.amount_off,
    coupon.currency,
    coupon.duration,
    coupon.duration_in_months,
    coupon.applies_to.products as applies_to_products,
    coupon.currency_options,
    coupon.valid,
    coupon.created as created_at,
    deleted
from (
    select account_id, id, deleted, json_transform(payload, '{
        "name": "VARCHAR",
        "percent_off": "VARCHAR",
        "amount_off": "VARCHAR",
        "currency": "VARCHAR",
        "duration": "VARCHAR",
        "duration_in_months": "VARCHAR",
        "applies_to": {"products": ["VARCHAR"]},
        "currency_options": "VARCHAR",
        "valid": "VARCHAR",
        "created": "VARCHAR"
    }') as coupon
    from best -- of the shape of those from current_coupons
)
