"""A company's own code is told of each event, in order for each customer, again where it failed, and of no other."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import msgspec
import pytest

from billing.errors import UsageError
from billing.store import Store
from billing.webhooks import inbox, plugins
from billing.webhooks.hand_on import SETTLE, failing, hand_on
from billing.webhooks.inbox import Delivery
from billing.webhooks.notices import notice
from billing.webhooks.occasions import BY_TYPE, FACTS, Occasion, facts_of
from billing.webhooks.plugins import Handlers
from tests.billing.webhooks.receiver import snapshot, thin

ARRIVED = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
LATER = ARRIVED + timedelta(minutes=1)
FIRST = 1_795_000_000


def invoice(id_: str, type_: str, second: int, customer: str = "cus_1", **facts: Any) -> dict[str, Any]:
    """An event about an invoice of a customer, so many seconds after the first."""
    thing = {"object": "invoice", "id": f"in_{customer}", "customer": customer, **facts}
    return snapshot(id_, type_, created=FIRST + second, data={"object": thing})


def arrived(store: Store, *events: dict[str, Any], at: datetime = ARRIVED, endpoint: str = "default") -> None:
    notices = [notice(msgspec.json.encode(event)) for event in events]
    with store.engine.begin() as connection:
        inbox.append(connection, [Delivery(each, "acct_1", endpoint, at, each.payload.decode()) for each in notices])


class Company:
    """Notes what it is told; fails on the ids that are in `broken`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.occasions: list[Occasion] = []
        self.broken: set[str] = set()

    def hear(self, occasion: Occasion) -> None:
        if occasion.id in self.broken:
            raise ConnectionError("the company's own system is down, says ada@example.com")
        self.told.append(occasion.id)
        self.occasions.append(occasion)

    def handlers(self, *patterns: str) -> Handlers:
        return Handlers([(pattern, self.hear) for pattern in patterns or ("*",)])


@pytest.fixture
def company() -> Company:
    return Company()


def clock(at: datetime = LATER) -> Callable[[], datetime]:
    return lambda: at


def test_events_that_arrive_out_of_order_are_told_in_order(store: Store, company: Company) -> None:
    arrived(store, invoice("evt_3", "invoice.paid", 2), invoice("evt_1", "invoice.created", 0))
    arrived(store, invoice("evt_2", "invoice.finalized", 1))
    handed = hand_on(store, company.handlers(), clock())
    assert (company.told, handed.told, handed.failed) == (["evt_1", "evt_2", "evt_3"], 3, 0)
    assert not any(each.is_late for each in company.occasions)
    hand_on(store, company.handlers(), clock())
    assert company.told == ["evt_1", "evt_2", "evt_3"]


def test_an_event_waits_a_moment_for_those_before_it(sqlite: Store, company: Company) -> None:
    arrived(sqlite, invoice("evt_1", "invoice.paid", 0))
    hand_on(sqlite, company.handlers(), clock(ARRIVED + SETTLE - timedelta(microseconds=1)))
    assert company.told == []
    hand_on(sqlite, company.handlers(), clock(ARRIVED + SETTLE))
    assert company.told == ["evt_1"]


def test_what_comes_after_all_is_marked_as_late(sqlite: Store, company: Company) -> None:
    arrived(sqlite, invoice("evt_2", "invoice.paid", 5))
    hand_on(sqlite, company.handlers("invoice.paid", "invoice.finalized"), clock())
    arrived(sqlite, invoice("evt_1", "invoice.finalized", 1), at=LATER)
    arrived(sqlite, invoice("evt_other", "invoice.finalized", 1, customer="cus_2"), at=LATER)
    hand_on(sqlite, company.handlers("invoice.paid", "invoice.finalized"), clock(LATER + SETTLE))
    assert [(each.id, each.is_late) for each in company.occasions] == [
        ("evt_2", False),
        ("evt_1", True),
        ("evt_other", False),
    ]


def test_what_nobody_asked_for_makes_nothing_late(sqlite: Store, company: Company) -> None:
    arrived(sqlite, invoice("evt_2", "invoice.paid", 5))
    handed = hand_on(sqlite, company.handlers("invoice.finalized"), clock())
    assert (handed.told, handed.passed) == (0, 1)
    arrived(sqlite, invoice("evt_1", "invoice.finalized", 1), at=LATER)
    hand_on(sqlite, company.handlers("invoice.finalized"), clock(LATER + SETTLE))
    assert [each.is_late for each in company.occasions] == [False]


