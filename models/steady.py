"""Steady runs: renewals that bill on what was billed before, in the same state, told once from first to last.

Most of what an account knows of its items is such renewals, and they change nothing: timelines made of the runs are the
timelines made of every renewal, under any policy, from a tenth of the rows.
"""

import polars as pl

from models.observations import REGULAR, SUBSCRIPTION
from models.states import ranked
from models.worth import ITEM_STATE

UNCHANGED = ("subscription_id", *(name for name in ITEM_STATE if name not in ("account_id", "currency")))
"""What must be the same: all that an item's worth depends on. Accounts are told apart anyhow, and an item's currency is
its subscription's."""


def steady(observed: pl.DataFrame) -> pl.DataFrame:
    """Observations in the form of `states.in_order`, each steady run as one: its first row, billed to the end of its
    last.

    Left as they are: what a pause may have left unbilled, what shares its instant with another observation of the item,
    and subscriptions with an item that no bill told of at first, since those take discounts and tax from whatever bill
    of the others came last.
    """
    order = ranked(observed)
    ordered = observed.select("account_id", "at", "billed_to", "kind", "left_by", *UNCHANGED)[order["row"]]
    begins = _begins(ordered.with_columns(order["item"]))
    ends = ordered["billed_to"].filter(begins.shift(-1, fill_value=True))
    first = order.filter(begins)
    return observed[first["row"]].with_columns(first["item"], billed_to=ends).with_row_index("place_in_order")


def _begins(ordered: pl.DataFrame) -> pl.Series:
    """True for every row that does not go on with the run of the row before."""
    untold = pl.col("item").is_in(_untold(ordered).implode())
    plain = (pl.col("kind") == REGULAR) & pl.col("left_by").is_null() & ~untold
    marked = ordered.with_columns(same_item=_same("item"), same_instant=_same("at")).with_columns(
        stands_alone=plain & ~_in_company()
    )
    goes_on = pl.all_horizontal(
        "same_item",
        pl.col("stands_alone") & pl.col("stands_alone").shift(1),
        pl.col("at") == pl.col("billed_to").shift(1),
        *(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in UNCHANGED),
    ).fill_null(False)
    return marked.select(begins=~goes_on).to_series()


def _same(name: str) -> pl.Expr:
    return (pl.col(name) == pl.col(name).shift(1)).fill_null(False)


def _in_company() -> pl.Expr:
    """True where the row before or after is of the same item and instant."""
    with_last = pl.col("same_item") & pl.col("same_instant")
    return with_last | with_last.shift(-1, fill_value=False)


def _untold(ordered: pl.DataFrame) -> pl.Series:
    """The items of subscriptions of which some item's first observation is no bill."""
    begins = ~(_same("item") & _same("subscription_id"))
    firsts = ordered.filter(begins).select(*SUBSCRIPTION, "item", "kind", "left_by")
    told = (pl.col("kind") == REGULAR) & pl.col("left_by").is_null()
    without = firsts.filter(~told).select(SUBSCRIPTION)
    return firsts.join(without, on=SUBSCRIPTION, how="semi")["item"].unique()
