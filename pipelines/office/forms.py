"""The office's forms, by WTForms: what they take, and the token by which a form is known to be of this session."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TypeVar

from aiohttp import web
from multidict import MultiDict
from wtforms import Form, PasswordField, SelectField, StringField, TextAreaField
from wtforms.csrf.session import SessionCSRF
from wtforms.validators import InputRequired, Length

from dashboards.sheet import Field

SESSION_LONG = None
"""A form may be sent as long as its session lasts."""


NO_FORM = "What was sent is no form of this server."


class SignIn(Form):
    """Login and password. It has no token, since nobody is signed in: where it comes from is looked at instead."""

    login = StringField("Login", [InputRequired(), Length(max=64)], render_kw={"autocomplete": "username"})
    password = PasswordField(
        "Password", [InputRequired(), Length(max=256)], render_kw={"autocomplete": "current-password"}
    )


class Signed(Form):
    """A form of somebody who is signed in."""

    class Meta:
        csrf = True
        csrf_class = SessionCSRF
        csrf_time_limit = SESSION_LONG
        csrf_field_name = "form_token"


class Decision(Signed):
    """A decision on an action, or a remark about it, and why."""

    comment = TextAreaField("Why", [Length(max=200)])


class Proposal(Signed):
    """An action that no flag led to."""

    kind = SelectField("Action")
    subject = StringField("Of what", [InputRequired(), Length(max=255)])
    given = StringField("How", [Length(max=500)])
    reference = StringField("Reference", [Length(max=64)])

    def __init__(self, *given: Any, kinds: Sequence[tuple[str, str]] = (), **more: Any) -> None:
        super().__init__(*given, **more)
        self.kind.choices = list(kinds)


async def sent(request: web.Request) -> MultiDict[str]:
    """The text that a form sends. None of ours sends a file: what somebody puts in the place of a field is left out.

    Raises:
        HTTPBadRequest: what was sent is no form.
    """
    try:
        given = await request.post()
    except (ValueError, LookupError, AssertionError):  # no boundary, bytes that are no text, an unknown character set
        raise web.HTTPBadRequest(text=NO_FORM) from None
    return MultiDict((name, value) for name, value in given.items() if isinstance(value, str))


F = TypeVar("F", bound=Form)


def of(kind: type[F], session: MutableMapping[str, Any], data: Any = None, **more: Any) -> F:
    """A form of this session, with what was sent."""
    meta = {"csrf_context": session, "csrf_secret": str(session["csrf"]).encode()} if issubclass(kind, Signed) else {}
    return kind(data, meta=meta, **more)


KINDS: Mapping[str, Any] = {"TextAreaField": "long", "PasswordField": "password", "SelectField": "choice"}
HIDDEN = "CSRFTokenField"


def fields(form: Form, hints: Mapping[str, str] | None = None) -> list[Field]:
    """The form's fields, to be shown; a password is never sent back."""
    return [_field(each, (hints or {}).get(each.name, "")) for each in form]


def _field(field: Any, hint: str) -> Field:
    if field.type == HIDDEN:
        return Field(field.name, kind="hidden", value=field.current_token)
    kind = KINDS.get(field.type, "text")
    return Field(
        field.name,
        field.label.text,
        kind,
        "" if kind == "password" else str(field.data or ""),
        hint,
        str((field.render_kw or {}).get("autocomplete", "off")),
        bool(field.flags.required),
        tuple(field.choices) if kind == "choice" else (),
    )
