"""The catalogue file: what it says, how it is refused, and that its schema is what the classes are."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from billing.catalog import file
from billing.errors import UsageError
from tests.billing.catalog.told import CATALOG


def test_the_schema_file_is_what_the_classes_say() -> None:
    beside = Path(file.__file__).with_name(file.SCHEMA)
    assert beside.read_text() == file.schema_text(), "run `make docs`"
    assert json.loads(beside.read_text())["properties"]["version"]["const"] == 1


def test_what_is_written_is_what_was_read() -> None:
    catalog = file.read(CATALOG)
    assert file.read(file.written(catalog)) == catalog


def test_amounts_with_decimals_stay_exact() -> None:
    prices = file.read(CATALOG).products["pro"].prices
    assert prices["pro-calls"].amount == Decimal("0.4")
    assert prices["pro-seats"].tiers[1].unit == Decimal("899.5")
    tiny = CATALOG.replace("amount: 0.4", "amount: 0.000000000001")
    assert file.read(tiny).products["pro"].prices["pro-calls"].amount == Decimal("1E-12")
    assert "0.000000000001" in file.written(file.read(tiny))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("amount: 19000, every", "amount: -1, every", "pro-year.amount: write an amount in minor units"),
        ("amount: 19000, every", "amount: 1e3, every", "write an amount"),
        ("amount: 19000, every", "amount: 0.0000000000001, every", "write an amount"),
        ("currency: usd, amount: 19000", "currency: USD, amount: 19000", "pro-year.currency"),
        ("every: year", "every: fortnight", "write once, day, week, month, year"),
        ("every: year", "every: year, colour: red", "pro-year.colour: Extra inputs"),
        ("every: year", "every: year, currencies: {usd: {amount: 1}}", "the price's own currency"),
        ("every: year", "every: year, tiers_mode: volume", "tiers and tiers_mode"),
        ("meter: api_calls", "meter: calls", "calls is none of the meters of the file"),
        ("features: [sso, audit]\n    m", "features: [sso, audits]\n    m", "audits is none of the features"),
        ("    tier: pro\n", "    tier: gold\n", "gold is none of the tiers"),
        ("default_price: pro-month", "default_price: pro", "pro is none of its prices"),
        ("percent_off: 12.5", "percent_off: 120", "less than or equal to 100"),
        ("percent_off: 12.5", "percent_off: 12.5, amount_off: 3", "percent_off or amount_off"),
        ("2030-01-31T00:00:00Z", "someday", "write an instant"),
        ("coupon: TEN, f", "coupon: ELEVEN, f", "ELEVEN is none of the coupons"),
        ("prices: [pro-month, pro-year]", "prices: [pro-month, pro-week]", "pro-week is none of the prices"),
        ("reasons: [too_expensive", "reasons: [bored", "Input should be"),
        ("metadata: {line: main}", "metadata: {line: 7}", "valid string"),
        ("version: 1", "version: 2", "Input should be 1"),
        ("coupons:\n", "archive: {prices: [pro-year]}\ncoupons:\n", "pro-year has an entry"),
        ("  default:\n", "  default:\n    archived: true\n", "the default portal can't be archived"),
    ],
)
def test_what_makes_no_sense_is_told_by_its_line(old: str, new: str, words: str) -> None:
    before, found, _ = CATALOG.partition(old)
    assert found
    with pytest.raises(UsageError) as refused:
        file.read(CATALOG.replace(old, new, 1))
    line = before.count("\n") + 1
    assert f"line {line}," in str(refused.value)
    assert words in str(refused.value)


def test_what_is_wrong_with_a_whole_entry_is_told_by_the_line_that_it_begins_in() -> None:
    begins = CATALOG[: CATALOG.index("pro-volume:")].count("\n") + 1
    with pytest.raises(UsageError, match=rf"line {begins}, .*pro-volume: tiers rise by up_to"):
        file.read(CATALOG.replace("{up_to: inf, unit: 8}", "{up_to: 90, unit: 8}"))
    begins = CATALOG[: CATALOG.index("  pro:")].count("\n") + 1
    with pytest.raises(UsageError, match=rf"line {begins}, products.pro: tier stands in metadata too"):
        file.read(CATALOG.replace("metadata: {line: main}", "metadata: {tier: main}"))
    with pytest.raises(UsageError, match=f"'pro' stands twice .* line {begins + 1},"):
        file.read(CATALOG.replace("  pro:\n", "  pro: {name: A}\n  pro:\n"))


@pytest.mark.parametrize("text", ["", "[1]", "products: {", "a: !!python/object:os.system x"])
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        file.read(text)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        file.load(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no UTF-8"):
        file.load(tmp_path / "b.yaml")
