insert into raw.{table}
    (account_id, id, version_hash, changed_at, seen_at, seen_by, api_version, deleted, seq, payload)
with
base as (
    select coalesce(max(seq), 0) as seq from raw.{table}
)
select
    $account_id, new.id, new.version_hash, new.changed_at, new.seen_at, new.seen_by,
    $api_version, new.deleted, base.seq + new.place, new.payload
from new
cross join base
