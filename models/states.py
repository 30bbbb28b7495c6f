"""The known states of each item in order: what was billed, told by invoices, prorations and subscription versions.

Puts observations in order, keeps one an instant, and gives each what it did not tell itself: discounts and tax are
those of the last billed period. How long a state lasted is not its business.
"""

import polars as pl

from models.lives import FINALISED_BY
from models.observations import ADDED, CREDIT, DEBIT, GONE, ITEM, LIVE, REGULAR, SUBSCRIPTION, UNBILLED, VERSION
from models.policy import MetricPolicy
from models.terms import Terms

ENTITY = ["account_id", "subscription_item_id"]
CARRIED = ("item_coupons", "invoice_coupons", "kept", "taxed", "line_amount", "line_count")


def known_states(observed: pl.DataFrame, running: pl.DataFrame, terms: Terms, policy: MetricPolicy) -> pl.DataFrame:
    """Observations by item and instant, `item` numbering the items, with nothing left untold.

    Args:
        observed: `known.Known.observed` under the policy.
        running: `lives.followed` under the policy.
        terms: for the as-of instant alone.
        policy: its rules of pauses.
    """
    ordered = _one_an_instant(_by_the_rules(observed, running, terms, policy))
    believed = _without_doubtful_versions(ordered, observed.filter(pl.col("kind") == CREDIT))
    # A price with tax on top has none inside, whatever the price before it had.
    is_untaxed = pl.col("taxed").is_null() & pl.col("is_exclusive").fill_null(False)
    carried = believed.with_columns(pl.col(CARRIED).forward_fill().over("item"), is_untaxed=is_untaxed).with_columns(
        pl.when("is_untaxed").then(pl.lit(1, pl.Int64)).otherwise(name).alias(name) for name in ("kept", "taxed")
    )
    return _with_taxes_of_later(_as_others_then(carried.drop("is_untaxed"))).with_columns(
        pl.col("item_coupons", "invoice_coupons").fill_null(""), pl.col("quantity").fill_null(1)
    )


def amended(observed: pl.DataFrame) -> pl.DataFrame:
    """The observations, bills that a change from their very start gave back and charged anew in the state charged.

    They keep what else they tell: discounts, tax and the period.
    """
    period = [*ITEM, "at", "billed_to"]
    charged = (
        observed.filter(pl.col("kind") == DEBIT)
        .sort("place_in_order")
        .unique(period, keep="first", maintain_order=True)
        .select(*period, price_id_then="price_id", quantity_then="quantity")
    )
    billed = [*period, "price_id", "quantity"]
    anew = observed.filter(pl.col("kind") == CREDIT).select(billed).unique().join(charged, on=period)
    if anew.is_empty():
        return observed
    is_anew = (pl.col("kind") == REGULAR) & pl.col("is_anew").fill_null(False)
    return (
        observed.join(anew.with_columns(is_anew=True), on=billed, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            pl.when(is_anew).then(f"{name}_then").otherwise(name).alias(name) for name in ("price_id", "quantity")
        )
        .drop("price_id_then", "quantity_then", "is_anew")
    )


def in_order(observed: pl.DataFrame) -> pl.DataFrame:
    """Observations with `item`, the number of their item, and `place_in_order` among those of an instant: the newest
    invoice first."""
    order = ranked(observed)
    return observed[order["row"]].with_columns(order["item"]).with_row_index("place_in_order")


def ranked(observed: pl.DataFrame) -> pl.DataFrame:
    """The order of `in_order`: row (of the observation) and item."""
    items = observed.select(ENTITY).unique().sort(ENTITY).with_row_index("item")
    prices = observed.select("price_id").unique().sort("price_id", nulls_last=True).with_row_index("price_rank")
    order = ("item", "at", "known_at", "price_rank", "quantity")
    return (
        observed.select(*ENTITY, "at", "known_at", "price_id", "quantity")
        .with_row_index("row")
        .join(items, on=ENTITY)
        .join(prices, on="price_id", nulls_equal=True)
        .select("row", *order)
        .sort(order, descending=[name == "known_at" for name in order], nulls_last=True)
        .select("row", "item")
    )


def before(name: str) -> pl.Expr:
    """The item's previous row's value of a column, in a frame ordered by item; null at an item's first row."""
    return pl.when(pl.col("item") == pl.col("item").shift(1)).then(pl.col(name).shift(1))


def after(name: str) -> pl.Expr:
    """The item's next row's value of a column, in a frame ordered by item; null at an item's last row."""
    return pl.when(pl.col("item") == pl.col("item").shift(-1)).then(pl.col(name).shift(-1))


