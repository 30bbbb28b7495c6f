"""Windows: whatever the history looks like, the parts of a list together are the list."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.windows import Position, Window, below, replaced, restarted, split, whole


def test_each_listing_gets_a_window_and_an_empty_range_none() -> None:
    assert whole(2, 10, 20) == (Window(0, 10, 20), Window(1, 10, 20))
    assert whole(2, 20, 20) == ()


def test_a_short_window_is_not_split() -> None:
    window = Window(0, 0, 1_000, "ch_1")
    assert split(window, pages=5, newest=1_000, oldest=900) == (window,)


def test_a_long_window_gives_its_older_part_away_and_keeps_its_place_in_the_newer_one() -> None:
    newer, older = split(Window(0, 0, 100_000, "ch_1"), pages=10, newest=100_000, oldest=99_001)
    assert newer.end == 100_000
    assert newer.after == "ch_1"
    assert older == Window(0, 0, newer.start)
    assert 99_001 - newer.start == 1_600  # sixteen pages at the density of the ten that were read


@given(
    start=st.integers(0, 10**9),
    length=st.integers(1, 10**9),
    pages=st.integers(1, 10_000),
    data=st.data(),
)
def test_the_parts_of_a_split_cover_the_window_without_overlap(
    start: int, length: int, pages: int, data: st.DataObject
) -> None:
    end = start + length
    newest = data.draw(st.integers(start, end - 1))
    oldest = data.draw(st.integers(start, newest))
    parts = split(Window(0, start, end, "x"), pages, newest, oldest)
    assert parts[0].end == end
    assert parts[-1].start == start
    assert all(newer.start == older.end for newer, older in pairwise(parts))
    assert parts[0].start <= oldest, "what was read stays with its cursor"


def test_a_position_replaces_a_window_by_what_is_left_and_survives_the_round_trip() -> None:
    first, second = Window(0, 0, 10), Window(1, 0, 10)
    position = Position(10, (first, second), tracked_from=5, sweeping=True, seen_by="sweep")
    moved = replaced(position, first, [below(first, "ch_9")])
    assert set(moved.remaining) == {second, Window(0, 0, 10, "ch_9")}
    assert msgspec.json.decode(msgspec.json.encode(moved), type=Position) == moved
    assert replaced(moved, below(first, "ch_9"), ()).remaining == (second,)
    assert restarted(below(first, "ch_9")) == first
