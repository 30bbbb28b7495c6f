"""The back office: who decides on what, what is put on record, and that nothing from outside becomes markup."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billing.store import Store
from billing.tables import actions
from tests.billing.planned import entered, planned
from tests.pipelines.office.visiting import Browser, peopled, trail_of, visited

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An operations database with one of each role."""
    opened = peopled(tmp_path, vera="viewer", olga="operator", mara="approver", ana="approver")
    yield opened
    opened.close()


def waiting(store: Store, by: str = "planner") -> str:
    """The id of an action that waits for approval; approvals go by this machine's clock where no key is set."""
    now = datetime.now(UTC)
    made = planned(planned_at=now, expires_at=now + timedelta(days=14))
    (id_,) = entered(store, made)
    if by != "planner":
        with store.engine.begin() as connection:
            connection.exec_driver_sql("drop trigger audit_trail_no_update")
            connection.exec_driver_sql(f"update audit_trail set actor = '{by}' where action_id is not null")
    return id_


def stands(store: Store, id_: str) -> tuple[str, str | None]:
    with store.reading() as connection:
        row = connection.execute(actions.select().where(actions.c.action_id == id_)).one()
        return row.state, row.approved_by


def decisions(store: Store) -> list[tuple[str, str, str | None]]:
    """What was decided: event, by whom and why."""
    told = [(event, actor, json.loads(body).get("why")) for event, actor, body in trail_of(store)]
    return [each for each in told if each[0] in ("approved", "rejected", "revoked", "commented")]


def test_an_approver_sees_what_it_would_do_and_approves_rejects_or_takes_back(tmp_path: Path, store: Store) -> None:
    id_ = waiting(store)

    async def story(browser: Browser) -> None:
        await browser.sign_in("mara")
        assert await browser.get("/office") == 200
        assert "1 to be approved" in browser.text
        assert "49.00 USD" in browser.text
        assert await browser.get(f"/office/actions/{id_}") == 200
        for words in (
            "collect what is owed, now",
            "two failed attempts",
            "cus_1",
            "in_1",
            "of the rules 0123456789abcdef",
        ):
            assert words in browser.text
        seen = browser.text.split('name="digest" value="')[1].split('"')[0]
        assert await browser.post(
            f"/office/actions/{id_}", {"decision": "approved", "digest": seen, "comment": "asked support"}
        ) == 200  # fmt: skip
        assert "Approved. It is done by the next" in browser.text
        assert "asked support" in browser.text
        assert stands(store, id_) == ("approved", "mara")
        assert await browser.post(f"/office/actions/{id_}", {"decision": "revoked", "comment": ""}) == 200
        assert stands(store, id_) == ("revoked", None)
        assert await browser.post(f"/office/actions/{id_}", {"decision": "rejected", "comment": "they left"}) == 200
        assert stands(store, id_) == ("rejected", None)
        assert await browser.post(f"/office/actions/{id_}", {"decision": "approved", "digest": seen}) == 409
        assert "can&#39;t be approved" in browser.text

    visited(tmp_path, story)
    assert decisions(store) == [
        ("approved", "mara", "asked support"),
        ("revoked", "mara", None),
        ("rejected", "mara", "they left"),
    ]


def test_nobody_approves_what_they_proposed_and_others_do(tmp_path: Path, store: Store) -> None:
    id_ = waiting(store, by="mara")

    async def story(browser: Browser) -> None:
        await browser.sign_in("mara")
        await browser.get(f"/office/actions/{id_}")
        assert "You proposed it; somebody else has to approve it." in browser.text
        assert 'value="approved"' not in browser.text
        seen = browser.text.split('name="digest" value="')[1].split('"')[0]
        assert await browser.post(f"/office/actions/{id_}", {"decision": "approved", "digest": seen}) == 409
        assert "somebody else has to approve it" in browser.text
        assert stands(store, id_) == ("proposed", None)
        browser.client.cookie_jar.clear()
        await browser.sign_in("ana")
        await browser.get(f"/office/actions/{id_}")
        assert await browser.post(f"/office/actions/{id_}", {"decision": "approved", "digest": seen}) == 200
        assert stands(store, id_) == ("approved", "ana")

    visited(tmp_path, story)


