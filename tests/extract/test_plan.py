"""What is read now follows from how far each stream is read."""

from pipelines.extract.plan import planned
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
