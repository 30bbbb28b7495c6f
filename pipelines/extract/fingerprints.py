"""Tells versions of an object apart: a hash of its payload, without what Stripe writes anew at every read.

Works on JSON bytes without white space between tokens. Knows no table.
"""

from hashlib import blake2b

from pipelines.extract.catalogue import Stream
from pipelines.extract.texts import end_of_text

DELETED = blake2b(b"deleted", digest_size=16).hexdigest()
"""The version of an object that is gone."""


def fingerprint(stream: Stream, payload: bytes) -> str:
    """The same for two payloads of one object that differ in `stream.volatile` fields alone."""
    for name in stream.volatile:
        payload = _without(payload, b'"%s":"' % name.encode())
    return blake2b(payload, digest_size=16).hexdigest()


def _without(payload: bytes, opening: bytes) -> bytes:
    """The payload without each text that begins with `opening`. A regular expression takes ten times as long."""
    begins = payload.find(opening)
    while begins >= 0:
        ends = end_of_text(payload, begins + len(opening))
        payload = payload[:begins] + payload[ends:]
        begins = payload.find(opening, begins)
    return payload
