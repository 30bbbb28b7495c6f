insert into staging.customers by name
select
    'acct_bench' as account_id, customer_id as id, 'Customer ' || n::varchar as name,
    n::varchar || '@example.com' as email, currency, 0 as balance, false as delinquent,
    ['US', 'DE', 'GB', 'FR', 'NL', 'CA', 'AU', 'SE'][1 + draw(n, 'country') % 8] as address_country,
    started_at as created_at, false as deleted
from lives;

insert into staging.subscriptions by name
select
    'acct_bench' as account_id, subscription_id as id, customer_id,
    case
        when ended_at is not null then 'canceled'
        when has_trial and billed_from > timestamp '2026-01-01' then 'trialing'
        else 'active'
    end as status,
    currency, 'charge_automatically' as collection_method, started_at as created_at, started_at as start_at,
    case when has_trial then started_at end as trial_start_at, case when has_trial then billed_from end as trial_end_at,
    false as cancel_at_period_end,
    ended_at - case when has_trial and gives_up then interval 3 day else interval 5 day end as canceled_at, ended_at,
    case
        when ended_at is null then null
        when leaves_unpaid and most_periods > 1 then 'payment_failed'
        else 'cancellation_requested'
    end as cancellation_reason,
    case
        when ended_at is not null
            then ['too_expensive', 'missing_features', 'switched_service', 'unused', null][1 + draw(n, 'why') % 5]
    end as cancellation_feedback,
    case when coupon is not null then [discount_id] else [] end as discounts
from lives;

insert into staging.subscription_items by name
select
    'acct_bench' as account_id, subscription_item_id as id, items.subscription_id,
    price(case when is_over then later_plan else plan end, billed_by, currency) as price_id,
    case when is_over then later_quantity else quantity end as quantity, item as position, started_at as created_at,
    [] as discounts
from (
    select items.*, changes.n is not null and item = 0 as is_over
    from items
    left join (select distinct n from changes) as changes using (n)
) as items
inner join lives using (n);

insert into staging.subscription_versions by name
select
    account_id, subscriptions.id as subscription_id, 1 as seq, timestamp '2026-01-01' as valid_from_at,
    timestamp '2026-01-01' as seen_at, 'list' as seen_by, false as deleted, customer_id, status, currency,
    subscriptions.created_at, start_at, trial_start_at, trial_end_at, cancel_at_period_end, canceled_at, ended_at, held.items
from staging.subscriptions
inner join (
    select
        subscription_id,
        list({'id': id, 'price_id': price_id, 'quantity': quantity, 'position': position, 'discounts': []} order by position)
            as items
    from staging.subscription_items
    where subscription_id in (select subscription_id from lives)
    group by subscription_id
) as held on held.subscription_id = subscriptions.id;

insert into staging.discounts by name
select 'acct_bench' as account_id, discount_id as id, coupon as coupon_id, customer_id, subscription_id, started_at as start_at
from lives
where coupon is not null;

insert into staging.invoices by name
select
    'acct_bench' as account_id, invoice_id as id, customer_id, subscription_id, status,
    case when period = -1 then 'subscription_create' else 'subscription_cycle' end as billing_reason,
    'charge_automatically' as collection_method, currency, subtotal, total, total as total_excluding_tax, total as amount_due,
    case when status = 'paid' then total else 0 end as amount_paid,
    case when status = 'paid' then 0 else total end as amount_remaining,
    case when total = 0 then 0 when is_unpaid then 4 when fails_first then 2 else 1 end as attempt_count,
    true as attempted, starts_at as created_at, starts_at as period_start_at, ends_at as period_end_at,
    least(starts_at + interval 1 hour, timestamp '2026-01-01') as finalized_at,
    case when status = 'paid' then paid_at end as paid_at,
    case when is_unpaid then least(starts_at + interval 14 day, timestamp '2026-01-01') end as marked_uncollectible_at,
    case when coupon is not null then [discount_id] else [] end as discounts, 0 as total_tax
from totals;

