insert into on_clocks
select distinct account_id, 'test_clocks', coalesce(payload ->> '$.test_clock.id', payload ->> '$.test_clock')
from raw.{stream}
where payload ->> '$.test_clock' is not null
