"""Disputes that the account's owner answers, and what the bank makes of it in time."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner
from tests.sandbox.writes.test_refunds import paid


def disputed(owner: Owner, token: str = "pm_card_createDispute") -> tuple[Any, Any]:
    """A charge that was disputed as soon as it was made, and its dispute."""
    charge = paid(owner, token)
    return charge, owner.client.v1.disputes.list({"charge": charge.id}).data[0]


def booked(owner: Owner, dispute: str) -> tuple[str, str]:
    entry = next(each for each in owner.sandbox.world.books.disputes if each.dispute_id == dispute)
    return entry.status, entry.outcome


def test_evidence_that_wins_brings_the_money_back(owner: Owner, client: Any) -> None:
    charge, case = disputed(owner)
    assert (case.status, case.reason, case.amount) == ("needs_response", "fraudulent", charge.amount)
    assert [each.reporting_category for each in case.balance_transactions] == ["dispute"]
    draft = client.v1.disputes.update(
        case.id, {"evidence": {"product_description": "Seats"}, "submit": False, "metadata": {"action": "act_1"}}
    )
    assert (draft.status, draft.evidence.product_description) == ("needs_response", "Seats")
    assert (draft.evidence_details.has_evidence, draft.evidence_details.submission_count) == (True, 0)
    sent = client.v1.disputes.update(case.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert (sent.status, sent.evidence.product_description) == ("under_review", "Seats")
    assert sent.evidence_details.submission_count == 1
    with pytest.raises(stripe.InvalidRequestError, match="has been submitted"):
        client.v1.disputes.update(case.id, {"evidence": {"uncategorized_text": "more"}})
    owner.sandbox.advance(days=1)
    won = client.v1.disputes.retrieve(case.id)
    assert won.status == "won"
    assert [each.reporting_category for each in won.balance_transactions] == ["dispute", "dispute_reversal"]
    assert sum(each.amount for each in won.balance_transactions) == 0
    assert won.metadata["action"] == "act_1"
    assert faults(won.to_dict(for_json=True)) == []
    assert owner.events(case.id) == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert booked(owner, case.id) == ("won", "won")


@pytest.mark.parametrize("how", ["losing evidence", "no evidence", "given up"])
def test_a_case_is_lost_by_bad_evidence_by_none_and_by_giving_up(owner: Owner, client: Any, how: str) -> None:
    _, case = disputed(owner, "pm_card_createDisputeProductNotReceived")
    assert case.reason == "product_not_received"
    if how == "losing evidence":
        client.v1.disputes.update(case.id, {"evidence": {"uncategorized_text": "losing_evidence"}})
        owner.sandbox.advance(days=1)
    elif how == "no evidence":
        owner.sandbox.advance(to=case.evidence_details.due_by)
    else:
        assert client.v1.disputes.close(case.id).status == "lost"
    after = client.v1.disputes.retrieve(case.id)
    assert (after.status, after.evidence_details.past_due) == ("lost", how == "no evidence")
    assert booked(owner, case.id) == ("lost", "lost")
    with pytest.raises(stripe.InvalidRequestError, match="only close"):
        client.v1.disputes.close(case.id)


def test_a_disputed_charge_cannot_be_refunded_but_one_asked_about_can(owner: Owner, client: Any) -> None:
    charge, _ = disputed(owner)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_disputed"
    asked, inquiry = disputed(owner, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    assert inquiry.is_charge_refundable
    client.v1.refunds.create({"charge": asked.id})
    assert client.v1.disputes.retrieve(inquiry.id).status == "warning_closed"
    assert booked(owner, inquiry.id) == ("warning_closed", "inquiry")


def test_evidence_has_its_fields_and_limits(owner: Owner, client: Any) -> None:
    _, case = disputed(owner)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.disputes.update(case.id, {"evidence": {"colour": "red"}})
    assert unknown.value.param == "evidence[colour]"
    with pytest.raises(stripe.InvalidRequestError, match="at most 20000"):
        client.v1.disputes.update(case.id, {"evidence": {"uncategorized_text": "x" * 20_001}})
    assert client.v1.disputes.retrieve(case.id).status == "needs_response"
