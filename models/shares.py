"""How rates and amounts are divided: a rate is null without a base, never NaN or infinite; money is never a float."""

import polars as pl


def share(numerator: str | pl.Expr, denominator: str | pl.Expr) -> pl.Expr:
    """numerator / denominator as Float64, null where the denominator is zero or null.

    >>> pl.DataFrame({"n": [1, 1], "d": [4, 0]}).select(share("n", "d")).to_series().to_list()
    [0.25, None]
    """
    top, base = _column(numerator), _column(denominator)
    return pl.when(base != 0).then(top.cast(pl.Float64) / base.cast(pl.Float64))


def divided(amount: pl.Expr, by: pl.Expr) -> pl.Expr:
    """Whole amount / whole number above zero, rounded half to even once, as Int64; exact, the amount being Int128.

    >>> halves = pl.DataFrame({"n": [1, 3, -1], "d": [2, 2, 2]}, schema={"n": pl.Int128, "d": pl.Int128})
    >>> halves.select(divided(pl.col("n"), pl.col("d"))).to_series().to_list()
    [0, 2, 0]
    """
    quotient = amount // by
    twice = (amount - quotient * by) * 2
    up = (twice > by) | ((twice == by) & (quotient % 2 == 1))
    return (quotient + up.cast(pl.Int128)).cast(pl.Int64)


def _column(of: str | pl.Expr) -> pl.Expr:
    return pl.col(of) if isinstance(of, str) else of
