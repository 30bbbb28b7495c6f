"""The account becomes what the file says: once, in an order that holds, and nothing else of it changes."""

from typing import Any

import pytest
import yaml

from billing.actions.action import MARK
from billing.catalog import apply, file
from billing.catalog.account import CATALOG_KEY, REPLACES, read
from billing.catalog.drift import drift
from billing.catalog.imported import catalog_of
from billing.catalog.subscribers import of_price
from billing.consistency import entries_of, examined, noted
from tests.billing.account import Answer, Scene
from tests.billing.catalog.conftest import Sold
from tests.billing.catalog.told import CATALOG, changed, found, made, steps


def price(scene: Scene, key: str) -> Answer:
    (held,) = scene.get("/v1/prices", lookup_keys=[key], expand=["data.tiers", "data.currency_options"])["data"]
    return dict(held)


def test_an_account_is_made_as_the_file_says_and_is_so_then(shop: Scene, sold: Sold) -> None:
    catalog = file.read(CATALOG)
    assert not found(shop, catalog).steps
    assert not found(shop, catalog).blocked
    month, calls, seats = (price(shop, key) for key in ("pro-month", "pro-calls", "pro-seats"))
    assert (month["unit_amount"], month["currency_options"]["eur"]["unit_amount"]) == (1900, 1700)
    assert (calls["unit_amount"], calls["unit_amount_decimal"]) == (None, "0.4")
    assert [each["unit_amount_decimal"] for each in seats["tiers"]] == ["1500", "899.5"]
    (meter,) = (each for each in shop.get("/v1/billing/meters")["data"] if each["event_name"] == "api_calls")
    assert calls["recurring"]["meter"] == meter["id"]
    product = shop.get("/v1/products/pro")
    assert product["default_price"] == month["id"]
    assert {"tier": "pro", "features": "sso,audit", "line": "main"}.items() <= product["metadata"].items()
    assert product["metadata"][MARK] in {each.outcome.action_id for each in sold.done}
    portals = {each["metadata"].get(CATALOG_KEY): each for each in read(shop.wire).portals}
    update = portals[None]["features"]["subscription_update"]
    assert update["products"][0]["prices"] == [month["id"], price(shop, "pro-year")["id"]]
    assert portals["partners"]["features"]["subscription_pause"]["enabled"]


def test_every_change_is_in_the_trail_and_no_limit_of_actions_holds_it(shop: Scene, sold: Sold) -> None:
    # a meter, a product, eight prices, the default price, two coupons, a code, two portals
    assert len(sold.done) == 1 + 1 + 8 + 1 + 2 + 1 + 2
    with shop.store.reading() as connection:
        assert examined(connection, noted(shop.store.anchor))[1] == []
        for each in sold.done:
            told = [entry.event for entry in entries_of(connection, each.outcome.action_id)]
            assert told == ["planned", "approved", "intended", "acted", "verified"]


def test_what_the_account_has_and_the_file_does_not_is_told_and_left(shop: Scene) -> None:
    before = catalog_of(read(shop.wire))
    unlisted = {(each.kind, each.key) for each in found(shop, file.read(CATALOG)).unlisted}
    assert {("price", "starter-usd-month"), ("meter", "usage")} <= unlisted
    assert not any(key.startswith("pro-") for _, key in unlisted)
    assert made(shop, file.read(CATALOG)) == []
    assert catalog_of(read(shop.wire)) == before


