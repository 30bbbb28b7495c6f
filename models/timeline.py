"""The subscription timeline: what each item was worth from when to when, and why it changed.

Observations of an item, in order, are cut into stretches: each lasts to the next observation or to the end of what was
billed, gaps no longer than the policy allows are closed, absences such as trials are cut out, and what still runs is
left open. Sums are not its business.
"""

from datetime import timedelta

import polars as pl

from models.absences import without
from models.baskets import priced
from models.causes import explained
from models.known import Known
from models.lives import followed
from models.observations import CREDIT, GONE, SUBSCRIPTION, UNBILLED
from models.policy import MetricPolicy
from models.states import after, before, known_states
from models.terms import Terms
from models.worth import Catalogue

STATE = ("price_id", "quantity", "item_coupons", "invoice_coupons")

STRETCH = (
    "account_id",
    "customer_id",
    "subscription_id",
    "subscription_item_id",
    "product_id",
    "price_id",
    "currency",
    "quantity",
    "recurring_interval",
    "recurring_interval_count",
    "coupons",
    "starts_at",
    "ends_at",
    "list_micros",
    "mrr_micros",
    "counts",
    "reason",
    "cause_of_start",
    "cause_of_end",
    "basis",
)


def stretches(
    known: Known, catalogue: Catalogue, policy: MetricPolicy, only: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Every stretch, by item and start: contracts.spine.Stretches.

    Args:
        known: the facts, as of their terms' instant.
        catalogue: prices and coupons.
        policy: the rules.
        only: account_id and subscription_id of the subscriptions wanted; None: all.
    """
    running, observed = followed(known.lives, policy), known.observed(policy)
    if only is not None:
        running, observed = (frame.join(only, on=SUBSCRIPTION, how="semi") for frame in (running, observed))
    states = known_states(observed, running, known.terms, policy)
    billed = _described(_joined(_billed(states, policy)), running, known)
    pieces = without(_ended(billed, policy), known.absent(policy))
    return explained(priced(_as_of(pieces, known.terms), catalogue.under(policy))).select(STRETCH)


def _billed(states: pl.DataFrame, policy: MetricPolicy) -> pl.DataFrame:
    """Pieces in which an item was billed in one state, gaps closed: `starts_at`, `ends_at`, and what comes next."""
    gap = timedelta(days=policy.invoice_gap_days)
    is_billed = ~pl.col("kind").is_in([CREDIT, UNBILLED, GONE])
    following = states.with_columns(
        next_at=after("at"),
        next_kind=after("kind"),
        next_billed_at=pl.when(is_billed).then("at").backward_fill().over("item"),
    ).with_columns(next_billed_at=after("next_billed_at"))
    is_cut_short = (pl.col("next_at") < pl.col("billed_to")).fill_null(False)
    closes_gap = (pl.col("next_billed_at") <= pl.col("billed_to") + gap).fill_null(False)
    if policy.paused_status_counts:
        closes_gap |= _was_paused()
    return (
        following.filter(is_billed)
        .with_columns(
            ends_at=pl.when(is_cut_short)
            .then("next_at")
            .when(closes_gap)
            .then("next_billed_at")
            .otherwise("billed_to"),
            is_last=pl.col("next_billed_at").is_null(),
            is_cut_short=is_cut_short,
        )
        .rename({"at": "starts_at"})
    )


def _was_paused() -> pl.Expr:
    """True where a gap follows that nothing but the status `paused` explains: the next that is told is another bill."""
    return (pl.col("next_at") == pl.col("next_billed_at")).fill_null(False) & _was_paying()


def _was_paying() -> pl.Expr:
    """False where what was billed is a trial: a pause at its end is of one who never paid."""
    return pl.col("billed_to").ne_missing(pl.col("trial_end_at"))


def _joined(pieces: pl.DataFrame) -> pl.DataFrame:
    """The pieces, those that follow each other in the same state made one."""
    goes_on = before("ends_at") == pl.col("starts_at")
    unchanged = [pl.col(name).eq_missing(before(name)) for name in (*STATE, "line_amount", "line_count")]
    kept, taxed = pl.col("kept").cast(pl.Int128), pl.col("taxed").cast(pl.Int128)
    same_tax = kept * before("taxed") == taxed * before("kept")
    marked = pieces.with_columns(begins=~pl.all_horizontal(goes_on, same_tax, *unchanged).fill_null(False))
    ends = ("ends_at", "next_at", "next_kind", "billed_to", "is_last", "is_cut_short")
    last = pl.col("begins").shift(-1, fill_value=True)
    return pl.concat(
        [marked.filter("begins").drop(*ends, "begins"), marked.filter(last).select(ends)], how="horizontal"
    )


def _described(pieces: pl.DataFrame, running: pl.DataFrame, known: Known) -> pl.DataFrame:
    """The pieces with what their subscription, price and item say."""
    return (
        pieces.join(running.drop("trial_end_at"), on=SUBSCRIPTION, maintain_order="left")
        .join(known.prices, on=["account_id", "price_id"], how="left", maintain_order="left")
        .join(known.places, on=["account_id", "subscription_item_id"], how="left", maintain_order="left")
        .with_columns(
            place=pl.coalesce("place", "position").fill_null(0),
            is_held=pl.col("is_held").fill_null(False),
        )
    )


def _ended(pieces: pl.DataFrame, policy: MetricPolicy) -> pl.DataFrame:
    """The pieces ended where their subscription stopped; the last one of what runs on is left open."""
    gap = timedelta(days=policy.invoice_gap_days)
    stops, is_last = pl.col("stops_at"), pl.col("is_last") & ~pl.col("is_cut_short")
    goes_on_till_then = stops <= pl.col("billed_to") + gap
    if policy.paused_status_counts:
        goes_on_till_then |= pl.col("next_at").is_null() & _was_paying()
    end = (
        pl.when(is_last & goes_on_till_then)
        .then(stops)
        .when(is_last & stops.is_null() & pl.col("runs_on") & pl.col("is_held") & pl.col("next_at").is_null())
        .then(None)
        .otherwise("ends_at")
    )
    cause = (
        pl.when(pl.col("ends_at").is_null())
        .then(None)
        .when(pl.col("ends_at") == stops)
        .then("stop_cause")
        .when(pl.col("next_kind").is_in([CREDIT, GONE]) | (stops.is_null() & ~pl.col("is_held") & pl.col("is_last")))
        .then(pl.lit("add_on"))
        .when(~pl.col("is_last") | (pl.col("next_kind") == UNBILLED) | stops.is_null())
        .then(pl.lit("pause"))
        .otherwise(pl.lit("end"))
    )
    return (
        pieces.with_columns(ends_at=end)
        .with_columns(ends_at=pl.min_horizontal("ends_at", "stops_at"))
        .with_columns(cause_of_end=cause)
    )


def _as_of(pieces: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """The pieces as they stood at the as-of instant."""
    over = pl.col("ends_at") <= terms.as_of
    return pieces.filter(
        pl.col("starts_at") <= terms.as_of, pl.col("ends_at").is_null() | (pl.col("starts_at") < pl.col("ends_at"))
    ).with_columns(
        ends_at=pl.when(over).then("ends_at"),
        cause_of_end=pl.when(over).then("cause_of_end"),
    )
