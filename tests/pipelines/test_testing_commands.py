"""`revenue testing …`: the cards that it lists, the clocks that it moves, and keys that it does not take."""

import json

import pytest

from billing.testing.cards import CARDS
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
