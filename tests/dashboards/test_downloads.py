"""CSV files: plain, complete, and harmless in a spreadsheet."""

import csv
from pathlib import Path

import pytest

from dashboards.downloads import download_of, neutral, write, write_all
from dashboards.page import Column, Download, Row, Table
from dashboards.values import Missing, Money


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1+1", " ＋1", "－1", "＠SUM(A1)"]
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


def test_amounts_keep_their_minus_sign_and_text_is_neutralised(tmp_path: Path) -> None:
    file = write(Download("x", ("name", "amount"), [("=HYPERLINK()", Money(-150, "usd"))]), tmp_path)
    assert list(csv.reader(file.open(encoding="utf-8")))[1] == ["'=HYPERLINK()", "-1.5"]


def test_a_table_with_amounts_gets_a_currency_column() -> None:
    table = Table(
        "t", "T", (Column("Month"), Column("MRR")), (Row(("Oct", Money(1, "jpy", 0))), Row(("Nov", Missing("x"))))
    )
    download = download_of(table)
    assert download.header == ("Month", "MRR", "Currency")
    assert [cells[-1] for cells in download.rows] == ["JPY", ""]


def test_a_month_that_is_not_over_is_named_so_in_the_header() -> None:
    table = Table("t", "T", (Column("Class"), Column("Nov 2026", partial=True)), ())
    assert download_of(table).header == ("Class", "Nov 2026 (so far)")


def test_names_in_any_script_survive(tmp_path: Path) -> None:
    file = write(Download("x", ("name",), [('Ł“ódź", 株式会社\nline',)]), tmp_path)
    assert list(csv.reader(file.open(encoding="utf-8", newline="")))[1] == ['Ł“ódź", 株式会社\nline']


def test_a_currency_that_a_column_has_already_is_not_said_twice(tmp_path: Path) -> None:
    row = Row(("USD", Money(100, "usd")))
    table = Table("t", "T", (Column("Currency"), Column("MRR")), (row, Row(("JPY", Missing("none")))))
    assert download_of(table).header == ("Currency", "MRR")
    assert write(download_of(table), tmp_path).read_text().splitlines()[0] == "Currency,MRR"


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x\.csv has several columns called Recovered"):
        write(Download("x", ("Recovered", "Recovered"), [("1", "2")]), tmp_path)


def test_two_tables_that_want_one_file_are_refused(tmp_path: Path) -> None:
    tables = [Table(name, name, (Column("A"),), ()) for name in ("mrr", "MRR")]
    with pytest.raises(ValueError, match=r"two tables want the file MRR\.csv"):
        write_all(tables, tmp_path)
