"""Webhook endpoints: where events are sent to. The signing secret is in the answer to the creation, and nowhere else.

What is sent, and again, is `sandbox/api/deliveries.py`'s to say.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.api.errors import invalid, no_such
from sandbox.world.shapes import deleted, webhook_endpoint
from sandbox.world.stage import Stage
from sandbox.writes.parameters import Flag, Given, Many, Notes, Parameter, Text, noted
from sandbox.writes.write import Shape, Write

KIND = "webhook_endpoint"
MOST = 16
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_TYPE = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.[a-z]+)?")


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/webhook_endpoints`. Errors: 400 for an address or a type that is none, and for the seventeenth."""
    if stage.store.count(KIND) >= MOST:
        raise invalid(f"You have reached the maximum of {MOST} test webhook endpoints.", "url")
    _check(given)
    number = stage.count(KIND)
    secret = stage.business.id("whsec_", 32, KIND, number)
    shape = webhook_endpoint(
        id=stage.business.id("we_1", 23, KIND, number),
        created=stage.now,
        url=given["url"],
        enabled_events=given["enabled_events"],
        api_version=given.get("api_version"),
        description=given.get("description"),
        metadata=noted(None, given.get("metadata")),
    )
    stage.put({**shape, "_secret": secret})
    return {**shape, "secret": secret}


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/webhook_endpoints/{id}`. Errors: 404, and 400 as at creation."""
    shape = _held(stage, ids[0])
    _check(given)
    for field in ("url", "enabled_events", "description"):
        if field in given:
            shape[field] = given[field]
    if "metadata" in given:
        shape["metadata"] = noted(shape["metadata"], given["metadata"])
    if "disabled" in given:
        shape["status"] = "disabled" if given["disabled"] else "enabled"
    stage.put(shape)
    return {name: value for name, value in shape.items() if name[0] != "_"}


def delete(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`DELETE /v1/webhook_endpoints/{id}`. Errors: 404."""
    _held(stage, ids[0])
    stage.store.delete(KIND, ids[0])
    return deleted(kind=KIND, id=ids[0])


def _held(stage: Stage, id: str) -> dict[str, Any]:  # noqa: A002
    shape = stage.store.get(KIND, id)
    if shape is None:
        raise no_such("webhook endpoint", id, "webhook_endpoint")
    return shape


def _check(given: Given) -> None:
    if "url" in given and not _URL.fullmatch(given["url"]):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")
    if "enabled_events" in given and not given["enabled_events"]:
        raise invalid("You must enable at least one event.", "enabled_events")
    for place, type_ in enumerate(given.get("enabled_events", ())):
        if not _TYPE.fullmatch(type_):
            raise invalid(f"Invalid enabled_events[{place}]: {type_} is no event type", f"enabled_events[{place}]")
    if not _VERSION.fullmatch(given.get("api_version") or "2026-10-28"):
        raise invalid(f"Invalid API version: {given['api_version']}", "api_version")


_ENDPOINT = "/v1/webhook_endpoints/{id}"
_TAKES: dict[str, Parameter] = {
    "description": Text(unset=True),
    "enabled_events": Many(Text()),
    "metadata": Notes(),
    "url": Text(),
}
WRITES = (
    Write(
        "POST",
        "/v1/webhook_endpoints",
        "webhook_write",
        KIND,
        create,
        {**_TAKES, "api_version": Text()},
        required=("enabled_events", "url"),
    ),
    Write("POST", _ENDPOINT, "webhook_write", KIND, update, {**_TAKES, "disabled": Flag()}),
    Write("DELETE", _ENDPOINT, "webhook_write", KIND, delete),
)
