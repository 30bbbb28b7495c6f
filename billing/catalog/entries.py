"""What a catalogue file can say, as values: products with their prices, meters, coupons, promotion codes, portals.

Objects are known by keys and never by their names: a product and a coupon by their id at Stripe, a price by its lookup
key (or, where it has none, by its id), a meter by the name of its events, a promotion code by its code, a portal by
`default` or the key that it carries in its metadata. Money is minor units; what has decimals is exact.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from billing.actions.cancel import Feedback
from billing.documents import Part

_DECIMAL = re.compile(r"\d{1,18}(\.\d{1,12})?")
_EVERY = re.compile(r"(?:(\d{1,3}) )?(day|week|month|year)s?")
_MONTHS = re.compile(r"(\d{1,3}) months?|month")


def _exact(value: object) -> object:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str) or not _DECIMAL.fullmatch(str(value)):
        raise ValueError("write an amount in minor units, such as 1900 or 0.4")
    return Decimal(value)


def written_exactly(value: Decimal) -> int | str:
    """A whole number as such, everything else as text, never a float."""
    return int(value) if value == value.to_integral_value() else f"{value:f}".rstrip("0")


def _every(value: object) -> object:
    match = _EVERY.fullmatch(value) if isinstance(value, str) else None
    if value == "once" or match is None:
        if value != "once":
            raise ValueError("write once, day, week, month, year, or several such as 3 months")
        return value
    count = int(match[1] or 1)
    return match[2] if count == 1 else f"{count} {match[2]}s"


def _duration(value: object) -> object:
    if value in ("once", "forever"):
        return value
    match = _MONTHS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write once, forever, or a number of months such as 3 months")
    return _every(value)


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("write an instant such as 2027-01-31T23:59:59Z") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def _text(pattern: str) -> dict[str, str]:
    return {"type": "string", "pattern": pattern}


Amount = Annotated[
    Decimal,
    BeforeValidator(_exact),
    PlainSerializer(written_exactly),
    WithJsonSchema({"type": ["integer", "number", "string"], "description": "minor units; twelve decimals at most"}),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(gt=0, le=100),
    PlainSerializer(written_exactly),
    WithJsonSchema({"type": ["integer", "number", "string"]}),
]
Every = Annotated[str, BeforeValidator(_every), WithJsonSchema(_text(f"^(once|{_EVERY.pattern})$"))]
Duration = Annotated[str, BeforeValidator(_duration), WithJsonSchema(_text(f"^(once|forever|{_MONTHS.pattern})$"))]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(lambda at: at.isoformat().replace("+00:00", "Z")),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$", description="a currency in small letters")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}$")]
Key = Annotated[str, Field(min_length=1, max_length=200)]
Minor = Annotated[int, Field(ge=0, description="minor units")]
Count = Annotated[int, Field(ge=1)]
Metadata = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=40)], Annotated[str, Field(max_length=500)]],
    Field(description="keys that are not named are left as they are; an empty text takes one away"),
]
Archived = Annotated[bool, Field(description="true: no longer for sale; whoever has it keeps it")]
TaxBehavior = Literal["exclusive", "inclusive", "unspecified"]
Proration = Literal["always_invoice", "create_prorations", "none"]
Detail = Literal["address", "email", "name", "phone", "shipping", "tax_id"]


class Entry(Part):
    """A part of the file; words that it does not know are refused."""


class Tier(Entry):
    """One step of a tiered price, up to and including `up_to` units."""

    up_to: Annotated[int, Field(ge=1)] | Literal["inf"]
    unit: Amount = Decimal(0)
    flat: Amount = Decimal(0)


class Chosen(Entry):
    """An amount that the customer chooses."""

    minimum: Minor | None = None
    maximum: Minor | None = None
    preset: Minor | None = None


class Package(Entry):
    """Units sold in packages, a begun one counted whole (`up`) or not (`down`)."""

    size: Annotated[int, Field(ge=1)]
    round: Literal["up", "down"] = "up"


class Amounts(Entry):
    """What it costs in a currency: an `amount` a unit, `tiers`, or what the `customer_chooses`."""

    amount: Amount | None = None
    tiers: Annotated[tuple[Tier, ...], Field(strict=False)] = ()
    customer_chooses: Chosen | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((self.amount is not None, bool(self.tiers), self.customer_chooses is not None)) != 1:
            raise ValueError("say one of amount, tiers and customer_chooses")
        bounds = [each.up_to for each in self.tiers]
        whole = [bound for bound in bounds if bound != "inf"]
        if bounds and (bounds[-1] != "inf" or len(whole) != len(bounds) - 1 or whole != sorted(set(whole))):
            raise ValueError("tiers rise by up_to, and the last one goes up to inf")
        return self


class Option(Amounts):
    """What a price costs in one more currency; taxed as the price is, unless said."""

    tax_behavior: TaxBehavior | None = None


class Price(Amounts):
    """A price of a product. All but `nickname`, `tier`, `metadata`, `archived` and further currencies is for good:
    where it changes, a new price takes the old one's place."""

    currency: Currency
    every: Every
    tiers_mode: Literal["graduated", "volume"] | None = None
    package: Package | None = None
    meter: Annotated[Key | None, Field(description="name of the events that are counted")] = None
    metered: bool = False
    trial_days: Annotated[int, Field(ge=0)] | None = None
    tax_behavior: TaxBehavior = "unspecified"
    currencies: dict[Currency, Option] = Field(default_factory=dict)
    nickname: str | None = None
    tier: Word | None = None
    metadata: Metadata = Field(default_factory=dict)
    archived: Archived = False

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if bool(self.tiers) != (self.tiers_mode is not None):
            raise ValueError("tiers and tiers_mode (graduated or volume) go together")
        if self.package and self.amount is None:
            raise ValueError("package goes with amount")
        if self.every == "once" and (self.meter or self.metered or self.trial_days is not None):
            raise ValueError("meter and trial_days are of prices that recur")
        if self.meter and self.metered:
            raise ValueError("meter says that it is metered: leave metered away")
        _not_twice(self)
        for code, option in self.currencies.items():
            if code == self.currency:
                raise ValueError(f"{code} is the price's own currency")
            if _way(option) != _way(self) or [each.up_to for each in option.tiers] != [e.up_to for e in self.tiers]:
                raise ValueError(f"{code} must be priced as the price is, in tiers of the same bounds")
        return self


