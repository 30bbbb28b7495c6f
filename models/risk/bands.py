"""Who is on the list: by how much likelier a customer is to leave than all who pay, and whether anything happened."""

from collections.abc import Mapping, Sequence

from models.risk.features import FEATURES, held
from models.risk.points import Card

HIGH, MEDIUM, LOW = "high", "medium", "low"
ORDER = (LOW, MEDIUM, HIGH)
BANDS = ((HIGH, 4.0), (MEDIUM, 2.5))
"""Bands, and how many times the mean chance of all customers it takes to be in them."""
EVEN = 0.5
"""Chance from which on the band is high whatever the mean."""


def band(chance: float, mean: float) -> str:
    """The band of a chance to leave within 90 days, beside the mean of all who pay and have not announced it.

    >>> [band(chance, 0.08) for chance in (0.1, 0.2, 0.32, 0.5)]
    ['low', 'medium', 'high', 'high']
    """
    if chance >= EVEN:
        return HIGH
    return next((name for name, times in BANDS if chance >= times * mean), LOW)


def raised(code: int, card: Card) -> list[tuple[int, int]]:
    """Levels of a code that may raise a flag: something that happened, and has points."""
    return [one for one in held(code) if FEATURES[one[0]].is_trigger and card.weights[one] > 0]


def mean_of(chances: Sequence[float], customers: Sequence[int]) -> float:
    """The mean chance of so many customers each."""
    return sum(chance * many for chance, many in zip(chances, customers, strict=True)) / max(1, sum(customers))


def leads(chances: Mapping[str, float]) -> str:
    """The likelier way to leave."""
    return max(chances, key=lambda kind: chances[kind])
