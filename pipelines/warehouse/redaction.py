"""What is left of an object once its customer was erased: ids, amounts, instants, states and codes, and no person.

Strings are kept by their form or their field, and all others go, so that a field that nobody thought of goes too. Works
on JSON bytes: what is kept keeps every byte, so that figures stay the same to the cent, and redacting again changes
nothing. Knows which objects are a customer's; knows no table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

ERASED = frozenset(
    # persons
    "name customer_name individual_name business_name payer_name verified_name account_holder_name cardholder_name "  # noqa: SIM905
    "first_name last_name email customer_email receipt_email customer_email_address payer_email verified_email "
    "phone customer_phone verified_phone line1 line2 city state postal_code town address_line1 address_line2 "
    "address_city address_state address_zip billing_zip billing_address shipping_address ip ip_address "
    "customer_purchase_ip client_ip client_reference_id idempotency_key "
    # what somebody wrote
    "description comment memo footer value statement_descriptor statement_descriptor_suffix "
    # means of payment
    "last4 dynamic_last4 iban_last4 fingerprint iin issuer bank_name bank_code branch_code routing_number "
    "transit_number institution_number sort_code bsb_number bic payer_id buyer_id cashtag username "
    "authorization_code network_transaction_id reference tax_id".split()
)
"""Fields whose text goes, whatever it looks like."""

WHOLE = frozenset(
    "evidence enhanced_evidence shipping shipping_details customer_shipping billing_details customer_details "  # noqa: SIM905
    "collected_information address customer_address verified_address custom_fields owner individual session "
    "ip_address_location fraud_details".split()
)
"""Fields of whose content nothing stays but `country`, which tax and reports need."""

KEPT = frozenset(
    "id customer price plan product coupon promotion_code number invoice_prefix account_name display_name".split()  # noqa: SIM905
)
"""Fields whose text stays: references, of which those to a catalogue are free text, and what a tax office asks for."""

TELLING = frozenset(
    "name customer_name individual_name business_name email customer_email receipt_email phone customer_phone "  # noqa: SIM905
    "line1 comment".split()
)
"""Fields whose text is looked for afterwards, where it is long enough to stand for one person."""
SHORTEST_TELLING = 8

CATALOGUE = frozenset({"price", "plan", "product", "coupon", "tax_rate"})
"""Kinds that are the company's own, kept wherever they stand inside a customer's object."""

BEGINNINGS = (b"Unused",)
"""Words at the beginning of a line's description that say what it is: it stays, and what follows goes."""

LINKS = tuple(
    "charge payment_intent invoice source source_transaction originating_transaction "  # noqa: SIM905
    "subscription fee latest_charge".split()
)
"""Fields by which what names no customer hangs on what does."""

MEANS = tuple("payment_method default_payment_method default_source source".split())  # noqa: SIM905
"""Fields by which what is a customer's names their means of payment, which need not name the customer back."""

