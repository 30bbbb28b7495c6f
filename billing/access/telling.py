"""The two ways to tell a company's own system of a change: a signed call over HTTP, or a function of its own code."""

import asyncio
import importlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import aiohttp

from billing.access.book import Change
from billing.access.policy import Policy
from billing.access.signing import HEADER, signed
from billing.errors import UsageError

log = logging.getLogger(__name__)
AGENT = "revenue-access/1"


class Teller(Protocol):
    """Tells one change: None where it was taken, else a word for why not."""

    async def __call__(self, change: Change) -> str | None: ...


@dataclass(frozen=True)
class Call:
    """A signed POST. Any 2xx takes it; a redirect does not, since it could lead anywhere."""

    session: aiohttp.ClientSession
    url: str
    secrets: Sequence[str] = field(repr=False)
    now: Callable[[], datetime]

    async def __call__(self, change: Change) -> str | None:
        """Tell a change."""
        body = change.body.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            HEADER: signed(body, self.secrets, int(self.now().timestamp())),
        }
        try:
            async with self.session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
                return None if 200 <= answer.status < 300 else f"http_{answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__


@dataclass(frozen=True)
class Function:
    """A function `tell` of the company's own module, handed the change as a mapping; it takes it by returning.

    It bounds its own waiting: a function can't be stopped from outside, and to call it again meanwhile would tell a
    customer's changes out of order.
    """

    tell: Callable[[Mapping[str, Any]], object]

    async def __call__(self, change: Change) -> str | None:
        """Tell a change, on a thread, beside those of other customers."""
        try:
            await asyncio.to_thread(self.tell, json.loads(change.body))
        except Exception as error:  # a company's own code may raise anything
            log.exception("The access plug-in failed on %s", change.change_id)
            return type(error).__name__
        return None


@asynccontextmanager
async def teller(policy: Policy, secrets: Sequence[str], now: Callable[[], datetime]) -> AsyncIterator[Teller]:
    """What tells as the policy says.

    Raises:
        UsageError: nobody is to be told, no secret to sign with, or a plug-in that can't be used.
    """
    if policy.plugin is not None:
        yield Function(function_of(policy.plugin))
        return
    check(policy, secrets)
    limit = aiohttp.ClientTimeout(total=policy.timeout_seconds)
    async with aiohttp.ClientSession(timeout=limit, trust_env=False, auto_decompress=False) as session:
        yield Call(session, str(policy.url), secrets, now)


def check(policy: Policy, secrets: Sequence[str]) -> None:
    """Whether anybody can be told.

    Raises:
        UsageError: nobody can, and why.
    """
    if policy.plugin is not None:
        function_of(policy.plugin)
    elif policy.url is None:
        raise UsageError("The access policy names neither a url nor a plugin, so nobody is told.")
    elif not secrets:
        raise UsageError(
            "REVENUE_ACCESS_SECRETS is empty: a call must be signed. Make one with `openssl rand -hex 32`, and give it "
            "to the receiver."
        )


def function_of(name: str) -> Callable[[Mapping[str, Any]], object]:
    """The function of a plug-in.

    Raises:
        UsageError: the module can't be imported, or has no function `tell`.
    """
    try:
        module = importlib.import_module(name)
    except Exception as error:  # whatever the company's own module raises while it is imported
        raise UsageError(f"The access plug-in {name} can't be imported: {type(error).__name__}: {error}.") from error
    tell = getattr(module, "tell", None)
    if not callable(tell):
        raise UsageError(f"The access plug-in {name} has no function `tell`.")
    return tell  # type: ignore[no-any-return]
