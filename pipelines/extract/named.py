"""What Stripe shows only where it is named: which of it an object came without, and how what is held stands in for it.

Works on JSON bytes; asks Stripe nothing.
"""

from collections.abc import Iterable, Sequence

import msgspec

from pipelines.extract.catalogue import Stream
from pipelines.extract.nested import joined, outlined


def lacking(stream: Stream, payload: bytes) -> tuple[str, ...]:
    """The expansions that an object must be read again with, none where it is whole or can't be understood."""
    if not stream.has_unshown:
        return ()
    try:
        head = msgspec.json.decode(payload, type=stream.head)
    except msgspec.ValidationError:
        return ()
    return tuple(head.unshown()) if head.id else ()


def shows(payload: bytes, path: str) -> bool:
    """Whether the object has a field at the path, be it null."""
    step, _, below = path.partition(".")
    fields = outlined(msgspec.Raw(payload)) or {}
    return step in fields and (not below or shows(bytes(fields[step]), below))


def filled(payload: bytes, held: bytes, paths: Iterable[str]) -> bytes:
    """The object with what an earlier version of it has at the paths; as it came, where that has nothing there."""
    for path in paths:
        payload = _with(payload, held, path.split("."))
    return payload


def _with(payload: bytes, held: bytes, steps: Sequence[str]) -> bytes:
    now, before = outlined(msgspec.Raw(payload)), outlined(msgspec.Raw(held))
    step, *deeper = steps
    if now is None or before is None or step not in before or (deeper and step not in now):
        return payload
    now[step] = msgspec.Raw(_with(bytes(now[step]), bytes(before[step]), deeper)) if deeper else before[step]
    return joined(now)
