"""The customer portal: links for customers, and how the portal is set up."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import invalid, no_such, refused
from sandbox.world import shapes, wallets
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Subscription
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Fields, Flag, Given, Many, Notes, Parameter, Text, Whole, noted
from sandbox.writes.write import Shape, Write

_KIND = "billing_portal.configuration"
_MOST_PRODUCTS = 10
_FLOWS = ("payment_method_update", "subscription_cancel", "subscription_update")


def create_session(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing_portal/sessions`: a link for a customer, who may follow it.

    Errors: 400 for a customer, configuration or subscription that is not there.
    """
    customer = the(stage, Customer, given["customer"], "customer", status=400)
    configuration = given.get("configuration") or _default(stage)
    if stage.store.get(_KIND, configuration) is None:
        raise no_such("configuration", configuration, "configuration", 400)
    flow = _flow(stage, customer, given["flow_data"]) if "flow_data" in given else None
    place = stage.count("portal session")
    if flow is None or flow["type"] == "payment_method_update":
        wallets.send_link(stage, customer)
    return shapes.portal_session(
        id=stage.business.id("bps_1", 23, place),
        created=stage.now,
        configuration=configuration,
        customer=customer.id,
        url="https://billing.stripe.com/p/session/test_" + stage.business.id("", 32, "portal link", place),
        return_url=given.get("return_url"),
        flow=flow,
        locale=given.get("locale"),
    )


