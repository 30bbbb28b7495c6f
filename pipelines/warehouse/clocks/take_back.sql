delete from pipeline.left_out
where account_id = $account_id and test_clock in (select unnest($clocks::varchar[]))
returning stream, id, changed_at
