"""The edge of the catalogue: hands it the settings, the file, keys and the store. The command line calls these."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from billing import approvals
from billing.catalog import file
from billing.catalog.account import Account, read
from billing.catalog.apply import Carried, apply, settled
from billing.catalog.drift import Drift, drift
from billing.catalog.entries import Catalog
from billing.catalog.imported import catalog_of
from billing.catalog.subscribers import Subscribers, touched
from billing.errors import StripeRefusedError
from billing.wire import Wire, standing
from pipelines import actions
from pipelines.errors import SettingsError
from pipelines.settings import Settings


@dataclass(frozen=True)
class Compared:
    """What differs between file and account, and who subscribes to the prices that would be taken from sale.

    `subscribers` are by the id of the price; a price that nobody may look at the subscriptions of is left out, and
    named in `unseen`.
    """

    account_id: str
    drift: Drift
    subscribers: Mapping[str, Subscribers]
    unseen: tuple[str, ...] = ()


def compare(settings: Settings, named: Path | None) -> Compared:
    """What `apply` would do, found by asking alone.

    Raises:
        BillingError: the file makes no sense, or Stripe can't be asked.
    """
    catalog = file.load(place(settings, named))
    wire = actions.wire_of(settings)
    account = read(wire)
    return _compared(wire, standing(wire).account_id, drift(catalog, account), account)


@contextmanager
def ready(
    settings: Settings, named: Path | None, *, live: bool, by: str
) -> Iterator[tuple[Compared, Iterator[Carried]]]:
    """What differs, and the steps that make the account as the file says, each done as it is asked for.

    Raises:
        SettingsError: no key that writes; or a live key without `live`, or the other way round.
        BillingError: the file makes no sense, or Stripe can't be asked or refuses the key.
    """
    catalog = file.load(place(settings, named))
    actor = approvals.checked_login(by)
    with actions.engine(settings, live=live, executes=True) as engine:
        settled(engine)
        account = read(engine.wire)
        found = drift(catalog, account)
        yield _compared(engine.wire, engine.standing.account_id, found, account), apply(engine, found, actor)


def imported(settings: Settings) -> Catalog:
    """What the account has for sale, as a file says it.

    Raises:
        BillingError: Stripe can't be asked, or the account has what a file has no words for.
    """
    return catalog_of(read(actions.wire_of(settings)))


def write(catalog: Catalog, target: Path, *, force: bool) -> tuple[Path, ...]:
    """Write the file, and the schema beside it that editors check it against.

    Raises:
        SettingsError: the file is there already, and may not be written over.
    """
    check_place(target, force=force)
    schema = target.with_name(file.SCHEMA)
    target.parent.mkdir(parents=True, exist_ok=True)
    for path, text in ((target, file.written(catalog)), (schema, file.schema_text())):
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    return target, schema


def check_place(target: Path, *, force: bool) -> None:
    """Whether a file may be written there.

    Raises:
        SettingsError: one is there already.
    """
    if target.exists() and not force:
        raise SettingsError(f"{target} is there already. Name another file, or say --force to write over it.")


def place(settings: Settings, named: Path | None) -> Path:
    """Where the file is: as it is named, as the settings say, or `catalog.yaml` in this folder."""
    return named or settings.catalog_file


def _compared(wire: Wire, account_id: str, found: Drift, account: Account) -> Compared:
    subscribers: dict[str, Subscribers] = {}
    unseen: list[str] = []
    for step in found.steps:
        price = account.by_id.get(step.change.id or "")
        try:
            told = touched(wire, step.change, price)
        except StripeRefusedError as error:
            if error.status != 403:
                raise
            unseen.append(str(step.change.id))
            continue
        if told is not None:
            subscribers[told.price_id] = told
    return Compared(account_id, found, subscribers, tuple(unseen))
