"""Survival curves: the textbook's figures, cases worked by hand, and what holds for any customers."""

import doctest
from collections.abc import Sequence
from types import ModuleType

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import ltv, renewals, shares, survival
from models.survival import added, at_risk, counts, curve, followed, median, restricted_mean

BY = ["group"]
WAYS = ("voluntary", "involuntary")
Stretch = tuple[int, int, str | None]
"""First and last age at risk, and how it ended; None: it was last seen."""

SIX_MP = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
"""Weeks of remission of 21 children on 6-MP, + where still in it: Freireich et al., Blood 21 (1963), 699-716."""


def stretches(rows: Sequence[Stretch]) -> pl.LazyFrame:
    schema = {"start": pl.Int64, "end": pl.Int64, "how": pl.String}
    return pl.LazyFrame(rows, schema=schema, orient="row").with_columns(group=pl.lit("g"))


def counted(rows: Sequence[Stretch]) -> pl.LazyFrame:
    return counts(stretches(rows), BY, "start", "end", "how")


def drawn(rows: Sequence[Stretch]) -> pl.DataFrame:
    return curve(counted(rows), BY, WAYS).collect()


def remission() -> list[Stretch]:
    weeks = [(int(week.rstrip("+")), week.endswith("+")) for week in SIX_MP.split()]
    return [(0, week, None if goes_on else "voluntary") for week, goes_on in weeks]


def mean(rows: Sequence[Stretch], horizon: int) -> dict[str, float]:
    horizons = pl.LazyFrame({"group": ["g"], "horizon": [horizon]})
    return restricted_mean(curve(counted(rows), BY), horizons, BY).collect().row(0, named=True)


@pytest.mark.parametrize("module", [ltv, renewals, shares, survival])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_the_remission_times_give_the_textbooks_curve_and_greenwoods_errors() -> None:
    """Klein & Moeschberger, Survival Analysis, 2nd edition, table 4.1A: S and its standard error at each relapse."""
    found = drawn(remission()).filter(pl.col("ended") > 0)
    assert found["age"].to_list() == [6, 7, 10, 13, 16, 22, 23]
    assert found["at_risk"].to_list() == [21, 17, 15, 12, 11, 7, 6]
    assert found["survival"].round(3).to_list() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    errors = found.select((pl.col("survival") * pl.col("greenwood").sqrt()).round(4)).to_series().to_list()
    assert errors == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]


def test_the_remission_times_give_the_intervals_that_other_programs_print() -> None:
    """lifelines 0.30.3 and R's survfit(conf.type = "log-log") print these bounds, median 23 (13 to none)."""
    found = drawn(remission()).filter(pl.col("age").is_in([6, 13, 23])).select(pl.col("low", "high").round(6))
    assert found.rows() == [(0.619718, 0.951552), (0.43161, 0.849066), (0.188052, 0.680143)]
    assert median(curve(counted(remission()), BY), BY).collect().row(0) == ("g", 23, 13, None)


def test_the_mean_remission_within_35_weeks_and_its_error_are_the_textbooks() -> None:
    """Klein & Moeschberger, example 4.1 continued in 4.5: 23.287 weeks, standard error 2.827.

    1 x 6 + 18/21 x 1 + .8067 x 3 + .7529 x 3 + .6902 x 3 + .6275 x 6 + .5378 x 1 + .4482 x 12 = 23.287."""
    found = mean(remission(), 35)
    assert found["mean"] == pytest.approx(23.287, abs=0.0005)
    assert found["standard_error"] == pytest.approx(2.827, abs=0.0005)
    assert mean(remission(), 20)["mean"] == pytest.approx(16.1165, abs=0.0001)


def test_who_is_still_there_is_neither_kept_for_ever_nor_dropped() -> None:
    """n = 6, 5, 3: S(1) = 5/6, S(2) = 5/6 x 4/5 = 2/3, S(3) = 2/3 x 1/3 = 2/9 with two leaving at 3."""
    rows: list[Stretch] = [(0, end, how) for end, how in zip((1, 2, 2, 3, 3, 3), "aabaab", strict=True)]
    told = [(start, end, "voluntary" if how == "a" else None) for start, end, how in rows]
    found = drawn(told)
    assert found["at_risk"].to_list() == [6, 6, 5, 3]
    assert found["survival"].to_list() == pytest.approx([1, 5 / 6, 2 / 3, 2 / 9])


