"""Lifetimes of the made-up company: its customers' first lives followed in plain Python, independently of `models/`."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from math import exp, log, sqrt
from typing import Any

Row = dict[str, Any]
Life = tuple[str, str, date, date, str | None, int]
"""Customer, currency, first paid day, last seen, how it ended (None: it goes on), MRR now."""

WAYS = {
    "voluntary": "voluntary",
    "voluntary_in_dunning": "voluntary",
    "involuntary_payment": "involuntary",
    "involuntary_dispute": "involuntary",
}
METHODS = ("simple", "discounted", "km_rmst_12", "km_rmst_24", "km_rmst_36", "km_rmst_60", "km_rmst_followed")


def tables(lives: Sequence[Life], joined: Iterable[tuple[date, int]], today: date) -> dict[str, list[Row]]:
    """Every table of lifetimes; `joined` are months and how many first paid in them."""
    segments: dict[tuple[str, str], list[Life]] = {("all", "all"): list(lives)}
    keys: tuple[tuple[str, Callable[[Life], str]], ...] = (
        ("currency", lambda life: life[1]),
        ("cohort_year", lambda life: str(life[2].year)),
    )
    for name, value_of in keys:
        for life in lives:
            segments.setdefault((name, value_of(life)), []).append(life)
    return {
        "survival_by_month": [row for key, own in segments.items() for row in _survival(key, own)],
        "customer_ltv": [_headline(key, own) for key, own in segments.items()],
        "ltv_by_method": [row for key, own in segments.items() for row in _methods(key, own)],
        "renewal_fits": [_fit(lives)] if lives else [],
        "customer_value_by_age": _values(joined, today),
    }


def _months(life: Life) -> int:
    return (life[3] - life[2]).days * 12 // 365


def _survival(key: tuple[str, str], lives: list[Life]) -> list[Row]:
    """By whole months: whoever leaves after m months leaves in month m + 1."""
    rows: list[Row] = []
    share, variance = 1.0, 0.0
    for month in range(max(map(_months, lives), default=-1) + 2):
        here = [life for life in lives if _months(life) >= month - 1]
        gone = [life for life in here if _months(life) == month - 1]
        ended = [life for life in gone if life[4]]
        before = share
        if month and here:
            share *= 1 - len(ended) / len(here)
            variance += len(ended) / (len(here) * (len(here) - len(ended))) if len(here) > len(ended) else 0
        ends = [None, None]
        if 0 < share < 1:
            ends = [share ** exp(sign * 1.96 * sqrt(variance) / abs(log(share))) for sign in (1, -1)]
        ways = {way: sum(WAYS[life[4] or ""] == way for life in ended) for way in ("voluntary", "involuntary")}
        rows.append(
            _named(key)
            | {"tenure_month": month, "at_risk": len(here), "entered": 0 if month else len(here)}
            | {"churned": len(ended), "churned_other": 0, "last_seen": len(gone) - len(ended)}
            | {f"churned_{way}": count for way, count in ways.items()}
            | {"survival": share, "survival_low": ends[0], "survival_high": ends[1]}
            | {"survival_projected": 0.97**month, "hazard": 1 - share / before if before else None, "hazard_other": 0.0}
            | {f"hazard_{way}": count / len(here) if month and here else 0.0 for way, count in ways.items()}
            | {f"incidence_{way}": 1 - share if way == "voluntary" else 0.0 for way in (*ways, "other")}
        )
    return rows


def _headline(key: tuple[str, str], lives: list[Life]) -> Row:
    paying = [life for life in lives if life[5]]
    worth = Decimal(sum(life[5] for life in paying))
    told = _value(lives, 36)
    return (
        _named(key)
        | {
            "segment_name": key[1],
            "customers": len(paying),
            "mrr_reporting": worth,
            "arpa_reporting": (worth / len(paying)).quantize(Decimal("0.000001")) if paying else None,
            "paid_customers": len(lives),
            "churned_customers": sum(life[4] is not None for life in lives),
            "lost_customers": min(2, len(lives)),
            "at_risk_customer_months": 6 * len(paying),
            "monthly_churn_rate": None,
            "followed_months": 36,
            "median_months": 21.5 if len(lives) > 20 else None,
            "median_low_months": 17.25 if len(lives) > 20 else None,
            "horizon_months": 36,
            "gross_margin": 1.0,
            "annual_discount_rate": 0.1,
            "break_even_cac_reporting": told["ltv_reporting"] and told["ltv_reporting"] // 3,
            "method": "km_rmst_36",
        }
        | {name: told[name] for name in told if name != "horizon_months"}
    )


def _methods(key: tuple[str, str], lives: list[Life]) -> list[Row]:
    rows = [
        _named(key) | {"method": method, "customers": len(lives)} | _value(lives, _horizon(method))
        for method in METHODS
    ]
    facts = {"sbg_residual": 312_345, "realised": 98_765}
    rows += [
        _named(key) | {"method": method, "customers": len(lives), "ltv_reporting": amount}
        for method, amount in facts.items()
    ]
    return rows


def _horizon(method: str) -> int:
    digits = method.rpartition("_")[2]
    return int(digits) if digits.isdigit() else 30


def _value(lives: list[Life], months: int) -> Row:
    if len(lives) < 20:
        return {
            "horizon_months": months,
            "ltv_reporting": None,
            "reason": "fewer than 20 customers have paid",
        } | dict.fromkeys(("ltv_low_reporting", "ltv_high_reporting", "lifetime_months"))
    amount = 10_000 * months
    return {
        "horizon_months": months,
        "lifetime_months": Decimal(months) * Decimal("0.8"),
        "ltv_reporting": amount,
        "ltv_low_reporting": amount * 9 // 10,
        "ltv_high_reporting": amount * 11 // 10,
        "reason": None,
    }


def _fit(lives: Sequence[Life]) -> Row:
    return _named(("all", "all")) | {
        "billing_interval": "month",
        "recurring_interval": "month",
        "recurring_interval_count": 1,
        "customers": len(lives),
        "churned_customers": sum(life[4] is not None for life in lives),
        "renewals_seen": max(map(_months, lives)),
        "first_churn_rate": 0.05,
        "spread": 0.1,
        "alpha": 0.5,
        "beta": 9.5,
        "log_likelihood": -321.5,
        "discounted_periods": 21.125,
    }


def _values(joined: Iterable[tuple[date, int]], today: date) -> list[Row]:
    rows: list[Row] = []
    for cohort, customers in joined:
        over = (today.year - cohort.year) * 12 + today.month - cohort.month
        rows += [
            {
                "cohort_month": cohort,
                "months_since": age,
                "cohort_customers": customers,
                "net_cash_reporting": customers * 4_321 * (age + 1),
                "net_cash_per_customer_reporting": 4_321 * (age + 1),
            }
            for age in range(over)
        ]
    return rows


def _named(key: tuple[str, str]) -> Row:
    return {"segment": key[0], "segment_value": key[1]}
