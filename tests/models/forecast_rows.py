"""Histories of MRR for the tests of forecasts, told by their closings or by what moved them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import polars as pl

from models.contracts import marts
from models.forecast.components import months_after
from models.forecast.history import History, histories
from models.forecast.mrr import (
    forecasts,
    mrr_forecast,
    mrr_forecast_backtest,
    mrr_forecast_choice,
    mrr_forecast_origins,
    scores,
)
from tests.models.rows import ACCOUNT, TERMS

CELLS = {
    "account_id": pl.String(),
    "month": pl.Date(),
    "interval_months": pl.Int64(),
    "age_months": pl.Int64(),
    "opening": pl.Int64(),
    "churned": pl.Int64(),
}
NO_CELLS = pl.LazyFrame(schema=CELLS)
LAST = date(2026, 6, 1)
"""The last full month of `TERMS`, whose as-of day is 1 July."""


def months(*closings: float, account_id: str = ACCOUNT, partial: float | None = None) -> pl.DataFrame:
    """Rows of `mrr_by_month_reporting` that end with LAST: what a month is above the one before is new, else churn."""
    moves = [max(0, after - before) for before, after in zip((0, *closings), closings, strict=False)]
    lost = [min(0, after - before) for before, after in zip((0, *closings), closings, strict=False)]
    frame = moved(closings, moves, lost, account_id)
    if partial is None:
        return frame
    now = frame.tail(1).with_columns(
        month=pl.lit(date(2026, 7, 1)),
        closing_mrr=pl.lit(partial, marts.MrrByMonthReporting.closing_mrr.dtype),
        new_mrr=pl.lit(partial, marts.MrrByMonthReporting.new_mrr.dtype),
        is_partial=pl.lit(True),
    )
    return pl.concat([frame, now])


def moved(
    closings: Sequence[float], new: Sequence[float], lost: Sequence[float], account_id: str = ACCOUNT
) -> pl.DataFrame:
    """Rows of `mrr_by_month_reporting` of full months that end with LAST; `lost` is churn."""
    first = LAST.year * 12 + LAST.month - 1 - len(closings)
    ahead = months_after(date(first // 12, first % 12 + 1, 1), len(closings))
    nothing = Decimal(0)
    rows = [
        {
            "account_id": account_id,
            "month": month,
            "currency": "usd",
            "opening_mrr": Decimal(str(before)),
            "new_mrr": Decimal(str(won)),
            "churn_mrr": Decimal(str(gone)),
            "closing_mrr": Decimal(str(after)),
            **dict.fromkeys(("expansion_mrr", "contraction_mrr", "reactivation_mrr", "fx_mrr"), nothing),
            **dict.fromkeys(("new_customers", "churned_customers", "reactivated_customers", "closing_customers"), 0),
            "is_partial": False,
        }
        for month, before, after, won, gone in zip(ahead, (0, *closings), closings, new, lost, strict=False)
    ]
    schema = {name: column.dtype for name, column in marts.MrrByMonthReporting.columns().items()}
    return pl.DataFrame(rows, schema=schema)


def history(*closings: float) -> History:
    """The same as a value."""
    return histories(months(*closings))[0]


def nothing(table: type[marts.Mart]) -> pl.LazyFrame:
    """No rows of a table."""
    return table.create_empty().lazy()


def forecast(
    frame: pl.DataFrame,
    scheduled: pl.LazyFrame | None = None,
    known: pl.LazyFrame | None = None,
    exposed: pl.LazyFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """All forecasts of a history, and the marts made of them."""
    made = forecasts(
        frame.lazy(),
        nothing(marts.ScheduledChanges) if scheduled is None else scheduled,
        nothing(marts.KnownMrrByMonth) if known is None else known,
        NO_CELLS if exposed is None else exposed,
        TERMS,
    )
    scored = scores(made, TERMS)
    choice = mrr_forecast_choice(frame.lazy(), scored, TERMS)
    return {
        "all": made.collect(),
        "choice": choice.collect(),
        "forecast": mrr_forecast(made, choice, TERMS).collect(),
        "backtest": mrr_forecast_backtest(scored, choice, TERMS).collect(),
        "origins": mrr_forecast_origins(made, choice, TERMS).collect(),
    }