def test_who_is_last_seen_on_the_day_another_leaves_was_at_risk_that_day() -> None:
    """Of two at risk at 4 one leaves: S = 1/2. Were the other gone first, it would be 0."""
    assert drawn([(0, 4, "voluntary"), (0, 4, None)])["survival"].to_list() == [1.0, 0.5]


def test_customers_that_are_first_seen_late_count_only_from_then_on() -> None:
    """At 4: a, b (seen from 3), c, d (seen from 4): 3 of 4 stay. At 5: a, b, d: 2 of 3 stay. At 6: d leaves, 0 of 1.
    Had b and d counted from 0, S(4) would be 3/4 all the same, but a churn at 2 would be one of 4, and not of 2."""
    rows: list[Stretch] = [(0, 5, "voluntary"), (3, 5, None), (0, 4, "voluntary"), (4, 6, "voluntary")]
    found = drawn(rows)
    assert found.select("age", "at_risk", "ended").rows() == [(0, 2, 0), (3, 3, 0), (4, 4, 1), (5, 3, 1), (6, 1, 1)]
    assert found["survival"].to_list() == pytest.approx([1, 1, 0.75, 0.5, 0])
    early = drawn([*rows, (0, 2, "voluntary")])
    assert early.filter(age=2)["survival"].item() == pytest.approx(2 / 3)


def test_a_gap_takes_a_customer_out_of_those_at_risk_until_it_is_back() -> None:
    """a pays to 10 and again from 20: at 15 only b and c are at risk, at 25 a, b."""
    rows: list[Stretch] = [(0, 10, None), (20, 30, None), (0, 30, None), (0, 15, "voluntary"), (0, 25, "voluntary")]
    found = drawn(rows).filter(pl.col("ended") > 0)
    assert found.select("age", "at_risk").rows() == [(15, 3), (25, 3)]
    assert found["survival"].to_list() == pytest.approx([2 / 3, 4 / 9])


def test_a_life_of_no_days_counts() -> None:
    found = drawn([(0, 0, "voluntary"), (0, 0, None), (0, 7, None), (0, 7, None)])
    assert found["survival"].to_list() == [0.75, 0.75]
    assert mean([(0, 0, "voluntary"), (0, 0, None), (0, 7, None), (0, 7, None)], 7)["mean"] == 0.75 * 7


def test_ways_of_leaving_share_what_is_gone() -> None:
    """n = 4: one leaves at 1 by choice: 1/4 gone. At 2 one of 3 for want of payment: 3/4 x 1/3 = 1/4. At 3 of the last
    two, one each: 1/2 x 1/2 = 1/4 each. In the end half left by choice and half did not."""
    rows: list[Stretch] = [(0, 1, "voluntary"), (0, 2, "involuntary"), (0, 3, "voluntary"), (0, 3, "involuntary")]
    found = drawn(rows)
    assert found["incidence_voluntary"].to_list() == pytest.approx([0, 0.25, 0.25, 0.5])
    assert found["incidence_involuntary"].to_list() == pytest.approx([0, 0, 0.25, 0.5])
    assert found.select("ended_voluntary", "ended_involuntary").rows() == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_no_interval_is_made_up_where_nobody_or_everybody_has_left() -> None:
    found = drawn([(0, 1, None), (0, 2, "voluntary"), (0, 3, "voluntary")])
    assert found.select("survival", "low", "high").rows()[1] == (1.0, None, None)
    assert found.select("survival", "low", "high").rows()[3] == (0.0, None, None)


def test_the_mean_of_those_who_all_left_is_their_mean() -> None:
    """Lives of 2, 4, 9 within 10: 15 / 3 = 5; the variance is that of a mean, Σ (x − 5)² / 9 = (9 + 1 + 16) / 9."""
    found = mean([(0, 2, "voluntary"), (0, 4, "voluntary"), (0, 9, "voluntary")], 10)
    assert found["mean"] == pytest.approx(5)
    assert found["standard_error"] ** 2 == pytest.approx(26 / 9)


