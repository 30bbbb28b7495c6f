"""How a sandbox server behaves: keys, limits, latency, chance. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.api.keys import DEFAULT_KEY, DEFAULT_WRITE_KEY, Key
from sandbox.api.limits import Limits
from sandbox.clock import World

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Settings:
    """`seed` draws the faults that come by probability; `latency_ms` is added to every answer.

    `connected` are the worlds of connected accounts: the same keys read them with a `Stripe-Account` header, each under
    its own limits, and the clock moves them all.
    """

    keys: tuple[Key, ...] = (Key(DEFAULT_KEY), Key(DEFAULT_WRITE_KEY, writes=True))
    limits: Limits = field(default_factory=Limits)
    latency_ms: float = 0.0
    seed: int = 0
    connected: Sequence[World] = ()
