-- One row a customer: when it began, what it pays by, how long it stays. `draw(n, salt)` is a number from 0 to 999.
create temp table lives as
with drawn as (
    select
        n,
        timestamp '2026-01-01' - to_seconds((hash(n, 'start') % (60 * 30 * 86400))::bigint) as started_at,
        case when draw(n, 'interval') < 850 then 'month' else 'year' end as billed_by,
        case when draw(n, 'currency') < 700 then 'usd' when draw(n, 'currency') < 900 then 'eur' else 'gbp' end as currency,
        draw(n, 'trial') < 150 as has_trial,
        draw(n, 'tried') < 250 as gives_up,
        greatest(1, ceil(ln((draw(n, 'life') + 0.5) / 1000) / ln(case when billed_by = 'month' then 0.985 else 0.8 end)))::bigint
            as billed_periods,
        case when draw(n, 'items') < 450 then 1 when draw(n, 'items') < 800 then 2 else 3 end as items,
        case
            when draw(n, 'coupon') < 80 then 'TWENTY'
            when draw(n, 'coupon') < 130 then 'LAUNCH'
            when draw(n, 'coupon') < 150 then 'FIVER'
        end as coupon,
        case when draw(n, 'change') < 300 then draw(n, 'when') % 18 end as changed_in,
        draw(n, 'upgrade') < 400 as changes_plan,
        draw(n, 'unpaid') < 250 as leaves_unpaid
    from range(?::bigint, ?::bigint) as numbers (n)
),
dated as (
    select
        *,
        case when billed_by = 'month' then 1 else 12 end as months,
        case when has_trial then started_at + interval 14 day else started_at end as billed_from
    from drawn
)
select
    *,
    code('cus', n) as customer_id,
    code('sub', n) as subscription_id,
    case when coupon is not null then code('di', n) end as discount_id,
    case
        when has_trial and gives_up then billed_from
        else billed_from + to_months((billed_periods * months)::integer)
    end as leaves_at,
    case when leaves_at <= timestamp '2026-01-01' then leaves_at end as ended_at,
    case when has_trial and gives_up then 0 else billed_periods end as most_periods
from dated;
