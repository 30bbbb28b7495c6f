"""How long customers stayed and what they brought: exactly what the company's own books say, any seed."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from models.spells import first_lives, spells
from tests.models.grown import SEEDS, Grown, grown

pytestmark = pytest.mark.parametrize("seed", SEEDS[:2])

GRACE = timedelta(days=7)
Stretch = tuple[str, int, int, str | None]


def paying_days(company: Grown) -> dict[str, list[tuple[date, bool]]]:
    """Each customer's days on which it began or ceased to pay in any currency, by the books."""
    worth: dict[str, dict[str, int]] = defaultdict(dict)
    turns: dict[str, list[tuple[date, bool]]] = defaultdict(list)
    moves = sorted(company.books.movements(company.terms.timezone), key=lambda move: (move.day, move.currency))
    days: dict[tuple[date, str], list[tuple[str, int]]] = defaultdict(list)
    for move in moves:
        days[move.day, move.customer_id].append((move.currency, move.after))
    for (day, customer), afters in days.items():
        paid = any(worth[customer].values())
        worth[customer].update(afters)
        pays = any(worth[customer].values())
        if pays != paid:
            turns[customer].append((day, pays))
    return turns


def without_grace(turns: list[tuple[date, bool]]) -> list[date]:
    """The days on which paying began and ceased by turns, short absences left out."""
    kept: list[date] = []
    for day, pays in turns:
        if pays and kept and day - kept[-1] <= GRACE:
            kept.pop()
        else:
            kept.append(day)
    return kept


def by_the_books(company: Grown) -> Iterator[Stretch]:
    """Every stretch at risk in a first life: customer, first and last day, how it ended."""
    kinds: dict[tuple[str, date], set[str]] = defaultdict(set)
    for churn in company.books.churns:
        kinds[churn.customer_id, company.day(churn.at)].add(churn.kind)
    created = company.staging["subscriptions"].select("customer_id", "created_at").collect().rows()
    known: dict[str, date] = {}
    for customer, at in sorted(created, key=lambda row: row[1]):
        known.setdefault(customer, company.day(int(at.timestamp())))
    for customer, turns in paying_days(company).items():
        days = [*without_grace(turns), company.terms.as_of_day]
        first = days[0]
        for start, end in zip(days[::2], days[1::2], strict=False):
            how = kinds[customer, end] - {"paused"} if (end, False) in turns else set()
            seen = max(start, known[customer])
            if seen <= end:
                yield customer, (seen - first).days, (end - first).days, min(how, default=None)
            if how:
                break


def test_every_stretch_of_every_first_life_is_in_the_books_and_the_other_way_round(seed: int) -> None:
    company = grown(seed)
    expected = Counter(by_the_books(company))
    lives = first_lives(
        company.spine.movements,
        company.marts["customer_changes"],
        company.marts["churned_customers"],
        company.spine.changes,
        company.staging["subscriptions"],
        company.staging["prices"],
        company.marts["customers"],
        company.terms,
    )
    found = spells(lives, company.terms)
    assert Counter(found.select("customer_id", "from_age", "to_age", "ended_as").collect().rows()) == expected
    assert any(from_age for _, from_age, *_ in expected), "nobody was backdated or paused: the case is not looked at"


def test_the_curve_is_the_product_over_the_books_lives(seed: int) -> None:
    """Π (1 − left / at risk) over the days on which someone left, in plain fractions, at the end of each month."""
    company = grown(seed)
    lives = list(by_the_books(company))
    survival, leaving = Fraction(1), sorted({end for *_, end, how in lives if how})
    share_at: dict[int, Fraction] = {}
    for age in leaving:
        at_risk = sum(start <= age <= end for _, start, end, _ in lives)
        survival *= 1 - Fraction(sum(end == age and how is not None for *_, end, how in lives), at_risk)
        share_at[age] = survival
    whole = company.marts["survival_by_month"].filter(segment="all").drop_nulls("survival").collect()
    for month, share in whole.select("tenure_month", "survival").rows():
        last = month * 487 // 16 + 3 if month else 0
        assert share == pytest.approx(float(min([Fraction(1), *(s for age, s in share_at.items() if age <= last)])))


