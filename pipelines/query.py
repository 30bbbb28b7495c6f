"""Read-only SQL on the published database, for a terminal or a file."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl
import polars.selectors as cs
from duckdb.sqltypes import DuckDBPyType

from pipelines.errors import RevenueError, SettingsError
from pipelines.warehouse.database import FULL

_FORMULA = r"^([\t\r]|\s*[=+\-@＝＋－＠])"
Format = Literal["table", "csv", "json", "parquet"]

ANEW = "`revenue build` makes it anew, from the warehouse; move the file aside first if you want to keep it."

NO_FRAME_HOLDS = frozenset({"interval", "union", "bit", "uhugeint", "bignum", "time with time zone"})
"""Types that a frame has no exact form of: their values come as DuckDB's text."""
DAYS = frozenset({"date", "timestamp", "timestamp with time zone", "timestamp_s", "timestamp_ms", "timestamp_ns"})
NESTS = frozenset({"list", "array", "struct", "map"})
A_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
FURTHEST = 90_000_000
"""Days from 1970 that every writer knows the date of; DuckDB's infinite dates lie beyond."""


MONTHS = """
with spans as (
    select least(
        (select min(month) from mrr_by_month_reporting), (select min(date_trunc('month', date)) from cash_by_day)
    )::date as first, date_trunc('month', max(as_of at time zone timezone))::date as last
    from publication
)
select unnest(generate_series(first, last, interval 1 month))::date as month from spans
"""


class PublishedUnreadable(RevenueError):  # noqa: N818
    """The published file is no database, is damaged, is another program's, or belongs to somebody else."""


def connect(published: Path) -> duckdb.DuckDBPyConnection:
    """A connection that sees the published tables and nothing else: no files, no network, no writing.

    Raises:
        RevenueError: nothing is published yet, or the file can't be read.
    """
    if not published.is_file():
        raise RevenueError(f"{published} does not exist yet: `revenue demo` or `revenue run` makes it.")
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    try:
        with reading(published):
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"attach {quoted(published)} as revenue (read_only)")
            _require_publication(connection, published)
    except BaseException:
        connection.close()
        raise
    connection.execute("use revenue.marts")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


@contextmanager
def reading(published: Path) -> Iterator[None]:
    """Tells in words that the published file can't be read; what a query does wrong stays DuckDB's error.

    Raises:
        PublishedUnreadable: it can't.
    """
    try:
        yield
    except duckdb.Error as error:
        if not isinstance(error, duckdb.IOException | duckdb.InternalException | duckdb.FatalException) and (
            "Corrupt database file" not in str(error)
        ):
            raise
        if any(sign in str(error) for sign in FULL):
            raise
        raise PublishedUnreadable(_why_unreadable(published, str(error))) from error


def _why_unreadable(published: Path, error: str) -> str:
    if "Permission denied" in error:
        return f"{published} can't be opened: this user may not read it."
    if "Could not set lock" in error:
        return f"{published} is open in another program, which must close it first: {error}"
    reason = error.splitlines()[0].rstrip(".!")
    return f"{published} can't be read as a database: {reason}. {ANEW}"


