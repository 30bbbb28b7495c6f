"""Settings that change are on record by name, and never by value."""

import json
from pathlib import Path

import pytest

from billing.store import open_store
from tests.pipelines.conftest import Revenue
from tests.pipelines.office.visiting import trail_of

SECRETS = ("rk_test_first000000000000", "rk_test_second00000000000", "whsec_planted0000000000", "short")


@pytest.fixture(autouse=True)
def _operations(home: Path) -> None:
    open_store(None, home).close()


def changed(home: Path) -> list[list[str]]:
    """Which settings changed, time after time."""
    store = open_store(None, home)
    told = [json.loads(body)["changed"] for event, _, body in trail_of(store) if event == "settings_changed"]
    store.close()
    return told


def test_changed_settings_and_files_go_on_record_once_and_by_name(
    revenue: Revenue, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", SECRETS[0])
    assert revenue("users", "list").code == 0
    assert changed(home) == [[]]  # the first time it is only noted what there is
    revenue("users", "list")
    assert changed(home) == [[]]
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nrules: []\n")
    monkeypatch.setenv("STRIPE_API_KEY", SECRETS[1])
    monkeypatch.setenv("REVENUE_WEBHOOK_SECRETS", SECRETS[2])
    monkeypatch.setenv("REVENUE_WEBHOOK_TOKENS", SECRETS[3])
    monkeypatch.setenv("REVENUE_RULES", str(rules))
    revenue("actions", "list")
    rules.write_text("version: 1\nstop: true\nrules: []\n")
    revenue("actions", "list")
    monkeypatch.delenv("REVENUE_WEBHOOK_TOKENS")
    revenue("actions", "list")
    assert changed(home)[1:] == [
        [
            "REVENUE_RULES",
            "REVENUE_RULES (contents)",
            "REVENUE_WEBHOOK_SECRETS",
            "REVENUE_WEBHOOK_TOKENS",
            "STRIPE_API_KEY",
        ],
        ["REVENUE_RULES (contents)"],
        ["REVENUE_WEBHOOK_TOKENS"],
    ]
    assert "REVENUE_RULES (contents)" in revenue("audit", "list").out
    assert revenue("audit", "verify").code == 0
    kept = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert [secret for secret in SECRETS if secret.encode() in kept] == []


def test_looking_and_helping_note_nothing(revenue: Revenue, home: Path) -> None:
    for words in (("audit", "list"), ("explain",), ("users", "--help"), ("--help",), ("status",)):
        revenue(*words)
    assert changed(home) == []


def test_settings_that_make_no_sense_are_told_by_the_command(revenue: Revenue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVENUE_PUBLIC_URL", "http://in.the.clear")
    said = revenue("users", "list")
    assert (said.code, "https://" in said.err) == (2, True)


def test_no_database_is_made_to_note_anything(revenue: Revenue, home: Path) -> None:
    for file in home.iterdir():
        file.unlink()
    assert revenue("users", "list").code == 0
    assert list(home.iterdir()) == []
