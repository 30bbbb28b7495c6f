"""Idempotency keys: the first answer to a key is the answer to every request with it, for a day of the sandbox's clock.

As documented (https://docs.stripe.com/api/idempotent_requests): an answer is kept once an endpoint has begun to act,
whether it succeeds, declines or breaks (5xx); what is refused before that (limits, keys, parameters) is not. Knows no
endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.api.bodies import Tree
from sandbox.api.errors import ApiError, conflict, other_endpoint, other_parameters

KEPT_SECONDS = 86_400
LONGEST = 255


@dataclass(frozen=True)
class Reply:
    """An answer as it goes out."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Turn:
    """One request's hold on its key; `kept` is the answer to repeat, if there is one."""

    key: str
    request_id: str
    path: str
    given: Tree
    at: int
    kept: Reply | None = None

    def keep(self, reply: Reply) -> None:
        """This is what every further request with the key gets."""
        self.kept = reply

    @property
    def headers(self) -> dict[str, str]:
        """What an answer to this key says of it."""
        return {"Idempotency-Key": self.key, "Original-Request": self.request_id}


class IdempotencyKeys:
    """The keys of one account. `now` is the sandbox's clock in epoch seconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._turns: dict[str, Turn] = {}
        self._under_way: set[str] = set()

    @contextmanager
    def turn(self, key: str | None, request_id: str, path: str, given: Tree) -> Iterator[Turn]:
        """The key's turn, new or with the answer kept; a request without a key has one of its own.

        Errors: 400 `idempotency_error` for other parameters, another endpoint or too long a key; 409 while the first
        request with the key is under way.
        """
        if key is None:
            yield Turn("", request_id, path, given, self._now())
            return
        turn = self._first(key, request_id, path, given)
        if turn.kept is not None:
            yield turn
            return
        self._under_way.add(key)
        try:
            yield turn
        finally:
            self._under_way.discard(key)
            if turn.kept is not None:
                self._forget_old()
                self._turns[key] = turn

    def _first(self, key: str, request_id: str, path: str, given: Tree) -> Turn:
        if len(key) > LONGEST:
            message = f"Idempotency keys can be at most {LONGEST} characters long; this one has {len(key)}."
            raise ApiError(400, message, type="idempotency_error")
        if key in self._under_way:
            raise conflict()
        held = self._turns.get(key)
        if held is None or self._is_over(held):
            return Turn(key, request_id, path, given, self._now())
        if held.path != path:
            raise other_endpoint(key, held.path, path)
        if held.given != given:
            raise other_parameters(key)
        return held

    def _forget_old(self) -> None:
        """Keys are held in the order of their first answers, so the old ones come first."""
        while self._turns and self._is_over(next(iter(self._turns.values()))):
            del self._turns[next(iter(self._turns))]

    def _is_over(self, turn: Turn) -> bool:
        return self._now() - turn.at > KEPT_SECONDS
