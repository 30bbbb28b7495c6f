"""What counts as access, and to which tier, as the company's YAML file says; and what follows for a customer. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from billing import documents
from billing.documents import Part

SETTING = "REVENUE_ACCESS"
MODULE = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"
_PRINTED = re.compile(r"[\x21-\x7e]{1,500}")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nothing goes over a network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(text: str) -> str:
    """An address that a signed call may go to. It is the company's own setting, so that any host will do."""
    parts = urlsplit(text) if _PRINTED.fullmatch(text) else urlsplit("")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"{text!r:.80} is no address such as https://app.example.com/hooks/access")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"{text!r:.80} is not encrypted: write https://; http:// is for this machine alone")
    if parts.username is not None or parts.fragment:
        raise ValueError("the address holds a user or a fragment; calls are signed, and need neither")
    return text


class Policy(Part):
    """The whole file. Without `url` or `plugin` changes are worked out and kept, and nobody is told."""

    version: Literal[1]
    url: Annotated[Annotated[str, AfterValidator(_url)] | None, Field(description="where signed calls go")] = None
    plugin: Annotated[
        str | None, Field(pattern=MODULE, description="module with a function `tell`, called instead")
    ] = None
    past_due_days: Annotated[
        int, Field(ge=0, le=365, description="days that access lasts once an invoice of it is due and not paid")
    ] = 14
    paused: Annotated[bool, Field(description="whether a trial that ended without a way to pay gives access")] = False
    collection_paused: Annotated[bool, Field(description="whether a subscription whose payments are paused does")] = (
        True
    )
    tier: Annotated[
        list[Annotated[str, Field(pattern=r"^(price|product)\.[\w .\-]{1,40}$")]],
        Field(description="keys of metadata that name an item's tier, the first that is there counts"),
    ] = Field(default_factory=lambda: ["price.tier", "product.tier"])
    order: Annotated[
        list[str], Field(description="tiers, the lowest first; the highest of several is the customer's")
    ] = Field(default_factory=list)
    timeout_seconds: Annotated[int, Field(ge=1, le=30)] = 10
    give_up_days: Annotated[int, Field(ge=1, le=90, description="after which a call is left, to be sent by hand")] = 7

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.url and self.plugin:
            raise ValueError("it names both a url and a plugin; one of them is told")
        return self


@dataclass(frozen=True)
class Held:
    """What a customer holds: a subscription with its status, tiers, and since when an invoice of it is overdue."""

    subscription_id: str
    status: str
    tiers: Sequence[str] = ()
    collection_is_paused: bool = False
    overdue_since: datetime | None = None


@dataclass(frozen=True)
class Access:
    """A customer's access. `tier` is the highest of `tiers`, `reason` the status that gives it, or `none`.

    `until` is when it changes by the clock alone, as where days of grace end.
    """

    has_access: bool
    tier: str | None = None
    tiers: tuple[str, ...] = ()
    reason: str = "none"
    until: datetime | None = None

    def is_like(self, other: "Access") -> bool:
        """Whether there is nothing to tell between the two."""
        return (self.has_access, self.tiers, self.tier) == (other.has_access, other.tiers, other.tier)


NONE = Access(has_access=False)
STRENGTH = ("active", "trialing", "past_due", "paused")
"""Statuses that may give access; of several subscriptions' the first is the reason."""


def load(file: Path) -> Policy:
    """The policy of a file.

    Raises:
        UsageError: the file can't be read, or makes no sense.
    """
    return documents.read(file, Policy, SETTING)


def access_of(held: Iterable[Held], policy: Policy, now: datetime) -> Access:
    """The access that subscriptions give at an instant, in whatever order they come."""
    given = [each for each in held if _gives(each, policy, now)]
    if not given:
        return NONE
    tiers = tuple(sorted({tier for each in given for tier in each.tiers}))
    ranks = {tier: rank for rank, tier in enumerate(policy.order)}
    highest = max(tiers, key=lambda tier: (ranks.get(tier, -1), tier), default=None)
    reason = min((each.status for each in given), key=STRENGTH.index)
    ends = [end for each in given if (end := _end_of_grace(each, policy)) is not None]
    return Access(True, highest, tiers, reason, min(ends, default=None))


def tier_of(policy: Policy, price: Mapping[str, str], product: Mapping[str, str]) -> str | None:
    """The tier that metadata of an item's price and product name."""
    carriers = {"price": price, "product": product}
    for name in policy.tier:
        carrier, _, key = name.partition(".")
        if text := " ".join(str(carriers[carrier].get(key, "")).split())[:100]:
            return text
    return None


def _gives(held: Held, policy: Policy, now: datetime) -> bool:
    if held.status not in STRENGTH or (held.collection_is_paused and not policy.collection_paused):
        return False
    if held.status == "past_due":
        end = _end_of_grace(held, policy)
        return end is not None and now < end
    return held.status != "paused" or policy.paused


def _end_of_grace(held: Held, policy: Policy) -> datetime | None:
    if held.status != "past_due" or held.overdue_since is None:
        return None
    return held.overdue_since + timedelta(days=policy.past_due_days)
