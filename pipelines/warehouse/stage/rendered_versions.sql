-- Every version of every object of the stream that we hold, those of older API versions as the pinned one shows them,
-- but of what is set aside because it lives on a test clock.
create or replace temp view versions_{stream} as
select
    raw.account_id,
    raw.id,
    raw.version_hash,
    raw.changed_at,
    raw.seen_at,
    raw.seen_by,
    raw.deleted,
    raw.seq,
    coalesce(renditions.payload, raw.payload) as payload
from raw.{stream} as raw
left join (select seq, payload from pipeline.renditions where stream = '{stream}') as renditions using (seq)
anti join (select account_id, id from on_clocks where stream = '{stream}') as aside using (account_id, id)
