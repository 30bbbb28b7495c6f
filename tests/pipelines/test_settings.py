"""Settings: read from the environment, refused with a word on what would be right."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster._utils.schedules import is_valid_cron_schedule
from pydantic import SecretStr

from pipelines import settings
from pipelines.errors import SettingsError


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, _, _ in settings.described():
        monkeypatch.delenv(name, raising=False)


def test_without_any_setting_everything_has_a_safe_default() -> None:
    made = settings.load()
    assert (made.home, made.policy, made.publish, made.as_of) == (Path("var"), "default", "banner", None)


def test_settings_come_from_a_dotenv_file_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("REVENUE_CURRENCY=EUR\nREVENUE_TIMEZONE=Europe/Berlin\n")
    monkeypatch.setenv("REVENUE_CURRENCY", "gbp")
    made = settings.load()
    assert (made.currency, made.timezone) == ("gbp", "Europe/Berlin")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_dotenv_file_may_be_written_as_windows_writes_it(encoding: str) -> None:
    Path(".env").write_text("REVENUE_HOME=Umsätze\nREVENUE_CURRENCY=EUR\n", encoding=encoding)
    made = settings.load()
    assert (made.home, made.currency) == (Path("Umsätze"), "eur")


@pytest.mark.parametrize(
    "content", ["REVENUE_HOME=Umsätze\n".encode("latin-1"), "REVENUE_HOME=var\n".encode("utf-16-le"), b"\xff\xfe\x00"]
)
def test_a_dotenv_file_of_another_encoding_is_refused_by_name(content: bytes) -> None:
    Path(".env").write_bytes(content)
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8 text"):
        settings.load()


def test_an_instant_is_turned_into_utc_and_one_without_a_zone_is_taken_as_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVENUE_AS_OF", "2026-01-01T00:30:00+02:00")
    assert settings.load().as_of == datetime(2025, 12, 31, 22, 30, tzinfo=UTC)
    monkeypatch.setenv("REVENUE_AS_OF", "2026-01-01T00:30:00")
    assert settings.load().as_of == datetime(2026, 1, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("REVENUE_TIMEZONE", "Berlin", "Europe/Berlin"),
        ("REVENUE_CURRENCY", "dollars", "usd"),
        ("REVENUE_AS_OF", "yesterday", "REVENUE_AS_OF"),
        ("REVENUE_PUBLISH", "maybe", "banner"),
        ("REVENUE_TEST_CLOCKS", "some", "boolean"),
        ("REVENUE_PORT", "0", "1 to 65535"),
        ("REVENUE_PORT", "65536", "1 to 65535"),
        ("REVENUE_SCHEDULE", "bad cron", "0 6"),
        ("STRIPE_API_BASE", "api.stripe.com", "https://api.stripe.com"),
        ("STRIPE_API_BASE", "ftp://api.stripe.com", "https://api.stripe.com"),
        ("STRIPE_API_BASE", "http://", "https://api.stripe.com"),
        ("STRIPE_API_BASE", "http://localhost:99999", "https://api.stripe.com"),
        ("STRIPE_API_BASE", "http://[::1", "https://api.stripe.com"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_what_would(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert name in str(refused.value)
    assert word in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_missing_key_says_where_to_get_one() -> None:
    with pytest.raises(SettingsError, match="restricted key"):
        settings.load().required_key()


def test_a_publishable_key_is_refused_and_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "pk_live_abcdef123")
    made = settings.load()
    assert "abcdef123" not in repr(made)
    with pytest.raises(SettingsError) as refused:
        made.required_key()
    assert "abcdef123" not in str(refused.value)


@pytest.mark.parametrize("value", ["segment", "invoice.segment", "customer.", 'customer.a"b', "price.tier,oops"])
def test_a_slice_that_is_no_key_of_metadata_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REVENUE_SLICES", value)
    with pytest.raises(SettingsError, match="is no key of metadata"):
        settings.load()


def test_slices_are_names_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVENUE_SLICES", "customer.segment, price.tier,customer.segment,")
    assert settings.load().slice_names == ("customer.segment", "price.tier")


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("sk_test_1", "test"),
        ("rk_test_1", "test"),
        ("sk_live_1", "live"),
        ("rk_live_1", "live"),
        ("sk_org_live_1", "live"),
        ("rk_1_live_1", "unknown"),
        ("live_1", "unknown"),
    ],
)
def test_a_key_says_its_mode_by_its_prefix_and_one_of_another_is_refused(
    monkeypatch: pytest.MonkeyPatch, key: str, mode: str
) -> None:
    assert settings.mode_of(key) == mode
    for meant in ("test", "live"):
        monkeypatch.setenv("REVENUE_MODE", meant)
        monkeypatch.setenv("STRIPE_API_KEY", key)
        monkeypatch.setenv("STRIPE_WRITE_KEY", key)
        made = settings.load()
        for required in (made.required_key, made.required_write_key):
            if meant == mode:
                assert required() == key
            else:
                with pytest.raises(SettingsError, match=f"{mode} mode, and REVENUE_MODE says {meant}") as refused:
                    required()
                assert key not in str(refused.value)


def test_keys_of_two_modes_do_not_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_1")
    monkeypatch.setenv("STRIPE_WRITE_KEY", "rk_live_1")
    with pytest.raises(SettingsError, match="key of test mode, and STRIPE_WRITE_KEY one of live mode"):
        settings.load().required_write_key()
    assert settings.load().required_key() == "rk_test_1"


@pytest.mark.parametrize("key", ["rk_test_a\nb", "rk_test_a b", "rk_test_ä", "rk_test_a\x00"])
def test_a_key_that_no_header_can_hold_is_refused_by_its_settings_name(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    made = settings.load().but(stripe_api_key=SecretStr(key), stripe_write_key=SecretStr(key))
    for required, name in ((made.required_key, "STRIPE_API_KEY"), (made.required_write_key, "STRIPE_WRITE_KEY")):
        with pytest.raises(SettingsError, match=f"{name} is no key") as refused:
            required()
        assert key not in str(refused.value)


@pytest.mark.parametrize(
    ("schedule", "is_one"),
    [
        ("0 6 * * *", True),
        ("*/15 0-6,22 1,15 JAN-mar mon-fri", True),
        ("0 0 * * 7", True),
        ("30 4 1-31/2 * *", True),
        ("@daily", True),
        ("0 0 l * *", True),
        ("0 0 * * 5#3", True),
        ("60 6 * * *", False),
        ("0 24 * * *", False),
        ("0 0 0 * *", False),
        ("0 0 * 13 *", False),
        ("0 0 * * 8", False),
        ("0 6 * *", False),
        ("*/0 6 * * *", False),
        ("0 6 * * someday", False),
        ("", False),
    ],
)
def test_a_schedule_is_one_where_dagster_says_so(
    monkeypatch: pytest.MonkeyPatch, schedule: str, *, is_one: bool
) -> None:
    assert is_valid_cron_schedule(schedule) is is_one
    monkeypatch.setenv("REVENUE_SCHEDULE", schedule)
    if is_one or not schedule:  # an empty setting is none
        assert settings.load().schedule == (schedule or "0 6 * * *")
    else:
        with pytest.raises(SettingsError, match="no schedule of cron"):
            settings.load()
