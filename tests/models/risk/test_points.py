"""Points: an expert's, the base that makes chances add up, and those that are fitted to what the account saw."""

from math import log2

import pytest

from models.risk.backtest import Alike, Tried
from models.risk.calibration import fitted as calibrated
from models.risk.features import BY_NAME, EVEN_CHANCE, FEATURES, KINDS, LEVELS, chance, held
from models.risk.points import ENOUGH_TO_FIT, EXPERT, FITTED, Seen, card, expert

FAILED, CONTRACTION = BY_NAME["failed_attempts"], BY_NAME["contraction"]


def code(**levels: int) -> int:
    return sum(level << 2 * BY_NAME[name] for name, level in levels.items())


def seen(code: int, customers: int, voluntary: int, payment: int = 0) -> Seen:
    """Customers of a code, of whom so many left each way, all within 30 days."""
    return Seen(code, customers, (payment, payment, voluntary, voluntary))


def test_ten_points_double_the_odds() -> None:
    assert [chance(points) for points in (EVEN_CHANCE, 110, 90)] == pytest.approx([1 / 2, 2 / 3, 1 / 3])


@pytest.mark.parametrize(("points", "expected"), [(-100_000, 0), (100_000, 1)])
def test_no_number_of_points_is_too_many(points: int, expected: int) -> None:
    assert chance(points) == pytest.approx(expected)
    told = [Alike(chance(points), 1_000, 900), Alike(0.2, 1_000, 100)]
    assert 0 <= calibrated(Tried(told, 12, 1_000, FITTED)).of(chance(points)) <= 1


def test_a_code_holds_the_level_of_every_feature() -> None:
    assert held(code(failed_attempts=3, contraction=2, tenure=1)) == [
        (FAILED, 3),
        (CONTRACTION, 2),
        (BY_NAME["tenure"], 1),
    ]
    assert all(len(feature.levels) <= LEVELS for feature in FEATURES)
    assert len(FEATURES) * 2 < 63


def test_the_base_makes_chances_add_up_to_the_churns_there_were() -> None:
    """950 customers of whom 52 left, and the expert's 50 at 5.5 %: 54.75 of 1,000. At 58 points 1 / (1 + 2^4.2) =
    5.16 % are expected, at 59 1 / (1 + 2^4.1) = 5.51 %: 59 is the first that reaches them."""
    of = card("voluntary", {30: [seen(0, 950, 52)], 90: [seen(0, 950, 52)]})
    assert of.bases[90] == 59
    assert of.basis == EXPERT
    assert of.score(code(contraction=2)) == 59 + 15
    assert of.chance(code(contraction=2)) == pytest.approx(1 / (1 + 2**2.6))


def test_without_any_history_the_base_is_the_experts() -> None:
    """1.2 % within 90 days: 100 - 10 log2(0.988 / 0.012) = 36.4; 37 is the first whole one that reaches it."""
    assert EVEN_CHANCE - 10 * log2(0.988 / 0.012) == pytest.approx(36.4, abs=0.05)
    assert card("payment", {30: [], 90: []}).bases[90] == 37


def test_points_are_the_experts_below_200_churns() -> None:
    few = [seen(0, 5_000, ENOUGH_TO_FIT - 1)]
    assert card("voluntary", {30: few, 90: few}).weights == expert("voluntary")


def test_points_are_fitted_from_200_churns_on() -> None:
    """Of those whose MRR fell a half left, of the others a tenth: 9 times the odds, 10 log2 9 = 31.7 points."""
    many = [seen(0, 30_000, 3_000), seen(code(contraction=2), 6_000, 3_000)]
    of = card("voluntary", {30: many, 90: many})
    assert of.basis == FITTED
    assert of.weights[CONTRACTION, 2] == 32
    assert of.weights[FAILED, 1] == expert("voluntary")[FAILED, 1]


def test_few_customers_move_points_little() -> None:
    """Ten customers with three failed attempts, none of whom left: the expert's 18 points hardly move, while thousands
    of them are believed."""

    def fitted_with(customers: int) -> int:
        rows = [seen(0, 30_000, 3_000), seen(code(failed_attempts=3), customers, 0)]
        return card("voluntary", {30: rows, 90: rows}).weights[FAILED, 3]

    assert 0 < fitted_with(10) < 18
    assert fitted_with(3_000) < -20


def test_the_order_of_rows_changes_nothing() -> None:
    rows = [
        seen(code(tenure=level, failed_attempts=failed), 800 + failed, 60 + 9 * level)
        for level in range(3)
        for failed in range(4)
    ]
    one, other = card("voluntary", {30: rows, 90: rows}), card("voluntary", {30: rows[::-1], 90: rows[::-1]})
    assert one == other
    assert one.basis == FITTED


def test_now_only_features_always_have_the_experts_points() -> None:
    many = [seen(0, 30_000, 3_000), seen(code(contraction=2), 6_000, 3_000)]
    for kind in KINDS:
        of = card(kind, {30: many, 90: many})
        for place, feature in enumerate(FEATURES):
            if feature.is_now_only:
                assert all(
                    of.weights[place, level] == expert(kind)[place, level]
                    for level in range(1, len(feature.levels) + 1)
                )


def test_calibration_finds_the_odds_that_came() -> None:
    """Told 50 %, 80 % came; told 20 %, 50 % came: log odds 0 -> ln 4 and -ln 4 -> 0, so a = ln 4 and b = 1."""
    found = calibrated(Tried([Alike(0.5, 1_000, 800), Alike(0.2, 1_000, 500)], 12, 900, FITTED))
    assert found == pytest.approx((1.3862943611198906, 1.0))
    assert found.of(0.5) == pytest.approx(0.8)
