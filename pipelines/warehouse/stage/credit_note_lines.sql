with notes as (
    select account_id, id, json_transform(payload, '{
        "currency": "VARCHAR",
        "lines": {"data": [{
            "id": "VARCHAR",
            "type": "VARCHAR",
            "invoice_line_item": "VARCHAR",
            "amount": "VARCHAR",
            "discount_amount": "VARCHAR",
            "quantity": "VARCHAR",
            "unit_amount_decimal": "VARCHAR",
            "taxes": [{"amount": "VARCHAR", "tax_behavior": "VARCHAR", "tax_rate_details": {"tax_rate": "VARCHAR"}}],
            "description": "VARCHAR"
        }]}
    }') as note
    from current_credit_notes
    where not deleted
),
listed as (
    select
        account_id,
        id as credit_note_id,
        note.currency,
        unnest(note.lines.data) as line,
        generate_subscripts(note.lines.data, 1) - 1 as position
    from notes
)
select
    account_id,
    line.id,
    credit_note_id,
    position,
    line.type,
    line.invoice_line_item as invoice_line_id,
    line.amount,
    line.discount_amount,
    currency,
    line.quantity,
    line.unit_amount_decimal,
    list_transform(line.taxes, lambda part: {
        'amount': part.amount,
        'tax_behavior': part.tax_behavior,
        'tax_rate_id': id_of(part.tax_rate_details.tax_rate)
    }) as taxes,
    line.description
from listed
