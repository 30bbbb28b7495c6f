"""How plans of frames are worked out: joins in the order in which they are written.

Polars puts runs of inner joins into the order of the rows that it expects of each. Every table here has `account_id`,
so it may join two of them by the account alone first: of one account that is everything times everything.
"""

import polars as pl

AS_WRITTEN = pl.QueryOptFlags(join_order=False)


def collected(frame: pl.LazyFrame) -> pl.DataFrame:
    """The frame's rows."""
    return frame.collect(optimizations=AS_WRITTEN)
