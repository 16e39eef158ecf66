"""The closed door: what answers without a session, wrong hosts and origins, forged headers, headers of every answer."""

from __future__ import annotations

import asyncio

import pytest
import websockets

from tests.ui.serving import Office

PUBLIC = ("/healthz", "/login", "/verify", "/assets/light.css")
CLOSED = ("/", "/post", "/files/abc", "/_stcore/health", "/_stcore/host-config", "/_stcore/stream", "/media/abc.pdf",
          "/static/js/index.js", "/_stcore/metrics", "/component/x/index.html", "/_stcore/upload_file/a/b")  # fmt: skip


@pytest.mark.parametrize("path", PUBLIC)
def test_public_paths_answer_without_a_session(door: Office, path: str) -> None:
    assert door.ask("GET", path).status == 200


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_else_answers_without_a_session(door: Office, path: str) -> None:
    answer = door.ask("GET", path, headers={"Accept": "*/*"})
    assert (answer.status, answer.text) == (401, "sign in")


@pytest.mark.parametrize("path", ["/", "/post"])
def test_a_browser_without_a_session_is_sent_to_the_sign_in_page(door: Office, path: str) -> None:
    answer = door.ask("GET", path)
    assert (answer.status, answer.headers["location"]) == (303, "/login")


def test_the_login_page_cannot_smuggle_streamlit_in(door: Office) -> None:
    assert "root" not in door.ask("GET", "/verify").text  # Streamlit's page has <div id="root">
    assert door.ask("GET", "/verify/not-a-code").status == 200
    assert door.ask("GET", "/login/", headers={"Accept": "*/*"}).status == 401
    assert door.ask("GET", "//login", headers={"Accept": "*/*"}).status in (401, 404)


def test_right_password_opens_and_sign_out_closes(door: Office) -> None:
    cookie = door.sign_in("coordinator")
    assert len(cookie) > 40
    page = door.ask("GET", "/", cookie=cookie)
    assert page.status == 200
    post = door.sign_in("border_post")
    body = door.ask("GET", "/post", cookie=post).text
    csrf = body.split('name="csrf" value="')[1].split('"')[0]
    assert door.ask("POST", "/logout", cookie=post, form={"csrf": csrf}).status == 303
    assert door.ask("GET", "/post", cookie=post, headers={"Accept": "*/*"}).status == 401


def test_the_language_of_the_sign_in_page_is_kept(door: Office) -> None:
    form = {"login": "reception", "password": "correct horse battery staple", "lang": "fr"}
    headers = {"Cookie": "retorno_language=fr"}
    answer = door.ask("POST", "/login", form=form, headers=headers)
    cookie = answer.headers["set-cookie"].removeprefix("retorno_session=").split(";")[0]
    assert '<html lang="fr">' in door.ask("GET", "/post", cookie=cookie).text


def test_wrong_password_and_unknown_login_say_the_same(door: Office) -> None:
    wrong = door.ask("POST", "/login", form={"login": "monitor", "password": "wrong"})
    unknown = door.ask("POST", "/login", form={"login": "nobody-here", "password": "wrong"})
    assert wrong.status == unknown.status == 401
    assert wrong.text.replace("monitor", "X") == unknown.text.replace("nobody-here", "X")


def test_repeated_failures_wait_without_locking_out_others(door: Office) -> None:
    statuses = [door.ask("POST", "/login", form={"login": "auditor", "password": "wrong"}).status for _ in range(6)]
    assert statuses[-1] == 429
    assert door.sign_in("health") != ""


def test_an_unknown_login_waits_as_long_as_a_known_one(door: Office) -> None:
    def statuses(login: str) -> list[int]:
        return [door.ask("POST", "/login", form={"login": login, "password": "wrong"}).status for _ in range(6)]

    assert statuses("nobody-at-all") == statuses("administrator_2") == [401] * 5 + [429]


def test_cookie_is_closed_to_scripts_and_to_other_sites(door: Office) -> None:
    answer = door.ask("POST", "/login", form={"login": "health", "password": "correct horse battery staple"})
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1"])
def test_another_host_name_is_refused(door: Office, host: str) -> None:
    assert door.ask("GET", "/login", headers={"Host": host}).status == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "-"])
def test_a_form_from_elsewhere_is_refused(door: Office, origin: str) -> None:
    form = {"login": "coordinator", "password": "correct horse battery staple"}
    assert door.ask("POST", "/login", form=form, headers={"Origin": origin}).status == 403


def test_a_forged_identity_header_opens_nothing(door: Office) -> None:
    answer = door.ask("GET", "/post", headers={"X-Retorno-User": "U-TAPACHULA-border_post", "Accept": "*/*"})
    assert answer.status == 401


def test_files_leave_only_through_one_time_links(door: Office) -> None:
    cookie = door.sign_in("coordinator")
    assert door.ask("GET", "/media/abc.pdf", cookie=cookie).status == 404
    assert door.ask("GET", "/_stcore/metrics", cookie=cookie).status == 404
    assert door.ask("GET", "/files/unknown-token", cookie=cookie).status == 404


def test_every_answer_carries_the_headers(door: Office) -> None:
    for path in ("/login", "/healthz", "/nothing", "/media/x"):
        headers = door.ask("GET", path, headers={"Accept": "*/*"}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert "no-store" in headers["cache-control"] or path == "/assets/light.css"
        assert "server" not in headers


def _handshake(door: Office, *, cookie: str = "", origin: str | None = None) -> bool:
    """Whether Streamlit's websocket opens."""

    async def attempt() -> bool:
        headers = {"Cookie": f"retorno_session={cookie}"} if cookie else {}
        uri = f"ws://127.0.0.1:{door.port}/_stcore/stream"
        try:
            async with websockets.connect(uri, additional_headers=headers, origin=origin):  # type: ignore[arg-type]
                return True
        except websockets.exceptions.InvalidStatus:
            return False

    return asyncio.run(attempt())


def test_the_websocket_needs_session_and_origin(door: Office) -> None:
    cookie = door.sign_in("coordinator")
    assert not _handshake(door, origin=door.origin)
    assert not _handshake(door, cookie="wrong", origin=door.origin)
    assert not _handshake(door, cookie=cookie)
    assert not _handshake(door, cookie=cookie, origin="https://evil.example")
    assert _handshake(door, cookie=cookie, origin=door.origin)
