"""The API's refusals, shaped as Stripe shapes them. Knows no route and no object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ApiError(Exception):
    """One refusal: HTTP status and the fields of Stripe's `error` object."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    type: str = "invalid_request_error"
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def body(self, request_id: str, account: str) -> dict[str, Any]:
        """The response body."""
        error = {
            "code": self.code,
            "doc_url": self.code and f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            "message": self.message,
            "param": self.param,
            "request_log_url": f"https://dashboard.stripe.com/{account}/test/workbench/logs?object={request_id}",
            "type": self.type,
            **self.more,
        }
        return {"error": {name: value for name, value in error.items() if value is not None}}


def unknown_parameter(name: str) -> ApiError:
    return ApiError(400, f"Received unknown parameter: {name}", "parameter_unknown", name)


def missing_parameter(name: str) -> ApiError:
    return ApiError(400, f"Missing required param: {name}.", "parameter_missing", name)


def invalid(message: str, param: str, code: str | None = None) -> ApiError:
    return ApiError(400, message, code, param)


def no_such(kind: str, id: str, param: str, status: int = 404) -> ApiError:  # noqa: A002 - Stripe's word
    """404 for a read of the object itself, 400 where a parameter names it."""
    return ApiError(status, f"No such {kind.replace('_', ' ')}: '{id}'", "resource_missing", param)


def no_line(invoice: str, id: str) -> ApiError:  # noqa: A002
    """400 where a cursor names a line that the invoice has no more: in other words than elsewhere, without a code."""
    return ApiError(400, f"Invoice {invoice} does not have a line item {id}")


def unrecognized_url(method: str, path: str) -> ApiError:
    where = "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
    return ApiError(404, f"Unrecognized request URL ({method}: {path}). {where}")


def no_such_write(method: str, path: str) -> ApiError:
    """A write that the sandbox does not act on, or any in an account that does not live."""
    says = "This sandbox has no such write; nothing was changed."
    return ApiError(404, f"Unrecognized request URL ({method}: {path}). {says}")


def refused(message: str, code: str | None = None, param: str | None = None) -> ApiError:
    """400: the object is not in a state in which this can be done to it."""
    return ApiError(400, message, code, param)


def card_declined(message: str, code: str, more: dict[str, Any]) -> ApiError:
    """402: the bank, or Stripe in its place, says no; `more` are the decline code, the advice and what was tried."""
    return ApiError(402, message, code, type="card_error", more=more)


def rate_limited(reason: str) -> ApiError:
    """429 as Stripe sends it: the reason in a header, no Retry-After."""
    message = (
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
    )
    return ApiError(429, message, "rate_limit", headers={"Stripe-Rate-Limited-Reason": reason})


def lock_timeout() -> ApiError:
    """The 429 that is no rate limit: no reason header, and safe to retry."""
    message = (
        "This object cannot be accessed right now because another API request or Stripe process is currently accessing "
        "it. If you see this error intermittently, retry the request."
    )
    return ApiError(429, message, "lock_timeout", headers={"Stripe-Should-Retry": "true"})


def conflict() -> ApiError:
    message = "There is currently another in-progress request using this idempotent key. Please try again later."
    return ApiError(409, message, "idempotency_key_in_use", type="idempotency_error")


def other_parameters(key: str) -> ApiError:
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using "
        f"a key other than '{key}' if you meant to execute a different request."
    )
    return ApiError(400, message, type="idempotency_error")


def other_endpoint(key: str, first: str, now: str) -> ApiError:
    message = (
        "Keys for idempotent requests can only be used for the same endpoint they were first used for "
        f"('{now}' vs '{first}'). Try using a key other than '{key}' if you meant to execute a different request."
    )
    return ApiError(400, message, type="idempotency_error")


def broken(status: int) -> ApiError:
    return ApiError(status, "An unknown error occurred.", type="api_error")