CHANGES: list[tuple[dict[str, str], list[tuple[str, str, str]]]] = [
    ({"description: Everything": "description: All of it"}, [("update", "product", "pro")]),
    ({"features: [sso, audit]\n    m": "features: [sso]\n    m"}, [("update", "product", "pro")]),
    ({"    tier: pro\n    f": "    f"}, [("update", "product", "pro")]),
    ({"{line: main}": "{line: ''}"}, [("update", "product", "pro")]),
    ({"default_price: pro-month": "default_price: pro-year"}, [("update", "product", "pro")]),
    ({"amount: 19000": "amount: 19000, nickname: Yearly"}, [("update", "price", "pro-year")]),
    ({"{amount: 1700}}": "{amount: 1700}, gbp: {amount: 1500}}"}, [("update", "price", "pro-month")]),
    ({"{eur: 900}": "{eur: 900, gbp: 800}"}, [("update", "coupon", "TEN")]),
    ({"name: API calls": "name: Calls"}, [("update", "meter", "api_calls")]),
    ({"headline: Northwind": "headline: Hello"}, [("update", "portal", "default")]),
    ({"[month, 3 months]": "[month]"}, [("update", "portal", "partners")]),
    ({"reasons: [too_expensive, unused]": "mode: immediately"}, [("update", "portal", "default")]),
    (
        {"max_redemptions: 100": "max_redemptions: 50"},
        [
            ("archive", "promotion_code", "SPRING"),
            ("replace", "promotion_code", "SPRING"),
        ],
    ),
    ({"    name: Pro\n": "    name: Pro\n    archived: true\n"}, [("archive", "product", "pro")]),
    ({"coupon: TEN, f": "coupon: TEN, archived: true, f"}, [("archive", "promotion_code", "SPRING")]),
    ({"percent_off: 12.5": "archived: true, percent_off: 12.5"}, [("archive", "coupon", "EIGHTH")]),
    ({"{name: API calls}": "{name: API calls, archived: true}"}, [("archive", "meter", "api_calls")]),
    ({"name: Partners": "archived: true"}, [("archive", "portal", "partners")]),
]


@pytest.mark.parametrize(("changes", "expected"), CHANGES, ids=lambda value: str(value)[:40])
def test_only_what_differs_is_changed(
    sold: Sold, changes: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    assert steps(drift(changed(changes), sold.account)) == expected


def test_what_was_changed_differs_no_more(shop: Scene) -> None:
    together: dict[str, str] = {}
    for changes, _ in CHANGES[:-3]:
        together |= changes
    for changes in (together, *(changes for changes, _ in CHANGES[-3:])):
        after = changed(changes)
        made(shop, after)
        assert found(shop, after).steps == ()


def test_a_price_that_changes_is_made_anew_and_the_old_one_is_archived(shop: Scene) -> None:
    old = price(shop, "pro-month")
    after = changed({"amount: 1900, every: month": "amount: 2100, every: month"})
    assert steps(found(shop, after)) == [
        ("replace", "price", "pro-month"),
        ("update", "product", "pro"),
        ("update", "portal", "default"),
        ("archive", "price", "pro-month"),
    ]
    made(shop, after)
    new = price(shop, "pro-month")
    assert (new["unit_amount"], new["metadata"][REPLACES]) == (2100, old["id"])
    was = shop.get(f"/v1/prices/{old['id']}")
    assert (was["active"], was["lookup_key"], was["unit_amount"]) == (False, None, 1900)
    assert shop.get("/v1/products/pro")["default_price"] == new["id"]
    offered = read(shop.wire).by_key["portal", "default"]["features"]["subscription_update"]["products"][0]["prices"]
    assert new["id"] in offered
    assert old["id"] not in offered
    assert found(shop, after).steps == ()


def test_a_default_price_that_the_file_does_not_name_follows_to_the_one_that_takes_its_place(sold: Sold) -> None:
    told = drift(
        changed({"    default_price: pro-month\n": "", "amount: 1900, every": "amount: 2100, every"}), sold.account
    )
    (step,) = (each for each in told.steps if each.phase == "default")
    assert step.change.values == {"default_price": {"$price": "pro-month"}}
    assert [each.change.key for each in told.steps if each.change.verb == "archive"] == ["pro-month"]


def test_a_default_price_is_not_archived_without_another_one(sold: Sold) -> None:
    told = drift(
        changed(
            {"    default_price: pro-month\n": "", "{eur: {amount: 1700}}": "{eur: {amount: 1700}}, archived: true"}
        ),
        sold.account,
    )
    assert ([each.key for each in told.blocked], [each for each in told.steps if each.change.kind == "price"]) == (
        ["pro-month"],
        [],
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("currency: usd, amount: 19000", "currency: eur, amount: 19000"),
        ("amount: 19000, every: year", "amount: 19000, every: 6 months"),
        ("{eur: {amount: 1700}}", "{eur: {amount: 1800}}"),
        (", currencies: {eur: {amount: 1700}}", ""),
        ("unit: 899.5", "unit: 899.4"),
        ("tiers_mode: volume", "tiers_mode: graduated"),
        ("{size: 1000}", "{size: 1000, round: down}"),
        ("amount: 0.4, every: month, meter: api_calls", "amount: 40, every: month"),
        ("preset: 1000", "preset: 2000"),
    ],
)
def test_every_term_of_a_price_is_for_good(sold: Sold, old: str, new: str) -> None:
    told = steps(drift(changed({old: new}), sold.account))
    assert [verb for verb, kind, _ in told if kind == "price"] == ["replace", "archive"]


