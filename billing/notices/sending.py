"""Sends what is due: looks how things stand, claims, hands over, notes. In this order, so that nothing is sent twice.

A notice is committed as intended right before its mail is handed over. Where nobody noted what came of it (a kill, a
connection that broke behind the last line), it was sent or was not. What goes to a customer is then left alone: a
second mail about one failed payment does harm, the next attempt brings the next mail, and Stripe shows the invoice.
What goes to the company's own people is sent once more, under the same Message-ID: a dispute that nobody hears of is
lost.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from billing.errors import StripeRefusedError, StripeUnavailableError
from billing.notices import book, kinds, message, suppression
from billing.notices.addresses import remembered
from billing.notices.book import DUE, INTENDED, REFUSED, SENT, SKIPPED, UNKNOWN, Notice
from billing.notices.kinds import BY_NAME, Audience, Kind
from billing.notices.looking import Left, Look, Seen, Values, look
from billing.notices.message import Content
from billing.notices.post import Accepted, Later, Outcome, Refused, Server, Session, session
from billing.store import Store
from billing.wire import Wire

LEASE = timedelta(minutes=15)
"""After so long, whoever intended to send a notice is not going to note what came of it."""
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=1)
MOST_ATTEMPTS_WHERE_UNKNOWN = 2
MOST, AT_ONCE = 200, 10
"""Notices of one go, and those that are looked at before they are handed over together."""
WAITS = ("no_key_of_the_account", "figures_are_not_there_yet")
"""What may change by itself, so that the notice stays due until it is too old."""
Customers = frozenset[tuple[str, str]]

Render = Callable[[str, str, Values], Content]
Week = Callable[[Notice], Seen | Left]


@dataclass(frozen=True)
class Engine:
    """What sending needs.

    `wires` are the keys that read, by account; `render` takes a kind, a language and values; `week` looks at the
    figures of a week; `key` is what addresses are hashed with.
    """

    store: Store
    asked: Look
    wires: Mapping[str, Wire]
    now: Callable[[], datetime]
    render: Render
    week: Week
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Told:
    """What became of a notice: its state, and why; in a dry run the state that it would come to."""

    notice: Notice
    state: str
    why: str = ""


@dataclass(frozen=True)
class _Ready:
    notice: Notice
    kind: Kind
    seen: Seen
    mail: bytes = field(repr=False)


def dry_run(engine: Engine) -> Iterator[Told]:
    """Say what `send` would do now; changes nothing and sends nothing."""
    waiting = _due(engine)
    while waiting:
        ready, waiting = _next(engine, waiting)
        for each in ready:
            yield Told(_named(each), SENT) if isinstance(each, _Ready) else each


def send(engine: Engine, server: Server) -> Iterator[Told]:
    """Send what is due, one by one, under the limits; what an interrupted run left is settled first.

    Raises:
        PostError: the mail server can't be used; nothing was handed over.
        UsageError: a template makes no sense.
    """
    yield from _settled(engine)
    waiting = _due(engine)
    while waiting:
        ready, waiting = _next(engine, waiting)
        for told in ready:
            if isinstance(told, Told):
                yield _noted(engine, told)
        sendable = [each for each in ready if isinstance(each, _Ready)]
        if sendable:
            with session(server) as opened:
                yield from _sent(engine, opened, sendable)


def _next(engine: Engine, waiting: Sequence[Notice]) -> tuple[list[_Ready | Told], Sequence[Notice]]:
    """A few that were looked at, so that what is sent was looked at moments ago, and the rest."""
    erased = suppression.erased(engine.store)
    return [_ready(engine, notice, erased) for notice in waiting[:AT_ONCE]], waiting[AT_ONCE:]


def _sent(engine: Engine, opened: Session, ready: Sequence[_Ready]) -> Iterator[Told]:
    for each in ready:
        why = _claimed(engine, each)
        if why is not None:
            yield Told(each.notice, DUE, why)
            continue
        outcome = opened.hand_over(engine.asked.choices.sender, each.seen.to, each.mail)
        yield _concluded(engine, each, outcome)


def _due(engine: Engine) -> Sequence[Notice]:
    with engine.store.reading() as connection:
        return book.due(connection, engine.now(), MOST)


def _ready(engine: Engine, notice: Notice, erased: Customers) -> _Ready | Told:
    """The mail, or what becomes of the notice without one."""
    age = engine.now() - notice.happened_at
    if notice.cause != kinds.WEEK and age > timedelta(hours=engine.asked.choices.max_age_hours):
        return Told(notice, SKIPPED, "too_old")
    try:
        seen = _looked(engine, notice)
    except StripeUnavailableError:
        return Told(notice, DUE, "stripe_gives_no_answer")
    except StripeRefusedError as error:
        return Told(notice, DUE, f"stripe_refuses:{error.code or error.status}")
    if isinstance(seen, Left):
        return Told(notice, DUE if seen.why in WAITS else SKIPPED, seen.why)
    if why := _why_not(engine, notice, seen, erased):
        return Told(notice, SKIPPED, why)
    kind = BY_NAME[seen.kind]
    content = engine.render(seen.kind, seen.language, seen.values)
    choices = engine.asked.choices
    mail = message.built(notice.notice_id, choices, seen.to, content, engine.now(), optional=kind.optional)
    return _Ready(notice, kind, seen, mail)


def _looked(engine: Engine, notice: Notice) -> Seen | Left:
    if notice.cause == kinds.WEEK:
        return engine.week(notice)
    wire = engine.wires.get(notice.account_id)
    return look(wire, engine.asked, notice) if wire is not None else Left("no_key_of_the_account")


def _why_not(engine: Engine, notice: Notice, seen: Seen, erased: Customers) -> str | None:
    if seen.kind not in engine.asked.choices.send:
        return "not_asked_for"
    if (notice.account_id, seen.customer_id) in erased:
        return "customer_is_erased"
    if BY_NAME[seen.kind].audience is not Audience.CUSTOMER:
        return None
    whom = [remembered(each, engine.key) for each in seen.to]
    with engine.store.reading() as connection:
        return suppression.why_not(connection, *whom, str(seen.customer_id))


def _claimed(engine: Engine, ready: _Ready) -> str | None:
    """Commit that it is about to be sent; why not, where a limit or another process is in the way."""
    now, notice = engine.now(), ready.notice
    with engine.store.writing() as transaction:
        until, why = _limit(engine, transaction.connection, ready, now)
        if until is not None:
            book.put_off(transaction, notice, until, why)
            return why
        taken = book.step(
            transaction,
            notice,
            INTENDED,
            now,
            kind=ready.kind.name,
            customer_id=ready.seen.customer_id,
            attempts=notice.attempts + 1,
            intended_at=now,
        )
        if not taken:
            return "another_process_sends_it"
    return None


def _limit(engine: Engine, connection: sa.Connection, ready: _Ready, now: datetime) -> tuple[datetime | None, str]:
    """Until when a limit holds it back, if any."""
    limits, customer = engine.asked.choices.limits, ready.seen.customer_id
    if book.sent_to(connection, ready.kind.audience, now - timedelta(hours=1)) >= limits.per_hour:
        return now + timedelta(minutes=10), "limit_per_hour"
    if customer is None:
        return None, ""
    sent = book.sent_to_customer(connection, ready.notice.account_id, customer, now - timedelta(days=1))
    return (now + timedelta(hours=1), "limit_per_customer") if sent >= limits.per_customer_per_day else (None, "")


def _concluded(engine: Engine, ready: _Ready, outcome: Outcome) -> Told:
    """Note what the server said."""
    now = engine.now()
    with engine.store.reading() as connection:
        notice = book.one(connection, ready.notice.notice_id) or ready.notice
    if isinstance(outcome, Accepted):
        return _stepped(engine, notice, SENT, now)
    if isinstance(outcome, Later):
        delay = min(FIRST_DELAY * 2 ** min(notice.attempts - 1, 10), LONGEST_DELAY)
        return _stepped(engine, notice, DUE, now, outcome.code, due_at=now + delay, intended_at=None)
    if isinstance(outcome, Refused):
        if ready.kind.audience is Audience.CUSTOMER:
            for each in outcome.whom:
                suppression.suppress(engine.store, remembered(each, engine.key), suppression.BOUNCED, now)
        return _stepped(engine, notice, REFUSED, now, outcome.code)
    return _where_unknown(engine, notice, ready.kind, now, outcome.code)


def _settled(engine: Engine) -> Iterator[Told]:
    """Conclude what an interrupted run intended."""
    now = engine.now()
    with engine.store.reading() as connection:
        left = book.interrupted(connection, now - LEASE)
    for notice in left:
        yield _where_unknown(engine, notice, BY_NAME[str(notice.kind)], now, "interrupted")


def _where_unknown(engine: Engine, notice: Notice, kind: Kind, now: datetime, why: str) -> Told:
    if kind.again and notice.attempts < MOST_ATTEMPTS_WHERE_UNKNOWN:
        return _stepped(engine, notice, DUE, now, f"{why}_and_sent_again", due_at=now)
    return _stepped(engine, notice, UNKNOWN, now, why)


def _noted(engine: Engine, told: Told) -> Told:
    """Note what becomes of a notice without a mail; what waits is looked at again in a while."""
    now, notice = engine.now(), told.notice
    if told.state != DUE:
        return _stepped(engine, notice, told.state, now, told.why)
    with engine.store.writing() as transaction:
        book.put_off(transaction, notice, now + timedelta(minutes=5), told.why)
    return told


def _stepped(
    engine: Engine, notice: Notice, state: str, now: datetime, why: str = "", **values: datetime | None
) -> Told:
    with engine.store.writing() as transaction:
        book.step(transaction, notice, state, now, why=why or None, **values)
    return Told(notice, state, why)


def _named(ready: _Ready) -> Notice:
    told = {**vars(ready.notice), "kind": ready.kind.name, "customer_id": ready.seen.customer_id}
    return Notice(**told)
