select
    account_id,
    id,
    id_of(item.invoice) as invoice_id,
    id_of(item.customer) as customer_id,
    id_of(item.parent.subscription_details.subscription) as subscription_id,
    item.parent.subscription_details.subscription_item as subscription_item_id,
    id_of(item.pricing.price_details.price) as price_id,
    id_of(item.pricing.price_details.product) as product_id,
    item.pricing.unit_amount_decimal,
    item.amount,
    item.currency,
    item.quantity,
    item.proration,
    item.period."start" as period_start_at,
    item.period."end" as period_end_at,
    item.date as created_at,
    item.description
from (
    select account_id, id, json_transform(payload, '{
        "invoice": "VARCHAR",
        "customer": "VARCHAR",
        "parent": {"subscription_details": {"subscription": "VARCHAR", "subscription_item": "VARCHAR"}},
        "pricing": {"price_details": {"price": "VARCHAR", "product": "VARCHAR"}, "unit_amount_decimal": "VARCHAR"},
        "amount": "VARCHAR",
        "currency": "VARCHAR",
        "quantity": "VARCHAR",
        "proration": "VARCHAR",
        "period": {"start": "VARCHAR", "end": "VARCHAR"},
        "date": "VARCHAR",
        "description": "VARCHAR"
    }') as item
    from current_invoice_items
    where not deleted
)
