"""Reads the CSV that Stripe's Billing analytics export: MRR per subscriber per month.

Stripe names no columns in its documentation; exports seen have `Customer ID`, `Customer`, `Customer Email`, `Currency`
and a column a month, such as `2026-01`. So columns are found by meaning: any spelling of the customer's id, of a
currency, of months in the header or in a column beside `MRR`; others, such as a subscription's, are left alone, and
rows of one customer are added up. What a cell says is taken strictly: an amount that could be read in two ways is none.
Amounts are in major units.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path

import polars as pl

from models.currency import minor_exponent
from pipelines.errors import SettingsError

MICROS = 1_000_000
CUSTOMER = r"^cus_[A-Za-z0-9]+$"
CURRENCY = r"^[a-z]{3}$"
ID_COLUMNS = ("customerid", "subscriberid", "stripecustomerid", "customer", "subscriber", "id")
NAME_COLUMNS = ("customer", "customername", "subscriber", "subscribername", "name")
CURRENCY_COLUMNS = ("currency", "mrrcurrency", "currencycode")
MONTH_COLUMNS = ("month", "date", "monthend", "monthending", "period", "snapshotdate")
MRR_COLUMNS = ("mrr", "monthlyrecurringrevenue", "mrramount", "amount")
MONTH_NAMES = re.split(
    r"\s+",
    "january february march april may june july august september october november december "
    "jan feb mar apr may jun jul aug sep oct nov dec",
)
MONTHS = {name: place % 12 + 1 for place, name in enumerate(MONTH_NAMES)}
IN_HEADER = (
    re.compile(r"\b(?P<year>\d{4})[-/](?P<month>\d{1,2})(?:[-/]\d{1,2})?\b"),
    re.compile(r"(?<![\d/])(?P<month>\d{1,2})/(?P<year>\d{4})\b"),
    re.compile(rf"\b(?P<word>{'|'.join(MONTHS)})\.?[ -]+(?P<year>\d{{4}})\b"),
    re.compile(rf"\b(?P<year>\d{{4}})[ -]+(?P<word>{'|'.join(MONTHS)})\b"),
)
"""Ways in which a month is written, in lower case."""

AMOUNT = r"^[-−]?(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,12})?$"
NOTHING = ("", "-", "–", "—")
LINE = "line of the file"
LARGEST = 9 * 10**18
TOLD = 40
"""Characters of a faulty cell that a message shows."""

SCHEMA = {
    "customer_id": pl.String(),
    "customer": pl.String(),
    "currency": pl.String(),
    "month": pl.Date(),
    "micros": pl.Int64(),
}


TOLD_OF = ("customer_id", "currency", "month")
"""Of whom and when an amount is."""


class ExportError(SettingsError):
    """A file that is no export of MRR by subscriber, or says something that can't be understood."""


def read(files: Iterable[Path], default_currency: str) -> tuple[pl.DataFrame, int]:
    """The exports as one frame: customer_id, customer (as the export calls it), currency (null where no column says
    it: then amounts are in `default_currency`), month, micros (of minor units); and how many rows named no customer.

    A customer's month that several files tell, as where their months overlap, counts once.

    Raises:
        ExportError: a file that can't be read, or isn't such an export, or tells a month otherwise than another does;
            the message says what is missing.
    """
    files = list(dict.fromkeys(files))
    read_files = [_File(file).rows(default_currency) for file in files]
    rows = pl.concat(
        frame.with_columns(file=pl.lit(str(file))) for file, (frame, _) in zip(files, read_files, strict=True)
    )
    if rows["currency"].is_null().any() and rows["currency"].is_not_null().any():
        raise ExportError("Some of the files have a currency column and some don't; reconcile them one by one.")
    by_file = rows.group_by(*TOLD_OF, "file").agg(pl.col("customer").first(), pl.col("micros").sum())
    return _once(by_file).select(list(SCHEMA)), sum(unnamed for _, unnamed in read_files)


def _once(by_file: pl.DataFrame) -> pl.DataFrame:
    """What each customer's month comes to, whichever of the files tell it."""
    differing = by_file.sort(*TOLD_OF, "file").filter(pl.col("micros").n_unique().over(TOLD_OF) > 1)
    if not differing.is_empty():
        one, other = differing.head(2).iter_rows(named=True)
        raise ExportError(
            f"{one['file']} and {other['file']} tell different amounts of {one['customer_id']} for "
            f"{one['month']:%Y-%m}; reconcile them one by one."
        )
    return by_file.unique(TOLD_OF, keep="first")


