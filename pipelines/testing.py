"""The edge of the test tooling: hands it the key that acts, and ids that nobody had before."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from billing.testing import clocks
from billing.testing import customers as customers_module
from billing.testing.clocks import Clock
from billing.testing.customers import Made
from billing.wire import Wire, standing
from pipelines.errors import SettingsError
from pipelines.settings import Settings


def wire_of(settings: Settings) -> Wire:
    """The key that acts, once it is known to be one of test mode.

    Raises:
        SettingsError: no key that acts.
        BillingError: it is a live key.
    """
    wire = Wire(settings.required_write_key(), settings.stripe_api_base)
    clocks.refuse_live(wire)
    return wire


def open_clock(settings: Settings, name: str, at: str | None) -> Clock:
    """A clock that stands at an instant; without one, at Stripe's present."""
    wire = wire_of(settings)
    return clocks.opened(wire, name, instant(at) if at else standing(wire).at, fresh_key())


def advance_clock(settings: Settings, clock_id: str, to: str | None, days: float | None) -> Iterator[Clock]:
    """Advance to an instant, or by days from where the clock stands."""
    if (to is None) == (days is None):
        raise SettingsError("Say how far: either --to or --days.")
    wire = wire_of(settings)
    yield from clocks.advance(
        wire, clock_id, instant(to) if to else clocks.after(wire, clock_id, days or 0), fresh_key()
    )


def delete_clock(settings: Settings, clock_id: str) -> None:
    """Delete a clock and all that is on it."""
    clocks.delete(wire_of(settings), clock_id, fresh_key())


def make_cast(settings: Settings, name: str, at: str | None, price: str | None) -> Iterator[Made]:
    """The customers of that name, on clocks that stand at an instant; without one, at Stripe's present."""
    wire = wire_of(settings)
    yield from customers_module.cast(wire, name, instant(at) if at else standing(wire).at, price, fresh_key())


def instant(said: str) -> datetime:
    """An instant as it is typed, in UTC where it names no zone.

    Raises:
        SettingsError: it is none.
    """
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise SettingsError(f"'{said}' is no instant; write one such as 2027-01-31 or 2027-01-31T09:00Z.") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def fresh_key() -> str:
    """An idempotency key for what is asked for once; repeated sendings of it share the key."""
    return f"revenue-testing-{secrets.token_hex(12)}"
