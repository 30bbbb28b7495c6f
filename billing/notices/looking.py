"""How things stand right before a notice is sent: asked of Stripe, and said in words that a template takes.

Addresses, names and links that open an invoice are in what is returned, and are written down nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from billing.errors import StripeRefusedError
from billing.notices import kinds, wording
from billing.notices.addresses import usable
from billing.notices.book import Notice
from billing.notices.choices import Choices
from billing.wire import Body, Wire, path

Values = Mapping[str, Any]
Declined = Callable[[str | None, str], str]
"""What a customer may be told of a decline code, in a language."""

DASHBOARD = "https://dashboard.stripe.com"
BEFORE_PAYING = ("incomplete", "incomplete_expired")


@dataclass(frozen=True)
class Left:
    """No notice follows any more, and why."""

    why: str


@dataclass(frozen=True)
class Seen:
    """Which kind of notice follows, to whom, in which language, and what its template takes."""

    kind: str
    to: Sequence[str] = field(repr=False)
    language: str
    values: Values = field(repr=False)
    customer_id: str | None = None


@dataclass(frozen=True)
class Look:
    """What looking needs. `languages` are those that a kind's templates are there in."""

    choices: Choices
    zone: ZoneInfo
    languages: Callable[[str], Sequence[str]]
    declined: Declined


def look(wire: Wire, asked: Look, notice: Notice) -> Seen | Left:
    """Which notice follows from how things are now.

    Raises:
        StripeUnavailableError: Stripe gives no usable answer; try again later.
        StripeRefusedError: the key may not read what is needed.
    """
    try:
        return _LOOKS[notice.cause](wire, asked, notice)
    except StripeRefusedError as error:
        if error.status == 404:
            return Left("object_is_gone")
        raise


def _welcome(wire: Wire, asked: Look, notice: Notice) -> Seen | Left:
    subscription = _subscription(wire, notice.object_id)
    if subscription["status"] not in ("active", "trialing"):
        return Left(f"subscription_is_{subscription['status']}")
    earlier = wire.pages("/v1/subscriptions", customer=subscription["customer"], status="all")
    if any(_came_before(each, subscription) for each in earlier):
        return Left("customer_is_not_new")
    ends = subscription["trial_end"] if subscription["status"] == "trialing" else None
    told = {"trial_end": ends}
    return _to_customer(wire, asked, "welcome", subscription["customer"], subscription, told)


def _came_before(one: Body, other: Body) -> bool:
    return bool(one["id"] != other["id"] and one["created"] < other["created"] and one["status"] not in BEFORE_PAYING)


def _trial_ending(wire: Wire, asked: Look, notice: Notice) -> Seen | Left:
    subscription = _subscription(wire, notice.object_id)
    if subscription["status"] != "trialing" or str(subscription["trial_end"]) != notice.occasion:
        return Left("trial_is_another")
    if subscription["cancel_at_period_end"] or subscription["cancel_at"]:
        return Left("subscription_ends")
    told = {"trial_end": subscription["trial_end"]}
    return _to_customer(wire, asked, "trial_ending", subscription["customer"], subscription, told)


def _payment_failed(wire: Wire, asked: Look, notice: Notice) -> Seen | Left:
    expand = ["payments.data.payment.payment_intent"]
    invoice = wire.get(path("invoices", notice.object_id), expand=expand)
    if invoice["status"] != "open" or not invoice["amount_remaining"]:
        return Left(f"invoice_is_{invoice['status']}")
    if str(invoice["attempt_count"]) != notice.occasion:
        return Left("a_later_attempt_was_made")
    kind = _stage(int(invoice["attempt_count"]), invoice["next_payment_attempt"])
    if kind is None:
        return Left("no_notice_of_this_attempt")
    return _to_customer(wire, asked, kind, invoice["customer"], None, {"invoice": invoice})


def _stage(attempt: int, next_attempt: int | None) -> str | None:
    if next_attempt is None:
        return "payment_failed_final"
    return {1: "payment_failed_first", 2: "payment_failed_second"}.get(attempt)


def _refunded(wire: Wire, asked: Look, notice: Notice) -> Seen | Left:
    refund = wire.get(path("refunds", notice.object_id), expand=["charge"])
    charge = refund["charge"]
    if refund["status"] != "succeeded":
        return Left(f"refund_is_{refund['status']}")
    if not isinstance(charge, Mapping) or not charge.get("customer"):
        return Left("no_customer")
    return _to_customer(wire, asked, "refund_confirmed", charge["customer"], None, {"refund": refund})


def _disputed(wire: Wire, asked: Look, notice: Notice) -> Seen | Left:
    dispute = wire.get(path("disputes", notice.object_id), expand=["charge"])
    charge, language = dispute["charge"], asked.choices.language
    due = dispute["evidence_details"]["due_by"]
    mode = "" if notice.livemode else "/test"
    values = {
        "dispute_id": dispute["id"],
        "customer_id": charge.get("customer") if isinstance(charge, Mapping) else None,
        "amount": wording.money(dispute["amount"], dispute["currency"], language),
        "reason": str(dispute["reason"]).replace("_", " "),
        "due_by": _day(due, asked, language),
        "link": f"{DASHBOARD}{mode}/disputes/{dispute['id']}",
    }
    return to_company(asked, "dispute_opened", asked.choices.staff, values)


