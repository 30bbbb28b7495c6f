"""Who comes in at `revenue serve`: nobody without a password once there are users, and nobody by a trick."""

import io
import re
from pathlib import Path

import pytest
from aiohttp import FormData

from billing.office import users
from billing.office.roles import Role
from pipelines import serve
from pipelines.errors import SettingsError
from pipelines.settings import Settings
from tests.billing.planned import NOW
from tests.pipelines.office.visiting import CHEAP, PASSWORD, Browser, peopled, trail_of, visited

PLACES = ("/", "/index.html", "/files.json", "/data/none.csv", "/office/account", "/office/actions", "/nowhere")


def test_without_users_this_machine_sees_the_dashboards_and_no_proxy_and_no_foreign_name_does(tmp_path: Path) -> None:
    async def story(browser: Browser) -> None:
        assert await browser.get("/") == 200
        assert "MRR is up." in browser.text
        assert "sign" not in browser.text.lower().replace("<!-- signed in -->", "")
        assert await browser.get("/sign-in") == 200
        assert browser.path == "/"
        assert await browser.get("/", Host="rebound.example") == 421
        assert await browser.get("/", X_Forwarded_For="203.0.113.9") == 403
        assert await browser.get("/office/account") == 403

    visited(tmp_path, story)
    assert not (tmp_path / "operations.sqlite").exists()


def test_with_users_nothing_is_shown_before_somebody_signs_in(tmp_path: Path) -> None:
    store = peopled(tmp_path, mara="viewer")

    async def story(browser: Browser) -> None:
        for path in PLACES:
            assert await browser.get(path, stay="") == 303, path
            assert browser.headers["Location"].startswith("/sign-in")
        assert await browser.get("/index.html") == 200
        assert 'name="next" value="/index.html"' in browser.text
        assert await browser.post("/sign-in", {"login": "Mara ", "password": PASSWORD, "next": "/index.html"}) == 200
        assert browser.path == "/index.html"
        assert "mara, viewer" in browser.text
        assert browser.headers["Cache-Control"] == "no-store"
        assert await browser.get("/files.json") == 200

    visited(tmp_path, story)
    assert [(event, actor) for event, actor, _ in trail_of(store)] == [("user_added", "tests"), ("signed_in", "mara")]
    store.close()


def test_files_are_not_left_in_the_browser_either(tmp_path: Path) -> None:
    peopled(tmp_path, mara="viewer").close()

    async def story(browser: Browser) -> None:
        (tmp_path / "site" / "data").mkdir(exist_ok=True)
        (tmp_path / "site" / "data" / "some.csv").write_text("customer\nAda Byron\n")
        assert await browser.sign_in("mara") == 200
        for path in ("/data/some.csv", "/files.json", "/index.html", "/office/account"):
            assert await browser.get(path) == 200, path
            assert browser.headers["Cache-Control"] == "no-store", path

    visited(tmp_path, story)


def test_what_is_no_form_is_refused_and_nothing_breaks(tmp_path: Path) -> None:
    peopled(tmp_path, mara="operator").close()

    async def story(browser: Browser) -> None:
        files = FormData({"login": io.BytesIO(b"mara"), "password": io.BytesIO(PASSWORD.encode()), "next": "/"})
        here = {"Origin": browser.url}
        async with browser.client.post(f"{browser.url}/sign-in", data=files, headers=here) as answer:
            assert answer.status == 400
        for kind in ("multipart/form-data", "application/x-www-form-urlencoded; charset=none-such"):
            told = {**here, "Content-Type": kind}
            async with browser.client.post(f"{browser.url}/sign-in", data=b"login=\xff", headers=told) as answer:
                assert answer.status == 400, kind
        assert await browser.sign_in("mara") == 200
        assert await browser.get("/office/actions?new=²") == 200
        assert await browser.get("/office/actions") == 200
        token = re.search(r'name="form_token" value="([^"]+)"', browser.text)
        assert token is not None
        proposal = FormData({"form_token": token[1], "kind": io.BytesIO(b"refund"), "subject": io.BytesIO(b"cus_1")})
        async with browser.client.post(f"{browser.url}/office/propose", data=proposal, headers=here) as answer:
            assert answer.status == 400

    visited(tmp_path, story)


def test_users_that_come_while_it_serves_close_the_door(tmp_path: Path) -> None:
    async def story(browser: Browser) -> None:
        assert await browser.get("/") == 200
        peopled(tmp_path, mara="viewer").close()
        browser.clock.at += 2
        assert await browser.get("/", stay="") == 303

    visited(tmp_path, story)


def test_nobody_is_let_in_where_the_database_cant_say_who_may(tmp_path: Path) -> None:
    (tmp_path / "operations.sqlite").write_bytes(b"no database, by any means" * 100)

    async def story(browser: Browser) -> None:
        for path in ("/", "/files.json", "/sign-in", "/office/actions"):
            assert await browser.get(path) == 503, path
            assert "can't be used" in browser.text
            assert browser.headers["X-Content-Type-Options"] == "nosniff"

    visited(tmp_path, story)


