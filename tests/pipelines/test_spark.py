"""Spark makes every table as the process itself does, to the last digit."""

from pathlib import Path

import pytest

from pipelines import spark
from pipelines.warehouse import parts
from pipelines.warehouse.database import open_warehouse
from tests.models.batched import rows_of, stage
from tests.models.grown import grown

pytestmark = [pytest.mark.waits, pytest.mark.skipif(spark.missing() is not None, reason=str(spark.missing()))]


def test_tasks_of_spark_make_what_one_process_makes(tmp_path: Path) -> None:
    """120 customers as four tasks on two cores."""
    company = grown(7)
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        stage(connection, company.staging)
        lines = connection.execute("select count(*) from staging.invoice_lines").fetchall()[0][0]
        here = parts.made(connection, company.rates.lazy(), company.terms)
        engine = spark.engine("local[2]")
        there = parts.made_by(engine, connection, company.rates.lazy(), company.terms, tmp_path, lines // 4 + 1)
    rows, expected = rows_of(there), rows_of(here)
    assert [name for name in expected if not rows[name].equals(expected[name])] == []
    assert not list(tmp_path.glob("batches-*"))
