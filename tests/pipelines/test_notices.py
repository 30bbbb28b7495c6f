"""From Stripe's event to a mail through the command: asked for, once whatever kills it; the week's figures."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import msgspec
import pytest
import yaml

from billing.notices import wording
from billing.store import open_store
from billing.webhooks import inbox
from billing.webhooks.inbox import Delivery
from billing.webhooks.notices import notice
from billing.webhooks.simulated import an_object, event, known
from billing.wire import Wire, standing
from pipelines import notices, schedules, settings, webhooks, weekly
from pipelines.assets.follow_ups import sent_notices, told_of_access
from pipelines.resources import Revenue as Resource
from sandbox.serving import Sandbox
from tests.billing.notices.company import FILE
from tests.billing.notices.post_office import Office, office
from tests.pipelines.conftest import Revenue
from tests.pipelines.houses import House, Typist, typist

pytestmark = pytest.mark.waits

BEGAN = "customer.subscription.created"


@pytest.fixture
def mails() -> Iterator[Office]:
    with office() as running:
        yield running


def asked(folder: Path, **changes: Any) -> Path:
    file = folder / "notices.yaml"
    file.write_text(yaml.safe_dump(FILE | changes))
    return file


def a_subscription(sandbox: Sandbox) -> str:
    """A customer's first one, so that they are welcomed."""
    return str(next(Wire(sandbox.key, sandbox.url).pages("/v1/subscriptions", status="active"))["id"])


