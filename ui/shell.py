"""What a browser gets before Streamlit speaks: the page shell in the user's language, and its files, compressed.

The shell is Streamlit's own ``index.html`` with the language, our style sheet and our script put in and the font
preloads taken out. A page that does not exist, or that the user may not open, is the same plain "not found".
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

import anyio.to_thread
import streamlit
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from retorno import clock
from retorno.database import Database
from retorno.errors import NotAllowed
from retorno.labels import label
from retorno.office import access, accounts
from retorno.office.access import Actor
from retorno.vocabulary import Language
from ui import guard
from ui.light import LANGUAGE_COOKIE, LIGHT_ROLES, Light
from ui.navigation import BY_PATH

STREAMLIT: Final = Path(streamlit.__file__).parent / "static"
ASSETS: Final = Path(__file__).resolve().parent / "assets"
TYPES: Final = {
    ".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".json": "application/json",
    ".woff2": "font/woff2", ".ttf": "font/ttf",
    ".png": "image/png", ".svg": "image/svg+xml", ".wasm": "application/wasm",
}  # fmt: skip
FOREVER: Final = "public, immutable, max-age=31536000"
"""For files with their hash in the name or in the address."""
UNUSED_FONTS: Final = re.compile(r"(MaterialSymbols|SourceSans|SourceSerif|SourceCode)[^/]*\.woff2")
"""Fonts that Streamlit fetches although nothing is drawn with them (544 kB); a font without letters stands in."""
OWN_FILES: Final = ("screens.css", "screens.js")
ENGLISH: Final = {
    "Skip to main content": "light.skip",
    "No results": "frame.no_results",
    "Choose an option": "view.choose",
    "Choose options": "view.choose",
    "Help": "frame.field_help",
    "Help for *": "frame.field_help_for",
    "Clear value": "frame.clear",
    "Clear all": "frame.clear",
    "Close": "frame.close",
    "Dismiss": "frame.close",
    "Expand sidebar": "frame.menu_open",
    "Collapse sidebar": "frame.menu_close",
    "Sidebar": "frame.menu",
    "App pages": "frame.menu",
    "Notifications": "view.home.notices",
    "Show password": "frame.show_password",
    "Hide password": "frame.hide_password",
    "Increment": "frame.more",
    "Decrement": "frame.less",
    "Increment value": "frame.more",
    "Decrement value": "frame.less",
    "Select all": "frame.select_all",
    "Selectbox options": "frame.choices",
    "Multiselect options": "frame.choices",
    "* options available.": "frame.options",
    "* option available.": "frame.option",
    "*, selected": "frame.selected",
    "5MB per file": "frame.file_kinds",
    "Shortcut *": "frame.shortcut",
    "Scroll tabs left": "frame.tabs_left",
    "Scroll tabs right": "frame.tabs_right",
    "Fullscreen": "frame.fullscreen",
    "Close fullscreen": "frame.fullscreen_close",
    "Loading...": "frame.loading",
    "Please wait...": "frame.loading",
    "Running...": "frame.loading",
    "Upload": "view.choose_file",
    "Remove file": "frame.remove_file",
    "Press Enter to apply": "frame.enter",
    "Vega visualization": "frame.picture",
}
"""Words that Streamlit's page brings along, and what stands there instead; ``*`` stands for anything."""
STREAMLIT_OWN: Final = frozenset({"_stcore", "media", "component", "favicon.png", "manifest.json", "oauth2callback"})
"""First parts of addresses that Streamlit answers itself; the guard has closed some of them before."""


def words(language: Language) -> dict[str, object]:
    """What the script of the shell says, in one language."""
    return {
        "english": {text: label(key, language) for text, key in ENGLISH.items()},
        "offline": label("error.offline", language),
        "unsaved": label("frame.offline_unsaved", language),
        "slow": label("frame.slow", language),
        "ending": label("frame.ending", language),
        "stay": label("frame.stay", language),
        "choose": label("view.choose_file", language),
    }