def test_a_failure_holds_up_its_customer_alone_until_it_is_tried_again(store: Store, company: Company) -> None:
    company.broken = {"evt_a1"}
    arrived(store, invoice("evt_a1", "invoice.created", 0, "cus_a"), invoice("evt_a2", "invoice.paid", 1, "cus_a"))
    arrived(store, invoice("evt_b1", "invoice.created", 0, "cus_b"))
    handed = hand_on(store, company.handlers(), clock())
    assert (company.told, handed.failed) == (["evt_b1"], 1)
    with store.reading() as connection:
        (row,) = failing(connection)
        assert (row.event_id, row.attempts, row.failure) == ("evt_a1", 1, "ConnectionError")
        assert row.retry_at == LATER + timedelta(seconds=5)
    company.broken = set()
    hand_on(store, company.handlers(), clock(LATER + timedelta(seconds=4)))
    assert company.told == ["evt_b1"]
    hand_on(store, company.handlers(), clock(LATER + timedelta(seconds=5)))
    assert company.told == ["evt_b1", "evt_a1", "evt_a2"]


def test_tries_are_further_and_further_apart_up_to_an_hour(sqlite: Store, company: Company) -> None:
    company.broken = {"evt_1"}
    arrived(sqlite, invoice("evt_1", "invoice.paid", 0))
    at, gaps = LATER, []
    for _ in range(12):
        hand_on(sqlite, company.handlers(), clock(at))
        with sqlite.reading() as connection:
            (row,) = failing(connection)
        gaps.append(int((row.retry_at - at).total_seconds()))
        at = row.retry_at
    # 5 s doubled each time: 5 * 2^9 = 2,560 s; 5,120 s would be more than an hour.
    assert gaps == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


def test_a_process_that_dies_after_it_told_tells_again(sqlite: Store, company: Company) -> None:
    arrived(sqlite, invoice("evt_1", "invoice.paid", 0))

    def dies(occasion: Occasion) -> None:
        company.hear(occasion)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hand_on(sqlite, Handlers([("*", dies)]), clock())
    hand_on(sqlite, company.handlers(), clock())
    assert company.told == ["evt_1", "evt_1"]


def test_both_forms_of_an_event_and_two_endpoints_are_told_once(sqlite: Store, company: Company) -> None:
    arrived(sqlite, snapshot("evt_1"), thin("evt_thin", snapshot_event="evt_1"))
    arrived(sqlite, snapshot("evt_1"), endpoint="other")
    hand_on(sqlite, company.handlers("customer.updated"), clock())
    assert company.told == ["evt_1"]


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        (("invoice.paid",), ["evt_paid"]),
        (("invoice.*",), ["evt_made", "evt_paid"]),
        (("*",), ["evt_made", "evt_paid", "evt_customer"]),
        (("customer.*",), ["evt_customer"]),
        (("refund.*",), []),
    ],
)
def test_each_function_is_told_of_its_types(
    sqlite: Store, company: Company, patterns: Sequence[str], told: list[str]
) -> None:
    arrived(sqlite, invoice("evt_made", "invoice.created", 0), invoice("evt_paid", "invoice.paid", 1))
    arrived(sqlite, snapshot("evt_customer", created=FIRST + 2), snapshot("evt_payout", "payout.paid"))
    hand_on(sqlite, company.handlers(*patterns), clock())
    assert company.told == told


@pytest.mark.parametrize(
    "parent",
    [{"subscription": "sub_1"}, {"parent": {"subscription_details": {"subscription": "sub_1"}}}],
    ids=["before basil", "since"],
)
def test_facts_are_found_in_old_and_new_versions(sqlite: Store, company: Company, parent: dict[str, Any]) -> None:
    facts: dict[str, Any] = {
        "attempt_count": 2,
        "amount_due": 4900,
        "currency": "eur",
        "customer_email": "ada@example.com",
    }
    arrived(sqlite, invoice("evt_1", "invoice.payment_failed", 0, **facts, **parent))
    hand_on(sqlite, company.handlers(), clock())
    (occasion,) = company.occasions
    assert (occasion.what, occasion.customer_id, occasion.object_id) == ("invoice_failed", "cus_1", "in_cus_1")
    assert occasion.facts["subscription"] == "sub_1"
    assert (occasion.facts["attempt_count"], occasion.facts["amount_due"]) == (2, 4900)
    assert "ada@example.com" not in str(occasion)


def test_hostile_facts_are_left_out() -> None:
    for kind in BY_TYPE.values():
        odd = facts_of(kind, {path[0]: [{"id": 1.5}] for paths in FACTS[kind.subject].values() for path in paths})
        assert set(odd.values()) == {None}


def test_a_plug_in_is_a_module_with_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("company_hooks")
    monkeypatch.setitem(sys.modules, "company_hooks", module)
    with pytest.raises(UsageError, match="no HANDLERS"):
        plugins.load(["company_hooks"])
    for table in ({"invoice.payed": print}, {"invoice.paid": "print"}, {"payout.*": print}):
        module.HANDLERS = table  # type: ignore[attr-defined]
        with pytest.raises(UsageError, match="names"):
            plugins.load(["company_hooks"])
    module.HANDLERS = {"invoice.paid": print, "invoice.*": print, "*": print}  # type: ignore[attr-defined]
    assert len(list(plugins.load(["company_hooks"]).of("invoice.paid"))) == 3
    with pytest.raises(UsageError, match="can't be imported"):
        plugins.load(["no_such_module_anywhere"])
