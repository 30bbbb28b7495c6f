"""A page for every figure: the rows behind it in its last full month, down to links to Stripe's own pages.

Found in the published tables, marts and staging, by `models.explain`; a file that an older version published has not
all of them, and then there are no such pages.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import polars.selectors as cs

from dashboards.page import Block, Column, Download, Facts, Listing, Page, Row, Section, Table, TableBlock
from dashboards.values import MINUS, Cell, Count, Link, Verdict, month_text
from models.explain import FIGURES, Explanation, Figure, Input, explain, months, needed
from models.lineage.source import NUMBER
from models.policy import GROUPS
from models.published import NO_ACCOUNT, terms_of
from models.terms import Terms as ModelTerms
from reports import explained as said
from reports.glossary import SHORT
from reports.marts import Marts, publication_of
from reports.names import customer_names, distinct, sentence_case
from reports.names import words as code_words
from reports.rows import Rows
from reports.terms import Terms

SHOWN_ROWS = 12
FILE_ROWS = 5_000
"""Rows of an input that are in the file beside its page, the largest."""

WITHOUT_PAGE = frozenset({"mrr_under_policy", *(f"policy_{group}" for group in GROUPS)})
"""Figures that the command alone follows: the page of the whole difference says of each row which rules it is of."""

PAGED = tuple(one for one in FIGURES.values() if one.name not in WITHOUT_PAGE)

SHOWN_CELLS = 6
"""Figures that a page shows, of those with more than one a month."""

EARLIER = {"cohort_retention": 12}
"""How many months before the last a page shows, by table: of a cohort that has just begun there is nothing to see."""

AGES = ("months_since", "tenure_month")
"""Keys that count months: of these a page shows some from all over."""

MOST_ROWS = 2_000_000
"""Rows of the tables that a page may be made from; beyond, the command alone follows a figure to its rows."""

BELONGS_TO: Mapping[str, tuple[str, ...]] = {
    "mrr_movements": ("new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "fx_mrr"),
    "customers": ("customers", "new_customers", "reactivated_customers", "churned_customers"),
    "churn_kind": ("churned_customers", "churn_mrr", "paused_mrr"),
    "net_volume": ("net_volume", "gross_volume", "fees"),
    "cash": (
        *("cash_charges", "cash_refunds", "cash_disputes", "cash_fees", "cash_adjustments", "cash_net", "cash_payouts"),
        "cash_closing_balance",
    ),
    "recognised_revenue": ("recognized", "earned", "contra_revenue", "bad_debt", "billed"),
    "deferred_revenue": ("deferred_closing", "deferred_opening"),
    "payout_reconciliation": ("payout",),
    "balance_reconciliation": ("cash_closing_balance", "cash_net", "cash_payouts"),
    "mrr_by_policy": ("policy_difference",),
    "cohort_retention": ("cohort_customer_retention", "cohort_mrr_retention"),
    "survival": ("survival", "survival_at_risk", "survival_churned"),
    "refund_volume_rate": ("refund_volume_rate", "refund_count_rate", "refunds"),
    "dispute_rate": ("dispute_rate", "disputes"),
    "recovery_rate": ("recovery_rate", "failed_invoices", "failed_amount", "recovered_invoices", "recovered_amount"),
    "trial_conversion_rate": ("trial_conversion_rate", "trials_started"),
}
"""Terms under which several figures stand, or one of another name."""

PLACES: Mapping[str, str] = {
    "cus": "customers",
    "sub": "subscriptions",
    "in": "invoices",
    "ch": "payments",
    "py": "payments",
    "du": "disputes",
    "dp": "disputes",
    "po": "payouts",
    "price": "prices",
}
"""Beginning of an id, and where Stripe's dashboard shows the object; others are found by its search."""

SEARCHED = frozenset({"re", "pyr", "txn", "il", "ii", "cn", "si"})
SLUG = re.compile(r"[^a-z0-9]+")
ID = re.compile(r"([a-z]+)_[A-Za-z0-9_]+")
TABLES_THERE = """
select table_schema, table_name from information_schema.tables where table_catalog = current_catalog()
"""
STRIPE = "https://dashboard.stripe.com/"
AMOUNTS = ("amount", "own_amount", "rate")
NOT_SHOWN = frozenset({"currency", "own_currency", "own_before", "own_after", "price_id", "movement_type"})
"""Columns that the file has and the page has no room for."""


