"""Erases a customer who asks for it: at Stripe, in the warehouse, in what is published, and in every file made here.

Each step is committed before the next and does nothing the second time, so that whatever interrupts it, the same
command goes on. It says that it is done once nothing is left to be found, and then makes the certificate.
"""

import csv
import io
import mmap
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from billing import erasures, farewell
from billing.apply import Engine
from billing.approvals import checked_login
from billing.canonical import Json, canonical
from billing.erasures import Asked, Erasure, Subscriptions
from billing.farewell import Ended
from billing.store import Store
from billing.webhooks import inbox
from billing.wire import Body
from dashboards.letter import render
from models.risk.changes import OUTSIDE_KEY
from pipelines import actions, operations, refresh
from pipelines.disputes import FOLDER as DRAFTS
from pipelines.errors import SettingsError
from pipelines.progress import Progress
from pipelines.settings import Settings
from pipelines.warehouse import erased, keeping, tables
from pipelines.warehouse.database import compact, lock_file, open_warehouse
from pipelines.warehouse.erased import Search, Taken, Tombstone
from pipelines.warehouse.redaction import Redaction
from reports import erasure_certificate

PATIENCE_SECONDS = 60.0
FOLDER = "erasures"
INBOX = "operations database, inbox of events"
RECONCILIATION = "reconciliation.csv"
NAMED = "customer"
"""The column of the reconciliation that holds a name."""

MONEY = "Tax and commercial law make the company keep what it billed and was paid (in the EU: GDPR Art. 17(3)(b))."
PSEUDONYM = "Art. 17(3)(b) and (e): an id without a name, so that figures stay what they were and nothing comes back."
PROOF = "Art. 5(2): that the request was carried out, when and by whom."
KEPT: Mapping[str, str] = {
    "invoices": MONEY,
    "invoice_items": MONEY,
    "invoice_payments": MONEY,
    "credit_notes": MONEY,
    "charges": MONEY,
    "payment_intents": MONEY,
    "refunds": MONEY,
    "disputes": MONEY,
    "balance_transactions": MONEY,
    "payout_transactions": MONEY,
    "customer_balance_transactions": MONEY,
    "subscriptions": PSEUDONYM,
    "customers": PSEUDONYM,
    "payment_methods": PSEUDONYM,
    "events": PSEUDONYM,
}
"""Ground on which what is left of each table's objects is kept; others are kept as `customers` are."""

NOT_REACHED = (
    "Backups and copies of the working folder, and file system snapshots: restored ones are cleaned by the next run, "
    "before anything else happens.",
    "Files that were written elsewhere, such as by `revenue query --output`, and exports that were imported from.",
    "Programs that still hold an older published database open, until they close it.",
    "What Stripe itself keeps of payments and invoices, as its own duties ask for.",
)


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    customer_id: str
    by: str
    account_id: str | None = None
    subscriptions: Subscriptions = "now"
    at_stripe: bool = True
    live: bool = False
    reference: str = ""


@dataclass(frozen=True)
class Preview:
    """What would be done: what is held by table, how the customer stands at Stripe, and which subscriptions go on."""

    asked: Asked
    taken: Mapping[str, Taken]
    stands: str
    subscriptions: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """How far it is: complete with its certificate and the files of that, or what it waits for."""

    erasure: Erasure
    ended: Ended
    files: tuple[Path, ...] = ()
    failed_checks: tuple[str, ...] = ()

    @property
    def left_in(self) -> Sequence[str]:
        """Files that still hold something of the customer's and must be dealt with by hand."""
        certificate = self.erasure.certificate
        return certificate["verified"]["left_in"] if certificate else ()


@dataclass
class _Swept:
    """What was erased outside the warehouse: files, or entries of the inbox, and the values in these, by place."""

    files: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)


