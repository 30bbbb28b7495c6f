-- What is left out is noted once, with the newest instant at which it is known to have changed.
merge into pipeline.left_out as noted
using (
    select $account_id as account_id, stream, id, any_value(test_clock) as test_clock, max(changed_at) as changed_at
    from left_now
    group by stream, id
) as newly using (account_id, stream, id)
when matched then update set changed_at = greatest(noted.changed_at, newly.changed_at)
when not matched then insert by name
