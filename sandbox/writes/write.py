"""What a write is: its address, the permission it needs, what it takes, and the act that answers with an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.world.stage import Stage
from sandbox.writes.parameters import Given, Parameter

Shape = dict[str, Any]
Act = Callable[[Stage, tuple[str, ...], Given], Shape]


@dataclass(frozen=True)
class Write:
    """One endpoint; `act` gets the stage, the ids of the path and the parameters read, and checks before it acts.

    `kind` is that of the answer, for expansion. A preview `changes` nothing.
    """

    method: str
    path: str
    permission: str
    kind: str
    act: Act
    takes: Mapping[str, Parameter] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    changes: bool = True
