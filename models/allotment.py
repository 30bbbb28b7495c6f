"""Whole numbers divided exactly: shared among rows by weight, or split at a point, with nothing lost or made up.

Products run in 128 bits: an amount times the seconds of ten years fits. Knows no table.
"""

from collections.abc import Sequence

import polars as pl

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
    weights = pl.col(weight).cast(pl.Int128)
    product = pl.col("_size") * weights * pl.col("_sum").sign()
    divisor = pl.max_horizontal(pl.col("_sum").abs(), ONE)
    nothing_to_go_by = pl.col("_sum") == 0
    first = pl.int_range(pl.len()).over(within) == 0
    left_over = pl.col("_size") - pl.col("_floor").sum().over(within)
    rank = pl.int_range(pl.len()).over(within)
    return (
        frame.sort(*within, *order)
        .with_columns(_sum=weights.sum().over(within), _size=pl.col(total).cast(pl.Int128).abs())
        .with_columns(_floor=product // divisor, _short=divisor - product % divisor)
        .with_columns(
            _floor=pl.when(nothing_to_go_by).then(first.cast(pl.Int128) * pl.col("_size")).otherwise("_floor")
        )
        .sort(*within, "_short", *order)
        .with_columns(_share=pl.col("_floor") + (rank < left_over).cast(pl.Int128))
        .with_columns((pl.col("_share") * pl.col(total).sign().cast(pl.Int128)).cast(pl.Int64).alias(into))
        .drop("_sum", "_size", "_floor", "_short", "_share")
        .sort(*within, *order)
    )


def part(amount: str, numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """`amount` (Int64) times numerator / denominator (0..1), rounded half to even; all of it where both are zero."""
    product = pl.col(amount).cast(pl.Int128) * numerator.cast(pl.Int128)
    divisor = pl.max_horizontal(denominator.cast(pl.Int128), ONE)
    quotient = product // divisor
    twice = (product - quotient * divisor) * 2
    up = (twice > divisor) | ((twice == divisor) & (quotient % 2 == 1))
    rounded = (quotient + up.cast(pl.Int128)).cast(pl.Int64)
    return pl.when(denominator == 0).then(pl.col(amount)).otherwise(rounded)
