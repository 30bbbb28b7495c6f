"""What customers are told of declines: every code has its message, in every language, and none betrays a theft."""

import re
from pathlib import Path

import pytest
import yaml

from billing import declines
from billing.declines import advice, codes, message, text, told_of_error
from billing.errors import UsageError
from sandbox.world.shapes.payments import DECLINES
from sandbox.world.testcards import TEST_CARDS

DOCUMENTED = """
authentication_required approve_with_id call_issuer card_not_supported card_velocity_exceeded currency_not_supported
do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent generic_decline incorrect_address
incorrect_cvc incorrect_number incorrect_pin incorrect_zip insufficient_funds invalid_account invalid_amount invalid_cvc
invalid_expiry_month invalid_expiry_year invalid_number invalid_pin issuer_not_available lost_card merchant_blacklist
new_account_information_available no_action_taken not_permitted offline_pin_required online_or_offline_pin_required
pickup_card pin_try_exceeded processing_error reenter_transaction restricted_card revocation_of_all_authorizations
revocation_of_authorization security_violation service_not_allowed stolen_card stop_payment_order testmode_decline
transaction_not_allowed try_again_later withdrawal_count_limit_exceeded
""".split()  # noqa: SIM905
"""Of cards, https://docs.stripe.com/declines/codes."""
SILENT = ("fraudulent", "lost_card", "stolen_card", "pickup_card", "restricted_card", "security_violation",
          "merchant_blacklist", "blocklist", "rule", "highest_risk_level", "elevated_risk_level")  # fmt: skip
LANGUAGES = sorted(file.name.split(".")[1] for file in declines.HERE.glob("declines.*.yaml"))
BETRAYING = r"lost|stolen|theft|fraud|risk|block|suspic|verloren|gestohlen|betrug|risiko|gesperrt|verdacht"


def test_every_code_that_stripe_documents_or_the_sandbox_answers_is_in_the_table() -> None:
    answered = {card.decline for card in TEST_CARDS.values() if card.decline} | set(DECLINES)
    assert {*DOCUMENTED, *answered} - set(codes()) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_message_and_no_other(language: str) -> None:
    told = yaml.safe_load((declines.HERE / f"declines.{language}.yaml").read_text())
    english = yaml.safe_load((declines.HERE / "declines.en.yaml").read_text())
    assert set(told) == set(english) >= {each.tell for each in codes().values()}
    assert [name for name, each in told.items() if re.search(BETRAYING, each, re.IGNORECASE)] == []


@pytest.mark.parametrize("code", SILENT)
def test_who_tries_a_stolen_card_hears_what_everybody_hears(code: str) -> None:
    for language in LANGUAGES:
        assert message(code, language) == message("generic_decline", language) == text("generic", language)
    assert (advice(code).retry, "Do not tell" in advice(code).do) == ("never", True)


def test_the_language_is_the_first_of_the_customers_that_there_is() -> None:
    english, german = message("expired_card"), message("expired_card", "de")
    assert english == "This card has expired. Please use another card."
    assert german == "Diese Karte ist abgelaufen. Bitte verwenden Sie eine andere Karte."
    assert message("expired_card", ["xx", "de-AT", "en"]) == german
    assert message("expired_card", "de_CH") == german
    assert message("expired_card", ["xx-YY"]) == message("expired_card", []) == english


def test_a_code_nobody_knows_is_told_as_a_decline_without_a_reason() -> None:
    assert message("invented_yesterday") == message(None) == text("generic")
    assert (advice("invented_yesterday").retry, advice("invented_yesterday").code) == ("later", "invented_yesterday")
    assert message("card_declined:insufficient_funds") == text("funds")  # as the trail has it
    assert message("card_declined:invented_yesterday") == text("generic")
    assert message("card_declined:stolen_card") == text("generic")


def test_of_our_own_mistakes_a_customer_hears_only_that_they_are_ours() -> None:
    assert told_of_error("parameter_unknown", 400) == text("trouble")
    assert told_of_error("invented_yesterday", 403, "de") == text("trouble", "de")
    assert told_of_error("card_declined:expired_card", 402) == text("expired")
    assert told_of_error("rate_limit", 429) == text("later")


def test_a_company_translates_message_by_message(tmp_path: Path) -> None:
    (tmp_path / "fr.yaml").write_text("expired: Cette carte a expiré.\n")
    (tmp_path / "en.yaml").write_text("generic: It did not work, sorry.\n")
    assert message("expired_card", "fr", tmp_path) == "Cette carte a expiré."
    assert message("insufficient_funds", "fr", tmp_path) == text("funds", "en")
    assert message("stolen_card", "fr", tmp_path) == "It did not work, sorry."


@pytest.mark.parametrize(
    ("written", "why"),
    [("stolen: We know.\n", "no message 'stolen'"), ("- a\n", "names of messages"), ("a: [b\n", "as YAML")],
)
def test_a_table_that_makes_no_sense_is_refused_by_its_name(tmp_path: Path, written: str, why: str) -> None:
    (tmp_path / "en.yaml").write_text(written)
    with pytest.raises(UsageError, match=why):
        message("expired_card", "en", tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        message("expired_card", "en", tmp_path / "none")
