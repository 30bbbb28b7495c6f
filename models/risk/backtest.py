"""How well the list would have done at the starts of past months, beside what it must beat.

Rankings: `list` (its high band by chance x MRR, then its medium one, then who is not on it), `score` (by chance alone),
and two that need no scores:
`past_due_first` (whoever has a failed or overdue invoice, then the largest MRR) and `random`. Those who had announced
their leaving are in none of them, but for a second look at the first two, where they come first: they make any list
look good.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum
from typing import Any

import polars as pl

from models.plans import collected
from models.risk.features import BY_NAME, KINDS, LEVEL_BITS, LEVELS
from models.risk.points import LEADING
from models.risk.ranking import brier, deciles, pr_auc, roc_auc, taken, wilson
from models.risk.snapshots import HORIZONS, LOST_BITS
from models.risk.trials import ANY, SCORES
from models.shares import share
from models.terms import Terms

FIRST = (10, 25, 50)
"""How many a team may have the time for."""
LISTS = ("list", "score")
"""Rankings that are held against the others with those who had announced their leaving, too."""
WITHOUT, WITH = "without_leaving", "with_leaving"
MICROS = 1_000_000
BITS = {
    (kind, days): sum(LOST_BITS[each, days] for each in (KINDS if kind == ANY else (kind,)))
    for kind in SCORES
    for days in HORIZONS
}
"""Bits of `lost` that a score should have foretold within so many days."""
AT = ("account_id", "scored_on")
MONTHLY = {
    "account_id": pl.String(),
    "scored_on": pl.Date(),
    "score_kind": pl.String(),
    "horizon_days": pl.Int64(),
    "population": pl.String(),
    "ranking": pl.String(),
    "k": pl.Int64(),
    "customers": pl.Int64(),
    "churned": pl.Int64(),
    "listed": pl.Int64(),
    "found": pl.Float64(),
    "mrr_lost_reporting": pl.Int64(),
    "mrr_found_reporting": pl.Int64(),
}
KEY = ("account_id", "score_kind", "horizon_days", "population", "ranking", "k")
QUALITY = {
    "account_id": pl.String(),
    "score_kind": pl.String(),
    "horizon_days": pl.Int64(),
    "months": pl.Int64(),
    "customers": pl.Int64(),
    "churned": pl.Int64(),
    "churns": pl.Int64(),
    "base_rate": pl.Float64(),
    "roc_auc": pl.Float64(),
    "pr_auc": pl.Float64(),
    "brier": pl.Float64(),
    "brier_of_base_rate": pl.Float64(),
    "is_validated": pl.Boolean(),
    "is_calibrated": pl.Boolean(),
    "basis": pl.String(),
}
CALIBRATION = {
    "account_id": pl.String(),
    "score_kind": pl.String(),
    "horizon_days": pl.Int64(),
    "tenth": pl.Int64(),
    "customers": pl.Int64(),
    "churned": pl.Int64(),
    "told_rate": pl.Float64(),
    "churned_rate": pl.Float64(),
    "churned_low_rate": pl.Float64(),
    "churned_high_rate": pl.Float64(),
}
TOLD = ("account_id", "score_kind", "horizon_days", "chance", "customers", "churned", "churns", "months", "basis")
ENOUGH_TO_VALIDATE = 50
"""Churns below which a backtest proves nothing."""
ENOUGH_TO_CALIBRATE = 500
"""Churns from which on chances are calibrated by what came of them."""
EXACT = 9
"""Decimals of an expected count, so that no order of summing shows in it."""
_PAST_DUE = 1 << 61


def risk_backtest_by_month(history: pl.LazyFrame, risk_trials: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.risk_backtest_by_month`: `history` is of `snapshots.history`, `risk_trials` of `trials.risk_trials`."""
    dates = risk_trials.select(AT).unique()
    tried = (
        history.join(dates, on=AT, how="semi").join(risk_trials, on=[*AT, "code"], how="left").pipe(collected).lazy()
    )
    stayed, gone = tried.filter(~pl.col("leaving")), tried.filter("leaving")
    everybody = _by_date(stayed.group_by(AT).agg(_counts(SCORES)))
    leaving = _by_date(gone.group_by(AT).agg(_counts(SCORES)))
    rows: list[tuple[object, ...]] = []
    for ranking, kinds, rank in _ranks():
        groups = _by_date(_first(stayed, rank, kinds)) if ranking != "random" else everybody
        for at, best in sorted(groups.items()):
            ahead = leaving.get(at, [])
            for population, first in ((WITHOUT, []), *(((WITH, ahead),) if ranking in LISTS else ())):
                whole, shares = [*everybody[at], *first], _shares([*first, *best], kinds)
                for kind, days in _asked(kinds, at[1], terms):
                    told = (*at, kind, days, population, ranking)
                    rows += [(*told, *one) for one in _found(shares, whole, BITS[kind, days])]
    return pl.LazyFrame(rows, schema=MONTHLY, orient="row").sort(*KEY[:1], "scored_on", *KEY[1:])


