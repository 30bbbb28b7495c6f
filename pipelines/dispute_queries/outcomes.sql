-- What became of disputes, by reason; won over decided.
select
    coalesce(reason, 'none') as reason,
    count(*) filter (outcome = 'won') as won,
    count(*) filter (outcome = 'lost') as lost,
    count(*) filter (outcome = 'open') as open,
    count(*) filter (outcome = 'inquiry') as inquiries,
    count(*) filter (outcome = 'prevented') as prevented,
    count(*) filter (outcome = 'won') / nullif(count(*) filter (outcome in ('won', 'lost')), 0) as win_rate
from marts.disputes
group by all
order by won + lost desc, reason
