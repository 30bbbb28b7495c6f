"""The end of a customer at Stripe, as the last that is done for one who asked to be erased.

What is sent are direct orders, in the name of who asks for the erasure: limits of careful automation do not hold back
what a person has a right to; the kill switch does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from billing import orders, plan
from billing.actions.action import NoParams, Params
from billing.actions.cancel import Cancellation
from billing.apply import Engine, carry_out
from billing.book import Planned, all_of
from billing.erasures import Erasure
from billing.errors import StripeRefusedError, UsageError
from billing.orders import Order
from billing.rules import params_of
from billing.tables import actions
from billing.wire import Body, Wire, path

KINDS = ("cancel", "delete_customer")


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
    return _Ending(engine, erasure).carried_out()


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
                carry_out(self.engine, each.action_id)

    def _actions(self) -> list[Planned]:
        """What this erasure has sent or proposed so far."""
        asked = self.erasure.asked
        theirs = (actions.c.account_id == asked.account_id, actions.c.customer_id == asked.customer_id)
        with self.engine.store.reading() as connection:
            found = all_of(connection, *theirs, actions.c.rule == plan.BY_HAND, actions.c.kind.in_(KINDS))
        return [each for each in found if self._is_of_this(each, attempts=len(found))]

    def _is_of_this(self, planned: Planned, attempts: int) -> bool:
        params = params_of(planned.kind, planned.given_params)
        ids = orders.ids(self.engine, self._order(planned.kind, planned.subject_id, params))
        return planned.action_id in islice(ids, attempts)

    def _acted(self, kind: str, subject_id: str, params: Params) -> str:
        """Carry out one action; nothing where it is done, else why it is not."""
        after = orders.fulfilled(self.engine, self._order(kind, subject_id, params))
        if after.state == "done":
            return ""
        return f"{kind}_of_{subject_id}_is_{after.state}" + (f":{after.why}" if after.why else "")

    def _order(self, kind: str, subject_id: str, params: Params) -> Order:
        """Under the name that erasures have always gone by, so that those begun before are gone on with."""
        return Order(kind, subject_id, params, self.erasure.by, self.erasure.erasure_id, rule=plan.BY_HAND)


def _last_end(subscriptions: Sequence[Body]) -> datetime | None:
    ends = [
        int(each["cancel_at"] or max((item["current_period_end"] for item in each["items"]["data"]), default=0))
        for each in subscriptions
    ]
    return datetime.fromtimestamp(max(ends), UTC) if any(ends) else None
