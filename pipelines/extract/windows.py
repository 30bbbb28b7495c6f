"""What of a list is read and what remains, as ranges of `created`: pure values that a cursor holds.

Windows of a stream are disjoint, so they may be read side by side and in any order. A window is paged through by object
id, which is right whatever the order of the list; each commit stores how far. Knows neither the API nor the warehouse.
"""

from collections.abc import Sequence

import msgspec

PAGES_PER_WINDOW = 16


class Window(msgspec.Struct, frozen=True, array_like=True):
    """Objects of one listing created in [start, end), epoch seconds, that the list shows below the object `after`.

    `listing` is the index of the stream's listing (prices are listed twice: active and inactive). With a `parent` it is
    that parent's whole list, whenever its objects were created.
    """

    listing: int
    start: int
    end: int
    after: str | None = None
    parent: str | None = None


class Position(msgspec.Struct, frozen=True):
    """How far a stream is read.

    Everything created before `upto` is read, but for what `remaining` says. `tracked_from` is when the first load
    began: events since then can speak of changes that it did not see. While `sweeping`, the ids that lists show are
    noted, to find what is gone; `swept_at` is when that, or the first load, last ended. While `fresh`, nothing that the
    remaining windows show can be held already. `seen_by` is how rows of the remaining windows are marked. `parents` are
    those whose own list is read, but for what `remaining` says. Instants are epoch seconds.
    """

    upto: int
    remaining: tuple[Window, ...] = ()
    tracked_from: int = 0
    newest: int = 0
    sweeping: bool = False
    fresh: bool = False
    swept_at: int = 0
    seen_by: str = "list"
    parents: tuple[str, ...] = ()


def whole(listings: int, start: int, end: int) -> tuple[Window, ...]:
    """A window for each listing of a stream."""
    return tuple(Window(listing, start, end) for listing in range(listings)) if start < end else ()


def of_parents(position: Position, listings: int, parents: Sequence[str]) -> Position:
    """The position with the list of each parent that was not read yet, and nothing of any other parent."""
    known, begun = set(parents), set(position.parents)
    kept = tuple(window for window in position.remaining if window.parent is None or window.parent in known)
    unread = tuple(
        Window(listing, 0, position.upto, parent=parent)
        for parent in parents
        if parent not in begun
        for listing in range(listings)
    )
    return msgspec.structs.replace(position, remaining=kept + unread, parents=tuple(parents))


def below(window: Window, last_id: str) -> Window:
    """What is left of a window once a page that ends at `last_id` is read."""
    return msgspec.structs.replace(window, after=last_id)


def restarted(window: Window) -> Window:
    """The window without its cursor object, which has vanished. What is read twice is stored once."""
    return msgspec.structs.replace(window, after=None)


def split(window: Window, oldest: int, seconds_a_page: float, founded: int = 0) -> tuple[Window, ...]:
    """Cut what is left of a window in two, when it looks long, for another reader to take the older part.

    It is read down to `oldest`, and a page covers about `seconds_a_page` of it; before `founded` there is nothing. The
    newer part is cut to hold some `PAGES_PER_WINDOW` more: parts follow the objects, not the calendar, and cost a
    partial page each.
    """
    span = max(1, int(seconds_a_page * PAGES_PER_WINDOW))
    middle = oldest - span
    if middle - max(window.start, founded) < span:
        return (window,)
    return (msgspec.structs.replace(window, start=middle), Window(window.listing, window.start, middle))


def replaced(position: Position, old: Window, new: Sequence[Window]) -> Position:
    """The position once `old` has become `new` (nothing, when it is read). A window that begins anew shows again what
    is held."""
    remaining = tuple(window for window in position.remaining if window != old) + tuple(new)
    begins_anew = old.after is not None and any(window == restarted(old) for window in new)
    fresh = position.fresh and bool(remaining) and not begins_anew
    return msgspec.structs.replace(position, remaining=remaining, fresh=fresh)
