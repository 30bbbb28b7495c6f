"""The renewal model: the published fits, sums worked by hand, and what holds for any counts."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.renewals import Fit, Renewals, fit, period_rate

HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491)
REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241)
"""Customers kept of 1,000 after 0 to 7 years: Fader & Hardie, How to Project Customer Retention, J. of Interactive
Marketing 21 (2007), tables 1 and 2."""


def of_cohort(kept: tuple[int, ...]) -> Renewals:
    return Renewals(kept[:-1], tuple(before - after for before, after in pairwise(kept)))


def fitted(renewals: Renewals) -> Fit:
    found = fit(renewals)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kept", "alpha", "beta", "log_likelihood", "next_five"),
    [
        (HIGH_END, 0.668, 3.806, -1611.2, (0.460, 0.436, 0.414, 0.395, 0.378)),
        (REGULAR, 0.704, 1.182, -1680.3, (0.220, 0.204, 0.191, 0.180, 0.170)),
    ],
)
def test_the_papers_cohorts_give_the_papers_parameters_and_projection(
    kept: tuple[int, ...], alpha: float, beta: float, log_likelihood: float, next_five: tuple[float, ...]
) -> None:
    found = fitted(of_cohort(kept))
    assert found.alpha == pytest.approx(alpha, abs=0.0005)
    assert found.beta == pytest.approx(beta, abs=0.0005)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=0.05)
    assert tuple(round(share, 3) for share in found.survival(12)[8:]) == next_five


def test_retention_rises_with_tenure_as_printed() -> None:
    """r(t) = (3.8061 + t − 1) / (4.47419 + t − 1): .851, .878, ... .936; .851 x .878 x ... is S."""
    found = fitted(of_cohort(HIGH_END))
    rates = [found.retention(renewal) for renewal in range(1, 8)]
    assert [round(rate, 3) for rate in rates] == [0.851, 0.878, 0.897, 0.911, 0.921, 0.929, 0.936]
    assert found.survival(7)[7] == pytest.approx(math.prod(rates))


def test_seven_renewals_are_worth_seven_and_a_half_more_years() -> None:
    """Fader & Hardie, Customer-Base Valuation in a Contractual Setting, Marketing Science 29 (2010): DERL at 10 % is
    Σ S(8 + k) / S(7) / 1.1^k = 7.53 for the high-end cohort."""
    found = Fit(0.66809 / 4.47419, 1 / 4.47419, 0.0)
    assert found.residual(7, 0.1)[7] == pytest.approx(7.530, abs=0.0005)
    shares = found.survival(1500)
    assert sum(shares[8 + k] / shares[7] / 1.1**k for k in range(1400)) == pytest.approx(found.residual(7, 0.1)[7])


def test_where_all_are_alike_what_is_left_never_changes() -> None:
    """A tenth leaves at every renewal: r = .9, so DERL = .9 x 1.01 / (1.01 − .9) = 8.2636 whatever was renewed, and a
    new customer pays 1 + 8.2636 / 1.01 = 9.1818 = 1.01 / .11 periods."""
    kept = (100000, 90000, 81000, 72900, 65610)
    found = fitted(of_cohort(kept))
    assert found.first_churn == pytest.approx(0.1)
    alike = Fit(0.1, 0.0, 0.0)
    assert (alike.alpha, alike.beta) == (None, None)
    assert alike.residual(50, 0.01) == pytest.approx([8.263636] * 51)
    assert alike.lifetime(0.01) == pytest.approx(1.01 / 0.11)


def test_the_likelihood_is_fader_and_hardies() -> None:
    """LL = Σ n(t) ln P(t) + n ln S(T), P(1) = α / (α + β), P(t) = P(t − 1) (β + t − 2) / (α + β + t − 1)."""
    found = fitted(of_cohort(REGULAR))
    assert found.alpha is not None
    assert found.beta is not None
    chances = [found.alpha / (found.alpha + found.beta)]
    for renewal in range(2, 8):
        chances.append(chances[-1] * (found.beta + renewal - 2) / (found.alpha + found.beta + renewal - 1))
    left = [before - after for before, after in pairwise(REGULAR)]
    told = sum(count * math.log(chance) for count, chance in zip(left, chances, strict=True))
    assert told + REGULAR[-1] * math.log(1 - sum(chances)) == pytest.approx(found.log_likelihood)


def test_customers_first_seen_after_some_renewals_tell_the_same_story() -> None:
    """At every renewal the shares that leave are those of the model (p = .2, spread = .5: .2, .2/1.5, .2/2, .2/2.5), be
    it of 3,000 who came from the start or of 6,000 more who are seen from the third renewal on."""
    from_start = Renewals((3000, 2400, 2080, 1872), (600, 320, 208, 150))
    late = Renewals((3000, 2400, 8080, 7272), (600, 320, 808, 582))
    for renewals in (from_start, late):
        found = fitted(renewals)
        assert found.first_churn == pytest.approx(0.2, abs=0.001)
        assert found.spread == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "renewals",
    [
        Renewals((), ()),
        Renewals((10, 8), (0, 0)),
        Renewals((10,), (4,)),
        Renewals((10, 0, 0), (4, 0, 0)),
        Renewals((10, 0), (10, 0)),
    ],
)
def test_what_says_nothing_is_not_fitted(renewals: Renewals) -> None:
    assert fit(renewals) is None


def test_nothing_is_summed_without_discount() -> None:
    with pytest.raises(ValueError, match="not above zero"):
        Fit(0.1, 0.5, 0.0).residual(1, 0)


def test_twelve_monthly_rates_make_the_yearly_one() -> None:
    assert (1 + period_rate(0.1, 1)) ** 12 == pytest.approx(1.1)
    assert period_rate(0.1, 12) == pytest.approx(0.1)
    assert period_rate(0.1, 3) == pytest.approx(1.1**0.25 - 1)


cohorts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=12)


def grown_from(steps: list[tuple[int, int]]) -> Renewals:
    """Counts in which everyone who stays comes to the next renewal or is last seen before it."""
    came, ended, present = [], [], sum(left + gone for left, gone in steps)
    for left, gone in steps:
        came.append(present)
        ended.append(left)
        present -= left + gone
    return Renewals(tuple(came), tuple(ended))


@settings(max_examples=100)
@given(cohorts)
def test_a_fit_is_a_model_of_people_who_leave_less_the_longer_they_stay(steps: list[tuple[int, int]]) -> None:
    found = fit(grown_from(steps))
    assume(found is not None)
    assert found is not None
    rates = [found.retention(renewal) for renewal in range(1, 20)]
    assert all(0 <= earlier <= later + 1e-12 <= 1 + 1e-12 for earlier, later in pairwise(rates))
    worth = found.residual(10, 0.05)
    assert all(earlier <= later + 1e-9 for earlier, later in pairwise(worth))
    assert 1 <= found.lifetime(0.05) <= 1.05 / 0.05 + 1e-9


@settings(max_examples=100)
@given(cohorts, st.integers(2, 9))
def test_as_many_again_of_everything_changes_nothing_but_the_likelihoods_size(
    steps: list[tuple[int, int]], times: int
) -> None:
    one, many = (fit(grown_from([(a * k, b * k) for a, b in steps])) for k in (1, times))
    assume(one is not None and many is not None)
    assert one is not None
    assert many is not None
    assert many.log_likelihood == pytest.approx(times * one.log_likelihood, rel=1e-6)
    assert many.first_churn == pytest.approx(one.first_churn, rel=1e-3, abs=1e-6)


@settings(max_examples=100)
@given(cohorts, st.floats(0.01, 0.99), st.floats(0, 20))
def test_no_other_parameters_fit_better(steps: list[tuple[int, int]], churn: float, spread: float) -> None:
    renewals = grown_from(steps)
    found = fit(renewals)
    assume(found is not None)
    assert found is not None
    other = sum(
        left * math.log(churn / (1 + spread * before))
        + (came - left) * math.log((1 - churn + spread * before) / (1 + spread * before))
        for before, came, left in renewals.informative
    )
    assert other <= found.log_likelihood + 1e-6
