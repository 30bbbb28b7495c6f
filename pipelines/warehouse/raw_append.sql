insert into raw.{table}
    (account_id, id, version_hash, changed_at, seen_at, seen_by, api_version, deleted, seq, payload)
with
held as (
    select id, arg_max(version_hash, seq) as version_hash
    from raw.{table}
    where {nothing_held} and account_id = $account_id and id in (select id from arriving)
    group by id
),
following as (
    select *, lag(version_hash) over (partition by id order by place) as version_before from arriving
),
base as (
    select coalesce(max(seq), 0) as seq from raw.{table}
)
select
    $account_id, following.id, following.version_hash, following.changed_at, following.seen_at, following.seen_by,
    $api_version, following.deleted, base.seq + following.place, following.payload
from following
cross join base
left join held using (id)
where following.version_hash is distinct from coalesce(following.version_before, held.version_hash)
order by following.place
