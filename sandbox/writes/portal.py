"""The customer portal: links for customers, and how the portal is set up."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import invalid, no_such, refused
from sandbox.world import shapes, wallets
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Subscription
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Fields, Flag, Given, Many, Notes, Parameter, Text, noted
from sandbox.writes.write import Shape, Write

_KIND = "billing_portal.configuration"
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
    """`POST /v1/billing_portal/configurations`."""
    shape = shapes.portal_configuration(
        id=stage.business.id("bpc_1", 23, stage.count("portal configuration")),
        created=stage.now,
        name=given.get("name"),
        default_return_url=given.get("default_return_url"),
        business_profile=given.get("business_profile"),
        features=given["features"],
        metadata=noted(None, given.get("metadata")),
    )
    stage.put(shape, "billing_portal.configuration.created")
    return shape


def update_configuration(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing_portal/configurations/{id}`. Errors: 400 for the default one made inactive."""
    before = stage.store.get(_KIND, ids[0])
    if before is None:
        raise no_such("configuration", ids[0], "configuration")
    if before["is_default"] and given.get("active") is False:
        raise refused("You cannot deactivate the default configuration.")
    features = {
        name: {**usual, **(given.get("features") or {}).get(name, {})} for name, usual in before["features"].items()
    }
    after: dict[str, Any] = {
        **before,
        **{name: given[name] for name in ("active", "default_return_url", "name") if name in given},
        "business_profile": {**before["business_profile"], **(given.get("business_profile") or {})},
        "features": features,
        "updated": stage.now,
    }
    if "metadata" in given:
        after["metadata"] = noted(before["metadata"], given["metadata"])
    stage.put(after, "billing_portal.configuration.updated")
    return after


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


_ON: dict[str, Parameter] = {"enabled": Flag()}
_FEATURES = Fields(
    {
        "customer_update": Fields({**_ON, "allowed_updates": Many(Text(), unset=True)}),
        "invoice_history": Fields(_ON),
        "payment_method_update": Fields(_ON),
        "subscription_cancel": Fields(
            {
                **_ON,
                "mode": Choice(("at_period_end", "immediately")),
                "proration_behavior": Choice(("always_invoice", "create_prorations", "none")),
            }
        ),
        "subscription_pause": Fields(_ON),
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
