"""The staged tables, schema `staging`: one typed table a Stripe object, current state, one row an object.

The object's own id is `id`, references are `<object>_id`, Stripe's timestamps `<what>_at`; everything else keeps
Stripe's name. Only keys are sure to be there: Stripe sends surprises, and what does not fit a column is null and
reported. Where in the payload a column comes from is said in the staging SQL, not here.
"""

import dataframely as dy

from models.contracts.table import Table, count, exact, flag, instant, money, number, structs, text, texts

ACCOUNT = "Stripe account the object belongs to"
CURRENCY = "ISO currency of the row's amounts, lower case"
CREATED = "When the object was created"
DELETED = "True where Stripe says it was deleted; the other columns then hold what was last known"
METADATA = "The account's own key-value pairs, as JSON text"
CUSTOMER = "Customer"
SUBSCRIPTION = "Subscription"
INVOICE = "Invoice"
PRICE = "Price"
DISCOUNTS = "Ids of the discounts, in the order they apply"
CURRENCY_OPTIONS = "Amounts in further currencies by currency, as JSON text; null where not asked for or none"


class Staged(Table):
    """A table made of one Stripe object."""

    schema_name = "staging"
    account_id = text(ACCOUNT, key=True)


class Accounts(Staged):
    """One Stripe account that is read."""

    table_name = "accounts"
    id = text("Stripe account id", key=True)
    country = text("ISO country of the account", nullable=True)
    default_currency = text("Currency the account settles in where nothing else is said", nullable=True)
    timezone = text("IANA time zone of the account's dashboard", nullable=True)
    display_name = text("Name shown in the dashboard", nullable=True)


class Customers(Staged):
    """One customer, deleted ones included."""

    table_name = "customers"
    id = text("Stripe customer id", key=True)
    name = text("Name; null where deleted", nullable=True)
    email = text("E-mail; null where deleted", nullable=True)
    phone = text("Telephone; null where deleted", nullable=True)
    currency = text("Currency of the customer's balance and invoices", nullable=True)
    balance = money("Credit (negative) or debt (positive) carried to the next invoice", nullable=True)
    delinquent = flag("True where the latest charge or invoice is overdue", nullable=True)
    address_country = text("ISO country of the address", nullable=True)
    tax_exempt = text("none, exempt or reverse", nullable=True)
    default_payment_method_id = text("Payment method that its invoices are charged to", nullable=True)
    default_source_id = text("Older kind of the same: a card or source", nullable=True)
    created_at = instant(CREATED, nullable=True)
    deleted = flag(DELETED)
    metadata = text(METADATA, nullable=True)
    test_clock_id = text("Test clock the customer lives on, in test mode", nullable=True)


class Products(Staged):
    """One product, deleted ones included."""

    table_name = "products"
    id = text("Stripe product id", key=True)
    name = text("Name", nullable=True)
    active = flag("True where it can be bought", nullable=True)
    description = text("What it is", nullable=True)
    created_at = instant(CREATED, nullable=True)
    deleted = flag(DELETED)
    metadata = text(METADATA, nullable=True)


TIER = {
    "up_to": dy.Int64(nullable=True),
    "unit_amount_decimal": dy.Decimal(38, 12, nullable=True),
    "flat_amount_decimal": dy.Decimal(38, 12, nullable=True),
}


class Prices(Staged):
    """One price: every listed one, deleted ones included, and every one seen inside a subscription item."""

    table_name = "prices"
    id = text("Stripe price id", key=True)
    product_id = text("Product that is priced", nullable=True)
    active = flag("True where it can be used for new purchases", nullable=True)
    currency = text("Currency of the price; further ones are in currency_options", nullable=True)
    type = text("recurring or one_time", nullable=True)
    billing_scheme = text("per_unit or tiered", nullable=True)
    unit_amount = money("Price of a unit; null where it is no whole number of minor units, or tiered", nullable=True)
    unit_amount_decimal = exact("Price of a unit in minor units, with decimals; null where tiered", nullable=True)
    recurring_interval = text("day, week, month or year; null where one_time", nullable=True)
    recurring_interval_count = number("How many intervals one billing period lasts", nullable=True)
    recurring_usage_type = text("licensed or metered", nullable=True)
    tiers_mode = text("graduated or volume, where tiered", nullable=True)
    tiers = structs(TIER, "Tiers in order: up to which quantity (null: no end), minor units a unit, minor units flat")
    transform_quantity_divide_by = number("Quantity is divided by this before pricing", nullable=True)
    transform_quantity_round = text("up or down: how that quotient is rounded", nullable=True)
    tax_behavior = text("inclusive, exclusive or unspecified", nullable=True)
    nickname = text("Name for the account's own use", nullable=True)
    lookup_key = text("Key the account finds the price by", nullable=True)
    custom_unit_amount = flag("True where the buyer names the amount", nullable=True)
    currency_options = text(CURRENCY_OPTIONS, nullable=True)
    created_at = instant(CREATED, nullable=True)
    deleted = flag(DELETED)
    metadata = text(METADATA, nullable=True)


