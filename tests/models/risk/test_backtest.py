"""The backtest, worked by hand on twenty customers at one date, and what must hold of any."""

from datetime import date

import polars as pl
import pytest

from models.risk.backtest import (
    QUALITY,
    risk_backtest,
    risk_backtest_by_month,
    risk_calibration,
    risk_quality,
    risk_told,
)
from models.risk.features import BY_NAME
from models.risk.snapshots import HORIZONS
from models.risk.trials import SCORES, TRIAL, risk_trials
from tests.models.rows import ACCOUNT, TERMS

MARCH = date(2026, 3, 1)
LIKELY, OWES = 1 << 2 * BY_NAME["contraction"], 1 << 2 * BY_NAME["failed_attempts"]
LEFT = 8
"""Left by choice within 90 days."""


def history(*given: tuple[int, int, int, int], leaving: bool = False) -> pl.LazyFrame:
    """Snapshots of March as (code, lost, MRR in minor units, customers)."""
    rows = [(ACCOUNT, MARCH, code, leaving, lost, mrr * 1_000_000, many) for code, lost, mrr, many in given]
    schema = {
        "account_id": pl.String(),
        "scored_on": pl.Date(),
        "code": pl.Int64(),
        "leaving": pl.Boolean(),
        "lost": pl.Int8(),
        "micros_reporting": pl.Int64(),
        "customers": pl.Int64(),
    }
    return pl.LazyFrame(rows, schema=schema, orient="row")


def trials(*listed: str, **chances: float) -> pl.LazyFrame:
    """Chances of codes, the same for every score and both horizons, and which of them are listed."""
    codes = {"nothing": 0, "likely": LIKELY, "owes": OWES}
    many = len(SCORES) * len(HORIZONS)
    rows = [
        (ACCOUNT, MARCH, codes[name], *[chance] * many, int(name in listed), "fitted")
        for name, chance in chances.items()
    ]
    return pl.LazyFrame(rows, schema=TRIAL, orient="row")


TWENTY = history((LIKELY, LEFT, 100, 2), (LIKELY, 0, 100, 2), (OWES, 0, 10, 1), (0, LEFT, 500, 2), (0, 0, 20, 13))
"""4 likely ones of whom 2 left, 1 who owes and stayed, 15 others of whom 2 left, who pay most."""
CHANCES = trials(likely=0.5, owes=0.3, nothing=0.1)


def of_ten(
    snapshots: pl.LazyFrame, ranking: str, population: str = "without_leaving", chances: pl.LazyFrame = CHANCES
) -> dict[str, object]:
    by_month = risk_backtest_by_month(snapshots, chances, TERMS)
    rows = risk_backtest(by_month, TERMS).filter(
        score_kind="voluntary", horizon_days=90, population=population, ranking=ranking, k=10
    )
    return rows.collect().row(0, named=True)


def test_the_first_ten_by_score_hold_a_third_of_the_others() -> None:
    """4 likely, 1 who owes, then 5 of 15 alike, of whom 2 left: 2 + 2 / 3 found of 10; 4 of 20 left; lift 0.2667 / 0.2.
    Of the MRR lost, 200 + 1,000, the list holds 200 + 1,000 / 3 = 533."""
    row = of_ten(TWENTY, "score")
    assert row["found"] == pytest.approx(8 / 3)
    assert row["precision"] == pytest.approx(0.26666667)
    assert row["recall"] == pytest.approx(2 / 3)
    assert row["base_rate"] == 0.2
    assert row["lift"] == pytest.approx(4 / 3)
    assert (row["mrr_lost_reporting"], row["mrr_found_reporting"]) == (1_200, 533)


def test_whoever_would_have_been_listed_comes_first() -> None:
    """12 listed ones of little MRR, of whom 6 left, before 12 of much, who stayed: of the first ten 10 / 12 of 6."""
    some = history((LIKELY, LEFT, 1, 6), (LIKELY, 0, 1, 6), (0, 0, 500, 12))
    assert of_ten(some, "list", chances=trials("likely", likely=0.5, nothing=0.1))["found"] == pytest.approx(5)
    assert of_ten(some, "list", chances=trials(likely=0.5, nothing=0.1))["found"] == 0


