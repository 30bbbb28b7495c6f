-- What was left out is on its clock, held or not: others may refer to it.
insert into on_clocks
select account_id, stream, id from pipeline.left_out
