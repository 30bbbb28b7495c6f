"""Payments and payment methods by direct orders: charged once a reference, declined in words a customer may read."""

from typing import Any

import pytest
from pydantic import ValidationError

from billing import customers, declines, orders, payments, subscriptions
from billing.actions.cancel_payment import Reason
from billing.actions.create_subscription import Item, NewSubscription
from billing.actions.set_up_payment_method import Setup
from billing.actions.take_payment import Payment
from billing.customers import Details
from billing.errors import UsageError
from billing.orders import Outcome
from sandbox.world.testcards import TEST_CARDS
from tests.billing.account import Answer, Scene


@pytest.fixture
def whom(scene: Scene) -> str:
    details = Details(name="Ada", preferred_locales=("de-AT",))
    return str(customers.create(scene.engine(), "acc_1", details, by="mara").result["customer"])


def payment(**more: Any) -> Payment:
    return Payment(**{"reference": "order-1", "amount": 4_900, "currency": "usd", **more})


def taken(scene: Scene, whom: str, **more: Any) -> Outcome:
    return payments.take(scene.engine(), whom, payment(**more), by="mara")


def card(scene: Scene, whom: str, name: str = "visa") -> str:
    """The id of a test card that is on the customer's file, and the default."""
    attached = payments.attach(scene.engine(), whom, f"pm_card_{name}", by="mara")
    assert attached.is_done, attached
    id_ = str(attached.result["payment_method"])
    assert payments.set_default(scene.engine(), whom, id_, by="mara").is_done
    return id_


def intents(scene: Scene, whom: str) -> list[Answer]:
    return [dict(each) for each in scene.wire.pages("/v1/payment_intents", customer=whom)]


def test_a_payment_is_taken_once_a_reference(scene: Scene, whom: str) -> None:
    with pytest.raises(UsageError, match="customer_has_no_payment_method"):
        taken(scene, whom)
    method = card(scene, whom)
    order = payments.take_order(whom, payment(description="Setup fee"), by="mara")
    effect = orders.previewed(scene.engine(), order)
    assert (effect.amount, effect.currency, effect.words) == (4_900, "usd", f"charge {method}")
    assert intents(scene, whom) == []
    outcome = orders.fulfilled(scene.engine(), order)
    (intent,) = intents(scene, whom)
    assert (outcome.result["payment_intent"], outcome.result["status"]) == (intent["id"], "succeeded")
    assert (intent["amount"], intent["description"], intent["metadata"]["reference"]) == (4_900, "Setup fee", "order-1")
    assert outcome.shown is None
    scene.sandbox.advance(days=30)
    assert taken(scene, whom, amount=9_900).event == "known"
    assert [each["amount"] for each in scene.charges(whom)] == [4_900]


DECLINING = sorted(name for name, each in TEST_CARDS.items() if each.decline and not each.refused)
REFUSED = sorted(name for name, each in TEST_CARDS.items() if each.refused)


@pytest.mark.parametrize("name", DECLINING)
def test_a_declined_payment_may_be_tried_again_with_another_card(scene: Scene, whom: str, name: str) -> None:
    card(scene, whom, name)
    outcome = taken(scene, whom)
    code = TEST_CARDS[name].decline
    assert (outcome.state, outcome.why) == ("failed", f"card_declined:{code}")
    locales = scene.get(f"/v1/customers/{whom}")["preferred_locales"]
    assert declines.message(outcome.why, locales) == declines.text("generic", "de")
    card(scene, whom)
    assert taken(scene, whom).result["status"] == "succeeded"
    assert [each["amount"] for each in scene.charges(whom)] == [4_900]


@pytest.mark.parametrize("name", REFUSED)
def test_a_card_that_is_refused_as_it_comes_is_not_on_file(scene: Scene, whom: str, name: str) -> None:
    test = TEST_CARDS[name]
    outcome = payments.attach(scene.engine(), whom, f"pm_card_visa_{name}", by="mara")
    assert outcome.state == "failed"
    assert outcome.why.endswith(str(test.refused))
    assert declines.advice(outcome.why).code == test.refused
    wish = Setup(reference="setup-1", payment_method=f"pm_card_visa_{name}")
    assert payments.set_up(scene.engine(), whom, wish, by="mara").state == "failed"
    assert list(scene.wire.pages("/v1/payment_methods", customer=whom)) == []


def test_who_must_confirm_is_declined_while_away_and_waited_for_while_there(scene: Scene, whom: str) -> None:
    method = payments.attach(scene.engine(), whom, "pm_card_authenticationRequired", by="mara")
    id_ = method.result["payment_method"]
    away = taken(scene, whom, payment_method=id_)
    assert (away.state, away.why) == ("failed", "authentication_required")
    assert declines.advice(away.why).retry == "changed"
    there = taken(scene, whom, payment_method=id_, off_session=False, reference="order-2")
    assert (there.is_done, there.result["status"]) == (True, "requires_action")
    assert "_secret_" in (there.shown or "")
    back = "https://example.com/back"
    page = taken(scene, whom, payment_method=id_, off_session=False, return_url=back, reference="order-3")
    assert (page.shown or "").startswith("https://")
    assert scene.charges(whom) == []
    given_up = payments.cancel(scene.engine(), page.result["payment_intent"], Reason(), by="mara")
    assert (given_up.is_done, given_up.result["status"]) == (True, "canceled")
    with pytest.raises(UsageError, match="payment_is_canceled"):
        payments.cancel(scene.engine(), page.result["payment_intent"], Reason(), by="mara")
    with scene.store.reading() as connection:
        written = str(connection.exec_driver_sql("select * from audit_trail").fetchall())
        written += str(connection.exec_driver_sql("select * from actions").fetchall())
    assert "_secret_" not in written


