select
    movement_type,
    coalesce(sum(mrr_delta_reporting), 0) as delta,
    count(distinct (account_id, customer_id)) as customers
from mrr_movements
where moved_on between $first and $last
group by all
