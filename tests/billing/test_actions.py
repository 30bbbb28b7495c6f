"""Each action against the account: what it says it would do is what it does, and it is found again by its effect."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from billing import approvals
from billing.actions import refund
from billing.actions.action import Subject
from billing.apply import Told
from billing.errors import UsageError
from billing.rules import params_of
from tests.billing.account import Answer, Scene
from tests.billing.test_apply import applied, events, of

DAY = 86_400


def proposed(scene: Scene, kind: str, subject: str, reference: str = "", **given: Any) -> str:
    """Propose an action by hand; its id."""
    return scene.by_hand(kind, subject, reference, **given)


def done(scene: Scene, kind: str, subject: str, **given: Any) -> Told:
    """Propose, approve and do it."""
    id_ = proposed(scene, kind, subject, **given)
    approvals.approve(scene.store, [id_], "mara", scene.now)
    (told,) = applied(scene)
    assert told.event == "verified", told
    assert events(scene, id_) == ["planned", "approved", "intended", "acted", "verified"]
    return told


def refused(scene: Scene, kind: str, subject: str, why: str, **given: Any) -> None:
    """It can't be proposed, for this reason."""
    with pytest.raises(UsageError, match=why):
        proposed(scene, kind, subject, **given)


def first(scene: Scene, path: str, fits: Callable[[Answer], bool] = lambda each: True, **filters: Any) -> Answer:
    """The first of a list that fits."""
    return next(dict(each) for each in scene.wire.pages(path, **filters) if fits(dict(each)))


def paid_invoice(scene: Scene, fits: Callable[[Answer], bool] = lambda each: True) -> Answer:
    """An invoice that a charge paid in full and of which nothing was given back."""
    credited = {note["invoice"] for note in scene.wire.pages("/v1/credit_notes")}
    refunded = {
        charge["payment_intent"]
        for charge in scene.wire.pages("/v1/charges")
        if charge["amount_refunded"] or charge["disputed"]
    }

    def whole(invoice: Answer) -> bool:
        payments = list(scene.wire.pages("/v1/invoice_payments", invoice=invoice["id"], status="paid"))
        intents = {
            payment["payment"]["payment_intent"] for payment in payments if "payment_intent" in payment["payment"]
        }
        return bool(intents) and not intents & refunded

    def plain(invoice: Answer) -> bool:
        return bool(
            invoice["id"] not in credited and invoice["amount_paid"] > 1000 and fits(invoice) and whole(invoice)
        )

    return first(scene, "/v1/invoices", plain, status="paid", collection_method="charge_automatically")


def test_an_invoice_is_mailed(scene: Scene) -> None:
    invoice = first(scene, "/v1/invoices", status="open", collection_method="send_invoice")
    told = done(scene, "send_invoice", invoice["id"])
    assert told.planned.amount == invoice["amount_remaining"]
    charged = first(scene, "/v1/invoices", status="open", collection_method="charge_automatically")
    refused(scene, "send_invoice", charged["id"], "invoice_is_charged_not_sent")


