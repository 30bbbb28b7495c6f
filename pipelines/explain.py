"""`revenue explain`: a published figure followed to Stripe's ids, for a terminal or a file. Reads the published
database alone, read-only.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from dashboards.values import month_text
from models import explain as models
from models.explain import FIGURES, Explanation, Figure, Input
from models.policy import PolicyError
from models.published import NO_ACCOUNT, terms_of
from models.terms import Terms
from pipelines import query
from pipelines.errors import RevenueError, SettingsError
from reports import explained as said

SHOWN_ROWS = 20
OLD = "{} was published by an older version, which left out what explanations need: `revenue build` makes it anew."


@dataclass(frozen=True)
class Asked:
    """What to explain: a figure, its month (None: the last that is over), maybe one customer, one account of several,
    how many rows of each input (0: all), and values of the figure's keys (None: those that it usually means)."""

    figure: Figure
    month: date | None = None
    customer: str | None = None
    account: str | None = None
    limit: int = SHOWN_ROWS
    cell: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Told:
    """An explanation of each currency of the figure, under which terms, and a customer's timeline."""

    asked: Asked
    terms: Terms
    policy_hash: str
    explanations: Sequence[Explanation]
    timeline: pl.DataFrame | None = None

    @property
    def agrees(self) -> bool:
        """Whether all rows add up to what was published."""
        return all(one.agrees for one in self.explanations)


