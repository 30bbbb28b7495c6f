"""A page of the back office, as plain values and as HTML: words, facts, tables and forms; no script.

Looks like the dashboards; knows nothing of what it says. Everything in it is text from outside and is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from dashboards import site
from dashboards.values import Link

Written = str | Link


@dataclass(frozen=True)
class Field:
    """A field of a form; `hint` is what is good to know while filling it in."""

    name: str
    label: str = ""
    kind: Literal["text", "password", "hidden", "long", "choice"] = "text"
    value: str = ""
    hint: str = ""
    autocomplete: str = "off"
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Form:
    """What can be sent to `address`, and by which buttons: what each sends as `decision`, and its words."""

    address: str
    buttons: Sequence[tuple[str, str]]
    fields: Sequence[Field] = ()
    words: str = ""


@dataclass(frozen=True)
class Part:
    """A part of a page: words, links, facts (label, value), a table, forms; `alarming` where it asks for attention."""

    title: str
    words: Sequence[str] = ()
    facts: Sequence[tuple[str, Written]] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[Written]] = ()
    figures: Sequence[str] = ()
    empty: str = ""
    forms: Sequence[Form] = ()
    links: Sequence[Link] = ()
    alarming: bool = False

    @property
    def anchor(self) -> str:
        """The title as a fragment of an address."""
        return "".join(c if c.isalnum() else "-" for c in self.title.lower()).strip("-")


@dataclass(frozen=True)
class Frame:
    """What stands round every page: where else one can go, who is signed in, and how to sign out."""

    company: str
    places: Sequence[Link] = ()
    here: str = ""
    who: str = ""
    sign_out: Form | None = None


@dataclass(frozen=True)
class Sheet:
    """One page. `said` answers what was just done; `faulty` where that did not succeed."""

    title: str
    stamp: str
    parts: Sequence[Part]
    said: str = ""
    faulty: bool = False
    narrow: bool = False


def render(sheet: Sheet, frame: Frame) -> str:
    """The page as HTML; it is to be sent with `policy`."""
    return site.environment().get_template("sheet.html.j2").render(sheet=sheet, frame=frame, css=_css())


def bar(frame: Frame) -> str:
    """What a dashboard is shown with to somebody who is signed in, in place of `BAR`."""
    return site.environment().get_template("bar.html.j2").render(frame=frame)


BAR = "<!-- signed in -->"
"""Where a rendered dashboard has room for who is signed in."""


@cache
def policy() -> str:
    """The content security policy of these pages: this style, and forms to where they come from; nothing else."""
    return site.policy(_css()).replace("form-action 'none'", "form-action 'self'")


@cache
def _css() -> str:
    return site.static("site.css") + site.static("sheet.css")
