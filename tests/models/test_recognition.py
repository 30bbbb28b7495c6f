"""Revenue recognition against Stripe's published examples, worked by hand, and what must always hold."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contracts import staging
from models.recognition import (
    deferred_revenue,
    earned,
    postings,
    recognised,
    revenue_recognition_by_month,
    running,
    shares,
    spans,
)
from models.terms import Terms
from tests.models.rows import at, charge, only, rows

LATER = Terms(as_of=datetime(2021, 1, 1, tzinfo=UTC), timezone="UTC", currency="usd")
Row = dict[str, Any]


def invoice(finalized: str, name: str = "in_1", total: int = 9_000, **more: Any) -> Row:
    return {
        "id": name,
        "status": "paid",
        "currency": "usd",
        "finalized_at": at(finalized),
        "total": total,
        "total_excluding_tax": total,
        "amount_remaining": 0,
        **more,
    }


def line(amount: int, start: str, end: str, name: str = "il_1", of: str = "in_1", **more: Any) -> Row:
    return {
        "id": name,
        "invoice_id": of,
        "amount": amount,
        "currency": "usd",
        "period_start_at": at(start),
        "period_end_at": at(end),
        "proration": False,
        "discount_amounts": [],
        "taxes": [],
        **more,
    }


def proration(name: str, amount: int, start: datetime, end: datetime, of: str | None = None) -> Row:
    """An invoice item for the rest of a period, made as that rest begins."""
    return {
        "id": name,
        "invoice_id": of,
        "amount": amount,
        "currency": "usd",
        "proration": True,
        "created_at": start,
        "period_start_at": start,
        "period_end_at": end,
    }


def made_of(tables: Mapping[str, Sequence[Row]], terms: Terms = LATER) -> pl.LazyFrame:
    """The postings of an account of these rows."""
    contracts = {table.table_name: table for table in staging.TABLES}

    def of(name: str) -> pl.LazyFrame:
        return rows(contracts[name], *tables.get(name, ()))

    return postings(
        of("invoices"),
        of("invoice_lines"),
        of("invoice_items"),
        of("credit_notes"),
        of("credit_note_lines"),
        of("refunds"),
        of("disputes"),
        of("charges"),
        of("invoice_payments"),
        of("balance_transactions"),
        of("subscriptions"),
        of("prices"),
        terms,
    )


def earned_shares(terms: Terms = LATER, /, **tables: Sequence[Row]) -> pl.LazyFrame:
    return shares(made_of(tables, terms), terms)


def added_up(terms: Terms = LATER, /, **tables: Sequence[Row]) -> pl.LazyFrame:
    made = made_of(tables, terms).collect().lazy()
    parts = spans(made, terms)
    return earned(recognised(made, parts, terms), running(made, parts, terms), terms)


def months(terms: Terms = LATER, /, **tables: Sequence[Row]) -> pl.LazyFrame:
    return revenue_recognition_by_month(added_up(terms, **tables), terms)


def column(frame: pl.LazyFrame, name: str) -> list[int]:
    """The column by month, as far as it says something."""
    values: list[int] = frame.sort("month").collect()[name].to_list()
    while values and not values[-1]:
        values.pop()
    return values


PAID = {
    "charges": [charge("ch_1", "2019-01-01", 9_000, payment_intent_id="pi_1")],
    "invoice_payments": [
        {"id": "inpay_1", "invoice_id": "in_1", "payment_intent_id": "pi_1", "created_at": at("2019-01-01")}
    ],
}
QUARTER = {"invoices": [invoice("2019-01-01")], "invoice_lines": [line(9_000, "2019-01-01", "2019-04-01")]}
"""90.00 for the 90 days of January to March 2019: a dollar a day."""


def test_a_month_that_begins_in_mid_january_is_earned_by_the_day() -> None:
    """31.00 for 15 January to 15 February: 17 days and 14 days of a dollar (Stripe, "Monthly subscription")."""
    told = months(invoices=[invoice("2019-01-15")], invoice_lines=[line(3_100, "2019-01-15", "2019-02-15")])
    assert column(told, "recognized") == [1_700, 1_400]
    assert only(told, month=date(2019, 1, 1))["deferred_closing"] == 1_400
    assert only(told, month=date(2019, 2, 1))["deferred_closing"] == 0


def test_an_upgrade_earns_from_the_day_it_was_made_though_it_is_billed_later() -> None:
    """April 90, from the 21st 120: 90 - 30 + 40 = 100 in April, 120 in May; 10 were earned before they were billed."""
    told = months(
        invoices=[invoice("2019-04-01"), invoice("2019-05-01", "in_2", total=13_000)],
        invoice_lines=[
            line(9_000, "2019-04-01", "2019-05-01"),
            line(-3_000, "2019-04-21", "2019-05-01", "il_2", "in_2", proration=True, invoice_item_id="ii_1"),
            line(4_000, "2019-04-21", "2019-05-01", "il_3", "in_2", proration=True, invoice_item_id="ii_2"),
            line(12_000, "2019-05-01", "2019-06-01", "il_4", "in_2"),
        ],
        invoice_items=[
            {"id": name, "invoice_id": "in_2", "proration": True, "created_at": at("2019-04-21")}
            for name in ("ii_1", "ii_2")
        ],
    )
    assert column(told, "recognized") == [10_000, 12_000]
    assert only(told, month=date(2019, 4, 1))["deferred_closing"] == -1_000
    assert column(told, "billed") == [9_000, 13_000]


def test_a_downgrade_earns_less_from_the_day_it_was_made() -> None:
    """April 90, from the 21st 30: 90 - 30 + 10 = 70 in April, 30 in May."""
    told = months(
        invoices=[invoice("2019-04-01"), invoice("2019-05-01", "in_2", total=1_000)],
        invoice_lines=[
            line(9_000, "2019-04-01", "2019-05-01"),
            line(-3_000, "2019-04-21", "2019-05-01", "il_2", "in_2", proration=True, invoice_item_id="ii_1"),
            line(1_000, "2019-04-21", "2019-05-01", "il_3", "in_2", proration=True, invoice_item_id="ii_1"),
            line(3_000, "2019-05-01", "2019-06-01", "il_4", "in_2"),
        ],
        invoice_items=[{"id": "ii_1", "invoice_id": "in_2", "proration": True, "created_at": at("2019-04-21")}],
    )
    assert column(told, "recognized") == [7_000, 3_000]
    assert only(told, month=date(2019, 4, 1))["deferred_closing"] == 2_000


def test_a_proration_that_waits_for_its_invoice_is_earned_already() -> None:
    terms = Terms(as_of=datetime(2019, 4, 26, tzinfo=UTC), timezone="UTC", currency="usd")
    told = months(
        terms,
        invoices=[invoice("2019-05-01")],
        invoice_lines=[line(4_000, "2019-04-21", "2019-05-01", proration=True, invoice_item_id="ii_1")],
        invoice_items=[
            {
                "id": "ii_1",
                "invoice_id": "in_1",
                "amount": 4_000,
                "currency": "usd",
                "proration": True,
                "created_at": at("2019-04-21"),
                "period_start_at": at("2019-04-21"),
                "period_end_at": at("2019-05-01"),
            }
        ],
    )
    april = only(told, month=date(2019, 4, 1))
    assert (april["billed"], april["recognized"], april["deferred_closing"]) == (0, 2_000, -2_000)


INSIDE = [{"amount": 2_000, "tax_behavior": "inclusive", "tax_rate_id": None}]


@pytest.mark.parametrize(
    ("month", "of"), [(5, "si_1"), (5, "si_new"), (7, "si_1")], ids=["waits", "waits for a new item", "billed"]
)
def test_a_month_that_is_over_earned_a_proration_without_its_tax_before_it_was_billed(month: int, of: str) -> None:
    """Lines of this subscription have 20 % tax inside. A change on 1 April costs 120.00 to 1 July, 91 days, billed on
    1 July: without tax 100.00 x 30 / 91 = 32.97 in April, whenever one looks."""
    terms = Terms(as_of=datetime(2019, month, 20, tzinfo=UTC), timezone="UTC", currency="usd")
    about: Row = {"subscription_id": "sub_1", "subscription_item_id": "si_1"}
    invoices = [invoice("2019-03-01", total=12_000), invoice("2019-07-01", "in_2", total=12_000)]
    lines = [line(12_000, "2019-03-01", "2019-04-01", taxes=INSIDE, **about)]
    change = {**proration("ii_1", 12_000, at("2019-04-01"), at("2019-07-01")), **about, "subscription_item_id": of}
    if month == 7:
        change["invoice_id"] = "in_2"
        made_of_it: Row = {"proration": True, "invoice_item_id": "ii_1", "taxes": INSIDE}
        lines.append(line(12_000, "2019-04-01", "2019-07-01", "il_2", "in_2", **made_of_it))
    told = months(terms, invoices=invoices, invoice_lines=lines, invoice_items=[change])
    assert only(told, month=date(2019, 4, 1))["recognized"] == 3_297


def test_tax_is_not_inside_a_new_item_whose_price_is_without_it() -> None:
    """120.00 for 1 April to 1 July, tax on top, beside an item with tax inside: 120.00 x 30 / 91 = 39.56."""
    terms = Terms(as_of=datetime(2019, 5, 20, tzinfo=UTC), timezone="UTC", currency="usd")
    about: Row = {"subscription_id": "sub_1", "subscription_item_id": "si_1"}
    added = {"subscription_id": "sub_1", "subscription_item_id": "si_new", "price_id": "price_net"}
    told = months(
        terms,
        invoices=[invoice("2019-03-01", total=12_000)],
        invoice_lines=[line(12_000, "2019-03-01", "2019-04-01", taxes=INSIDE, **about)],
        invoice_items=[{**proration("ii_1", 12_000, at("2019-04-01"), at("2019-07-01")), **added}],
        prices=[{"id": "price_net", "tax_behavior": "exclusive"}],
    )
    assert only(told, month=date(2019, 4, 1))["recognized"] == 3_956


def test_a_proration_on_a_draft_is_told_by_its_line() -> None:
    """120.00 with 20.00 of tax inside, on an invoice that is no more than drawn up: 100.00 x 30 / 91 = 32.97."""
    terms = Terms(as_of=datetime(2019, 5, 20, tzinfo=UTC), timezone="UTC", currency="usd")
    made_of_it: Row = {"proration": True, "invoice_item_id": "ii_1", "taxes": INSIDE, "subscription_id": "sub_1"}
    told = months(
        terms,
        invoices=[{**invoice("2019-07-01"), "status": "draft", "finalized_at": None}],
        invoice_lines=[line(12_000, "2019-04-01", "2019-07-01", **made_of_it)],
        invoice_items=[
            {**proration("ii_1", 12_000, at("2019-04-01"), at("2019-07-01"), of="in_1"), "subscription_id": "sub_1"}
        ],
    )
    assert only(told, month=date(2019, 4, 1))["recognized"] == 3_297


def test_a_full_refund_takes_back_what_was_earned_and_cancels_the_rest() -> None:
    """90.00 for January to March refunded on 1 February: 31 earned and taken back, 59 never earned."""
    told = months(
        **QUARTER,
        **PAID,
        refunds=[
            {"id": "re_1", "charge_id": "ch_1", "amount": 9_000, "status": "succeeded", "created_at": at("2019-02-01")}
        ],
    )
    assert column(told, "earned") == [3_100]
    assert column(told, "contra_revenue") == [0, -3_100]
    assert [only(told, month=date(2019, month, 1))["deferred_closing"] for month in (1, 2)] == [5_900, 0]


def test_a_tenth_refunded_lowers_every_day_by_a_tenth() -> None:
    """9.00 of 90.00 refunded after 31 days: 3.10 taken back, then 25.20 in February and 27.90 in March."""
    told = months(
        **QUARTER,
        **PAID,
        refunds=[
            {"id": "re_1", "charge_id": "ch_1", "amount": 900, "status": "succeeded", "created_at": at("2019-02-01")}
        ],
    )
    assert column(told, "earned") == [3_100, 2_520, 2_790]
    assert column(told, "contra_revenue") == [0, -310]


def test_a_refund_that_a_credit_note_made_counts_once() -> None:
    given_back = {
        "id": "re_1",
        "charge_id": "ch_1",
        "amount": 9_000,
        "status": "succeeded",
        "created_at": at("2019-02-01"),
    }
    note = {
        "id": "cn_1",
        "invoice_id": "in_1",
        "total_excluding_tax": 9_000,
        "created_at": at("2019-02-01"),
        "refund_ids": ["re_1"],
    }
    told = months(**QUARTER, **PAID, refunds=[given_back], credit_notes=[note])
    assert column(told, "credited") == [0, -9_000]


def test_a_void_cancels_what_is_left() -> None:
    voided = [invoice("2019-01-01", status="void", voided_at=at("2019-02-01"))]
    told = months(invoices=voided, invoice_lines=QUARTER["invoice_lines"])
    assert column(told, "recognized") == [3_100, -3_100]
    assert column(told, "billed") == [9_000, -9_000]


def test_what_is_given_up_is_bad_debt_where_it_was_earned() -> None:
    given_up = [
        invoice("2019-01-01", status="uncollectible", marked_uncollectible_at=at("2019-02-01"), amount_remaining=9_000)
    ]
    told = months(invoices=given_up, invoice_lines=QUARTER["invoice_lines"])
    assert column(told, "bad_debt") == [0, -3_100]
    assert column(told, "earned") == [3_100]
    assert only(told, month=date(2019, 2, 1))["deferred_closing"] == 0


def test_what_was_given_up_and_paid_after_all_is_earned_when_it_is_paid() -> None:
    """Given up on 1 February, paid on 10 April, after the period: 31 of bad debt come back, 59 are recovered."""
    paid_late = [invoice("2019-01-01", marked_uncollectible_at=at("2019-02-01"), paid_at=at("2019-04-10"))]
    told = months(invoices=paid_late, invoice_lines=QUARTER["invoice_lines"])
    assert column(told, "recognized") == [3_100, -3_100, 0, 9_000]
    assert column(told, "written_off") == [0, -9_000, 0, 9_000]


def test_what_the_customers_balance_paid_is_not_given_up_where_the_rest_is_paid_late() -> None:
    """90.00, of which the balance pays 30.00 at once; 60.00 are given up on 1 February and paid on 10 April. Bad debt
    in February is two thirds of the 31.00 that had passed, 20.67."""
    late = invoice("2019-01-01", amount_due=6_000, marked_uncollectible_at=at("2019-02-01"), paid_at=at("2019-04-10"))
    told = months(invoices=[late], invoice_lines=QUARTER["invoice_lines"])
    assert column(told, "written_off") == [0, -6_000, 0, 6_000]
    assert column(told, "bad_debt")[1] == -2_067


def test_what_was_paid_and_credited_before_is_not_given_up() -> None:
    """Of 90.00, 20.00 are credited on 10 January and 30.00 paid on 20 January; 40.00 are given up on 1 February, and
    paid on 10 April: then all but what was credited has come in."""
    late = invoice(
        "2019-01-01",
        amount_due=7_000,
        pre_payment_credit_notes_amount=2_000,
        marked_uncollectible_at=at("2019-02-01"),
        paid_at=at("2019-04-10"),
    )
    note = {"id": "cn_1", "invoice_id": "in_1", "amount": 2_000, "created_at": at("2019-01-10"), "type": "pre_payment"}
    payments = [
        {"id": name, "invoice_id": "in_1", "status": "paid", "amount_paid": paid, "paid_at": at(day)}
        for name, paid, day in (("inpay_1", 3_000, "2019-01-20"), ("inpay_2", 4_000, "2019-04-10"))
    ]
    told = months(
        invoices=[late], invoice_lines=QUARTER["invoice_lines"], credit_notes=[note], invoice_payments=payments
    )
    assert column(told, "written_off") == [0, -4_000, 0, 4_000]
    assert column(told, "credited") == [-2_000]


def test_a_later_credit_note_does_not_change_what_was_given_up() -> None:
    """90.00 are given up on 1 February and 40.00 of them credited on 1 March: February wrote off 90.00."""
    given_up = invoice(
        "2019-01-01",
        status="uncollectible",
        amount_due=5_000,
        amount_remaining=5_000,
        pre_payment_credit_notes_amount=4_000,
        marked_uncollectible_at=at("2019-02-01"),
    )
    note = {"id": "cn_1", "invoice_id": "in_1", "total_excluding_tax": 4_000, "created_at": at("2019-03-01")}
    told = months(invoices=[given_up], invoice_lines=QUARTER["invoice_lines"], credit_notes=[note])
    assert column(told, "written_off") == [0, -9_000]


def test_half_credited_after_a_month_leaves_half_of_every_later_day() -> None:
    """181.00 for January to June 2019 (181 days), half credited on 1 February: 31, then 14 and 15.50; contra 15.50."""
    told = months(
        invoices=[invoice("2019-01-01", total=18_100)],
        invoice_lines=[line(18_100, "2019-01-01", "2019-07-01")],
        credit_notes=[
            {"id": "cn_1", "invoice_id": "in_1", "total_excluding_tax": 9_050, "created_at": at("2019-02-01")}
        ],
    )
    assert column(told, "earned")[:3] == [3_100, 1_400, 1_550]
    assert column(told, "contra_revenue") == [0, -1_550]
    assert only(told, month=date(2019, 2, 1))["deferred_closing"] == 15_000 - 8_900


SETUP_AND_YEAR = {
    "invoices": [invoice("2019-01-01", total=46_500)],
    "invoice_lines": [
        line(10_000, "2019-01-01", "2019-01-01", "il_setup"),
        line(36_500, "2019-01-01", "2020-01-01", "il_year"),
    ],
}
"""Setup 100.00, earned at once, and 365.00 for 2019, a dollar a day."""


def noted(of: str | None, amount: int, **more: Any) -> Row:
    """A line of the credit note cn_1: of an invoice's line, or one of the note's own."""
    return {"id": f"cnli_{of}", "credit_note_id": "cn_1", "invoice_line_id": of, "amount": amount, "taxes": [], **more}


def test_a_credit_note_for_the_year_leaves_the_setup_fee_alone() -> None:
    """On 1 February the year's line is credited. January 100.00 + 31.00; February takes the 31.00 back, and nothing is
    earned after that."""
    note = {"id": "cn_1", "invoice_id": "in_1", "total_excluding_tax": 36_500, "created_at": at("2019-02-01")}
    told = months(**SETUP_AND_YEAR, credit_notes=[note], credit_note_lines=[noted("il_year", 36_500)])
    assert column(told, "recognized") == [13_100, -3_100]
    assert column(told, "credited") == [0, -36_500]


def test_a_line_is_credited_without_its_discount_and_tax() -> None:
    """Of the year 46.50 are credited, of which a discount had taken 6.50 off, and of the 40.00 left 3.50 are tax:
    36.50, a tenth of every day. 31 x 0.10 = 3.10 back in February, which earns 28 x 0.90 = 25.20."""
    tax = [{"amount": 350, "tax_behavior": "inclusive", "tax_rate_id": None}]
    note = {"id": "cn_1", "invoice_id": "in_1", "total_excluding_tax": 3_650, "created_at": at("2019-02-01")}
    credited = noted("il_year", 4_650, discount_amount=650, taxes=tax)
    told = months(**SETUP_AND_YEAR, credit_notes=[note], credit_note_lines=[credited])
    assert column(told, "contra_revenue") == [0, -310]
    assert column(told, "earned")[:2] == [13_100, 2_520]


def test_what_a_note_credits_beside_the_lines_it_names_is_of_all_that_they_leave() -> None:
    """36.50 of the year and 42.85 of no line: the year has 328.50 left and setup 100.00, of whose sum that is a tenth.
    So setup has 10.00 of it, all earned, and the year 32.85. After 31 of 365 days 3.10 of the 36.50 were earned, and
    2.79 of the 32.85: contra 15.89."""
    note = {"id": "cn_1", "invoice_id": "in_1", "total_excluding_tax": 7_935, "created_at": at("2019-02-01")}
    lines = [noted("il_year", 3_650), noted(None, 4_285)]
    told = months(**SETUP_AND_YEAR, credit_notes=[note], credit_note_lines=lines)
    assert column(told, "credited") == [0, -7_935]
    assert column(told, "contra_revenue") == [0, -1_589]


def test_a_void_after_a_credited_line_takes_what_is_left_of_the_others() -> None:
    """The year is credited on 1 February, and the invoice voided on 1 March: that takes the setup fee's 100.00."""
    voided = [invoice("2019-01-01", total=46_500, status="void", voided_at=at("2019-03-01"))]
    note = {"id": "cn_1", "invoice_id": "in_1", "total_excluding_tax": 36_500, "created_at": at("2019-02-01")}
    told = months(
        invoices=voided,
        invoice_lines=SETUP_AND_YEAR["invoice_lines"],
        credit_notes=[note],
        credit_note_lines=[noted("il_year", 36_500)],
    )
    assert column(told, "recognized") == [13_100, -3_100, -10_000]


