"""What was known of whom at each scoring date: the guard that refuses what was known later, and the snapshots.

A snapshot is a paying customer at the start of a month, or now. The levels of its features are one whole number, two
bits each, so that customers who look alike are one row wherever they are counted.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from models.movements import CUSTOMER, GRAIN
from models.plans import collected
from models.reporting import in_reporting
from models.risk.features import FEATURES, LEVEL_BITS, LEVELS, PAYMENT, VOLUNTARY
from models.risk.windows import INSTANT, end_of_day
from models.terms import Terms

MONTHS = 24
"""Starts of months, the as-of month's included, at which customers are scored for points and backtest."""
HORIZONS = (30, 90)
"""Days within which leaving is foretold."""
LOST_AS = {
    "involuntary_payment": PAYMENT,
    "involuntary_dispute": PAYMENT,
    "voluntary": VOLUNTARY,
    "voluntary_in_dunning": VOLUNTARY,
    "voluntary_unknown": VOLUNTARY,
    "contract_end": VOLUNTARY,
}
"""Kind of churn to the score that should have foretold it; pauses and administrative ends are no churn here."""
LOST_BITS = {(PAYMENT, 30): 1, (PAYMENT, 90): 2, (VOLUNTARY, 30): 4, (VOLUNTARY, 90): 8}
"""What `lost` is made of: which score should have foretold it, within how many days it came."""


class LeakError(ValueError):
    """A feature's row was known only after the date at which it is said to have been."""


@dataclass(frozen=True)
class Moments:
    """The scoring dates, oldest first; the last one is now."""

    days: tuple[date, ...]
    instants: tuple[datetime, ...]

    @property
    def now(self) -> int:
        """The place of the last."""
        return len(self.instants) - 1

    def index(self, at: str) -> pl.Expr:
        """The place of the first moment that is not before an instant; beyond the last where there is none."""
        return pl.lit(pl.Series(self.instants, dtype=INSTANT)).search_sorted(pl.col(at), side="left").cast(pl.Int64)

    def frame(self) -> pl.LazyFrame:
        """moment (its place), scored_on, scored_at and valued_on: the day whose exchange rate was known."""
        valued = [day - timedelta(days=1) for day in self.days[:-1]] + [self.days[-1]]
        return pl.LazyFrame(
            {
                "moment": pl.Series(range(len(self.days)), dtype=pl.Int64),
                "scored_on": pl.Series(self.days, dtype=pl.Date),
                "scored_at": pl.Series(self.instants, dtype=INSTANT),
                "valued_on": pl.Series(valued, dtype=pl.Date),
            }
        )


@dataclass(frozen=True)
class PointInTime:
    """Rows at scoring dates (columns feature, moment, known_at, scored_at and others), none known after its date.

    Raises:
        LeakError: a row was.
    """

    rows: pl.DataFrame

    def __post_init__(self) -> None:
        late = self.rows.filter(pl.col("known_at") > pl.col("scored_at"))
        if late.height:
            first = late.sort("known_at").row(-1, named=True)
            name = FEATURES[first["feature"]].name if first["feature"] >= 0 else "what is paid"
            raise LeakError(
                f"{late.height} rows were known only after the date that they are scored at, as of {name}: known "
                f"{first['known_at']:%Y-%m-%d %H:%M}, scored {first['scored_at']:%Y-%m-%d %H:%M}; a feature may only "
                "use what had come into being by then"
            )