def preview(settings: Settings, wish: Wish) -> Preview:
    """Say what would be erased and what stays; changes nothing anywhere.

    Raises:
        SettingsError: nobody of that id is known.
        BillingError: Stripe can't be asked.
    """
    asked = _asked(settings, wish)
    with open_warehouse(settings.warehouse, wait_seconds=PATIENCE_SECONDS) as connection:
        found = erased.search(connection, _tombstone(asked))
    stands, subscriptions = "left", list[Body]()
    if asked.at_stripe:
        stands, subscriptions = farewell.standing_of(actions.wire_of(settings), asked.customer_id)
    return Preview(asked, _some(found.taken), stands, tuple(str(each["id"]) for each in subscriptions))


def execute(settings: Settings, wish: Wish, progress: Progress) -> Done:
    """Erase, or go on where an earlier run was interrupted or waits.

    Raises:
        SettingsError: nobody of that id is known, or no key that may delete.
        BillingError: Stripe refuses, or can't be asked; nothing is lost, and the same command goes on.
    """
    asked = _asked(settings, wish)
    checked_login(wish.by)
    with _ready(settings, wish, asked) as (store, clock, engine):
        _file_what_is_missing(settings.home, store)
        erasure = erasures.begin(store, asked, clock(), wish.by)
        ended = Ended("left")
        if engine is not None:
            with progress.step("Ending it at Stripe"):
                ended = farewell.ended(engine, erasure)
        if ended.customer == "waits":
            return Done(erasure, ended)
        return _erased_here(settings, store, erasure, ended, clock, progress)


def _erased_here(
    settings: Settings,
    store: Store,
    erasure: Erasure,
    ended: Ended,
    clock: Callable[[], datetime],
    progress: Progress,
) -> Done:
    with progress.step("Taking it out of the warehouse"):
        found, taken = _taken_out(settings, erasure)
        erasures.mark(store, erasure, sorted(found.ids), clock())
    failed_checks = _made_anew(settings, progress)
    with progress.step("Writing the files anew"):
        compact(settings.warehouse, wait_seconds=PATIENCE_SECONDS)
        swept = _sweep(settings.home, erasure.asked.customer_id, found.ids)
        _clean_inbox(store, erasure.asked, found.ids, swept)
        store.compact()
    with progress.step("Looking whether anything is left"):
        verified = _verified(settings, erasure, found)
    certificate = _certificate(erasure, ended, taken, swept, verified, clock(), settings)
    done = erasures.finish(store, erasure, certificate, clock())
    return Done(done, ended, tuple(written(settings.home, done)), failed_checks)


def _file_what_is_missing(home: Path, store: Store) -> None:
    """Certificates that were made right before a crash get their files."""
    for each in erasures.listed(store):
        if each.certificate is not None and not (home / FOLDER / f"{each.erasure_id}.html").exists():
            written(home, each)


