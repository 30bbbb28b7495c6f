"""A company that sends every kind of notice, and what sends them, beside an account of the sandbox."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from billing import declines
from billing.notices import hearing, sending
from billing.notices.book import Notice, listed
from billing.notices.choices import Choices
from billing.notices.kinds import BY_NAME
from billing.notices.looking import Left, Look
from billing.notices.sending import Engine, Told
from billing.store import Store
from billing.tables import trail
from billing.webhooks import hand_on, inbox
from billing.webhooks.inbox import Delivery
from billing.webhooks.notices import notice
from billing.webhooks.occasions import BY_TYPE, facts_of
from billing.webhooks.plugins import Handlers
from billing.webhooks.simulated import an_object, event, known, thinned
from billing.wire import Wire, standing
from pipelines import notices
from tests.billing.account import Scene
from tests.billing.notices.post_office import Office

KEY = b"k" * 32
FILE: dict[str, Any] = {
    "version": 1,
    "company": "Example GmbH",
    "from": "billing@example.com",
    "reply_to": "help@example.com",
    "staff": ["disputes@example.com", "mara@example.com"],
    "finance": ["cfo@example.com"],
    "send": sorted(BY_NAME),
    "wait_minutes": 0,
    "links": {"account": "https://example.com/account"},
}


def choices(**changes: Any) -> Choices:
    return Choices.model_validate(FILE | changes)


def without_figures(asked: Notice) -> Left:
    return Left("figures_are_not_there_yet")


@dataclass
class Company:
    """The account, a mail server, and the notices between them; `later` moves the notices' clock alone."""

    scene: Scene
    office: Office
    asked: Choices = field(default_factory=choices)
    later: timedelta = timedelta()

    @property
    def store(self) -> Store:
        return self.scene.store

    @property
    def now(self) -> datetime:
        return self.scene.now + self.later

    @property
    def account_id(self) -> str:
        return standing(self.scene.wire).account_id

    def engine(self, wire: Wire | None = None, week: sending.Week = without_figures) -> Engine:
        look = Look(self.asked, ZoneInfo("UTC"), notices._languages(self.asked), declines.message)
        wires = {self.account_id: wire or self.scene.wire}
        return Engine(self.store, look, wires, lambda: self.now, notices.renderer(self.asked), week, KEY)

    def arrived(self, type_: str, id_: str, *, thin: bool = False, at: datetime | None = None, **changes: Any) -> str:
        """An event about an object as it is now came in; its id."""
        kind = known(type_)
        thing = an_object(self.scene.wire, kind, id_) | changes
        told = event(kind, thing, int((at or self.now).timestamp()))
        body = thinned(told) if thin else told
        self.deliver(body)
        return str(body["id"])

    def deliver(self, *bodies: dict[str, Any], endpoint: str = "default") -> None:
        with self.store.engine.begin() as connection:
            deliveries = [
                Delivery(told, self.account_id, endpoint, datetime(2026, 1, 1, tzinfo=UTC), told.payload.decode())
                for told in (notice(msgspec.json.encode(body)) for body in bodies)
            ]
            inbox.append(connection, deliveries)

    def heard(self) -> list[Notice]:
        """Hand on what came in; the notices in the book, the oldest first."""
        wait = timedelta(minutes=self.asked.wait_minutes)

        def facts(occasion: Any) -> hearing.Facts:
            kind = BY_TYPE[occasion.type]
            return facts_of(kind, an_object(self.scene.wire, kind, occasion.object_id))

        listening = hearing.handlers(self.store, self.asked.causes, facts, wait)
        hand_on.hand_on(self.store, Handlers(listening), lambda: datetime.now(UTC))
        return self.book()

    def send(self, **given: Any) -> list[Told]:
        return list(sending.send(self.engine(**given), self.office.server))

    def book(self) -> list[Notice]:
        with self.store.reading() as connection:
            return listed(connection)[::-1]

    def trail(self) -> list[str]:
        """What the trail says of notices, in order."""
        with self.store.reading() as connection:
            rows = connection.execute(sa.select(trail.c.event).order_by(trail.c.seq))
            return [event for (event,) in rows if event.startswith("notice")]


def states(told: Iterable[Told]) -> list[tuple[str | None, str, str]]:
    return [(each.notice.kind, each.state, each.why) for each in told]
