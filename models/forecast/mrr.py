"""The MRR forecast of each account: every method's forecast now, those it would have made before, and the one shown.

The month that is not over is no history: its end is the first month that is forecast. A forecast is in the reporting
currency, exchange rates staying where they are but for how they have swung.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from models.forecast.benchmarks import BENCHMARKS
from models.forecast.components import levelled, months_after, renewing, trending
from models.forecast.exposure import KEY as KEY_OF_CELLS
from models.forecast.exposure import Exposure, exposures
from models.forecast.history import History, histories, mean
from models.forecast.paths import Case, Quantiles, quantiles
from models.forecast.scoring import CHOSEN_BY, DRIFT, Score, Trial, best, score
from models.forecast.widening import Made, widened
from models.plans import collected
from models.terms import Terms

AHEAD = 12
SCORED = (1, 3, 6, 12)
"""Months ahead that the backtest looks at."""
LEAST = 6
"""Full months without which there is no forecast, now or in the backtest."""
LEAST_TO_CHOOSE = 12
"""Full months from which on methods are compared; before, drift is shown."""
LONGEST_BACKTEST = 36
COMPONENTS: Mapping[str, Callable[[History, Exposure, int], Case]] = {
    "components": lambda history, exposure, months: levelled(history, months),
    "components_renewals": renewing,
    "components_trend": lambda history, exposure, months: trending(history, months),
}
METHODS = (*COMPONENTS, *BENCHMARKS)
TOO_SHORT = f"fewer than {LEAST} full months of MRR"
TOO_SHORT_TO_CHOOSE = f"fewer than {LEAST_TO_CHOOSE} full months of MRR, too few to tell methods apart"
NEVER_CHANGED = "MRR has never changed, so methods cannot be told apart"
NONE_BETTER = "no method was better than drift"

FORECAST = {
    "account_id": pl.String(),
    "method": pl.String(),
    "origin_month": pl.Date(),
    "horizon_months": pl.Int64(),
    "month": pl.Date(),
    "currency": pl.String(),
    "p10_mrr_reporting": pl.Int64(),
    "p50_mrr_reporting": pl.Int64(),
    "p90_mrr_reporting": pl.Int64(),
    "actual_mrr_reporting": pl.Int64(),
    "scale": pl.Float64(),
}
"""`actual_mrr_reporting` is null for what is still to come; `scale` is the mean size of a month's change until then."""
CHOICE = {
    "account_id": pl.String(),
    "full_months": pl.Int64(),
    "last_full_month": pl.Date(),
    "method": pl.String(),
    "reason": pl.String(),
}
SCORES = {
    "account_id": pl.String(),
    "method": pl.String(),
    "horizon_months": pl.Int64(),
    "origins": pl.Int64(),
    "mase": pl.Float64(),
    "mean_absolute_error_reporting": pl.Int64(),
    "mean_error_reporting": pl.Int64(),
    "mean_actual_reporting": pl.Int64(),
    "absolute_error_rate": pl.Float64(),
    "pinball_loss_reporting": pl.Int64(),
    "covered": pl.Int64(),
    "coverage_rate": pl.Float64(),
}
KEY = ("account_id", "method", "origin_month", "horizon_months")


@dataclass(frozen=True)
class _Asked:
    """One forecast that is made: of which account's history, as long as `known` tells, and how far it is looked at."""

    history: History
    known: History
    exposure: Exposure
    ahead: tuple[int, ...]

    @property
    def is_now(self) -> bool:
        return len(self.known) == len(self.history)