def risk_backtest(by_month: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.risk_backtest`: `by_month` is `marts.risk_backtest_by_month`. Rates of sums, not means of rates."""
    summed = ("customers", "churned", "listed", "found", "mrr_lost_reporting", "mrr_found_reporting")
    return (
        by_month.group_by(KEY)
        .agg(pl.col(summed).sum(), months=pl.len().cast(pl.Int64))
        .with_columns(pl.col("found").round(EXACT))
        .with_columns(
            base_rate=share("churned", "customers"),
            precision=share("found", "listed"),
            recall=share("found", "churned"),
            mrr_recall=share("mrr_found_reporting", "mrr_lost_reporting"),
        )
        .with_columns(lift=share("precision", "base_rate"))
        .sort(KEY)
    )


def risk_quality(told: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.risk_quality`: how well chances told apart those who left from those who stayed. `told` is of
    `risk_told`."""
    rows = []
    for (account, kind, days), tried in read(told).items():
        groups = [(one.customers, one.churned) for one in tried.groups]
        customers, churned = (sum(each) for each in zip(*groups, strict=True))
        base = churned / customers
        measured = (roc_auc(groups), pr_auc(groups), brier([one.chance for one in tried.groups], groups))
        rows.append(
            (
                *(account, kind, days, tried.months, customers, churned, tried.churns, base, *measured),
                base * (1 - base),
                tried.churns >= ENOUGH_TO_VALIDATE,
                tried.churns >= ENOUGH_TO_CALIBRATE,
                tried.basis,
            )
        )
    return pl.LazyFrame(rows, schema=QUALITY, orient="row").sort(list(QUALITY)[:3])


def risk_calibration(told: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.risk_calibration`: by tenth of customers, the chance that was told and the share that left. `told` is of
    `risk_told`."""
    rows = []
    for key, tried in read(told).items():
        groups = [(one.customers, one.churned) for one in tried.groups]
        tenths: dict[int, list[Alike]] = defaultdict(list)
        for one, tenth in zip(tried.groups, deciles(groups), strict=True):
            tenths[tenth].append(one)
        for tenth, members in tenths.items():
            customers, churned = (sum(getattr(one, name) for one in members) for name in ("customers", "churned"))
            expected = fsum(one.chance * one.customers for one in members)
            low, high = wilson(churned, customers)
            rows.append((*key, tenth, customers, churned, expected / customers, churned / customers, low, high))
    return pl.LazyFrame(rows, schema=CALIBRATION, orient="row").sort(list(CALIBRATION)[:4])


@dataclass(frozen=True)
class Alike:
    """Customers at past dates who were given the same chance."""

    chance: float
    customers: int
    churned: int


@dataclass(frozen=True)
class Tried:
    """All that one score was tried on: groups, the likeliest to leave first."""

    groups: Sequence[Alike]
    months: int
    churns: int
    """Churns that it could have foretold: those within 30 days, which no two starts of months share."""
    basis: str


def risk_told(risk_trials: pl.LazyFrame, history: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Who was given which chance at past dates and who left, in the columns of `TOLD`, the highest chance first.

    `risk_trials` is of `trials.risk_trials`, `history` of `snapshots.history`.
    """
    stayed = history.filter(~pl.col("leaving"))
    codes = stayed.group_by(*AT, "code", "lost").agg(pl.col("customers").sum())
    rows = codes.join(risk_trials, on=[*AT, "code"]).pipe(collected).lazy()
    return pl.concat([_told(rows, kind, days, terms) for kind, days in BITS]).sort(
        *KEY[:3], "chance", descending=[False, False, False, True]
    )


def read(told: pl.LazyFrame) -> dict[tuple[str, str, int], Tried]:
    """By account, score and days, from rows of `TOLD`."""
    found = {}
    for key, rows in told.pipe(collected).partition_by(KEY[:3], as_dict=True, maintain_order=True).items():
        members = [Alike(*one) for one in rows.select("chance", "customers", "churned").iter_rows()]
        churns = int(rows["churns"].sum())
        account, kind, days = key
        found[str(account), str(kind), int(days)] = Tried(members, rows["months"][0], churns, rows["basis"][0])
    return found


def _told(rows: pl.LazyFrame, kind: str, days: int, terms: Terms) -> pl.LazyFrame:
    known = rows.filter(pl.col("scored_on") <= terms.as_of_day - timedelta(days=days))
    lost = {each: _of(pl.col("lost") & BITS[kind, each] != 0) for each in HORIZONS}
    about = known.group_by("account_id").agg(
        months=pl.col("scored_on").n_unique().cast(pl.Int64),
        basis=pl.col("basis").unique().sort().str.join(", then "),
    )
    groups = known.group_by("account_id", chance=f"{kind}_{days}").agg(
        pl.col("customers").sum(), churned=lost[days], churns=lost[min(HORIZONS)]
    )
    named = groups.join(about, on="account_id").with_columns(
        score_kind=pl.lit(kind), horizon_days=pl.lit(days, pl.Int64)
    )
    return named.select(list(TOLD))


def _counts(kinds: Sequence[str]) -> list[pl.Expr]:
    """Customers, and for each of the `BITS` of some scores how many left and their MRR."""
    left = {bits: pl.col("lost") & bits != 0 for (kind, _), bits in BITS.items() if kind in kinds}
    return [
        pl.col("customers").sum(),
        *(_of(holds).alias(f"churned_{bits}") for bits, holds in left.items()),
        *(_of(holds, pl.col("micros_reporting")).alias(f"micros_{bits}") for bits, holds in left.items()),
    ]


def _of(holds: pl.Expr, worth: pl.Expr | int = 1) -> pl.Expr:
    return (pl.col("customers") * worth).filter(holds).sum()


def _ranks() -> Iterator[tuple[str, Sequence[str], pl.Expr]]:
    """Each ranking, the scores that it is a ranking by, and what it ranks by, the highest first."""
    micros = pl.col("micros_reporting")
    for kind in SCORES:
        chance = pl.col(f"{kind}_{LEADING}")
        yield "score", (kind,), chance
        loss = chance * micros
        yield "list", (kind,), pl.col("place") - 1 / (1 + loss)
    owes = pl.any_horizontal(_level("failed_attempts") > 0, _level("overdue") > 0)
    yield "past_due_first", SCORES, micros + pl.when(owes).then(_PAST_DUE).otherwise(0)
    yield "random", SCORES, pl.lit(0)


def _level(feature: str) -> pl.Expr:
    return pl.col("code") // (1 << LEVEL_BITS * BY_NAME[feature]) % (LEVELS + 1)


def _first(of: pl.LazyFrame, rank: pl.Expr, kinds: Sequence[str]) -> pl.LazyFrame:
    """The customers ranked first at each date, as many as are ever looked at, those of one rank together."""
    groups = of.with_columns(rank=rank).group_by(*AT, "rank").agg(_counts(kinds))
    least = pl.col("rank").top_k(max(FIRST)).min().over(AT)
    return groups.filter(pl.col("rank") >= least).sort(*AT, "rank", descending=[False, False, True]).drop("rank")


def _by_date(groups: pl.LazyFrame) -> dict[tuple[str, date], list[dict[str, Any]]]:
    rows: dict[tuple[str, date], list[dict[str, Any]]] = defaultdict(list)
    for row in groups.pipe(collected).iter_rows(named=True):
        rows[row["account_id"], row["scored_on"]].append(row)
    return rows


def _asked(kinds: Sequence[str], on: date, terms: Terms) -> list[tuple[str, int]]:
    """Scores and days that a date can be held against: only once the days have passed."""
    passed = [days for days in HORIZONS if on + timedelta(days=days) <= terms.as_of_day]
    return [(kind, days) for kind in kinds for days in passed]


def _shares(best: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> list[tuple[Mapping[str, Any], Sequence[float]]]:
    """Groups of which anybody left at all, with the share of each that is within each of `FIRST`."""
    sizes = [group["customers"] for group in best]
    by_group = zip(*(taken(sizes, k) for k in FIRST), strict=True)
    left = [f"churned_{BITS[kind, max(HORIZONS)]}" for kind in kinds]
    return [(group, parts) for group, parts in zip(best, by_group, strict=True) if any(group[name] for name in left)]


def _found(
    shares: Sequence[tuple[Mapping[str, Any], Sequence[float]]], whole: Sequence[Mapping[str, Any]], bits: int
) -> Iterator[tuple[object, ...]]:
    """For each k: what there was, and what the first k of a ranking hold of it."""
    lost, mrr = f"churned_{bits}", f"micros_{bits}"
    customers, churned, worth = (sum(group[name] for group in whole) for name in ("customers", lost, mrr))
    for place, k in enumerate(FIRST):
        found = fsum(parts[place] * group[lost] for group, parts in shares)
        found_worth = fsum(parts[place] * group[mrr] for group, parts in shares)
        counted = (customers, churned, min(k, customers), round(found, EXACT))
        yield k, *counted, round(worth / MICROS), round(found_worth / MICROS)
