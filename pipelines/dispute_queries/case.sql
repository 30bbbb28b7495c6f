-- A dispute with its charge, customer, invoice and subscription, as far as they are held.
select
    disputes.account_id,
    disputes.id as dispute_id,
    disputes.reason,
    disputes.status,
    disputes.evidence_due_at,
    charges.id as charge_id,
    charges.amount,
    charges.currency,
    charges.created_at as paid_at,
    charges.payment_method_id,
    customers.id as customer_id,
    customers.name,
    customers.email,
    customers.address_country as country,
    customers.created_at as customer_since,
    invoices.id as invoice_id,
    invoices.number as invoice_number,
    subscriptions.start_at as subscribed_since,
    subscriptions.canceled_at
from staging.disputes as disputes
inner join staging.charges as charges
    on charges.account_id = disputes.account_id and charges.id = disputes.charge_id
left join staging.customers as customers
    on customers.account_id = charges.account_id and customers.id = charges.customer_id
left join staging.invoice_payments as payments
    on payments.account_id = charges.account_id
    and (payments.charge_id = charges.id or payments.payment_intent_id = charges.payment_intent_id)
left join staging.invoices as invoices
    on invoices.account_id = payments.account_id and invoices.id = payments.invoice_id
left join staging.subscriptions as subscriptions
    on subscriptions.account_id = invoices.account_id and subscriptions.id = invoices.subscription_id
where disputes.id = $dispute
order by payments.status = 'paid' desc nulls last, invoices.id
limit 1
