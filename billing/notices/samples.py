"""Made-up values for every kind of notice, to show and try templates with. Nobody in them is real."""

from collections.abc import Callable, Mapping
from typing import Any

from billing import declines
from billing.notices import wording
from billing.notices.choices import Choices
from billing.notices.kinds import Kind

CHOICES = Choices.model_validate(
    {
        "version": 1,
        "company": "Example GmbH",
        "from": "billing@example.com",
        "links": {"account": "https://example.com/account", "pages": "https://figures.example.com"},
    }
)
"""For a preview without a file."""

Money = Callable[[int], str]
PAY = "https://invoice.stripe.com/i/acct_sample/sample"
DAYS: Mapping[str, tuple[str, str, str]] = {
    "en": ("16 November 2026", "22 November 2026", "3 December 2026"),
    "de": ("16. November 2026", "22. November 2026", "3. Dezember 2026"),
}


def values(kind: Kind, language: str, choices: Choices) -> dict[str, Any]:
    """Everything that any template may take; a kind takes some of it."""
    earlier, today, later = DAYS.get(language, ("2026-11-16", "2026-11-22", "2026-12-03"))

    def money(minor: int) -> str:
        return wording.money(minor, "eur", language)

    def signed(minor: int) -> str:
        return wording.signed(minor, "eur", language)

    told: dict[str, Any] = {
        "company": choices.company,
        "name": None if kind.name in ("dispute_opened", "weekly_summary") else "Ada Lovelace",
        "account_link": choices.links.account,
        "plans": [f"{wording.number(12, 0, language)} × Team"],
        "trial_end": later,
        "number": "EX-2026-0412",
        "amount": money(142_800),
        "next_attempt": later,
        "reason": declines.message("insufficient_funds", language),
        "pay_link": PAY,
        "paid_on": today,
        "card": "Visa •••• 4242",
    }
    return told | _of_company(kind, choices, money, signed, (earlier, today, later))


def _of_company(
    kind: Kind, choices: Choices, money: Money, signed: Money, days: tuple[str, str, str]
) -> dict[str, Any]:
    """What only notices to the company's own people take."""
    if kind.name == "dispute_opened":
        link = "https://dashboard.stripe.com/test/disputes/du_sample"
        told = {"dispute_id": "du_sample", "customer_id": "cus_sample", "reason": "product not received"}
        return {**told, "due_by": days[2], "link": link}
    moved = {"new": 412_000, "expansion": 96_000, "contraction": -31_500, "churn": -120_000, "reactivation": 24_000}
    counts = {"failed": 14, "recovered": 9, "refunded": 3, "disputed": 1, "disputes_open": 2}
    return {
        "first": days[0],
        "last": days[1],
        "currency": "EUR",
        "as_of": "2026-11-23 06:00 Europe/Berlin",
        "mrr": money(18_432_000),
        "change": signed(380_500),
        "fx": None,
        "policy": "default",
        "banner": None,
        "pages": choices.links.pages,
        **{name: {"amount": signed(delta), "customers": 1 + abs(delta) // 20_000} for name, delta in moved.items()},
        **{name: {"amount": money(count * 11_900), "count": count} for name, count in counts.items()},
    }
