insert into on_clocks
select account_id, 'test_clocks', id
from raw.test_clocks
group by account_id, id
having arg_max(deleted, seq)