class Coupons(Staged):
    """One coupon: every listed one, and every one seen inside a discount, deleted ones included."""

    table_name = "coupons"
    id = text("Stripe coupon id", key=True)
    name = text("Name shown to customers", nullable=True)
    percent_off = exact("Percent taken off, 0..100; null where an amount is", nullable=True)
    amount_off = money("Amount taken off an invoice; null where a percentage is", nullable=True)
    currency = text("Currency of amount_off", nullable=True)
    duration = text("forever, once or repeating", nullable=True)
    duration_in_months = number("For how many months a repeating one holds", nullable=True)
    applies_to_products = texts("Products it is restricted to; null where all or not asked for")
    currency_options = text(CURRENCY_OPTIONS, nullable=True)
    valid = flag("True where it can still be redeemed", nullable=True)
    created_at = instant(CREATED, nullable=True)
    deleted = flag(DELETED)


class Discounts(Staged):
    """One discount: a coupon applied, gathered from all versions of whatever carried it."""

    table_name = "discounts"
    id = text("Stripe discount id", key=True)
    coupon_id = text("Coupon that was applied", nullable=True)
    promotion_code_id = text("Promotion code it was redeemed by", nullable=True)
    customer_id = text("Customer who has it", nullable=True)
    subscription_id = text("Subscription it is on", nullable=True)
    subscription_item_id = text("Subscription item it is on", nullable=True)
    invoice_id = text("Invoice it is on, where on that invoice alone", nullable=True)
    invoice_item_id = text("Invoice item or line it is on, where on that one alone", nullable=True)
    start_at = instant("When it began", nullable=True)
    end_at = instant("When it ends; null where it does not, or after one use", nullable=True)


PENDING_ITEM: dict[str, dy.Column] = {
    "id": dy.String(nullable=True),
    "price_id": dy.String(nullable=True),
    "quantity": dy.Int64(nullable=True),
}


class Subscriptions(Staged):
    """One subscription as it stands now."""

    table_name = "subscriptions"
    id = text("Stripe subscription id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    status = text(
        "incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid or paused", nullable=True
    )
    currency = text("Currency it is billed in", nullable=True)
    collection_method = text("charge_automatically or send_invoice", nullable=True)
    days_until_due = count("Days that a sent invoice may be paid in", nullable=True)
    created_at = instant(CREATED, nullable=True)
    start_at = instant("When it began; earlier than created_at where backdated", nullable=True)
    trial_start_at = instant("Start of its trial", nullable=True)
    trial_end_at = instant("End of its trial", nullable=True)
    cancel_at = instant("When it is set to end", nullable=True)
    cancel_at_period_end = flag("True where it ends with the current period", nullable=True)
    canceled_at = instant("When its cancellation was asked for; it may run on until ended_at", nullable=True)
    ended_at = instant("When it ended", nullable=True)
    cancellation_reason = text("Why Stripe says it was canceled", nullable=True)
    cancellation_feedback = text("What the customer chose as reason", nullable=True)
    cancellation_comment = text("What the customer wrote", nullable=True)
    pause_collection_behavior = text(
        "keep_as_draft, mark_uncollectible or void, while collection is paused", nullable=True
    )
    pause_resumes_at = instant("When paused collection goes on by itself", nullable=True)
    paused_type = text("Why its status is paused", nullable=True)
    paused_at = instant("When its status became paused", nullable=True)
    billing_cycle_anchor_at = instant("Moment that fixes the billing dates", nullable=True)
    discounts = texts(DISCOUNTS)
    latest_invoice_id = text("Its newest invoice", nullable=True)
    default_payment_method_id = text("Payment method it is charged to", nullable=True)
    schedule_id = text("Subscription schedule that drives it", nullable=True)
    pending_update_expires_at = instant(
        "Until when a change waits for its payment; null where none does", nullable=True
    )
    pending_update_items = structs(PENDING_ITEM, "Items of the change that waits: id, price, units")
    billing_mode_type = text("classic or flexible: how prorations are made", nullable=True)
    metadata = text(METADATA, nullable=True)
    test_clock_id = text("Test clock it lives on, in test mode", nullable=True)


class SubscriptionItems(Staged):
    """One item of a subscription as it stands now."""

    table_name = "subscription_items"
    id = text("Stripe subscription item id", key=True)
    subscription_id = text("Subscription it belongs to", nullable=True)
    price_id = text(PRICE, nullable=True)
    quantity = count("Units; null where metered", nullable=True)
    position = number("Place within the subscription, from 0", nullable=True)
    created_at = instant(CREATED, nullable=True)
    current_period_start_at = instant("Start of the period now billed", nullable=True)
    current_period_end_at = instant("End of the period now billed", nullable=True)
    discounts = texts(DISCOUNTS)
    trial_start_at = instant("Start of the item's own trial", nullable=True)
    trial_end_at = instant("End of the item's own trial", nullable=True)
    metadata = text(METADATA, nullable=True)


