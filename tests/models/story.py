"""A Stripe account told in a few lines: what was sold, billed and changed, as staged rows.

Money is in minor units; instants are UTC, written as 2026-01-31 or 2026-01-31T09:30.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from models.contracts import staging
from models.policy import MetricPolicy
from models.spine import Spine, build_spine
from models.terms import Terms

ACCOUNT = "acct_1"
SCHEMAS: dict[str, dict[str, Any]] = {
    table.table_name: {name: column.dtype for name, column in table.columns().items()} for table in staging.TABLES
}


def instant(text: str) -> datetime:
    """The UTC instant that a text says."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Account:
    """Rows by staged table, and the verbs that make them."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def price(
        self, name: str, amount: Decimal | int | None, interval: str = "month", count: int = 1, **more: Any
    ) -> None:
        """A licensed recurring price; its product is the part of the name before the first dash."""
        self._add(
            "prices",
            id=name,
            product_id=name.split("-")[0],
            currency="usd",
            type="recurring",
            billing_scheme="per_unit",
            unit_amount_decimal=None if amount is None else Decimal(amount),
            recurring_interval=interval,
            recurring_interval_count=count,
            recurring_usage_type="licensed",
            **more,
        )

    def coupon(self, name: str, duration: str = "forever", **more: Any) -> None:
        """A coupon, and a discount of the same name that applies it."""
        self._add("coupons", id=name, duration=duration, currency="usd", **more)
        self._add("discounts", id=name, coupon_id=name)

    def subscription(
        self, name: str, customer: str, start: str, items: Sequence[tuple[str, str, int]], **more: Any
    ) -> None:
        """A subscription as it stands now, with (item, price, quantity) of its items now."""
        told = {"status": "active", "currency": "usd", "created_at": instant(start), **_instants(more)}
        self._add("subscriptions", id=name, customer_id=customer, start_at=instant(start), **told)
        for place, (item, price, quantity) in enumerate(items):
            self._add(
                "subscription_items",
                id=item,
                subscription_id=name,
                price_id=price,
                quantity=quantity,
                position=place,
                created_at=instant(start),
            )

    def invoice(
        self,
        subscription: str,
        lines: Sequence[tuple[str, str, int, str, str]],
        discounts: Sequence[str] = (),
        line_discounts: Sequence[str] = (),
        taxed: tuple[int, int] | None = None,
        **more: Any,
    ) -> str:
        """An invoice with a line for (item, price, quantity, from, to) each; created when the first line starts.

        `taxed`: the amount of each line and the tax inside it.
        """
        name = f"in_{len(self.rows['invoices']) + 1}"
        told = {"status": "paid", "created_at": instant(lines[0][3]), **_instants(more)}
        if told["status"] != "draft":
            told.setdefault("finalized_at", told["created_at"])
        self._add("invoices", id=name, subscription_id=subscription, discounts=list(discounts), **told)
        for place, (item, price, quantity, start, end) in enumerate(lines):
            self._add(
                "invoice_lines",
                id=f"{name}_{place}",
                invoice_id=name,
                position=place,
                subscription_id=subscription,
                subscription_item_id=item,
                price_id=price,
                quantity=quantity,
                amount=taxed[0] if taxed else 1,
                proration=False,
                period_start_at=instant(start),
                period_end_at=instant(end),
                discounts=list(line_discounts),
                taxes=[{"amount": taxed[1], "tax_behavior": "inclusive", "tax_rate_id": None}] if taxed else [],
            )
        return name

    def proration(
        self,
        subscription: str,
        item: str,
        start: str,
        end: str,
        before: tuple[str, int] | None,
        after: tuple[str, int] | None,
    ) -> None:
        """A change in mid-period: credit for the rest of (price, quantity) `before`, debit for the rest of `after`."""
        for state, amount in ((before, -1), (after, 1)):
            if state is not None:
                self._add(
                    "invoice_items",
                    id=f"ii_{len(self.rows['invoice_items']) + 1}",
                    subscription_id=subscription,
                    subscription_item_id=item,
                    price_id=state[0],
                    quantity=state[1],
                    amount=amount,
                    proration=True,
                    period_start_at=instant(start),
                    period_end_at=instant(end),
                    created_at=instant(start),
                )

    def proration_lines(
        self, subscription: str, item: str, start: str, end: str, before: tuple[str, int], after: tuple[str, int]
    ) -> None:
        """The same change, known from the lines of an invoice alone."""
        name = f"in_{len(self.rows['invoices']) + 1}"
        self._add(
            "invoices", id=name, subscription_id=subscription, status="paid", created_at=instant(start), discounts=[]
        )
        for place, ((price, quantity), amount) in enumerate(((before, -1), (after, 1))):
            self._add(
                "invoice_lines",
                id=f"{name}_{place}",
                invoice_id=name,
                position=place,
                subscription_id=subscription,
                subscription_item_id=item,
                price_id=price,
                quantity=quantity,
                amount=amount,
                proration=True,
                period_start_at=instant(start),
                period_end_at=instant(end),
            )

    def version(self, subscription: str, at: str, items: Sequence[tuple[str, str, int]], **more: Any) -> None:
        """A version of a subscription that was read when it had these (item, price, quantity)."""
        self._add(
            "subscription_versions",
            subscription_id=subscription,
            seq=len(self.rows["subscription_versions"]) + 1,
            valid_from_at=instant(at),
            deleted=False,
            **_instants(more),
            items=[
                {"id": item, "price_id": price, "quantity": quantity, "position": place, "discounts": []}
                for place, (item, price, quantity) in enumerate(items)
            ],
        )

    def failed_charge(self, invoice: str, at: str) -> None:
        """A failed payment of an invoice."""
        self._add("invoice_payments", id=f"inpay_{invoice}_{at}", invoice_id=invoice, payment_intent_id=f"pi_{invoice}")
        self._add(
            "charges",
            id=f"ch_{invoice}_{at}",
            payment_intent_id=f"pi_{invoice}",
            status="failed",
            created_at=instant(at),
        )

    def staging(self) -> dict[str, pl.LazyFrame]:
        """The staged tables."""
        return {
            table: pl.DataFrame([{**dict.fromkeys(schema), **row} for row in self.rows[table]], schema=schema).lazy()
            for table, schema in SCHEMAS.items()
        }

    def spine(
        self,
        as_of: str,
        timezone: str = "UTC",
        currency: str = "usd",
        rates: Sequence[tuple[str, str, str, str]] = (),
        policy: MetricPolicy | None = None,
    ) -> Spine:
        """The spine as of an instant; `rates` are (day, from, to, rate)."""
        terms = Terms(instant(as_of), timezone, currency, policy or MetricPolicy())
        return build_spine(self.staging(), rate_frame(rates), terms)

    def _add(self, table: str, **row: Any) -> None:
        unknown = set(row) - set(SCHEMAS[table])
        assert not unknown, f"{table} has no {unknown}"
        self.rows[table].append({"account_id": ACCOUNT, **row})


def rate_frame(rates: Sequence[tuple[str, str, str, str]]) -> pl.LazyFrame:
    """Exchange rates from (day, from, to, rate)."""
    schema: dict[str, Any] = {
        "date": pl.Date,
        "from_currency": pl.String,
        "to_currency": pl.String,
        "rate": pl.Decimal(38, 12),
    }
    rows = [(date.fromisoformat(day), source, target, Decimal(rate)) for day, source, target, rate in rates]
    return pl.DataFrame(rows, schema=schema, orient="row").lazy()


def ledger(spine: Spine) -> list[str]:
    """The changes, one a line: when, item, worth before and after in minor units, cause."""
    rows = spine.marts["mrr_changes"].sort("changed_at", "subscription_item_id").collect().iter_rows(named=True)
    return [
        f"{_when(row['changed_at'])} {row['subscription_item_id']} {_plain(row['mrr_before'])} -> "
        f"{_plain(row['mrr_after'])} {row['cause']}"
        for row in rows
    ]


def movements(spine: Spine) -> list[str]:
    """The movements, one a line: day, customer, type, amount in minor units and currency."""
    rows = spine.marts["mrr_movements"].sort("moved_on", "customer_id", "currency").collect().iter_rows(named=True)
    return [
        f"{row['moved_on']} {row['customer_id']} {row['movement_type']} "
        f"{_plain(row['mrr_delta'], '+')} {row['currency']}"
        for row in rows
    ]


def _instants(told: dict[str, Any]) -> dict[str, Any]:
    return {name: instant(value) if name.endswith("_at") and value else value for name, value in told.items()}


def _when(at: datetime) -> str:
    text = at.isoformat()[:16]
    return text.removesuffix("T00:00")


def _plain(amount: Decimal, sign: str = "") -> str:
    return f"{amount.normalize():{sign}f}"
