-- Other payments of the customer that went through and were neither disputed nor refunded, the oldest first; whether the
-- same card paid, by its fingerprint.
select
    charges.id as charge_id,
    charges.created_at as at,
    charges.amount,
    charges.currency,
    coalesce(methods.card_fingerprint = paid_by.card_fingerprint, false) as same_card
from staging.charges as charges
left join staging.payment_methods as methods
    on methods.account_id = charges.account_id and methods.id = charges.payment_method_id
left join staging.payment_methods as paid_by
    on paid_by.account_id = charges.account_id and paid_by.id = $payment_method
where charges.account_id = $account
    and charges.customer_id = $customer
    and charges.id <> $charge
    and charges.status = 'succeeded'
    and not coalesce(charges.disputed, false)
    and coalesce(charges.amount_refunded, 0) = 0
order by charges.created_at, charges.id
