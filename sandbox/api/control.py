"""The sandbox's own levers under `/_sandbox/`: clock, faults, limits, request log, and the world's truth as files.

Stripe has nothing like it; the API itself knows nothing of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.api.faults import Fault
from sandbox.api.limits import Limits
from sandbox.clock import World, iso
from sandbox.forms import shown_form
from sandbox.writes import authentications

if TYPE_CHECKING:
    from sandbox.api.server import Api

RATE_DAYS_BEFORE = 10
log = logging.getLogger(__name__)
Lever = Callable[[dict[str, Any]], web.Response]


class Control:
    """Answers the control endpoints of one server."""

    def __init__(self, api: Api, world: World) -> None:
        self._api = api
        self._world = world
        self._levers: dict[tuple[str, str], Lever] = {
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._advance,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "authentications"): self._authenticate,
            ("POST", "limits"): self._limits,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._clear_requests,
            ("GET", "fx_rates.csv"): self._rates,
            ("GET", "books.json"): self._books,
            ("GET", "deliveries"): self._deliveries,
            ("POST", "deliveries"): self._deliver,
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """One lever pulled; a wrong name or value is a 404 or 400 that says what would be right."""
        lever = self._levers.get((request.method, request.path.removeprefix("/_sandbox/")))
        if lever is None:
            known = ", ".join(f"{method} /_sandbox/{name}" for method, name in self._levers)
            return _json({"error": f"There is no {request.method} {request.path}. There are: {known}."}, 404)
        try:
            body = await request.read()
            return lever(orjson.loads(body) if body else {})
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)
        except Exception as error:
            log.exception("The sandbox failed on %s %s", request.method, request.path)
            return _json({"error": f"The sandbox failed: {error!r}"}, 500)

    def _clock(self, given: dict[str, Any]) -> web.Response:
        now = self._api.clock.now
        return _json({"now": now, "iso": iso(now)})

    def _advance(self, given: dict[str, Any]) -> web.Response:
        self._api.clock.advance(**given)
        self._api.deliver()
        return self._clock({})

    def _deliveries(self, given: dict[str, Any]) -> web.Response:
        return _json(self._api.deliveries())

    def _deliver(self, given: dict[str, Any]) -> web.Response:
        self._api.deliver(all_now=True)
        return self._deliveries({})

    def _authenticate(self, given: dict[str, Any]) -> web.Response:
        stage = self._world.stage
        if stage is None:
            raise ValueError("Nothing can be done in this world.")
        said = authentications.answer(stage, str(given.get("intent")), succeeds=bool(given.get("succeeds", True)))
        stage.show_balance()
        self._api.deliver()
        return _json(shown_form(said))

    def _faults(self, given: dict[str, Any]) -> web.Response:
        return _json(self._api.faults.listed())

    def _add_fault(self, given: dict[str, Any]) -> web.Response:
        self._api.faults.add(Fault(**given))
        return self._faults({})

    def _clear_faults(self, given: dict[str, Any]) -> web.Response:
        self._api.faults.clear()
        return self._faults({})

    def _limits(self, given: dict[str, Any]) -> web.Response:
        if "latency_ms" in given:
            self._api.latency = given.pop("latency_ms") / 1000
        self._api.limit(Limits(**given))
        return _json(given)

    def _requests(self, given: dict[str, Any]) -> web.Response:
        return _json(self._api.requests.summary())

    def _clear_requests(self, given: dict[str, Any]) -> web.Response:
        self._api.requests.clear()
        return self._requests({})

    def _rates(self, given: dict[str, Any]) -> web.Response:
        now = self._api.clock.now
        opened = min(self._world.store.shelf("account").created, default=now)
        first = datetime.fromtimestamp(opened, UTC).date() - timedelta(days=RATE_DAYS_BEFORE)
        last = datetime.fromtimestamp(now, UTC).date()
        return web.Response(text=self._world.rates.as_csv(first, last), content_type="text/csv")

    def _books(self, given: dict[str, Any]) -> web.Response:
        body = orjson.dumps(self._world.books, default=_plain, option=orjson.OPT_NON_STR_KEYS)
        return web.Response(body=body, content_type="application/json")


def _json(said: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(said), content_type="application/json")


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return vars(value) if hasattr(value, "__dict__") else str(value)
