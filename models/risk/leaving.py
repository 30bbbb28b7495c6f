"""Who has already said that they will leave: subscriptions with an end that was asked for, or set from the beginning.

They are listed apart. Stripe forgets a cancellation that was taken back, so of the past those are known only since the
first load, from versions.
"""

from datetime import timedelta

import polars as pl

from models.movements import CUSTOMER
from models.risk.windows import INSTANT, on_day
from models.terms import Terms

SOON = timedelta(days=90)
"""An end that was set when the subscription began is an announcement so long before it; Stripe dates it as asked for
then."""
RUNS, ANNOUNCED = 1, 2
"""Levels of the windows: that of every subscription, and that in which its end was announced."""


def announced_ends(subscriptions: pl.LazyFrame, cancellation_requests: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Windows of the subscriptions of customers any of whose was announced to end: account_id, customer_id, feature
    (-1), level (`RUNS`, `ANNOUNCED`), from_at, until_at, known_at.

    `subscriptions` is staged, `cancellation_requests` the mart.
    """
    asked, ended, ends = pl.col("canceled_at"), pl.col("ended_at"), pl.col("cancel_at")
    live = subscriptions.filter(pl.col("created_at") <= terms.as_of, pl.col("customer_id").is_not_null())
    is_request = (asked > pl.col("created_at")).fill_null(False)
    requested = live.filter(is_request, ended.is_null() | (ended > asked))
    set_before = live.filter(~is_request, ends.is_not_null())
    taken_back = cancellation_requests.filter(pl.col("saved_at").is_not_null())
    since = pl.max_horizontal("created_at", on_day(ends - SOON, terms))
    announced = pl.concat(
        [
            _windows(requested, ANNOUNCED, asked, ended, asked),
            _windows(set_before, ANNOUNCED, since, ended, pl.col("created_at")),
            _windows(taken_back, ANNOUNCED, pl.col("requested_at"), pl.col("saved_at"), pl.col("requested_at")),
        ]
    )
    created = pl.col("created_at")
    runs = _windows(live.join(announced, on=CUSTOMER, how="semi"), RUNS, created, ended, created)
    return pl.concat([announced, runs])


def _windows(frame: pl.LazyFrame, level: int, from_at: pl.Expr, until_at: pl.Expr, known_at: pl.Expr) -> pl.LazyFrame:
    return frame.select(
        *CUSTOMER,
        feature=pl.lit(-1, pl.Int8),
        level=pl.lit(level, pl.Int8),
        from_at=from_at.cast(INSTANT),
        until_at=until_at.cast(INSTANT),
        known_at=known_at.cast(INSTANT),
    ).drop_nulls(["customer_id", "from_at", "known_at"])
