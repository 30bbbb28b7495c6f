"""Stripe's and our own codes in words, and whom a row is about."""

from collections.abc import Iterable, Mapping
from itertools import chain, count

import polars as pl

from reports.marts import Marts

CHURN_KINDS: Mapping[str, str] = {
    "voluntary": "Voluntary",
    "voluntary_in_dunning": "Voluntary, in dunning",
    "voluntary_unknown": "Unexplained",
    "involuntary_payment": "Involuntary, payment",
    "involuntary_dispute": "Involuntary, dispute",
    "contract_end": "Contract end",
    "paused": "Paused",
    "administrative": "Administrative",
}
"""Kind of churn, in the order of tables."""

CAUSES: Mapping[str, str] = {
    "add_on": "Add-on",
    "discount_start": "Discount began",
    "discount_end": "Discount ended",
    "end": "Subscription ended",
    "pause": "Paused",
    "resume": "Resumed",
    "unpaid": "Left unpaid",
}
"""Cause of an MRR change where its code alone would not read well."""

INVOLUNTARY = frozenset({"involuntary_payment", "involuntary_dispute"})
APART = frozenset({"paused", "administrative"})
"""Kinds that are neither a customer's choice nor a failure of payment."""

NOT_GIVEN = "not_given"


def words(code: str | None) -> str:
    """`too_expensive` as `too expensive`; nothing for nothing."""
    return "" if code is None else code.replace("_", " ")


def sentence_case(code: str | None) -> str:
    """`too_expensive` as `Too expensive`."""
    text = words(code)
    return text[:1].upper() + text[1:]


def churn_kind(code: str) -> str:
    """A kind of churn in words."""
    return CHURN_KINDS.get(code, sentence_case(code))


def cause(code: str) -> str:
    """A movement's cause in words; a churn's is its kind."""
    return CHURN_KINDS.get(code) or CAUSES.get(code) or sentence_case(code)


def distinct(names: Iterable[str]) -> list[str]:
    """The names of files in their order, with a number after one that an earlier one has: `a`, `a-2`."""
    taken: list[str] = []
    for name in names:
        numbered = (f"{name}-{number}" for number in count(2))
        taken.append(next(each for each in chain([name], numbered) if each not in taken))
    return taken


def customer_names(marts: Marts) -> dict[str, str]:
    """Customer id to what a page calls the customer: its name, else its e-mail, else its id."""
    frame = marts.table("customers").select(
        "customer_id",
        called=pl.coalesce(_unless_blank("name"), _unless_blank("email"), pl.col("customer_id")),
    )
    return dict(frame.iter_rows())


def _unless_blank(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text != "").then(text)
