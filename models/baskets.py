"""The worth of pieces of a timeline: items priced alone, or together where an amount off is shared among them.

States repeat: a million pieces hold a few thousand different ones. So the different ones are collected, each is priced
once by the catalogue of models/worth.py, and the micros are joined back.
"""

from collections.abc import Iterable

import polars as pl

from models.observations import SUBSCRIPTION
from models.worth import ITEM_STATE, Catalogue, State, Worth

WORTH = {"list_micros": pl.Int64, "mrr_micros": pl.Int64, "is_known": pl.Boolean}
BILLED_TOGETHER = [*SUBSCRIPTION, "invoice_coupons"]


def priced(pieces: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The pieces with `WORTH`, cut where an amount off is shared anew among a subscription's items."""
    coupons = pieces.select("account_id", "invoice_coupons").unique()
    is_shared = [
        any((account, one) in catalogue.shared for one in ids.split(",")) for account, ids in coupons.iter_rows()
    ]
    sharing = coupons.filter(pl.Series(is_shared, dtype=pl.Boolean))
    alone = pieces.join(sharing, on=["account_id", "invoice_coupons"], how="anti", maintain_order="left")
    together = pieces.join(sharing, on=["account_id", "invoice_coupons"], how="semi", maintain_order="left")
    return pl.concat([alone_worth(alone, catalogue), _recut(together, catalogue)])


def alone_worth(items: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The rows with what each item is worth alone. Rows need the columns of `ITEM_STATE`."""
    states = items.select(ITEM_STATE).unique()
    worths = [catalogue.worths((State(*row),))[0] for row in states.iter_rows()]
    known = states.with_columns(_columns(worths))
    return items.join(known, on=ITEM_STATE, how="left", nulls_equal=True, maintain_order="left")


def _recut(pieces: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Pieces that share an amount off, cut at every instant at which an item billed with them changed its share."""
    cuts = (
        pl.concat([pieces.select(*BILLED_TOGETHER, cut_at=at) for at in ("starts_at", "ends_at")])
        .drop_nulls("cut_at")
        .unique()
    )
    cut = (
        pieces.join(cuts, on=BILLED_TOGETHER)
        .filter(
            pl.col("cut_at") >= pl.col("starts_at"),
            pl.col("ends_at").is_null() | (pl.col("cut_at") < pl.col("ends_at")),
        )
        .sort(*BILLED_TOGETHER, "cut_at", "place", "subscription_item_id")
        .with_columns(basket=pl.struct(*BILLED_TOGETHER, "cut_at").rle_id())
    )
    worth = _together_worth(cut, catalogue).sort("item", "starts_at", "cut_at")
    piece = pl.struct("item", "starts_at")
    same = pl.struct("item", "starts_at", "list_micros", "mrr_micros")
    kept = worth.filter((same != same.shift(1)).fill_null(True))
    return (
        kept.with_columns(cut_to=pl.when(piece == piece.shift(-1)).then(pl.col("cut_at").shift(-1)))
        .with_columns(
            starts_at="cut_at",
            ends_at=pl.coalesce("cut_to", "ends_at"),
            cause_of_end=pl.when(pl.col("cut_to").is_null()).then("cause_of_end"),
        )
        .select(*pieces.columns, *WORTH)
    )


def _together_worth(items: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The rows with what each item is worth among those of its `basket`; a basket's rows stand together, in order."""
    rows = items.select("basket", *ITEM_STATE).iter_rows()
    baskets: dict[int, list[State]] = {}
    for basket, *state in rows:
        baskets.setdefault(basket, []).append(State(*state))
    worths = [worth for states in baskets.values() for worth in catalogue.worths(tuple(states))]
    return items.with_columns(_columns(worths))


def _columns(worths: Iterable[Worth]) -> list[pl.Series]:
    rows = list(worths)
    return [pl.Series(name, [getattr(row, name) for row in rows], dtype) for name, dtype in WORTH.items()]
