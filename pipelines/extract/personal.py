"""Hashes or drops personal data, field by field as the settings ask, before anything is written.

Works on JSON bytes: what is not personal keeps every byte, numbers included. A hash is keyed, so that nobody can try
names against it, and is the same wherever the same value stands. Knows which fields of Stripe's objects are about
persons; knows no stream and no storage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b

import msgspec

FIELDS: Mapping[str, frozenset[str]] = {
    "email": frozenset(
        {"email", "customer_email", "receipt_email", "customer_email_address", "payer_email", "verified_email"}
    ),
    "name": frozenset(
        "customer_name individual_name business_name payer_name verified_name account_holder_name cardholder_name "  # noqa: SIM905
        "first_name last_name".split()
    ),
    "phone": frozenset({"phone", "customer_phone", "verified_phone"}),
    "address": frozenset(
        "line1 line2 city postal_code town billing_address shipping_address billing_zip shipping_address_zip "  # noqa: SIM905
        "address_line1 address_line2 address_city address_state address_zip".split()
    ),
    "ip": frozenset({"ip", "ip_address", "customer_purchase_ip", "client_ip"}),
}
"""The kinds of personal data, and the fields that hold them wherever they stand. Countries are kept: tax and reports
need them."""

PERSONS = frozenset(
    {"billing_details", "shipping", "shipping_details", "customer_details", "customer_shipping", "owner"}
)
"""Objects whose `name` is a person's; so is that of `NAMED` kinds. Elsewhere a name is a product's or a coupon's."""

NAMED = frozenset({b'"customer"', b'"card"'})
"""Kinds whose `name` is a person's: customers, and cards of old that are no payment methods."""

ADDRESSES = frozenset({"address", "customer_address", "verified_address"})
"""Objects whose `state` is part of an address."""

_INSIDE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])


class Treatment(Enum):
    """What becomes of a value."""

    HASH = "hash"
    DROP = "drop"


@dataclass(frozen=True)
class Personal:
    """What becomes of each kind of personal data; kinds that are not named are kept. `key` is the hashes'."""

    treatments: Mapping[str, Treatment] = field(default_factory=dict)
    key: bytes = field(default=b"", repr=False)

    @property
    def rules(self) -> str:
        """The treatments in one word, to be compared: `email=hash,name=drop`; nothing where all is kept."""
        return ",".join(f"{kind}={self.treatments[kind].value}" for kind in sorted(self.treatments))

    def applied(self, objects: Sequence[bytes]) -> Sequence[bytes]:
        """The objects, each with its personal data treated."""
        return [self._value(each, None, named=False) for each in objects] if self.treatments else objects

    def _value(self, raw: bytes, within: str | None, *, named: bool) -> bytes:
        if raw.startswith(b"{"):
            return self._object(raw, within, named=named)
        if raw.startswith(b"["):
            entries = _ENTRIES.decode(raw)
            return b"[%s]" % b",".join(self._value(bytes(each), within, named=named) for each in entries)
        return raw

    def _object(self, raw: bytes, within: str | None, *, named: bool) -> bytes:
        """An object that stands under the field `within`; `named` says that its name is a person's."""
        values = _INSIDE.decode(raw)
        is_person = named or bytes(values.get("object", b"")) in NAMED or within in PERSONS
        told = {
            name: self._told(name, bytes(value), within, is_person=is_person, of_person=_is_of_person(values))
            for name, value in values.items()
        }
        return b"{%s}" % b",".join(msgspec.json.encode(name) + b":" + value for name, value in told.items())

    def _told(self, name: str, value: bytes, within: str | None, *, is_person: bool, of_person: bool) -> bytes:
        if not value.startswith(b'"'):
            return self._value(value, name, named=name == "previous_attributes" and of_person)
        treatment = self.treatments.get(_kind(name, within, is_person=is_person) or "")
        if treatment is None:
            return value
        return b"null" if treatment is Treatment.DROP else self._hash(value)

    def _hash(self, value: bytes) -> bytes:
        said = msgspec.json.decode(value, type=str).strip().casefold()
        return b'"hash_%s"' % blake2b(said.encode(), key=self.key, digest_size=10).hexdigest().encode()


KEPT = Personal()
"""Personal data stays as it was sent."""


def treatments(text: str) -> dict[str, Treatment]:
    """What a setting such as `email=hash,address=drop` or `all=hash` says.

    Raises:
        ValueError: a kind or a treatment that does not exist.
    """
    found: dict[str, Treatment] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        kind, _, said = part.partition("=")
        if kind not in (*FIELDS, "all") or said not in {each.value for each in Treatment}:
            raise ValueError(
                f"'{part}' is none of {', '.join(FIELDS)} or all, followed by =hash or =drop; "
                "write such as email=hash,address=drop"
            )
        found.update(dict.fromkeys(FIELDS if kind == "all" else (kind,), Treatment(said)))
    return found


def _kind(name: str, within: str | None, *, is_person: bool) -> str | None:
    if name == "name":
        return "name" if is_person else None
    if name == "state":
        return "address" if within in ADDRESSES else None
    return _KINDS.get(name)


def _is_of_person(values: Mapping[str, msgspec.Raw]) -> bool:
    """Whether these are an event's data about what has a person's name, so that its previous attributes have one."""
    if "previous_attributes" not in values or "object" not in values:
        return False
    inside = bytes(values["object"])
    return inside.startswith(b"{") and bytes(_INSIDE.decode(inside).get("object", b"")) in NAMED


_KINDS = {name: kind for kind, names in FIELDS.items() for name in names}
