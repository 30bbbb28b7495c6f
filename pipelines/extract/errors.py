"""What can go wrong with an account, as few types: each message names the thing, Stripe's request id and the next
step.
"""

import re

from pipelines.errors import RevenueError
from pipelines.extract.account import redacted

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
"""What an answer may hold and a terminal or a table must not be given: controls, and what is half a character."""


class ExtractError(RevenueError):
    """Reading the account failed. `request_id` is Stripe's, for their support; keys never show in the message."""

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        words = f"{message} (request {request_id})" if request_id else message
        super().__init__(redacted(_UNPRINTABLE.sub(" ", words)))
        self.request_id = request_id


class KeyRefused(ExtractError):  # noqa: N818
    """Stripe does not know the key, or it has expired (401)."""


class PermissionMissing(ExtractError):  # noqa: N818
    """The restricted key may not read this (403); the message is Stripe's and names the permission."""


class NotFound(ExtractError):  # noqa: N818
    """The object, or the object a page should start after, is not there (any more)."""


class RequestRefused(ExtractError):  # noqa: N818
    """Stripe refused the request for a reason that repeating does not change (400 and the like)."""


class ApiUnavailable(ExtractError):  # noqa: N818
    """No usable answer after all attempts: unreachable, failing, or refusing for too many requests."""


class AccountMismatch(ExtractError):  # noqa: N818
    """The warehouse holds another account, or the other mode (live or test), under this label."""
