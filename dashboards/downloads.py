"""CSV files beside the pages: UTF-8, plain decimals, a currency column, and nothing a spreadsheet would run.

Names and comments come from outside. A spreadsheet takes text that begins like a formula for one, so such text gets a
leading apostrophe; numbers keep their sign.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from dashboards.page import Download, Table
from dashboards.values import Cell, Link, currency_of, plain

FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")
"""Full-width ones too, which spreadsheets of East Asian languages read as the others."""


def neutral(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS) else text


def field(cell: Cell) -> str:
    """A cell as a CSV field."""
    written = plain(cell)
    return neutral(written) if isinstance(cell, str | Link) else written


def download_of(table: Table) -> Download:
    """The table's own download, or its rows as they stand, with a currency column where there are amounts."""
    if table.download is not None:
        return table.download
    header = tuple(f"{column.label} (so far)" if column.partial else column.label for column in table.columns)
    rows = [row.cells for row in table.rows]
    codes = [next((currency_of(cell) for cell in cells if currency_of(cell)), None) for cells in rows]
    currencies = [(code or "").upper() for code in codes]
    if not any(currencies) or _says(rows, currencies):
        return Download(table.name, header, rows)
    marked = [(*cells, currency) for cells, currency in zip(rows, currencies, strict=True)]
    return Download(table.name, (*header, "Currency"), marked)


def _says(rows: Sequence[tuple[Cell, ...]], currencies: Sequence[str]) -> bool:
    """True where a column of the table has the currency of every row's amounts already."""
    return any(
        all(code in ("", written) for code, written in zip(currencies, column, strict=True))
        for column in zip(*rows, strict=True)
    )


def write_all(tables: Iterable[Table], folder: Path) -> list[Path]:
    """Write every table's file; refuse a name that two of them want, of which one would be lost."""
    made: dict[str, Path] = {}
    for table in tables:
        download = download_of(table)
        if download.name.casefold() in made:
            raise ValueError(f"two tables want the file {download.name}.csv: give each a name of its own")
        made[download.name.casefold()] = write(download, folder)
    return list(made.values())


def write(download: Download, folder: Path) -> Path:
    """Write `<name>.csv` into the folder; refuse two columns of one name, which no reader of the file tells apart."""
    repeated = sorted({label for label in download.header if download.header.count(label) > 1})
    if repeated:
        raise ValueError(f"{download.name}.csv has several columns called {', '.join(repeated)}: name each by itself")
    file = folder / f"{download.name}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow([neutral(label) for label in download.header])
        writer.writerows([field(cell) for cell in cells] for cells in download.rows)
    return file
