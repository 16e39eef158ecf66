"""Plain server-made pages: the frame they share, sign-in, public check, "not found".

No script, no picture, at most 60 kB a page. The working day of posts, reception points and escorts stands in ``post``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlmodel import select
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from retorno import keyring, manifest
from retorno.database import Database
from retorno.labels import label
from retorno.models.office import LoginSession, Office, User
from retorno.office import access, accounts
from retorno.papers.seal import Verdict, verify_seal
from retorno.settings import Settings
from retorno.vocabulary import Language, Role
from ui import guard

TEMPLATES = Path(__file__).resolve().parent / "templates"
LIGHT_ROLES = (Role.BORDER_POST, Role.RECEPTION, Role.ESCORT)
"""Roles whose whole work is on these pages; everyone else goes on to the screens."""
LANGUAGE_COOKIE = "retorno_language"
LANGUAGE_NAMES = ((Language.ES, "Español"), (Language.EN, "English"), (Language.FR, "Français"))

COLONS = {Language.ES: ":", Language.EN: ":", Language.FR: "\u00a0:"}
"""A colon as each language sets it."""

_environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True
)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request: in which language, by whom, in which session."""

    request: Request
    language: Language
    user_id: str | None
    token: str
    row: LoginSession | None = None
    form: FormData = field(default_factory=FormData)

    @property
    def csrf(self) -> str:
        """The session's form token; empty without a session."""
        return self.row.csrf_token if self.row else ""


