"""The closed door: what answers without a session, wrong hosts and origins, forged headers, headers of every answer."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets

from retorno.labels import label
from retorno.vocabulary import Language
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


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/", "/login"),
        ("/post", "/login?next=%2Fpost"),
        ("/plan?plan=L-1", "/login?next=%2Fplan%3Fplan%3DL-1"),
        ("//evil.example/", "/login"),
        ("/plan?next=https://evil.example", "/login"),
    ],
)
def test_a_browser_without_a_session_is_sent_to_the_sign_in_page_and_back(door: Office, path: str, back: str) -> None:
    answer = door.ask("GET", path)
    assert (answer.status, answer.headers["location"]) == (303, back)


@pytest.mark.parametrize(
    ("asked", "opened"),
    [("/plan?plan=L-1", "/plan?plan=L-1"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("/a\\b", "/")],
)
def test_a_sign_in_returns_to_pages_of_this_office_only(door: Office, asked: str, opened: str) -> None:
    form = {"login": "coordinator", "password": "correct horse battery staple", "next": asked}
    assert door.ask("POST", "/login", form=form).headers["location"] == opened


def test_a_page_of_another_role_looks_like_one_that_does_not_exist(door: Office) -> None:
    cookie = door.sign_in("consulate_hn")
    other, none = door.ask("GET", "/plan", cookie=cookie), door.ask("GET", "/no_such_page", cookie=cookie)
    assert other.status == none.status == 404
    assert other.text.replace("/plan", "X") == none.text.replace("/no_such_page", "X")
    assert door.ask("GET", "/consulate", cookie=cookie).status == 200
    assert door.ask("GET", "/plan/_stcore/health", cookie=cookie).status == 404


def test_the_page_shell_speaks_the_language_of_the_user_and_carries_no_font(door: Office) -> None:
    cookie = door.sign_in("health")
    body = door.ask("GET", "/health", cookie=cookie).text
    assert '<html lang="es"' in body
    assert all(word not in body for word in ("woff2", "Streamlit</title>", "agent"))


def test_files_of_the_shell_travel_compressed_and_are_kept(door: Office) -> None:
    cookie = door.sign_in("health")
    page = door.ask("GET", "/", cookie=cookie).text
    script = page.split('src="/static/js/')[1].split('"')[0]
    headers = {"Accept": "*/*", "Accept-Encoding": "gzip"}
    answer = door.ask("GET", f"/static/js/{script}", cookie=cookie, headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.body) < 200_000
    assert door.ask("GET", "/static/../../config.py", cookie=cookie).status in (400, 404)


def test_asking_how_long_the_session_lasts_does_not_prolong_it(door: Office) -> None:
    cookie = door.sign_in("health")
    assert 1700 < json.loads(door.ask("GET", "/session", cookie=cookie).text)["left"] <= 1800
    assert door.ask("GET", "/session", headers={"Accept": "*/*"}).status == 401


def test_the_lock_ends_the_session_and_comes_back_to_the_page(door: Office) -> None:
    cookie = door.sign_in("coordinator")
    forged = door.ask("POST", "/lock", cookie=cookie, form={"csrf": "wrong"})
    assert forged.headers["location"] == "/"
    headers = {"Accept": "*/*"}
    assert door.ask("GET", "/", cookie=cookie, headers=headers).status == 200
    from_page = {"Referer": f"{door.origin}/plan?plan=L-1"}
    token = csrf_of(door, cookie)
    locked = door.ask("POST", "/lock", cookie=cookie, form={"csrf": token}, headers=from_page)
    assert locked.headers["location"] == "/login?next=%2Fplan%3Fplan%3DL-1&locked=1"
    assert door.ask("GET", "/", cookie=cookie, headers=headers).status == 401


def test_the_sign_in_page_says_who_is_signed_in_and_another_sign_in_ends_that_session(door: Office) -> None:
    first = door.sign_in("monitor")
    page = door.ask("GET", "/login", cookie=first).text
    assert label("light.signed_in", Language.ES, login="monitor") in page
    assert label("light.go_on", Language.ES) in page
    assert label("light.go_on", Language.ES) not in door.ask("GET", "/login").text
    form = {"login": "health", "password": "correct horse battery staple"}
    assert door.ask("POST", "/login", form=form, cookie=first).status == 303
    assert door.ask("GET", "/session", cookie=first, headers={"Accept": "*/*"}).status == 401


def csrf_of(door: Office, cookie: str) -> str:
    """The form token of a session, as the frame carries it."""
    missing = door.ask("GET", "/no_such_page", cookie=cookie).text
    return missing.split('name="csrf" value="')[1].split('"')[0]


def test_the_login_page_cannot_smuggle_streamlit_in(door: Office) -> None:
    for role in ("coordinator", "border_post"):
        signed_in = door.ask("GET", "/verify", cookie=door.sign_in(role)).text
        assert '<a href="/">' in signed_in  # home is another page for each of the two
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
