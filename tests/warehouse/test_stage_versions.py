"""Which version of an object counts, what becomes of deleted ones, and what is gathered from other objects."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from pipelines.warehouse import findings
from tests.warehouse.raw_tables import LOADED, Raw

LATER = LOADED + timedelta(hours=1)
LATEST = LOADED + timedelta(hours=2)


def price(identity: str = "price_1", **changes: Any) -> dict[str, Any]:
    return {"id": identity, "object": "price", "type": "recurring", "currency": "usd", "unit_amount": 1000, **changes}


def discount(identity: str, coupon: Any, **changes: Any) -> dict[str, Any]:
    return {"id": identity, "object": "discount", "source": {"type": "coupon", "coupon": coupon}, **changes}


def subscription(**changes: Any) -> dict[str, Any]:
    return {"id": "sub_1", "object": "subscription", "discounts": [], "items": {"data": []}, **changes}


def test_the_version_that_was_seen_last_counts_whatever_order_it_arrived_in(raw: Raw) -> None:
    raw.put("charges", {"id": "ch_1", "amount": 3}, seen_at=LATEST)
    raw.put("charges", {"id": "ch_1", "amount": 1}, seen_at=LOADED)
    raw.put("charges", {"id": "ch_1", "amount": 2}, seen_at=LATER)
    assert raw.row("charges")["amount"] == 3


def test_of_versions_seen_in_the_same_second_the_last_to_arrive_counts(raw: Raw) -> None:
    raw.put("charges", {"id": "ch_1", "amount": 1})
    raw.put("charges", {"id": "ch_1", "amount": 2})
    assert raw.row("charges")["amount"] == 2


def test_a_deleted_customer_stays_with_what_was_last_known_but_without_its_name(raw: Raw) -> None:
    raw.put("customers", {"id": "cus_1", "name": "Ann", "email": "a@b.c", "currency": "usd", "created": 1700000000})
    raw.put("customers", {"id": "cus_1", "object": "customer", "deleted": True}, seen_at=LATER, deleted=True)
    row = raw.row("customers")
    assert (row["deleted"], row["currency"], row["name"], row["email"]) == (True, "usd", None, None)
    assert row["created_at"] is not None


def test_a_customer_that_was_deleted_before_the_first_load_is_known_by_its_id_alone(raw: Raw) -> None:
    raw.put("customers", {"id": "cus_1", "object": "customer", "deleted": True}, deleted=True)
    row = raw.row("customers")
    assert (row["id"], row["deleted"], row["created_at"]) == ("cus_1", True, None)


def test_deleted_products_prices_and_coupons_stay(raw: Raw) -> None:
    for stream, payload in {
        "products": {"id": "prod_1", "name": "Plan"},
        "prices": price(),
        "coupons": {"id": "SAVE", "duration": "forever", "percent_off": 10},
    }.items():
        raw.put(stream, payload)
        raw.put(stream, {"id": payload["id"], "deleted": True}, seen_at=LATER, deleted=True)
    assert raw.row("products")["name"] == "Plan"
    assert raw.row("prices")["unit_amount"] == 1000
    assert raw.row("coupons")["percent_off"] == 10
    assert all(raw.row(table)["deleted"] for table in ("products", "prices", "coupons"))


def test_a_deleted_draft_invoice_is_gone_with_its_lines(raw: Raw) -> None:
    raw.put("invoices", {"id": "in_1", "status": "draft", "lines": {"data": [{"id": "il_1", "amount": 1}]}})
    raw.put("invoices", {"id": "in_1", "deleted": True}, seen_at=LATER, deleted=True)
    assert raw.rows("invoices") == []
    assert raw.rows("invoice_lines") == []


def test_an_object_that_comes_back_after_a_deletion_is_there_again(raw: Raw) -> None:
    raw.put("products", {"id": "prod_1", "name": "Old"})
    raw.put("products", {"id": "prod_1", "deleted": True}, seen_at=LATER, deleted=True)
    raw.put("products", {"id": "prod_1", "name": "New"}, seen_at=LATEST)
    assert (raw.row("products")["name"], raw.row("products")["deleted"]) == ("New", False)


def test_subscription_versions_hold_from_the_change_that_stripe_told_else_from_the_read(raw: Raw) -> None:
    raw.put("subscriptions", subscription(status="trialing"), seen_at=LOADED)
    raw.put("subscriptions", subscription(status="active"), seen_at=LATEST, changed_at=LATER)
    versions = raw.rows("subscription_versions")
    assert [(v["status"], v["valid_from_at"]) for v in versions] == [("trialing", LOADED), ("active", LATER)]


def test_a_subscription_that_returns_to_an_earlier_state_has_three_versions(raw: Raw) -> None:
    for moment, status in ((LOADED, "active"), (LATER, "past_due"), (LATEST, "active")):
        raw.put("subscriptions", subscription(status=status), seen_at=moment)
    assert [v["status"] for v in raw.rows("subscription_versions")] == ["active", "past_due", "active"]
    assert findings.KEYS not in raw.staged().failed["check_name"].to_list()


def test_an_item_that_was_taken_off_its_subscription_is_there_in_the_versions_alone(raw: Raw) -> None:
    both = {"data": [{"id": "si_1", "quantity": 1}, {"id": "si_2", "quantity": 2}]}
    raw.put("subscriptions", subscription(items=both))
    raw.put("subscriptions", subscription(items={"data": both["data"][:1]}), seen_at=LATER)
    assert [row["id"] for row in raw.rows("subscription_items")] == ["si_1"]
    versions = [[item["id"] for item in version["items"]] for version in raw.rows("subscription_versions")]
    assert versions == [["si_1", "si_2"], ["si_1"]]


def test_an_inline_price_is_known_from_the_item_that_uses_it(raw: Raw) -> None:
    items = {"data": [{"id": "si_1", "price": price("price_inline", unit_amount=4200)}]}
    raw.put("subscriptions", subscription(items=items))
    row = raw.row("prices")
    assert (row["id"], row["unit_amount"], row["deleted"]) == ("price_inline", 4200, False)


def test_a_listed_price_counts_before_the_copy_inside_an_item(raw: Raw) -> None:
    raw.put("prices", price(tiers=[{"up_to": None, "unit_amount_decimal": "1"}]), seen_at=LOADED)
    raw.put("subscriptions", subscription(items={"data": [{"id": "si_1", "price": price()}]}), seen_at=LATER)
    assert raw.row("prices")["tiers"] is not None


def test_discounts_are_gathered_from_subscriptions_items_customers_invoices_and_lines(raw: Raw) -> None:
    raw.put(
        "subscriptions",
        subscription(
            discounts=[discount("di_sub", "A")],
            items={"data": [{"id": "si_1", "discounts": [discount("di_item", "A", subscription_item="si_1")]}]},
        ),
    )
    raw.put("customers", {"id": "cus_1", "discount": discount("di_customer", "A")})
    lines = {"data": [{"id": "il_1", "discounts": [discount("di_line", "A")]}, {"id": "il_2", "discounts": ["di_id"]}]}
    raw.put("invoices", {"id": "in_1", "discounts": [discount("di_invoice", "A")], "lines": lines})
    assert [row["id"] for row in raw.rows("discounts")] == [
        "di_customer",
        "di_invoice",
        "di_item",
        "di_line",
        "di_sub",
    ]


def test_a_discount_that_was_taken_off_the_subscription_is_still_known(raw: Raw) -> None:
    raw.put("subscriptions", subscription(discounts=[discount("di_1", "A", end=1700000000)]))
    raw.put("subscriptions", subscription(discounts=[]), seen_at=LATER)
    assert raw.row("discounts")["coupon_id"] == "A"


def test_the_newest_copy_on_the_subscription_counts_before_a_copy_on_an_invoice(raw: Raw) -> None:
    raw.put("subscriptions", subscription(discounts=[discount("di_1", "A", subscription="sub_1", end=1)]))
    raw.put(
        "subscriptions", subscription(discounts=[discount("di_1", "A", subscription="sub_1", end=2)]), seen_at=LATER
    )
    raw.put("invoices", {"id": "in_1", "discounts": [discount("di_1", "A", end=3)]}, seen_at=LATEST)
    row = raw.row("discounts")
    assert (row["subscription_id"], row["end_at"].timestamp()) == ("sub_1", 2)


def test_a_coupon_that_was_deleted_lives_on_in_the_discounts_made_with_it(raw: Raw) -> None:
    gone = {"id": "GONE", "object": "coupon", "duration": "forever", "percent_off": 12.5, "valid": False}
    raw.put("subscriptions", subscription(discounts=[discount("di_1", gone)]))
    row = raw.row("coupons")
    assert (row["id"], row["percent_off"], row["deleted"]) == ("GONE", Decimal("12.5"), True)
    assert raw.row("discounts")["coupon_id"] == "GONE"


def test_a_coupon_seen_as_deleted_alone_is_filled_from_a_discount(raw: Raw) -> None:
    gone = {"id": "GONE", "object": "coupon", "duration": "forever", "percent_off": 10}
    raw.put("coupons", {"id": "GONE", "object": "coupon", "deleted": True}, deleted=True)
    raw.put("invoices", {"id": "in_1", "discounts": [discount("di_1", gone)]})
    assert (raw.row("coupons")["duration"], raw.row("coupons")["deleted"]) == ("forever", True)


def test_a_listed_coupon_counts_before_the_copy_inside_a_discount(raw: Raw) -> None:
    listed = {"id": "SAVE", "duration": "forever", "percent_off": 10, "applies_to": {"products": ["prod_1"]}}
    raw.put("coupons", listed)
    raw.put("invoices", {"id": "in_1", "discounts": [discount("di_1", {**listed, "applies_to": None})]}, seen_at=LATER)
    row = raw.row("coupons")
    assert (row["applies_to_products"], row["deleted"]) == (["prod_1"], False)
