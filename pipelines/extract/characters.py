"""Makes a JSON body text that every later reader takes: Polars, DuckDB and Python refuse what is no Unicode.

Bytes that are no UTF-8 and escapes of half a surrogate pair become U+FFFD, as browsers read them; every other token
stays as it was sent. Knows nothing of what a body says.
"""

import re

import msgspec

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape: of a whole surrogate pair, of half of one (the group), or any other."""


def compact(body: bytes) -> tuple[bytes, bool]:
    """The body without white space between tokens, and whether characters of it had to be replaced.

    Raises:
        msgspec.DecodeError: it is no JSON, or nests deeper than can be followed.
    """
    try:
        if not body.isascii():  # which is quick to tell; decoding is not
            body.decode()
        return _formatted(body), False
    except (UnicodeDecodeError, msgspec.DecodeError):
        text = _mended(body)
        if text == body:
            raise
    return _formatted(text), True


def has_replacement(payload: bytes) -> bool:
    """Whether some character of it may have been replaced."""
    return b"\xef\xbf\xbd" in payload or b"\\ufffd" in payload


def _formatted(body: bytes) -> bytes:
    try:
        return msgspec.json.format(body, indent=-1)
    except RecursionError:
        raise msgspec.DecodeError("it nests too deeply") from None


def _mended(body: bytes) -> bytes:
    text = body.decode(errors="replace").encode()
    return _ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], text)
