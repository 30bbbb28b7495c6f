"""Read-only SQL on the published database, for a terminal or a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl

from pipelines.errors import RevenueError, SettingsError

_FORMULA = r"^([\t\r]|\s*[=+\-@＝＋－＠])"
Format = Literal["table", "csv", "json", "parquet"]


def connect(published: Path) -> duckdb.DuckDBPyConnection:
    """A connection that sees the published tables and nothing else: no files, no network, no writing.

    Raises:
        RevenueError: nothing is published yet.
    """
    if not published.is_file():
        raise RevenueError(f"{published} does not exist yet: `revenue demo` or `revenue run` makes it.")
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"attach {quoted(published)} as revenue (read_only)")
    connection.execute("use revenue.marts")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def quoted(path: Path) -> str:
    """A path as an SQL text literal."""
    return "'" + str(path).replace("'", "''") + "'"


def ask(published: Path, sql: str) -> pl.DataFrame:
    """The rows that a query returns.

    Raises:
        SettingsError: the SQL is wrong; the message is DuckDB's.
    """
    connection = connect(published)
    try:
        relation = connection.sql(sql)
        rows: pl.DataFrame = pl.DataFrame() if relation is None else relation.pl()
        return rows
    except duckdb.Error as error:
        raise SettingsError(f"The query failed: {error}") from None
    finally:
        connection.close()


def written(rows: pl.DataFrame, form: Format, output: Path | None) -> str | None:
    """The rows in the form asked for: into a file, or as text to print.

    Raises:
        SettingsError: Parquet without a file to write to.
    """
    if form == "parquet":
        if output is None:
            raise SettingsError("Parquet is no text: name a file with --output.")
        rows.write_parquet(output)
        return None
    text = TEXTS[form](rows)
    if output is None:
        return text
    output.write_text(text)
    return None


def as_csv(rows: pl.DataFrame) -> str:
    """CSV whose text cells no spreadsheet takes for a formula."""
    return harmless(rows).write_csv() if rows.width else ""


def harmless(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with an apostrophe before each text that a spreadsheet would run."""
    return rows.with_columns(pl.col(pl.String).str.replace(_FORMULA, "'$1"))


def as_table(rows: pl.DataFrame) -> str:
    """A table for a terminal, every column and the first thousand rows."""
    with pl.Config(
        tbl_rows=1000,
        tbl_cols=-1,
        tbl_width_chars=10_000,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        fmt_str_lengths=60,
        fmt_float="full",
        tbl_cell_numeric_alignment="RIGHT",
    ):
        return f"{rows}\n{rows.height} rows\n" if rows.width else "Done.\n"


TEXTS: dict[str, Callable[[pl.DataFrame], str]] = {
    "table": as_table,
    "csv": as_csv,
    "json": lambda rows: rows.write_json() + "\n",
}
