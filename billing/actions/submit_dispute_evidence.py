"""Submit evidence for a dispute, from a file of it that somebody has written or gathered.

https://docs.stripe.com/disputes/responding: evidence is submitted once. It is full of personal data, so only the file's
name and digest are recorded, and the evidence itself is read when it is sent.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from billing.actions.action import MARK, Action, Effect, Facts, Params, Subject, Trace
from billing.canonical import Json
from billing.errors import UsageError
from billing.wire import Body, Request, Wire, path

OPEN = frozenset({"needs_response", "warning_needs_response", "appeal_needs_response"})
FIELDS = frozenset(
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal "  # noqa: SIM905
    "customer_communication customer_email_address customer_name customer_purchase_ip customer_signature "
    "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt "
    "refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number "
    "uncategorized_file uncategorized_text".split()
)
"""The words of https://docs.stripe.com/api/disputes/evidence_object that are text or the id of an uploaded file."""
MOST_CHARACTERS = 150_000
"""Stripe's limit for all text together."""


class Evidence(Params):
    """The JSON file of evidence; its digest is filled in when it is proposed, and must be the same when it is sent."""

    file: Annotated[str, Field(min_length=1, max_length=1000)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


def completed(params: Evidence) -> Evidence:
    """The params with the digest of the file as it is.

    Raises:
        UsageError: no such file, or it is no evidence.
    """
    read_evidence(params.file)
    return params.model_copy(update={"digest": _digest(params.file)})


def look(wire: Wire, subject: Subject, params: Evidence, at: datetime) -> Facts:
    """The dispute, and whether the file is as it was."""
    dispute = wire.get(path("disputes", subject.id))
    return Facts(at, dispute, {"file_is_the_same": _digest(params.file) == params.digest})


def refusal(facts: Facts, params: Evidence) -> str | None:
    """Evidence must be asked for, not be late, and not have been submitted."""
    dispute, details = facts.object, facts.object["evidence_details"]
    if dispute["status"] not in OPEN:
        return f"dispute_is_{dispute['status']}"
    if details["submission_count"]:
        return "evidence_was_submitted"
    if details["due_by"] and datetime.fromtimestamp(int(details["due_by"]), UTC) <= facts.at:
        return "evidence_is_late"
    return None if facts.more["file_is_the_same"] else "evidence_file_has_changed"


def preview(facts: Facts, params: Evidence) -> Effect:
    """What is at stake."""
    dispute = facts.object
    details = {"evidence_due": dispute["evidence_details"]["due_by"], "evidence_digest": params.digest}
    return Effect("submit evidence, once and for all", int(dispute["amount"]), 0, str(dispute["currency"]), details)


def request(subject: Subject, facts: Facts, params: Evidence) -> Request:
    """The submission without the evidence, which `filled` adds when it is sent."""
    return Request("post", path("disputes", subject.id), {"submit": True, "metadata": {MARK: subject.action_id}})


def filled(request: Request, params: Evidence, aside: Body) -> Request:
    """The request with the evidence in it.

    Raises:
        UsageError: the file is not as it was.
    """
    evidence = read_evidence(params.file)
    if _digest(params.file) != params.digest:
        raise UsageError(f"{params.file} is not what was approved as evidence any more.")
    return replace(request, params={**request.params, "evidence": evidence})


def trace(subject: Subject, facts: Facts, params: Evidence) -> Trace:
    """By the mark, else by what was submitted."""
    if facts.marked_by == subject.action_id:
        return Trace.THERE
    return Trace.SEEN if facts.object["evidence_details"]["submission_count"] else Trace.ABSENT


def kept(dispute: Body) -> Mapping[str, Json]:
    """Where the dispute stands."""
    return {"status": dispute["status"], "submission_count": dispute["evidence_details"]["submission_count"]}


def read_evidence(file: str) -> dict[str, str]:
    """The evidence in a file.

    Raises:
        UsageError: it can't be read, or holds what Stripe takes as no evidence.
    """
    try:
        told: Any = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"{file} can't be read as a JSON file of evidence.") from None
    if not isinstance(told, dict) or not told or not all(isinstance(each, str) for each in told.values()):
        raise UsageError(f"{file} must hold one JSON object of Stripe's evidence fields and texts.")
    if unknown := sorted(set(told) - FIELDS):
        raise UsageError(f"{file}: {unknown[0]!r:.60} is no field of evidence.")
    if sum(map(len, told.values())) > MOST_CHARACTERS:
        raise UsageError(f"{file} is longer than the {MOST_CHARACTERS:,} characters that Stripe takes.")
    return told


def _digest(file: str) -> str:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return ""


ACTION = Action(
    "submit_dispute_evidence",
    "submit a file of evidence for a dispute",
    "dispute",
    Evidence,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    completed=completed,
    filled=filled,
)
