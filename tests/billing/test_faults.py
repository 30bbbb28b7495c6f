"""Whatever happens between engine and Stripe, an invoice is charged once or not at all, and the trail says which."""

import threading
from typing import Any

import pytest

from billing import apply, book
from billing.apply import LEASE, REPLAY, Told
from billing.book import Planned
from billing.consistency import entries_of, examined, noted
from billing.wire import PATIENCE_SECONDS, Wire
from tests.billing.account import Scene, unpaced
from tests.billing.test_apply import applied, events, of

PAY = "/v1/invoices/*/pay"


def ready(scene: Scene) -> tuple[dict[str, Any], str, int]:
    """An approved retry of an invoice whose customer has a good card now; and how many charges went through before."""
    invoice = scene.failed_invoices()[0]
    scene.give_card(invoice["customer"])
    (id_,) = scene.approved(scene.flag(invoice))
    return invoice, id_, len(scene.charges(invoice["customer"]))


@pytest.mark.parametrize(
    ("fault", "event", "after"),
    [
        # once: an attempt later the same key answers, or does it
        ({"kind": "reset", "times": 1}, "verified", "done"),
        ({"kind": "reset", "times": 1, "effect": True}, "verified", "done"),
        ({"kind": "cut", "times": 1}, "verified", "done"),
        ({"kind": "conflict", "times": 1}, "verified", "done"),
        ({"kind": "lock_timeout", "times": 1}, "verified", "done"),
        ({"kind": "garbage", "times": 1, "effect": True}, "verified", "done"),
        ({"kind": "server_error", "times": 1, "kept": False, "effect": True}, "verified", "done"),
        # throughout: what is certain not to have happened is approved as before, what is not certain is on record
        ({"kind": "rate_limit"}, "deferred", "approved"),
        ({"kind": "reset"}, "waits", "intended"),
        ({"kind": "reset", "effect": True}, "waits", "intended"),
        ({"kind": "conflict"}, "waits", "intended"),
        ({"kind": "server_error", "status": 503}, "waits", "intended"),
    ],
)
def test_a_fault_at_the_act_never_charges_twice(scene: Scene, fault: dict[str, Any], event: str, after: str) -> None:
    invoice, id_, before = ready(scene)
    scene.sandbox.fail(path=PAY, method="POST", **fault)
    (told,) = applied(scene)
    assert (told.event, of(scene, id_).state) == (event, after), told
    scene.sandbox.heal()
    applied(scene)
    paid = scene.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"
    assert len(scene.charges(invoice["customer"])) == before + paid
    if fault["kind"] != "server_error":
        assert (paid, of(scene, id_).state) == (True, "done")
    assert len([each for each in events(scene, id_) if each == "acted"]) == paid


def test_a_timeout_whose_outcome_is_unknown_is_settled_by_the_next_run(scene: Scene) -> None:
    invoice, _, before = ready(scene)
    hasty = Scene(scene.sandbox, scene.store, unpaced(scene.sandbox).__class__(
        scene.sandbox.write_key, scene.sandbox.url, sleep=lambda seconds: None, timeouts=(5.0, 0.2)
    ))  # fmt: skip
    scene.sandbox.fail("hang", PAY, method="POST", seconds=1.0, effect=True)
    (told,) = applied(hasty)
    assert told.why.startswith("outcome_unknown")
    scene.sandbox.heal()
    (settled,) = applied(scene)
    assert (settled.event, settled.planned.outcome) == ("verified", "replayed")
    assert len(scene.charges(invoice["customer"])) == before + 1


def left_intended(scene: Scene, *, effect: bool) -> tuple[dict[str, Any], str, int]:
    """An action whose answer never came."""
    invoice, id_, before = ready(scene)
    scene.sandbox.fail("reset", PAY, method="POST", effect=effect)
    applied(scene)
    scene.sandbox.heal()
    assert of(scene, id_).state == "intended"
    return invoice, id_, before


def test_when_stripe_has_forgotten_the_key_nothing_is_sent_again(scene: Scene) -> None:
    invoice, id_, before = left_intended(scene, effect=False)
    scene.sandbox.fail("reset", "/v1/invoices/*/pay")
    scene.sandbox.advance(days=REPLAY.total_seconds() / 86_400 + 0.01)
    scene.sandbox.heal()
    status = scene.get(f"/v1/invoices/{invoice['id']}")["status"]
    told = [each for each in applied(scene) if each.planned.action_id == id_]
    assert (told[0].event, told[0].why) == (
        ("unclear", "seen_but_by_whom") if status == "paid" else ("undone", "no_effect_found")
    )
    assert len(scene.charges(invoice["customer"])) == before + (status == "paid")


def test_what_may_no_longer_be_done_is_not_done_by_settling_it(scene: Scene) -> None:
    invoice, _, before = left_intended(scene, effect=False)
    scene.post(f"/v1/invoices/{invoice['id']}/void")
    assert [each.why for each in applied(scene)] == ["may_still_arrive"]
    scene.sandbox.advance(days=0.02)
    assert [(each.event, each.why) for each in applied(scene)] == [("undone", "invoice_is_void")]
    assert len(scene.charges(invoice["customer"])) == before


