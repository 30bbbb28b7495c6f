"""Rounding so that what is printed adds up: the largest-remainder rule."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

MOST = Decimal(2)
"""Units that rounding an opening, a closing and a sum can be off together, at most."""


def whole(number: Decimal | int) -> int:
    """Rounded half to even to a whole number."""
    return int(Decimal(number).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def footed(parts: Sequence[Decimal | int], total: int) -> list[int]:
    """Whole numbers near `parts` that sum to `total`: floors first, the rest to the largest remainders (ties in order).

    `total` must be what the parts sum to, give or take rounding: at most one unit a part.
    """
    exact = [Decimal(part) for part in parts]
    floors = [int(part.to_integral_value(rounding=ROUND_FLOOR)) for part in exact]
    short = total - sum(floors)
    if abs(short) > len(exact):
        raise ValueError(f"{[str(p) for p in parts]} cannot be rounded to sum to {total}")
    step = 1 if short > 0 else -1
    by_remainder = sorted(range(len(exact)), key=lambda i: (step * (floors[i] - exact[i]), i))
    for index in by_remainder[: abs(short)]:
        floors[index] += step
    return floors


def footed_months(
    openings: Sequence[Decimal | int],
    movements: Sequence[Sequence[Decimal | int]],
    closings: Sequence[Decimal | int],
    remainders: Sequence[Decimal | int] | None = None,
) -> tuple[list[int], list[list[int]], list[int]]:
    """Openings, movements and closings of consecutive months as whole numbers where every printed row foots.

    A month's opening is the rounded closing of the month before, wherever they were equal exactly. `remainders` is a
    last movement a month that stands apart: the sum of the others is then their exact sum rounded, and it takes the
    rest; it is appended to the movements.
    """
    shown_openings: list[int] = []
    shown_closings: list[int] = []
    shown_movements: list[list[int]] = []
    for index, (opening, parts, closing) in enumerate(zip(openings, movements, closings, strict=True)):
        follows = index > 0 and Decimal(opening) == Decimal(closings[index - 1])
        start = shown_closings[-1] if follows else whole(opening)
        end = whole(closing)
        shown_openings.append(start)
        shown_closings.append(end)
        remainder = None if remainders is None else Decimal(remainders[index])
        shown_movements.append(_with_remainder(parts, remainder, end - start))
    return shown_openings, shown_movements, shown_closings


def _with_remainder(parts: Sequence[Decimal | int], remainder: Decimal | None, total: int) -> list[int]:
    if remainder is None:
        return _settled(parts, total)
    if remainder == 0:
        return [*_settled(parts, total), 0]
    moved = whole(sum((Decimal(part) for part in parts), Decimal(0)))
    rest = total - moved
    return [*_settled(parts, moved), rest if abs(rest - remainder) <= MOST else whole(remainder)]


def _settled(parts: Sequence[Decimal | int], total: int) -> list[int]:
    """`footed`, but where the source itself does not add up each part is rounded by itself, so the gap stays visible.

    A part that is exactly zero stays zero.
    """
    moving = [index for index, part in enumerate(parts) if Decimal(part) != 0]
    exact = sum((Decimal(parts[index]) for index in moving), Decimal(0))
    near = bool(moving) and abs(exact - total) <= 1
    chosen = footed([parts[i] for i in moving], total) if near else [whole(parts[i]) for i in moving]
    settled = [0] * len(parts)
    for index, value in zip(moving, chosen, strict=True):
        settled[index] = value
    return settled
