"""The end of a customer at Stripe: subscriptions as was asked, then the customer, each once and on record."""

import pytest

from billing import erasures, farewell
from billing.book import all_of
from billing.consistency import examined
from billing.erasures import Asked, Erasure
from billing.errors import UsageError
from billing.wire import Request, standing
from tests.billing.account import Scene


def subscriber(scene: Scene) -> str:
    """A customer whose subscription is charged automatically and goes on."""
    found = scene.wire.pages("/v1/subscriptions", status="active", collection_method="charge_automatically")
    return str(next(each["customer"] for each in found if not each["cancel_at"]))


def begin(scene: Scene, customer: str, **how: object) -> Erasure:
    asked = Asked(standing(scene.wire).account_id, False, customer, **how)  # type: ignore[arg-type]
    return erasures.begin(scene.store, asked, scene.now, "mara")


def kinds(scene: Scene, erasure: Erasure) -> list[tuple[str, str, str | None]]:
    with scene.store.reading() as connection:
        found = all_of(connection)
    mine = [each for each in found if each.customer_id == erasure.asked.customer_id and each.rule == "by-hand"]
    return sorted((each.kind, each.state, each.approved_by) for each in mine)


def test_subscriptions_end_at_once_and_the_customer_is_deleted(scene: Scene) -> None:
    customer = subscriber(scene)
    erasure = begin(scene, customer)
    ended = farewell.ended(scene.engine(), erasure)
    assert (ended.customer, len(ended.subscriptions), len(ended.actions)) == ("deleted", 1, 2)
    assert scene.get(f"/v1/customers/{customer}")["deleted"]
    assert scene.get(f"/v1/subscriptions/{ended.subscriptions[0]}")["status"] == "canceled"
    assert kinds(scene, erasure) == [("cancel", "done", "mara"), ("delete_customer", "done", "mara")]
    again = farewell.ended(scene.engine(), erasure)
    assert again == ended


def test_with_their_period_it_waits_and_goes_on_afterwards(scene: Scene) -> None:
    customer = subscriber(scene)
    erasure = begin(scene, customer, subscriptions="period_end")
    waits = farewell.ended(scene.engine(), erasure)
    assert (waits.customer, waits.why) == ("waits", "subscriptions_end_with_their_period")
    assert waits.until is not None
    assert waits.until > scene.now
    assert not scene.get(f"/v1/customers/{customer}").get("deleted")
    assert farewell.ended(scene.engine(), erasure).until == waits.until
    scene.sandbox.advance(to=int(waits.until.timestamp()) + 7200)
    assert farewell.ended(scene.engine(), erasure).customer == "deleted"


def test_who_waits_for_the_period_may_ask_for_it_at_once(scene: Scene) -> None:
    customer = subscriber(scene)
    later = begin(scene, customer, subscriptions="period_end")
    assert farewell.ended(scene.engine(), later).customer == "waits"
    now = begin(scene, customer)
    assert (now.erasure_id, now.begun_at) == (later.erasure_id, later.begun_at)
    assert farewell.ended(scene.engine(), now).customer == "deleted"
    (only,) = erasures.listed(scene.store)
    assert only.asked.subscriptions == "now"


def test_nothing_is_sent_where_subscriptions_are_kept_or_the_kill_switch_is_on(scene: Scene) -> None:
    customer = subscriber(scene)
    assert farewell.ended(scene.engine(), begin(scene, customer, subscriptions="keep")).customer == "left"
    other = begin(scene, customer)
    stopped = farewell.ended(scene.engine(stopped=lambda: "stopped_by_file"), other)
    assert (stopped.customer, stopped.actions) == ("waits", ())
    assert not scene.get(f"/v1/customers/{customer}").get("deleted")


def test_one_who_is_gone_or_was_never_there_is_no_failure(scene: Scene) -> None:
    customer = subscriber(scene)
    scene.wire.ask(Request("delete", f"/v1/customers/{customer}"))
    assert farewell.ended(scene.engine(), begin(scene, customer)).customer == "deleted_already"
    assert farewell.ended(scene.engine(), begin(scene, "cus_nobody")).customer == "not_found"


def test_a_key_of_another_account_ends_nothing(scene: Scene) -> None:
    asked = Asked("acct_other", False, subscriber(scene))
    erasure = erasures.begin(scene.store, asked, scene.now, "mara")
    with pytest.raises(UsageError, match="acct_other"):
        farewell.ended(scene.engine(), erasure)


def test_other_plans_for_the_customer_end_and_the_trail_stays_whole(scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    (waiting,) = scene.approved(scene.flag(invoice))
    erasure = begin(scene, invoice["customer"])
    with scene.store.reading() as connection:
        (planned,) = (each for each in all_of(connection) if each.action_id == waiting)
        assert planned.state == "expired"
        assert examined(connection, [])[1] == []
    assert begin(scene, invoice["customer"]) == erasure


def test_the_trail_says_how_far_each_is(scene: Scene) -> None:
    erasure = begin(scene, "cus_1", kept_metadata=("segment",), reference="T-1")
    erasures.mark(scene.store, erasure, ["cus_1", "ch_1"], scene.now)
    (marked,) = erasures.listed(scene.store)
    assert (marked.ids, marked.asked, marked.certificate) == (("ch_1", "cus_1"), erasure.asked, None)
    erasures.finish(scene.store, marked, {"kept": []}, scene.now)
    (done,) = erasures.listed(scene.store)
    assert done.certificate == {"kept": []}
    assert begin(scene, "cus_1").erasure_id != erasure.erasure_id
    with pytest.raises(UsageError, match="--reference"):
        begin(scene, "cus_2", reference="Ada Byron, London")