def test_a_voided_note_gives_back_the_lines_that_it_named() -> None:
    """Credited on 1 February, called off on 1 March: 31.00 go, and 59.00 come back, to the end of February."""
    note = {
        "id": "cn_1",
        "invoice_id": "in_1",
        "total_excluding_tax": 36_500,
        "created_at": at("2019-02-01"),
        "voided_at": at("2019-03-01"),
    }
    told = months(**SETUP_AND_YEAR, credit_notes=[note], credit_note_lines=[noted("il_year", 36_500)])
    assert column(told, "recognized")[:4] == [13_100, -3_100, 5_900 + 3_100, 3_000]


def test_credited_shipping_is_taken_from_shipping() -> None:
    """100.00 for April and 25.00 of shipping, which is credited on 11 April: contra 25.00, and April earns its own."""
    note = {
        "id": "cn_1",
        "invoice_id": "in_1",
        "total_excluding_tax": 2_500,
        "amount_shipping": 2_500,
        "created_at": at("2019-04-11"),
    }
    told = months(
        invoices=[invoice("2019-04-01", total=12_500, amount_shipping=2_500, shipping_total=2_500)],
        invoice_lines=[line(10_000, "2019-04-01", "2019-05-01")],
        credit_notes=[note],
    )
    april = only(told, month=date(2019, 4, 1))
    assert (april["earned"], april["contra_revenue"]) == (12_500, -2_500)


