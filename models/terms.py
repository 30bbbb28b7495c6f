"""The terms of a build: as of when, in which zone and currency, by which rules. Models take them as a value."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from models.policy import MetricPolicy

CARRIERS = ("customer", "subscription", "price", "product")
"""Objects whose metadata MRR can be sliced by."""


@dataclass(frozen=True)
class Terms:
    """What every metric is told besides its frames.

    Raises:
        ValueError: `as_of` without a zone.
        zoneinfo.ZoneInfoNotFoundError: an unknown `timezone`.
    """

    as_of: datetime
    """Instant of the figures, with its zone; what happened later is not looked at."""
    timezone: str
    """Zone of days and months, as `America/New_York`."""
    currency: str
    """Reporting currency, lower case."""
    policy: MetricPolicy = field(default_factory=MetricPolicy)
    slices: tuple[str, ...] = ()
    """Keys of metadata that MRR is sliced by, as `customer.segment` or `price.tier`."""

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise ValueError(f"as_of {self.as_of.isoformat()} has no time zone; add one, as in 2026-01-01T00:00:00Z")
        object.__setattr__(self, "as_of", self.as_of.astimezone(UTC))
        object.__setattr__(self, "currency", self.currency.lower())
        ZoneInfo(self.timezone)

    @property
    def as_of_day(self) -> date:
        """The day of `as_of` in the reporting zone: the last day of every daily figure."""
        return self.as_of.astimezone(ZoneInfo(self.timezone)).date()