def forecasts(
    mrr_by_month_reporting: pl.LazyFrame,
    scheduled_changes: pl.LazyFrame,
    known_mrr_by_month: pl.LazyFrame,
    exposed: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Every forecast, now and at each origin of the backtest, in the columns of `FORECAST`. The frames are marts, and
    `exposed` is of `exposure.exposed`, of all customers or of parts of them.

    Bands are widened by what those of the method had missed by then. Now, the paths of the component methods gain at
    least, and lose at least, what is set already. What was set at an origin of the past is not on record, so the
    backtest has nothing of it.
    """
    found = histories(mrr_by_month_reporting.collect())
    sure = _sure(scheduled_changes, known_mrr_by_month) if found else {}
    cells = exposed.group_by(KEY_OF_CELLS).agg(pl.col("opening", "churned").sum()).pipe(collected)
    of_accounts = exposures(cells, found)
    asked = [one for history in found for one in _asked(history, of_accounts[history.account_id])]
    rows = list(widened([*_of_benchmarks(asked), *_of_components(asked, sure)]))
    return pl.LazyFrame(rows, schema=FORECAST, orient="row").sort(KEY)


def scores(forecasts: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """A score an account, method and number of months ahead, as `SCORES` has it; `forecasts` is of that name."""
    rows = [(*key, *_figures(score(trials))) for key, trials in _trials(forecasts.collect()).items()]
    return pl.LazyFrame(rows, schema=SCORES, orient="row").sort("account_id", "method", "horizon_months")


def mrr_forecast_choice(mrr_by_month_reporting: pl.LazyFrame, scores: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.mrr_forecast_choice`: of each account with a full month the method shown; `scores` is of that name."""
    errors: dict[str, dict[str, float | None]] = {}
    compared = scores.filter(pl.col("horizon_months") == CHOSEN_BY).select("account_id", "method", "mase").collect()
    for account_id, method, mase in compared.iter_rows():
        errors.setdefault(account_id, {})[method] = mase
    rows = [
        (one.account_id, len(one), one.months[-1], *_chosen(len(one), errors.get(one.account_id, {})))
        for one in histories(mrr_by_month_reporting.collect())
    ]
    return pl.LazyFrame(rows, schema=CHOICE, orient="row")


def mrr_forecast(forecasts: pl.LazyFrame, mrr_forecast_choice: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.mrr_forecast`: the forecasts of what is still to come; the second frame is the mart."""
    return (
        _marked(forecasts.filter(pl.col("actual_mrr_reporting").is_null()), mrr_forecast_choice)
        .drop("origin_month", "actual_mrr_reporting", "scale")
        .sort("account_id", "month", "method")
    )


def mrr_forecast_origins(forecasts: pl.LazyFrame, mrr_forecast_choice: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.mrr_forecast_origins`: the forecasts of what has come since; the second frame is the mart."""
    return (
        _marked(forecasts.filter(pl.col("actual_mrr_reporting").is_not_null()), mrr_forecast_choice)
        .drop("scale")
        .sort(KEY)
    )


def mrr_forecast_backtest(scores: pl.LazyFrame, mrr_forecast_choice: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.mrr_forecast_backtest`: `scores` is of that name, the other frame is the mart."""
    return _marked(scores, mrr_forecast_choice).sort("account_id", "method", "horizon_months")


def _figures(one: Score) -> tuple[float | None, ...]:
    return (
        one.origins,
        one.mase,
        round(one.absolute_error),
        round(one.error),
        round(one.actual),
        one.absolute_error / one.actual if one.actual > 0 else None,
        round(one.pinball),
        one.covered,
        one.covered / one.origins,
    )


def _asked(history: History, exposure: Exposure) -> Iterator[_Asked]:
    """The forecast now, and one at the end of each month that has been followed by another; none of too little."""
    length = len(history)
    if length >= LEAST:
        yield _Asked(history, history, exposure, tuple(range(1, AHEAD + 1)))
    for known in range(max(LEAST, length - LONGEST_BACKTEST), length):
        ahead = tuple(one for one in SCORED if known + one <= length)
        yield _Asked(history, history.until(known), exposure.until(known), ahead)


def _of_benchmarks(asked: Iterable[_Asked]) -> Iterator[Made]:
    for one in asked:
        chosen = BENCHMARKS if len(one.history) >= LEAST_TO_CHOOSE else {DRIFT: BENCHMARKS[DRIFT]}
        for method, forecast in chosen.items():
            made = forecast(one.known, max(one.ahead))
            yield from _rows(one, method, {ahead: made.quantiles(ahead) for ahead in one.ahead})


def _of_components(
    asked: Iterable[_Asked], sure: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]
) -> Iterator[Made]:
    """Those now, with what is sure, and those of the backtest: drawn together, each group by the months it needs."""
    whole = [one for one in asked if len(one.history) >= LEAST_TO_CHOOSE]
    for ahead in (tuple(range(1, AHEAD + 1)), SCORED):
        wanted = [(one, method) for one in whole if one.is_now == (ahead != SCORED) for method in COMPONENTS]
        cases = [COMPONENTS[method](one.known, one.exposure, AHEAD) for one, method in wanted]
        if ahead != SCORED:
            cases = [_with_sure(case, one, sure) for case, (one, _) in zip(cases, wanted, strict=True)]
        for (one, method), found in zip(wanted, quantiles(cases, ahead), strict=True):
            yield from _rows(one, method, {month: found[month] for month in one.ahead})


def _with_sure(case: Case, one: _Asked, sure: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]) -> Case:
    gains, losses = sure.get(one.history.account_id, ((0.0,) * AHEAD, (0.0,) * AHEAD))
    return replace(case, sure_gains=gains, sure_losses=losses)