def create_configuration(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing_portal/configurations`. Errors: 400 for products and prices that can't be switched to."""
    _check(stage, given["features"])
    shape = shapes.portal_configuration(
        id=stage.business.id("bpc_1", 23, stage.count("portal configuration")),
        created=stage.now,
        name=given.get("name"),
        default_return_url=given.get("default_return_url"),
        business_profile=given.get("business_profile"),
        features=given["features"],
        metadata=noted(None, given.get("metadata")),
    )
    shape = {**shape, "features": _complete(_merged(shape["features"], {})), "login_page": _login_page(shape, given)}
    stage.put(shape, "billing_portal.configuration.created")
    return shape


def update_configuration(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing_portal/configurations/{id}`. Errors: 400 for the default one made inactive."""
    before = stage.store.get(_KIND, ids[0])
    if before is None:
        raise no_such("configuration", ids[0], "configuration")
    if before["is_default"] and given.get("active") is False:
        raise refused("You cannot deactivate the default configuration.")
    _check(stage, given.get("features") or {})
    features = _complete(_merged(before["features"], given.get("features") or {}))
    after: dict[str, Any] = {
        **before,
        **{name: given[name] for name in ("active", "default_return_url", "name") if name in given},
        "business_profile": {**before["business_profile"], **(given.get("business_profile") or {})},
        "features": features,
        "login_page": _login_page(before, given),
        "updated": stage.now,
    }
    if "metadata" in given:
        after["metadata"] = noted(before["metadata"], given["metadata"])
    stage.put(after, "billing_portal.configuration.updated")
    return after


def _check(stage: Stage, features: dict[str, Any]) -> None:
    update = features.get("subscription_update") or {}
    name = "features[subscription_update]"
    if update.get("enabled") and "products" in update and not update["products"]:
        raise invalid(
            "Products are needed where subscriptions may be updated.", f"{name}[products]", "parameter_missing"
        )
    if len(update.get("products") or ()) > _MOST_PRODUCTS:
        raise invalid(f"No more than {_MOST_PRODUCTS} products are allowed.", f"{name}[products]")
    for place, each in enumerate(update.get("products") or ()):
        where = f"{name}[products][{place}]"
        if stage.store.get("product", each["product"]) is None:
            raise no_such("product", each["product"], f"{where}[product]", 400)
        for number, id_ in enumerate(each["prices"]):
            price = stage.store.get("price", id_)
            if price is None or price["product"] != each["product"]:
                raise no_such("price", id_, f"{where}[prices][{number}]", 400)
            if not price["active"]:
                raise invalid(f"The price `{id_}` is inactive.", f"{where}[prices][{number}]")


def _merged(before: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Each feature as it was, with what was said of it laid over."""
    return {name: {**usual, **said.get(name, {})} for name, usual in before.items()}


def _complete(features: dict[str, Any]) -> dict[str, Any]:
    """What Stripe fills in: the bounds of a quantity that customers may choose, and how often an interval counts."""
    update, pause = features["subscription_update"], features["subscription_pause"]
    unbounded = {"enabled": False, "maximum": None, "minimum": 0}
    products = [
        {**each, "adjustable_quantity": {**unbounded, **each.get("adjustable_quantity", {})}}
        for each in update["products"]
    ]
    options = [{"interval_count": 1, **each} for each in pause["duration"].get("interval_options", ())]
    reason = {"options": [], **features["subscription_cancel"]["cancellation_reason"]}
    return features | {
        "subscription_cancel": {**features["subscription_cancel"], "cancellation_reason": reason},
        "subscription_pause": {**pause, "duration": {**pause["duration"], "interval_options": options}},
        "subscription_update": {**update, "products": products},
    }


def _login_page(shape: Shape, given: Given) -> dict[str, Any]:
    enabled = (given.get("login_page") or shape["login_page"])["enabled"]
    return {"enabled": enabled, "url": f"https://billing.stripe.com/p/login/{shape['id']}" if enabled else None}


def _default(stage: Stage) -> str:
    shelf = stage.store.shelf(_KIND)
    slots = shelf.where("is_default", True)
    if not slots:
        raise refused(
            "No configuration provided and your test mode default configuration has not been created. Provide a "
            "configuration or create your default by saving your customer portal settings in test mode."
        )
    return shelf.id_at[slots[0]]


def _flow(stage: Stage, customer: Customer, said: dict[str, Any]) -> dict[str, Any]:
    details = said.get(said["type"]) or {}
    if said["type"] == "payment_method_update":
        return shapes.portal_flow("payment_method_update")
    name = f"flow_data[{said['type']}][subscription]"
    if "subscription" not in details:
        raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    sub = the(stage, Subscription, details["subscription"], name, status=400)
    if sub.customer is not customer:
        raise no_such("subscription", sub.id, name, 400)
    return shapes.portal_flow(said["type"], sub.id)


_PRORATION = Choice(("always_invoice", "create_prorations", "none"))
_REASONS = ("customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex")
_ON: dict[str, Parameter] = {"enabled": Flag()}
_FEATURES = Fields(
    {
        "customer_update": Fields(
            {
                **_ON,
                "allowed_updates": Many(
                    Choice(("address", "email", "name", "phone", "shipping", "tax_id")), unset=True
                ),
            }
        ),
        "invoice_history": Fields(_ON),
        "payment_method_update": Fields(_ON),
        "subscription_cancel": Fields(
            {
                **_ON,
                "cancellation_reason": Fields(
                    {**_ON, "options": Many(Choice((*_REASONS, "too_expensive", "unused")), unset=True)},
                    required=("enabled",),
                ),
                "mode": Choice(("at_period_end", "immediately")),
                "proration_behavior": _PRORATION,
            }
        ),
        "subscription_pause": Fields(
            {
                **_ON,
                "duration": Fields(
                    {
                        "interval_options": Many(
                            Fields(
                                {
                                    "interval": Choice(("day", "month", "week", "year")),
                                    "interval_count": Whole(least=1),
                                },
                                required=("interval",),
                            ),
                            unset=True,
                        ),
                        "type": Choice(("indefinite", "interval_options")),
                    },
                    required=("type",),
                ),
            }
        ),
        "subscription_update": Fields(
            {
                **_ON,
                "billing_cycle_anchor": Choice(("now", "unchanged")),
                "default_allowed_updates": Many(Choice(("price", "promotion_code", "quantity")), unset=True),
                "products": Many(
                    Fields(
                        {
                            "adjustable_quantity": Fields(
                                {**_ON, "maximum": Whole(least=1), "minimum": Whole(least=0)}, required=("enabled",)
                            ),
                            "prices": Many(Text()),
                            "product": Text(),
                        },
                        required=("prices", "product"),
                    ),
                    unset=True,
                ),
                "proration_behavior": _PRORATION,
                "schedule_at_period_end": Fields(
                    {
                        "conditions": Many(
                            Fields(
                                {"type": Choice(("decreasing_item_amount", "shortening_interval"))}, required=("type",)
                            ),
                            unset=True,
                        )
                    }
                ),
                "trial_update_behavior": Choice(("continue_trial", "end_trial")),
            }
        ),
    }
)
_CONFIGURATION: dict[str, Parameter] = {
    "business_profile": Fields(
        {
            "headline": Text(unset=True),
            "privacy_policy_url": Text(unset=True),
            "terms_of_service_url": Text(unset=True),
        }
    ),
    "default_return_url": Text(unset=True),
    "features": _FEATURES,
    "login_page": Fields({"enabled": Flag()}, required=("enabled",)),
    "metadata": Notes(),
    "name": Text(unset=True),
}
_ABOUT_A_SUBSCRIPTION = Fields({"subscription": Text()})
WRITES = (
    Write(
        "POST",
        "/v1/billing_portal/sessions",
        "customer_portal_write",
        "billing_portal.session",
        create_session,
        {
            "configuration": Text(),
            "customer": Text(),
            "flow_data": Fields(
                {
                    "subscription_cancel": _ABOUT_A_SUBSCRIPTION,
                    "subscription_update": _ABOUT_A_SUBSCRIPTION,
                    "type": Choice(_FLOWS),
                },
                required=("type",),
            ),
            "locale": Text(),
            "return_url": Text(),
        },
        required=("customer",),
    ),
    Write(
        "POST",
        "/v1/billing_portal/configurations",
        "customer_portal_write",
        _KIND,
        create_configuration,
        _CONFIGURATION,
        required=("features",),
    ),
    Write(
        "POST",
        "/v1/billing_portal/configurations/{id}",
        "customer_portal_write",
        _KIND,
        update_configuration,
        {**_CONFIGURATION, "active": Flag()},
    ),
)
