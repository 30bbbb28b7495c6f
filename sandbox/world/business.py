"""The simulated company as data: how big it grows, what it sells, what it gives away, which taxes it adds.

Amounts are minor units as Stripe counts them. Knows nothing of customers or of time passing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from sandbox.world.periods import add_months, instant
from sandbox.world.randomness import identifier
from sandbox.world.shapes import API_VERSION


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a tiered price; `up_to` is inclusive, None for the last."""

    up_to: int | None
    unit: Fraction
    flat: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale. `key` is the catalogue's own name for it."""

    key: str
    name: str
    description: str | None = None
    unit_label: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a product costs: per unit, per package (`divide_by`), or in tiers; `interval` is "" for a one-time price.

    `options` are its amounts in further currencies, `option_tiers` its tiers in them. `from_month` and `until_month`
    say between which months of the business it was for sale (archived after).
    """

    key: str
    product: str
    currency: str
    unit: Fraction = Fraction(0)
    interval: str = "month"
    interval_count: int = 1
    usage_type: str = "licensed"
    tiers: tuple[Tier, ...] = ()
    tiers_mode: str | None = None
    divide_by: int | None = None
    round: str = "up"
    tax_behavior: str = "unspecified"
    from_month: int = 0
    until_month: int | None = None
    inline: bool = False
    nickname: str | None = None
    options: tuple[tuple[str, Fraction], ...] = ()
    option_tiers: tuple[tuple[str, tuple[Tier, ...]], ...] = ()
    id: str = ""

    def charged_in(self, currency: str) -> "Price":
        """The price as a subscription in that currency pays it. Errors: KeyError when it has no amount in it."""
        if currency == self.currency:
            return self
        if self.tiers:
            return replace(self, currency=currency, tiers=dict(self.option_tiers)[currency])
        return replace(self, currency=currency, unit=dict(self.options)[currency])


@dataclass(frozen=True, slots=True)
class Coupon:
    """A reduction: `percent_off`, or `amount_off` per invoice in `currency` (others in `currency_options`)."""

    key: str
    duration: str
    name: str
    percent_off: Fraction | None = None
    amount_off: int = 0
    currency: str | None = None
    currency_options: tuple[tuple[str, int], ...] = ()
    months: int | None = None
    products: tuple[str, ...] = ()
    deleted_month: int | None = None
    id: str = ""

    def off_in(self, currency: str) -> int:
        """The amount off in a currency. Errors: KeyError when the coupon has none in it."""
        return self.amount_off if currency == self.currency else dict(self.currency_options)[currency]


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax in percent, on top of prices or inside them."""

    key: str
    name: str
    country: str
    percentage: Fraction
    inclusive: bool
    state: str | None = None
    tax_type: str = "vat"
    id: str = ""


CURRENCIES = ("usd", "eur", "gbp", "jpy", "kwd")
STEP = {"kwd": 10}
"""Smallest step of an amount in minor units, where it is not one."""

_LADDER = {  # currency: starter, team seat, business, module step
    "usd": (1_900, 1_200, 14_900, 500),
    "eur": (1_900, 1_100, 13_900, 500),
    "gbp": (1_800, 1_200, 14_400, 600),
    "jpy": (2_800, 1_700, 21_000, 700),
    "kwd": (6_000, 4_000, 45_000, 2_000),
}
MODULES = tuple(f"module-{number:02}" for number in range(1, 13))

PRODUCTS = (
    Product("free", "Free", "For trying things out"),
    Product("starter", "Starter", "For one person"),
    Product("team", "Team", "For a team, by the seat", "seat"),
    Product("business", 'Business "Pro" <b>& more</b>', "Everything, with a person to call", None),
    Product("everywhere", "Everywhere", "One price, three currencies"),
    Product("contacts", "Contacts", "Contacts kept in the address book", "contact"),
    Product("storage", "Storage", "Space for files", "GB"),
    Product("messages", "Messages", "Sent in packages of a thousand", "message"),
    Product("support", "Support seats", "Graduated: the more, the cheaper", "seat"),
    Product("usage", "API usage", "Counted, billed afterwards", "call"),
    Product("setup", "Setup fee", "Once, by hand"),
    *(Product(key, f"Module {key[-2:]}", None, None) for key in MODULES),
)


def _price(key: str, product: str, currency: str, unit: object = 0, **rest: object) -> Price:
    behavior = {"gbp": "inclusive"}.get(currency, "exclusive")
    return Price(key, product, currency, Fraction(str(unit)), tax_behavior=behavior, **rest)  # type: ignore[arg-type]


