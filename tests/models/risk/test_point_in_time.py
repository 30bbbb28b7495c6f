"""What a score may be made of: rows that had come into being by its date, and nothing later."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from models.contracts import marts, staging
from models.marts import complete, frames_on
from models.movements import CUSTOMER
from models.risk.features import BY_NAME
from models.risk.payments import payment_windows
from models.risk.snapshots import LeakError, at_moments, moments, snapshots
from models.risk.windows import WINDOW, windows
from models.spine import build_spine
from models.terms import Terms
from sandbox.world.business import Business
from sandbox.world.periods import instant
from sandbox.world.world import World
from tests.models.grown import read
from tests.models.rows import TERMS, at, daily_rates, movements, rows


def window(from_at: str, until_at: str | None = None, known_at: str | None = None) -> pl.LazyFrame:
    told = pl.LazyFrame({"account_id": ["acct_1"], "customer_id": ["cus_a"], "who": [0]})
    until = None if until_at is None else pl.lit(at(until_at))
    made = windows(
        told, "contraction", 1, pl.lit(at(from_at)), until, pl.lit(at(known_at or from_at)), pl.lit("that day")
    )
    return made.with_columns(who=pl.lit(0))


def test_scoring_dates_are_the_starts_of_24_months_and_now() -> None:
    dates = moments(Terms(datetime(2026, 3, 10, 8, tzinfo=UTC), "America/New_York", "usd"))
    assert len(dates.days) == 25
    assert dates.instants[0] == datetime(2024, 4, 1, 4, tzinfo=UTC)
    assert dates.instants[-2:] == (datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 10, 8, tzinfo=UTC))


def test_a_window_holds_from_its_first_instant_to_before_its_last() -> None:
    """From the very start of May to the very start of July: May and June, not July."""
    held = at_moments(window("2026-05-01", "2026-07-01"), moments(TERMS)).rows
    assert held["scored_at"].to_list() == [at("2026-05-01"), at("2026-06-01")]


def test_a_row_known_after_the_scoring_date_is_refused() -> None:
    leak = window("2026-04-20", None, known_at="2026-05-02")
    with pytest.raises(LeakError, match=r"1 rows .* as of contraction: known 2026-05-02 .* scored 2026-05-01"):
        at_moments(leak, moments(TERMS))


def test_a_leak_planted_in_a_feature_stops_the_snapshots() -> None:
    """A failed attempt of 3 June, said to have been known on 20 May."""
    honest = payment_windows(
        rows(staging.Invoices, {"id": "in_1", "customer_id": "cus_a", "status": "open"}),
        _attempts(at("2026-06-03")),
        rows(staging.Charges),
        rows(staging.PaymentMethods),
        rows(staging.Disputes),
        rows(staging.Refunds),
        rows(staging.Subscriptions),
        TERMS,
    )
    paying = movements(("cus_a", "2026-01-10", 0, 1000))
    seen = _snapshots(honest, paying)
    one_failed = 1 << 2 * BY_NAME["failed_attempts"]
    assert seen.select("scored_on", "code").rows()[-3:] == [
        (date(2026, 6, 1), 0),
        (date(2026, 7, 1), one_failed),
        (date(2026, 7, 1), one_failed),
    ]
    leaking = honest.with_columns(from_at=pl.lit(at("2026-05-20"), WINDOW["from_at"]))
    with pytest.raises(LeakError, match="failed_attempts"):
        _snapshots(leaking, paying)


def test_what_is_read_75_days_later_says_the_same_of_every_date_before() -> None:
    """A sandbox company is read an hour after the start of a month, and 75 days later by someone who never read it
    before: not one feature of one customer at one date has changed. Only cancellations that were taken back since are
    forgotten, as Stripe forgets them."""
    business = Business(seed=7, customers=90, months=12, end=instant(2026, 11, 1, 5))
    world = World.grown(business)
    then = _lived(world, business)
    world.advance_to(world.now + 75 * 86_400)
    later = _lived(world, business).filter(pl.col("scored_on") <= then["scored_on"].max())
    past = then.filter(~pl.col("is_now"))
    assert past["scored_on"].max() == date(2026, 11, 1)
    assert past.filter(pl.col("code") > 0).height > 100
    key, told = [*CUSTOMER, "scored_on"], ["code", "micros_reporting"]
    assert past.select(*key, *told).sort(key).equals(later.select(*key, *told).sort(key))
    forgotten = past.join(later, on=key).filter(pl.col("leaving") != pl.col("leaving_right"))
    assert forgotten["leaving"].all()


def _lived(world: World, business: Business) -> pl.DataFrame:
    staged, rates = read(world)
    terms = Terms(datetime.fromtimestamp(world.now, UTC), business.timezone, "usd")
    spine = build_spine(complete(staged), rates.lazy(), terms)
    return frames_on(spine, staged, terms, ["steps.snapshots"])["steps.snapshots"].collect()


def _attempts(*failed_at: datetime) -> pl.LazyFrame:
    return pl.LazyFrame(
        {
            "account_id": "acct_1",
            "invoice_id": "in_1",
            "charge_id": [f"ch_{no}" for no, _ in enumerate(failed_at)],
            "status": "failed",
            "attempted_at": pl.Series(failed_at, dtype=WINDOW["from_at"]),
            "decline_code": "generic_decline",
        }
    )


def _snapshots(told: pl.LazyFrame, paying: pl.LazyFrame) -> pl.DataFrame:
    nothing = pl.LazyFrame(schema=WINDOW)
    made = snapshots(told, nothing, nothing, nothing, paying, rows(marts.ChurnedCustomers), daily_rates(), TERMS)
    return made.sort(*CUSTOMER, "scored_on").collect()
