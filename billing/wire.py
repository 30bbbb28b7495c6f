"""Speaks to Stripe through its SDK: questions, which may be asked again at will, and one request that acts, whose
answer is told apart into what happened, what did not, and what nobody knows.

Only codes and ids of an answer leave this file; messages may hold what a customer wrote.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import quote

import stripe

from billing.errors import StripeRefusedError, StripeUnavailableError, UsageError
from billing.stripe_errors import code_of, meaning_of

Body = Mapping[str, Any]
Method = Literal["get", "post", "delete"]

APP = "revenue-billing"
API_VERSION = "2026-10-28.endive"
"""The version that requests are made in and answers are read in, whatever the account's own or the SDK's is."""
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 30.0
ATTEMPTS = 4
PATIENCE_SECONDS = 600.0
"""After so long an act is not sent again, such as by a machine that slept meanwhile: its key may be forgotten."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 5.0


@dataclass(frozen=True)
class Request:
    """One request that acts: where to, and with what. Nothing in it is sensitive, since it is written down first."""

    method: Method
    path: str
    params: Body = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """It happened: the object as Stripe answered it, under this request id; `replayed` where it had happened before."""

    body: Body
    request_id: str
    replayed: bool


@dataclass(frozen=True)
class Refused:
    """It was tried and did not happen, such as a declined card; asking again with the same key answers the same."""

    status: int
    code: str
    request_id: str

    @property
    def concerns_the_key(self) -> bool:
        """Whether it is the key, and not the action, that Stripe refuses."""
        return self.status in (401, 403)


@dataclass(frozen=True)
class Deferred:
    """Nothing happened: Stripe had no time for it. It may be tried later."""

    code: str
    request_id: str


@dataclass(frozen=True)
class Unknown:
    """Nobody knows whether it happened: no answer, half of one, a failure of Stripe's, or a key in use (409).

    `is_final`: the same request can't be asked again, since its key was used for another.
    """

    code: str
    request_id: str
    is_final: bool = False


Reply = Answered | Refused | Deferred | Unknown


