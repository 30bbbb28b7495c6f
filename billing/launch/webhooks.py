"""Checks of webhook endpoints: that events reach you, which, in which version, and that they can be verified."""

from collections.abc import Iterator
from typing import Final

from billing.launch.check import Check, Told, Verdict, counted, failed, none_of, passed, passed_if, unknown
from billing.wire import Body

NO_ENDPOINT = "There is no enabled endpoint."


def _enabled(told: Told) -> list[Body]:
    return [each for each in told.all("webhook_endpoints") if each["status"] == "enabled"]


def _reached(told: Told) -> Verdict:
    enabled = _enabled(told)
    if not enabled:
        return failed(NO_ENDPOINT)
    open_ones = [each["id"] for each in enabled if not each["url"].startswith("https://")]
    if told.own.is_live and open_ones:
        return failed(f"Not over HTTPS: {', '.join(open_ones)}.")
    return passed(f"{counted(len(enabled), 'enabled endpoint')}.")


def _events(told: Told) -> Verdict:
    """The endpoint that takes most of what is needed is the one that is meant; others may serve other things."""
    enabled = _enabled(told)
    if not enabled:
        return unknown(NO_ENDPOINT)
    lacking = {each["id"]: list(_missing(told, each)) for each in enabled}
    best = min(lacking, key=lambda id_: len(lacking[id_]))
    taken = f"{best} takes all {len(told.own.event_types)} types that something follows from here."
    return none_of(lacking[best], taken, f"{best} is not sent")


def _missing(told: Told, endpoint: Body) -> Iterator[str]:
    taken = set(endpoint["enabled_events"])
    return (each for each in told.own.event_types if not taken & {each, "*"})


def _disabled(told: Told) -> Verdict:
    off = [each["id"] for each in told.all("webhook_endpoints") if each["status"] != "enabled"]
    return none_of(
        off, f"None of {len(told.all('webhook_endpoints')):,}.", "Disabled, by you or by Stripe after days of failures"
    )


def _versions(told: Told) -> Verdict:
    enabled = _enabled(told)
    floating = [each["id"] for each in enabled if not each.get("api_version")]
    if not enabled:
        return unknown(NO_ENDPOINT)
    named = sorted({each["api_version"] for each in enabled if each.get("api_version")})
    return none_of(
        floating, f"They come in {', '.join(named)}.", "In the account's default version, which changes with an upgrade"
    )


def _secret(told: Told) -> Verdict:
    return passed_if(
        told.own.has_webhook_secret,
        "A signing secret is set here.",
        "No signing secret is set here, so `revenue serve` takes no events.",
    )


_ENDPOINTS = ("webhook_endpoints",)
CHECKS: Final[tuple[Check, ...]] = (
    Check(
        "webhook_endpoint",
        "Webhooks",
        "Events reach you the moment something happens",
        _ENDPOINTS,
        _reached,
        "Add an endpoint in the Dashboard: Developers, Webhooks; docs/webhooks.md says how.",
    ),
    Check(
        "webhook_events",
        "Webhooks",
        "The endpoint is sent what something follows from",
        _ENDPOINTS,
        _events,
        "Choose these events for the endpoint, or all; docs/webhooks.md says what each means.",
    ),
    Check(
        "webhook_disabled",
        "Webhooks",
        "No endpoint is disabled",
        _ENDPOINTS,
        _disabled,
        "Mend what failed and enable it again, or delete it: Developers, Webhooks.",
    ),
    Check(
        "webhook_version",
        "Webhooks",
        "Events come in a version that stays",
        _ENDPOINTS,
        _versions,
        "Make the endpoint anew with a version of its own: it can't be changed later.",
    ),
    Check(
        "webhook_secret",
        "Webhooks",
        "Deliveries can be verified here",
        (),
        _secret,
        "Put the endpoint's secret (whsec_…) into REVENUE_WEBHOOK_SECRETS.",
    ),
)
