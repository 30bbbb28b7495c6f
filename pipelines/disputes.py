"""The edge of disputes: evidence gathered from what is published, drafts in the working folder, what is due, and how
often disputes are won.

Sending is the action `submit_dispute_evidence`, with its approval and its trail.
"""

import importlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from billing.book import Planned
from billing.disputes.evidence import Case, Draft, Line, Payment, Visit, Words, draft
from dashboards.letter import render
from pipelines import actions, query
from pipelines.errors import RevenueError, SettingsError
from pipelines.settings import Settings
from pipelines.terminal import money
from reports import dispute_draft

FOLDER = "disputes"
QUERIES = Path(__file__).parent / "dispute_queries"
ACTIVITY = "activity"
"""The word in the company's file that names its plug-in."""
VISITS_BEFORE = timedelta(days=90)
A_MONTH = timedelta(days=31)


@dataclass(frozen=True)
class Open:
    """A dispute that waits for evidence; `days_left` as of what is known, and whether there is a draft."""

    dispute_id: str
    reason: str | None
    written: str
    status: str
    due_at: datetime | None
    days_left: int | None
    has_draft: bool


@dataclass(frozen=True)
class Drafted:
    """A draft and where it is: the evidence to send, and the page to read."""

    draft: Draft
    evidence: Path
    page: Path


def waiting(settings: Settings) -> list[Open]:
    """Disputes that wait for evidence, the first due first.

    Raises:
        RevenueError: nothing is published.
    """
    return [
        Open(
            row["dispute_id"],
            row["reason"],
            money(row["amount"], row["currency"]),
            row["status"],
            row["due_at"],
            (row["due_at"] - row["as_of"]).days if row["due_at"] else None,
            _evidence_file(settings, row["dispute_id"]).is_file(),
        )
        for row in _rows(settings, "open", {})
    ]


def drafted(settings: Settings, dispute_id: str) -> Drafted:
    """Gather the evidence of a dispute into a file to send and a page to read; a draft that is there is replaced.

    Raises:
        SettingsError: no such dispute is published, or the company's file or plug-in makes no sense.
    """
    found = _rows(settings, "case", {"dispute": dispute_id})
    if not found:
        raise SettingsError(
            f"No dispute {dispute_id!r:.80} with its charge is published. `revenue run` reads what is new."
        )
    words, plug_in = company(settings.disputes_file)
    case = _case(settings, found[0], plug_in)
    made = draft(case, words)
    evidence = _evidence_file(settings, case.dispute_id)
    evidence.parent.mkdir(parents=True, exist_ok=True)
    page = evidence.with_suffix(".html")
    _write(evidence, json.dumps(made.evidence, indent=1, ensure_ascii=False) + "\n")
    _write(page, render(_letter(case, made, evidence)))
    return Drafted(made, evidence, page)


def proposed(settings: Settings, dispute_id: str, by: str) -> Planned:
    """Propose to submit the draft, to be approved and applied as any other action.

    Raises:
        SettingsError: there is no draft.
        BillingError: it can't be submitted any more.
    """
    file = _evidence_file(settings, dispute_id)
    if not file.is_file():
        raise SettingsError(f"{file} does not exist: `revenue disputes draft {dispute_id}` makes it. Read it first.")
    return actions.propose(settings, "submit_dispute_evidence", dispute_id, {"file": str(file.resolve())}, "", by)


def outcomes(settings: Settings) -> list[dict[str, Any]]:
    """What became of disputes, by reason: won, lost, open, inquiries, prevented, win_rate of those decided."""
    return _rows(settings, "outcomes", {})


def company(file: Path | None) -> tuple[Words, str | None]:
    """What the company's file says of product and policies, and its plug-in; nothing without a file.

    Raises:
        SettingsError: it can't be read, or holds other words.
    """
    if file is None:
        return Words(), None
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise SettingsError(f"REVENUE_DISPUTES names {file}, which can't be read as YAML.") from None
    known = {each.name for each in fields(Words)} | {ACTIVITY}
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise SettingsError(f"{file} must hold texts under these words: {', '.join(sorted(known))}.")
    if unknown := sorted(set(map(str, told)) - known):
        raise SettingsError(f"{file}: '{unknown[0]:.60}' is none of {', '.join(sorted(known))}.")
    return Words(**{name: text for name, text in told.items() if name != ACTIVITY}), told.get(ACTIVITY)


