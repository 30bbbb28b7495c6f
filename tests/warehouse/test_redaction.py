"""What stays of an erased customer's objects, byte for byte, and whose an object is."""

import json
from typing import Any

import pytest

from pipelines.extract import personal
from pipelines.warehouse.redaction import ERASED, Redaction, belongings, owner


def left(thing: Any, *kept_metadata: str) -> Any:
    return json.loads(Redaction(frozenset(kept_metadata)).of(json.dumps(thing, separators=(",", ":")).encode()))


CUSTOMER = {
    "id": "cus_1",
    "object": "customer",
    "name": "Ada Byron",
    "email": "ada@byron.example",
    "phone": "+44 20 7946 0000",
    "balance": -250,
    "currency": "gbp",
    "address": {"line1": "12 St James's Square", "city": "london", "state": "ldn", "country": "GB", "postal_code": "1"},
    "shipping": {"name": "ada", "phone": "442079460000", "address": {"city": "london", "country": "GB"}},
    "metadata": {"segment": "enterprise", "born": "1815-12-10", "risk_signal": "2"},
    "preferred_locales": ["en-GB", "fr"],
    "tax_exempt": "none",
    "invoice_settings": {"default_payment_method": "pm_1", "custom_fields": [{"name": "PO", "value": "ada-7"}]},
    "a_field_of_tomorrow": "Countess of Lovelace",
}


def test_a_customer_keeps_ids_amounts_codes_and_the_country() -> None:
    assert left(CUSTOMER, "segment") == {
        "id": "cus_1",
        "object": "customer",
        "name": None,
        "email": None,
        "phone": None,
        "balance": -250,
        "currency": "gbp",
        "address": {"line1": None, "city": None, "state": None, "country": "GB", "postal_code": None},
        "shipping": {"name": None, "phone": None, "address": {"city": None, "country": "GB"}},
        "metadata": {"segment": "enterprise"},
        "preferred_locales": ["fr"],
        "tax_exempt": "none",
        "invoice_settings": {"default_payment_method": "pm_1", "custom_fields": [{"name": None, "value": None}]},
        "a_field_of_tomorrow": None,
    }


def test_figures_keep_every_byte_and_the_catalogue_every_word() -> None:
    price = b'{"id":"Gold plan","object":"price","nickname":"Gold, for Ada","unit_amount_decimal":"9900.50"}'
    line = b'{"amount":1.50,"big":12345678901234567890,"pricing":{"unit_amount_decimal":"0.00125"},"price":%s}' % price
    assert Redaction().of(line) == line


def test_a_line_still_says_that_it_is_unused_time_and_not_whose() -> None:
    unused = {"description": "Unused time on Ada's plan after 3 Mar"}
    assert left(unused) == {"description": "Unused"}
    assert left(left(unused)) == {"description": "Unused"}
    assert left({"description": "1 × Ada's plan"}) == {"description": None}


@pytest.mark.parametrize(
    "text", ["203.0.113.77", "442079460000", "ada", "ada_byron", "2001:db8::1", "LEE", "1815-12-10"]
)
def test_text_is_not_kept_because_nobody_knows_its_field(text: str) -> None:
    assert left({"a_field_of_tomorrow": text, "level3": {"customer_reference": text}, "list": [text]}) == {
        "a_field_of_tomorrow": None,
        "level3": {"customer_reference": None},
        "list": [],
    }


def test_what_is_known_to_be_a_code_an_id_or_an_amount_stays() -> None:
    known = {
        "status": "requires_action",
        "type": "card",
        "currency": "usd",
        "unit_amount_decimal": "-0.00125",
        "payment_method": "pm_1",
        "api_version": "2024-06-20",
        "url": "/v1/charges/ch_1/refunds",
        "a_field_of_tomorrow": "xyz_1SAAB56E7D63Ov",
        "network_decline_code": "05",
    }
    assert left(known) == known


def test_whatever_may_be_dropped_before_it_is_written_goes_when_a_customer_is_erased() -> None:
    assert all(kind <= ERASED for kind in personal.FIELDS.values())
    level3 = {"shipping_address_zip": "94107", "customer_reference": "po_1SAAB56E7D63Ov", "shipping_amount": 5}
    assert left({"level3": level3, "crypto": {"buyer_address": "0x52908400098527886e0f7030069857d2e4169ee7"}}) == {
        "level3": {"shipping_address_zip": None, "customer_reference": None, "shipping_amount": 5},
        "crypto": {"buyer_address": None},
    }


