"""What a check is, and what it can say: pass, fail, or that nobody can know by asking."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from billing.launch.questions import Held
from billing.wire import Body

NAMED = 5
"""How many offenders a finding names before it counts the rest."""


class State(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a word, no password
    FAIL = "fail"
    UNKNOWN = "cannot know"


KeyKind = Literal["restricted", "secret"]


@dataclass(frozen=True)
class Trail:
    """The audit trail of this machine: how many entries, and how many faults were found in it."""

    entries: int
    faults: int


@dataclass(frozen=True)
class Own:
    """What the machine that asks knows by itself.

    Attributes:
        key: the kind of the key that reads.
        write_key: the kind of the key that acts; None without one.
        pinned_version: the API version that is asked for, `answered_version` the one that Stripe answered in.
        event_types: the webhook events that something follows from here.
        has_webhook_secret: whether deliveries can be verified here.
        has_dispute_texts: whether there is a file of texts for dispute evidence.
        notices: the kinds of mails that are sent from here; None where nothing says it.
        trail: None where nothing was recorded yet.
    """

    is_live: bool
    key: KeyKind
    write_key: KeyKind | None
    pinned_version: str
    answered_version: str
    event_types: tuple[str, ...]
    has_webhook_secret: bool
    has_dispute_texts: bool
    notices: tuple[str, ...] | None
    trail: Trail | None


@dataclass(frozen=True)
class Told:
    """All that a check may judge by: the answers that it asked for, what is known here, and what time it is at
    Stripe."""

    answers: Mapping[str, Held]
    own: Own
    at: datetime

    def all(self, name: str) -> tuple[Body, ...]:
        """The entries of a list."""
        return self.answers[name].objects

    def one(self, name: str) -> Body:
        """The object of an answer that is no list."""
        return self.answers[name].only


@dataclass(frozen=True)
class Verdict:
    """What was found, in words; nothing in it is what a customer wrote."""

    state: State
    found: str


@dataclass(frozen=True)
class Check:
    """One thing that a launch needs.

    Attributes:
        name: how it is named on the command line and in JSON.
        area: under which heading it is shown.
        need: what is needed, as a sentence.
        asks: names of the questions that it judges by; where one is refused, nobody can know.
        remedy: what to do where it fails or can't be known.
    """

    name: str
    area: str
    need: str
    asks: tuple[str, ...]
    judge: Callable[[Told], Verdict]
    remedy: str


def passed(found: str) -> Verdict:
    """It is as it should be."""
    return Verdict(State.PASS, found)


def failed(found: str) -> Verdict:
    """Something is to be done."""
    return Verdict(State.FAIL, found)


def unknown(found: str) -> Verdict:
    """Nobody can know by asking."""
    return Verdict(State.UNKNOWN, found)


def passed_if(holds: bool, so: str, otherwise: str) -> Verdict:
    """Pass with one finding, fail with the other."""
    return passed(so) if holds else failed(otherwise)


def counted(count: int, what: str) -> str:
    """So many of something, in words."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def none_of(offenders: Sequence[str], so: str, what: str) -> Verdict:
    """Pass where there are no offenders; else fail, naming some: `what` says what is wrong with them."""
    if not offenders:
        return passed(so)
    shown, more = offenders[:NAMED], len(offenders) - NAMED
    return failed(f"{what}: {', '.join(shown)}{f' and {more:,} more' if more > 0 else ''}.")


def seen(told: Told, found: Sequence[Body], what: str) -> Verdict:
    """Pass where it was seen to happen. A live account is no place to try it, so there nobody knows."""
    if found:
        return passed(f"Seen: {found[0]['id']}.")
    if told.own.is_live:
        return unknown(f"There was no {what} in live mode yet; whether it was rehearsed, the test key can tell.")
    return failed(f"There was no {what} yet.")
