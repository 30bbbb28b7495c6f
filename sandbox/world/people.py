"""Who signs up: names, addresses, cards and notes, some of them hard on careless software.

Draws from the customer's own stream. Knows nothing of subscriptions or of how people behave.
"""

from collections.abc import Iterable
from random import Random

from sandbox.world.business import Business, TaxRate
from sandbox.world.periods import moment
from sandbox.world.randomness import stream
from sandbox.world.state import Card, Customer

FIRST_ENTERED = 10_000_000
"""Numbers of customers who sign up by themselves are below."""

_FIRST = tuple(
    "Ada Amir Ana Ben Carla Chidi Dana Elif Emil Farah Greta Hugo Ines Ivan Jamal Jun Kai Lena Luca Mara Mei Nils Noor "  # noqa: SIM905
    "Olga Omar Petra Ravi Rosa Sam Sara Tariq Tess Uma Vera Wang Yara Yuki Zoe".split()
)
_LAST = tuple(
    "Abbas Berg Costa Dahl Eder Fox Garcia Haas Ito Jones Khan Lund Meyer Novak Okafor Park Quist Rossi Sato Tran Ude "  # noqa: SIM905
    "Vogel Weiss Xu Yilmaz Zeman".split()
)
_FIRMS = tuple("Labs Studio GmbH LLC Ltd Foods Media Works Health Logistics Bakery Robotics".split())  # noqa: SIM905
_AWKWARD = (
    "<script>alert('hi')</script> & Sons",
    'Zoë "The Quote" O\'Neil; DROP TABLE customers;--',
    "=cmd|' /C calc'!A0",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "🦄 Unicorn 🇯🇵 株式会社",
    "شركة الاختبار \u202eمحدودة\u202c",
    "-2+3+cmd",
    "Tab\tand\nline, break",
    "Łódź Żółć İstanbul ẞ",
    "{{7*7}} ${jndi:ldap://x}",
)
_COUNTRY = {
    "usd": ("US", "US", "US", "CA", "AU", "BR"),
    "eur": ("DE", "FR", "ES", "IT", "NL"),
    "gbp": ("GB",),
    "jpy": ("JP",),
    "kwd": ("KW",),
}
_STATES = ("CA", "NY", "TX", "WA", "IL")
_BRANDS = ("visa", "visa", "visa", "mastercard", "mastercard", "amex")


def newcomer(business: Business, no: int, at: int, currency: str, rates: Iterable[TaxRate], chance: Random) -> Customer:
    """The customer of that number, with a currency and the traits that decide how long they stay."""
    country = chance.choice(_COUNTRY[currency])
    state = chance.choice(_STATES) if country == "US" else None
    name = _AWKWARD[no // 29 % len(_AWKWARD)] if no % 29 == 3 else _name(chance)
    return Customer(
        no=no,
        id=business.id("cus_", 14, no),
        created=at,
        name=None if no % 41 == 7 else name,
        email=f"{'.'.join(_name(chance).lower().split())}.{no}@example.com",
        country=country,
        state=state,
        currency=currency,
        metadata=_notes(no, chance),
        chance=chance,
        patience=chance.uniform(0.4, 1.6),
        trouble=chance.expovariate(1.0) + 0.2,
        tax_rate=_tax(rates, country, state, no),
    )


def entered(business: Business, place: int, at: int) -> Customer:
    """A customer whom the account's owner enters: nothing is known yet, and nothing is left to chance."""
    no = FIRST_ENTERED + place
    return Customer(
        no=no,
        id=business.id("cus_", 14, no),
        created=at,
        name=None,
        email=None,
        country=None,
        state=None,
        currency=business.default_currency,
        metadata={},
        chance=stream(business.seed, no),
        patience=1.0,
        trouble=0.0,
    )


def new_card(business: Business, customer: Customer, at: int) -> Card:
    """A fresh card of the customer, good for two months to four years."""
    chance = customer.chance
    place = customer.counters["card"] = customer.counters.get("card", 0) + 1
    today = moment(at)
    year, month = divmod(today.year * 12 + today.month - 1 + chance.randint(2, 48), 12)
    return Card(
        id=business.id("pm_1", 23, customer.no, place),
        created=at,
        customer=customer,
        brand=chance.choice(_BRANDS),
        last4=f"{chance.randrange(10_000):04}",
        exp_month=month + 1,
        exp_year=year,
        country=customer.country or "US",
        funding=chance.choice(("credit", "credit", "debit", "prepaid")),
    )


def _name(chance: Random) -> str:
    if chance.random() < 0.4:
        return f"{chance.choice(_LAST)} {chance.choice(_FIRMS)}"
    return f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"


def _tax(rates: Iterable[TaxRate], country: str, state: str | None, no: int) -> TaxRate | None:
    """The tax of the customer's place; one customer in five is a business that owes none."""
    if country != "GB" and no % 5 == 0:
        return None
    return next((rate for rate in rates if rate.country == country and rate.state == state), None)


def _notes(no: int, chance: Random) -> dict[str, str]:
    notes = {"source": chance.choice(("ads", "referral", "search", "fair"))}
    if no % 31 == 5:
        notes["note"] = '<img src=x onerror=alert(1)> =HYPERLINK("http://x") 🎉 ‏שלום'
    if no % 17 == 2:
        notes["crm_id"] = f"00{no:06}"
    return notes
