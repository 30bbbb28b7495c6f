"""Stripe's export as it may come: columns found in any spelling, cells taken strictly, nothing guessed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.stripe_export import ExportError, read

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)
MICROS = 1_000_000
AS_SEEN = """Customer ID,Customer,Customer Email,Currency,2026-01,2026-02
cus_A1,Ann,ann@example.com,usd,100.00,120.50
cus_B2,Bob,bob@example.com,jpy,4500,0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "MRR_per_Subscriber__monthly_2026-02.csv"


def told(file: Path, text: str, default: str = "usd") -> list[tuple[Any, ...]]:
    """customer_id, currency, month and minor units of what a file says."""
    file.write_text(text, encoding="utf-8")
    rows, _ = read([file], default)
    kept = rows.filter(rows["micros"] != 0).sort("customer_id", "currency", "month")
    return [(who, code, month, micros / MICROS) for who, _, code, month, micros in kept.iter_rows()]


def refused(file: Path, text: str | bytes) -> str:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ExportError) as error:
        read([file], "usd")
    assert error.value.exit_code == 2
    assert str(file) in str(error.value)
    return str(error.value)


def test_an_export_as_seen_has_a_column_a_month_and_major_units(file: Path) -> None:
    """100.00 dollars are 10,000 cents; 4,500 yen have no smaller unit."""
    assert told(file, AS_SEEN) == [
        ("cus_A1", "usd", JAN, 10000),
        ("cus_A1", "usd", FEB, 12050),
        ("cus_B2", "jpy", JAN, 4500),
    ]
    rows, unnamed = read([file], "usd")
    assert rows.filter(rows["customer_id"] == "cus_A1")["customer"].unique().to_list() == ["Ann"]
    assert unnamed == 0


@pytest.mark.parametrize(
    "header",
    [
        "customer_id,currency,2026-01-31",
        "Subscriber ID,CURRENCY,Jan 2026",
        "customer,Currency Code,MRR 2026-01",
        "Customer Id,currency,January 2026",
        "CUSTOMER-ID,Currency,2026/01",
        "id,Currency,01/2026",
        "Customer ID,currency,2026 Jan",
    ],
)
def test_columns_are_found_in_any_spelling(file: Path, header: str) -> None:
    assert told(file, f"{header}\ncus_A1,EUR,7.25\n") == [("cus_A1", "eur", JAN, 725)]


@pytest.mark.parametrize("month", ["2026-01", "2026-01-31", "2026-01-31T23:59:59Z", "Jan 2026", "01/2026"])
@pytest.mark.parametrize("amounts", ["MRR", "Monthly recurring revenue", "mrr_amount"])
def test_a_row_a_month_is_read_too(file: Path, month: str, amounts: str) -> None:
    text = f"Customer ID,Month,{amounts},Currency\ncus_A1,{month},12.5,kwd\n"
    assert told(file, text) == [("cus_A1", "kwd", JAN, 12500)]


def test_a_header_may_name_the_currency(file: Path) -> None:
    assert told(file, "Customer ID,Month,MRR (EUR)\ncus_A1,2026-01,12.50\n") == [("cus_A1", "eur", JAN, 1250)]


def test_without_a_currency_amounts_are_in_the_accounts_own(file: Path) -> None:
    assert told(file, "Customer ID,2026-01\ncus_A1,4500\n", default="jpy") == [("cus_A1", None, JAN, 4500)]


def test_rows_of_several_subscriptions_are_added_up(file: Path) -> None:
    text = (
        "Customer ID,Subscription ID,Plan,Currency,2026-01\n"
        "cus_A1,sub_1,Team,usd,10.00\ncus_A1,sub_2,Storage,usd,2.50\ncus_A1,sub_3,Team,eur,1.00\n"
    )
    assert told(file, text) == [("cus_A1", "eur", JAN, 100), ("cus_A1", "usd", JAN, 1250)]


def test_files_of_a_month_each_are_read_together(tmp_path: Path) -> None:
    files = []
    for month in ("2026-01", "2026-02"):
        files.append(tmp_path / f"{month}.csv")
        files[-1].write_text(f"Customer ID,Currency,{month}\ncus_A1,usd,1\n")
    assert sorted(read(files, "usd")[0]["month"]) == [JAN, FEB]


