"""What a figure on a page is, how it is written for people and how it is written for machines.

Knows numbers, currencies' exponents handed to it and typography; knows no metric and no HTML.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

MINUS = "\u2212"
NOTHING = "\u2013"
NOT_AVAILABLE = "n/a"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of `currency`, which has `exponent` decimals.

    `worth` is what it is worth in the one currency that amounts of several are compared in, where that is known.
    """

    minor: Decimal | int
    currency: str
    exponent: int = 2
    signed: bool = False
    worth: Decimal | int | None = field(default=None, compare=False)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-self.exponent)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share held as what it was divided from; shown as a percentage with one decimal."""

    numerator: Decimal | int
    denominator: Decimal | int
    signed: bool = False

    @property
    def value(self) -> Decimal:
        """The share, 0..1."""
        return Decimal(self.numerator) / Decimal(self.denominator)


@dataclass(frozen=True, slots=True)
class Points:
    """A difference of two shares, in percentage points (0.01 is one point)."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Ratio:
    """A plain ratio, shown with two decimals."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Count:
    """How many."""

    value: int
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month by its first day."""

    first: date
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, shown in its own zone; a CSV has it in UTC."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that does not exist, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Counted:
    """An amount together with how many made it."""

    amount: Money
    count: int
    noun: str = "customers"


@dataclass(frozen=True, slots=True)
class Shaded:
    """A share in a heat map: `level` 0 (palest) to 9 (deepest)."""

    rate: Rate
    level: int


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads to another place of the site or to Stripe."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a check passed."""

    passed: bool = field(default=True)


Cell = (
    Money
    | Rate
    | Points
    | Ratio
    | Count
    | Month
    | Moment
    | Missing
    | Counted
    | Shaded
    | Link
    | Verdict
    | date
    | str
    | None
)
"""Anything a table's cell or a tile can hold; None is an empty cell."""


def grouped(number: Decimal | int, decimals: int, *, signed: bool = False) -> str:
    """`-1234.5` as `−1,234.50`; zero as an en dash; with `signed`, a plus before gains."""
    exact = Decimal(number).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    if number == 0:
        return NOTHING
    if exact == 0:
        return f"{abs(exact):.{decimals}f}"
    sign = MINUS if exact < 0 else "+" if signed else ""
    return f"{sign}{abs(exact):,.{decimals}f}"


def percent(share: Decimal, *, signed: bool = False) -> str:
    """A share as a percentage with one decimal; exactly zero as an en dash."""
    hundredths = share * 100
    if hundredths == 0:
        return NOTHING
    text = grouped(hundredths, 1, signed=signed)
    return f"{text}%"


def day_text(day: date) -> str:
    """`5 Oct 2026`."""
    return f"{day.day} {day:%b %Y}"


def month_text(first: date) -> str:
    """`Oct 2026`."""
    return f"{first:%b %Y}"


def moment_text(at: datetime) -> str:
    """`15 Nov 2026, 07:00 EST`."""
    return f"{at.day} {at:%b %Y, %H:%M %Z}".strip()


def shown(cell: Cell) -> str:
    """The cell as a reader of the page sees it."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case Money():
            return grouped(cell.major, cell.exponent, signed=cell.signed)
        case Count():
            return grouped(cell.value, 0, signed=cell.signed)
        case Counted():
            return shown(cell.amount)
        case Missing():
            return NOT_AVAILABLE
        case Link():
            return cell.text
        case Verdict():
            return "passed" if cell.passed else "failed"
        case _:
            return _shown_share_or_time(cell)


def _shown_share_or_time(cell: Rate | Points | Ratio | Month | Moment | Shaded | date) -> str:
    match cell:
        case Rate():
            return percent(cell.value, signed=cell.signed)
        case Shaded():
            return percent(cell.rate.value)
        case Points():
            points = grouped(cell.value * 100, 1, signed=True)
            return points if points == NOTHING else f"{points} pp"
        case Ratio():
            return grouped(cell.value, 2)
        case Month():
            return month_text(cell.first)
        case Moment():
            return moment_text(cell.at)
        case _:
            return day_text(cell)


def plain(cell: Cell) -> str:
    """The cell as a machine reads it: plain decimals, ISO dates, shares 0..1, empty where there is no figure."""
    match cell:
        case None | Missing():
            return ""
        case str():
            return cell
        case Money():
            return plain_decimal(cell.major)
        case Counted():
            return plain_decimal(cell.amount.major)
        case Rate():
            return plain_decimal(cell.value)
        case Shaded():
            return plain_decimal(cell.rate.value)
        case Link():
            return cell.text
        case _:
            return _plain_number_or_time(cell)


def _plain_number_or_time(cell: Points | Ratio | Count | Month | Moment | Verdict | date) -> str:
    match cell:
        case Points() | Ratio():
            return plain_decimal(cell.value)
        case Count():
            return str(cell.value)
        case Month():
            return f"{cell.first:%Y-%m}"
        case Moment():
            return cell.at.isoformat()
        case Verdict():
            return "true" if cell.passed else "false"
        case _:
            return cell.isoformat()


def plain_decimal(number: Decimal) -> str:
    """Without exponent, without trailing zeros beyond the point: `1E+2` as `100`, `1.50000` as `1.5`."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def sort_key(cell: Cell) -> str:
    """What a table sorts this cell by in the browser; empty sorts last."""
    match cell:
        case Verdict():
            return "1" if cell.passed else "0"
        case Moment():
            return f"{cell.at.timestamp():.0f}"
        case _:
            return plain(cell)


@dataclass(frozen=True, slots=True)
class SortKey:
    """What a cell is sorted by: `group` first, which is its currency where amounts cannot be compared."""

    value: str
    group: str = ""


def sort_keys(column: Sequence[Cell]) -> list[SortKey]:
    """What the cells of one column are sorted by: amounts in several currencies by their worth, else by currency."""
    amounts = [cell for cell in column if isinstance(cell, Money)]
    if len({cell.currency for cell in amounts}) < 2:
        return [SortKey(sort_key(cell)) for cell in column]
    if all(cell.worth is not None for cell in amounts):
        return [SortKey(_worth(cell) if isinstance(cell, Money) else sort_key(cell)) for cell in column]
    return [SortKey(sort_key(cell), (currency_of(cell) or "").upper()) for cell in column]


def _worth(cell: Money) -> str:
    return plain_decimal(Decimal(cell.worth or 0))


def number_of(cell: Cell) -> float | None:
    """The cell as a height to draw; None where there is nothing to draw."""
    match cell:
        case Money():
            return float(cell.major)
        case Counted():
            return float(cell.amount.major)
        case Rate() | Points() | Ratio():
            return float(cell.value)
        case Count():
            return float(cell.value)
        case _:
            return None


def is_figure(cell: Cell) -> bool:
    """True for what is set in tabular figures and aligned to the right."""
    return isinstance(cell, Money | Rate | Points | Ratio | Count | Counted | Shaded | Missing)


def currency_of(cell: Cell) -> str | None:
    """The currency of an amount; None for anything else."""
    match cell:
        case Money():
            return cell.currency
        case Counted():
            return cell.amount.currency
        case _:
            return None
