"""Stripe's test cards that matter to billing, as a table: which to use for which outcome.

https://docs.stripe.com/testing. Card numbers are Stripe's own and belong to nobody.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from billing.errors import UsageError


class Outcome(StrEnum):
    """What comes of a card."""

    PAYS = "pays"
    REFUSED = "refused when attached"
    DECLINES = "declines every charge"
    AUTHENTICATES = "asks the customer to confirm"
    DISPUTES = "pays and is disputed"
    WARNS = "pays and is reported as fraud"
    REFUND_PENDING = "pays, and its refund takes days"
    REFUND_FAILS = "pays, and its refund comes back"


@dataclass(frozen=True)
class TestCard:
    """One card.

    Attributes:
        payment_method: the id that stands for it in requests, in test mode and on the sandbox.
        code: Stripe's word for it: the decline code, or the reason of the dispute.
    """

    __test__ = False

    payment_method: str
    number: str
    outcome: Outcome
    code: str = ""
    use: str = ""


_P, _R, _D, _A = Outcome.PAYS, Outcome.REFUSED, Outcome.DECLINES, Outcome.AUTHENTICATES
CARDS: Final[tuple[TestCard, ...]] = (
    TestCard("pm_card_visa", "4242424242424242", _P, use="the card for whatever should work"),
    TestCard("pm_card_visa_debit", "4000056655665556", _P),
    TestCard("pm_card_mastercard", "5555555555554444", _P),
    TestCard("pm_card_mastercard_debit", "5200828282828210", _P),
    TestCard("pm_card_mastercard_prepaid", "5105105105105100", _P),
    TestCard("pm_card_amex", "378282246310005", _P),
    TestCard("pm_card_discover", "6011111111111117", _P),
    TestCard("pm_card_diners", "3056930009020004", _P),
    TestCard("pm_card_jcb", "3566002020360505", _P),
    TestCard("pm_card_unionpay", "6200000000000005", _P),
    TestCard(
        "pm_card_chargeCustomerFail",
        "4000000000000341",
        _D,
        "generic_decline",
        "the card for dunning: it can be attached, and the renewal fails",
    ),
    TestCard("pm_card_radarBlock", "4100000000000019", _D, "highest_risk_level", "blocked by Radar"),
    TestCard("pm_card_visa_chargeDeclined", "4000000000000002", _R, "generic_decline"),
    TestCard("pm_card_visa_chargeDeclinedInsufficientFunds", "4000000000009995", _R, "insufficient_funds"),
    TestCard("pm_card_visa_chargeDeclinedLostCard", "4000000000009987", _R, "lost_card"),
    TestCard("pm_card_visa_chargeDeclinedStolenCard", "4000000000009979", _R, "stolen_card"),
    TestCard("pm_card_chargeDeclinedExpiredCard", "4000000000000069", _R, "expired_card"),
    TestCard("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", _R, "incorrect_cvc"),
    TestCard("pm_card_chargeDeclinedProcessingError", "4000000000000119", _R, "processing_error"),
    TestCard("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "4000000000006975", _R, "card_velocity_exceeded"),
    TestCard(
        "pm_card_authenticationRequired",
        "4000002760003184",
        _A,
        "authentication_required",
        "3D Secure for each payment; declines while the customer is away",
    ),
    TestCard("pm_card_threeDSecure2Required", "4000000000003220", _A, "authentication_required", "3D Secure 2"),
    TestCard("pm_card_createDispute", "4000000000000259", Outcome.DISPUTES, "fraudulent"),
    TestCard("pm_card_createDisputeProductNotReceived", "4000000000002685", Outcome.DISPUTES, "product_not_received"),
    TestCard(
        "pm_card_createDisputeInquiry",
        "4000000000001976",
        Outcome.DISPUTES,
        "fraudulent",
        "an inquiry, which takes no money yet",
    ),
    TestCard("pm_card_createIssuerFraudRecord", "4000000000005423", Outcome.WARNS, use="an early fraud warning"),
    TestCard("pm_card_pendingRefund", "4000000000007726", Outcome.REFUND_PENDING),
    TestCard("pm_card_refundFail", "4000000000005126", Outcome.REFUND_FAILS),
)
"""By what one would look for: what works, what fails later, what fails at once, and what happens afterwards."""

EVIDENCE: Final[tuple[tuple[str, str], ...]] = (
    ("winning_evidence", "the dispute is won"),
    ("losing_evidence", "the dispute is lost"),
)
"""Texts that, sent as `uncategorized_text`, decide a dispute: https://docs.stripe.com/testing#evidence."""


def of_outcome(words: Collection[str] = ()) -> list[TestCard]:
    """The cards whose outcome, code or name has one of these words; all without any.

    Raises:
        UsageError: no card has.
    """
    wanted = [word.casefold() for word in words]
    found = [card for card in CARDS if not wanted or any(word in _said_of(card) for word in wanted)]
    if not found:
        raise UsageError(f"No test card is about {', '.join(words)}. Without a word, all are shown.")
    return found


def _said_of(card: TestCard) -> str:
    return f"{card.payment_method} {card.number} {card.outcome} {card.code} {card.use}".casefold()