def test_a_month_that_two_files_tell_alike_counts_once(tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("Customer ID,Currency,2026-01,2026-02\ncus_1,usd,10.00,20.00\n")
    second.write_text("Customer ID,Currency,2026-02,2026-03\ncus_1,usd,20.00,30.00\n")
    rows, _ = read([first, second], "usd")
    by_month = {row["month"].month: row["micros"] // 10**6 for row in rows.iter_rows(named=True)}
    assert by_month == {1: 1_000, 2: 2_000, 3: 3_000}


def test_a_file_that_is_named_twice_counts_once(file: Path) -> None:
    file.write_text("Customer ID,Currency,2026-01\ncus_1,usd,10.00\n")
    rows, _ = read([file, file], "usd")
    assert rows["micros"].to_list() == [1_000 * 10**6]


def test_a_month_that_two_files_tell_differently_is_refused_by_name(tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("Customer ID,Currency,2026-02\ncus_1,usd,20.00\n")
    second.write_text("Customer ID,Currency,2026-02\ncus_1,usd,25.00\n")
    with pytest.raises(ExportError, match=r"first\.csv and .*second\.csv tell different amounts of cus_1 for 2026-02"):
        read([first, second], "usd")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_other_separators_a_byte_order_mark_and_line_ends_of_windows_are_read(file: Path, separator: str) -> None:
    text = AS_SEEN.replace(",", separator).replace("\n", "\r\n")
    assert len(told(file, f"\ufeff{text}")) == 3


@pytest.mark.parametrize(
    ("cell", "minor"),
    [
        ("1234.5", 123450),
        ('"1,234.50"', 123450),
        ("$12.00", 1200),
        ("US$12.00", 1200),
        ("12.00 USD", 1200),
        ("€ 12", 1200),
        ("-12.00", -1200),
        ("−12.00", -1200),
        ("(12.00)", -1200),
        ("0.333333", 33.3333),
    ],
)
def test_an_amount_is_read_with_its_sign_and_thousands(file: Path, cell: str, minor: float) -> None:
    assert told(file, f"Customer ID,Currency,2026-01\ncus_A1,usd,{cell}\n") == [("cus_A1", "usd", JAN, minor)]


@pytest.mark.parametrize("cell", ["", "-", "–", "0", "0.00", '""'])
def test_nothing_is_nothing(file: Path, cell: str) -> None:
    assert told(file, f"Customer ID,Currency,2026-01\ncus_A1,usd,{cell}\n") == []


@pytest.mark.parametrize(
    "cell",
    [
        '"12,50"',
        '"1.234,50"',
        "1e5",
        "12.00.00",
        "NaN",
        "=1+1",
        "@SUM(A1)",
        "1234567890123",
        "twelve",
        '"1 000,5"',
        "usd",
    ],
)
def test_an_amount_that_can_be_read_in_two_ways_or_none_is_refused_with_its_line(file: Path, cell: str) -> None:
    said = refused(file, f"Customer ID,Currency,2026-01\ncus_A1,usd,1\ncus_B2,usd,{cell}\n")
    assert "line 3" in said
    assert "is no plain amount such as 1234.50" in said


def test_an_amount_in_another_currency_than_its_row_is_refused(file: Path) -> None:
    said = refused(file, "Customer ID,Currency,2026-01\ncus_A1,usd,12.00 EUR\n")
    assert "line 2: '12.00 EUR' is in another currency" in said


def test_an_amount_too_large_to_hold_is_refused(file: Path) -> None:
    assert "is too large" in refused(file, "Customer ID,Currency,2026-01\ncus_A1,kwd,999999999999\n")


def test_rows_that_name_no_customer_are_counted_and_left_out(file: Path) -> None:
    file.write_text("Customer ID,Currency,2026-01\ncus_A1,usd,1\nTotal,usd,1\n,usd,1\n")
    rows, unnamed = read([file], "usd")
    assert (rows.height, unnamed) == (1, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no CSV"),
        ("Customer ID,Currency,2026-01\n", "has no rows"),
        ("Customer,Currency,2026-01\nAnn,usd,1\n", "has no column of customer ids (cus_…), such as `Customer ID`"),
        ("Customer ID,Currency,MRR\ncus_A1,usd,1\n", "has neither columns for months"),
        ("Customer ID,Currency,Month\ncus_A1,usd,2026-01\n", "nor a `Month` beside an `MRR`"),
        ("Customer ID,Currency,2026-01,2026-01-15\ncus_A1,usd,1,2\n", "has two columns for one month"),
        ("Customer ID,Currency,2026-01,2026-01\ncus_A1,usd,1,2\n", "has two columns of one name: '2026-01'"),
        ("Customer ID,Currency,2026-01\ncus_A1,dollars,1\n", "line 2: 'dollars' is no ISO currency"),
        ("Customer ID,Month,MRR\ncus_A1,03/05/2026,1\n", "line 2: '03/05/2026' is no month such as 2026-01"),
        ("Customer ID,Month,MRR\ncus_A1,2026-13,1\n", "'2026-13' is no month"),
        ("Customer ID,Currency,2026-01\ncus_A1,usd,1,2,3\n", "is no CSV"),
        (b"Customer ID,Currency,2026-01\ncus_A1,usd,\xff\xfe\n", "is no UTF-8 text"),
        (b"PK\x03\x04\xff\xff\x00\x00", "is no UTF-8 text"),
    ],
)
def test_a_file_that_is_no_such_export_is_refused_with_what_is_missing(
    file: Path, text: str | bytes, words: str
) -> None:
    assert words in refused(file, text)


def test_a_faulty_cell_is_told_without_what_a_terminal_would_obey(file: Path) -> None:
    said = refused(file, "Customer ID,Currency,2026-01\ncus_A1,usd,\x1b[31mred" + "x" * 200 + "\n")
    assert "\x1b" not in said
    assert len(said) < 300


def test_files_with_and_without_a_currency_are_not_mixed(tmp_path: Path) -> None:
    with_one, without = tmp_path / "a.csv", tmp_path / "b.csv"
    with_one.write_text("Customer ID,Currency,2026-01\ncus_A1,usd,1\n")
    without.write_text("Customer ID,2026-02\ncus_A1,1\n")
    with pytest.raises(ExportError, match="reconcile them one by one"):
        read([with_one, without], "usd")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"gone.csv can't be read: No such file"):
        read([tmp_path / "gone.csv"], "usd")