class Product(Entry):
    """Something for sale, by its id at Stripe; its prices by their lookup keys."""

    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    unit_label: Annotated[str, Field(max_length=12)] | None = None
    tax_code: str | None = None
    statement_descriptor: Annotated[
        str | None, Field(max_length=22, description="Stripe lets it be changed, not taken away")
    ] = None
    url: str | None = None
    images: Annotated[tuple[str, ...], Field(strict=False, max_length=8)] = ()
    marketing_features: Annotated[tuple[str, ...], Field(strict=False, max_length=15)] = ()
    tier: Word | None = None
    features: Annotated[tuple[Word, ...], Field(strict=False)] = ()
    default_price: Key | None = None
    metadata: Metadata = Field(default_factory=dict)
    archived: Archived = False
    prices: dict[Key, Price] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _told_once(self) -> Self:
        _not_twice(self)
        if len(",".join(self.features)) > 500:
            raise ValueError("the features together are longer than Stripe's metadata takes (500 characters)")
        return self


class Meter(Entry):
    """What is counted of what customers use. All but its name is for good."""

    name: Annotated[str, Field(min_length=1, max_length=250)]
    formula: Literal["count", "last", "sum"] = "sum"
    customer_key: Annotated[str, Field(max_length=100)] = "stripe_customer_id"
    value_key: Annotated[str, Field(max_length=100)] = "value"
    window: Literal["day", "hour"] | None = None
    archived: Archived = False


class Coupon(Entry):
    """A reduction. All but `name`, `metadata` and further currencies is for good; `archived` deletes it."""

    name: Annotated[str, Field(max_length=40)] | None = None
    percent_off: Percent | None = None
    amount_off: Count | None = None
    currency: Currency | None = None
    currencies: dict[Currency, Count] = Field(default_factory=dict)
    duration: Duration
    products: Annotated[tuple[str, ...], Field(strict=False)] = ()
    max_redemptions: Count | None = None
    redeem_by: Instant | None = None
    metadata: Metadata = Field(default_factory=dict)
    archived: Archived = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.percent_off is None) == (self.amount_off is None):
            raise ValueError("say percent_off or amount_off")
        if (self.amount_off is None) != (self.currency is None):
            raise ValueError("amount_off and currency go together")
        if self.currencies and (self.amount_off is None or self.currency in self.currencies):
            raise ValueError("currencies are further amounts off, beside amount_off in its own currency")
        return self


class Minimum(Entry):
    """What must be bought at least."""

    amount: Count
    currency: Currency


