"""Opens the operations database that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager

from billing.store import Store, open_store
from pipelines.settings import Settings


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The operational store, for a while.

    Raises:
        BillingError: it can't be opened.
    """
    url = settings.operations_url.get_secret_value() if settings.operations_url else None
    store = open_store(url, settings.home)
    try:
        yield store
    finally:
        store.close()
