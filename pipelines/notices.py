"""The edge of the notices: hands them the settings, the keys, the clock, the mail server, the figures and the looks.

The command line, the worker of webhooks and Dagster call these. What time it is, Stripe says, where a key is set.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from billing import declines
from billing.approvals import checked_login
from billing.errors import UsageError
from billing.notices import book, choices, hearing, message, post, samples, sending, suppression
from billing.notices.addresses import usable
from billing.notices.book import Notice
from billing.notices.choices import Choices
from billing.notices.kinds import BY_NAME, KINDS, WEEK, Kind
from billing.notices.looking import Left, Look, Seen, Values, to_company
from billing.notices.message import Content
from billing.notices.sending import Engine, Told
from billing.store import Store
from billing.webhooks.occasions import BY_TYPE, Occasion, facts_of
from billing.webhooks.plugins import Handler
from billing.webhooks.simulated import PATHS, kind_of_object
from billing.wire import Wire, path
from dashboards import mail
from pipelines import keys, noticed, operations, personal, weekly
from pipelines.errors import RevenueError, SettingsError
from pipelines.settings import Settings

NOT_ASKED_FOR = "REVENUE_NOTICES names no file of notices, so none is sent; docs/notices.md shows one."
NO_SERVER = "REVENUE_SMTP names no mail server; write smtps://user:password@host or smtp://user:password@host:587."
FOLDER = "notices"


def chosen(settings: Settings) -> Choices | None:
    """What the company wants to be sent; None without a file.

    Raises:
        UsageError: the file makes no sense.
    """
    return choices.load(settings.notices_file) if settings.notices_file else None


def required(settings: Settings) -> Choices:
    """The same.

    Raises:
        SettingsError: there is no file.
    """
    found = chosen(settings)
    if found is None:
        raise SettingsError(NOT_ASKED_FOR)
    return found


def handlers(settings: Settings, store: Store) -> list[tuple[str, Handler]]:
    """What listens to events, so that notices are entered in the book; nothing where none are wanted."""
    asked = chosen(settings)
    if asked is None:
        return []
    wait = timedelta(minutes=asked.wait_minutes)
    return hearing.handlers(store, asked.causes, facts_at_stripe(settings), wait)


def facts_at_stripe(settings: Settings) -> Callable[[Occasion], hearing.Facts]:
    """Reads the facts that a thin event lacks from the object that it is about."""
    wires: dict[str, Wire] = {}

    def read(occasion: Occasion) -> hearing.Facts:
        if not wires:
            wires.update(keys.wires(settings))
        wire, kind = wires.get(occasion.account_id), BY_TYPE[occasion.type]
        if wire is None or occasion.object_id is None:
            return {}
        return facts_of(kind, wire.get(path(PATHS[kind_of_object(kind)].removeprefix("/v1/"), occasion.object_id)))

    return read


@contextmanager
def engine(settings: Settings, *, live: bool | None) -> Iterator[Engine]:
    """What sends; `live` is whether it may to customers of a live account, None where nothing is sent.

    Raises:
        SettingsError: no file of notices; or a live key without `live`, or the other way round.
        UsageError: a file or a template makes no sense, or Stripe refuses a key.
    """
    asked = required(settings)
    wires = keys.wires(settings) if keys.are_given(settings) else {}
    is_live = any(wire.is_live for wire in wires.values())
    if live is False and is_live:
        raise SettingsError("The key is a live one: mails go to real customers. Say so with --live.")
    if live and wires and not is_live:
        raise SettingsError("--live was said, but the key is one of test mode.")
    basis = weekly.basis(settings)
    look = _look(settings, asked, basis.zone if basis else ZoneInfo("UTC"))
    with operations.opened(settings) as store:
        yield Engine(
            store=store,
            asked=look,
            wires=wires,
            now=keys.clock(wires),
            render=renderer(asked),
            week=lambda notice: _week(settings, look, notice),
            key=personal.key(settings),
        )


def send(settings: Settings, *, execute: bool, live: bool) -> Iterator[Told]:
    """Enter the last week's summary where it is wanted, then send what is due, or say what would be sent.

    Raises:
        SettingsError: as `engine`; no mail server.
        PostError: the mail server can't be used; nothing was handed over.
    """
    check_templates(required(settings))
    enter_week(settings)
    server = post.server_of(_smtp(settings)) if execute else None
    with engine(settings, live=live if execute else None) as ready:
        yield from sending.dry_run(ready) if server is None else sending.send(ready, server)


def deliver(settings: Settings) -> list[Told]:
    """Send what is due, as the worker and Dagster do: only where REVENUE_SEND_NOTICES says so.

    Raises:
        As `send`.
    """
    if not is_due(settings):
        return []
    return list(send(settings, execute=True, live=settings.send_notices == "live"))


def is_due(settings: Settings) -> bool:
    """Whether a notice is to be sent by itself now, or one that was interrupted is to be settled."""
    if settings.send_notices == "no" or settings.notices_file is None or not noticed.there_is_an_inbox(settings):
        return False
    with operations.opened(settings) as store, store.reading() as connection:
        return book.is_anything_due(connection, keys.now(settings))


def enter_week(settings: Settings) -> None:
    """Enter the summary of the last week that was over in what is published, where that is wanted."""
    asked = chosen(settings)
    wanted = asked is not None and WEEK in asked.causes
    basis = weekly.basis(settings) if wanted else None
    if basis is not None:
        with operations.opened(settings) as store, store.engine.begin() as connection:
            book.enter(connection, weekly.notice(basis))


def listed(settings: Settings, states: Sequence[str], most: int | None) -> list[Notice]:
    """The notices in these states, the youngest first."""
    with operations.opened(settings) as store, store.reading() as connection:
        return book.listed(connection, states, most)


def preview(settings: Settings, kind: str | None) -> Path:
    """Write the page that shows what mails look like, with samples; returns its place.

    Raises:
        SettingsError: there is no such kind, or a template makes no sense.
    """
    shown_kinds = [_kind(kind)] if kind else list(KINDS)
    asked = chosen(settings) or samples.CHOICES
    shown = [_shown(asked, each, language) for each in shown_kinds for language in _languages(asked)(each.name)]
    page = settings.home / FOLDER / "preview.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(mail.preview(shown), encoding="utf-8")
    return page


def test(settings: Settings, address: str, kind: str, language: str | None) -> str:
    """Send a sample of a kind to an address, to see whether the mail server takes it; returns what came of it.

    Raises:
        SettingsError: no mail server, no such kind, no address.
        PostError: the mail server can't be used.
    """
    asked = required(settings)
    to = usable(address)
    if to is None:
        raise SettingsError(f"{address!r:.80} is no address.")
    chosen_kind, words = _kind(kind), language or asked.language
    content = renderer(asked)(kind, words, samples.values(chosen_kind, words, asked))
    now = datetime.now(UTC)
    content = Content(f"[Test] {content.subject}", content.text, content.html)
    id_ = f"ntc_test{int(now.timestamp())}"
    made = message.built(id_, asked, [to], content, now, optional=chosen_kind.optional)
    with post.session(post.server_of(_smtp(settings))) as opened:
        outcome = opened.hand_over(asked.sender, [to], made)
    if not isinstance(outcome, post.Accepted):
        raise RevenueError(f"The mail server did not take it: {outcome.code}.")
    return f"{post.server_of(_smtp(settings)).host} took it"


def suppress(settings: Settings, who: str, why: str, by: str) -> str:
    """Send no more to an address, a customer or whom a notice went to; returns what stands for them."""
    if why not in suppression.REASONS:
        raise SettingsError(f"--why takes {', '.join(suppression.REASONS)}.")
    with operations.opened(settings) as store:
        whom = suppression.whom(store, who, personal.key(settings))
        suppression.suppress(store, whom, why, keys.now(settings), checked_login(by))
    return whom


def allow(settings: Settings, who: str, by: str) -> bool:
    """Send to them again; False where nothing stood in the way."""
    with operations.opened(settings) as store:
        whom = suppression.whom(store, who, personal.key(settings))
        return suppression.allow(store, whom, keys.now(settings), checked_login(by))


def check_templates(asked: Choices) -> None:
    """Render a sample of each wanted kind, so that a mistake in a template shows before anything is sent.

    Raises:
        UsageError: one can't be rendered.
    """
    for kind in (BY_NAME[name] for name in asked.send):
        for language in _languages(asked)(kind.name):
            renderer(asked)(kind.name, language, samples.values(kind, language, asked))


def renderer(asked: Choices) -> sending.Render:
    """What makes a mail of a kind, from the company's own template where there is one."""

    def render(kind: str, language: str, values: Values) -> Content:
        try:
            made = mail.render(kind, language, values, asked.folder)
        except mail.TemplateFault as fault:
            raise UsageError(str(fault)) from None
        return Content(made.subject, made.text, made.html)

    return render


