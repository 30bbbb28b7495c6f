"""MRR by dimension: every dimension adds up to the whole, and who moves between values is transferred, not lost."""

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from models import marts
from models.checks import CHECKS
from models.policy import MetricPolicy, changed
from models.spine import build_spine
from models.terms import Terms
from tests.models.rows import only
from tests.models.story import Account, instant, rate_frame

JAN, FEB, MARCH = (date(2026, month, 1) for month in (1, 2, 3))
TERMS = Terms(instant("2026-03-20"), "UTC", "usd")
AMOUNTS = ("new", "expansion", "contraction", "churn", "reactivation", "transfer_in", "transfer_out", "fx")


def account() -> Account:
    """Plans of two products at 1,000, 3,000 and 800 a month, one of them in euros."""
    told = Account()
    told.price("basic-month", 1_000, metadata='{"tier":"low"}')
    told.price("pro-month", 3_000, metadata='{"tier":"high"}', nickname="Pro monthly")
    told.price("pro-year", 36_000, "year")
    told.price("addon-month", 800)
    told._add("products", id="basic", name="Basic", deleted=False)
    return told


def customer(told: Account, name: str, **more: Any) -> None:
    told._add("customers", id=name, deleted=False, **more)


def billed(told: Account, subscription: str, item: str, price: str, *starts: str) -> None:
    """The item at a price for a month from each of these days on."""
    for start in starts:
        year, month, day = start.split("-")
        end = f"{year}-{int(month) + 1:02d}-{day}"
        told.invoice(subscription, [(item, price, 1, start, end)])


def built(told: Account, terms: Terms, rates: list[tuple[str, str, str, str]]) -> dict[str, pl.LazyFrame]:
    staged = told.staging()
    spine = build_spine(staged, rate_frame(rates), terms)
    return marts.build_on(spine, staged, terms, ["mrr_by_month_reporting", "mrr_by_month_slice"])


def failing(made: dict[str, pl.LazyFrame]) -> pl.DataFrame:
    """What the check of the slices finds."""
    check = next(one for one in CHECKS if one.name == "mrr_slices_add_up")
    return check.failing({f"marts.{name}": frame for name, frame in made.items()}, TERMS).collect()


def sliced(told: Account, terms: Terms = TERMS, rates: list[tuple[str, str, str, str]] | None = None) -> pl.LazyFrame:
    """The mart, held against the whole."""
    made = built(told, terms, rates or [])
    assert failing(made).is_empty()
    return made["mrr_by_month_slice"]


def moved(row: dict[str, Any]) -> dict[str, int]:
    """What is not zero of a row's movements."""
    return {name: int(row[f"{name}_mrr"]) for name in AMOUNTS if row[f"{name}_mrr"]}


def switched() -> Account:
    """a pays 1,000 for basic from 5 January and goes to pro at 3,000 on 5 February; b pays 1,000 to 5 March."""
    told = account()
    customer(told, "a", address_country="DE", metadata='{"segment":"smb"}')
    customer(told, "b", address_country="US")
    told.subscription("sub_a", "a", "2026-01-05", [("si_a", "pro-month", 1)], collection_method="send_invoice")
    billed(told, "sub_a", "si_a", "basic-month", "2026-01-05")
    billed(told, "sub_a", "si_a", "pro-month", "2026-02-05", "2026-03-05")
    gone = {"status": "canceled", "ended_at": "2026-03-05", "canceled_at": "2026-03-05"}
    told.subscription("sub_b", "b", "2026-01-05", [], collection_method="charge_automatically", **gone)
    billed(told, "sub_b", "si_b", "basic-month", "2026-01-05", "2026-02-05")
    return told


def test_who_moves_to_a_dearer_plan_is_transferred_and_grows_in_the_new_one() -> None:
    """From basic 1,000 leave and enter pro, where 2,000 are expansion: nobody has left."""
    found = sliced(switched())
    basic = only(found, dimension="product", value="basic", month=FEB)
    pro = only(found, dimension="product", value="pro", month=FEB)
    assert (moved(basic), moved(pro)) == ({"transfer_out": -1_000}, {"expansion": 2_000, "transfer_in": 1_000})
    assert (basic["opening_mrr"], basic["closing_mrr"], pro["opening_mrr"], pro["closing_mrr"]) == (
        2_000,
        1_000,
        0,
        3_000,
    )
    assert (basic["closing_customers"], pro["closing_customers"]) == (1, 1)
    assert moved(only(found, dimension="product", value="basic", month=MARCH)) == {"churn": -1_000}


def test_values_that_do_not_change_see_the_movement_as_it_is() -> None:
    found = sliced(switched())
    for dimension, value in (("country", "DE"), ("collection_method", "send_invoice"), ("currency", "usd")):
        assert moved(only(found, dimension=dimension, value=value, month=FEB)) == {"expansion": 2_000}
    assert moved(only(found, dimension="country", value="US", month=MARCH)) == {"churn": -1_000}


def test_a_value_is_called_by_its_name_where_it_has_one() -> None:
    found = sliced(switched()).filter(month=FEB)
    assert only(found, dimension="product", value="basic")["value_name"] == "Basic"
    assert only(found, dimension="price", value="pro-month")["value_name"] == "Pro monthly"
    assert only(found, dimension="price", value="basic-month")["value_name"] == "Basic, month"


