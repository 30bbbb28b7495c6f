"""Personal data is hashed or dropped by field, the same everywhere, and nothing else loses a byte."""

import json
from typing import Any

import pytest

from pipelines.extract.personal import FIELDS, KEPT, Personal, Treatment, treatments

KEY = bytes(32)
HASHED = Personal(treatments("all=hash"), KEY)
DROPPED = Personal(treatments("all=drop"))


def applied(personal: Personal, thing: dict[str, Any]) -> dict[str, Any]:
    (after,) = personal.applied([json.dumps(thing, separators=(",", ":")).encode()])
    result: dict[str, Any] = json.loads(after)
    return result


def test_what_is_not_personal_keeps_every_byte() -> None:
    untouched = (
        b'{"id":"price_1","name":"Team plan","amount":1.50,"big":12345678901234567890,"state":"CA","a":"\\u00e9"}'
    )
    assert HASHED.applied([untouched]) == [untouched]
    held = b'{"object":"customer","name":"Ada","balance":-0.10,"address":{"country":"GB","city":"London"}}'
    assert DROPPED.applied([held]) == [
        b'{"object":"customer","name":null,"balance":-0.10,"address":{"country":"GB","city":null}}'
    ]
    assert KEPT.applied([held]) == [held]


def test_a_value_has_one_hash_wherever_it_stands() -> None:
    customer = applied(HASHED, {"object": "customer", "email": "Ada@Example.com", "name": "Ada Byron"})
    charge = applied(
        HASHED,
        {
            "object": "charge",
            "receipt_email": "ada@example.com ",
            "billing_details": {"name": "Ada Byron", "email": None},
        },
    )
    invoice = applied(HASHED, {"object": "invoice", "customer_email": "ada@example.com", "customer_name": "Ada Byron"})
    assert len({customer["email"], charge["receipt_email"], invoice["customer_email"]}) == 1
    assert len({customer["name"], charge["billing_details"]["name"], invoice["customer_name"]}) == 1
    assert customer["email"].startswith("hash_")
    assert charge["billing_details"]["email"] is None
    other = applied(Personal(treatments("all=hash"), bytes(31) + b"1"), {"email": "ada@example.com"})
    assert other["email"] != customer["email"]


def test_an_event_hides_what_a_customer_was_called_before_and_no_other_name() -> None:
    event = {
        "object": "event",
        "data": {
            "object": {"object": "customer", "name": "Ada King", "email": "ada@king.example"},
            "previous_attributes": {"name": "Ada Byron", "email": "ada@byron.example"},
        },
    }
    assert applied(DROPPED, event)["data"] == {
        "object": {"object": "customer", "name": None, "email": None},
        "previous_attributes": {"name": None, "email": None},
    }
    renamed = {"object": "event", "data": {"object": {"object": "product"}, "previous_attributes": {"name": "Basic"}}}
    assert applied(DROPPED, renamed) == renamed


def test_names_and_addresses_on_cards_are_a_persons() -> None:
    charge = {"object": "charge", "payment_method_details": {"card_present": {"cardholder_name": "LEE/ANN"}}}
    assert applied(DROPPED, charge)["payment_method_details"]["card_present"] == {"cardholder_name": None}
    card = {"object": "card", "name": "Ann Lee", "address_line1": "Main St 1", "address_zip": "1", "brand": "Visa"}
    hidden = {"object": "card", "name": None, "address_line1": None, "address_zip": None, "brand": "Visa"}
    assert applied(DROPPED, {"source": card}) == {"source": hidden}
    event = {"data": {"object": card, "previous_attributes": {"name": "Ann", "address_city": "Ulm"}}}
    assert applied(DROPPED, event)["data"]["previous_attributes"] == {"name": None, "address_city": None}


def test_only_the_kinds_that_are_named_are_treated() -> None:
    chosen = Personal(treatments("email=drop, address=hash"), KEY)
    after = applied(
        chosen,
        {"object": "customer", "email": "a@b.example", "phone": "+1", "address": {"state": "CA", "country": "US"}},
    )
    assert (after["email"], after["phone"], after["address"]["country"]) == (None, "+1", "US")
    assert after["address"]["state"].startswith("hash_")


def test_the_setting_is_read_as_it_is_written() -> None:
    assert treatments("") == {}
    assert treatments("name=hash") == {"name": Treatment.HASH}
    assert treatments("all=hash,ip=drop") == {**dict.fromkeys(FIELDS, Treatment.HASH), "ip": Treatment.DROP}
    assert Personal(treatments("phone=drop,email=hash")).rules == "email=hash,phone=drop"


@pytest.mark.parametrize("wrong", ["email", "mail=hash", "email=mask", "email=hash;name=drop"])
def test_a_setting_that_makes_no_sense_is_refused_by_its_part(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"email, name, phone, address, ip or all"):
        treatments(wrong)
