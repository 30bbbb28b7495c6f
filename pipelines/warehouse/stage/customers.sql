select
    account_id,
    id,
    case when not deleted then customer.name end as name,
    case when not deleted then customer.email end as email,
    case when not deleted then customer.phone end as phone,
    customer.currency,
    customer.balance,
    customer.delinquent,
    customer.address.country as address_country,
    customer.tax_exempt,
    id_of(customer.invoice_settings.default_payment_method) as default_payment_method_id,
    id_of(customer.default_source) as default_source_id,
    customer.created as created_at,
    deleted,
    customer.metadata,
    id_of(customer.test_clock) as test_clock_id
from (
    select account_id, id, deleted, json_transform(payload, '{
        "name": "VARCHAR",
        "email": "VARCHAR",
        "phone": "VARCHAR",
        "currency": "VARCHAR",
        "balance": "VARCHAR",
        "delinquent": "VARCHAR",
        "address": {"country": "VARCHAR"},
        "tax_exempt": "VARCHAR",
        "invoice_settings": {"default_payment_method": "VARCHAR"},
        "default_source": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR",
        "test_clock": "VARCHAR"
    }') as customer
    from current_customers
)
