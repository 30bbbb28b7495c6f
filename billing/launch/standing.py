"""Checks of the account itself: whether it may charge and be paid out, how customers recognise it, keys and mode."""

from typing import Final

from billing.launch.check import Check, Told, Verdict, failed, passed, passed_if, unknown

LEAST_DESCRIPTOR, MOST_DESCRIPTOR = 5, 22
"""Stripe's rule for statement descriptors: 5 to 22 characters, with a letter
(https://docs.stripe.com/get-started/account/statement-descriptors)."""


def _charges(told: Told) -> Verdict:
    on = told.one("account")["charges_enabled"]
    return passed_if(on, "Charges are enabled.", "Charges are not enabled: nobody can pay.")


def _payouts(told: Told) -> Verdict:
    on = told.one("account")["payouts_enabled"]
    return passed_if(on, "Payouts are enabled.", "Payouts are not enabled: money stays at Stripe.")


def _requirements(told: Told) -> Verdict:
    asked = told.one("account").get("requirements") or {}
    if asked.get("disabled_reason"):
        return failed(f"Stripe has disabled part of the account: {asked['disabled_reason']}.")
    due = sorted({*(asked.get("past_due") or ()), *(asked.get("currently_due") or ())})
    return passed_if(not due, "Stripe asks for nothing.", f"Stripe asks for {', '.join(due)}.")


def _profile(told: Told) -> Verdict:
    profile = told.one("account").get("business_profile") or {}
    lacks = [name for name in ("name", "url") if not profile.get(name)]
    if not any(profile.get(name) for name in ("support_email", "support_phone", "support_url")):
        lacks.append("support_email, support_phone or support_url")
    return passed_if(not lacks, "Name, address and support are public.", f"Not set: {'; '.join(lacks)}.")


def _descriptor(told: Told) -> Verdict:
    payments = (told.one("account").get("settings") or {}).get("payments") or {}
    said = str(payments.get("statement_descriptor") or "")
    right = LEAST_DESCRIPTOR <= len(said) <= MOST_DESCRIPTOR and any(each.isalpha() for each in said)
    return passed_if(
        right,
        "There is one.",
        "There is none that customers would recognise: 5 to 22 characters with a letter." if said else "There is none.",
    )


def _mode(told: Told) -> Verdict:
    if told.own.is_live:
        return passed("These answers are about live mode.")
    return unknown(
        "These answers are about test mode. Live mode has endpoints, prices, portal and tax settings of its own."
    )


def _keys(told: Told) -> Verdict:
    kinds = {"STRIPE_API_KEY": told.own.key, "STRIPE_WRITE_KEY": told.own.write_key}
    mighty = [name for name, kind in kinds.items() if kind == "secret"]
    return passed_if(not mighty, "Keys here are restricted ones.", f"{' and '.join(mighty)} may do everything.")


def _version(told: Told) -> Verdict:
    own = told.own
    return passed_if(
        own.answered_version == own.pinned_version,
        f"Stripe answers in {own.pinned_version}, as asked.",
        f"Asked for {own.pinned_version}, Stripe answered in {own.answered_version or 'a version it does not name'}.",
    )


CHECKS: Final[tuple[Check, ...]] = (
    Check(
        "charges_enabled",
        "Account",
        "The account may charge",
        ("account",),
        _charges,
        "Complete the activation in the Dashboard: Settings, Business.",
    ),
    Check(
        "payouts_enabled",
        "Account",
        "The account is paid out",
        ("account",),
        _payouts,
        "Add a bank account in the Dashboard: Settings, Payouts.",
    ),
    Check(
        "requirements",
        "Account",
        "Nothing is due to Stripe",
        ("account",),
        _requirements,
        "Answer what the Dashboard asks at its top; past the deadline charges or payouts stop.",
    ),
    Check(
        "business_profile",
        "Account",
        "Customers see who you are and how to reach you",
        ("account",),
        _profile,
        "Fill in Settings, Business, Public details; receipts, invoices and the portal show it.",
    ),
    Check(
        "statement_descriptor",
        "Account",
        "Customers recognise the charge on their statement",
        ("account",),
        _descriptor,
        "Set it under Settings, Business, Public details: unrecognised charges become disputes.",
    ),
    Check(
        "mode",
        "Keys",
        "Live mode was looked at",
        (),
        _mode,
        "Run this once more with the live key before the launch.",
    ),
    Check(
        "restricted_keys",
        "Keys",
        "Keys may do what they need and no more",
        (),
        _keys,
        "Make restricted keys (rk_…), one that reads and one that acts: docs/your-own-account.md, docs/actions.md.",
    ),
    Check(
        "api_version",
        "Keys",
        "Stripe answers in the version that is asked for",
        ("account",),
        _version,
        "Look at what stands between here and Stripe (STRIPE_API_BASE, a proxy): the version header is lost.",
    ),
)
