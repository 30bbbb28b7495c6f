-- Every version of every object of the stream that we hold, but of what is set aside because it lives on a test clock.
create or replace temp view versions_{stream} as
select account_id, id, version_hash, changed_at, seen_at, seen_by, deleted, seq, payload
from raw.{stream}
anti join (select account_id, id from on_clocks where stream = '{stream}') as aside using (account_id, id)