def test_the_first_ten_by_expected_loss_begin_with_those_who_have_most_to_lose() -> None:
    """0.5 x 100 = 50 and 0.1 x 500 = 50 are ranked alike: all six, of whom 4 left. Then 0.3 x 10 = 3 and 3 of 13."""
    row = of_ten(TWENTY, "list")
    assert (row["found"], row["recall"], row["mrr_recall"]) == (4, 1, 1)


def test_the_baselines_need_no_score() -> None:
    """Past due first: the one who owes, the two at 500, the four at 100, three of 13 at 20: 4 found, by MRR alone.
    At random: 10 of 20, so half of the four."""
    assert of_ten(TWENTY, "past_due_first")["found"] == 4
    assert of_ten(TWENTY, "random")["found"] == pytest.approx(2)


def test_those_who_had_announced_their_leaving_come_first_and_are_in_no_other_figure() -> None:
    """Five of them, who all left: the first ten by score then hold them, the 4 likely ones and who owes: 5 + 2 = 7."""
    both = pl.concat([TWENTY, history((LIKELY, LEFT, 50, 5), leaving=True)])
    assert of_ten(both, "score") == of_ten(TWENTY, "score")
    with_them = of_ten(both, "score", "with_leaving")
    assert (with_them["customers"], with_them["churned"], with_them["found"]) == (25, 9, 7)


def test_a_date_counts_once_its_days_have_passed() -> None:
    """Of 90 days after 1 March the last is 30 May; of those after 3 April (were it one) 2 July, a day too late."""
    by_month = risk_backtest_by_month(TWENTY, CHANCES, TERMS).collect()
    assert set(by_month["horizon_days"]) == {30, 90}
    april = pl.lit(date(2026, 4, 3)).alias("scored_on")
    late = risk_backtest_by_month(TWENTY.with_columns(april), CHANCES.with_columns(april), TERMS).collect()
    assert set(late["horizon_days"]) == {30}


def test_quality_and_calibration_of_the_twenty() -> None:
    """ROC: pairs of 4 who left and 16 who stayed. Of the 2 likely who left: 2 x (2 / 2 + 1 + 13) = 30; of the 2 others
    2 x 13 / 2 = 13: 43 of 64. Brier: 4 x 0.25 + 0.09 + 2 x 0.81 + 13 x 0.01 = 2.84, over 20. Nobody left within 30."""
    told = risk_told(CHANCES, TWENTY, TERMS)
    row = risk_quality(told, TERMS).filter(score_kind="voluntary", horizon_days=90).collect().row(0, named=True)
    assert row["roc_auc"] == 43 / 64
    assert row["brier"] == pytest.approx(0.142)
    assert row["brier_of_base_rate"] == pytest.approx(0.16)
    assert (row["churns"], row["is_validated"], row["is_calibrated"]) == (0, False, False)
    tenths = risk_calibration(told, TERMS).filter(score_kind="voluntary", horizon_days=90)
    assert tenths.select("tenth", "customers", "churned", "told_rate").collect().rows() == [
        (2, 4, 2, 0.5),
        (3, 1, 0, 0.3),
        (7, 15, 2, 0.1),
    ]


def test_nothing_is_learnt_from_churns_that_had_still_to_come() -> None:
    """Months of a company in which everybody with a contraction leaves: what is told at a date is the same whatever
    came within the 90 days before it was known."""
    months = [date(2025, month, 1) for month in range(1, 13)]
    past = pl.concat(
        [
            history((LIKELY, 12, 100, 40), (0, 0, 100, 400)).with_columns(scored_on=pl.lit(month, pl.Date))
            for month in months
        ]
    )
    other = past.with_columns(
        lost=pl.when(pl.col("scored_on") > date(2025, 6, 1)).then(0).otherwise("lost").cast(pl.Int8)
    )
    one, changed = (risk_trials(frame, TERMS).collect() for frame in (past, other))
    same = pl.col("scored_on") <= date(2025, 7, 1)
    assert one.filter(same).equals(changed.filter(same))
    assert not one.equals(changed)
    assert {"expert prior", "fitted"} & set(one["basis"])


def test_without_any_past_there_are_no_rows() -> None:
    nothing = history()
    assert risk_trials(nothing, TERMS).collect().is_empty()
    told = risk_told(pl.LazyFrame(schema=TRIAL), nothing, TERMS)
    assert risk_quality(told, TERMS).collect().schema == pl.Schema(QUALITY)
    assert risk_backtest(risk_backtest_by_month(nothing, pl.LazyFrame(schema=TRIAL), TERMS), TERMS).collect().is_empty()
