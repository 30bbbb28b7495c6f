"""Signs outgoing calls as Stripe signs its own, so that a receiver checks both alike. Pure.

`Revenue-Signature: t=<epoch seconds>,v1=<HMAC-SHA256 of "t.body" in hexadecimal>`, one `v1` for each secret, so that a
secret can be rolled without a gap (https://docs.stripe.com/webhooks#verify-manually).
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

HEADER = "Revenue-Signature"


def signed(body: bytes, secrets: Sequence[str], now: int) -> str:
    """The header's value, for a body that is sent at an instant (epoch seconds)."""
    return ",".join([f"t={now}", *(f"v1={_digest(body, secret, now)}" for secret in secrets)])


def _digest(body: bytes, secret: str, now: int) -> str:
    return hmac.new(secret.encode(), f"{now}.".encode() + body, sha256).hexdigest()
