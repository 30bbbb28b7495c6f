"""The wire: one GET at a time with the SDK's pinned version, paced, repeated while that can help, and counted.

Knows Stripe's statuses, headers and error bodies; knows nothing of streams, windows or storage.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Literal, Self, TypeVar

import aiohttp
import msgspec
import stripe

from pipelines.extract import characters
from pipelines.extract.account import Account
from pipelines.extract.addresses import step
from pipelines.extract.errors import (
    ApiUnavailable,
    ExtractError,
    KeyRefused,
    NotFound,
    PermissionMissing,
    RequestRefused,
)
from pipelines.extract.limiter import Limiter

PINNED_VERSION: str = stripe.api_version
"""The API version that the installed SDK is made for."""

Parameters = Sequence[tuple[str, str]]
_GONE = ("does not have a line item", "aged out of our retention policy")
"""Words with which Stripe refuses a cursor that is gone, an invoice's line or an old event, in place of the usual code
(singer-io/tap-stripe#137, estuary/connectors source_stripe_native/api.py)."""
_INTERRUPTIONS = (aiohttp.ClientError, TimeoutError, ConnectionError, msgspec.DecodeError)
_LONGEST_COMPLAINT = 1_000
_READ_AHEAD = 1_000_000
"""Bytes of an answer that arrive before reading pauses: most pages whole."""


class _Listing(msgspec.Struct):
    object: Literal["list"]
    data: list[msgspec.Raw]
    has_more: bool


class _Object(msgspec.Struct):
    object: str


class Complaint(msgspec.Struct):
    """Stripe's error object."""

    message: str = ""
    code: str | None = None
    param: str | None = None


class _ErrorBody(msgspec.Struct):
    error: Complaint


_LISTING = msgspec.json.Decoder(_Listing)
Shape = TypeVar("Shape", _Listing, _Object)


@dataclass(frozen=True)
class Answer:
    """A good answer: the body without white space between tokens, every token as sent, and the server's clock.

    `mended` says that some of it was no Unicode and was replaced.
    """

    body: bytes
    at: datetime
    mended: bool = False


@dataclass
class Trouble:
    """Requests of one stream that had to be repeated: how many, and why the last one."""

    times: int = 0
    cause: str = ""


@dataclass(frozen=True)
class Page:
    """One page of a list. `mended` is as an answer's."""

    objects: Sequence[bytes]
    has_more: bool
    at: datetime
    mended: bool = False


class Client:
    """Reads one account. Use as an async context manager.

    `requests` counts what was sent by stream; `repeats` and `refusals` what of it was a repetition or a 429, and
    `troubles` says by stream why. `now` is the server's clock as the last answer told it.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._limits = account.limits
        self._base = account.base_url.rstrip("/")
        self.requests: Counter[str] = Counter()
        self.repeats = 0
        self.refusals = 0
        self.troubles: defaultdict[str, Trouble] = defaultdict(Trouble)
        self.now = datetime.now(UTC)

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._limiter = Limiter(limits.account_rate, limits.endpoint_rate, limits.concurrency)
        headers = {"Authorization": f"Bearer {self._account.key}", "Stripe-Version": PINNED_VERSION}
        if self._account.connected:
            headers["Stripe-Account"] = self._account.connected
        self._session = aiohttp.ClientSession(
            headers={**headers, "User-Agent": "revenue (stripe-analytics pipeline)"},
            connector=aiohttp.TCPConnector(limit=limits.concurrency, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_AHEAD,
            timeout=aiohttp.ClientTimeout(
                total=3 * limits.read_timeout, sock_connect=limits.connect_timeout, sock_read=limits.read_timeout
            ),
        )
        self._session._retry_connection = False  # or aiohttp repeats requests that nobody counts
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def page(self, stream: str, path: str, parameters: Parameters, endpoint: str | None = None) -> Page:
        """One page of the list at `path`, asked for on behalf of a stream.

        `endpoint` is what Stripe's limits count the path as, where it holds an id.

        Raises:
            NotFound: the list's parent or the cursor object is gone.
            ExtractError: the other types of `errors.py`, as their names say.
        """
        answer, listing = await self._answered(stream, path, endpoint or path, parameters, _LISTING)
        return Page([bytes(raw) for raw in listing.data], listing.has_more, answer.at, answer.mended)

    async def object(self, stream: str, path: str, id: str, expand: Parameters = (), *, kind: str) -> Answer:  # noqa: A002
        """One object by id; an empty id reads what an account has one of. Raises as `page` does.

        An answer of another `kind`, Stripe's `object`, is none: a page that says sorry is no balance.
        """
        where, endpoint = (f"{path}/{step(id)}", f"{path}/:id") if id else (path, path)
        answer, _ = await self._answered(stream, where, endpoint, expand, _object_of(kind))
        return answer

    async def _answered(
        self, stream: str, path: str, endpoint: str, parameters: Parameters, decoder: "msgspec.json.Decoder[Shape]"
    ) -> tuple[Answer, Shape]:
        failed = refused = 0
        while True:
            try:
                await self._limiter.enter(endpoint)
                self.requests[stream] += 1
                try:
                    answer = await self._sent(path, parameters)
                finally:
                    self._limiter.leave()
                self._limiter.answered(endpoint)
                return answer, decoder.decode(answer.body)
            except _Refused as refusal:
                refused, cause = refused + 1, str(refusal)
                self.refusals += 1
                self._limiter.slow(endpoint, refusal.reason)
            except _INTERRUPTIONS as interruption:
                failed, cause = failed + 1, f"{type(interruption).__name__}: {interruption}".rstrip(": ")
            if failed >= self._limits.attempts or refused > self._limits.refusals:
                raise ApiUnavailable(
                    f"{self._base}{path} gave no usable answer in {failed + refused} attempts; the last: {cause}. "
                    "Check the network and https://status.stripe.com, then run again: what was read is kept."
                )
            self.repeats += 1
            self.troubles[stream].times += 1
            self.troubles[stream].cause = cause
            await asyncio.sleep(self._delay(failed + refused))

    async def _sent(self, path: str, parameters: Parameters) -> Answer:
        url = self._base + path
        async with self._session.get(url, params=list(parameters), allow_redirects=False) as response:
            body = await response.read()
            status, headers = response.status, response.headers
        if status == 200:
            self.now = _clock(headers)
            text, mended = characters.compact(body)
            return Answer(text, self.now, mended)
        complaint = _complaint(body)
        request_id = headers.get("Request-Id")
        if status == 429 or complaint.code == "rate_limit":
            raise _Refused(headers.get("Stripe-Rate-Limited-Reason", ""), complaint.message)
        if status >= 500 or status == 409:
            raise _Interrupted(f"HTTP {status} {complaint.message} (request {request_id})")
        raise _refusal(status, complaint, path, request_id)

    def _delay(self, attempt: int) -> float:
        longest = min(self._limits.first_delay * 2.0 ** (attempt - 1), self._limits.longest_delay)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


class _Refused(Exception):  # noqa: N818
    """A 429."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"HTTP 429 {reason or 'lock timeout'} {message}".rstrip())
        self.reason = reason


class _Interrupted(ConnectionError):  # noqa: N818
    """An answer that a repetition may mend."""


def _refusal(status: int, complaint: Complaint, path: str, request_id: str | None) -> ExtractError:
    if status == 401:
        return KeyRefused(
            f"Stripe refused the API key: {complaint.message or 'unauthorized'}. "
            "Set STRIPE_API_KEY to a valid restricted or secret key of the account.",
            request_id=request_id,
        )
    if status == 403:
        return PermissionMissing(complaint.message or f"The key may not read {path}.", request_id=request_id)
    if complaint.code == "resource_missing" or any(words in complaint.message for words in _GONE):
        return NotFound(complaint.message or f"{path} is not there.", request_id=request_id)
    return RequestRefused(f"{path}: HTTP {status}: {complaint.message}", request_id=request_id)


@cache
def _object_of(kind: str) -> "msgspec.json.Decoder[_Object]":
    """Decodes an object of a kind and no other."""
    shape = msgspec.defstruct("_Of", [("object", Literal[kind])], bases=(_Object,))
    return msgspec.json.Decoder(shape)


def _complaint(body: bytes) -> Complaint:
    try:
        complaint = msgspec.json.decode(characters.compact(body)[0], type=_ErrorBody).error
    except msgspec.DecodeError:
        return Complaint()
    return msgspec.structs.replace(complaint, message=complaint.message[:_LONGEST_COMPLAINT])


def _clock(headers: Mapping[str, str]) -> datetime:
    """The server's clock; our own where its answer tells none that can be read."""
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return datetime.now(UTC)
