"""Checks of what should have happened once in test mode before it happens in earnest, and of daily routines."""

from datetime import UTC, datetime, timedelta
from typing import Final

from billing.launch.check import Check, Told, Verdict, failed, none_of, passed, passed_if, seen, unknown
from billing.wire import Body

DUE_SOON = timedelta(days=3)
"""Evidence that is due within so long is late work already."""
WAITS = ("needs_response", "warning_needs_response")
KEEPING = ("payment_failed_first", "payment_failed_second", "payment_failed_final", "trial_ending")
"""Mails that keep customers, by their names in billing/notices/kinds.py."""
GOES_ON_UNPAID = "create_invoice"
"""What a trial's end does without a card unless it is said: it bills, and the bill fails."""


def _subscription_payment(told: Told) -> Verdict:
    paid = [each for each in told.all("paid_invoices") if each["amount_paid"] and _is_of_a_subscription(each)]
    return seen(told, paid, "paid invoice of a subscription")


def _is_of_a_subscription(invoice: Body) -> bool:
    return ((invoice.get("parent") or {}).get("subscription_details")) is not None


def _one_time_payment(told: Told) -> Verdict:
    """A charge does not say whether it pays an invoice; the payments of invoices do."""
    billed = {each["payment"].get("payment_intent") for each in told.all("invoice_payments")}
    others = [each for each in _succeeded(told) if each.get("payment_intent") not in billed]
    if others and not told.answers["invoice_payments"].is_whole:
        return unknown("More invoices were paid than were looked at, so that no charge is known to be of none.")
    return seen(told, others, "payment without an invoice")


def _succeeded(told: Told) -> list[Body]:
    return [each for each in told.all("charges") if each["status"] == "succeeded"]


def _failed_payment(told: Told) -> Verdict:
    return seen(told, [each for each in told.all("charges") if each["status"] == "failed"], "failed payment")


def _refund(told: Told) -> Verdict:
    return seen(told, [each for each in told.all("refunds") if each["status"] == "succeeded"], "refund")


def _dispute(told: Told) -> Verdict:
    return seen(told, told.all("disputes"), "dispute")


def _trial(told: Told) -> Verdict:
    tried = [each for each in (*told.all("trials"), *told.all("subscriptions")) if each.get("trial_start")]
    return seen(told, tried, "trial")


def _trials_without_card(told: Told) -> Verdict:
    trials = told.all("trials")
    bare = [each["id"] for each in trials if not _has_card(each) and _at_its_end(each) == GOES_ON_UNPAID]
    so = (
        f"Each of {len(trials):,} running trials has a card, or says what happens without one."
        if trials
        else "None runs."
    )
    return none_of(bare, so, "Billed at its end without a card")


def _has_card(subscription: Body) -> bool:
    if subscription.get("collection_method") == "send_invoice" or subscription.get("default_payment_method"):
        return True
    customer = subscription["customer"]
    return bool(
        (customer.get("invoice_settings") or {}).get("default_payment_method") or customer.get("default_source")
    )


def _at_its_end(subscription: Body) -> str:
    behaviour = (subscription.get("trial_settings") or {}).get("end_behavior") or {}
    return str(behaviour.get("missing_payment_method") or GOES_ON_UNPAID)


def _failed_refunds(told: Told) -> Verdict:
    lost = [each["id"] for each in told.all("refunds") if each["status"] in ("failed", "requires_action")]
    return none_of(lost, "No refund of the last hundred came back.", "The customer does not have the money")


def _disputes_due(told: Told) -> Verdict:
    late = [each["id"] for each in told.all("disputes") if each["status"] in WAITS and _is_due_soon(each, told.at)]
    waiting = sum(each["status"] in WAITS for each in told.all("disputes"))
    return none_of(late, f"{waiting:,} wait for evidence, none within three days.", "Evidence is due within three days")


def _is_due_soon(dispute: Body, at: datetime) -> bool:
    due = (dispute.get("evidence_details") or {}).get("due_by")
    return due is not None and datetime.fromtimestamp(due, UTC) - at <= DUE_SOON


