"""What is left of an object once its customer was erased: ids, amounts, instants, states and codes, and no person.

Strings are kept by their form or their field, and all others go, so that a field that nobody thought of goes too. Works
on JSON bytes: what is kept keeps every byte, so that figures stay the same to the cent, and redacting again changes
nothing. Knows which objects are a customer's; knows no table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from pipelines.extract import personal

ERASED = frozenset().union(*personal.FIELDS.values()) | frozenset(
    # persons, whose name stands under a word of its own or whom a number leads to
    "name state client_reference_id customer_reference idempotency_key "  # noqa: SIM905
    # what somebody wrote
    "description comment memo footer value statement_descriptor statement_descriptor_suffix "
    # means of payment
    "last4 dynamic_last4 iban_last4 fingerprint iin issuer bank_name bank_code branch_code routing_number "
    "transit_number institution_number sort_code bsb_number bic payer_id buyer_id buyer_address cashtag username "
    "authorization_code network_transaction_id reference tax_id".split()
)
"""Fields whose text goes, whatever it looks like."""

WHOLE = frozenset(
    "evidence enhanced_evidence shipping shipping_details customer_shipping billing_details customer_details "  # noqa: SIM905
    "collected_information address customer_address verified_address custom_fields owner individual session "
    "ip_address_location fraud_details".split()
)
"""Fields of whose content nothing stays but `country`, which tax and reports need."""

KEPT = frozenset(
    "id customer price plan product coupon promotion_code number invoice_prefix account_name display_name".split()  # noqa: SIM905
)
"""Fields whose text stays: references, of which those to a catalogue are free text, and what a tax office asks for."""

CODES = frozenset(
    "account account_country account_holder_type account_tax_ids account_type address_line1_check "  # noqa: SIM905
    "address_postal_code_check advice_code aggregate_usage allow_redirects allow_redisplay allow_redisplay_filters "
    "allowed_countries allowed_payment_method_types amount_decimal amount_type api_version application "
    "application_fee authentication_flow authorization_response_code automatic_tax available balance_transaction "
    "balance_type bank_account behavior billing billing_address_collection billing_cycle_anchor billing_reason "
    "billing_scheme brand brand_product cancellation_reason capture_method card_brand "
    "cardholder_verification_method case_type category chain charge chargeback_loss_reason_code checkout_session "
    "closed_reason code collection_method confirmation_method country credit_balance_transaction credit_grant "
    "credit_note currency customer_account customer_balance_transaction customer_creation customer_presence "
    "customer_tax_exempt cvc_check decline_code default_account_tax_ids default_card default_currency default_for "
    "default_payment_method default_price default_source default_tax_rates destination destination_payment "
    "destination_payment_refund details_code disabled_reason discount discounts display_brand dispute_categories "
    "dispute_type duration electronic_commerce_indicator end_behavior enhanced_eligibility_types event_name "
    "event_time_window excluded_payment_method_types exemption_indicator failure_balance_transaction failure_code "
    "failure_reason fee feedback feedback_option flat_amount_decimal flow_directions formula fraud_type "
    "frozen_fields funding funding_type fx_rate generated_card generated_sepa_debit generated_sepa_debit_mandate "
    "goods_type hosted_payment_method_save initiated_by intended_submission_method interval invoice invoice_item "
    "invoice_line_item invoicing_behavior jurisdiction jurisdiction_level latest_attempt latest_charge "
    "latest_invoice latest_payment_attempt_record latest_revision locale lookup_key mandate mcc "
    "merchandise_or_services method microdeposit_type minimum_amount_currency missing_fields missing_payment_method "
    "mode network network_advice_code network_code network_decline_code network_reason_code network_status object "
    "on_behalf_of opened_reason origin_context original_line_item original_payout originating_transaction "
    "payment_behavior payment_intent payment_link payment_method payment_method_category payment_method_collection "
    "payment_method_remove payment_method_save payment_method_type payment_method_types payment_record "
    "payment_schedule payment_status payout payout_method pending_reason pending_setup_intent preferred_language "
    "preferred_locale preferred_locales presentment_currency price_type proration_behavior proration_discounts "
    "provider purpose quantity_decimal quote rate_type reason reason_code reconciliation_status "
    "redirect_on_completion reference_status reference_type refund regulated_status released_subscription "
    "reported_by reporting_category request request_extended_authorization request_incremental_authorization "
    "request_multicapture request_overcapture request_three_d_secure requested_priority required "
    "requirement_collection result result_reason reversal reversed_by review risk_level round rule "
    "save_default_payment_method schedule service_agreement setup_attempt setup_credential_usage setup_future_usage "
    "setup_intent shipping_rate single_use_mandate snapshot_event source source_currency source_refund "
    "source_transaction source_transfer source_transfer_reversal source_type status stored_credential_usage "
    "submission_method submit_type subscription subscription_item subscription_schedule supported "
    "supported_networks supported_types tax_behavior tax_code tax_exempt tax_rate tax_rates tax_type "
    "taxability_reason test_clock tiers_mode timezone token_currency transaction_link_id transaction_purpose "
    "transaction_type transfer transfer_reversal trial_offer trial_update_behavior type ui_mode unit_amount_decimal "
    "unit_amount_excluding_tax update_shipping_details url usage usage_type verification_method version".split()
)
"""Fields whose text stays where it has the form of a code, a decimal, a currency, a country or a reference: what the
API's reference says to be an enum, a reference or an amount."""