def pages(connection: duckdb.DuckDBPyConnection, account_id: str, through: date | None = None) -> list[Page]:
    """The pages of one account, in order of the figures; none where the file is of an older version.

    `connection` is a cursor on the published database; with `through` no month after it is shown.
    """
    publication = _publication(connection, account_id)
    if publication is None:
        return []
    row = publication.row(0, named=True)
    found = _explained(connection, account_id, terms_of(row), through)
    address = dashboard(account_id, row["livemode"])
    told = publication_of({"publication": publication})
    names = customer_names(Marts({"customers": _table(connection, "marts.customers", account_id).collect()}, told))
    shown = Shown(Terms(told), names, address)
    return [_page(one, found.get(one.name, []), shown) for one in PAGED]


@dataclass(frozen=True)
class Shown:
    """What cells are made with: the terms, what customers are called, and where Stripe shows the account's objects."""

    terms: Terms
    names: Mapping[str, str]
    dashboard: str


def _publication(connection: duckdb.DuckDBPyConnection, account_id: str) -> pl.DataFrame | None:
    """The account's row of `marts.publication`; None where a table or a column is not there that pages need."""
    there = {f"{schema}.{table}" for schema, table in connection.execute(TABLES_THERE).fetchall()}
    if not there.issuperset(needed(PAGED)):
        return None
    rows: pl.DataFrame = connection.sql("from marts.publication where account_id = ?", params=[account_id]).pl()
    has_all = {"policy_rules", "livemode"} <= set(rows.columns)
    return rows if has_all and not rows.is_empty() else None


def _explained(
    connection: duckdb.DuckDBPyConnection, account_id: str, terms: ModelTerms, through: date | None
) -> dict[str, list[Explanation]]:
    """The explanations of the last full month of each figure that has one and is not too large."""
    sizes = {name: _size(connection, name) for name in needed(PAGED)}
    figures = [one for one in PAGED if sum(sizes[name] for name in needed([one])) <= MOST_ROWS]
    tables = {name: _table(connection, name, account_id) for name in needed(figures)}
    by_month: dict[date, list[Figure]] = {}
    for one in figures:
        month = _last_month(one, tables, terms, through)
        if month is not None:
            by_month.setdefault(month, []).append(one)
    found: dict[str, list[Explanation]] = {}
    for month, of_month in by_month.items():
        for each in explain(of_month, [month], tables, terms):
            found.setdefault(each.figure.name, []).append(each)
    return found


