"""Disputes that wait for evidence, and their drafts, to be read in the browser before somebody approves to submit."""

import re

from aiohttp import web

from billing.office.roles import Role
from dashboards.sheet import Part, Sheet
from dashboards.values import Link
from pipelines import disputes
from pipelines.errors import RevenueError
from pipelines.office import gate, headers, shown
from pipelines.office.actions import moment
from pipelines.office.desk import Desk

DISPUTES = "/office/disputes"
_ID = re.compile(r"[A-Za-z0-9_\-]{1,255}")
HOW = "revenue disputes draft makes a draft, and revenue disputes submit proposes it as an action."


def add(router: web.UrlDispatcher, desk: Desk) -> None:
    """The routes of these pages."""
    router.add_get(DISPUTES, _waiting(desk))
    router.add_get(f"{DISPUTES}/{{id}}", _draft(desk))


def _waiting(desk: Desk) -> gate.Handle:
    async def waiting(request: web.Request) -> web.StreamResponse:
        session = await gate.let_in(request, Role.OPERATOR)
        try:
            found = await desk.do(lambda: disputes.waiting(desk.settings))
        except RevenueError as error:
            return shown.answered(Sheet("Disputes", "", (), str(error), faulty=True), session, DISPUTES, 409)
        rows = [
            (
                each.dispute_id,
                each.reason or "",
                each.written,
                moment(each.due_at)[:10],
                "" if each.days_left is None else f"{each.days_left:,}",
                Link("Read the draft", f"{DISPUTES}/{each.dispute_id}") if each.has_draft else "none yet",
            )
            for each in found
        ]
        header = ("Dispute", "Reason", "Amount", "Due", "Days left", "Draft")
        part = Part(
            "Waiting for evidence",
            (HOW,),
            header=header,
            rows=rows,
            figures=("Amount", "Days left"),
            empty="None waits.",
        )
        return shown.answered(Sheet("Disputes", "The first due first.", (part,)), session, DISPUTES)

    return waiting


def _draft(desk: Desk) -> gate.Handle:
    async def draft(request: web.Request) -> web.StreamResponse:
        await gate.let_in(request, Role.OPERATOR)
        id_ = request.match_info["id"]
        file = desk.settings.home / disputes.FOLDER / f"{id_}.html"
        if not _ID.fullmatch(id_) or not file.is_file():
            raise web.HTTPNotFound(text="There is no draft for it.")
        html = await desk.do(file.read_bytes)
        told = {**headers.of_page(headers.stated(html)), **headers.SIGNED_IN}
        return web.Response(body=html, content_type="text/html", charset="utf-8", headers=told)

    return draft
