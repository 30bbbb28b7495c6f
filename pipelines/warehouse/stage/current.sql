-- One row an object: its newest version, and whether that says it was deleted. A deletion notice holds nothing but the
-- id, so a deleted object keeps the payload that was last seen in full.
create or replace temp view current_{stream} as
with newest as (
    select
        account_id,
        id,
        arg_max(deleted, (seen_at, seq)) as deleted,
        coalesce(
            arg_max(seq, (seen_at, seq)) filter (not deleted),
            arg_max(seq, (seen_at, seq))
        ) as seq
    from versions_{stream}
    group by account_id, id
)
select
    versions.account_id,
    versions.id,
    versions.seen_at,
    newest.deleted,
    versions.payload
from versions_{stream} as versions
inner join newest using (seq)
