"""The backtest on the page of accounts at risk: who would have been on the list before, and who left."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Interval, Series
from dashboards.page import Block, Chart, Column, Download, Row, Table, TableBlock
from dashboards.values import Cell, Count, Missing, Rate, Ratio
from reports.glossary import SHORT
from reports.marts import Marts
from reports.rows import Rows
from reports.terms import Terms, rate, shown_rate

DAYS = 90
ANY = "any"
ENOUGH = 50
"""Churns below which a backtest proves nothing; `risk_quality.is_validated` says so."""
RANKINGS: Mapping[tuple[str, str], str] = {
    ("list", "without_leaving"): "The list: high band first, by expected loss",
    ("score", "without_leaving"): "By chance to leave alone",
    ("past_due_first", "without_leaving"): "Past due first, then the largest MRR",
    ("random", "without_leaving"): "At random",
    ("list", "with_leaving"): "The list, those leaving already at its head",
}
KINDS = {"payment": "Payment", "voluntary": "Voluntary", ANY: "Either way"}
TOLD = 25
"""The k that sentences are about."""
TOO_YOUNG = f"No month so far has had {DAYS} days after its start in which anybody could leave."


def words(marts: Marts) -> tuple[str, ...]:
    """How well the list would have done, and whether that proves anything."""
    found = _of_first(marts, TOLD)
    own, base = found.get("list"), found.get("past_due_first")
    if own is None or base is None:
        return (f"Not validated: {TOO_YOUNG[0].lower()}{TOO_YOUNG[1:]}",) if marts.table("risk_points").height else ()
    precision = rate(_number(own["found"]), own["listed"], "")
    other = rate(_number(base["found"]), base["listed"], "")
    everybody = Rate(own["churned"], own["customers"]) if own["customers"] else None
    if not isinstance(precision, Rate) or not isinstance(other, Rate) or everybody is None:
        return ()
    said = (
        f"Of the first {TOLD} of such a list at the starts of {own['months']} past months {shown_rate(precision)} left "
        f"within {DAYS} days; of all customers {shown_rate(everybody)} did, and of those past due first, then with the "
        f"largest MRR, {shown_rate(other)}."
    )
    return said, _verdict(marts)


def _verdict(marts: Marts) -> str:
    quality = _quality(marts).get((ANY, DAYS))
    churns = quality["churns"] if quality else 0
    basis = quality["basis"] if quality else "expert prior"
    points = "an expert's, not fitted to this account" if basis == "expert prior" else f"by now fitted ({basis})"
    if churns < ENOUGH:
        noun = "churn" if churns == 1 else "churns"
        few = f"the backtest has {churns} {noun} to go by, and fewer than {ENOUGH} prove nothing"
        return f"Not validated: {few}. Points are {points}."
    return f"The backtest has {churns:,} churns to go by. Points are {points}."


def _of_first(marts: Marts, k: int) -> dict[str, dict[str, Any]]:
    """By ranking, the row of the first k."""
    rows = marts.table("risk_backtest").filter(
        pl.col("score_kind") == ANY,
        pl.col("horizon_days") == DAYS,
        pl.col("population") == "without_leaving",
        pl.col("k") == k,
    )
    return {row["ranking"]: row for row in rows.to_dicts()}


def _quality(marts: Marts) -> dict[tuple[str, int], dict[str, Any]]:
    return {(row["score_kind"], row["horizon_days"]): row for row in marts.table("risk_quality").to_dicts()}


def blocks(marts: Marts, terms: Terms) -> tuple[Block, ...]:
    """The lists side by side, what was told and what came, and how well each score tells apart."""
    return _lists(marts, terms), _calibration(marts), _apart(marts)


def _lists(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("risk_backtest")
    chosen = frame.filter(pl.col("score_kind") == ANY, pl.col("horizon_days") == DAYS)
    by_key = {(row["k"], row["ranking"], row["population"]): row for row in chosen.to_dicts()}
    rows = []
    for k in sorted({key[0] for key in by_key}):
        for (ranking, population), label in RANKINGS.items():
            row = by_key.get((k, ranking, population))
            if row is not None:
                rows.append(
                    Row(
                        (f"First {k}", label, *_cells(row)),
                        "total" if (ranking, population) == ("list", "without_leaving") else "",
                    )
                )
    return TableBlock(
        "The list beside lists that need no score",
        Table(
            "risk-backtest",
            f"Of the first k of each list, who left within {DAYS} days",
            (
                Column("Of each month"),
                Column("List"),
                Column("Listed"),
                Column("Left of them"),
                Column("Precision"),
                Column("Recall"),
                Column("Lift"),
                Column("MRR found"),
            ),
            tuple(rows),
            notes=(
                "Left of them: what is expected where several are ranked alike",
                f"The file has 30 days, each score and every month, in {terms.unit}",
            ),
            empty=TOO_YOUNG,
            sortable=False,
            download=_file(marts, terms),
        ),
        _months_words(chosen),
        SHORT["risk_backtest"],
        "risk_backtest",
        " ".join(words(marts)[:1]) if rows else "",
    )


def _cells(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    found = _number(row["found"])
    lift = row["lift"]
    return (
        Count(row["listed"]),
        Ratio(found),
        rate(found, row["listed"], "nobody was listed"),
        rate(found, row["churned"], "nobody left"),
        Missing("nobody left") if lift is None else Ratio(_number(lift)),
        rate(row["mrr_found_reporting"], row["mrr_lost_reporting"], "nobody left"),
    )


def _months_words(chosen: pl.DataFrame) -> str:
    months = chosen["months"].max() if chosen.height else 0
    return f"{months} past months added up" if isinstance(months, int) and months != 1 else "1 past month"


def _calibration(marts: Marts) -> Chart:
    frame = marts.table("risk_calibration")
    rows = frame.filter(pl.col("score_kind") == ANY, pl.col("horizon_days") == DAYS).sort("tenth").to_dicts()
    names = [f"{row['tenth']}." for row in rows]

    def share(column: str) -> list[Cell]:
        return [Rate(_number(row[column]), 1) for row in rows]

    came = [Rate(row["churned"], row["customers"]) for row in rows]
    figure = figures.lines(
        names,
        [Series("Left", "main", came), Series("Chance that was told", "fourth", share("told_rate"), dashed=True)],
        form="percent",
        from_zero=True,
        interval=Interval("95% interval", "main", share("churned_low_rate"), share("churned_high_rate"))
        if rows
        else None,
    )
    table = Table(
        "risk-calibration",
        f"Chance that was told and share that left within {DAYS} days, by tenth of customers",
        (
            Column("Tenth"),
            Column("Customers"),
            Column("Left"),
            Column("Chance told"),
            Column("Share that left"),
            Column("Low"),
            Column("High"),
        ),
        tuple(
            Row((name, Count(row["customers"]), Count(row["churned"]), told, left, low, high))
            for name, row, told, left, low, high in zip(
                names,
                rows,
                share("told_rate"),
                came,
                share("churned_low_rate"),
                share("churned_high_rate"),
                strict=True,
            )
        ),
        notes=("1. is the likeliest to leave; a tenth is missing where many were given one chance",),
        empty=TOO_YOUNG,
        sortable=False,
    )
    return Chart(
        "risk-calibration",
        "What was told, and what came",
        figure,
        _calibration_words(rows) if rows else TOO_YOUNG,
        "Customers at the starts of past months, by tenth",
        SHORT["risk_calibration"],
        "risk_calibration",
        table,
        empty="" if rows else TOO_YOUNG,
    )


def _calibration_words(rows: list[dict[str, Any]]) -> str:
    held = sum(row["churned_low_rate"] <= row["told_rate"] <= row["churned_high_rate"] for row in rows)
    first = rows[0]
    left, told = Rate(first["churned"], first["customers"]), Rate(_number(first["told_rate"]), 1)
    return (
        f"Of the likeliest tenth {shown_rate(left)} left, {shown_rate(told)} were told; in {held} of {len(rows)} "
        "groups what was told lies within the interval of what came."
    )


def _apart(marts: Marts) -> TableBlock:
    quality = _quality(marts)
    ordered = [(kind, days) for kind in KINDS for days in (30, DAYS) if (kind, days) in quality]

    def row(kind: str, days: int) -> Row:
        of = quality[kind, days]
        return Row(
            (
                KINDS[kind],
                f"{days} days",
                Count(of["customers"]),
                Count(of["churned"]),
                rate(of["churned"], of["customers"], "nobody paid"),
                _ratio(of["roc_auc"]),
                _ratio(of["pr_auc"]),
                _long(of["brier"]),
                _long(of["brier_of_base_rate"]),
                "yes" if of["is_validated"] else f"no: {of['churns']} churns",
                of["basis"],
            )
        )

    return TableBlock(
        "How well each score tells apart",
        Table(
            "risk-quality",
            "How well each score told apart those who left from those who stayed",
            (
                Column("Leaving"),
                Column("Within"),
                Column("Customers"),
                Column("Left"),
                Column("Share"),
                Column("ROC-AUC"),
                Column("PR-AUC"),
                Column("Brier score"),
                Column("Brier, share for all"),
                Column("Validated"),
                Column("Points"),
            ),
            tuple(row(*key) for key in ordered),
            notes=(
                "ROC-AUC: the chance that one who left was ranked before one who stayed; 0.5 is chance",
                "Brier: mean square of chance less outcome, the lower the better",
                "Those who had announced their leaving are not in it",
            ),
            empty=TOO_YOUNG,
            sortable=False,
        ),
        "Customers at the starts of past months",
        SHORT["risk_backtest"],
        "risk_backtest",
    )


def points(marts: Marts, terms: Terms) -> TableBlock:
    """What adds how many points, and how many who had it left."""
    frame = marts.table("risk_points")
    by_level: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in frame.to_dicts():
        by_level.setdefault((row["feature"], row["level"]), {})[row["score_kind"]] = row
    rows = [_points_row(pair["payment"], pair["voluntary"]) for pair in by_level.values() if len(pair) > 1]
    rows.sort(key=lambda row: (row[0], row[1]))
    return TableBlock(
        "Points of every level",
        Table(
            "risk-points",
            "What each level of each feature adds to the two scores",
            (
                Column("What holds"),
                Column("Payment, points"),
                Column("Voluntary, points"),
                Column("Customers that had it"),
                Column("Left for want of payment"),
                Column("Left by choice"),
                Column("Points from"),
            ),
            tuple(Row(cells, weight) for *_, cells, weight in rows),
            notes=(f"Customers at the starts of past months, {DAYS} days known after; the base is everybody's",),
            empty="Nobody has paid yet.",
            sortable=False,
        ),
        "Points",
        SHORT["risk_points"],
        "risk_points",
    )


def _points_row(payment: Mapping[str, Any], voluntary: Mapping[str, Any]) -> tuple[int, int, tuple[Cell, ...], Any]:
    """Order and cells of a level: the base first, then what most points are given for."""
    is_base = payment["feature"] == "base"
    most = max(payment["points"], voluntary["points"])
    words = payment["words"]
    cells = (
        f"Base: {words}" if is_base else f"{words[:1].upper()}{words[1:]}",
        Count(payment["points"], signed=not is_base),
        Count(voluntary["points"], signed=not is_base),
        Count(payment["customers"]),
        rate(payment["churned"], payment["customers"], "nobody had it"),
        rate(voluntary["churned"], voluntary["customers"], "nobody had it"),
        payment["basis"] if payment["basis"] == voluntary["basis"] else f"{payment['basis']}, {voluntary['basis']}",
    )
    return 0 if is_base else 1, payment["level"] if is_base else -most, cells, "part" if is_base else ""


def _number(value: float | int) -> Decimal:
    return Decimal(str(value))


def _ratio(value: float | None) -> Cell:
    return Missing("nobody left") if value is None else Ratio(_number(value))


def _long(value: float | None) -> Cell:
    return Missing("nobody paid") if value is None else f"{value:.4f}"


def _file(marts: Marts, terms: Terms) -> Download:
    header = (
        "scored_on",
        "score_kind",
        "horizon_days",
        "population",
        "ranking",
        "k",
        "customers",
        "churned",
        "listed",
        "found",
        "mrr_lost",
        "mrr_found",
        "currency",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        counts = (str(row[name]) for name in ("k", "customers", "churned", "listed"))
        return (
            row["scored_on"],
            row["score_kind"],
            str(row["horizon_days"]),
            row["population"],
            row["ranking"],
            *counts,
            Ratio(_number(row["found"])),
            terms.money(row["mrr_lost_reporting"]),
            terms.money(row["mrr_found_reporting"]),
            terms.unit,
        )

    frame = marts.table("risk_backtest_by_month").sort(
        "scored_on", "score_kind", "horizon_days", "population", "ranking", "k"
    )
    return Download("risk-backtest", header, Rows(frame, cells))
