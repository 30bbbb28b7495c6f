"""How the suite is run: what takes long starts first, so that all processes end together, and what shares something
that takes long to make runs in one of them; properties are tried on the same examples each time, however long a busy
machine takes for one."""

import pytest
from hypothesis import settings

settings.register_profile("same_each_time", deadline=None, derandomize=True)
settings.load_profile("same_each_time")

FIRST = ("waits", "long")
"""Marks of what starts before all else, in this order."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)
    for item in items:
        if not any(item.iter_markers("xdist_group")) and not item.get_closest_marker("spread"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, mark in enumerate(FIRST) if item.get_closest_marker(mark)), len(FIRST))
