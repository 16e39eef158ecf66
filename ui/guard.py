"""The guard around everything: sessions, hosts, origins, headers.

Without a live session nothing answers but ``PUBLIC_PATHS``. With one, Streamlit learns who it is from a header that
only the guard can set. Every answer carries the security headers.
"""

from __future__ import annotations

import hashlib
import re
import time
from base64 import b64encode
from collections.abc import Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from retorno.database import Database
from retorno.errors import InputError
from retorno.office import accounts
from retorno.settings import Settings

COOKIE = "retorno_session"
USER_HEADER = b"x-retorno-user"
PUBLIC_PATHS = re.compile(r"^/(login|healthz|verify(/[A-Za-z0-9._~-]{1,2000})?|assets/[a-z0-9.-]{1,40})$")
"""Sign-in, health, the public manifest check, and the style sheet of these pages."""
CLOSED_PATHS = re.compile(r"^/(media(/.*)?|_stcore/(metrics|bidi-components/.*|agent.*)|component/.*)$")
"""Closed even with a session: files leave through the one-time file route only."""
ASKING_PATHS = frozenset({"/session", "/post/now"})
"""Asking here how long the session lasts, or having the list of what comes updated, does not prolong it."""
RETURN_TO = re.compile(r"/[A-Za-z0-9_/%.~-]{0,200}(\?[A-Za-z0-9=&_.%~-]{0,300})?")
"""Addresses that a sign-in may return to: pages of this office with the record they show, never another host."""
TOUCH_EVERY_SECONDS = 60.0

REQUIRED_OPTIONS: dict[str, Any] = {
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "client.showErrorDetails": "none",
    "browser.gatherUsageStats": False,
    "server.maxUploadSize": 5,
}


def check_options() -> None:
    """Refuse to open with a Streamlit configuration looser than the shipped one (``InputError``)."""
    wrong = [
        f"{name} is {config.get_option(name)!r}, expected {wanted!r}"
        for name, wanted in REQUIRED_OPTIONS.items()
        if config.get_option(name) != wanted
    ]
    if wrong:
        raise InputError("Streamlit's configuration (.streamlit/config.toml): " + "; ".join(wrong))


def content_security_policy() -> str:
    """The policy of every answer; Streamlit's one inline script is allowed by its hash."""
    index = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", index, flags=re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "media-src 'self' blob:",
            "frame-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "object-src 'none'",
        )
    )


class Guard:
    """ASGI layer in front of Streamlit and of the plain routes.

    Parameters
    ----------
    app
        What it guards.
    database, settings
        Sessions are looked up in the database at every request; hosts and origins come from the settings.
    """

    def __init__(self, app: ASGIApp, *, database: Database, settings: Settings) -> None:
        self.app = app
        self.database = database
        self.settings = settings
        self.headers = {
            "Content-Security-Policy": content_security_policy(),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if settings.scheme == "https":
            self.headers["Strict-Transport-Security"] = "max-age=63072000"
        self.touched: MutableMapping[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, turn it away, or send it to the sign-in page."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, self._with_headers(send))

    def _with_headers(self, send: Send) -> Send:
        async def _send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
                if "server" in headers:
                    del headers["server"]
            await send(message)

        return _send

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, path = Headers(scope=scope), scope["path"]
        if headers.get("host", "") not in self.settings.allowed_hosts:
            await PlainTextResponse("unknown host", 421)(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD") and headers.get("origin") != self.settings.origin:
            await PlainTextResponse("wrong origin", 403)(scope, receive, send)
            return
        token = cookie_token(headers)
        is_asking = path in ASKING_PATHS and scope["method"] == "GET"
        user_id = await self._user_of(token, is_asking=is_asking) if token else None
        if CLOSED_PATHS.match(path):
            status = 404 if user_id else 401
            await PlainTextResponse("not found" if user_id else "sign in", status)(scope, receive, send)
        elif user_id is not None:
            await self.app(_identified(scope, user_id), receive, send)
        elif PUBLIC_PATHS.match(path):
            await self.app(_identified(scope, None), receive, send)
        elif scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            query = scope.get("query_string", b"").decode("latin-1")
            await RedirectResponse(sign_in_address(f"{path}?{query}" if query else path), 303)(scope, receive, send)
        elif path.startswith("/post/") and "text/html" in headers.get("accept", ""):
            # A form of a plain page: its act was not done; the sign-in says so and leads back to the page it came from.
            page = "/".join(path.split("/")[:5])
            await RedirectResponse(sign_in_address(page) + "&unsaved=1", 303)(scope, receive, send)
        else:
            await PlainTextResponse("sign in", 401)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        token = cookie_token(headers)
        is_right = (
            headers.get("host", "") in self.settings.allowed_hosts and headers.get("origin") == self.settings.origin
        )
        user_id = await self._user_of(token) if token and is_right else None
        if user_id is None:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(_identified(scope, user_id), receive, send)

    async def _user_of(self, token: str, *, is_asking: bool = False) -> str | None:
        """The user of a live session, or ``None``; an error in the look-up lets nobody in (I23)."""
        return await anyio.to_thread.run_sync(self._look_up, token, is_asking)

    def _look_up(self, token: str, is_asking: bool) -> str | None:
        with self.database.reading() as session:
            row = accounts.live_session(session, token)
            user_id = row.user_id if row else None
        if user_id is None or is_asking:
            return user_id
        key, moment = accounts.token_sha256(token), time.monotonic()
        if moment - self.touched.get(key, -TOUCH_EVERY_SECONDS) >= TOUCH_EVERY_SECONDS:
            # Older notes say nothing any more: without this every session ever opened would stay in memory.
            fresh = {each: at for each, at in self.touched.items() if moment - at < TOUCH_EVERY_SECONDS}
            self.touched = fresh | {key: moment}
            with self.database.transaction() as session:
                accounts.touch_session(session, token)
        return user_id


def sign_in_address(back: str) -> str:
    """The sign-in page, which afterwards returns to where one was; only to pages of this office."""
    is_page = RETURN_TO.fullmatch(back) is not None and not back.startswith("//") and back != "/"
    return f"/login?{urlencode({'next': back})}" if is_page else "/login"


def return_to(values: Mapping[str, Any]) -> str:
    """The page that a sign-in form or address asks to return to; empty if there is none, or none of ours."""
    back = str(values.get("next") or "")
    return back if RETURN_TO.fullmatch(back) and not back.startswith("//") else ""


def cookie_token(headers: Headers) -> str:
    """The session token of a request's cookies; empty if there is none or the cookies are malformed."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _identified(scope: Scope, user_id: str | None) -> Scope:
    """The scope with the client's own identity headers taken out and the session's user put in."""
    kept = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(b"x-retorno-")]
    if user_id is not None:
        kept.append((USER_HEADER, user_id.encode()))
    return {**scope, "headers": kept, "retorno_user": user_id}
