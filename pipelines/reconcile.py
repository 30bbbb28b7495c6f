"""`revenue reconcile`: MRR by the preset `stripe` against the CSV that Stripe's dashboard exports, by customer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from models.contracts import staging
from models.contracts.spine import DailyRates
from models.currency import minor_exponent
from models.fx import MissingRateError
from models.known import Known
from models.policy import PRESETS
from models.reconciliation import reconciled
from models.spine import daily_rates
from models.terms import Terms
from models.worth import catalogue
from pipelines import query, rates, stripe_export
from pipelines.errors import SettingsError
from pipelines.settings import Settings
from pipelines.stripe_export import MICROS, ExportError

SHOWN = 20
TERMS = """
select publication.as_of, publication.timezone, publication.currency,
       accounts.timezone as account_timezone, accounts.default_currency, publication.account_id
from publication left join staging.accounts on accounts.id = publication.account_id
"""
CAUSES = {
    "timing": "day",
    "trials": "trials",
    "cancel_timing": "cancellations",
    "discounts": "discounts",
    "pauses": "pauses",
    "dunning": "late payment",
    "fx": "exchange rates",
    "other": "other rules",
    "several": "several rules",
    "missing_here": "missing here",
    "missing_there": "missing in export",
    "unknown_customer": "unknown customer",
    "unexplained": "unexplained",
}
"""Causes as the terminal and the file call them."""


@dataclass(frozen=True)
class Reconciliation:
    """What was compared, in lines for a person, and whether all of it agrees."""

    lines: tuple[str, ...]
    agrees: bool


def reconcile(settings: Settings, files: Sequence[Path], tolerance: Decimal, account: str | None) -> Reconciliation:
    """Compare the exports with what is published, write `reconciliation.csv` into the home and tell what differs.

    `tolerance` is in major units of each currency, a customer and month; a currency's smallest unit is always allowed,
    for exports are rounded to it.

    Raises:
        RevenueError: nothing is published.
        ExportError: a file that can't be read, is no such export, or has no month that we hold.
        SettingsError: the file's customers are of several accounts and none was named.
    """
    with query.connect(settings.published) as connection, query.reading(settings.published):
        own, export, unnamed = _read(connection, files, account)
        frames = {table.table_name: _table(connection, table, own["account_id"]) for table in staging.TABLES}
    terms = Terms(
        own["as_of"],
        own["account_timezone"] or own["timezone"],
        own["default_currency"] or own["currency"],
        PRESETS["stripe"],
    )
    theirs, left_out = _of_full_months(export, terms)
    known = Known(frames, terms)
    prices = catalogue(frames["prices"], frames["coupons"], terms.policy)
    daily = _rates(theirs, known, settings, terms)
    allowed = {code: _micros(tolerance, code) for code in _currencies(theirs, known, terms)}
    compared = reconciled(theirs.drop("customer"), known, prices, daily, terms, allowed)
    names = theirs.select("customer_id", "customer").drop_nulls().unique("customer_id", keep="first")
    told = compared.join(names, on="customer_id", how="left")
    file = settings.home / "reconciliation.csv"
    _write(told, file)
    lines = _lines(told, terms, tolerance, [*left_out, *_of_unnamed(unnamed)])
    return Reconciliation((*lines, f"Every customer and month: {file}"), bool(compared["matches"].all()))


def _read(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], account: str | None
) -> tuple[dict[str, Any], pl.DataFrame, int]:
    """The publication's row of the account that the files are of, what they say, and how many rows named nobody."""
    rows = connection.sql(TERMS).pl()
    default = rows["default_currency"].drop_nulls().first() or rows["currency"].first()
    export, unnamed = stripe_export.read(files, str(default))
    if account is None and rows.height > 1:
        customers = connection.sql("select account_id, id as customer_id from staging.customers").pl()
        found = sorted(customers.join(export, on="customer_id", how="semi")["account_id"].unique())
        if len(found) != 1:
            raise SettingsError(f"The file's customers are of {len(found)} accounts here: name one with --account.")
        account = found[0]
    own = rows if account is None else rows.filter(account_id=account)
    if own.is_empty():
        raise SettingsError(f"{account} is not published; there are {', '.join(rows['account_id'])}.")
    return own.row(0, named=True), export, unnamed


def _table(connection: duckdb.DuckDBPyConnection, table: type[staging.Staged], account: str) -> pl.LazyFrame:
    name = f'staging."{table.table_name}"'
    of_account = f"where {'id' if table.table_name == 'accounts' else 'account_id'} = ?"
    rows: pl.DataFrame = connection.sql(f"from {name} {of_account}", params=[account]).pl()
    return rows.lazy()


def _rates(theirs: pl.DataFrame, known: Known, settings: Settings, terms: Terms) -> pl.LazyFrame:
    """Daily rates of every currency; none where the export's amounts are in the customers' own."""
    if not theirs["currency"].is_null().any():
        return DailyRates.create_empty().lazy()
    try:
        return daily_rates(known, list(known.lives["currency"].unique()), rates.load(settings.rate_file), terms)
    except MissingRateError as error:
        raise SettingsError(f"The export's amounts are converted, and here {error}.") from None


