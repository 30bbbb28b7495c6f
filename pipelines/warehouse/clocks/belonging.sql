-- Objects of which any version names, by id or whole, what is on a clock: whoever was put on one stays there.
insert into on_clocks
select distinct held.account_id, '{stream}', held.id
from raw.{stream} as held
semi join on_clocks as named
    on named.stream = '{parent}'
    and named.account_id = held.account_id
    and named.id = coalesce(held.payload ->> '$.{field}.id', held.payload ->> '$.{field}')
