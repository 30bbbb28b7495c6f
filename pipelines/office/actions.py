"""The queue of planned actions in the browser: what each would do, who proposed it, and the decision of somebody else.

Nothing here acts on Stripe: that is `apply`'s, which looks again before it does.
"""

import asyncio
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web
from aiohttp_session import Session

from billing import approvals, rules
from billing.actions.catalogue import BY_RULE
from billing.audit import Entry
from billing.book import STEPS, Planned
from billing.errors import BillingError, ConflictError
from billing.office.roles import Role
from dashboards.sheet import Field, Form, Part, Sheet
from dashboards.values import Link
from pipelines import actions
from pipelines.action_commands import words_of
from pipelines.errors import RevenueError
from pipelines.office import forms, gate, shown
from pipelines.office.desk import Desk
from pipelines.settings import Settings
from pipelines.terminal import money

QUEUE = "/office/actions"
PLANNING = "/office/plan"
PROPOSING = "/office/propose"
WAITING = ("proposed", "revoked")
READY = ("approved", "intended", "acted")
MOST_SHOWN = 200
ELSEWHERE = frozenset({"submit_dispute_evidence"})
"""Of what a rule may lead to, what has a command of its own that asks for a file on this machine. Direct orders are no
proposals: they have their commands."""
SAID: Mapping[str, str] = {
    "approved": "Approved. It is done by the next revenue actions apply --execute.",
    "rejected": "Rejected. It is not proposed again.",
    "revoked": "The approval is taken back.",
    "commented": "Noted.",
    "proposed": "Proposed. Somebody else has to approve it.",
    "busy": "Somebody is planning already.",
}
NO_NAMES = "At most 200 characters, for the record. No names: the trail is kept for good."
HINTS = {
    "comment": NO_NAMES,
    "subject": "The id of an invoice, subscription, customer or charge, as in_1ABC.",
    "given": "The action's own words, as mode=partial amount=500 (docs/actions.md).",
    "reference": "Tells it from another like it, such as a ticket's number.",
}

FAULTS = (BillingError, RevenueError)


@dataclass(frozen=True)
class Queue:
    """What waits, and what limits it."""

    waiting: Sequence[Planned]
    ready: Sequence[Planned]
    over: Sequence[Planned]
    stopped: str | None
    limits: rules.Limits
    done_today: int


def add(router: web.UrlDispatcher, desk: Desk) -> None:
    """The routes of these pages."""
    pages = _Pages(desk)
    router.add_get("/office", pages.to_the_queue)
    router.add_get("/office/", pages.to_the_queue)
    router.add_get(QUEUE, pages.queue)
    router.add_get(f"{QUEUE}/{{id}}", pages.one)
    router.add_post(f"{QUEUE}/{{id}}", pages.decided)
    router.add_post(PLANNING, pages.planned)
    router.add_post(PROPOSING, pages.proposed)


