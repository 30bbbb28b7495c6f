"""A flood on a real server that is killed in the middle: every event that was answered is kept, and each once."""

import pytest

from benchmarks.webhooks import measure

pytestmark = pytest.mark.waits


def test_a_flood_with_a_kill_in_the_middle_loses_nothing() -> None:
    sent, kept = measure(rate=300, seconds=4, kill=True)
    assert len(sent.answered) == 1_200
    assert kept == sent.answered
    assert sent.again > 0
