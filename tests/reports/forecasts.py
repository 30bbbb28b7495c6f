"""The made-up company's forecast: drift with a band of a fixed width, in plain Python, independently of `models/`."""

from collections.abc import Sequence
from datetime import date
from typing import Any

Row = dict[str, Any]
AHEAD = (1, 3, 6, 12)
LEAST = 6


def tables(months: Sequence[Row]) -> dict[str, list[Row]]:
    """Every table of forecasts, from the rows of `mrr_by_month_reporting`."""
    full = [row for row in months if not row["is_partial"]]
    closings = [int(row["closing_mrr"]) for row in full]
    if len(full) < LEAST:
        return {}
    origins = [
        _forecast(full[known - 1]["month"], closings[:known], ahead)
        | {"origin_month": full[known - 1]["month"], "actual_mrr_reporting": closings[known + ahead - 1]}
        for known in range(LEAST, len(full))
        for ahead in AHEAD
        if known + ahead <= len(full)
    ]
    last = full[-1]["month"]
    return {
        "mrr_forecast": [_forecast(last, closings, ahead) for ahead in range(1, 13)],
        "mrr_forecast_origins": origins,
        "mrr_forecast_backtest": [
            _score(ahead, own) for ahead in AHEAD if (own := [row for row in origins if row["horizon_months"] == ahead])
        ],
        "mrr_forecast_choice": [
            {
                "full_months": len(full),
                "last_full_month": last,
                "method": "drift",
                "reason": "no method was better than drift",
            }
        ],
    }


def _forecast(last: date, closings: Sequence[int], ahead: int) -> Row:
    place = last.year * 12 + last.month - 1 + ahead
    middle = closings[-1] + ahead * (closings[-1] - closings[0]) // (len(closings) - 1)
    return {
        "month": date(place // 12, place % 12 + 1, 1),
        "method": "drift",
        "horizon_months": ahead,
        "currency": "usd",
        "p10_mrr_reporting": middle - 10_000 * ahead,
        "p50_mrr_reporting": middle,
        "p90_mrr_reporting": middle + 10_000 * ahead,
        "is_shown": True,
    }


def _score(ahead: int, origins: Sequence[Row]) -> Row:
    off = [row["p50_mrr_reporting"] - row["actual_mrr_reporting"] for row in origins]
    actual = sum(row["actual_mrr_reporting"] for row in origins) // len(origins)
    distance = sum(map(abs, off)) // len(off)
    covered = sum(
        row["p10_mrr_reporting"] <= row["actual_mrr_reporting"] <= row["p90_mrr_reporting"] for row in origins
    )
    return {
        "method": "drift",
        "horizon_months": ahead,
        "origins": len(origins),
        "mase": distance / 10_000,
        "mean_absolute_error_reporting": distance,
        "mean_error_reporting": sum(off) // len(off),
        "mean_actual_reporting": actual,
        "absolute_error_rate": distance / actual if actual else None,
        "pinball_loss_reporting": distance // 3,
        "covered": covered,
        "coverage_rate": covered / len(origins),
        "is_shown": True,
    }
