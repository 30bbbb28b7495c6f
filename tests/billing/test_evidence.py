"""Evidence for a dispute says what is known and names what is not; each reason gets what it asks for."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from billing.actions.submit_dispute_evidence import FIELDS
from billing.disputes.evidence import _WRITERS, Case, Line, Payment, Visit, Words, draft
from billing.disputes.needs import ALIKE, BY_REASON, OTHERWISE


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


CASE = Case(
    dispute_id="du_1",
    reason="fraudulent",
    due_at=day(28),
    payment=Payment("ch_3", day(10), "49.00 USD"),
    customer_id="cus_1",
    customer_since=day(1),
    name="Ada Byron",
    email="ada@byron.example",
    invoice_number="ADA-0003",
    lines=[Line("1 × Team", day(10), day(31)), Line("5 × Seats", day(10), day(31)), Line("1 × Team", None, None)],
    earlier=[Payment("ch_1", day(1), "49.00 USD", same_card=True), Payment("ch_2", day(5), "9.00 USD")],
    subscribed_since=day(1),
    visits=[Visit(day(9), "signed in", "203.0.113.7"), Visit(day(11), "exported a report", "203.0.113.9")],
)


def test_fraud_is_answered_with_earlier_undisputed_payments_and_use() -> None:
    made = draft(CASE, Words("A tool for teams."))
    assert made.evidence["customer_name"] == "Ada Byron"
    assert made.evidence["service_date"] == "2026-03-10 to 2026-03-31"
    assert made.evidence["product_description"] == "A tool for teams.\n\n1 × Team\n5 × Seats"
    assert made.evidence["customer_purchase_ip"] == "203.0.113.7"
    assert made.evidence["access_activity_log"].splitlines() == [
        "2026-03-09 12:00 UTC  signed in  from 203.0.113.7",
        "2026-03-11 12:00 UTC  exported a report  from 203.0.113.9",
    ]
    assert made.evidence["uncategorized_text"] == (
        "Payment of 49.00 USD on 2026-03-10 12:00 UTC, invoice ADA-0003. Customer since 2026-03-01.\n\n"
        "2 earlier payments went through and were not disputed, 1 of them with the same card. The last:\n"
        "2026-03-01 12:00 UTC  49.00 USD  ch_1\n2026-03-05 12:00 UTC  9.00 USD  ch_2"
    )
    assert made.missing == ("billing_address",)


@pytest.mark.parametrize(
    ("canceled_at", "words"),
    [
        (None, "No cancellation was asked for, before this payment or since."),
        (day(12), "Cancellation was first asked for on 2026-03-12 12:00 UTC, after this payment."),
        (day(9), None),
    ],
)
def test_a_cancellation_before_the_payment_is_not_argued_away(canceled_at: datetime | None, words: str | None) -> None:
    case = replace(CASE, reason="subscription_canceled", canceled_at=canceled_at)
    rebuttal = draft(case, Words()).evidence.get("cancellation_rebuttal")
    assert rebuttal == (words and f"The customer subscribed on 2026-03-01. {words}")


def test_a_duplicate_is_told_from_the_others() -> None:
    alone = draft(replace(CASE, reason="duplicate"), Words()).evidence
    assert alone["duplicate_charge_explanation"].startswith("No other payment of this amount")
    other = replace(CASE, reason="duplicate", others=[Payment("ch_4", day(9), "49.00 USD")])
    assert draft(other, Words()).evidence["duplicate_charge_id"] == "ch_4"


def test_nothing_is_made_up_where_nothing_is_known() -> None:
    bare = Case("du_1", "general", None, Payment("ch_1", day(1), "1.00 USD"), None)
    made = draft(bare, Words())
    assert made.evidence == {"uncategorized_text": "Payment of 1.00 USD on 2026-03-01 12:00 UTC."}
    assert set(made.missing) == set(OTHERWISE.fields) - {"uncategorized_text"}


def test_every_field_is_one_of_stripes_and_can_be_written() -> None:
    every = [*BY_REASON.values(), OTHERWISE]
    assert {name for each in every for name in each.fields} <= set(_WRITERS) & FIELDS
    assert {name for each in every for name in each.files} <= FIELDS
    assert set(ALIKE.values()) <= set(BY_REASON)
