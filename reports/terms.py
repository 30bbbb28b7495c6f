"""Amounts, months and instants of one publication as the values that pages show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dashboards.page import Basis
from dashboards.values import Cell, Missing, Moment, Money, Rate, day_text, moment_text, month_text, shown
from models.currency import minor_exponent
from reports.marts import Publication


@dataclass(frozen=True)
class Terms:
    """A publication, with the words that follow from it."""

    publication: Publication

    @property
    def unit(self) -> str:
        """The reporting currency as a page writes it."""
        return self.publication.currency.upper()

    def money(
        self,
        minor: Decimal | int,
        currency: str | None = None,
        *,
        signed: bool = False,
        worth: Decimal | int | None = None,
    ) -> Money:
        """An amount in minor units; of the reporting currency unless another is named. `worth`: in that one."""
        code = currency or self.publication.currency
        return Money(minor, code, minor_exponent(code), signed, worth)

    def words(self, minor: Decimal | int, currency: str | None = None, *, signed: bool = False) -> str:
        """An amount inside a sentence: `1,200.00 USD`; zero is written out."""
        code = currency or self.publication.currency
        exponent = minor_exponent(code)
        major = Decimal(minor).scaleb(-exponent)
        sign = "\u2212" if round(major, exponent) < 0 else "+" if signed and round(major, exponent) > 0 else ""
        return f"{sign}{abs(major):,.{exponent}f} {code.upper()}"

    def moment(self, at: datetime | None) -> Moment | None:
        """An instant in the reporting zone."""
        return None if at is None else Moment(at.astimezone(self.publication.zone))

    def day(self, at: datetime | None) -> date | None:
        """The reporting-zone day of an instant."""
        return None if at is None else at.astimezone(self.publication.zone).date()

    @property
    def as_of_words(self) -> str:
        """`15 Nov 2026, 07:00 EST`."""
        return moment_text(self.publication.as_of.astimezone(self.publication.zone))

    @property
    def as_of_day_words(self) -> str:
        """`15 Nov 2026`."""
        return day_text(self.publication.as_of_day)


def basis(publication: Publication, company: str, through: date | None = None) -> Basis:
    """What every page prints at its head and foot."""
    zone = publication.zone

    def said(at: datetime | None) -> str:
        return "" if at is None else moment_text(at.astimezone(zone))

    return Basis(
        company=company,
        as_of=said(publication.as_of),
        zone=publication.timezone,
        currency=publication.currency.upper(),
        policy=publication.policy_name,
        policy_hash=publication.policy_hash,
        fresh=said(publication.read_at),
        published=said(publication.published_at),
        banner=publication.banner,
        through=month_text(through) if through else "",
    )


def rate(numerator: Decimal | int | None, denominator: Decimal | int | None, reason: str) -> Cell:
    """A share; not available, with the reason, where there is nothing to divide by."""
    if numerator is None or not denominator:
        return Missing(reason)
    return Rate(numerator, denominator)


def counted(number: int, noun: str) -> str:
    """`1 customer`, `1,200 customers`."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def joined(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def shown_rate(share: Rate) -> str:
    """A share inside a sentence, where zero is `0.0%` and no dash."""
    return shown(share) if share.numerator else "0.0%"