def test_metadata_of_every_object_can_be_sliced_by() -> None:
    terms = replace(TERMS, slices=("price.tier", "customer.segment", "subscription.channel", "product.line"))
    told = switched()
    told.rows["subscriptions"][0]["metadata"] = '{"channel":"partner"}'
    found = sliced(told, terms).filter(month=FEB)
    assert moved(only(found, dimension="price.tier", value="low")) == {"transfer_out": -1_000}
    assert moved(only(found, dimension="price.tier", value="high")) == {"expansion": 2_000, "transfer_in": 1_000}
    assert only(found, dimension="customer.segment", value="smb")["closing_mrr"] == 3_000
    assert only(found, dimension="customer.segment", value="unknown")["closing_mrr"] == 1_000
    assert only(found, dimension="subscription.channel", value="partner")["closing_mrr"] == 3_000
    assert only(found, dimension="product.line")["value"] == "unknown"


def test_a_cheaper_plan_and_an_add_on_on_one_day_are_shared_out_the_largest_first() -> None:
    """Pro −3,000, basic +1,000, add-on +800: 1,800 are transferred, the other 1,200 are contraction of pro."""
    told = account()
    customer(told, "a")
    told.subscription("sub_a", "a", "2026-01-05", [("si_a", "basic-month", 1), ("si_x", "addon-month", 1)])
    billed(told, "sub_a", "si_a", "pro-month", "2026-01-05")
    for start, end in (("2026-02-05", "2026-03-05"), ("2026-03-05", "2026-04-05")):
        told.invoice("sub_a", [("si_a", "basic-month", 1, start, end), ("si_x", "addon-month", 1, start, end)])
    found = sliced(told).filter(dimension="product", month=FEB)
    assert moved(only(found, value="pro")) == {"contraction": -1_200, "transfer_out": -1_800}
    assert moved(only(found, value="basic")) == {"transfer_in": 1_000}
    assert moved(only(found, value="addon")) == {"transfer_in": 800}


def test_a_switch_that_changes_nothing_of_the_whole_is_all_transfer() -> None:
    """36,000 a year are 3,000 a month: no movement of the customer, but one from month to year."""
    told = account()
    customer(told, "a")
    told.subscription("sub_a", "a", "2026-01-05", [("si_a", "pro-year", 1)])
    billed(told, "sub_a", "si_a", "pro-month", "2026-01-05")
    told.invoice("sub_a", [("si_a", "pro-year", 1, "2026-02-05", "2027-02-05")])
    found = sliced(told).filter(month=FEB)
    assert moved(only(found, dimension="billing_interval", value="year")) == {"transfer_in": 3_000}
    assert moved(only(found, dimension="billing_interval", value="month")) == {"transfer_out": -3_000}
    assert moved(only(found, dimension="product", value="pro")) == {}


@pytest.mark.parametrize("mode", ["daily_stock", "movement_date", "constant", "native"])
def test_exchange_rates_move_each_value_by_itself_and_add_up(mode: str) -> None:
    """1,000 eur at 1.10 in January, 1.20 at February's end: +100 of exchange rates by daily stock."""
    told = account()
    for row in told.rows["prices"]:
        row["currency"] = "eur" if row["id"] == "basic-month" else "usd"
    customer(told, "a")
    told.subscription("sub_a", "a", "2026-01-05", [("si_a", "basic-month", 1)], currency="eur")
    billed(told, "sub_a", "si_a", "basic-month", "2026-01-05", "2026-02-05", "2026-03-05")
    customer(told, "b")
    told.subscription("sub_b", "b", "2026-01-05", [("si_b", "pro-month", 1)])
    billed(told, "sub_b", "si_b", "pro-month", "2026-01-05", "2026-02-05", "2026-03-05")
    rates = [("2026-01-01", "eur", "usd", "1.10"), ("2026-02-25", "eur", "usd", "1.20")]
    rates += [(f"2026-03-{day:02d}", "eur", "usd", "1.20") for day in range(1, 21)]
    terms = replace(TERMS, policy=changed(MetricPolicy(), fx_mode=mode))
    found = sliced(told, terms, rates).filter(dimension="currency", month=FEB)
    euro = found.filter(value="eur").collect().to_dicts()
    if mode == "native":
        assert [row["closing_mrr"] for row in euro] in ([], [0])
    else:
        expected = {"daily_stock": (100, 1_200), "movement_date": (0, 1_100), "constant": (0, 1_200)}[mode]
        assert [(row["fx_mrr"], row["closing_mrr"]) for row in euro] == [expected]
    assert only(found, value="usd")["closing_mrr"] == 3_000


def test_a_slice_that_is_missing_is_found_by_the_check() -> None:
    made = built(switched(), TERMS, [])
    is_pro = (pl.col("dimension") == "product") & (pl.col("value") == "pro")
    made["mrr_by_month_slice"] = made["mrr_by_month_slice"].filter(~is_pro)
    assert sorted(failing(made)["subject"]) == ["2026-02-01 product", "2026-03-01 product"]
