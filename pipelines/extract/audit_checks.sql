with counted as (
    select account_id, check_name, table_name, failing_rows, blocking, checked_at, detail
    from pipeline.extraction_checks
    where check_name = 'row_counts_equal_stripe'
),
said as (
    select
        account_id,
        'raw.' || stream as table_name,
        words,
        count(*) as times,
        bool_or(left_out) as left_out,
        max(seen_at) as seen_at,
        min(nullif(id, '')) as example
    from pipeline.oddities
    group by all
),
odd as (
    select
        account_id,
        table_name,
        sum(times) as times,
        bool_or(left_out) as left_out,
        max(seen_at) as seen_at,
        string_agg(
            words || ': ' || format('{:,}', times) || coalesce(', such as ' || example, ''), '; ' order by words
        ) as detail
    from said
    group by all
),
understood as (
    select
        account_id,
        'objects_are_understood' as check_name,
        table_name,
        coalesce(odd.times, 0) as failing_rows,
        coalesce(odd.left_out, false) as blocking,
        coalesce(odd.seen_at, counted.checked_at) as checked_at,
        odd.detail
    from counted
    full join odd using (account_id, table_name)
)
select
    account_id,
    check_name,
    table_name,
    failing_rows = 0 as passed,
    failing_rows::bigint as failing_rows,
    if(blocking, 'blocking', 'warning') as severity,
    checked_at,
    detail
from (from counted union all from understood)
order by account_id, table_name, check_name
