select 'failed' as what, count(*) as count, coalesce(sum(failed_amount_reporting), 0)::bigint as amount
from payment_failures
where failed_on between $first and $last
union all
select 'recovered', count(*), coalesce(sum(amount_due_reporting), 0)::bigint
from payment_failures
where outcome = 'recovered' and timezone($zone, recovered_at)::date between $first and $last
union all
select 'refunded', count(*), coalesce(sum(amount_reporting), 0)::bigint
from refunds
where refunded_on between $first and $last and coalesce(status, '') not in ('failed', 'canceled')
union all
select 'disputed', count(*), coalesce(sum(amount_reporting), 0)::bigint
from disputes
where disputed_on between $first and $last
union all
select 'disputes_open', count(*), coalesce(sum(amount_reporting), 0)::bigint
from disputes
where outcome = 'open'
