"""What the extractor looks at in an object: its id, when it was made, and what it mentions. All else stays bytes.

Decoding reads only these fields; a field that is missing or null is fine, so that versions and kinds can differ.
"""

from collections.abc import Iterator

import msgspec

Mention = tuple[str, str]
"""A stream's name and an object's id in it."""


class Head(msgspec.Struct):
    """What every object shows."""

    id: str = ""
    created: int | None = None
    livemode: bool | None = None
    deleted: bool = False

    def made_at(self) -> int | None:
        """The instant that the `created` filter of lists goes by, epoch seconds."""
        return self.created

    def mentions(self) -> Iterator[Mention]:
        """Objects this one speaks of that their own list may not show."""
        return iter(())

    def due_at(self) -> int | None:
        """When it will change without any event saying so, epoch seconds."""
        return None


class Named(msgspec.Struct):
    """A reference that may be expanded."""

    id: str


class SubscriptionItem(msgspec.Struct):
    price: Named | None = None


class Items(msgspec.Struct):
    has_more: bool = False
    data: list[SubscriptionItem] = []


class Subscription(Head):
    """Its items' prices may be inline ones, which no list shows."""

    items: Items | None = None

    def mentions(self) -> Iterator[Mention]:
        return (("prices", item.price.id) for item in (self.items.data if self.items else ()) if item.price)


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


class Invoice(Head):
    """Its lines' prices may be inline ones; the invoice items it took up changed without an event."""

    lines: Lines | None = None

    def mentions(self) -> Iterator[Mention]:
        lines = self.lines.data if self.lines else []
        yield from _prices(lines)
        for line in lines:
            details = line.parent and (line.parent.invoice_item_details or line.parent.subscription_item_details)
            if details and details.invoice_item:
                yield "invoice_items", details.invoice_item


class InvoiceItem(Head):
    """Calls its creation `date`."""

    date: int | None = None
    pricing: Pricing | None = None

    def made_at(self) -> int | None:
        return self.date

    def mentions(self) -> Iterator[Mention]:
        return _prices([Line(self.pricing)])


class BalanceTransaction(Head):
    """Becomes available on its day, and no event says so."""

    status: str = ""
    available_on: int | None = None

    def due_at(self) -> int | None:
        return self.available_on if self.status == "pending" else None


def _prices(lines: list[Line]) -> Iterator[Mention]:
    for line in lines:
        price = line.pricing.price_details.price if line.pricing and line.pricing.price_details else None
        if price is not None:
            yield "prices", price if isinstance(price, str) else price.id
