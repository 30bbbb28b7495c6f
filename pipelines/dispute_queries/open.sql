-- Disputes that wait for evidence, the first due first, and as of when that is known.
select
    disputes.id as dispute_id,
    disputes.reason,
    disputes.amount,
    disputes.currency,
    disputes.status,
    disputes.evidence_due_at as due_at,
    (select max(as_of) from marts.publication) as as_of
from staging.disputes as disputes
where disputes.status in ('needs_response', 'warning_needs_response', 'appeal_needs_response')
order by disputes.evidence_due_at nulls last, disputes.id
