"""Customers are made once a reference, whatever breaks; who they are is written down nowhere."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from billing import apply, consistency, customers, orders
from billing.actions.action import MARK, check_of
from billing.actions.update_customer import ChangedCustomer
from billing.book import all_of
from billing.consistency import examined
from billing.customers import Details
from billing.errors import BillingError, UsageError
from billing.orders import Order, Outcome
from billing.wire import Request
from tests.billing.account import RULES, Answer, Scene
from tests.billing.test_apply import events, of

ADA = Details(
    name="Ada Lovelace",
    email="ada@example.com",
    phone="+44 20 7946 0000",
    description="met in Bath",
    address={"line1": "12 St James's Square", "city": "London", "country": "GB"},
    preferred_locales=("en-GB", "fr"),
    metadata={"segment": "science"},
)


def made(
    scene: Scene, reference: str = "acc_1", details: Details = ADA, owner: str = "tests", **more: object
) -> Outcome:
    return customers.create(scene.engine(owner=owner), reference, details, by="mara", **more)  # type: ignore[arg-type]


def of_reference(scene: Scene, reference: str) -> list[Answer]:
    found = scene.wire.pages("/v1/customers")
    return [dict(each) for each in found if each["metadata"].get("reference") == reference]


def test_a_customer_is_made_once_a_reference(scene: Scene) -> None:
    first = made(scene)
    assert (first.event, first.is_done) == ("verified", True)
    (customer,) = of_reference(scene, "acc_1")
    assert first.result == {"customer": customer["id"]}
    assert (customer["name"], customer["email"], customer["phone"]) == (ADA.name, ADA.email, ADA.phone)
    assert customer["preferred_locales"] == ["en-GB", "fr"]
    assert (customer["address"]["line1"], customer["address"]["country"]) == ("12 St James's Square", "GB")
    assert customer["metadata"] == {"segment": "science", "reference": "acc_1", MARK: first.action_id}
    scene.sandbox.advance(days=40)  # long after Stripe has forgotten the key
    again = made(scene, details=replace(ADA, name="Ada King"))
    assert (again.event, again.result) == ("known", first.result)
    assert len(of_reference(scene, "acc_1")) == 1
    assert customers.by_reference(scene.engine(), "acc_1") == customer["id"]
    assert customers.by_reference(scene.engine(), "acc_2") is None
    assert events(scene, first.action_id) == ["planned", "approved", "intended", "acted", "verified"]


def test_who_has_that_address_already_is_told(scene: Scene) -> None:
    first = made(scene).result["customer"]
    with pytest.raises(UsageError, match=f"{first} already has that e-mail address"):
        made(scene, "acc_2")
    second = made(scene, "acc_2", even_if_email_is_known=True).result["customer"]
    with pytest.raises(UsageError, match="already have that e-mail"):
        made(scene, "acc_3")
    assert {first, second} == set(customers.with_email(scene.wire, ADA.email))
    assert made(scene, "acc_1").event == "known"


def test_what_is_not_said_stays_as_it_is(scene: Scene) -> None:
    id_ = made(scene).result["customer"]
    change = Details(name="Ada King", metadata={"segment": ""})
    outcome = customers.update(scene.engine(), id_, change, by="mara")
    assert outcome.is_done
    customer = scene.get(f"/v1/customers/{id_}")
    assert (customer["name"], customer["email"]) == ("Ada King", ADA.email)
    assert customer["metadata"] == {"reference": "acc_1", MARK: outcome.action_id}
    customers.update(scene.engine(), id_, Details(name="Ada Lovelace"), by="mara")
    customers.update(scene.engine(), id_, change, by="mara")  # the same change as before, and needed again
    assert scene.get(f"/v1/customers/{id_}")["name"] == "Ada King"


def test_who_they_are_is_written_down_nowhere(scene: Scene, tmp_path: Path) -> None:
    id_ = made(scene).result["customer"]
    customers.update(scene.engine(), id_, Details(name="Augusta King", email="augusta@example.org"), by="mara")
    scene.store.close()
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"create_customer" in written
    for word in (b"Lovelace", b"ada@example", b"7946", b"Bath", b"James", b"science", b"Augusta", b"augusta"):
        assert word not in written


def test_a_lost_answer_leaves_one_customer(scene: Scene) -> None:
    scene.sandbox.fail("reset", "/v1/customers", method="POST", effect=True)
    lost = made(scene)
    assert (lost.event, lost.is_done) == ("waits", False)
    scene.sandbox.heal()
    assert len(of_reference(scene, "acc_1")) == 1
    found = made(scene)
    assert (found.event, found.result["customer"]) == ("found", of_reference(scene, "acc_1")[0]["id"])


def test_a_lost_request_is_sent_again_by_who_knows_the_details(scene: Scene) -> None:
    scene.sandbox.fail("server_error", "/v1/customers", method="POST", kept=False)
    assert made(scene).event == "waits"
    scene.sandbox.heal()
    (told,) = list(apply.apply(scene.engine()))  # another process, which does not know them
    assert (told.event, told.why) == ("waits", apply.LACKS_ASIDE)
    with pytest.raises(UsageError, match="begun with other details"):
        made(scene, details=replace(ADA, name="Somebody Else"))
    assert of_reference(scene, "acc_1") == []
    assert made(scene).is_done
    assert len(of_reference(scene, "acc_1")) == 1


def test_what_never_arrived_in_a_day_is_over_and_may_be_ordered_anew(scene: Scene) -> None:
    scene.sandbox.fail("server_error", "/v1/customers", method="POST", kept=False)
    assert made(scene).event == "waits"
    scene.sandbox.heal()
    scene.sandbox.advance(days=(apply.REPLAY + timedelta(hours=1)).total_seconds() / 86_400)
    assert made(scene).event == "undone"
    assert made(scene).is_done
    assert len(of_reference(scene, "acc_1")) == 1


def test_limits_of_automation_hold_nothing_back_but_the_kill_switch_does(scene: Scene) -> None:
    careful = RULES.model_copy(update={"limits": RULES.limits.model_copy(update={"per_day": 1, "per_customer": 1})})
    for number in range(3):
        order = customers.creation(f"acc_{number}", Details(name=f"No. {number}"), by="mara")
        assert orders.fulfilled(scene.engine(given=careful), order).is_done
    stopped = customers.create(scene.engine(stopped=lambda: "stopped_by_file"), "acc_x", Details(name="X"), by="mara")
    assert (stopped.event, stopped.why, stopped.state) == ("waits", "stopped_by_file", "revoked")
    assert list(apply.apply(scene.engine())) == []  # what was ordered for now is not done later by somebody else
    assert made(scene, "acc_x", Details(name="X")).is_done
    invoice = scene.failed_invoices()[0]
    scene.give_card(invoice["customer"])
    (planned,) = scene.approved(scene.flag(invoice))
    for _ in apply.apply(scene.engine(given=careful)):  # orders are not counted
        pass
    assert of(scene, planned).state == "done"
    with scene.store.reading() as connection:
        assert examined(connection, ())[1] == []
        assert {each.approved_by for each in all_of(connection)} == {"mara"}


@pytest.mark.parametrize("reference", ["ada@example.com", "a b", "", "x" * 256, "a/../b"])
def test_a_reference_is_no_address_and_no_path(scene: Scene, reference: str) -> None:
    with pytest.raises(UsageError, match="reference"):
        made(scene, reference)


def test_a_deleted_customer_is_not_changed(scene: Scene) -> None:
    id_ = made(scene).result["customer"]
    scene.wire.ask(Request("delete", f"/v1/customers/{id_}"))
    with pytest.raises(UsageError, match="customer_is_deleted"):
        customers.update(scene.engine(), id_, Details(name="Nobody"), by="mara")
    with pytest.raises(UsageError, match="deleted"):
        customers.standing_of(scene.wire, id_)


def test_details_say_nothing_when_they_are_printed() -> None:
    assert repr(ADA) == "Details(name, email, phone, description, address, preferred_locales, metadata)"
    with pytest.raises(UsageError, match="planet"):
        Details(address={"planet": "Mars"}).told()


def test_developers_hear_of_our_own_mistakes(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    aside = {"planet": "Mars"}
    params = ChangedCustomer(check=check_of(aside), fields=["planet"])
    wrong = Order("update_customer", made(scene).result["customer"], params, "mara", aside=aside)
    outcome = orders.fulfilled(scene.engine(), wrong)
    assert (outcome.state, outcome.why) == ("failed", "parameter_unknown")
    (told,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert outcome.action_id in told.message
    assert "req_" in told.message
    assert "Mars" not in told.message
    with scene.store.reading() as connection:
        last = consistency.entries_of(connection, outcome.action_id)[-1]
    assert (last.event, json.loads(last.body)["family"]) == ("failed", "ours")


def test_many_who_order_the_same_at_once_make_one_customer(scene: Scene) -> None:
    def ordered(number: int) -> str:
        details = replace(ADA, name=ADA.name if number % 2 else "Ada King")
        try:
            return made(scene, "acc_1", details, even_if_email_is_known=True, owner=f"process-{number}").event
        except BillingError as error:
            return type(error).__name__

    with ThreadPoolExecutor(6) as pool:
        events = list(pool.map(ordered, range(6)))
    assert len(of_reference(scene, "acc_1")) == 1, events
    assert "verified" in events
    with scene.store.reading() as connection:
        assert consistency.examined(connection, ())[1] == []