def _dispute_texts(told: Told) -> Verdict:
    return passed_if(
        told.own.has_dispute_texts,
        "Product and policies are described for evidence.",
        "No file says what you sell and what your policies are, so that evidence lacks it.",
    )


def _receipts(told: Told) -> Verdict:
    """Stripe numbers a receipt when it is sent; whether it will be is no question of the API's."""
    sent = [each for each in told.all("charges") if each.get("receipt_number")]
    if sent:
        return passed(f"A receipt was mailed for {sent[0]['id']}.")
    return unknown("The setting can't be asked for, and no charge of the last hundred has a receipt that was mailed.")


def _dunning_mails(told: Told) -> Verdict:
    """Of the mails that keep customers, those that are sent from here; Stripe's own settings are in no answer."""
    lacks = [name for name in KEEPING if name not in (told.own.notices or ())]
    if told.own.notices is None:
        return unknown("None are sent from here, and whether Stripe sends them can't be asked for.")
    if lacks:
        return unknown(f"Not sent from here: {', '.join(lacks)}. Whether Stripe sends them can't be asked for.")
    return passed("Each failed payment and each ending trial is mailed about from here.")


def _audit_trail(told: Told) -> Verdict:
    trail = told.own.trail
    if trail is None or not trail.entries:
        return unknown("Nothing was recorded yet: the trail begins with the first action.")
    if trail.faults:
        return failed(f"The trail is not whole: {trail.faults:,} faults in {trail.entries:,} entries.")
    return passed(f"{trail.entries:,} entries, whole.")


_TRY = "Try it in test mode: `revenue testing cards` lists the cards for each outcome."
CHECKS: Final[tuple[Check, ...]] = (
    Check(
        "subscription_payment", "Rehearsed", "A subscription was paid", ("paid_invoices",), _subscription_payment, _TRY
    ),
    Check(
        "one_time_payment",
        "Rehearsed",
        "A one-time payment was made",
        ("charges", "invoice_payments"),
        _one_time_payment,
        f"{_TRY} Where you sell nothing but subscriptions: --without one_time_payment.",
    ),
    Check("failed_payment", "Rehearsed", "A payment failed", ("charges",), _failed_payment, _TRY),
    Check("refund", "Rehearsed", "A payment was refunded", ("refunds",), _refund, _TRY),
    Check("dispute", "Rehearsed", "A payment was disputed", ("disputes",), _dispute, _TRY),
    Check(
        "trial",
        "Rehearsed",
        "A trial was begun",
        ("subscriptions", "trials"),
        _trial,
        "Begin one in test mode. Where you offer none: --without trial.",
    ),
    Check(
        "trials_without_card",
        "Routines",
        "A trial that ends without a card does not bill into the void",
        ("trials",),
        _trials_without_card,
        "Say trial_settings.end_behavior.missing_payment_method: cancel or pause, or ask for the card first.",
    ),
    Check(
        "failed_refunds",
        "Routines",
        "Refunds arrive",
        ("refunds",),
        _failed_refunds,
        "Pay these customers another way: the money is back in your balance.",
    ),
    Check(
        "disputes_due",
        "Routines",
        "Disputes are answered in time",
        ("disputes",),
        _disputes_due,
        "`revenue disputes list`, then draft and submit: docs/disputes.md. Have cron run it with --due 3.",
    ),
    Check(
        "dispute_texts",
        "Routines",
        "Evidence can say what you sell and what you promise",
        (),
        _dispute_texts,
        "Write the file of REVENUE_DISPUTES: docs/disputes.md.",
    ),
    Check(
        "audit_trail",
        "Routines",
        "What is done to the account is on record",
        (),
        _audit_trail,
        "`revenue audit verify` says what is wrong; docs/runbook.md what to do.",
    ),
    Check(
        "receipts",
        "Mails",
        "Customers get receipts",
        ("charges",),
        _receipts,
        "Look at Settings, Business, Customer emails: Successful payments, Refunds. Stripe mails none in test mode.",
    ),
    Check(
        "dunning_mails",
        "Mails",
        "Customers hear of failed payments and ending trials",
        (),
        _dunning_mails,
        "Look at Settings, Billing, Subscriptions and emails, or send them from here (docs/notices.md); let one do it.",
    ),
)