def seconds() -> float:
    """Seconds since some moment, those included in which the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


@dataclass(frozen=True)
class Wire:
    """A key at an address. `sleep` waits between attempts, `seconds` tells how much time has passed."""

    key: str = field(repr=False)
    base_url: str
    sleep: Callable[[float], None] = time.sleep
    seconds: Callable[[], float] = seconds
    timeouts: tuple[float, float] = (CONNECT_SECONDS, ANSWER_SECONDS)
    client: stripe.StripeClient = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stripe.enable_telemetry = False
        stripe.set_app_info(APP)
        client = stripe.StripeClient(
            self.key,
            stripe_version=API_VERSION,
            base_addresses={"api": self.base_url.rstrip("/")},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=self.timeouts),
        )
        object.__setattr__(self, "client", client)

    @property
    def is_live(self) -> bool:
        """What the key's prefix says of its mode."""
        return "_live_" in self.key

    def get(self, path: str, **params: Any) -> Body:
        """Ask for an object or a list.

        Raises:
            StripeRefusedError: Stripe answers that it can't be had, such as a 404.
            StripeUnavailableError: no usable answer in several attempts.
        """
        return self.ask(Request("get", path, params))[0]

    def ask(self, request: Request) -> tuple[Body, Mapping[str, str]]:
        """Ask what changes nothing (a GET, or the POST of a preview): the answer and its headers.

        Raises:
            As `get` does.
        """
        for last in self._attempts():
            try:
                return self._sent(request, None)
            except stripe.StripeError as error:
                failed = error
            if meaning_of(failed).reply == "refused":
                status, code = failed.http_status or 0, code_of(failed)
                raise StripeRefusedError(_refusal(request, status, code), status=status, code=code) from None
            if last:
                raise StripeUnavailableError(
                    f"{request.path} gave no usable answer in {ATTEMPTS} attempts: {code_of(failed)}. Try again later."
                ) from None
        raise AssertionError("the last attempt ends the loop")

    def pages(self, path: str, **params: Any) -> Iterator[Body]:
        """Every object of a list, a hundred a page."""
        after: dict[str, str] = {}
        while True:
            page = self.get(path, limit=100, **params, **after)
            if page.get("object") != "list":
                raise StripeUnavailableError(f"{path} answered something that is no list. Try again later.")
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def act(self, request: Request, key: str) -> Reply:
        """Send what acts, under an idempotency key; again under the same key where an attempt stays without an answer.

        Never raises for what Stripe or the network do.
        """
        reply: Reply = Unknown("not_sent", "")
        unsure, began = False, self.seconds()
        for last in self._attempts():
            if unsure and self.seconds() - began > PATIENCE_SECONDS:
                break
            reply = self._tried(request, key)
            unsure |= isinstance(reply, Unknown)
            if isinstance(reply, Answered | Refused) or (isinstance(reply, Unknown) and reply.is_final) or last:
                break
        told_nothing = isinstance(reply, Deferred) or (isinstance(reply, Refused) and reply.concerns_the_key)
        return Unknown(reply.code, reply.request_id) if unsure and told_nothing else reply  # type: ignore[union-attr]

    def _tried(self, request: Request, key: str) -> Reply:
        try:
            body, headers = self._sent(request, key)
        except stripe.StripeError as error:
            return _reply_of(error)
        return Answered(body, headers.get("request-id", ""), headers.get("idempotent-replayed") == "true")

    def _sent(self, request: Request, key: str | None) -> tuple[Body, Mapping[str, str]]:
        options = {"idempotency_key": key} if key else {}
        response = self.client.raw_request(request.method, request.path, **request.params, **options)
        if not isinstance(response.data, Mapping) or "object" not in response.data:
            raise stripe.APIError("The answer is no object", http_status=response.code, headers=response.headers)
        headers = {name.lower(): value for name, value in (response.headers or {}).items()}
        return response.data, headers

    def _attempts(self) -> Iterator[bool]:
        """One turn an attempt, True at the last; waits between them, longer each time, by chance less than that."""
        for attempt in range(ATTEMPTS):
            if attempt:
                longest = min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY)
                self.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - spreads attempts, keeps no secret
            yield attempt == ATTEMPTS - 1


@dataclass(frozen=True)
class Standing:
    """Whom a key belongs to, what time it is there (a sandbox's clock need not be ours), and in which API version it is
    answered."""

    account_id: str
    is_live: bool
    at: datetime
    api_version: str = ""


def standing(wire: Wire) -> Standing:
    """Ask Stripe whose the key is, and what time.

    Raises:
        UsageError: the key is refused.
        StripeUnavailableError: as `Wire.get`.
    """
    try:
        account, headers = wire.ask(Request("get", "/v1/account"))
    except StripeRefusedError as error:
        raise UsageError(
            f"Stripe refuses the key ({error.code}): it must be a key of the account that may read it."
        ) from None
    at = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
    return Standing(str(account["id"]), wire.is_live, at, headers.get("stripe-version", ""))


def path(*steps: str) -> str:
    """A path of the API; what is an id in it can be no more than one step.

    Raises:
        UsageError: a step is empty or would lead elsewhere.
    """
    if any(not step or step in (".", "..") for step in steps):
        raise UsageError(f"{'/'.join(steps)!r} is no path of Stripe's.")
    return "/v1/" + "/".join(quote(step, safe="") for step in steps)


def _refusal(request: Request, status: int, code: str) -> str:
    hint = " Give the key that permission." if status == 403 else ""
    return f"Stripe refuses {request.method.upper()} {request.path}: {code} (HTTP {status}).{hint}"


def _reply_of(error: stripe.StripeError) -> Reply:
    """What an error says of a request that acts; `stripe_errors.yaml` is the table."""
    meaning, code, request_id = meaning_of(error), code_of(error), _request_id(error)
    if meaning.reply == "refused":
        return Refused(error.http_status or 0, code, request_id)
    if meaning.reply == "deferred":
        return Deferred(code, request_id)
    return Unknown(code, request_id, is_final=meaning.is_permanent)


def _request_id(error: stripe.StripeError) -> str:
    return str(error.request_id or "")