@cache
def page_shell(language: Language) -> str:
    """Streamlit's page in a language, with our style sheet and script before its own."""
    html = (STREAMLIT / "index.html").read_text(encoding="utf-8")
    html = re.sub(r"<!--.*?-->\s*", "", html, flags=re.DOTALL)
    html = re.sub(r'<link\s+rel="(preload|service-desc)"[^>]*/?>\s*', "", html)
    said = escape(label("frame.no_script", language))
    html = re.sub(r"<noscript>.*?</noscript>", f"<noscript><p>{said}</p></noscript>", html, flags=re.DOTALL)
    html = re.sub(r"<title>.*?</title>", "<title>retorno</title>", html)
    chosen = escape(json.dumps(label("view.choose_file", language), ensure_ascii=False), quote=True)
    said_all = escape(json.dumps(words(language), ensure_ascii=False), quote=True)
    html = html.replace(
        '<html lang="en">', f'<html lang="{language.value}" style="--rt-choose: {chosen}" data-words="{said_all}">'
    )
    own = "".join(
        f'<link rel="stylesheet" href="{address}">' if address.partition("?")[0].endswith(".css") else
        f'<script src="{address}"></script>'
        for address in map(own_address, OWN_FILES)
    )  # fmt: skip
    # Relative addresses would be looked for below the page's own path.
    return html.replace('"./', '"/').replace("<title>", f"{own}<title>", 1)


@cache
def own_address(name: str) -> str:
    """Address of a file of ours, which changes with its content."""
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]
    return f"/assets/{name}?v={digest}"


@cache
def compressed(path: Path) -> bytes:
    """A file as small as gzip makes it; once a process."""
    return gzip.compress(path.read_bytes(), 9, mtime=0)


