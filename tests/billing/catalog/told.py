"""What tests of the catalogue say over and over: a file, and what becomes of it."""

from typing import Any

from billing.catalog import apply, file
from billing.catalog.account import read
from billing.catalog.apply import Carried
from billing.catalog.drift import Drift, drift
from billing.catalog.entries import Catalog
from tests.billing.account import Scene

CATALOG = """
version: 1
tiers: [pro]
features: [sso, audit]
meters:
  api_calls: {name: API calls}
products:
  pro:
    name: Pro
    description: Everything
    unit_label: seat
    tier: pro
    features: [sso, audit]
    marketing_features: [Single sign-on]
    default_price: pro-month
    metadata: {line: main}
    prices:
      pro-month: {currency: usd, amount: 1900, every: month, tier: pro, currencies: {eur: {amount: 1700}}}
      pro-year: {currency: usd, amount: 19000, every: year}
      pro-seats:
        currency: usd
        every: month
        tiers_mode: graduated
        tiers: [{up_to: 5, unit: 1500, flat: 2500}, {up_to: inf, unit: 899.5}]
      pro-volume:
        currency: usd
        every: 3 months
        tiers_mode: volume
        tiers: [{up_to: 100, unit: 10}, {up_to: inf, unit: 8}]
      pro-messages: {currency: usd, amount: 700, every: month, package: {size: 1000}}
      pro-calls: {currency: usd, amount: 0.4, every: month, meter: api_calls}
      pro-setup: {currency: usd, amount: 9900, every: once}
      pro-gift: {currency: usd, every: once, customer_chooses: {minimum: 500, preset: 1000}}
coupons:
  TEN: {name: Ten off, amount_off: 1000, currency: usd, currencies: {eur: 900}, duration: 3 months, products: [pro]}
  EIGHTH: {percent_off: 12.5, duration: forever, redeem_by: 2030-01-31T00:00:00Z}
promotion_codes:
  SPRING: {coupon: TEN, first_purchase_only: true, minimum: {amount: 5000, currency: usd}, max_redemptions: 100}
portals:
  default:
    headline: Northwind
    privacy_policy_url: https://example.com/privacy
    terms_of_service_url: https://example.com/terms
    invoice_history: true
    payment_method_update: true
    customer_update: [address, email]
    subscription_cancel: {reasons: [too_expensive, unused]}
    subscription_update:
      allow: [price, quantity]
      proration: create_prorations
      at_period_end: [shortening_interval]
      products: {pro: {prices: [pro-month, pro-year], quantity: {minimum: 1, maximum: 50}}}
  partners:
    name: Partners
    subscription_pause: {durations: [month, 3 months]}
"""


def changed(changes: dict[str, str]) -> Catalog:
    """The catalogue with texts in it replaced, each of which it must hold."""
    text = CATALOG
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return file.read(text)


def found(scene: Scene, catalog: Catalog) -> Drift:
    """How the account differs."""
    return drift(catalog, read(scene.wire))


def made(scene: Scene, catalog: Catalog, **changes: Any) -> list[Carried]:
    """Make the account as the catalogue says; every step must be done."""
    engine = scene.engine(**changes)
    apply.settled(engine)
    done = list(apply.apply(engine, found(scene, catalog), "mara"))
    assert [(each.step.change.key, each.outcome.event, each.outcome.why) for each in done if not each.is_done] == []
    return done


def steps(drift_: Drift) -> list[tuple[str, str, str]]:
    """What is to be done: verb, kind and key."""
    return [(each.what, each.change.kind, each.change.key) for each in drift_.steps]
