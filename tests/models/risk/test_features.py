"""When each feature holds: short stories of one customer, and the windows that they open."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from models.contracts import marts, spine, staging
from models.risk.changes import change_windows, usage_windows
from models.risk.features import FEATURES
from models.risk.payments import payment_windows
from tests.models.rows import TERMS, at, changes, movements, rows

Window = tuple[str, int, datetime, datetime | None]
CUS = {"customer_id": "cus_a"}
TODAY = at("2026-07-01") + timedelta(microseconds=1)
"""Of what is known only as it stands now: the as-of day, once begun."""
CHARGE = {"id": "ch_1", **CUS, "created_at": at("2026-05-10"), "card_exp_month": 6, "card_exp_year": 2026}


def told(frame: pl.LazyFrame) -> list[Window]:
    """Feature, level, from and until, in their order."""
    found = frame.select("feature", "level", "from_at", "until_at").sort("from_at", "feature", "level").collect()
    return [(FEATURES[place].name, level, since, until) for place, level, since, until in found.iter_rows()]


def payments(attempts: pl.LazyFrame | None = None, **tables: pl.LazyFrame) -> list[Window]:
    nothing = {table.table_name: rows(table) for table in staging.TABLES}
    given = nothing | tables
    tried = failed_at() if attempts is None else attempts
    return told(
        payment_windows(
            given["invoices"],
            tried,
            given["charges"],
            given["payment_methods"],
            given["disputes"],
            given["refunds"],
            given["subscriptions"],
            TERMS,
        )
    )


def failed_at(*attempts: tuple[str, str]) -> pl.LazyFrame:
    """Failed attempts on invoice in_1 as (instant, decline code)."""
    schema = {
        "account_id": pl.String(),
        "invoice_id": pl.String(),
        "charge_id": pl.String(),
        "status": pl.String(),
        "attempted_at": pl.Datetime("us", "UTC"),
        "decline_code": pl.String(),
    }
    made = [("acct_1", "in_1", f"ch_{no}", "failed", at(when), code) for no, (when, code) in enumerate(attempts)]
    return pl.LazyFrame(made, schema=schema, orient="row")


def invoice(**more: Any) -> pl.LazyFrame:
    return rows(staging.Invoices, {"id": "in_1", **CUS, "status": "open", "created_at": at("2026-05-01"), **more})


def changed(**tables: pl.LazyFrame) -> list[Window]:
    given: dict[str, pl.LazyFrame] = {
        "movements": rows(spine.Movements),
        "changes": rows(spine.ItemChanges),
        "stretches": rows(spine.Stretches),
        "discounts": rows(staging.Discounts),
        "coupons": rows(staging.Coupons),
        "subscriptions": rows(staging.Subscriptions),
        "versions": rows(staging.SubscriptionVersions),
        "customers": rows(staging.Customers),
        "scheduled_changes": rows(marts.ScheduledChanges),
    }
    return told(change_windows(**(given | tables), terms=TERMS))


def test_attempts_add_up_until_the_invoice_is_paid_and_are_remembered_for_180_days() -> None:
    """Two soft failures, then a lost card; paid on 20 May. 180 days after the first failure end on 28 October."""
    tries = failed_at(
        ("2026-05-01", "insufficient_funds"), ("2026-05-04", "generic_decline"), ("2026-05-08", "lost_card")
    )
    paid = at("2026-05-20")
    assert payments(tries, invoices=invoice(status="paid", paid_at=paid)) == [
        ("failed_attempts", 1, at("2026-05-01"), paid),
        ("failed_attempts", 2, at("2026-05-04"), paid),
        ("failed_attempts", 3, at("2026-05-08"), paid),
        ("decline", 3, at("2026-05-08"), paid),
        ("past_failures", 1, paid, at("2026-10-28")),
    ]


def test_an_expired_card_is_told_by_the_bank_until_it_says_something_else() -> None:
    tries = failed_at(("2026-05-01", "expired_card"), ("2026-05-04", "do_not_honor"))
    assert payments(tries, invoices=invoice()) == [
        ("failed_attempts", 1, at("2026-05-01"), None),
        ("decline", 2, at("2026-05-01"), at("2026-05-04")),
        ("failed_attempts", 2, at("2026-05-04"), None),
    ]


@pytest.mark.parametrize(
    ("later", "ended"), [({"status": "paid", "paid_at": at("2026-06-02")}, None), (None, at("2026-06-02"))]
)
def test_a_failed_invoice_endangers_nothing_once_a_later_one_is_paid_or_the_subscription_has_ended(
    later: dict[str, Any] | None, ended: datetime | None
) -> None:
    of_one = {**CUS, "subscription_id": "sub_1"}
    first = {"id": "in_1", **of_one, "status": "open", "created_at": at("2026-05-01")}
    second = {"id": "in_2", **of_one, "created_at": at("2026-06-01"), **(later or {})}
    made = payments(
        failed_at(("2026-05-01", "generic_decline")),
        invoices=rows(staging.Invoices, first, *([second] if later else [])),
        subscriptions=rows(staging.Subscriptions, {"id": "sub_1", **CUS, "ended_at": ended}),
    )
    assert made == [("failed_attempts", 1, at("2026-05-01"), at("2026-06-02"))]


def test_a_sent_invoice_is_overdue_from_its_due_date() -> None:
    due = {"due_at": at("2026-05-15"), "finalized_at": at("2026-05-01"), "collection_method": "send_invoice"}
    assert payments(invoices=invoice(**due)) == [
        ("overdue", 1, at("2026-05-15"), None),
        ("overdue", 2, at("2026-06-14"), None),
    ]
    assert payments(invoices=invoice(**due, status="paid", paid_at=at("2026-05-14"))) == []


def test_a_card_expires_at_the_end_of_its_month_and_is_looked_at_60_days_before() -> None:
    """6/26 is good to 30 June: from 2 May on it expires soon, but it was first seen on 10 May; from 1 July on it has
    expired."""
    assert payments(charges=rows(staging.Charges, CHARGE)) == [
        ("card_expiry", 1, at("2026-05-10"), None),
        ("card_expiry", 2, at("2026-07-01"), None),
    ]


def test_a_newer_card_or_charge_tells_of_another_expiry() -> None:
    newer = {"id": "ch_2", **CUS, "created_at": at("2026-06-10"), "card_exp_month": 6, "card_exp_year": 2029}
    assert payments(charges=rows(staging.Charges, CHARGE, newer)) == [
        ("card_expiry", 1, at("2026-05-10"), at("2026-06-10"))
    ]
    card = rows(staging.PaymentMethods, {"id": "pm_2", **CUS, "created_at": at("2026-05-25")})
    assert payments(charges=rows(staging.Charges, CHARGE), payment_methods=card) == [
        ("card_expiry", 1, at("2026-05-10"), at("2026-05-25"))
    ]


def test_disputes_and_refunds_are_remembered_for_90_days() -> None:
    """From 1 April to 30 June; a refund that failed gave nothing back."""
    charge = rows(staging.Charges, {"id": "ch_1", **CUS, "created_at": at("2026-03-01")})
    of_charge = {"charge_id": "ch_1", "created_at": at("2026-04-01")}
    made = payments(
        charges=charge,
        disputes=rows(staging.Disputes, {"id": "dp_1", **of_charge}),
        refunds=rows(
            staging.Refunds,
            {"id": "re_1", **of_charge, "status": "succeeded"},
            {"id": "re_2", **of_charge, "status": "failed"},
        ),
    )
    assert made == [
        ("dispute", 1, at("2026-04-01"), at("2026-06-30")),
        ("refund", 1, at("2026-04-01"), at("2026-06-30")),
    ]


def test_contractions_returns_and_tenure_are_known_at_the_end_of_their_day() -> None:
    """New on 10 January 2025; 1,000 to 750 is a small contraction, to 500 (a third) a large one."""
    moved = movements(
        ("cus_a", "2025-01-10", 0, 1_000),
        ("cus_a", "2026-02-01", 1_000, 750),
        ("cus_a", "2026-03-01", 750, 500),
        ("cus_a", "2026-04-01", 500, 0),
        ("cus_a", "2026-05-01", 0, 500),
    )
    assert changed(movements=moved) == [
        ("tenure", 1, at("2025-01-11"), at("2025-04-11")),
        ("tenure", 2, at("2025-04-11"), at("2026-01-11")),
        ("contraction", 1, at("2026-02-02"), at("2026-05-03")),
        ("contraction", 2, at("2026-03-02"), at("2026-05-31")),
        ("came_back", 1, at("2026-05-02"), None),
    ]


@pytest.mark.parametrize(("cause", "level"), [("price", 2), ("discount_end", 1)])
def test_a_price_that_rose_is_remembered_for_90_days(cause: str, level: int) -> None:
    rose = changes(("cus_a", "2026-04-01", 1_000, 1_200), cause=cause)
    assert changed(changes=rose) == [("price_rise", level, at("2026-04-01"), at("2026-06-30"))]
    assert changed(changes=changes(("cus_a", "2026-04-01", 1_200, 1_000), cause=cause)) == []


@pytest.mark.parametrize(("percent", "level"), [(29, 1), (30, 2), (None, 1)])
def test_a_coupon_is_about_to_end_30_days_before(percent: int | None, level: int) -> None:
    discount = {"id": "di_1", "coupon_id": "half", "subscription_id": "sub_1", "end_at": at("2026-06-01")}
    made = changed(
        discounts=rows(staging.Discounts, {**discount, "start_at": at("2026-02-01")}),
        coupons=rows(staging.Coupons, {"id": "half", "percent_off": percent}),
        subscriptions=rows(staging.Subscriptions, {"id": "sub_1", **CUS, "created_at": at("2026-02-01")}),
    )
    assert made == [("coupon_ends", level, at("2026-05-02"), at("2026-06-01"))]


def test_a_yearly_subscription_is_watched_as_its_renewal_comes() -> None:
    """From 10 March 2025 to its renewal a year on, 90 and 30 days before it; in the year after, what has begun."""
    stretch = {
        **CUS,
        "subscription_id": "sub_1",
        "subscription_item_id": "si_1",
        "currency": "usd",
        "recurring_interval": "year",
        "recurring_interval_count": 1,
        "starts_at": at("2025-03-10"),
        "mrr_micros": 1,
    }
    made = changed(stretches=rows(spine.Stretches, stretch))
    assert made == [
        ("renewal", 1, at("2025-03-10"), at("2025-12-10")),
        ("renewal", 2, at("2025-12-10"), at("2026-02-08")),
        ("renewal", 3, at("2026-02-08"), at("2026-03-10")),
        ("renewal", 1, at("2026-03-10"), at("2026-12-10")),
    ]
    assert changed(stretches=rows(spine.Stretches, {**stretch, "recurring_interval": "month"})) == []


def test_paused_collection_is_told_by_versions_alone() -> None:
    version = {"subscription_id": "sub_1", **CUS, "deleted": False}
    versions = rows(
        staging.SubscriptionVersions,
        {**version, "seq": 1, "valid_from_at": at("2026-04-01")},
        {**version, "seq": 2, "valid_from_at": at("2026-05-01"), "pause_collection_behavior": "void"},
        {**version, "seq": 3, "valid_from_at": at("2026-06-01")},
    )
    assert changed(versions=versions) == [("paused_collection", 1, at("2026-05-01"), at("2026-06-01"))]


@pytest.mark.parametrize(
    ("metadata", "level"),
    [('{"risk_signal": "2"}', 2), ('{"risk_signal": "9"}', None), ('{"note": "risk_signal"}', None), ("{}", None)],
)
def test_another_system_may_say_1_to_3_in_the_customers_metadata(metadata: str, level: int | None) -> None:
    made = changed(customers=rows(staging.Customers, {"id": "cus_a", "metadata": metadata, "deleted": False}))
    assert made == ([] if level is None else [("outside", level, TODAY, None)])


def test_usage_is_held_against_the_three_bills_before() -> None:
    """900, 1,000, 1,100: mean 1,000; then 499 is less than half, 600 is not (mean 866), and 0 is none at all."""
    units = [900, 1_000, 1_100, 499, 600, 0]
    bills = [{"id": f"in_{month}", **CUS, "finalized_at": at(f"2026-{month:02}-01")} for month in range(1, 7)]
    made = usage_windows(
        rows(
            staging.InvoiceLines,
            *(
                {"id": f"il_{month}", "invoice_id": f"in_{month}", "price_id": "usage", "quantity": many}
                for month, many in enumerate(units, start=1)
            ),
        ),
        rows(staging.Invoices, *({**bill, "status": "paid"} for bill in bills)),
        rows(staging.Prices, {"id": "usage", "recurring_usage_type": "metered"}),
        TERMS,
    )
    assert told(made) == [
        ("usage", 1, at("2026-04-01"), at("2026-05-01")),
        ("usage", 2, at("2026-06-01"), at("2026-07-16")),
    ]


def test_a_scheduled_rise_is_known_now_and_has_no_past() -> None:
    set_already = {
        "scheduled_id": "sub_1",
        "subscription_id": "sub_1",
        **CUS,
        "effective_at": at("2026-09-01"),
        "effective_on": date(2026, 9, 1),
        "kind": "phase",
        "is_trial": False,
    }
    scheduled = rows(marts.ScheduledChanges, {**set_already, "mrr_delta": 100}, {**set_already, "mrr_delta": -100})
    assert changed(scheduled_changes=scheduled) == [("scheduled_rise", 1, TODAY, None)]