def _by_the_rules(observed: pl.DataFrame, running: pl.DataFrame, terms: Terms, policy: MetricPolicy) -> pl.DataFrame:
    """The observations of subscriptions that run, those that a pause left unbilled told as such where pauses are zero.

    A draft bills while its subscription runs on or keeps its invoices as drafts; where that is a pause of MRR, only
    until it should have been finalised.
    """
    left_by = pl.col("left_by")
    is_draft = (left_by == "draft").fill_null(False)
    zero = [behavior for behavior in policy.zero_pause_behaviors if behavior != "keep_as_draft"]
    is_left = left_by.is_in(zero).fill_null(False)
    if "keep_as_draft" in policy.zero_pause_behaviors:
        is_left |= is_draft & (pl.col("known_at") + FINALISED_BY < terms.as_of)
    runs_on = pl.col("runs_on")
    is_told = (~is_draft | is_left | runs_on | pl.col("drafts_count")) & ((pl.col("kind") != LIVE) | runs_on)
    about = running.select(*SUBSCRIPTION, "runs_on", "drafts_count", "trial_end_at")
    return (
        observed.join(about, on=SUBSCRIPTION)
        .filter(is_told)
        .drop("runs_on", "drafts_count")
        .with_columns(kind=pl.when(is_left).then(pl.lit(UNBILLED, pl.Int8)).otherwise("kind"))
    )


def _one_an_instant(observed: pl.DataFrame) -> pl.DataFrame:
    """In order of item and instant; of several at one instant the one whose kind says most, by the newest invoice."""
    ordered = observed.sort("item", "at", "kind", "place_in_order")
    item, at = pl.col("item"), pl.col("at")
    return ordered.filter((item != item.shift(1)).fill_null(True) | (at != at.shift(1)))


def _without_doubtful_versions(ordered: pl.DataFrame, given_back: pl.DataFrame) -> pl.DataFrame:
    """Versions only where invoices do not say otherwise.

    A version is dated by the event that told of it but holds what was read after, maybe of a later change. So it counts
    within a billed period alone, and only where it was read before anything else is told, or where the next invoice
    either is not there yet or bills that very state without settling a change.
    """
    if ordered.filter(pl.col("kind") >= VERSION).is_empty():
        return ordered
    is_version = pl.col("kind").is_in([VERSION, GONE])
    invoiced = pl.when(~is_version)
    last, following = ("kind", "billed_to"), ("at", "kind", "price_id", "quantity")
    settled = given_back.select(*ENTITY, next_at="at", settles_change=True).unique()
    seen = ordered.with_columns(
        *(invoiced.then(name).forward_fill().over("item").alias(f"last_{name}") for name in last),
        *(invoiced.then(name).backward_fill().over("item").alias(f"next_{name}") for name in following),
    ).join(settled, on=[*ENTITY, "next_at"], how="left", maintain_order="left")
    bills_it = pl.all_horizontal(
        pl.col("kind") == VERSION,
        pl.col("next_kind") == REGULAR,
        pl.col("settles_change").is_null(),
        *(pl.col(f"next_{name}").eq_missing(pl.col(name)) for name in ("price_id", "quantity")),
    )
    in_period = pl.col("last_kind").is_in([REGULAR, DEBIT, ADDED, LIVE]) & (pl.col("at") < pl.col("last_billed_to"))
    was_read_before = (pl.col("held_at") < pl.col("next_at")).fill_null(False)
    believed = ~is_version | (in_period & (pl.col("next_kind").is_null() | bills_it | was_read_before))
    return (
        seen.filter(believed.fill_null(False))
        .with_columns(billed_to=pl.coalesce("billed_to", "last_billed_to"))
        .select(ordered.columns)
    )


def _as_others_then(observed: pl.DataFrame) -> pl.DataFrame:
    """An item added within a period is discounted and taxed as the subscription's latest invoice before was."""
    untaxed = pl.when("is_exclusive").then(pl.lit(1, pl.Int64))
    untold = observed.filter(pl.col("invoice_coupons").is_null()).select(*ITEM, "at", untaxed=untaxed).sort("at")
    if untold.is_empty():
        return observed
    others = observed.join(untold.select(SUBSCRIPTION), on=SUBSCRIPTION, how="semi").sort("at")
    coupons = others.drop_nulls("invoice_coupons").select(*SUBSCRIPTION, "at", coupons_then="invoice_coupons")
    taxes = others.drop_nulls("taxed").select(*SUBSCRIPTION, "at", kept_then="kept", taxed_then="taxed")
    then = untold.join_asof(coupons, on="at", by=SUBSCRIPTION, check_sortedness=False).join_asof(
        taxes, on="at", by=SUBSCRIPTION, check_sortedness=False
    )
    return observed.join(then, on=[*ITEM, "at"], how="left", maintain_order="left").with_columns(
        invoice_coupons=pl.coalesce("invoice_coupons", "coupons_then"),
        kept=pl.coalesce("kept", "untaxed", "kept_then"),
        taxed=pl.coalesce("taxed", "untaxed", "taxed_then"),
    )


def _with_taxes_of_later(observed: pl.DataFrame) -> pl.DataFrame:
    """What tax leaves is as the item's next line tells, where none before does; all, where none ever does."""
    if observed["taxed"].null_count() == 0:
        return observed
    return observed.with_columns(pl.col("kept", "taxed").backward_fill().over("item").fill_null(1))