def test_the_rows_of_the_months_add_up(seed: int) -> None:
    company = grown(seed)
    months = company.marts["survival_by_month"].filter(pl.col("survival").is_not_null())
    key = ["segment", "segment_value"]
    next_one = pl.col("at_risk") - pl.col("churned") - pl.col("last_seen") + pl.col("entered").shift(-1)
    broken = months.with_columns(expected=next_one.over(key), following=pl.col("at_risk").shift(-1).over(key)).filter(
        pl.col("expected") != pl.col("following")
    )
    assert broken.collect().is_empty()
    ways = pl.sum_horizontal("churned_voluntary", "churned_involuntary", "churned_other")
    assert months.filter(pl.col("churned") != ways).collect().is_empty()
    gone = pl.sum_horizontal("incidence_voluntary", "incidence_involuntary", "incidence_other") + pl.col("survival")
    assert months.filter((gone - 1).abs() > 1e-9).collect().is_empty()


def test_segments_split_the_whole(seed: int) -> None:
    company = grown(seed)
    counted = ("customers", "paid_customers", "churned_customers", "lost_customers", "at_risk_customer_months")
    by_segment = (
        company.marts["customer_ltv"].group_by("segment").agg(pl.col(*counted, "mrr_reporting").sum()).collect()
    )
    assert by_segment.height == 6
    assert by_segment.select(*counted, "mrr_reporting").unique().height == 1


def test_the_simple_value_of_all_is_that_of_the_metrics(seed: int) -> None:
    company = grown(seed)
    latest = company.marts["metrics_by_month"].filter(metric="ltv").sort("month").tail(1).collect()
    simple = company.marts["ltv_by_method"].filter(segment="all", method="simple").collect()
    assert simple["ltv_reporting"].item() == round(latest["numerator"].item())
    rates = company.marts["customer_ltv"].filter(segment="all").collect()
    assert rates["customers"].item() == company.marts["mrr_by_month_reporting"].collect()["closing_customers"][-1]


def test_every_headline_is_arpa_times_months_within_its_interval(seed: int) -> None:
    told = grown(seed).marts["customer_ltv"].drop_nulls("ltv_reporting").collect()
    assert told.height
    for row in told.iter_rows(named=True):
        exact = Decimal(row["mrr_reporting"]) * row["lifetime_months"] / row["customers"]
        assert abs(row["ltv_reporting"] - exact) <= Decimal("0.5")
        assert 0 <= row["ltv_low_reporting"] <= row["ltv_reporting"] <= row["ltv_high_reporting"]
        assert row["lifetime_months"] <= row["horizon_months"]
    silent = grown(seed).marts["customer_ltv"].filter(pl.col("ltv_reporting").is_null()).collect()
    assert silent["reason"].null_count() == 0


def test_every_cent_of_a_customers_cash_is_in_the_books(seed: int) -> None:
    """Cash entries of charges, refunds and disputes, each at its day's rate, of customers who had MRR."""
    company = grown(seed)
    owners = dict(company.staging["charges"].select("id", "customer_id").collect().rows())
    owners |= {refund.refund_id: refund.customer_id for refund in company.books.refunds}
    owners |= {dispute.dispute_id: dispute.customer_id for dispute in company.books.disputes}
    members = {customer for customer, *_ in by_the_books(company)}
    expected = 0
    for entry in company.books.cash:
        if owners.get(entry.source or "") in members:
            day = company.day(entry.at)
            expected += company.reporting(entry.amount, entry.currency, day)
            expected -= company.reporting(entry.fee, entry.currency, day)
    found = company.marts["ltv_by_method"].filter(segment="all", method="realised").collect()
    assert found["ltv_reporting"].item() == round(Fraction(expected, len(members)))
