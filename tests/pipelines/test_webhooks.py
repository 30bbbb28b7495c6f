"""From Stripe to the inbox, the company's own code and the published figures, through the command and a real server."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import stripe

from billing.errors import StripeUnavailableError
from billing.webhooks.hand_on import SETTLE, Handed
from pipelines import noticed, operations, query, schedules, settings, webhooks
from pipelines.progress import Lines
from sandbox.serving import Sandbox
from tests.pipelines.conftest import Revenue

pytestmark = pytest.mark.waits

SECRET = "whsec_ofourendpoint000000"


@contextmanager
def served(port: int) -> Iterator[str]:
    """`revenue serve` in a process of its own; gives the address of its endpoint."""
    command = [sys.executable, "-m", "pipelines.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _await(port, process)
        yield f"http://127.0.0.1:{port}/webhooks/stripe"
    finally:
        process.terminate()
        process.communicate()


def _await(port: int, process: "subprocess.Popen[str]") -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0])
        time.sleep(0.05)
    raise AssertionError("revenue serve did not start")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def came_in(count: int) -> None:
    """Wait until so many events are in the inbox."""
    for _ in range(400):
        told = webhooks.status(settings.load())
        if told is not None and told.held >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{told.held if told else 0} events came in, not {count}")


HOOKS = """
from pathlib import Path

def note(occasion):
    with Path("told.txt").open("a") as told:
        told.write(f"{occasion.what} {occasion.customer_id}\\n")

