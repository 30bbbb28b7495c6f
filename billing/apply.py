"""Carries approved actions out: looks at the world once more, writes the intent down, acts, records, verifies.

Each step is committed before the next begins, so that a crash between any two leaves what is needed to go on. What was
written down as intended is sent under one idempotency key, which is the action's own: Stripe does it once however often
it is sent. Several processes may do this at once; a claim with an end says whose an action is.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from billing import approvals, consistency, limits
from billing.actions.action import Action, Aside, Facts, Params, Subject, Trace, check_of
from billing.actions.catalogue import ACTIONS
from billing.book import Planned, all_of, claim, one_of, release, step
from billing.canonical import Json, canonical
from billing.errors import BillingError, ConflictError, StripeRefusedError, UsageError
from billing.plan import columns_of
from billing.rules import Rules, params_of
from billing.store import Store
from billing.stripe_errors import meaning_of_code
from billing.tables import actions
from billing.wire import Answered, Body, Deferred, Refused, Reply, Request, Standing, Wire

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
"""How long a claim holds: longer than one action can take, all its attempts and waits included."""
REPLAY = timedelta(hours=23)
"""How long after the intent it may be sent again: Stripe keeps idempotency keys for 24 hours at least."""
LANDING = timedelta(minutes=15)
"""How long a request that stays without an answer may still arrive."""
VERIFY = timedelta(days=14)
"""How long an effect may take to show, such as a bank debit that is on its way."""


LACKS_ASIDE = "who_ordered_it_must_ask_again"
"""Why an action waits whose details were written down nowhere."""
NO_LONGER_APPROVED = "no_longer_approved"
"""Why an action waits whose approval was taken back the moment before."""
NOT_APPROVED, NOT_AS_TOLD, BROKEN = "approval_is_not_in_the_trail", "trail_says_otherwise", "trail_is_not_whole"
DOUBTED = (NOT_APPROVED, NOT_AS_TOLD, BROKEN)
"""Why an action waits that is not believed as it is in the book: somebody has to find out who changed what."""
TOLD_IN_THE_TRAIL = ("request_id", "result", "digest", "effect", "amount", "cost", "currency")
"""Columns whose change the trail says too."""


@dataclass(frozen=True)
class Engine:
    """What carrying out needs.

    Attributes:
        clock: what time it is at Stripe.
        owner: the name of this process in claims and in the trail.
        stopped: why nothing may be done at present; None where it may.
        attended: whether a person is there to take what is shown once.
        aside: action id to what goes with it and is written down nowhere.
    """

    store: Store
    wire: Wire
    standing: Standing
    rules: Rules
    clock: Callable[[], datetime]
    owner: str
    stopped: Callable[[], str | None]
    attended: bool = True
    aside: Mapping[str, Body] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What became of one action: the step in the book, or `would`, `waits`, `busy`; why; and what is shown once."""

    planned: Planned
    event: str
    why: str = ""
    shown: str | None = None

    def __repr__(self) -> str:
        return f"Told({self.planned.action_id}, {self.event}, {self.why})"


def dry_run(engine: Engine, chosen: Collection[str] = ()) -> Iterator[Told]:
    """Say what would be done as things stand, and change nothing anywhere."""
    for planned in _chosen(engine, chosen, ("proposed", "approved")):
        action, now = ACTIONS[planned.kind], engine.clock()
        if planned.expires_at <= now:
            yield Told(planned, "would", "expire")
            continue
        facts = _looked(engine, action, planned, now)
        why = facts if isinstance(facts, str) else action.refusal(facts, _params(planned))
        waits = _doubt(engine, planned) if planned.state == "approved" else "not_approved"
        yield Told(planned, "would", f"skip: {why}" if why else f"wait: {waits}" if waits else "act")


def apply(engine: Engine, chosen: Collection[str] = ()) -> Iterator[Told]:
    """Settle what an earlier run left, then carry out what is approved: all of it, or those chosen.

    Raises:
        StripeUnavailableError: Stripe can't be asked; what was begun is settled by the next run.
        StripeRefusedError: Stripe refuses the key.
    """
    yield from settle(engine)
    done = 0
    for planned in _chosen(engine, chosen, ("approved",)):
        if stopped := engine.stopped():
            yield Told(planned, "waits", stopped)
            return
        if done >= engine.rules.limits.per_run:
            yield Told(planned, "waits", "limit_per_run")
            continue
        with _let_go(engine, planned.action_id):
            told = _carried_out(engine, planned.action_id)
        done += told.event not in ("waits", "busy", "skipped", "expired", "changed")
        yield told


