"""The audit trail in the browser, read-only: what was done, by whom, and whether the trail is what was written."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from billing import configuration
from billing.audit import Entry, Fault, Head
from billing.book import STEPS
from billing.errors import UsageError
from billing.office import users
from billing.office.roles import Role
from dashboards.sheet import Part, Sheet
from dashboards.values import Link
from pipelines import actions
from pipelines.office import gate, shown
from pipelines.office.actions import QUEUE, history, moment, spoken
from pipelines.office.desk import Desk
from pipelines.settings import Settings

TRAIL = "/office/trail"
A_PAGE = 50
MOST_VERIFIED = 20_000
"""Entries up to which the trail is verified whenever it is shown; beyond, when it is asked for."""

KINDS: Mapping[str, Sequence[str]] = {
    "decisions": ("approved", "rejected", "revoked", "commented"),
    "actions": ("planned", "held_out", *(step for step in STEPS if step not in ("approved", "rejected", "revoked"))),
    "sign-ins": ("signed_in", "sign_in_failed", "sign_in_locked", "signed_out"),
    "users": tuple(users.EVENTS),
    "settings": (configuration.EVENT,),
}
"""What entries can be looked at by."""


def add(router: web.UrlDispatcher, desk: Desk) -> None:
    """The route of this page."""

    async def trail(request: web.Request) -> web.Response:
        session = await gate.let_in(request, Role.OPERATOR)
        kind, before = request.query.get("kind", ""), request.query.get("before", "")
        if kind not in ("", *KINDS) or not (before == "" or (before.isdecimal() and len(before) < 16)):
            raise web.HTTPBadRequest(text=str(UsageError("There is no such part of the trail.")))
        page = await desk.do(
            lambda: _page(desk.settings, kind, int(before) if before else None, asked="verify" in request.query)
        )
        return shown.answered(page, session, TRAIL)

    router.add_get(TRAIL, trail)


def _page(settings: Settings, kind: str, before: int | None, *, asked: bool) -> Sheet:
    entries = actions.latest(settings, A_PAGE, KINDS.get(kind, ()), before)
    standing = _standing(settings, asked=asked) if before is None else ()
    return Sheet(
        "Trail", "Everything that was planned, approved, done and changed.", (*standing, _listed(entries, kind))
    )


def _standing(settings: Settings, *, asked: bool) -> Sequence[Part]:
    newest = actions.latest(settings, 1)
    if newest and newest[0].seq > MOST_VERIFIED and not asked:
        words = f"{newest[0].seq:,} entries. Whether they are what was written takes a moment to find out."
        return (Part("Is it whole?", (words,), links=(Link("Verify", f"{TRAIL}?verify=1"),)),)
    head, faults = actions.examined(settings)
    return (_verdict(head, faults),)


def _verdict(head: Head, faults: Sequence[Fault]) -> Part:
    facts = (("Entries", f"{head.seq:,}"), ("Head", f"{head.seq}:{head.digest}"))
    if faults:
        told = [f"{fault.words}." for fault in faults[:10]]
        return Part("The trail is NOT whole", told, facts=facts, alarming=True)
    words = (
        "Every entry is what was written, none is missing. Note the head elsewhere to prove later that no end was cut."
    )
    return Part("The trail is whole", (words,), facts=facts)


def _listed(entries: Sequence[Entry], kind: str) -> Part:
    listed = history(entries, "Entries")
    links = [Link("All", TRAIL), *(Link(spoken(each), f"{TRAIL}?kind={each}") for each in KINDS)]
    if len(entries) == A_PAGE:
        links.append(Link("Earlier", f"{TRAIL}?before={entries[-1].seq}" + (f"&kind={kind}" if kind else "")))
    rows = [
        (row[0], row[1], Link(str(row[2]), f"{QUEUE}/{entry.action_id}") if entry.action_id else row[2], *row[3:])
        for row, entry in zip(listed.rows, entries, strict=True)
    ]
    shown_from = f"To entry {entries[0].seq:,}, {moment(entries[0].at)} UTC." if entries else ""
    return Part("Entries", (shown_from,), links=links, header=listed.header, rows=rows, empty="No such entry.")
