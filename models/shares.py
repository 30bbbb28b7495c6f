"""How a rate is divided: null without a base, never NaN and never infinite."""

import polars as pl


def share(numerator: str | pl.Expr, denominator: str | pl.Expr) -> pl.Expr:
    """numerator / denominator as Float64, null where the denominator is zero or null.

    >>> pl.DataFrame({"n": [1, 1], "d": [4, 0]}).select(share("n", "d")).to_series().to_list()
    [0.25, None]
    """
    top, base = _column(numerator), _column(denominator)
    return pl.when(base != 0).then(top.cast(pl.Float64) / base.cast(pl.Float64))


def _column(of: str | pl.Expr) -> pl.Expr:
    return pl.col(of) if isinstance(of, str) else of
