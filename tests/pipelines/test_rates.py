"""Exchange rates: the user's file first, the ECB's table behind it."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipelines import rates
from pipelines.errors import SettingsError


def test_the_bundled_table_has_the_ecbs_published_rates() -> None:
    # The first day of the euro: 1.1789 USD and 133.73 JPY on 1999-01-04.
    table = rates.european_central_bank().filter(pl.col("date") == date(1999, 1, 4))
    by_currency = dict(zip(table["to_currency"], table["rate"], strict=True))
    assert by_currency["usd"] == Decimal("1.1789")
    assert by_currency["jpy"] == Decimal("133.73")


def test_a_users_file_replaces_the_bundled_rates_of_its_pairs_and_adds_others(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("date,from_currency,to_currency,rate\n2026-01-05,EUR,usd,1.25\n2026-01-05,kwd,usd,3.2571234567\n")
    loaded = rates.load(file).collect()
    assert loaded.filter((pl.col("from_currency") == "eur") & (pl.col("to_currency") == "usd"))["rate"].to_list() == [
        Decimal("1.25")
    ]
    assert loaded.filter(pl.col("from_currency") == "kwd")["rate"].to_list() == [Decimal("3.2571234567")]
    assert loaded.filter(pl.col("to_currency") == "jpy").height > 6000


def test_a_pair_that_the_file_has_the_other_way_round_is_the_files_too(tmp_path: Path) -> None:
    """The euro is 1 / 0.8 = 1.25 dollars by the file, whatever the bank says; of the pound the bank alone knows."""
    file = tmp_path / "rates.csv"
    file.write_text("date,from_currency,to_currency,rate\n2026-01-05,usd,eur,0.8\n")
    loaded = rates.load(file).collect()
    pairs = set(loaded.select("from_currency", "to_currency").unique().iter_rows())
    assert ("usd", "eur") in pairs
    assert ("eur", "usd") not in pairs
    assert ("eur", "gbp") in pairs


@pytest.mark.parametrize(
    "text",
    [
        "day,from,to,rate\n2026-01-05,eur,usd,1.25\n",
        "date,from_currency,to_currency,rate\n05.01.2026,eur,usd,1.25\n",
        "date,from_currency,to_currency,rate\n2026-01-05,eur,usd,0\n",
        "date,from_currency,to_currency,rate\n2026-01-05,eur,usd,\n",
    ],
)
def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"rates\.csv"):
        rates.load(file)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        rates.load(tmp_path / "nowhere.csv")


def test_two_rates_of_a_day_are_refused_with_both_and_one_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    row = "2026-01-05,eur,usd,1.25\n"
    file.write_text(f"date,from_currency,to_currency,rate\n{row}{row.replace('1.25', '1.250')}")
    assert rates.from_file(file)["rate"].to_list() == [Decimal("1.25")]
    file.write_text(f"date,from_currency,to_currency,rate\n{row}{row.replace('eur', 'EUR').replace('1.25', '10')}")
    with pytest.raises(SettingsError, match=r"rates\.csv has two rates of eur in usd on 2026-01-05: 1\.25 and 10\."):
        rates.load(file)


@pytest.mark.parametrize("code", ["euro", "€", "us", "e r", "eu1"])
def test_a_currency_that_is_no_code_of_three_letters_is_refused(tmp_path: Path, code: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(f"date,from_currency,to_currency,rate\n2026-01-05,{code},usd,1.25\n")
    with pytest.raises(SettingsError, match=f"has '{code}' as a currency"):
        rates.load(file)
