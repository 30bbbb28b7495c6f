"""Checks of what is sold and how customers look after it: products, prices, tax, the customer portal."""

from collections.abc import Iterator
from typing import Any, Final

from billing.launch.check import Check, Told, Verdict, counted, failed, none_of, passed, passed_if, unknown
from billing.wire import Body


def _products(told: Told) -> Verdict:
    products = told.all("products")
    if not products:
        return failed("There is no active product.")
    if not told.answers["prices"].is_whole:
        return unknown(f"{counted(len(products), 'active product')}; not all prices were looked at.")
    priced = {_id(price["product"]) for price in told.all("prices")}
    bare = [each["id"] for each in products if each["id"] not in priced]
    return none_of(
        bare, f"{counted(len(products), 'active product')}, each with an active price.", "Without an active price"
    )


def _default_prices(told: Told) -> Verdict:
    bare = [each["id"] for each in told.all("products") if not each.get("default_price")]
    return _each(told, "product", bare, "Without a default price")


def _lookup_keys(told: Told) -> Verdict:
    bare = [each["id"] for each in told.all("prices") if not each.get("lookup_key")]
    return _each(told, "price", bare, "Without a lookup key")


def _tax_behaviour(told: Told) -> Verdict:
    bare = [each["id"] for each in told.all("prices") if each.get("tax_behavior") in (None, "unspecified")]
    default = (told.one("tax_settings").get("defaults") or {}).get("tax_behavior")
    if bare and default:
        return passed(f"{len(bare):,} prices go by the account's default, {default}.")
    return _each(told, "price", bare, "Neither inclusive nor exclusive of tax")


def _each(told: Told, name: str, bare: list[str], what: str) -> Verdict:
    """Whether it holds for each of what is on sale, if anything is."""
    held = told.answers[f"{name}s"]
    if not held.objects:
        return unknown(f"There is no active {name}.")
    return none_of(
        bare,
        f"It holds for {'' if held.is_whole else 'the first '}{counted(len(held.objects), f'active {name}')}.",
        what,
    )


def _tax_settings(told: Told) -> Verdict:
    settings = told.one("tax_settings")
    lacks = ((settings.get("status_details") or {}).get("pending") or {}).get("missing_fields") or ()
    return passed_if(
        settings["status"] == "active",
        "Stripe Tax has what it needs.",
        f"Stripe Tax is {settings['status']}; missing: {', '.join(lacks) or 'nothing that it names'}.",
    )


def _registrations(told: Told) -> Verdict:
    countries = sorted({str(each["country"]) for each in told.all("tax_registrations")})
    return passed_if(bool(countries), f"Registered in {', '.join(countries)}.", "There is none: no tax is collected.")


def _portals(told: Told) -> Iterator[Body]:
    """The active configurations, that which links lead to without another word first."""
    yield from sorted(told.all("portal"), key=lambda each: not each["is_default"])


def _first_portal(told: Told) -> Body | None:
    return next(_portals(told), None)


def _portal(told: Told) -> Verdict:
    found = _first_portal(told)
    return passed(f"{found['id']} is active.") if found else failed("No configuration of it is active.")


def _offers(told: Told, feature: str, so: str) -> Verdict:
    found = _first_portal(told)
    if found is None:
        return failed("No configuration of the portal is active.")
    enabled = bool((found["features"].get(feature) or {}).get("enabled"))
    return passed_if(enabled, so, f"{found['id']} does not offer it.")


def _card_update(told: Told) -> Verdict:
    return _offers(told, "payment_method_update", "Customers can replace a card in the portal.")


def _cancellation(told: Told) -> Verdict:
    return _offers(told, "subscription_cancel", "Customers can cancel in the portal.")


def _legal(told: Told) -> Verdict:
    found = _first_portal(told)
    if found is None:
        return failed("No configuration of the portal is active, so nothing shows them.")
    profile: dict[str, Any] = found.get("business_profile") or {}
    lacks = [name for name in ("privacy_policy_url", "terms_of_service_url") if not profile.get(name)]
    return passed_if(not lacks, "The portal links both.", f"{found['id']} lacks {' and '.join(lacks)}.")


def _id(reference: Any) -> str:
    return str(reference if isinstance(reference, str) else reference["id"])


_PORTAL = ("portal",)
CHECKS: Final[tuple[Check, ...]] = (
    Check(
        "products",
        "Catalogue",
        "There is something to sell",
        ("products", "prices"),
        _products,
        "Add products and prices: Product catalog in the Dashboard.",
    ),
    Check(
        "default_prices",
        "Catalogue",
        "Each product has a default price",
        ("products",),
        _default_prices,
        "Set it on the product; payment links and the portal offer it first.",
    ),
    Check(
        "lookup_keys",
        "Catalogue",
        "Each price has a lookup key",
        ("prices",),
        _lookup_keys,
        "Give each a lookup key: prices are replaced, never changed, and code that asks by key needs no change then.",
    ),
    Check(
        "tax_behavior",
        "Catalogue",
        "Each price says whether tax is inside it",
        ("prices", "tax_settings"),
        _tax_behaviour,
        "Set the tax behaviour of each price, or a default under Settings, Tax. It can be set once.",
    ),
    Check(
        "automatic_tax",
        "Tax",
        "Stripe Tax is set up",
        ("tax_settings",),
        _tax_settings,
        "Settings, Tax. Where you charge tax by rates of your own or owe none: --without automatic_tax.",
    ),
    Check(
        "tax_registrations",
        "Tax",
        "Tax is collected where you are registered",
        ("tax_registrations",),
        _registrations,
        "Add a registration for each place under Tax, Registrations; without one Stripe Tax reckons 0. "
        "Where you owe none: --without tax_registrations.",
    ),
    Check(
        "customer_portal",
        "Customer portal",
        "Customers can look after their subscription",
        _PORTAL,
        _portal,
        "Save a configuration: Settings, Billing, Customer portal.",
    ),
    Check(
        "payment_method_update",
        "Customer portal",
        "Customers can replace a card",
        _PORTAL,
        _card_update,
        "Turn it on: Settings, Billing, Customer portal, Payment methods. Most failed payments are mended so.",
    ),
    Check(
        "cancellation",
        "Customer portal",
        "Customers can cancel as easily as they signed up",
        _PORTAL,
        _cancellation,
        "Turn it on: Settings, Billing, Customer portal, Cancellations; many laws demand it. "
        "Where your own product does it: --without cancellation.",
    ),
    Check(
        "privacy_and_terms",
        "Customer portal",
        "Customers find privacy policy and terms",
        _PORTAL,
        _legal,
        "Set both under Settings, Business, Public details, or in the portal's business information.",
    ),
)