def _ladder(currency: str) -> Iterator[Price]:
    starter, seat, business, module = _LADDER[currency]
    raised = currency in ("usd", "eur")
    yield _price(f"free-{currency}-month", "free", currency)
    yield _price(f"starter-{currency}-month", "starter", currency, starter, until_month=14 if raised else None)
    if raised:
        yield _price(f"starter-{currency}-month-2", "starter", currency, starter + 500, from_month=14, nickname="2nd")
    yield _price(f"starter-{currency}-year", "starter", currency, starter * 10, interval="year")
    yield _price(f"team-{currency}-month", "team", currency, seat)
    yield _price(f"team-{currency}-quarter", "team", currency, seat * 3 * 9 // 10, interval_count=3)
    yield _price(f"team-{currency}-year", "team", currency, seat * 10, interval="year")
    yield _price(f"business-{currency}-month", "business", currency, business)
    yield _price(f"business-{currency}-quarter", "business", currency, business * 3 - 3_000, interval_count=3)
    yield _price(f"business-{currency}-year", "business", currency, business * 10, interval="year")
    for place, key in enumerate(MODULES):
        yield _price(f"{key}-{currency}-month", key, currency, module * (1 + place % 4))


def _specials() -> Iterator[Price]:
    support = (Tier(5, Fraction(1_500), Fraction(2_500)), Tier(20, Fraction(1_200)), Tier(None, Fraction("899.5")))
    storage = (Tier(100, Fraction(10)), Tier(1_000, Fraction(8)), Tier(None, Fraction("5.25"), Fraction(1_000)))
    for currency in ("usd", "eur"):
        yield _price(f"contacts-{currency}-month", "contacts", currency, "0.85")
        yield _price(f"support-{currency}-month", "support", currency, tiers=support, tiers_mode="graduated")
        yield _price(f"storage-{currency}-month", "storage", currency, tiers=storage, tiers_mode="volume")
        yield _price(f"messages-{currency}-month", "messages", currency, 700, divide_by=1_000)
        yield _price(f"usage-{currency}-month", "usage", currency, "0.4", usage_type="metered")
        yield _price(f"setup-{currency}", "setup", currency, 9_900, interval="")
    abroad = (("eur", Fraction(2_700)), ("jpy", Fraction(4_100)))
    yield _price("everywhere-usd-month", "everywhere", "usd", 2_900, options=abroad)
    yield _price("support-usd-year", "support", "usd", interval="year", tiers=support, tiers_mode="graduated")
    yield _price("messages-down-usd-month", "messages", "usd", 900, divide_by=1_000, round="down")
    yield _price("starter-usd-week", "starter", "usd", 500, interval="week")
    yield _price("starter-eur-week", "starter", "eur", 450, interval="week")
    yield _price("starter-usd-30-days", "starter", "usd", 1_900, interval="day", interval_count=30)
    yield _price("starter-usd-day", "starter", "usd", 100, interval="day")
    yield _price("starter-usd-half-year", "starter", "usd", 9_900, interval_count=6)


PRICES = (*(price for currency in CURRENCIES for price in _ladder(currency)), *_specials())

COUPONS = (
    Coupon("welcome", "once", "Welcome: 20 % off the first invoice", Fraction(20)),
    Coupon("tenner", "once", "10 off, once", None, 1_000, "usd", (("eur", 900),)),
    Coupon("launch", "repeating", "Launch: 25 % off for 3 months", Fraction(25), months=3),
    Coupon("half", "repeating", "Half price for 4 months", Fraction(50), months=4),
    Coupon("gift", "repeating", "Three months free", Fraction(100), months=3),
    Coupon("fiver", "repeating", "5 off for 6 months", None, 500, "usd", (("eur", 450),), months=6),
    Coupon("partner", "forever", "Partners: 15 % off", Fraction(15)),
    Coupon("quarter", "forever", "Charities: 25 % off", Fraction(25)),
    Coupon("loyal", "forever", "5 off, always", None, 500, "usd", (("eur", 500),)),
    Coupon("team-only", "forever", "10 % off Team", Fraction(10), products=("team",)),
    Coupon("odd", "forever", "12.5 % off", Fraction("12.5")),
    Coupon("module-30", "repeating", "30 % off a module for 4 months", Fraction(30), months=4),
    Coupon("betatest", "forever", "=cmd|' /C calc'!A0 beta testers", Fraction(10), deleted_month=8),
    Coupon("stay", "repeating", "Please stay: 25 % off for 3 months", Fraction(25), months=3),
)

TAX_RATES = (
    TaxRate("vat-de", "MwSt.", "DE", Fraction(19), inclusive=False),
    TaxRate("vat-fr", "TVA", "FR", Fraction(20), inclusive=False),
    TaxRate("vat-gb", "VAT", "GB", Fraction(20), inclusive=True),
    TaxRate("sales-ny", "Sales tax", "US", Fraction("8.875"), inclusive=False, state="NY", tax_type="sales_tax"),
)


@dataclass(frozen=True)
class Business:
    """How the simulated company is set: its size, its seed and the instant (epoch seconds) it is grown to.

    `customers` sign up over the `months` before `end`, more every month; after `end` growth goes on at the same pace.
    """

    seed: int = 7
    customers: int = 400
    months: int = 24
    end: int = instant(2026, 11, 15, 12)
    monthly_growth: float = 0.04
    country: str = "US"
    default_currency: str = "usd"
    timezone: str = "America/New_York"
    name: str = "Northwind Software"
    event_api_version: str = "2024-06-20"
    products: tuple[Product, ...] = PRODUCTS
    prices: tuple[Price, ...] = PRICES
    coupons: tuple[Coupon, ...] = COUPONS
    tax_rates: tuple[TaxRate, ...] = TAX_RATES
    has_portal: bool = True

    @classmethod
    def empty(cls, seed: int = 7, end: int = instant(2026, 11, 15, 12)) -> "Business":
        """An account that was opened a month ago and has nothing in it: nothing is on sale, and nobody comes."""
        return cls(
            seed=seed,
            customers=0,
            months=1,
            end=end,
            name="New Company",
            event_api_version=API_VERSION,
            products=(),
            prices=(),
            coupons=(),
            tax_rates=(),
            has_portal=False,
        )

    @property
    def start(self) -> int:
        """The instant of the founding: the first second of a UTC day, `months` before the end."""
        founded = add_months(self.end, -self.months)
        return founded - founded % 86_400

    @property
    def account_id(self) -> str:
        """The Stripe account."""
        return self.id("acct_", 16, "account")

    def id(self, prefix: str, length: int, *key: object) -> str:
        """A Stripe-like id of this business."""
        return identifier(prefix, length, self.seed, *key)
