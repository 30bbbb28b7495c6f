"""Sheets as answers: with what stands round them, and the headers that go along."""

from aiohttp import web
from aiohttp_session import Session

from billing.office.roles import Role
from dashboards import sheet
from dashboards.sheet import Form, Frame, Sheet
from dashboards.values import Link
from pipelines.office import forms, headers

COMPANY = "Back office"
PLACES = (
    (Role.VIEWER, Link("Dashboards", "/")),
    (Role.VIEWER, Link("Account", "/office/account")),
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
    return sheet.bar(Frame(COMPANY, _places(Role(session["role"]))[1:], who=_who(session)))


def _places(role: Role) -> tuple[Link, ...]:
    return tuple(place for needed, place in PLACES if role.may(needed))


def _who(session: Session) -> str:
    return f"{session['login']}, {session['role']}"
