"""Snapshots of any windows: as counted one by one, whatever the order of rows, and without anything of the future."""

from datetime import datetime, timedelta
from itertools import product
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.risk.features import BY_NAME, FEATURES, LEVELS, level_of
from models.risk.snapshots import at_moments, encoded, moments
from models.risk.windows import INSTANT
from tests.models.rows import TERMS, at

DATES = moments(TERMS)
START = at("2024-06-01")
SCHEMA = {
    "who": pl.Int64(),
    "feature": pl.Int8(),
    "level": pl.Int8(),
    "from_at": INSTANT,
    "until_at": INSTANT,
    "known_at": INSTANT,
}
Window = tuple[int, int, int, datetime, datetime | None]

days = st.integers(0, 760).map(lambda day: START + timedelta(days=day))
features = st.sampled_from(("failed_attempts", "past_failures", "contraction", "outside")).map(BY_NAME.__getitem__)
told = st.tuples(st.integers(0, 2), features, st.integers(1, 2), days, st.none() | days)
histories = st.lists(told, max_size=12)


def codes(windows: list[Window]) -> dict[tuple[int, int], int]:
    """Codes by customer and place of the date."""
    rows = [(who, feature, level, since, until, since) for who, feature, level, since, until in windows]
    frame = pl.LazyFrame(rows, schema=SCHEMA, orient="row")
    return {(who, moment): code for who, moment, code in encoded(at_moments(frame, DATES)).iter_rows()}


@settings(max_examples=40, deadline=None)
@given(histories)
def test_levels_are_the_highest_that_hold_or_how_many_hold(windows: list[Window]) -> None:
    made = codes(windows)
    for who, (moment, instant) in product(range(3), enumerate(DATES.instants)):
        for place, feature in enumerate(FEATURES):
            levels = [
                level
                for one, of, level, since, until in windows
                if (one, of) == (who, place) and since <= instant and (until is None or instant < until)
            ]
            expected = min(LEVELS, sum(levels)) if feature.is_counted else max(levels, default=0)
            assert level_of(made.get((who, moment), 0), place) == expected


@settings(max_examples=25, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(windows: list[Window], chance: Random) -> None:
    shuffled = sorted(windows, key=lambda _: chance.random())
    assert codes(shuffled) == codes(windows)


@settings(max_examples=25, deadline=None)
@given(histories, histories)
def test_what_begins_later_changes_no_date_before(windows: list[Window], later: list[Window]) -> None:
    """Windows moved to after a date are not seen at it or before."""
    after = at("2025-06-01") + timedelta(seconds=1)
    future: list[Window] = [(who, of, level, after, None) for who, of, level, *_ in later]
    before = {key: code for key, code in codes(windows).items() if DATES.instants[key[1]] <= at("2025-06-01")}
    both = {key: code for key, code in codes(windows + future).items() if DATES.instants[key[1]] <= at("2025-06-01")}
    assert both == before