VERSION_ITEM = {
    "id": dy.String(nullable=True),
    "price_id": dy.String(nullable=True),
    "quantity": dy.Int64(nullable=True),
    "position": dy.Int64(nullable=True),
    "discounts": dy.List(dy.String(nullable=True), nullable=True),
}


class SubscriptionVersions(Staged):
    """One version of a subscription that we hold, in force until the next one's valid_from_at."""

    table_name = "subscription_versions"
    subscription_id = text("Stripe subscription id", key=True)
    seq = number("Order in which versions arrived", key=True)
    version_hash = text("Hash of the version's payload", nullable=True)
    valid_from_at = instant("From when it held: the change Stripe told of, else when it was read", nullable=True)
    changed_at = instant("When Stripe said it changed; null where it was found by reading", nullable=True)
    seen_at = instant("When it was read", nullable=True)
    seen_by = text("How it was read: list, event, sweep, resync or import", nullable=True)
    deleted = flag("True where it was gone")
    customer_id = text(CUSTOMER, nullable=True)
    status = text("Status as in subscriptions", nullable=True)
    currency = text("Currency it is billed in", nullable=True)
    created_at = instant(CREATED, nullable=True)
    start_at = instant("When it began; earlier than created_at where backdated", nullable=True)
    trial_start_at = instant("Start of its trial", nullable=True)
    trial_end_at = instant("End of its trial", nullable=True)
    cancel_at = instant("When it is set to end", nullable=True)
    cancel_at_period_end = flag("True where it ends with the current period", nullable=True)
    canceled_at = instant("When its cancellation was asked for", nullable=True)
    ended_at = instant("When it ended", nullable=True)
    cancellation_reason = text("Why Stripe says it was canceled", nullable=True)
    cancellation_feedback = text("What the customer chose as reason", nullable=True)
    cancellation_comment = text("What the customer wrote", nullable=True)
    pause_collection_behavior = text(
        "keep_as_draft, mark_uncollectible or void, while collection is paused", nullable=True
    )
    pause_resumes_at = instant("When paused collection goes on by itself", nullable=True)
    paused_type = text("Why its status is paused", nullable=True)
    paused_at = instant("When its status became paused", nullable=True)
    billing_cycle_anchor_at = instant("Moment that fixes the billing dates", nullable=True)
    discounts = texts(DISCOUNTS)
    billing_mode_type = text("classic or flexible: how prorations are made", nullable=True)
    items = structs(VERSION_ITEM, "Its items in order: id, price, units, place from 0, discount ids in order")


