"""Query strings as Stripe reads them: `created[gte]=…`, `types[]=…`, `types[0]=…`. Knows no endpoint."""

from __future__ import annotations

import re
from typing import TypeVar
from urllib.parse import parse_qsl

from sandbox.api.errors import ApiError, invalid

Grown = TypeVar("Grown", list[str], dict[str, str])
Value = str | list[str] | dict[str, str]

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_STEP = re.compile(r"\[([^\[\]]*)\]")


def parameters(query: str) -> dict[str, Value]:
    """Each name with its text, its list (`[]`, `[0]`) or its map (`[gte]`). Errors: ApiError 400 for nonsense."""
    found: dict[str, Value] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        match = _KEY.match(key)
        if match is None:
            raise ApiError(400, f"Invalid parameter name: {key}")
        name, steps = match[1], _STEP.findall(match[2])
        if not steps:
            found[name] = text
        elif len(steps) > 1:
            raise invalid(f"Received unknown parameter: {key}", name, "parameter_unknown")
        elif steps[0] == "" or steps[0].isdigit():
            _grown(found, name, []).append(text)
        else:
            _grown(found, name, {})[steps[0]] = text
    return found


def _grown(found: dict[str, Value], name: str, fresh: Grown) -> Grown:
    value = found.setdefault(name, fresh)
    if not isinstance(value, type(fresh)):
        raise invalid(f"Invalid {name}: given in more than one form", name)
    return value


def text(name: str, value: Value) -> str:
    """The value as one non-empty text."""
    if isinstance(value, dict):
        raise invalid(f"Invalid string: {value}", name)
    if isinstance(value, list):
        raise invalid(f"Invalid string: {value}", name)
    if value == "":
        message = (
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a "
            "non-empty value."
        )
        raise invalid(message, name, "parameter_invalid_empty")
    return value


def texts(name: str, value: Value) -> list[str]:
    """The value as a list; Stripe wants the brackets."""
    if not isinstance(value, list):
        raise invalid("Invalid array", name)
    return value


def integer(name: str, value: Value) -> int:
    said = text(name, value)
    if not re.fullmatch(r"-?\d{1,18}", said):
        raise invalid(f"Invalid integer: {said}", name, "parameter_invalid_integer")
    return int(said)


def flag(name: str, value: Value) -> bool:
    said = text(name, value)
    if said not in ("true", "false"):
        raise invalid(f"Invalid boolean: {said}", name)
    return said == "true"
