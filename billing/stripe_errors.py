"""What Stripe's errors mean, in one place: what happened, what is done about it here, what a person does next.

`stripe_errors.yaml` is the table, by the SDK's error classes and Stripe's codes
(https://docs.stripe.com/error-codes, https://docs.stripe.com/api/errors). Messages of Stripe's are not read: they may
hold what a customer wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import stripe
import yaml

TABLE = Path(__file__).with_name("stripe_errors.yaml")

Reply = Literal["refused", "deferred", "unknown"]


@dataclass(frozen=True)
class Meaning:
    """What an error means.

    Attributes:
        family: the name of the kind of trouble.
        reply: whether it is certain that nothing happened (`refused` for good, `deferred` until later) or not.
        retry: whether it may be sent again at once, under the same idempotency key.
        alert: True where it is a mistake of ours, which developers are to hear of.
        customer: the message that a customer may be told, by its name in `declines`; `declined` is the code's own.
        happened, did, do: for the company's people; no customer sees it.
    """

    family: str
    reply: Reply
    retry: Literal["never", "same_key"]
    alert: bool
    customer: str
    happened: str
    did: str
    do: str

    @property
    def is_permanent(self) -> bool:
        """Whether asking again at once can't help."""
        return self.retry == "never"


def meaning_of(error: stripe.StripeError) -> Meaning:
    """What an error of the SDK's means: by its code, else by its class, or what that is a kind of."""
    code = code_of(error)
    found = _by_code().get(code.partition(":")[0])
    by_class = next(each for each in map(_by_class().get, _names(type(error))) if each)
    if found is None or _says_less(error, found, by_class):
        return by_class
    return found


def meaning_of_code(code: str, status: int = 400) -> Meaning:
    """What a recorded code such as `card_declined:insufficient_funds` means; `status` is HTTP's, for one unknown."""
    found = _by_code().get(code.partition(":")[0])
    if found is not None:
        return found
    names = {401: "key", 402: "declined", 403: "key", 404: "missing", 409: "in_use", 429: "busy"}
    return _families()[names.get(status, "ours" if 400 <= status < 500 else "stripe")]


def code_of(error: stripe.StripeError) -> str:
    """What Stripe calls it, the issuer's own reason where there is one; never its message."""
    told = (error.json_body or {}).get("error") if isinstance(error.json_body, Mapping) else None
    told = told if isinstance(told, Mapping) else {}
    said = [told.get("code") or told.get("type"), told.get("decline_code")]
    codes = [str(each) for each in said if isinstance(each, str) and each.replace("_", "").isalnum()]
    return ":".join(dict.fromkeys(codes))[:100] or (f"http_{error.http_status}" if error.http_status else "no_answer")


def _says_less(error: stripe.StripeError, by_code: Meaning, by_class: Meaning) -> bool:
    """Whether the class is what counts: it is surer than a code of the key, of limits, and of a failure (5xx)."""
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError | stripe.APIConnectionError):
        return True
    return (error.http_status or 0) >= 500 or (by_class.reply == "deferred" and by_code.reply != "deferred")


def _names(of: type) -> list[str]:
    return [each.__name__ for each in of.__mro__]


@cache
def _table() -> dict[str, Any]:
    return dict(yaml.safe_load(TABLE.read_text(encoding="utf-8")))


@cache
def _families() -> Mapping[str, Meaning]:
    return {name: Meaning(family=name, **told) for name, told in _table()["families"].items()}


@cache
def _by_class() -> Mapping[str, Meaning]:
    return {name: _families()[family] for name, family in _table()["classes"].items()}


@cache
def _by_code() -> Mapping[str, Meaning]:
    return {code: _families()[family] for family, codes in _table()["codes"].items() for code in codes}
