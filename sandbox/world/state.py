"""What the simulation remembers of each thing while it lives: plain slotted records, changed by the acts of the world.

Nothing here acts, draws or renders. Instants are epoch seconds, money is minor units of the thing's currency.
"""

from dataclasses import dataclass, field
from random import Random

from sandbox.world.business import Coupon, Price, TaxRate


@dataclass(slots=True, eq=False)
class Card:
    """A card on file. `fate` says how it will fail, if it will: a decline code, or "" for good; `test` which of
    Stripe's test cards it is, if it is one."""

    id: str
    created: int
    customer: "Customer | None"
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    country: str
    funding: str
    fate: str = ""
    detached: bool = False
    test: str = ""
    metadata: dict[str, str] | None = None
    kind: str = "payment_method"


@dataclass(slots=True, eq=False)
class Customer:
    """Someone who signed up, with the traits that make them stay or go; `street` is the rest of the address."""

    no: int
    id: str
    created: int
    name: str | None
    email: str | None
    country: str | None
    state: str | None
    currency: str
    metadata: dict[str, str]
    chance: Random
    patience: float
    trouble: float
    tax_rate: TaxRate | None = None
    card: Card | None = None
    balance: int = 0
    invoices: int = 0
    delinquent: bool = False
    deleted: bool = False
    left_at: int | None = None
    failed_at: int = 0
    shrunk_at: int = 0
    shocked_at: int = 0
    upset_at: int = 0
    pleased_at: int = 0
    phone: str | None = None
    description: str | None = None
    locales: list[str] = field(default_factory=list)
    street: dict[str, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    subscriptions: "list[Subscription]" = field(default_factory=list)
    kind: str = "customer"


@dataclass(slots=True, eq=False)
class Discount:
    """A coupon at work on a subscription or one of its items."""

    id: str
    coupon: Coupon
    start: int
    end: int | None
    customer: str
    subscription: str
    item: str | None = None


@dataclass(slots=True, eq=False)
class Item:
    """A subscription item: so many of a price."""

    id: str
    created: int
    price: Price
    quantity: int | None
    discounts: list[Discount] = field(default_factory=list)
    removed: bool = False
    usage: int = 0

    @property
    def coupons(self) -> list[Coupon]:
        """The coupons of the item's own discounts, in order."""
        return [discount.coupon for discount in self.discounts]


@dataclass(frozen=True, slots=True)
class Phase:
    """What a subscription is from an instant on, until another."""

    start: int
    end: int
    price: Price
    quantity: int | None


@dataclass(slots=True, eq=False)
class Schedule:
    """An agreement on what a subscription will be; `ends` says that it ends with the last phase."""

    id: str
    created: int
    subscription: "Subscription"
    phases: tuple[Phase, ...]
    ends: bool
    current: Phase | None
    status: str = "active"
    released_at: int | None = None
    completed_at: int | None = None
    canceled_at: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    kind: str = "subscription_schedule"


@dataclass(slots=True, eq=False)
class Subscription:
    """A subscription as it stands; `anchor` and `cycle` count its billing periods.

    `billed_discounts` are those of the running period, where others hold from the next one on; `waiving` says that the
    running period's bill was called off.
    """

    id: str
    customer: Customer
    created: int
    start: int
    status: str
    currency: str
    flexible: bool
    collection: str
    anchor: int
    period_start: int
    period_end: int
    cycle: int = 0
    days_until_due: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    trial_start: int | None = None
    trial_end: int | None = None
    trial_without_card: str = "create_invoice"
    cancel_at: int | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    reason: str | None = None
    feedback: str | None = None
    comment: str | None = None
    contract: bool = False
    in_dunning: bool = False
    pause: str | None = None
    resumes_at: int | None = None
    paused_type: str | None = None
    paused_at: int | None = None
    latest_invoice: str | None = None
    card: Card | None = None
    schedule: Schedule | None = None
    billed_discounts: list[Discount] | None = None
    waiving: bool = False
    pending: "list[InvoiceItem]" = field(default_factory=list)
    drafts: "list[Invoice]" = field(default_factory=list)
    overdue: "list[Invoice]" = field(default_factory=list)
    wish: str = ""
    turn: int = 0
    changed_at: int = 0
    trial: int | None = None
    kind: str = "subscription"

    @property
    def coupons(self) -> list[Coupon]:
        """The coupons at work in the running period, in order."""
        held = self.discounts if self.billed_discounts is None else self.billed_discounts
        return [discount.coupon for discount in held]

    @property
    def interval(self) -> tuple[str, int]:
        """How often it bills: interval and count."""
        price = self.items[0].price
        return price.interval, price.interval_count

    @property
    def live(self) -> bool:
        """Whether it has not come to an end."""
        return self.status not in ("canceled", "incomplete_expired", "unpaid")


@dataclass(slots=True, eq=False)
class InvoiceItem:
    """A proration or a one-off amount, pending or on an invoice."""

    id: str
    at: int
    customer: Customer
    amount: int
    currency: str
    start: int
    end: int
    price: Price | None
    quantity: int
    description: str
    proration: bool
    subscription: Subscription | None = None
    item: Item | None = None
    invoice: "Invoice | None" = None
    kind: str = "invoiceitem"


@dataclass(slots=True, eq=False)
class Line:
    """One line of an invoice; `off` is what each discount took, the tax is the line's only one."""

    id: str
    amount: int
    quantity: int | None
    start: int
    end: int
    description: str
    price: Price | None = None
    item: Item | None = None
    invoice_item: InvoiceItem | None = None
    own: tuple[Discount, ...] = ()
    off: tuple[tuple[Discount, int], ...] = ()
    tax: int = 0
    tax_rate: TaxRate | None = None

    @property
    def net(self) -> int:
        """The amount less discounts; a tax inside the price is still in it."""
        return self.amount - sum(amount for _, amount in self.off)

    @property
    def total(self) -> int:
        """The amount less discounts plus tax on top."""
        on_top = self.tax if self.tax_rate is not None and not self.tax_rate.inclusive else 0
        return self.net + on_top


@dataclass(slots=True, eq=False)
class Invoice:
    """An invoice on its way from draft to paid, void or given up."""

    id: str
    customer: Customer
    created: int
    currency: str
    status: str
    billing_reason: str
    collection: str
    lines: list[Line]
    period_start: int
    period_end: int
    subscription: Subscription | None = None
    discounts: tuple[Discount, ...] = ()
    due: int | None = None
    number: str | None = None
    starting_balance: int = 0
    paid: int = 0
    paid_off_stripe: int = 0
    credited_before: int = 0
    credited_after: int = 0
    attempts: int = 0
    advance: bool = True
    next_attempt: int | None = None
    finalizes_at: int | None = None
    finalized_at: int | None = None
    paid_at: int | None = None
    voided_at: int | None = None
    uncollectible_at: int | None = None
    uncollectible_reason: str | None = None
    intent: "Intent | None" = None
    payment: "InvoicePayment | None" = None
    failure: int | None = None
    proration_date: int | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None
    kind: str = "invoice"

    @property
    def total(self) -> int:
        """Lines less discounts plus tax on top."""
        return sum(line.total for line in self.lines)

    @property
    def amount_due(self) -> int:
        """What is to be paid once the customer's balance and credit notes have been taken off."""
        return max(0, self.total + self.starting_balance - self.credited_before)


@dataclass(slots=True, eq=False)
class InvoicePayment:
    """How an invoice is paid: by a payment intent, or by a record of money that came another way."""

    id: str
    created: int
    invoice: Invoice
    requested: int
    intent: "Intent | None"
    record: str | None = None
    status: str = "open"
    paid: int | None = None
    paid_at: int | None = None
    canceled_at: int | None = None
    kind: str = "invoice_payment"


@dataclass(slots=True, eq=False)
class Intent:
    """A payment intent."""

    id: str
    created: int
    customer: Customer
    amount: int
    currency: str
    status: str = "requires_payment_method"
    card: Card | None = None
    latest_charge: str | None = None
    decline: str | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    return_url: str | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None
    kind: str = "payment_intent"


@dataclass(slots=True, eq=False)
class Charge:
    """An attempt to take money from a card."""

    id: str
    created: int
    customer: Customer
    amount: int
    currency: str
    intent: Intent
    card: Card
    decline: str | None
    description: str
    transaction: str | None = None
    refunded: int = 0
    disputed: bool = False
    inquired: bool = False
    invoice: Invoice | None = None
    metadata: dict[str, str] | None = None
    kind: str = "charge"


@dataclass(slots=True, eq=False)
class Refund:
    """Money going back; `entry` is its place in the books."""

    id: str
    created: int
    charge: Charge
    amount: int
    status: str
    reason: str | None
    entry: int
    transaction: str | None = None
    failure_reason: str | None = None
    failure_transaction: str | None = None
    metadata: dict[str, str] | None = None
    kind: str = "refund"


@dataclass(slots=True, eq=False)
class Dispute:
    """A charge called in question; `entry` is its place in the books."""

    id: str
    created: int
    charge: Charge
    amount: int
    reason: str
    status: str
    entry: int
    transactions: list[str] = field(default_factory=list)
    evidence: dict[str, str] | None = None
    submitted: bool = False
    taken_over: bool = False
    decided: bool = False
    past_due: bool = False
    metadata: dict[str, str] | None = None
    kind: str = "dispute"


@dataclass(slots=True, eq=False)
class NoteLine:
    """What a credit note takes back of an invoice's line, or an amount of its own; `amount` before `off` and tax."""

    amount: int
    description: str
    line: Line | None = None
    quantity: int | None = 1
    off: tuple[tuple[Discount, int], ...] = ()
    tax: int = 0
    tax_rate: TaxRate | None = None

    @property
    def total(self) -> int:
        """The amount less discounts plus tax on top."""
        on_top = self.tax if self.tax_rate is not None and not self.tax_rate.inclusive else 0
        return self.amount - sum(amount for _, amount in self.off) + on_top


@dataclass(slots=True, eq=False)
class CreditNote:
    """A correction of an invoice after it was finalised; how it was made good: refunds, credit, or another way."""

    id: str
    created: int
    invoice: Invoice
    lines: list[NoteLine]
    reason: str | None
    number: str
    before_payment: bool
    refunds: list[tuple[Refund, int]] = field(default_factory=list)
    credit: str | None = None
    out_of_band: int | None = None
    status: str = "issued"
    voided_at: int | None = None
    memo: str | None = None
    metadata: dict[str, str] | None = None
    kind: str = "credit_note"

    @property
    def total(self) -> int:
        """What is taken back in all."""
        return sum(line.total for line in self.lines)


@dataclass(slots=True, eq=False)
class Offer:
    """A price as the account holds it: what the catalogue says, and whether it is still for sale."""

    price: Price
    created: int
    active: bool = True
    kind: str = "price"

    @property
    def id(self) -> str:
        """The price's id."""
        return self.price.id


Thing = (
    Card
    | Charge
    | CreditNote
    | Customer
    | Dispute
    | Intent
    | Invoice
    | InvoiceItem
    | InvoicePayment
    | Offer
    | Refund
    | Schedule
    | Subscription
)