class Light:
    """The plain routes of one office."""

    def __init__(self, *, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.unknown_logins = accounts.UnknownLogins()

    def routes(self) -> list[Route]:
        """Every plain route; none of them collides with Streamlit's."""
        return [
            Route("/healthz", self.health, methods=["GET"]),
            Route("/assets/light.css", self.style, methods=["GET"]),
            Route("/login", self.login_page, methods=["GET"]),
            Route("/login", self.login, methods=["POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/verify", self.verify_page, methods=["GET", "POST"]),
            Route("/verify/{code}", self.verify_page, methods=["GET"]),
        ]

    async def visit(self, request: Request) -> Visit:
        """Read language, session and form of a request."""
        form = await request.form(max_files=0, max_fields=2000) if request.method == "POST" else FormData()
        token = guard.cookie_token(request.headers)
        return await anyio.to_thread.run_sync(self._visit, request, form, token)

    def _visit(self, request: Request, form: FormData, token: str) -> Visit:
        user_id = request.scope.get("retorno_user")
        with self.database.reading() as session:
            row = accounts.live_session(session, token) if user_id else None
            known = access.load_actor(session, user_id).language if user_id else None
        wanted = (
            request.query_params.get("lang")
            or str(form.get("lang") or "")
            or request.cookies.get(LANGUAGE_COOKIE)
            or known
            or request.headers.get("accept-language", "es")[:2]
        )
        language = Language(wanted) if wanted in set(Language) else Language.ES
        return Visit(request=request, language=language, user_id=user_id, token=token, row=row, form=form)

    def page(
        self,
        visit: Visit,
        template: str,
        *,
        status: int = 200,
        faults: Sequence[tuple[str, str]] = (),
        here: str = "",
        keep: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """A page in the visitor's language.

        Parameters
        ----------
        faults
            Everything that is wrong, each with the id of the field it is about; the first one gets the focus.
        here, keep
            Address of this page for the links to the other languages, with what has to stay in it.
        """

        def translate(key: str, /, **words: object) -> str:
            return label(key, visit.language, **words)

        html = _environment.get_template(template).render(
            t=translate,
            lang=visit.language.value,
            colon=COLONS[visit.language],
            languages=[(code.value, name) for code, name in LANGUAGE_NAMES],
            here=here or visit.request.url.path,
            keep="&" + urlencode(keep) if keep else "",
            csrf=visit.csrf,
            is_demo=self.is_demo(),
            faults=faults,
            focus=next((anchor for _, anchor in faults if anchor), ""),
            wrong={anchor for _, anchor in faults},
            **({"message": "", "is_warning": False} | values),
        )
        response = HTMLResponse(html, status_code=status)
        if visit.request.query_params.get("lang"):
            response.set_cookie(
                LANGUAGE_COOKIE, visit.language.value, max_age=31_536_000, httponly=True, samesite="strict"
            )
        return response

    def is_demo(self) -> bool:
        """Whether this is a demonstration office, which every page says."""
        with self.database.reading() as session:
            office = session.exec(select(Office).limit(1)).first()
            return office is not None and office.is_demo

    # ---- sign-in, health -------------------------------------------------------------------------------------

    async def health(self, _request: Request) -> Response:
        """Whether the office answers; says nothing else."""
        return PlainTextResponse("ok")

    async def style(self, _request: Request) -> Response:
        """The style sheet of the plain pages."""
        text = (TEMPLATES / "light.css").read_text(encoding="utf-8")
        return Response(text, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    async def login_page(self, request: Request) -> Response:
        """The sign-in form; whoever is signed in already is told so and can go on."""
        visit = await self.visit(request)
        signed_in = await anyio.to_thread.run_sync(self._login_of, visit.user_id) if visit.user_id else ""
        return self._login_page(visit, signed_in=signed_in)

    def _login_of(self, user_id: str) -> str:
        with self.database.reading() as session:
            return session.get_one(User, user_id).login

    def _login_page(
        self, visit: Visit, *, status: int = 200, login: str = "", fault: str = "", signed_in: str = ""
    ) -> Response:
        asked = visit.request.query_params
        back = guard.return_to(visit.form) or guard.return_to(asked)
        notes = [key for key in ("out", "locked", "unsaved") if key in asked]
        if back and not notes:
            notes = ["again"]
        return self.page(
            visit,
            "login.html",
            status=status,
            login=login,
            back=back,
            signed_in=signed_in,
            notes=[] if fault else [label(f"light.note.{key}", visit.language) for key in notes],
            faults=[(fault, "password")] if fault else [],
            here="/login",
            keep={"next": back} if back else None,
        )

    async def login(self, request: Request) -> Response:
        """Check login and password, open a session, go on to the user's own door."""
        visit = await self.visit(request)
        return await anyio.to_thread.run_sync(self._login, visit)

    def _login(self, visit: Visit) -> Response:
        name, password = str(visit.form.get("login") or ""), str(visit.form.get("password") or "")
        known = name.strip().casefold()
        with self.database.reading() as session:
            user = accounts.find_login(session, name)
            wait = accounts.wait_before_try(user) if user else self.unknown_logins.wait(known)
        if wait:
            return self._wait(visit, name, wait)
        is_right = accounts.verify_password(user.password_hash if user else None, password[:500])
        with self.database.transaction() as session:
            user = accounts.find_login(session, name)
            # Asked again where the try is counted: many tries at once do not slip past the wait.
            wait = accounts.wait_before_try(user)
            if wait:
                return self._wait(visit, name, wait)
            if user is None or not is_right:
                if user is None:
                    self.unknown_logins.record_failure(known)
                accounts.record_failure(session, user)
                fault = label("light.sign_in_failed", visit.language)
                return self._login_page(visit, status=401, login=name, fault=fault)
            if visit.token:  # One browser, one session: the one of before does not stay open behind this one.
                accounts.close_session(session, visit.token)
            opened = accounts.open_session(session, user)
            if visit.request.cookies.get(LANGUAGE_COOKIE) or visit.request.query_params.get("lang"):
                accounts.choose_language(session, user_id=user.user_id, language=visit.language)
            actor = access.load_actor(session, user.user_id)
        door = guard.return_to(visit.form) or "/"
        if actor.has(*LIGHT_ROLES) and not door.startswith("/post"):
            door = "/post"
        response = RedirectResponse(door, status_code=303)
        response.set_cookie(
            guard.COOKIE,
            opened.token,
            httponly=True,
            samesite="strict",
            secure=self.settings.scheme == "https",
            path="/",
        )
        return response

    def _wait(self, visit: Visit, name: str, wait: timedelta) -> Response:
        fault = label("light.sign_in_wait", visit.language, seconds=int(wait.total_seconds()) + 1)
        return self._login_page(visit, status=429, login=name, fault=fault)

    async def logout(self, request: Request) -> Response:
        """End the session on the server and in the browser."""
        visit = await self.visit(request)
        if visit.csrf and visit.form.get("csrf") == visit.csrf:
            await anyio.to_thread.run_sync(self._logout, visit.token)
        response = RedirectResponse("/login?out", status_code=303)
        response.delete_cookie(guard.COOKIE, path="/")
        return response

    def _logout(self, token: str) -> None:
        with self.database.transaction() as session:
            accounts.close_session(session, token)

    # ---- public check ------------------------------------------------------------------------------------------

    async def verify_page(self, request: Request) -> Response:
        """The public check of a manifest: valid, superseded or unknown; no names, nothing else."""
        visit = await self.visit(request)
        code = str(visit.form.get("code") or request.path_params.get("code") or "").strip()
        outcome = await anyio.to_thread.run_sync(self._verify, code) if code else ""
        faults = [(label("light.verify_empty", visit.language), "code")] if not code and "code" in visit.form else []
        return self.page(visit, "verify.html", outcome=outcome, faults=faults, here="/verify")

    def _verify(self, code: str) -> str:
        with self.database.reading() as session:
            found = verify_seal(
                code,
                keyring.public_keys(session),
                is_superseded=lambda seal: manifest.is_superseded(session, seal),
            )
        known = {Verdict.VALID: "valid", Verdict.SUPERSEDED: "superseded"}
        return known.get(found.verdict, "unknown")
