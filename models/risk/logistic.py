"""Logistic regression on levels of features, held near given points by a ridge: the posterior mode, by Newton's method.

Le Cessie & van Houwelingen 1992, Ridge estimators in logistic regression. The intercept is free. A churn within 90 days
is seen at three starts of months, so a snapshot counts for a third of a customer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.risk.features import held
from models.risk.points import LEADING, LOG_ODDS, Seen, Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

SNAPSHOTS_A_CHURN = 3
SPREAD = 1.0
"""Standard deviation, in log odds, that the account's weights are expected to have about an expert's."""
STEPS = 25
CLOSE = 1e-6


def fitted(kind: str, seen: Sequence[Seen], prior: Weights) -> Weights:
    """Points of each level, whole numbers; of levels that were never seen the prior's."""
    ordered = sorted(seen, key=lambda one: one.code)
    levels = sorted({level for one in ordered for level in held(one.code)})
    columns = {level: place for place, level in enumerate(levels)}
    design = np.zeros((len(ordered), len(levels) + 1))
    design[:, -1] = 1
    for row, one in enumerate(ordered):
        design[row, [columns[level] for level in held(one.code)]] = 1
    customers = np.array([one.customers for one in ordered]) / SNAPSHOTS_A_CHURN
    left = np.array([one.left(kind, LEADING) for one in ordered]) / SNAPSHOTS_A_CHURN
    center = np.array([*(prior[level] / LOG_ODDS for level in levels), 0.0])
    found = _mode(design, customers, left, center)
    return {**prior, **{level: round(float(found[place]) * LOG_ODDS) for level, place in columns.items()}}


def _mode(
    design: "NDArray[np.float64]",
    customers: "NDArray[np.float64]",
    left: "NDArray[np.float64]",
    center: "NDArray[np.float64]",
) -> "NDArray[np.float64]":
    """Weights where the likelihood times the prior is highest."""
    ridge = np.full(len(center), 1 / SPREAD**2)
    ridge[-1] = 1e-9
    weights = center.copy()
    weights[-1] = np.log((left.sum() + 1) / (customers.sum() - left.sum() + 1))
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-(design @ weights)))
        slope = design.T @ (left - customers * expected) - ridge * (weights - center)
        curvature = (design * (customers * expected * (1 - expected))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, slope)
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < CLOSE:
            break
    return weights
