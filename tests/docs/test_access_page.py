"""The page on access keeps up with the code: its file is one, its receiver takes what is sent and nothing else."""

import hmac
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from billing.access.policy import Policy
from billing.access.signing import signed
from billing.store import Store, open_store
from pipelines import settings
from tests.billing.access.receiver import System
from tests.billing.access.stripe import subscription
from tests.billing.access.test_access import Company

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
SECRET = "what REVENUE_ACCESS_SECRETS holds"


def parts(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def receiver() -> dict[str, Any]:
    """The page's receiver, as a module."""
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(parts("python")[0], names)
    return names


@pytest.fixture
def url(receiver: dict[str, Any]) -> Iterator[str]:
    """Where it listens."""
    receiver["Receiver"].log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), receiver["Receiver"])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None, tmp_path)
    yield opened
    opened.close()


def test_the_file_is_one() -> None:
    policy = Policy.model_validate(yaml.safe_load(parts("yaml")[0]))
    assert set(policy.model_fields_set) == set(Policy.model_fields) - {"plugin"}


def test_every_setting_is_there() -> None:
    names = [name for name, _, _ in settings.described() if "REVENUE_ACCESS" in name]
    names.remove("REVENUE_ACCESS_SECRETS")
    assert "| `REVENUE_ACCESS_SECRETS` |" in PAGE
    assert "| `REVENUE_ACCESS` |" in PAGE
    assert set(names) <= {"REVENUE_ACCESS"}


def test_the_example_has_the_fields_that_are_sent(store: Store) -> None:
    company = Company(store, System(url="http://127.0.0.1:1/"), policy={"order": ["basic", "pro"]})
    for tier in ("basic", "pro"):
        company.holds("cus_1", subscription("sub_1", "active", tier))
        company.ask("cus_1")
        company.go()
    shown, sent = json.loads(parts("json")[0]), json.loads(company.changes()[-1].body)
    assert shown.keys() == sent.keys()
    for name in ("object", "number", "change", "reason", "access", "before"):
        assert shown[name] == sent[name]


def test_the_receiver_takes_what_is_sent_once(store: Store, receiver: dict[str, Any], url: str) -> None:
    company = Company(store, System(url=url), at=datetime.now(UTC))
    company.secrets = ("a new one", SECRET)
    company.holds("cus_1", subscription("sub_1", "active"))
    company.ask("cus_1")
    assert company.go().delivered == 1
    assert receiver["customers"] == {"cus_1": (1, {"has_access": True, "tier": "basic", "tiers": ["basic"]})}
    company.holds("cus_1")
    company.ask("cus_1")
    company.go()
    assert receiver["customers"]["cus_1"][0] == 2
    receiver["take"]({"customer_id": "cus_1", "number": 1, "access": {"has_access": True}})
    assert not receiver["customers"]["cus_1"][1]["has_access"]


@pytest.mark.parametrize("forged", ["", "t=1,v1=00", "v1=00", "t=x,v1=00", "other secret", "too old", "other body"])
def test_the_receiver_takes_nothing_else(receiver: dict[str, Any], url: str, forged: str) -> None:
    now = datetime.now(UTC)
    body = b'{"customer_id": "cus_1", "number": 9, "access": {"has_access": true}}'
    headers = {
        "other secret": signed(body, ["another"], int(now.timestamp())),
        "too old": signed(body, [SECRET], int((now - timedelta(seconds=301)).timestamp())),
        "other body": signed(body.replace(b"cus_1", b"cus_2"), [SECRET], int(now.timestamp())),
    }
    request = urllib.request.Request(url, body, {"Revenue-Signature": headers.get(forged, forged)})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request, timeout=30)
    assert receiver["customers"] == {}


def test_the_signature_is_what_the_page_says() -> None:
    expected = hmac.new(b"s", b"5.{}", sha256).hexdigest()
    assert signed(b"{}", ["s"], 5) == f"t=5,v1={expected}"
