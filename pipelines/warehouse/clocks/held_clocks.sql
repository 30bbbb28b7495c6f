insert into on_clocks
select account_id, 'test_clocks', id
from (
    select account_id, id, arg_max(deleted, seq) as deleted
    from raw.test_clocks
    group by account_id, id
)
where {which}
