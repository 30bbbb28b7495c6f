"""Contracts as tables: shape, comments, validation and replacement."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest

from models.contracts import marts, staging
from models.increment import Exchange
from pipelines.warehouse import dictionary, publish, tables


def cash(**changes: Any) -> dict[str, Any]:
    amounts = dict.fromkeys(
        ("charges", "refunds", "disputes", "fees", "adjustments", "net", "payouts", "closing_balance"), 0
    )
    return {"account_id": "acct_1", "date": date(2026, 1, 1), "currency": "usd", **amounts, **changes}


def charges(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("select date, charges from marts.cash_by_day order by date").fetchall()


@pytest.mark.parametrize("contract", publish.CONTRACTS, ids=lambda c: c.qualified_name())
def test_table_and_every_column_carry_a_comment(connection: duckdb.DuckDBPyConnection, contract: Any) -> None:
    tables.create(connection, contract)
    (about,) = connection.execute("select comment from duckdb_tables()").fetchall()[0]
    assert about == contract.grain()
    comments = dict(
        connection.execute("select column_name, comment from duckdb_columns() where not internal").fetchall()
    )
    assert list(comments) == list(contract.columns())
    assert all(comments.values())


def test_comments_say_the_unit(connection: duckdb.DuckDBPyConnection) -> None:
    tables.create(connection, marts.CashByDay)
    query = "select comment from duckdb_columns() where column_name = 'fees' and table_name = 'cash_by_day'"
    assert connection.execute(query).fetchall() == [("Stripe's fees, negative [minor units]",)]


def test_types_nullability_and_keys_come_from_the_contract(connection: duckdb.DuckDBPyConnection) -> None:
    tables.create(connection, marts.MrrByDay)
    described = columns_of(connection, "marts.mrr_by_day")
    assert described["date"] == ("DATE", "NO", None)
    assert described["closing_mrr"] == ("DECIMAL(18,6)", "NO", None)
    tables.create(connection, staging.Charges)
    described = columns_of(connection, "staging.charges")
    assert described["id"] == ("VARCHAR", "NO", None)
    assert described["created_at"] == ("TIMESTAMP WITH TIME ZONE", "YES", None)


def test_keys_of_marts_are_indexed_where_they_are_published(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("attach ':memory:' as published")
    for contract in (marts.MrrByDay, staging.Charges):
        tables.create(connection, contract, catalog="published")
    assert columns_of(connection, "published.marts.mrr_by_day")["date"] == ("DATE", "NO", "PRI")
    assert columns_of(connection, "published.staging.charges")["id"] == ("VARCHAR", "NO", None)


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, tuple[str, str, str | None]]:
    """Type, nullability and key of each column."""
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(f"describe {table}").fetchall()}


def test_writing_replaces_all_rows(connection: duckdb.DuckDBPyConnection) -> None:
    two_days = [cash(charges=1), cash(date=date(2026, 1, 2), charges=2)]
    assert tables.write(connection, marts.CashByDay, pl.DataFrame(two_days)) == 2
    assert tables.write(connection, marts.CashByDay, pl.LazyFrame([cash(charges=3)])) == 1
    assert charges(connection) == [(date(2026, 1, 1), 3)]


def test_a_table_of_an_older_shape_is_made_anew(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema marts; create table marts.cash_by_day (day date, amount double)")
    tables.write(connection, marts.CashByDay, pl.DataFrame([cash(charges=3)]))
    assert charges(connection) == [(date(2026, 1, 1), 3)]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([cash(), cash()], id="the same key twice"),
        pytest.param([cash(net=None)], id="null where there must be a value"),
        pytest.param([cash(net=1.5)], id="a float for money"),
        pytest.param([{"account_id": "acct_1"}], id="columns missing"),
        pytest.param([cash(net=10**20)], id="more than fits"),
    ],
)
def test_rows_that_break_the_contract_are_refused_and_the_old_ones_stay(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]
) -> None:
    tables.write(connection, marts.CashByDay, pl.DataFrame([cash(charges=7)]))
    with pytest.raises(tables.ContractError, match=r"marts\.cash_by_day"):
        tables.write(connection, marts.CashByDay, pl.DataFrame(rows))
    assert charges(connection) == [(date(2026, 1, 1), 7)]


def test_casts_that_lose_nothing_are_made(connection: duckdb.DuckDBPyConnection) -> None:
    frame = pl.DataFrame([cash(net=2**40)]).with_columns(
        pl.col("charges").cast(pl.Int8),
        pl.col("net").cast(pl.Int128),
        pl.col("currency").cast(pl.Enum(["usd", "eur"])),
    )
    tables.write(connection, marts.CashByDay, frame)
    assert connection.execute("select net, currency from marts.cash_by_day").fetchall() == [(2**40, "usd")]


def test_reading_gives_back_what_was_written(connection: duckdb.DuckDBPyConnection) -> None:
    row = {
        "account_id": "acct_1",
        "id": "price_1",
        "unit_amount_decimal": Decimal("0.000000000001"),
        "tiers": [{"up_to": None, "unit_amount_decimal": Decimal("1.5"), "flat_amount_decimal": None}],
        "created_at": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "deleted": False,
        "metadata": '{"a": "é"}',
    }
    tables.write(connection, staging.Prices, pl.DataFrame([row], schema=staging.Prices.create_empty().schema))
    (found,) = tables.read(connection, staging.Prices).rows(named=True)
    assert {name: found[name] for name in row} == row


def test_reading_a_table_that_is_not_there_gives_an_empty_frame(connection: duckdb.DuckDBPyConnection) -> None:
    assert tables.read(connection, staging.Prices).equals(staging.Prices.create_empty())


def test_the_dictionary_names_every_published_table_and_column() -> None:
    text = dictionary.markdown()
    for contract in publish.CONTRACTS:
        section = dictionary.section(contract)
        assert section in text
        assert all(f"| `{name}` |" in section for name in contract.columns())


def test_rows_take_the_place_of_others_and_no_key_stands_twice(connection: duckdb.DuckDBPyConnection) -> None:
    """The first of two days is exchanged for another amount of it; the second is not taken out, so it can't come."""
    days = [date(2026, 1, day) for day in (1, 2)]
    tables.write(connection, marts.CashByDay, pl.DataFrame([cash(date=day) for day in days]))
    key = marts.CashByDay.primary_key()
    first, other = (pl.DataFrame([cash(date=day, charges=700, net=700)]) for day in days)
    assert tables.exchange(connection, marts.CashByDay, Exchange(key, first, first)) == 2
    assert charges(connection) == [(days[0], 700), (days[1], 0)]
    with pytest.raises(tables.ContractError, match="stands in it already"), tables.transaction(connection):
        tables.exchange(connection, marts.CashByDay, Exchange(key, first, other))
    assert charges(connection) == [(days[0], 700), (days[1], 0)]
