"""What an account has, as Stripe tells it: what is for sale, coupons and their codes, portals; each by its identity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from billing.wire import Body, Wire, path

CATALOG_KEY = "catalog_key"
"""The key of metadata under which a portal that the file made carries its key in the file."""
REPLACES = "catalog_replaces"
"""The key of metadata under which a price says which one's place it took."""
DEFAULT = "default"
"""The key of the portal that is used where none is named."""

Kind = str
"""`meter`, `product`, `price`, `coupon`, `promotion_code` or `portal`."""

PATHS: Mapping[Kind, str] = {
    "meter": "/v1/billing/meters",
    "product": "/v1/products",
    "price": "/v1/prices",
    "coupon": "/v1/coupons",
    "promotion_code": "/v1/promotion_codes",
    "portal": "/v1/billing_portal/configurations",
}
_EXPANDED: Mapping[Kind, tuple[str, ...]] = {
    "price": ("data.currency_options", "data.tiers"),
    "coupon": ("data.applies_to", "data.currency_options"),
    "portal": ("data.features.subscription_update.products",),
}


@dataclass(frozen=True)
class Account:
    """The objects of an account, each kind the newest first, as Stripe lists them.

    `retired` are ids that are about to lose their key, and are told by their id already. Promotion codes that are one
    customer's own are left out: they are no part of a catalogue.
    """

    meters: tuple[Body, ...] = ()
    products: tuple[Body, ...] = ()
    prices: tuple[Body, ...] = ()
    coupons: tuple[Body, ...] = ()
    promotion_codes: tuple[Body, ...] = ()
    portals: tuple[Body, ...] = ()
    retired: frozenset[str] = frozenset()

    @cached_property
    def by_key(self) -> Mapping[tuple[Kind, str], Body]:
        """Each object by its kind and its key in a file. Of several that claim one key, it is the active one's."""
        found: dict[tuple[Kind, str], Body] = {}
        for kind, bodies in self.kinds().items():
            for body in sorted(bodies, key=lambda each: not is_active(kind, each)):
                found.setdefault((kind, key_of(kind, body)), body)
        for price in self.prices:
            found.setdefault(("price", str(price["id"])), price)
        return found

    @cached_property
    def by_id(self) -> Mapping[str, Body]:
        """Each object by its id at Stripe."""
        return {str(body["id"]): body for bodies in self.kinds().values() for body in bodies}

    @cached_property
    def prices_of(self) -> Mapping[str, tuple[Body, ...]]:
        """Product id to its prices, the newest first."""
        found: dict[str, tuple[Body, ...]] = {}
        for price in self.prices:
            found[price["product"]] = (*found.get(price["product"], ()), price)
        return found

    def key_of_id(self, kind: Kind, id_: str) -> str:
        """The key in a file of what has that id; the id itself where the account does not know it."""
        body = self.by_id.get(id_)
        return key_of(kind, body) if body and id_ not in self.retired else id_

    def kinds(self) -> Mapping[Kind, tuple[Body, ...]]:
        """The objects by kind."""
        return {
            "meter": self.meters,
            "product": self.products,
            "price": self.prices,
            "coupon": self.coupons,
            "promotion_code": self.promotion_codes,
            "portal": self.portals,
        }


def read(wire: Wire) -> Account:
    """Ask Stripe for the whole catalogue, archived prices and products too.

    Raises:
        StripeRefusedError: the key may not read one of the lists.
        StripeUnavailableError: Stripe can't be asked.
    """
    listed = {kind: tuple(wire.pages(place, **_expanded(kind))) for kind, place in PATHS.items() if kind != "price"}
    prices = [wire.pages(PATHS["price"], active=active, **_expanded("price")) for active in ("true", "false")]
    return Account(
        meters=listed["meter"],
        products=listed["product"],
        prices=tuple(_newest_first(_with_tiers(wire, body) for page in prices for body in page)),
        coupons=listed["coupon"],
        promotion_codes=tuple(body for body in listed["promotion_code"] if not body.get("customer")),
        portals=listed["portal"],
    )


def key_of(kind: Kind, body: Body) -> str:
    """What a file calls an object: never its name."""
    if kind == "meter":
        return str(body["event_name"])
    if kind == "price":
        return str(body.get("lookup_key") or body["id"])
    if kind == "promotion_code":
        return str(body["code"])
    if kind == "portal":
        return DEFAULT if body["is_default"] else str(metadata_of(body).get(CATALOG_KEY) or body["id"])
    return str(body["id"])


def is_active(kind: Kind, body: Body) -> bool:
    """Whether it can be had."""
    if kind == "meter":
        return bool(body["status"] == "active")
    return kind == "coupon" or bool(body["active"])


def metadata_of(body: Body) -> Mapping[str, str]:
    """Its metadata; empty where it has none."""
    return body.get("metadata") or {}


def _expanded(kind: Kind) -> dict[str, Any]:
    return {"expand": list(_EXPANDED[kind])} if kind in _EXPANDED else {}


def _with_tiers(wire: Wire, price: Body) -> Body:
    """The price with its tiers in further currencies, which Stripe tells only for currencies that are named."""
    others = {code: option for code, option in price["currency_options"].items() if code != price["currency"]}
    untold = [code for code, option in others.items() if not option.get("tiers")]
    if not price["tiers"] or not untold:
        return price
    expand = ["tiers", "currency_options", *(f"currency_options.{code}.tiers" for code in untold)]
    return wire.get(path("prices", str(price["id"])), expand=expand)


def _newest_first(bodies: Iterable[Body]) -> list[Body]:
    return sorted(bodies, key=lambda body: -int(body["created"]))
