"""How a customer's subscriptions stand, asked of Stripe."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from billing.access.policy import Held, Policy, tier_of
from billing.errors import StripeRefusedError
from billing.wire import Body, Wire, path

Products = dict[str, Mapping[str, str]]
"""Metadata of products by id, read once a go."""


def held_by(wire: Wire, customer_id: str, policy: Policy, products: Products) -> list[Held]:
    """What a customer holds; nothing where Stripe has no such customer any more.

    Raises:
        StripeUnavailableError: Stripe gives no usable answer.
        StripeRefusedError: the key may not read subscriptions, products or invoices.
    """
    try:
        subscriptions = list(wire.pages("/v1/subscriptions", customer=customer_id))
    except StripeRefusedError as error:
        if error.status == 404 or error.code == "resource_missing":
            return []
        raise
    return [_held(wire, each, policy, products) for each in subscriptions]


def customers(wire: Wire) -> Iterator[str]:
    """Every customer who has a subscription that is not over, each once."""
    seen: set[str] = set()
    for subscription in wire.pages("/v1/subscriptions"):
        if (customer := str(subscription["customer"])) not in seen:
            seen.add(customer)
            yield customer


def _held(wire: Wire, subscription: Body, policy: Policy, products: Products) -> Held:
    overdue = subscription["status"] == "past_due"
    return Held(
        subscription_id=str(subscription["id"]),
        status=str(subscription["status"]),
        tiers=tuple(_tiers(wire, subscription, policy, products)),
        collection_is_paused=bool(subscription.get("pause_collection")),
        overdue_since=_overdue_since(wire, str(subscription["id"])) if overdue else None,
    )


def _tiers(wire: Wire, subscription: Body, policy: Policy, products: Products) -> Iterator[str]:
    for item in _items(wire, subscription):
        price = item["price"]
        tier = tier_of(policy, price.get("metadata") or {}, _product(wire, str(price["product"]), policy, products))
        if tier is not None:
            yield tier


def _items(wire: Wire, subscription: Body) -> Iterator[Body]:
    """Every item; a subscription shows the first ones alone."""
    if subscription["items"]["has_more"]:
        yield from wire.pages("/v1/subscription_items", subscription=subscription["id"])
    else:
        yield from subscription["items"]["data"]


def _product(wire: Wire, id_: str, policy: Policy, products: Products) -> Mapping[str, str]:
    if not any(name.startswith("product.") for name in policy.tier):
        return {}
    if id_ not in products:
        products[id_] = dict(wire.get(path("products", id_)).get("metadata") or {})
    return products[id_]


def _overdue_since(wire: Wire, subscription_id: str) -> datetime | None:
    """When the oldest invoice that is still open was finalized: a later one does not begin the days of grace anew."""
    invoices = wire.pages("/v1/invoices", subscription=subscription_id, status="open")
    since = [each["status_transitions"]["finalized_at"] or each["created"] for each in invoices]
    return datetime.fromtimestamp(min(since), UTC) if since else None