class Shell:
    """ASGI layer between the guard and Streamlit: page shells by name and role, files compressed and kept.

    Parameters
    ----------
    app
        What it stands before.
    database, light
        Roles are looked up in the database; the plain pages say "not found".
    plain_paths
        Addresses that routes of our own answer.
    """

    def __init__(self, app: ASGIApp, *, database: Database, light: Light, plain_paths: Iterable[str]) -> None:
        self.app = app
        self.database = database
        self.light = light
        self.passed_on = STREAMLIT_OWN | {path.split("/")[1] for path in plain_paths}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is a page or a file of Streamlit's; pass on everything else."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        first = str(scope["path"]).split("/")[1]
        if first == "static":
            await self._file(scope, receive, send)
        elif first in self.passed_on:
            await self.app(scope, receive, send)
        else:
            answer = await anyio.to_thread.run_sync(self._page, scope)
            if answer is None:
                visit = await self.light.visit(Request(scope, receive))
                answer = self.light.page(
                    visit, "missing.html", status=404, heading=label("light.not_found", visit.language)
                )
            await answer(scope, receive, send)

    def _page(self, scope: Scope) -> Response | None:
        user_id = scope.get("retorno_user")
        with self.database.reading() as session:
            try:
                actor = access.load_actor(session, user_id or "")
            except NotAllowed:
                return RedirectResponse("/login", 303)
        if scope["path"] == "/" and actor.has(*LIGHT_ROLES):
            return RedirectResponse("/post", 303)
        if not may_open(actor, str(scope["path"])):
            return None
        return HTMLResponse(page_shell(actor.language))

    async def _file(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = (STREAMLIT / str(scope["path"]).lstrip("/")).resolve()
        accepts = Headers(scope=scope).get("accept-encoding", "")
        if not path.is_relative_to(STREAMLIT / "static") or not path.is_file() or path.suffix not in TYPES:
            await self.app(scope, receive, send)
            return
        if UNUSED_FONTS.fullmatch(path.name):
            path = ASSETS / "empty.ttf"
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if "gzip" in accepts and path.suffix not in (".woff2", ".png"):
            body = await anyio.to_thread.run_sync(compressed, path)
            headers["Content-Encoding"] = "gzip"
        else:
            body = await anyio.to_thread.run_sync(path.read_bytes)
        await Response(body, media_type=TYPES[path.suffix], headers=headers)(scope, receive, send)


def may_open(actor: Actor, path: str) -> bool:
    """Whether there is a page at this address for this user; "no" and "does not exist" are the same answer."""
    view = BY_PATH.get(path.lstrip("/"))
    if view is None:
        return False
    return actor.has(*view.roles) or path == "/"


class Desk:
    """The small routes of the frame: our two files, how long the session lasts, language, lock."""

    def __init__(self, light: Light) -> None:
        self.light = light
        self.database = light.database

    def routes(self) -> list[Route]:
        """Every route of the frame."""
        return [
            *(Route(f"/assets/{name}", self.own_file, methods=["GET"]) for name in OWN_FILES),
            Route("/session", self.session_left, methods=["GET", "POST"]),
            Route("/language", self.language, methods=["POST"]),
            Route("/lock", self.lock, methods=["POST"]),
        ]

    async def own_file(self, request: Request) -> Response:
        """Our style sheet or script; its address changes with its content."""
        path = ASSETS / request.url.path.rsplit("/", 1)[-1]
        return Response(
            path.read_bytes(), media_type=TYPES[path.suffix], headers={"Cache-Control": "public, max-age=31536000"}
        )

    async def session_left(self, request: Request) -> Response:
        """How many seconds the session still has; asking does not prolong it, a POST does."""
        token = guard.cookie_token(request.headers)
        if request.method == "POST":
            await anyio.to_thread.run_sync(self._stay, token)
        left = await anyio.to_thread.run_sync(self._left, token)
        return JSONResponse({"left": left})

    def _stay(self, token: str) -> None:
        with self.database.transaction() as session:
            if accounts.live_session(session, token) is not None:
                accounts.touch_session(session, token)

    def _left(self, token: str) -> int:
        with self.database.reading() as session:
            row = accounts.live_session(session, token)
            if row is None:
                return 0
            ends = min(row.last_seen_at + accounts.IDLE, row.created_at + accounts.ABSOLUTE)
        return max(0, int((ends - clock.now()).total_seconds()))

    async def language(self, request: Request) -> Response:
        """Choose a language and draw the page one is on in it."""
        visit = await self.light.visit(request)
        wanted = str(visit.form.get("choice") or "")
        if visit.user_id is not None and _is_own_form(visit.csrf, visit.form.get("csrf")) and wanted in set(Language):
            await anyio.to_thread.run_sync(self._choose, visit.user_id, Language(wanted))
        answer = RedirectResponse(came_from(request), 303)
        if wanted in set(Language):
            answer.set_cookie(LANGUAGE_COOKIE, wanted, max_age=31_536_000, httponly=True, samesite="strict")
        return answer

    def _choose(self, user_id: str, language: Language) -> None:
        with self.database.transaction() as session:
            accounts.choose_language(session, user_id=user_id, language=language)

    async def lock(self, request: Request) -> Response:
        """Close the session of a shared desk; the sign-in afterwards returns to the page one was on."""
        visit = await self.light.visit(request)
        back = came_from(request)
        if not _is_own_form(visit.csrf, visit.form.get("csrf")):
            return RedirectResponse(back, 303)
        await anyio.to_thread.run_sync(self._close, visit.token)
        address = guard.sign_in_address(back)
        answer = RedirectResponse(f"{address}{'&' if '?' in address else '?'}locked=1", 303)
        answer.delete_cookie(guard.COOKIE, path="/")
        return answer

    def _close(self, token: str) -> None:
        with self.database.transaction() as session:
            accounts.close_session(session, token)


def _is_own_form(known: str, sent: object) -> bool:
    return bool(known) and sent == known


def came_from(request: Request) -> str:
    """The page that a form of the frame was sent from; the home page where that is not one of ours."""
    referer = request.headers.get("referer", "")
    address = "/" + referer.partition("://")[2].partition("/")[2]
    return address if guard.RETURN_TO.fullmatch(address) else "/"
