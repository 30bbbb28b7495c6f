"""What a write takes: each parameter's form, read strictly, from the text on the wire to a value.

A map of names to forms describes an endpoint's parameters, or those nested in one. What Stripe refuses is refused in
its words; a parameter that the sandbox does not act on counts as unknown, so that nobody thinks it did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from sandbox.api.bodies import Tree
from sandbox.api.errors import invalid, missing_parameter, unknown_parameter

Given = dict[str, Any]


class Parameter(Protocol):
    """Turns what was said of one parameter into its value, or refuses it with a 400 that names it."""

    def read(self, name: str, said: str | Tree) -> Any: ...


def read(forms: Mapping[str, Parameter], said: Tree, required: Iterable[str] = (), inside: str = "") -> Given:
    """The values of all that was said. Errors: 400 for unknown, missing and malformed parameters."""
    for name in said:
        if name not in forms:
            raise unknown_parameter(_full(inside, name))
    for name in required:
        if name not in said:
            raise missing_parameter(_full(inside, name))
    return {name: forms[name].read(_full(inside, name), value) for name, value in said.items()}


@dataclass(frozen=True)
class Text:
    """A text; empty only where that unsets it (None)."""

    unset: bool = False
    longest: int = 5_000

    def read(self, name: str, said: str | Tree) -> str | None:
        if said == "" and self.unset:
            return None
        text = _text(name, said)
        if len(text) > self.longest:
            message = f"Invalid string: {text[:20]}...; must be at most {self.longest} characters"
            raise invalid(message, name, "parameter_invalid_string")
        return text


@dataclass(frozen=True)
class Whole:
    """An integer within bounds; empty only where that unsets it (None)."""

    least: int | None = None
    most: int | None = None
    unset: bool = False

    def read(self, name: str, said: str | Tree) -> int | None:
        if said == "" and self.unset:
            return None
        number = _integer(name, said)
        if self.least is not None and number < self.least:
            what = f"Invalid integer: must be greater than or equal to {self.least}"
            raise invalid(what, name, "parameter_invalid_integer")
        if self.most is not None and number > self.most:
            raise invalid(f"Invalid integer: must be less than or equal to {self.most}", name)
        return number


@dataclass(frozen=True)
class Number:
    """A decimal number above nothing, up to `most`."""

    most: Decimal

    def read(self, name: str, said: str | Tree) -> Decimal:
        text = _text(name, said)
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise invalid(f"Invalid decimal: {text}", name) from None
        if not 0 < number <= self.most:
            raise invalid(f"Invalid decimal: must be greater than 0 and at most {self.most}", name)
        return number


@dataclass(frozen=True)
class Exact:
    """An amount in minor units that may have decimals, twelve at most; not below nothing."""

    def read(self, name: str, said: str | Tree) -> Decimal:
        text = _text(name, said)
        if not re.fullmatch(r"\d{1,18}(\.\d{1,12})?", text):
            raise invalid(f"Invalid decimal: {text}", name, "parameter_invalid_string")
        return Decimal(text)


@dataclass(frozen=True)
class UpTo:
    """Where a tier ends: a whole number above nothing, or `inf` (None)."""

    def read(self, name: str, said: str | Tree) -> int | None:
        return None if said == "inf" else Whole(least=1).read(name, said)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def read(self, name: str, said: str | Tree) -> bool:
        text = _text(name, said)
        if text not in ("true", "false"):
            raise invalid(f"Invalid boolean: {text}", name)
        return text == "true"


@dataclass(frozen=True)
class Choice:
    """One of some words; empty only where that unsets it (None)."""

    words: tuple[str, ...]
    unset: bool = False

    def read(self, name: str, said: str | Tree) -> str | None:
        if said == "" and self.unset:
            return None
        text = _text(name, said)
        if text not in self.words:
            raise invalid(f"Invalid {name}: must be one of {_either(self.words)}", name)
        return text


@dataclass(frozen=True)
class Instant:
    """Epoch seconds, or one of some words (`now`, `unchanged`); empty only where that unsets it (None)."""

    words: tuple[str, ...] = ()
    unset: bool = False

    def read(self, name: str, said: str | Tree) -> int | str | None:
        if said == "" and self.unset:
            return None
        if isinstance(said, str) and said in self.words:
            return said
        if isinstance(said, str) and re.fullmatch(r"\d{1,11}", said):
            return int(said)
        raise invalid(f"Invalid timestamp: can be no earlier than 1970 and must be an integer, got {said}", name)


@dataclass(frozen=True)
class Notes:
    """Metadata: texts by name; an empty text takes a name away, an empty map (None) all of them."""

    def read(self, name: str, said: str | Tree) -> dict[str, str] | None:
        if said == "":
            return None
        if isinstance(said, str):
            raise invalid("Invalid object", name)
        return {key: value if isinstance(value, str) else _text(f"{name}[{key}]", value) for key, value in said.items()}


@dataclass(frozen=True)
class Fields:
    """A map of further parameters; empty only where that unsets it (None)."""

    forms: Mapping[str, Parameter]
    required: tuple[str, ...] = ()
    unset: bool = False

    def read(self, name: str, said: str | Tree) -> Given | None:
        if said == "" and self.unset:
            return None
        if isinstance(said, str):
            raise invalid("Invalid object", name)
        return read(self.forms, said, self.required, name)


@dataclass(frozen=True)
class ByCurrency:
    """A map of currencies to further parameters."""

    of: Fields

    def read(self, name: str, said: str | Tree) -> dict[str, Given]:
        if isinstance(said, str):
            raise invalid("Invalid object", name)
        named = {code: f"{name}[{code}]" for code in said}
        return {checked_currency(code, named[code]): self._of(named[code], each) for code, each in said.items()}

    def _of(self, name: str, said: str | Tree) -> Given:
        return self.of.read(name, said) or {}


@dataclass(frozen=True)
class Currency:
    """A currency, in small letters or large ones."""

    def read(self, name: str, said: str | Tree) -> str:
        return checked_currency(_text(name, said), name)


@dataclass(frozen=True)
class Many:
    """A list; empty only where that unsets it."""

    of: Parameter
    unset: bool = False

    def read(self, name: str, said: str | Tree) -> list[Any]:
        if said == "" and self.unset:
            return []
        if isinstance(said, str) or not all(place.isdigit() for place in said):
            raise invalid("Invalid array", name)
        places = sorted(said, key=int)
        return [self.of.read(f"{name}[{place}]", said[place]) for place in places]


@dataclass(frozen=True)
class Ignored:
    """Accepted as it is: it makes no difference here."""

    def read(self, name: str, said: str | Tree) -> str | Tree:
        return said


def noted(before: dict[str, str] | None, said: dict[str, str] | None) -> dict[str, str]:
    """Metadata after a write said something of it."""
    return {} if said is None else {name: value for name, value in {**(before or {}), **said}.items() if value != ""}


def checked_currency(code: str, name: str) -> str:
    """The currency in small letters. Errors: 400 where it is none."""
    if not re.fullmatch(r"[A-Za-z]{3}", code):
        raise invalid(f"Invalid currency: {code}.", name, "parameter_invalid_string")
    return code.lower()


def _full(inside: str, name: str) -> str:
    return f"{inside}[{name}]" if inside else name


def _text(name: str, said: str | Tree) -> str:
    if not isinstance(said, str):
        raise invalid(f"Invalid string: {said}", name)
    if said == "":
        message = (
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a "
            "non-empty value."
        )
        raise invalid(message, name, "parameter_invalid_empty")
    return said


def _integer(name: str, said: str | Tree) -> int:
    text = _text(name, said)
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise invalid(f"Invalid integer: {text}", name, "parameter_invalid_integer")
    return int(text)


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])}, or {words[-1]}" if len(words) > 1 else words[0]
