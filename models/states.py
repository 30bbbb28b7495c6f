"""The known states of each item in order: what was billed, told by invoices, prorations and subscription versions.

Puts observations in order, keeps one an instant, and gives each what it did not tell itself: discounts and tax are
those of the last billed period. How long a state lasted is not its business.
"""

from collections.abc import Mapping

import polars as pl

from models.observations import (
    CREDIT,
    DEBIT,
    GONE,
    ITEM,
    LIVE,
    REGULAR,
    VERSION,
    coupon_ids,
    licensed,
    observations,
    version_observations,
)
from models.terms import Terms

SUBSCRIPTION = ["account_id", "subscription_id"]
ENTITY = ["account_id", "subscription_item_id"]
CARRIED = ("item_coupons", "invoice_coupons", "kept", "taxed", "line_amount")


def known_states(staging: Mapping[str, pl.LazyFrame], running: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Observations by item and instant, `item` numbering the items, with nothing left untold."""
    told = observations(staging, running.lazy(), terms).collect()
    parts = [
        told,
        _unbilled_items(staging, told, running, terms),
        version_observations(staging, running.lazy()).collect(),
    ]
    ordered = _one_an_instant(pl.concat(parts, how="diagonal"))
    believed = _without_doubtful_versions(ordered, told.filter(pl.col("kind") == CREDIT))
    carried = believed.with_columns(pl.col(CARRIED).forward_fill().over("item"))
    return _with_taxes_of_later(_as_others_then(carried, staging)).with_columns(
        pl.col("item_coupons", "invoice_coupons").fill_null(""), pl.col("quantity").fill_null(1)
    )


def before(name: str) -> pl.Expr:
    """The item's previous row's value of a column, in a frame ordered by item; null at an item's first row."""
    return pl.when(pl.col("item") == pl.col("item").shift(1)).then(pl.col(name).shift(1))


def after(name: str) -> pl.Expr:
    """The item's next row's value of a column, in a frame ordered by item; null at an item's last row."""
    return pl.when(pl.col("item") == pl.col("item").shift(-1)).then(pl.col(name).shift(-1))


def _one_an_instant(observed: pl.DataFrame) -> pl.DataFrame:
    """In order of item and instant; of several at one instant the one whose kind says most, by the newest invoice."""
    order = (*ENTITY, "at", "kind", "known_at", "price_id", "quantity")
    ordered = observed.sort(order, descending=[name == "known_at" for name in order], nulls_last=True)
    numbered = ordered.with_columns(item=pl.struct(ENTITY).rle_id())
    item, at = pl.col("item"), pl.col("at")
    return numbered.filter((item != item.shift(1)).fill_null(True) | (at != at.shift(1)))


def _without_doubtful_versions(ordered: pl.DataFrame, given_back: pl.DataFrame) -> pl.DataFrame:
    """Versions only where invoices do not say otherwise.

    A version is dated by the event that told of it but holds what was read after, maybe of a later change. So it counts
    within a billed period alone, and only where the next invoice either is not there yet or bills that very state
    without settling a change.
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
    in_period = pl.col("last_kind").is_in([REGULAR, DEBIT, LIVE]) & (pl.col("at") < pl.col("last_billed_to"))
    believed = ~is_version | (in_period & (pl.col("next_kind").is_null() | bills_it))
    return (
        seen.filter(believed.fill_null(False))
        .with_columns(billed_to=pl.coalesce("billed_to", "last_billed_to"))
        .select(ordered.columns)
    )


def _unbilled_items(
    staging: Mapping[str, pl.LazyFrame], told: pl.DataFrame, running: pl.DataFrame, terms: Terms
) -> pl.DataFrame:
    """Items that run now though no invoice ever told of them: known from the subscription itself."""
    subscriptions = staging["subscriptions"]
    items = staging["subscription_items"]
    added = pl.when(pl.col("created_at") > pl.col("start_at")).then("created_at")
    started = pl.max_horizontal("start_at", added, "trial_end_at")
    return (
        licensed(items, staging)
        .join(running.lazy().filter("runs_on"), on=SUBSCRIPTION)
        .join(told.lazy().select(ENTITY).unique(), left_on=["account_id", "id"], right_on=ENTITY, how="anti")
        .join(coupon_ids(items, staging, terms), on=["account_id", "id"], how="left")
        .join(
            coupon_ids(subscriptions, staging, terms).rename({"id": "subscription_id", "coupons": "invoice_coupons"}),
            on=SUBSCRIPTION,
            how="left",
        )
        .select(
            *SUBSCRIPTION,
            "price_id",
            "quantity",
            "position",
            subscription_item_id="id",
            at=started,
            billed_to=pl.max_horizontal(started, pl.lit(terms.as_of)),
            kind=pl.lit(LIVE, pl.Int8),
            known_at=started,
            item_coupons=pl.col("coupons").fill_null(""),
            invoice_coupons=pl.col("invoice_coupons").fill_null(""),
        )
        .collect()
    )


def _as_others_then(observed: pl.DataFrame, staging: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """An item added within a period is discounted and taxed as the subscription's latest invoice before was."""
    untold = observed.filter(pl.col("invoice_coupons").is_null()).select(*ITEM, "at", "price_id").sort("at")
    if untold.is_empty():
        return observed
    others = observed.join(untold.select(SUBSCRIPTION), on=SUBSCRIPTION, how="semi").sort("at")
    coupons = others.drop_nulls("invoice_coupons").select(*SUBSCRIPTION, "at", coupons_then="invoice_coupons")
    taxes = others.drop_nulls("taxed").select(*SUBSCRIPTION, "at", kept_then="kept", taxed_then="taxed")
    exclusive = staging["prices"].filter(pl.col("tax_behavior") == "exclusive").select("account_id", price_id="id")
    then = (
        untold.join_asof(coupons, on="at", by=SUBSCRIPTION, check_sortedness=False)
        .join_asof(taxes, on="at", by=SUBSCRIPTION, check_sortedness=False)
        .join(exclusive.with_columns(untaxed=1).collect(), on=["account_id", "price_id"], how="left")
        .drop("price_id")
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
