"""What changed is read again the cheapest way: by list where it lies close together, else one by one."""

from bisect import bisect_left
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract import catchup
from pipelines.extract.catchup import CatchUp

T = 1_800_000_000


def made(*instants: int) -> dict[str, int]:
    return {f"x_{number}": at for number, at in enumerate(instants)}


def cheapest(made_at: dict[str, int], held: Sequence[int] = (), listings: int = 1) -> CatchUp:
    return catchup.cheapest(made_at, {id_: bisect_left(held, at) for id_, at in made_at.items()}, listings)


def test_nothing_costs_nothing() -> None:
    assert cheapest({}) == CatchUp()


def test_one_is_read_alone_and_two_neighbours_by_one_page() -> None:
    assert cheapest(made(T)) == CatchUp((), ("x_0",))
    assert cheapest(made(T, T + 5)) == CatchUp(((T, T + 6),), ())


def test_two_with_four_hundred_others_between_them_are_read_alone() -> None:
    """By list: 1 + 402 / 100 = 5 pages; alone: 2 requests."""
    others = [T + 1 + number for number in range(400)]
    assert cheapest(made(T, T + 500), others) == CatchUp((), ("x_0", "x_1"))


def test_every_tenth_of_a_thousand_is_read_by_eleven_pages_rather_than_a_hundred_requests() -> None:
    others = [T + number for number in range(1_000)]
    found = cheapest(made(*range(T, T + 1_000, 10)), others)
    assert found == CatchUp(((T, T + 991),), ())


def test_a_crowd_is_listed_and_the_strays_around_it_are_not() -> None:
    others = sorted([*range(T, T + 100_000, 10)])
    crowd = range(T + 50_000, T + 50_040)
    found = cheapest(made(T, *crowd, T + 99_999), others)
    assert found.ranges == ((T + 50_000, T + 50_040),)
    assert found.ids == ("x_0", "x_41")


def test_where_two_lists_must_be_read_a_pair_is_read_alone() -> None:
    """Two lists of one page each cost as much as two requests."""
    assert cheapest(made(T, T + 5), listings=2).ids == ("x_0", "x_1")
    assert cheapest(made(T, T + 5, T + 6), listings=2).ranges == ((T, T + 7),)


@given(
    st.lists(st.integers(0, 5_000), max_size=60),
    st.lists(st.integers(0, 5_000), max_size=200).map(sorted),
    st.integers(1, 2),
)
def test_each_is_read_one_way_and_never_dearer_than_one_by_one(
    instants: list[int], others: list[int], listings: int
) -> None:
    asked = made(*instants)
    found = cheapest(asked, others, listings)
    listed = {id_ for id_, at in asked.items() if any(start <= at < end for start, end in found.ranges)}
    assert listed | set(found.ids) == set(asked)
    assert all(end <= start for (_, end), (start, _) in zip(found.ranges, found.ranges[1:], strict=False))
    pages = sum(
        listings * -(-max(sum(start <= at < end for at in [*others, *instants]), 1) // 100)
        for start, end in found.ranges
    )
    assert pages + len(found.ids) <= len(asked) or not asked
