"""What is for sale is made and changed over the API as at Stripe, refusals included; what is counted is billed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import stripe

from sandbox.serving import Sandbox
from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner, told

NUMBERS = count(1)
MONTH = {"interval": "month"}


@pytest.fixture
def product(client: Any) -> Iterator[Any]:
    yield client.v1.products.create({"id": f"made_{next(NUMBERS)}", "name": "Made"})


def price(client: Any, product: Any, **more: Any) -> Any:
    said = {"product": product.id, "currency": "usd", "unit_amount": 1900, "recurring": MONTH, **more}
    return client.v1.prices.create({name: value for name, value in said.items() if value is not None})


def refused(call: Any, *given: Any) -> Any:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        call(*given)
    return told(refusal.value)


def test_all_that_is_made_is_what_the_sdk_says_it_is(client: Any, product: Any) -> None:
    key = product.id
    made = [
        product,
        price(client, product, expand=["currency_options"], currency_options={"eur": {"unit_amount": 1700}}),
        price(client, product, recurring=None),
        client.v1.billing.meters.create(
            {"display_name": "Calls", "event_name": key, "default_aggregation": {"formula": "sum"}}
        ),
        client.v1.coupons.create({"id": key, "percent_off": 10, "duration": "once", "redeem_by": 2_000_000_000}),
        client.v1.promotion_codes.create({"code": f"C{key}", "promotion": {"type": "coupon", "coupon": key}}),
        client.v1.billing_portal.configurations.create(
            {"features": {"subscription_pause": {"enabled": True, "duration": {"type": "indefinite"}}}}
        ),
    ]
    assert [faults(each.to_dict(for_json=True)) for each in made] == [[]] * len(made)


def test_events_tell_of_it(owner: Owner, product: Any) -> None:
    sold = price(owner.client, product)
    owner.client.v1.prices.update(sold.id, {"active": False})
    assert owner.events(sold.id) == ["price.created", "plan.created", "price.updated", "plan.updated"]
    assert owner.events(product.id) == ["product.created"]


def test_an_id_is_given_once(client: Any, product: Any) -> None:
    assert refused(client.v1.products.create, {"id": product.id, "name": "Other"})["code"] == "resource_already_exists"
    assert client.v1.products.retrieve(product.id).name == "Made"


@pytest.mark.parametrize("field", ["unit_amount", "currency", "recurring", "product", "tiers"])
def test_the_terms_of_a_price_can_never_be_changed(client: Any, product: Any, field: str) -> None:
    sold = price(client, product)
    given = {"unit_amount": 5, "currency": "eur", "recurring": MONTH, "product": "p", "tiers": [{"up_to": 5}]}[field]
    assert refused(client.v1.prices.update, sold.id, {field: given})["code"] == "parameter_unknown"


def test_a_lookup_key_is_one_prices_alone_and_is_taken_over_where_that_is_asked_for(client: Any, product: Any) -> None:
    key = f"{product.id}-month"
    old = price(client, product, lookup_key=key)
    refusal = refused(lambda: price(client, product, lookup_key=key))
    assert (f"(`{old.id}`) already uses that lookup key" in refusal["message"], refusal["param"]) == (
        True,
        "lookup_key",
    )
    new = price(client, product, unit_amount=2100, lookup_key=key, transfer_lookup_key=True)
    assert (client.v1.prices.retrieve(old.id).lookup_key, new.lookup_key) == (None, key)
    assert [each.id for each in client.v1.prices.list({"lookup_keys": [key]}).data] == [new.id]


def test_a_default_price_stays_for_sale(client: Any, product: Any) -> None:
    first, second = price(client, product), price(client, product)
    client.v1.products.update(product.id, {"default_price": first.id})
    assert "it is the default price" in refused(client.v1.prices.update, first.id, {"active": False})["message"]
    client.v1.products.update(product.id, {"default_price": second.id})
    assert client.v1.prices.update(first.id, {"active": False}).active is False
    assert refused(client.v1.products.update, product.id, {"default_price": first.id})["param"] == "default_price"


def test_a_product_with_prices_is_not_deleted_and_one_without_is(client: Any, product: Any) -> None:
    price(client, product)
    assert "user-created prices" in refused(client.v1.products.delete, product.id)["message"]
    other = client.v1.products.create({"name": "Other"})
    assert client.v1.products.delete(other.id).deleted
    refusal = refused(lambda: price(client, other))
    assert (refusal["code"], refusal["param"]) == ("resource_missing", "product")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"unit_amount": None}, "unit_amount"),
        ({"unit_amount_decimal": "1.5"}, "unit_amount"),
        ({"currency": "dollars"}, "currency"),
        ({"currency_options": {"usd": {"unit_amount": 1}}}, "currency_options[usd]"),
        ({"currency_options": {"eur": {"tax_behavior": "inclusive"}}}, "currency_options[eur]"),
        ({"billing_scheme": "tiered", "unit_amount": None, "tiers_mode": "volume"}, "tiers"),
        ({"tiers": [{"up_to": "inf", "unit_amount": 1}], "unit_amount": None}, "tiers"),
        (
            {
                "billing_scheme": "tiered",
                "tiers_mode": "volume",
                "unit_amount": None,
                "tiers": [{"up_to": 5, "unit_amount": 1}],
            },
            "tiers",
        ),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, "recurring[meter]"),
        ({"recurring": {"interval": "month", "usage_type": "metered", "meter": "mtr_none"}}, "recurring[meter]"),
        ({"recurring": {"interval": "year", "interval_count": 4}}, "recurring[interval_count]"),
    ],
)
def test_terms_that_do_not_go_together_are_refused(client: Any, product: Any, more: dict[str, Any], param: str) -> None:
    assert refused(lambda: price(client, product, **more))["param"] == param


def test_a_subscription_moves_to_a_price_that_was_made_and_pays_it(owner: Owner, product: Any) -> None:
    client, sub = owner.client, owner.subscription("usd")
    tiers: list[dict[str, Any]] = [
        {"up_to": 2, "unit_amount": 100},
        {"up_to": "inf", "unit_amount_decimal": "50.5", "flat_amount": 300},
    ]
    sold = price(
        client,
        product,
        unit_amount=None,
        currency="eur",
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=tiers,
        currency_options={"usd": {"tiers": [{**tiers[0], "unit_amount": 200}, tiers[1]]}},
    )
    listed = client.v1.prices.list({"product": product.id, "expand": ["data.currency_options"]}).data[0]
    assert [
        hasattr(option, "tiers") for option in (listed.currency_options["usd"], listed.currency_options["eur"])
    ] == [False] * 2
    named = client.v1.prices.retrieve(sold.id, {"expand": ["currency_options.usd.tiers"]}).currency_options
    assert ([tier.unit_amount for tier in named["usd"].tiers], hasattr(named["eur"], "tiers")) == ([200, None], False)
    change = {"id": sub.items[0].id, "price": sold.id, "quantity": 4}
    client.v1.subscriptions.update(sub.id, {"items": [change], "proration_behavior": "none"})
    owner.sandbox.advance(to=sub.period_end + 7_200)
    lines = client.v1.invoices.retrieve(owner.latest(sub.id)).lines.data
    # in dollars: 2 x 200, then 2 x 50.5 and the flat 300 of the second tier
    assert [line.subtotal for line in lines if line.pricing.price_details.price == sold.id] == [400 + 101 + 300]


def test_what_is_counted_is_billed_once(owner: Owner, sandbox: Sandbox, product: Any) -> None:
    client, sub = owner.client, owner.subscription("usd")
    meter = client.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": product.id, "default_aggregation": {"formula": "sum"}}
    )
    sold = price(
        client,
        product,
        unit_amount=None,
        unit_amount_decimal="2.5",
        recurring={"interval": "month", "usage_type": "metered", "meter": meter.id},
    )
    client.v1.subscriptions.update(sub.id, {"items": [{"price": sold.id}], "proration_behavior": "none"})

    def use(value: str, identifier: str) -> Any:
        payload = {"stripe_customer_id": sub.customer.id, "value": value}
        return client.v1.billing.meter_events.create(
            {"event_name": product.id, "payload": payload, "identifier": identifier}
        )

    assert faults(use("30", "one").to_dict(for_json=True)) == []
    use("12", "two")
    assert refused(use, "12", "two")["code"] == "duplicate_meter_event"
    assert refused(use, "many", "three")["code"] == "invalid_payload"
    day = sandbox.now - sandbox.now % 86_400
    window = {"customer": sub.customer.id, "start_time": day, "end_time": day + 86_400}
    assert [each.aggregated_value for each in client.v1.billing.meters.event_summaries.list(meter.id, window).data] == [
        42
    ]
    owner.sandbox.advance(to=sub.period_end + 7_200)
    lines = client.v1.invoices.retrieve(owner.latest(sub.id)).lines.data
    # 42 calls at 2.5
    assert [line.subtotal for line in lines if line.pricing.price_details.price == sold.id] == [105]


def test_a_meter_that_is_off_counts_nothing_and_its_name_is_free(client: Any, product: Any) -> None:
    said = {"display_name": "A", "event_name": product.id, "default_aggregation": {"formula": "count"}}
    first = client.v1.billing.meters.create(said)
    assert refused(client.v1.billing.meters.create, said)["param"] == "event_name"
    assert client.v1.billing.meters.deactivate(first.id).status == "inactive"
    event = {"event_name": product.id, "payload": {"stripe_customer_id": "cus_1"}}
    assert refused(client.v1.billing.meter_events.create, event)["code"] == "no_meter"
    second = client.v1.billing.meters.create(said)
    assert "active already" in refused(client.v1.billing.meters.reactivate, first.id)["message"]
    client.v1.billing.meters.deactivate(second.id)
    assert client.v1.billing.meters.reactivate(first.id).status == "active"


def test_a_code_is_one_active_ones_alone_and_ends_with_its_coupon(client: Any, product: Any) -> None:
    coupon = client.v1.coupons.create({"percent_off": 10, "duration": "once"})
    said: dict[str, Any] = {"code": f"x-{product.id}", "promotion": {"type": "coupon", "coupon": coupon.id}}
    first = client.v1.promotion_codes.create(said)
    again = {**said, "code": said["code"].upper()}
    assert refused(client.v1.promotion_codes.create, again)["code"] == "resource_already_exists"
    client.v1.promotion_codes.update(first.id, {"active": False})
    second = client.v1.promotion_codes.create(said)
    client.v1.coupons.delete(coupon.id)
    assert client.v1.promotion_codes.retrieve(second.id).active is False
    assert "coupon was deleted" in refused(client.v1.promotion_codes.update, first.id, {"active": True})["message"]
    assert refused(client.v1.promotion_codes.create, said)["code"] == "resource_missing"


def test_the_portal_offers_only_what_is_for_sale(client: Any, product: Any) -> None:
    sold, create = price(client, product), client.v1.billing_portal.configurations.create

    def offering(product_id: str, price_id: str) -> dict[str, Any]:
        products = [{"product": product_id, "prices": [price_id]}]
        return {
            "features": {
                "subscription_update": {"enabled": True, "default_allowed_updates": ["price"], "products": products}
            }
        }

    shows = {"expand": ["features.subscription_update.products"]}
    made = create({**offering(product.id, sold.id), **shows})
    assert made.features.subscription_update.products[0].adjustable_quantity.enabled is False
    client.v1.billing_portal.configurations.update(made.id, {"features": {"invoice_history": {"enabled": True}}})
    plain = client.v1.billing_portal.configurations.retrieve(made.id).features
    assert not hasattr(plain.subscription_update, "products")
    kept = client.v1.billing_portal.configurations.retrieve(made.id, shows).features
    assert (kept.invoice_history.enabled, kept.subscription_update.products[0].prices) == (True, [sold.id])
    assert refused(create, offering("none", sold.id))["code"] == "resource_missing"
    assert refused(create, offering(product.id, "none"))["code"] == "resource_missing"
    client.v1.prices.update(sold.id, {"active": False})
    assert "inactive" in refused(create, offering(product.id, sold.id))["message"]