def test_an_invoice_is_written_off(scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    told = done(scene, "write_off", invoice["id"])
    assert (told.planned.amount, told.planned.cost) == (0, invoice["amount_remaining"])
    assert scene.get(f"/v1/invoices/{invoice['id']}")["status"] == "uncollectible"
    refused(scene, "write_off", invoice["id"], "invoice_is_uncollectible", reference="again")
    refused(scene, "retry_invoice", invoice["id"], "invoice_is_uncollectible")


def test_everything_that_is_left_is_paid_back_and_not_twice(scene: Scene) -> None:
    invoice = paid_invoice(scene)
    told = done(scene, "refund", invoice["id"], mode="full")
    assert told.planned.amount == told.planned.cost == invoice["amount_paid"]
    note = first(scene, "/v1/credit_notes", invoice=invoice["id"])
    assert (note["total"], note["metadata"]["revenue_action"]) == (invoice["amount_paid"], told.planned.action_id)
    assert json.loads(told.planned.result or "")["credit_note"] == note["id"]
    refused(scene, "refund", invoice["id"], "nothing_is_left_to_refund", mode="full", reference="again")


def test_an_amount_is_paid_back_and_no_more_than_is_left(scene: Scene) -> None:
    invoice = paid_invoice(scene)
    told = done(scene, "refund", invoice["id"], mode="partial", amount=700)
    assert told.planned.amount == 700
    left = invoice["amount_paid"] - 700
    refused(scene, "refund", invoice["id"], "more_than_is_left", mode="partial", amount=left + 1)
    with pytest.raises(ValueError, match="an amount goes with mode partial"):
        params_of("refund", {"mode": "partial"})
    scene.post("/v1/refunds", charge=charge_of(scene, invoice)["id"], amount=300)  # outside of any credit note
    refused(scene, "refund", invoice["id"], "more_than_is_left", mode="partial", amount=left - 299)
    assert of(scene, proposed(scene, "refund", invoice["id"], mode="full")).amount == left - 300


def charge_of(scene: Scene, invoice: Answer) -> Answer:
    payment = first(scene, "/v1/invoice_payments", invoice=invoice["id"], status="paid")
    intent = scene.get(f"/v1/payment_intents/{payment['payment']['payment_intent']}")
    return scene.get(f"/v1/charges/{intent['latest_charge']}")


def test_unused_time_is_paid_back_as_it_was_when_it_was_proposed(scene: Scene) -> None:
    now = scene.sandbox.now

    def runs(invoice: Answer) -> bool:
        periods = [line["period"] for line in invoice["lines"]["data"]]
        return len(periods) == 1 and periods[0]["start"] < now < periods[0]["end"]

    invoice = paid_invoice(scene, runs)
    (line,) = invoice["lines"]["data"]
    start, end = line["period"]["start"], line["period"]["end"]
    net = line["amount"] - sum(each["amount"] for each in line["discount_amounts"] or [])
    net += sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "exclusive")
    id_ = proposed(scene, "refund", invoice["id"], mode="unused_time")
    expected = round(net * (end - now) / (end - start))
    assert of(scene, id_).amount == expected
    approvals.approve(scene.store, [id_], "mara", scene.now)
    scene.sandbox.advance(days=0.1)  # the amount stays what was approved
    (told,) = applied(scene)
    assert told.event == "verified"
    assert first(scene, "/v1/credit_notes", invoice=invoice["id"])["total"] == expected


def test_unused_time_is_summed_exactly_and_rounded_once() -> None:
    # metrics, section on refunds: net x (end - t) / (end - start) by the second; 30-day periods, 10 days left: a third.
    # 10.00 less 1.00 discount = 9.00 -> 3.00; 0.50 -> 0.1666..; tax 0.19 on top in the same share -> 0.0633..
    # 3.00 + 0.16666 + 0.06333 = 3.23 exactly: 323. Rounded line by line it would be 300 + 17 + 6 = 323 as well, so a
    # second set: twice 0.05 a third left are 0.0333.. = 3, where line by line 2 + 2 = 4.
    at = datetime.fromtimestamp(20 * DAY, UTC)
    line = {"period": {"start": 0, "end": 30 * DAY}, "discount_amounts": [], "taxes": []}
    discounted = line | {"amount": 1000, "discount_amounts": [{"amount": 100}]}
    taxed = line | {"amount": 50, "taxes": [{"amount": 19, "tax_behavior": "exclusive"}]}
    inclusive = line | {"amount": 300, "taxes": [{"amount": 50, "tax_behavior": "inclusive"}]}
    assert refund.unused([discounted, taxed], at) == 323
    assert refund.unused([line | {"amount": 5}, line | {"amount": 5}], at) == 3
    assert refund.unused([inclusive], at) == 100
    over, once = (
        line | {"amount": 900, "period": {"start": 0, "end": DAY}},
        line | {"amount": 900, "period": {"start": 9, "end": 9}},
    )
    assert refund.unused([over, once], at) == 0
    # half to even: 1 and 3 of which half is left
    half = datetime.fromtimestamp(15 * DAY, UTC)
    assert [refund.unused([line | {"amount": amount}], half) for amount in (1, 3)] == [0, 2]