def test_a_dispute_won_back_restores_what_it_took() -> None:
    told = months(
        **QUARTER,
        **PAID,
        disputes=[
            {"id": "dp_1", "charge_id": "ch_1", "amount": 9_000, "status": "won", "created_at": at("2019-02-01")}
        ],
        balance_transactions=[
            {"id": "txn", "source_id": "dp_1", "reporting_category": "dispute_reversal", "created_at": at("2019-03-01")}
        ],
    )
    assert column(told, "recognized") == [3_100, -3_100, 9_000]
    assert sum(column(told, "billed")) == 9_000


def test_an_inquiry_takes_nothing() -> None:
    asked = {"id": "dp_1", "charge_id": "ch_1", "amount": 9_000, "created_at": at("2019-02-01")}
    told = months(**QUARTER, **PAID, disputes=[{**asked, "status": "warning_closed"}])
    assert column(told, "credited") == []


def test_no_more_is_taken_back_than_was_billed() -> None:
    voided = [invoice("2019-01-01", status="void", voided_at=at("2019-03-01"))]
    note = {"id": "cn_1", "invoice_id": "in_1", "total_excluding_tax": 9_000, "created_at": at("2019-02-01")}
    told = months(invoices=voided, invoice_lines=QUARTER["invoice_lines"], credit_notes=[note])
    assert column(told, "credited") == [0, -9_000]


