"""The launch checklist on an account that has everything, and on the same account with one thing amiss at a time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.errors import UsageError
from billing.launch.check import Own, State, Trail
from billing.launch.checks import CHECKS, chosen, judged, questions_of
from billing.launch.questions import QUESTIONS, Answer, Held, Refusal
from billing.launch.rehearsals import KEEPING
from billing.notices.kinds import BY_NAME
from sandbox.world import shapes
from tests.still_world import DAY, NOW

READY = Own(
    is_live=True,
    key="restricted",
    write_key="restricted",
    pinned_version="2026-10-28.endive",
    answered_version="2026-10-28.endive",
    event_types=("invoice.paid", "charge.dispute.created"),
    has_webhook_secret=True,
    has_dispute_texts=True,
    notices=("trial_ending", "payment_failed_first", "payment_failed_second", "payment_failed_final"),
    trail=Trail(entries=3, faults=0),
)
OFFICE = {"city": "Berlin", "country": "DE", "line1": "1 Way", "line2": None, "postal_code": "10115", "state": None}
ACCOUNT = shapes.account(
    id="acct_1", created=NOW, display_name="Northwind", email="a@example.com", url="https://n.example"
)
PROFILE = {**ACCOUNT["business_profile"], "support_email": "help@n.example"}
ENDPOINT = shapes.webhook_endpoint(
    id="we_1", created=NOW, url="https://n.example/hooks", enabled_events=["*"], api_version="2026-10-28.endive"
)
LEGAL = {"privacy_policy_url": "https://n.example/privacy", "terms_of_service_url": "https://n.example/terms"}
PORTAL = shapes.portal_configuration(id="bpc_1", created=NOW, is_default=True, business_profile=LEGAL)
PRODUCT = shapes.product(id="prod_1", created=NOW, name="Team", default_price="price_1")
PRICE = shapes.price(
    id="price_1",
    created=NOW,
    product="prod_1",
    currency="usd",
    unit_amount=1200,
    tax_behavior="exclusive",
    lookup_key="t",
)
REGISTRATION = shapes.tax_registration(
    id="taxreg_1",
    created=NOW,
    country="DE",
    options={"standard": {"place_of_supply_scheme": "standard"}, "type": "standard"},
)


def trialing(**traits: Any) -> dict[str, Any]:
    """A trial of a customer; `card` is the customer's default."""
    card = traits.pop("card", None)
    made = shapes.subscription(
        id="sub_1",
        created=NOW,
        customer="cus_1",
        status="trialing",
        currency="usd",
        items=[],
        billing_cycle_anchor=NOW + DAY,
        trial_start=NOW,
        trial_end=NOW + DAY,
        **traits,
    )
    return {**made, "customer": shapes.customer(id="cus_1", created=NOW, default_payment_method=card)}


def invoice(amount_paid: int = 1200, subscription: str | None = "sub_1") -> dict[str, Any]:
    return shapes.invoice(
        id="in_1",
        created=NOW,
        customer="cus_1",
        currency="usd",
        lines=[],
        status="paid",
        billing_reason="subscription_create",
        period_start=NOW,
        period_end=NOW,
        subscription=subscription,
        amount_paid=amount_paid,
    )


def charge(number: int, intent: str, **traits: Any) -> dict[str, Any]:
    receipt = traits.pop("receipt", None)
    made = shapes.charge(id=f"ch_{number}", created=NOW, amount=1200, currency="usd", payment_intent=intent, **traits)
    return {**made, "receipt_number": receipt}


def refund(status: str = "succeeded") -> dict[str, Any]:
    return shapes.refund(id="re_1", created=NOW, amount=1200, currency="usd", charge="ch_1", status=status)


def dispute(due: int, status: str = "needs_response") -> dict[str, Any]:
    return shapes.dispute(
        id="du_1", created=NOW, amount=1200, currency="usd", charge="ch_1", status=status, evidence_due_by=due
    )


PAID = charge(1, "pi_billed", receipt="1234-5678")
ONCE = charge(2, "pi_alone")
DECLINED = charge(3, "pi_billed", status="failed", decline_code="insufficient_funds")
PAYMENT = shapes.invoice_payment(
    id="inpay_1", created=NOW, invoice="in_1", amount_requested=1200, currency="usd", payment_intent="pi_billed"
)


def one(obj: Mapping[str, Any]) -> Held:
    return Held((obj,))


ANSWERS: dict[str, Answer] = {
    "account": one({**ACCOUNT, "business_profile": PROFILE}),
    "webhook_endpoints": one(ENDPOINT),
    "products": one(PRODUCT),
    "prices": one(PRICE),
    "portal": one(PORTAL),
    "tax_settings": one(shapes.tax_settings(head_office=OFFICE)),
    "tax_registrations": one(REGISTRATION),
    "subscriptions": Held(()),
    "trials": one(trialing(card="pm_1")),
    "paid_invoices": one(invoice()),
    "invoice_payments": one(PAYMENT),
    "charges": Held((DECLINED, ONCE, PAID)),
    "refunds": one(refund()),
    "disputes": one(dispute(NOW + 10 * DAY)),
}
AT = datetime.fromtimestamp(NOW, UTC)
FAIL, UNKNOWN = State.FAIL, State.UNKNOWN


