"""How well a ranking put those first who left: counted over groups of customers whom it does not tell apart.

A group is (customers, those of them who left); the best ranked come first. Who within a group comes first is left to
chance, so counts are what is expected of all orders. Precision, recall and lift at k: Manning, Raghavan & Schütze 2008,
Introduction to Information Retrieval, 8.4; ROC-AUC as the Mann-Whitney statistic, PR-AUC as average precision.
"""

from collections.abc import Sequence
from math import fsum, sqrt

Group = tuple[int, int]
"""Customers, and how many of them left."""
Z_95 = 1.959963984540054
DECILES = 10


def taken(sizes: Sequence[int], k: int) -> list[float]:
    """Of each group, in order, the share that is within the first k.

    >>> taken([2, 4, 5], 4)
    [1.0, 0.5, 0.0]
    """
    shares, left = [0.0] * len(sizes), k
    for place, size in enumerate(sizes):
        if left <= 0:
            break
        shares[place] = min(size, left) / size
        left -= size
    return shares


def roc_auc(groups: Sequence[Group]) -> float | None:
    """The chance that one who left is ranked before one who stayed, ties half; null without both.

    >>> roc_auc([(1, 1), (2, 1), (1, 0)])
    0.875
    """
    left = sum(lost for _, lost in groups)
    stayed = sum(size for size, _ in groups) - left
    if not left or not stayed:
        return None
    doubled, behind = 0, stayed
    for size, lost in groups:
        own = size - lost
        behind -= own
        doubled += lost * (2 * behind + own)
    return doubled / (2 * left * stayed)


def pr_auc(groups: Sequence[Group]) -> float | None:
    """Average precision: the precision at each group, weighed with the share of those who left that it adds.

    >>> pr_auc([(1, 1), (2, 1), (1, 0)])
    0.8333333333333333
    """
    left = sum(lost for _, lost in groups)
    if not left:
        return None
    seen = found = 0
    parts = []
    for size, lost in groups:
        seen, found = seen + size, found + lost
        parts.append(lost / left * (found / seen))
    return fsum(parts)


def brier(chances: Sequence[float], groups: Sequence[Group]) -> float | None:
    """The mean square of chance less outcome: Brier 1950, Verification of forecasts expressed in terms of probability.

    >>> brier([0.5], [(4, 1)])
    0.25
    """
    customers = sum(size for size, _ in groups)
    if not customers:
        return None
    parts = (
        lost * (1 - chance) ** 2 + (size - lost) * chance**2
        for chance, (size, lost) in zip(chances, groups, strict=True)
    )
    return fsum(parts) / customers


def wilson(lost: int, customers: int) -> tuple[float, float]:
    """The 95 % interval of a share: Wilson 1927, Probable inference, the law of succession, and statistical inference.

    >>> low, high = wilson(1, 10)
    >>> round(low, 4), round(high, 4)
    (0.0179, 0.4042)
    """
    share, square = lost / customers, Z_95 * Z_95
    middle = share + square / (2 * customers)
    off = Z_95 * sqrt(share * (1 - share) / customers + square / (4 * customers * customers))
    by = 1 + square / customers
    return (middle - off) / by if lost else 0.0, (middle + off) / by if lost < customers else 1.0


def deciles(groups: Sequence[Group]) -> list[int]:
    """The tenth of all customers in which the middle of each group lies, 1 the best ranked.

    >>> deciles([(1, 0), (8, 0), (1, 1)])
    [1, 5, 10]
    """
    whole = sum(size for size, _ in groups)
    places, before = [], 0
    for size, _ in groups:
        places.append(min(DECILES, (2 * before + size) * DECILES // (2 * whole) + 1))
        before += size
    return places
