"""Who is here, in which language, on which database: the only user of ``st.session_state``.

Every run reads the cookie, the live session and the roles from the database again (I21); nothing about a person or a
right is remembered between two runs. ``do`` is the way to act, ``look`` and ``persons`` are the ways to read.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

import streamlit as st
import structlog
from babel import Locale
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from retorno import clock, intake
from retorno.database import Database
from retorno.errors import Fault, Inconsistent, InputError, NotAllowed, NotSaved, Refused, RetornoError, Stale
from retorno.labels import all_labels, clock_text, day_text, label, time_text
from retorno.models.office import FileToken, Office
from retorno.office import access, accounts, audit
from retorno.office.access import Actor
from retorno.rules import Finding
from retorno.situation import ground
from retorno.vocabulary import Language

COOKIE = "retorno_session"
FILE_MINUTES = 10
TOUCH_EVERY = timedelta(seconds=60)

T = TypeVar("T")
WhoIsHere = Callable[[Database], str | None]
_log = structlog.get_logger("retorno.ui")


# ---- the house -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _House:
    database: Database
    who: WhoIsHere


_house: _House | None = None


def configure(database: Database, *, who: WhoIsHere | None = None) -> None:
    """Name the database of this process; called once at start.

    Parameters
    ----------
    who
        Says whose run this is; by default the session cookie does. Tests name a user here: it is code of the
        process, nothing that a browser can send.
    """
    global _house
    _house = _House(database=database, who=who or _user_of_cookie)


def _database() -> Database:
    return _known_house().database


def _known_house() -> _House:
    if _house is None:
        raise Inconsistent("the screens have no database: call ui.session.configure at start")
    return _house


def _token() -> str:
    """The session token of the browser; empty where a test names the user: such a run has no browser."""
    return st.context.cookies.get(COOKIE, "") if _known_house().who is _user_of_cookie else ""


def _user_of_cookie(database: Database) -> str | None:
    with database.reading() as session:
        row = accounts.live_session(session, _token())
        return row.user_id if row else None


# ---- the visit -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One run of a page: who looks at it, for which office, in which language."""

    actor: Actor
    office: Office | None
    language: Language
    zone_name: str
    place_name: str
    is_demo: bool = False

    def t(self, key: str, /, **values: object) -> str:
        """The words for a key in the visitor's language."""
        return label(key, self.language, **values)

    def time(self, instant: datetime, place_id: str = "") -> str:
        """Place-local time with its zone; of the office's own place where none is named."""
        zone_name, name = self._where(place_id)
        return time_text(instant, zone_name, self.language, place=name)

    def moment(self, instant: datetime, place_id: str) -> str:
        """As ``time``, where the place is named beside it: day, time and zone."""
        return time_text(instant, self._where(place_id)[0], self.language)

    def clock(self, instant: datetime, place_id: str = "") -> str:
        """As ``time``, without the day: ``14:05 (UTC−6)``."""
        return clock_text(instant, self._where(place_id)[0])

    def day(self, day: date) -> str:
        """A day with the month in words."""
        return day_text(day, self.language)

    def _where(self, place_id: str) -> tuple[str, str]:
        facts = ground()
        where = facts.places.get(place_id) or facts.airports.get(place_id) or facts.posts.get(place_id)
        return (where.timezone, where.name) if where else (self.zone_name, self.place_name)


def visit() -> Visit:
    """Who is here now; without a live session the run ends with the way to sign in."""
    house = _known_house()
    user_id = house.who(house.database)
    if user_id is None:
        _stop_signed_out()
    try:
        with house.database.reading() as session:
            actor = access.load_actor(session, user_id or "")
            office = session.get(Office, actor.office_id) if actor.office_id else None
            # Consulates belong to no office: they see the clock and the DEMO line of the one they work with.
            nearest = office or session.exec(select(Office).order_by(Office.office_id).limit(1)).first()
    except NotAllowed:
        _stop_signed_out()
    home = ground().places.get(nearest.home_place_id) if nearest else None
    remember("language", actor.language)
    return Visit(
        actor=actor,
        office=office,
        language=actor.language,
        zone_name=home.timezone if home else "UTC",
        place_name=home.name if home else "",
        is_demo=nearest is not None and nearest.is_demo,
    )


def _stop_signed_out() -> None:
    language = recall("language", Language.ES)
    st.warning(label("view.session_over", language))
    st.link_button(label("light.sign_in", language), "/login", type="primary")
    st.stop()


