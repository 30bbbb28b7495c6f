"""Stands for Stripe where a customer's subscriptions are to be in any state at any moment."""

from collections.abc import Iterator
from typing import Any

from billing.errors import StripeUnavailableError
from billing.wire import Wire


class Account(Wire):
    """Answers what access is worked out from, out of `subscriptions` and `invoices` by customer and subscription."""

    subscriptions: dict[str, list[dict[str, Any]]]
    invoices: dict[str, list[dict[str, Any]]]
    silent: bool

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        if self.silent:
            raise StripeUnavailableError("no answer")
        found = {
            "/v1/subscriptions": lambda: self.subscriptions.get(params.get("customer", ""), []),
            "/v1/invoices": lambda: self.invoices.get(params.get("subscription", ""), []),
        }[path]()
        return iter([each for each in found if each["status"] != "canceled"])

    def get(self, path: str, **params: Any) -> Any:
        return {"metadata": {"tier": path.removeprefix("/v1/products/prod_")}}


def account() -> Account:
    """An empty one."""
    made = Account("rk_test_x", "http://127.0.0.1:1")
    for name, value in (("subscriptions", {}), ("invoices", {}), ("silent", False)):
        object.__setattr__(made, name, value)
    return made


def subscription(id_: str, status: str, tier: str = "basic", **more: Any) -> dict[str, Any]:
    """A subscription of one item, whose product names the tier."""
    item = {"price": {"id": "price_1", "metadata": {}, "product": f"prod_{tier}"}}
    return {"id": id_, "status": status, "items": {"data": [item], "has_more": False}, **more}


def overdue(at: int) -> dict[str, Any]:
    """An open invoice that was finalized at an instant."""
    return {"status": "open", "created": at - 3_600, "status_transitions": {"finalized_at": at}}
