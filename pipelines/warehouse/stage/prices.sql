-- Inline prices are in no list: they are known from the subscription items that use them alone.
with used as (
    select account_id, seen_at, unnest(subscription."items".data).price as price
    from (
        select account_id, seen_at, json_transform(payload, '{
            "items": {"data": [{"price": "VARCHAR"}]}
        }') as subscription
        from current_subscriptions
        where not deleted
    )
),
candidates as (
    select account_id, id, deleted, payload::varchar as payload, seen_at, json_exists(payload, '$.type')::int * 2 as rank
    from current_prices
    union all
    select account_id, json_extract_string(price, '$.id'), null, price, seen_at, 1
    from used
    where starts_with(price, '{')
),
best as (
    select
        account_id,
        id,
        coalesce(bool_and(deleted), false) as deleted,
        arg_max(payload, (rank, seen_at)) as payload
    from candidates
    group by account_id, id
)
select
    account_id,
    id,
    id_of(price.product) as product_id,
    price.active,
    price.currency,
    price.type,
    price.billing_scheme,
    price.unit_amount,
    price.unit_amount_decimal,
    price.recurring.interval as recurring_interval,
    price.recurring.interval_count as recurring_interval_count,
    price.recurring.usage_type as recurring_usage_type,
    price.tiers_mode,
    price.tiers,
    price.transform_quantity.divide_by as transform_quantity_divide_by,
    price.transform_quantity.round as transform_quantity_round,
    price.tax_behavior,
    price.nickname,
    price.lookup_key,
    price.custom_unit_amount is not null as custom_unit_amount,
    price.currency_options,
    price.created as created_at,
    deleted,
    price.metadata
from (
    select account_id, id, deleted, json_transform(payload, '{
        "product": "VARCHAR",
        "active": "VARCHAR",
        "currency": "VARCHAR",
        "type": "VARCHAR",
        "billing_scheme": "VARCHAR",
        "unit_amount": "VARCHAR",
        "unit_amount_decimal": "VARCHAR",
        "recurring": {"interval": "VARCHAR", "interval_count": "VARCHAR", "usage_type": "VARCHAR"},
        "tiers_mode": "VARCHAR",
        "tiers": [{"up_to": "VARCHAR", "unit_amount_decimal": "VARCHAR", "flat_amount_decimal": "VARCHAR"}],
        "transform_quantity": {"divide_by": "VARCHAR", "round": "VARCHAR"},
        "tax_behavior": "VARCHAR",
        "nickname": "VARCHAR",
        "lookup_key": "VARCHAR",
        "custom_unit_amount": "VARCHAR",
        "currency_options": "VARCHAR",
        "created": "VARCHAR",
        "metadata": "VARCHAR"
    }') as price
    from best -- of the shape of those from current_prices
)
