"""From a flag to a recovered invoice: once, only as approved, and only while the world still wants it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from billing import apply, approvals, book, limits, plan
from billing.apply import Told
from billing.book import Planned
from billing.canonical import Json, canonical
from billing.consistency import entries_of, examined, noted
from billing.errors import StripeRefusedError, UsageError
from billing.rules import Limits
from billing.tables import actions, head, trail
from billing.wire import standing
from sandbox.serving import Sandbox
from tests.billing.account import RULES, Scene, unpaced


def of(scene: Scene, action_id: str) -> Planned:
    with scene.store.reading() as connection:
        return book.one_of(connection, action_id)


def events(scene: Scene, action_id: str) -> list[str]:
    with scene.store.reading() as connection:
        assert examined(connection, noted(scene.store.anchor))[1] == []
        return [entry.event for entry in entries_of(connection, action_id)]


def applied(scene: Scene, **engine: object) -> list[Told]:
    return list(apply.apply(scene.engine(**engine)))  # type: ignore[arg-type]


def writes(sandbox: Sandbox) -> list[str]:
    """What was sent that acts: the POSTs, without their previews."""
    return [entry["path"] for entry in sandbox.requests.recent if entry["method"] != "GET"]


def test_a_flag_leads_to_a_recovered_invoice(both: Scene) -> None:
    invoice = both.failed_invoices()[0]
    both.give_card(invoice["customer"])
    before = len(both.charges(invoice["customer"]))
    (id_,) = both.approved(both.flag(invoice))
    proposed = of(both, id_)
    assert (proposed.amount, proposed.currency) == (invoice["amount_remaining"], invoice["currency"])
    both.sandbox.forget_requests()
    (told,) = applied(both)
    assert told.event == "verified"
    assert writes(both.sandbox) == [f"/v1/invoices/{invoice['id']}/pay"]
    assert both.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"
    assert len(both.charges(invoice["customer"])) == before + 1
    done = of(both, id_)
    assert (done.state, done.outcome) == ("done", "done")
    assert done.request_id
    assert done.request_id.startswith("req_")
    assert events(both, id_) == ["planned", "approved", "intended", "acted", "verified"]
    assert applied(both) == []


def test_a_dry_run_and_what_nobody_approved_send_nothing_that_acts(scene: Scene) -> None:
    one, other = scene.failed_invoices()[:2]
    scene.approved(scene.flag(one))
    (waiting,) = scene.planned(scene.flag(other))
    scene.sandbox.forget_requests()
    told = {each.planned.subject_id: each.why for each in apply.dry_run(scene.engine())}
    assert told == {one["id"]: "act", other["id"]: "wait: not_approved"}
    assert writes(scene.sandbox) == []
    with scene.store.writing() as transaction:
        approvals_before = transaction.head
    assert approvals_before.seq == 3  # planned, approved, planned: a dry run records nothing
    assert [each.planned.subject_id for each in applied(scene)] == [one["id"]]
    assert of(scene, waiting).state == "proposed"


def test_a_declined_card_is_a_failure_with_the_issuers_code_and_is_not_tried_again(scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    scene.give_card(invoice["customer"], "pm_card_chargeCustomerFail")
    (id_,) = scene.approved(scene.flag(invoice))
    (told,) = applied(scene)
    assert (told.event, of(scene, id_).state) == ("failed", "failed")
    assert told.why.startswith("card_declined")
    assert applied(scene) == []
    assert events(scene, id_) == ["planned", "approved", "intended", "failed"]


def test_what_was_paid_meanwhile_is_left_alone(scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    (id_,) = scene.approved(scene.flag(invoice))
    scene.give_card(invoice["customer"])
    scene.post(f"/v1/invoices/{invoice['id']}/pay")
    before = len(scene.charges(invoice["customer"]))
    (told,) = applied(scene)
    assert (told.event, told.why) == ("skipped", "invoice_is_paid")
    assert len(scene.charges(invoice["customer"])) == before
    assert events(scene, id_) == ["planned", "approved", "skipped"]


def test_an_expired_flag_is_neither_planned_nor_done(scene: Scene) -> None:
    invoice, other = scene.failed_invoices()[:2]
    soon = scene.now + timedelta(hours=1)
    (id_,) = scene.approved(scene.flag(invoice, expires_at=soon))
    scene.sandbox.advance(days=0.05)
    (told,) = applied(scene)
    assert (told.event, of(scene, id_).state) == ("expired", "expired")
    assert scene.planned(scene.flag(other, expires_at=scene.now)) == []


def test_a_revoked_approval_holds_even_at_the_last_moment(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = scene.failed_invoices()[0]
    scene.give_card(invoice["customer"])
    (id_,) = scene.approved(scene.flag(invoice))
    written_down = apply._written_down

    def revoked_first(*arguments: object) -> object:
        approvals.revoke(scene.store, [id_], "ops", scene.now)
        return written_down(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(apply, "_written_down", revoked_first)
    scene.sandbox.forget_requests()
    (told,) = applied(scene)
    assert (told.event, told.why) == ("waits", "no_longer_approved")
    assert writes(scene.sandbox) == []
    assert applied(scene) == []
    assert of(scene, id_).state == "revoked"


def test_what_would_be_done_now_is_approved_anew_where_it_is_not_what_was_approved(scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    (id_,) = scene.approved(scene.flag(invoice))
    with scene.store.writing() as transaction:  # as if a smaller amount had been owed when it was planned
        smaller = book.one_of(transaction.connection, id_)
        fewer = smaller.__class__(**vars(smaller) | {"amount": 100})
        transaction.connection.execute(
            actions.update().values(amount=100, digest=fewer.content_digest(), state="proposed")
        )
        body = {"digest": fewer.content_digest(), "state": "proposed"}
        transaction.record("changed", at=scene.now, actor="tests", action_id=id_, body=body)
    approvals.approve(scene.store, [id_], "mara", scene.now)
    scene.sandbox.forget_requests()
    (told,) = applied(scene)
    assert (told.event, told.why) == ("changed", "amount_has_changed")
    assert writes(scene.sandbox) == []
    anew = of(scene, id_)
    assert (anew.state, anew.amount, anew.approved_by) == ("proposed", invoice["amount_remaining"], None)
    assert applied(scene) == []
    assert events(scene, id_)[-1] == "changed"


def test_an_approval_that_is_not_in_the_trail_waits_for_ever(scene: Scene) -> None:
    (id_,) = scene.planned(scene.flag(scene.failed_invoices()[0]))
    with scene.store.engine.begin() as connection:
        connection.execute(actions.update().values(state="approved", approved_by="mara", approved_at=scene.now))
    scene.sandbox.forget_requests()
    assert [each.why for each in apply.dry_run(scene.engine())] == ["wait: approval_is_not_in_the_trail"]
    (told,) = applied(scene)
    assert (told.event, told.why) == ("waits", "approval_is_not_in_the_trail")
    assert writes(scene.sandbox) == []
    assert of(scene, id_).state == "approved"


def behind_its_back(scene: Scene, id_: str, **columns: object) -> None:
    """As somebody does who may write the database, and neither approve nor act."""
    with scene.store.engine.begin() as connection:
        connection.execute(actions.update().where(actions.c.action_id == id_).values(**columns))


def left_intended(scene: Scene) -> str:
    """A refund of 1.00 whose intent was written down, and that never arrived."""
    paid = next(each for each in scene.wire.pages("/v1/invoices", status="paid") if each["amount_paid"] > 1000)
    id_ = scene.by_hand("refund", paid["id"], mode="partial", amount=100)
    approvals.approve(scene.store, [id_], "mara", scene.now)
    scene.sandbox.fail("reset", "/v1/credit_notes", method="POST")
    assert [told.event for told in applied(scene)] == ["waits"]
    scene.sandbox.heal()
    scene.sandbox.forget_requests()
    return id_


def larger(scene: Scene, id_: str) -> str:
    """The request of a refund, with another amount than was approved."""
    planned = of(scene, id_)
    params: dict[str, Json] = {"invoice": planned.subject_id, "amount": 400, "refund_amount": 400}
    return canonical({"method": "post", "path": "/v1/credit_notes", "params": params})


def faults_of(scene: Scene, id_: str) -> list[str]:
    with scene.store.reading() as connection:
        return [each.words for each in examined(connection, noted(scene.store.anchor))[1] if id_ in each.words]


def test_what_was_rejected_is_not_sent_because_its_row_says_that_it_was_intended(both: Scene) -> None:
    paid = next(each for each in both.wire.pages("/v1/invoices", status="paid") if each["amount_paid"] > 1000)
    id_ = both.by_hand("refund", paid["id"], mode="partial", amount=100)
    approvals.reject(both.store, [id_], "mara", both.now)
    behind_its_back(both, id_, state="intended", intended_at=both.now, request=larger(both, id_))
    both.sandbox.forget_requests()
    (told,) = applied(both)
    assert (told.event, told.why) == ("waits", apply.NOT_APPROVED)
    assert writes(both.sandbox) == []
    assert of(both, id_).state == "intended"
    assert any("in the book" in words for words in faults_of(both, id_))


def test_what_was_intended_is_sent_again_as_the_trail_has_it_or_not_at_all(scene: Scene) -> None:
    id_ = left_intended(scene)
    there = of(scene, id_)
    for tampered in (
        {"request": larger(scene, id_)},
        {"intended_at": scene.now + timedelta(days=30)},  # so that it would be sent long after Stripe forgot the key
        {"approved_by": "eve"},
    ):
        behind_its_back(scene, id_, **tampered)
        assert [(told.event, told.why) for told in applied(scene)] == [("waits", apply.NOT_AS_TOLD)]
        assert writes(scene.sandbox) == []
        assert any(next(iter(tampered)) in words for words in faults_of(scene, id_))
        behind_its_back(scene, id_, **{name: getattr(there, name) for name in tampered})
    assert [told.event for told in applied(scene)] == ["verified"]
    assert writes(scene.sandbox) == ["/v1/credit_notes"]
    assert events(scene, id_) == ["planned", "approved", "intended", "acted", "verified"]


def test_nothing_is_sent_again_by_a_trail_that_is_not_as_it_was_written(scene: Scene) -> None:
    id_ = left_intended(scene)
    request = larger(scene, id_)
    with scene.store.engine.begin() as connection:
        connection.exec_driver_sql("drop trigger audit_trail_no_update")
        entry = entries_of(connection, id_)[-1]
        body = canonical({**json.loads(entry.body), "request": request})
        forged = replace(entry, body=body)  # the last entry, so that nothing but what was noted outside tells
        anew = replace(forged, digest=forged.expected_digest())
        connection.execute(trail.update().where(trail.c.seq == entry.seq).values(**vars(anew)))
        connection.execute(head.update().values(digest=anew.digest))
    behind_its_back(scene, id_, request=request)
    assert [(told.event, told.why) for told in applied(scene)] == [("waits", apply.BROKEN)]
    with scene.store.engine.begin() as connection:
        connection.execute(trail.update().where(trail.c.seq == entry.seq).values(actor="eve"))
    assert [(told.event, told.why) for told in applied(scene)] == [("waits", apply.NOT_AS_TOLD)]
    assert writes(scene.sandbox) == []


def test_what_is_done_is_not_done_again_because_its_row_says_that_it_is_approved(scene: Scene) -> None:
    (id_,) = scene.approved(scene.flag(scene.failed_invoices()[0]))
    applied(scene)
    behind_its_back(scene, id_, state="approved", request=None, intended_at=None)
    scene.sandbox.forget_requests()
    assert [(told.event, told.why) for told in applied(scene)] == [("waits", apply.NOT_AS_TOLD)]
    assert writes(scene.sandbox) == []


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(per_run=1), "limit_per_run"),
        (Limits(per_day=1), "limit_per_day"),
        (Limits(per_day=0), "limit_per_day"),
    ],
)
def test_limits_hold_across_runs_of_a_day(both: Scene, limits: Limits, why: str) -> None:
    given = RULES.model_copy(update={"limits": limits})
    ids = both.approved(*map(both.flag, both.failed_invoices()[:2]), given=given)
    told = applied(both, given=given)
    assert [each.why for each in told if each.event == "waits"] == [why] * (2 - min(limits.per_day, limits.per_run))
    assert {of(both, id_).state for id_ in ids} <= {"approved", "failed", "done"}
    if limits.per_day == 1:
        assert [each.why for each in applied(both, given=given)] == [why]
        both.sandbox.advance(days=1.01)
        assert [each.event for each in applied(both, given=given)] != ["waits"]


def test_a_customer_is_left_in_peace_between_actions(scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    one, other = scene.flag(invoice), scene.flag(invoice, flag_id="flag_other")
    scene.approved(one, other)
    told = applied(scene)
    assert [each.why for each in told if each.event == "waits"] == ["cool_down"]
    assert len(told) == 2
    twice = RULES.model_copy(update={"limits": Limits(cool_down_days=0, per_customer=1)})
    assert [each.why for each in applied(scene, given=twice)] == ["limit_per_customer"]


def test_the_kill_switch_stops_between_two_actions(scene: Scene) -> None:
    scene.approved(*map(scene.flag, scene.failed_invoices()[:2]))
    reasons = iter([None, "stopped_by_file"])
    told = applied(scene, stopped=lambda: next(reasons))
    assert [each.why for each in told][1:] == ["stopped_by_file"]
    assert told[0].event in ("failed", "verified")
    assert [each.why for each in applied(scene, stopped=lambda: "stopped_by_rules")] == ["stopped_by_rules"]


def test_held_out_customers_are_planned_and_never_acted_on(scene: Scene) -> None:
    half = RULES.model_copy(update={"holdout": RULES.holdout.model_copy(update={"percent": 50})})
    flags = [scene.flag(invoice) for invoice in scene.failed_invoices()]
    account = standing(scene.wire).account_id
    held = {flag.customer_id for flag in flags if half.holds_out(account, flag.customer_id)}
    other = next(f"cus_{n}" for n in range(99) if half.holds_out(account, f"cus_{n}"))
    ids = scene.planned(*flags, scene.flag({**scene.failed_invoices()[0], "customer": other}, flag_id="x"), given=half)
    states = {of(scene, id_).customer_id: of(scene, id_).state for id_ in ids}
    assert states[other] == "held_out"
    assert {customer for customer, state in states.items() if state == "held_out"} == held | {other}
    with pytest.raises(Exception, match="can't be approved"):
        approvals.approve(scene.store, [id_ for id_ in ids if of(scene, id_).state == "held_out"], "mara", scene.now)


def test_a_key_that_may_not_act_leaves_everything_as_it_was(scene: Scene) -> None:
    (id_,) = scene.approved(scene.flag(scene.failed_invoices()[0]))
    reader = Scene(scene.sandbox, scene.store, unpaced(scene.sandbox, scene.sandbox.key))
    with pytest.raises(StripeRefusedError, match="permission"):
        applied(reader)
    assert of(scene, id_).state == "approved"
    assert events(scene, id_) == ["planned", "approved", "intended", "deferred"]
    assert [each.event for each in applied(scene)] == ["failed"]


def test_actions_of_another_mode_or_account_are_not_touched(scene: Scene) -> None:
    (id_,) = scene.approved(scene.flag(scene.failed_invoices()[0]))
    engine = scene.engine()
    live = engine.__class__(**vars(engine) | {"standing": engine.standing.__class__("acct_other", True, scene.now)})
    assert list(apply.apply(live)) == []
    with pytest.raises(UsageError, match="another account or mode"):
        list(apply.apply(live, [id_]))
    other = scene.flag(scene.failed_invoices()[1], account_id="acct_other")
    made = plan.plan(scene.store, scene.wire, standing(scene.wire), RULES, [other])
    assert [each.why for each in made.passed] == ["flag_of_another_account"]


def test_money_given_away_in_a_day_has_a_limit(scene: Scene) -> None:
    one, other = scene.failed_invoices()[:2]
    given = RULES.model_copy(update={"limits": Limits(amount_per_day={one["currency"]: one["amount_remaining"]})})
    ids = [scene.by_hand("write_off", invoice["id"]) for invoice in (one, other)]
    approvals.approve(scene.store, ids, "mara", scene.now)
    told = {each.planned.subject_id: (each.event, each.why) for each in applied(scene, given=given)}
    assert told[one["id"]][0] == "verified"
    assert told[other["id"]] == ("verified", "done")  # of another currency, which has no limit
    tight = RULES.model_copy(update={"limits": Limits(amount_per_day={one["currency"]: one["amount_remaining"] - 1})})
    planned = of(scene, next(id_ for id_ in ids if of(scene, id_).subject_id == one["id"]))
    with scene.store.reading() as connection:
        reached = limits.reached(connection, planned, tight.limits, scene.now)
    assert reached == "limit_amount_per_day"
