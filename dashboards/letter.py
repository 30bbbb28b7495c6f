"""A document of its own, to read, print or file: a title, parts with words, facts and tables; one HTML file, no script.

Looks like the pages; knows nothing of what it says. Everything in it is text from outside and is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards import site


@dataclass(frozen=True)
class Part:
    """A part of a letter: words, then facts (label and value), then a table; `alarming` where it asks for attention."""

    title: str
    words: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    alarming: bool = False

    @property
    def figures(self) -> Sequence[bool]:
        """Whether each column holds whole numbers, so that it is aligned at their end."""
        columns = ([row[place] for row in self.rows if row[place]] for place in range(len(self.header)))
        return [bool(cells) and all(cell.replace(",", "").isdigit() for cell in cells) for cells in columns]


@dataclass(frozen=True)
class Letter:
    """The whole document; `stamp` says in a line of whom and when it is."""

    title: str
    stamp: str
    parts: Sequence[Part]
    footing: str = ""


def render(letter: Letter) -> str:
    """The letter as one HTML file."""
    return site.environment().get_template("letter.html.j2").render(
        letter=letter, css=(css := site.static("letter.css")), policy=site.policy(css)
    )  # fmt: skip