def _rows(one: _Asked, method: str, found: Mapping[int, Quantiles]) -> Iterator[Made]:
    """The forecasts found; none is below zero, nor below the last value where that is."""
    lowest, known = min(0.0, one.known.closing[-1]), len(one.known)
    scale = mean([abs(step) for step in one.known.steps])
    months = months_after(one.known.months[-1], AHEAD)
    for ahead, edges in found.items():
        p10, p50, p90 = (round(max(lowest, edge)) for edge in edges)
        yield Made(
            account_id=one.history.account_id,
            method=method,
            origin_month=one.known.months[-1],
            horizon_months=ahead,
            month=months[ahead - 1],
            currency=one.history.currency,
            p10=p10,
            p50=p50,
            p90=p90,
            actual=None if one.is_now else round(one.history.closing[known + ahead - 1]),
            scale=scale,
        )


def _sure(
    scheduled_changes: pl.LazyFrame, known_mrr_by_month: pl.LazyFrame
) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    """By account, what is set to be gained and to be lost in each of the months ahead; trials by their conversions."""
    months: dict[str, list[date]] = {}
    converted: dict[str, float] = {}
    known = known_mrr_by_month.select("account_id", "month", "converted_trials", "decided_trials").sort(
        "account_id", "month"
    )
    for account_id, month, good, decided in known.collect().iter_rows():
        months.setdefault(account_id, []).append(month)
        converted[account_id] = good / decided if decided else 0.0
    moved = (
        scheduled_changes.group_by("account_id", "is_trial", month=pl.col("effective_on").dt.truncate("1mo"))
        .agg(
            gained=pl.col("mrr_delta_reporting").filter(pl.col("mrr_delta_reporting") > 0).sum(),
            lost=pl.col("mrr_delta_reporting").filter(pl.col("mrr_delta_reporting") < 0).sum(),
        )
        .collect()
    )
    sums = {row[:3]: (float(row[3]), float(row[4])) for row in moved.iter_rows()}

    def of(account_id: str, is_trial: bool, month: date) -> tuple[float, float]:
        return sums.get((account_id, is_trial, month), (0.0, 0.0))

    def gains(account_id: str, month: date) -> float:
        won, lost = of(account_id, True, month)
        return of(account_id, False, month)[0] + max(0.0, won + lost) * converted[account_id]

    return {
        account_id: (
            tuple(gains(account_id, month) for month in ahead),
            tuple(of(account_id, False, month)[1] for month in ahead),
        )
        for account_id, ahead in months.items()
    }


def _trials(forecasts: pl.DataFrame) -> dict[tuple[str, str, int], list[Trial]]:
    """What each account, method and number of months ahead has been tried at."""
    trials: dict[tuple[str, str, int], list[Trial]] = {}
    columns = [name for name in FORECAST if name.endswith("_mrr_reporting")]
    tried = forecasts.filter(pl.col("actual_mrr_reporting").is_not_null()).sort(KEY)
    for row in tried.select("account_id", "method", "horizon_months", *columns, "scale").iter_rows():
        trials.setdefault(row[:3], []).append(Trial(*row[3:]))
    return trials


def _chosen(length: int, errors: dict[str, float | None]) -> tuple[str | None, str | None]:
    """The method that is shown, and why it is drift or none."""
    if length < LEAST:
        return None, TOO_SHORT
    if length < LEAST_TO_CHOOSE:
        return DRIFT, TOO_SHORT_TO_CHOOSE
    if errors.get(DRIFT) is None:
        return DRIFT, NEVER_CHANGED
    method = best(errors)
    return method, NONE_BETTER if method == DRIFT else None


def _marked(frame: pl.LazyFrame, mrr_forecast_choice: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with `is_shown`."""
    shown = mrr_forecast_choice.select("account_id", chosen="method")
    return (
        frame.join(shown, on="account_id", how="left", maintain_order="left")
        .with_columns(is_shown=(pl.col("method") == pl.col("chosen")).fill_null(False))
        .drop("chosen")
    )