def arrived(home: Path, sandbox: Sandbox, type_: str, id_: str) -> None:
    """An event came in, as `revenue serve` keeps it."""
    wire, kind = Wire(sandbox.key, sandbox.url), known(type_)
    told = notice(msgspec.json.encode(event(kind, an_object(wire, kind, id_), sandbox.now)))
    store = open_store(None, home)
    received = datetime(2026, 1, 1, tzinfo=UTC)
    with store.engine.begin() as connection:
        delivery = Delivery(told, standing(wire).account_id, "default", received, told.payload.decode())
        inbox.append(connection, [delivery])
    store.close()


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_nothing_is_sent_without_a_file_or_without_execute(
    sandbox: Sandbox, home: Path, revenue: Revenue, mails: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = a_subscription(sandbox)
    arrived(home, sandbox, BEGAN, subscription)
    refused = revenue("notices", "send", "--execute")
    assert (refused.code, "REVENUE_NOTICES names no file" in refused.err) == (2, True)
    monkeypatch.setenv("REVENUE_NOTICES", str(asked(home.parent)))
    webhooks.hand_over(settings.load())
    dry = revenue("notices", "send")
    assert "would be sent" in dry.out
    assert "REVENUE_SMTP" in revenue("notices", "send", "--execute").err
    monkeypatch.setenv("REVENUE_SMTP", f"smtp://127.0.0.1:{mails.port}?security=none")
    assert mails.taken == []
    assert notices.deliver(settings.load()) == []  # REVENUE_SEND_NOTICES says nothing
    done = revenue("notices", "send", "--execute")
    assert (done.code, "sent" in done.out) == (0, True)
    assert "Nothing is due" in revenue("notices", "send", "--execute").out
    assert len(mails.taken) == 1
    listed = revenue("notices", "list")
    assert subscription in listed.out
    assert "@" not in listed.out
    assert revenue("audit", "verify").code == 0


def test_the_worker_sends_by_itself_where_the_setting_says_so_and_the_key_is_of_that_mode(
    sandbox: Sandbox, home: Path, mails: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_NOTICES", str(asked(home.parent)))
    monkeypatch.setenv("REVENUE_SMTP", f"smtp://127.0.0.1:{mails.port}?security=none")
    monkeypatch.setenv("REVENUE_SEND_NOTICES", "live")
    arrived(home, sandbox, BEGAN, a_subscription(sandbox))
    webhooks.hand_over(settings.load())
    told: list[str] = []
    webhooks.spread(settings.load(), told.append)
    assert mails.taken == []
    assert "one of test mode" in told[0]
    monkeypatch.setenv("REVENUE_SEND_NOTICES", "test")
    webhooks.spread(settings.load(), told.append)
    assert len(mails.taken) == 1
    assert told[1:] == ["Sent 1 notices."]


STEPS = (
    ("billing.notices.book.step", 1, True, 1),  # the intent, in a transaction that is not committed yet
    ("billing.store._note", 2, False, 0),  # the intent, behind the entry on settings, committed and not noted outside
    ("billing.notices.sending._claimed", 1, True, 0),
    ("billing.notices.sending._concluded", 1, False, 1),  # sent, and nothing noted
    ("billing.notices.book.step", 2, True, 1),  # noted, not committed yet
)
"""Where it dies: at the how manieth call of what, and whether once that has returned; mails that arrive in all."""


@pytest.fixture(scope="module")
def process() -> Iterator[Typist]:
    with typist() as running:
        yield running


@pytest.mark.parametrize(("at", "nth", "after", "arrive"), STEPS)
def test_a_kill_at_any_step_sends_a_customer_no_second_mail(
    sandbox: Sandbox, home: Path, process: Typist, mails: Office, at: str, nth: int, after: bool, arrive: int
) -> None:
    file = asked(home.parent)
    told = {"REVENUE_NOTICES": str(file), "REVENUE_SMTP": f"smtp://127.0.0.1:{mails.port}?security=none"}
    house = House(process, home, sandbox)
    arrived(home, sandbox, BEGAN, a_subscription(sandbox))
    webhooks.hand_over(settings.load().but(notices_file=file))
    death = {"at": at, "nth": nth, "after": after}
    assert house.revenue("notices", "send", "--execute", death=death, more=told).code == -9
    sandbox.advance(days=20 / 1440)
    house.revenue("notices", "send", "--execute", more=told)
    house.revenue("notices", "send", "--execute", more=told)
    assert len(mails.taken) == arrive
    (row,) = notices.listed(settings.load(), (), None)
    assert row.state == ("sent" if at.endswith("step") and nth == 1 else "unknown")
    assert house.revenue("audit", "verify").code == 0


def test_the_week_s_figures_are_those_that_are_published(
    ran: Sandbox, home: Path, revenue: Revenue, mails: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"pages": "https://figures.example.com"}
    monkeypatch.setenv("REVENUE_NOTICES", str(asked(home.parent, send=["weekly_summary"], links=pages)))
    monkeypatch.setenv("REVENUE_SMTP", f"smtp://127.0.0.1:{mails.port}?security=none")
    done = revenue("notices", "send", "--execute")
    assert (done.code, done.out.split()[1:]) == (0, ["weekly_summary", "sent"])
    assert "Nothing is due" in revenue("notices", "send", "--execute").out
    (mail,) = mails.mails
    assert mail["To"] == "cfo@example.com"
    text = text_of(mail)
    assert "https://figures.example.com/mrr.html" in text
    basis = weekly.basis(settings.load())
    assert basis is not None
    told = weekly.figures(home / "revenue.duckdb", basis, basis.last_week)
    moved = sum(delta for delta, _ in told.movements.values())
    assert told.opening + moved + told.fx == told.closing
    for figure in (told.closing, told.closing - told.opening, told.happened["failed"][0]):
        assert wording.money(abs(figure), basis.currency, "en") in text


PUBLISHED = """
create schema marts;
use marts;
create table mrr_by_day as from (values
    (date '2026-11-15', 'usd', 10000.4::decimal(18, 6)), (date '2026-11-15', 'eur', 1000),
    (date '2026-11-22', 'usd', 12500.1), (date '2026-11-22', 'eur', 1000), (date '2026-11-22', 'xxx', 7)
) as t(date, currency, closing_mrr);
create table exchange_rates as from (values
    (date '2026-11-15', 'usd', 1::decimal(38, 0), 1::decimal(38, 0)), (date '2026-11-15', 'eur', 11, 10),
    (date '2026-11-22', 'usd', 1, 1), (date '2026-11-22', 'eur', 12, 10)
) as t(date, currency, numerator, denominator);
create table mrr_movements as from (values
    ('acct_1', 'cus_1', date '2026-11-16', 'new', 3000.2::decimal(18, 6)),
    ('acct_1', 'cus_2', date '2026-11-22', 'new', 500.3),
    ('acct_1', 'cus_3', date '2026-11-20', 'churn', -1000.8),
    ('acct_1', 'cus_4', date '2026-11-23', 'new', 9999), ('acct_1', 'cus_5', date '2026-11-15', 'churn', -9999)
) as t(account_id, customer_id, moved_on, movement_type, mrr_delta_reporting);
create table payment_failures as from (values
    (4900, 900, date '2026-11-16', 'open', null::timestamptz),
    (1900, 1900, date '2026-11-10', 'recovered', '2026-11-23 04:00+00'),
    (2900, 2900, date '2026-11-10', 'recovered', '2026-11-23 06:00+00')
) as t(failed_amount_reporting, amount_due_reporting, failed_on, outcome, recovered_at);
create table refunds as from (values
    (1000, date '2026-11-18', 'succeeded'), (2000, date '2026-11-18', 'failed'), (4000, date '2026-11-23', 'succeeded')
) as t(amount_reporting, refunded_on, status);
create table disputes as from (values
    (8000, date '2026-11-17', 'lost'), (500, date '2026-10-01', 'open')
) as t(amount_reporting, disputed_on, outcome);
"""


def test_a_week_adds_up(tmp_path: Path) -> None:
    published = tmp_path / "revenue.duckdb"
    with duckdb.connect(str(published)) as connection:
        connection.execute(PUBLISHED)
    basis = weekly.Basis(datetime(2026, 11, 24, tzinfo=UTC), "usd", "America/New_York", "default", "", False, None)
    told = weekly.figures(published, basis, date(2026, 11, 16))
    # 10,000.4 + 1,000 x 1.1 = 11,100.4; 12,500.1 + 1,000 x 1.2 = 13,700.1; a currency without a rate is left out.
    assert (told.opening, told.closing) == (11_100, 13_700)
    # 3,000.2 + 500.3 = 3,500.5, half to even: 3,500; what moved before or after the week is not its.
    assert told.movements["new"] == (3_500, 2)
    assert told.movements["churn"] == (-1_001, 1)
    assert told.movements["expansion"] == (0, 0)
    # 13,700 - 11,100 = 2,600 of which 3,500 - 1,001 = 2,499 moved; the rest: the euro, 1,000 x 0.1, and rounding.
    assert told.fx == 101
    # 04:00 UTC on the 23rd is 23:00 on the 22nd in New York; 06:00 is past midnight.
    assert told.happened["recovered"] == (1_900, 1)
    assert told.happened["failed"] == (4_900, 1)
    assert told.happened["refunded"] == (1_000, 1)
    assert told.happened["disputed"] == (8_000, 1)
    assert told.happened["disputes_open"] == (500, 1)


def test_a_week_is_the_last_whole_one_in_the_reporting_zone() -> None:
    def week(as_of: str, zone: str) -> date:
        at = datetime.fromisoformat(as_of)
        return weekly.Basis(at, "usd", zone, "default", "", None, None).last_week

    # Monday the 23rd at 04:30 UTC is still Sunday in Los Angeles: there the week from the 16th is not over.
    assert week("2026-11-23T04:30:00+00:00", "UTC") == date(2026, 11, 16)
    assert week("2026-11-23T04:30:00+00:00", "America/Los_Angeles") == date(2026, 11, 9)
    assert weekly.name_of(date(2026, 12, 28)) == "2026-W53"


def test_dagster_sends_what_is_due_and_the_week_s_summary_where_the_setting_says_so(
    ran: Sandbox, home: Path, mails: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked() -> Any:
        with dg.build_sensor_context(instance=instance) as context:
            return schedules.follow_ups_due(context)

    def followed() -> dict[str, Any]:
        made = dg.materialize([told_of_access, sent_notices], resources={"revenue": Resource()}, instance=instance)
        (done,) = made.asset_materializations_for_node("follow_ups__notices")
        return {name: each.value for name, each in done.metadata.items()}

    with dg.DagsterInstance.ephemeral() as instance:
        assert isinstance(looked(), dg.SkipReason)
        monkeypatch.setenv("REVENUE_NOTICES", str(asked(home.parent)))
        monkeypatch.setenv("REVENUE_SMTP", f"smtp://127.0.0.1:{mails.port}?security=none")
        assert followed() == {}
        arrived(home, ran, BEGAN, a_subscription(ran))
        webhooks.hand_over(settings.load())
        assert isinstance(looked(), dg.SkipReason)
        monkeypatch.setenv("REVENUE_SEND_NOTICES", "test")
        assert isinstance(looked(), dg.RunRequest)
        assert followed() == {"sent": 2}
        assert isinstance(looked(), dg.SkipReason)
    assert "cfo@example.com" in {mail["To"] for mail in mails.mails}


def test_the_preview_shows_every_kind_and_needs_nothing(home: Path, revenue: Revenue) -> None:
    made = Path(revenue("notices", "preview").out.strip())
    page = made.read_text()
    assert page.count("<iframe") == 2 * 2 * 8
    assert "<script" not in page
    one = revenue("notices", "preview", "welcome")
    assert Path(one.out.strip()).read_text().count("<iframe") == 4
    assert "There is no notice" in revenue("notices", "preview", "wellcome").err


def test_a_sample_goes_to_an_address_that_is_named(
    home: Path, revenue: Revenue, mails: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_NOTICES", str(asked(home.parent.resolve())))
    monkeypatch.setenv("REVENUE_SMTP", f"smtp://127.0.0.1:{mails.port}?security=none")
    assert revenue("notices", "test", "mara@example.com", "--kind", "dispute_opened", "--language", "de").code == 0
    (mail,) = mails.mails
    assert mail["Subject"].startswith("[Test] Reklamation über 1.428,00 EUR")
    assert revenue("notices", "test", "no address").code == 2
    mails.data = "554 5.7.1 no"
    assert "smtp_554_5.7.1" in revenue("notices", "test", "mara@example.com").err


def test_who_wants_none_gets_none_and_no_address_is_kept(home: Path, revenue: Revenue) -> None:
    home.mkdir()
    assert "cus_1" in revenue("notices", "suppress", "cus_1", "--by", "mara").out
    said = revenue("notices", "suppress", "Ada@Example.com", "--why", "bounced", "--by", "mara")
    assert (said.code, "@" in said.out) == (0, False)
    assert revenue("notices", "allow", "ada@example.com", "--by", "mara").out == "They get notices again.\n"
    assert revenue("notices", "suppress", "nobody", "--by", "mara").code == 2
    assert revenue("notices", "suppress", "cus_1", "--why", "dislike", "--by", "mara").code == 2
    held = b"".join(each.read_bytes() for each in home.glob("operations.sqlite*"))
    assert b"example.com" not in held.lower()
