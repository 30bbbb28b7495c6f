"""`revenue testing …`: cards that it lists."""

import json

from billing.testing.cards import CARDS
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
