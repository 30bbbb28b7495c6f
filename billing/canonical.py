"""One way to write a value as text, so that a digest of it is the same everywhere (after RFC 8785, for JSON without
floats)."""

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]
"""What can be written: no floats, since their text depends on the writer; amounts are whole numbers."""


def canonical(value: Json) -> str:
    """The value as JSON: keys in order, no blanks, ASCII alone.

    Raises:
        TypeError: it holds a float or something that JSON has no word for.
    """
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Json) -> str:
    """SHA-256 of the value's canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _refuse_floats(value: Json) -> None:
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a float, which has no canonical form")
    if isinstance(value, Mapping):
        for each in value.values():
            _refuse_floats(each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            _refuse_floats(each)
