"""Progress: counts, rates and time left, in lines where there is no terminal."""

import io

import pytest

from pipelines import progress
from pipelines.progress import Tally, shown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_left_follows_from_the_share_that_is_read() -> None:
    # After 10 s: 600 charges are 25 % of 2,400; 400 customers are all. 2,800 - 1,000 at 100/s: 18 s left.
    clock = Clock()
    tally = Tally(clock)
    tally.note("charges", 600, 6, share=0.25, done=False)
    tally.note("customers", 400, 4, share=1.0, done=True)
    clock.now = 10.0
    assert tally.seconds_left() == pytest.approx(18.0)
    assert tally.told() == "1,000 objects (100/s), 10 requests, 1 of 2 streams done"
    assert tally.left_told() == ", about 18 s left"


def test_nothing_is_guessed_before_enough_is_known() -> None:
    clock = Clock()
    tally = Tally(clock)
    assert tally.told() == ""
    tally.note("charges", 600, 6, share=0.5, done=False)
    clock.now = 1.0
    assert tally.left_told() == ""
    tally.note("invoices", 0, 1, share=0.0, done=False)
    clock.now = 10.0
    assert tally.left_told() == ""


def test_without_a_terminal_steps_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    out = io.StringIO()
    with shown(quiet=False, out=out) as telling, telling.step("Reading Stripe"):
        telling.stream("charges", 100, 1, share=0.5, done=False)
    first, during, last = out.getvalue().splitlines()
    assert first == "Reading Stripe …"
    assert during.startswith("  100 objects (")
    assert last.startswith("Reading Stripe: ")
    assert last.endswith("1 requests, 0 of 1 streams done")