HANDLERS = {"customer.subscription.*": note}
"""


def test_a_change_is_published_within_a_minute_and_the_company_s_code_is_told(
    ran: Sandbox, home: Path, revenue: Revenue, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = stripe.StripeClient(ran.write_key, base_addresses={"api": ran.url})
    url = f"http://127.0.0.1:{port}/webhooks/stripe"
    given = {"url": url, "enabled_events": ["*"], "api_version": "2026-10-28.endive"}
    endpoint = client.v1.webhook_endpoints.create(given)
    monkeypatch.setenv("REVENUE_WEBHOOK_SECRETS", endpoint.secret)
    monkeypatch.setenv("REVENUE_WEBHOOK_PLUGINS", "company_hooks")
    (home.parent / "company_hooks.py").write_text(HOOKS)
    monkeypatch.syspath_prepend(str(home.parent))
    sub = next(s for s in client.v1.subscriptions.list({"status": "active", "limit": 100}).auto_paging_iter())
    held = f"select count(*) from staging.subscriptions where id = '{sub.id}' and ended_at is not null"
    before = query.ask(home / "revenue.duckdb", held).item()
    with served(port):
        began = time.monotonic()
        client.v1.subscriptions.cancel(sub.id)
        came_in(1)
        time.sleep(SETTLE.total_seconds() + 0.5)
        done = revenue("webhooks", "work", "--once")
        took = time.monotonic() - began
    assert done.code == 0, done.err
    assert "Published what" in done.out
    assert before == 0
    assert query.ask(home / "revenue.duckdb", held).item() == 1
    assert took < 60
    assert f"subscription_ended {sub.customer}" in (home.parent / "told.txt").read_text().splitlines()
    told = webhooks.status(settings.load())
    assert told is not None
    assert (told.unrefreshed, told.unhandled) == (0, 0)
    said = revenue("webhooks", "status").out
    assert "customer.subscription.deleted" in said
    assert "0 are not in the figures yet" in said
    assert b"whsec_" not in b"".join(file.read_bytes() for file in home.glob("operations.sqlite*"))


def test_only_what_changed_is_read(
    ran: Sandbox, home: Path, revenue: Revenue, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_WEBHOOK_SECRETS", SECRET)
    with served(port) as url:
        for form in ((), ("--thin",)):
            sent = revenue("webhooks", "simulate", "customer.updated", "--to", url, *form)
            assert (sent.code, sent.out) == (0, 'HTTP 200 {"received": true}\n'), sent.err
    waiting = noticed.waiting(settings.load())
    ((account, changes),) = waiting.changes.items()
    assert account.startswith("acct_")
    assert {(change.stream, change.id[:4], change.gone) for change in changes} == {("customers", "cus_", False)}
    assert len({change.id for change in changes}) == 1
    ran.forget_requests()
    assert revenue("sync").code == 0
    asked = ran.requests.endpoints
    assert asked["GET /v1/customers/{id}"] == 1
    assert sum(asked.values()) <= 10, asked
    assert noticed.newest(settings.load()) is None


def test_simulate_says_what_is_wrong(sandbox: Sandbox, revenue: Revenue, port: int, monkeypatch: Any) -> None:
    assert revenue("webhooks", "simulate", "customer.updated").code == 2  # no secret to sign with
    monkeypatch.setenv("REVENUE_WEBHOOK_SECRETS", SECRET)
    unknown = revenue("webhooks", "simulate", "customer.blinked")
    assert (unknown.code, "invoice.paid" in unknown.err) == (2, True)
    nobody = revenue("webhooks", "simulate", "invoice.paid", "--to", f"http://127.0.0.1:{port}/hook")
    assert (nobody.code, "Nobody answers" in nobody.err) == (1, True)
    with served(port) as url:
        monkeypatch.setenv("REVENUE_WEBHOOK_SECRETS", "whsec_another0000000000")
        refused = revenue("webhooks", "simulate", "invoice.paid", "--to", url)
        assert (refused.code, "HTTP 400" in refused.out) == (3, True)
        with pytest.raises(urllib.error.HTTPError) as page:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/")
        assert page.value.headers["X-Content-Type-Options"] == "nosniff"


def test_the_sensor_starts_a_refresh_once_for_what_came_in(
    sandbox: Sandbox, home: Path, revenue: Revenue, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_WEBHOOK_SECRETS", SECRET)
    with dg.DagsterInstance.ephemeral() as instance:

        def looked() -> Any:
            with dg.build_sensor_context(instance=instance) as context:
                return schedules.webhook_inbox(context)

        assert isinstance(looked(), dg.SkipReason)
        with served(port) as url:
            assert revenue("webhooks", "simulate", "invoice.paid", "--to", url).code == 0
        first = looked()
        assert isinstance(first, dg.RunRequest)
        assert first.run_key == looked().run_key
        instance.create_run_for_job(schedules_job(), status=dg.DagsterRunStatus.FAILURE)
        assert isinstance(looked(), dg.SkipReason)  # not at once, or one that always fails would run without end
        monkeypatch.setattr(schedules, "PAUSE_SECONDS", 0)
        again = looked()
        assert isinstance(again, dg.RunRequest)
        assert again.run_key != first.run_key  # Dagster starts no second run of a key, whatever became of the first
        assert again.run_key == looked().run_key
        instance.create_run_for_job(schedules_job(), status=dg.DagsterRunStatus.STARTED)
        assert isinstance(looked(), dg.SkipReason)


def schedules_job() -> dg.JobDefinition:
    from pipelines.definitions import defs

    return defs.resolve_job_def("refresh")


def test_an_event_stays_for_the_days_that_the_settings_say(
    home: Path, monkeypatch: pytest.MonkeyPatch, revenue: Revenue
) -> None:
    refused = {"REVENUE_WEBHOOK_DAYS": "0", "REVENUE_WEBHOOK_PATH": "/../x"}
    for name, value in refused.items():
        monkeypatch.setenv(name, value)
        assert revenue("webhooks", "status").code == 2
        monkeypatch.delenv(name)
    assert "No event came in yet" in revenue("webhooks", "status").out
    assert json.loads(json.dumps({"days": settings.load().webhook_days})) == {"days": 30}


def test_the_worker_goes_on_after_what_fails_and_waits_longer_each_time(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    said: list[str] = []

    def newest(_: object) -> int | None:
        raise StripeUnavailableError("/v1/account gave no usable answer.")

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(noticed, "newest", newest)
    with operations.opened(settings.load()), pytest.raises(KeyboardInterrupt):
        webhooks.Worker(settings.load(), Lines(StringIO()), said.append, sleep).forever()
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    assert "no usable answer. Trying again in 5 seconds" in said[0]


def test_one_process_at_a_time_works_off_the_inbox(home: Path, revenue: Revenue) -> None:
    with operations.opened(settings.load()), webhooks.alone(settings.load()):
        refused = revenue("webhooks", "work", "--once")
        assert webhooks.tidied(settings.load()) is None
    assert webhooks.tidied(settings.load()) == Handed()
    assert (refused.code, "Another process" in refused.err) == (1, True)
