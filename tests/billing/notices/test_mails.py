"""What customers wrote adds no header, recipient, link or markup to a mail; templates are the company's to change."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.errors import UsageError
from billing.notices import choices as choices_module
from billing.notices import message, samples, wording
from billing.notices.addresses import usable
from billing.notices.kinds import BY_NAME, KINDS
from billing.notices.message import Content
from dashboards import mail
from pipelines.notices import renderer
from tests.billing.notices.company import choices

AT = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
HOSTILE = [
    "Ada\r\nBcc: eve@example.com",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "You won! https://evil.example/claim",
    "Visit evil.example today",
    "\u202eecalevol adA",
    "a" * 5_000,
    "=cmd|' /C calc'!A0",
]


def headers_of(made: bytes) -> Any:
    return message_from_bytes(made, policy=policy.default)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_more_than_a_name_is_not_greeted(text: str) -> None:
    assert wording.name(text) is None


@pytest.mark.parametrize(
    "text", ["Ada Lovelace", "Dr. Grace Hopper", "Zoë O’Neill-Müller", "李小龙", "محمد", "Example, Inc.", "Anna B."]
)
def test_names_of_people_and_companies_are(text: str) -> None:
    assert wording.name(f" {text}  ") == text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_hostile_text_stays_text_in_every_mail(kind: Any, text: str) -> None:
    line = wording.one_line(text) or ""
    values = samples.values(kind, "en", samples.CHOICES)
    values |= {name: line for name in values if isinstance(values[name], str) and str(values[name])[:4] != "http"}
    values["plans"] = [line]
    made = renderer(choices())(kind.name, "en", values)
    assert "<script" not in made.html
    assert "<img" not in made.html
    assert "49" not in made.subject
    sent = headers_of(message.built("ntc_1", choices(), ["ada@example.com"], made, AT, optional=False))
    assert sent["To"] == "ada@example.com"
    assert sent["Bcc"] is None
    assert len(sent.get_all("Subject")) == 1
    assert len(sent["Subject"]) <= 200


@pytest.mark.parametrize("subject", ["One\r\nBcc: eve@example.com", "One\nTwo", "One\rTwo", "One\u2028Bcc: eve@x.de"])
def test_a_subject_is_one_line(subject: str) -> None:
    sent = headers_of(
        message.built("ntc_1", choices(), ["ada@example.com"], Content(subject, "t", "h"), AT, optional=False)
    )
    assert sent["Bcc"] is None
    assert sent["Subject"].startswith("One ")


def test_a_mail_says_who_writes_that_a_machine_does_and_how_to_be_spared() -> None:
    asked = choices(unsubscribe="mailto:stop@example.com", company='Exämple, "GmbH"')
    content = Content("Grüße", "Zoë\n.\nEnde\n", "<p>Zoë</p>")
    made = message.built("ntc_1", asked, ["ada@example.com"], content, AT, optional=True)
    sent = headers_of(made)
    assert made.isascii()
    assert max(map(len, made.split(b"\r\n"))) <= 998
    assert sent["From"].addresses[0].display_name == 'Exämple, "GmbH"'
    assert sent["From"].addresses[0].addr_spec == "billing@example.com"
    assert sent["Reply-To"] == "help@example.com"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Message-ID"] == "<ntc_1@example.com>"
    assert sent["List-Unsubscribe"] == "<mailto:stop@example.com?subject=ntc_1>"
    assert sent["Date"] == "Thu, 26 Nov 2026 23:30:00 +0000"
    assert sent.get_body(("plain",)).get_content().splitlines() == ["Zoë", ".", "Ende"]
    plain = message.built("ntc_1", asked, ["ada@example.com"], content, AT, optional=False)
    assert headers_of(plain)["List-Unsubscribe"] is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_there_in_both_languages_and_leaves_no_gap(kind: Any) -> None:
    assert {"de", "en"} <= set(mail.languages(kind.name))
    for language in ("de", "en"):
        for missing in (
            (),
            ("name", "account_link", "pay_link", "card", "trial_end", "customer_id", "due_by", "pages"),
        ):
            values = samples.values(kind, language, samples.CHOICES) | dict.fromkeys(missing)
            made = renderer(samples.CHOICES)(kind.name, language, values)
            if kind.name != "trial_ending":  # which is about nothing else
                assert "None" not in made.subject + made.text + made.html
            assert "\n\n\n" not in made.text
            assert " ," not in made.text


def test_a_company_s_own_template_goes_first_and_may_add_a_language(tmp_path: Path) -> None:
    (tmp_path / "welcome.fr.j2").write_text(
        "{% block subject %}Bienvenue chez {{ company }}{% endblock %}"
        "{% block words %}Bonjour <b>{{ name }}</b>{% endblock %}"
    )
    asked = choices(templates=str(tmp_path))
    made = renderer(asked)("welcome", "fr", samples.values(BY_NAME["welcome"], "fr", asked))
    assert made.subject == "Bienvenue chez Example GmbH"
    assert "&lt;b&gt;Ada Lovelace&lt;/b&gt;" in made.html
    assert made.text == "Bonjour <b>Ada Lovelace</b>\n"
    assert set(mail.languages("welcome", tmp_path)) == {"de", "en", "fr"}


@pytest.mark.parametrize("broken", ["{% block subject %}{{ nobody_knows }}{% endblock %}", "{% block subject %}"])
def test_a_template_that_makes_no_sense_is_told_by_its_name(tmp_path: Path, broken: str) -> None:
    (tmp_path / "welcome.en.j2").write_text(broken)
    asked = choices(templates=str(tmp_path))
    with pytest.raises(UsageError, match=r"welcome\.en\.j2"):
        renderer(asked)("welcome", "en", samples.values(BY_NAME["welcome"], "en", asked))


def test_amounts_and_days_are_written_as_the_language_does() -> None:
    assert wording.money(123_456_789, "eur", "en") == "1,234,567.89\u00a0EUR"
    assert wording.money(123_456_789, "eur", "de") == "1.234.567,89\u00a0EUR"
    assert wording.money(1_500, "jpy", "en") == "1,500\u00a0JPY"
    assert wording.signed(-1_500, "kwd", "en") == "−1.500\u00a0KWD"
    assert wording.signed(0, "usd", "en") == "0.00\u00a0USD"
    # 23:30 UTC on the 26th is half past midnight on the 27th in Berlin.
    assert wording.day(AT, ZoneInfo("UTC"), "en") == "26 November 2026"
    assert wording.day(AT, ZoneInfo("Europe/Berlin"), "de") == "27. November 2026"
    assert wording.day(AT, ZoneInfo("UTC"), "fr") == "2026-11-26"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.L+billing@Example.COM ", "Ada.L+billing@example.com"),
        ("ada@münchen.example", "ada@xn--mnchen-3ya.example"),
        ("a@example.com, b@example.com", None),
        ("a@example.com\nBcc: b@example.com", None),
        ("Ada <a@example.com>", None),
        ("a@b@example.com", None),
        ("a..b@example.com", None),
        ("@example.com", None),
        ("a@", None),
        ("a@localhost", None),
        ("a@[127.0.0.1]", None),
        (f"{'a' * 65}@example.com", None),
        (f"a@{'b' * 64}.com", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_an_address_is_one_address_or_none(text: object, address: str | None) -> None:
    assert usable(text) == address


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"send": ["welcom"]}, "there is no notice 'welcom'"),
        ({"staff": []}, "names nobody"),
        ({"from": "Example <billing@example.com>"}, "from: .* is no address"),
        ({"company": "Example\nBcc: eve@example.com"}, "company"),
        ({"links": {"pages": "javascript:alert(1)"}}, "links.pages: .* is no https"),
        ({"unsubscribe": "mailto:x@example.com>\r\nBcc: y@example.com"}, "unsubscribe"),
        ({"limits": {"per_hour": -1}}, "limits.per_hour"),
        ({"sned": []}, "sned"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_the_place(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    import yaml

    from tests.billing.notices.company import FILE

    file = tmp_path / "notices.yaml"
    file.write_text(yaml.safe_dump(FILE | changes))
    with pytest.raises(UsageError, match=words):
        choices_module.load(file)
