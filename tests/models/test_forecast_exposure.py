"""Churn by tenure and renewal dates: who is billed by the year leaves at a renewal, and what a forecast makes of it."""

from datetime import date

import polars as pl
import pytest

from models.forecast.components import renewing
from models.forecast.exposure import BETWEEN, Exposure, band, expected, exposed, exposures, hazards, shares_ahead
from models.forecast.history import histories
from tests.models.forecast_rows import CELLS, forecast, moved
from tests.models.grown import grown
from tests.models.rows import TERMS, daily_rates, movements

MONTH, YEAR = 1, 12


def of(*months: dict[tuple[int, int], tuple[float, float]]) -> Exposure:
    return Exposure(months)


def test_a_hazard_is_what_left_of_what_could_have_with_a_month_of_all_added() -> None:
    """Monthly, 2 months: first renewals 100 + 100, of which 20 + 10 left; second ones 80, of which 4. Of all 280 in two
    months 34: 140 a month, 12.142857 %. First: (30 + 17) ÷ (200 + 140) = 13.8235 %; second (4 + 17) ÷ (80 + 140) =
    9.5455 %."""
    chances = hazards(of({(MONTH, 1): (100, 20)}, {(MONTH, 1): (100, 10), (MONTH, 2): (80, 4)}))
    assert [chances[MONTH, place] for place in (0, 1)] == pytest.approx([47 / 340, 21 / 220])
    assert chances[MONTH, 2] == pytest.approx(34 / 280)  # of a band that nobody has come to, as of all


def test_who_is_billed_by_the_year_leaves_at_the_renewal() -> None:
    """A year's plan of 1,000, seen for thirteen months: nothing leaves for eleven, half at the renewal, none after."""
    seen = [{(YEAR, age): (1_000.0, 500.0 if age == 12 else 0.0)} for age in range(1, 13)]
    chances = hazards(of(*seen, {(YEAR, 13): (500.0, 0.0)}))
    assert chances[YEAR, BETWEEN] == 0
    assert chances[YEAR, band((YEAR, 12))] == pytest.approx(0.5)
    assert expected({(YEAR, 12): (300, 0), (YEAR, 5): (900, 0)}, chances) == pytest.approx(150)


def test_mrr_grows_older_until_it_renews() -> None:
    """1,000 a year, eight months old at the end of the last month; 100 more come each month. Renewal after four months:
    in the first three nothing leaves, in the fourth half of the 1,000 of 1,000 + 4 × 100."""
    chances = {(YEAR, BETWEEN): 0.0, (YEAR, 0): 0.5}
    young = of({(YEAR, 1): (100.0, 0.0), (YEAR, 8): (1_000.0, 0.0)})
    stock = Exposure(({(YEAR, 8): (1_000.0, 0.0), (YEAR, 1): (0.0, 0.0)},))
    assert shares_ahead(stock, chances, [0.0] * 5)[:3] == [0.0, 0.0, 0.0]
    assert shares_ahead(stock, chances, [0.0] * 5)[3:] == [0.5, 0.0]
    assert shares_ahead(young, chances, [100.0] * 4)[3] == pytest.approx(500 / (1_000 + 100 + 4 * 100))


def yearly(length: int) -> tuple[pl.DataFrame, pl.LazyFrame]:
    """A company that sold 12,000 of MRR in its first month, by the year, and nothing since: a half of it leaves at each
    renewal, the first of them 12 months later; and its cells."""
    closings, lost, cells = [], [], []
    worth = 12_000.0
    for age in range(length):
        gone = worth / 2 if age and age % 12 == 0 else 0.0
        cells.append((worth if age else 0.0, gone))
        worth -= gone
        closings.append(worth)
        lost.append(-gone)
    frame = moved(closings, [12_000.0, *[0.0] * (length - 1)], lost)
    rows = [
        ("acct_1", month, YEAR, age, round(opening * 10**6), round(churned * 10**6))
        for age, (month, (opening, churned)) in enumerate(zip(frame["month"], cells, strict=True))
        if age
    ]
    return frame, pl.LazyFrame(rows, schema=CELLS, orient="row")


def test_a_forecast_falls_in_the_month_of_the_renewal_and_not_before() -> None:
    """22 months old: 6,000 are left after the first renewal, and the second is due two months on."""
    frame, cells = yearly(23)
    made = forecast(frame, exposed=cells)["forecast"].filter(method="components_renewals").sort("month")
    assert made["p50_mrr_reporting"].to_list() == [6_000, *[3_000] * 11]


