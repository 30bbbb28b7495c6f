"""The certificate of an erasure as a letter: what was erased where, what is kept on which ground, when and by whom.

It is made of counts and ids alone, so that it can be filed and handed on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.letter import Letter, Part

AT_STRIPE = {
    "deleted": "deleted",
    "deleted_already": "had been deleted before",
    "not_found": "is not known there",
    "left": "left as it is, as was asked",
}
"""How the customer stands at Stripe, in words."""


def letter(certificate: Mapping[str, Any]) -> Letter:
    """The letter of a certificate, as the trail holds it."""
    parts = [_asked(certificate), _stripe(certificate), _erased(certificate), _kept(certificate), _found(certificate)]
    outside = Part("What this can't reach", certificate["not_reached"])
    footing = (
        f"The trail of the operations database holds this certificate in a chain of digests, as erasure "
        f"{certificate['erasure_id']}: `revenue audit verify` checks it."
    )
    stamp = f"Customer {certificate['customer_id']} of account {certificate['account_id']} · {_mode(certificate)}"
    return Letter("Certificate of erasure", stamp, [*parts, outside], footing)


def _asked(certificate: Mapping[str, Any]) -> Part:
    facts = [
        ("Erasure", certificate["erasure_id"]),
        ("Begun", certificate["begun_at"]),
        ("Completed", certificate["completed_at"]),
        ("Carried out by", certificate["by"]),
    ]
    return Part("The request", facts=[*facts, *_given("Reference", certificate["reference"])])


def _stripe(certificate: Mapping[str, Any]) -> Part:
    told = certificate["at_stripe"]
    facts = [
        ("Customer", AT_STRIPE[told["customer"]]),
        *_given("Subscriptions ended", ", ".join(told["subscriptions"])),
    ]
    return Part("At Stripe", facts=[*facts, *_given("Actions", ", ".join(told["actions"]))])


def _erased(certificate: Mapping[str, Any]) -> Part:
    rows = [(each["place"], _count(each.get("versions")), _count(each.get("values"))) for each in certificate["erased"]]
    return Part("What was erased here", header=("Place", "Versions or files", "Values"), rows=rows)


def _kept(certificate: Mapping[str, Any]) -> Part:
    rows = [(each["what"], each["ground"]) for each in certificate["kept"]]
    return Part("What is kept, and on which ground", header=("What", "Ground"), rows=rows)


def _found(certificate: Mapping[str, Any]) -> Part:
    told = certificate["verified"]
    words = ["Every version of every object of the customer's was read again, and held nothing more to erase."]
    if told["values_sought"]:
        words.append(
            f"{told['values_sought']:,} values that stood for the person were looked for in {told['files_read']:,} "
            "files."
        )
    else:
        words.append("No values were left to look for in the files: an earlier, interrupted run had erased them.")
    left: Sequence[str] = told["left_in"]
    if left:
        words.append("These files still hold some of them, and are to be dealt with by hand: " + ", ".join(left) + ".")
    return Part("How this was checked", words, alarming=bool(left))


def _given(label: str, value: str) -> list[tuple[str, str]]:
    return [(label, value)] if value else []


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _mode(certificate: Mapping[str, Any]) -> str:
    return "live mode" if certificate["livemode"] else "test mode"