class PromotionCode(Entry):
    """A word that customers type to get a coupon. All but `metadata` and `archived` is for good."""

    coupon: Key
    max_redemptions: Count | None = None
    expires_at: Instant | None = None
    first_purchase_only: bool = False
    minimum: Minimum | None = None
    metadata: Metadata = Field(default_factory=dict)
    archived: Archived = False


class Cancelling(Entry):
    """How customers may cancel; with `reasons`, they are asked why."""

    mode: Literal["at_period_end", "immediately"] = "at_period_end"
    proration: Proration = "none"
    reasons: Annotated[tuple[Feedback, ...], Field(strict=False)] = ()


class Pausing(Entry):
    """For how long customers may pause; without durations, until they resume."""

    durations: Annotated[tuple[Every, ...], Field(strict=False)] = ()


class Quantity(Entry):
    """Between which bounds customers choose a quantity."""

    minimum: Annotated[int, Field(ge=0)] = 0
    maximum: Count | None = None


class Switchable(Entry):
    """Prices of a product that customers may switch to."""

    prices: Annotated[tuple[Key, ...], Field(strict=False, min_length=1)]
    quantity: Quantity | None = None


class Updating(Entry):
    """What customers may change of their subscription, to which products, and what that bills."""

    allow: Annotated[tuple[Literal["price", "promotion_code", "quantity"], ...], Field(strict=False, min_length=1)]
    products: Annotated[dict[str, Switchable], Field(max_length=10)] = Field(default_factory=dict)
    proration: Proration = "none"
    billing_cycle_anchor: Literal["now", "unchanged"] = "unchanged"
    trial: Literal["continue_trial", "end_trial"] = "end_trial"
    at_period_end: Annotated[
        tuple[Literal["decreasing_item_amount", "shortening_interval"], ...], Field(strict=False)
    ] = ()  # fmt: skip


class Portal(Entry):
    """A set-up of the customer portal. What is left out is off."""

    name: str | None = None
    headline: str | None = None
    privacy_policy_url: str | None = None
    terms_of_service_url: str | None = None
    return_url: str | None = None
    login_page: bool = False
    invoice_history: bool = False
    payment_method_update: bool = False
    customer_update: Annotated[tuple[Detail, ...], Field(strict=False)] = ()
    subscription_cancel: Cancelling | None = None
    subscription_pause: Pausing | None = None
    subscription_update: Updating | None = None
    metadata: Metadata = Field(default_factory=dict)
    archived: Archived = False


class Archive(Entry):
    """What is no longer for sale and needs no entry: by the same keys."""

    meters: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    products: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    prices: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    coupons: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    promotion_codes: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    portals: Annotated[tuple[Key, ...], Field(strict=False)] = ()


class Catalog(Entry):
    """The whole file."""

    version: Literal[1] = 1
    tiers: Annotated[tuple[Word, ...], Field(strict=False, description="tiers that products and prices may name")] = ()
    features: Annotated[tuple[Word, ...], Field(strict=False, description="features that products may name")] = ()
    meters: dict[Annotated[str, Field(min_length=1, max_length=100)], Meter] = Field(default_factory=dict)
    products: dict[Annotated[str, Field(min_length=1, max_length=255)], Product] = Field(default_factory=dict)
    coupons: dict[Annotated[str, Field(min_length=1, max_length=255)], Coupon] = Field(default_factory=dict)
    promotion_codes: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$", max_length=500)], PromotionCode] = Field(
        default_factory=dict
    )
    portals: dict[Word, Portal] = Field(default_factory=dict)
    archive: Archive = Archive()

    def prices(self) -> Iterator[tuple[str, str, Price]]:
        """Each price with its product and its key."""
        for product_id, product in self.products.items():
            for key, price in product.prices.items():
                yield product_id, key, price

    def keys(self) -> dict[str, set[str]]:
        """Section of the file to the keys that have an entry in it; prices as a section of their own."""
        return {
            "meters": set(self.meters),
            "products": set(self.products),
            "prices": {key for _, key, _ in self.prices()},
            "coupons": set(self.coupons),
            "promotion_codes": set(self.promotion_codes),
            "portals": set(self.portals),
        }


def _not_twice(entry: Price | Product) -> None:
    told: Mapping[str, Any] = {"tier": entry.tier, "features": getattr(entry, "features", None)}
    for name, value in told.items():
        if value and name in entry.metadata:
            raise ValueError(f"{name} stands in metadata too: say it once")


def _way(amounts: Amounts) -> str:
    return "tiers" if amounts.tiers else "amount" if amounts.amount is not None else "customer_chooses"