def moments(terms: Terms) -> Moments:
    """The starts of the last months in the reporting zone, and now."""
    zone = ZoneInfo(terms.timezone)
    this = terms.as_of_day.year * 12 + terms.as_of_day.month - 1
    days = [date(month // 12, month % 12 + 1, 1) for month in range(this - MONTHS + 1, this + 1)]
    opened = [(day, datetime(day.year, day.month, 1, tzinfo=zone).astimezone(UTC)) for day in days]
    past = [(day, instant) for day, instant in opened if instant < terms.as_of]
    return Moments(
        (*(day for day, _ in past), terms.as_of_day),
        (*(instant for _, instant in past), terms.as_of),
    )


def at_moments(windows: pl.LazyFrame, dates: Moments) -> PointInTime:
    """The windows, a row for each scoring date at which they hold."""
    last = len(dates.instants)
    held = (
        windows.with_columns(
            first=dates.index("from_at"),
            beyond=pl.when(pl.col("until_at").is_null()).then(last).otherwise(dates.index("until_at")),
        )
        .filter(pl.col("first") < pl.col("beyond"))
        .with_columns(moment=pl.int_ranges("first", "beyond"))
        .drop("first", "beyond")
        .explode("moment")
        .join(dates.frame().select("moment", "scored_at"), on="moment")
    )
    return PointInTime(held.pipe(collected))


def snapshots(
    payment_windows: pl.LazyFrame,
    change_windows: pl.LazyFrame,
    usage_windows: pl.LazyFrame,
    announced: pl.LazyFrame,
    movements: pl.LazyFrame,
    churned_customers: pl.LazyFrame,
    mrr_rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Paying customers at each scoring date: account_id, customer_id, scored_on, is_now, code (levels of all features),
    leaving (whether the end was announced), lost (of `LOST_BITS`), micros_reporting (MRR at the date).

    The windows are of models/risk/windows.py, `announced` of `leaving.announced_ends`, `movements` and `mrr_rates` the
    spine's, `churned_customers` the mart.
    """
    dates = moments(terms)
    who = movements.select(CUSTOMER).unique().sort(CUSTOMER).with_row_index("who").pipe(collected).lazy()
    paying = _paying(movements, who, mrr_rates, dates, terms).join(
        _leaving_then(churned_customers, who, dates), on=["who", "moment"], how="anti"
    )
    told = pl.concat([payment_windows, change_windows, usage_windows])
    coded = encoded(at_moments(_numbered(told, who), dates))
    leaving = _leaving(at_moments(_numbered(announced, who), dates))
    return (
        paying.join(coded.lazy(), on=["who", "moment"], how="left")
        .join(leaving.lazy(), on=["who", "moment"], how="left")
        .join(_lost(churned_customers, who, dates), on=["who", "moment"], how="left")
        .join(who, on="who")
        .join(dates.frame(), on="moment")
        .select(
            *CUSTOMER,
            "scored_on",
            is_now=pl.col("moment") == dates.now,
            code=pl.col("code").fill_null(0),
            leaving=pl.col("leaving").fill_null(False),
            lost=pl.col("lost").fill_null(0).cast(pl.Int8),
            micros_reporting="micros_reporting",
        )
    )


def encoded(held: PointInTime) -> pl.DataFrame:
    """The levels of all features of each customer and date as one number: who, moment, code."""
    counted = [place for place, feature in enumerate(FEATURES) if feature.is_counted]
    level = pl.col("level").cast(pl.Int64)
    by_feature = held.rows.lazy().group_by("who", "moment", "feature").agg(most=level.max(), many=level.sum())
    chosen = pl.when(pl.col("feature").is_in(counted)).then("many").otherwise("most").clip(upper_bound=LEVELS)
    place = pl.lit(1 << LEVEL_BITS, pl.Int64).pow(pl.col("feature").cast(pl.UInt32))
    return by_feature.group_by("who", "moment").agg(code=(chosen * place).cast(pl.Int64).sum()).pipe(collected)


def history(snapshots: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The snapshots of the past, counted: account_id, scored_on, code, leaving, lost, micros_reporting, customers.

    What points and backtest are made from. Nobody is named, and those who look alike and pay alike are one row.
    """
    past = snapshots.filter(~pl.col("is_now")).drop("customer_id", "is_now")
    return past.group_by("account_id", "scored_on", "code", "leaving", "lost", "micros_reporting").agg(
        customers=pl.len().cast(pl.Int64)
    )


def _numbered(windows: pl.LazyFrame, who: pl.LazyFrame) -> pl.LazyFrame:
    """Windows of customers who ever paid, by their number."""
    columns = ("who", "feature", "level", "from_at", "until_at", "known_at")
    return windows.join(who, on=CUSTOMER).select(columns)


def _paying(
    movements: pl.LazyFrame, who: pl.LazyFrame, mrr_rates: pl.LazyFrame, dates: Moments, terms: Terms
) -> pl.LazyFrame:
    """who, moment and micros_reporting of customers with MRR at each date."""
    ended = pl.col("moved_on").shift(-1).over(GRAIN)
    stays = (
        movements.sort(*GRAIN, "moved_on")
        .with_columns(next_on=ended)
        .filter(pl.col("after_micros") > 0)
        .join(who, on=CUSTOMER)
        .select(
            "who",
            "currency",
            "after_micros",
            feature=pl.lit(-1, pl.Int8),
            from_at=end_of_day("moved_on", terms),
            until_at=pl.when(pl.col("next_on").is_not_null()).then(end_of_day("next_on", terms)),
            known_at=end_of_day("moved_on", terms),
        )
    )
    at_dates = at_moments(stays, dates).rows.lazy().join(dates.frame().select("moment", "valued_on"), on="moment")
    return (
        in_reporting(at_dates, mrr_rates, amount="after_micros", on="valued_on", into="micros_reporting")
        .group_by("who", "moment")
        .agg(pl.col("micros_reporting").sum())
    )


def _leaving_then(churned_customers: pl.LazyFrame, who: pl.LazyFrame, dates: Moments) -> pl.LazyFrame:
    """who, moment: customers who leave at the very instant of a scoring date, and are none any more at it."""
    at_dates = dates.frame().select("moment", churned_at="scored_at")
    return (
        churned_customers.filter("left").join(who, on=CUSTOMER).join(at_dates, on="churned_at").select("who", "moment")
    )


def _leaving(announced: PointInTime) -> pl.DataFrame:
    """Customers all of whose subscriptions were announced to end: who, moment, leaving."""
    level = pl.col("level")
    return (
        announced.rows.lazy()
        .group_by("who", "moment")
        .agg(leaving=(level == 2).sum() >= (level == 1).sum())
        .pipe(collected)
    )


def _lost(churned_customers: pl.LazyFrame, who: pl.LazyFrame, dates: Moments) -> pl.LazyFrame:
    """who, moment, lost: the dates within each horizon before customers left for good."""
    left = (
        churned_customers.filter("left", pl.col("kind").is_in(list(LOST_AS)))
        .join(who, on=CUSTOMER)
        .with_columns(score=pl.col("kind").replace_strict(LOST_AS, return_dtype=pl.String))
    )
    within = [
        left.filter(pl.col("score") == score)
        .with_columns(opened_at=pl.col("churned_at") - timedelta(days=days))
        .with_columns(moment=pl.int_ranges(dates.index("opened_at"), dates.index("churned_at")))
        .explode("moment", empty_as_null=False)
        .select("who", "moment", bit=pl.lit(bit, pl.Int64))
        .unique()
        for (score, days), bit in LOST_BITS.items()
    ]
    return pl.concat(within).group_by("who", "moment").agg(lost=pl.col("bit").sum())
