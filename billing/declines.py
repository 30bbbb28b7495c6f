"""What a customer may be told of a payment that failed, in their language, and what the company does about it.

Codes are `declines.yaml`, texts `declines.LANGUAGE.yaml`; a company's own folder of such text files goes first, message
by message. Nothing here tells whether a card was reported lost or stolen, or that fraud was suspected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from billing.errors import UsageError
from billing.stripe_errors import meaning_of_code

HERE = Path(__file__).parent
FALLBACK = "en"
UNKNOWN = "generic"
"""What is told of a code that is not in the table."""

Retry = Literal["now", "later", "changed", "never"]


@dataclass(frozen=True)
class Advice:
    """What to do about a decline.

    Attributes:
        code: Stripe's decline code.
        tell: the name of the message for the customer.
        retry: whether trying again makes sense: `now`, `later`, once something is `changed`, or `never` with this card.
        do: for the company's people; no customer sees it.
    """

    code: str
    tell: str
    retry: Retry
    do: str


def message(decline_code: str | None, locale: str | Sequence[str] | None = None, texts: Path | None = None) -> str:
    """What a customer may be told of a decline code.

    Args:
        decline_code: Stripe's; `card_declined:insufficient_funds` as the trail has it is understood, too.
        locale: the customer's language, as `de` or `pt-BR`, or `preferred_locales` of the customer, the first first.
        texts: a company's own folder of `LANGUAGE.yaml` files, which go before those here.

    Raises:
        UsageError: a file of the company's own can't be read, or names a message that there is none of.
    """
    return text(advice(decline_code).tell, locale, texts)


def advice(decline_code: str | None) -> Advice:
    """What to do about a decline code; one that is not known is as a decline without a reason."""
    named = [each for each in reversed((decline_code or "").split(":")) if each in _codes()]
    return _codes()[named[0]] if named else Advice(decline_code or "", UNKNOWN, "later", _codes()["generic_decline"].do)


def told_of_error(code: str, status: int, locale: str | Sequence[str] | None = None, texts: Path | None = None) -> str:
    """What a customer may be told of any error of Stripe's, by its code and HTTP status."""
    name = meaning_of_code(code, status).customer
    return message(code, locale, texts) if name == "declined" else text(name, locale, texts)


def text(name: str, locale: str | Sequence[str] | None = None, texts: Path | None = None) -> str:
    """A message by its name, in the first of the languages that has it; else in English.

    Raises:
        As `message` does.
    """
    own = _own(texts) if texts else {}
    for language in _languages(locale):
        for known in (own, _shipped()):
            if name in known.get(language, {}):
                return known[language][name]
    raise KeyError(name)


def codes() -> Mapping[str, Advice]:
    """Every decline code that is known."""
    return _codes()


def _languages(locale: str | Sequence[str] | None) -> list[str]:
    """`["pt-BR", "de"]` as `pt-br pt de en`."""
    said = [locale] if isinstance(locale, str) else list(locale or ())
    exact = [each.replace("_", "-").lower() for each in said]
    return [*(part for each in exact for part in (each, each.partition("-")[0])), FALLBACK]


@cache
def _codes() -> Mapping[str, Advice]:
    told = yaml.safe_load((HERE / "declines.yaml").read_text(encoding="utf-8"))
    return {code: Advice(code, **each) for code, each in told["codes"].items()}


@cache
def _shipped() -> Mapping[str, Mapping[str, str]]:
    files = HERE.glob("declines.*.yaml")
    return {file.name.split(".")[1]: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


@cache
def _own(folder: Path) -> Mapping[str, Mapping[str, str]]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder of messages for customers.")
    return {file.stem.replace("_", "-").lower(): _checked(file) for file in sorted(folder.glob("*.yaml"))}


def _checked(file: Path) -> Mapping[str, str]:
    try:
        told: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise UsageError(f"{file} can't be read as YAML.") from None
    known = _shipped()[FALLBACK]
    if not isinstance(told, dict) or not all(isinstance(each, str) and each for each in told.values()):
        raise UsageError(f"{file} must hold names of messages and a text for each.")
    if strange := sorted(set(told) - set(known)):
        raise UsageError(f"{file}: there is no message {strange[0]!r:.40}; there are {', '.join(sorted(known))}.")
    return told
