-- Subscriptions that wait for money, and invoices that are drafts.
select 'subscription' as kind, account_id, id from staging.subscriptions
where status in ('past_due', 'unpaid', 'incomplete')
union all
select 'invoice' as kind, account_id, id from staging.invoices where status = 'draft'
