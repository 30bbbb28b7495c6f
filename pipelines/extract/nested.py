"""Makes cut lists whole: what Stripe shows the first ten of is listed to its end and put back, byte for byte.

Knows how objects nest; gets its pages from a function and knows no wire.
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from pipelines.extract.catalogue import Nested, Stream

Pages = Callable[[Nested, str, Sequence[tuple[str, str]]], Awaitable[Sequence[bytes]]]
"""Lists a nested list's path with parameters to its end."""

_OUTLINE = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def whole(stream: Stream, id: str, payload: bytes, list_all: Pages) -> bytes:  # noqa: A002
    """The object with its nested lists complete; as it came, when nothing was cut."""
    outline = None
    for nested in stream.nested:
        outline = outline or _OUTLINE.decode(payload)
        inner = outlined(outline.get(nested.field))
        if inner is None or bytes(inner.get("has_more", b"false")) != b"true":
            continue
        path, parameters = nested.address(id)
        entries = await list_all(nested, path, [*parameters.items(), *_expansions(stream, nested)])
        inner["data"] = msgspec.Raw(b"[" + b",".join(entries) + b"]")
        inner["has_more"] = msgspec.Raw(b"false")
        outline[nested.field] = msgspec.Raw(joined(inner))
        payload = joined(outline)
    return payload


def cut(stream: Stream, payload: bytes) -> bool:
    """Whether any nested list may be cut (never false when one is)."""
    return bool(stream.nested) and b'"has_more":true' in payload


def _expansions(stream: Stream, nested: Nested) -> list[tuple[str, str]]:
    inside = f"{nested.field}."
    return [("expand[]", path.removeprefix(inside)) for path in stream.expand if path.startswith(inside)]


def outlined(raw: msgspec.Raw | None) -> dict[str, msgspec.Raw] | None:
    """An object's fields as bytes; None for what is no object."""
    if raw is None or not bytes(raw).startswith(b"{"):
        return None
    return _OUTLINE.decode(raw)


def joined(outline: dict[str, msgspec.Raw]) -> bytes:
    """The object of such fields."""
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + bytes(raw) for key, raw in outline.items()) + b"}"
