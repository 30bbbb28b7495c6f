"""Holds an API object against the classes of Stripe's own SDK: `faults(obj)` names all that is not as they say.

The rules are read from the annotations of the installed SDK, so they are those of the version it is pinned to. Knows
nothing of how the object came about; keys that start with an underscore are the sandbox's notes and no part of it.
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import import_module
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

Check = Callable[[Any, str], Iterator[str]]


def faults(obj: Mapping[str, Any]) -> list[str]:
    """All that is wrong with an API object, as `path: what`; empty when nothing is."""
    return list(_embedded(None)(obj, str(obj.get("object"))))


def fields_of(kind: str) -> frozenset[str]:
    """The names of all fields that the SDK's class of this object knows."""
    return frozenset(_annotations(_class_of(kind)))


@cache
def _class_of(kind: str) -> type:
    module, name = OBJECT_CLASSES[kind]
    found: type = getattr(import_module(module), name)
    return found


def _embedded(names: frozenset[str] | None) -> Check:
    """An API object of one of the named classes, or of any."""

    def check(value: Any, path: str) -> Iterator[str]:
        kind = value.get("object") if isinstance(value, Mapping) else None
        if kind not in OBJECT_CLASSES:
            yield f"{path}: no API object: {value!r:.60}"
            return
        cls = _class_of(kind)
        if names is not None and cls.__name__ not in names:
            yield f"{path}: a {kind} instead of {' or '.join(sorted(names))}"
        yield from _fields(cls)(value, path)

    return check


def _name(reference: ForwardRef | str) -> str:
    """The class that a forward reference means; the SDK marks some by a suffix where names clash."""
    return (reference if isinstance(reference, str) else reference.__forward_arg__).removesuffix("Resource")


def _annotations(cls: type) -> dict[str, Any]:
    own = inspect.get_annotations(cls)
    return {name: hint for name, hint in own.items() if name[0].islower()}


@cache
def _fields(cls: type) -> Check:
    checks = {name: _check(hint) for name, hint in _annotations(cls).items()}
    required = [name for name, hint in _annotations(cls).items() if not _nullable(hint)]

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{path}: {value!r:.60} instead of {cls.__qualname__}"
            return
        for name in required:
            if name not in value:
                yield f"{path}.{name}: missing"
        for name, each in value.items():
            if name in checks:
                yield from checks[name](each, f"{path}.{name}")
            elif name[0] != "_":
                yield f"{path}.{name}: unknown to {cls.__qualname__}"

    return check


def _nullable(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _check(hint: Any) -> Check:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _either(get_args(hint))
    if origin is Literal:
        return _literal(get_args(hint))
    if origin is ListObject:
        return _page(_check(get_args(hint)[0]))
    if origin in (list, typing.List):  # noqa: UP006 - what the SDK writes
        return _list(_check(get_args(hint)[0]))
    if origin is UntypedStripeObject:
        return _map(_check(get_args(hint)[0]))
    if isinstance(hint, ForwardRef | str):
        return _embedded(frozenset({_name(hint)}))
    if hint is Any:
        return _anything
    if issubclass(hint, StripeObject):
        return _embedded(frozenset({hint.__name__})) if hasattr(hint, "OBJECT_NAME") else _fields(hint)
    return _SCALARS[hint]


def _either(hints: tuple[Any, ...]) -> Check:
    """Any of the types; where an enum stands beside `str` (the SDK leaves enums open), the enum decides."""
    nullable = type(None) in hints
    enums = [hint for hint in hints if get_origin(hint) is Literal]
    others = [hint for hint in hints if hint is not type(None) and not (enums and hint is str)]
    plain = [_check(hint) for hint in others if not isinstance(hint, ForwardRef)]
    embeds = frozenset(_name(hint) for hint in others if isinstance(hint, ForwardRef))
    embedded = _embedded(embeds)

    def check(value: Any, path: str) -> Iterator[str]:
        if value is None:
            if not nullable:
                yield f"{path}: null"
            return
        if embeds and isinstance(value, Mapping):
            yield from embedded(value, path)
            return
        found = [list(each(value, path)) for each in plain]
        if not found:
            yield f"{path}: {value!r:.60} instead of an object"
        elif all(found):
            yield from min(found, key=len)

    return check


def _literal(values: tuple[Any, ...]) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        if value not in values:
            yield f"{path}: {value!r:.60} is none of {', '.join(map(str, values))}"

    return check


def _list(item: Check) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path}: {value!r:.60} instead of a list"
            return
        for index, each in enumerate(value):
            yield from item(each, f"{path}[{index}]")

    return check


def _page(item: Check) -> Check:
    items = _list(item)

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping) or set(value) != {"object", "data", "has_more", "url"}:
            yield f"{path}: {value!r:.60} instead of a list object"
            return
        if value["object"] != "list" or type(value["has_more"]) is not bool or type(value["url"]) is not str:
            yield f"{path}: a list object of wrong types"
        yield from items(value["data"], f"{path}.data")

    return check


def _map(item: Check) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{path}: {value!r:.60} instead of a map"
            return
        for key, each in value.items():
            yield from item(each, f"{path}.{key}")

    return check


def _exactly(expected: type) -> Check:
    def check(value: Any, path: str) -> Iterator[str]:
        if type(value) is not expected:
            yield f"{path}: {value!r:.60} instead of {expected.__name__}"

    return check


def _decimal(value: Any, path: str) -> Iterator[str]:
    try:
        right = type(value) is str and Decimal(value).is_finite()
    except InvalidOperation:
        right = False
    if not right:
        yield f"{path}: {value!r:.60} instead of a decimal in a string"


def _anything(value: Any, path: str) -> Iterator[str]:
    yield from ()


_SCALARS: dict[Any, Check] = {
    int: _exactly(int),
    str: _exactly(str),
    bool: _exactly(bool),
    float: _exactly(float),
    Decimal: _decimal,
}