_PLAIN = re.compile(rb'"(?:[a-z0-9_.:\-]{0,64}|[A-Z]{2,3}|[a-z]{2,12}_[A-Za-z0-9_]{3,80}|/v1/[^@"]{0,300})"')
"""Codes, decimals, currencies, countries, ids and the API's own paths."""
_ID = re.compile(r"[a-z]{2,12}_[A-Za-z0-9_]+")
_COUNTRY = re.compile(rb'"[A-Z]{2}"')
_Fields = Mapping[str, msgspec.Raw]
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass
class Redaction:
    """Redacts objects of one customer, and counts the values that it takes out.

    `kept_metadata` are keys of metadata that figures are made by; the others go. `telling` is what it took out that
    stands for the person, for whoever looks whether it is anywhere else; it is never to be written down.
    """

    kept_metadata: frozenset[str] = frozenset()
    values: int = field(default=0, init=False)
    telling: set[str] = field(default_factory=set, init=False, repr=False)

    def of(self, payload: bytes) -> bytes:
        """What is left of an object."""
        return self._value(payload, "", whole=False)

    def _value(self, raw: bytes, name: str, *, whole: bool) -> bytes:
        if raw.startswith(b"{"):
            return self._object(raw, name, whole=whole)
        if raw.startswith(b"["):
            entries = (self._value(bytes(each), name, whole=whole) for each in _ENTRIES.decode(raw))
            return b"[%s]" % b",".join(each for each in entries if each != b"null")
        if raw.startswith(b'"'):
            return self._text(raw, name, whole=whole)
        return self._gone() if whole and raw[:1] in b"-0123456789" else raw

    def _object(self, raw: bytes, name: str, *, whole: bool) -> bytes:
        values = {key: bytes(value) for key, value in _OBJECT.decode(raw).items()}
        if name == "metadata":
            return self._metadata(values)
        if not whole and values.get("object", b"")[1:-1].decode("ascii", "replace") in CATALOGUE:
            return raw
        inner = whole or name in WHOLE
        return _joined({key: self._value(value, key, whole=inner or key in WHOLE) for key, value in values.items()})

    def _metadata(self, values: Mapping[str, bytes]) -> bytes:
        kept = {key: value for key, value in values.items() if key in self.kept_metadata}
        self.values += len(values) - len(kept)
        return _joined(kept)

    def _text(self, raw: bytes, name: str, *, whole: bool) -> bytes:
        if name in TELLING and len(raw) >= SHORTEST_TELLING + 2:
            self.telling.add(msgspec.json.decode(raw, type=str))
        if whole:
            return raw if name == "country" and _COUNTRY.fullmatch(raw) else self._gone()
        if name in KEPT:
            return raw
        if name in ERASED:
            return self._beginning(raw) if name == "description" else self._gone()
        return raw if _PLAIN.fullmatch(raw) else self._gone()

    def _beginning(self, raw: bytes) -> bytes:
        kept = next((word for word in BEGINNINGS if raw.startswith(b'"' + word)), None)
        left = b'"%s"' % kept if kept else b"null"
        self.values += left != raw
        return left

    def _gone(self) -> bytes:
        self.values += 1
        return b"null"


def owner(payload: bytes, owned: Mapping[str, str], id_: str = "") -> str | None:
    """The erased customer whose an object is, or that an event speaks of; None where it is nobody's who was erased.

    What was detached from a customer says whose it was only in the event that tells of it. What names a customer is
    theirs, whatever else refers to it.

    Args:
        owned: customer by the id of each object that is known to be an erased customer's, the customer itself too.
        id_: by which the object is kept, where that may be another than its own.
    """
    values, before = _about(payload)
    customer = _reference(values.get("customer")) or _reference(before.get("customer"))
    if customer:
        return owned.get(customer)
    own = owned.get(_reference(values.get("id")) or "") or owned.get(id_)
    if own:
        return own
    named = [_reference(values.get(link)) for link in LINKS]
    payment = values.get("payment")
    if payment and bytes(payment).startswith(b"{"):
        named += [_reference(_OBJECT.decode(payment).get(link)) for link in LINKS[:2]]
    return next((owned[each] for each in named if each and each in owned), None)


def belongings(payload: bytes) -> set[str]:
    """The ids of what is a customer's where an object is, or what an event speaks of: itself and its means of payment.

    A charge names the card that it was made on long after that was detached from whoever paid.
    """
    values, before = _about(payload)
    found = {_reference(values.get("id"))}
    for each in (values, before, _fields(values.get("invoice_settings")), _fields(before.get("invoice_settings"))):
        found |= {_reference(each.get(name)) for name in MEANS}
    return {id_ for id_ in found if id_ and _ID.fullmatch(id_)}


def _about(payload: bytes) -> tuple[_Fields, _Fields]:
    """An object, or the one that an event speaks of, and what that was before."""
    values = _OBJECT.decode(payload)
    if _text_of(values.get("object")) != "event":
        return values, {}
    data = _fields(values.get("data"))
    return _fields(data.get("object")), _fields(data.get("previous_attributes"))


def _fields(raw: msgspec.Raw | None) -> _Fields:
    return _OBJECT.decode(raw) if raw is not None and bytes(raw).startswith(b"{") else {}


def _reference(raw: msgspec.Raw | None) -> str | None:
    """The id of a reference, whether Stripe sent the id alone or the whole object."""
    if raw is not None and bytes(raw).startswith(b"{"):
        return _text_of(_OBJECT.decode(raw).get("id"))
    return _text_of(raw)


def _text_of(raw: msgspec.Raw | None) -> str | None:
    return msgspec.json.decode(raw, type=str) if raw is not None and bytes(raw).startswith(b'"') else None


def _joined(values: Mapping[str, bytes]) -> bytes:
    return b"{%s}" % b",".join(msgspec.json.encode(name) + b":" + value for name, value in values.items())