def stay_signed_in() -> None:
    """Note that the user is active, at most once a minute; called by the frame, never by a page that polls."""
    now = clock.now()
    if recall("touched", now - 2 * TOUCH_EVERY) + TOUCH_EVERY > now or not _token():
        return
    remember("touched", now)
    with _database().transaction() as session:
        accounts.touch_session(session, _token())


def form_token() -> str:
    """What the forms of the frame carry, so that only a page of this session can send them; empty in tests."""
    token = _token()
    if not token:
        return ""
    with _database().reading() as session:
        row = accounts.live_session(session, token)
        return row.csrf_token if row else ""


# ---- what a browser tab remembers ----------------------------------------------------------------------------


def remember(name: str, value: Any) -> None:
    """Keep a choice of this tab: an id, a date, a language; never a right and never a person's record."""
    st.session_state[f"_{name}"] = value


def recall(name: str, default: Any = None) -> Any:
    """A choice of this tab."""
    return st.session_state.get(f"_{name}", default)


def forget(*names: str) -> None:
    """Forget choices of this tab."""
    for name in names:
        st.session_state.pop(f"_{name}", None)


def field_value(key: str, default: Any = None) -> Any:
    """What stands in a field of the page by its key."""
    return st.session_state.get(key, default)


def set_field(key: str, value: Any) -> None:
    """Fill a field before it is drawn."""
    st.session_state[key] = value


def clear_fields(prefix: str) -> None:
    """Empty every field whose key starts with ``prefix``."""
    for key in [key for key in st.session_state if str(key).startswith(prefix)]:
        del st.session_state[key]


def enter_page(name: str) -> None:
    """Note which page is open; readings are logged again when a page is opened anew."""
    if recall("page") != name:
        remember("page", name)
        forget("read")


def parameter(name: str) -> str:
    """A part of the address that names a record, such as ``?case=C-…``; empty if there is none."""
    return str(st.query_params.get(name, ""))


def set_parameter(name: str, value: str) -> None:
    """Put the chosen record into the address, so that a reload finds it again."""
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


# ---- reading -------------------------------------------------------------------------------------------------


def look(work: Callable[[Session, Actor], T]) -> T:
    """Read what names no person; what is missing or not the actor's ends the run with the one sentence for both."""
    try:
        with _database().reading() as session:
            return work(session, access.load_actor(session, visit().actor.user_id))
    except RetornoError as problem:
        show_problem(problem, "read")
        st.stop()
        raise


def tried(work: Callable[[Session, Actor], T]) -> T | None:
    """As ``look``, where a problem is said on the page and the rest of the page goes on; ``None`` then."""
    try:
        with _database().reading() as session:
            return work(session, access.load_actor(session, visit().actor.user_id))
    except RetornoError as problem:
        show_problem(problem, "read")
        return None


class _ReadBefore(Exception):
    """Takes back the log entry of a reading that this opening of the page has logged already."""


def persons(act: str, work: Callable[[Session, Actor], T], ids: Callable[[T], Iterable[str]]) -> T:
    """Read rows that name people; logged once per opening of the page and set of ids, before they are shown.

    Parameters
    ----------
    act
        As in the access matrix; the log entry names it, where ``work`` does not log by itself.
    work
        The read function of a stage.
    ids
        Whom the answer names.
    """
    found: list[T] = []
    try:
        with _reading_persons() as (session, actor):
            before = audit.last_sequence(session)
            found.append(work(session, actor))
            named = tuple(sorted(set(ids(found[0]))))
            key = (act, named)
            seen: set[Any] = recall("read", set())
            if key in seen:
                session.expunge_all()  # a roll-back would empty the very rows that the page shows
                raise _ReadBefore
            if named and audit.last_sequence(session) == before:
                shown = ",".join(named)
                audit.append(
                    session, actor, act=act, object_kind="page", object_id="", outcome="read", ids={"ids": shown}
                )
        remember("read", seen | {key})
    except _ReadBefore:
        pass  # The same rows, the same opening: logged before, so nothing is written.
    except RetornoError as problem:
        show_problem(problem, act)
        st.stop()
    return found[0]


@contextmanager
def _reading_persons() -> Iterator[tuple[Session, Actor]]:
    with _database().transaction() as session:
        yield session, access.load_actor(session, visit().actor.user_id)


# ---- acting --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Done(Generic[T]):
    """An act that was done, with what it gave."""

    value: T


def do(act: str, work: Callable[[Session, Actor], T], *, object_id: str = "") -> Done[T] | None:
    """One act in one transaction; a refusal becomes sentences on the page and gives ``None``."""
    try:
        with access.acting(_database(), visit().actor.user_id, act, object_id) as (session, actor):
            return Done(value=work(session, actor))
    except RetornoError as problem:
        show_problem(problem, act)
    except IntegrityError:
        # The database's own second line: the records moved between reading and writing.
        show_problem(Stale("the records changed meanwhile"), act)
    return None