def test_a_refusal_tells_nothing_of_whether_there_is_such_a_user(tmp_path: Path) -> None:
    store = peopled(tmp_path, mara="viewer", ana="viewer")
    users.disable(store, "ana", by="tests", at=NOW)
    told = []

    async def story(browser: Browser) -> None:
        for login, password in (("mara", "wrong"), ("nobody", PASSWORD), ("ana", PASSWORD), ("x" * 300, PASSWORD)):
            told.append((await browser.sign_in(login, password), browser.text))
            assert browser.cookie() == ""

    visited(tmp_path, story)
    assert [status for status, _ in told] == [401, 401, 401, 400]
    assert len({text for _, text in told}) == 1
    failed = [(actor, body) for event, actor, body in trail_of(store) if event == "sign_in_failed"]
    assert failed == [
        ("mara", '{"from":"loopback"}'),
        ("unknown", '{"from":"loopback"}'),
        ("ana", '{"from":"loopback"}'),
    ]
    store.close()


def test_guessing_ends_for_a_login_after_eight_tries_and_for_an_address_after_twenty(tmp_path: Path) -> None:
    store = peopled(tmp_path, mara="viewer", ana="viewer")

    async def story(browser: Browser) -> None:
        assert [await browser.sign_in("mara", "wrong") for _ in range(8)] == [401] * 8
        assert await browser.sign_in("mara") == 429  # the right password, too late
        assert await browser.sign_in("ana") == 200  # another one may
        assert [await browser.sign_in(f"guess{number}", "wrong") for number in range(12)] == [401] * 12
        assert await browser.sign_in("ana") == 429
        assert await browser.sign_in("ana") == 429

    visited(tmp_path, story)
    locked = [(actor, body) for event, actor, body in trail_of(store) if event == "sign_in_locked"]
    assert locked == [
        ("mara", '{"from":"loopback","too_often":"login"}'),
        ("ana", '{"from":"loopback","too_often":"address"}'),
    ]
    store.close()


def test_addresses_are_counted_as_the_named_proxy_tells_them_and_nobody_elses_word_is_taken(tmp_path: Path) -> None:
    peopled(tmp_path, mara="viewer").close()

    async def proxied(browser: Browser) -> None:
        for number in range(20):
            assert await browser.sign_in(f"guess{number}", "wrong", X_Forwarded_For="1.2.3.4, 203.0.113.9") == 401
        assert await browser.sign_in("mara", X_Forwarded_For="9.9.9.9, 203.0.113.9") == 429
        assert await browser.sign_in("mara", X_Forwarded_For="203.0.113.10") == 200

    async def not_proxied(browser: Browser) -> None:
        for number in range(20):
            assert await browser.sign_in(f"guess{number}", "wrong", X_Forwarded_For=f"203.0.113.{number}") == 401
        assert await browser.sign_in("mara", X_Forwarded_For="203.0.113.99") == 429

    visited(tmp_path, proxied)
    visited(tmp_path, not_proxied, proxies="192.0.2.1")


def test_a_session_ends_by_signing_out_by_doing_nothing_and_by_the_days_end(tmp_path: Path) -> None:
    store = peopled(tmp_path, mara="viewer")

    async def story(browser: Browser) -> None:
        await browser.sign_in("mara")
        kept = browser.cookie()
        await browser.get("/office/account")
        assert await browser.post("/sign-out") == 200
        assert (browser.path, browser.cookie()) == ("/sign-in", "")
        assert await browser.get("/", stay="", Cookie=f"revenue_session={kept}") == 303  # a copy of it is worth nothing

        await browser.sign_in("mara")
        browser.clock.at += 59 * 60
        assert await browser.get("/") == 200
        browser.clock.at += 59 * 60
        assert (await browser.get("/"), browser.path) == (200, "/")
        browser.clock.at += 61 * 60
        assert (await browser.get("/"), browser.path) == (200, "/sign-in")

        await browser.sign_in("mara")
        for _ in range(13):
            assert browser.path == "/"
            browser.clock.at += 55 * 60
            await browser.get("/")
        browser.clock.at += 6 * 60  # 13 * 55 + 6 minutes: twelve hours and a minute
        assert (await browser.get("/"), browser.path) == (200, "/sign-in")

    visited(tmp_path, story)
    store.close()


@pytest.mark.parametrize("change", ["role", "password", "disable"])
def test_a_change_of_the_user_ends_the_sessions_everywhere(tmp_path: Path, change: str) -> None:
    store = peopled(tmp_path, mara="operator", ana="viewer")

    async def story(browser: Browser) -> None:
        await browser.sign_in("mara")
        assert (await browser.get("/"), browser.path) == (200, "/")
        if change == "role":
            users.change_role(store, "mara", Role.VIEWER, by="tests", at=NOW)
        elif change == "password":
            users.change_password(store, "mara", CHEAP.hash("another sentence"), by="tests", at=NOW)
        else:
            users.disable(store, "mara", by="tests", at=NOW)
        assert (await browser.get("/"), browser.path) == (200, "/sign-in")
        assert await browser.sign_in("mara") == (200 if change == "role" else 401)

    visited(tmp_path, story)
    ended = [body for event, _, body in trail_of(store) if event.startswith("user_") and "sessions_ended" in body]
    assert ['"sessions_ended":1' in body for body in ended] == [True]
    store.close()