def carry_out(engine: Engine, action_id: str) -> Told:
    """Settle or carry out one action, and leave all others as they are.

    Raises:
        As `apply` does.
    """
    for told in settle(engine, [action_id]):
        return told
    planned = _one(engine, action_id)
    if planned.state != "approved":
        return Told(planned, planned.state, planned.outcome or "")
    if stopped := engine.stopped():
        return Told(planned, "waits", stopped)
    with _let_go(engine, action_id):
        return _carried_out(engine, action_id)


def settle(engine: Engine, chosen: Collection[str] = ()) -> Iterator[Told]:
    """Find out what became of actions whose outcome is not known, and verify those whose effect was not seen yet."""
    for planned in _chosen(engine, chosen, ("intended", "acted")):
        if not _claimed(engine, planned.action_id, ("intended", "acted")):
            yield Told(planned, "busy", "another_process")
            continue
        with _let_go(engine, planned.action_id):
            planned = _one(engine, planned.action_id)
            if doubt := _doubt(engine, planned):
                told = _released(engine, planned, doubt)
            else:
                told = _verified(engine, planned) if planned.state == "acted" else _resolved(engine, planned)
        yield told


@contextmanager
def _let_go(engine: Engine, action_id: str) -> Iterator[None]:
    """Let go of an action that can't be gone on with, so that the next run need not wait for the claim to end."""
    try:
        yield
    except Exception:
        with suppress(BillingError), engine.store.writing() as transaction:
            release(transaction, action_id, engine.owner)
        raise


def _carried_out(engine: Engine, action_id: str) -> Told:
    if not _claimed(engine, action_id, ("approved",)):
        return Told(_one(engine, action_id), "busy", "another_process")
    planned, now = _one(engine, action_id), engine.clock()
    if planned.expires_at <= now:
        return _stepped(engine, planned, "expired", why="flag_is_expired")
    if waits := _why_it_waits(engine, planned):
        return _released(engine, planned, waits)
    action = ACTIONS[planned.kind]
    facts = _looked(engine, action, planned, now)
    why = facts if isinstance(facts, str) else action.refusal(facts, _params(planned))
    if why or isinstance(facts, str):
        return _stepped(engine, planned, "skipped", why=str(why))
    if changed := _changed(action, planned, facts):
        return _proposed_anew(engine, planned, changed)
    request = action.request(_subject(planned), facts, _params(planned))
    if waits := _intended(engine, planned, request):
        return _released(engine, planned, waits)
    return _recorded(engine, _one(engine, action_id), _sent(engine, planned, request))


def _why_it_waits(engine: Engine, planned: Planned) -> str | None:
    if ACTIONS[planned.kind].needs_person and not engine.attended:
        return "needs_a_person"
    if _lacks_aside(engine, planned):
        return LACKS_ASIDE
    if _one(engine, planned.action_id).state != "approved":
        return NO_LONGER_APPROVED
    return _doubt(engine, planned)


def _doubt(engine: Engine, planned: Planned) -> str | None:
    """Why an action is not believed as it is in the book; None where the trail says the same of it.

    What is about to be sent again is sent as it is in the book, with no look at what it would be now: for that the
    whole trail has to be as it was written.
    """
    anchors = consistency.noted(engine.store.anchor) if planned.state == "intended" else []
    with engine.store.reading() as connection:
        found = consistency.doubts(connection, planned)
        why = NOT_AS_TOLD if found else None
        if not approvals.stands(connection, planned):
            why = NOT_APPROVED
        elif not found and planned.state == "intended":
            found = consistency.broken(connection, anchors)
            why = BROKEN if found else None
    if why:
        words = "; ".join(fault.words for fault in found)
        log.error("%s is left alone (%s): %s. See `revenue audit verify`.", planned.action_id, why, words)
    return why


def _claimed(engine: Engine, action_id: str, states: Collection[str]) -> bool:
    now = engine.clock()
    with engine.store.writing() as transaction:
        return claim(transaction, action_id, states, engine.owner, now, now + LEASE)


def _looked(engine: Engine, action: Action, planned: Planned, now: datetime) -> Facts | str:
    """How things stand; or Stripe's code where it can't be looked at, such as a customer who was deleted."""
    try:
        return action.look(engine.wire, _subject(planned), _params(planned), now)
    except StripeRefusedError as error:
        if error.status in (401, 403):
            raise
        return str(error.code)


def _changed(action: Action, planned: Planned, facts: Facts) -> dict[str, Any] | None:
    """What would be done now, where that is not what was approved."""
    fresh = columns_of(action.preview(facts, _params(planned)))
    same = all(fresh[name] == getattr(planned, name) for name in ("amount", "cost", "currency"))
    return None if same else fresh


