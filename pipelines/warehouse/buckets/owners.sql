-- The bucket of each object: its customer's; of what names no customer, that of what it hangs on, so that whatever is
-- looked at together lies in one bucket. Stripe names the same customer on an invoice, its subscription and its charges.
create or replace temp table of_subscriptions as
select account_id, id, bucket_of(account_id, coalesce(customer_id, id)) as bucket from staging.subscriptions;

create or replace temp table of_schedules as
select
    schedules.account_id, schedules.id,
    coalesce(
        subscriptions.bucket, bucket_of(schedules.account_id, coalesce(schedules.customer_id, schedules.id))
    ) as bucket
from staging.subscription_schedules as schedules
left join of_subscriptions as subscriptions
    on subscriptions.account_id = schedules.account_id and subscriptions.id = schedules.subscription_id;

create or replace temp table of_invoices as
select
    invoices.account_id, invoices.id,
    coalesce(
        bucket_of(invoices.account_id, invoices.customer_id), subscriptions.bucket,
        bucket_of(invoices.account_id, invoices.id)
    ) as bucket
from staging.invoices
left join of_subscriptions as subscriptions
    on subscriptions.account_id = invoices.account_id and subscriptions.id = invoices.subscription_id;

create or replace temp table of_credit_notes as
select
    notes.account_id, notes.id,
    coalesce(
        invoices.bucket, bucket_of(notes.account_id, coalesce(notes.customer_id, notes.invoice_id, ''))
    ) as bucket
from staging.credit_notes as notes
left join of_invoices as invoices on invoices.account_id = notes.account_id and invoices.id = notes.invoice_id;

create or replace temp table of_guests as
with guests as (
    select account_id, id, payment_intent_id from staging.charges where customer_id is null
),
named as (
    select guests.account_id, guests.id, invoices.bucket
    from guests
    inner join staging.invoice_payments as payments
        on payments.account_id = guests.account_id and payments.payment_intent_id = guests.payment_intent_id
    inner join of_invoices as invoices
        on invoices.account_id = payments.account_id and invoices.id = payments.invoice_id
    union all
    select guests.account_id, guests.id, invoices.bucket
    from guests
    inner join staging.invoice_payments as payments
        on payments.account_id = guests.account_id and payments.charge_id = guests.id
    inner join of_invoices as invoices
        on invoices.account_id = payments.account_id and invoices.id = payments.invoice_id
    union all
    select guests.account_id, guests.id, bucket_of(refunds.account_id, refunds.customer_id)
    from guests
    inner join staging.refunds as refunds on refunds.account_id = guests.account_id and refunds.charge_id = guests.id
    where refunds.customer_id is not null
)
select account_id, id, min(bucket) as bucket from named group by account_id, id;

create or replace temp table of_charges as
select
    charges.account_id, charges.id, charges.payment_intent_id, charges.balance_transaction_id,
    coalesce(
        bucket_of(charges.account_id, charges.customer_id), guests.bucket,
        bucket_of(charges.account_id, coalesce(charges.payment_intent_id, charges.id))
    ) as bucket
from staging.charges as charges
left join of_guests as guests on guests.account_id = charges.account_id and guests.id = charges.id;

create or replace temp table of_refunds as
select
    refunds.account_id, refunds.id, refunds.balance_transaction_id,
    coalesce(
        charges.bucket, bucket_of(refunds.account_id, coalesce(refunds.customer_id, refunds.charge_id, refunds.id))
    ) as bucket
from staging.refunds as refunds
left join of_charges as charges on charges.account_id = refunds.account_id and charges.id = refunds.charge_id;

create or replace temp table of_disputes as
select
    disputes.account_id, disputes.id,
    coalesce(charges.bucket, bucket_of(disputes.account_id, coalesce(disputes.charge_id, disputes.id))) as bucket
from staging.disputes as disputes
left join of_charges as charges on charges.account_id = disputes.account_id and charges.id = disputes.charge_id;

-- Payments of invoices that are not held go by the charges that they name.
create or replace temp table of_strays as
with strays as (
    select account_id, id, payment_intent_id, charge_id from staging.invoice_payments as payments
    anti join of_invoices on of_invoices.account_id = payments.account_id and of_invoices.id = payments.invoice_id
),
named as (
    select strays.account_id, strays.id, charges.bucket
    from strays
    inner join of_charges as charges
        on charges.account_id = strays.account_id and charges.payment_intent_id = strays.payment_intent_id
    union all
    select strays.account_id, strays.id, charges.bucket
    from strays
    inner join of_charges as charges on charges.account_id = strays.account_id and charges.id = strays.charge_id
)
select account_id, id, min(bucket) as bucket from named group by account_id, id;

-- Payment intents without a customer go by what was charged for them, else by the invoice that they pay.
create or replace temp table of_nameless_intents as
with nameless as (
    select account_id, id from staging.payment_intents where customer_id is null
),
charged as (
    select nameless.account_id, nameless.id, min(charges.bucket) as bucket
    from nameless
    inner join of_charges as charges
        on charges.account_id = nameless.account_id and charges.payment_intent_id = nameless.id
    group by nameless.account_id, nameless.id
),
billed as (
    select nameless.account_id, nameless.id, min(invoices.bucket) as bucket
    from nameless
    inner join staging.invoice_payments as payments
        on payments.account_id = nameless.account_id and payments.payment_intent_id = nameless.id
    inner join of_invoices as invoices
        on invoices.account_id = payments.account_id and invoices.id = payments.invoice_id
    group by nameless.account_id, nameless.id
)
select account_id, id, coalesce(charged.bucket, billed.bucket) as bucket
from charged full join billed using (account_id, id);

-- Balance transactions whose source tells nothing go by what names them; those of payouts are the account's own.
create or replace temp table of_sources as
select account_id, id, bucket from of_charges
union all
select account_id, id, bucket from of_refunds
union all
select account_id, id, bucket from of_disputes;

create or replace temp table of_sourceless as
with sourceless as (
    select account_id, id from staging.balance_transactions as transactions
    anti join of_sources on of_sources.account_id = transactions.account_id and of_sources.id = transactions.source_id
),
named as (
    select account_id, balance_transaction_id as id, bucket_of(account_id, '') as bucket from staging.payouts
    union all
    select account_id, failure_balance_transaction_id, bucket_of(account_id, '') from staging.payouts
    union all
    select account_id, balance_transaction_id, bucket from of_charges
    union all
    select account_id, balance_transaction_id, bucket from of_refunds
)
select sourceless.account_id, sourceless.id, min(named.bucket) as bucket
from sourceless
inner join named on named.account_id = sourceless.account_id and named.id = sourceless.id
group by sourceless.account_id, sourceless.id;
