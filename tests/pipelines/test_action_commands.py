"""`revenue actions` and `revenue audit` from a support lead's chair: what they print, refuse and leave behind."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest

from billing.store import open_store
from models.contracts.marts import AtRiskAccounts
from pipelines.assets.actions import plans
from pipelines.definitions import defs
from pipelines.resources import Revenue as RevenueResource
from pipelines.warehouse import tables
from sandbox.api.keys import DEFAULT_KEY, DEFAULT_WRITE_KEY, Key
from sandbox.api.settings import Settings as SandboxSettings
from sandbox.serving import Sandbox, serving
from tests.billing.account import Answer, Scene, company, unpaced
from tests.pipelines.conftest import Revenue

LIVE = "rk_live_sandbox_actions"
COMMANDS = ("plan", "propose", "list", "show", "approve", "revoke", "reject", "comment", "apply")


@pytest.fixture
def sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    keys = (Key(DEFAULT_KEY), Key(DEFAULT_WRITE_KEY, writes=True), Key(LIVE, writes=True))
    with serving(company(), SandboxSettings(keys=keys)) as served:
        home.mkdir()
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_WRITE_KEY", served.write_key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield served


@pytest.fixture
def scene(sandbox: Sandbox, home: Path) -> Iterator[Scene]:
    store = open_store(None, home)
    yield Scene(sandbox, store, unpaced(sandbox))
    store.close()


def publish(home: Path, scene: Scene, *flags: dict[str, Any]) -> None:
    """Publish flags of accounts at risk, and nothing else."""
    account = scene.get("/v1/account")["id"]
    now = datetime.fromtimestamp(scene.sandbox.now, UTC)
    usual = {
        "account_id": account,
        "flag_version": 1,
        "score_kind": "payment",
        "trigger": "failed_attempts",
        "risk_score": 80,
        "risk_band": "high",
        "payment_score": 80,
        "voluntary_score": 10,
        "payment_probability": 0.5,
        "voluntary_probability": 0.1,
        "probability_30d": 0.3,
        "probability_90d": 0.5,
        "basis": "expert prior",
        "mrr": Decimal(4900),
        "currency": "usd",
        "mrr_at_risk_reporting": Decimal(4900),
        "expected_loss_reporting": 29_400,
        "reasons": ["+38 two failed attempts"],
        "recommended_action": "retry_invoice",
        "flagged_at": now,
        "expires_at": now + timedelta(days=14),
    }
    rows = [usual | flag | {"flag_id": f"flag_{number}"} for number, flag in enumerate(flags)]
    with duckdb.connect(home / "revenue.duckdb") as connection:
        tables.write(connection, AtRiskAccounts, pl.DataFrame(rows, schema=AtRiskAccounts.create_empty().schema))


def failed(scene: Scene, place: int = 0) -> tuple[Answer, dict[str, Any]]:
    """A failed invoice whose customer has a good card now, and its flag."""
    invoice = scene.failed_invoices()[place]
    scene.give_card(invoice["customer"])
    return invoice, {"customer_id": invoice["customer"], "invoice_id": invoice["id"]}


def test_from_a_flag_to_a_recovered_invoice(revenue: Revenue, home: Path, scene: Scene) -> None:
    invoice, flag = failed(scene)
    publish(home, scene, flag)
    planned = revenue("actions", "plan")
    assert planned.code == 0, planned.err
    assert "1 proposed, 0 held out, 0 known already." in planned.out
    assert "0 proposed, 0 held out, 1 known already." in revenue("actions", "plan").out
    (action,) = json.loads(revenue("actions", "list", "--json").out)
    assert (action["state"], action["subject_id"], action["amount"]) == (
        "proposed",
        invoice["id"],
        invoice["amount_remaining"],
    )
    id_ = action["action_id"]
    dry = revenue("actions", "apply")
    assert dry.code == 0
    assert "wait: not_approved" in dry.out
    assert "nothing was changed" in dry.out
    assert revenue("actions", "approve", id_, "--by", "mara").code == 0
    assert "act " in revenue("actions", "apply").out
    assert scene.get(f"/v1/invoices/{invoice['id']}")["status"] == "open"
    done = revenue("actions", "apply", "--execute")
    assert done.code == 0, done.err
    assert "verified" in done.out
    assert scene.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"
    assert "Nothing is approved" in revenue("actions", "apply", "--execute").out
    shown = revenue("actions", "show", id_)
    assert "+38 two failed attempts" in shown.out
    for event in ("planned", "approved", "intended", "acted", "verified"):
        assert event in shown.out
    verified = revenue("audit", "verify")
    assert verified.code == 0
    head = verified.out.split("Head ")[1].strip()
    assert revenue("audit", "verify", "--head", head).code == 0


def test_a_failed_action_and_a_trail_that_is_not_whole_end_with_3(revenue: Revenue, home: Path, scene: Scene) -> None:
    invoice = scene.failed_invoices()[0]
    publish(home, scene, {"customer_id": invoice["customer"], "invoice_id": invoice["id"]})
    revenue("actions", "plan")
    (action,) = json.loads(revenue("actions", "list", "--json").out)
    revenue("actions", "approve", action["action_id"])
    assert revenue("actions", "apply", "--execute").code == 3
    with scene.store.engine.begin() as connection:
        connection.exec_driver_sql("update actions set amount = 1")
    wrong = revenue("audit", "verify")
    assert wrong.code == 3
    assert "is not what was planned" in wrong.err
    assert revenue("audit", "verify", "--head", f"99:{'a' * 64}").code == 3


def test_an_action_that_the_trail_knows_otherwise_is_not_sent_and_ends_with_3(
    revenue: Revenue, home: Path, scene: Scene
) -> None:
    invoice, flag = failed(scene)
    publish(home, scene, flag)
    revenue("actions", "plan")
    (action,) = json.loads(revenue("actions", "list", "--json").out)
    assert revenue("actions", "reject", action["action_id"], "--by", "mara").code == 0
    request = json.dumps({"method": "post", "path": f"/v1/invoices/{invoice['id']}/pay", "params": {}})
    with scene.store.engine.begin() as connection:
        connection.exec_driver_sql("update actions set state = 'intended', request = ?", (request,))
    tried = revenue("actions", "apply", "--execute")
    assert (tried.code, "approval_is_not_in_the_trail" in tried.out) == (3, True)
    assert scene.get(f"/v1/invoices/{invoice['id']}")["status"] == "open"
    wrong = revenue("audit", "verify")
    assert (wrong.code, "is intended in the book" in wrong.err) == (3, True)


def test_a_card_link_is_shown_once_and_kept_nowhere(revenue: Revenue, home: Path, scene: Scene) -> None:
    invoice, flag = failed(scene)
    publish(home, scene, flag | {"recommended_action": "send_card_update"})
    revenue("actions", "plan")
    (action,) = json.loads(revenue("actions", "list", "--json").out)
    revenue("actions", "approve", action["action_id"])
    done = revenue("actions", "apply", "--execute")
    assert done.code == 0, done.err
    link = done.out.split("shown once, kept nowhere: ")[1].split()[0]
    assert link.startswith("http")
    customer = scene.get(f"/v1/customers/{invoice['customer']}")
    scene.store.close()
    for file in (each for each in home.rglob("*") if each.is_file()):
        held = file.read_bytes()
        for secret in (link, customer["email"], customer["name"], scene.sandbox.write_key):
            assert str(secret).encode() not in held, file
    assert link not in revenue("actions", "show", action["action_id"], "--json").out


def test_a_live_key_needs_to_be_said_and_a_test_key_is_no_live_one(
    revenue: Revenue, home: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, flag = failed(scene)
    publish(home, scene, flag)
    revenue("actions", "plan")
    (action,) = json.loads(revenue("actions", "list", "--json").out)
    revenue("actions", "approve", action["action_id"])
    said = revenue("actions", "apply", "--execute", "--live")
    assert (said.code, "test mode" in said.err) == (2, True)
    monkeypatch.setenv("STRIPE_WRITE_KEY", LIVE)
    said = revenue("actions", "apply", "--execute", "--live")
    assert (said.code, "key of test mode, and STRIPE_WRITE_KEY one of live mode" in said.err) == (2, True)
    monkeypatch.setenv("STRIPE_API_KEY", LIVE)
    said = revenue("actions", "apply", "--execute")
    assert (said.code, "--live" in said.err) == (2, True)
    assert LIVE not in said.err
    said = revenue("actions", "apply", "--execute", "--live")
    assert (said.code, "Nothing is approved" in said.out) == (0, True)  # it was planned in test mode
    said = revenue("actions", "apply", action["action_id"], "--execute", "--live")
    assert (said.code, "another account or mode" in said.err) == (2, True)


@pytest.mark.parametrize("how", ["file", "setting", "rules"])
def test_the_kill_switch_has_three_places(
    revenue: Revenue, home: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    invoice, flag = failed(scene)
    publish(home, scene, flag)
    revenue("actions", "plan")
    (action,) = json.loads(revenue("actions", "list", "--json").out)
    revenue("actions", "approve", action["action_id"])
    if how == "file":
        (home / "STOP").touch()
    elif how == "setting":
        monkeypatch.setenv("REVENUE_STOP_ACTIONS", "true")
    else:
        (home / "rules.yaml").write_text("version: 1\nstop: true\nrules: []\n")
        monkeypatch.setenv("REVENUE_RULES", str(home / "rules.yaml"))
    said = revenue("actions", "apply", "--execute")
    assert f"stopped_by_{how}" in said.out
    assert scene.get(f"/v1/invoices/{invoice['id']}")["status"] == "open"


@pytest.mark.parametrize(
    ("words", "settings", "code", "message"),
    [
        (["apply", "--execute"], {"STRIPE_WRITE_KEY": ""}, 2, "STRIPE_WRITE_KEY is not set"),
        (["apply", "--execute"], {"STRIPE_WRITE_KEY": "pk_test_x"}, 2, "publishable"),
        (["apply", "--execute"], {"STRIPE_WRITE_KEY": "rk_test_unknown"}, 2, "refuses the key"),
        (["apply", "act_unknown"], {}, 2, "no action"),
        (["show", "act_unknown"], {}, 2, "no action"),
        (["approve", "act_unknown"], {}, 2, "no action"),
        (["approve", "act_unknown", "--by", "a@example.com"], {}, 2, "login"),
        (["plan"], {}, 1, "does not exist yet"),
        (["plan"], {"REVENUE_RULES": "none.yaml"}, 2, "none.yaml"),
        (["list"], {"REVENUE_OPERATIONS_URL": "mysql://h/d"}, 2, "SQLite or PostgreSQL"),
        (["propose", "fly", "in_1"], {}, 2, "no action 'fly'"),
        (["propose", "refund", "in_1"], {}, 2, "mode"),
        (["propose", "refund", "in_1", "--with", "mode"], {}, 2, "WORD=VALUE"),
        (["propose", "refund", "in_1", "--with", "mode=full"], {}, 2, "resource_missing"),
        (["list"], {"STRIPE_WRITE_KEY": "", "STRIPE_API_KEY": ""}, 0, ""),
    ],
)
def test_what_makes_no_sense_is_said_and_ends_with_its_code(
    revenue: Revenue,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    settings: dict[str, str],
    code: int,
    message: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    said = revenue("actions", *words)
    assert said.code == code, said
    assert message in said.err
    assert "Traceback" not in said.err


def test_hostile_flags_are_refused_and_hostile_words_do_no_harm(revenue: Revenue, home: Path, scene: Scene) -> None:
    invoice, flag = failed(scene)
    words = ['=HYPERLINK("http://x")', "\x1b]0;owned\x07 <script>", "ann@example.com", "'; drop table actions; --"]
    publish(home, scene, flag | {"reasons": words})
    assert revenue("actions", "plan").code == 0
    (action,) = json.loads(revenue("actions", "list", "--json").out)
    assert action["reasons"] == ['=HYPERLINK("…', "]0;owned <script>", "…", "'; drop table actions; --"]
    assert revenue("audit", "verify").code == 0
    publish(home, scene, flag | {"invoice_id": f"{invoice['id']}/void"})
    said = revenue("actions", "plan")
    assert (said.code, "invoice_id" in said.err) == (2, True)


def test_doctor_looks_at_the_key_that_acts(
    revenue: Revenue, home: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = revenue("doctor")
    assert (said.code, "STRIPE_WRITE_KEY is of acct_" in said.out) == (0, True)
    (home / "STOP").touch()
    assert "stopped_by_file" in revenue("doctor").out
    monkeypatch.setenv("STRIPE_WRITE_KEY", "rk_test_unknown")
    said = revenue("doctor")
    assert (said.code, "refuses the key" in said.out) == (1, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_each_command_does(revenue: Revenue, command: str) -> None:
    said = revenue("actions", command, "--help")
    assert said.code == 0
    assert "Usage: revenue actions" in said.out


def test_dagster_plans_and_carries_out_what_is_approved_once_its_sensor_is_turned_on(
    revenue: Revenue, home: Path, scene: Scene
) -> None:
    invoice, flag = failed(scene)
    other = scene.failed_invoices()[1]["customer"]
    publish(home, scene, flag, {"customer_id": other, "recommended_action": "send_card_update"})
    sensor = defs.resolve_sensor_def("apply_approved")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED

    def looked() -> object:
        return sensor(dg.build_sensor_context())

    with dg.DagsterInstance.ephemeral() as instance:
        planned = dg.materialize([plans], instance=instance, resources={"revenue": RevenueResource()})
        (event,) = planned.get_asset_materialization_events()
        assert event.materialization.metadata["by kind"].value == "1 retry_invoice, 1 send_card_update"
        assert isinstance(looked(), dg.SkipReason)
        ids = [action["action_id"] for action in json.loads(revenue("actions", "list", "--json").out)]
        assert revenue("actions", "approve", *ids).code == 0
        assert isinstance(looked(), dg.RunRequest)
        (home / "STOP").touch()
        assert isinstance(looked(), dg.SkipReason)
        (home / "STOP").unlink()
        assert defs.resolve_job_def("apply_actions").execute_in_process(instance=instance).success
    assert scene.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"
    states = {action["kind"]: action["state"] for action in json.loads(revenue("actions", "list", "--json").out)}
    assert states == {"retry_invoice": "done", "send_card_update": "approved"}  # a link needs somebody to take it
