"""What the extractor looks at in an object: its id, when it was made, and what it mentions. All else stays bytes.

Decoding reads only these fields; a field that is missing or null is fine, so that versions and kinds can differ.
"""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import msgspec

from pipelines.extract import addresses

Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Epoch seconds up to the year 9999: what else stands in such a field is no instant."""


class Mention(NamedTuple):
    """An object of a stream, by id, or the parent under which a stream is listed.

    `due_at` (epoch seconds) says when to read it, at once where 0. `past` marks what only a reading of lists asks for:
    afterwards it is held.
    """

    stream: str
    id: str
    due_at: int = 0
    past: bool = False


CREDIT_ENTRIES = "customer_balance_transactions"
USAGE = "meter_event_summaries"
CARRIED = "payout_transactions"
DAY = 86_400
USAGE_SETTLES_SECONDS = 7_200
"""Usage of a period is read this long after its end: Stripe takes late events until the invoice is finalised."""


class Named(msgspec.Struct):
    """A reference that may be expanded."""

    id: str


class Head(msgspec.Struct):
    """What every object shows, or does not have."""

    id: str = ""
    object: str = ""
    created: Moment | None = None
    livemode: bool | None = None
    deleted: bool = False
    test_clock: str | Named | None = None

    def made_at(self) -> int | None:
        """The instant that the `created` filter of lists goes by, epoch seconds."""
        return self.created

    def mentions(self) -> Iterator[Mention]:
        """Objects this one speaks of that their own list may not show."""
        return iter(())

    def due_at(self) -> int | None:
        """When it will change without any event saying so, epoch seconds."""
        return None

    def clock(self) -> str | None:
        """The id of the test clock that it lives on."""
        return _id(self.test_clock) if self.test_clock else None

    def owner(self) -> str | None:
        """The id of the customer whose it is, and who lives on the same clock, where that is looked at."""
        return None

    def unshown(self) -> Iterator[str]:
        """Expansions that this one needs besides those that all objects of its stream are read with."""
        return iter(())


class Owned(Head):
    """A customer's."""

    customer: str | Named | None = None

    def owner(self) -> str | None:
        return _id(self.customer) if self.customer else None


class Customer(Head):
    """Its credit balance has entries, which are listed under it."""

    balance: int = 0

    def mentions(self) -> Iterator[Mention]:
        if self.balance:
            yield Mention(CREDIT_ENTRIES, addresses.joined(self.id))


class CurrencyOption(msgspec.Struct):
    tiers: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Price(Head):
    """May be sold in further currencies, the tiers of which Stripe shows only where each currency is named."""

    billing_scheme: str | None = None
    currency: str | None = None
    currency_options: dict[str, CurrencyOption | None] | None = None

    def unshown(self) -> Iterator[str]:
        if self.billing_scheme == "tiered":
            for currency, option in (self.currency_options or {}).items():
                if currency != self.currency and option and option.tiers is msgspec.UNSET:
                    yield f"currency_options.{currency}.tiers"


class Recurring(msgspec.Struct):
    meter: str | None = None


class ItemPrice(msgspec.Struct):
    id: str
    recurring: Recurring | None = None


class SubscriptionItem(msgspec.Struct):
    price: ItemPrice | None = None
    current_period_start: Moment | None = None
    current_period_end: Moment | None = None


class Items(msgspec.Struct):
    has_more: bool = False
    data: list[SubscriptionItem] = []


class Subscription(Owned):
    """Its items may have inline prices, which no list shows, and metered ones, whose usage is listed by customer."""

    start_date: Moment | None = None
    items: Items | None = None

    def mentions(self) -> Iterator[Mention]:
        for item in self.items.data if self.items else ():
            if item.price is None:
                continue
            yield Mention("prices", item.price.id)
            meter = item.price.recurring.meter if item.price.recurring else None
            if meter and self.customer:
                yield from self._usage(item, meter, _id(self.customer))

    def _usage(self, item: SubscriptionItem, meter: str, customer: str) -> Iterator[Mention]:
        """The days of the period now running, once it is over; those before it, where the subscription is new to us."""
        start, end = item.current_period_start, item.current_period_end
        if start is None or end is None:
            return
        yield Mention(USAGE, _days(customer, meter, start, end), due_at=end + USAGE_SETTLES_SECONDS)
        if self.start_date is not None and self.start_date < start:
            yield Mention(USAGE, _days(customer, meter, self.start_date, start), past=True)