def _look(settings: Settings, asked: Choices, zone: ZoneInfo) -> Look:
    chosen_zone = ZoneInfo(settings.timezone) if settings.timezone else zone
    declined = partial(declines.message, texts=settings.messages)
    return Look(asked, chosen_zone, _languages(asked), declined)


def _languages(asked: Choices) -> Callable[[str], Sequence[str]]:
    return lambda kind: mail.languages(kind, asked.folder)


def _shown(asked: Choices, kind: Kind, language: str) -> mail.Shown:
    values: dict[str, Any] = dict(samples.values(kind, language, asked))
    try:
        made = mail.render(kind.name, language, values, asked.folder)
    except mail.TemplateFault as fault:
        raise SettingsError(str(fault)) from None
    own = mail.is_own(kind.name, language, asked.folder)
    return mail.Shown(kind.name, kind.meaning, language, own, made)


def _week(settings: Settings, asked: Look, notice: Notice) -> Seen | Left:
    """The summary of a week, as long as it is the last one."""
    basis = weekly.basis(settings)
    if basis is None:
        return Left("figures_are_not_there_yet")
    if weekly.name_of(basis.last_week) != notice.object_id:
        return Left("a_later_week_is_over")
    told = weekly.figures(settings.published, basis, basis.last_week)
    values = weekly.values(told, basis, asked.choices.links.pages, asked.choices.language)
    return to_company(asked, "weekly_summary", asked.choices.finance, values)


def _kind(name: str) -> Kind:
    if name not in BY_NAME:
        raise SettingsError(f"There is no notice {shlex.quote(name)}; there are {', '.join(BY_NAME)}.")
    return BY_NAME[name]


def _smtp(settings: Settings) -> str:
    if settings.smtp is None:
        raise SettingsError(NO_SERVER)
    return settings.smtp.get_secret_value()
