insert into staging.accounts by name
select 'acct_bench' as account_id, 'acct_bench' as id, 'US' as country, 'usd' as default_currency, 'America/New_York' as timezone;

insert into staging.products by name
select 'acct_bench' as account_id, product(plan) as id, 'Product ' || plan::varchar as name, true as active, false as deleted
from range(8) as plans (plan);

insert into staging.prices by name
select
    'acct_bench' as account_id, price(plan, billed_by, currency) as id, product(plan) as product_id, true as active, currency,
    'recurring' as type, 'per_unit' as billing_scheme, unit_amount(plan, billed_by) as unit_amount,
    unit_amount(plan, billed_by) as unit_amount_decimal, billed_by as recurring_interval, 1 as recurring_interval_count,
    'licensed' as recurring_usage_type, 'unspecified' as tax_behavior, false as deleted
from range(8) as plans (plan), unnest(['month', 'year']) as intervals (billed_by), unnest(['usd', 'eur', 'gbp']) as money (currency);

insert into staging.coupons by name
select 'acct_bench' as account_id, *, true as valid, false as deleted
from (
    values
    ('TWENTY', 20::decimal(38, 12), null, null, 'forever', null),
    ('LAUNCH', 50, null, null, 'repeating', 3),
    ('FIVER', null, 500, 'usd', 'forever', null)
) as held (id, percent_off, amount_off, currency, duration, duration_in_months);