def test_tax_and_discounts_are_no_revenue() -> None:
    """119.00 with 19.00 of inclusive tax and, on the other line, 10.00 off 60.00: 100.00 + 50.00."""
    told = months(
        invoices=[invoice("2019-01-01", total=17_900, total_excluding_tax=15_000)],
        invoice_lines=[
            line(
                11_900,
                "2019-01-01",
                "2019-02-01",
                taxes=[{"amount": 1_900, "tax_behavior": "inclusive", "tax_rate_id": None}],
            ),
            line(
                6_000,
                "2019-01-01",
                "2019-02-01",
                "il_2",
                discount_amounts=[{"amount": 1_000, "discount_id": "di_1"}],
                taxes=[{"amount": 950, "tax_behavior": "exclusive", "tax_rate_id": None}],
            ),
        ],
    )
    assert column(told, "recognized") == [15_000]


def test_a_setup_fee_is_earned_at_once_and_never_before_it_is_billed() -> None:
    told = months(
        invoices=[invoice("2019-02-03", total=5_000)],
        invoice_lines=[line(5_000, "2019-01-20", "2019-01-20")],
    )
    assert only(told, month=date(2019, 2, 1))["recognized"] == 5_000


def test_months_begin_in_the_reporting_zone() -> None:
    """A day of 24.00 across the end of January in New York, 05:00 UTC: 12 hours before, 12 after."""
    terms = Terms(as_of=LATER.as_of, timezone="America/New_York", currency="usd")
    told = months(
        terms,
        invoices=[invoice("2019-01-31 17:00", total=2_400)],
        invoice_lines=[line(2_400, "2019-01-31 17:00", "2019-02-01 17:00")],
    )
    assert column(told, "recognized") == [1_200, 1_200]


