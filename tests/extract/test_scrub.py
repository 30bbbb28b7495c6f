"""Scrubbing: secrets go, every other byte stays."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("note", "order 1 4242424242424242"),
        ("note", "4242 4242 4242 4242 12 30"),
        ("note", "of 12/30:\n4242424242424242\nthanks"),
        ("note", "\u00a04242424242424242\u00a0"),
        ("note", "4242-4242 42424242"),
        ("note", '"quoted" 4242424242424242'),
        ("client_secret", 'pi_1_secret_with_"quotes"_and_\\'),
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


SECRETS = (
    "sk_live_9aBcD3fGh",
    "rk_test_51Habcdef",
    "whsec_0a1b2c3d",
    "4242424242424242",
    "5105-1051-0510-5100",
    "3782 822463 10005",
)
INNOCENT = (
    "ch_4242424242424242",
    "task_live_stream",
    "4242424242424241",
    "+15555550123",
    "2026-11-26 09:16:44",
    "1794744000",
    "the cvc was wrong",
    "\u00e9\u00a0\U0001f600 \\ \n",
)


@given(st.lists(st.lists(st.sampled_from(SECRETS + INNOCENT), max_size=4), max_size=12), st.booleans())
def test_of_many_objects_each_loses_its_secrets_and_nothing_else(notes: list[list[str]], ascii_only: bool) -> None:
    """Words in a text, apart by commas: of each object just those go that are secrets."""
    objects = [
        msgspec.json.format(
            json.dumps({"id": f"x_{n}", "note": ", ".join(words)}, ensure_ascii=ascii_only).encode(), indent=-1
        )
        for n, words in enumerate(notes)
    ]
    expected = [
        {"id": f"x_{n}", "note": ", ".join("[removed]" if word in SECRETS else word for word in words)}
        for n, words in enumerate(notes)
    ]
    assert [json.loads(each) for each in clean(objects)] == expected


@given(st.lists(st.from_regex(r"[ 0-9.,-]{0,40}", fullmatch=True), max_size=5))
def test_whatever_stands_around_a_card_number_it_goes_and_the_json_stays_json(around: list[str]) -> None:
    texts = [f"{before} 4000056655665556 {before}" for before in around]
    for text, cleaned in zip(texts, clean([json.dumps({"note": text}).encode() for text in texts]), strict=True):
        assert "4000056655665556" not in json.loads(cleaned)["note"], text
