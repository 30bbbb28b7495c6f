-- What is in another currency than one and may count from an instant on: a subscription that had not ended by then, or
-- was paid for beyond it, or an invoice that asks for money.
select 'subscription' as kind, named.account_id, named.id
from staging.subscriptions as named
left join (
    select account_id, subscription_id, max(current_period_end_at) as paid_to from staging.subscription_items group by all
) as items on items.account_id = named.account_id and items.subscription_id = named.id
where lower(named.currency) <> $currency and (named.ended_at is null or greatest(named.ended_at, items.paid_to) >= $since)
union all
select 'invoice' as kind, account_id, id from staging.invoices
where lower(currency) <> $currency and status in ('open', 'draft')
