"""Passwords that cost little to check, also those of users that there are not."""

from collections.abc import Iterator

import pytest

from billing.office import passwords
from tests.pipelines.office.visiting import CHEAP


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(passwords, "HASHER", CHEAP)
    passwords.nobody.cache_clear()
    yield
    passwords.nobody.cache_clear()
