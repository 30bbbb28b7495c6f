"""The streams as data: what is read, how it is listed, and how its changes become known.

One engine reads them all; adding a stream is adding an entry. Paths, filters and expansions are those of the pinned
version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pipelines.extract import addresses, shapes
from pipelines.warehouse import clocks


class Changes(Enum):
    """How what changed since the last time is found."""

    EVENTS = "events"
    """Events name it; the object is read again by id, new ones by their list."""
    OVERLAP = "overlap"
    """No event, or not for all: the list is read again from a little before the last time."""
    RELIST = "relist"
    """The whole list is read every time, before anything else: it is short, and others depend on it."""
    UNDER = "under"
    """Listed under a parent only, and only where something mentions that parent."""
    SINGLE = "single"
    """There is one of it an account, read every time."""


@dataclass(frozen=True)
class Nested:
    """A list inside an object, of which Stripe shows the first ten: where the whole of it is listed."""

    field: str
    path: str
    parameter: str | None = None

    def address(self, parent: str) -> tuple[str, dict[str, str]]:
        """Path and parameters that list everything under `parent`."""
        return self.path.format(id=addresses.step(parent)), {self.parameter: parent} if self.parameter else {}


@dataclass(frozen=True)
class Also:
    """An event about this stream's object tells that an object of another stream changed too: its id is at `field`."""

    field: str
    stream: str


@dataclass(frozen=True)
class Follows:
    """Objects of a stream change without an event when an object of another `stream`, whose id they hold at `field`,
    has become `once`; only those can that are `still`. Both are SQL over `payload`."""

    stream: str
    field: str
    once: str
    still: str


@dataclass(frozen=True)
class Hidden:
    """Objects that live on a test clock and that the plain list leaves out: one list for each parent shows them.

    A parent is an object of the stream `of`; the list's parameter `by` takes its id, and the hidden object has it in
    its field of that name.
    """

    of: str
    by: str


@dataclass(frozen=True)
class Stream:
    """One kind of object.

    `name` is the raw table's; `kind` is Stripe's `object`. `listings` are the parameters of each listing that together
    show everything; `created` says whether they can be filtered by it, and `made_at` which field that goes by. `expand`
    is relative to the object. `deletion` is the event that means the object is gone. `permission` is what a restricted
    key needs.
    A stream that is listed under a parent names in `path` and `listings` the parts of the parent, which a mention
    parts by slashes, and in `held_as` what its objects are held by where Stripe's own id does not last.
    `unlisted` says that some objects are in no list and are read because others mention them; a mentioned object that
    is held with `finished_when` (SQL over `payload`) is not read again, and one that is held with `unlisted_when` is
    not looked for in lists. `hidden` says that others are in further lists only. An `optional` stream belongs to a
    product that an account may not have: Stripe's refusal to list it is told, and is no failure. `volatile` are fields,
    at any depth, that Stripe writes anew at every read (links with a token): they are stored as sent and make no new
    version.
    """

    name: str
    kind: str
    path: str
    permission: str
    changes: Changes = Changes.EVENTS
    listings: tuple[Mapping[str, str], ...] = ({},)
    created: bool = True
    expand: tuple[str, ...] = ()
    nested: tuple[Nested, ...] = ()
    head: type[shapes.Head] = shapes.Head
    also: tuple[Also, ...] = ()
    follows: Follows | None = None
    deletion: str | None = None
    held_as: str = "{head.id}"
    made_at: str = "created"
    unlisted: bool = False
    unlisted_when: str = "false"
    finished_when: str = "true"
    hidden: Hidden | None = None
    optional: bool = False
    volatile: tuple[str, ...] = ()

    @property
    def changes_by_itself(self) -> bool:
        """Whether its objects change on a day of their own that no event names."""
        return self.head.due_at is not shapes.Head.due_at

    @property
    def has_unshown(self) -> bool:
        """Whether some of its objects need expansions of their own, which no list can ask for."""
        return self.head.unshown is not shapes.Head.unshown

    @property
    def mentions_only(self) -> bool:
        """Whether some of its objects are found by mentions alone."""
        return self.unlisted or self.changes is Changes.UNDER

    @property
    def is_listed(self) -> bool:
        """Whether one list shows its objects, rather than a list for each parent."""
        return self.changes not in (Changes.SINGLE, Changes.UNDER)

    def under(self, parent: str) -> tuple[str, list[tuple[str, str]]]:
        """Path and parameters of its list under a parent, named by parts as a mention has them."""
        parts = addresses.parted(parent)
        steps = [addresses.step(part) for part in parts]
        listing = self.listings[0].items()
        return self.path.format(parent=steps), [(name, value.format(parent=parts)) for name, value in listing]

    @property
    def listed_expand(self) -> list[tuple[str, str]]:
        """The expansions as parameters of a list."""
        return [("expand[]", f"data.{path}") for path in self.expand]

    @property
    def single_expand(self) -> list[tuple[str, str]]:
        """The expansions as parameters of a read by id."""
        return [("expand[]", path) for path in self.expand]


