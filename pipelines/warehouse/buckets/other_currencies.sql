-- Families with something in another currency than one that may count from an instant on: a subscription that had not
-- ended by then, or was paid for beyond it, or an invoice that asks for money.
select owned.bucket
from staging.subscriptions as named
inner join of_subscriptions as owned on owned.account_id = named.account_id and owned.id = named.id
left join (
    select account_id, subscription_id, max(current_period_end_at) as paid_to from staging.subscription_items group by all
) as items on items.account_id = named.account_id and items.subscription_id = named.id
where lower(named.currency) <> $currency and (named.ended_at is null or greatest(named.ended_at, items.paid_to) >= $since)
union
select owned.bucket
from staging.invoices as named
inner join of_invoices as owned on owned.account_id = named.account_id and owned.id = named.id
where lower(named.currency) <> $currency and named.status in ('open', 'draft')
