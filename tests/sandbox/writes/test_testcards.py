"""Every test card that `revenue testing cards` lists does on the sandbox what it says, by its id and by its number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from billing.testing.cards import CARDS, EVIDENCE, Outcome, TestCard
from sandbox.world.cases import _DECIDING
from sandbox.world.testcards import TEST_CARDS, named
from tests.sandbox.writes.owner import Owner, told

DAY = 86_400


class Trial:
    """A customer who pays 25.00 with one card."""

    def __init__(self, owner: Owner, customer: str, card: TestCard) -> None:
        self.owner, self.client, self.customer, self.card = owner, owner.client, customer, card

    def pay(self, *, away: bool = True) -> Any:
        sum_ = {"amount": 2_500, "currency": "usd", "customer": self.customer, "confirm": True, "off_session": away}
        return self.client.v1.payment_intents.create({**sum_, "payment_method": self.card.payment_method})

    def declined(self, act: Callable[[], object]) -> str:
        """The code with which the bank says no."""
        with pytest.raises(stripe.CardError) as said:
            act()
        return str(told(said.value)["decline_code"])

    def attach(self) -> Any:
        return self.client.v1.payment_methods.attach(self.card.payment_method, {"customer": self.customer})


@pytest.fixture(scope="module")
def customer(owner: Owner) -> str:
    """Somebody who has no objection to all these cards."""
    return owner.subscription(currency="usd").customer.id


def pays(trial: Trial) -> None:
    assert trial.pay().status == "succeeded"


def is_refused(trial: Trial) -> None:
    assert trial.declined(trial.attach) == trial.card.code


def declines(trial: Trial) -> None:
    assert trial.attach().customer == trial.customer
    assert trial.declined(trial.pay) == trial.card.code


def authenticates(trial: Trial) -> None:
    assert trial.pay(away=False).status == "requires_action"
    assert trial.declined(trial.pay) == trial.card.code


def disputes(trial: Trial) -> None:
    paid = trial.pay()
    trial.owner.sandbox.advance(days=0.01)
    (case,) = trial.client.v1.disputes.list({"payment_intent": paid.id}).data
    asks = "Inquiry" in trial.card.payment_method
    assert (case.reason, case.status) == (trial.card.code, "warning_needs_response" if asks else "needs_response")


def warns(trial: Trial) -> None:
    paid = trial.pay()
    trial.owner.sandbox.advance(days=0.01)
    assert len(trial.client.v1.radar.early_fraud_warnings.list({"payment_intent": paid.id}).data) == 1


def refunded(trial: Trial) -> list[str]:
    back = trial.client.v1.refunds.create({"payment_intent": trial.pay().id})
    trial.owner.sandbox.advance(days=6)
    return [back.status, trial.client.v1.refunds.retrieve(back.id).status]


def refund_is_late(trial: Trial) -> None:
    assert refunded(trial) == ["pending", "succeeded"]


def refund_fails(trial: Trial) -> None:
    assert refunded(trial) == ["succeeded", "failed"]


PROOF: dict[Outcome, Callable[[Trial], None]] = {
    Outcome.PAYS: pays,
    Outcome.REFUSED: is_refused,
    Outcome.DECLINES: declines,
    Outcome.AUTHENTICATES: authenticates,
    Outcome.DISPUTES: disputes,
    Outcome.WARNS: warns,
    Outcome.REFUND_PENDING: refund_is_late,
    Outcome.REFUND_FAILS: refund_fails,
}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.payment_method)
def test_a_card_does_what_the_table_says(owner: Owner, customer: str, card: TestCard) -> None:
    PROOF[card.outcome](Trial(owner, customer, card))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.payment_method)
def test_a_card_is_known_by_its_id_and_by_its_number(card: TestCard) -> None:
    assert named(card.payment_method) == named(card.number) is not None


def test_the_table_has_every_card_and_every_text_that_the_sandbox_knows() -> None:
    assert {named(card.payment_method) for card in CARDS} == TEST_CARDS.keys()
    assert {text for text, _ in EVIDENCE} == _DECIDING.keys()
