select
    account_id,
    id,
    id_of(discount.source.coupon) as coupon_id,
    id_of(discount.promotion_code) as promotion_code_id,
    id_of(discount.customer) as customer_id,
    discount.subscription as subscription_id,
    discount.subscription_item as subscription_item_id,
    discount.invoice as invoice_id,
    discount.invoice_item as invoice_item_id,
    discount."start" as start_at,
    discount."end" as end_at
from (
    select account_id, id, json_transform(discount, '{
        "source": {"coupon": "VARCHAR"},
        "promotion_code": "VARCHAR",
        "customer": "VARCHAR",
        "subscription": "VARCHAR",
        "subscription_item": "VARCHAR",
        "invoice": "VARCHAR",
        "invoice_item": "VARCHAR",
        "start": "VARCHAR",
        "end": "VARCHAR"
    }') as discount
    from carried_discounts
)