class Invoices(Staged):
    """One invoice as it stands now."""

    table_name = "invoices"
    id = text("Stripe invoice id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    subscription_id = text("Subscription it bills; null where it bills none", nullable=True)
    status = text("draft, open, paid, uncollectible or void", nullable=True)
    billing_reason = text("Why it was made, such as subscription_create, subscription_cycle, manual", nullable=True)
    collection_method = text("charge_automatically or send_invoice", nullable=True)
    currency = text(CURRENCY, nullable=True)
    number = text("Number printed on it; null while a draft", nullable=True)
    subtotal = money("Lines before discounts and exclusive tax", nullable=True)
    total = money("After discounts and tax", nullable=True)
    total_excluding_tax = money("After discounts, without any tax", nullable=True)
    amount_due = money("Total less credit from the customer's balance", nullable=True)
    amount_paid = money("Paid so far", nullable=True)
    amount_remaining = money("Due and not paid", nullable=True)
    amount_shipping = money("Shipping, which no line tells", nullable=True)
    shipping_total = money("Shipping with its tax; null without shipping", nullable=True)
    attempt_count = count("Automatic payment attempts so far", nullable=True)
    attempted = flag("True where payment was attempted", nullable=True)
    auto_advance = flag("True where Stripe finalises and collects it by itself", nullable=True)
    next_payment_attempt_at = instant("When payment is attempted next", nullable=True)
    due_at = instant("When it is due, where it was sent", nullable=True)
    created_at = instant(CREATED, nullable=True)
    effective_at = instant("Date printed on it", nullable=True)
    period_start_at = instant("Start of the usage period; the lines say what they are for", nullable=True)
    period_end_at = instant("End of the usage period; the lines say what they are for", nullable=True)
    finalized_at = instant("When it was finalised", nullable=True)
    paid_at = instant("When it was paid", nullable=True)
    voided_at = instant("When it was voided", nullable=True)
    marked_uncollectible_at = instant("When it was given up", nullable=True)
    uncollectible_reason = text("Why it was given up", nullable=True)
    discounts = texts(DISCOUNTS)
    starting_balance = money("Customer's balance before it", nullable=True)
    ending_balance = money("Customer's balance after it; null while a draft", nullable=True)
    pre_payment_credit_notes_amount = money("Credit notes made before it was paid", nullable=True)
    post_payment_credit_notes_amount = money("Credit notes made after it was paid", nullable=True)
    total_tax = money("All tax, inclusive and exclusive", nullable=True)
    metadata = text(METADATA, nullable=True)


DISCOUNT_AMOUNT = {"amount": dy.Int64(nullable=True), "discount_id": dy.String(nullable=True)}
TAX = {
    "amount": dy.Int64(nullable=True),
    "tax_behavior": dy.String(nullable=True),
    "tax_rate_id": dy.String(nullable=True),
}


class InvoiceLines(Staged):
    """One line of an invoice as it stands now."""

    table_name = "invoice_lines"
    id = text("Stripe line id", key=True)
    invoice_id = text("Invoice it stands on", nullable=True)
    position = number("Place on the invoice, from 0", nullable=True)
    subscription_id = text("Subscription it bills", nullable=True)
    subscription_item_id = text(
        "Subscription item it bills; where invoice_item_id is given instead, that one says", nullable=True
    )
    invoice_item_id = text("Invoice item it was made from", nullable=True)
    price_id = text(PRICE, nullable=True)
    product_id = text("Product", nullable=True)
    unit_amount_decimal = exact("Price of a unit in minor units, with decimals", nullable=True)
    amount = money("Amount before discounts and exclusive tax", nullable=True)
    subtotal = money("Amount before discounts and all tax", nullable=True)
    currency = text(CURRENCY, nullable=True)
    quantity = count("Units", nullable=True)
    proration = flag("True where it settles a change within a period", nullable=True)
    period_start_at = instant("Start of what it is for", nullable=True)
    period_end_at = instant("End of what it is for", nullable=True)
    discountable = flag("True where discounts apply", nullable=True)
    discounts = texts(DISCOUNTS)
    discount_amounts = structs(DISCOUNT_AMOUNT, "What each discount took off, in minor units")
    taxes = structs(TAX, "What each tax amounts to, in minor units, and whether inclusive or exclusive")
    description = text("What the customer reads", nullable=True)


class InvoicePayments(Staged):
    """One payment towards an invoice."""

    table_name = "invoice_payments"
    id = text("Stripe invoice payment id", key=True)
    invoice_id = text("Invoice it pays", nullable=True)
    status = text("open, paid or canceled", nullable=True)
    amount_paid = money("Amount paid; null until paid", nullable=True)
    amount_requested = money("Amount asked for", nullable=True)
    currency = text(CURRENCY, nullable=True)
    payment_type = text("payment_intent, charge or payment_record", nullable=True)
    payment_intent_id = text("Payment intent that pays it", nullable=True)
    charge_id = text("Charge that pays it, where there is no payment intent", nullable=True)
    payment_record_id = text("Payment made outside Stripe", nullable=True)
    is_default = flag("True where Stripe made it with the invoice", nullable=True)
    created_at = instant(CREATED, nullable=True)
    paid_at = instant("When it was paid", nullable=True)


class InvoiceItems(Staged):
    """One invoice item: an amount waiting for, or drawn into, an invoice."""

    table_name = "invoice_items"
    id = text("Stripe invoice item id", key=True)
    invoice_id = text("Invoice it was drawn into; null while pending", nullable=True)
    customer_id = text(CUSTOMER, nullable=True)
    subscription_id = text("Subscription it settles a change of", nullable=True)
    subscription_item_id = text("Subscription item it settles a change of", nullable=True)
    price_id = text(PRICE, nullable=True)
    product_id = text("Product", nullable=True)
    unit_amount_decimal = exact("Price of a unit in minor units, with decimals", nullable=True)
    amount = money("Amount before discounts and exclusive tax", nullable=True)
    currency = text(CURRENCY, nullable=True)
    quantity = count("Units", nullable=True)
    proration = flag("True where it settles a change within a period", nullable=True)
    period_start_at = instant("Start of what it is for", nullable=True)
    period_end_at = instant("End of what it is for", nullable=True)
    created_at = instant("When the object was created; Stripe's `date`", nullable=True)
    description = text("What the customer reads", nullable=True)


class Charges(Staged):
    """One charge, failed ones included."""

    table_name = "charges"
    id = text("Stripe charge id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    payment_intent_id = text("Payment intent it is an attempt of", nullable=True)
    amount = money("Amount asked for", nullable=True)
    amount_captured = money("Amount captured", nullable=True)
    amount_refunded = money("Amount given back so far", nullable=True)
    currency = text(CURRENCY, nullable=True)
    status = text("succeeded, pending or failed", nullable=True)
    paid = flag("True where it succeeded or was authorised", nullable=True)
    captured = flag("True where it was captured", nullable=True)
    refunded = flag("True where all of it was given back", nullable=True)
    disputed = flag("True where it was disputed", nullable=True)
    failure_code = text("Stripe's error code of a failure", nullable=True)
    failure_message = text("Stripe's words for a failure", nullable=True)
    outcome_type = text("authorized, manual_review, issuer_declined, blocked or invalid", nullable=True)
    outcome_reason = text("Decline code, or why it was blocked", nullable=True)
    outcome_network_status = text("What the network did with it", nullable=True)
    outcome_network_decline_code = text("The network's own decline code", nullable=True)
    outcome_advice_code = text("What the issuer advises to do next", nullable=True)
    balance_transaction_id = text(
        "Balance transaction of the payment; null where it failed or is pending", nullable=True
    )
    payment_method_id = text("Payment method", nullable=True)
    payment_method_type = text("Type of payment method, such as card", nullable=True)
    card_brand = text("Brand of the card", nullable=True)
    card_network = text("Network the payment went over", nullable=True)
    card_country = text("ISO country of the card", nullable=True)
    card_funding = text("credit, debit, prepaid or unknown", nullable=True)
    card_exp_month = number("Month the card expires, 1..12", nullable=True)
    card_exp_year = number("Year the card expires", nullable=True)
    description = text("Description", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class Refunds(Staged):
    """One refund."""

    table_name = "refunds"
    id = text("Stripe refund id", key=True)
    charge_id = text("Charge that is given back", nullable=True)
    payment_intent_id = text("Payment intent of that charge", nullable=True)
    customer_id = text("Customer, where Stripe says so", nullable=True)
    amount = money("Amount given back", nullable=True)
    currency = text(CURRENCY, nullable=True)
    status = text("pending, requires_action, succeeded, failed or canceled", nullable=True)
    reason = text("duplicate, fraudulent, requested_by_customer or expired_uncaptured_charge", nullable=True)
    failure_reason = text("Why it failed", nullable=True)
    balance_transaction_id = text("Balance transaction that took the money out", nullable=True)
    created_at = instant(CREATED, nullable=True)


class Disputes(Staged):
    """One dispute, inquiries included."""

    table_name = "disputes"
    id = text("Stripe dispute id", key=True)
    charge_id = text("Charge that is disputed", nullable=True)
    payment_intent_id = text("Payment intent of that charge", nullable=True)
    amount = money("Amount disputed", nullable=True)
    currency = text(CURRENCY, nullable=True)
    reason = text("Why, in Stripe's words", nullable=True)
    status = text("Where it stands; warning_* are inquiries", nullable=True)
    network_reason_code = text("The network's own reason code", nullable=True)
    card_network = text("Card network", nullable=True)
    is_charge_refundable = flag("True where refunding would still end it", nullable=True)
    evidence_due_at = instant("When evidence is due", nullable=True)
    evidence_has_evidence = flag("True where evidence was put together", nullable=True)
    created_at = instant("When it was opened", nullable=True)


class BalanceTransactions(Staged):
    """One movement of the Stripe balance."""

    table_name = "balance_transactions"
    id = text("Stripe balance transaction id", key=True)
    amount = money("Gross amount, negative where money left, in the settlement currency", nullable=True)
    fee = money("Fee taken, positive, in the settlement currency", nullable=True)
    net = money("amount - fee", nullable=True)
    currency = text("Settlement currency", nullable=True)
    type = text("Stripe's type", nullable=True)
    reporting_category = text(
        "Stripe's category for accounting, such as charge, refund, dispute, fee, payout", nullable=True
    )
    status = text("available or pending", nullable=True)
    source_id = text("Object it came from: charge, refund, dispute, payout, ...", nullable=True)
    exchange_rate = exact(
        "Rate from the source's currency to the settlement currency; null where the same", nullable=True
    )
    created_at = instant(CREATED, nullable=True)
    available_at = instant("When the money can be paid out", nullable=True)
    description = text("Description", nullable=True)


class Payouts(Staged):
    """One payout to the bank."""

    table_name = "payouts"
    id = text("Stripe payout id", key=True)
    amount = money("Amount sent, positive; negative where taken from the bank", nullable=True)
    currency = text("Settlement currency", nullable=True)
    status = text("pending, in_transit, paid, failed or canceled", nullable=True)
    type = text("bank_account or card", nullable=True)
    method = text("standard or instant", nullable=True)
    automatic = flag("True where Stripe's schedule made it", nullable=True)
    arrival_at = instant("When it should arrive", nullable=True)
    balance_transaction_id = text("Balance transaction that took it out", nullable=True)
    failure_balance_transaction_id = text("Balance transaction that gave it back, where it failed", nullable=True)
    created_at = instant(CREATED, nullable=True)
    reconciliation_status = text("completed, in_progress or not_applicable", nullable=True)


class PayoutTransactions(Staged):
    """One balance transaction that an automatic payout carried; the payout's own is among them."""

    table_name = "payout_transactions"
    id = text("Payout id and balance transaction id, parted by a slash", key=True)
    payout_id = text("Payout that carried it")
    balance_transaction_id = text("The balance transaction")
    amount = money("Gross, in minor units of the settlement currency", nullable=True)
    fee = money("Fee taken from it, positive", nullable=True)
    net = money("amount - fee", nullable=True)
    currency = text("Settlement currency", nullable=True)
    reporting_category = text("Stripe's reporting category", nullable=True)
    source_id = text("What caused it: a charge, a refund, a dispute, a payout", nullable=True)
    created_at = instant(CREATED, nullable=True)


class CreditNotes(Staged):
    """One credit note on an invoice."""

    table_name = "credit_notes"
    id = text("Stripe credit note id", key=True)
    invoice_id = text(INVOICE, nullable=True)
    customer_id = text(CUSTOMER, nullable=True)
    amount = money("Amount credited, tax included", nullable=True)
    total = money("Total of its lines, discounts and tax included", nullable=True)
    total_excluding_tax = money("Total without tax", nullable=True)
    amount_shipping = money("Of it shipping, without its tax", nullable=True)
    currency = text(CURRENCY, nullable=True)
    status = text("issued or void", nullable=True)
    type = text("pre_payment, post_payment or mixed", nullable=True)
    reason = text("duplicate, fraudulent, order_change or product_unsatisfactory", nullable=True)
    created_at = instant(CREATED, nullable=True)
    voided_at = instant("When it was voided", nullable=True)
    refund_ids = texts("Refunds it was paid out by")


class TaxRates(Staged):
    """One tax rate."""

    table_name = "tax_rates"
    id = text("Stripe tax rate id", key=True)
    display_name = text("Name on invoices", nullable=True)
    percentage = exact("Rate in percent, 0..100", nullable=True)
    inclusive = flag("True where prices contain it", nullable=True)
    country = text("ISO country", nullable=True)
    active = flag("True where it can be used anew", nullable=True)
    created_at = instant(CREATED, nullable=True)


class Events(Staged):
    """One event: Stripe's notice that an object changed."""

    table_name = "events"
    id = text("Stripe event id", key=True)
    type = text("What happened, such as invoice.paid", nullable=True)
    object_id = text("Object it happened to", nullable=True)
    object_type = text("Type of that object", nullable=True)
    created_at = instant("When it happened", nullable=True)
    api_version = text("API version the event was rendered in", nullable=True)


class Balances(Staged):
    """The Stripe balance in one currency when last read."""

    table_name = "balances"
    currency = text("Settlement currency", key=True)
    available = money("Can be paid out now", nullable=True)
    pending = money("Not yet available", nullable=True)
    seen_at = instant("When it was read", nullable=True)


class SubscriptionSchedules(Staged):
    """One subscription schedule: changes of a subscription that are set already."""

    table_name = "subscription_schedules"
    id = text("Stripe id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    subscription_id = text("Subscription it drives, or drove until it was released", nullable=True)
    status = text("not_started, active, completed, released or canceled", nullable=True)
    end_behavior = text("release, cancel, none or renew: what comes after the last phase", nullable=True)
    current_phase_start_at = instant("Start of the phase now in force", nullable=True)
    current_phase_end_at = instant("End of the phase now in force", nullable=True)
    released_at = instant("When the subscription went on without it", nullable=True)
    canceled_at = instant("When it was canceled", nullable=True)
    completed_at = instant("When its last phase ended", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class SubscriptionScheduleItems(Staged):
    """One item of one phase of a subscription schedule."""

    table_name = "subscription_schedule_items"
    id = text("Schedule, phase and item, as schedule/0/0: Stripe gives it no id", key=True)
    subscription_schedule_id = text("Schedule", nullable=True)
    phase_position = number("Place of the phase, from 0", nullable=True)
    position = number("Place of the item within the phase, from 0", nullable=True)
    start_at = instant("Start of the phase", nullable=True)
    end_at = instant("End of the phase", nullable=True)
    trial_end_at = instant("End of the phase's trial", nullable=True)
    price_id = text(PRICE, nullable=True)
    quantity = count("Units", nullable=True)
    currency = text(CURRENCY, nullable=True)
    proration_behavior = text("always_invoice, create_prorations or none", nullable=True)
    phase_coupon_ids = texts("Coupons on the whole phase, in the order they apply")
    item_coupon_ids = texts("Coupons on the item, in the order they apply")


class CreditNoteLines(Staged):
    """One line of a credit note."""

    table_name = "credit_note_lines"
    id = text("Stripe line id", key=True)
    credit_note_id = text("Credit note it stands on", nullable=True)
    position = number("Place on the credit note, from 0", nullable=True)
    type = text("invoice_line_item or custom_line_item", nullable=True)
    invoice_line_id = text("Invoice line it credits", nullable=True)
    amount = money("Amount credited before discounts and exclusive tax", nullable=True)
    discount_amount = money("What discounts take off it", nullable=True)
    currency = text(CURRENCY, nullable=True)
    quantity = count("Units", nullable=True)
    unit_amount_decimal = exact("Amount of a unit in minor units, with decimals", nullable=True)
    taxes = structs(TAX, "What each tax amounts to, in minor units, and whether inclusive or exclusive")
    description = text("What the customer reads", nullable=True)


class TransferReversals(Staged):
    """One reversal of a transfer."""

    table_name = "transfer_reversals"
    id = text("Stripe id", key=True)
    transfer_id = text("Transfer that is taken back", nullable=True)
    amount = money("Amount taken back", nullable=True)
    currency = text(CURRENCY, nullable=True)
    balance_transaction_id = text("Balance transaction that brought it in", nullable=True)
    refund_id = text("Refund it goes with", nullable=True)
    created_at = instant(CREATED, nullable=True)


class ApplicationFeeRefunds(Staged):
    """One refund of an application fee."""

    table_name = "application_fee_refunds"
    id = text("Stripe id", key=True)
    application_fee_id = text("Application fee that is given back", nullable=True)
    amount = money("Amount given back", nullable=True)
    currency = text(CURRENCY, nullable=True)
    balance_transaction_id = text("Balance transaction that took it out", nullable=True)
    created_at = instant(CREATED, nullable=True)


class MeterEventSummaries(Staged):
    """What one customer used of one meter on one UTC day."""

    table_name = "meter_event_summaries"
    id = text("Customer, meter and start, as cus_1/mtr_1/1735689600: Stripe's own id does not last", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    meter_id = text("Meter", nullable=True)
    start_at = instant("Start of the day", nullable=True)
    end_at = instant("End of the day", nullable=True)
    aggregated_value = exact("Usage, by the meter's aggregation", nullable=True)


class PaymentIntents(Staged):
    """One payment intent: an amount to be collected, over all its attempts."""

    table_name = "payment_intents"
    id = text("Stripe id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    amount = money("Amount to be collected", nullable=True)
    amount_received = money("Amount collected so far", nullable=True)
    amount_capturable = money("Amount authorised and not yet captured", nullable=True)
    currency = text(CURRENCY, nullable=True)
    status = text(
        "requires_payment_method, requires_confirmation, requires_action, requires_capture, processing, canceled or "
        "succeeded",
        nullable=True,
    )
    cancellation_reason = text("Why it was canceled", nullable=True)
    canceled_at = instant("When it was canceled", nullable=True)
    latest_charge_id = text("Its newest attempt", nullable=True)
    payment_method_id = text("Payment method it is charged to", nullable=True)
    last_error_code = text("Stripe's error code of the newest failure", nullable=True)
    last_error_decline_code = text("Decline code of the newest failure", nullable=True)
    setup_future_usage = text("off_session or on_session, where the method is kept", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class PaymentMethods(Staged):
    """One payment method. Never a number: brand, last digits and expiry only."""

    table_name = "payment_methods"
    id = text("Stripe id", key=True)
    customer_id = text("Customer it is attached to; null where detached", nullable=True)
    type = text("card, sepa_debit, us_bank_account, link, ...", nullable=True)
    card_brand = text("Brand of the card", nullable=True)
    card_country = text("ISO country of the card", nullable=True)
    card_funding = text("credit, debit, prepaid or unknown", nullable=True)
    card_exp_month = number("Month the card expires, 1..12", nullable=True)
    card_exp_year = number("Year the card expires", nullable=True)
    card_last4 = text("Last four digits of the card", nullable=True)
    card_fingerprint = text("Same for the same card, within the account", nullable=True)
    card_wallet = text("Wallet the card is in, such as apple_pay", nullable=True)
    billing_country = text("ISO country of the billing address", nullable=True)
    allow_redisplay = text("always, limited or unspecified", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class CustomerBalanceTransactions(Staged):
    """One entry of a customer's credit balance."""

    table_name = "customer_balance_transactions"
    id = text("Stripe id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    amount = money("Change of the balance: negative is credit to the customer", nullable=True)
    ending_balance = money("The balance after it", nullable=True)
    currency = text(CURRENCY, nullable=True)
    type = text("adjustment, applied_to_invoice, credit_note, ...", nullable=True)
    invoice_id = text(INVOICE, nullable=True)
    credit_note_id = text("Credit note it came from", nullable=True)
    description = text("Description", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class PromotionCodes(Staged):
    """One promotion code: a word that redeems a coupon."""

    table_name = "promotion_codes"
    id = text("Stripe id", key=True)
    code = text("What the customer types", nullable=True)
    coupon_id = text("Coupon it redeems", nullable=True)
    customer_id = text("Customer it is kept for; null where anyone's", nullable=True)
    active = flag("True where it can be redeemed", nullable=True)
    max_redemptions = count("How often it can be redeemed; null without limit", nullable=True)
    times_redeemed = count("How often it was redeemed", nullable=True)
    first_time_transaction = flag("True where for new customers alone", nullable=True)
    expires_at = instant("When it expires", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class Meters(Staged):
    """One billing meter: how usage is counted."""

    table_name = "meters"
    id = text("Stripe id", key=True)
    display_name = text("Name", nullable=True)
    event_name = text("Name of the usage events it counts", nullable=True)
    aggregation = text("sum, count or last", nullable=True)
    status = text("active or inactive", nullable=True)
    deactivated_at = instant("When it was switched off", nullable=True)
    created_at = instant(CREATED, nullable=True)
    updated_at = instant("When it was last changed", nullable=True)


class CreditGrants(Staged):
    """One grant of billing credits to a customer."""

    table_name = "credit_grants"
    id = text("Stripe id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    name = text("Name", nullable=True)
    category = text("paid or promotional", nullable=True)
    amount = money("Amount granted", nullable=True)
    currency = text(CURRENCY, nullable=True)
    priority = number("Smaller ones are used first", nullable=True)
    effective_at = instant("From when it can be used", nullable=True)
    expires_at = instant("When it expires", nullable=True)
    voided_at = instant("When it was voided", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class Transfers(Staged):
    """One transfer to a connected account."""

    table_name = "transfers"
    id = text("Stripe id", key=True)
    destination_id = text("Connected account it went to", nullable=True)
    amount = money("Amount sent", nullable=True)
    amount_reversed = money("Amount taken back so far", nullable=True)
    currency = text(CURRENCY, nullable=True)
    reversed = flag("True where all of it was taken back", nullable=True)
    source_transaction_id = text("Charge whose money it is", nullable=True)
    balance_transaction_id = text("Balance transaction that took it out", nullable=True)
    transfer_group = text("Group the account put it in", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class ApplicationFees(Staged):
    """One fee that a platform took of a connected account's charge."""

    table_name = "application_fees"
    id = text("Stripe id", key=True)
    connected_account_id = text("Connected account it was taken of", nullable=True)
    charge_id = text("Charge it was taken of", nullable=True)
    amount = money("Amount taken", nullable=True)
    amount_refunded = money("Amount given back so far", nullable=True)
    currency = text(CURRENCY, nullable=True)
    refunded = flag("True where all of it was given back", nullable=True)
    balance_transaction_id = text("Balance transaction that brought it in", nullable=True)
    created_at = instant(CREATED, nullable=True)


class CheckoutSessions(Staged):
    """One checkout session."""

    table_name = "checkout_sessions"
    id = text("Stripe id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    mode = text("payment, setup or subscription", nullable=True)
    status = text("open, complete or expired", nullable=True)
    payment_status = text("paid, unpaid or no_payment_required", nullable=True)
    subscription_id = text("Subscription it started", nullable=True)
    invoice_id = text("Invoice it made", nullable=True)
    payment_intent_id = text("Payment intent it paid with", nullable=True)
    amount_subtotal = money("Before discounts and tax", nullable=True)
    amount_total = money("After discounts and tax", nullable=True)
    currency = text(CURRENCY, nullable=True)
    client_reference_id = text("The account's own id of the buyer or cart", nullable=True)
    expires_at = instant("When it expires", nullable=True)
    created_at = instant(CREATED, nullable=True)
    metadata = text(METADATA, nullable=True)


class Reviews(Staged):
    """One review of a payment for fraud."""

    table_name = "reviews"
    id = text("Stripe id", key=True)
    charge_id = text("Charge that is reviewed", nullable=True)
    payment_intent_id = text("Payment intent of that charge", nullable=True)
    open = flag("True where it needs a decision", nullable=True)
    opened_reason = text("manual or rule", nullable=True)
    closed_reason = text("approved, refunded, refunded_as_fraud, disputed, ...; null while open", nullable=True)
    created_at = instant(CREATED, nullable=True)


class EarlyFraudWarnings(Staged):
    """One issuer's warning that a charge may be fraud. It counts in the networks' monitoring."""

    table_name = "early_fraud_warnings"
    id = text("Stripe id", key=True)
    charge_id = text("Charge that is suspected", nullable=True)
    payment_intent_id = text("Payment intent of that charge", nullable=True)
    fraud_type = text("What the issuer says it is", nullable=True)
    actionable = flag("True where a refund would still help", nullable=True)
    created_at = instant(CREATED, nullable=True)


class TestClocks(Staged):
    """One test clock that is there, in test mode, where REVENUE_TEST_CLOCKS has them read."""

    table_name = "test_clocks"
    id = text("Stripe id", key=True)
    name = text("Name for the account's own use", nullable=True)
    status = text("ready, advancing or internal_failure", nullable=True)
    frozen_at = instant("What time it is for everything on the clock", nullable=True)
    target_frozen_at = instant("What time it is being advanced to; null where it stands", nullable=True)
    created_at = instant(CREATED, nullable=True)
    deletes_after_at = instant("When Stripe deletes it, and everything on it", nullable=True)


TABLES: tuple[type[Staged], ...] = (
    Accounts,
    Customers,
    Products,
    Prices,
    Coupons,
    Discounts,
    Subscriptions,
    SubscriptionItems,
    SubscriptionVersions,
    Invoices,
    InvoiceLines,
    InvoicePayments,
    InvoiceItems,
    Charges,
    Refunds,
    Disputes,
    BalanceTransactions,
    Payouts,
    PayoutTransactions,
    CreditNotes,
    TaxRates,
    Events,
    Balances,
    CreditNoteLines,
    SubscriptionSchedules,
    SubscriptionScheduleItems,
    MeterEventSummaries,
    TransferReversals,
    ApplicationFeeRefunds,
    PaymentIntents,
    PaymentMethods,
    CustomerBalanceTransactions,
    PromotionCodes,
    Meters,
    CreditGrants,
    Transfers,
    ApplicationFees,
    CheckoutSessions,
    Reviews,
    EarlyFraudWarnings,
    TestClocks,
)
"""Every staged table, in the order they are made and documented."""