def to_company(asked: Look, kind: str, to: Sequence[str], values: Values) -> Seen:
    """A notice to people of the company's own, in its language."""
    language = _language([], asked.languages(kind), asked.choices.language)
    return Seen(kind, to, language, {**_common(asked, None), **values})


def _to_customer(
    wire: Wire, asked: Look, kind: str, customer_id: str, subscription: Body | None, told: Mapping[str, Any]
) -> Seen | Left:
    customer = wire.get(path("customers", customer_id))
    if customer.get("deleted"):
        return Left("customer_is_deleted")
    address = usable(customer["email"])
    if address is None:
        return Left("no_usable_address")
    preferred = customer.get("preferred_locales") or []
    language = _language(preferred, asked.languages(kind), asked.choices.language)
    values = {**_common(asked, customer), **_said(told, subscription, asked, language)}
    return Seen(kind, (address,), language, values, customer_id)


def _common(asked: Look, customer: Body | None) -> dict[str, Any]:
    links = asked.choices.links
    who = wording.name(customer.get("name")) if customer else None
    return {"company": asked.choices.company, "name": who, "account_link": links.account}


def _said(told: Mapping[str, Any], subscription: Body | None, asked: Look, language: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if subscription is not None:
        said |= {"plans": _plans(subscription, language), "trial_end": _day(told["trial_end"], asked, language)}
    if "invoice" in told:
        said |= _of_invoice(told["invoice"], asked, language)
    if "refund" in told:
        refund = told["refund"]
        said |= {
            "amount": wording.money(refund["amount"], refund["currency"], language),
            "paid_on": _day(refund["charge"]["created"], asked, language),
            "card": _card(refund["charge"]),
        }
    return said


def _of_invoice(invoice: Body, asked: Look, language: str) -> dict[str, Any]:
    return {
        "number": wording.one_line(invoice["number"]) or invoice["id"],
        "amount": wording.money(invoice["amount_remaining"], invoice["currency"], language),
        "next_attempt": _day(invoice["next_payment_attempt"], asked, language),
        "reason": asked.declined(_decline_code(invoice), language),
        "pay_link": _link(invoice.get("hosted_invoice_url")) or asked.choices.links.account,
    }


def _decline_code(invoice: Body) -> str | None:
    """The code of the last payment of the invoice that was declined."""
    payments = (invoice.get("payments") or {}).get("data") or []
    intents = [each["payment"].get("payment_intent") for each in payments]
    errors = [intent.get("last_payment_error") for intent in intents if isinstance(intent, Mapping)]
    codes = [error.get("decline_code") or error.get("code") for error in errors if error]
    return str(codes[-1]) if codes and codes[-1] else None


def _plans(subscription: Body, language: str) -> list[str]:
    """Each item's product, with its quantity where that is more than one."""
    return [_plan(item, language) for item in subscription["items"]["data"]]


def _plan(item: Body, language: str) -> str:
    product, quantity = item["price"]["product"], item.get("quantity") or 1
    called = wording.one_line(product.get("name") if isinstance(product, Mapping) else None) or item["price"]["id"]
    return called if quantity == 1 else f"{wording.number(quantity, 0, language)} × {called}"


def _card(charge: Body) -> str | None:
    details = (charge.get("payment_method_details") or {}).get("card") or {}
    last4, brand = details.get("last4"), wording.one_line(details.get("brand"))
    return f"{brand.title()} •••• {last4}" if brand and str(last4).isdigit() else None


def _subscription(wire: Wire, id_: str) -> Body:
    return wire.get(path("subscriptions", id_), expand=["items.data.price.product"])


def _link(text: object) -> str | None:
    """An address that a button may lead to; Stripe's are https."""
    safe = isinstance(text, str) and text.isascii() and text.isprintable() and not set(text) & set(" \"'<>|\\")
    return str(text) if safe and str(text).startswith("https://") else None


def _day(at: int | None, asked: Look, language: str) -> str | None:
    return None if at is None else wording.day(datetime.fromtimestamp(at, UTC), asked.zone, language)


def _language(preferred: Sequence[str], there: Sequence[str], otherwise: str) -> str:
    wanted = [str(each)[:2].lower() for each in preferred] + [otherwise]
    return next((each for each in wanted if each in there), "en")


_LOOKS: Mapping[str, Callable[[Wire, Look, Notice], Seen | Left]] = {
    kinds.WELCOME: _welcome,
    kinds.TRIAL: _trial_ending,
    kinds.FAILURE: _payment_failed,
    kinds.REFUND: _refunded,
    kinds.DISPUTE: _disputed,
}
