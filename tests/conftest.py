"""How the suite is run: what mostly waits for other processes starts first, so that two workers end together; and
properties are tried on the same examples each time, however long a busy machine takes for one."""

import pytest
from hypothesis import settings

settings.register_profile("same_each_time", deadline=None, derandomize=True)
settings.load_profile("same_each_time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)
