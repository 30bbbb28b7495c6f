"""Scrubbing: secrets go, every other byte stays."""

import json

import pytest

from pipelines.extract.scrub import clean


@pytest.mark.parametrize(
    ("field", "secret"),
    [
        ("client_secret", "pi_1_secret_abc"),
        ("cvc", "123"),
        ("account_number", "000123456789"),
        ("iban", "DE89370400440532013000"),
        ("secret", "whsec_abcdefgh"),
        ("description", "key sk_live_abcDEF123 leaked"),
        ("note", "rk_test_abcDEF123"),
        ("note", "card 4242424242424242 exp 12/30"),
        ("note", "4242 4242 4242 4242"),
        ("number", "4000-0566-5566-5556"),
        ("note", "amex 378282246310005."),
        ("note", "5555555555554444"),
    ],
)
def test_a_planted_secret_is_gone_and_the_rest_is_untouched(field: str, secret: str) -> None:
    planted = f'{{"id":"x_1","amount":1.50,"deep":{{"{field}":{json.dumps(secret)},"kept":"a \\u00e9 b"}}}}'.encode()
    (cleaned,) = clean([planted])
    for part in secret.split():
        if sum(letter.isdigit() for letter in part) >= 3 and "/" not in part:
            assert part.encode() not in cleaned
    assert b"[removed]" in cleaned
    assert cleaned.startswith(b'{"id":"x_1","amount":1.50,"deep":{')
    assert b'"kept":"a \\u00e9 b"' in cleaned
    json.loads(cleaned)


@pytest.mark.parametrize(
    "innocent",
    [
        b'{"id":"ch_4242424242424242","created":1794744000,"amount":4242424242424242}',
        b'{"number":"ABCD-0001","phone":"+4242424242424242","last4":"4242"}',
        b'{"client_secret":null,"cvc_check":"pass","network":"4242424242424241"}',
        b'{"invoice_pdf":"https://pay.example/i/4242424242424242x"}',
    ],
)
def test_what_only_looks_like_a_secret_stays(innocent: bytes) -> None:
    assert list(clean([innocent])) == [innocent]
