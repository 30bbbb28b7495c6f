"""Lifetime value by segment, by every formula beside each other, with what is needed to say it or why it can't be said.

ARPA x gross margin x months of paying. The months are 1 / churn (simple), its discounted form, or the area under the
Kaplan-Meier curve up to a horizon, which is the headline: it takes no churn for constant and counts customers who are
still there for what they are. Where 36 months can't be seen yet, the headline counts the whole months that can.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from models.contracts.marts import CustomerLtv, LtvByMethod
from models.metrics import LONGEST_LIFE
from models.policy import MetricPolicy
from models.projection import FEWEST, MICROS, TOO_FEW
from models.renewals import period_rate
from models.segments import HEADLINE, HORIZONS, STILL_FOLLOWED, YEAR_DAYS, Segment, read
from models.spells import SEGMENT
from models.survival import Z
from models.terms import Terms


@dataclass(frozen=True)
class Value:
    """A lifetime value with its interval, in minor units; or None for want of it, and why."""

    ltv_reporting: int | None = None
    ltv_low_reporting: int | None = None
    ltv_high_reporting: int | None = None
    lifetime_months: Decimal | None = None
    reason: str | None = None


Formula = Callable[[Segment, MetricPolicy, int], Value]


@dataclass(frozen=True)
class Method:
    """One formula; `horizon` in months of a segment, None where it has no end."""

    name: str
    formula: Formula
    horizon: Callable[[Segment], int | None]
    averaged_over: Callable[[Segment], int]


def customer_ltv(segments: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.customer_ltv`: `segments` is of `segments.segments`."""
    rows = [_headline(one, terms.policy) for one in read(segments)]
    return pl.LazyFrame(rows, schema=CustomerLtv.create_empty().schema).sort(SEGMENT)