def act_button(
    text: str,
    act: str,
    work: Callable[[Session, Actor], T],
    *,
    key: str,
    said: str | Callable[[T], str] = "",
    after: Callable[[T], None] | None = None,
    object_id: str = "",
    primary: bool = False,
    disabled: bool = False,
    shortcut: str | None = None,
) -> None:
    """A button that does one act once: a second click on the same drawing of it does nothing.

    Parameters
    ----------
    said
        The sentence shown on top after the act, or how to make it from what the act gave.
    after
        What to choose next, such as the record just made.
    """
    count = recall(f"spent.{key}", 0)
    is_clicked = st.button(
        text,
        key=f"{key}.{count}",
        type="primary" if primary else "secondary",
        disabled=disabled,
        shortcut=shortcut,
    )
    if not is_clicked:
        return
    done = do(act, work, object_id=object_id)
    if done is None:
        return
    remember(f"spent.{key}", count + 1)
    say(said(done.value) if callable(said) else said)
    if after is not None:
        after(done.value)
    st.rerun()


def say(text: str) -> None:
    """A sentence for the top of the next page."""
    if text:
        remember("said", [*recall("said", []), text])


def said() -> list[str]:
    """The sentences that wait for the top of the page; each is shown once."""
    texts: list[str] = recall("said", [])
    forget("said")
    return texts


# ---- problems as sentences -----------------------------------------------------------------------------------


def show_problem(problem: RetornoError, act: str) -> None:
    """Say what is wrong, where, and what would be right; names and causes never stand in it."""
    language = recall("language") or visit().language
    match problem:
        case Refused():
            show_findings(problem.findings, language)
        case InputError():
            lines = [fault_text(fault, language) for fault in problem.faults]
            st.error("\n".join(f"- {plain(line)}" for line in [*dict.fromkeys(lines)]))
        case NotAllowed():
            st.error(label(_known_key(f"view.not_allowed.{act}", "light.not_found"), language))
        case NotSaved():
            st.error(label("error.not_saved", language))
        case Stale():
            st.error(label(_known_key(f"view.stale.{act}", "view.stale"), language))
        case _:
            number = secrets.token_hex(4)
            _log.error("inconsistent", error_id=number, act=act, kind=type(problem).__name__)
            st.error(label("view.inconsistent", language, number=number))


def show_findings(findings: Iterable[Finding], language: Language) -> None:
    """Each finding as its sentence, what would change it, and who can."""
    rows = [finding_text(found, language) for found in findings]
    if not rows:
        st.error(label("view.refused_empty", language))
        return
    st.error("\n".join(f"- **{plain(what)}** {plain(now)} _({plain(who)})_" for what, now, who in dict.fromkeys(rows)))


def finding_text(found: Finding, language: Language) -> tuple[str, str, str]:
    """Sentence, what would change it, and who can."""
    params = {key: named(value, language) for key, value in found.label_params.items()}
    return (
        label(found.label_key, language, **params),
        label(found.now_key, language),
        label(f"role.{found.who.value}", language),
    )


def named(reference: str, language: Language = Language.ES) -> str:
    """The name of a place, post, crossing or country where a reference is one; else the reference itself."""
    facts = ground()
    where = facts.places.get(reference) or facts.airports.get(reference) or facts.posts.get(reference)
    if where is not None:
        return where.name
    if reference in facts.crossings:
        return " / ".join(post.name for post in facts.crossings[reference].posts)
    if reference in facts.countries:
        return str(Locale(language.value).territories.get(reference, reference))
    return reference


def fault_text(fault: Fault, language: Language) -> str:
    """A fault in the visitor's words: where, and what would be right."""
    where = []
    if fault.row is not None:
        where.append(label("view.row", language, n=fault.row))
    if fault.column:
        column_key = f"field.{fault.column}"
        where.append(label(column_key, language) if column_key in all_labels() else fault.column)
    what = fault_words(fault, language)
    return f"{', '.join(where)}: {what}" if where else what


def fault_words(fault: Fault, language: Language) -> str:
    """What is wrong and what would be right; the stage's own words where the code has none."""
    code_key = f"fault.{fault.code}"
    if code_key not in all_labels():
        return fault.what
    words = label(code_key, language)
    # What the general words cannot say: which character at which place, which other row.
    marks = [" ".join(part for part in found if part) for found in _MARKS.findall(fault.what)]
    return f"{words} ({', '.join(marks)})" if marks else words


