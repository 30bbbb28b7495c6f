"""A small company's account behind the sandbox, and what the engine needs to act on it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing import approvals, plan, rules
from billing.actions.catalogue import ACTIONS
from billing.apply import Engine
from billing.flags import Flag
from billing.store import Store
from billing.wire import Request, Wire, standing
from sandbox.serving import Sandbox
from sandbox.world.business import Business
from sandbox.world.world import World

RULES = rules.load()
Answer = dict[str, Any]


def company() -> World:
    """Forty customers over eight months; two of them have an invoice that their card was refused for."""
    return World.grown(Business(customers=40, months=8))


def unpaced(sandbox: Sandbox, key: str | None = None) -> Wire:
    """A wire that waits for nothing between attempts, and not long for an answer."""
    return Wire(key or sandbox.write_key, sandbox.url, sleep=lambda seconds: None, timeouts=(5.0, 5.0))


@dataclass(frozen=True)
class Scene:
    """An account, a store, and the engine between them."""

    sandbox: Sandbox
    store: Store
    wire: Wire

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.sandbox.now, UTC)

    def engine(self, *, owner: str = "tests", given: rules.Rules = RULES, **changes: Any) -> Engine:
        """What carries actions out, by the sandbox's clock."""
        whose = standing(self.wire)
        told: dict[str, Any] = {"stopped": lambda: None} | changes
        return Engine(self.store, self.wire, whose, given, lambda: self.now, owner, **told)

    def failed_invoices(self) -> list[Answer]:
        """Open invoices that a card was refused for, the oldest first."""
        found = self.wire.pages("/v1/invoices", status="open", collection_method="charge_automatically")
        return sorted(map(dict, found), key=lambda invoice: invoice["created"])

    def flag(self, invoice: Answer, **changes: Any) -> Flag:
        """A flag of an invoice that should be tried again."""
        told: dict[str, Any] = {
            "account_id": standing(self.wire).account_id,
            "customer_id": invoice["customer"],
            "flag_id": f"flag_{invoice['id']}",
            "flag_version": 1,
            "score_kind": "payment",
            "risk_score": 80,
            "risk_band": "high",
            "mrr_at_risk_reporting": Decimal("9499.000000"),
            "expected_loss_reporting": Decimal(50_000),
            "subscription_id": None,
            "invoice_id": invoice["id"],
            "reasons": ("three failed attempts",),
            "recommended_action": "retry_invoice",
            "flagged_at": self.now,
            "expires_at": self.now + timedelta(days=14),
        }
        return Flag(**told | changes)

    def planned(self, *flags: Flag, given: rules.Rules = RULES) -> list[str]:
        """Plan these flags; the ids of what is new."""
        made = plan.plan(self.store, self.wire, standing(self.wire), given, flags)
        return [each.action_id for each in made.new]

    def approved(self, *flags: Flag, given: rules.Rules = RULES) -> list[str]:
        """Plan these flags and approve all that is new."""
        ids = self.planned(*flags, given=given)
        approvals.approve(self.store, ids, "mara", self.now)
        return ids

    def by_hand(self, kind: str, subject: str, reference: str = "", **given: Any) -> str:
        """Propose an action by hand; its id."""
        action = ACTIONS[kind]
        made = plan.by_hand(
            self.store,
            self.wire,
            standing(self.wire),
            RULES,
            action,
            subject,
            action.completed(rules.params_of(kind, given)),
            reference=reference,
            expires_at=self.now + timedelta(days=7),
            actor="mara",
        )
        return made.action_id

    def post(self, path: str, **params: Any) -> Answer:
        """Act on the account from outside, as its owner does in the dashboard."""
        return dict(self.wire.ask(Request("post", path, params))[0])

    def get(self, path: str, **params: Any) -> Answer:
        return dict(self.wire.get(path, **params))

    def give_card(self, customer_id: str, card: str = "pm_card_visa") -> None:
        """Have the customer's invoices charged to a card from now on."""
        method = self.post(f"/v1/payment_methods/{card}/attach", customer=customer_id)
        settings = {"default_payment_method": method["id"]}
        self.post(f"/v1/customers/{customer_id}", invoice_settings=settings)
        for subscription in self.wire.pages("/v1/subscriptions", customer=customer_id):
            if subscription["default_payment_method"]:
                raise AssertionError(f"{subscription['id']} has a payment method of its own")

    def charges(self, customer_id: str) -> list[Answer]:
        """The customer's charges that went through."""
        found = self.wire.pages("/v1/charges", customer=customer_id)
        return [dict(charge) for charge in found if charge["status"] == "succeeded"]
