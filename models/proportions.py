"""Two proportions compared, with an interval that holds for few cases and for shares near 0 and 1."""

import math

from models.ltv import wilson


def newcombe(part: int, whole: int, other_part: int, other_whole: int) -> tuple[float, float]:
    """The 95 % interval of part / whole - other_part / other_whole: the hybrid score interval of independent
    proportions, method 10 of Newcombe, Statistics in Medicine 17 (1998) 873-890.

    Example, the paper's first: 56 of 70 against 48 of 80.
        >>> [round(end, 4) for end in newcombe(56, 70, 48, 80)]
        [0.0524, 0.3339]
    """
    first, second = part / whole, other_part / other_whole
    low, high = wilson(part, whole)
    other_low, other_high = wilson(other_part, other_whole)
    difference = first - second
    return (
        difference - math.hypot(first - low, other_high - second),
        difference + math.hypot(high - first, second - other_low),
    )
