"""What a staged invoice line says of itself in lists: its discounts and its taxes, summed."""

import polars as pl

_AMOUNT = pl.element().struct.field("amount")


def discounts() -> pl.Expr:
    """What all discounts took off the line, in minor units; 0 where there is none."""
    return pl.col("discount_amounts").list.eval(_AMOUNT).list.sum().fill_null(0)


def taxes(behavior: str) -> pl.Expr:
    """The line's taxes of a behavior, `inclusive` or `exclusive`, in minor units; 0 where there is none."""
    is_such = pl.element().struct.field("tax_behavior") == behavior
    return pl.col("taxes").list.eval(pl.when(is_such).then(_AMOUNT)).list.sum().fill_null(0)