def told(answers: Mapping[str, Answer], own: Own = READY) -> dict[str, tuple[State, str, str]]:
    """What is no pass, by check: the state, what was found, and what to do."""
    checked = judged(CHECKS, {**ANSWERS, **answers}, own, AT)
    return {
        each.check.name: (each.verdict.state, each.verdict.found, each.remedy)
        for each in checked
        if each.verdict.state is not State.PASS
    }


def test_an_account_that_has_everything_passes_every_check() -> None:
    assert told({}) == {}


def account(**changes: Any) -> dict[str, Answer]:
    return {"account": one({**ACCOUNT, "business_profile": PROFILE, **changes})}


def named(descriptor: str | None) -> dict[str, Any]:
    return {**ACCOUNT["settings"], "payments": {**ACCOUNT["settings"]["payments"], "statement_descriptor": descriptor}}


def required(**what: Any) -> dict[str, Answer]:
    return account(requirements={**ACCOUNT["requirements"], **what})


def portal(**changes: Any) -> dict[str, Answer]:
    return {"portal": one({**PORTAL, **changes})}


def without(feature: str) -> dict[str, Answer]:
    return portal(features={**PORTAL["features"], feature: {"enabled": False}})


NO_PRICES = {"lookup_keys": UNKNOWN, "tax_behavior": UNKNOWN}
AMISS: list[tuple[dict[str, Answer], dict[str, State], str]] = [
    (account(charges_enabled=False), {"charges_enabled": FAIL}, "nobody can pay"),
    (account(payouts_enabled=False), {"payouts_enabled": FAIL}, "money stays"),
    (required(currently_due=["company.tax_id"]), {"requirements": FAIL}, "company.tax_id"),
    (required(disabled_reason="requirements.past_due"), {"requirements": FAIL}, "requirements.past_due"),
    (account(business_profile={**PROFILE, "url": None}), {"business_profile": FAIL}, "url"),
    (account(business_profile={**PROFILE, "support_email": None}), {"business_profile": FAIL}, "support_email"),
    (account(settings=named(None)), {"statement_descriptor": FAIL}, "none"),
    (account(settings=named("12345")), {"statement_descriptor": FAIL}, "with a letter"),
    (
        {"webhook_endpoints": Held(())},
        {"webhook_endpoint": FAIL, "webhook_events": UNKNOWN, "webhook_version": UNKNOWN},
        "no enabled endpoint",
    ),
    (
        {"webhook_endpoints": Held((ENDPOINT, {**ENDPOINT, "id": "we_2", "status": "disabled"}))},
        {"webhook_disabled": FAIL},
        "we_2",
    ),
    (
        {"webhook_endpoints": one({**ENDPOINT, "enabled_events": ["invoice.paid"]})},
        {"webhook_events": FAIL},
        "charge.dispute.created",
    ),
    ({"webhook_endpoints": one({**ENDPOINT, "url": "http://n.example"})}, {"webhook_endpoint": FAIL}, "HTTPS"),
    ({"webhook_endpoints": one({**ENDPOINT, "api_version": None})}, {"webhook_version": FAIL}, "default version"),
    (
        {"products": Held(()), "prices": Held(())},
        {"products": FAIL, "default_prices": UNKNOWN, **NO_PRICES},
        "no active",
    ),
    ({"prices": Held(())}, {"products": FAIL, **NO_PRICES}, ""),
    ({"prices": Held((PRICE,), is_whole=False)}, {"products": UNKNOWN}, "not all prices"),
    ({"products": one({**PRODUCT, "default_price": None})}, {"default_prices": FAIL}, "prod_1"),
    ({"prices": one({**PRICE, "lookup_key": None})}, {"lookup_keys": FAIL}, "price_1"),
    ({"prices": one({**PRICE, "tax_behavior": "unspecified"})}, {"tax_behavior": FAIL}, "price_1"),
    ({"tax_settings": one(shapes.tax_settings())}, {"automatic_tax": FAIL}, "head_office"),
    ({"tax_registrations": Held(())}, {"tax_registrations": FAIL}, "no tax is collected"),
    (
        {"portal": Held(())},
        {"customer_portal": FAIL, "payment_method_update": FAIL, "cancellation": FAIL, "privacy_and_terms": FAIL},
        "No configuration",
    ),
    (without("payment_method_update"), {"payment_method_update": FAIL}, "bpc_1"),
    (without("subscription_cancel"), {"cancellation": FAIL}, "bpc_1"),
    (
        portal(business_profile={**PORTAL["business_profile"], "terms_of_service_url": None}),
        {"privacy_and_terms": FAIL},
        "terms_of_service_url",
    ),
    ({"paid_invoices": one(invoice(amount_paid=0))}, {"subscription_payment": UNKNOWN}, "test key"),
    ({"paid_invoices": one(invoice(subscription=None))}, {"subscription_payment": UNKNOWN}, "test key"),
    ({"charges": Held((DECLINED, PAID))}, {"one_time_payment": UNKNOWN}, "test key"),
    ({"invoice_payments": Held((PAYMENT,), is_whole=False)}, {"one_time_payment": UNKNOWN}, "More invoices"),
    ({"charges": Held((ONCE, PAID))}, {"failed_payment": UNKNOWN}, "test key"),
    ({"charges": Held((DECLINED, ONCE))}, {"receipts": UNKNOWN}, "can't be asked"),
    ({"refunds": Held(())}, {"refund": UNKNOWN}, "test key"),
    ({"refunds": Held((refund(), refund("failed")))}, {"failed_refunds": FAIL}, "re_1"),
    ({"disputes": Held(())}, {"dispute": UNKNOWN}, "test key"),
    ({"disputes": one(dispute(NOW + 3 * DAY))}, {"disputes_due": FAIL}, "du_1"),
    ({"disputes": one(dispute(NOW + 3 * DAY, "under_review"))}, {}, ""),
    ({"trials": Held(())}, {"trial": UNKNOWN}, "test key"),
    ({"trials": one(trialing())}, {"trials_without_card": FAIL}, "sub_1"),
    ({"trials": one(trialing(missing_payment_method="pause"))}, {}, ""),
    ({"trials": one(trialing(default_payment_method="pm_2"))}, {}, ""),
]


