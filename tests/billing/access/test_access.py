"""Access follows from how subscriptions stand, and is told at least once and in order, whatever events, servers and
processes do."""

import hmac
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.access import book, engine, hearing, telling
from billing.access.engine import Engine, Gone
from billing.access.policy import NONE, Access, Held, Policy, access_of, load, tier_of
from billing.errors import UsageError
from billing.store import Store
from billing.webhooks import hand_on, inbox
from billing.webhooks.inbox import Delivery
from billing.webhooks.notices import notice
from billing.webhooks.plugins import Handlers
from tests.billing.access.receiver import System, system
from tests.billing.access.stripe import Account, account, overdue, subscription
from tests.billing.webhooks.receiver import snapshot

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SECRETS = ("sec_new", "sec_old")
DAY = timedelta(days=1)
_IDS = count(1)


@dataclass
class Company:
    """An account, a system that is told, and the engine between them; `at` is the clock of both."""

    store: Store
    system: System
    account: Account = field(default_factory=account)
    at: datetime = NOW
    policy: dict[str, Any] = field(default_factory=dict)
    chance: float = 0.0
    secrets: Sequence[str] = SECRETS

    @property
    def engine(self) -> Engine:
        told = {"version": 1, "url": self.system.url, **self.policy}
        wires = {"acct_1": self.account}
        policy = Policy.model_validate(told)
        return Engine(self.store, policy, wires, lambda: self.at, "tests", self.secrets, lambda: self.chance)

    def ask(self, *customers: str) -> None:
        with self.store.engine.begin() as connection:
            for each in customers:
                book.ask(connection, "acct_1", each, livemode=False)

    def go(self) -> Gone:
        gone = Gone()
        engine.look(self.engine, gone)
        engine.tell(self.engine, gone)
        return gone

    def holds(self, customer: str, *subscriptions: dict[str, Any]) -> None:
        self.account.subscriptions[customer] = list(subscriptions)

    def changes(self) -> list[book.Change]:
        with self.store.reading() as connection:
            return book.listed(connection)[::-1]


@pytest.fixture
def here() -> Iterator[System]:
    with system() as running:
        yield running


@pytest.fixture
def company(sqlite: Store, here: System) -> Company:
    return Company(sqlite, here)