EVENT_KEPT_SECONDS = 30 * 86_400
"""Stripe lists events of the last thirty days."""

CATALOGUE: tuple[Stream, ...] = (
    Stream("accounts", "account", "/v1/account", "account_read", Changes.SINGLE),
    Stream("balances", "balance", "/v1/balance", "balance_read", Changes.SINGLE),
    Stream("events", "event", "/v1/events", "event_read", Changes.OVERLAP, head=shapes.Event),
    Stream(
        clocks.CLOCKS,
        "test_helpers.test_clock",
        "/v1/test_helpers/test_clocks",
        "billing_clock_read",
        Changes.RELIST,
        created=False,
        optional=True,
    ),
    Stream(
        "customers",
        "customer",
        "/v1/customers",
        "customer_read",
        head=shapes.Customer,
        deletion="customer.deleted",
        hidden=Hidden(clocks.CLOCKS, "test_clock"),
    ),
    Stream("products", "product", "/v1/products", "product_read", deletion="product.deleted"),
    Stream(
        "prices",
        "price",
        "/v1/prices",
        "plan_read",
        listings=({"active": "true"}, {"active": "false"}),
        expand=("tiers", "currency_options"),
        head=shapes.Price,
        deletion="price.deleted",
        unlisted=True,
    ),
    Stream(
        "coupons",
        "coupon",
        "/v1/coupons",
        "coupon_read",
        expand=("applies_to", "currency_options"),
        deletion="coupon.deleted",
    ),
    Stream("promotion_codes", "promotion_code", "/v1/promotion_codes", "promotion_code_read"),
    Stream("tax_rates", "tax_rate", "/v1/tax_rates", "tax_rate_read"),
    Stream(
        "subscriptions",
        "subscription",
        "/v1/subscriptions",
        "subscription_read",
        listings=({"status": "all"},),
        expand=("discounts.source.coupon", "items.data.discounts"),
        nested=(Nested("items", "/v1/subscription_items", "subscription"),),
        head=shapes.Subscription,
        hidden=Hidden(clocks.CLOCKS, "test_clock"),
    ),
    Stream(
        "subscription_schedules",
        "subscription_schedule",
        "/v1/subscription_schedules",
        "subscription_read",
        head=shapes.Owned,
        hidden=Hidden("customers", "customer"),
    ),
    Stream("checkout_sessions", "checkout.session", "/v1/checkout/sessions", "checkout_session_read"),
    Stream(
        "invoices",
        "invoice",
        "/v1/invoices",
        "invoice_read",
        expand=("discounts.source.coupon", "lines.data.discounts"),
        nested=(Nested("lines", "/v1/invoices/{id}/lines"),),
        head=shapes.Invoice,
        deletion="invoice.deleted",
        volatile=("hosted_invoice_url", "invoice_pdf"),
    ),
    Stream(
        "invoice_items",
        "invoiceitem",
        "/v1/invoiceitems",
        "invoice_read",
        head=shapes.InvoiceItem,
        made_at="date",
        deletion="invoiceitem.deleted",
        finished_when="payload ->> '$.invoice' is not null",
    ),
    Stream(
        "invoice_payments",
        "invoice_payment",
        "/v1/invoice_payments",
        "invoice_read",
        Changes.OVERLAP,
        follows=Follows(
            "invoices",
            "invoice",
            once="payload ->> '$.status' in ('paid', 'uncollectible', 'void')",
            still="contains(payload::varchar, '\"status\":\"open\"') and payload ->> '$.status' = 'open'",
        ),
    ),
    Stream("payment_intents", "payment_intent", "/v1/payment_intents", "payment_intent_read"),
    Stream(
        "payment_methods",
        "payment_method",
        "/v1/payment_methods",
        "payment_method_read",
        created=False,
        unlisted_when="payload ->> '$.customer' is null",
    ),
    Stream("charges", "charge", "/v1/charges", "charge_read", volatile=("receipt_url",)),
    Stream("refunds", "refund", "/v1/refunds", "charge_read", also=(Also("charge", "charges"),)),
    Stream("disputes", "dispute", "/v1/disputes", "dispute_read", also=(Also("charge", "charges"),)),
    Stream(
        "credit_notes",
        "credit_note",
        "/v1/credit_notes",
        "credit_note_read",
        nested=(Nested("lines", "/v1/credit_notes/{id}/lines"),),
        head=shapes.CreditNote,
        volatile=("pdf",),
        also=(Also("invoice", "invoices"),),
    ),
    Stream(
        "balance_transactions",
        "balance_transaction",
        "/v1/balance_transactions",
        "balance_transaction_source_read",
        Changes.OVERLAP,
        head=shapes.BalanceTransaction,
    ),
    Stream("payouts", "payout", "/v1/payouts", "payout_read", head=shapes.Payout),
    Stream(
        shapes.CARRIED,
        "balance_transaction",
        "/v1/balance_transactions",
        "balance_transaction_source_read",
        Changes.UNDER,
        listings=({"payout": "{parent[0]}"},),
        held_as="{parent[0]}/{head.id}",
    ),
    Stream(
        shapes.CREDIT_ENTRIES,
        "customer_balance_transaction",
        "/v1/customers/{parent[0]}/balance_transactions",
        "customer_read",
        Changes.UNDER,
    ),
    Stream("meters", "billing.meter", "/v1/billing/meters", "billing_meter_read", created=False, optional=True),
    Stream(
        shapes.USAGE,
        "billing.meter_event_summary",
        "/v1/billing/meters/{parent[1]}/event_summaries",
        "billing_meter_read",
        Changes.UNDER,
        listings=(
            {
                "customer": "{parent[0]}",
                "start_time": "{parent[2]}",
                "end_time": "{parent[3]}",
                "value_grouping_window": "day",
            },
        ),
        head=shapes.MeterEventSummary,
        optional=True,
        held_as="{parent[0]}/{parent[1]}/{head.start_time}",
    ),
    Stream(
        "credit_grants",
        "billing.credit_grant",
        "/v1/billing/credit_grants",
        "billing_credit_grant_read",
        created=False,
        head=shapes.Owned,
        optional=True,
    ),
    Stream("reviews", "review", "/v1/reviews", "review_read", also=(Also("charge", "charges"),), optional=True),
    Stream(
        "early_fraud_warnings",
        "radar.early_fraud_warning",
        "/v1/radar/early_fraud_warnings",
        "radar_early_fraud_warning_read",
        optional=True,
    ),
    Stream(
        "transfers",
        "transfer",
        "/v1/transfers",
        "transfer_read",
        nested=(Nested("reversals", "/v1/transfers/{id}/reversals"),),
        optional=True,
    ),
    Stream(
        "application_fees",
        "application_fee",
        "/v1/application_fees",
        "application_fee_read",
        nested=(Nested("refunds", "/v1/application_fees/{id}/refunds"),),
        optional=True,
    ),
)

BY_NAME: Mapping[str, Stream] = {stream.name: stream for stream in CATALOGUE}
BY_KIND: Mapping[str, Stream] = {stream.kind: stream for stream in reversed(CATALOGUE)}
"""The stream of a kind; of one that is listed under something else too, that of its own list, which stands first."""

ALSO_FROM: Mapping[str, tuple[Also, ...]] = {
    "fee_refund": (Also("fee", "application_fees"),),
    "discount": (Also("customer", "customers"), Also("subscription", "subscriptions")),
    **{stream.kind: stream.also for stream in CATALOGUE if stream.also},
}
"""What events about a kind say of other streams; a discount has no list of its own and lives in what it belongs to."""

ALSO_WHEN: Mapping[tuple[str, str], str] = {("customer", "balance"): shapes.CREDIT_ENTRIES}
"""A kind and a field of it: an event that says the field changed tells of objects that are listed under it."""