class _Pages:
    """The handlers of the queue."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._planning = asyncio.Lock()

    async def to_the_queue(self, request: web.Request) -> web.Response:
        raise web.HTTPSeeOther(QUEUE)

    async def queue(self, request: web.Request) -> web.Response:
        session = await gate.let_in(request, Role.OPERATOR)
        said = request.query.get("said", "")
        new = request.query.get("new", "")
        told = f"{int(new):,} proposed." if new.isdecimal() and len(new) < 7 else SAID.get(said, "")
        return await self._queue(session, told)

    async def one(self, request: web.Request) -> web.Response:
        session = await gate.let_in(request, Role.OPERATOR)
        return await self._one(session, request.match_info["id"], SAID.get(request.query.get("said", ""), ""))

    async def decided(self, request: web.Request) -> web.Response:
        """A decision on one action, or a remark about it."""
        session = await gate.let_in(request, Role.OPERATOR)
        action_id, data = request.match_info["id"], await forms.sent(request)
        form = forms.of(forms.Decision, session, data)
        decision = str(data.get("decision", ""))
        if decision != "commented" and not gate.role_of(session).may(Role.APPROVER):
            raise web.HTTPForbidden(text=gate.NOT_FOR_YOU)
        if not form.validate() or decision not in DECISIONS:
            return await self._one(session, action_id, _faults(form), 400)
        why, seen = str(form.data["comment"]).strip(), str(data.get("digest", ""))
        decide = partial(DECISIONS[decision], self._desk.settings, action_id, session["login"], why, seen)
        try:
            await self._desk.do(decide)
        except FAULTS as error:
            return await self._one(session, action_id, str(error), _status(error))
        raise web.HTTPSeeOther(f"{QUEUE}/{action_id}?said={decision}")

    async def planned(self, request: web.Request) -> web.Response:
        """Have the rules propose what they make of the published flags; by one person at a time."""
        session = await gate.let_in(request, Role.OPERATOR)
        await _checked(request, session)
        if self._planning.locked():
            raise web.HTTPSeeOther(f"{QUEUE}?said=busy")
        try:
            async with self._planning:
                made = await self._desk.do(lambda: actions.make_plan(self._desk.settings))
        except FAULTS as error:
            return await self._queue(session, str(error), _status(error))
        raise web.HTTPSeeOther(f"{QUEUE}?new={len(made.new)}")

    async def proposed(self, request: web.Request) -> web.Response:
        """Propose one action by hand."""
        session = await gate.let_in(request, Role.OPERATOR)
        form = forms.of(forms.Proposal, session, await forms.sent(request), kinds=_kinds())
        if not form.validate():
            return await self._queue(session, _faults(form), 400, form)
        told = {name: str(form.data[name]).strip() for name in ("kind", "subject", "reference")}
        try:
            given = words_of(shlex.split(str(form.data["given"])))
            made = await self._desk.do(
                lambda: actions.propose(
                    self._desk.settings, told["kind"], told["subject"], given, told["reference"], session["login"]
                )
            )
        except (*FAULTS, ValueError) as error:
            return await self._queue(session, str(error), _status(error), form)
        raise web.HTTPSeeOther(f"{QUEUE}/{made.action_id}?said=proposed")

    async def _queue(
        self, session: Session, said: str = "", status: int = 200, form: forms.Proposal | None = None
    ) -> web.Response:
        held = await self._desk.do(lambda: queue_of(self._desk.settings))
        empty = forms.of(forms.Proposal, session, kinds=_kinds())
        page = Sheet(
            "Actions",
            _counted(held),
            (*_stopped(held), *_listed(held), _limits(held), *_plans(session, form or empty)),
            said,
            status >= 400,
        )
        return shown.answered(page, session, QUEUE, status)

    async def _one(self, session: Session, action_id: str, said: str = "", status: int = 200) -> web.Response:
        try:
            planned, entries = await self._desk.do(lambda: actions.shown(self._desk.settings, action_id))
        except BillingError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        proposers = {entry.actor for entry in entries if entry.event in ("planned", "renewed")}
        parts = (_what(planned), _decisions(session, planned, proposers), history(entries))
        page = Sheet(_kind(planned.kind), f"{planned.action_id} · {STATES[planned.state]}", parts, said, status >= 400)
        return shown.answered(page, session, QUEUE, status)


def queue_of(settings: Settings) -> Queue:
    """What waits, as it stands."""
    found = actions.listed(settings)
    return Queue(
        [each for each in found if each.state in WAITING],
        [each for each in found if each.state in READY],
        sorted(
            (each for each in found if each.state not in (*WAITING, *READY)),
            key=lambda each: each.settled_at or each.planned_at,
            reverse=True,
        ),
        actions.stopped(settings),
        rules.load(settings.rules_file).limits,
        actions.done_today(settings),
    )


def history(entries: Sequence[Entry], title: str = "What was done") -> Part:
    """Entries of the trail as a table."""
    rows = [(f"{entry.seq}", moment(entry.at), spoken(entry.event), entry.actor, _said(entry)) for entry in entries]
    return Part(title, header=("No.", "When (UTC)", "What", "By", "Words"), rows=rows, empty="Nothing yet.")


def moment(at: datetime | None) -> str:
    """An instant as a person reads it."""
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def spoken(code: str) -> str:
    """A code of ours in words."""
    return code.replace("_", " ").capitalize()


DECISIONS: Mapping[str, Callable[[Settings, str, str, str, str], object]] = {
    "approved": lambda settings, id_, by, why, seen: actions.decide(
        settings, partial(approvals.approve, why=why, seen={id_: seen}, never_own=True), [id_], by
    ),
    "rejected": lambda settings, id_, by, why, _: actions.decide(
        settings, partial(approvals.reject, why=why), [id_], by
    ),
    "revoked": lambda settings, id_, by, why, _: actions.decide(
        settings, partial(approvals.revoke, why=why), [id_], by
    ),
    "commented": lambda settings, id_, by, why, _: actions.comment(settings, id_, by, why),
}
"""What can be said of an action, and what it comes to."""

BUTTONS: Mapping[str, str] = {"approved": "Approve", "revoked": "Take the approval back", "rejected": "Reject"}

STATES: Mapping[str, str] = {
    "proposed": "to be approved",
    "approved": "approved, waiting",
    "revoked": "approval taken back",
    "rejected": "rejected",
    "held_out": "held out, to compare with",
    "intended": "under way",
    "acted": "done, to be verified",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
    "expired": "expired",
    "undone": "did not happen",
    "unclear": "unclear: look at it in Stripe",
}


def _counted(queue: Queue) -> str:
    return f"{len(queue.waiting):,} to be approved · {len(queue.ready):,} approved or under way"


def _stopped(queue: Queue) -> Sequence[Part]:
    if queue.stopped is None:
        return ()
    why = spoken(queue.stopped).lower()
    return (
        Part("Everything is stopped", (f"Nothing is done at present: {why}. Approving still works.",), alarming=True),
    )


def _listed(queue: Queue) -> Sequence[Part]:
    return (
        _table("To be approved", queue.waiting, "Nothing waits for approval."),
        _table("Approved", queue.ready, "Nothing is approved and waiting."),
        _table("Done or over", queue.over, "Nothing was done so far."),
    )


def _table(title: str, found: Sequence[Planned], empty: str) -> Part:
    more = len(found) - MOST_SHOWN
    rows = [
        (
            Link(_kind(each.kind), f"{QUEUE}/{each.action_id}"),
            each.subject_id,
            money(each.amount, each.currency),
            money(each.cost, each.currency),
            STATES[each.state],
            each.approved_by or "",
            moment(each.expires_at)[:10],
        )
        for each in found[:MOST_SHOWN]
    ]
    words = (f"{more:,} more: revenue actions list shows all.",) if more > 0 else ()
    header = ("Action", "Of", "Amount", "Gives up", "Where it stands", "Approved by", "Until")
    return Part(title, words, header=header, rows=rows, figures=("Amount", "Gives up"), empty=empty)


def _limits(queue: Queue) -> Part:
    limits = queue.limits
    money_a_day = ", ".join(money(most, currency) for currency, most in sorted(limits.amount_per_day.items()))
    facts = (
        ("Begun in the last 24 hours", f"{queue.done_today:,} of {limits.per_day:,}"),
        ("At a time", f"{limits.per_run:,}"),
        ("For one customer", f"{limits.per_customer:,} in {limits.per_customer_days:,} days"),
        ("Between two for one customer", f"{limits.cool_down_days:,} days"),
        ("Paid back or given away in 24 hours", money_a_day or "no limit"),
    )
    return Part("Limits", ("What exceeds a limit waits, approved, for a later run.",), facts=facts)


def _plans(session: Session, form: forms.Proposal) -> Sequence[Part]:
    signed = forms.fields(forms.of(forms.Signed, session))
    by_rules = Form(PLANNING, (("plan", "Plan"),), signed)
    by_hand = Form(PROPOSING, (("propose", "Propose"),), forms.fields(form, HINTS))
    return (
        Part("Plan", ("What the rules make of the accounts at risk. Nothing changes in Stripe.",), forms=(by_rules,)),
        Part("Propose by hand", ("Where no flag leads to it: somebody else has to approve it.",), forms=(by_hand,)),
    )


def _what(planned: Planned) -> Part:
    effect = json.loads(planned.effect)
    given = ", ".join(f"{name} {value}" for name, value in planned.given_params.items() if value is not None)
    facts = (
        ("Expected effect", str(effect.get("words", ""))),
        ("Of", planned.subject_id),
        ("Customer", planned.customer_id),
        ("Moves", money(planned.amount, planned.currency) or "no money at once"),
        ("Gives up", money(planned.cost, planned.currency) or "nothing"),
        ("How", given),
        ("Why", "; ".join(map(str, json.loads(planned.reasons)))),
        ("Rule", f"{planned.rule}, of the rules {planned.rules_digest}"),
        ("Account", f"{planned.account_id}, {'live' if planned.livemode else 'test'} mode"),
        ("Planned", f"{moment(planned.planned_at)} UTC"),
        ("May be done until", f"{moment(planned.expires_at)} UTC"),
        ("Approved by", f"{planned.approved_by}, {moment(planned.approved_at)} UTC" if planned.approved_by else ""),
        ("Outcome", planned.outcome or ""),
    )
    return Part("What it would do", facts=[(label, value) for label, value in facts if value])


def _decisions(session: Session, planned: Planned, proposers: set[str]) -> Part:
    """What whoever looks at it may say: an operator a remark, an approver more, but for approving their own."""
    own = session["login"] in proposers
    may = gate.role_of(session).may(Role.APPROVER)
    buttons = [
        (step, label)
        for step, label in BUTTONS.items()
        if may and planned.state in STEPS[step][0] and not (own and step == "approved")
    ]
    fields = [
        *forms.fields(forms.of(forms.Decision, session), HINTS),
        Field("digest", kind="hidden", value=planned.digest),
    ]
    words = ("You proposed it; somebody else has to approve it.",) if own and planned.state == "proposed" else ()
    form = Form(f"{QUEUE}/{planned.action_id}", (*buttons, ("commented", "Only comment")), fields)
    return Part("Decide" if buttons else "Comment", words, forms=(form,))


def _kinds() -> list[tuple[str, str]]:
    return [(kind, _kind(kind)) for kind in sorted(BY_RULE) if kind not in ELSEWHERE]


def _kind(kind: str) -> str:
    return spoken(kind)


def _said(entry: Entry) -> str:
    try:
        body = json.loads(entry.body)
    except ValueError:
        return "unreadable"
    hidden = {"digest", "digests", "place", "state", "why"} | (set(body) if entry.action_id else set())
    told = [f"{name} {_plainly(value)}" for name, value in body.items() if name not in hidden]
    return "; ".join(filter(None, [str(body.get("why", "")), *told]))[:400]


def _plainly(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


async def _checked(request: web.Request, session: Session) -> None:
    if not forms.of(forms.Signed, session, await forms.sent(request)).validate():
        raise web.HTTPForbidden(text=gate.NOT_FROM_HERE)


def _faults(form: forms.Signed) -> str:
    told = [f"{form[name].label.text}: {' '.join(map(str, faults))}" for name, faults in form.errors.items() if name]
    return " ".join(told) or "That can't be decided."


def _status(error: Exception) -> int:
    if isinstance(error, ConflictError):
        return 409
    return 400 if isinstance(error, ValueError) or getattr(error, "exit_code", 1) == 2 else 502