def figure(name: str) -> Figure:
    """The figure of that name.

    Raises:
        SettingsError: there is none; the message says which are near.
    """
    if name in FIGURES:
        return FIGURES[name]
    near = get_close_matches(name.lower(), FIGURES, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise SettingsError(f"There is no metric {name[:60]!r}.{hint} `revenue explain` lists them all.")


def cell(figure: Figure, said: Sequence[str]) -> Mapping[str, str] | None:
    """The values of a figure's keys, from texts such as `policy=stripe`; None where nothing was said.

    Raises:
        SettingsError: a text of another form, or a key that the figure does not have.
    """
    chosen = {}
    for one in said:
        key, equals, value = one.partition("=")
        if not equals or key not in figure.keys:
            keys = ", ".join(f"{key}=…" for key in figure.keys) or "nothing: there is one a month"
            raise SettingsError(f"{figure.name} is chosen by {keys}, not by {one[:60]!r}.")
        chosen[key] = value
    return chosen or None


def listed() -> pl.DataFrame:
    """Every figure with what it is."""
    return pl.DataFrame({"metric": list(FIGURES), "what": [one.metric.formula for one in FIGURES.values()]})


def written_list(form: query.Format, output: Path | None) -> str | None:
    """The list in the form asked for: into a file, or as text to print."""
    if form != "table":
        return query.written(listed(), form, output)
    width = max(map(len, FIGURES))
    text = "".join(f"{name:<{width}}  {what}\n" for name, what in listed().rows())
    if output is None:
        return text
    output.write_text(text, encoding="utf-8")
    return None


def explain(published: Path, asked: Asked) -> Told:
    """Follow a figure to its rows.

    Raises:
        RevenueError: nothing is published, or by an older version.
        SettingsError: an account, a month or a customer that is not there.
    """
    connection = query.connect(published)
    try:
        with query.reading(published):
            row = _publication(connection, published, asked)
            tables = {name: _table(connection, name, str(row["account_id"])) for name in _tables(asked)}
        terms = terms_of(row)
    except (duckdb.CatalogException, KeyError, PolicyError):
        raise RevenueError(OLD.format(published)) from None
    finally:
        connection.close()
    _require_customer(tables, asked)
    month = _month(tables, asked, terms)
    found = models.explain([asked.figure], [month], tables, terms, asked.cell)
    if not found:
        raise SettingsError(_none_such(models.explain([asked.figure], [month], tables, terms, {}), asked, month))
    timeline = None
    if asked.customer is not None and asked.figure.name == "mrr":
        timeline = models.timeline(tables["marts.mrr_changes"], asked.customer)
    return Told(asked, terms, str(row["policy_hash"]), found, timeline)


def written(told: Told, form: query.Format, output: Path | None) -> str | None:
    """The explanation in the form asked for: into a file, or as text to print.

    A table is for reading, with the first rows; CSV and Parquet are the rows alone; JSON is all of it.

    Raises:
        SettingsError: Parquet without a file to write to.
    """
    if form in ("csv", "parquet"):
        return query.written(rows_of(told), form, output)
    text = as_json(told) if form == "json" else "\n".join(lines(told)) + "\n"
    if output is None:
        return text
    output.write_text(text, encoding="utf-8")
    return None


def rows_of(told: Told) -> pl.DataFrame:
    """The rows of every input as one table; amounts in minor units, exact."""
    frames = [
        each.rows.select(
            pl.lit(told.asked.figure.name).alias("metric"),
            pl.lit(one.month).alias("month"),
            *(pl.lit(value).alias(f"of_{key}") for key, value in one.cell.items()),
            pl.lit(each.name).alias("input"),
            pl.all(),
        )
        for one in told.explanations
        for each in _inputs(one, told.asked)
    ]
    limited = [frame.head(told.asked.limit) if told.asked.limit else frame for frame in frames]
    last = ["own_amount", "own_currency", "rate", "amount", "currency"]
    whole = pl.concat(limited, how="diagonal") if limited else pl.DataFrame()
    return whole.select(*(c for c in whole.columns if c not in last), *(c for c in last if c in whole.columns))


def as_json(told: Told) -> str:
    """All of the explanation: words, terms, inputs, rows, sums and verdicts; decimals as text."""
    document = {
        "metric": told.asked.figure.name,
        "title": said.title(told.asked.figure),
        "what": said.sentence(told.asked.figure),
        "formula": said.formula(told.asked.figure),
        "unit": told.asked.figure.unit,
        "policy": told.terms.policy.name,
        "policy_hash": told.policy_hash,
        "timezone": told.terms.timezone,
        "reporting_currency": told.terms.currency,
        "as_of": told.terms.as_of,
        "published_in": f"marts.{told.asked.figure.table}",
        "made_from": models.needed([told.asked.figure]),
        "customer": told.asked.customer,
        "explanations": [_document(one, told.asked) for one in told.explanations],
        "timeline": None if told.timeline is None else told.timeline.to_dicts(),
    }
    return json.dumps(document, default=_plain, ensure_ascii=False, indent=1) + "\n"


def lines(told: Told) -> Iterator[str]:
    """The explanation for a person."""
    asked, terms = told.asked, told.terms
    yield f"{said.title(asked.figure)} ({asked.figure.name})"
    yield said.sentence(asked.figure)
    yield f"Formula: {said.formula(asked.figure)}"
    yield (
        f"Policy {_safe(terms.policy.name)} ({told.policy_hash}), days and months in {terms.timezone}, currency "
        f"{terms.currency.upper()}, as of {terms.as_of:%Y-%m-%d %H:%M} UTC."
    )
    for month in dict.fromkeys(one.month for one in told.explanations):
        cells = [one.cell for one in told.explanations if one.month == month]
        yield f"Published: {_safe(said.published_sql(asked.figure, month, _shared(cells)))}"
    for one in told.explanations:
        yield from ("", _headline(one))
        for each in _inputs(one, asked):
            yield from ("", *_input_lines(one, each, asked))
        if asked.customer is not None or not said.is_its_input(one):
            yield from ("", *_conclusion(one, asked, terms))
    if told.timeline is not None:
        yield from ("", "What each subscription item was worth from when to when:", *_timeline(told.timeline))


def _shared(cells: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """What all of the cells have in common."""
    first, *others = cells
    return {key: value for key, value in first.items() if all(other[key] == value for other in others)}


def _publication(connection: duckdb.DuckDBPyConnection, published: Path, asked: Asked) -> Mapping[str, Any]:
    rows = connection.sql("from revenue.marts.publication order by account_id").pl()
    if "policy_rules" not in rows.columns:
        raise RevenueError(OLD.format(published))
    accounts = rows["account_id"].to_list()
    chosen = asked.account
    if chosen is None and asked.customer is not None and len(accounts) > 1:
        chosen = _account_of(connection, asked.customer)
    if chosen is None and len(accounts) > 1:
        raise SettingsError(f"{len(accounts)} accounts are published: name one with --account ({', '.join(accounts)}).")
    own = rows if chosen is None else rows.filter(account_id=chosen)
    if own.is_empty():
        raise SettingsError(f"Account {chosen!r} is not published; there are {', '.join(accounts)}.")
    row: dict[str, Any] = own.row(0, named=True)
    return row


def _account_of(connection: duckdb.DuckDBPyConnection, customer: str) -> str | None:
    """The account of a customer; None where several have one of that id, or none has."""
    of_customer = "select account_id from revenue.marts.customers where customer_id = ?"
    found = connection.execute(of_customer, [customer]).fetchall()
    return str(found[0][0]) if len(found) == 1 else None


def _tables(asked: Asked) -> tuple[str, ...]:
    names = models.needed([asked.figure])
    return tuple(dict.fromkeys((*names, "marts.customers"))) if asked.customer is not None else names


def _table(connection: duckdb.DuckDBPyConnection, name: str, account: str) -> pl.LazyFrame:
    """A published table's rows of one account, and those that belong to none."""
    sql = f"from revenue.{name} where account_id in (?, ?)"
    rows: pl.DataFrame = connection.sql(sql, params=[account, NO_ACCOUNT]).pl()
    return rows.lazy()


def _require_customer(tables: models.Frames, asked: Asked) -> None:
    if asked.customer is None:
        return
    known = tables["marts.customers"].select("customer_id").collect()["customer_id"]
    if asked.customer not in known:
        near = get_close_matches(asked.customer, known.to_list(), n=1, cutoff=0.8)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise SettingsError(f"There is no customer {asked.customer[:60]!r} among {known.len():,} published.{hint}")


def _month(tables: models.Frames, asked: Asked, terms: Terms) -> date:
    """The month asked for, else the last that is over, else the first."""
    months = models.months(asked.figure, tables, terms)
    if not months:
        raise SettingsError(f"Nothing is published of {asked.figure.name} yet.")
    if asked.month is None:
        over = [month for month, is_partial in months.items() if not is_partial]
        return max(over or months)
    if asked.month not in months:
        first, last = min(months), max(months)
        raise SettingsError(
            f"{asked.figure.name} is not published of {asked.month:%Y-%m}; it is from {first:%Y-%m} to {last:%Y-%m}."
        )
    return asked.month


def _none_such(there: Sequence[Explanation], asked: Asked, month: date) -> str:
    """That nothing is published of the keys asked for, and the values that there are."""
    values = [
        f"{key}={', '.join(dict.fromkeys(_safe(str(one.cell[key])) for one in there))}" for key in asked.figure.keys
    ]
    return f"{asked.figure.name} of {month:%Y-%m} is not published of that; there are {'; '.join(values)}."


def _inputs(one: Explanation, asked: Asked) -> tuple[Input, ...]:
    return one.inputs if asked.customer is None else one.of(asked.customer)


def _headline(one: Explanation) -> str:
    so_far = ", so far" if one.is_partial else ""
    return _safe(f"{month_text(one.month)}{so_far}{said.cell_words(one)}: {said.value_words(one)}")


def _input_lines(one: Explanation, each: Input, asked: Asked) -> Iterator[str]:
    yield f"{each.name}: {each.source.words}{f', of {asked.customer}' if asked.customer else ''}"
    shown = each.rows.head(asked.limit) if asked.limit else each.rows
    if not shown.is_empty():
        yield from _table_lines(shown)
    more = each.rows.height - shown.height
    if more:
        yield f"{more:,} more; --limit 0 shows all, --format csv writes all."
    if asked.customer is None:
        yield said.sum_words(one, each)
        return
    whole = next(full for full in one.inputs if full.name == each.name)
    yield f"{said.rows_words(each.rows.height)} {said.amount_of(each, one.currency)}{_of_whole(one, each, whole)}."


def _of_whole(one: Explanation, each: Input, whole: Input) -> str:
    share = f" ({each.total / whole.total * 100:.2f}%)" if whole.total else ""
    return f" of {said.amount_of(whole, one.currency)}{share}"


def _conclusion(one: Explanation, asked: Asked, terms: Terms) -> Iterator[str]:
    if asked.customer is not None and models.is_sum(one.figure):
        share = models.made_of(one.figure, one.of(asked.customer), one.cell, terms)
        yield f"{asked.customer}'s share: {said.share_words(one, share)}."
    yield said.result_words(one)


def _table_lines(rows: pl.DataFrame) -> Iterator[str]:
    """Rows as aligned columns: amounts in major units, exact; columns that say nothing left out."""
    empty = [column for column in rows.columns if rows[column].null_count() == rows.height]
    same = ["own_amount", "own_currency"] if _is_own(rows) else []
    columns = [column for column in rows.columns if column not in (*empty, *same)]
    cells = [[_cell(column, row) for column in columns] for row in rows.iter_rows(named=True)]
    right = {columns.index(column) for column in columns if rows.schema[column].is_numeric()}
    widths = [max(len(column), *(len(line[at]) for line in cells)) for at, column in enumerate(columns)]
    for line in [columns, *cells]:
        padded = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(padded).rstrip()


def _is_own(rows: pl.DataFrame) -> bool:
    """Whether no row was converted."""
    return rows.filter(~pl.col("own_currency").eq_missing(pl.col("currency"))).is_empty()


def _cell(column: str, row: Mapping[str, Any]) -> str:
    value = row[column]
    if value is None:
        return ""
    if isinstance(value, Decimal):
        if column == "rate":
            return f"{value:f}".rstrip("0").rstrip(".")
        code = row["own_currency"] if column.startswith("own_") else row["currency"]
        text = said.exact(value, code)
        return text.rpartition(" ")[0] if code else text
    return _safe(value.isoformat() if isinstance(value, date) else str(value))


def _timeline(timeline: pl.DataFrame) -> Iterator[str]:
    if timeline.is_empty():
        yield "never anything."
        return
    days = timeline.with_columns(pl.col("from_at", "to_at").dt.strftime("%Y-%m-%d %H:%M"))
    amounts = {"own_currency": "currency", "own_amount": "amount"}
    named = days.rename({"mrr": "amount"}).with_columns(**amounts)
    yield from _table_lines(named.select(pl.exclude("amount", "currency"), "amount", "currency"))


def _document(one: Explanation, asked: Asked) -> dict[str, Any]:
    return {
        "month": one.month,
        "is_partial": one.is_partial,
        "of": dict(one.cell),
        "currency": one.currency,
        "value": said.value_words(one),
        "numerator": one.numerator,
        "denominator": one.denominator,
        "as_published": one.agrees,
        "inputs": [
            {
                "input": each.name,
                "what": each.source.words,
                "unit": each.source.unit,
                "row_count": each.rows.height,
                "sum": each.total,
                "rows": (each.rows.head(asked.limit) if asked.limit else each.rows).to_dicts(),
            }
            for each in _inputs(one, asked)
        ],
    }


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{value!r} has no form in JSON")


def _safe(text: str) -> str:
    """Text from outside without what a terminal would obey."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)