@pytest.mark.parametrize(
    ("currency", "paid", "back"),
    [
        # a third of the period is left: 9.999 KWD -> 3.333, and Stripe takes no last digit but 0; 1000 ISK -> 333.33
        ("kwd", 9_999, 3_330),
        ("isk", 100_000, 33_300),
        ("ugx", 100_000, 33_300),
        ("usd", 10_000, 3_333),
        ("jpy", 10_000, 3_333),
        ("kwd", 29, 0),
    ],
)
def test_unused_time_is_rounded_down_to_what_stripe_takes_of_the_currency(currency: str, paid: int, back: int) -> None:
    class Told:
        def get(self, path: str, **params: Any) -> Answer:
            return {"status": "paid", "currency": currency, "amount_paid": paid}

        def pages(self, path: str, **params: Any) -> list[Answer]:
            line = {"amount": paid, "period": {"start": 0, "end": 30 * DAY}, "discount_amounts": [], "taxes": []}
            return [line] if path.endswith("/lines") else []

    at = datetime.fromtimestamp(20 * DAY, UTC)
    wire: Any = Told()
    facts = refund.look(wire, Subject("in_1", "cus_1", "act_1", at), refund.Refund(mode="unused_time"), at)
    assert facts.more["amount"] == back


def test_what_can_be_refunded_takes_off_credit_notes_and_refunds_outside_of_them() -> None:
    invoice = {"amount_paid": 10_000}
    notes = [
        {"post_payment_amount": 1_000, "refunds": [{"amount_refunded": 1_000}]},
        {"post_payment_amount": 2_000, "refunds": []},
    ]
    # 100.00 - 10.00 by a note that refunded - 20.00 by one to the balance - 5.00 refunded besides = 65.00
    assert refund.refundable(invoice, notes, [{"amount_refunded": 1_500}]) == 6_500
    assert refund.refundable(invoice, [], [{"amount_refunded": 20_000}]) == 0


def evidence(tmp_path: Path, **more: str) -> str:
    file = tmp_path / "evidence.json"
    file.write_text(
        json.dumps({"uncategorized_text": "Ann Miller used it daily", "customer_name": "Ann Miller"} | more)
    )
    return str(file)


def test_evidence_is_submitted_and_not_written_down(scene: Scene, tmp_path: Path) -> None:
    dispute = open_dispute(scene)
    told = done(scene, "submit_dispute_evidence", dispute["id"], file=evidence(tmp_path))
    assert told.planned.amount == dispute["amount"]
    now = scene.get(f"/v1/disputes/{dispute['id']}")
    assert now["evidence"]["customer_name"] == "Ann Miller"
    assert now["evidence_details"]["submission_count"] == 1
    scene.store.close()
    for file in tmp_path.glob("operations.sqlite*"):
        assert b"Ann Miller" not in file.read_bytes()
    refused(
        scene,
        "submit_dispute_evidence",
        dispute["id"],
        "dispute_is|evidence_was",
        file=evidence(tmp_path),
        reference="2",
    )


def test_evidence_that_changed_after_its_approval_is_not_submitted(scene: Scene, tmp_path: Path) -> None:
    dispute = open_dispute(scene)
    id_ = proposed(scene, "submit_dispute_evidence", dispute["id"], file=evidence(tmp_path))
    approvals.approve(scene.store, [id_], "mara", scene.now)
    evidence(tmp_path, receipt="file_other")
    (told,) = applied(scene)
    assert (told.event, told.why) == ("skipped", "evidence_file_has_changed")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"evidence": "x"}', '{"receipt": 1}', "{"])
def test_a_file_that_is_no_evidence_is_refused(scene: Scene, tmp_path: Path, text: str) -> None:
    file = tmp_path / "evidence.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="evidence"):
        proposed(scene, "submit_dispute_evidence", "dp_1", file=str(file))


def open_dispute(scene: Scene) -> Answer:
    """A dispute that asks for evidence: of a charge that a card is made for."""
    invoice = scene.failed_invoices()[0]
    scene.give_card(invoice["customer"], "pm_card_createDispute")
    scene.post(f"/v1/invoices/{invoice['id']}/pay")
    scene.sandbox.advance(days=0.01)
    return first(scene, "/v1/disputes", lambda dispute: dispute["status"] == "needs_response")


@pytest.mark.parametrize(
    ("kind", "subject", "why"),
    [
        ("retry_invoice", "in_unknown", "can't be looked at: resource_missing"),
        ("retry_invoice", "../customers", "no id of Stripe's"),
        ("cancel", "sub_1\nx", "no id of Stripe's"),
    ],
)
def test_what_is_not_there_or_no_id_can_not_be_proposed(scene: Scene, kind: str, subject: str, why: str) -> None:
    refused(scene, kind, subject, why)


def test_the_same_proposal_needs_a_reference_to_be_made_again(scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    proposed(scene, "write_off", invoice["id"])
    refused(scene, "write_off", invoice["id"], "another --reference")
    proposed(scene, "write_off", invoice["id"], reference="ticket-2")
