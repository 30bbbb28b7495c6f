"""What a company wants to be sent, to whom and how often, as its YAML file says it. Without a file nothing is sent."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from billing import documents
from billing.documents import Part
from billing.notices.addresses import usable
from billing.notices.kinds import BY_NAME, Audience

SETTING = "REVENUE_NOTICES"
_LINK = re.compile(r"https://[^\s\"'<>|\\]{1,500}|http://(localhost|127\.0\.0\.1)(:\d+)?(/[^\s\"'<>|\\]{0,500})?")
_UNSUBSCRIBE = re.compile(r"(https://|mailto:)[\x21-\x3b\x3d\x3f-\x7e]{1,300}")


def _address(text: str) -> str:
    found = usable(text)
    if found is None:
        raise ValueError(f"{text!r:.80} is no address such as billing@example.com")
    return found


def _link(text: str) -> str:
    if not _LINK.fullmatch(text):
        raise ValueError(f"{text!r:.80} is no https:// address")
    return text.rstrip("/")


def _unsubscribe(text: str) -> str:
    if not _UNSUBSCRIBE.fullmatch(text):
        raise ValueError(f"{text!r:.80} is neither a mailto: nor an https:// address")
    return text


def _kind(text: str) -> str:
    if text not in BY_NAME:
        raise ValueError(f"there is no notice '{text}'; there are {', '.join(BY_NAME)}")
    return text


Address = Annotated[str, AfterValidator(_address)]
Link = Annotated[str, AfterValidator(_link)]
Line = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Limits(Part):
    """How much is sent. What exceeds a limit waits, until it is too old."""

    per_hour: Annotated[
        int, Field(ge=0, description="notices of any hour to customers, and as many to the company")
    ] = 200
    per_customer_per_day: Annotated[int, Field(ge=0, description="notices to one customer in any 24 hours")] = 2


class Links(Part):
    """Where mails lead to."""

    account: Annotated[Link | None, Field(description="where customers see to their subscription and card")] = None
    pages: Annotated[Link | None, Field(description="where the company's own people find the dashboards")] = None


class Choices(Part):
    """The whole file."""

    version: Literal[1]
    company: Annotated[Line, Field(description="who writes")]
    sender: Annotated[Address, Field(alias="from", description="the address that mails are from")]
    reply_to: Address | None = None
    language: Annotated[
        str, Field(pattern=r"^[a-z]{2}$", description="where a customer prefers none that is there")
    ] = "en"
    send: Annotated[list[Annotated[str, AfterValidator(_kind)]], Field(description="the kinds that are wanted")] = (
        Field(default_factory=list)
    )
    staff: Annotated[list[Address], Field(description="who is told of disputes")] = Field(default_factory=list)
    finance: Annotated[list[Address], Field(description="who gets the weekly summary")] = Field(default_factory=list)
    limits: Limits = Limits()
    wait_minutes: Annotated[
        int, Field(ge=0, le=1440, description="before a failed payment is told: Stripe sets its next attempt meanwhile")
    ] = 15
    max_age_hours: Annotated[int, Field(ge=1, le=720, description="what is older is not sent any more")] = 48
    links: Links = Links()
    templates: Annotated[str | None, Field(description="folder of the company's own templates")] = None
    unsubscribe: Annotated[
        Annotated[str, AfterValidator(_unsubscribe)] | None,
        Field(description="List-Unsubscribe of what a customer may do without"),
    ] = None

    @model_validator(mode="after")
    def _somebody_is_there(self) -> Self:
        for audience, addresses in ((Audience.STAFF, self.staff), (Audience.FINANCE, self.finance)):
            kinds = [name for name in self.send if BY_NAME[name].audience is audience]
            if kinds and not addresses:
                raise ValueError(f"{kinds[0]} goes to '{audience}', which names nobody")
        return self

    @property
    def causes(self) -> frozenset[str]:
        """What is listened for."""
        return frozenset(BY_NAME[name].cause for name in self.send)

    @property
    def folder(self) -> Path | None:
        """The folder of the company's own templates."""
        return Path(self.templates) if self.templates else None


def load(file: Path) -> Choices:
    """The choices of a file.

    Raises:
        UsageError: the file can't be read, or makes no sense.
    """
    return documents.read(file, Choices, SETTING)
