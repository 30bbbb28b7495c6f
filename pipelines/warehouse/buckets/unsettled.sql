-- Families with a subscription that waits for money, or an invoice that is a draft.
select bucket
from staging.subscriptions as named
inner join of_subscriptions as owned on owned.account_id = named.account_id and owned.id = named.id
where named.status in ('past_due', 'unpaid', 'incomplete')
union
select bucket
from staging.invoices as named
inner join of_invoices as owned on owned.account_id = named.account_id and owned.id = named.id
where named.status = 'draft'
