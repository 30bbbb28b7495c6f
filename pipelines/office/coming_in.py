"""The pages to sign in and out, and of one's own account."""

from aiohttp import web
from aiohttp_session import get_session, new_session

from billing.office.roles import MEANING
from billing.office.signing_in import Refused
from dashboards import sheet
from dashboards.sheet import Form, Part, Sheet
from pipelines.office import forms, gate, shown
from pipelines.office.gate import Gate

WRONG = "That login and password don't go together."
TOO_OFTEN = "Too many attempts. Wait a quarter of an hour and try again."


def add(router: web.UrlDispatcher, entrance: Gate) -> None:
    """The routes of these pages."""
    desk = entrance.desk

    async def asked(request: web.Request) -> web.Response:
        if not await desk.has_users():
            raise web.HTTPSeeOther("/")
        return _sign_in(gate.within(request.query.get("next", "/")))

    async def signed_in(request: web.Request) -> web.StreamResponse:
        data = await forms.sent(request)
        next_ = gate.within(str(data.get("next", "/")))
        form = forms.of(forms.SignIn, {}, data)
        if not form.validate():
            return _sign_in(next_, WRONG, 400)
        address = entrance.hosts.address(request.remote, request.headers)
        token = await desk.sign_in(form.data["login"], form.data["password"], address)
        if isinstance(token, Refused):
            return _sign_in(next_, *((TOO_OFTEN, 429) if token.too_often else (WRONG, 401)))
        session = await new_session(request)
        session.set_new_identity(token)
        session["login"] = form.data["login"]
        raise web.HTTPSeeOther(next_)

    async def signed_out(request: web.Request) -> web.StreamResponse:
        session = await get_session(request)
        if not forms.of(forms.Signed, session, await forms.sent(request)).validate():
            raise web.HTTPForbidden(text=gate.NOT_FROM_HERE)
        await desk.sign_out(str(session.identity), session["login"])
        session.invalidate()
        raise web.HTTPSeeOther(gate.SIGN_IN)

    async def account(request: web.Request) -> web.Response:
        session = await get_session(request)
        if session.empty:
            raise web.HTTPForbidden(text=NO_OFFICE)
        role = gate.role_of(session)
        part = Part("", facts=(("Login", session["login"]), ("Role", f"{role}: {MEANING[role]}")), words=(LEAVING,))
        return shown.answered(Sheet("Account", "", (part,)), session, shown.ACCOUNT.address)

    router.add_get(gate.SIGN_IN, asked)
    router.add_post(gate.SIGN_IN, signed_in)
    router.add_post("/sign-out", signed_out)
    router.add_get(shown.ACCOUNT.address, account)


NO_OFFICE = "There are no users, so this machine sees the dashboards and no more. `revenue users add` opens the office."
LEAVING = (
    "You are signed out after an hour in which you do nothing, after twelve hours, and wherever you are signed in once "
    "your role or password changes. revenue users password sets another password."
)


def _sign_in(next_: str, fault: str = "", status: int = 200) -> web.Response:
    fields = [*forms.fields(forms.of(forms.SignIn, {})), sheet.Field("next", kind="hidden", value=next_)]
    page = Sheet(
        "Sign in",
        "",
        (Part("", forms=(Form(gate.SIGN_IN, (("sign-in", "Sign in"),), fields),)),),
        said=fault,
        faulty=bool(fault),
        narrow=True,
    )
    return shown.html(page, sheet.Frame(shown.COMPANY), status)
