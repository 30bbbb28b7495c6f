"""One mapping for every error class and code of the installed SDK: what happened, and whether it is sent again."""

import re
from pathlib import Path
from typing import Any

import pytest
import stripe
from stripe import _error
from stripe._payment_intent import PaymentIntent

from billing import declines, stripe_errors
from billing.canonical import Json
from billing.stripe_errors import meaning_of, meaning_of_code
from billing.wire import ATTEMPTS, Answered, Deferred, Refused, Reply, Request, Unknown, Wire

CLASSES = [each for each in vars(_error).values() if isinstance(each, type) and issubclass(each, stripe.StripeError)]


def sdk_codes() -> list[str]:
    """The codes that the SDK lists for a payment's last error."""
    source = Path(str(_error.__file__)).with_name("_payment_intent.py").read_text()
    listed = re.search(r"class LastPaymentError.*?\n        code: Optional\[(.*?)\n        \"\"\"", source, re.DOTALL)
    assert listed is not None
    assert PaymentIntent.LastPaymentError is not None
    return re.findall(r'"([a-z0-9_]+)"', listed.group(1))


def error(of: Any, status: int, body: dict[str, Json]) -> Any:
    arguments: dict[str, Any] = {"http_status": status, "json_body": {"error": body}}
    if issubclass(of, stripe.SignatureVerificationError):
        return of("m", "header")
    if issubclass(of, stripe.CardError | stripe.InvalidRequestError):
        return of("m", "param", body.get("code"), **arguments)
    return of("m", **arguments)


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.__name__)
def test_every_error_class_of_the_sdk_has_its_own_meaning(of: type) -> None:
    assert of.__name__ in stripe_errors._by_class()
    meaning = meaning_of(error(of, 400, {}))
    assert meaning == stripe_errors._by_class()[of.__name__]
    assert all((meaning.happened, meaning.did, meaning.do))


def test_every_code_of_the_sdk_has_one_meaning_and_a_message_for_the_customer() -> None:
    codes = sdk_codes()
    assert len(codes) > 200
    table = stripe_errors._table()["codes"]
    everywhere = [code for listed in table.values() for code in listed]
    assert set(codes) - set(everywhere) == set()
    assert len(everywhere) == len(set(everywhere))
    for code in everywhere:
        assert declines.told_of_error(code, 400)
    families = stripe_errors._families()
    assert set(table) <= set(families)
    assert all(each.customer == "declined" or declines.text(each.customer) for each in families.values())


@pytest.mark.parametrize(
    ("status", "code", "family", "reply"),
    [
        (402, "card_declined", "declined", "refused"),
        (402, "invented_yesterday", "declined", "refused"),
        (400, "invented_yesterday", "ours", "refused"),
        (404, "invented_yesterday", "missing", "refused"),
        (401, "api_key_expired", "key", "refused"),
        (403, "invented_yesterday", "key", "refused"),
        (409, "invented_yesterday", "in_use", "unknown"),
        (429, "lock_timeout", "busy", "deferred"),
        (500, "invented_yesterday", "stripe", "unknown"),
    ],
)
def test_a_code_that_nobody_knows_means_what_its_status_does(status: int, code: str, family: str, reply: str) -> None:
    meaning = meaning_of_code(code, status)
    assert (meaning.family, meaning.reply) == (family, reply)


REPLIES: list[tuple[stripe.StripeError, type[Reply], int]] = [
    (error(stripe.CardError, 402, {"code": "card_declined", "decline_code": "lost_card"}), Refused, 1),
    (error(stripe.InvalidRequestError, 400, {"code": "parameter_unknown"}), Refused, 1),
    (error(stripe.InvalidRequestError, 404, {"code": "resource_missing"}), Refused, 1),
    (error(stripe.AuthenticationError, 401, {"code": "api_key_expired"}), Refused, 1),
    (error(stripe.PermissionError, 403, {}), Refused, 1),
    (error(_error.InsufficientFundsError, 400, {"type": "insufficient_funds"}), Refused, 1),
    (error(_error.QuotaExceededError, 400, {"type": "quota_exceeded"}), Refused, 1),
    (error(stripe.IdempotencyError, 400, {"type": "idempotency_error"}), Unknown, 1),
    (error(stripe.RateLimitError, 429, {"code": "lock_timeout"}), Deferred, ATTEMPTS),
    (error(stripe.RateLimitError, 429, {}), Deferred, ATTEMPTS),
    (error(stripe.APIError, 409, {"code": "idempotency_key_in_use"}), Unknown, ATTEMPTS),
    (error(stripe.APIError, 500, {}), Unknown, ATTEMPTS),
    (error(stripe.APIError, 500, {"code": "parameter_missing"}), Unknown, ATTEMPTS),
    (error(stripe.APIConnectionError, 0, {}), Unknown, ATTEMPTS),
]


@pytest.mark.parametrize(("raised", "reply", "attempts"), REPLIES)
def test_what_is_permanent_is_sent_once_and_the_rest_with_growing_waits(
    monkeypatch: pytest.MonkeyPatch, raised: stripe.StripeError, reply: type[Reply], attempts: int
) -> None:
    waits: list[float] = []
    sent: list[str] = []
    wire = Wire("sk_test_1", "http://127.0.0.1:1", sleep=waits.append)

    def refuses(*arguments: Any, **more: Any) -> Any:
        sent.append(more["idempotency_key"])
        raise raised

    monkeypatch.setattr(wire.client, "raw_request", refuses)
    told = wire.act(Request("post", "/v1/customers"), "key-1")
    assert isinstance(told, reply)
    assert not isinstance(told, Answered)
    assert sent == ["key-1"] * attempts
    assert len(waits) == attempts - 1
    assert all(0.5 * 2**turn * 0.5 <= wait <= 0.5 * 2**turn for turn, wait in enumerate(waits))
