"""Objects rendered in older API versions, rendered as the pinned one shows them, so that staging knows one shape.

What moved is told by https://docs.stripe.com/changelog. Nothing is made up: what an old version does not say stays
away, and an object that no version shapes so stays as it is and is told. Raw keeps every payload as it was sent;
renditions are made once each and kept in `pipeline.renditions`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import duckdb
import msgspec
import polars as pl

from pipelines.warehouse.findings import RENDERED, Finding

OLDEST = "2023-10-16"
"""The oldest version whose shapes are known."""

BASIL = "2025-03-31"
CLOVER = "2025-09-30"
ROWS_AT_ONCE = 5_000

Thing = dict[str, Any]
Move = Callable[[Thing], None]


def rendered(stream: str, thing: Thing, api_version: str) -> Thing:
    """The object as the pinned version shows it; changed in place."""
    for since, moves in MOVED.items():
        if api_version[: len(since)] < since and stream in moves:
            moves[stream](thing)
    return thing


def render(connection: duckdb.DuckDBPyConnection, stream: str) -> bool:
    """Keep a rendition of each held version of a stream that an older version rendered; whether there is any."""
    last = max((since for since, moves in MOVED.items() if stream in moves), default=None)
    if last is None:
        return False
    connection.execute("""
        create schema if not exists pipeline;
        create table if not exists pipeline.renditions (stream varchar not null, seq bigint not null, payload json);
    """)
    for rows in _waiting(connection, stream, last):
        made = pl.DataFrame(  # noqa: F841 - the query reads it
            [(seq, _text(stream, payload, version)) for seq, version, payload in rows],
            schema={"seq": pl.Int64, "payload": pl.String},
            orient="row",
        )
        connection.execute("insert into pipeline.renditions select ?, seq, payload from made", [stream])
    return bool(connection.execute("select 1 from pipeline.renditions where stream = ? limit 1", [stream]).fetchall())


def unlike(connection: duckdb.DuckDBPyConnection, stream: str) -> Iterator[Finding]:
    """Objects whose newest version no rendition could be made of, told by account with an example."""
    found = connection.execute(
        f"""
        select account_id, count(*) filter (made.payload is null), min(id) filter (made.payload is null)
        from raw.{stream} as held
        join pipeline.renditions as made on made.stream = $stream and made.seq = held.seq
        where held.seq in (select max(seq) from raw.{stream} group by account_id, id)
        group by account_id
        order by account_id
        """,
        {"stream": stream},
    ).fetchall()
    for account, count, example in found:
        words = f"shaped as no API version shapes them: {count}, such as {example}" if count else None
        yield Finding(account, RENDERED, f"raw.{stream}", count, words)


def _waiting(connection: duckdb.DuckDBPyConnection, stream: str, last: str) -> Iterator[list[tuple[int, str, str]]]:
    while rows := connection.execute(
        f"""
        select seq, api_version, payload::varchar
        from raw.{stream}
        where substr(api_version, 1, 10) < $last
            and seq > (select coalesce(max(seq), 0) from pipeline.renditions where stream = $stream)
        order by seq
        limit {ROWS_AT_ONCE}
        """,
        {"last": last, "stream": stream},
    ).fetchall():
        yield rows


_UNLIKE = (AttributeError, KeyError, TypeError, RecursionError, msgspec.MsgspecError)
"""What moving a field raises where something else stands in its place."""


def _text(stream: str, payload: str, api_version: str) -> str | None:
    """The rendition; None where there is none, which `unlike` tells."""
    try:
        return msgspec.json.encode(rendered(stream, msgspec.json.decode(payload), api_version)).decode()
    except _UNLIKE:
        return None


def _subscription(thing: Thing) -> None:
    """Periods move from the subscription to its items; the one discount becomes a list."""
    period = {name: thing.pop(name, None) for name in ("current_period_start", "current_period_end")}
    for item in _entries(thing, "items"):
        for name, moment in period.items():
            item.setdefault(name, moment)
        item.setdefault("discounts", [])
    _one_discount_as_list(thing)


def _invoice(thing: Thing) -> None:
    """What it is of becomes its parent, its payment an invoice payment, its taxes a list."""
    subscription = thing.pop("subscription", None)
    if subscription is not None and not thing.get("parent"):
        details = thing.pop("subscription_details", None) or {}
        thing["parent"] = {
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription, "metadata": details.get("metadata")},
        }
    _taxes(thing, "total_tax_amounts", "total_taxes")
    _payment(thing)
    _one_discount_as_list(thing)
    for line in _entries(thing, "lines"):
        _line(line)


def _line(line: Thing) -> None:
    _pricing(line)
    _taxes(line, "tax_amounts", "taxes")
    if "parent" in line:
        return
    kind = line.pop("type", None)
    told = {
        "subscription": line.get("subscription"),
        "subscription_item": line.pop("subscription_item", None),
        "invoice_item": line.pop("invoice_item", None),
        "proration": line.pop("proration", None),
        "proration_details": line.pop("proration_details", None),
    }
    if kind == "subscription":
        line["parent"] = {"type": "subscription_item_details", "subscription_item_details": told}
    else:
        del told["subscription_item"]
        line["parent"] = {"type": "invoice_item_details", "invoice_item_details": told}


def _invoice_item(thing: Thing) -> None:
    _pricing(thing)
    subscription = thing.pop("subscription", None)
    item = thing.pop("subscription_item", None)
    if subscription is not None and not thing.get("parent"):
        thing["parent"] = {
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription, "subscription_item": item},
        }


def _credit_note(thing: Thing) -> None:
    refund = thing.pop("refund", None)
    if "refunds" not in thing:
        thing["refunds"] = [] if refund is None else [{"type": "refund", "refund": refund}]
    _taxes(thing, "tax_amounts", "total_taxes")
    for line in _entries(thing, "lines"):
        _taxes(line, "tax_amounts", "taxes")


def _payment(invoice: Thing) -> None:
    """An old invoice names its payment itself; the pinned version shows the payments as objects of their own."""
    intent, charge = invoice.pop("payment_intent", None), invoice.pop("charge", None)
    elsewhere = bool(invoice.pop("paid_out_of_band", None))
    if not (intent or charge or elsewhere) or invoice.get("payments"):
        return
    transitions = invoice.get("status_transitions") or {}
    is_paid = invoice.get("status") == "paid"
    invoice["payments"] = {
        "object": "list",
        "has_more": False,
        "data": [
            {
                "id": f"{invoice['id']}/payment",
                "object": "invoice_payment",
                "invoice": invoice["id"],
                "status": "paid" if is_paid else "canceled" if invoice.get("status") == "void" else "open",
                "amount_paid": invoice.get("amount_paid") if is_paid else None,
                "amount_requested": invoice.get("amount_due"),
                "currency": invoice.get("currency"),
                "is_default": True,
                "created": transitions.get("finalized_at") or invoice.get("created"),
                "payment": _paid_with(intent, charge, elsewhere=is_paid and elsewhere),
                "status_transitions": {"paid_at": transitions.get("paid_at") if is_paid else None},
            }
        ],
    }


def _paid_with(intent: object, charge: object, *, elsewhere: bool) -> Thing:
    if elsewhere:
        return {"type": "payment_record"}
    return {"type": "charge" if intent is None else "payment_intent", "payment_intent": intent, "charge": charge}


def _pricing(thing: Thing) -> None:
    price = thing.pop("price", None)
    thing.pop("plan", None)
    unit_amount = thing.pop("unit_amount_decimal", None)
    if price is None or thing.get("pricing"):
        return
    whole = price if isinstance(price, dict) else {"id": price}
    thing["pricing"] = {
        "type": "price_details",
        "unit_amount_decimal": unit_amount or whole.get("unit_amount_decimal"),
        "price_details": {"price": whole["id"], "product": whole.get("product")},
    }


def _taxes(thing: Thing, old: str, new: str) -> None:
    amounts = thing.pop(old, None)
    if amounts is None or new in thing:
        return
    thing[new] = [
        {
            "amount": each.get("amount"),
            "tax_behavior": "inclusive" if each.get("inclusive") else "exclusive",
            "taxable_amount": each.get("taxable_amount"),
            "taxability_reason": each.get("taxability_reason"),
            "tax_rate_details": {"tax_rate": each.get("tax_rate")},
            "type": "tax_rate_details",
        }
        for each in amounts
    ]


def _one_discount_as_list(thing: Thing) -> None:
    """Where both are shown, the whole discount takes the place of its id."""
    discount = thing.pop("discount", None)
    listed = thing.get("discounts") or []
    if discount is None:
        thing["discounts"] = listed
        return
    others = [each for each in listed if _id(each) != discount["id"]]
    thing["discounts"] = [discount, *others]


def _sources(thing: Thing) -> None:
    """A discount holds its coupon as its source, wherever the discount is held."""
    _source(thing.get("discount"))
    for each in [thing, *_entries(thing, "items"), *_entries(thing, "lines")]:
        for discount in each.get("discounts") or []:
            _source(discount)


def _source(discount: object) -> None:
    if isinstance(discount, dict) and "coupon" in discount:
        discount["source"] = {"type": "coupon", "coupon": discount.pop("coupon")}


def _promotion_code(thing: Thing) -> None:
    if "coupon" in thing:
        thing["promotion"] = {"type": "coupon", "coupon": thing.pop("coupon")}


def _entries(thing: Thing, name: str) -> list[Thing]:
    listed = thing.get(name)
    return listed.get("data") or [] if isinstance(listed, dict) else []


def _id(reference: object) -> object:
    return reference.get("id") if isinstance(reference, dict) else reference


MOVED: Mapping[str, Mapping[str, Move]] = {
    BASIL: {
        "subscriptions": _subscription,
        "invoices": _invoice,
        "invoice_items": _invoice_item,
        "credit_notes": _credit_note,
    },
    CLOVER: {
        "subscriptions": _sources,
        "invoices": _sources,
        "customers": _sources,
        "promotion_codes": _promotion_code,
    },
}
"""By the version that moved them, in order: how an object of a stream is brought to it."""
