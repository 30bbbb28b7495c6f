"""Parameters of a write as Stripe reads them, nested to any depth: `items[0][price]=…`, `metadata[a]=…`, `expand[]=…`.

Gives text at the leaves; what is a list and what a map is the endpoint's to say. Knows no endpoint.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from sandbox.api.errors import ApiError, invalid

Tree = dict[str, "str | Tree"]

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_STEP = re.compile(r"\[([^\[\]]*)\]")


def tree(*encoded: str) -> Tree:
    """The parameters of query string and body together; elements of lists go by their place, as text.

    Errors: 400 for a name that makes no sense, or one given both as text and as something nested.
    """
    found: Tree = {}
    for text in encoded:
        for key, value in parse_qsl(text, keep_blank_values=True):
            match = _KEY.match(key)
            if match is None:
                raise ApiError(400, f"Invalid parameter name: {key}")
            _put(found, [match[1], *_STEP.findall(match[2])], key, value)
    return found


def _put(branch: Tree, steps: list[str], key: str, value: str) -> None:
    for place, step in enumerate(steps[:-1]):
        name = _element(branch, steps[place + 1 :]) if step == "" else step
        below = branch.setdefault(name, {})
        if not isinstance(below, dict):
            raise invalid(f"Invalid {steps[0]}: given in more than one form", steps[0])
        branch = below
    last = steps[-1] or str(len(branch))
    if isinstance(branch.get(last), dict):
        raise invalid(f"Invalid {steps[0]}: given in more than one form ({key})", steps[0])
    branch[last] = value


def _element(branch: Tree, below: list[str]) -> str:
    """The place of an element written `[]`: the last one, unless it has this very field already."""
    if not branch:
        return "0"
    last = next(reversed(branch))
    held = branch[last]
    taken = not isinstance(held, dict) or (below[0] in held and below[0] != "")
    return str(len(branch)) if taken else last
