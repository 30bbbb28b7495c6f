"""The cash that what is signed will bring: which renewals, what they bill, and what of it comes in."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from models.contracts import marts, staging
from models.forecast.cash import cash_forecast_by_month, renewals_by_day
from models.terms import Terms
from tests.models.rows import ACCOUNT, at, changes, daily_rates, rows

TERMS = Terms(as_of=datetime(2026, 7, 15, tzinfo=UTC), timezone="UTC", currency="usd")
SENT = {
    "account_id": pl.String,
    "month": pl.Date,
    "billed_reporting": pl.Int64,
    "paid_reporting": pl.Int64,
    "days_to_pay": pl.Int64,
    "paid_invoices": pl.Int64,
}
ATTEMPTS = {
    "account_id": pl.String,
    "month": pl.Date,
    "attempted_amount_reporting": pl.Int64,
    "first_failed_amount_reporting": pl.Int64,
}
JUNE = date(2026, 6, 1)


def sold(customer: str, price: str, renews: str) -> dict[str, Any]:
    return {
        "id": f"si_{customer}",
        "subscription_id": f"sub_{customer}",
        "price_id": price,
        "current_period_end_at": at(renews),
    }


def price(name: str, interval: str, count: int = 1) -> dict[str, Any]:
    return {"id": name, "recurring_interval": interval, "recurring_interval_count": count}


def forecast(
    worth: pl.LazyFrame,
    *items: dict[str, Any],
    sent: bool = False,
    scheduled: tuple[dict[str, Any], ...] = (),
    attempted: tuple[int, int] = (0, 0),
    failed: tuple[int, int, int] = (0, 0, 0),
    invoiced: tuple[int, int, int, int] | None = None,
    rates: pl.LazyFrame | None = None,
) -> list[dict[str, Any]]:
    """Rows of the mart. `attempted`: volume, of it failed at first; `failed`: volume, open, recovered."""
    method = "send_invoice" if sent else "charge_automatically"
    subscriptions = [{"id": item["subscription_id"], "collection_method": method} for item in items]
    prices = (
        price("monthly", "month"),
        price("yearly", "year"),
        price("quarterly", "month", 3),
        price("weekly", "week"),
    )
    recovery = {
        "month": JUNE,
        "failed_amount_reporting": failed[0],
        "open_amount_reporting": failed[1],
        "recovered_amount_reporting": failed[2],
    }
    renewals = renewals_by_day(
        worth,
        rows(staging.Subscriptions, *subscriptions),
        rows(staging.SubscriptionItems, *items),
        rows(staging.Prices, *prices),
        rows(marts.ScheduledChanges, *scheduled),
        daily_rates() if rates is None else rates,
        TERMS,
    )
    made = cash_forecast_by_month(
        renewals,
        pl.LazyFrame([(ACCOUNT, JUNE, *attempted)], schema=ATTEMPTS, orient="row"),
        rows(marts.RecoveryByMonth, *([recovery] if failed[0] else [])),
        pl.LazyFrame([(ACCOUNT, JUNE, *invoiced)] if invoiced else [], schema=SENT, orient="row"),
        TERMS,
    )
    return marts.CashForecastByMonth.validate(made.collect()).to_dicts()


def billed(found: list[dict[str, Any]]) -> dict[str, int]:
    return {row["month"].isoformat()[:7]: row["billed_reporting"] for row in found}


def test_a_monthly_plan_renews_every_month_and_a_yearly_one_once() -> None:
    """100 a month from 20 July; 1,200 a year, worth 100 a month, on 3 March."""
    worth = changes(("a", "2026-01-20", 0, 100), ("b", "2026-03-03", 0, 100))
    found = forecast(worth, sold("a", "monthly", "2026-07-20"), sold("b", "yearly", "2027-03-03"))
    assert list(billed(found)) == [f"2026-{n:02}" for n in range(7, 13)] + [f"2027-{n:02}" for n in range(1, 7)]
    assert billed(found) == {month: 1_300 if month == "2027-03" else 100 for month in billed(found)}
    july, march = found[0], found[8]
    assert (july["renewals"], july["next_renewals"], july["is_partial"]) == (1, 1, True)
    assert (march["renewals"], march["next_renewals"], march["next_billed_reporting"]) == (2, 1, 1_200)


def test_a_plan_of_three_months_and_one_of_a_week() -> None:
    """300 every three months from 1 August; 12 a week is worth 12 × 52 / 12 = 52 a month, four times till 31 July."""
    worth = changes(("a", "2026-05-01", 0, 100))
    assert billed(forecast(worth, sold("a", "quarterly", "2026-08-01"))) == {
        "2026-08": 300,
        "2026-11": 300,
        "2027-02": 300,
        "2027-05": 300,
    }
    weekly = forecast(changes(("a", "2026-05-01", 0, 52)), sold("a", "weekly", "2026-07-16"))
    assert (billed(weekly)["2026-07"], weekly[0]["renewals"]) == (36, 3)


def test_the_last_day_of_a_month_stays_the_last_day() -> None:
    found = forecast(changes(("a", "2026-01-31", 0, 100)), sold("a", "monthly", "2026-07-31"))
    assert billed(found) == dict.fromkeys(billed(found), 100)
    assert len(found) == 12


def test_what_succeeds_at_first_and_what_is_recovered_of_the_rest() -> None:
    """Of 10,000 asked for 1,000 failed at first: 90 %. Of 1,200 that failed 200 are open; 600 of 1,000 came in: 60 %.
    Of 100: 90, and 60 % of 10 are 6; 4 are lost."""
    found = forecast(
        changes(("a", "2026-01-20", 0, 100)),
        sold("a", "monthly", "2026-07-20"),
        attempted=(10_000, 1_000),
        failed=(1_200, 200, 600),
    )[0]
    names = ("first_attempt_reporting", "recovered_reporting", "expected_reporting", "haircut_reporting")
    assert [found[name] for name in names] == [90, 6, 96, 4]
    assert (found["past_attempted_reporting"], found["past_succeeded_reporting"]) == (10_000, 9_000)
    assert (found["past_failed_reporting"], found["past_recovered_reporting"]) == (1_000, 600)


def test_nothing_is_said_of_success_where_nothing_was_ever_tried() -> None:
    found = forecast(changes(("a", "2026-01-20", 0, 100)), sold("a", "monthly", "2026-07-20"))[0]
    assert (found["billed_reporting"], found["expected_reporting"], found["haircut_reporting"]) == (100, None, None)


def test_an_account_without_failures_loses_nothing() -> None:
    found = forecast(changes(("a", "2026-01-20", 0, 100)), sold("a", "monthly", "2026-07-20"), attempted=(5_000, 0))[0]
    assert (found["expected_reporting"], found["haircut_reporting"]) == (100, 0)


def change(on: str, before: int, after: int) -> dict[str, Any]:
    return {
        "scheduled_id": "sub_a",
        "subscription_id": "sub_a",
        "effective_at": at(on),
        "is_trial": False,
        "mrr_before": Decimal(before),
        "mrr_after": Decimal(after),
    }


def test_what_is_set_to_change_changes_what_is_billed_from_that_renewal_on() -> None:
    """100 until a phase of 150 on 20 September; it ends with the renewal of 20 November."""
    scheduled = (change("2026-09-20", 100, 150), change("2026-11-20", 150, 0))
    found = forecast(changes(("a", "2026-01-20", 0, 100)), sold("a", "monthly", "2026-07-20"), scheduled=scheduled)
    assert billed(found) == {"2026-07": 100, "2026-08": 100, "2026-09": 150, "2026-10": 150}


def test_what_is_sent_comes_when_payers_have_taken_their_days() -> None:
    """Of 1,000 sent 800 were paid, two invoices in 20 and 40 days, 30 on average: the renewal of 20 July is paid on 19
    August, 80 % of it."""
    found = forecast(
        changes(("a", "2026-01-20", 0, 100)),
        sold("a", "monthly", "2026-07-20"),
        sent=True,
        invoiced=(1_000, 800, 60, 2),
    )
    first = found[0]
    assert (first["month"], first["collection_method"]) == (date(2026, 8, 1), "send_invoice")
    assert (first["billed_reporting"], first["expected_reporting"], first["haircut_reporting"]) == (100, 80, 20)
    assert first["recovered_reporting"] == 0
    assert found[-1]["month"] == date(2027, 6, 1)


def test_another_currency_is_worth_what_it_is_today() -> None:
    worth = changes(("a", "2026-01-20", 0, 100), currency="eur")
    found = forecast(worth, sold("a", "monthly", "2026-07-20"), rates=daily_rates(eur=(11, 10)))
    assert billed(found)["2026-07"] == 110


def test_who_has_left_or_renewed_already_is_not_in_it() -> None:
    worth = changes(("a", "2026-01-20", 0, 100), ("a", "2026-07-01", 100, 0), ("b", "2026-01-10", 0, 70))
    found = forecast(worth, sold("a", "monthly", "2026-07-20"), sold("b", "monthly", "2026-07-10"))
    assert billed(found)["2026-08"] == 70
    assert "2026-07" not in billed(found)