def test_an_operator_comments_and_may_not_decide_and_a_viewer_sees_none_of_it(tmp_path: Path, store: Store) -> None:
    id_ = waiting(store)

    async def operator(browser: Browser) -> None:
        await browser.sign_in("olga")
        await browser.get(f"/office/actions/{id_}")
        assert 'value="approved"' not in browser.text
        form = browser.text
        words = "wait; ask a@example.com or +49 151 5550 0199"
        assert await browser.post(f"/office/actions/{id_}", {"decision": "commented", "comment": words}) == 200
        for decision in ("approved", "rejected", "revoked"):
            browser.text = form
            assert await browser.post(f"/office/actions/{id_}", {"decision": decision}) == 403
        browser.text = form
        assert await browser.post(f"/office/actions/{id_}", {"decision": "commented", "comment": "x" * 201}) == 400
        assert await browser.post(f"/office/actions/{id_}", {"decision": "commented", "comment": " "}) == 400
        browser.text = ""
        assert await browser.post(f"/office/actions/{id_}", {"decision": "commented", "comment": "no token"}) == 400

    async def viewer(browser: Browser) -> None:
        await browser.sign_in("vera")
        for path in ("/office", "/office/actions", f"/office/actions/{id_}", "/office/trail", "/office/disputes"):
            assert await browser.get(path) == 403, path
        await browser.get("/office/account")
        assert "/office/actions" not in browser.text
        form = browser.text
        for path in (f"/office/actions/{id_}", "/office/plan", "/office/propose"):
            browser.text = form
            assert await browser.post(path, {"decision": "commented", "comment": "hello"}) == 403, path

    visited(tmp_path, operator)
    visited(tmp_path, viewer)
    assert decisions(store) == [("commented", "olga", "wait; ask … or +…")]
    assert stands(store, id_) == ("proposed", None)


def test_what_changed_since_it_was_shown_is_not_approved(tmp_path: Path, store: Store) -> None:
    id_ = waiting(store)

    async def story(browser: Browser) -> None:
        await browser.sign_in("mara")
        await browser.get(f"/office/actions/{id_}")
        assert await browser.post(f"/office/actions/{id_}", {"decision": "approved", "digest": "0" * 64}) == 409
        assert "planned anew since you looked" in browser.text
        assert stands(store, id_) == ("proposed", None)

    visited(tmp_path, story)


def test_the_trail_can_be_read_by_kind_and_tells_when_it_is_not_whole(tmp_path: Path, store: Store) -> None:
    id_ = waiting(store)

    async def story(browser: Browser) -> None:
        await browser.sign_in("olga")
        assert await browser.get("/office/trail") == 200
        assert "The trail is whole" in browser.text
        assert f'href="/office/actions/{id_}"' in browser.text
        assert await browser.get("/office/trail?kind=users") == 200
        assert "User added" in browser.text
        assert "Signed in" not in browser.text
        assert await browser.get("/office/trail?before=3") == 200
        assert "Signed in" not in browser.text
        for query in ("kind=none", "before=-1", "before=x", "before=" + "9" * 40):
            assert await browser.get(f"/office/trail?{query}") == 400, query
        with store.engine.begin() as connection:
            connection.exec_driver_sql("drop trigger audit_trail_no_update")
            connection.exec_driver_sql("update audit_trail set actor = 'nobody' where seq = 2")
        await browser.get("/office/trail")
        assert "The trail is NOT whole" in browser.text
        assert "entry 2 is not what was written" in browser.text

    visited(tmp_path, story)


def test_texts_from_outside_never_become_markup_on_a_page(tmp_path: Path, store: Store) -> None:
    now = datetime.now(UTC)
    texts = {"subject_id": HOSTILE, "customer_id": HOSTILE, "reasons": json.dumps([HOSTILE]), "rule": HOSTILE[:60]}
    made = planned(
        **texts, effect=json.dumps({"words": HOSTILE}), planned_at=now, expires_at=now + timedelta(days=1)
    )  # fmt: skip
    (id_,) = entered(store, made)

    async def story(browser: Browser) -> None:
        await browser.sign_in("mara")
        for path in ("/office/actions", f"/office/actions/{id_}", f"/office/actions/{HOSTILE}", "/office/trail"):
            await browser.get(path)
            assert "<script" not in browser.text, path
            assert "<img" not in browser.text, path
            assert "49" not in browser.text.split("{{ 7 * 7 }}")[0][-5:], path

    visited(tmp_path, story)


def test_a_draft_of_a_dispute_is_shown_with_its_own_policy_and_nothing_else_of_the_folder(
    tmp_path: Path, store: Store
) -> None:
    folder = tmp_path / "disputes"
    folder.mkdir()
    meta = (
        '<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-x&#39;">'
    )
    (folder / "du_1.html").write_text(f"{meta} the draft")

    async def story(browser: Browser) -> None:
        await browser.sign_in("olga")
        assert await browser.get("/office/disputes/du_1") == 200
        assert "the draft" in browser.text
        policy = browser.headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; style-src 'sha256-x'; frame-ancestors 'none'"
        for id_ in ("du_2", "..%2f..%2fsite%2findex"):
            assert await browser.get(f"/office/disputes/{id_}") == 404, id_
        assert await browser.get("/office/disputes") == 409  # nothing is published
        assert "revenue" in browser.text

    visited(tmp_path, story)
