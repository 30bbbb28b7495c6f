"""Ranking metrics on ten customers worked by hand: scores 0.9 0.8 0.7 0.6 0.5 0.4 0.3 0.2 0.15 0.1, of whom the first,
second, fourth and ninth left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.risk.ranking import brier, deciles, pr_auc, roc_auc, taken, wilson

CHANCES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1]
LEFT = [1, 1, 0, 1, 0, 0, 0, 0, 1, 0]
TEN = [(1, left) for left in LEFT]
groups = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)).map(lambda one: (one[0], min(one))), min_size=1)


def test_of_the_first_three_two_left() -> None:
    """Precision 2 / 3, recall 2 / 4, lift (2 / 3) / (4 / 10) = 5 / 3."""
    found = sum(share * left for share, (_, left) in zip(taken([1] * 10, 3), TEN, strict=True))
    assert found == 2
    assert found / 3 / (sum(LEFT) / 10) == pytest.approx(5 / 3, abs=1e-9)


def test_roc_auc_counts_pairs_in_order() -> None:
    """Of 4 x 6 pairs those in order: 6 + 6 of the first two, 5 of the fourth, 1 of the ninth = 18 of 24."""
    assert roc_auc(TEN) == 18 / 24


def test_pr_auc_is_the_mean_precision_at_those_who_left() -> None:
    """Precision 1 / 1, 2 / 2, 3 / 4 and 4 / 9, each for a quarter of those who left."""
    assert pr_auc(TEN) == pytest.approx((1 + 1 + 3 / 4 + 4 / 9) / 4)


def test_brier_is_the_mean_square() -> None:
    """0.01 + 0.04 + 0.49 + 0.16 + 0.25 + 0.16 + 0.09 + 0.04 + 0.7225 + 0.01 = 1.9725, over ten."""
    assert brier(CHANCES, TEN) == pytest.approx(0.19725, abs=1e-9)


def test_ties_count_as_all_their_orders_on_average() -> None:
    """Two groups of two and three, one left in each; the first three are the first group and a third of the second."""
    assert taken([2, 3], 3) == [1.0, 1 / 3]
    # Pairs of one who left and one who stayed: 2 x 3 = 6. First group: 1/2 of its own, 2 behind it; second: 2 x 1/2.
    assert roc_auc([(2, 1), (3, 1)]) == (0.5 + 2 + 1) / 6


def test_wilson_intervals_of_a_tenth() -> None:
    """1 of 10: (0.1 + 0.19207 -/+ 1.95996 sqrt(0.009 + 0.0096036)) / 1.384146 = 0.0179, 0.4042; none of 5: from 0."""
    assert wilson(1, 10) == pytest.approx((0.01787621, 0.40415003), abs=1e-8)
    assert (wilson(0, 192)[0], wilson(192, 192)[1]) == (0, 1)


def test_without_leavers_or_stayers_there_is_nothing_to_tell_apart() -> None:
    assert roc_auc([(3, 0)]) is None
    assert roc_auc([(3, 3)]) is None
    assert pr_auc([(3, 0)]) is None
    assert brier([], []) is None


@given(groups)
def test_ranking_backwards_turns_the_roc_curve_over(of: list[tuple[int, int]]) -> None:
    area = roc_auc(of)
    assert area is None or roc_auc(of[::-1]) == pytest.approx(1 - area)


@given(groups, st.integers(1, 60))
def test_no_more_are_taken_than_there_are_or_asked_for(of: list[tuple[int, int]], k: int) -> None:
    sizes = [size for size, _ in of]
    shares = taken(sizes, k)
    assert sum(share * size for share, size in zip(shares, sizes, strict=True)) == pytest.approx(min(k, sum(sizes)))
    assert shares == sorted(shares, reverse=True)


@given(groups)
def test_tenths_are_in_order(of: list[tuple[int, int]]) -> None:
    places = deciles(of)
    assert places == sorted(places)
    assert set(places) <= set(range(1, 11))
