"""Disputes: evidence kept, changed and sent in, and cases given up."""

from __future__ import annotations

from sandbox.api.errors import refused
from sandbox.world import cases
from sandbox.world.stage import Stage
from sandbox.world.state import Dispute
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Fields, Flag, Given, Notes, Text, noted
from sandbox.writes.write import Shape, Write

EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation",
    "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
    "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
    "uncategorized_file", "uncategorized_text",
)  # fmt: skip
LONGEST = 20_000
MOST_IN_ALL = 150_000
"""Stripe's limits of characters, of one text and of all."""
_ANSWERABLE = ("needs_response", "warning_needs_response")


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/disputes/{id}`: evidence is added to, and sent in unless `submit` is false.

    Errors: 400 once a case is decided or its evidence is with the bank, and for more text than Stripe takes.
    """
    case = the(stage, Dispute, ids[0], "dispute")
    said = given.get("evidence")
    if said is not None and case.status not in _ANSWERABLE:
        what = "closed" if case.decided else f"{case.status}: its evidence has been submitted"
        raise refused(f"You can't add evidence to dispute {case.id}, which is {what}.")
    evidence = {**(case.evidence or {}), **(said or {})}
    if sum(map(len, (text for text in evidence.values() if text))) > MOST_IN_ALL:
        raise refused(f"The combined character count of all evidence is limited to {MOST_IN_ALL}.", param="evidence")
    case.evidence = {name: text for name, text in evidence.items() if text is not None} or None
    if "metadata" in given:
        case.metadata = noted(case.metadata, given["metadata"])
    if said is not None:
        cases.take_over(stage, case)
    if said is not None and given.get("submit", True):
        cases.submit(stage, case)
    else:
        stage.touch(case, "charge.dispute.updated")
    return stage.shape(case)


def close(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/disputes/{id}/close`: the owner accepts it as lost. Errors: 400 unless it needs a response."""
    case = the(stage, Dispute, ids[0], "dispute")
    if case.status not in _ANSWERABLE:
        raise refused(f"You can only close a dispute that needs a response; {case.id} is {case.status}.")
    cases.rule(stage, case, "lost")
    return stage.shape(case)


WRITES = (
    Write(
        "POST",
        "/v1/disputes/{id}",
        "dispute_write",
        "dispute",
        update,
        {
            "evidence": Fields({name: Text(unset=True, longest=LONGEST) for name in EVIDENCE}),
            "metadata": Notes(),
            "submit": Flag(),
        },
    ),
    Write("POST", "/v1/disputes/{id}/close", "dispute_write", "dispute", close),
)