@pytest.mark.parametrize(
    ("amiss", "expected", "words"), AMISS, ids=[f"{words or index}" for index, (_, _, words) in enumerate(AMISS)]
)
def test_what_is_amiss_shows_in_its_own_checks_alone(
    amiss: dict[str, Answer], expected: dict[str, State], words: str
) -> None:
    found = told(amiss)
    assert {name: state for name, (state, _, _) in found.items()} == expected
    assert all(words in said and remedy for _, said, remedy in found.values()), found


HERE: list[tuple[dict[str, Any], dict[str, State]]] = [
    ({"is_live": False}, {"mode": UNKNOWN}),
    ({"key": "secret"}, {"restricted_keys": FAIL}),
    ({"write_key": "secret"}, {"restricted_keys": FAIL}),
    ({"write_key": None}, {}),
    ({"answered_version": "2024-06-20"}, {"api_version": FAIL}),
    ({"has_webhook_secret": False}, {"webhook_secret": FAIL}),
    ({"has_dispute_texts": False}, {"dispute_texts": FAIL}),
    ({"notices": ("payment_failed_first", "trial_ending")}, {"dunning_mails": UNKNOWN}),
    ({"notices": None}, {"dunning_mails": UNKNOWN}),
    ({"trail": None}, {"audit_trail": UNKNOWN}),
    ({"trail": Trail(entries=3, faults=1)}, {"audit_trail": FAIL}),
]


@pytest.mark.parametrize(("changes", "expected"), HERE, ids=lambda each: ",".join(each))
def test_what_is_amiss_on_the_machine_shows_too(changes: dict[str, Any], expected: dict[str, State]) -> None:
    assert {name: state for name, (state, _, _) in told({}, replace(READY, **changes)).items()} == expected


def test_what_was_never_tried_is_something_to_do_in_test_mode() -> None:
    nothing: dict[str, Answer] = {
        name: Held(()) for name in ("charges", "refunds", "disputes", "paid_invoices", "trials")
    }
    found = told(nothing, replace(READY, is_live=False))
    tried = {"subscription_payment", "one_time_payment", "failed_payment", "refund", "dispute", "trial"}
    assert {name for name, (state, _, _) in found.items() if state is FAIL} == tried


def test_who_may_not_be_told_names_the_permission_and_judges_nothing() -> None:
    for question in QUESTIONS:
        found = told({question.name: Refusal(question, "more_permissions_required", needs_permission=True)})
        concerned = {check.name for check in CHECKS if question.name in check.asks}
        assert {name for name, (state, _, _) in found.items() if state is UNKNOWN} == set(found) == concerned
        assert all(f"Read on {question.permission}" in remedy for _, _, remedy in found.values())


def test_a_refusal_for_another_reason_asks_for_no_permission() -> None:
    refused = Refusal(QUESTIONS[5], "resource_missing", needs_permission=False)
    assert told({"tax_settings": refused})["automatic_tax"][1:] == (
        "Stripe does not tell: resource_missing.",
        "Look at it in the Dashboard.",
    )


def test_checks_that_do_not_concern_a_company_are_left_out_and_not_asked_for() -> None:
    left = chosen(["automatic_tax", "tax_registrations", "tax_behavior"])
    assert len(left) == len(CHECKS) - 3
    assert {question.name for question in QUESTIONS} - {question.name for question in questions_of(left)} == {
        "tax_settings",
        "tax_registrations",
    }
    with pytest.raises(UsageError, match="no check taxes; there are charges_enabled"):
        chosen(["taxes"])


def test_the_mails_that_keep_customers_are_kinds_that_there_are() -> None:
    assert set(KEEPING) <= BY_NAME.keys()


def test_a_check_has_a_name_of_its_own_and_knows_its_questions() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert {name for check in CHECKS for name in check.asks} == {question.name for question in QUESTIONS}
