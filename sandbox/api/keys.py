"""API keys and what they may do. Knows nothing of endpoints but the name of the permission each asks for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.api.errors import ApiError

DEFAULT_KEY = "rk_test_sandbox"
DEFAULT_WRITE_KEY = "rk_test_sandbox_actions"


@dataclass(frozen=True)
class Key:
    """One accepted key. It may read all but what it `lacks`; a secret key, or one that `writes`, may write as well."""

    value: str
    lacks: frozenset[str] = frozenset()
    expired: bool = False
    writes: bool = False

    @property
    def may_write(self) -> bool:
        """Whether it may write at all."""
        return self.writes or self.value.startswith("sk_")

    def check(self, permission: str | None, account: str) -> None:
        """Errors: 403 naming the missing permission."""
        if permission in self.lacks or (permission and permission.endswith("_write") and not self.may_write):
            message = (
                f"The provided key '{masked(self.value)}' does not have the required permissions for this endpoint on "
                f"account '{account}'. Having the 'rak_{permission}' permission would allow this request to continue."
            )
            raise ApiError(403, message, "more_permissions_required")


class Keyring:
    """The keys the account accepts."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.value: key for key in keys}

    def holder(self, headers: Mapping[str, str]) -> Key:
        """The key a request carries, by Bearer or Basic. Errors: 401 for none, an unknown or an expired one."""
        said = _said(headers.get("Authorization", ""))
        if not said:
            raise _unauthorized(_NO_KEY)
        key = self._keys.get(said)
        if said.startswith("pk_"):
            message = "This API call cannot be made with a publishable API key. Please use a secret API key."
            raise _unauthorized(message, "secret_key_required")
        if key is None:
            raise _unauthorized(f"Invalid API Key provided: {masked(said)}")
        if key.expired:
            raise _unauthorized(f"Expired API Key provided: {masked(said)}", "api_key_expired")
        return key


def masked(key: str) -> str:
    """The key as messages show it: its kind and its last four characters."""
    kind = "_".join(key.split("_")[:2]) + "_" if key.count("_") >= 2 else ""
    rest = key[len(kind) :]
    return kind + "*" * max(len(rest) - 4, 0) + rest[-4:]


def _said(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _unauthorized(message: str, code: str | None = None) -> ApiError:
    return ApiError(401, message, code, headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})


_NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we "
    "can help at https://support.stripe.com/."
)
