"""`revenue testing …`: the cards that it lists, the clocks that it moves, the customers that it makes on them, and keys
that it does not take."""

import json
from typing import Any

import pytest
import stripe

from billing.testing.cards import CARDS
from billing.testing.customers import CAST
from sandbox.serving import Sandbox
from tests.pipelines.conftest import Revenue


def test_cards_are_listed_by_what_comes_of_them_without_asking_anybody(revenue: Revenue) -> None:
    said = revenue("testing", "cards")
    assert said.code == 0, said.err
    assert [card.payment_method for card in CARDS if card.payment_method not in said.out] == []
    assert "winning_evidence" in said.out


def test_cards_are_found_by_a_word(revenue: Revenue) -> None:
    said = revenue("testing", "cards", "Insufficient", "--json")
    assert [card["number"] for card in json.loads(said.out)] == ["4000000000009995"]
    stranger = revenue("testing", "cards", "gold")
    assert (stranger.code, "No test card is about gold" in stranger.err) == (2, True)


@pytest.fixture
def writes(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The account, with a key that acts."""
    monkeypatch.setenv("STRIPE_WRITE_KEY", sandbox.write_key)
    return sandbox


def test_a_clock_is_made_advanced_over_years_and_deleted(revenue: Revenue, writes: Sandbox) -> None:
    """Nobody is on it, so each step is two years at most: from 2026-11-15 to 2031-11-15 takes three."""
    made = revenue("testing", "clock", "create", "Years", "--at", "2026-11-15")
    assert made.code == 0, made.err
    clock_id = made.out.split()[0]
    assert "2026-11-15 00:00 UTC  ready  Years" in made.out
    moved = revenue("testing", "clock", "advance", clock_id, "--to", "2031-11-15")
    assert [line.split()[1] for line in moved.out.splitlines()] == ["2028-11-14", "2030-11-14", "2031-11-15"]
    assert "2031-11-17 12:00" in revenue("testing", "clock", "advance", clock_id, "--days", "2.5").out
    assert clock_id in revenue("testing", "clock", "list").out
    assert revenue("testing", "clock", "delete", clock_id).code == 0
    assert "no test clock" in revenue("testing", "clock", "list").out
    gone = revenue("testing", "clock", "advance", clock_id, "--days", "1")
    assert (gone.code, "resource_missing" in gone.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["advance", "clock_1"], "either --to or --days"),
        (["advance", "clock_1", "--to", "2027-01-01", "--days", "1"], "either --to or --days"),
        (["advance", "clock_1", "--to", "May"], "no instant"),
        (["create", "Years", "--at", "soon"], "no instant"),
        (["advance", "../customers/cus_1", "--days", "1"], "resource_missing"),
    ],
)
def test_wrong_usage_of_clocks_says_what_would_be_right(
    revenue: Revenue, writes: Sandbox, words: list[str], hint: str
) -> None:
    said = revenue("testing", "clock", *words)
    assert said.code in (1, 2)
    assert hint in said.err


@pytest.mark.parametrize("key", ["rk_live_1234567890", "sk_live_1234567890", "sk_1234567890"])
def test_no_key_but_one_of_test_mode_is_taken(
    revenue: Revenue, writes: Sandbox, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("STRIPE_WRITE_KEY", key)
    writes.forget_requests()
    for words in (["create", "Years"], ["list"], ["advance", "clock_1", "--days", "1"], ["delete", "clock_1"]):
        said = revenue("testing", "clock", *words)
        assert (said.code, "test mode" in said.err) == (2, True)
    assert writes.requests.total == 0


def test_the_cast_is_made_once_and_lives_as_its_stories_say(revenue: Revenue, writes: Sandbox) -> None:
    """A month and a day later the failing one is past due, who tried without a card is gone, and the others go on."""
    client: Any = stripe.StripeClient(writes.write_key, base_addresses={"api": writes.url})
    made = revenue("testing", "customers", "Everyone")
    assert made.code == 0, made.err
    rows = [line.split(maxsplit=5) for line in made.out.splitlines()]
    assert [name for name, *_ in rows] == [member.name for member in CAST]
    subscription = {name: held for name, _, held, *_ in rows}

    def statuses() -> dict[str, str]:
        return {name: client.v1.subscriptions.retrieve(held).status for name, held in subscription.items()}

    begun = {"paid": "active", "failing": "active", "disputing": "active", "refunded": "active"}
    assert statuses() == {**begun, "confirming": "incomplete", "trying": "trialing"}
    assert revenue("testing", "customers", "Everyone").out == made.out
    clocks = {row[4] for row in rows}
    assert len(clocks) == 2
    for clock_id in clocks:
        assert revenue("testing", "clock", "advance", clock_id, "--days", "32").code == 0
    ended = {"failing": "past_due", "confirming": "incomplete_expired", "trying": "canceled"}
    assert statuses() == {**begun, **ended}
    customer = {name: held for name, held, *_ in rows}
    (charge,) = [each for each in client.v1.charges.list({"customer": customer["refunded"]}).data if each.refunded]
    assert charge.amount_refunded == 1_200
    disputed = client.v1.charges.list({"customer": customer["disputing"]}).data
    assert any(each.disputed for each in disputed)


def test_an_interrupted_cast_is_completed_without_anybody_twice(revenue: Revenue, writes: Sandbox) -> None:
    writes.fail("server_error", path="/v1/subscriptions", method="POST", nth=2, kept=False, status=500, effect=True)
    broken = revenue("testing", "customers", "Half")
    assert (broken.code, "was not made" in broken.err) == (1, True)
    writes.heal()
    assert revenue("testing", "customers", "Half").code == 0
    client: Any = stripe.StripeClient(writes.write_key, base_addresses={"api": writes.url})
    clocks = [each.id for each in client.v1.test_helpers.test_clocks.list().data if each.name.startswith("Half")]
    held = [
        each for clock in clocks for each in client.v1.subscriptions.list({"test_clock": clock, "status": "all"}).data
    ]
    assert (len(clocks), len(held), len({each.customer for each in held})) == (2, len(CAST), len(CAST))
