"""Decides what to read of each stream now, from how far it is read. Pure: positions and the time in, positions out."""

from collections.abc import Mapping, Sequence

import msgspec

from pipelines.extract.catalogue import BY_NAME, CATALOGUE, EVENT_KEPT_SECONDS, Changes, Stream
from pipelines.extract.cursors import NO_CLOCKS, SETTLED_SECONDS, Clocks
from pipelines.extract.windows import Position, of_parents, whole
from pipelines.warehouse.clocks import CLOCKS

OVERLAP_SECONDS = 600
"""Lists may show an object some minutes late; what has no event is read again from this long before the last time."""

LONGEST_GAP_SECONDS = 25 * 86_400
"""Events are kept for thirty days; past this gap they are not relied on."""


def planned(
    positions: Mapping[str, Position],
    held: set[str],
    now: int,
    *,
    full: bool,
    sweep_after: int = 0,
    clocks: Clocks = NO_CLOCKS,
) -> tuple[dict[str, Position], list[str]]:
    """New positions of all streams but those of `relisted`, and remarks on what is out of the ordinary.

    `held` are streams of which rows exist. Where `sweep_after` seconds are given, every list is read again once the
    last time is as long ago. What lives on the `clocks` may have been created as late as they show.
    """
    followed = [stream for stream in CATALOGUE if stream.changes not in (Changes.SINGLE, Changes.RELIST)]
    positions = {stream.name: positions[stream.name] for stream in followed if stream.name in positions}
    lost = _lost_events(positions, held, now) or _due(positions, now, sweep_after)
    sweep = full or lost is not None
    new = {
        stream.name: _position(
            stream, positions.get(stream.name), now, clocks.latest, rows=stream.name in held, sweep=sweep
        )
        for stream in followed
    }
    new |= by_parent(CLOCKS, new, clocks.ids)
    remarks = [lost] if lost else []
    remarks += [
        f"The cursor of {name} was lost: its list is read again from the beginning."
        for name in sorted(new)
        if positions and name in held and name not in positions and name != "events"
    ]
    return new, remarks


def relisted(now: int) -> dict[str, Position]:
    """Positions of the streams that are listed whole every time; what their lists no longer show is looked for."""
    return {
        stream.name: Position(now + 1, whole(len(stream.listings), 0, now + 1), sweeping=True)
        for stream in CATALOGUE
        if stream.changes is Changes.RELIST
    }


def by_parent(of: str, positions: Mapping[str, Position], parents: Sequence[str]) -> dict[str, Position]:
    """New positions of the streams that have lists by parents of that stream: each parent's list is read once."""
    return {
        stream.name: of_parents(positions[stream.name], len(stream.listings), parents)
        for stream in CATALOGUE
        if stream.hidden and stream.hidden.of == of and stream.name in positions
    }


def _lost_events(positions: Mapping[str, Position], held: set[str], now: int) -> str | None:
    others = any(name != "events" for name in positions)
    if "events" not in positions:
        return "The cursor of events is missing: every list is read again to find what changed." if others else None
    gap = now - positions["events"].upto
    if gap <= LONGEST_GAP_SECONDS:
        return None
    return (
        f"Events were last read {gap // 86_400} days ago and Stripe keeps them for 30: every list is read again to "
        "find what changed or was deleted."
    )


def _due(positions: Mapping[str, Position], now: int, sweep_after: int) -> str | None:
    listed = [each for name, each in positions.items() if name != "events" and BY_NAME[name].is_listed]
    done = [each.swept_at for each in listed if not each.remaining]
    swept = [each for each in done if each]
    if not sweep_after or not done:
        return None
    if swept and now - min(swept) < sweep_after:
        return None
    return (
        f"Every list is read again, as it is every {sweep_after // 86_400} days (REVENUE_SWEEP_DAYS), to find what "
        "events missed and what was deleted."
    )


def _position(stream: Stream, position: Position | None, now: int, latest: int, *, rows: bool, sweep: bool) -> Position:
    settled, end = now - SETTLED_SECONDS, max(now, latest) + 1
    if stream.name == "events":
        return _events(position, now, settled, rows=rows)
    listings = len(stream.listings)
    if stream.changes is Changes.UNDER:
        return position or Position(now + 1, tracked_from=settled)
    if position is None:
        return Position(now + 1, whole(listings, 0, end), tracked_from=settled, sweeping=rows, fresh=not rows)
    if sweep:
        return msgspec.structs.replace(
            position,
            upto=now + 1,
            remaining=whole(listings, 0, end),
            sweeping=True,
            fresh=False,
            seen_by="sweep",
            parents=(),
        )
    if stream.changes is Changes.OVERLAP:
        again = whole(listings, position.upto - OVERLAP_SECONDS, max(settled, latest + 1))
        remaining = (*position.remaining, *(window for window in again if window not in position.remaining))
        return msgspec.structs.replace(position, upto=max(position.upto, settled), remaining=remaining, fresh=False)
    return position


def _events(position: Position | None, now: int, settled: int, *, rows: bool) -> Position:
    kept = now - EVENT_KEPT_SECONDS
    if position is None:
        return Position(settled, whole(1, kept, settled), tracked_from=settled, fresh=not rows)
    again = whole(1, max(position.upto - OVERLAP_SECONDS, kept), settled)
    before = tuple(window for window in position.remaining if window.end > kept)
    remaining = (*before, *(window for window in again if window not in before))
    return msgspec.structs.replace(position, upto=max(position.upto, settled), remaining=remaining, fresh=False)