@pytest.fixture
def quick(company: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The same without waiting for the disk, for properties: what a crash leaves is held elsewhere."""
    monkeypatch.setattr("billing.store._note", lambda anchor, head: None)

    @sa.event.listens_for(company.store.engine, "connect")
    def _careless(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("pragma synchronous = off")

    return company


@pytest.fixture
def either(store: Store, here: System) -> Company:
    return Company(store, here)


def held(status: str, tier: str | None = "basic", **more: Any) -> Held:
    return Held("sub_1", status, (tier,) if tier else (), **more)


@pytest.mark.parametrize(
    ("status", "more", "policy", "has_access"),
    [
        ("active", {}, {}, True),
        ("trialing", {}, {}, True),
        ("incomplete", {}, {}, False),
        ("incomplete_expired", {}, {}, False),
        ("canceled", {}, {}, False),
        ("unpaid", {}, {}, False),
        ("paused", {}, {}, False),
        ("paused", {}, {"paused": True}, True),
        ("active", {"collection_is_paused": True}, {}, True),
        ("active", {"collection_is_paused": True}, {"collection_paused": False}, False),
        ("past_due", {"overdue_since": NOW - 13 * DAY}, {}, True),
        ("past_due", {"overdue_since": NOW - 14 * DAY}, {}, False),
        ("past_due", {"overdue_since": NOW}, {"past_due_days": 0}, False),
        ("past_due", {}, {}, False),
        ("a_status_of_2031", {}, {}, False),
    ],
)
def test_what_counts_as_access(status: str, more: dict[str, Any], policy: dict[str, Any], has_access: bool) -> None:
    assert access_of([held(status, **more)], Policy(version=1, **policy), NOW).has_access is has_access


def test_the_highest_tier_counts_and_only_of_what_gives_access() -> None:
    policy = Policy(version=1, order=["basic", "pro", "max"])
    mine = [held("active", "pro"), held("trialing", "basic"), held("canceled", "max"), held("active", None)]
    assert access_of(mine, policy, NOW) == Access(True, "pro", ("basic", "pro"), "active")
    assert access_of(mine[::-1], policy, NOW) == access_of(mine, policy, NOW)
    assert access_of([held("trialing", None)], policy, NOW) == Access(True, None, (), "trialing")
    assert access_of([], policy, NOW) == NONE


def test_the_end_of_grace_is_when_to_look_again() -> None:
    since = NOW - 3 * DAY
    found = access_of([held("past_due", overdue_since=since), held("active")], Policy(version=1), NOW)
    assert (found.reason, found.until) == ("active", since + 14 * DAY)


def test_a_tier_is_named_by_the_price_before_the_product() -> None:
    policy = Policy(version=1)
    assert tier_of(policy, {"tier": "team"}, {"tier": "basic"}) == "team"
    assert tier_of(policy, {"tier": " "}, {"tier": "basic"}) == "basic"
    assert tier_of(policy, {}, {}) is None
    assert tier_of(Policy(version=1, tier=["product.line"]), {"line": "x"}, {"line": "a\nb"}) == "a b"


def test_access_starts_changes_and_ends(either: Company) -> None:
    for subscriptions in (
        [],
        [("trialing", "basic")],
        [("active", "basic")],
        [("active", "pro")],
        [("canceled", "pro")],
    ):
        either.holds("cus_1", *(subscription("sub_1", *each) for each in subscriptions))
        either.ask("cus_1")
        either.go()
        either.at += timedelta(minutes=1)
    assert either.system.told("cus_1") == [(1, "started", "basic"), (2, "tier_changed", "pro"), (3, "ended", None)]
    last = either.system.bodies[-1]
    assert last["access"] == {"has_access": False, "tier": None, "tiers": []}
    assert last["before"] == {"has_access": True, "tier": "pro", "tiers": ["pro"]}
    assert (last["object"], last["account_id"], last["livemode"]) == ("access_change", "acct_1", False)
    with either.store.reading() as connection:
        told = book.standing(connection, either.at)
    assert (told.known, told.with_access, told.to_look_at, told.due, told.dead) == (1, 0, 0, 0, 0)


def test_calls_are_signed_as_stripe_signs_with_every_secret(company: Company) -> None:
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    company.go()
    ((body, header),) = company.system.requests
    told, *digests = header.split(",")
    assert told == f"t={int(NOW.timestamp())}"
    expected = [hmac.new(s.encode(), told[2:].encode() + b"." + body, sha256).hexdigest() for s in SECRETS]
    assert digests == [f"v1={each}" for each in expected]
    for secret in SECRETS:
        assert stripe.WebhookSignature.verify_header(body.decode(), header, secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode() + " ", header, SECRETS[0])


def test_grace_ends_by_the_clock_alone(company: Company) -> None:
    company.holds("cus_1", subscription("sub_1", "past_due"))
    since = int((NOW - 13 * DAY).timestamp())
    company.account.invoices["sub_1"] = [overdue(since + 86_400), overdue(since)]
    company.ask("cus_1")
    company.go()
    assert company.system.told("cus_1") == [(1, "started", "basic")]
    company.at = NOW + DAY - timedelta(seconds=1)
    assert company.go().looked == 0
    company.at = NOW + DAY
    assert company.go().looked == 1
    assert company.system.told("cus_1")[-1] == (2, "ended", None)
    assert company.go() == Gone()


def test_one_customer_s_failure_holds_up_nobody_else_and_order_is_kept(either: Company) -> None:
    either.system.answers = lambda body: 500 if body["customer_id"] == "cus_bad" else 200
    for tier in ("basic", "pro"):
        for customer in ("cus_bad", "cus_good"):
            either.holds(customer, subscription("sub_1", "active", tier))
            either.ask(customer)
        either.go()
    assert either.system.told("cus_good") == [(1, "started", "basic"), (2, "tier_changed", "pro")]
    assert either.system.told("cus_bad") == []
    assert [
        (each.number, each.attempts, each.failure) for each in either.changes() if each.customer_id == "cus_bad"
    ] == [
        (1, 1, "http_500"),
        (2, 0, None),
    ]
    either.system.answers = None
    either.at += timedelta(seconds=5)
    either.go()
    assert either.system.told("cus_bad") == [(1, "started", "basic"), (2, "tier_changed", "pro")]


def test_tries_are_further_apart_with_jitter_and_end_after_the_days_of_the_policy(company: Company) -> None:
    company.policy = {"give_up_days": 1}
    company.system.answers = lambda body: 503
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    gaps = []
    while company.go().failed:
        (change,) = company.changes()
        gaps.append(int((change.retry_at - company.at).total_seconds()))
        company.at = max(change.retry_at, company.at + timedelta(seconds=1))
    # 5 s doubled: 5, 10, 20, ... 2,560 (the 10th), then an hour each; a day after the first try it is left.
    assert gaps[:11] == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert set(gaps[11:-1]) == {3600}
    (change,) = company.changes()
    assert (change.state, change.failure) == ("dead", "http_503")
    # 10 tries in the first 5,115 s after the first, then 23 hours of one an hour: (86,400 - 5,115) / 3,600 = 22.6.
    assert change.attempts == 11 + 23
    company.system.answers = None
    assert book.tell_again(company.store, [change.change_id], company.at, "mara")
    assert company.go().delivered == 1
    assert engine.delay(0, 0.999) > engine.FIRST_DELAY / 2


def test_what_comes_after_a_change_that_was_left_for_good_goes_on(company: Company) -> None:
    company.policy = {"give_up_days": 1}
    company.system.answers = lambda body: 500 if body["number"] == 1 else 200
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    company.go()
    company.at += 2 * DAY
    company.go()
    company.holds("cus_1")
    company.ask("cus_1")
    company.go()
    assert company.system.told("cus_1") == [(2, "ended", None)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(company: Company, status: int) -> None:
    company.system.answers, company.system.sends_to = lambda body: status, company.system.url
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    assert company.go().failed == 1
    assert len(company.system.requests) == 1
    assert company.changes()[0].failure == f"http_{status}"


def test_no_answer_is_a_failure_and_is_told_again(company: Company) -> None:
    company.system.answers = lambda body: 0
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    assert company.go().failed == 1
    company.system.answers = None
    company.at += timedelta(seconds=5)
    assert company.go().delivered == 1


def test_stripe_without_an_answer_is_asked_again(company: Company) -> None:
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    object.__setattr__(company.account, "silent", True)
    assert company.go() == Gone()
    object.__setattr__(company.account, "silent", False)
    assert company.go() == Gone()
    company.at += timedelta(seconds=5)
    assert company.go().delivered == 1


def test_another_process_s_line_is_left_to_it_until_its_lease_ends(company: Company) -> None:
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    engine.look(company.engine, Gone())
    (change,) = company.changes()
    other = replace(company.engine, owner="another")
    assert engine._claimed(other, change)
    assert company.go().delivered == 0
    company.at += engine.LEASE + timedelta(seconds=1)
    assert company.go().delivered == 1
    assert not engine._claimed(other, change)  # it is told by now


def test_a_look_that_ends_after_another_changes_nothing(company: Company) -> None:
    company.ask("cus_1")
    with company.store.reading() as connection:
        (before,) = book.to_look_at(connection, NOW, 1)
    assert book.conclude(company.store, before, Access(True, "pro", ("pro",)), NOW)
    company.ask("cus_1")
    assert book.conclude(company.store, before, NONE, NOW + timedelta(seconds=1)) is None
    assert [each.change for each in company.changes()] == ["started"]
    with company.store.reading() as connection:
        assert len(book.to_look_at(connection, NOW, 1)) == 1


def test_a_function_of_the_company_s_own_is_told_instead(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"company_access_{next(_IDS)}"
    (tmp_path / f"{module}.py").write_text(
        "told = []\ndef tell(change):\n    if not told:\n        told.append(None)\n        raise OSError('down')\n"
        "    told.append((change['customer_id'], change['access']['tier']))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    company.policy = {"url": None, "plugin": module}
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    assert company.go().failed == 1
    company.at += timedelta(seconds=5)
    assert company.go().delivered == 1
    assert __import__(module).told == [None, ("cus_1", "basic")]


def test_nobody_is_told_unsigned() -> None:
    with pytest.raises(UsageError, match="must be signed"):
        telling.check(Policy(version=1, url="https://app.example.com/hooks"), ())
    with pytest.raises(UsageError, match="neither a url nor a plugin"):
        telling.check(Policy(version=1), SECRETS)
    with pytest.raises(UsageError, match="can't be imported"):
        telling.check(Policy(version=1, plugin="no_such_module_anywhere"), ())
    with pytest.raises(UsageError, match="no function `tell`"):
        telling.check(Policy(version=1, plugin="json"), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\nurl: http://app.example.com/", "not encrypted"),
        ("version: 1\nurl: http://127.0.0.1.example.com/", "not encrypted"),
        ("version: 1\nurl: ftp://app.example.com/", "no address"),
        ("version: 1\nurl: https://user:pass@app.example.com/", "holds a user"),
        ('version: 1\nurl: "https://app.example.com/\\r\\nX: y"', "no address"),
        ("version: 1\nplugin: ../evil", "plugin"),
        ("version: 1\nurl: https://a.example\nplugin: a", "both"),
        ("version: 1\ntier: [customer.tier]", "tier"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "access.yaml").write_text(text)
    with pytest.raises(UsageError, match=words):
        load(tmp_path / "access.yaml")


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/x", "http://[::1]/x", "https://10.0.0.5/x", "https://app.internal/x"]
)
def test_the_company_s_own_machines_are_addresses_too(tmp_path: Path, url: str) -> None:
    (tmp_path / "access.yaml").write_text(f"version: 1\nurl: '{url}'")
    assert load(tmp_path / "access.yaml").url == url


STATES = ("none", "trialing basic", "active basic", "active pro", "past_due basic", "paused pro", "unpaid basic")
Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("becomes"), st.integers(0, len(STATES) - 1)),
        st.tuples(st.just("event"), st.integers(0, 9)),
        st.tuples(st.just("go"), st.just(0)),
    ),
    max_size=14,
)


def in_state(company: Company, customer: str, state: str) -> Access:
    """Have the customer in a state; the access that it gives."""
    status, _, tier = state.partition(" ")
    company.account.invoices[f"sub_{customer}"] = [overdue(int(NOW.timestamp()))]
    company.holds(customer, *([subscription(f"sub_{customer}", status, tier)] if tier else []))
    gives = status in ("trialing", "active", "past_due")
    return Access(True, tier, (tier,)) if gives else NONE


def arrived(company: Company, customer: str, numbers: Sequence[int]) -> None:
    """Events of the customer's came in, in this order: the number is when each happened and what it said."""
    with company.store.engine.begin() as connection:
        for number in numbers:
            thing = {
                "object": "subscription",
                "id": f"sub_{customer}",
                "customer": customer,
                "status": STATES[number % 7],
            }
            id_, at = f"evt_{customer}_{number}", 1_795_000_000 + number
            told = notice(
                msgspec.json.encode(snapshot(id_, "customer.subscription.updated", created=at, data={"object": thing}))
            )
            inbox.append(connection, [Delivery(told, "acct_1", "default", NOW, told.payload.decode())])


def heard(company: Company) -> None:
    handlers = hearing.handlers(company.store, lambda occasion: None)
    hand_on.hand_on(company.store, Handlers(handlers), lambda: NOW + DAY)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_what_is_told_is_how_it_stood_at_each_look_whatever_the_events_say(quick: Company, script: list[Step]) -> None:
    customer = f"cus_{next(_IDS)}"
    state = in_state(quick, customer, "none")
    expected: list[Access] = []
    asked = False
    for word, number in [*script, ("event", 10), ("go", 0)]:
        quick.at += timedelta(seconds=1)
        if word == "becomes":
            state = in_state(quick, customer, STATES[number])
        elif word == "event":
            arrived(quick, customer, [number, number])
            asked = True
        else:
            heard(quick)
            quick.go()
            last = expected[-1] if expected else NONE
            if asked and not state.is_like(last):
                expected.append(state)
            asked = False
    told = [each for each in quick.system.bodies if each["customer_id"] == customer]
    said = [
        Access(each["access"]["has_access"], each["access"]["tier"], tuple(each["access"]["tiers"])) for each in told
    ]
    # An event that came before is known by its id, so that it asks for nothing; the last one is always new.
    assert [each["number"] for each in told] == list(range(1, len(told) + 1))
    assert (said[-1] if said else NONE).is_like(state)
    assert all(not one.is_like(other) for one, other in pairwise(said))
    assert [each for each in said if each not in expected] == []


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_events_out_of_order_and_twice_are_told_as_in_order(quick: Company, states: list[int], chance: Any) -> None:
    told = []
    for shuffled in (False, True):
        customer = f"cus_{next(_IDS)}"
        for number, state in enumerate(states):
            in_state(quick, customer, STATES[state])
            events = list(range(3 * number, 3 * number + 3)) * (2 if shuffled else 1)
            if shuffled:
                chance.shuffle(events)
            arrived(quick, customer, events)
            heard(quick)
            quick.at += timedelta(seconds=1)
            quick.go()
        told.append(quick.system.told(customer))
    assert told[0] == told[1]


def test_the_book_and_the_calls_hold_ids_alone(company: Company) -> None:
    company.holds("cus_1", subscription("sub_1", "active", name="Ada Lovelace", email="ada@example.com"))
    company.ask("cus_1")
    company.go()
    company.store.close()
    held_bytes = b"".join(each.read_bytes() for each in company.store.anchor.parent.iterdir())
    assert b"Ada" not in held_bytes
    assert b"ada@" not in company.system.requests[0][0]
    with sqlite3.connect(company.store.anchor.parent / "operations.sqlite") as connection:
        events = [event for (event,) in connection.execute("select event from audit_trail order by seq")]
    assert events == ["access_started", "access_delivered"]
