"""What an action is: one value that says what it needs, what it would do, when it may be done, what is sent, and how
its effect is found afterwards.

Only `look` asks Stripe; the rest are functions of what it saw, so that the same judgement is made in a plan, right
before the act, and after a crash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from billing.canonical import Json, digest
from billing.wire import Body, Request, Wire

AROUND = timedelta(minutes=20)
"""How long after the intent a thing may appear that an action made: all attempts, and what was still under way."""
CLOCKS = timedelta(seconds=5)
MARK = "revenue_action"
"""The key of metadata under which an object carries the id of the action that changed it."""


class Params(BaseModel):
    """What can be said about how an action is done. Each action has its own; unknown words are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NoParams(Params):
    """Nothing can be said."""


class Aside(Params):
    """Params of what goes with something that is written down nowhere, such as a name: it is handed over when sent.

    `check` is set where there is such a thing: four digits of its digest, enough to notice another in its place, and
    too few to find out what it was.
    """

    check: SkipJsonSchema[Annotated[str, Field(pattern=r"^[0-9a-f]{4}$")] | None] = None


def check_of(aside: Mapping[str, Json]) -> str | None:
    """The `check` of what is handed over; None where that is nothing."""
    return digest(aside)[:4] if aside else None


@dataclass(frozen=True)
class Subject:
    """What is acted on: an id of Stripe's, the action's own id, and when it was planned and intended.

    What is worth something by the second is reckoned as of the plan, so that a person approves what is then done.
    """

    id: str
    customer_id: str
    action_id: str
    planned_at: datetime
    intended_at: datetime | None = None

    @property
    def window(self) -> Mapping[str, int] | None:
        """When a thing that the action made can have been created, as lists take it; None before it was sent."""
        if self.intended_at is None:
            return None
        since, until = self.intended_at - CLOCKS, self.intended_at + AROUND
        return {"gte": int(since.timestamp()), "lte": int(until.timestamp())}


@dataclass(frozen=True)
class Effect:
    """What would happen, in words without personal data, and the money that it moves.

    `amount` is what it would collect or pay back, `cost` what the company would give away or lose of what it could
    claim, both in minor units of `currency`; None where no money moves at once. `details` are dates and lines.
    """

    words: str
    amount: int | None = None
    cost: int | None = None
    currency: str | None = None
    details: Mapping[str, Json] = field(default_factory=dict)


class Trace(Enum):
    """What the world shows of an action whose outcome is not known."""

    THERE = "there"
    """Its effect, and nothing else can have made it."""
    SEEN = "seen"
    """A state as after it, which something else may have made."""
    ABSENT = "absent"
    """Not its effect."""


@dataclass(frozen=True)
class Facts:
    """What Stripe said when it was looked at: the object, and what else the action asked for; and when that was."""

    at: datetime
    object: Body
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def marked_by(self) -> str | None:
        """The id of the last action that marked the object."""
        return (self.object.get("metadata") or {}).get(MARK)


def merged(request: Request, aside: Body) -> Request:
    """The request with what is handed over in it; where both hold a map, such as metadata, with both,
    and what was written down goes before."""
    both = {
        name: {**value, **request.params[name]} for name, value in aside.items() if _is_map_in(request, name, value)
    }
    return replace(request, params={**request.params, **aside, **both})


def _is_map_in(request: Request, name: str, value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(request.params.get(name), Mapping)


@dataclass(frozen=True)
class Action:
    """One sort of action.

    Attributes:
        kind: its name in rules, plans and the trail.
        summary: what it does, in a line.
        subject: what it acts on: `invoice`, `subscription`, `customer`, `charge`, `dispute`.
        params: what can be said about how.
        look: asks Stripe for all that the judgements below need.
        refusal: why it must not be done as things stand; None where it may.
        preview: what it would do.
        request: what is sent; the same for the same facts and params.
        trace: what shows of it afterwards.
        kept: what of Stripe's answer is recorded: ids and states, nothing personal.
        shown: what of the answer a person is shown once and nobody keeps, such as a link that opens by itself.
        completed: the params with what is found out once, when it is proposed.
        filled: the request with what must not be written down, added right before it is sent: what the params lead to,
            or what is handed over (`Aside`).
        made: what was looked at and holds what `kept` keeps, where the answer was lost and its effect is found.
        needs_person: True where somebody must be there to take what is shown.
        by_rule: False where no rule may lead to it, only a person.
        of_a_customer: False where it is no customer's own, such as a change of a price.
    """

    kind: str
    summary: str
    subject: str
    params: type[Params]
    look: Callable[[Wire, Subject, Any, datetime], Facts]
    refusal: Callable[[Facts, Any], str | None]
    preview: Callable[[Facts, Any], Effect]
    request: Callable[[Subject, Facts, Any], Request]
    trace: Callable[[Subject, Facts, Any], Trace]
    kept: Callable[[Body], Mapping[str, Json]]
    shown: Callable[[Body], str | None] = lambda body: None
    completed: Callable[[Any], Params] = lambda params: params
    filled: Callable[[Request, Any, Body], Request] = lambda request, params, aside: merged(request, aside)
    made: Callable[[Facts], Body | None] = lambda facts: None
    needs_person: bool = False
    by_rule: bool = True
    of_a_customer: bool = True