def _require_publication(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    schemas = "select 1 from information_schema.schemata where catalog_name = 'revenue' and schema_name = 'marts'"
    if not connection.execute(schemas).fetchall():
        raise PublishedUnreadable(f"{published} is a database of something else: it holds no published tables. {ANEW}")


def quoted(path: Path) -> str:
    """A path as an SQL text literal."""
    return "'" + str(path).replace("'", "''") + "'"


def ask(published: Path, sql: str) -> pl.DataFrame:
    """The rows that a query returns.

    Raises:
        RevenueError: nothing is published yet, or the file can't be read.
        SettingsError: the SQL is wrong; the message is DuckDB's.
    """
    try:
        with closing(connect(published)) as connection, reading(published):
            relation = connection.sql(sql)
            return pl.DataFrame() if relation is None else _frame(relation)
    except duckdb.Error as error:
        raise SettingsError(f"The query failed: {error}") from None


def months(published: Path) -> list[date]:
    """The months that are published, in their order: from the first that cash or MRR is known of to the as-of month.

    Raises:
        RevenueError: nothing is published, or the file can't be read.
    """
    try:
        return ask(published, MONTHS)["month"].to_list()
    except SettingsError:  # a database that has the schema, and not our tables
        raise PublishedUnreadable(f"{published} lacks what every publication holds. {ANEW}") from None


def _frame(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """The rows, with text for what a frame can't hold: intervals and such, and dates of columns with infinite ones."""
    rows: pl.DataFrame = _told(relation, NO_FRAME_HOLDS).pl()
    if any(map(_holds_beyond, rows)):
        rows = _told(relation, NO_FRAME_HOLDS | DAYS).pl()
    return rows


def _told(relation: duckdb.DuckDBPyRelation, as_text: frozenset[str]) -> duckdb.DuckDBPyRelation:
    """The relation with values of these types as text, in lists and structs too."""
    casts = [_cast(kind, as_text) for kind in relation.types]
    if casts == [str(kind) for kind in relation.types]:
        return relation
    names = [_name(name) for name in relation.columns]
    return relation.project(
        ", ".join(f"#{at}::{cast} as {name}" for at, (cast, name) in enumerate(zip(casts, names, strict=True), 1))
    )


def _cast(kind: DuckDBPyType, as_text: frozenset[str]) -> str:
    """The type that values of this one are read as: text too for bytes in lists, which no JSON holds, and for dates in
    maps, whose values can't be looked at."""
    if kind.id in as_text:
        return "VARCHAR"
    if kind.id not in NESTS:
        return str(kind)
    within = as_text | {"blob"} | (DAYS if kind.id == "map" else frozenset())
    parts = [(name, _cast(part, within)) for name, part in kind.children if isinstance(part, DuckDBPyType)]
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{_name(name)} {part}' for name, part in parts)})"
    if kind.id == "map":
        return f"MAP({', '.join(part for _, part in parts)})"
    return f"{parts[0][1]}[{dict(kind.children).get('size', '')}]"


def _name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _holds_beyond(values: pl.Series) -> bool:
    """Whether there is a date among the values, or in lists and structs of them, that no calendar has."""
    match values.dtype:
        case pl.Date():
            days = values.to_physical().cast(pl.Int64)
        case pl.Datetime(time_unit=unit):
            days = values.to_physical() // A_DAY[unit]
        case pl.List() | pl.Array():
            return _holds_beyond(values.explode())
        case pl.Struct():
            return any(_holds_beyond(part) for part in values.struct.unnest())
        case _:
            return False
    return not days.drop_nulls().is_between(-FURTHEST, FURTHEST).all()


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
    output.write_text(text, encoding="utf-8")
    return None


def as_csv(rows: pl.DataFrame) -> str:
    """CSV whose text cells no spreadsheet takes for a formula; lists and structs are JSON, bytes hexadecimal."""
    return harmless(_flat(_readable(rows))).write_csv() if rows.width else ""


def as_json(rows: pl.DataFrame) -> str:
    """A list of objects; decimals are text, bytes hexadecimal."""
    return _readable(rows).write_json() + "\n"


def _readable(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with bytes in hexadecimal digits."""
    return rows.with_columns(cs.binary().bin.encode("hex"))


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with each list or struct as JSON."""
    nested = [name for name, kind in rows.schema.items() if kind.is_nested() or isinstance(kind, pl.Map)]
    return rows.with_columns(
        pl.when(pl.col(name).is_not_null())
        .then(pl.struct(pl.col(name).alias("v")).struct.json_encode().str.slice(len('{"v":')).str.head(-1))
        .alias(name)
        for name in nested
    )


def harmless(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with an apostrophe before each text that a spreadsheet would run."""
    texts = cs.string(include_categorical=True) | cs.enum()
    return rows.with_columns(texts.cast(pl.String).str.replace(_FORMULA, "'$1"))


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
    "json": as_json,
}
