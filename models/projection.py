"""Beyond what was seen: the renewal model fitted to every segment and billing interval, and what follows from it.

The model itself is models/renewals.py; here are the counts that it is fitted to, its projection by month of tenure, and
what today's customers are still worth by it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import polars as pl

from models.contracts.marts import RenewalFits
from models.movements import CUSTOMER
from models.plans import collected
from models.policy import MetricPolicy
from models.renewals import Fit, Renewals, fit, period_rate
from models.spells import SEGMENT, segmented
from models.survival import at_risk, counts
from models.terms import Terms

FEWEST = 20
"""Customers below which nothing is said of a lifetime."""
TOO_FEW = f"fewer than {FEWEST} customers have paid"
MOST = Fraction(3, 4)
"""Share of a segment's customers whose intervals must be fitted for the whole to be projected."""
PROJECTED_MONTHS = 60
PARTS = 10**6
"""Discounted periods are taken to a millionth, so that amounts stay exact."""
MICROS = 10**6
INTERVAL = ("billing_interval", "recurring_interval", "recurring_interval_count")
GROUP = (*SEGMENT, *INTERVAL)
Key = tuple[str, ...]


def renewal_fits(spells: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.renewal_fits`: `spells` is of `spells.spells`."""
    seen = segmented(spells)
    groups = seen.group_by(GROUP).agg(
        customers=pl.col("customer_id").n_unique().cast(pl.Int64),
        churned_customers=pl.col("ended_as").is_not_null().sum().cast(pl.Int64),
    )
    came = _renewals(seen)
    rows = [
        row | _fitted(row, came.get(_key(row), Renewals((), ())), terms.policy)
        for row in groups.sort(GROUP).pipe(collected).iter_rows(named=True)
    ]
    return pl.LazyFrame(rows, schema=RenewalFits.create_empty().schema)


def projected_survival(renewal_fits: pl.LazyFrame, policy: MetricPolicy) -> pl.LazyFrame:
    """What the model expects of a segment as a whole: account_id, segment, segment_value, tenure_month, 0 to 60, and
    survival_projected, the mean over the customers of its billing intervals.

    `renewal_fits` is the mart. Segments are absent in which more than a quarter of the customers have an interval
    that could not be fitted.
    """
    segments: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in renewal_fits.pipe(collected).iter_rows(named=True):
        segments[_key(row)[:-1]].append(row)
    rows = [
        (*key, month, share)
        for key, intervals in segments.items()
        for month, share in enumerate(_mixture(intervals, policy))
    ]
    schema = dict.fromkeys(SEGMENT, pl.String()) | {"tenure_month": pl.Int64(), "survival_projected": pl.Float64()}
    return pl.LazyFrame(rows, schema=schema, orient="row")


def residual_values(
    spells: pl.LazyFrame, renewal_fits: pl.LazyFrame, customers: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """What the customers of today will still pay, discounted: account_id, segment, segment_value, residual_customers,
    residual_micros (millionths of a minor unit of the reporting currency, before the margin).

    `spells` is of `spells.spells`, the other two are marts. Of customers in their first life whose interval was fitted:
    the MRR of each for the months of its period, times the periods that those are expected to pay who made as many
    renewals. What is paid up already is not in it.
    """
    fits = {_key(row): row for row in renewal_fits.pipe(collected).iter_rows(named=True)}
    amounts: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for key, rows in _paying_by_renewal(spells, customers, terms):
        of = fits[key]
        periods = _residual_periods(of, max(row["to_renewal"] for row in rows), terms.policy)
        for row in rows if periods else ():
            worth = Fraction(row["mrr_reporting"]) * MICROS * _months(of, terms.policy)
            total = amounts[key[:-1]]
            total[0] += row["customers"]
            total[1] += round(worth * Fraction(round(periods[row["to_renewal"]] * PARTS), PARTS))
    schema = dict.fromkeys(SEGMENT, pl.String()) | {"residual_customers": pl.Int64(), "residual_micros": pl.Int64()}
    return pl.LazyFrame([(*key, *total) for key, total in amounts.items()], schema=schema, orient="row")


def _renewals(seen: pl.LazyFrame) -> dict[Key, Renewals]:
    """How many came to each renewal and left at it, by group."""
    came = seen.filter(pl.col("from_renewal") <= pl.col("to_renewal"))
    changes = at_risk(counts(came, GROUP, "from_renewal", "to_renewal", "ended_as"), GROUP).pipe(collected)
    groups: dict[Key, dict[int, dict[str, int]]] = defaultdict(dict)
    for row in changes.iter_rows(named=True):
        groups[_key(row)][row["age"]] = row
    return {key: _dense(by_age) for key, by_age in groups.items()}


def _dense(by_age: Mapping[int, Mapping[str, int]]) -> Renewals:
    """The counts of every renewal up to the last, those at which nothing changed included."""
    nothing = {"entered": 0, "ended": 0, "last_seen": 0}
    steps = [by_age.get(renewal, nothing) for renewal in range(1, max(by_age) + 1)]
    present, came = 0, []
    for step in steps:
        present += step["entered"]
        came.append(present)
        present -= step["ended"] + step["last_seen"]
    return Renewals(tuple(came), tuple(step["ended"] for step in steps))


def _fitted(row: Mapping[str, Any], renewals: Renewals, policy: MetricPolicy) -> dict[str, Any]:
    """What the mart says of a group beside its size."""
    reason = _refusal(row, renewals)
    found = None if reason else fit(renewals)
    longest = len(renewals.at_risk)
    if found is None:
        return {"renewals_seen": longest, "reason": reason or "everyone left at the first renewal"}
    rate = _rate(row, policy)
    return {
        "renewals_seen": longest,
        "first_churn_rate": found.first_churn,
        "spread": found.spread,
        "alpha": found.alpha,
        "beta": found.beta,
        "log_likelihood": found.log_likelihood,
        "discounted_periods": found.lifetime(rate) if rate > 0 else None,
    }


def _refusal(row: Mapping[str, Any], renewals: Renewals) -> str | None:
    """Why the model can't be fitted; None where it can be tried."""
    if row["recurring_interval"] is None:
        return "the billing interval is not known"
    if row["customers"] < FEWEST:
        return TOO_FEW
    if not any(renewals.ended):
        return "nobody has left yet"
    return None if len(renewals.at_risk) > 1 else "nobody has come to a second renewal yet"


def _mixture(intervals: list[dict[str, Any]], policy: MetricPolicy) -> list[float]:
    """Expected survival by month of tenure, over the fitted intervals weighted by their customers; none if too few."""
    fitted = [row for row in intervals if row["first_churn_rate"] is not None]
    weight = sum(row["customers"] for row in fitted)
    if not weight or weight < MOST * sum(row["customers"] for row in intervals):
        return []
    shares = [0.0] * (PROJECTED_MONTHS + 1)
    for row in fitted:
        made = [int(month / _months(row, policy)) for month in range(PROJECTED_MONTHS + 1)]
        survival = fit_of(row).survival(made[-1])
        for month, renewals in enumerate(made):
            shares[month] += survival[renewals] * row["customers"] / weight
    return shares


def fit_of(row: Mapping[str, Any]) -> Fit:
    """The fit that a row of the mart tells."""
    return Fit(row["first_churn_rate"], row["spread"], row["log_likelihood"])


def _paying_by_renewal(
    spells: pl.LazyFrame, customers: pl.LazyFrame, terms: Terms
) -> Iterator[tuple[Key, list[dict[str, Any]]]]:
    """Customers who pay in their first life, by group and renewals made, with their MRR in the reporting currency."""
    last_seen = (pl.lit(terms.as_of_day) - pl.col("first_paid_on")).dt.total_days()
    paying = (
        spells.filter(pl.col("ended_as").is_null(), pl.col("to_age") == last_seen, pl.col("to_renewal").is_not_null())
        .join(customers.select(*CUSTOMER, "mrr_reporting", "status"), on=CUSTOMER)
        .filter(pl.col("status").is_in(["active", "past_due"]))
    )
    rows = (
        segmented(paying)
        .group_by(*GROUP, "to_renewal")
        .agg(pl.col("mrr_reporting").sum(), customers=pl.len())
        .sort(*GROUP, "to_renewal")
        .pipe(collected)
    )
    groups: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.iter_rows(named=True):
        groups[_key(row)].append(row)
    yield from groups.items()


def _residual_periods(of: Mapping[str, Any], renewals: int, policy: MetricPolicy) -> list[float]:
    """Discounted periods to come by renewals made; none where the group was not fitted or nothing is discounted."""
    if of["first_churn_rate"] is None or _rate(of, policy) <= 0:
        return []
    return fit_of(of).residual(renewals, _rate(of, policy))


def _rate(of: Mapping[str, Any], policy: MetricPolicy) -> float:
    return period_rate(float(policy.annual_discount_rate), float(_months(of, policy)))


def _months(of: Mapping[str, Any], policy: MetricPolicy) -> Fraction:
    """Months that a billing period lasts, as the policy counts them."""
    return 1 / policy.periods_a_month(of["recurring_interval"], int(of["recurring_interval_count"]))


def _key(row: Mapping[str, Any]) -> Key:
    return tuple(row[column] for column in (*SEGMENT, "billing_interval"))
