"""Sheets as answers: with what stands round them, and the headers that go along."""

from aiohttp import web
from aiohttp_session import Session

from billing.office.roles import Role
from dashboards import sheet
from dashboards.sheet import Form, Frame, Sheet
from dashboards.values import Link
from pipelines.office import forms, headers

COMPANY = "Back office"
OFFICE = Link(COMPANY, "/office")
ACCOUNT = Link("Account", "/office/account")
PLACES = (
    (Role.VIEWER, Link("Dashboards", "/")),
    (Role.OPERATOR, Link("Actions", "/office/actions")),
    (Role.OPERATOR, Link("Disputes", "/office/disputes")),
    (Role.OPERATOR, Link("Trail", "/office/trail")),
    (Role.VIEWER, ACCOUNT),
)
"""Where one can go, and as what."""


def answered(page: Sheet, session: Session, here: str, status: int = 200) -> web.Response:
    """A sheet to somebody who is signed in."""
    role = Role(session["role"])
    sign_out = Form("/sign-out", (("sign-out", "Sign out"),), forms.fields(forms.of(forms.Signed, session)))
    frame = Frame(COMPANY, _places(role), here, _who(session), sign_out)
    return html(page, frame, status)


def html(page: Sheet, frame: Frame, status: int = 200) -> web.Response:
    """A sheet as an answer. A form's own page is its referrer, or browsers would not say where the form came from."""
    told = {**headers.of_page(sheet.policy()), **headers.SIGNED_IN, "Referrer-Policy": "same-origin"}
    return web.Response(text=sheet.render(page, frame), content_type="text/html", status=status, headers=told)


def bar(session: Session) -> str:
    """What a dashboard is shown with to somebody who is signed in."""
    places = (OFFICE, ACCOUNT) if Role(session["role"]).may(Role.OPERATOR) else (ACCOUNT,)
    return sheet.bar(Frame(COMPANY, places, who=_who(session)))


def _places(role: Role) -> tuple[Link, ...]:
    return tuple(place for needed, place in PLACES if role.may(needed))


def _who(session: Session) -> str:
    return f"{session['login']}, {session['role']}"