def test_the_waterfall_shows_what_is_still_to_come_by_month_of_billing() -> None:
    terms = Terms(as_of=datetime(2019, 2, 11, tzinfo=UTC), timezone="UTC", currency="usd")
    told = deferred_revenue(added_up(terms, **QUARTER), terms).collect()
    assert told.select("recognition_month", "recognized", "deferred").rows() == [
        (date(2019, 1, 1), 3_100, 0),
        (date(2019, 2, 1), 1_000, 1_800),
        (date(2019, 3, 1), 0, 3_100),
    ]


def test_what_waits_stays_in_the_waterfall_where_what_was_billed_earned_the_opposite() -> None:
    """One customer's upgrade of 10.00 for 21 to 30 April was billed on 1 May; another's downgrade of as much for the
    same days waits for an invoice. April earned 10 - 10 = 0. Of 10 billed and 0 earned 10 are deferred on 11 May, and
    none is still to come: it is what waits, 0 - (-10)."""
    terms = Terms(as_of=datetime(2019, 5, 11, tzinfo=UTC), timezone="UTC", currency="usd")
    made = added_up(
        terms,
        invoices=[invoice("2019-05-01", total=1_000)],
        invoice_lines=[line(1_000, "2019-04-21", "2019-05-01", proration=True, invoice_item_id="ii_1")],
        invoice_items=[
            proration("ii_1", 1_000, at("2019-04-21"), at("2019-05-01"), of="in_1"),
            proration("ii_2", -1_000, at("2019-04-21"), at("2019-05-01")),
        ],
    )
    waterfall = deferred_revenue(made, terms).collect()
    assert waterfall.select("billed_month", "recognition_month", "recognized", "unbilled", "deferred").rows() == [
        (date(2019, 5, 1), date(2019, 4, 1), 0, -1_000, 0)
    ]
    assert only(revenue_recognition_by_month(made, terms), month=date(2019, 5, 1))["deferred_closing"] == 1_000


