"""Why a stretch starts and ends, in the words of the ledger.

An item's own change comes first: it started, resumed, its plan, price, quantity or discounts changed. Where only its
worth differs, another item of the subscription changed at that instant, and the amount off was shared anew.
"""

import polars as pl

from models.observations import ADDED, SUBSCRIPTION
from models.states import after, before

PLAN = ("product_id", "recurring_interval", "recurring_interval_count")
COUPONS = ("item_coupons", "invoice_coupons")


def explained(priced: pl.DataFrame) -> pl.DataFrame:
    """The stretches, by item and start, with cause_of_start, cause_of_end, coupons, counts, reason and basis."""
    ordered = priced.sort("item", "starts_at")
    caused = _caused_by_others(ordered.with_columns(cause_of_start=_own_cause()))
    worthless = pl.when(pl.col("is_known")).then(pl.lit("free")).otherwise(pl.lit("unknown_amount"))
    return caused.with_columns(
        cause_of_end=pl.when((pl.col("ends_at") == after("starts_at")).fill_null(False))
        .then(after("cause_of_start"))
        .otherwise("cause_of_end"),
        coupons=pl.concat_str([pl.col(name).replace("", None) for name in COUPONS], separator=",", ignore_nulls=True),
        counts=pl.col("mrr_micros") != 0,
        reason=pl.when(pl.col("mrr_micros") == 0).then(worthless),
        basis=pl.when(pl.col("kind") >= ADDED).then(pl.lit("version")).otherwise(pl.lit("invoice")),
    )


def _own_cause() -> pl.Expr:
    """Why a stretch starts, as far as the item itself tells; null where only its worth differs."""
    goes_on = (before("ends_at") == pl.col("starts_at")).fill_null(False)
    first = pl.col("starts_at") == pl.col("starts_at").min().over(SUBSCRIPTION)
    discounts_differ = pl.any_horizontal(_differs(name) for name in COUPONS)
    charged_otherwise = _differs("line_amount") | _differs("line_count")
    causes = {
        "resume": ~goes_on & before("ends_at").is_not_null(),
        "start": ~goes_on & first,
        "add_on": ~goes_on,
        "plan": _differs("price_id") & pl.any_horizontal(_differs(name) for name in PLAN),
        "price": _differs("price_id"),
        "quantity": _differs("quantity") | (charged_otherwise & pl.col("is_metered").fill_null(False)),
        "discount_start": discounts_differ & (pl.col("mrr_micros") < before("mrr_micros")),
        "discount_end": discounts_differ,
    }
    priced_otherwise = pl.when(_differs("kept") | _differs("taxed") | charged_otherwise).then(pl.lit("price"))
    return pl.coalesce(*(pl.when(test).then(pl.lit(cause)) for cause, test in causes.items()), priced_otherwise)


def _caused_by_others(caused: pl.DataFrame) -> pl.DataFrame:
    """The stretches with the cause of another of the subscription's changes, where they have none of their own."""
    starts = caused.select(*SUBSCRIPTION, "starts_at", of_others="cause_of_start")
    ends = caused.select(*SUBSCRIPTION, starts_at="ends_at", of_others="cause_of_end")
    instant = [*SUBSCRIPTION, "starts_at"]
    others = pl.concat([starts, ends]).drop_nulls().unique(instant, keep="first", maintain_order=True)
    return caused.join(others, on=instant, how="left", maintain_order="left").with_columns(
        cause_of_start=pl.coalesce("cause_of_start", "of_others", pl.lit("discount_end"))
    )


def _differs(name: str) -> pl.Expr:
    return pl.col(name).ne_missing(before(name))
