"""How the suite is run: what takes long starts first, so that all processes end together, and what shares something
that takes long to make runs in one of them; properties are tried on the same examples each time, however long a busy
machine takes for one."""

import gc
from collections.abc import Sequence

import pytest
from hypothesis import settings
from xdist.workermanage import WorkerController

settings.register_profile("same_each_time", deadline=None, derandomize=True)
settings.load_profile("same_each_time")

FIRST = ("waits", "long")
"""Marks of what starts before all else, in this order."""


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)
    for number, item in enumerate(items):
        if not any(item.iter_markers("xdist_group")):
            group = str(number) if item.get_closest_marker("spread") else item.nodeid.split("::")[0]
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end, and need not be looked through each time that garbage is."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: Sequence[str]) -> None:
    """A process that is handed single tests of a file would find its world changed by tests that ran elsewhere.

    Raises ``pytest.UsageError`` where groups are not kept: pytest-xdist writes them into the names of tests, which
    pytest 9.2 does not let it do, and says nothing.
    """
    if node.config.getvalue("dist") == "loadgroup" and not all("@" in name for name in ids):
        raise pytest.UsageError("tests of one file would run in several processes: pytest-xdist does not group them")


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, mark in enumerate(FIRST) if item.get_closest_marker(mark)), len(FIRST))