def written(home: Path, erasure: Erasure) -> list[Path]:
    """Write a certificate as JSON and as a page, once more where they are there."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    certificate = erasure.certificate or {}
    texts = {
        f"{erasure.erasure_id}.json": canonical(certificate) + "\n",
        f"{erasure.erasure_id}.html": render(erasure_certificate.letter(certificate)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _asked(settings: Settings, wish: Wish) -> Asked:
    if not settings.warehouse.exists():
        raise SettingsError(f"{settings.warehouse} does not exist: nothing was read yet, so nothing is to be erased.")
    with open_warehouse(settings.warehouse, wait_seconds=PATIENCE_SECONDS) as connection:
        account, livemode = _account(connection, wish)
    kept = {name.partition(".")[2] for name in settings.slice_names} | {OUTSIDE_KEY}
    return Asked(
        account, livemode, wish.customer_id, wish.subscriptions, wish.at_stripe, tuple(sorted(kept)), wish.reference
    )  # fmt: skip


def _account(connection: duckdb.DuckDBPyConnection, wish: Wish) -> tuple[str, bool]:
    """Whose customer it is, and in which mode."""
    query = """
        select account_id, livemode from pipeline.accounts
        where account_id in (select account_id from raw.customers where id = $customer)
    """
    found = connection.execute(query, {"customer": wish.customer_id}).fetchall()
    chosen = [row for row in found if wish.account_id in (None, row[0])]
    if len(chosen) != 1:
        told = f"{len(chosen)} accounts here know" if chosen else "No account here knows"
        raise SettingsError(f"{told} the customer {wish.customer_id!r:.80}: name the account with --account, or sync.")
    return str(chosen[0][0]), bool(chosen[0][1])


@contextmanager
def _ready(
    settings: Settings, wish: Wish, asked: Asked
) -> Iterator[tuple[Store, Callable[[], datetime], Engine | None]]:
    """The store and the clock, and the engine where something is to be done at Stripe."""
    if not asked.at_stripe or asked.subscriptions == "keep":
        with operations.opened(settings) as store:
            yield store, lambda: datetime.now(UTC), None
        return
    with actions.engine(settings, live=wish.live, executes=True) as engine:
        yield engine.store, engine.clock, engine


def _taken_out(settings: Settings, erasure: Erasure) -> tuple[Search, Mapping[str, Taken]]:
    """Rewrite what the warehouse holds of the customer, and say what was taken out, by this run or an earlier one."""
    tombstone = _tombstone(erasure.asked)
    with open_warehouse(settings.warehouse, wait_seconds=PATIENCE_SECONDS) as connection:
        for left in settings.shared.glob("batches-*"):  # of a build that was killed: nobody else has the warehouse
            shutil.rmtree(left, ignore_errors=True)
        found = erased.search(connection, tombstone, erasure.ids)
        keeping.forget(connection, wholly=True)
        with tables.transaction(connection):
            erased.erase(connection, found)
        return found, erased.taken(connection, tombstone)


def _made_anew(settings: Settings, progress: Progress) -> tuple[str, ...]:
    """Staging, marts, published database and pages once more, where they are there; failing checks hold up nothing."""
    with open_warehouse(settings.warehouse, wait_seconds=PATIENCE_SECONDS) as connection:
        is_built = tables.exists(connection, "staging", "customers")
    if not is_built and not settings.published.exists():
        return ()
    outcome = refresh.build(settings.but(publish="banner"), progress)
    if settings.site.exists():
        refresh.report(settings, progress)
    return outcome.failed_checks


def _sweep(home: Path, customer_id: str, ids: Collection[str]) -> _Swept:
    """Remove logs of errors, which may quote anything, and drafts of evidence; unname the reconciliation."""
    swept = _Swept()
    for log in (home / "logs").glob("error-*.log"):
        log.unlink()
        swept.files["logs"] = swept.files.get("logs", 0) + 1
    drafts = [each for id_ in sorted(ids) for each in (home / DRAFTS).glob(f"{id_}.*")]
    for each in drafts:
        each.unlink()
    if drafts:
        swept.files[DRAFTS] = len(drafts)
    comparison = home / RECONCILIATION
    if comparison.is_file() and _unnamed(comparison, customer_id):
        swept.files[RECONCILIATION] = 1
    return swept


def _clean_inbox(store: Store, asked: Asked, ids: Collection[str], swept: _Swept) -> None:
    """Events in the inbox lose what is personal; the company's own code is still told of them."""
    instead: dict[int, str] = {}
    with store.engine.begin() as connection:
        for seq, payload in inbox.of_customer(connection, asked.account_id, asked.customer_id, ids):
            redaction = Redaction(frozenset(asked.kept_metadata))
            instead[seq] = redaction.of(payload.encode()).decode()
            swept.values[INBOX] = swept.values.get(INBOX, 0) + redaction.values
        inbox.rewrite(connection, instead)
    if instead:
        swept.files[INBOX] = len(instead)


def _unnamed(file: Path, customer_id: str) -> bool:
    """Take the customer's name out of a CSV that names it beside the id; whether it stood there."""
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    named = [row for row in rows if row["customer_id"] == customer_id and row[NAMED]]
    for row in named:
        row[NAMED] = ""
    if named:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(text.getvalue(), encoding="utf-8")
        draft.replace(file)
    return bool(named)