def _proposed_anew(engine: Engine, planned: Planned, fresh: dict[str, Any]) -> Told:
    """What a person approved is no longer what would be done: it is proposed as it is now."""
    content = Planned(**{**vars(planned), **fresh})
    anew = {"digest": content.content_digest(), "approved_by": None, "approved_at": None}
    return _stepped(engine, planned, "changed", why="amount_has_changed", **anew, **fresh)


def _intended(engine: Engine, planned: Planned, request: Request) -> str | None:
    """Write down what is about to be sent; why it must wait, where a limit says so or the approval was just revoked."""
    try:
        return _written_down(engine, planned, request)
    except ConflictError:
        return NO_LONGER_APPROVED


def _written_down(engine: Engine, planned: Planned, request: Request) -> str | None:
    now = engine.clock()
    with engine.store.writing() as transaction:
        if waits := limits.reached(transaction.connection, planned, engine.rules.limits, now):
            return waits
        told = canonical({"method": request.method, "path": request.path, "params": request.params})
        step(
            transaction,
            planned.action_id,
            "intended",
            at=now,
            actor=engine.owner,
            owner=engine.owner,
            facts={"request": told, "idempotency_key": _key(planned)},
            intended_at=now,
            idempotency_key=_key(planned),
            request=told,
            claimed_until=now + LEASE,
        )
    return None


def _sent(engine: Engine, planned: Planned, request: Request) -> Reply:
    whole = ACTIONS[planned.kind].filled(request, _params(planned), engine.aside.get(planned.action_id, {}))
    return engine.wire.act(whole, _key(planned))


def _lacks_aside(engine: Engine, planned: Planned) -> bool:
    """Whether it goes with something that was written down nowhere, and that who ordered it has to hand over again."""
    params = _params(planned)
    handed_over = check_of(engine.aside.get(planned.action_id, {}))
    return isinstance(params, Aside) and params.check is not None and params.check != handed_over


def _recorded(engine: Engine, planned: Planned, reply: Reply) -> Told:
    """Write the answer down, and see whether its effect shows."""
    now, action = engine.clock(), ACTIONS[planned.kind]
    if isinstance(reply, Answered):
        kept = canonical(action.kept(reply.body))
        outcome = "replayed" if reply.replayed else "done"
        _stepped(engine, planned, "acted", why=outcome, request_id=reply.request_id, result=kept, acted_at=now)
        told = _verified(engine, _one(engine, planned.action_id))
        return Told(told.planned, told.event, told.why, action.shown(reply.body))
    if isinstance(reply, Refused) and reply.concerns_the_key:
        _deferred(engine, planned, reply.code, reply.request_id)
        raise StripeRefusedError(
            f"Stripe refuses the key for {planned.kind} ({reply.code}, {reply.request_id}): give it that permission. "
            f"{planned.action_id} is approved as before.",
            status=reply.status,
            code=reply.code,
        )
    if isinstance(reply, Refused):
        return _failed(engine, planned, reply, now)
    if isinstance(reply, Deferred):
        return _deferred(engine, planned, reply.code, reply.request_id)
    return _released(engine, planned, f"outcome_unknown:{reply.code}")


def _failed(engine: Engine, planned: Planned, reply: Refused, now: datetime) -> Told:
    """It did not happen, for good. Where that is a mistake of ours, developers hear of it: in the log and the trail."""
    meaning = meaning_of_code(reply.code, reply.status)
    if meaning.alert:
        log.error(
            "%s: %s of %s is refused (%s). %s",
            planned.action_id,
            planned.kind,
            reply.request_id,
            reply.code,
            meaning.do,
        )
    return _stepped(
        engine,
        planned,
        "failed",
        why=reply.code,
        family=meaning.family,
        request_id=reply.request_id,
        settled_at=now,
    )


def _deferred(engine: Engine, planned: Planned, code: str, request_id: str) -> Told:
    """Back to where it was: it is certain that nothing happened."""
    gone = {"intended_at": None, "idempotency_key": None, "request": None}
    return _stepped(engine, planned, "deferred", why=code, request_id=request_id, **gone)


def _verified(engine: Engine, planned: Planned) -> Told:
    """See whether the effect shows; one that does not yet is looked for again by later runs."""
    now, action = engine.clock(), ACTIONS[planned.kind]
    facts = _looked(engine, action, planned, now)
    shows = not isinstance(facts, str) and action.trace(_subject(planned), facts, _params(planned)) is not Trace.ABSENT
    if shows:
        return _stepped(engine, planned, "verified", why=planned.outcome or "", settled_at=now)
    if planned.acted_at and now - planned.acted_at > VERIFY:
        return _stepped(engine, planned, "unverified", why="no_effect_shows", settled_at=now)
    return _released(engine, planned, "effect_does_not_show_yet")


