"""What an endpoint of the API can be: sorts of routes, as values.

The rows are in `resources.py`; `endpoints.py` answers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.api.filters import Condition, Filter


@dataclass(frozen=True)
class Resource:
    """One kind with a list at `path` and each object at `path/{id}`."""

    kind: str
    path: str
    permission: str
    filters: Mapping[str, Filter] = field(default_factory=dict)
    unless: tuple[tuple[tuple[str, ...], Condition], ...] = ()  # conditions, unless one of the parameters is given
    param: str = "id"  # what a 404 names


@dataclass(frozen=True)
class Part:
    """The list of what is nested in a parent (`/v1/invoices/{id}/lines`)."""

    path: str
    permission: str
    parent: str
    field: str
    kind: str


@dataclass(frozen=True)
class Scope:
    """A parent's share of another kind's list (`/v1/charges/{id}/refunds`)."""

    path: str
    permission: str
    parent: str
    kind: str
    column: str
    filters: Mapping[str, Filter] = field(default_factory=dict)
    unless: tuple[tuple[tuple[str, ...], Condition], ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Single:
    """The one object of its kind (`/v1/account`)."""

    path: str
    permission: str | None
    kind: str
