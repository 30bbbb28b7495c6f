"""What the engine is handed: flags of accounts at risk, as `marts.at_risk_accounts` has them. Rows in, values out.

The rest of the engine trusts what is here: ids are of Stripe's form, texts are short, plain and without personal data.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from billing.errors import UsageError

ID = re.compile(r"[A-Za-z0-9_\-]{1,255}")
WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
VERSION = 1
"""The version of the hand-over that is understood here (docs/at-risk.md)."""
LONGEST_REASON = 200
MOST_REASONS = 12
_SENSITIVE = re.compile(
    r"\S+@\S+|https?://\S+|\b(?:\d[ -]?){9,}\b|\b(?:sk|rk|pk|ek|whsec)_\w+|\w+_secret_\w+|"
    r"\b[A-Z]{2}\d{2}[A-Z\d]{11,30}\b"
)
"""E-mail addresses, links, long runs of digits (cards, accounts, phones), keys, client secrets and IBANs."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True)
class Flag:
    """One account at risk. Amounts are minor units of the reporting currency; instants are UTC."""

    account_id: str
    customer_id: str
    flag_id: str
    flag_version: int
    score_kind: str
    risk_score: int
    risk_band: str
    mrr_at_risk_reporting: Decimal
    expected_loss_reporting: Decimal
    subscription_id: str | None
    invoice_id: str | None
    reasons: tuple[str, ...]
    recommended_action: str
    flagged_at: datetime
    expires_at: datetime


def flags_of(rows: Iterable[Mapping[str, Any]]) -> list[Flag]:
    """The flags of published rows, the largest expected loss first.

    Raises:
        UsageError: a row is of another version of the hand-over, lacks a column, or holds a value that no flag has.
    """
    flags = [_flag(row) for row in rows]
    return sorted(flags, key=lambda flag: (-flag.expected_loss_reporting, flag.flag_id))


def plain(text: str) -> str:
    """The text on one line, without what is unprintable or may be personal, and not long."""
    printable = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return _SENSITIVE.sub("…", printable)[:LONGEST_REASON]


def _flag(row: Mapping[str, Any]) -> Flag:
    try:
        return Flag(
            account_id=_matching(ID, row, "account_id"),
            customer_id=_matching(ID, row, "customer_id"),
            flag_id=_matching(ID, row, "flag_id"),
            flag_version=_version(row),
            score_kind=_matching(WORD, row, "score_kind"),
            risk_score=int(row["risk_score"]),
            risk_band=_matching(WORD, row, "risk_band"),
            mrr_at_risk_reporting=Decimal(row["mrr_at_risk_reporting"]),
            expected_loss_reporting=Decimal(row["expected_loss_reporting"]),
            subscription_id=_id_or_none(row, "subscription_id"),
            invoice_id=_id_or_none(row, "invoice_id"),
            reasons=tuple(plain(str(reason)) for reason in (row["reasons"] or ())[:MOST_REASONS]),
            recommended_action=_matching(WORD, row, "recommended_action"),
            flagged_at=_instant(row, "flagged_at"),
            expires_at=_instant(row, "expires_at"),
        )
    except KeyError as error:
        raise UsageError(f"A flag lacks the column {error}: it comes from another version of this project.") from None
    except (TypeError, ValueError, InvalidOperation) as error:
        raise UsageError(f"A flag makes no sense: {plain(str(error))}.") from None


def _version(row: Mapping[str, Any]) -> int:
    version = int(row["flag_version"])
    if version != VERSION:
        raise ValueError(f"it is of version {version}, and only version {VERSION} is understood")
    return version


def _matching(pattern: re.Pattern[str], row: Mapping[str, Any], column: str) -> str:
    value = row[column]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{column} is {value!r:.80}")
    return value


def _id_or_none(row: Mapping[str, Any], column: str) -> str | None:
    return None if row[column] is None else _matching(ID, row, column)


def _instant(row: Mapping[str, Any], column: str) -> datetime:
    value = row[column]
    if not isinstance(value, datetime):
        raise ValueError(f"{column} is {value!r:.80}")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