def visits(plug_in: str | None, customer_id: str, since: datetime, until: datetime) -> list[Visit]:
    """What the company's own code knows of a customer's use of the service.

    Raises:
        SettingsError: no such function, or it answers something else than instants, texts and addresses.
    """
    if plug_in is None:
        return []
    module, colon, name = plug_in.partition(":")
    try:
        function = getattr(importlib.import_module(module), name if colon else "")
    except (ImportError, AttributeError, ValueError):
        raise SettingsError(f"{ACTIVITY} is '{plug_in}', which names no function; write package.module:name.") from None
    answered: Iterable[Any] = function(customer_id, since, until)
    try:
        found = [Visit(*each) for each in answered]
        return [Visit(each.at.astimezone(UTC), str(each.what), each.ip and str(each.ip)) for each in found]
    except (TypeError, AttributeError):
        raise SettingsError(f"{plug_in} must answer with (instant, text) or (instant, text, IP address).") from None


def _case(settings: Settings, row: Mapping[str, Any], plug_in: str | None) -> Case:
    paid_at, customer = row["paid_at"], row["customer_id"]
    about = {
        "account": row["account_id"],
        "customer": customer,
        "charge": row["charge_id"],
        "payment_method": row["payment_method_id"],
    }
    payments = _rows(settings, "payments", about) if customer else []
    lines = _rows(settings, "lines", {"account": row["account_id"], "invoice": row["invoice_id"]})
    same = [each for each in payments if (each["amount"], each["currency"]) == (row["amount"], row["currency"])]
    return Case(
        dispute_id=row["dispute_id"],
        reason=row["reason"],
        due_at=row["evidence_due_at"],
        payment=Payment(row["charge_id"], paid_at, money(row["amount"], row["currency"])),
        customer_id=customer,
        lines=[Line(**each) for each in lines],
        earlier=_payments(each for each in payments if each["at"] < paid_at),
        others=_payments(each for each in same if abs(each["at"] - paid_at) <= A_MONTH),
        visits=visits(plug_in, customer, paid_at - VISITS_BEFORE, paid_at + VISITS_BEFORE) if customer else [],
        **{
            name: row[name]
            for name in "name email country customer_since invoice_number subscribed_since canceled_at".split()  # noqa: SIM905
        },
    )


def _payments(rows: Iterable[Mapping[str, Any]]) -> list[Payment]:
    return [
        Payment(each["charge_id"], each["at"], money(each["amount"], each["currency"]), each["same_card"])
        for each in rows
    ]


def _letter(case: Case, made: Draft, evidence: Path) -> Any:
    due = f" · due {case.due_at:%Y-%m-%d %H:%M} UTC" if case.due_at else ""
    return dispute_draft.letter(
        dispute_id=case.dispute_id,
        stamp=f"{case.payment.written} · {(case.reason or 'no reason').replace('_', ' ')}{due}",
        show=made.needs.show,
        evidence=made.evidence,
        missing=made.missing,
        files=[dispute_draft.named(name) for name in made.needs.files],
        next_steps=(
            f"Read every word. Change what is wrong in {evidence}, add ids of files that you uploaded to Stripe.",
            f"Then: revenue disputes submit {case.dispute_id}, and approve and apply the action that it names.",
        ),
    )


def _rows(settings: Settings, name: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    connection = query.connect(settings.published)
    try:
        relation = connection.execute((QUERIES / f"{name}.sql").read_text(), given)
        columns: Sequence[str] = [each[0] for each in relation.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
    finally:
        connection.close()


def _evidence_file(settings: Settings, dispute_id: str) -> Path:
    if not dispute_id.replace("_", "").isalnum():
        raise RevenueError(f"{dispute_id!r:.80} is no id of a dispute.")
    return settings.home / FOLDER / f"{dispute_id}.json"


def _write(file: Path, text: str) -> None:
    """For the owner alone: evidence is full of personal data."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
