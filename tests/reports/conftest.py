"""The made-up company's tables, for every test of a page."""

import pytest

from reports.marts import Marts
from reports.terms import Terms
from tests.reports.company import company, marts


@pytest.fixture(scope="session")
def example() -> Marts:
    return company()


@pytest.fixture(scope="session")
def nothing() -> Marts:
    """An account in which nothing has happened yet."""
    return marts({})


@pytest.fixture(scope="session")
def terms(example: Marts) -> Terms:
    return Terms(example.publication)
