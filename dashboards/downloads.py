"""CSV files beside the pages: UTF-8, plain decimals, a currency column, and nothing a spreadsheet would run.

Names and comments come from outside. A spreadsheet takes text that begins like a formula for one, so such text gets a
leading apostrophe; numbers keep their sign.
"""

import csv
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
    currencies = [next((currency_of(cell) for cell in cells if currency_of(cell)), None) for cells in rows]
    if not any(currencies):
        return Download(table.name, header, rows)
    marked = [(*cells, (currency or "").upper()) for cells, currency in zip(rows, currencies, strict=True)]
    return Download(table.name, (*header, "Currency"), marked)


def write(download: Download, folder: Path) -> Path:
    """Write `<name>.csv` into the folder."""
    file = folder / f"{download.name}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow([neutral(label) for label in download.header])
        writer.writerows([field(cell) for cell in cells] for cells in download.rows)
    return file
