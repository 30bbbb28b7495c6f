"""Windows: whatever the history looks like, the parts of a list together are the list."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.windows import Position, Window, below, replaced, restarted, split, whole


def test_each_listing_gets_a_window_and_an_empty_range_none() -> None:
    assert whole(2, 10, 20) == (Window(0, 10, 20), Window(1, 10, 20))
    assert whole(2, 20, 20) == ()


def test_a_position_that_was_stored_before_windows_had_parents_is_read() -> None:
    stored = b'{"upto":9,"remaining":[[0,1,2,"ch_1"]]}'
    assert msgspec.json.decode(stored, type=Position) == Position(9, (Window(0, 1, 2, "ch_1"),))


def test_a_short_window_is_not_split() -> None:
    """A page covers 100 s, so sixteen more reach to 800 - 1,600, before the list begins."""
    window = Window(0, 0, 1_000, "ch_1")
    assert split(window, oldest=800, seconds_a_page=100.0) == (window,)


def test_nothing_is_given_away_that_holds_nothing() -> None:
    """Sixteen pages of 100 s from 99,000 reach to 97,400, and the account is 2,000 s older than that."""
    window = Window(0, 0, 100_000, "ch_1")
    assert len(split(window, oldest=99_000, seconds_a_page=100.0, founded=95_400)) == 2
    assert split(window, oldest=99_000, seconds_a_page=100.0, founded=96_000) == (window,)


def test_a_long_window_gives_its_older_part_away_and_keeps_its_place_in_the_newer_one() -> None:
    newer, older = split(Window(0, 0, 100_000, "ch_1"), oldest=99_001, seconds_a_page=100.0)
    assert newer.end == 100_000
    assert newer.after == "ch_1"
    assert older == Window(0, 0, newer.start)
    assert 99_001 - newer.start == 1_600  # sixteen pages more


@given(
    start=st.integers(0, 10**9),
    length=st.integers(1, 10**9),
    seconds_a_page=st.floats(0.01, 10**8),
    data=st.data(),
)
def test_the_parts_of_a_split_cover_the_window_without_overlap(
    start: int, length: int, seconds_a_page: float, data: st.DataObject
) -> None:
    end = start + length
    oldest = data.draw(st.integers(start, end - 1))
    parts = split(Window(0, start, end, "x"), oldest, seconds_a_page)
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
