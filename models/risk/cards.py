"""The points as frames: made from the counted snapshots, kept as rows, read back where customers are scored."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import polars as pl

from models.plans import collected
from models.risk.features import FEATURES, KINDS, held
from models.risk.points import LEADING, Card, Seen, cards
from models.risk.snapshots import HORIZONS, LOST_BITS
from models.terms import Terms

CARD = {
    "account_id": pl.String(),
    "score_kind": pl.String(),
    "feature": pl.Int64(),
    "level": pl.Int64(),
    "points": pl.Int64(),
    "basis": pl.String(),
    "churns": pl.Int64(),
}
BASE = -1
"""What stands as feature for the base, whose level is its days."""


def risk_cards(history: pl.LazyFrame, standing: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The points that hold now, in the columns of `CARD`; `history` is of `snapshots.history`, `standing` of
    `standing.standing_now`."""
    counted = history.pipe(coded).pipe(collected)
    paying = standing.select(pl.col("account_id").unique()).pipe(collected)
    names = sorted({*counted["account_id"], *paying["account_id"]})
    rows = [
        row for name in names for row in _rows(name, made_at(counted.filter(account_id=name), terms.as_of_day).values())
    ]
    return pl.LazyFrame(rows, schema=CARD, orient="row")


def coded(history: pl.LazyFrame) -> pl.LazyFrame:
    """The snapshots, those who had announced their leaving apart, by account_id, scored_on and code: customers, and how
    many of them left by each of `LOST_BITS`."""
    customers = pl.col("customers")
    left = [customers.filter(pl.col("lost") & bit != 0).sum().alias(_name(bit)) for bit in LOST_BITS.values()]
    by_code = history.filter(~pl.col("leaving")).group_by("account_id", "scored_on", "code")
    return by_code.agg(customers.sum(), *left)


def made_at(coded: pl.DataFrame, on: date) -> dict[str, Card]:
    """The points of both scores from what was known on a day: churns of each horizon only where it had passed."""
    return cards({days: seen(coded.filter(pl.col("scored_on") <= on - timedelta(days=days))) for days in HORIZONS})


def seen(coded: pl.DataFrame) -> list[Seen]:
    """Snapshots of all dates by code; `coded` is of the function of that name."""
    counts = pl.col("customers", *(_name(bit) for bit in LOST_BITS.values()))
    grouped = coded.group_by("code").agg(counts.sum()).sort("code")
    return [Seen(code, many, tuple(lost)) for code, many, *lost in grouped.iter_rows()]


def seen_by_date(coded: pl.DataFrame) -> Iterator[tuple[date, Seen]]:
    """The snapshots of each date by code, in the order of their rows."""
    counts = ("scored_on", "code", "customers", *(_name(bit) for bit in LOST_BITS.values()))
    for on, code, many, *lost in coded.select(counts).iter_rows():
        yield on, Seen(code, many, tuple(lost))


def _name(bit: int) -> str:
    return f"lost_{bit}"


def read(rows: pl.DataFrame) -> dict[str, dict[str, Card]]:
    """By account, the points of both scores from rows of `CARD`."""
    found: dict[str, dict[str, Card]] = defaultdict(dict)
    for (account, kind), part in rows.partition_by("account_id", "score_kind", as_dict=True).items():
        levels = {(row["feature"], row["level"]): row["points"] for row in part.iter_rows(named=True)}
        bases = {level: points for (feature, level), points in levels.items() if feature == BASE}
        weights = {key: points for key, points in levels.items() if key[0] != BASE}
        found[str(account)][str(kind)] = Card(str(kind), bases, weights, part["basis"][0], part["churns"][0])
    return dict(found)


def risk_points(risk_cards: pl.LazyFrame, history: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.risk_points`: `risk_cards` is of the function of that name, `history` of `snapshots.history`."""
    by_account = history.pipe(coded).pipe(collected).partition_by("account_id", as_dict=True)
    until = terms.as_of_day - timedelta(days=LEADING)
    counts = {key[0]: _counts(seen(part.filter(pl.col("scored_on") <= until))) for key, part in by_account.items()}
    rows = []
    for row in risk_cards.pipe(collected).iter_rows(named=True):
        place, level, kind = row["feature"], row["level"], row["score_kind"]
        is_base = place == BASE
        feature = None if is_base else FEATURES[place]
        customers, lost = counts.get(row["account_id"], {}).get((kind, place, 0 if is_base else level), (0, 0))
        rows.append(
            (
                row["account_id"],
                kind,
                "base" if feature is None else feature.name,
                level,
                f"everybody, within {level} days" if feature is None else feature.levels[level - 1].words,
                row["points"],
                "expert prior" if feature is not None and feature.is_now_only else row["basis"],
                customers,
                lost,
            )
        )
    names = ("account_id", "score_kind", "feature", "level", "words", "points", "basis", "customers", "churned")
    types = (pl.String, pl.String, pl.String, pl.Int64, pl.String, pl.Int64, pl.String, pl.Int64, pl.Int64)
    schema = dict(zip(names, types, strict=True))
    return pl.LazyFrame(rows, schema=schema, orient="row").sort("account_id", "score_kind", "feature", "level")


def _rows(account: str, made: Iterable[Card]) -> Iterator[tuple[object, ...]]:
    for card in made:
        for days, points in card.bases.items():
            yield account, card.kind, BASE, days, points, card.basis, card.churns
        for (place, level), points in card.weights.items():
            yield account, card.kind, place, level, points, card.basis, card.churns


def _counts(snapshots: Sequence[Seen]) -> dict[tuple[str, int, int], tuple[int, int]]:
    """Snapshots with each level of each feature, and how many left within the leading days, by kind; all as base."""
    counts: dict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0, 0])
    for one in snapshots:
        for place, level in ((BASE, 0), *held(one.code)):
            for kind in KINDS:
                total = counts[kind, place, level]
                total[0] += one.customers
                total[1] += one.left(kind, LEADING)
    return {key: (customers, left) for key, (customers, left) in counts.items()}
