"""Mails: words from a template in blocks, as a text and as HTML; and a page that shows what each looks like.

A template has the blocks `subject`, `words`, `facts` (one a line: `label | value`, or `label | value | address`),
`button` (`label | address`) and `closing`. Its output is plain text; HTML is made of that, so that it is escaped whole
whatever stands in it. A company's own folder goes first, file by file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape
from jinja2.environment import Template

from dashboards import site

FOLDER = Path(__file__).parent / "templates" / "mail"
LAYOUT = "layout.html.j2"
BLOCKS = ("subject", "words", "facts", "button", "closing")


class TemplateFault(Exception):  # noqa: N818 - what is wrong with a template, told to whoever wrote it
    """A template can't be rendered; the message names it."""


@dataclass(frozen=True)
class Mail:
    """A rendered mail."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Shown:
    """A mail of the preview: its kind in words, and whether it is the company's own template."""

    name: str
    meaning: str
    language: str
    own: bool
    mail: Mail


def render(name: str, language: str, values: Mapping[str, Any], own: Path | None = None) -> Mail:
    """The mail of a template.

    Raises:
        TemplateFault: there is none, or it asks for a value that there is not.
    """
    environment = _environment(own)
    try:
        template = environment.get_template(f"{name}.{language}.j2")
        parts = {block: _block(template, block, values) for block in BLOCKS}
        facts = [_cells(line) for line in parts["facts"].splitlines() if " | " in line]
        button = _cells(parts["button"]) if parts["button"] else None
        paragraphs = {block: parts[block].split("\n\n") if parts[block] else [] for block in ("words", "closing")}
        subject = " ".join(parts["subject"].split())
        html = environment.get_template(LAYOUT).render(
            subject=subject, language=language, facts=facts, button=button, **paragraphs, company=values["company"]
        )
    except (TemplateError, KeyError, TypeError, ValueError) as error:
        raise TemplateFault(f"The template {name}.{language}.j2 can't be rendered: {error}.") from None
    return Mail(subject, _text(paragraphs, facts, button), html)


def languages(name: str, own: Path | None = None) -> Sequence[str]:
    """The languages that a template is there in."""
    names = _environment(own).list_templates()
    return [each.split(".")[1] for each in names if each.startswith(f"{name}.") and each.count(".") == 2]


def is_own(name: str, language: str, own: Path | None) -> bool:
    """Whether the template is the company's."""
    return own is not None and (own / f"{name}.{language}.j2").is_file()


def preview(shown: Sequence[Shown]) -> str:
    """A page of mails: each as HTML, wide and narrow, and as text. It runs nothing; mails bring styles of their own."""
    css = site.static("mail_preview.css")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; base-uri 'none'; form-action 'none'"
    return site.environment().get_template("mail_preview.html.j2").render(shown=shown, css=css, policy=policy)


def _text(paragraphs: Mapping[str, Sequence[str]], facts: Sequence[Sequence[str]], button: Sequence[str] | None) -> str:
    lines = "\n".join(f"{cells[0]}: {cells[1]}" + "".join(f"\n  {more}" for more in cells[2:]) for cells in facts)
    parts = [*paragraphs["words"], lines, f"{button[0]}:\n{button[-1]}" if button else "", *paragraphs["closing"]]
    return "\n\n".join(filter(None, parts)) + "\n"


def _block(template: Template, block: str, values: Mapping[str, Any]) -> str:
    """What a block says, without blanks around it and without lines that are blank more than once."""
    if block not in template.blocks:
        return ""
    said = "".join(template.blocks[block](template.new_context(dict(values))))
    paragraphs = ("\n".join(map(str.strip, part.strip().splitlines())) for part in said.split("\n\n"))
    return "\n\n".join(filter(None, paragraphs))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split(" | ")]


@cache
def _environment(own: Path | None) -> Environment:
    folders = [*([own] if own else []), FOLDER]
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