def test_without_any_cell_all_mrr_is_alike_and_the_method_says_what_the_other_one_says() -> None:
    """A tenth leaves each month: the hazard is a tenth, and so is the rate."""
    closings = [10_000.0 * 0.9**month for month in range(15)]
    frame = moved(closings, [10_000.0, *[0.0] * 14], [0.0, *(-0.1 * worth for worth in closings[:-1])]).slice(1)
    made = forecast(frame)["forecast"].sort("month")
    one, other = (
        made.filter(method=name)["p50_mrr_reporting"].to_list() for name in ("components", "components_renewals")
    )
    assert one == pytest.approx(other, abs=1)


def test_what_left_comes_back_by_the_rate_at_which_it_did() -> None:
    """10,000; in the first of 13 months 1,000 leave, in the second 100 of the 1,000 come back and never any more. Over
    the last twelve months there were 1,000, then 900 to come back: (1,000 + 11 × 900) ÷ 12 = 908.33 in the mean, 8.33 a
    month: 0.9174 % of the 900 that are left, 8.26 a month at first."""
    frame = moved([9_000.0, 9_100.0, *[9_100.0] * 11], [0.0] * 13, [-1_000.0, *[0.0] * 12])
    back = [0.0, 100.0, *[0.0] * 11]
    told = histories(frame.with_columns(reactivation_mrr=pl.Series(back).cast(frame.schema["reactivation_mrr"])))[0]
    case = renewing(told, exposures(pl.DataFrame(schema=CELLS), [told])["acct_1"], 1)
    rate = (100 / 12) / (10_900 / 12)
    usual = 10_900 / 12
    assert case.new[0][0] == pytest.approx(900 * (rate + (100 - rate * 1_000) / usual))
    assert case.new[0][1] == pytest.approx(900 * max(0.0, rate - rate * 900 / usual))


def test_cells_are_the_mrr_of_customers_by_interval_and_age() -> None:
    """cus_1 pays 100 a year from 10 January 2026 and leaves on 5 April; cus_2 pays 40 a month from 20 February."""
    moves = movements(("cus_1", "2026-01-10", 0, 100), ("cus_2", "2026-02-20", 0, 40), ("cus_1", "2026-04-05", 100, 0))
    spells = pl.LazyFrame(
        {
            "account_id": ["acct_1"] * 2,
            "customer_id": ["cus_1", "cus_2"],
            "from_age": [0, 0],
            "recurring_interval": ["year", "month"],
            "recurring_interval_count": [1, 1],
        }
    )
    cells = exposed(moves, spells, daily_rates(), TERMS).filter(pl.col("month") <= date(2026, 5, 1))
    by_month = {
        (row["month"].month, row["interval_months"], row["age_months"]): (row["opening"] / 1e6, row["churned"] / 1e6)
        for row in cells.collect().iter_rows(named=True)
    }
    assert by_month == {
        (2, 12, 1): (100, 0),
        (3, 12, 2): (100, 0),
        (4, 12, 3): (100, 100),
        (3, 1, 1): (40, 0),
        (4, 1, 2): (40, 0),
        (5, 1, 3): (40, 0),
    }


@pytest.mark.parametrize("seed", [7, 11])
def test_of_grown_companies_cells_add_up_to_the_months(seed: int) -> None:
    """What cells open with is what the months open with, at the rate of the month before; what left, their churn."""
    company = grown(seed)
    months = company.marts["mrr_by_month_reporting"].collect()
    spine = company.spine
    built = exposed(spine.movements, no_spells(), spine.mrr_rates, company.terms)
    cells = built.group_by("month").agg(pl.col("opening", "churned").sum()).collect()
    both = (
        months.join(cells, on="month", how="left").sort("month").with_columns(pl.col("opening", "churned").fill_null(0))
    )
    pairs = ((both["opening_mrr"] * 10**6, both["opening"]), (-both["churn_mrr"] * 10**6, both["churned"]))
    for month, cell in pairs:
        off = (month.cast(pl.Int64) - cell).abs().to_list()
        assert max(off) <= 100  # micros: here customers are rounded, there their items


def no_spells() -> pl.LazyFrame:
    return pl.LazyFrame(
        schema={
            "account_id": pl.String,
            "customer_id": pl.String,
            "from_age": pl.Int64,
            "recurring_interval": pl.String,
            "recurring_interval_count": pl.Int64,
        }
    )