class PriceDetails(msgspec.Struct):
    price: str | Named | None = None


class Pricing(msgspec.Struct):
    price_details: PriceDetails | None = None


class ItemDetails(msgspec.Struct):
    invoice_item: str | None = None


class LineParent(msgspec.Struct):
    invoice_item_details: ItemDetails | None = None
    subscription_item_details: ItemDetails | None = None


class Line(msgspec.Struct):
    pricing: Pricing | None = None
    parent: LineParent | None = None


class Lines(msgspec.Struct):
    has_more: bool = False
    data: list[Line] = []


class Invoice(Owned):
    """Its lines' prices may be inline ones; the invoice items it took up changed without an event, and so did the
    customer's credit."""

    starting_balance: int | None = None
    ending_balance: int | None = None
    lines: Lines | None = None

    def mentions(self) -> Iterator[Mention]:
        if self.customer and (self.starting_balance or self.ending_balance):
            yield Mention(CREDIT_ENTRIES, addresses.joined(_id(self.customer)))
        lines = self.lines.data if self.lines else []
        yield from _prices(lines)
        for line in lines:
            details = line.parent and (line.parent.invoice_item_details or line.parent.subscription_item_details)
            if details and details.invoice_item:
                yield Mention("invoice_items", details.invoice_item)


class InvoiceItem(Owned):
    """Calls its creation `date`."""

    date: Moment | None = None
    pricing: Pricing | None = None

    def made_at(self) -> int | None:
        return self.date

    def mentions(self) -> Iterator[Mention]:
        return _prices([Line(self.pricing)])


class CreditNote(Owned):
    """May be credited to the customer's balance."""

    customer_balance_transaction: str | Named | None = None

    def mentions(self) -> Iterator[Mention]:
        if self.customer and self.customer_balance_transaction:
            yield Mention(CREDIT_ENTRIES, addresses.joined(_id(self.customer)))


class MeterEventSummary(Head):
    """What a customer used of a meter on a day; Stripe's id of it does not last."""

    start_time: Moment = 0


class Fields(msgspec.Struct):
    """An object of which no field is looked at."""


class Told(msgspec.Struct):
    """What an event says of an object, as far as it must be there."""

    object: Fields
    previous_attributes: Fields | None = None


class Event(Head, kw_only=True):
    """A notice that an object was made, changed or deleted."""

    type: str
    created: Moment
    data: Told


class BalanceTransaction(Head):
    """Becomes available on its day, and no event says so."""

    status: str = ""
    available_on: Moment | None = None

    def due_at(self) -> int | None:
        return self.available_on if self.status == "pending" else None


class Payout(Head):
    """What it carried is listed under it once Stripe has settled that; of a payout made by hand it never is."""

    automatic: bool = False
    reconciliation_status: str = ""

    def mentions(self) -> Iterator[Mention]:
        if self.automatic and self.reconciliation_status == "completed":
            yield Mention(CARRIED, addresses.joined(self.id))


def _prices(lines: list[Line]) -> Iterator[Mention]:
    for line in lines:
        price = line.pricing.price_details.price if line.pricing and line.pricing.price_details else None
        if price is not None:
            yield Mention("prices", _id(price))


def _id(reference: str | Named) -> str:
    return reference if isinstance(reference, str) else reference.id


def _days(customer: str, meter: str, start: int, end: int) -> str:
    """The whole UTC days that a period touches, as the parent of a listing."""
    return addresses.joined(customer, meter, str(start - start % DAY), str(end + -end % DAY))
