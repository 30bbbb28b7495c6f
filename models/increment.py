"""What was made of some customers follows a change of theirs: what was made of them before is taken out of what is kept
of all, and what is made of them now is put in.

So a refresh makes the customers that changed, twice, and no others. Rows are known by their keys; sums are subtracted
and added, which is exact, being integers. What can't be taken out again, as of the earliest of several, asks for the
whole to be made anew.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from models.checks import OF_VALUES
from models.plans import collected
from models.receivables import SENT_AMOUNTS

Part = Mapping[str, pl.DataFrame]
"""Frames of some customers, or of all, by the names of `marts.kept`."""


@dataclass(frozen=True)
class Exchange:
    """Rows that take the place of others.

    Attributes:
        key: the columns by which rows are known.
        gone: the rows that go, which may have changed otherwise since.
        come: the rows that are put in.
    """

    key: Sequence[str]
    gone: pl.DataFrame
    come: pl.DataFrame

    def made(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows after it."""
        return pl.concat([rows.join(self.gone, on=list(self.key), how="anti", maintain_order="left"), self.come])


class CannotFollowError(Exception):
    """Something about the change can't be taken out of what is kept: everything has to be made anew."""


ROWS: Mapping[str, tuple[str, ...]] = {
    "spine.changes": ("account_id", "subscription_item_id", "changed_at"),
    "spine.comings": ("account_id", "customer_id", "currency", "moved_on"),
    "spine.items": ("account_id", "subscription_item_id"),
    "spine.movements": ("account_id", "customer_id", "currency", "moved_on"),
    "steps.ahead": ("account_id", "customer_id"),
    "steps.cash_of_customers": ("account_id", "customer_id"),
    "steps.first_lives": ("account_id", "customer_id"),
    "steps.in_dunning": ("account_id", "subscription_id"),
    "steps.payouts": ("account_id", "payout_id"),
    "steps.customers": ("account_id", "customer_id"),
    "steps.running": ("account_id", "posting_id"),
    "steps.signals_now": ("account_id", "customer_id"),
    "steps.standing_now": ("account_id", "customer_id"),
}
"""Frames of rows that are not published, and the columns by which the rows of some customers are found."""

SUMS: Mapping[str, tuple[str, ...]] = {
    "spine.changed_by_policy": ("micros",),
    "steps.beside_the_ledger": ("missing", "paid_out"),
    "steps.carried": ("transactions", "charges", "refunds", "disputes", "fees", "adjustments", "returned"),
    "steps.cash_by_age": ("net_reporting",),
    "steps.exposed": ("opening", "churned"),
    "steps.first_attempts": ("attempted_amount_reporting", "first_failed_amount_reporting"),
    "steps.fraud_reports": ("fraud_reports",),
    "steps.held_balance": ("held",),
    "steps.kept_by_cohort": ("customers", "micros_reporting"),
    "steps.moved_by_day": ("charges", "refunds", "disputes", "fees", "adjustments", "payouts"),
    "steps.open_by_due_day": ("invoices", "amount", "amount_reporting"),
    "steps.recognised": ("billed", "caught_up", "earned", "later"),
    "steps.renewals": ("renewals", "billed_reporting"),
    "steps.risk_history": ("customers",),
    "steps.retained": ("base_micros", "end_micros", "kept_micros"),
    "steps.sales": ("amount_captured", "amount_reporting", "charges"),
    "steps.sent_by_month": SENT_AMOUNTS,
    "steps.slices": (
        "closing_mrr",
        "came",
        "new_mrr",
        "expansion_mrr",
        "contraction_mrr",
        "churn_mrr",
        "reactivation_mrr",
        "transfer_in_mrr",
        "transfer_out_mrr",
    ),
    "steps.split_failures": (
        "failed_invoices",
        "failed_amount_reporting",
        "recovered_invoices",
        "recovered_amount_reporting",
        "recovered_28d_invoices",
        "recovered_28d_amount_reporting",
        "recovered_60d_invoices",
        "recovered_60d_amount_reporting",
    ),
    "steps.volume": ("gross_volume", "net_volume", "fees"),
}
"""Frames of sums, and what is summed: all other columns say of what."""


