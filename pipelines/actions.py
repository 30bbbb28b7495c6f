"""The edge of the action engine: hands it the settings, the published flags, keys, the clock and the kill switch.

The command line and Dagster call these. What time it is, Stripe says: on a sandbox whose clock stands or runs ahead,
flags expire by that clock.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from billing import apply, approvals, audit, book, consistency, limits, plan, rules
from billing.actions.catalogue import ACTIONS
from billing.apply import Engine, Told
from billing.book import Planned
from billing.flags import Flag, flags_of
from billing.store import Store
from billing.tables import actions as actions_table
from billing.wire import Standing, Wire, seconds, standing
from pipelines import operations, query
from pipelines.errors import SettingsError
from pipelines.settings import Settings

Decision = Callable[[Store, Sequence[str], str, datetime], list[Planned]]
FLAGS = "select * from at_risk_accounts"
HAND_DAYS = 7
"""How long a proposal by hand may be approved and done."""


def make_plan(settings: Settings) -> plan.Plan:
    """Propose what the rules make of the published flags.

    Raises:
        RevenueError: nothing is published.
        BillingError: rules or flags make no sense, or Stripe can't be asked.
    """
    told = rules.load(settings.rules_file)
    flags = published_flags(settings)
    wire = wire_of(settings)
    with operations.opened(settings) as store:
        return plan.plan(store, wire, standing(wire), told, flags)


def published_flags(settings: Settings) -> list[Flag]:
    """The flags of the last publication."""
    return flags_of(query.ask(settings.published, FLAGS).iter_rows(named=True))


def propose(settings: Settings, kind: str, subject_id: str, given: dict[str, Any], reference: str, by: str) -> Planned:
    """Propose one action by hand.

    Raises:
        BillingError: no such action or subject, words that the action does not know, or it can't be done.
    """
    if kind not in ACTIONS:
        raise SettingsError(f"There is no action '{kind}'; there are {', '.join(sorted(ACTIONS))}.")
    try:
        params = ACTIONS[kind].completed(rules.params_of(kind, given))
    except ValueError as error:
        raise SettingsError(f"{error}.") from None
    wire = wire_of(settings)
    at = standing(wire)
    with operations.opened(settings) as store:
        return plan.by_hand(
            store,
            wire,
            at,
            rules.load(settings.rules_file),
            ACTIONS[kind],
            subject_id,
            params,
            reference=reference,
            expires_at=at.at + timedelta(days=HAND_DAYS),
            actor=approvals.checked_login(by),
        )


def listed(settings: Settings, states: Sequence[str] = ()) -> list[Planned]:
    """The actions in these states; all without any."""
    chosen = (actions_table.c.state.in_(states),) if states else ()
    with operations.opened(settings) as store, store.reading() as connection:
        return book.all_of(connection, *chosen)


def shown(settings: Settings, action_id: str) -> tuple[Planned, list[audit.Entry]]:
    """One action and its part of the trail."""
    with operations.opened(settings) as store, store.reading() as connection:
        return book.one_of(connection, action_id), consistency.entries_of(connection, action_id)


def decide(settings: Settings, decision: Decision, action_ids: Sequence[str], by: str) -> list[Planned]:
    """Approve, reject or revoke."""
    with operations.opened(settings) as store:
        return decision(store, action_ids, by, _now(settings))


def comment(settings: Settings, action_id: str, by: str, words: str) -> Planned:
    """Put a remark about an action on record."""
    with operations.opened(settings) as store:
        return approvals.comment(store, action_id, by, _now(settings), why=words)


def latest(settings: Settings, most: int, events: Sequence[str] = (), before: int | None = None) -> list[audit.Entry]:
    """The last entries of the trail, the newest first."""
    with operations.opened(settings) as store, store.reading() as connection:
        return consistency.latest(connection, most, before=before, events=events)


def done_today(settings: Settings) -> int:
    """How many actions were begun in the last 24 hours, which `limits.per_day` is held against."""
    since = _now(settings) - limits.DAY
    with operations.opened(settings) as store, store.reading() as connection:
        return len(book.all_of(connection, actions_table.c.intended_at > since))


@contextmanager
def engine(settings: Settings, *, live: bool, executes: bool, attended: bool = True) -> Iterator[Engine]:
    """What carries actions out, on the key that writes where it `executes`.

    Raises:
        SettingsError: no key that writes; or a live key without `live`, or the other way round.
        BillingError: rules that make no sense, or Stripe can't be asked.
    """
    told = rules.load(settings.rules_file)
    wire = Wire(settings.required_write_key(), settings.stripe_api_base) if executes else wire_of(settings)
    if executes and wire.is_live and not live:
        raise SettingsError("STRIPE_WRITE_KEY is a live key: real customers and real money. Say so with --live.")
    if live and not wire.is_live:
        raise SettingsError("--live was said, but STRIPE_WRITE_KEY is a key of test mode.")
    whose = standing(wire)
    with operations.opened(settings) as store:
        yield Engine(
            store, wire, whose, told, running_from(whose), _owner(), lambda: stopped(settings), attended
        )  # fmt: skip


@dataclass(frozen=True)
class Readiness:
    """Whether actions could be done: whose the key that acts is, whether it reads the same account, what stops them."""

    standing: Standing
    same_account: bool
    stopped: str | None


def readiness(settings: Settings) -> Readiness:
    """What `revenue doctor` tells of actions.

    Raises:
        SettingsError: the key can't act.
        BillingError: the rules or the operations database make no sense, or Stripe refuses the key.
    """
    whose = standing(Wire(settings.required_write_key(), settings.stripe_api_base))
    reads = whose.account_id
    if settings.stripe_api_key:
        reads = standing(Wire(settings.required_key(), settings.stripe_api_base)).account_id
    with operations.opened(settings):
        return Readiness(whose, reads == whose.account_id, stopped(settings))


def waiting(settings: Settings) -> int:
    """How many actions are approved, begun or to be verified; makes no database where there is none."""
    if not settings.operations_url and not settings.operations_file.exists():
        return 0
    return len(listed(settings, ("approved", "intended", "acted")))


def stopped(settings: Settings) -> str | None:
    """Why nothing may be done at present: the kill switch, in any of its three places, looked at anew each time.

    Raises:
        BillingError: rules that make no sense.
    """
    if settings.stop_actions:
        return "stopped_by_setting"
    if settings.stop_file.exists():
        return "stopped_by_file"
    return "stopped_by_rules" if rules.load(settings.rules_file).stop else None


def carry_out(
    settings: Settings, chosen: Sequence[str], *, execute: bool, live: bool, attended: bool = True
) -> Iterator[Told]:
    """Dry run, or carry out what is approved, one by one; `attended` where somebody sees what is shown once."""
    with engine(settings, live=live, executes=execute, attended=attended) as ready:
        yield from (apply.apply if execute else apply.dry_run)(ready, chosen)


def examined(settings: Settings, heads: Sequence[audit.Head] = ()) -> tuple[audit.Head, list[audit.Fault]]:
    """The head of the trail, and what is wrong with it and with the book beside it."""
    with operations.opened(settings) as store, store.reading() as connection:
        return consistency.examined(connection, [*consistency.noted(store.anchor), *heads])


def running_from(whose: Standing) -> Callable[[], datetime]:
    """Stripe's clock, running on from when it was asked."""
    began = seconds()
    return lambda: whose.at + timedelta(seconds=seconds() - began)


def _now(settings: Settings) -> datetime:
    """What time it is at Stripe; here, where no key is set."""
    given = settings.stripe_write_key or settings.stripe_api_key
    return standing(wire_of(settings)).at if given else datetime.now(UTC)


def wire_of(settings: Settings) -> Wire:
    """For questions: the key that writes where there is one, which must see what it acts on; else the reading one."""
    key = settings.required_write_key() if settings.stripe_write_key else settings.required_key()
    return Wire(key, settings.stripe_api_base)


def _owner() -> str:
    return f"apply-{os.getpid()}-{secrets.token_hex(3)}"
