"""Events as Stripe would send them about an object of the account, which is read for it; sent signed to an endpoint.

So their objects are as true to Stripe's schema as Stripe itself; ids of the events say that they are simulated.
"""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billing.errors import BillingError, UsageError
from billing.webhooks.occasions import BY_TYPE, THIN_PREFIX, Kind, Subject
from billing.webhooks.signatures import signed
from billing.wire import API_VERSION, Wire, path

ANSWER_SECONDS = 10.0
KINDS: Mapping[Subject, str] = {
    Subject.CUSTOMER: "customer",
    Subject.SUBSCRIPTION: "subscription",
    Subject.PAYMENT_INTENT: "payment_intent",
    Subject.INVOICE: "invoice",
    Subject.DISPUTE: "dispute",
    Subject.REFUND: "refund",
}
PATHS: Mapping[str, str] = {
    "customer": "/v1/customers",
    "subscription": "/v1/subscriptions",
    "payment_intent": "/v1/payment_intents",
    "invoice": "/v1/invoices",
    "dispute": "/v1/disputes",
    "refund": "/v1/refunds",
    "charge": "/v1/charges",
}


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered."""

    status: int
    body: str


def known(type_: str) -> Kind:
    """The kind of a type.

    Raises:
        UsageError: nothing follows from it, so it can't be simulated.
    """
    if type_ not in BY_TYPE:
        raise UsageError(f"'{type_}' can't be simulated; there are {', '.join(sorted(BY_TYPE))}.")
    return BY_TYPE[type_]


def kind_of_object(kind: Kind) -> str:
    """Stripe's `object` of what events of this kind are about."""
    return "charge" if kind.type.startswith("charge.refund") else KINDS[kind.subject]


def an_object(wire: Wire, kind: Kind, id_: str | None = None) -> dict[str, Any]:
    """The object of that id, or the account's newest of the kind that such events are about.

    Raises:
        UsageError: the account has none.
        BillingError: Stripe can't be asked.
    """
    name = kind_of_object(kind)
    if id_:
        return dict(wire.get(f"{PATHS[name]}/{path_step(id_)}"))
    whole = {"status": "all"} if name == "subscription" else {}
    found = wire.get(PATHS[name], limit=1, **whole)["data"]
    if not found:
        raise UsageError(f"The account has no {name.replace('_', ' ')} that {kind.type} could be about.")
    return dict(found[0])


def path_step(id_: str) -> str:
    """An id as one step of a path.

    Raises:
        UsageError: it would lead elsewhere.
    """
    return path(id_).rpartition("/")[2]


def thinned(told: Mapping[str, Any]) -> dict[str, Any]:
    """The thin form of a snapshot event."""
    thing = told["data"]["object"]
    kind, id_ = thing["object"], thing.get("id")
    related = {"id": id_, "type": kind, "url": f"{PATHS[kind]}/{id_}"} if id_ else None
    return {
        "id": f"evt_simulated{secrets.token_hex(8)}",
        "object": "v2.core.event",
        "type": f"{THIN_PREFIX}{told['type']}",
        "created": datetime.fromtimestamp(told["created"], UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "livemode": told["livemode"],
        "related_object": related,
        "snapshot_event": told["id"],
    }


def event(kind: Kind, thing: Mapping[str, Any], now: int, *, livemode: bool = False) -> dict[str, Any]:
    """A snapshot event of this kind about an object (as the API shows it), with an id that was never seen."""
    about = dict(thing)
    if kind.type == "invoice.upcoming":
        about.pop("id", None)  # it is no invoice yet
    data: dict[str, Any] = {"object": about}
    if kind.type.endswith(".updated"):
        data["previous_attributes"] = {"metadata": {"simulated": None}}
    return {
        "id": f"evt_simulated{secrets.token_hex(8)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": data,
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind.type,
    }


def send(url: str, told: Mapping[str, Any], secret: str, now: int) -> Answer:
    """Send an event as Stripe does.

    Raises:
        UsageError: the address is none of HTTP.
        BillingError: nobody answers there.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--to takes an address such as http://127.0.0.1:8321/webhooks/stripe, and '{url}' is none.")
    body = json.dumps(told, indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signed(body, secret, now),
        "User-Agent": "Stripe/1.0 (simulated)",
    }
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return Answer(answer.status, answer.read(500).decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(500).decode(errors="replace"))
    except OSError as error:
        raise BillingError(f"Nobody answers at {url} ({error}). Is `revenue serve` running?") from None