def _resolved(engine: Engine, planned: Planned) -> Told:
    """What became of an action that was intended and has no answer on record.

    Its own mark on the object settles it. Else it is sent again under the same key, which answers what happened, or
    does it where it never arrived; but only where it may still be done, and while Stripe keeps the key.
    """
    now, action, subject = engine.clock(), ACTIONS[planned.kind], _subject(planned)
    facts = _looked(engine, action, planned, now)
    trace = Trace.ABSENT if isinstance(facts, str) else action.trace(subject, facts, _params(planned))
    age = now - (planned.intended_at or now)
    if trace is Trace.THERE:
        there = None if isinstance(facts, str) else action.made(facts)
        kept = {"result": canonical(action.kept(there))} if there else {}
        return _stepped(engine, planned, "found", why="effect_found", acted_at=now, settled_at=now, **kept)
    if age > REPLAY:
        event, told = ("unclear", "seen_but_by_whom") if trace is Trace.SEEN else ("undone", "no_effect_found")
        return _stepped(engine, planned, event, why=told, settled_at=now)
    if stopped := engine.stopped():
        return _released(engine, planned, stopped)
    why = facts if isinstance(facts, str) else action.refusal(facts, _params(planned))
    why = why or ("flag_is_expired" if planned.expires_at <= now else None)
    if (trace is Trace.SEEN or why is None) and not _lacks_aside(engine, planned):
        return _replayed(engine, planned)
    if trace is Trace.SEEN or why is None:
        return _released(engine, planned, LACKS_ASIDE)
    if age <= LANDING:
        return _released(engine, planned, "may_still_arrive")
    return _stepped(engine, planned, "undone", why=why, settled_at=now)


def _replayed(engine: Engine, planned: Planned) -> Told:
    """Send it again as it was written down."""
    told = json.loads(planned.request or "{}")
    reply = _sent(engine, planned, Request(told["method"], told["path"], told["params"]))
    if isinstance(reply, Deferred) or (isinstance(reply, Refused) and reply.concerns_the_key):
        return _released(engine, planned, f"outcome_unknown:{reply.code}")
    return _recorded(engine, planned, reply)


def _stepped(
    engine: Engine, planned: Planned, event: str, *, why: str, family: str | None = None, **changes: Any
) -> Told:
    """Take a step and record it; `busy` where the claim has ended meanwhile and another process took it over.

    The trail says of what `family` a failure is, by `stripe_errors.yaml`.
    """
    of: dict[str, Json] = {"family": family} if family else {}
    known: dict[str, Json] = of | {each: changes[each] for each in TOLD_IN_THE_TRAIL if changes.get(each) is not None}
    try:
        with engine.store.writing() as transaction:
            step(
                transaction,
                planned.action_id,
                event,
                at=engine.clock(),
                actor=engine.owner,
                owner=engine.owner,
                facts={"why": why, **known},
                outcome=why,
                **changes,
            )
    except ConflictError:
        return Told(_one(engine, planned.action_id), "busy", "relieved_by_another_process")
    return Told(_one(engine, planned.action_id), event, why)


def _released(engine: Engine, planned: Planned, why: str) -> Told:
    with engine.store.writing() as transaction:
        release(transaction, planned.action_id, engine.owner)
    return Told(_one(engine, planned.action_id), "waits", why)


def _chosen(engine: Engine, chosen: Collection[str], states: Collection[str]) -> list[Planned]:
    with engine.store.reading() as connection:
        found = all_of(connection, actions.c.state.in_(states), *_of_this_account(engine))
        for action_id in chosen:
            there = one_of(connection, action_id)
            if there.livemode != engine.standing.is_live or there.account_id != engine.standing.account_id:
                raise UsageError(f"{action_id} is of another account or mode than the key.")
    return [each for each in found if not chosen or each.action_id in chosen]


def _of_this_account(engine: Engine) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        actions.c.account_id == engine.standing.account_id,
        actions.c.livemode == engine.standing.is_live,
    )


def _one(engine: Engine, action_id: str) -> Planned:
    with engine.store.reading() as connection:
        return one_of(connection, action_id)


def _subject(planned: Planned) -> Subject:
    return Subject(planned.subject_id, planned.customer_id, planned.action_id, planned.planned_at, planned.intended_at)


def _params(planned: Planned) -> Params:
    return params_of(planned.kind, planned.given_params)


def _key(planned: Planned) -> str:
    """The idempotency key: the action's own, whoever sends it and however often."""
    return f"revenue-{planned.action_id}"
