-- The same ledger by hand: lines to states, states to stretches, stretches to changes, changes to MRR by month.
-- Left out are customers with a coupon of an amount, whose items share it: that takes more than a window.
with sharing as (
    select distinct discounts.customer_id
    from staging.discounts
    inner join staging.coupons on coupons.id = discounts.coupon_id
    where coupons.amount_off is not null
),
percent as (
    select invoices.id as invoice_id, 100 - coalesce(coupons.percent_off, 0)::bigint as kept
    from staging.invoices
    left join staging.discounts on discounts.id = invoices.discounts[1]
    left join staging.coupons on coupons.id = discounts.coupon_id
),
states as (
    select subscription_item_id as item, subscription_id, price_id, quantity, period_start_at as starts_at, period_end_at as until,
        kept, 0 as kind
    from staging.invoice_lines
    inner join percent using (invoice_id)
    where not proration
    union all
    select subscription_item_id, subscription_id, price_id, quantity, period_start_at, period_end_at, null, 1
    from staging.invoice_items
    where proration and amount >= 0
),
told as (
    select states.*, subscriptions.customer_id, subscriptions.currency, subscriptions.ended_at, subscriptions.trial_end_at
    from states
    inner join staging.subscriptions on subscriptions.id = states.subscription_id
    where subscriptions.customer_id not in (select customer_id from sharing)
    qualify row_number() over (partition by item, starts_at order by kind) = 1
),
carried as (
    select
        *,
        last_value(kept ignore nulls) over in_order as kept_percent,
        lead(starts_at) over in_order as next_at
    from told
    window in_order as (partition by item order by starts_at)
),
stretches as (
    select
        item, customer_id, carried.currency, starts_at,
        case
            when next_at < until or next_at <= until + interval 7 day then next_at
            when next_at is null and ended_at <= until + interval 7 day then ended_at
            when next_at is null and ended_at is null then null
            else until
        end as ends_at,
        round_even(
            quantity * prices.unit_amount * kept_percent * 10000
            / (case when prices.recurring_interval = 'year' then 12.0 else 1.0 end), 0
        )::bigint as worth
    from carried
    inner join staging.prices on prices.id = carried.price_id
    where trial_end_at is null or starts_at >= trial_end_at
),
steps as (
    select
        *,
        case when lag(ends_at) over in_order = starts_at then lag(worth) over in_order else 0 end as worth_before,
        coalesce(lead(starts_at) over in_order = ends_at, false) as goes_on
    from stretches
    window in_order as (partition by item order by starts_at)
),
changes as (
    select customer_id, currency, starts_at as changed_at, worth - worth_before as delta from steps where worth <> worth_before
    union all
    select customer_id, currency, ends_at, -worth from steps where ends_at is not null and not goes_on and worth <> 0
)
select currency, date_trunc('month', timezone('America/New_York', changed_at))::date as month, sum(delta)::bigint as moved
from changes
where changed_at <= timestamptz '2026-01-01 00:00:00+00'
group by all
order by all
