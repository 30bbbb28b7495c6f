"""What the models make, one batch of customers after another, so that memory does not grow with the account.

A small account is read and made as it is. A larger one is divided into files once, and each batch is a task of an
engine that makes it from its own files: in processes of this machine, or of others. Knows buckets and the catalogue of
marts; nothing of any figure.
"""

import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import duckdb
import polars as pl

from models import marts
from models.increment import Part, added_up
from models.marts import REFERENCE
from models.terms import Terms
from models.worth import Catalogue, catalogue
from pipelines.warehouse import buckets

Engine = Callable[[Path, Sequence[int], Terms], None]
"""Sees to it that `make` is called for each of the batches of a folder, wherever."""

RATES = "rates.parquet"


def made(connection: duckdb.DuckDBPyConnection, rates: pl.LazyFrame, terms: Terms) -> dict[str, pl.DataFrame]:
    """What is kept of all customers, from the staged tables, all at once.

    Raises:
        As `models.marts.mapped` does.
    """
    return added_up([marts.mapped(buckets.whole(connection), rates, terms)])


def made_by(
    engine: Engine, connection: duckdb.DuckDBPyConnection, rates: pl.LazyFrame, terms: Terms, shared: Path, lines: int
) -> dict[str, pl.DataFrame]:
    """`made`, by tasks of an engine, of about so many invoice lines each, on files of a folder that all of them see.

    The files are gone afterwards. Only numbers go through the engine.
    """
    reference = buckets.whole(connection, REFERENCE)
    with _folder(shared) as name:
        folder = Path(name)
        with buckets.in_memory_of(connection, buckets.TO_DIVIDE):
            batches = _divided(connection, folder, lines)
        for table, rows in reference.items():
            rows.sink_parquet(folder / f"{table}.parquet")
        rates.sink_parquet(folder / RATES)
        with buckets.in_memory_of(connection, buckets.MEANWHILE):
            engine(folder, [batch.number for batch in batches], terms)
        return added_up([_read(folder, batch.number) for batch in batches])


def make(folder: Path, number: int, terms: Terms) -> None:
    """Make one batch of the folder from its files, and leave what was made beside them."""
    staging = buckets.read(folder, number) | _reference(folder)
    made = marts.mapped(staging, pl.scan_parquet(folder / RATES), terms, _sold(folder, terms))
    target = _target(folder, number)
    target.mkdir(parents=True, exist_ok=True)
    for name, rows in made.items():
        rows.write_parquet(target / f"{name}.parquet", compression="lz4")


def _reference(folder: Path) -> dict[str, pl.LazyFrame]:
    return {name: pl.scan_parquet(folder / f"{name}.parquet") for name in REFERENCE}


@lru_cache(maxsize=1)
def _sold(folder: Path, terms: Terms) -> Catalogue:
    """The catalogue of the folder, which remembers what states are worth from batch to batch."""
    reference = _reference(folder)
    return catalogue(reference["prices"], reference["coupons"], terms.policy)


def of_account(
    connection: duckdb.DuckDBPyConnection, kept: Part, rates: pl.LazyFrame, terms: Terms
) -> dict[str, pl.LazyFrame]:
    """The public tables of all customers together, `data_checks` among them, from what is kept of all customers."""
    return marts.reduced([kept], buckets.whole(connection, REFERENCE), rates, terms)


def _divided(connection: duckdb.DuckDBPyConnection, folder: Path, lines: int) -> list[buckets.Batch]:
    buckets.assign(connection)
    batches = list(buckets.cut(buckets.sizes(connection), lines))
    buckets.write(connection, folder, batches)
    buckets.forget(connection)
    return batches


def _folder(within: Path) -> tempfile.TemporaryDirectory[str]:
    within.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="batches-", dir=within)


def _target(folder: Path, number: int) -> Path:
    return folder / "made" / f"batch={number}"


def _read(folder: Path, number: int) -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(_target(folder, number) / f"{name}.parquet") for name in marts.kept()}