def test_a_form_from_another_page_or_without_its_token_does_nothing(tmp_path: Path) -> None:
    peopled(tmp_path, mara="viewer", ana="viewer").close()

    async def story(browser: Browser) -> None:
        for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}):
            assert await browser.sign_in("mara", **headers) == 403
        for origin in ("https://evil.example", "null", None, f"{browser.url}.evil.example"):
            assert await browser.post("/sign-in", {"login": "mara", "password": PASSWORD}, origin=origin) == 403
        assert await browser.post(
            "/sign-in", {"login": "mara", "password": PASSWORD}, origin="null", Sec_Fetch_Site="same-origin"
        ) == 200  # fmt: skip
        await browser.get("/office/account")
        page = browser.text
        assert await browser.post("/sign-out", {"form_token": ""}) == 403
        browser.text = page
        assert await browser.post("/sign-out", {"form_token": "##" + "0" * 40}) == 403
        browser.text = page.replace('value="##', 'value="20990101000000##')
        assert await browser.post("/sign-out") == 403
        assert (await browser.get("/"), browser.path) == (200, "/")
        anothers = page
        browser.client.cookie_jar.clear()
        await browser.sign_in("ana")
        browser.text = anothers
        assert await browser.post("/sign-out") == 403
        await browser.get("/office/account")
        assert await browser.post("/sign-out") == 200

    visited(tmp_path, story)


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\r\nX: y"]
)
def test_signing_in_leads_to_no_other_server(tmp_path: Path, next_: str) -> None:
    peopled(tmp_path, mara="viewer").close()

    async def story(browser: Browser) -> None:
        assert await browser.post("/sign-in", {"login": "mara", "password": PASSWORD, "next": next_}, stay="") == 303
        assert browser.headers["Location"] == "/"

    visited(tmp_path, story)


def test_behind_tls_the_cookie_is_of_this_host_alone_and_the_browser_is_told_to_stay_on_tls(tmp_path: Path) -> None:
    peopled(tmp_path, mara="viewer").close()

    async def story(browser: Browser) -> None:
        assert await browser.post(
            "/sign-in",
            {"login": "mara", "password": PASSWORD},
            origin="https://revenue.example",
            Host="revenue.example",
            stay="",
        ) == 303  # fmt: skip
        cookie = browser.headers["Set-Cookie"]
        assert cookie.startswith("__Host-revenue_session=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert browser.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert await browser.get("/", Host="other.example") == 421

    visited(tmp_path, story, public_url="https://revenue.example")


def test_every_answer_tells_the_browser_what_to_refuse(tmp_path: Path) -> None:
    async def story(browser: Browser) -> None:
        for path in ("/", "/index.html", "/files.json", "/nowhere", "/office/account", "/sign-in"):
            await browser.get(path)
            told = browser.headers
            assert told["X-Content-Type-Options"] == "nosniff", path
            assert told["Content-Security-Policy"].startswith("default-src 'none'"), path
            assert "frame-ancestors 'none'" in told["Content-Security-Policy"], path
            assert "unsafe" not in told["Content-Security-Policy"], path
            assert told["Cross-Origin-Opener-Policy"] == "same-origin", path
            assert told["Referrer-Policy"] in ("no-referrer", "same-origin"), path
            assert "camera=()" in told["Permissions-Policy"], path
            assert "Strict-Transport-Security" not in told, path
        await browser.get("/")
        assert browser.headers["Content-Security-Policy"].count("sha256-") == 2  # its own style and script

    visited(tmp_path, story)


@pytest.mark.parametrize("slash", ["/", "%2f", "\\", "%5c", "//"])
def test_no_address_leads_out_of_the_folder_of_the_pages(tmp_path: Path, slash: str) -> None:
    (tmp_path / "secret.html").write_text("a secret")
    peopled(tmp_path, mara="viewer").close()

    async def story(browser: Browser) -> None:
        await browser.sign_in("mara")
        for up in ("..", "%2e%2e", ".%2e", "data/../.."):
            for name in ("secret.html", "operations.sqlite"):
                status, body = await browser.get_raw(f"/{up}{slash}{name}")
                assert status in (403, 404), (up, name)
                assert "a secret" not in body
                assert "SQLite" not in body

    visited(tmp_path, story)


def test_others_than_this_machine_are_served_over_tls_to_users_alone(tmp_path: Path) -> None:
    settings = Settings().but(home=tmp_path)
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.9"):
        serve.refuse_strangers(settings, host)
    with pytest.raises(SettingsError, match="in the clear"):
        serve.refuse_strangers(settings, "0.0.0.0")
    behind_tls = settings.but(public_url="https://revenue.example")
    with pytest.raises(SettingsError, match="revenue users add"):
        serve.refuse_strangers(behind_tls, "10.0.0.5")
    peopled(tmp_path, mara="viewer").close()
    serve.refuse_strangers(behind_tls, "0.0.0.0")
    with pytest.raises(SettingsError, match="in the clear"):
        serve.refuse_strangers(settings, "0.0.0.0")
