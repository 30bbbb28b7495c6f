"""What is Stripe's is kept once and answered when it is on the disk; what is not is refused and leaves no trace."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import stripe

from billing.store import Store
from billing.webhooks.endpoint import LARGEST_BODY, Source
from tests.billing.webhooks.receiver import NEXT, NOW, SECRET, TOKEN, Receiver, Told, received, snapshot, thin


def test_an_event_is_in_the_inbox_when_it_is_answered(store: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(snapshot()) == 200
        (row,) = endpoint.rows()
        assert (row.account_id, row.endpoint, row.event_id, row.type) == (
            "acct_1",
            "default",
            "evt_1",
            "customer.updated",
        )
        assert (row.form, row.object_kind, row.object_id, row.customer_id) == ("snapshot", "customer", "cus_1", "cus_1")
        assert (int(row.created_at.timestamp()), int(row.received_at.timestamp())) == (NOW - 5, NOW)
        assert json.loads(row.payload) == snapshot()

    received(store, tmp_path, story)


def test_the_same_event_again_is_answered_and_kept_once(store: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        answers = await asyncio.gather(*(endpoint.post(snapshot()) for _ in range(20)))
        assert answers == [200] * 20
        assert await endpoint.post(snapshot(), at=NOW + 100) == 200
        assert len(endpoint.rows()) == 1

    received(store, tmp_path, story)


def test_the_same_id_from_another_account_is_another_event(store: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        for account in (None, "acct_connected"):
            assert await endpoint.post(snapshot(account=account)) == 200
        assert [row.account_id for row in endpoint.rows()] == ["acct_1", "acct_connected"]

    received(store, tmp_path, story)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=",
        f"t={NOW}",
        f"t={NOW},v0=" + "0" * 64,
        f"t={NOW},v1=" + "0" * 64,
        f"t={NOW},v1=é",
        f"t={'9' * 5000},v1=00",
        f"v1={'0' * 64}",
        f"t=-{NOW},v1=00",
    ],
)
def test_a_forged_delivery_is_refused(sqlite: Store, tmp_path: Path, header: str | None) -> None:
    async def story(endpoint: Receiver) -> None:
        headers = {"X-Other": "1"} if header is None else {"Stripe-Signature": header}
        assert await endpoint.post(snapshot(), headers=headers) == 400
        assert endpoint.rows() == []
        assert "ada@example.com" not in " ".join(endpoint.said)

    received(sqlite, tmp_path, story)


def test_a_body_that_was_changed_after_it_was_signed_is_refused(sqlite: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        signature = stripe.WebhookSignature.generate_signature_header(json.dumps(snapshot()), SECRET, NOW)
        changed = json.dumps(snapshot(type_="customer.deleted")).encode()
        assert await endpoint.post(changed, headers={"Stripe-Signature": signature}) == 400
        assert endpoint.rows() == []

    received(sqlite, tmp_path, story)


@pytest.mark.parametrize(("away", "status"), [(-301, 400), (-300, 200), (0, 200), (300, 200), (301, 400)])
def test_a_signature_is_good_for_five_minutes_either_way(sqlite: Store, tmp_path: Path, away: int, status: int) -> None:
    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(snapshot(), at=NOW + away) == status
        assert len(endpoint.rows()) == (status == 200)

    received(sqlite, tmp_path, story)


@pytest.mark.parametrize(
    "dressed",
    ["t={old} ,t={now}", "t={now},t={old}", "t=+{old},t={now}", "t=000{old}", "t={old}.0,t={now}", "t={old} "],
)
def test_a_delivery_that_was_caught_stays_refused_however_its_header_is_dressed_up(
    sqlite: Store, tmp_path: Path, dressed: str
) -> None:
    async def story(endpoint: Receiver) -> None:
        body = json.dumps(snapshot()).encode()
        for away in (40 * 86_400, 0):
            old = NOW - away
            signature = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, old).partition(",")[2]
            header = {"Stripe-Signature": f"{dressed.format(old=old, now=NOW)},{signature}"}
            assert await endpoint.post(body, headers=header) == 400
        assert endpoint.rows() == []

    received(sqlite, tmp_path, story)


def test_both_secrets_count_while_one_is_rolled_and_a_dropped_one_no_more(sqlite: Store, tmp_path: Path) -> None:
    async def rolling(endpoint: Receiver) -> None:
        assert await endpoint.post(snapshot("evt_old"), SECRET) == 200
        assert await endpoint.post(snapshot("evt_new"), NEXT) == 200
        both = ",".join([f"t={NOW}", "v1=" + "0" * 64, _signature(snapshot("evt_both"), NEXT)])
        body = json.dumps(snapshot("evt_both")).encode()
        assert await endpoint.post(body, headers={"Stripe-Signature": both}) == 200

    async def rolled(endpoint: Receiver) -> None:
        assert await endpoint.post(snapshot("evt_late"), SECRET) == 400

    received(sqlite, tmp_path, rolling)
    received(sqlite, tmp_path, rolled, Told([replace(Told().sources[0], secrets=(NEXT,))]))


def _signature(event: dict[str, Any], secret: str) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(json.dumps(event), secret, NOW)).partition(",")[2]


def test_each_account_is_told_by_its_secret(sqlite: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(snapshot(), SECRET) == 200
        assert await endpoint.post(snapshot(), NEXT) == 200
        assert [(row.account_id, row.endpoint) for row in endpoint.rows()] == [("acct_1", "europe"), ("acct_2", "asia")]

    sources = [Source("europe", "acct_1", False, (SECRET,)), Source("asia", "acct_2", False, (NEXT,))]
    received(sqlite, tmp_path, story, Told(sources))


@pytest.mark.parametrize("livemode", [True, None, "false", 0, {}])
def test_an_event_of_another_mode_or_of_none_is_refused(sqlite: Store, tmp_path: Path, livemode: Any) -> None:
    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(snapshot(livemode=livemode)) == 400
        assert endpoint.rows() == []

    received(sqlite, tmp_path, story)


def test_a_thin_event_names_what_it_is_about_and_its_snapshot(store: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(thin()) == 200
        (row,) = endpoint.rows()
        assert (row.form, row.event_id, row.occasion_id) == ("thin", "evt_thin_1", "evt_1")
        assert (row.object_kind, row.object_id, row.customer_id) == ("customer", "cus_1", "cus_1")
        assert row.created_at.isoformat() == "2026-11-18T10:26:35+00:00"

    received(store, tmp_path, story)


EVENTBRIDGE = {
    "version": "0",
    "id": "7b1f",
    "detail-type": "customer.updated",
    "source": "aws.partner/stripe.com/ed_test_1",
    "account": "123456789012",
    "time": "2026-11-18T10:26:36Z",
    "region": "eu-west-1",
    "resources": [],
}
EVENT_GRID = {
    "specversion": "1.0",
    "id": "evt_1",
    "source": "/stripe/acct_1",
    "type": "customer.updated",
    "datacontenttype": "application/json",
}


@pytest.mark.parametrize(
    "body",
    [
        EVENTBRIDGE | {"detail": snapshot()},
        EVENT_GRID | {"data": snapshot()},
        [{"id": "1", "eventType": "customer.updated", "data": snapshot(), "dataVersion": "1"}],
        snapshot(),
    ],
)
def test_the_envelopes_of_clouds_are_opened_where_their_token_is_shown(
    sqlite: Store, tmp_path: Path, body: Any
) -> None:
    async def story(endpoint: Receiver) -> None:
        shown = {"Authorization": f"Bearer {TOKEN}"}
        assert await endpoint.post(body, path="/cloud", headers=shown) == 200
        (row,) = endpoint.rows()
        assert (row.event_id, json.loads(row.payload)) == ("evt_1", snapshot())
        for other in ({"Authorization": "Bearer other"}, {"Authorization": TOKEN}, {"X-Other": "1"}):
            assert await endpoint.post(body, path="/cloud", headers=other) == 401
        assert await endpoint.post(EVENTBRIDGE | {"detail": snapshot()}) == 400  # unsigned ones are not for the other

    received(sqlite, tmp_path, story)


def test_a_batch_of_event_grid_is_kept_whole_or_refused_whole(sqlite: Store, tmp_path: Path) -> None:
    shown = {"Authorization": f"Bearer {TOKEN}"}

    async def story(endpoint: Receiver) -> None:
        bad = [EVENT_GRID | {"data": snapshot("evt_1")}, EVENT_GRID | {"data": {"no": "event"}}]
        assert await endpoint.post(bad, path="/cloud", headers=shown) == 400
        assert endpoint.rows() == []
        good = [EVENT_GRID | {"data": snapshot(f"evt_{number}")} for number in range(3)]
        assert await endpoint.post(good, path="/cloud", headers=shown) == 200
        assert [row.event_id for row in endpoint.rows()] == ["evt_0", "evt_1", "evt_2"]

    received(sqlite, tmp_path, story)


def test_event_grid_may_ask_whether_it_may_send(sqlite: Store, tmp_path: Path) -> None:
    shown = {"Authorization": f"Bearer {TOKEN}"}
    question = [
        {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}
    ]

    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(question, path="/cloud", headers=shown) == 200
        assert json.loads(endpoint.answer) == {"validationResponse": "512d38b6"}
        origin = {"WebHook-Request-Origin": "eventgrid.azure.net", **shown}
        async with endpoint.session.options(endpoint.url + "/cloud", headers=origin) as answer:
            assert (answer.status, answer.headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")
        async with endpoint.session.options(endpoint.url + "/cloud") as answer:
            assert answer.status == 401

    received(sqlite, tmp_path, story)


DEEP = b'{"id":"evt_1","object":"event","data":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
HOSTILE = [
    b"",
    b"null",
    b"[]",
    b'"event"',
    b"{",
    b"\xff\xfe",
    b'{"object":"event"}',
    DEEP,
    json.dumps(snapshot("x" * 256)).encode(),
    json.dumps(snapshot("evt_\u0000")).encode(),
    json.dumps(snapshot("'; drop table webhook_events; --")).encode(),
    json.dumps(snapshot(type_="<script>")).encode(),
    json.dumps(snapshot(id_=7)).encode(),  # type: ignore[arg-type]
    json.dumps(snapshot(created=-1)).encode(),
    json.dumps(snapshot(created=10**18)).encode(),
    json.dumps(snapshot(created="soon")).encode(),
    json.dumps(snapshot(created=True)).encode(),
    json.dumps(snapshot(created="0001-01-01T00:00:00+14:00")).encode(),
    json.dumps(snapshot(created="9999-12-31T23:59:59-14:00")).encode(),
    json.dumps(snapshot()).encode().replace(b"ada@", b"\\ud800"),
    json.dumps(snapshot()).encode().replace(b"ada@", b"\xed\xa0\x80"),
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_body_is_refused_and_the_next_delivery_is_taken(sqlite: Store, tmp_path: Path, body: bytes) -> None:
    async def story(endpoint: Receiver) -> None:
        if body.isascii():
            assert await endpoint.post(body) == 400
        headers = {"Stripe-Signature": f"t={NOW},v1={'0' * 64}"}
        assert await endpoint.post(body, headers=headers) == 400
        assert await endpoint.post(body, path="/cloud", headers={"Authorization": f"Bearer {TOKEN}"}) == (
            200 if body == b"[]" else 400
        )
        assert await endpoint.post(snapshot("evt_next")) == 200
        assert [row.event_id for row in endpoint.rows()] == ["evt_next"]

    received(sqlite, tmp_path, story)


THINGS: list[tuple[Any, tuple[str | None, ...]]] = [
    ({"object": "charge", "id": "ch_1", "customer": "cus_9"}, ("charge", "ch_1", "cus_9")),
    ({"object": "charge", "id": "ch_1", "customer": {"id": "cus_9"}}, ("charge", "ch_1", "cus_9")),
    ({"object": "invoice", "customer": "cus_9"}, ("invoice", None, "cus_9")),
    ({"object": "coupon", "id": "25% off"}, ("coupon", "25% off", None)),
    ({"object": "coupon", "id": "a\u0000b"}, ("coupon", None, None)),
    ({"object": ["charge"], "id": 7, "customer": 3}, (None, None, None)),
    ({"object": "coupon", "id": "x" * 300}, ("coupon", None, None)),
]


def test_what_an_object_does_not_tell_as_it_should_is_left_out(store: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        for number, (thing, _) in enumerate(THINGS):
            assert await endpoint.post(snapshot(f"evt_{number}", data={"object": thing})) == 200
        told = [(row.object_kind, row.object_id, row.customer_id) for row in endpoint.rows()]
        assert told == [expected for _, expected in THINGS]

    received(store, tmp_path, story)


def test_a_body_that_is_too_large_is_refused(sqlite: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(b" " * (LARGEST_BODY + 1)) == 413
        assert await endpoint.post(snapshot(filler="x" * (LARGEST_BODY - 2_000))) == 200

    received(sqlite, tmp_path, story)


def test_secrets_and_card_numbers_are_not_written_to_the_disk(tmp_path: Path, sqlite: Store) -> None:
    card, secret = "4242424242424242", "pi_1_secret_abcdefghijklmnop"
    thing = {
        "object": "payment_intent",
        "id": "pi_1",
        "client_secret": secret,
        "description": f"paid with {card}",
        "metadata": {"key": "sk_live_abcdefgh12345678"},
    }

    async def story(endpoint: Receiver) -> None:
        assert await endpoint.post(snapshot(data={"object": thing})) == 200

    received(sqlite, tmp_path, story)
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert b"pi_1" in written
    for sensitive in (card, "abcdefghijklmnop", "abcdefgh12345678", SECRET):
        assert sensitive.encode() not in written


def test_a_database_that_fails_is_told_to_stripe_which_comes_again(sqlite: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        with sqlite.engine.begin() as connection:
            connection.execute(sa.text("alter table webhook_events rename to elsewhere"))
        assert await endpoint.post(snapshot()) == 503
        with sqlite.engine.begin() as connection:
            connection.execute(sa.text("alter table elsewhere rename to webhook_events"))
        assert await endpoint.post(snapshot()) == 200
        assert len(endpoint.rows()) == 1

    received(sqlite, tmp_path, story)


def test_deliveries_in_any_order_are_all_kept(sqlite: Store, tmp_path: Path) -> None:
    async def story(endpoint: Receiver) -> None:
        for number in (3, 1, 2):
            assert await endpoint.post(snapshot(f"evt_{number}", created=NOW - 10 + number)) == 200
        assert [row.event_id for row in endpoint.rows()] == ["evt_3", "evt_1", "evt_2"]

    received(sqlite, tmp_path, story)
