"""Faults on demand: rules that say which requests go wrong and how. Decides only; the server does the harm."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

Kind = Literal[
    "server_error",  # a 5xx with Stripe's api_error body: `status`
    "rate_limit",  # a 429 with its reason header: `reason`
    "lock_timeout",  # a 429 without a reason, safe to retry
    "conflict",  # a 409
    "reset",  # the connection is reset before any answer
    "cut",  # the body ends halfway
    "hang",  # the answer comes `seconds` late
    "not_a_list",  # 200 with a body that is no list
    "garbage",  # 200 with a body that is no JSON
    "body",  # 200 with these bytes: `body`, a character a byte (Latin-1)
]
KINDS: tuple[str, ...] = get_args(Kind)
REASONS = ("global-rate", "global-concurrency", "endpoint-rate", "endpoint-concurrency", "resource-specific")


@dataclass(frozen=True)
class Fault:
    """One rule. Of the requests that match: the `nth` and those after it, `times` of them, by `probability`.

    With `effect` a write takes effect all the same, and only the answer is lost. A `server_error` is what its
    idempotency key replays, as with Stripe, unless it is not `kept`: as if it had come from a proxy on the way.
    """

    kind: Kind
    path: str = "*"
    nth: int = 1
    times: int | None = None
    probability: float = 1.0
    status: int = 500
    reason: str = "global-rate"
    seconds: float = 3600.0
    body: str = ""
    method: str = "*"
    effect: bool = False
    kept: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault: say one of {', '.join(KINDS)}.")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability is {self.probability}: say a number from 0 to 1.")
        if self.reason not in REASONS:
            raise ValueError(f"{self.reason!r} is no reason of a 429: say one of {', '.join(REASONS)}.")
        if not all(ord(character) < 256 for character in self.body):
            raise ValueError("body holds a character that is no byte: write each byte as one character (Latin-1).")

    def concerns(self, method: str, path: str) -> bool:
        """Whether it is about such a request."""
        return fnmatchcase(path, self.path) and fnmatchcase(method, self.method)


@dataclass
class _Rule:
    fault: Fault
    seen: int = 0
    done: int = 0


@dataclass
class Faults:
    """The rules in force, drawn from one seeded stream of chance."""

    seed: int = 0
    _rules: list[_Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def add(self, fault: Fault) -> None:
        self._rules.append(_Rule(fault))

    def clear(self) -> None:
        """No more faults; chance starts over."""
        self._rules.clear()
        self._chance = random.Random(self.seed)  # noqa: S311

    def pick(self, method: str, path: str) -> Fault | None:
        """The fault of this request: that of the first rule that applies."""
        hits = [rule for rule in self._rules if rule.fault.concerns(method, path) and self._strikes(rule)]
        if not hits:
            return None
        hits[0].done += 1
        return hits[0].fault

    def listed(self) -> list[dict[str, Any]]:
        """The rules with how often each was seen and struck."""
        return [asdict(rule.fault) | {"seen": rule.seen, "struck": rule.done} for rule in self._rules]

    def _strikes(self, rule: _Rule) -> bool:
        rule.seen += 1
        if rule.seen < rule.fault.nth:
            return False
        if rule.fault.times is not None and rule.done >= rule.fault.times:
            return False
        return rule.fault.probability >= 1 or self._chance.random() < rule.fault.probability
