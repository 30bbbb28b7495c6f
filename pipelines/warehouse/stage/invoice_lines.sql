with invoices as (
    select account_id, id, json_transform(payload, '{
        "lines": {"data": [{
            "id": "VARCHAR",
            "subscription": "VARCHAR",
            "parent": {
                "subscription_item_details": {
                    "subscription": "VARCHAR",
                    "subscription_item": "VARCHAR",
                    "invoice_item": "VARCHAR",
                    "proration": "VARCHAR"
                },
                "invoice_item_details": {"subscription": "VARCHAR", "invoice_item": "VARCHAR", "proration": "VARCHAR"}
            },
            "pricing": {
                "unit_amount_decimal": "VARCHAR",
                "price_details": {"price": "VARCHAR", "product": "VARCHAR"}
            },
            "amount": "VARCHAR",
            "subtotal": "VARCHAR",
            "currency": "VARCHAR",
            "quantity": "VARCHAR",
            "period": {"start": "VARCHAR", "end": "VARCHAR"},
            "discountable": "VARCHAR",
            "discounts": ["VARCHAR"],
            "discount_amounts": [{"amount": "VARCHAR", "discount": "VARCHAR"}],
            "taxes": [{"amount": "VARCHAR", "tax_behavior": "VARCHAR", "tax_rate_details": {"tax_rate": "VARCHAR"}}],
            "description": "VARCHAR"
        }]}
    }') as invoice
    from current_invoices
    where not deleted
),
listed as (
    select
        account_id,
        id as invoice_id,
        unnest(invoice.lines.data) as line,
        generate_subscripts(invoice.lines.data, 1) - 1 as position
    from invoices
),
told as (
    select
        account_id,
        invoice_id,
        position,
        line,
        line.parent.subscription_item_details as of_item,
        line.parent.invoice_item_details as of_invoice_item
    from listed
)
select
    account_id,
    line.id,
    invoice_id,
    position,
    coalesce(of_item.subscription, of_invoice_item.subscription, id_of(line.subscription)) as subscription_id,
    of_item.subscription_item as subscription_item_id,
    coalesce(of_item.invoice_item, of_invoice_item.invoice_item) as invoice_item_id,
    id_of(line.pricing.price_details.price) as price_id,
    id_of(line.pricing.price_details.product) as product_id,
    line.pricing.unit_amount_decimal,
    line.amount,
    line.subtotal,
    line.currency,
    line.quantity,
    coalesce(of_item.proration, of_invoice_item.proration) as proration,
    line.period."start" as period_start_at,
    line.period."end" as period_end_at,
    line.discountable,
    ids_of(line.discounts) as discounts,
    list_transform(line.discount_amounts, lambda part: {
        'amount': part.amount,
        'discount_id': id_of(part.discount)
    }) as discount_amounts,
    list_transform(line.taxes, lambda part: {
        'amount': part.amount,
        'tax_behavior': part.tax_behavior,
        'tax_rate_id': id_of(part.tax_rate_details.tax_rate)
    }) as taxes,
    line.description
from told