_MARKS = re.compile(r"(U\+[0-9A-F]{4,6})(?: at position (\d+))?|(?:\brow|\bperson) (\d+)")


def local_time(instant: datetime, zone_name: str, language: Language) -> str:
    """Place-local time with its zone, where only the zone is known."""
    return time_text(instant, zone_name, language)


def _known_key(key: str, otherwise: str) -> str:
    return key if key in all_labels() else otherwise


def has_words(key: str) -> bool:
    """Whether there are words for a key."""
    return key in all_labels()


def plain(text: str) -> str:
    """A text as it is, inside Markdown: nothing in it is taken for markup."""
    return "".join("\\" + char if char in "\\`*_{}[]()<>#+-.!|~$:&" else char for char in text)


def run_page(page: Any) -> None:
    """Draw a page; what nobody foresaw becomes a sentence with a number that the log has too."""
    try:
        page.run()
    except Exception as problem:
        number = secrets.token_hex(4)
        _log.exception("page failed", error_id=number, page=page.url_path, kind=type(problem).__name__)
        st.error(label("view.inconsistent", visit().language, number=number))


# ---- files ---------------------------------------------------------------------------------------------------


def file_link(kind: str, object_id: str, text: str) -> None:
    """A link to one download, good for this user and a few minutes; the route logs and serves it.

    Parameters
    ----------
    kind
        ``manifest_pdf``, ``manifest_xlsx``, ``itinerary_pdf``, ``consent_pdf``, ``import_template``, ``import_faults``,
        ``import_faults_csv``.
    object_id
        What to print, as the kind needs it.
    """
    st.link_button(text, f"/files/{_file_token(kind, object_id)}")


def _file_token(kind: str, object_id: str) -> str:
    """The token of this tab for a file: the last one while it is unused and fresh, else a new one."""
    name, now = f"file.{kind}.{object_id}", clock.now()
    token = recall(name, "")
    with _database().transaction() as session:
        row = session.get(FileToken, accounts.token_sha256(token)) if token else None
        if row is not None and row.used_at is None and row.expires_at > now + timedelta(minutes=2):
            return str(token)
        token = secrets.token_urlsafe(32)
        session.add(
            FileToken(
                token_sha256=accounts.token_sha256(token),
                user_id=visit().actor.user_id,
                kind=kind,
                object_id=object_id,
                created_at=now,
                expires_at=now + timedelta(minutes=FILE_MINUTES),
            )
        )
    remember(name, token)
    return token


# ---- half-filled forms ------------------------------------------------------------------------------------------


def draft_values(form: str, draft_id: str = "") -> dict[str, Any]:
    """What is saved of a form, by field."""
    saved = look(lambda session, actor: intake.load_draft(session, actor, form=form, object_id=draft_id))
    return {field: json.loads(value) for field, value in saved.items()}


def is_draft_open(form: str, draft_id: str = "") -> bool:
    """Whether this window fills the form already; a draft of before is asked for first, never just restored."""
    return bool(recall(f"draft.{form}.{draft_id}", False))


def open_draft(form: str, draft_id: str = "") -> None:
    """Fill the form in this window from now on."""
    remember(f"draft.{form}.{draft_id}", True)


def show_field(key: str, stored: Any) -> None:
    """Put what is saved into a field that is about to be drawn; what is typed here and not saved yet stays."""
    seen: dict[str, Any] = recall("draft.seen", {})
    if key not in st.session_state:
        if stored is not None:
            st.session_state[key] = stored
        seen[key] = stored
    elif seen.get(key) != stored and st.session_state[key] == seen.get(key):
        st.session_state[key] = stored
        seen[key] = stored
    remember("draft.seen", seen)


def note_field(form: str, draft_id: str, field: str, key: str) -> None:
    """Know which draft a field on the page belongs to."""
    fields: dict[str, tuple[str, str, str]] = recall("draft.fields", {})
    fields[key] = (form, draft_id, field)
    remember("draft.fields", fields)


def save_missed(prefix: str) -> None:
    """Save what stands in the fields of a form and was not saved when they were left.

    A field that is left while the run of the one before still goes on may be overtaken in the middle of its saving.
    """
    seen, waiting = recall("draft.seen", {}), recall("draft.waiting", {})
    fields: dict[str, tuple[str, str, str]] = recall("draft.fields", {})
    for key, where in list(fields.items()):
        if not key.startswith(prefix) or key not in st.session_state or key in recall("draft.clashes", {}):
            continue
        if key in waiting or (st.session_state[key] or None) != (seen.get(key) or None):
            save_field(*where, key)