def ltv_by_method(segments: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.ltv_by_method`: `segments` is of `segments.segments`."""
    rows = [_by_method(one, method, terms.policy) for one in read(segments) for method in METHODS]
    return pl.LazyFrame(rows, schema=LtvByMethod.create_empty().schema).sort(*SEGMENT, "method")


def _headline(one: Segment, policy: MetricPolicy) -> dict[str, Any]:
    method = KM[HEADLINE] if one.seen_months >= HEADLINE else KM_FOLLOWED
    horizon = method.horizon(one)
    value = method.formula(one, policy, horizon or 0)
    told = asdict(one)
    return (
        {name: told[name] for name in CustomerLtv.create_empty().columns if name in told}
        | asdict(value)
        | {
            "arpa_reporting": _decimal(one.arpa) if one.customers else None,
            "monthly_churn_rate": one.churn_rate,
            "followed_months": one.followed_months,
            "median_months": _months(one.median_days),
            "median_low_months": _months(one.median_low_days),
            "median_high_months": _months(one.median_high_days),
            "horizon_months": horizon,
            "break_even_cac_reporting": _third(value.ltv_reporting),
            "gross_margin": float(policy.gross_margin),
            "annual_discount_rate": float(policy.annual_discount_rate),
            "method": method.name,
        }
    )


def _by_method(one: Segment, method: Method, policy: MetricPolicy) -> dict[str, Any]:
    horizon = method.horizon(one)
    return {
        "account_id": one.account_id,
        "segment": one.segment,
        "segment_value": one.segment_value,
        "method": method.name,
        "horizon_months": horizon,
        "customers": method.averaged_over(one),
    } | asdict(method.formula(one, policy, horizon or 0))


def _simple(one: Segment, policy: MetricPolicy, horizon: int) -> Value:
    """ARPA x margin / churn; the interval is Wilson's of the churn rate."""
    return _by_churn(one, policy, lambda churn: 1 / churn)


def _discounted(one: Segment, policy: MetricPolicy, horizon: int) -> Value:
    """ARPA x margin x (1 + d) / (d + churn), d being the monthly discount rate."""
    monthly = Fraction(period_rate(float(policy.annual_discount_rate), 1))
    return _by_churn(one, policy, lambda churn: discounted_months(churn, monthly))


def discounted_months(churn: Fraction, rate: Fraction) -> Fraction:
    """Months of paying, discounted: Σ_{t≥0} (1 − churn)^t / (1 + rate)^t = (1 + rate) / (rate + churn).

    Example:
        >>> float(discounted_months(Fraction(5, 100), Fraction(1, 100)))
        16.833333333333332
    """
    return (1 + rate) / (rate + churn)


def _by_churn(one: Segment, policy: MetricPolicy, months: Callable[[Fraction], Fraction]) -> Value:
    reason = _too_little(one)
    if reason is None and not one.at_risk_customer_months:
        reason = "no full month with customers has passed"
    if reason:
        return Value(reason=reason)
    low, high = wilson(one.lost_customers, one.at_risk_customer_months)
    floor = Fraction(1, LONGEST_LIFE)
    return _paid_for(
        one, policy, months(one.churn), months(max(Fraction(high), floor)), months(max(Fraction(low), floor))
    )


def _restricted(one: Segment, policy: MetricPolicy, horizon: int) -> Value:
    """ARPA x margin x the months under the Kaplan-Meier curve up to the horizon."""
    reason = _too_little(one) or _not_seen(one, horizon)
    if reason:
        return Value(reason=reason)
    mean, low, high = one.means[horizon]
    return _paid_for(one, policy, Fraction(mean), Fraction(low), Fraction(high))


def _residual(one: Segment, policy: MetricPolicy, horizon: int) -> Value:
    """Margin x what today's customers will still pay by the renewal model, discounted; a mean of those it fits."""
    if policy.annual_discount_rate <= 0:
        return Value(reason="the policy discounts nothing, so what is still to come has no end")
    reason = _too_little(one)
    if reason is None and not one.residual_customers:
        reason = "the renewal model could not be fitted for any of today's customers"
    if reason:
        return Value(reason=reason)
    return Value(_whole(Fraction(one.residual_micros, MICROS * one.residual_customers) * policy.gross_margin))


def _realised(one: Segment, policy: MetricPolicy, horizon: int) -> Value:
    """Cash received so far of everyone who ever paid, a mean."""
    if not one.paid_customers:
        return Value(reason=NOBODY_PAID)
    return Value(_whole(Fraction(one.net_cash_reporting, one.paid_customers)))


NOBODY_PAID = "nobody has paid yet"


def _too_little(one: Segment) -> str | None:
    """Why no formula that needs churn and ARPA can be said to hold."""
    if not one.paid_customers:
        return NOBODY_PAID
    if one.paid_customers < FEWEST:
        return TOO_FEW
    return None if one.customers else "nobody pays now, so there is no average revenue"


def _not_seen(one: Segment, horizon: int) -> str | None:
    """Why the curve does not say how many months are paid within the horizon."""
    if not one.churned_customers:
        return "nobody has left yet"
    if not one.from_start:
        return "nobody was seen from the first paid day on"
    if not horizon or one.followed_months < horizon:
        return (
            f"fewer than {STILL_FOLLOWED} customers were followed for {horizon or 1} month{'s' if horizon > 1 else ''}"
        )
    return None


def _paid_for(one: Segment, policy: MetricPolicy, months: Fraction, low: Fraction, high: Fraction) -> Value:
    """The value of so many months, which are rounded to a millionth first, so that the product can be checked."""
    rounded = [_decimal(each) for each in (months, low, high)]
    value, least, most = (_whole(one.arpa * policy.gross_margin * Fraction(each)) for each in rounded)
    return Value(value, least, most, rounded[0])


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927).

    Example:
        >>> [round(end, 4) for end in wilson(5, 100)]
        [0.0215, 0.1118]
    """
    share, square = part / whole, Z * Z
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    reach = Z * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole)) / (1 + square / whole)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _months(days: int | None) -> float | None:
    return None if days is None else days * 12 / YEAR_DAYS


def _decimal(amount: Fraction) -> Decimal:
    """To a millionth, half to even."""
    return Decimal(round(amount * MICROS)).scaleb(-6)


def _whole(amount: Fraction) -> int:
    """To a whole minor unit, half to even."""
    return round(amount)


def _third(amount: int | None) -> int | None:
    return None if amount is None else _whole(Fraction(amount, 3))


def _no_end(one: Segment) -> int | None:
    return None


def _now(one: Segment) -> int:
    return one.customers


def _within(months: int) -> Method:
    return Method(f"km_rmst_{months}", _restricted, lambda one: months, _now)


KM = {months: _within(months) for months in HORIZONS}
KM_FOLLOWED = Method("km_rmst_followed", _restricted, lambda one: one.seen_months, _now)

METHODS: tuple[Method, ...] = (
    Method("simple", _simple, _no_end, _now),
    Method("discounted", _discounted, _no_end, _now),
    *KM.values(),
    KM_FOLLOWED,
    Method("sbg_residual", _residual, _no_end, lambda one: one.residual_customers),
    Method("realised", _realised, _no_end, lambda one: one.paid_customers),
)
"""Every formula: LTV1, LTV2, LTV3 within its horizons, LTV4, LTV5."""