class _File:
    """One file, and where its columns are."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.cells = self._cells()
        self.headers = {header: _plain(header) for header in self.cells.columns}

    def rows(self, default_currency: str) -> tuple[pl.DataFrame, int]:
        """The file's rows in the form of `SCHEMA`, and how many named no customer."""
        named = self._named()
        about = {
            "customer_id": pl.col(self._id_column()).str.strip_chars(),
            "customer": self._told(NAME_COLUMNS, but=self._id_column()),
            "currency": self._currency(),
            LINE: pl.col(LINE),
        }
        long = self._long(named, about)
        exponents = {code: minor_exponent(code) for code in long["currency"].drop_nulls().unique()}
        scale = pl.col("currency").replace_strict(
            exponents, default=minor_exponent(default_currency), return_dtype=pl.Int64
        )
        major = pl.col("amount").cast(pl.Decimal(38, 12))
        micros = pl.coalesce(
            pl.when(scale == places).then((major * (MICROS * 10**places)).cast(pl.Int128))
            for places in {minor_exponent(default_currency), *exponents.values()}
        )
        counted = long.with_columns(micros=micros)
        self._refuse(counted.filter(pl.col("micros").abs() > LARGEST), "told", "is too large to be an amount")
        told = counted.with_columns(pl.col("micros").cast(pl.Int64)).select(list(SCHEMA))
        return told, self.cells.height - named.height

    def _cells(self) -> pl.DataFrame:
        """All cells as text, with the number of each line as `row`."""
        try:
            raw = self.file.read_bytes()
            text = raw.decode("utf-8-sig")
        except OSError as error:
            raise ExportError(f"{self.file} can't be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ExportError(f"{self.file} is no UTF-8 text; export it again as CSV.") from None
        first = text.split("\n", 1)[0]
        separator = max(",;\t", key=first.count)
        try:
            cells = pl.read_csv(BytesIO(text.encode()), infer_schema=False, separator=separator)
        except (pl.exceptions.PolarsError, ValueError) as error:
            raise ExportError(f"{self.file} is no CSV: {str(error).splitlines()[0][:200]}.") from None
        if cells.is_empty():
            raise ExportError(f"{self.file} has no rows.")
        if twice := [header for header in cells.columns if re.search(r"_duplicated_\d+$", header)]:
            raise ExportError(
                f"{self.file} has two columns of one name: {twice[0].rsplit('_duplicated_', 1)[0]!r:.60}."
            )
        return cells.with_row_index(LINE, offset=2)

    def _named(self) -> pl.DataFrame:
        """The rows that name a customer."""
        told = pl.col(self._id_column()).fill_null("").str.strip_chars()
        return self.cells.filter(told.str.contains(CUSTOMER))

    def _id_column(self) -> str:
        found = [header for name in ID_COLUMNS for header, plain in self.headers.items() if plain == name]
        for header in found:
            if self.cells[header].fill_null("").str.strip_chars().str.contains(CUSTOMER).any():
                return header
        raise ExportError(
            f"{self.file} has no column of customer ids (cus_…), such as `Customer ID`; its columns are "
            f"{self._columns()}."
        )

    def _told(self, names: Sequence[str], but: str) -> pl.Expr:
        found = [header for name in names for header, plain in self.headers.items() if plain == name and header != but]
        return pl.col(found[0]).str.strip_chars() if found else pl.lit(None, pl.String)

    def _currency(self) -> pl.Expr:
        found = [header for header, plain in self.headers.items() if plain in CURRENCY_COLUMNS]
        if found:
            return pl.col(found[0]).fill_null("").str.strip_chars().str.to_lowercase()
        in_headers = {
            plain[-3:]
            for plain in self.headers.values()
            if re.fullmatch(r"(mrr|monthlyrecurringrevenue)[a-z]{3}", plain)
        }
        return pl.lit(in_headers.pop() if len(in_headers) == 1 else None, pl.String)

    def _long(self, named: pl.DataFrame, about: dict[str, pl.Expr]) -> pl.DataFrame:
        """A row for each customer's row and month, with `amount` as text of a plain number."""
        wide = self._month_columns()
        parts = (
            [named.select(**about, month=pl.lit(month), told=pl.col(header)) for header, month in wide.items()]
            if wide
            else [self._by_row(named, about)]
        )
        long = pl.concat(parts)
        faulty = long.filter(pl.col("currency").is_not_null() & ~pl.col("currency").str.contains(CURRENCY))
        self._refuse(faulty, "currency", "is no ISO currency")
        cleaned = _cleaned(pl.col("told"))
        amounts = long.with_columns(amount=pl.when(cleaned.is_in(NOTHING)).then(pl.lit("0")).otherwise(cleaned))
        self._refuse(
            amounts.filter(~pl.col("amount").str.contains(AMOUNT)), "told", "is no plain amount such as 1234.50"
        )
        self._refuse(amounts.filter(_code(pl.col("told")) != pl.col("currency")), "told", "is in another currency")
        return amounts.with_columns(pl.col("amount").str.replace_all(",", "", literal=True).str.replace("−", "-"))

    def _month_columns(self) -> dict[str, date]:
        found = {header: month for header in self.headers if (month := _month(header)) is not None}
        if len(set(found.values())) < len(found):
            raise ExportError(f"{self.file} has two columns for one month: {', '.join(found)}.")
        return found

    def _by_row(self, named: pl.DataFrame, about: dict[str, pl.Expr]) -> pl.DataFrame:
        """Where a column says the month and another the MRR."""
        months = [header for name in MONTH_COLUMNS for header, plain in self.headers.items() if plain == name]
        amounts = [
            header
            for name in MRR_COLUMNS
            for header, plain in self.headers.items()
            if plain == name or re.fullmatch(rf"{name}[a-z]{{3}}", plain)
        ]
        if not months or not amounts:
            raise ExportError(
                f"{self.file} has neither columns for months, such as `2026-01`, nor a `Month` beside an `MRR`; its "
                f"columns are {self._columns()}."
            )
        known = {told: _month(told) for told in named[months[0]].fill_null("").unique()}
        rows = named.select(
            **about,
            month=pl.col(months[0]).fill_null("").replace_strict(known, return_dtype=pl.Date),
            told=pl.col(amounts[0]),
            month_told=pl.col(months[0]),
        )
        self._refuse(rows.filter(pl.col("month").is_null()), "month_told", "is no month such as 2026-01")
        return rows.drop("month_told")

    def _refuse(self, rows: pl.DataFrame, column: str, why: str) -> None:
        if not rows.is_empty():
            row = rows.row(0, named=True)
            told = re.sub(r"[^ -~]", "?", str(row[column] or ""))[:TOLD]
            raise ExportError(f"{self.file}, line {row[LINE]}: '{told}' {why}.")

    def _columns(self) -> str:
        shown = [re.sub(r"[^ -~]", "?", header)[:TOLD] for header in self.headers if header != LINE]
        return ", ".join(shown[:12]) + (", …" if len(shown) > 12 else "")


def _plain(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def _month(told: str) -> date | None:
    """The first day of the month that a text names, in whatever way."""
    text = told.strip().lower()
    for pattern in IN_HEADER:
        if found := pattern.search(text):
            parts = found.groupdict()
            month = MONTHS[parts["word"]] if parts.get("word") else int(parts["month"])
            return date(int(parts["year"]), month, 1) if 1 <= month <= 12 and int(parts["year"]) > 2000 else None
    return None


def _cleaned(cell: pl.Expr) -> pl.Expr:
    """An amount without its currency's sign or code; in parentheses it is negative, as accountants write it."""
    bare = cell.fill_null("").str.replace_all(r"[\s\u00a0]", "").str.replace(r"^\((.*)\)$", "-$1")
    return bare.str.replace(r"^(-?)[A-Za-z]{0,3}\p{Sc}?(\d)", "$1$2").str.replace(r"(\d)[A-Za-z]{3}$", "$1")


def _code(cell: pl.Expr) -> pl.Expr:
    """The currency's code that stands before or after an amount."""
    return cell.str.extract(r"(?:^|[^A-Za-z])([A-Za-z]{3})(?:$|[^A-Za-z])").str.to_lowercase()
