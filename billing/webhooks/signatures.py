"""Tells a delivery that Stripe signed from any other: the `Stripe-Signature` header, by the SDK, and its age.

Pure. The scheme is that of https://docs.stripe.com/webhooks#verify-manually: HMAC-SHA256 over `timestamp.body`.
"""

import re
from collections.abc import Iterable

import stripe

from billing.errors import BillingError

TOLERANCE_SECONDS = 300
"""Stripe's own recommendation: a delivery that is older may be a replay."""

_INSTANT = re.compile(r"[1-9][0-9]{0,11}")


class SignatureError(BillingError):
    """A delivery is not Stripe's, or not of now."""


def signer(
    body: bytes, header: str | None, secrets: Iterable[str], now: int, tolerance: int = TOLERANCE_SECONDS
) -> str:
    """The secret that the body was signed with; any of several, so that one can be rolled without a gap.

    Args:
        body: the request's body, to the byte.
        header: the value of `Stripe-Signature`.
        secrets: of the endpoints, `whsec_…`.
        now: epoch seconds.
        tolerance: how many seconds the signature may be away from now, before or after. The SDK takes any instant of
            the future, with which a delivery that was caught would stay good for as long as its forger likes.

    Raises:
        SignatureError: no signature of these secrets, or not one of now.
    """
    at, signatures = _read(header or "")
    told = ",".join([f"t={at}", *(f"v1={each}" for each in signatures)])
    secret = next((each for each in secrets if _is_signed(body, told, each)), None)
    if secret is None:
        raise SignatureError("The delivery is not signed with a secret of this endpoint.")
    if abs(now - at) > tolerance:
        raise SignatureError(f"The delivery was not signed within {tolerance} seconds of now.")
    return secret


def signed(body: bytes, secret: str, now: int) -> str:
    """The header that Stripe would send with the body."""
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, now))


def _read(header: str) -> tuple[int, list[str]]:
    """When a header says that it was signed, and its signatures; the SDK is then given no other instant than this one.

    Whoever caught a delivery can write its header anew. With an instant that is told twice, or in digits that only
    some take for a number, one reader would hold the age of one against the signature of another.
    """
    parts = [part.partition("=") for part in header.split(",")] if header.isascii() else []
    instants = [value for name, _, value in parts if name == "t"]
    if len(instants) != 1 or not _INSTANT.fullmatch(instants[0]):
        raise SignatureError("The delivery has no signature that can be read.")
    return int(instants[0]), [value for name, _, value in parts if name == "v1"]


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