START = datetime(2019, 1, 1, tzinfo=UTC)
instants = st.integers(0, 500 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))
amounts = st.integers(-(10**9), 10**9)
few_instants = st.sampled_from([START, START + timedelta(days=31), START + timedelta(days=45)])


@st.composite
def billing(
    draw: st.DrawFn,
    moments: st.SearchStrategy[datetime] = instants,
    sums: st.SearchStrategy[int] = amounts,
) -> dict[str, list[Row]]:
    """Invoices that are credited, voided, given up or paid after all, and prorations, on them or waiting for one."""
    invoices: list[Row] = []
    lines: list[Row] = []
    items: list[Row] = []
    notes: list[Row] = []
    named: list[Row] = []
    for number in range(draw(st.integers(1, 3))):
        name, finalized = f"in_{number}", draw(moments)
        invoices.append(invoice("2019-01-01", name) | {"finalized_at": finalized} | draw(fates(moments, finalized)))
        for place in range(draw(st.integers(1, 3))):
            (begins, ends), amount = sorted((draw(moments), draw(moments))), draw(sums)
            is_proration = begins <= finalized and draw(st.booleans())
            item = proration(f"ii_{number}_{place}", amount, begins, ends, of=name)
            items += [item] if is_proration else []
            lines.append(
                line(amount, "2019-01-01", "2019-01-01", f"{name}_{place}", name, proration=is_proration)
                | {"period_start_at": begins, "period_end_at": ends}
                | {"invoice_item_id": item["id"] if is_proration else None}
            )
        for place in range(draw(st.integers(0, 2))):
            noted = finalized + timedelta(seconds=draw(st.integers(0, 100 * 86_400)))
            credit = draw(st.integers(0, 10**9))
            notes.append(
                {"id": f"cn_{number}_{place}", "invoice_id": name, "total_excluding_tax": credit, "created_at": noted}
            )
            named += [
                {"id": f"cnli_{number}_{place}_{of}", "credit_note_id": f"cn_{number}_{place}", "amount": amount}
                | {"invoice_line_id": f"{name}_{of}"}
                for of, amount in draw(st.dictionaries(st.integers(0, 3), st.integers(0, 10**9), max_size=3)).items()
            ]
    for number in range(draw(st.integers(0, 2))):
        begins, ends = sorted((draw(moments), draw(moments)))
        items.append(proration(f"ii_{number}", draw(sums), begins, ends))
    return {
        "invoices": invoices,
        "invoice_lines": lines,
        "invoice_items": items,
        "credit_notes": notes,
        "credit_note_lines": named,
    }