TELLING = frozenset(
    "name customer_name individual_name business_name email customer_email receipt_email phone customer_phone "  # noqa: SIM905
    "line1 comment".split()
)
"""Fields whose text is looked for afterwards, where it is long enough to stand for one person."""
SHORTEST_TELLING = 8

CATALOGUE = frozenset({"price", "plan", "product", "coupon", "tax_rate"})
"""Kinds that are the company's own, kept wherever they stand inside a customer's object."""

BEGINNINGS = (b"Unused",)
"""Words at the beginning of a line's description that say what it is: it stays, and what follows goes."""

LINKS = tuple(
    "charge payment_intent invoice source source_transaction originating_transaction "  # noqa: SIM905
    "subscription fee latest_charge".split()
)
"""Fields by which what names no customer hangs on what does."""

MEANS = tuple("payment_method default_payment_method default_source source".split())  # noqa: SIM905
"""Fields by which what is a customer's names their means of payment, which need not name the customer back."""

_PLAIN = re.compile(rb'"(?:[a-z0-9_.:\-]{0,64}|[A-Z]{2,3}|[a-z]{2,12}_[A-Za-z0-9_]{3,80}|/v1/[^@"]{0,300})"')
"""Codes, decimals, currencies, countries, ids and the API's own paths."""
_MADE_ID = re.compile(rb'"[a-z]{2,12}_(?=[a-z_]*[A-Z0-9])[A-Za-z0-9_]{12,80}"')
"""An id as Stripe makes them, which stays in any field: no name is as long and has capitals or digits within."""
_ID = re.compile(r"[a-z]{2,12}_[A-Za-z0-9_]+")
_COUNTRY = re.compile(rb'"[A-Z]{2}"')
_Fields = Mapping[str, msgspec.Raw]
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass
class Redaction:
    """Redacts objects of one customer, and counts the values that it takes out.

    `kept_metadata` are keys of metadata that figures are made by; the others go. `telling` is what it took out that
    stands for the person, for whoever looks whether it is anywhere else; it is never to be written down.
    """

    kept_metadata: frozenset[str] = frozenset()
    values: int = field(default=0, init=False)
    telling: set[str] = field(default_factory=set, init=False, repr=False)

    def of(self, payload: bytes) -> bytes:
        """What is left of an object."""
        return self._value(payload, "", whole=False)

    def _value(self, raw: bytes, name: str, *, whole: bool) -> bytes:
        if raw.startswith(b"{"):
            return self._object(raw, name, whole=whole)
        if raw.startswith(b"["):
            entries = (self._value(bytes(each), name, whole=whole) for each in _ENTRIES.decode(raw))
            return b"[%s]" % b",".join(each for each in entries if each != b"null")
        if raw.startswith(b'"'):
            return self._text(raw, name, whole=whole)
        return self._gone() if whole and raw[:1] in b"-0123456789" else raw

    def _object(self, raw: bytes, name: str, *, whole: bool) -> bytes:
        values = {key: bytes(value) for key, value in _OBJECT.decode(raw).items()}
        if name == "metadata":
            return self._metadata(values)
        if not whole and values.get("object", b"")[1:-1].decode("ascii", "replace") in CATALOGUE:
            return raw
        inner = whole or name in WHOLE
        return _joined({key: self._value(value, key, whole=inner or key in WHOLE) for key, value in values.items()})

    def _metadata(self, values: Mapping[str, bytes]) -> bytes:
        kept = {key: value for key, value in values.items() if key in self.kept_metadata}
        self.values += len(values) - len(kept)
        return _joined(kept)

    def _text(self, raw: bytes, name: str, *, whole: bool) -> bytes:
        if name in TELLING and len(raw) >= SHORTEST_TELLING + 2:
            self.telling.add(msgspec.json.decode(raw, type=str))
        if whole:
            return raw if name == "country" and _COUNTRY.fullmatch(raw) else self._gone()
        if name in KEPT:
            return raw
        if name in ERASED:
            return self._beginning(raw) if name == "description" else self._gone()
        form = _PLAIN if name in CODES else _MADE_ID
        return raw if form.fullmatch(raw) else self._gone()

    def _beginning(self, raw: bytes) -> bytes:
        kept = next((word for word in BEGINNINGS if raw.startswith(b'"' + word)), None)
        left = b'"%s"' % kept if kept else b"null"
        self.values += left != raw
        return left

    def _gone(self) -> bytes:
        self.values += 1
        return b"null"