def test_what_can_neither_be_changed_nor_replaced_is_told(sold: Sold) -> None:
    for old, new, key in (
        ("percent_off: 12.5", "percent_off: 15", "EIGHTH"),
        ("{name: API calls}", "{name: API calls, formula: count}", "api_calls"),
    ):
        told = drift(changed({old: new}), sold.account)
        assert (told.steps, [each.key for each in told.blocked]) == ((), [key])


def test_what_has_no_entry_is_archived_where_the_file_lists_it(shop: Scene) -> None:
    lists = {
        "archive": {
            "products": [shop.get("/v1/products", limit=100)["data"][-1]["id"], "none"],
            "prices": ["starter-usd-month", price(shop, "team-usd-month")["id"]],
            "meters": ["usage"],
            "coupons": [shop.get("/v1/coupons", limit=100)["data"][-1]["id"]],
        }
    }
    after = file.read(CATALOG + yaml.safe_dump(lists))
    expected = {
        ("coupon", *lists["archive"]["coupons"]),
        ("product", lists["archive"]["products"][0]),
        ("meter", "usage"),
    }
    expected |= {("price", each) for each in lists["archive"]["prices"]}
    assert {(kind, key) for verb, kind, key in steps(found(shop, after)) if verb == "archive"} == expected
    assert expected.isdisjoint((each.kind, each.key) for each in found(shop, after).unlisted)
    made(shop, after)
    assert (found(shop, after).steps, len(made(shop, after))) == ((), 0)


def test_what_was_archived_by_somebody_is_for_sale_again(shop: Scene) -> None:
    year = price(shop, "pro-year")
    shop.post(f"/v1/prices/{year['id']}", active="false")
    shop.post("/v1/products/pro", active="false", name="Other")
    assert steps(found(shop, file.read(CATALOG))) == [
        ("restore", "product", "pro"),
        ("update", "product", "pro"),
        ("restore", "price", "pro-year"),
    ]
    made(shop, file.read(CATALOG))
    assert price(shop, "pro-year")["id"] == year["id"]
    assert found(shop, file.read(CATALOG)).steps == ()


def test_the_same_change_can_be_made_again_after_it_was_undone(shop: Scene) -> None:
    for _ in range(2):
        shop.post("/v1/products/pro", name="Other")
        assert [each.outcome.event for each in made(shop, file.read(CATALOG))] == ["verified"]
    assert shop.get("/v1/products/pro")["name"] == "Pro"


def test_a_change_that_stripe_refuses_ends_it_and_the_rest_waits(bare: Scene) -> None:
    wrong = "coupons: {C: {percent_off: 5, duration: once, products: [none]}}\npromotion_codes: {CODE: {coupon: C}}"
    done = list(apply.apply(bare.engine(), found(bare, file.read(wrong)), "mara"))
    assert [(each.step.change.kind, each.outcome.event, each.outcome.why) for each in done] == [
        ("coupon", "failed", "resource_missing")
    ]
    right = file.read(wrong.replace(", products: [none]", ""))
    made(bare, right)
    assert found(bare, right).steps == ()


def test_subscribers_and_their_list_price_a_month_are_told(scene: Scene) -> None:
    account = read(scene.wire)
    worth: dict[str, Any] = {}
    for held in account.prices:
        if held["lookup_key"] in ("team-usd-month", "team-usd-year"):
            told = of_price(scene.wire, held)
            quantities = [each.quantity or 0 for each in told.found if each.status in ("active", "past_due")]
            assert len(told.found) >= len(quantities) > 0
            # a seat is 12.00 a month, or 120.00 a year, which is 10.00 a month
            worth[held["lookup_key"]] = sum(quantities) * {"month": 1200, "year": 1000}[held["recurring"]["interval"]]
            assert told.mrr == {"usd": worth[held["lookup_key"]]}
    assert worth
