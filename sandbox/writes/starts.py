"""How a subscription begins at its owner's word: with a trial, a first payment as the card answers, or a bill."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.api.errors import invalid, refused
from sandbox.world import subscriptions
from sandbox.world.business import Coupon, Price
from sandbox.world.periods import DAY
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Customer
from sandbox.world.subscriptions import Order
from sandbox.world.testcards import TEST_CARDS
from sandbox.writes import declines
from sandbox.writes.catalogue import for_sale, the_coupon
from sandbox.writes.lookup import card_of, the
from sandbox.writes.parameters import Choice, Fields, Given, Ignored, Many, Notes, Text, Whole, noted
from sandbox.writes.write import Shape, Write


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/subscriptions`.

    Errors: 400 for prices or coupons that are not there or do not go together, and for a customer who can't be charged;
    402 where `error_if_incomplete` is asked for and the card declines.
    """
    customer = the(stage, Customer, given["customer"], "customer", status=400)
    order = order_of(stage, customer, given)
    _check_means(stage, customer, order, given)
    _settle_currency(customer, order)
    sub = subscriptions.start(stage, customer, order)
    return stage.shape(sub)


def order_of(stage: Stage, customer: Customer, given: Given) -> Order:
    """What is asked for. Errors: 400 as `create`."""
    items = _items(stage, customer, given.get("items", []))
    currency = items[0][0].currency
    said = [each["coupon"] for each in given.get("discounts", []) if "coupon" in each]
    coupons = tuple(the_coupon(stage, each, f"discounts[{place}][coupon]", currency) for place, each in enumerate(said))
    ending = ((given.get("trial_settings") or {}).get("end_behavior") or {}).get("missing_payment_method")
    sends = given.get("collection_method") == "send_invoice"
    if sends != ("days_until_due" in given):
        raise invalid("days_until_due goes with collection_method=send_invoice, and only with it.", "days_until_due")
    return Order(
        items,
        coupons,
        trial_days=_trial_days(stage, given),
        trial_without_card=ending or "create_invoice",
        days_until_due=given.get("days_until_due"),
        asks=True,
        pays_later=given.get("payment_behavior") == "default_incomplete",
        card=_card(stage, customer, given),
        notes=noted(None, given.get("metadata")),
    )


def _items(stage: Stage, customer: Customer, said: list[dict[str, Any]]) -> tuple[tuple[Price, int | None], ...]:
    if not said:
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    currency = customer.currency if customer.subscriptions or customer.invoices else None
    found: list[tuple[Price, int | None]] = []
    for place, each in enumerate(said):
        if "price" not in each:
            name = f"items[{place}][price]"
            raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
        price = for_sale(stage, each["price"], currency, f"items[{place}]")
        currency = price.currency
        metered = price.usage_type == "metered"
        if metered and "quantity" in each:
            raise invalid("Quantity should not be specified where usage_type is metered.", f"items[{place}][quantity]")
        found.append((price, None if metered else each.get("quantity", 1)))
    if len({(price.interval, price.interval_count) for price, _ in found}) > 1:
        raise refused("All items of a subscription here must have the same billing interval.", None, "items")
    if len({price.id for price, _ in found}) < len(found):
        raise refused("Cannot add multiple subscription items with the same price.", None, "items")
    return tuple(found)


def _trial_days(stage: Stage, given: Given) -> int:
    if "trial_end" in given:
        until = given["trial_end"] - stage.now
        if until <= 0 or until % DAY:
            raise invalid("The sandbox's trials last whole days from now.", "trial_end")
        return int(until // DAY)
    return int(given.get("trial_period_days", 0))


def _card(stage: Stage, customer: Customer, given: Given) -> Card | None:
    said = given.get("default_payment_method")
    return card_of(stage, customer, said, "default_payment_method") if said else None


def _check_means(stage: Stage, customer: Customer, order: Order, given: Given) -> None:
    card = order.card or customer.card
    free = order.trial_days or order.days_until_due is not None or order.pays_later or _is_free(order)
    if card is None and not free:
        message = (
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method."
        )
        raise refused(message, "resource_missing")
    if given.get("payment_behavior") == "error_if_incomplete" and card is not None and card.test and not free:
        test = TEST_CARDS[card.test]
        code = "authentication_required" if test.authenticates else test.decline
        if code is not None:
            raise declines.of_code(code, {})


def _is_free(order: Order) -> bool:
    whole: tuple[Coupon, ...] = tuple(each for each in order.coupons if each.percent_off == 100)
    return bool(whole) or not any(price.unit or price.tiers for price, _ in order.items)


def _settle_currency(customer: Customer, order: Order) -> None:
    """The first thing that a customer is billed for says which currency is theirs."""
    if not (customer.subscriptions or customer.invoices):
        customer.currency = order.items[0][0].currency


def previewed(stage: Stage, customer: Customer, given: Given) -> Any:
    """The first invoice of a subscription that is not there, on a rehearsed stage. Errors: 400 as `create`."""
    order = order_of(stage, customer, given)
    _settle_currency(customer, order)
    return subscriptions.first_bill(stage, customer, replace(order, pays_later=False))


ITEMS = Many(Fields({"price": Text(), "quantity": Whole(least=0)}, required=("price",)))
WRITES = (
    Write(
        "POST",
        "/v1/subscriptions",
        "subscription_write",
        "subscription",
        create,
        {
            "collection_method": Choice(("charge_automatically", "send_invoice")),
            "customer": Text(),
            "days_until_due": Whole(least=1),
            "default_payment_method": Text(),
            "discounts": Many(Fields({"coupon": Text()}, required=("coupon",))),
            "items": ITEMS,
            "metadata": Notes(),
            "off_session": Ignored(),
            "payment_behavior": Choice(("allow_incomplete", "default_incomplete", "error_if_incomplete")),
            "trial_period_days": Whole(least=1, most=730),
            "trial_settings": Fields(
                {
                    "end_behavior": Fields(
                        {"missing_payment_method": Choice(("cancel", "create_invoice", "pause"))},
                        required=("missing_payment_method",),
                    )
                }
            ),
        },
        required=("customer", "items"),
    ),
)