def save_field(form: str, draft_id: str, field: str, key: str) -> None:
    """Save one field as it is left, and those that could not be saved before; called by the field itself."""
    open_draft(form, draft_id)
    waiting: dict[str, tuple[str, str, str]] = recall("draft.waiting", {})
    waiting[key] = (form, draft_id, field)
    for each, where in list(waiting.items()):
        if _save_one(each, *where):
            del waiting[each]
    remember("draft.waiting", waiting)


def set_draft(form: str, draft_id: str, values: dict[str, Any]) -> None:
    """Save fields that the page itself fills, and show them in their places."""
    open_draft(form, draft_id)

    def work(session: Session, actor: Actor) -> None:
        for field, value in values.items():
            intake.save_draft_field(
                session, actor, form=form, object_id=draft_id, field=field, value=json.dumps(value, ensure_ascii=False)
            )

    if do("intake.draft", work) is not None:
        remember("saved_at", clock.now())


def _save_one(key: str, form: str, draft_id: str, field: str) -> bool:
    """Save a field; false if it has to be tried again."""
    seen: dict[str, Any] = recall("draft.seen", {})
    value, before = st.session_state.get(key), seen.get(key)
    saved = do(
        "intake.draft",
        lambda session, actor: intake.save_draft_field(
            session,
            actor,
            form=form,
            object_id=draft_id,
            field=field,
            value=json.dumps(value, ensure_ascii=False, default=str),
            seen=None if before is None else json.dumps(before, ensure_ascii=False, default=str),
            is_checked=True,
        ),
    )
    if saved is None:
        return False
    clashes: dict[str, Any] = recall("draft.clashes", {})
    if saved.value.is_saved:
        clashes.pop(key, None)
        seen[key] = value
        remember("draft.seen", seen)
        remember("saved_at", clock.now())
    else:
        clashes[key] = json.loads(saved.value.value or "null")
    remember("draft.clashes", clashes)
    return True


def unsaved_fields() -> list[str]:
    """Fields whose last value could not be saved; it stands on this page only."""
    return [field for _, _, field in recall("draft.waiting", {}).values()]


def clashes(prefix: str) -> dict[str, Any]:
    """Fields, by key, that another window of the user changed meanwhile, with the value there."""
    return {key: value for key, value in recall("draft.clashes", {}).items() if key.startswith(prefix)}


def settle_clash(form: str, draft_id: str, field: str, key: str, *, keep_mine: bool) -> None:
    """Take one of two values for a field; called by a button."""
    other = recall("draft.clashes", {}).pop(key, None)
    seen: dict[str, Any] = recall("draft.seen", {})
    seen[key] = other
    remember("draft.seen", seen)
    if keep_mine:
        save_field(form, draft_id, field, key)
    else:
        st.session_state[key] = other


def drop_draft(form: str, draft_id: str = "", *, key: str = "") -> None:
    """Forget what was saved of a form, and empty it; ``key`` begins the keys of its fields."""
    do("intake.draft", lambda session, actor: intake.drop_draft(session, actor, form=form, object_id=draft_id))
    forget_fields(f"{key or form}.")
    open_draft(form, draft_id)


def forget_fields(prefix: str) -> None:
    """Empty every field whose key begins with ``prefix``, with what this window knows of it."""
    clear_fields(prefix)
    for name in ("draft.seen", "draft.waiting", "draft.clashes"):
        remember(name, {key: value for key, value in recall(name, {}).items() if not key.startswith(prefix)})
    forget("saved_at")


# ---- the pages of this visit ------------------------------------------------------------------------------------

_PAGES = "pages"


def know_pages(pages: dict[str, Any]) -> None:
    """Note the pages of this visit, so that a view can point to another."""
    remember(_PAGES, pages)


def page(name: str) -> Any:
    """A page that this visitor may open, for a link; ``None`` if there is none."""
    return recall(_PAGES, {}).get(name)


def page_names() -> list[str]:
    """Names of the pages that this visitor may open, in the order of the menu."""
    return list(recall(_PAGES, {}))


def link_to(name: str, text: str, *, parameters: dict[str, str] | None = None) -> None:
    """A link to another page, where this visitor may open it; ``parameters`` name the record it shall show."""
    target = page(name)
    if target is not None:
        st.page_link(target, label=text, query_params=parameters)


def go_to(name: str, **parameters: str) -> None:
    """Open another page, with the record it shall show."""
    target = page(name)
    if target is not None:
        st.switch_page(target, query_params=parameters)
