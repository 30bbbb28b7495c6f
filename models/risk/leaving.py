"""Who has already said that they will leave: by an end that was asked for, set from the beginning or by a schedule.

They are listed apart. Stripe forgets a cancellation that was taken back, so of the past those are known only since the
first load, from versions.
"""

from datetime import timedelta

import polars as pl

from models.movements import CUSTOMER
from models.risk.windows import INSTANT, on_day
from models.terms import Terms

SOON = timedelta(days=90)
"""An end that was set when the subscription began, or that a schedule sets, is an announcement so long before.
Stripe dates the one as asked for then, and does not say since when a schedule has the other."""
SUBSCRIPTION = ("account_id", "id")
RUNS, ANNOUNCED = 1, 2
"""Levels of the windows: that of every subscription, and that in which its end was announced."""


def announced_ends(
    subscriptions: pl.LazyFrame,
    schedules: pl.LazyFrame,
    schedule_items: pl.LazyFrame,
    cancellation_requests: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Windows of the subscriptions of customers any of whose was announced to end: account_id, customer_id, feature
    (-1), level (`RUNS`, `ANNOUNCED`), from_at, until_at, known_at.

    `cancellation_requests` is the mart, the others are staged.
    """
    asked, ended, ends = pl.col("canceled_at"), pl.col("ended_at"), pl.col("cancel_at")
    live = subscriptions.filter(pl.col("created_at") <= terms.as_of, pl.col("customer_id").is_not_null())
    is_request = (asked > pl.col("created_at")).fill_null(False)
    requested = live.filter(is_request, ended.is_null() | (ended > asked))
    set_before = live.filter(~is_request, ends.is_not_null())
    taken_back = cancellation_requests.filter(pl.col("saved_at").is_not_null())
    since = pl.max_horizontal("created_at", on_day(ends - SOON, terms))
    scheduled = live.filter(ends.is_null()).join(_set_by_schedules(schedules, schedule_items, terms), on=SUBSCRIPTION)
    announced = pl.concat(
        [
            _windows(scheduled, ANNOUNCED, pl.col("since"), pl.min_horizontal(ended, "dropped_at"), pl.col("set_at")),
            _windows(requested, ANNOUNCED, asked, ended, asked),
            _windows(set_before, ANNOUNCED, since, ended, pl.col("created_at")),
            _windows(taken_back, ANNOUNCED, pl.col("requested_at"), pl.col("saved_at"), pl.col("requested_at")),
        ]
    )
    created = pl.col("created_at")
    runs = _windows(live.join(announced, on=CUSTOMER, how="semi"), RUNS, created, ended, created)
    return pl.concat([announced, runs])


def _set_by_schedules(schedules: pl.LazyFrame, schedule_items: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Subscriptions that their schedule ends after its last phase: account_id, id, set_at (when the schedule was made),
    since (when the end counts as announced) and dropped_at (when the schedule let go of them; null: it has not)."""
    last = schedule_items.group_by("account_id", id="subscription_schedule_id").agg(ends_at=pl.col("end_at").max())
    dropped_at = pl.min_horizontal("released_at", "canceled_at")
    since = pl.max_horizontal("created_at", on_day(pl.col("ends_at") - SOON, terms))
    return (
        schedules.filter(pl.col("end_behavior") == "cancel", pl.col("created_at") <= terms.as_of)
        .join(last, on=SUBSCRIPTION)
        .with_columns(since=since, dropped_at=dropped_at)
        .filter(pl.col("dropped_at").is_null() | (pl.col("dropped_at") > pl.col("since")))
        .select("account_id", "since", "dropped_at", id="subscription_id", set_at="created_at")
    )


def _windows(frame: pl.LazyFrame, level: int, from_at: pl.Expr, until_at: pl.Expr, known_at: pl.Expr) -> pl.LazyFrame:
    return frame.select(
        *CUSTOMER,
        feature=pl.lit(-1, pl.Int8),
        level=pl.lit(level, pl.Int8),
        from_at=from_at.cast(INSTANT),
        until_at=until_at.cast(INSTANT),
        known_at=known_at.cast(INSTANT),
    ).drop_nulls(["customer_id", "from_at", "known_at"])
