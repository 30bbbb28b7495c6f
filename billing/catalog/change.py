"""One change of the catalogue as an action: what it is about, what is sent, and how it is found again.

An object carries the id of the action that made or changed it in its metadata; a meter, which has none, is known by the
name of its events. https://docs.stripe.com/api/prices/create: `transfer_lookup_key` takes the key from the price that
has it in the same moment.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from billing.actions.action import MARK, Action, Effect, Facts, Params, Subject, Trace
from billing.canonical import Json
from billing.catalog.account import PATHS, Kind, is_active, key_of, metadata_of
from billing.errors import StripeRefusedError
from billing.wire import Body, Request, Wire, path

Verb = Literal["create", "update", "restore", "archive"]
VALUES = "values"
REFERENCES: Mapping[str, Kind] = {"$price": "price", "$meter": "meter"}
"""In place of an id that is not known before it is made: `{"$price": key}`."""


class Change(Params):
    """What is done to one object.

    Attributes:
        id: Stripe's; None where the object is to be made.
        values: the parameters, with references to what is made before.
        replaces: the price whose lookup key a new one takes over, or the code that a new one follows.
    """

    verb: Verb
    kind: Kind
    key: str
    id: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    replaces: str | None = None


def reference(kind: Kind, key: str) -> dict[str, str]:
    """Stands for the id that the object of that key will have."""
    return {f"${kind}": key}


def look(wire: Wire, subject: Subject, params: Change, at: datetime) -> Facts:
    """The object, empty where there is none, and the values with ids in place of references."""
    held = _by_id(wire, params.kind, params.id) if params.id else found(wire, params.kind, params.key)
    missing: list[str] = []
    values = _resolved(wire, params.values, missing)
    return Facts(at, held or {}, {VALUES: values, "missing": tuple(missing)})


def refusal(facts: Facts, params: Change) -> str | None:
    """What is there already, what is there no more, and what rests on something that is not made."""
    held = facts.object
    if facts.more["missing"]:
        return f"rests_on_what_is_missing:{facts.more['missing'][0]}"
    if params.verb == "create":
        return "is_there_already" if held and held.get("id") != params.replaces and _claims(params, held) else None
    if not held:
        return "is_gone_already" if params.verb == "archive" else "is_not_there"
    wanted = {"archive": False, "restore": True}.get(params.verb)
    is_so = params.kind != "coupon" and is_active(params.kind, held) is wanted
    return "is_so_already" if is_so else None


def preview(facts: Facts, params: Change) -> Effect:
    """No money moves: who subscribes to a price goes on paying it."""
    return Effect(f"{params.verb} {params.kind} {params.key}"[:200], details={"kind": params.kind, "key": params.key})


def request(subject: Subject, facts: Facts, params: Change) -> Request:
    """As it is planned, with the action's mark in the metadata."""
    values: dict[str, Any] = dict(facts.more[VALUES])
    if params.kind == "meter":
        steps = {"archive": "/deactivate", "restore": "/reactivate"}.get(params.verb, "")
        return Request("post", _path(params) + steps, values)
    if params.kind == "coupon" and params.verb == "archive":
        return Request("delete", _path(params))
    if params.verb in ("archive", "restore"):
        values["active"] = params.verb == "restore"
    marked = {**values.get("metadata", {}), MARK: subject.action_id}
    return Request("post", _path(params), {**values, "metadata": marked})


def trace(subject: Subject, facts: Facts, params: Change) -> Trace:
    """By its mark; a meter by what it is, and a coupon that was deleted by its absence."""
    held = facts.object
    if held and metadata_of(held).get(MARK) == subject.action_id:
        return Trace.THERE
    if not held:
        return Trace.SEEN if (params.kind, params.verb) == ("coupon", "archive") else Trace.ABSENT
    if params.verb == "create":
        return Trace.SEEN if held.get("id") != params.replaces and _claims(params, held) else Trace.ABSENT
    return Trace.SEEN if params.kind == "meter" and _meter_is(held, params) else Trace.ABSENT


def kept(body: Body) -> Mapping[str, Json]:
    """Which object it is."""
    told = {name: body.get(name) for name in ("id", "object", "active", "deleted", "status")}
    return {name: value for name, value in told.items() if isinstance(value, str | bool)}


def found(wire: Wire, kind: Kind, key: str) -> Body | None:
    """The object of that key: the active one, else the newest; None where there is none.

    Raises:
        StripeRefusedError: the key of the API may not look.
        StripeUnavailableError: Stripe can't be asked.
    """
    if kind in ("product", "coupon"):
        return _by_id(wire, kind, key)
    held = [body for body in _candidates(wire, kind, key) if key_of(kind, body) == key]
    return min(held, key=lambda body: (not is_active(kind, body), -int(body["created"])), default=None)


def _candidates(wire: Wire, kind: Kind, key: str) -> Iterator[Body]:
    narrowed: Mapping[Kind, list[dict[str, Any]]] = {
        "price": [{"lookup_keys": [key], "active": active} for active in ("true", "false")],
        "promotion_code": [{"code": key}],
    }
    for asked in narrowed.get(kind, [{}]):
        yield from wire.pages(PATHS[kind], **asked)


def _by_id(wire: Wire, kind: Kind, id_: str) -> Body | None:
    try:
        held = wire.get(f"{PATHS[kind]}/{_step(id_)}")
    except StripeRefusedError as error:
        if error.status != 404:
            raise
        return None
    return None if held.get("deleted") else held


def _claims(params: Change, held: Body) -> bool:
    """Whether what is there has the key to itself: codes that are off and meters that count nothing have not."""
    return params.kind not in ("promotion_code", "meter") or is_active(params.kind, held)


def _meter_is(held: Body, params: Change) -> bool:
    if params.verb == "update":
        return all(held.get(name) == value for name, value in params.values.items())
    return is_active("meter", held) is (params.verb == "restore")


def _resolved(wire: Wire, value: Any, missing: list[str]) -> Any:
    if isinstance(value, Mapping):
        for name, kind in REFERENCES.items():
            if set(value) == {name}:
                held = found(wire, kind, value[name])
                if held is None:
                    missing.append(f"{kind}:{value[name]}"[:200])
                return held["id"] if held else ""
        return {name: _resolved(wire, each, missing) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(wire, each, missing) for each in value]
    return value


def _path(params: Change) -> str:
    return PATHS[params.kind] + (f"/{_step(params.id)}" if params.id else "")


def _step(id_: str) -> str:
    return path(id_).removeprefix("/v1/")


ACTION = Action(
    "change_catalog",
    "make, change or archive a product, price, meter, coupon, promotion code or portal",
    "catalog",
    Change,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    by_rule=False,
    of_a_customer=False,
)