def _size(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    ((rows,),) = connection.execute(f"select count(*) from {name}").fetchall()  # noqa: S608 - names of our own tables
    return int(rows)


def _table(connection: duckdb.DuckDBPyConnection, name: str, account_id: str) -> pl.LazyFrame:
    sql = f"from {name} where account_id in (?, ?)"
    rows: pl.DataFrame = connection.sql(sql, params=[account_id, NO_ACCOUNT]).pl()
    return rows.lazy().with_columns(cs.datetime(time_zone="*").dt.convert_time_zone("UTC"))


def _last_month(
    figure: Figure, tables: Mapping[str, pl.LazyFrame], terms: ModelTerms, through: date | None
) -> date | None:
    """The last month that is over, else the one that runs."""
    there = {
        month: is_partial
        for month, is_partial in months(figure, tables, terms).items()
        if through is None or month <= through
    }
    over = sorted(month for month, is_partial in there.items() if not is_partial) or sorted(there)
    return over[max(0, len(over) - 1 - EARLIER.get(figure.table, 0))] if over else None


def _page(figure: Figure, found: Sequence[Explanation], with_: Shown) -> Page:
    shown = _shown(figure, found)
    named = zip(shown, distinct(map(_slug, shown)), strict=True)
    sections = [Section(_heading(one), tuple(_blocks(one, slug, with_))) for one, slug in named]
    what = [said.sentence(figure), *(f"{_heading(one)}: {said.value_words(one)}." for one in shown)]
    if len(shown) < len(found):
        what.append(f"{len(found)} are published of that month; the commands below show each.")
    if not found:
        what.append("There are no rows here: none yet, or too many for a page; the command below has them.")
    behind = tuple(dict.fromkeys((figure.name, *(term for term, names in BELONGS_TO.items() if figure.name in names))))
    return Page(
        f"explain-{figure.name.replace('_', '-')}",
        said.title(figure),
        tuple(what),
        (*sections, Section("All of it", (Listing(tuple(_commands(figure, found))),))),
        shows=figure.name,
        behind=behind,
    )


def _shown(figure: Figure, found: Sequence[Explanation]) -> Sequence[Explanation]:
    """Of many figures of a month those that a page has room for; none of the keyed ones that have nothing behind."""
    if not figure.keys:
        return found
    filled = [one for one in found if any(not each.rows.is_empty() for each in one.inputs)]
    step = -(-len(filled) // SHOWN_CELLS) if figure.keys[-1] in AGES else 1
    return filled[:: max(step, 1)][:SHOWN_CELLS]


def _heading(one: Explanation) -> str:
    so_far = " so far" if one.is_partial else ""
    currency = f", {(one.currency or '').upper()}" if one.figure.in_own_currency else ""
    return f"{month_text(one.month)}{so_far}{currency}{said.cell_words(one)}"


def _slug(one: Explanation) -> str:
    """Which of a figure's cells it is, as part of a file's name; two values of metadata can have the same."""
    of_currency = (one.currency or "",) if one.figure.in_own_currency else ()
    cell = (SLUG.sub("-", str(value).lower()) for value in one.cell.values())
    return "-".join(filter(None, (*of_currency, *cell)))


def _blocks(one: Explanation, slug: str, with_: Shown) -> Iterator[Block]:
    yield Facts(tuple(_facts(one)))
    for each in one.inputs:
        if not each.rows.is_empty():
            yield _rows_block(one, slug, each, with_)


def _facts(one: Explanation) -> Iterator[tuple[str, Cell]]:
    yield "Formula", said.formula(one.figure)
    for each in one.inputs:
        yield f"{each.name}: {each.source.words}", _typeset(said.sum_words(one, each))
    if not said.is_its_input(one):
        yield "Result", _typeset(said.result_words(one))
    yield "Rows are as published", Verdict(one.agrees)
    yield "Published in", f"marts.{one.figure.table}"
    yield "Rows come from", ", ".join(name for name in needed([one.figure]) if name != "marts.publication")
    if one.figure.name in SHORT:
        yield "Definition", Link(said.title(one.figure), f"definitions.html#{one.figure.name}")
    yield "Other figures", Link("All that can be followed to their rows", "definitions.html#rows-behind-the-figures")


def _rows_block(one: Explanation, slug: str, each: Input, with_: Shown) -> TableBlock:
    columns = _columns(each.rows)
    shown, whole = each.rows.head(SHOWN_ROWS), each.rows.height

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        """As the page has them: named, and with the own amount in one cell with its currency."""
        whose = with_.names.get(row["customer_id"], row["customer_id"]) or "No customer"
        return (whose, *(_shown_cell(column, row, with_) for column in columns))

    def all_cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return tuple(_cell(column, row, with_) for column in each.rows.columns)

    rows = [Row(cells(row)) for row in shown.iter_rows(named=True)]
    rows += _totals(each, shown, len(columns), one.currency, with_.terms)
    name = "-".join(filter(None, ("explain", one.figure.name, each.name, slug))).replace("_", "-")
    caption = f"Rows of {each.name}, {_heading(one)}, the largest first"
    in_file = each.rows.head(FILE_ROWS)
    notes = ("Rounded to the minor unit here, exact in the file",) if each.source.unit != NUMBER else ()
    if in_file.height < whole:
        notes = (*notes, f"The file has the {in_file.height:,} largest of {whole:,}")
    return TableBlock(
        f"{each.name}: {each.source.words}",
        Table(
            name,
            caption,
            (Column("Customer"), *(Column(sentence_case(column)) for column in columns)),
            tuple(rows),
            notes,
            sortable=False,
            download=Download(name, tuple(each.rows.columns), Rows(in_file, all_cells)),
        ),
        "Rows in numbers" if each.source.unit == NUMBER else (one.currency or "").upper(),
        _typeset(said.sum_words(one, each)),
        "",
    )


def _typeset(words: str) -> str:
    """With a true minus before figures, as the tables have it."""
    return re.sub(r"-(?=\d)", MINUS, words)


def _columns(rows: pl.DataFrame) -> list[str]:
    """What a page shows of the rows: no empty columns, no own amount where nothing was converted; amounts first."""
    converted = rows.filter(~pl.col("own_currency").eq_missing(pl.col("currency")))
    unconverted = ("own_amount", "rate") if converted.is_empty() else ()
    same_day = ("rated_on",) if "changed_on" in rows.columns else ()
    dropped = {*NOT_SHOWN, *unconverted, *same_day}
    shown = [one for one in rows.columns if one not in dropped and rows[one].null_count() < rows.height]
    return sorted(shown, key=lambda column: AMOUNTS.index(column) if column in AMOUNTS else len(AMOUNTS))


def _totals(each: Input, shown: pl.DataFrame, columns: int, currency: str | None, terms: Terms) -> Iterator[Row]:
    def amount(minor: Decimal) -> Cell:
        return Count(int(minor)) if each.source.unit == NUMBER else terms.money(minor, currency)

    others = ("",) * (columns - 1)
    rest = each.rows.height - shown.height
    if rest:
        yield Row((f"{rest:,} more", amount(each.total - Decimal(shown["amount"].sum() or 0)), *others), "part")
    yield Row((f"All {each.rows.height:,}", amount(each.total), *others), "total")


def _shown_cell(column: str, row: Mapping[str, Any], with_: Shown) -> Cell:
    if column == "own_amount":
        was_converted = row["own_amount"] is not None and row["own_currency"] != row["currency"]
        return with_.terms.words(row["own_amount"], row["own_currency"]) if was_converted else None
    cell = _cell(column, row, with_)
    return code_words(cell) if isinstance(cell, str) and not column.endswith("_id") else cell


def _cell(column: str, row: Mapping[str, Any], with_: Shown) -> Cell:
    value = row[column]
    if value is None:
        return None
    if column == "rate":
        return f"{value:f}".rstrip("0").rstrip(".")
    if isinstance(value, Decimal):
        code = row["own_currency"] if column.startswith("own_") else row["currency"]
        return with_.terms.money(value, code) if code else Count(int(value))
    if column.endswith("_id"):
        return _linked(str(value), with_.dashboard)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, date) else str(value)


def _linked(id_: str, dashboard: str) -> Cell:
    """An id that leads to Stripe's page of the object, or to its search; the part before a slash, of a pair."""
    first = id_.partition("/")[0].partition(":")[0]
    known = ID.fullmatch(first)
    if known is None:
        return id_
    if known[1] in PLACES:
        return Link(id_, f"{dashboard}{PLACES[known[1]]}/{first}")
    return Link(id_, f"{dashboard}search?query={first}") if known[1] in SEARCHED else id_


def dashboard(account_id: str, livemode: bool | None) -> str:
    """Where Stripe shows the account's objects; its test mode has pages of its own."""
    account = f"{account_id}/" if ID.fullmatch(account_id) else ""
    return f"{STRIPE}{account}{'test/' if livemode is False else ''}"


def _commands(figure: Figure, found: Sequence[Explanation]) -> Iterator[tuple[str, str]]:
    month = f" --month {found[0].month:%Y-%m}" if found else ""
    yield f"revenue explain {figure.name}{month} --limit 0", "Every row, in a terminal"
    file = f"{figure.name}.csv"
    yield f"revenue explain {figure.name}{month} --format csv --output {file}", "Every row, in a file"
    for key in figure.keys:
        yield f"revenue explain {figure.name}{month} --of {key}=…", f"Of one {key.replace('_', ' ')}"
    yield f"revenue explain {figure.name}{month} --customer cus_…", "One customer's rows, and its part"
    if found:
        sql = said.published_sql(figure, found[0].month, figure.usual)
        yield f'revenue query "{sql}"', "The figure as it is published"