insert into staging.invoice_lines by name
select
    'acct_bench' as account_id, id, invoice_id, position, subscription_id, subscription_item_id, invoice_item_id, price_id,
    product_id, amount, amount as subtotal, currency, quantity, proration, period_start_at, period_end_at,
    true as discountable, [] as discounts,
    case when off > 0 then [{'amount': off, 'discount_id': discount_id}] else [] end as discount_amounts, [] as taxes,
    quantity::varchar || ' × seat' as description
from lines;

insert into staging.invoice_items by name
select
    'acct_bench' as account_id, invoice_item_id as id, periods.invoice_id, changes.customer_id, changes.subscription_id,
    subscription_item_id, price(plan_then, billed_by, changes.currency) as price_id, product(plan_then) as product_id,
    amount, changes.currency, quantity_then as quantity, true as proration, changed_at as period_start_at,
    changes.ends_at as period_end_at, changed_at as created_at,
    case when changes.kind = 'credit' then 'Unused time' else 'Remaining time' end as description
from changes
left join periods on periods.n = changes.n and periods.period = changes.billed_in;

insert into staging.invoice_payments by name
select
    'acct_bench' as account_id, code('inpay', payment_intent_id) as id, invoice_id,
    case when status = 'paid' then 'paid' else 'open' end as status,
    case when status = 'paid' then total end as amount_paid, total as amount_requested, currency,
    'payment_intent' as payment_type, payment_intent_id, true as is_default, starts_at as created_at,
    case when status = 'paid' then paid_at end as paid_at
from totals
where total > 0 and starts_at + interval 1 hour < timestamp '2026-01-01';

insert into staging.charges by name
select
    'acct_bench' as account_id, charge_id as id, customer_id, payment_intent_id, total as amount,
    case when succeeds then total else 0 end as amount_captured, case when is_refunded then total else 0 end as amount_refunded,
    currency, case when succeeds then 'succeeded' else 'failed' end as status, succeeds as paid, succeeds as captured,
    is_refunded as refunded, is_disputed as disputed, case when not succeeds then 'card_declined' end as failure_code,
    case when succeeds then 'authorized' else 'issuer_declined' end as outcome_type,
    case when not succeeds then ['insufficient_funds', 'generic_decline', 'expired_card'][1 + luck % 3] end as outcome_reason,
    balance_transaction_id, 'card' as payment_method_type,
    ['visa', 'mastercard', 'amex'][1 + draw(n, 'card') % 3] as card_brand, card_brand as card_network, 'US' as card_country,
    'Subscription update' as description, tried_at as created_at
from attempts;

insert into staging.refunds by name
select
    'acct_bench' as account_id, code('re', charge_id) as id, charge_id, payment_intent_id, customer_id, total as amount,
    currency, 'succeeded' as status, 'requested_by_customer' as reason, code('txn', 're' || charge_id) as balance_transaction_id,
    least(tried_at + interval 5 day, timestamp '2026-01-01') as created_at
from attempts
where is_refunded;

insert into staging.disputes by name
select
    'acct_bench' as account_id, code('du', charge_id) as id, charge_id, payment_intent_id, total as amount, currency,
    'fraudulent' as reason, case when luck % 2 = 0 then 'won' else 'lost' end as status, 'visa' as card_network,
    least(tried_at + interval 20 day, timestamp '2026-01-01') as created_at
from attempts
where is_disputed;

insert into staging.balance_transactions by name
with moved as (
    select
        balance_transaction_id as id, total as amount, fee(total) as fee, currency, 'charge' as reporting_category,
        charge_id as source_id, tried_at as created_at
    from attempts
    where succeeds
    union all
    select
        code('txn', 're' || charge_id), -total, 0, currency, 'refund', code('re', charge_id),
        least(tried_at + interval 5 day, timestamp '2026-01-01')
    from attempts
    where is_refunded
    union all
    select
        code('txn', 'du' || charge_id), -total, 1500, currency, 'dispute', code('du', charge_id),
        least(tried_at + interval 20 day, timestamp '2026-01-01')
    from attempts
    where is_disputed
)
select
    'acct_bench' as account_id, *, amount - fee as net, reporting_category as type, 'available' as status,
    created_at as available_at
from moved;
