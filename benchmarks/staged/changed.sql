-- A new version of every hundredth customer, in whatever order their ids have.
create schema if not exists raw;
create or replace table raw.customers as
select account_id, id, row_number() over () as seq
from (select account_id, id, ntile(100) over (order by md5(id)) as hundredth from staging.customers)
where hundredth = 1;