def _verified(settings: Settings, erasure: Erasure, first: Search) -> dict[str, Json]:
    """Search the warehouse again, and the files for what stood for the person and is nobody else's."""
    with open_warehouse(settings.warehouse, wait_seconds=PATIENCE_SECONDS) as connection:
        again = erased.search(connection, _tombstone(erasure.asked), erasure.ids)
        held = {value for value in first.telling if erased.is_held(connection, value)}
        unclaimed = {place for each in held for place in erased.unclaimed(connection, again.tombstone, each)}
    if not again.is_clean:
        raise SettingsError("Something of the customer's came in while it was erased. Run the same command again.")
    lock = lock_file(settings.warehouse)
    files = [each for each in sorted(settings.home.rglob("*")) if each.is_file() and each != lock]
    own = first.telling - held
    left = [str(each.relative_to(settings.home)) for each in files if _holds(each, own)]
    left += [f"{settings.warehouse.name}, raw.{table}: {id_}" for table, id_ in sorted(unclaimed)]
    return {"values_sought": len(own), "files_read": len(files), "left_in": left}


def _holds(file: Path, values: Collection[str]) -> bool:
    """Whether a file holds any of the values as plain bytes."""
    with file.open("rb") as opened:
        if not values or not os.fstat(opened.fileno()).st_size:
            return False
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(value.encode()) >= 0 for value in values)


def _certificate(
    erasure: Erasure,
    ended: Ended,
    taken: Mapping[str, Taken],
    swept: _Swept,
    verified: dict[str, Json],
    at: datetime,
    settings: Settings,
) -> dict[str, Json]:
    asked = erasure.asked
    places: list[dict[str, Json]] = [
        {"place": f"warehouse.duckdb, raw.{name}", "versions": each.versions, "values": each.values}
        for name, each in sorted(taken.items())
    ]
    anew = {"warehouse.duckdb, staging and marts": settings.warehouse, "revenue.duckdb": settings.published}
    places += [{"place": f"{name}: made anew"} for name, file in anew.items() if file.exists()]
    places += [{"place": "site: made anew"}] if settings.site.exists() else []
    places += [
        {"place": place, "versions": files, "values": swept.values.get(place)}
        for place, files in sorted(swept.files.items())
    ]
    return {
        "erasure_id": erasure.erasure_id,
        "account_id": asked.account_id,
        "livemode": asked.livemode,
        "customer_id": asked.customer_id,
        "reference": asked.reference,
        "by": erasure.by,
        "begun_at": _told(erasure.begun_at),
        "completed_at": _told(at),
        "at_stripe": {
            "customer": ended.customer,
            "subscriptions": list(ended.subscriptions),
            "actions": list(ended.actions),
        },
        "erased": places,
        "kept": _kept(taken, asked),
        "not_reached": list(NOT_REACHED),
        "verified": verified,
    }


def _kept(taken: Mapping[str, Taken], asked: Asked) -> list[Json]:
    tables_ = [
        {"what": f"{name}: ids, amounts, instants, states, codes and countries", "ground": KEPT.get(name, PSEUDONYM)}
        for name in sorted(taken)
    ]
    metadata = f"metadata: {', '.join(asked.kept_metadata)}, by which figures are made" if asked.kept_metadata else ""
    return [
        *tables_,
        *([{"what": metadata, "ground": PSEUDONYM}] if metadata else []),
        {"what": "this certificate, and the trail of what was done", "ground": PROOF},
    ]


def _some(taken: Mapping[str, Taken]) -> dict[str, Taken]:
    return {name: each for name, each in sorted(taken.items()) if each.versions}


def _tombstone(asked: Asked) -> Tombstone:
    return Tombstone(asked.account_id, asked.customer_id, asked.kept_metadata)


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def certificates(settings: Settings) -> list[dict[str, Any]]:
    """Every erasure that was begun, with how far it is; for a list."""
    with operations.opened(settings) as store:
        return [
            {
                "erasure_id": each.erasure_id,
                "customer_id": each.asked.customer_id,
                "begun_at": _told(each.begun_at),
                "completed_at": each.certificate["completed_at"] if each.certificate else None,
            }
            for each in erasures.listed(store)
        ]
