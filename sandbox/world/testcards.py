"""Stripe's test cards: what each is and what happens to whoever charges it, as documented.

https://docs.stripe.com/testing. A card on file that is one of these behaves so and in no other way: nothing is left to
chance. Knows nothing of customers.
"""

from typing import Final, NamedTuple


class TestCard(NamedTuple):
    """One test card. `decline` is the answer to every charge; `refused` is one that comes as it is attached already."""

    number: str
    brand: str = "visa"
    funding: str = "credit"
    decline: str | None = None
    refused: str | None = None
    authenticates: bool = False
    """Whether the cardholder must be there for each payment."""
    dispute: str | None = None
    """The reason for which its charges are disputed at once; `inquiry` for one that only asks."""
    refund: str = "succeeded"
    warns: bool = False
    """Whether its charges are reported as fraud at once."""

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _declined(number: str, code: str) -> TestCard:
    return TestCard(number, decline=code, refused=code)


TEST_CARDS: Final[dict[str, TestCard]] = {
    "visa": TestCard("4242424242424242"),
    "visa_debit": TestCard("4000056655665556", funding="debit"),
    "mastercard": TestCard("5555555555554444", "mastercard"),
    "mastercard_debit": TestCard("5200828282828210", "mastercard", "debit"),
    "mastercard_prepaid": TestCard("5105105105105100", "mastercard", "prepaid"),
    "amex": TestCard("378282246310005", "amex"),
    "discover": TestCard("6011111111111117", "discover"),
    "diners": TestCard("3056930009020004", "diners"),
    "jcb": TestCard("3566002020360505", "jcb"),
    "unionpay": TestCard("6200000000000005", "unionpay"),
    "chargeDeclined": _declined("4000000000000002", "generic_decline"),
    "chargeDeclinedInsufficientFunds": _declined("4000000000009995", "insufficient_funds"),
    "chargeDeclinedLostCard": _declined("4000000000009987", "lost_card"),
    "chargeDeclinedStolenCard": _declined("4000000000009979", "stolen_card"),
    "chargeDeclinedExpiredCard": _declined("4000000000000069", "expired_card"),
    "chargeDeclinedIncorrectCvc": _declined("4000000000000127", "incorrect_cvc"),
    "chargeDeclinedProcessingError": _declined("4000000000000119", "processing_error"),
    "chargeDeclinedVelocityLimitExceeded": _declined("4000000000006975", "card_velocity_exceeded"),
    "radarBlock": TestCard("4100000000000019", decline="highest_risk_level"),
    "chargeCustomerFail": TestCard("4000000000000341", decline="generic_decline"),
    "authenticationRequired": TestCard("4000002760003184", authenticates=True),
    "threeDSecure2Required": TestCard("4000000000003220", authenticates=True),
    "createIssuerFraudRecord": TestCard("4000000000005423", warns=True),
    "createDispute": TestCard("4000000000000259", dispute="fraudulent"),
    "createDisputeProductNotReceived": TestCard("4000000000002685", dispute="product_not_received"),
    "createDisputeInquiry": TestCard("4000000000001976", dispute="inquiry"),
    "pendingRefund": TestCard("4000000000007726", refund="pending"),
    "refundFail": TestCard("4000000000005126", refund="failed"),
}
"""By name: `pm_card_NAME` is the payment method, `tok_NAME` the token. A decline's name also goes with `visa_`."""

_BY_NUMBER: Final = {card.number: name for name, card in TEST_CARDS.items()}


def named(said: str) -> str | None:
    """The name of the test card that a payment method, a token or a number means; None when it means none."""
    for prefix in ("pm_card_", "tok_"):
        if said.startswith(prefix):
            name = said.removeprefix(prefix)
            plain = name.removeprefix("visa_")
            return name if name in TEST_CARDS else plain if plain in TEST_CARDS else None
    return _BY_NUMBER.get(said.replace(" ", ""))
