-- The same figure from the ledger that the models made, of the same customers.
select currency, date_trunc('month', changed_on)::date as month, (sum(mrr_delta) * 1000000)::bigint as moved
from marts.mrr_changes
where
    customer_id not in (
        select discounts.customer_id
        from staging.discounts
        inner join staging.coupons on coupons.id = discounts.coupon_id
        where coupons.amount_off is not null
    )
group by all
having moved <> 0
order by all
