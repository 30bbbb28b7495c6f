"""The kinds of notices: a table. Pure.

A cause is what happened; which kind of notice follows from it shows when it is looked at, such as whether a payment
that failed is tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """To whom a notice goes: the customer, or people of the company's own."""

    CUSTOMER = "customer"
    STAFF = "staff"
    FINANCE = "finance"


@dataclass(frozen=True)
class Kind:
    """A kind of notice.

    Attributes:
        cause: what happened.
        again: whether it is sent once more where nobody knows whether it was sent. A customer gets no mail twice; of
            what the company must not miss, two are better than none.
        optional: whether a customer may do without it, so that it says how to be spared.
    """

    name: str
    cause: str
    audience: Audience
    meaning: str
    again: bool = False
    optional: bool = False


WELCOME, TRIAL, FAILURE, REFUND = "welcome", "trial_ending", "payment_failed", "refund"
DISPUTE, WEEK = "dispute", "week"

KINDS: tuple[Kind, ...] = (
    Kind("welcome", WELCOME, Audience.CUSTOMER, "a customer's first subscription began", optional=True),
    Kind("trial_ending", TRIAL, Audience.CUSTOMER, "a trial ends in three days"),
    Kind("payment_failed_first", FAILURE, Audience.CUSTOMER, "the first attempt to charge an invoice failed"),
    Kind("payment_failed_second", FAILURE, Audience.CUSTOMER, "the second attempt failed, and there will be another"),
    Kind("payment_failed_final", FAILURE, Audience.CUSTOMER, "an attempt failed, and it is not tried again"),
    Kind("refund_confirmed", REFUND, Audience.CUSTOMER, "a refund went through"),
    Kind("dispute_opened", DISPUTE, Audience.STAFF, "a customer disputes a charge", again=True),
    Kind("weekly_summary", WEEK, Audience.FINANCE, "a week is over and its figures are published", again=True),
)
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
