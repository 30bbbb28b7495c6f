-- The items of each customer's subscription, its billed periods, and what of each item each period bills.
create temp table items as
select
    n,
    item,
    lives.customer_id,
    lives.subscription_id,
    code('si', n * 4 + item) as subscription_item_id,
    1 + draw(n * 4 + item, 'quantity') % 12 as quantity,
    case when item = 0 then draw(n, 'plan') % 4 else 4 + (draw(n, 'addon') + item) % 4 end as plan,
    case when item = 0 and changes_plan then (draw(n, 'plan') + 1) % 4 else plan end as later_plan,
    case when item = 0 and changed_in is not null then quantity + 1 + draw(n, 'more') % 5 else quantity end as later_quantity
from lives, unnest(range(lives.items)) as numbered (item);

create temp table periods as
select
    n,
    period,
    code('in', n * 128 + period + 1) as invoice_id,
    code('pi', n * 128 + period + 1) as payment_intent_id,
    case when period < 0 then started_at else billed_from + to_months((period * months)::integer) end as starts_at,
    case when period < 0 then billed_from else billed_from + to_months(((period + 1) * months)::integer) end as ends_at,
    draw(n * 128 + period + 1, 'paid') as luck,
    ended_at is not null and leaves_unpaid and period = most_periods - 1 and period > 0 as is_unpaid,
    case
        when coupon = 'TWENTY' or (coupon = 'LAUNCH' and period < 3) or coupon = 'FIVER' then coupon
    end as coupon,
    discount_id,
    lives.currency,
    lives.customer_id,
    lives.subscription_id
from lives, unnest(range(case when has_trial then -1 else 0 end, most_periods)) as numbered (period)
where starts_at < timestamp '2026-01-01';

create temp table regular as
select
    periods.*,
    items.item,
    items.subscription_item_id,
    coalesce(period > lives.changed_in, false) as is_later,
    case when is_later then later_quantity else quantity end as quantity_now,
    case when is_later then later_plan else plan end as plan_now,
    lives.billed_by,
    case when period < 0 then 0 else quantity_now * unit_amount(plan_now, lives.billed_by) end as amount
from periods
inner join items using (n)
inner join lives using (n);

create temp table changes as
select
    lives.n,
    period,
    period + 1 as billed_in,
    periods.starts_at + (periods.ends_at - periods.starts_at) / 3 as changed_at,
    periods.ends_at,
    items.subscription_item_id,
    lives.customer_id,
    lives.subscription_id,
    lives.currency,
    lives.billed_by,
    unnest(['credit', 'debit']) as kind,
    case when kind = 'credit' then quantity else later_quantity end as quantity_then,
    case when kind = 'credit' then plan else later_plan end as plan_then,
    case when kind = 'credit' then -1 else 1 end
    * (quantity_then * unit_amount(plan_then, lives.billed_by) * 2 // 3) as amount,
    code('ii', lives.n * 2 + case when kind = 'credit' then 0 else 1 end) as invoice_item_id
from lives
inner join periods on periods.n = lives.n and periods.period = lives.changed_in
inner join items on items.n = lives.n and items.item = 0
where changed_at < timestamp '2026-01-01' and changed_in + 1 < most_periods;