@pytest.mark.parametrize(
    ("field", "held"),
    [
        ("evidence", {"customer_name": "Ada", "uncategorized_text": "ada", "enhanced_evidence": {"ip": "10.0.0.1"}}),
        ("billing_details", {"name": "ada", "email": "a@b.c", "tax_id": "GB1", "address": {"line1": "x"}}),
        ("customer_details", {"email": "ada", "tax_ids": [{"type": "gb_vat", "value": "gb1"}]}),
        ("cancellation_details", {"comment": "ada"}),
        ("card", {"last4": "4242", "fingerprint": "xt5ewllds7fjjr1c"}),
        ("sepa_debit", {"last4": "3000", "bank_code": "37040044", "fingerprint": "x"}),
        ("owner", {"dob": {"day": 10, "month": 12, "year": 1815}}),
    ],
)
def test_no_text_and_no_number_is_left_of_what_is_about_a_person(field: str, held: Any) -> None:
    def values(thing: Any) -> list[Any]:
        if isinstance(thing, dict):
            return [each for value in thing.values() for each in values(value)]
        if isinstance(thing, list):
            return [each for value in thing for each in values(value)]
        return [thing]

    assert {*values(left({field: held}))} <= {None}


def test_the_values_taken_out_are_counted_and_none_is_left_the_second_time() -> None:
    first = Redaction()
    once = first.of(json.dumps({"name": "Ada", "email": "a@b.c", "metadata": {"x": "y"}, "phone": None}).encode())
    again = Redaction()
    assert again.of(once) == once
    assert (first.values, again.values) == (3, 0)


OWNED = dict.fromkeys(("cus_1", "ch_1", "pi_1", "in_1", "pm_1"), "cus_1")


@pytest.mark.parametrize(
    ("thing", "whose"),
    [
        ({"id": "cus_1", "object": "customer"}, "cus_1"),
        ({"id": "in_9", "customer": "cus_1"}, "cus_1"),
        ({"id": "in_9", "customer": {"id": "cus_1", "object": "customer"}}, "cus_1"),
        ({"id": "pm_1", "customer": None}, "cus_1"),
        ({"id": "du_1", "charge": "ch_1"}, "cus_1"),
        ({"id": "txn_1", "source": {"id": "ch_1"}}, "cus_1"),
        ({"id": "inpay_1", "payment": {"payment_intent": "pi_1", "type": "payment_intent"}}, "cus_1"),
        ({"object": "event", "data": {"object": {"id": "re_1", "payment_intent": "pi_1"}}}, "cus_1"),
        (
            {
                "object": "event",
                "data": {"object": {"id": "pm_2", "customer": None}, "previous_attributes": {"customer": "cus_1"}},
            },
            "cus_1",
        ),
        ({"id": "cus_2", "object": "customer", "metadata": {"referred_by": "cus_1"}}, None),
        ({"id": "in_2", "customer": "cus_2", "charge": "ch_1"}, None),
        ({"id": "pm_1", "customer": "cus_2"}, None),
        ({"object": "event", "data": {"object": {"id": "po_1"}}}, None),
        ({"id": "txn_2", "source": None, "description": "cus_1"}, None),
    ],
)
def test_whose_an_object_is(thing: dict[str, Any], whose: str | None) -> None:
    assert owner(json.dumps(thing).encode(), OWNED) == whose


@pytest.mark.parametrize(
    ("thing", "ids"),
    [
        ({"id": "ch_1", "customer": "cus_1", "payment_method": "pm_1", "source": {"id": "card_1"}}, {"pm_1", "card_1"}),
        ({"id": "cus_1", "invoice_settings": {"default_payment_method": "pm_1"}, "default_source": None}, {"pm_1"}),
        ({"id": "cus_1", "payment_method": "none of ours"}, set()),
    ],
)
def test_what_is_theirs_names_their_means_of_payment(thing: dict[str, Any], ids: set[str]) -> None:
    assert belongings(json.dumps(thing).encode()) == {thing["id"], *ids}
    event = {"id": "evt_1", "object": "event", "data": {"object": {"id": "pm_9"}, "previous_attributes": thing}}
    assert belongings(json.dumps(event).encode()) == {"pm_9", *ids}
