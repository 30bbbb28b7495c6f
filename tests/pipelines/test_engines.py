"""Tasks of an engine make every table as one process does by itself, to the last digit."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines import processes, spark
from pipelines.errors import SettingsError
from pipelines.warehouse import parts
from pipelines.warehouse.database import open_warehouse
from tests.models.batched import rows_of, stage
from tests.models.grown import grown

pytestmark = pytest.mark.waits

ENGINES: dict[str, Callable[[], parts.Engine]] = {
    "processes": lambda: processes.engine,
    "spark": lambda: spark.engine("local[2]"),
}
without_java = pytest.mark.skipif(spark.missing() is not None, reason=str(spark.missing()))


@pytest.mark.parametrize("name", ["processes", pytest.param("spark", marks=without_java)])
def test_tasks_make_what_one_process_makes(name: str, tmp_path: Path) -> None:
    """120 customers as four tasks, two at once."""
    company = grown(7)
    rates = company.rates.lazy()
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        stage(connection, company.staging)
        lines = connection.execute("select count(*) from staging.invoice_lines").fetchall()[0][0]
        here = parts.made(connection, rates, company.terms)
        there = parts.made_by(ENGINES[name](), connection, rates, company.terms, tmp_path, lines // 4 + 1)
        made = [parts.of_account(connection, kept, rates, company.terms) for kept in (there, here)]
    rows, expected = map(rows_of, made)
    assert set(rows) == set(expected)
    assert [table for table in expected if not rows[table].equals(expected[table])] == []
    assert not list(tmp_path.glob("batches-*"))


def test_what_is_wrong_with_a_batch_is_told_as_it_is_and_its_files_are_gone(tmp_path: Path) -> None:
    """Exchange rates that say no rate, and customers who pay in several currencies."""
    company = grown(7)
    rates = company.rates.lazy().drop("rate")
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        stage(connection, company.staging)
        with pytest.raises(pl.exceptions.ColumnNotFoundError, match="rate"):
            parts.made_by(processes.engine, connection, rates, company.terms, tmp_path, 10_000)
    assert not list(tmp_path.glob("batches-*"))


def test_spark_without_java_is_refused_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(spark, "find_spec", lambda _: object())
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SettingsError, match="install a Java 17 or later"):
        spark.engine("local[2]")
