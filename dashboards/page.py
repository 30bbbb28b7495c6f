"""What a page is, as plain values: titles, words, tiles, charts with their tables, and downloads.

Reports fill these in; the templates print them. Nothing here knows a metric, and nothing here knows HTML.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from dashboards.values import Cell


@dataclass(frozen=True)
class Basis:
    """What every figure of the site rests on; printed at the head and the foot of each page.

    `above` is where the pages of all accounts are, for those of one of several.
    """

    company: str
    as_of: str
    zone: str
    currency: str
    policy: str
    policy_hash: str
    fresh: str
    published: str
    banner: str | None = None
    through: str = ""
    above: str = ""


@dataclass(frozen=True)
class Comparison:
    """A figure held against an earlier one: `+2,100.00 USD (+2.1%) on Sep 2026`."""

    against: str
    change: Cell
    relative: Cell = None
    direction: Literal["up", "down", "level", "none"] = "none"
    unit: str = ""


@dataclass(frozen=True)
class Tile:
    """One headline figure; `note` is what to bear in mind with it."""

    label: str
    value: Cell
    unit: str
    as_of: str
    definition: str
    term: str
    comparisons: tuple[Comparison, ...] = ()
    trend: tuple[float | None, ...] = ()
    trend_words: str = ""
    now: str = ""
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A table's column; `partial` marks a month that is not over."""

    label: str
    partial: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Row:
    """A table's row; `weight` sets totals and headings apart; `term` is the figure it is of, where it is of one."""

    cells: tuple[Cell, ...]
    weight: Literal["", "total", "part", "partial"] = ""
    term: str = ""


@dataclass(frozen=True)
class Download:
    """A CSV file beside the pages: its rows may be more, and in another shape, than what the page shows."""

    name: str
    header: tuple[str, ...]
    rows: Iterable[tuple[Cell, ...]]


@dataclass(frozen=True)
class Table:
    """A table and the file it can be taken away as. `more` is how many rows the file has beyond those shown."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    empty: str = "Nothing to show yet."
    sortable: bool = True
    more: int = 0
    download: Download | None = None
    heat: bool = False


@dataclass(frozen=True)
class Chart:
    """A Plotly figure, the finding it shows, and the table it is drawn from."""

    name: str
    title: str
    figure: Any
    finding: str
    unit: str
    definition: str
    term: str
    table: Table
    width: Literal["full", "half"] = "full"
    empty: str = ""
    open_table: bool = False


@dataclass(frozen=True)
class TableBlock:
    """A table that stands by itself, with its definition."""

    title: str
    table: Table
    unit: str
    definition: str
    term: str
    finding: str = ""


@dataclass(frozen=True)
class Definition:
    """A metric's name, formula and rule in words."""

    term: str
    name: str
    formula: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Name and value pairs."""

    pairs: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Definitions:
    """A list of definitions."""

    entries: tuple[Definition, ...]


@dataclass(frozen=True)
class Tiles:
    """A row of headline figures."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Listing:
    """Lines to be typed or copied, each with what it does."""

    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Words:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


Block = Tiles | Chart | TableBlock | Words | Definitions | Facts | Listing


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]
    words: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """The heading as a fragment of an address."""
        return "".join(c if c.isalnum() else "-" for c in self.title.lower()).strip("-")


@dataclass(frozen=True)
class Page:
    """One page of the site; `name` is its file's name without `.html`.

    A page that shows the rows behind a figure names it in `shows`, and in `behind` the terms whose figures it belongs
    to: there it is linked from, instead of from the navigation.
    """

    name: str
    title: str
    findings: tuple[str, ...]
    sections: tuple[Section, ...] = field(default=())
    shows: str = ""
    behind: tuple[str, ...] = ()


def shown_by(pages: Iterable[Page]) -> dict[str, str]:
    """Figure to the name of the page that shows its rows."""
    return {page.shows: page.name for page in pages if page.shows}


def rows_behind(pages: Iterable[Page]) -> dict[str, list[Page]]:
    """Term to the pages that show the rows behind its figures."""
    found: dict[str, list[Page]] = {}
    for page in pages:
        for term in page.behind:
            found.setdefault(term, []).append(page)
    return found


def charts_of(page: Page) -> list[Chart]:
    """Every chart of the page, in order."""
    return [block for section in page.sections for block in section.blocks if isinstance(block, Chart)]


def tables_of(page: Page) -> list[Table]:
    """Every table of the page, in order: those of charts and those that stand by themselves."""
    blocks = [block for section in page.sections for block in section.blocks]
    return [block.table for block in blocks if isinstance(block, Chart | TableBlock)]
