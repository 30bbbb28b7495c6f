"""Reading the published database: what is there, what is not, and what it rests on."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from reports.marts import Marts, publication_of, read, through
from reports.overview import page
from reports.site import REPORTS, build
from reports.terms import Terms
from tests.reports.company import company, marts, published

SEP = date(2026, 9, 1)


def test_a_database_without_a_publication_table_still_gives_pages(tmp_path: Path) -> None:
    file = published(company(5, 4), tmp_path / "revenue.duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table marts.publication")
        read_back = read(connection)
        assert read_back.publication.as_of == datetime(2026, 11, 15, 12, tzinfo=UTC)
        assert read_back.publication.currency == "usd"
        files = build(connection, tmp_path / "site", now=datetime(2026, 11, 16, tzinfo=UTC))
    assert "published 16 Nov 2026" in files[0].read_text(encoding="utf-8")


def test_an_empty_database_gives_every_page(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        files = build(connection, tmp_path / "site")
    assert len([file for file in files if file.suffix == ".html"]) == len(REPORTS)


def test_a_missing_table_reads_as_one_without_rows() -> None:
    tables = Marts({}, publication_of({}))
    assert tables.table("customers").is_empty()
    assert "mrr_reporting" in tables.table("customers").columns


def test_another_attached_database_is_not_mistaken_for_the_published_one(tmp_path: Path) -> None:
    mine = published(company(5, 4), tmp_path / "mine.duckdb")
    other = published(marts({}), tmp_path / "other.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{other}' as other (read_only)")
        connection.execute(f"attach '{mine}' as revenue (read_only)")
        connection.execute("use revenue")
        assert read(connection).table("customers").height == 5


@pytest.mark.parametrize("month", [SEP, date(2025, 12, 1)])
def test_pages_of_an_earlier_month_end_with_it_and_have_no_running_month(example: Marts, month: date) -> None:
    then = through(example, month)
    assert then.table("mrr_by_month_reporting")["month"].max() == month
    latest = then.table("mrr_movements")["moved_on"].max()
    assert isinstance(latest, date)
    assert latest.replace(day=1) <= month
    overview = page(then, Terms(then.publication))
    assert overview.findings[0].startswith(f"MRR closed {month:%b %Y} at ")


def test_the_stamp_says_that_the_pages_end_with_an_earlier_month(tmp_path: Path) -> None:
    file = published(company(5, 4), tmp_path / "revenue.duckdb")
    with duckdb.connect(str(file), read_only=True) as connection:
        files = build(connection, tmp_path / "site", month=SEP)
    assert "Months to <strong>Sep 2026</strong>" in files[0].read_text(encoding="utf-8")