def _of_full_months(export: pl.DataFrame, terms: Terms) -> tuple[pl.DataFrame, list[str]]:
    """The export's months that were over at the as-of instant, and words on the others."""
    over = pl.col("month").dt.month_end() < terms.as_of_day
    later = export.filter(~over)["month"].unique().sort().to_list()
    theirs = export.filter(over)
    if theirs.is_empty():
        raise ExportError(
            f"No month of the export was over at the as-of instant, {terms.as_of:%Y-%m-%d %H:%M} UTC: there is nothing "
            "to compare."
        )
    words = f"{', '.join(map(_month, later))} left out: not over at the as-of instant." if later else ""
    return theirs, [words] if words else []


def _of_unnamed(rows: int) -> list[str]:
    return [f"{rows} rows of the export name no customer and are left out."] if rows else []


def _currencies(theirs: pl.DataFrame, known: Known, terms: Terms) -> set[str]:
    return {terms.currency, *theirs["currency"].drop_nulls(), *known.lives["currency"]}


def _micros(tolerance: Decimal, currency: str) -> int:
    return max(MICROS, int(tolerance.scaleb(minor_exponent(currency)) * MICROS))


def _write(told: pl.DataFrame, file: Path) -> None:
    """The comparison as a CSV, amounts in major units, no text a formula."""
    columns = {"theirs_micros": "stripe_mrr", "ours_micros": "our_mrr", "difference_micros": "difference"}
    amounts = {
        name: pl.Series(
            [_major(micros, code) for micros, code in told.select(column, "currency").iter_rows()], dtype=pl.String
        )
        for column, name in columns.items()
    }
    rows = query.harmless(
        told.select("month", "customer_id", "customer", "currency", "matches", "cause", "words")
    ).with_columns(**amounts)
    order = ("month", "customer_id", "customer", "currency", *columns.values(), "matches", "cause", "words")
    file.write_text(rows.select(order).write_csv(), encoding="utf-8")


def _lines(told: pl.DataFrame, terms: Terms, tolerance: Decimal, remarks: Sequence[str]) -> Iterator[str]:
    matched, all_rows = told["matches"].sum(), told.height
    months = told["month"].n_unique()
    share = f"{100 * matched / all_rows:.1f}%" if all_rows else "nothing"
    yield (
        f"MRR by the preset stripe ({terms.policy.hash}) as of {terms.as_of:%Y-%m-%d %H:%M} UTC, months in "
        f"{terms.timezone}, against the export."
    )
    yield (
        f"{share} match: {matched:,} of {all_rows:,} customer months, in {months} months, to {tolerance:f} or a "
        "currency's smallest unit."
    )
    yield from remarks
    yield from _by_month(told)
    different = told.filter(~pl.col("matches"))
    if not different.is_empty():
        yield from _by_cause(different)
        yield from _largest(different)


def _by_month(told: pl.DataFrame) -> Iterator[str]:
    yield f"{'month':9} {'':4} {'export':>18} {'here':>18} {'difference':>16}   match"
    sums = told.group_by("month", "currency").agg(
        pl.col("theirs_micros", "ours_micros", "difference_micros").sum(),
        matched=pl.col("matches").sum(),
        rows=pl.len(),
    )
    for row in sums.sort("month", "currency").iter_rows(named=True):
        export, here, difference = (
            _grouped(row[name], row["currency"]) for name in ("theirs_micros", "ours_micros", "difference_micros")
        )
        yield (
            f"{_month(row['month']):9} {row['currency'].upper():4} {export:>18} {here:>18} {difference:>16}   "
            f"{row['matched']:,} of {row['rows']:,}"
        )


def _by_cause(different: pl.DataFrame) -> Iterator[str]:
    yield "Probable causes, by how many customer months differ:"
    counts = different.group_by("cause", "words").agg(rows=pl.len()).sort("rows", "words", descending=[True, False])
    for row in counts.iter_rows(named=True):
        yield f"{row['rows']:>7,}  {CAUSES[row['cause']]}: {row['words']}"


def _largest(different: pl.DataFrame) -> Iterator[str]:
    yield f"The {min(SHOWN, different.height)} largest differences:"
    scale = {code: 10 ** minor_exponent(code) for code in different["currency"].unique()}
    ordered = different.with_columns(
        size=pl.col("difference_micros").abs() / pl.col("currency").replace_strict(scale, return_dtype=pl.Float64)
    ).sort("size", "month", "customer_id", descending=[True, False, False])
    for row in ordered.head(SHOWN).iter_rows(named=True):
        export, here, difference = (
            _grouped(row[name], row["currency"]) for name in ("theirs_micros", "ours_micros", "difference_micros")
        )
        named = f" ({_harmless(row['customer'])})" if row["customer"] else ""
        yield (
            f"  {_month(row['month'])} {row['customer_id']}{named}: export {export}, here {here}, difference "
            f"{difference} {row['currency'].upper()}: {CAUSES[row['cause']]} – {row['words']}"
        )


def _harmless(text: str) -> str:
    """Text of the export without anything that a terminal would obey."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "?", text)[:40]


def _major(micros: int, currency: str) -> str:
    """An exact amount in major units, with no more decimals than it takes."""
    exact = Decimal(micros).scaleb(-6 - minor_exponent(currency))
    rounded = round(exact, minor_exponent(currency))
    return f"{rounded if rounded == exact else exact.normalize():f}"


def _grouped(micros: int, currency: str) -> str:
    places = minor_exponent(currency)
    return f"{round(Decimal(micros).scaleb(-6 - places), places) + 0:,.{places}f}"


def _month(month: date) -> str:
    return f"{month:%b %Y}"