@st.composite
def fates(draw: st.DrawFn, moments: st.SearchStrategy[datetime], finalized: datetime) -> Row:
    """What became of an invoice after it was finalised."""
    drawn = draw(st.dictionaries(st.sampled_from(["voided_at", "marked_uncollectible_at", "paid_at"]), moments))
    known = {what: when for what, when in drawn.items() if when >= finalized}
    return known | {"amount_remaining": 0 if "paid_at" in known else 9_000}


def and_their_opposites(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The billing, and for each proration one of the opposite amount that waits for its invoice."""
    items = tables["invoice_items"]
    opposites = [{**item, "id": f"{item['id']}_back", "invoice_id": None, "amount": -item["amount"]} for item in items]
    return {**tables, "invoice_items": items + opposites}


histories = st.one_of(
    st.tuples(billing(), instants),
    st.tuples(billing(few_instants).map(and_their_opposites), few_instants),
)
"""Billing and an as-of instant: any, or of so few instants that postings meet in a month and cancel."""


@given(history=histories, zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]))
@settings(max_examples=60)
def test_recognized_and_deferred_are_what_was_billed(history: tuple[dict[str, list[Row]], datetime], zone: str) -> None:
    tables, as_of = history
    terms = Terms(as_of=as_of, timezone=zone, currency="usd")
    posted = (
        earned_shares(terms, **tables)
        .group_by("posting_id")
        .agg(pl.col("amount").first(), parts=(pl.col("caught_up") + pl.col("earned") + pl.col("later")).sum())
    )
    assert posted.filter(pl.col("amount") != pl.col("parts")).collect().is_empty()
    made = added_up(terms, **tables).collect().lazy()
    told = revenue_recognition_by_month(made, terms).collect()
    waterfall = deferred_revenue(made, terms).collect()
    closing = told["deferred_closing"].tail(1).to_list() or [0]
    assert closing == [waterfall.select(pl.col("deferred").sum() - pl.col("unbilled").sum()).item()]
    earned = waterfall.group_by(month="recognition_month").agg(pl.col("recognized").sum())
    both = told.select("month", "recognized").join(earned, on="month", how="full", coalesce=True).fill_null(0)
    assert both.filter(pl.col("recognized") != pl.col("recognized_right")).is_empty()


@given(tables=billing(), as_of=instants)
@settings(max_examples=30)
def test_a_month_that_is_over_says_the_same_later(tables: dict[str, list[Row]], as_of: datetime) -> None:
    then, later = (Terms(as_of=moment, timezone="UTC", currency="usd") for moment in (as_of, LATER.as_of))
    closed = months(then, **tables).filter(~pl.col("is_partial")).drop("is_partial").collect()
    now = months(later, **tables).drop("is_partial").collect()
    if closed.height:
        assert now.filter(pl.col("month") <= closed["month"].max()).equals(closed)


@pytest.mark.parametrize("amount", [100, -100])
def test_odd_units_go_to_the_largest_remainders(amount: int) -> None:
    """1.00 over January to March: 34.44, 31.11 and 34.44 cents; the odd one goes to the first of the larger ones."""
    told = months(
        invoices=[invoice("2019-01-01", total=amount)], invoice_lines=[line(amount, "2019-01-01", "2019-04-01")]
    )
    sign = amount // 100
    assert column(told, "recognized") == [sign * 35, sign * 31, sign * 34]


def test_shipping_is_earned_when_it_is_billed_and_takes_its_share_of_what_is_given_back() -> None:
    """100.00 for April 2019 and 25.00 of shipping, billed on 1 April; 10 % of it all, 12.50, is refunded on 11 April:
    lines have 10.00 of that and shipping 2.50. Ten days of 30 have passed: 3.33 of the 10.00 were earned, and all of
    the 2.50. Contra 5.83; April earns 100.00 + 25.00 − 6.67 = 118.33."""
    told = months(
        invoices=[invoice("2019-04-01", total=12_500, amount_shipping=2_500, shipping_total=2_500)],
        invoice_lines=[line(10_000, "2019-04-01", "2019-05-01")],
        invoice_payments=[{"id": "inpay_1", "invoice_id": "in_1", "charge_id": "ch_1", "created_at": at("2019-04-01")}],
        charges=[charge("ch_1", "2019-04-01", 12_500)],
        refunds=[
            {
                "id": "re_1",
                "charge_id": "ch_1",
                "amount": 1_250,
                "currency": "usd",
                "status": "succeeded",
                "created_at": at("2019-04-11"),
            }
        ],
    )
    april = only(told, month=date(2019, 4, 1))
    assert (april["invoiced"], april["credited"]) == (12_500, -1_250)
    assert (april["earned"], april["contra_revenue"]) == (11_833, -583)
    assert april["deferred_closing"] == 0


def test_a_proration_that_no_invoice_of_an_ended_subscription_will_bill_is_taken_back_as_it_ended() -> None:
    """31.00 for January, a dollar a day; the subscription is canceled at once after ten days. The 10.00 that had passed
    are contra revenue, and the other 21.00 are never earned."""
    start, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 2, 1, tzinfo=UTC)
    waits = {**proration("ii_1", 3_100, start, end), "subscription_id": "sub_1"}
    for ended_at, earned_in_january, contra in ((None, 3_100, 0), (at("2019-01-11"), 1_000, -1_000)):
        told = months(
            invoice_items=[waits],
            subscriptions=[{"id": "sub_1", "ended_at": ended_at, "status": "canceled" if ended_at else "active"}],
        )
        january = only(told, month=date(2019, 1, 1))
        assert (january["billed"], january["earned"], january["contra_revenue"]) == (0, earned_in_january, contra)
        assert january["deferred_closing"] == -(earned_in_january + contra)
