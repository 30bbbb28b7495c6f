"""What is read now follows from how far each stream is read."""

from pipelines.extract.cursors import Clocks
from pipelines.extract.plan import by_parent, planned, relisted
from pipelines.extract.windows import Position, Window

NOW = 1_800_000_000
DAY = 86_400


def test_the_first_time_everything_is_read_and_events_as_far_as_they_are_kept() -> None:
    positions, remarks = planned({}, set(), NOW, full=False)
    assert positions["prices"].remaining == (Window(0, 0, NOW + 1), Window(1, 0, NOW + 1))
    assert positions["events"].remaining == (Window(0, NOW - 30 * DAY, NOW - 60),)
    assert not any(position.sweeping for position in positions.values())
    assert remarks == []


def in_step(now: int) -> dict[str, Position]:
    positions, _ = planned({}, set(), now, full=False)
    return {name: Position(position.upto, (), position.tracked_from) for name, position in positions.items()}


def test_afterwards_only_events_and_what_has_none_are_read_with_an_overlap() -> None:
    positions, remarks = planned(in_step(NOW), {"charges"}, NOW + 3_600, full=False)
    reading = {name: position.remaining for name, position in positions.items() if position.remaining}
    assert set(reading) == {"events", "balance_transactions", "invoice_payments"}
    assert reading["events"] == (Window(0, NOW - 60 - 600, NOW + 3_600 - 60),)
    assert remarks == []


def test_an_interrupted_load_goes_on_where_it_was() -> None:
    before = in_step(NOW)
    left = (Window(0, 0, 500, "ch_7"),)
    before["charges"] = Position(NOW + 1, left, NOW - 60)
    positions, _ = planned(before, {"charges"}, NOW + 60, full=False)
    assert positions["charges"].remaining == left


def test_a_first_load_that_was_interrupted_is_no_reason_to_read_what_it_read_again() -> None:
    """Nothing is listed to its end yet; what is listed under parents only has nothing to be read."""
    begun, _ = planned({}, set(), NOW, full=False)
    positions, remarks = planned(begun, {"charges"}, NOW + 60, full=False, sweep_after=7 * DAY)
    assert not any(position.sweeping for position in positions.values())
    assert remarks == []


def test_a_gap_of_over_25_days_reads_every_list_again_and_says_so() -> None:
    positions, remarks = planned(in_step(NOW), {"charges"}, NOW + 26 * DAY, full=False)
    assert positions["charges"].sweeping
    assert positions["charges"].remaining == (Window(0, 0, NOW + 26 * DAY + 1),)
    assert "26 days ago" in remarks[0]
    assert not planned(in_step(NOW), {"charges"}, NOW + 24 * DAY, full=False)[0]["charges"].sweeping


def test_a_lost_cursor_reads_its_list_again_and_a_lost_events_cursor_all_lists() -> None:
    lost = in_step(NOW)
    del lost["charges"]
    positions, remarks = planned(lost, {"charges"}, NOW, full=False)
    assert positions["charges"].sweeping
    assert not positions["invoices"].sweeping
    assert "charges" in remarks[0]
    lost = in_step(NOW)
    del lost["events"]
    positions, remarks = planned(lost, {"charges"}, NOW, full=False)
    assert positions["invoices"].sweeping
    assert "events" in remarks[0]


def with_clocks(before: dict[str, Position], clocks: Clocks, *, full: bool = False) -> dict[str, Position]:
    positions, _ = planned(before, set(), NOW + 60, full=full, clocks=clocks)
    return positions


def test_the_list_of_each_test_clock_is_read_once_and_again_in_a_sweep() -> None:
    both = Clocks(("clock_1", "clock_2"), NOW - DAY)
    first = with_clocks(in_step(NOW), both)
    assert first["customers"].remaining == (
        Window(0, 0, NOW + 1, parent="clock_1"),
        Window(0, 0, NOW + 1, parent="clock_2"),
    )
    read = first | {"customers": Position(NOW + 1, parents=first["customers"].parents)}
    assert with_clocks(read, both)["customers"].remaining == ()
    swept = with_clocks(read, both, full=True)["customers"].remaining
    assert [window.parent for window in swept] == [None, "clock_1", "clock_2"]


def test_the_list_of_a_clock_that_is_gone_is_not_read_on_nor_any_once_they_are_not_read_at_all() -> None:
    begun = with_clocks(in_step(NOW), Clocks(("clock_1", "clock_2")))
    left = with_clocks(begun, Clocks(("clock_2",)))["subscriptions"]
    assert ([window.parent for window in left.remaining], left.parents) == (["clock_2"], ("clock_2",))
    off = with_clocks(begun, Clocks())["subscriptions"]
    assert (off.remaining, off.parents) == ((), ())


def test_lists_are_read_as_far_into_the_future_as_a_clock_shows() -> None:
    ahead = Clocks(("clock_1",), NOW + 40 * DAY)
    assert planned({}, set(), NOW, full=False, clocks=ahead)[0]["invoices"].remaining == (
        Window(0, 0, NOW + 40 * DAY + 1),
    )
    overlap = with_clocks(in_step(NOW), ahead)["invoice_payments"]
    assert overlap.remaining == (Window(0, NOW + 1 - 600, NOW + 40 * DAY + 1),)
    assert overlap.upto == NOW + 1


def test_schedules_of_customers_on_clocks_are_listed_by_customer() -> None:
    found = by_parent("customers", in_step(NOW), ["cus_1"])
    assert {name: position.remaining for name, position in found.items()} == {
        "subscription_schedules": (Window(0, 0, NOW + 1, parent="cus_1"),)
    }


def test_clocks_are_listed_whole_every_time_and_their_position_makes_no_sweep_due() -> None:
    assert relisted(NOW) == {"test_clocks": Position(NOW + 1, (Window(0, 0, NOW + 1),), sweeping=True)}
    before = {name: Position(each.upto, swept_at=NOW) for name, each in in_step(NOW).items()}
    before["test_clocks"] = Position(NOW - 30 * DAY, swept_at=NOW - 30 * DAY)
    positions, remarks = planned(before, set(), NOW + 60, full=False, sweep_after=7 * DAY)
    assert "test_clocks" not in positions
    assert remarks == []
