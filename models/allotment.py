"""Whole numbers divided exactly: shared among rows by weight, or split at a point, with nothing lost or made up.

Products run in 128 bits: an amount times the seconds of ten years fits. Knows no table.
"""

from collections.abc import Sequence

import polars as pl

from models.plans import collected

ONE = pl.lit(1, pl.Int128)


def allotted(
    frame: pl.LazyFrame, total: str, weight: str, *, within: Sequence[str], order: Sequence[str], into: str
) -> pl.LazyFrame:
    """The frame with each row's share of `total` (one Int64 for all rows `within`) in proportion to `weight`.

    Every row gets the whole part of its exact share; the units left over go to the largest remainders, the earlier row
    in `order` first among equals, so the shares sum to the total. A negative total mirrors the positive one. Where the
    weights sum to zero, the first row takes all. The rows come out sorted by `within` and `order`.

    >>> frame = pl.LazyFrame({"of": ["a"] * 3, "row": [1, 2, 3], "total": [100] * 3, "weight": [1] * 3})
    >>> shares = allotted(frame, "total", "weight", within=["of"], order=["row"], into="share")
    >>> shares.collect()["share"].to_list()
    [34, 33, 33]
    """
    ordered = frame.sort(*within, *order).with_columns(_of=pl.struct(within).rle_id()).pipe(collected)
    weights, size = pl.col(weight).cast(pl.Int128), pl.col(total).cast(pl.Int128).abs()
    summed = ordered.group_by("_of", maintain_order=True).agg(_sum=weights.sum())
    product, divisor = pl.col("_size") * weights * pl.col("_sum").sign(), pl.max_horizontal(pl.col("_sum").abs(), ONE)
    all_to_first = (_place("_of") == 0).cast(pl.Int128) * pl.col("_size")
    floored = (
        ordered.with_columns(summed["_sum"][ordered["_of"]], _size=size)
        .with_columns(_floor=product // divisor, _short=divisor - product % divisor)
        .with_columns(_floor=pl.when(pl.col("_sum") == 0).then(all_to_first).otherwise("_floor"))
    )
    units = floored.group_by("_of", maintain_order=True).agg(
        left_over=pl.col("_size").first() - pl.col("_floor").sum(), rows=pl.len()
    )
    share = pl.col("_floor") + _left_over(floored, units)
    return (
        floored.with_columns((share * pl.col(total).sign().cast(pl.Int128)).cast(pl.Int64).alias(into))
        .drop("_of", "_sum", "_size", "_floor", "_short")
        .lazy()
    )


def _left_over(floored: pl.DataFrame, units: pl.DataFrame) -> pl.Series:
    """One of the units left over, or none, for each row: of those of a whole the largest remainders get one."""
    wanting = floored.select("_of", "_short", units["left_over"][floored["_of"]]).with_row_index("_row")
    ranked = (
        wanting.filter(pl.col("left_over") > 0)
        .sort("_of", "_short", "_row")
        .filter(_place("_of") < pl.col("left_over"))
    )
    return pl.zeros(wanting.height, dtype=pl.Int128, eager=True).scatter(ranked["_row"], 1)


def _place(of: str) -> pl.Expr:
    """Each row's place among those of its run of equal values, from 0."""
    row = pl.int_range(pl.len())
    begins = (pl.col(of) != pl.col(of).shift(1)).fill_null(True)
    return row - pl.when(begins).then(row).forward_fill()


def part(amount: str, numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """`amount` (Int64) times numerator / denominator (0..1), rounded half to even; all of it where both are zero."""
    product = pl.col(amount).cast(pl.Int128) * numerator.cast(pl.Int128)
    divisor = pl.max_horizontal(denominator.cast(pl.Int128), ONE)
    quotient = product // divisor
    twice = (product - quotient * divisor) * 2
    up = (twice > divisor) | ((twice == divisor) & (quotient % 2 == 1))
    rounded = (quotient + up.cast(pl.Int128)).cast(pl.Int64)
    return pl.when(denominator == 0).then(pl.col(amount)).otherwise(rounded)
