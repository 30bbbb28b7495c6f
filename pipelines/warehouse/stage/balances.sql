with balances as (
    select account_id, seen_at, json_transform(payload, '{
        "available": [{"amount": "VARCHAR", "currency": "VARCHAR"}],
        "pending": [{"amount": "VARCHAR", "currency": "VARCHAR"}]
    }') as balance
    from current_balances
    where not deleted
),
parts as (
    select account_id, seen_at, 'available' as kind, unnest(balance.available) as part from balances
    union all
    select account_id, seen_at, 'pending', unnest(balance.pending) from balances
)
select
    account_id,
    part.currency as currency,
    any_value(part.amount) filter (kind = 'available') as available,
    any_value(part.amount) filter (kind = 'pending') as pending,
    max(seen_at) as seen_at
from parts
group by account_id, part.currency
