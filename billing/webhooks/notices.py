"""Reads what is delivered: snapshot events, thin events, and either in the envelopes of Amazon EventBridge and Azure
Event Grid. Gives the few facts that the inbox goes by; the rest stays as it was sent.

Pure. Whether a body is Stripe's was asked before; what is in it may still be anything: customers write some of it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from billing.errors import BillingError

SNAPSHOT, THIN = "snapshot", "thin"
_FORMS = {"event": SNAPSHOT, "v2.core.event": THIN}
_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,255}")
_TYPE = re.compile(r"[a-z0-9_.\[\]]{1,255}")
_VERSION = re.compile(r"[a-z0-9.\-]{1,64}")
LONGEST = 255
LAST_SECOND = 253_402_300_799
"""Of the year 9999."""


class NoticeError(BillingError):
    """A body is no event of Stripe's."""


@dataclass(frozen=True)
class Notice:
    """An event as it was sent: `payload` is its compact JSON.

    `occasion_id` is the id of the snapshot event where a thin one names it, else its own. `account_id` is a connected
    account's. `object_kind` and `object_id` are what it is about, `customer_id` whose that is, as far as it says.
    """

    event_id: str
    occasion_id: str
    type: str
    form: str
    livemode: bool
    account_id: str | None
    api_version: str | None
    object_kind: str | None
    object_id: str | None
    customer_id: str | None
    created_at: datetime
    payload: bytes


Fields = Mapping[str, msgspec.Raw]
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()


def notice(body: bytes) -> Notice:
    """The event of a signed delivery.

    Raises:
        NoticeError: the body is no event.
    """
    payload = _compact(body)
    return _notice(payload, _fields(payload))


def enveloped(body: bytes) -> list[Notice]:
    """The events of what EventBridge or Event Grid hand on: one, or a batch; without an envelope too.

    An EventBridge event holds Stripe's at `detail`; an Event Grid one, as CloudEvent or in its own schema, at `data`.

    Raises:
        NoticeError: one of them is no event.
    """
    payload = _compact(body)
    whole = [bytes(each) for each in _entries(payload)] if payload.startswith(b"[") else [payload]
    return [_notice(*_opened(each)) for each in whole]


def handshake(body: bytes) -> str | None:
    """The code of Event Grid's own schema that is to be sent back, by which a subscription is confirmed.

    See https://learn.microsoft.com/azure/event-grid/webhook-event-delivery.
    """
    with suppress(NoticeError):
        payload = _compact(body)
        for each in _entries(payload) if payload.startswith(b"[") else ():
            fields = _fields(bytes(each))
            if _text(fields, "eventType") == "Microsoft.EventGrid.SubscriptionValidationEvent":
                return _text(_inside(fields, "data"), "validationCode")
    return None


def _opened(payload: bytes) -> tuple[bytes, Fields]:
    fields = _fields(payload)
    if _text(fields, "object") in _FORMS:
        return payload, fields
    for name in ("detail", "data"):
        inside = bytes(fields.get(name, b""))
        if inside.startswith(b"{"):
            return inside, _fields(inside)
    raise NoticeError("The delivery is no event, and no envelope of one.")


def _notice(payload: bytes, fields: Fields) -> Notice:
    form = _FORMS.get(_text(fields, "object") or "")
    event_id, type_ = _text(fields, "id"), _text(fields, "type")
    livemode = _value(fields, "livemode")
    if form is None or not _fits(_ID, event_id) or not _fits(_TYPE, type_):
        raise NoticeError("The delivery is no event of Stripe's.")
    if not isinstance(livemode, bool):
        raise NoticeError("The event does not say whether it is live.")
    kind, id_, customer = _about_thin(fields) if form == THIN else _about(_inside(fields, "data"))
    snapshot = _text(fields, "snapshot_event")
    version = _text(fields, "api_version")
    account = _text(fields, "context" if form == THIN else "account")
    return Notice(
        event_id=str(event_id),
        occasion_id=str(snapshot if _fits(_ID, snapshot) else event_id),
        type=str(type_),
        form=form,
        livemode=livemode,
        account_id=account if _fits(_ID, account) else None,
        api_version=version if _fits(_VERSION, version) else None,
        object_kind=_short(kind),
        object_id=_short(id_),
        customer_id=_short(customer),
        created_at=_created(_value(fields, "created")),
        payload=payload,
    )


def _about(data: Fields) -> tuple[str | None, str | None, str | None]:
    """Kind, id and customer of a snapshot event's object; of one that was detached, whose it was before."""
    thing, before = _inside(data, "object"), _inside(data, "previous_attributes")
    kind, id_ = _text(thing, "object"), _text(thing, "id")
    customer = _text(thing, "customer") or _text(_inside(thing, "customer"), "id") or _text(before, "customer")
    return kind, id_, id_ if kind == "customer" else customer


def _about_thin(fields: Fields) -> tuple[str | None, str | None, str | None]:
    related = _inside(fields, "related_object")
    kind, id_ = _text(related, "type"), _text(related, "id")
    return kind, id_, id_ if kind == "customer" else None


def _created(value: Any) -> datetime:
    """The event's instant: epoch seconds, or text in thin ones.

    Raises:
        NoticeError: it has none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_SECOND:
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    raise NoticeError("The event does not say when it happened.")


def _compact(body: bytes) -> bytes:
    """The JSON without blanks between its parts, as what removes secrets needs it."""
    try:
        body.decode()
        compact = msgspec.json.format(body, indent=-1)
        _ANY.decode(compact)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoticeError("The delivery is no JSON.") from None
    return compact


def _fields(payload: bytes) -> Fields:
    try:
        return _FIELDS.decode(payload)
    except msgspec.DecodeError:
        raise NoticeError("The delivery is no event.") from None


def _entries(payload: bytes) -> Iterator[msgspec.Raw]:
    return iter(_ENTRIES.decode(payload))


def _inside(fields: Fields, name: str) -> Fields:
    inside = bytes(fields.get(name, b""))
    return _FIELDS.decode(inside) if inside.startswith(b"{") else {}


def _value(fields: Fields, name: str) -> Any:
    return _ANY.decode(fields[name]) if name in fields else None


def _text(fields: Fields, name: str) -> str | None:
    raw = bytes(fields.get(name, b""))
    return str(_ANY.decode(raw)) if raw.startswith(b'"') else None


def _fits(pattern: re.Pattern[str], text: str | None) -> bool:
    return text is not None and pattern.fullmatch(text) is not None


def _short(text: str | None) -> str | None:
    """An id that a column can hold; what is longer, or holds what no database takes, is none of Stripe's."""
    return text if text and len(text) <= LONGEST and text.isprintable() else None
