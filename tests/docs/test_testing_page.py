"""The page on trying billing keeps up with the code: every test card is there, with what comes of it."""

from pathlib import Path

import pytest

from billing.testing.cards import CARDS, EVIDENCE, TestCard
from billing.testing.customers import CAST, Member

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.payment_method)
def test_every_card_is_there_with_what_comes_of_it(card: TestCard) -> None:
    code = f"`{card.code}`" if card.code else ""
    assert f"| `{card.payment_method}` | {card.number} | {card.outcome} | {code} | {card.use} |" in PAGE


@pytest.mark.parametrize("member", CAST, ids=lambda member: member.name)
def test_everybody_of_the_cast_is_there(member: Member) -> None:
    assert f"| `{member.name}` | {member.story} |" in PAGE


def test_every_text_that_decides_a_dispute_is_there() -> None:
    assert [text for text, what in EVIDENCE if f"| `{text}` | {what} |" not in PAGE] == []
