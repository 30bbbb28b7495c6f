"""All that is known of the customers of each segment, put together once for every formula of lifetime value.

What they pay now, how many were lost, how long they were followed, the area under their survival curve, what the
renewal model says of them and what they brought. Knows no formula: models/ltv.py has those.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import polars as pl

from models.churn import lost_customers
from models.metrics import LONGEST_LIFE, TRAILING_MONTHS
from models.movements import CUSTOMER
from models.periods import month_of, months_between
from models.plans import collected
from models.projection import residual_values
from models.spells import SEGMENT, segmented
from models.survival import curve, followed, median, restricted_mean
from models.tenure import survival_counts
from models.terms import Terms

HEADLINE, LONG = 36, 60
HORIZONS = (12, 24, HEADLINE, LONG)
"""Months within which lifetimes are counted."""
STILL_FOLLOWED = 10
"""Customers that must be at risk at a horizon for the curve to be trusted so far."""
YEAR_DAYS = 365
"""A month is a twelfth of it."""
COUNTED = (
    "customers",
    "mrr_reporting",
    "paid_customers",
    "churned_customers",
    "lost_customers",
    "at_risk_customer_months",
    "net_cash_reporting",
    "from_start",
    "followed_days",
    "residual_customers",
    "residual_micros",
)
"""Columns that are 0 where there is nothing."""


@dataclass(frozen=True)
class Segment:
    """What is known of the customers of a segment: a row of `segments`, whose columns its fields are."""

    account_id: str
    segment: str
    segment_value: str
    segment_name: str
    customers: int
    mrr_reporting: Decimal
    paid_customers: int
    churned_customers: int
    lost_customers: int
    at_risk_customer_months: int
    net_cash_reporting: int
    from_start: int
    followed_days: int
    median_days: int | None
    median_low_days: int | None
    median_high_days: int | None
    seen_months: int
    means: Mapping[int, tuple[float, float, float]]
    residual_customers: int
    residual_micros: int

    @property
    def arpa(self) -> Fraction:
        """MRR of a customer who pays now, in minor units."""
        return Fraction(self.mrr_reporting) / self.customers

    @property
    def followed_months(self) -> int:
        """Whole months that the curve can be trusted for."""
        return self.followed_days * 12 // YEAR_DAYS

    @property
    def churn_rate(self) -> float | None:
        """Customers lost of those at risk a month; None without any."""
        return self.lost_customers / self.at_risk_customer_months if self.at_risk_customer_months else None

    @property
    def churn(self) -> Fraction:
        """The same, exact, and at least what gives the longest life."""
        return max(Fraction(self.lost_customers, self.at_risk_customer_months), Fraction(1, LONGEST_LIFE))


def segments(
    accounts: pl.LazyFrame,
    products: pl.LazyFrame,
    spells: pl.LazyFrame,
    customers: pl.LazyFrame,
    customer_changes: pl.LazyFrame,
    churned_customers: pl.LazyFrame,
    customer_cash: pl.LazyFrame,
    renewal_fits: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """All that lifetime values are made of, a row a segment: the fields of `Segment`, `means` as a list of structs.

    `accounts` and `products` are staged, `spells` of `spells.spells`, `customer_cash` of
    `realised.customer_cash`, the others are marts. An account without customers has its row for `all`.
    """
    members = segmented(spells.unique(CUSTOMER)).select(*CUSTOMER, *SEGMENT[1:])
    seen = curve(survival_counts(spells), SEGMENT).pipe(collected).lazy()
    parts = (
        _paid(spells),
        _paying(members, customers),
        _churn(members, customer_changes, churned_customers, terms),
        members.join(customer_cash, on=CUSTOMER)
        .group_by(SEGMENT)
        .agg(net_cash_reporting=pl.col("net_reporting").sum()),
        residual_values(spells, renewal_fits, customers, terms),
        followed(seen, SEGMENT, STILL_FOLLOWED).rename({"followed": "followed_days"}),
        median(seen, SEGMENT).rename({f"median{end}": f"median{end}_days" for end in ("", "_low", "_high")}),
    )
    known = _names(accounts, products, members)
    for part in parts:
        known = known.join(part, on=SEGMENT, how="left")
    counted = known.with_columns(pl.col(COUNTED).fill_null(0))
    told = counted.with_columns(seen_months=_seen_months()).pipe(collected).lazy()
    return told.join(_means(seen, told), on=SEGMENT, how="left").with_columns(pl.col("means").fill_null([]))


def read(segments: pl.LazyFrame) -> Iterator[Segment]:
    """The rows of `segments` as values."""
    for row in segments.pipe(collected).iter_rows(named=True):
        means = {one["horizon_months"]: (one["mean"], one["mean_low"], one["mean_high"]) for one in row["means"]}
        yield Segment(**(row | {"means": means}))


def _names(accounts: pl.LazyFrame, products: pl.LazyFrame, members: pl.LazyFrame) -> pl.LazyFrame:
    """Every segment with what to call it."""
    named = products.select("account_id", "name", segment=pl.lit("product"), segment_value="id")
    whole = accounts.select("account_id", segment=pl.lit("all"), segment_value=pl.lit("all"))
    return (
        pl.concat([members.select(SEGMENT), whole])
        .unique()
        .join(named, on=SEGMENT, how="left")
        .select(*SEGMENT, segment_name=pl.coalesce("name", "segment_value"))
    )


def _paid(spells: pl.LazyFrame) -> pl.LazyFrame:
    return (
        segmented(spells)
        .group_by(SEGMENT)
        .agg(
            paid_customers=pl.col("customer_id").n_unique().cast(pl.Int64),
            churned_customers=pl.col("ended_as").is_not_null().sum().cast(pl.Int64),
        )
    )


def _paying(members: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    return (
        members.join(customers.select(*CUSTOMER, "status", "mrr_reporting"), on=CUSTOMER)
        .filter(pl.col("status").is_in(["active", "past_due"]))
        .group_by(SEGMENT)
        .agg(pl.col("mrr_reporting").sum().cast(pl.Decimal(18, 6)), customers=pl.len().cast(pl.Int64))
    )


def _churn(
    members: pl.LazyFrame, customer_changes: pl.LazyFrame, churned_customers: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """Customers lost, and customers at the start of the month, over the last six full months: as `metrics_by_month`."""
    this_month = pl.lit(terms.as_of_day.replace(day=1))
    months_ago = months_between("month", this_month)
    lost = (
        lost_customers(churned_customers, customer_changes)
        .filter(months_ago.is_between(1, TRAILING_MONTHS))
        .join(members, on=CUSTOMER)
        .group_by(SEGMENT)
        .agg(lost_customers=pl.len().cast(pl.Int64))
    )
    starts_after = (months_between(month_of("moved_on"), this_month) - 1).clip(0, TRAILING_MONTHS)
    base = (
        customer_changes.join(members, on=CUSTOMER)
        .group_by(SEGMENT)
        .agg(at_risk_customer_months=(pl.col("customers_delta") * starts_after).sum())
    )
    return base.join(lost, on=SEGMENT, how="left")


def _seen_months() -> pl.Expr:
    """Whole months, to the longest horizon, for which the customers of the whole account could be followed."""
    of_all = pl.col("followed_days").filter(pl.col("segment") == "all").max().over("account_id")
    return (of_all * 12 // YEAR_DAYS).clip(0, LONG)


def _means(seen: pl.LazyFrame, segments: pl.LazyFrame) -> pl.LazyFrame:
    """The mean months of paying up to each horizon, with its interval, as a list of structs."""
    months = pl.concat_list(*(pl.lit(months, pl.Int64) for months in HORIZONS), "seen_months").list.unique()
    wanted = segments.select(*SEGMENT, horizon_months=months).explode("horizon_months")
    horizons = wanted.select(*SEGMENT, "horizon_months", horizon=pl.col("horizon_months") * YEAR_DAYS // 12)
    means = restricted_mean(seen, horizons.drop("horizon_months"), SEGMENT)
    return (
        horizons.join(means, on=[*SEGMENT, "horizon"])
        .with_columns(pl.col("mean", "mean_low", "mean_high") * 12 / YEAR_DAYS)
        .group_by(SEGMENT)
        .agg(means=pl.struct("horizon_months", "mean", "mean_low", "mean_high"))
    )
