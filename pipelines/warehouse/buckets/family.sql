-- The family of a customer, or of whatever stands for one: the same in every connection of one process, and hardly two
-- share one.
create or replace temp macro bucket_of(account_id, owner) as
    if(account_id is null or owner is null, null, (hash(account_id, owner) % 4294967296)::uinteger)
