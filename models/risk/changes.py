"""When something changed for a customer, and what it is like: shrinking, price shocks, usage, pauses, renewals."""

from datetime import timedelta

import polars as pl

from models.movements import CUSTOMER
from models.outlook import SUBSCRIPTION
from models.risk.windows import end_of_day, month_closes, on_day, today, windows
from models.terms import Terms

RECENT = timedelta(days=90)
ENDS_SOON = timedelta(days=30)
RENEWS_LATER, RENEWS_SOON = timedelta(days=90), timedelta(days=30)
YOUNG, FIRST_YEAR = timedelta(days=90), timedelta(days=365)
USAGE_HOLDS = timedelta(days=45)
"""A bill of metered usage tells of now for so long, unless the next one comes first."""
USUAL = 3
"""Bills before the last that usage is held against."""
LARGE_SHARE = 0.3
LARGE_PERCENT = 30
QUARTER = 3
OUTSIDE_KEY = "risk_signal"
"""Key of a customer's metadata in which any other system may say 1 (slight), 2 or 3 (serious concern)."""
MONTHS = {"month": 1, "year": 12}
LONGEST = 12
"""Renewals of one subscription that are looked at, at most."""


def change_windows(
    movements: pl.LazyFrame,
    changes: pl.LazyFrame,
    stretches: pl.LazyFrame,
    discounts: pl.LazyFrame,
    coupons: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    versions: pl.LazyFrame,
    customers: pl.LazyFrame,
    scheduled_changes: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Windows (of models/risk/windows.py) of what changed and of what a customer is like.

    The first three frames are the spine's, `scheduled_changes` is the mart, the others are staged.
    """
    return pl.concat(
        [
            _contractions(movements, terms),
            _returns(movements, terms),
            _tenures(movements, terms),
            _price_rises(changes, terms),
            _coupons_ending(discounts, coupons, subscriptions, terms),
            _scheduled_rises(scheduled_changes, terms),
            _pauses(versions),
            _sent(subscriptions),
            _renewals(stretches, terms),
            _outside(customers, terms),
        ]
    ).filter(pl.col("from_at") <= month_closes(terms))


def usage_windows(
    invoice_lines: pl.LazyFrame, invoices: pl.LazyFrame, prices: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """Windows (of models/risk/windows.py) of metered usage that fell. All frames are staged.

    A bill's units are held against the mean of the customer's three before it, known when it was finalised.
    """
    metered = prices.filter(pl.col("recurring_usage_type") == "metered").select("account_id", price_id="id")
    billed = invoices.filter(pl.col("status") != "draft").select(*CUSTOMER, "finalized_at", invoice_id="id")
    units, usual = pl.col("units"), pl.col("usual")
    bills = (
        invoice_lines.filter(~pl.col("proration").fill_null(False))
        .join(metered, on=["account_id", "price_id"], how="semi")
        .join(billed, on=["account_id", "invoice_id"])
        .drop_nulls(["finalized_at", "quantity"])
        .group_by(*CUSTOMER, "invoice_id", "finalized_at")
        .agg(units=pl.col("quantity").sum())
        .sort(*CUSTOMER, "finalized_at", "invoice_id")
        .with_columns(
            usual=units.cast(pl.Float64).rolling_mean(USUAL).shift(1).over(CUSTOMER),
            next_at=pl.col("finalized_at").shift(-1).over(CUSTOMER),
        )
    )
    at = pl.col("finalized_at")
    level = pl.when(units == 0).then(2).when(units * 2 < usual).then(1)
    until = pl.min_horizontal("next_at", on_day(at + USAGE_HOLDS, terms))
    return windows(bills.filter(usual > 0), "usage", level, at, until, at, pl.col("invoice_id")).filter(
        pl.col("from_at") <= month_closes(terms)
    )


def _contractions(movements: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    large = -pl.col("delta_micros") >= LARGE_SHARE * pl.col("before_micros")
    return windows(
        movements.filter(pl.col("movement_type") == "contraction"),
        "contraction",
        pl.when(large).then(2).otherwise(1),
        end_of_day("moved_on", terms),
        on_day(end_of_day("moved_on", terms) + RECENT, terms),
        end_of_day("moved_on", terms),
        pl.col("moved_on"),
        pl.col("moved_on"),
    )


def _returns(movements: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    back = movements.filter(pl.col("movement_type") == "reactivation")
    at = end_of_day("moved_on", terms)
    return windows(back, "came_back", 1, at, None, at, pl.col("moved_on"))


def _tenures(movements: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    first = movements.group_by(CUSTOMER).agg(pl.col("moved_on").min())
    at, subject = end_of_day("moved_on", terms), pl.col("moved_on")
    older, old = on_day(at + YOUNG, terms), on_day(at + FIRST_YEAR, terms)
    return pl.concat(
        [
            windows(first, "tenure", 1, at, older, at, subject),
            windows(first, "tenure", 2, older, old, at, subject),
        ]
    )


def _price_rises(changes: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    at, cause = pl.col("changed_at"), pl.col("cause")
    return windows(
        changes.filter(pl.col("delta_micros") > 0, cause.is_in(["price", "discount_end"])),
        "price_rise",
        pl.when(cause == "price").then(2).otherwise(1),
        at,
        on_day(at + RECENT, terms),
        at,
        pl.format("{} {}", "subscription_item_id", "changed_on"),
        pl.col("changed_on"),
    )


def _coupons_ending(
    discounts: pl.LazyFrame, coupons: pl.LazyFrame, subscriptions: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """What a discount's end takes away; that of an amount counts as small, its share not being known from it."""
    whose = subscriptions.select("account_id", subscription_id="id", subscriber="customer_id")
    percent = coupons.select("account_id", "percent_off", coupon_id="id")
    ending = (
        discounts.filter(pl.col("end_at").is_not_null(), pl.col("invoice_id").is_null())
        .join(whose, on=["account_id", "subscription_id"], how="left")
        .join(percent, on=["account_id", "coupon_id"], how="left")
        .with_columns(pl.coalesce("customer_id", "subscriber").alias("customer_id"))
    )
    start, end = pl.col("start_at"), pl.col("end_at")
    return windows(
        ending,
        "coupon_ends",
        pl.when(pl.col("percent_off") >= LARGE_PERCENT).then(2).otherwise(1),
        pl.max_horizontal(start, on_day(end - ENDS_SOON, terms)),
        end,
        start,
        pl.col("id"),
        end.dt.date(),
    )


def _scheduled_rises(scheduled_changes: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What a schedule will raise; schedules of the past are not on record, so this is known as of now alone."""
    rises = scheduled_changes.filter(pl.col("kind") == "phase", pl.col("mrr_delta") > 0, ~pl.col("is_trial"))
    now, on = today(terms), pl.col("effective_on")
    return windows(rises, "scheduled_rise", 1, now, None, now, pl.format("{} {}", "scheduled_id", on), on)


def _pauses(versions: pl.LazyFrame) -> pl.LazyFrame:
    """Versions with collection paused, each until the next one; of what was before the first version nothing is
    known."""
    held = versions.sort(*SUBSCRIPTION, "valid_from_at", "seq").with_columns(
        next_at=pl.col("valid_from_at").shift(-1).over(SUBSCRIPTION)
    )
    paused = held.filter(pl.col("pause_collection_behavior").is_not_null(), ~pl.col("deleted"))
    at = pl.col("valid_from_at")
    return windows(paused, "paused_collection", 1, at, pl.col("next_at"), at, pl.col("subscription_id"))


def _sent(subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    sent = subscriptions.filter(pl.col("collection_method") == "send_invoice")
    since = pl.max_horizontal("created_at", "start_at")
    return windows(sent, "sent_invoices", 1, since, pl.col("ended_at"), pl.col("created_at"), pl.col("id"))


def _outside(customers: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What another system says in the customer's metadata, 1 to 3; Stripe tells it only as it stands now."""
    told = customers.filter(pl.col("metadata").str.contains(OUTSIDE_KEY, literal=True)).select(
        "account_id", "metadata", customer_id="id"
    )
    level = pl.col("metadata").str.json_path_match(f"$.{OUTSIDE_KEY}").str.extract("^([1-3])$")
    now = today(terms)
    return windows(told, "outside", level, now, None, now, pl.lit(OUTSIDE_KEY))


def _renewals(stretches: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Billing periods of more than a quarter, counted from when the subscription came to its interval; who goes to
    another one and comes back is counted anew."""
    periods = (
        _stints(stretches, terms)
        .with_columns(no=pl.int_ranges(0, LONGEST))
        .explode("no")
        .with_columns(
            start_at=pl.col("counted_from").dt.offset_by(pl.format("{}mo", pl.col("no") * pl.col("months"))),
            renews_at=pl.col("counted_from").dt.offset_by(pl.format("{}mo", (pl.col("no") + 1) * pl.col("months"))),
        )
        .filter(pl.col("start_at") < pl.col("left_at"), pl.col("renews_at") > pl.col("starts_at"))
    )
    renews, known = pl.col("renews_at"), pl.col("starts_at")
    start, renewed = pl.max_horizontal(known, on_day(pl.col("start_at"), terms)), on_day(renews, terms)
    subject = pl.format("{} {}", "subscription_id", renews.dt.date())
    later, soon = (pl.max_horizontal(start, on_day(renews - each, terms)) for each in (RENEWS_LATER, RENEWS_SOON))
    last = pl.when(pl.col("left_at") <= terms.as_of).then("left_at")

    def until(moment: pl.Expr) -> pl.Expr:
        return pl.min_horizontal(moment, last)

    return pl.concat(
        [
            windows(periods, "renewal", 1, start, until(later), known, subject, renews.dt.date()),
            windows(periods, "renewal", 2, later, until(soon), known, subject, renews.dt.date()),
            windows(periods, "renewal", 3, soon, until(renewed), known, subject, renews.dt.date()),
        ]
    )


def _stints(stretches: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Unbroken times in which a subscription was billed by an interval of more than a quarter: account_id, customer_id,
    subscription_id, months, starts_at, left_at, counted_from (when the first of those was that pauses alone part)."""
    months = pl.col("recurring_interval").replace_strict(MONTHS, default=None, return_dtype=pl.Int64) * pl.col(
        "recurring_interval_count"
    )
    key = [*CUSTOMER, "subscription_id", "months"]
    goes_on = pl.col("starts_at") <= pl.col("left_at").cum_max().shift(1).over(key)
    afresh = pl.when(pl.col("cause_of_start") != "resume").then("starts_at")
    return (
        stretches.with_columns(months=months, left_at=pl.col("ends_at").fill_null(_beyond(terms)))
        .filter(pl.col("months") > QUARTER, pl.col("mrr_micros") > 0)
        .sort(*key, "starts_at", "cause_of_start")
        .with_columns(stint=(~goes_on.fill_null(False)).cum_sum())
        .group_by(*key, "stint", maintain_order=True)
        .agg(pl.col("starts_at", "cause_of_start").first(), pl.col("left_at").max())
        .with_columns(counted_from=pl.coalesce(afresh.forward_fill().over(key), pl.col("starts_at").first().over(key)))
    )


def _beyond(terms: Terms) -> pl.Expr:
    """What is later than all that is known."""
    return pl.lit(terms.as_of).dt.offset_by("1us")
