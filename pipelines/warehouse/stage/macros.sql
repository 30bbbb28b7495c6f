-- Words that the staging queries share.

-- The id of a reference, whether Stripe sent the id alone or the whole object.
create or replace temp macro id_of(reference) as
    case when starts_with(reference, '{') then json_extract_string(reference, '$.id') else reference end;

create or replace temp macro ids_of(reference_list) as
    list_transform(reference_list, lambda reference: id_of(reference));

-- A moment from Stripe's seconds since 1970; null where that is no whole number between the years 1 and 9999.
create or replace temp macro instant_of(seconds) as
    case
        when try_cast(seconds as bigint) between -62135596800 and 253402300799 and not contains(seconds, '.')
            then to_timestamp(try_cast(seconds as bigint))
    end;