def test_the_kill_switch_holds_for_settling_too(scene: Scene) -> None:
    invoice, id_, before = left_intended(scene, effect=False)
    assert [each.why for each in applied(scene, stopped=lambda: "stopped_by_file")] == ["stopped_by_file"]
    assert len(scene.charges(invoice["customer"])) == before
    assert [each.event for each in applied(scene)] == ["verified"]
    assert of(scene, id_).state == "done"


def test_an_effect_that_does_not_show_yet_is_verified_later(scene: Scene) -> None:
    invoice, id_, _ = ready(scene)
    scene.sandbox.fail("server_error", f"/v1/invoices/{invoice['id']}", method="GET", nth=2)
    with pytest.raises(Exception, match="no usable answer"):
        applied(scene, owner="one")
    assert of(scene, id_).state == "acted"
    scene.sandbox.heal()
    assert [each.event for each in applied(scene, owner="another")] == ["verified"]
    assert events(scene, id_) == ["planned", "approved", "intended", "acted", "verified"]


def test_two_workers_at_once_do_each_action_once(both: Scene) -> None:
    invoices = both.failed_invoices()[:2]
    before = {}
    for invoice in invoices:
        both.give_card(invoice["customer"])
        before[invoice["customer"]] = len(both.charges(invoice["customer"]))
    ids = both.approved(*map(both.flag, invoices))
    both.sandbox.limit(latency_ms=20)
    barrier = threading.Barrier(3)
    told: list[Told] = []

    def work(owner: str) -> None:
        own = Scene(both.sandbox, both.store, unpaced(both.sandbox))
        barrier.wait()
        told.extend(apply.apply(own.engine(owner=owner)))

    workers = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(each.planned.action_id for each in told if each.event == "verified") == sorted(ids)
    assert {each.event for each in told} <= {"verified", "busy"}
    for customer, charges in before.items():
        assert len(both.charges(customer)) == charges + 1
    for id_ in ids:
        assert events(both, id_) == ["planned", "approved", "intended", "acted", "verified"]


def test_a_worker_that_stopped_is_waited_for_and_then_relieved(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, _, before = ready(scene)

    class Gone(BaseException):
        pass

    def dies(*arguments: object) -> None:
        raise Gone

    with monkeypatch.context() as patch, pytest.raises(Gone):
        patch.setattr(apply, "_sent", dies)
        applied(scene, owner="gone")
    assert [each.event for each in applied(scene, owner="next")] == ["busy"]
    scene.sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
    assert [each.event for each in applied(scene, owner="next")] == ["verified"]
    assert len(scene.charges(invoice["customer"])) == before + 1


def test_a_worker_whose_claim_ended_finds_that_it_was_relieved(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, id_, before = ready(scene)
    sent = apply._sent

    def slowly(*arguments: Any) -> object:
        answer = sent(*arguments)
        scene.sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
        monkeypatch.setattr(apply, "_sent", sent)
        assert [each.event for each in applied(scene, owner="next")] == ["verified"]
        return answer

    monkeypatch.setattr(apply, "_sent", slowly)
    (told,) = applied(scene, owner="slow")
    assert (told.event, told.why) == ("busy", "relieved_by_another_process")
    assert len(scene.charges(invoice["customer"])) == before + 1
    assert events(scene, id_) == ["planned", "approved", "intended", "acted", "verified"]


def test_nothing_that_stripe_says_in_words_is_kept(scene: Scene) -> None:
    _, id_, _ = ready(scene)
    hostile = '{"error":{"type":"api_error","code":"x\\" onload=","message":"ann@example.com 4242424242424242"}}'
    scene.sandbox.fail("body", PAY, method="POST", body=hostile)
    (told,) = applied(scene)
    assert told.event == "waits"
    with scene.store.reading() as connection:
        kept = repr(vars(book.one_of(connection, id_))) + repr(entries_of(connection, id_))
        assert examined(connection, noted(scene.store.anchor))[1] == []
    assert "@" not in kept
    assert "4242" not in kept


def test_told_shows_no_secret_by_its_repr(scene: Scene) -> None:
    _, id_, _ = ready(scene)
    planned: Planned = of(scene, id_)
    assert "https" not in repr(Told(planned, "verified", "done", "https://billing.example/secret"))


def test_an_act_is_not_sent_again_by_a_machine_that_slept(scene: Scene) -> None:
    invoice, id_, before = ready(scene)
    passed = iter([0.0, PATIENCE_SECONDS + 1])
    slept = Wire(scene.sandbox.write_key, scene.sandbox.url, sleep=lambda wait: None, seconds=lambda: next(passed))
    scene.sandbox.fail("reset", PAY, method="POST", times=1)
    (told,) = applied(Scene(scene.sandbox, scene.store, slept))
    assert told.why.startswith("outcome_unknown")
    assert len(scene.charges(invoice["customer"])) == before
    assert [each.event for each in applied(scene)] == ["verified"]
    assert of(scene, id_).state == "done"
