-- A discount has no list of its own: it is gathered from whatever carries it in full, in any version that we hold of
-- subscriptions and customers. Where several do, what is on the subscription or the customer says more than the copy on
-- an invoice, and the newest counts. Its coupon is kept in full where any copy has it so.
create or replace temp table carried_discounts as
with carried as (
    select account_id, seen_at, 3 as rank, unnest(list_concat(
        carrier.discounts,
        flatten(list_transform(carrier."items".data, lambda item: item.discounts))
    )) as discount
    from (
        select account_id, seen_at, json_transform(payload, '{
            "discounts": ["VARCHAR"],
            "items": {"data": [{"discounts": ["VARCHAR"]}]}
        }') as carrier
        from versions_subscriptions
    )
    union all
    select account_id, seen_at, 2, carrier.discount
    from (
        select account_id, seen_at, json_transform(payload, '{
            "discount": "VARCHAR"
        }') as carrier
        from versions_customers
    )
    union all
    select account_id, seen_at, 1, unnest(list_concat(
        carrier.discounts,
        flatten(list_transform(carrier.lines.data, lambda line: line.discounts))
    ))
    from (
        select account_id, seen_at, json_transform(payload, '{
            "discounts": ["VARCHAR"],
            "lines": {"data": [{"discounts": ["VARCHAR"]}]}
        }') as carrier
        from current_invoices
        where not deleted
    )
),
parsed as (
    select
        account_id,
        seen_at,
        rank,
        discount,
        json_transform(discount, '{"id": "VARCHAR", "source": {"coupon": "VARCHAR"}}') as head
    from carried
    where starts_with(discount, '{')
)
select
    account_id,
    head.id as id,
    arg_max(discount, (rank, seen_at)) as discount,
    arg_max(head.source.coupon, seen_at) filter (starts_with(head.source.coupon, '{')) as coupon
from parsed
group by account_id, head.id
