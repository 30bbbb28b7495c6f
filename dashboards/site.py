"""Turns pages into a folder of files that stands by itself: HTML, one CSV a table, one Plotly JSON a chart.

Everything a page needs is inside it, so it opens from disk with no server; its content security policy names the two
inline blocks by hash and forbids everything else. New files replace old ones one by one, each whole and on the disk
before it does, the first page last; whatever ends a build on the way, the next one clears up after it.
"""

import base64
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboards import downloads, drawing
from dashboards.page import Basis, Page, Table, charts_of, rows_behind, shown_by, tables_of
from dashboards.values import Missing, SortKey, is_figure, shown, sort_keys

HERE = Path(__file__).parent
FIRST = "index"
MANIFEST = "files.json"
UNFINISHED = ".unfinished"
"""The folder beside the pages in which they are made."""


def write(pages: Sequence[Page], basis: Basis, out: Path) -> list[Path]:
    """Write the site into `out` and return its files, the first page first.

    Files of an earlier build that this one no longer has are removed; files that no build wrote are left alone.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _unfinished(out) as scratch:
        made = _write_all(pages, basis, scratch)
        former = _listed(out)
        _list(former | set(made), scratch, out)
        for name in sorted(made, key=lambda name: (name == f"{FIRST}.html", name)):
            _put_in_place(scratch / name, out / name)
        for name in former - set(made):
            (out / name).unlink(missing_ok=True)
        _list(set(made), scratch, out)
        for folder in {out, *((out / name).parent for name in made)}:
            _settle(folder)
    return [out / f"{FIRST}.html", *(out / name for name in sorted(made) if name != f"{FIRST}.html")]


def remove(out: Path) -> None:
    """Remove what earlier builds wrote into `out`; files that no build wrote are left alone."""
    for name in _listed(out):
        (out / name).unlink(missing_ok=True)
    (out / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)
    for folder in (out / "data", out / "figures", out):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def render(page: Page, pages: Sequence[Page], basis: Basis) -> str:
    """One page as HTML."""
    css, script = static("site.css") + _paper(basis), static("site.js")
    template = environment().get_template("page.html.j2")
    return template.render(
        page=page,
        pages=[each for each in pages if not each.shows],
        rows_of=shown_by(pages),
        behind=rows_behind(pages),
        basis=basis,
        css=css,
        script=script,
        policy=policy(css, script),
    )


def _paper(basis: Basis) -> str:
    """What stands at the foot of every printed sheet, as style: a sheet of many has no other place for it."""
    said = [
        basis.company,
        f"data as of {basis.as_of}",
        f"read from Stripe {basis.fresh}" if basis.fresh else "",
        f"policy {basis.policy} {basis.policy_hash[:12]}",
    ]
    return environment().get_template("paper.css.j2").render(line=" · ".join(filter(None, said)))


def policy(css: str, script: str | None = None) -> str:
    """A content security policy that lets nothing in but this style and, where there is one, this script."""
    scripts = f"script-src '{_hash(script)}'; " if script is not None else ""
    return f"default-src 'none'; style-src '{_hash(css)}'; {scripts}img-src 'none'; base-uri 'none'; form-action 'none'"


def _write_all(pages: Sequence[Page], basis: Basis, folder: Path) -> list[str]:
    (folder / "data").mkdir()
    (folder / "figures").mkdir()
    made = downloads.write_all((table for page in pages for table in tables_of(page)), folder / "data")
    for page in pages:
        made += [_figure(chart.name, chart.figure, folder / "figures") for chart in charts_of(page) if not chart.empty]
        file = folder / f"{page.name}.html"
        file.write_text(render(page, pages, basis), encoding="utf-8")
        made.append(file)
    return [file.relative_to(folder).as_posix() for file in dict.fromkeys(made)]


def _figure(name: str, figure: Any, folder: Path) -> Path:
    file = folder / f"{name}.json"
    file.write_text(figure.to_json(), encoding="utf-8")
    return file


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """A folder on the same disk to make the pages in, for one build at a time: another one waits."""
    folder = os.open(out, os.O_RDONLY)
    scratch = out / UNFINISHED
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(folder)


def _put_in_place(made: Path, place: Path) -> None:
    """Have the file on the disk, then under its name: a reader, or a machine that fails, sees the old or the new."""
    place.parent.mkdir(parents=True, exist_ok=True)
    _settle(made)
    os.replace(made, place)  # noqa: PTH105 - the one atomic step, under its own name


def _settle(path: Path) -> None:
    """Wait until the disk has it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _listed(out: Path) -> set[str]:
    """What an earlier build made; nothing where its list is cut, as one was that a crash of version 0.1 left."""
    try:
        return set(json.loads((out / MANIFEST).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return set()


def _list(names: Collection[str], scratch: Path, out: Path) -> None:
    (scratch / MANIFEST).write_text(json.dumps(sorted(names), indent=1), encoding="utf-8")
    _put_in_place(scratch / MANIFEST, out / MANIFEST)


def static(name: str) -> str:
    """A file of `static/`, as text."""
    return (HERE / "static" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def environment() -> Environment:
    """The templates, with the filters that they use."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "kind": lambda value: type(value).__name__,
        "shown": shown,
        "sort_keys": _sort_keys,
        "is_figure": is_figure,
        "figures_in": _figures_in,
        "css_text": _css_text,
        "reasons": _reasons,
        "drawings": drawing.drawings,
        "legend": drawing.legend,
        "sparkline": drawing.sparkline,
    }
    return environment


def _css_text(text: str) -> str:
    """The text inside a string of a style sheet: all but letters and digits of ASCII by their code points."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in text)


def _figures_in(table: Table, index: int) -> bool:
    """True where the column holds figures, so that its heading is aligned with them."""
    return index > 0 and any(is_figure(row.cells[index]) for row in table.rows)


def _sort_keys(table: Table) -> list[tuple[SortKey, ...]]:
    """By row, what each of its cells is sorted by among those of its column."""
    columns = [sort_keys(cells) for cells in zip(*(row.cells for row in table.rows), strict=True)]
    return list(zip(*columns, strict=True))


def _reasons(table: Table) -> list[str]:
    """Why cells of the table are not available, each reason once."""
    return list(dict.fromkeys(cell.reason for row in table.rows for cell in row.cells if isinstance(cell, Missing)))