def added_up(parts: Sequence[Part]) -> dict[str, pl.DataFrame]:
    """Parts of the customers as one: rows together, sums added up, those of nothing left out."""
    together = {name: pl.concat([part[name] for part in parts]) for name in parts[0]}
    return {name: _summed(rows, name) if name in SUMS else rows for name, rows in together.items()}


def followed(kept: Part, before: Part, after: Part, keys: Mapping[str, Sequence[str]]) -> dict[str, pl.DataFrame]:
    """What is kept of all customers, after a change of some.

    Args:
        kept: what was made of all, of `added_up`; or some frames of it, which are then all that is told.
        before: what is made of the changed ones from what was known of them then, by the terms of then.
        after: what is made of them now.
        keys: the columns by which the rows of public tables are known, by name.

    Raises:
        CannotFollowError: everything has to be made anew.
    """
    by_rows = exchanges(before, after, keys)
    return {
        name: by_rows[name].made(kept[name])
        if name in by_rows
        else _exchanged_sums(kept[name], before[name], after[name], name)
        if name in SUMS
        else _SPECIAL[name](kept[name], before[name], after[name])
        for name in kept
    }


def exchanges(before: Part, after: Part, keys: Mapping[str, Sequence[str]]) -> dict[str, Exchange]:
    """What is exchanged of the frames that go by rows, public tables among them. Takes what `followed` does."""
    return {name: Exchange(key, before[name], after[name]) for name, key in {**ROWS, **keys}.items()}


def _summed(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    measures = SUMS[name]
    about = [column for column in rows.columns if column not in measures]
    is_something = pl.any_horizontal(pl.col(one) != 0 for one in measures)
    summed = rows.lazy().group_by(about).agg(pl.col(measures).sum()).filter(is_something)
    return summed.select(rows.columns).pipe(collected)


def _exchanged_sums(kept: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, name: str) -> pl.DataFrame:
    taken_out = before.with_columns(-pl.col(SUMS[name]))
    return _summed(pl.concat([kept, taken_out, after]), name)


def _currencies(kept: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Since when each currency is used: of what is taken out nothing may have been the first that is not there now."""
    about = kept.join(before, on="currency", suffix="_before").join(after, on="currency", how="left", suffix="_after")
    is_first = (pl.col("at") == pl.col("at_before")) & (pl.col("at_after") > pl.col("at")).fill_null(True)
    if about.filter(is_first).height:
        raise CannotFollowError("the first use of a currency is gone")
    return pl.concat([kept, after]).group_by("currency").agg(pl.col("at").min())


def _told(kept: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    if before.height or after.height:
        raise CannotFollowError("something is wrong with a changed customer's data")
    return kept


def _read_at(kept: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """When versions were read last: they are only ever added."""
    return pl.concat([kept, after]).group_by("account_id").agg(pl.col("seen_at").max())


ABOUT = ["account_id", "check_name", "table_name"]


def _found(kept: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What checks found, row by row. A value that others may have too is not gone with one of them."""
    failing = before.filter(pl.col("failing_rows") > 0)
    if failing.filter(pl.col("check_name").is_in(OF_VALUES)).height:
        raise CannotFollowError("a value that a check finds may be gone")
    told = pl.concat([kept, failing.with_columns(-pl.col("failing_rows"), subjects=EMPTY), after])
    summed = told.group_by(ABOUT).agg(pl.col("failing_rows").sum(), pl.col("subjects").list.explode())
    gone = {tuple(row[name] for name in ABOUT): Counter(row["subjects"]) for row in failing.iter_rows(named=True)}
    left = [
        sorted((Counter(one for one in subjects if one is not None) - gone.get(tuple(about), Counter())).elements())
        for *about, subjects in summed.select(*ABOUT, "subjects").iter_rows()
    ]
    subjects = pl.Series("subjects", left, pl.List(pl.String))
    return summed.with_columns(subjects).select(kept.columns)


EMPTY = pl.lit(pl.Series([[]], dtype=pl.List(pl.String))).first()


_SPECIAL: Mapping[str, Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame], pl.DataFrame]] = {
    "spine.currencies": _currencies,
    "spine.told": _told,
    "steps.read_at": _read_at,
    "steps.found": _found,
}


@cache
def names() -> frozenset[str]:
    """The frames that are no public tables, of which it is known how they follow."""
    return frozenset({*ROWS, *SUMS, *_SPECIAL})
