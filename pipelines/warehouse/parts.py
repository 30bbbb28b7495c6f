"""What the models make, one batch of customers after another, so that memory does not grow with the account.

A small account is one batch and is read as it is. A larger one is divided into files once, and each batch is made from
its own. Knows buckets and the catalogue of marts; nothing of any figure.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from models import marts
from models.marts import REFERENCE
from models.terms import Terms
from pipelines.warehouse import buckets

Part = Mapping[str, pl.DataFrame]


def made(
    connection: duckdb.DuckDBPyConnection,
    rates: pl.LazyFrame,
    terms: Terms,
    scratch: Path,
    lines: int = buckets.LINES_A_BATCH,
) -> dict[str, pl.LazyFrame]:
    """Every public table that the models make, `data_checks` among them, from the staged ones.

    `scratch` is the folder for files of batches, which are gone afterwards; `lines` how many invoice lines are worked
    on at once.

    Raises:
        As `models.marts.mapped` does.
    """
    reference = buckets.whole(connection, REFERENCE)
    batches = buckets.batches(connection, lines)
    if len(batches) == 1:
        parts = [marts.mapped(buckets.whole(connection), rates, terms)]
        return joined(parts, reference, rates, terms)
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="batches-", dir=scratch) as folder:
        buckets.write(connection, Path(folder), batches)
        parts = [marts.mapped(buckets.read(Path(folder), one.number) | reference, rates, terms) for one in batches]
    return joined(parts, reference, rates, terms)


def joined(
    parts: list[dict[str, pl.DataFrame]], reference: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms
) -> dict[str, pl.LazyFrame]:
    """The tables of customers, those of all parts in one, and those of the account."""
    of_account = marts.reduced(parts, reference, rates, terms)
    of_customers = {
        name: pl.concat([part.pop(f"marts.{name}") for part in parts]).lazy() for name in marts.names(marts.CUSTOMERS)
    }
    return of_customers | of_account
