"""Who renews, and who will: the shifted-beta-geometric model of renewals, and what customers are still worth by it.

At every renewal a customer leaves with a chance of its own, and chances differ from customer to customer as a beta
distribution does; so those who are left are the more loyal ones, and retention rises with tenure. Renewals are counted
in billing periods: monthly and yearly customers have different chances to leave and must not be pooled.

Fader & Hardie 2007, How to Project Customer Retention; 2010, Customer-Base Valuation in a Contractual Setting. Knows
how many were at risk and left at each renewal; not where that comes from.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

BISECTIONS = 200
LEAST_SPREAD, MOST_SPREAD = 1e-6, 1e6
LONGEST = 20_000
"""Renewals that a discounted sum looks ahead; what is beyond is taken as if retention stayed where it is then."""
NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Renewals:
    """How many came to their first, second, ... renewal, and how many of these left at it."""

    at_risk: tuple[int, ...]
    ended: tuple[int, ...]

    @property
    def informative(self) -> tuple[tuple[int, int, int], ...]:
        """Renewals that had been made before (0 for the first), how many came to the next, how many left at it."""
        rows = enumerate(zip(self.at_risk, self.ended, strict=True))
        return tuple((before, came, left) for before, (came, left) in rows if came)


@dataclass(frozen=True)
class Fit:
    """The fitted model: at the t-th renewal a share of first_churn / (1 + spread (t − 1)) leaves.

    `first_churn` is α / (α + β), the mean chance to leave; `spread` is 1 / (α + β): 0 where all customers are alike, so
    that the chance is the same at every renewal (the geometric distribution).
    """

    first_churn: float
    spread: float
    log_likelihood: float

    @property
    def alpha(self) -> float | None:
        """The first parameter of the beta distribution of chances to leave; None where all are alike."""
        return self.first_churn / self.spread if self.spread else None

    @property
    def beta(self) -> float | None:
        """The second parameter; None where all are alike."""
        return (1 - self.first_churn) / self.spread if self.spread else None

    def retention(self, renewal: int) -> float:
        """The share of those who come to the renewal (1 for the first) that makes it: (β + t − 1) / (α + β + t − 1)."""
        return 1 - self.first_churn / (1 + self.spread * (renewal - 1))

    def survival(self, renewals: int) -> list[float]:
        """S(0), S(1), ... S(renewals): the shares that made so many renewals, B(α, β + t) / B(α, β)."""
        shares = [1.0]
        for renewal in range(1, renewals + 1):
            shares.append(shares[-1] * self.retention(renewal))
        return shares

    def residual(self, renewals: int, rate: float) -> list[float]:
        """Periods still to be paid, discounted, by renewals made, 0 to `renewals`, as each comes to its next renewal.

        DERL(n) = Σ_{k≥0} S(n + 1 + k) / S(n) / (1 + rate)^k, which is r(n + 1) (1 + DERL(n + 1) / (1 + rate)).

        Raises:
            ValueError: the rate, of one period, is not above zero; the sum may then have no end.

        Example:
            >>> high_end = Fit(0.66809 / (0.66809 + 3.8061), 1 / (0.66809 + 3.8061), 0.0)
            >>> round(high_end.residual(7, 0.1)[7], 3)
            7.53
        """
        if rate <= 0:
            raise ValueError(f"a discount rate of {rate} a period is not above zero, so the sum may have no end")
        ahead = math.ceil(math.log(NEGLIGIBLE * rate / (1 + rate)) / -math.log1p(rate))
        last = renewals + min(ahead, LONGEST)
        kept = self.retention(last + 1)
        worth = kept * (1 + rate) / (1 + rate - kept)
        found: list[float] = []
        for made in range(last - 1, -1, -1):
            worth = self.retention(made + 1) * (1 + worth / (1 + rate))
            if made <= renewals:
                found.append(worth)
        return found[::-1]

    def lifetime(self, rate: float) -> float:
        """Periods that a new customer will pay, discounted, the first included: DEL = Σ_{t≥0} S(t) / (1 + rate)^t."""
        return 1 + self.residual(0, rate)[0] / (1 + rate)


@dataclass(frozen=True)
class _Likelihood:
    """The log-likelihood of at-risk counts: Σ left ln h(t) + stayed ln (1 − h(t)), h(t) = churn / (1 + spread (t − 1)).

    It is Fader & Hardie's Σ n_t ln P(t) + n ln S(T), regrouped by renewal, so that customers who were first seen after
    some renewals (left truncation) or were last seen before the end (censoring) take their part as they should.
    """

    renewals: Renewals

    @cached_property
    def rows(self) -> tuple[tuple[int, int, int], ...]:
        return self.renewals.informative

    def value(self, churn: float, spread: float) -> float:
        total = 0.0
        for before, came, left in self.rows:
            total -= came * math.log1p(spread * before)
            total += left * math.log(churn) if left else 0.0
            total += (came - left) * math.log(1 - churn + spread * before) if came > left else 0.0
        return total

    def best_churn(self, spread: float) -> float:
        """The chance at the first renewal that fits best with a spread: where the likelihood's slope crosses zero."""
        left = sum(row[2] for row in self.rows)
        stayed = [(came - gone, 1 + spread * before) for before, came, gone in self.rows]
        low, high = 1e-12, 1 - 1e-12
        churn = left / sum(row[1] for row in self.rows)
        for _ in range(BISECTIONS):
            slope, fall = left / churn, left / churn**2
            for customers, chances in stayed:
                share = customers / (chances - churn)
                slope, fall = slope - share, fall + share / (chances - churn)
            low, high = (churn, high) if slope > 0 else (low, churn)
            nearer = churn + slope / fall  # Newton's step, where it stays between the bounds
            nearer = nearer if low < nearer < high else (low + high) / 2
            if nearer in (low, high, churn):
                break
            churn = nearer
        return churn

    def slope_of_spread(self, spread: float) -> float:
        """How the likelihood changes with the spread, the chance at the first renewal following it."""
        churn = self.best_churn(spread)
        return sum(
            (came - left) * before / (1 - churn + spread * before) - came * before / (1 + spread * before)
            for before, came, left in self.rows
        )


def fit(renewals: Renewals) -> Fit | None:
    """The model that fits best, by maximum likelihood.

    None where it can't be said: nobody left, everybody left at the first renewal, or nobody has come to a second one.

    Example:
        >>> kept = [1000, 869, 743, 653, 593, 551, 517, 491]
        >>> found = fit(Renewals(tuple(kept[:-1]), tuple(a - b for a, b in zip(kept, kept[1:]))))
        >>> round(found.alpha, 3), round(found.beta, 3), round(found.log_likelihood, 1)
        (0.668, 3.806, -1611.2)
    """
    likelihood = _Likelihood(renewals)
    left = sum(renewals.ended)
    if not left or left == sum(renewals.at_risk) or all(before == 0 for before, *_ in likelihood.rows):
        return None
    spread = 0.0
    if likelihood.slope_of_spread(LEAST_SPREAD) > 0:
        spread = math.exp(
            _crossing(
                lambda log: likelihood.slope_of_spread(math.exp(log)), math.log(LEAST_SPREAD), math.log(MOST_SPREAD)
            )
        )
    churn = likelihood.best_churn(spread)
    return Fit(churn, spread, likelihood.value(churn, spread))


def period_rate(annual_rate: float, months: float) -> float:
    """The discount rate of a period of so many months: (1 + annual)^(months / 12) − 1."""
    return math.expm1(math.log1p(annual_rate) * months / 12)


def _crossing(slope: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling slope crosses zero between two points; the nearer end where it does not."""
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2
