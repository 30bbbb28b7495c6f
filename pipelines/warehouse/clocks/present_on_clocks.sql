select id
from (
    select id, arg_max(deleted, seq) as deleted
    from raw.{stream}
    where account_id = $account_id
        and id in (select id from on_clocks where stream = '{stream}' and account_id = $account_id)
    group by id
)
where not deleted
order by id