def owner(payload: bytes, owned: Mapping[str, str], id_: str = "") -> str | None:
    """The erased customer whose an object is, or that an event speaks of; None where it is nobody's who was erased.

    What was detached from a customer says whose it was only in the event that tells of it. What names a customer is
    theirs, whatever else refers to it.

    Args:
        owned: customer by the id of each object that is known to be an erased customer's, the customer itself too.
        id_: by which the object is kept, where that may be another than its own.
    """
    values, before = _about(payload)
    customer = _reference(values.get("customer")) or _reference(before.get("customer"))
    if customer:
        return owned.get(customer)
    own = owned.get(_reference(values.get("id")) or "") or owned.get(id_)
    if own:
        return own
    named = [_reference(values.get(link)) for link in LINKS]
    payment = values.get("payment")
    if payment and bytes(payment).startswith(b"{"):
        named += [_reference(_OBJECT.decode(payment).get(link)) for link in LINKS[:2]]
    return next((owned[each] for each in named if each and each in owned), None)


def belongings(payload: bytes) -> set[str]:
    """The ids of what is a customer's where an object is, or what an event speaks of: itself and its means of payment.

    A charge names the card that it was made on long after that was detached from whoever paid.
    """
    values, before = _about(payload)
    found = {_reference(values.get("id"))}
    for each in (values, before, _fields(values.get("invoice_settings")), _fields(before.get("invoice_settings"))):
        found |= {_reference(each.get(name)) for name in MEANS}
    return {id_ for id_ in found if id_ and _ID.fullmatch(id_)}


def _about(payload: bytes) -> tuple[_Fields, _Fields]:
    """An object, or the one that an event speaks of, and what that was before."""
    values = _OBJECT.decode(payload)
    if _text_of(values.get("object")) != "event":
        return values, {}
    data = _fields(values.get("data"))
    return _fields(data.get("object")), _fields(data.get("previous_attributes"))


def _fields(raw: msgspec.Raw | None) -> _Fields:
    return _OBJECT.decode(raw) if raw is not None and bytes(raw).startswith(b"{") else {}


def _reference(raw: msgspec.Raw | None) -> str | None:
    """The id of a reference, whether Stripe sent the id alone or the whole object."""
    if raw is not None and bytes(raw).startswith(b"{"):
        return _text_of(_OBJECT.decode(raw).get("id"))
    return _text_of(raw)


def _text_of(raw: msgspec.Raw | None) -> str | None:
    return msgspec.json.decode(raw, type=str) if raw is not None and bytes(raw).startswith(b'"') else None


def _joined(values: Mapping[str, bytes]) -> bytes:
    return b"{%s}" % b",".join(msgspec.json.encode(name) + b":" + value for name, value in values.items())
