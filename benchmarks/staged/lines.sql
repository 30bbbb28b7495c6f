create temp table lines as
with told as (
    select
        code('il', n * 512 + (period + 1) * 4 + item) as id,
        invoice_id,
        item as position,
        subscription_id,
        subscription_item_id,
        null::varchar as invoice_item_id,
        price(plan_now, billed_by, currency) as price_id,
        product(plan_now) as product_id,
        amount,
        currency,
        quantity_now as quantity,
        false as proration,
        starts_at as period_start_at,
        ends_at as period_end_at,
        discount_id,
        coupon,
        item
    from regular
    union all
    select
        code('il', 'p' || invoice_item_id),
        periods.invoice_id,
        4 + (changes.kind = 'debit')::bigint,
        changes.subscription_id,
        changes.subscription_item_id,
        changes.invoice_item_id,
        price(plan_then, billed_by, changes.currency),
        product(plan_then),
        amount,
        changes.currency,
        quantity_then,
        true,
        changed_at,
        changes.ends_at,
        null,
        null,
        null
    from changes
    inner join periods on periods.n = changes.n and periods.period = changes.billed_in
)
select *, coalesce(taken_off(coupon, item, amount), 0) as off from told;

create temp table totals as
select
    periods.*,
    sum(lines.amount)::bigint as subtotal,
    sum(lines.amount - lines.off)::bigint as total,
    case
        when is_unpaid then 'uncollectible'
        else 'paid'
    end as status,
    is_unpaid or luck < 60 as fails_first,
    least(starts_at + interval 1 hour + case when luck < 60 then interval 3 day else interval 0 day end, timestamp '2026-01-01') as paid_at
from periods
inner join lines using (invoice_id)
group by all;

-- Every attempt to charge an invoice: one, or after a failure another, or four in vain.
create temp table attempts as
select
    totals.*,
    attempt,
    attempt = tries - 1 and not is_unpaid as succeeds,
    starts_at + interval 1 hour + to_days((attempt * 3)::integer) as tried_at,
    code('ch', payment_intent_id || attempt::varchar) as charge_id,
    case when succeeds then code('txn', payment_intent_id) end as balance_transaction_id,
    succeeds and draw(payment_intent_id, 'refund') < 10 as is_refunded,
    succeeds and draw(payment_intent_id, 'dispute') < 2 as is_disputed
from (
    select *, case when is_unpaid then 4 when luck < 60 then 2 else 1 end as tries from totals where total > 0
) as totals, unnest(range(tries)) as numbered (attempt)
where tried_at < timestamp '2026-01-01';
