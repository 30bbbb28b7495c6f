"""The end of a customer at Stripe, as the last that is done for one who asked to be erased.

What is sent are actions like all others, approved by who asks for the erasure, each once. Limits of careful automation
do not hold back what a person has a right to; the kill switch does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from billing import approvals, plan
from billing.actions.action import NoParams, Params
from billing.actions.cancel import Cancellation
from billing.actions.catalogue import ACTIONS
from billing.apply import Engine, apply
from billing.book import STEPS, Planned, all_of, known, one_of
from billing.erasures import Erasure
from billing.errors import StripeRefusedError, UsageError
from billing.rules import Limits, params_of
from billing.tables import actions
from billing.wire import Body, Wire, path

APPROVAL_DAYS = 7
UNLIMITED = Limits(per_run=10**6, per_day=10**6, per_customer=10**6, cool_down_days=0)
KINDS = ("cancel", "delete_customer")
OPEN = ("proposed", "approved", "revoked", "intended", "acted", "done")
"""States in which an action is still to be carried out, or was."""


@dataclass(frozen=True)
class Ended:
    """How the customer stands at Stripe: `deleted` by this, `deleted_already`, `not_found`, `left`, or `waits`.

    `why` says what is waited for; `until` when subscriptions end that do so with their period.
    """

    customer: str
    subscriptions: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    why: str = ""
    until: datetime | None = None


def ended(engine: Engine, erasure: Erasure) -> Ended:
    """End subscriptions as was asked and delete the customer; again after a crash, it goes on where it was.

    Raises:
        UsageError: the key is of another account or mode.
        BillingError: Stripe refuses the key, or can't be asked.
    """
    asked = erasure.asked
    if (engine.standing.account_id, engine.standing.is_live) != (asked.account_id, asked.livemode):
        raise UsageError(f"The key is of {engine.standing.account_id}, and the customer of {asked.account_id}.")
    if not asked.at_stripe or asked.subscriptions == "keep":
        return Ended("left")
    unlimited = replace(engine, rules=engine.rules.model_copy(update={"limits": UNLIMITED}))
    return _Ending(unlimited, erasure).carried_out()


def standing_of(wire: Wire, customer_id: str) -> tuple[str, list[Body]]:
    """Whether the customer is `there`, `deleted_already` or `not_found`, and the subscriptions that go on."""
    try:
        customer = wire.get(path("customers", customer_id))
    except StripeRefusedError as error:
        if error.status != 404:
            raise
        return "not_found", []
    if customer.get("deleted"):
        return "deleted_already", []
    return "there", list(wire.pages("/v1/subscriptions", customer=customer_id))


@dataclass(frozen=True)
class _Ending:
    engine: Engine
    erasure: Erasure

    def carried_out(self) -> Ended:
        customer_id = self.erasure.asked.customer_id
        stands, subscriptions = standing_of(self.engine.wire, customer_id)
        if stands != "there":
            self._settle_the_deletion()
            return self._told(stands)
        when = self.erasure.asked.subscriptions
        for subscription in subscriptions:
            if when == "period_end" and (subscription["cancel_at_period_end"] or subscription["cancel_at"]):
                continue
            if why := self._acted("cancel", str(subscription["id"]), Cancellation(when=when)):  # type: ignore[arg-type]
                return self._told("waits", why)
        _, left = standing_of(self.engine.wire, customer_id)
        if left:
            return self._told("waits", "subscriptions_end_with_their_period", _last_end(left))
        why = self._acted("delete_customer", customer_id, NoParams())
        return self._told("waits", why) if why else self._told("deleted")

    def _told(self, customer: str, why: str = "", until: datetime | None = None) -> Ended:
        """How it stands, with all that this erasure did, in whichever of its runs."""
        done = [each for each in self._actions() if each.state == "done"]
        if any(each.kind == "delete_customer" for each in done):
            customer = "deleted"
        ended_ = tuple(each.subject_id for each in done if each.kind == "cancel")
        return Ended(customer, ended_, tuple(each.action_id for each in done), why, until)

    def _settle_the_deletion(self) -> None:
        """Where a crash left it open: Stripe says whether it was this that deleted the customer."""
        for each in self._actions():
            if each.kind == "delete_customer" and each.state in ("intended", "acted"):
                self._carried_out(each.action_id)

    def _actions(self) -> list[Planned]:
        """What this erasure has sent or proposed so far."""
        asked = self.erasure.asked
        theirs = (actions.c.account_id == asked.account_id, actions.c.customer_id == asked.customer_id)
        with self.engine.store.reading() as connection:
            found = all_of(connection, *theirs, actions.c.rule == plan.BY_HAND, actions.c.kind.in_(KINDS))
        return [each for each in found if self._is_of_this(each, attempts=len(found))]

    def _is_of_this(self, planned: Planned, attempts: int) -> bool:
        params = params_of(planned.kind, planned.given_params)
        ids = self._ids(planned.kind, planned.subject_id, params)
        return planned.action_id in islice(ids, attempts)

    def _acted(self, kind: str, subject_id: str, params: Params) -> str:
        """Propose, approve and carry out one action; nothing where it is done, else why it is not."""
        ids = self._ids(kind, subject_id, params)
        number, action_id = next(
            (number, each)
            for number, each in enumerate(ids, start=1)
            if not self._known(each) or self._one(each).state in OPEN
        )
        if not self._known(action_id):
            self._proposed(kind, subject_id, params, number)
        if self._one(action_id).state in STEPS["approved"][0]:
            approvals.approve(self.engine.store, [action_id], self.erasure.by, self.engine.clock())
        after = self._carried_out(action_id)
        if after.state == "done":
            return ""
        return f"{kind}_of_{subject_id}_is_{after.state}" + (f":{after.outcome}" if after.outcome else "")

    def _carried_out(self, action_id: str) -> Planned:
        if self._one(action_id).state != "done":
            for _ in apply(self.engine, [action_id]):
                pass
        return self._one(action_id)

    def _proposed(self, kind: str, subject_id: str, params: Params, number: int) -> None:
        engine, now = self.engine, self.engine.clock()
        plan.by_hand(
            engine.store,
            engine.wire,
            replace(engine.standing, at=now),
            engine.rules,
            ACTIONS[kind],
            subject_id,
            params,
            reference=self._reference(number),
            expires_at=now + timedelta(days=APPROVAL_DAYS),
            actor=self.erasure.by,
        )

    def _ids(self, kind: str, subject_id: str, params: Params) -> Iterator[str]:
        """The ids of this erasure's attempts at an action, without end."""
        for number in count(1):
            yield plan.id_by_hand(self.engine.standing, ACTIONS[kind], subject_id, params, self._reference(number))

    def _reference(self, number: int) -> str:
        return f"{self.erasure.erasure_id}/{number}"

    def _known(self, action_id: str) -> bool:
        with self.engine.store.reading() as connection:
            return bool(known(connection, [action_id]))

    def _one(self, action_id: str) -> Planned:
        with self.engine.store.reading() as connection:
            return one_of(connection, action_id)


def _last_end(subscriptions: Sequence[Body]) -> datetime | None:
    ends = [
        int(each["cancel_at"] or max((item["current_period_end"] for item in each["items"]["data"]), default=0))
        for each in subscriptions
    ]
    return datetime.fromtimestamp(max(ends), UTC) if any(ends) else None
