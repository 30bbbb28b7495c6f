-- The bucket of a customer, or of whatever stands for one: the same in every process and version.
create or replace temp macro bucket_of(account_id, owner) as
    (('0x' || left(md5(account_id || chr(31) || owner), 8))::bigint % {count})::uinteger;
