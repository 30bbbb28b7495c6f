"""Each notice is sent once, by how things stand when it is sent, under limits, and never to whom it must not go."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from billing import erasures
from billing.erasures import Asked
from billing.errors import StripeUnavailableError
from billing.notices import book, looking, sending, suppression
from billing.notices.addresses import remembered
from billing.notices.looking import Seen
from billing.notices.post import PostError
from billing.store import open_store
from billing.tables import notices as table
from billing.tables import webhook_events
from billing.wire import Wire
from tests.billing.account import Scene
from tests.billing.notices.company import KEY, Company, choices, states
from tests.billing.notices.post_office import office


@pytest.fixture
def company(scene: Scene) -> Iterator[Company]:
    with office() as running:
        yield Company(scene, running)


def failed(company: Company) -> dict[str, Any]:
    """An invoice whose payment failed, the event of which came in."""
    invoice = company.scene.failed_invoices()[0]
    company.arrived("invoice.payment_failed", invoice["id"])
    company.heard()
    return invoice


def address_of(company: Company, customer_id: str) -> str:
    return str(company.scene.get(f"/v1/customers/{customer_id}")["email"])


def test_a_failed_payment_is_told_once_however_often_it_is_told_of(company: Company) -> None:
    invoice = company.scene.failed_invoices()[0]
    for thin in (False, True, False):
        company.arrived("invoice.payment_failed", invoice["id"], thin=thin)
    assert len(company.heard()) == 1
    (told,) = company.send()
    assert company.send() == []
    (mail,) = company.office.mails
    stage = {1: "first", 2: "second"}.get(invoice["attempt_count"], "final")
    stage = "final" if invoice["next_payment_attempt"] is None else stage
    assert (told.notice.kind, told.state) in ((f"payment_failed_{stage}", "due"), (f"payment_failed_{stage}", "sent"))
    assert mail["To"] == address_of(company, invoice["customer"])
    assert invoice["number"] in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert invoice["hosted_invoice_url"] in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert company.trail() == ["notice_intended", "notice_sent"]


@pytest.mark.parametrize(
    ("attempt", "next_attempt", "kind"),
    [
        (1, 1, "payment_failed_first"),
        (2, 1, "payment_failed_second"),
        (3, 1, None),
        (4, None, "payment_failed_final"),
        (1, None, "payment_failed_final"),
    ],
)
def test_the_kind_follows_from_the_attempt_and_whether_there_is_another(
    attempt: int, next_attempt: int | None, kind: str | None
) -> None:
    assert looking._stage(attempt, next_attempt) == kind


def test_what_is_paid_by_the_time_it_is_sent_is_not_sent(company: Company) -> None:
    invoice = failed(company)
    company.scene.give_card(invoice["customer"])
    company.scene.post(f"/v1/invoices/{invoice['id']}/pay")
    assert states(company.send()) == [(None, "skipped", "invoice_is_paid")]
    assert company.office.taken == []


def test_a_failed_payment_waits_until_stripe_has_set_its_next_attempt(company: Company) -> None:
    company.asked = choices(wait_minutes=15)
    failed(company)
    assert company.send() == []
    company.later = timedelta(minutes=16)
    assert [each.state for each in company.send()] == ["sent"]


def test_what_is_too_old_is_not_sent(company: Company) -> None:
    failed(company)
    company.later = timedelta(hours=49)
    assert states(company.send()) == [(None, "skipped", "too_old")]


def test_a_kind_that_is_not_asked_for_is_not_sent_and_its_events_are_not_heard(company: Company) -> None:
    failed(company)
    company.asked = choices(send=["welcome"])
    (told,) = company.send()
    assert (told.state, told.why) == ("skipped", "not_asked_for")
    other = company.scene.failed_invoices()[-1]
    company.arrived("invoice.payment_failed", other["id"], attempt_count=9)
    assert len(company.heard()) == 1


def test_a_dry_run_sends_nothing_and_notes_nothing(company: Company) -> None:
    failed(company)
    (told,) = sending.dry_run(company.engine())
    assert told.state == "sent"
    assert company.office.taken == []
    assert company.trail() == []
    assert [each.state for each in company.book()] == ["due"]


def test_a_dispute_goes_to_the_company_s_own_people_with_its_amount_and_date(company: Company) -> None:
    company.arrived("charge.dispute.created", dispute(company)["id"])
    company.heard()
    assert states(company.send())[0][1] == "sent"
    (taken,) = company.office.taken
    assert taken.rcpt_tos == ["disputes@example.com", "mara@example.com"]
    (mail,) = company.office.mails
    assert "evidence is due by" in mail["Subject"]
    assert "/test/disputes/du_" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def dispute(company: Company) -> dict[str, Any]:
    return dict(company.scene.get("/v1/disputes", limit=1)["data"][0])


def test_a_new_customer_is_welcomed_once_in_their_own_language(company: Company) -> None:
    subscription = next(company.scene.wire.pages("/v1/subscriptions", status="active"))
    customer = company.scene.post(f"/v1/customers/{subscription['customer']}", email="Grace@Example.com")
    for type_ in ("customer.subscription.created", "customer.subscription.created"):
        company.arrived(type_, subscription["id"])
    paid = company.scene.get("/v1/invoices", subscription=subscription["id"], limit=100)["data"][-1]
    assert (paid["billing_reason"], paid["status"]) == ("subscription_create", "paid")
    company.arrived("invoice.paid", paid["id"])
    assert len(company.heard()) == 1
    assert [each.state for each in company.send()] == ["sent"]
    (mail,) = company.office.mails
    assert mail["To"] == "Grace@example.com"
    assert f"Hello {customer['name']}," in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("created", "status", "is_before"),
    [(1, "active", True), (1, "canceled", True), (1, "incomplete_expired", False), (9, "active", False)],
)
def test_who_had_a_subscription_before_is_not_new(created: int, status: str, is_before: bool) -> None:
    one, first = {"id": "sub_0", "created": created, "status": status}, {"id": "sub_1", "created": 5}
    assert looking._came_before(one, first) is is_before
    assert not looking._came_before({**first, "status": "active"}, first)


def test_a_refund_is_confirmed_to_whom_it_went(company: Company) -> None:
    refund = next(each for each in company.scene.wire.pages("/v1/refunds") if each["status"] == "succeeded")
    charge = company.scene.get(f"/v1/charges/{refund['charge']}")
    company.arrived("refund.created", refund["id"])
    company.arrived("refund.updated", refund["id"])
    company.heard()
    assert [each.state for each in company.send()] == ["sent"]
    (mail,) = company.office.mails
    assert mail["To"] == address_of(company, charge["customer"])
    assert company.book()[0].customer_id == charge["customer"]


def test_a_trial_s_end_is_told_unless_it_was_moved_or_ends_the_subscription(company: Company) -> None:
    trial = trialing(company)
    for end in (trial["trial_end"], trial["trial_end"] + 60):
        company.arrived("customer.subscription.trial_will_end", trial["id"], trial_end=end)
    company.heard()
    told = {each.state: each.why for each in company.send()}
    assert told == {"sent": "", "skipped": "trial_is_another"}


def test_no_more_than_so_many_an_hour_and_a_customer_a_day(company: Company) -> None:
    company.asked = choices(limits={"per_hour": 3, "per_customer_per_day": 2})
    invoice = company.scene.failed_invoices()[0]
    with company.store.engine.begin() as connection:
        for number in range(5):
            book.enter(connection, due(company, f"in_{number}", invoice["customer"]))
    engine = replaced(company, invoice["customer"])
    assert [each.why for each in sending.send(engine, company.office.server)] == ["", "", *["limit_per_customer"] * 3]
    company.later = timedelta(hours=25)
    engine = replaced(company, invoice["customer"])
    assert [each.why for each in sending.send(engine, company.office.server)] == ["", "", "limit_per_customer"]
    assert len(company.office.taken) == 4


def test_a_flood_stops_at_the_hour_s_limit_and_does_not_hold_up_the_company(company: Company) -> None:
    company.asked = choices(limits={"per_hour": 3, "per_customer_per_day": 2})
    with company.store.engine.begin() as connection:
        for number in range(150):
            book.enter(connection, due(company, f"in_{number}", f"cus_{number}"))
    company.arrived("charge.dispute.created", dispute(company)["id"])
    company.heard()
    told = list(sending.send(replaced(company, None), company.office.server))
    assert [each.state for each in told].count("sent") == 4
    assert told[0].notice.cause == "dispute"
    assert {each.why for each in told if each.state == "due"} == {"limit_per_hour"}
    company.later = timedelta(minutes=61)
    again = list(sending.send(replaced(company, None), company.office.server))
    assert [each.state for each in again].count("sent") == 3


def due(company: Company, object_id: str, customer_id: str, state: str = "due", **more: Any) -> book.Notice:
    id_ = book.id_of(company.account_id, False, "payment_failed", object_id)
    return book.Notice(
        id_, company.account_id, False, "payment_failed", object_id, "1", company.now, company.now, state,
        customer_id=customer_id, **more,
    )  # fmt: skip


def replaced(company: Company, customer_id: str | None) -> sending.Engine:
    """The engine, to which every invoice looks as one that failed, of whoever the notice says."""
    engine = company.engine()
    sample = dict.fromkeys(("number", "amount", "reason", "next_attempt"), "sample")
    common = {"company": "Example GmbH", "name": None, "account_link": None, "pay_link": None}

    def looked(notice: book.Notice) -> Seen:
        whose = customer_id or notice.customer_id
        return Seen("payment_failed_first", [f"{whose}@example.com"], "en", sample | common, whose)

    wire = _Sees(company.scene.wire.key, company.scene.wire.base_url)
    object.__setattr__(wire, "looked", looked)
    return replace(engine, wires=dict.fromkeys(engine.wires, wire))


class _Sees(Wire):
    """Knows of invoices that there are not, where hundreds of customers are needed, who need not be anybody."""

    looked: Any


@pytest.fixture(autouse=True)
def _seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(wire: Any, asked: Any, notice: book.Notice) -> Any:
        if isinstance(wire, _Sees) and notice.cause == "payment_failed":
            return wire.looked(notice)
        return looking.look(wire, asked, notice)

    monkeypatch.setattr("billing.notices.sending.look", look)


def test_an_address_that_does_not_exist_gets_no_second_mail(company: Company) -> None:
    invoice = failed(company)
    address = address_of(company, invoice["customer"])
    company.office.rcpt[address] = "550 5.1.1 no such mailbox"
    (told,) = company.send()
    assert (told.state, told.why) == ("refused", "smtp_550_5.1.1")
    with company.store.reading() as connection:
        assert suppression.why_not(connection, remembered(address.upper(), KEY)) == "bounced"
    company.arrived("customer.subscription.trial_will_end", trial_of_same_address(company, address))
    company.heard()
    assert states(company.send()) == [(None, "skipped", "bounced")]


def trial_of_same_address(company: Company, address: str) -> str:
    trial = trialing(company)
    company.scene.post(f"/v1/customers/{trial['customer']}", email=address)
    return str(trial["id"])


def trialing(company: Company) -> dict[str, Any]:
    """A subscription on trial, the first of which begins within two weeks."""
    company.scene.sandbox.advance(days=14)
    return dict(next(company.scene.wire.pages("/v1/subscriptions", status="trialing")))


def test_who_opted_out_by_a_notice_gets_no_other_until_allowed_again(company: Company) -> None:
    failed(company)
    (told,) = company.send()
    whom = suppression.whom(company.store, told.notice.notice_id, KEY)
    suppression.suppress(company.store, whom, "opted_out", company.now, "mara")
    invoice = company.scene.failed_invoices()[0]
    assert whom == invoice["customer"]
    company.arrived("invoice.payment_failed", invoice["id"], attempt_count=99)
    company.heard()
    with company.store.engine.begin() as connection:
        connection.execute(table.update().where(table.c.state == "due").values(occasion=str(invoice["attempt_count"])))
    assert states(company.send()) == [(None, "skipped", "opted_out")]
    assert suppression.allow(company.store, whom, company.now, "mara")
    assert not suppression.allow(company.store, whom, company.now, "mara")


def test_whoever_is_erased_gets_no_mail(company: Company) -> None:
    invoice = failed(company)
    asked = Asked(company.account_id, False, invoice["customer"])
    erasures.begin(company.store, asked, company.now, "mara")
    assert states(company.send()) == [(None, "skipped", "customer_is_erased")]
    assert company.office.taken == []


def test_what_is_not_one_address_gets_no_mail(company: Company) -> None:
    invoice = failed(company)
    company.scene.post(f"/v1/customers/{invoice['customer']}", email="a@example.com, b@example.com")
    assert states(company.send()) == [(None, "skipped", "no_usable_address")]


def test_a_server_that_is_busy_is_asked_again_later_each_time(company: Company) -> None:
    failed(company)
    company.office.data = "451 4.3.0 come again"
    waits = []
    for _ in range(3):
        (told,) = company.send()
        assert (told.state, told.why) == ("due", "smtp_451_4.3.0")
        waits.append(company.book()[0].due_at - company.now)
        assert company.send() == []
        company.later += waits[-1]
    company.office.data = None
    assert [each.state for each in company.send()] == ["sent"]
    # A minute, doubled each time; the sandbox's clock stands still, so this is exact but for its seconds.
    assert [round(each.total_seconds() / 60) for each in waits] == [1, 2, 4]


def test_a_mail_server_that_is_down_leaves_everything_as_it_is(company: Company) -> None:
    failed(company)
    down = replace(company.office.server, port=1)
    with pytest.raises(PostError):
        list(sending.send(company.engine(), down))
    assert [(each.state, each.attempts) for each in company.book()] == [("due", 0)]
    assert company.trail() == []


def test_stripe_without_an_answer_leaves_a_notice_due(company: Company) -> None:
    failed(company)

    class Silent(Wire):
        def get(self, path: str, **params: Any) -> Any:
            raise StripeUnavailableError("no answer")

    silent = Silent(company.scene.wire.key, company.scene.wire.base_url)
    assert states(company.send(wire=silent)) == [(None, "due", "stripe_gives_no_answer")]
    company.later = timedelta(minutes=6)
    assert [each.state for each in company.send()] == ["sent"]


def test_a_connection_that_breaks_behind_the_mail_sends_a_customer_nothing_more(company: Company) -> None:
    failed(company)
    company.office.hangs_up = True
    (told,) = company.send()
    assert (told.state, len(company.office.taken)) == ("unknown", 1)
    company.office.hangs_up = False
    company.later = timedelta(hours=1)
    assert company.send() == []
    assert company.trail() == ["notice_intended", "notice_unknown"]


def test_a_dispute_of_which_nobody_knows_is_sent_once_more_under_the_same_id(company: Company) -> None:
    company.arrived("charge.dispute.created", dispute(company)["id"])
    company.heard()
    company.office.hangs_up = True
    assert [each.why for each in company.send()] == ["SMTPServerDisconnected_and_sent_again"]
    assert [each.state for each in company.send()] == ["unknown"]
    first, second = company.office.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert company.send() == []


def test_what_a_killed_run_intended_is_settled_once_nobody_works_on_it(company: Company) -> None:
    with company.store.engine.begin() as connection:
        intended = {"kind": "payment_failed_first", "intended_at": company.now, "attempts": 1}
        book.enter(connection, due(company, "in_killed", "cus_1", "intended", **intended))
    assert company.send() == []
    company.later = sending.LEASE + timedelta(seconds=5)
    assert states(company.send()) == [("payment_failed_first", "unknown", "interrupted")]
    assert company.office.taken == []


def test_two_processes_send_one_mail(company: Company) -> None:
    failed(company)
    engine = company.engine()
    (first,), _ = sending._next(engine, sending._due(engine))
    assert [each.state for each in company.send()] == ["sent"]
    assert isinstance(first, sending._Ready)
    assert sending._claimed(engine, first) == "another_process_sends_it"


def test_the_store_keeps_no_address_no_name_and_no_link(company: Company) -> None:
    invoice = failed(company)
    customer = company.scene.get(f"/v1/customers/{invoice['customer']}")
    company.office.rcpt[customer["email"]] = "550 5.1.1 no such mailbox"
    assert [each.state for each in company.send()] == ["refused"]
    with company.store.engine.begin() as connection:
        connection.execute(webhook_events.delete())  # the inbox is scrubbed by itself, before anything is in it
    company.store.compact()
    held = b"".join(each.read_bytes() for each in company.store.anchor.parent.iterdir())
    for personal in (customer["email"], customer["name"], invoice["hosted_invoice_url"]):
        assert personal.encode() not in held
    assert invoice["id"].encode() in held


def test_entering_is_the_same_in_both_databases(url: str | None, tmp_path: Any) -> None:
    store = open_store(url, tmp_path)
    at = datetime.fromisoformat("2026-11-26T10:00:00+00:00")
    notice = book.Notice("ntc_1", "acct_1", False, "refund", "re_1", "", at, at)
    with store.engine.begin() as connection:
        assert [book.enter(connection, notice), book.enter(connection, notice)] == [True, False]
    with store.writing() as transaction:
        assert book.step(transaction, notice, "intended", at, kind="refund_confirmed", attempts=1, intended_at=at)
        assert not book.step(transaction, notice, "intended", at, kind="refund_confirmed", attempts=1, intended_at=at)
    suppression.suppress(store, "cus_1", "bounced", at)
    suppression.suppress(store, "cus_1", "opted_out", at)
    with store.reading() as connection:
        assert suppression.why_not(connection, "cus_1", "cus_2") == "bounced"
        assert book.counts(connection) == {"intended": 1}
    store.close()
