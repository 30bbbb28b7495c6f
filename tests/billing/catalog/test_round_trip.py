"""Whatever an account sells, the file that is written from it differs in nothing, and makes another account like it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.actions.action import Subject
from billing.catalog import change, file
from billing.catalog.account import read
from billing.catalog.drift import drift
from billing.catalog.entries import (
    Cancelling,
    Catalog,
    Chosen,
    Coupon,
    Meter,
    Minimum,
    Option,
    Package,
    Pausing,
    Portal,
    Price,
    Product,
    PromotionCode,
    Quantity,
    Switchable,
    Tier,
    Updating,
)
from billing.catalog.imported import catalog_of
from billing.wire import Wire
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.billing.account import unpaced

CURRENCIES = ("usd", "eur", "jpy", "kwd")
TEXT = st.text("abc é'\"<>&:#{}[]-\n=+@", min_size=1, max_size=12).filter(lambda text: text.strip() == text)
WORDS = st.sampled_from(("sso", "audit", "a.b", "x-1", "Z_9"))
AMOUNTS = st.one_of(
    st.integers(0, 10**9).map(Decimal), st.decimals(0, 1000, places=4, allow_nan=False, allow_infinity=False)
)
METADATA = st.dictionaries(st.sampled_from(("line", "key 1", "é")), TEXT, max_size=2)
INSTANTS = st.integers(1_900_000_000, 2_000_000_000).map(lambda epoch: datetime.fromtimestamp(epoch, UTC))
BOUNDS = st.lists(st.integers(1, 1000), max_size=3, unique=True).map(sorted)


def subsets(*words: str) -> st.SearchStrategy[Any]:
    return st.sets(st.sampled_from(words)).map(lambda chosen: tuple(sorted(chosen)))


@st.composite
def tiers(draw: st.DrawFn, bounds: list[int]) -> tuple[Tier, ...]:
    ends: list[Any] = [*bounds, "inf"]
    return tuple(Tier(up_to=end, unit=draw(AMOUNTS), flat=draw(AMOUNTS)) for end in ends)


@st.composite
def ways(draw: st.DrawFn, way: str, bounds: list[int]) -> dict[str, Any]:
    """What it costs in a currency, in one of the ways."""
    if way == "tiers":
        return {"tiers": draw(tiers(bounds))}
    if way == "customer_chooses":
        return {
            "customer_chooses": Chosen(minimum=draw(st.integers(0, 99)), preset=draw(st.none() | st.integers(1, 9)))
        }
    return {"amount": draw(AMOUNTS)}


@st.composite
def prices(draw: st.DrawFn) -> Price:
    way, bounds = draw(st.sampled_from(("amount", "tiers", "customer_chooses"))), draw(BOUNDS)
    every = draw(st.sampled_from(("once", "day", "2 weeks", "month", "3 months", "year")))
    own, *others = draw(st.lists(st.sampled_from(CURRENCIES), min_size=1, unique=True))
    return Price(
        **draw(ways(way, bounds)),
        currency=own,
        every=every,
        tiers_mode=draw(st.sampled_from(("graduated", "volume"))) if way == "tiers" else None,
        package=draw(st.none() | st.builds(Package, size=st.integers(1, 5), round=st.sampled_from(("up", "down"))))
        if way == "amount"
        else None,
        meter=draw(st.none() | st.just("calls")) if every != "once" else None,
        trial_days=draw(st.none() | st.integers(1, 30)) if every != "once" else None,
        tax_behavior=draw(st.sampled_from(("unspecified", "inclusive", "exclusive"))),
        currencies={code: Option(**draw(ways(way, bounds))) for code in sorted(others)},
        nickname=draw(st.none() | TEXT),
        tier=draw(st.none() | st.just("gold")),
        metadata=draw(METADATA),
    )


@st.composite
def products(draw: st.DrawFn, id_: str) -> Product:
    sold = {f"{id_}-{number}": price for number, price in enumerate(draw(st.lists(prices(), max_size=3)))}
    return Product(
        name=draw(TEXT),
        description=draw(st.none() | TEXT),
        unit_label=draw(st.none() | st.just("seat")),
        url=draw(st.none() | st.just("https://example.com/?a=1&b=2")),
        marketing_features=tuple(draw(st.lists(TEXT, max_size=2))),
        tier=draw(st.none() | st.just("gold")),
        features=tuple(draw(st.lists(WORDS, max_size=2, unique=True))),
        default_price=draw(st.none() | st.sampled_from(sorted(sold))) if sold else None,
        metadata=draw(METADATA),
        prices=sold,
    )


@st.composite
def coupons(draw: st.DrawFn) -> Coupon:
    takes: dict[str, Any] = {
        "percent_off": draw(st.integers(1, 10_000).map(lambda hundredths: Decimal(hundredths) / 100))
    }
    if draw(st.booleans()):
        more = draw(st.dictionaries(st.sampled_from(CURRENCIES[1:]), st.integers(1, 9999), max_size=2))
        takes = {"amount_off": draw(st.integers(1, 9999)), "currency": "usd", "currencies": dict(sorted(more.items()))}
    return Coupon(
        **takes,
        name=draw(st.none() | TEXT),
        duration=draw(st.sampled_from(("once", "forever", "month", "7 months"))),
        products=draw(st.sampled_from(((), ("a",)))),
        max_redemptions=draw(st.none() | st.integers(1, 99)),
        redeem_by=draw(st.none() | INSTANTS),
        metadata=draw(METADATA),
    )


@st.composite
def portals(draw: st.DrawFn, sold: dict[str, Product]) -> Portal:
    switchable = {
        id_: Switchable(
            prices=tuple(product.prices),
            quantity=draw(st.none() | st.builds(Quantity, minimum=st.integers(0, 3), maximum=st.integers(4, 9))),
        )
        for id_, product in sold.items()
        if product.prices
    }
    cancelling = st.builds(
        Cancelling, mode=st.sampled_from(("at_period_end", "immediately")), reasons=subsets("unused", "other")
    )
    updating = st.builds(
        Updating,
        allow=subsets("price", "quantity").filter(bool),
        products=st.just(switchable),
        billing_cycle_anchor=st.sampled_from(("now", "unchanged")),
        at_period_end=subsets("shortening_interval", "decreasing_item_amount"),
    )
    return Portal(
        headline=draw(st.none() | TEXT),
        return_url=draw(st.none() | st.just("https://example.com")),
        login_page=draw(st.booleans()),
        invoice_history=draw(st.booleans()),
        customer_update=draw(subsets("email", "address", "phone")),
        subscription_cancel=draw(st.none() | cancelling),
        subscription_pause=draw(st.none() | st.builds(Pausing, durations=st.sampled_from(((), ("month", "2 weeks"))))),
        subscription_update=draw(st.none() | updating) if switchable else None,
        metadata=draw(METADATA),
    )


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    sold = {id_: draw(products(id_)) for id_ in ("a", "b")}
    given_coupons = {"C1": draw(coupons()), "C2": draw(coupons())}
    code = PromotionCode(
        coupon="C1",
        expires_at=draw(st.none() | INSTANTS),
        first_purchase_only=draw(st.booleans()),
        minimum=draw(st.none() | st.just(Minimum(amount=500, currency="usd"))),
        metadata=draw(METADATA),
    )
    meter = Meter(name=draw(TEXT), formula=draw(st.sampled_from(("sum", "count", "last"))))
    return Catalog(
        tiers=("gold",),
        features=("Z_9", "a.b", "audit", "sso", "x-1"),
        meters={"calls": meter},
        products=sold,
        coupons=given_coupons,
        promotion_codes={"CODE-1": code},
        portals={"default": draw(portals(sold)), "other": draw(portals(sold))},
    )


def make(wire: Wire, catalog: Catalog) -> None:
    """Make the account so, without the engine: what it sends, sent at once."""
    for step in drift(catalog, read(wire)).steps:
        subject = Subject("", "", "act_1", datetime.now(UTC))
        facts = change.look(wire, subject, step.change, datetime.now(UTC))
        assert change.refusal(facts, step.change) is None
        wire.ask(change.request(subject, facts, step.change))


@settings(max_examples=8)
@given(catalogs())
def test_a_file_makes_the_account_and_the_account_the_file(catalog: Catalog) -> None:
    assert file.read(file.written(catalog)) == catalog
    with serving(World.grown(Business(customers=0, months=1))) as served:
        wire = unpaced(served)
        before = set(catalog_of(read(wire)).products)
        make(wire, catalog)
        assert drift(catalog, read(wire)).steps == ()
        account = read(wire)
    written = file.read(file.written(catalog_of(account)))
    again = drift(written, account)
    assert (again.steps, again.blocked, again.unlisted) == ((), (), ())
    assert {id_: product for id_, product in written.products.items() if id_ not in before} == catalog.products
    assert {code: coupon for code, coupon in written.coupons.items() if code in catalog.coupons} == catalog.coupons
    assert written.promotion_codes == catalog.promotion_codes
    assert written.meters["calls"] == catalog.meters["calls"]
    assert written.portals == catalog.portals


@settings(max_examples=6)
@given(catalogs(), catalogs())
def test_whatever_a_file_was_before_the_account_follows_it(before: Catalog, after: Catalog) -> None:
    with serving(World.grown(Business(customers=0, months=1))) as served:
        wire = unpaced(served)
        make(wire, before)
        make(wire, after)
        found = drift(after, read(wire))
        assert found.steps == ()
        assert {each.kind for each in found.blocked} <= {"coupon", "meter"}  # whose terms are for good