@pytest.mark.parametrize(
    ("succeeds", "status", "charged"), [(True, "succeeded", [4_900]), (False, "requires_payment_method", [])]
)
def test_the_cardholder_says_yes_or_no_on_the_banks_page(
    scene: Scene, whom: str, succeeds: bool, status: str, charged: list[int]
) -> None:
    wish = Setup(reference="setup-1", payment_method="pm_card_authenticationRequired")
    setup = payments.set_up(scene.engine(), whom, wish, by="mara").result["setup_intent"]
    scene.sandbox.authenticate(setup)
    (method,) = scene.wire.pages("/v1/payment_methods", customer=whom)
    waits = taken(scene, whom, payment_method=method["id"], off_session=False).result["payment_intent"]
    scene.sandbox.authenticate(waits, succeeds=succeeds)
    intent = scene.get(f"/v1/payment_intents/{waits}")
    assert (intent["status"], [each["amount"] for each in scene.charges(whom)]) == (status, charged)
    code = (intent["last_payment_error"] or {"code": None})["code"]
    assert code == (None if succeeds else "payment_intent_authentication_failure")
    with pytest.raises(ValueError, match="waits for its cardholder"):
        scene.sandbox.authenticate(waits)


def test_a_payment_method_comes_on_file_by_a_browser_or_at_once(scene: Scene, whom: str) -> None:
    waits = payments.set_up(scene.engine(), whom, Setup(reference="setup-1"), by="mara")
    assert (waits.is_done, waits.result["status"]) == (True, "requires_payment_method")
    assert "_secret_" in (waits.shown or "")
    assert payments.set_up(scene.engine(), whom, Setup(reference="setup-1"), by="mara").event == "known"
    wish = Setup(reference="setup-2", payment_method="pm_card_visa")
    at_once = payments.set_up(scene.engine(), whom, wish, by="mara")
    assert (at_once.result["status"], at_once.shown) == ("succeeded", None)
    (method,) = scene.wire.pages("/v1/payment_methods", customer=whom)
    assert at_once.result["payment_method"] == method["id"]
    wish = Setup(reference="setup-3", payment_method="pm_card_authenticationRequired")
    must_confirm = payments.set_up(scene.engine(), whom, wish, by="mara")
    assert must_confirm.result["status"] == "requires_action"
    assert must_confirm.shown


def test_what_subscriptions_are_charged_to_is_not_taken_off_by_mistake(scene: Scene, whom: str) -> None:
    first = card(scene, whom)
    price = scene.sandbox.world.stage.prices["team-usd-month"].id
    wanted = NewSubscription(reference="order-1", items=[Item(price=price, quantity=1)])
    made = subscriptions.create(scene.engine(), whom, wanted, by="mara").result["subscription"]
    with pytest.raises(UsageError, match="subscriptions_are_charged_to_it"):
        payments.detach(scene.engine(), first, by="mara")
    with pytest.raises(UsageError, match="it_is_the_default"):
        payments.set_default(scene.engine(), whom, first, by="mara")
    second = payments.attach(scene.engine(), whom, "pm_card_mastercard", by="mara").result["payment_method"]
    alone = payments.set_default(scene.engine(), whom, second, subscription_id=made, by="mara")
    assert alone.result == {"subscription": made, "default_payment_method": second}
    assert payments.detach(scene.engine(), first, by="mara").is_done
    with pytest.raises(UsageError, match="payment_method_is_nobodys"):
        payments.detach(scene.engine(), first, by="mara")
    assert [each["id"] for each in scene.wire.pages("/v1/payment_methods", customer=whom)] == [second]
    other = customers.create(scene.engine(), "acc_2", Details(name="Grace"), by="mara").result["customer"]
    with pytest.raises(UsageError, match="payment_method_is_not_the_customers"):
        payments.set_default(scene.engine(), other, second, by="mara")
    assert payments.detach(scene.engine(), second, in_use=True, by="mara").is_done


@pytest.mark.parametrize("fault", [{"kind": "reset", "effect": True}, {"kind": "server_error", "kept": False}])
def test_a_lost_answer_charges_once(scene: Scene, whom: str, fault: dict[str, Any]) -> None:
    card(scene, whom)
    scene.sandbox.fail(fault.pop("kind"), "/v1/payment_intents", method="POST", **fault)
    assert taken(scene, whom).event == "waits"
    scene.sandbox.heal()
    scene.sandbox.forget_requests()
    assert taken(scene, whom).result["status"] == "succeeded"
    assert [each["amount"] for each in scene.charges(whom)] == [4_900]


def test_a_lost_answer_of_a_card_that_declined_is_a_failure(scene: Scene, whom: str) -> None:
    card(scene, whom, "chargeCustomerFail")
    scene.sandbox.fail("reset", "/v1/payment_intents", method="POST", effect=True)
    assert taken(scene, whom).event == "waits"
    scene.sandbox.heal()
    outcome = taken(scene, whom)
    assert (outcome.state, outcome.why) == ("failed", "card_declined:generic_decline")
    assert len(intents(scene, whom)) == 1


@pytest.mark.parametrize("description", ["for a@example.com", "see https://a.example", "4242 4242 4242 4242", "a\nb"])
def test_a_description_holds_nothing_personal(description: str) -> None:
    with pytest.raises(ValidationError, match="plain line"):
        payment(description=description)
