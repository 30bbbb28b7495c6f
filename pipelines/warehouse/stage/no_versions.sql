-- Stands in for a stream that was never read.
create or replace temp view versions_{stream} as
select
    null::varchar as account_id,
    null::varchar as id,
    null::varchar as version_hash,
    null::timestamptz as changed_at,
    null::timestamptz as seen_at,
    null::varchar as seen_by,
    null::boolean as deleted,
    null::bigint as seq,
    null::json as payload
where false
