"""Who subscribes to a price at present, and what that is a month: told before the price is replaced or archived.

Nobody is moved by it. What it is worth is the list price of the quantity for a month, before discounts; what is metered
is worth nothing here, since only its use tells.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.catalog.change import Change
from billing.wire import Body, Wire
from models.policy import MetricPolicy
from models.pricing import Amounts, Price, Tier, list_amount

COUNTED = frozenset({"active", "past_due"})
"""Statuses whose subscriptions are worth something at present; the others that go on are counted and worth nothing."""
MICROS = 1_000_000


@dataclass(frozen=True)
class Subscriber:
    """One subscription to the price; `mrr_micros` are millionths of a minor unit of its currency."""

    subscription_id: str
    customer_id: str
    status: str
    quantity: int | None
    currency: str
    mrr_micros: int


@dataclass(frozen=True)
class Subscribers:
    """The subscriptions to a price that have not ended."""

    price_id: str
    found: tuple[Subscriber, ...]

    @property
    def counted(self) -> int:
        """How many of them are worth something at present: who tries, pauses or owes for long is not."""
        return sum(each.status in COUNTED for each in self.found)

    @property
    def mrr(self) -> Mapping[str, int]:
        """Currency to what they are worth a month together, in minor units, half to even."""
        sums: dict[str, int] = {}
        for each in self.found:
            sums[each.currency] = sums.get(each.currency, 0) + each.mrr_micros
        return {currency: round(Fraction(micros, MICROS)) for currency, micros in sorted(sums.items())}


def touched(wire: Wire, change: Change, price: Body | None) -> Subscribers | None:
    """Those whose price a change takes from sale; None where it takes none.

    Raises:
        StripeRefusedError: the key may not read subscriptions.
        StripeUnavailableError: Stripe can't be asked.
    """
    if change.kind != "price" or change.verb != "archive" or price is None:
        return None
    return of_price(wire, price)


def of_price(wire: Wire, price: Body) -> Subscribers:
    """The subscriptions to a price, which was read with its tiers and currency options.

    Raises:
        As `touched` does.
    """
    if not price["recurring"]:
        return Subscribers(str(price["id"]), ())
    found = [
        each
        for subscription in wire.pages("/v1/subscriptions", price=str(price["id"]))
        for each in _items(subscription, price)
    ]
    return Subscribers(str(price["id"]), tuple(found))


def _items(subscription: Body, price: Body) -> Iterator[Subscriber]:
    for item in subscription["items"]["data"]:
        if item["price"]["id"] == price["id"]:
            currency = str(subscription["currency"])
            counts = subscription["status"] in COUNTED
            yield Subscriber(
                str(subscription["id"]),
                str(subscription["customer"]),
                str(subscription["status"]),
                item.get("quantity"),
                currency,
                _micros(_priced(price), item.get("quantity") or 0, currency) if counts else 0,
            )


def _micros(price: Price, quantity: int, currency: str) -> int:
    amount = Fraction(0) if price.is_metered else list_amount(price, quantity, currency) or Fraction(0)
    return round(amount * MetricPolicy().periods_a_month(price.interval or "month", price.interval_count) * MICROS)


def _priced(body: Body) -> Price:
    recurring, package = body["recurring"], body["transform_quantity"] or {}
    options = body.get("currency_options") or {}
    return Price(
        id=str(body["id"]),
        product_id=str(body["product"]),
        currency=str(body["currency"]),
        amounts={code: _amounts(each) for code, each in options.items()} | {str(body["currency"]): _amounts(body)},
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        tiers_mode=body["tiers_mode"],
        divide_by=package.get("divide_by"),
        round=package.get("round", "up"),
        is_metered=recurring["usage_type"] == "metered",
    )


def _amounts(body: Mapping[str, Any]) -> Amounts:
    tiers = [
        Tier(each["up_to"], _exact(each, "unit_amount") or Fraction(0), _exact(each, "flat_amount") or Fraction(0))
        for each in body.get("tiers") or ()
    ]
    return Amounts(_exact(body, "unit_amount"), tuple(tiers))


def _exact(body: Mapping[str, Any], name: str) -> Fraction | None:
    told = body.get(f"{name}_decimal")
    told = body.get(name) if told is None else told
    return None if told is None else Fraction(Decimal(str(told)))
