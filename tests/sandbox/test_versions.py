"""Events in the shape of API version 2024-06-20, told apart from the pinned one field by field."""

from typing import Any

import pytest

from sandbox.store import Store
from sandbox.world import shapes
from sandbox.world.versions import OLD_VERSION, older, rendered
from tests.sandbox.shapes import specimens

T0, MONTH = specimens.T0, specimens.MONTH


@pytest.fixture
def store() -> Store:
    """Every specimen, and one payment of the invoice by a payment intent with a charge."""
    store = Store()
    for obj in specimens.SPECIMENS:
        if "id" in obj and obj["object"] not in (
            "event",
            "discount",
            "line_item",
            "subscription_item",
            "plan",
        ):
            store.put(obj)
    paid_by = {"id": "pi_1", "created": T0, "amount": 6000, "currency": "usd", "latest_charge": "ch_1"}
    store.put(shapes.payment_intent(**paid_by))  # type: ignore[arg-type]
    store.put(shapes.charge(id="ch_1", created=T0, amount=6000, currency="usd", payment_intent="pi_1"))
    return store


def event(obj: dict[str, Any], previous: dict[str, Any] | None = None) -> dict[str, Any]:
    return shapes.event(
        id="evt_1", created=T0, type="customer.subscription.updated", object=obj, previous_attributes=previous
    )


def test_a_subscription_has_its_period_and_its_discount_with_the_coupon_inside(store: Store) -> None:
    old = older(specimens.SUBSCRIPTION, store)
    assert (old["current_period_start"], old["current_period_end"]) == (T0, T0 + MONTH)
    assert old["discount"]["coupon"]["percent_off"] == 10.0
    assert "source" not in old["discount"]
    assert old["discounts"] == ["di_1"]
    item = old["items"]["data"][0]
    assert "current_period_end" not in item
    assert "billed_until" not in item
    assert item["price"]["recurring"]["aggregate_usage"] is None
    assert item["plan"]["aggregate_usage"] is None


def test_a_deleted_coupon_is_a_stub_inside_the_discount(store: Store) -> None:
    store.delete("coupon", "SAVE10")
    assert older(specimens.DISCOUNT, store)["coupon"] == {"id": "SAVE10", "object": "coupon", "deleted": True}


def test_an_invoice_names_its_subscription_its_payment_and_its_tax(store: Store) -> None:
    old = older(specimens.INVOICE, store)
    assert old["subscription"] == "sub_1"
    assert old["subscription_details"] == {"metadata": {}}
    assert old["subscription_proration_date"] == T0
    assert (old["payment_intent"], old["charge"]) == ("pi_1", "ch_1")
    assert (old["paid"], old["paid_out_of_band"]) == (False, False)
    assert old["tax"] == 900 - 60
    assert [(tax["amount"], tax["inclusive"], tax["tax_rate"]) for tax in old["total_tax_amounts"]] == [
        (840, False, "txr_1")
    ]
    assert old["discount"]["id"] == "di_1"
    assert {"parent", "total_taxes"}.isdisjoint(old)


def test_an_invoice_without_subscription_or_payment_names_none(store: Store) -> None:
    old = older(specimens.DRAFT, store)
    assert (old["subscription"], old["payment_intent"], old["charge"], old["tax"]) == (None, None, None, None)
    assert "subscription_proration_date" not in old


def test_lines_have_a_type_a_price_and_tax_amounts(store: Store) -> None:
    line, credit = older(specimens.INVOICE, store)["lines"]["data"]
    assert (line["type"], line["subscription_item"], line["proration"]) == ("subscription", "si_1", False)
    assert (line["price"]["id"], line["plan"]["amount"]) == ("price_m", 1200)
    assert line["tax_rates"] == [specimens.VAT]
    assert (line["amount_excluding_tax"], line["unit_amount_excluding_tax"]) == (6000, "1200")
    assert line["discounts"] == ["di_2"]
    assert (credit["type"], credit["invoice_item"], credit["proration"]) == ("invoiceitem", "ii_1", True)
    assert credit["tax_amounts"][0]["amount"] == -60
    assert all({"parent", "pricing", "taxes"}.isdisjoint(each) for each in (line, credit))


def test_an_event_cuts_an_invoice_at_ten_lines(store: Store) -> None:
    lines = [{**specimens.LINE, "id": f"il_{place}"} for place in range(12)]
    long = {**specimens.INVOICE, "lines": shapes.listed(lines, url="/v1/invoices/in_1/lines")}
    old = older(long, store)["lines"]
    assert (len(old["data"]), old["has_more"]) == (10, True)


def test_an_invoice_item_has_a_price_and_a_subscription(store: Store) -> None:
    old = older(store.get("invoiceitem", "ii_1") or {}, store)
    assert (old["subscription"], old["subscription_item"]) == ("sub_1", "si_1")
    assert (old["price"]["id"], old["unit_amount"], old["unit_amount_decimal"]) == ("price_m", 1200, "1200")
    assert {"parent", "pricing"}.isdisjoint(old)


@pytest.mark.parametrize(("kind", "id_"), [("charge", "ch_1"), ("payment_intent", "pi_1")])
def test_charges_and_payment_intents_name_their_invoice(kind: str, id_: str, store: Store) -> None:
    assert older(store.get(kind, id_) or {}, store)["invoice"] == "in_1"


def test_prices_customers_and_credit_notes_are_of_their_time(store: Store) -> None:
    price = older(specimens.TIERED, store)
    assert price["recurring"]["aggregate_usage"] is None
    assert "tiers" not in price
    assert older(store.get("customer", "cus_1") or {}, store)["discount"]["coupon"]["id"] == "SAVE10"
    note = older(store.get("credit_note", "cn_1") or {}, store)
    assert note["refund"] == "re_1"
    assert note["tax_amounts"][0]["amount"] == 180
    assert note["lines"]["data"][0]["amount_excluding_tax"] == 1000


def test_previous_attributes_are_those_of_the_older_shape(store: Store) -> None:
    items = shapes.listed(
        [{**specimens.ITEM, "current_period_start": T0 - MONTH, "current_period_end": T0}],
        url=specimens.SUBSCRIPTION["items"]["url"],
    )
    told = rendered(event(specimens.SUBSCRIPTION, {"items": items, "status": "past_due"}), OLD_VERSION, store)
    assert told["api_version"] == OLD_VERSION
    assert told["data"]["previous_attributes"] == {
        "status": "past_due",
        "current_period_start": T0 - MONTH,
        "current_period_end": T0,
    }


def test_an_event_of_that_version_already_is_left_alone(store: Store) -> None:
    told = rendered(event(specimens.SUBSCRIPTION), OLD_VERSION, store)
    assert rendered(told, OLD_VERSION, store) is told


def test_the_pinned_version_only_leaves_out_what_must_be_expanded(store: Store) -> None:
    told = rendered(event(specimens.SUBSCRIPTION), shapes.API_VERSION, store)["data"]["object"]
    assert told["discounts"] == ["di_1"]
    assert told["items"]["data"][0]["current_period_end"] == T0 + MONTH


def test_an_unknown_version_is_refused_by_name(store: Store) -> None:
    with pytest.raises(ValueError, match="choose 2026-10-28"):
        rendered(event(specimens.SUBSCRIPTION), "2019-01-01", store)
