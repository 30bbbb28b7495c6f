create or replace temp macro draw(n, salt) as (hash(n, salt) % 1000)::bigint;

create or replace temp macro code(kind, n) as kind || '_' || left(md5(kind || n::varchar), 24);

-- Four plans and four add-ons, monthly in minor units; a year costs ten months.
create or replace temp macro unit_amount(plan, billed_by) as
    [1900, 4900, 9900, 29900, 300, 500, 900, 2500][plan + 1] * case when billed_by = 'year' then 10 else 1 end;

create or replace temp macro price(plan, billed_by, currency) as 'price_' || billed_by || '_' || currency || '_' || plan::varchar;

create or replace temp macro product(plan) as 'prod_' || plan::varchar;

-- What a line's coupon takes off: a fifth, a half, or five units of money off the first line.
create or replace temp macro taken_off(coupon, item, amount) as
    case
        when coupon = 'TWENTY' then amount // 5
        when coupon = 'LAUNCH' then amount // 2
        when coupon = 'FIVER' and item = 0 then least(amount, 500)
        else 0
    end;

create or replace temp macro fee(amount) as case when amount = 0 then 0 else amount * 29 // 1000 + 30 end;
