-- Every version of every object of the stream that we hold.
create or replace temp view versions_{stream} as
select account_id, id, version_hash, changed_at, seen_at, seen_by, deleted, seq, payload
from raw.{stream}