def test_an_interval_of_a_mean_stays_between_nothing_and_the_horizon() -> None:
    found = mean([(0, 1, "voluntary"), (0, 90, None)], 90)
    assert (found["mean_low"], found["mean_high"]) == (0.0, 90.0)


def test_how_far_a_curve_can_be_trusted() -> None:
    rows: list[Stretch] = [(0, 5, None), (0, 8, None), (2, 9, "voluntary")]
    assert followed(curve(counted(rows), BY), BY, 2).collect().row(0) == ("g", 2, 8)
    assert followed(curve(counted(rows), BY), BY, 4).collect().row(0) == ("g", 2, 0)


def _stretch(start: int, length: int, how: str | None) -> Stretch:
    return start, start + length, how


some = st.lists(
    st.builds(
        _stretch,
        st.sampled_from([0, 0, 0, 3, 11]),
        st.integers(0, 40),
        st.sampled_from([None, "voluntary", "involuntary"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60)
@given(some)
def test_survival_only_falls_and_stays_a_share(rows: list[Stretch]) -> None:
    shares_left = drawn(rows)["survival"].to_list()
    assert all(0 <= later <= earlier <= 1 for earlier, later in zip([1.0, *shares_left], shares_left, strict=False))


@settings(max_examples=60)
@given(some)
def test_survival_lies_in_its_interval_and_the_ways_of_leaving_add_up(rows: list[Stretch]) -> None:
    found = drawn(rows)
    told = found.drop_nulls("low")
    assert (told["low"] <= told["survival"]).all()
    assert (told["survival"] <= told["high"]).all()
    gone = found.select(pl.sum_horizontal("incidence_voluntary", "incidence_involuntary") + pl.col("survival"))
    assert gone.to_series().to_list() == pytest.approx([1.0] * found.height)


@settings(max_examples=60)
@given(some, st.integers(1, 60))
def test_the_mean_lies_between_nothing_and_the_horizon(rows: list[Stretch], horizon: int) -> None:
    found = mean([*rows, (0, 1, None)], horizon)
    assert 0 <= found["mean_low"] <= found["mean"] + 1e-9
    assert found["mean"] <= found["mean_high"] + 1e-9 <= horizon + 1e-9


@settings(max_examples=60)
@given(some, st.integers(1, 5))
def test_counts_of_buckets_add_up_to_the_whole(rows: list[Stretch], buckets: int) -> None:
    parts = [counted(rows[bucket::buckets]) for bucket in range(buckets)]
    key = ["group", "age", "change"]
    together, whole = (frame.sort(key).collect() for frame in (added(parts, BY), counted(rows)))
    assert together.equals(whole)
    assert curve(added(parts, BY), BY, WAYS).collect().equals(drawn(rows))


@settings(max_examples=60)
@given(some)
def test_where_everyone_is_still_there_nobody_has_left(rows: list[Stretch]) -> None:
    assert set(drawn([(start, end, None) for start, end, _ in rows])["survival"]) == {1.0}


@settings(max_examples=60)
@given(st.data(), some)
def test_the_order_of_rows_is_of_no_account(data: st.DataObject, rows: list[Stretch]) -> None:
    assert drawn(data.draw(st.permutations(rows))).equals(drawn(rows))


@settings(max_examples=60)
@given(some)
def test_everyone_that_came_is_accounted_for(rows: list[Stretch]) -> None:
    steps = at_risk(counted(rows), BY, WAYS).collect()
    gone = pl.col("last_seen") + pl.col("ended")
    ways = pl.col("ended_voluntary") + pl.col("ended_involuntary")
    assert steps.select(pl.col("entered").sum(), gone=gone.sum()).row(0) == (len(rows), len(rows))
    assert steps.filter(pl.col("ended") != ways).is_empty()
    assert steps.filter(pl.col("at_risk") < gone).is_empty()
