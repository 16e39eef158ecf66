"""What several views share: tables to read, dates to type, finding lists, people, the frame of a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from html import escape
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st
from babel import Locale
from sqlmodel import Session

from retorno import clock
from retorno.changes import Effect
from retorno.errors import Fault, InputError
from retorno.labels import all_labels, clock_text, label, plural
from retorno.models.people import PersonBase
from retorno.office.access import Actor
from retorno.routes.tables import Ground
from retorno.rules import Finding
from retorno.situation import ground
from retorno.vocabulary import Language, Role
from ui import session
from ui.session import Visit, finding_text, plain

T = TypeVar("T")

LANGUAGE_NAMES = {Language.ES: "Español", Language.EN: "English", Language.FR: "Français"}
CONTACT_LANGUAGES = tuple(
    "es en fr pt ht ar bn hi am zh he ru uk so sw fa ps ur ne vi uz tr ln wo quc mam kek nah miq cab".split()
)
"""Languages to choose from; the last six are K'iche', Mam, Q'eqchi', Nahuatl, Miskito and Garifuna."""
PAGE_ROWS = 50
_REFERENCE = re.compile(r"[A-Z0-9]+-[A-Z0-9-]+")

DRAFT_PAGES = ("intake",)
"""Pages whose fields are saved as they are left: the frame says so."""


# ---- the frame -----------------------------------------------------------------------------------------------


def frame(here: Visit, page: str = "") -> None:
    """What stands on top of every page: office, role, place-local time, what is saved, language, help, lock, way out.

    Parameters
    ----------
    page
        Name of the page below, for its help and for what is said about saving.
    """
    roles = ", ".join(
        here.t(f"role.{grant.role.value}") + (f" {session.named(grant.scope, here.language)}" if grant.scope else "")
        for grant in here.actor.grants
    )
    office = here.office.name if here.office else here.actor.organisation
    at = clock.local(clock.now(), here.zone_name)
    utc = clock_text(clock.now(), here.zone_name).partition("(")[2].rstrip(")")
    facts = [
        f'<strong class="rt-demo">{escape(here.t("light.demo"))}</strong>' if here.is_demo else "",
        f"<b>{escape(office)}</b>",
        f"<span>{escape(roles)}</span>",
        f'<span class="rt-now" data-at="{at:%H:%M}"><time>{at:%H:%M}</time> {escape(here.place_name)} ({utc})</span>',
        _saved(here, page),
    ]
    token = escape(session.form_token(), quote=True)
    st.html(
        f'<div class="rt-frame" role="region" aria-label="{escape(here.t("frame.about"))}" '
        f'data-lang="{here.language.value}">{"".join(facts)}<span class="rt-tools">'
        f"{_languages(here, token)}"
        f"{_help(here, page)}"
        f"{_way_out(here, token, action='/lock', key='frame.lock', hint='frame.lock_hint')}"
        f"{_way_out(here, token, action='/logout', key='light.sign_out', hint='')}</span></div>"
    )
    for text in session.said():
        st.success(plain(text))


def _saved(here: Visit, page: str) -> str:
    """When the fields of this page were last saved, or that they are not; empty on pages without fields to save."""
    if page not in DRAFT_PAGES:
        return ""
    not_saved = here.t("frame.not_saved")
    if session.unsaved_fields():
        return f'<span class="rt-saved rt-not" role="status">{escape(not_saved)}</span>'
    at = session.recall("saved_at")
    words = here.t("view.saved", t=f"{clock.local(at, here.zone_name):%H:%M}") if at is not None else ""
    return f'<span class="rt-saved" role="status" data-unsaved="{escape(not_saved)}">{escape(words)}</span>'


def _languages(here: Visit, token: str) -> str:
    here_is = ' aria-current="true"'
    # The page's cleaner of HTML drops a name that a form has of its own, such as "lang".
    buttons = "".join(
        f'<button name="choice" value="{code.value}" lang="{code.value}" title="{name}" aria-label="{name}"'
        f"{here_is if code is here.language else ''}>{code.value.upper()}</button>"
        for code, name in LANGUAGE_NAMES.items()
    )
    return (
        f'<form method="post" action="/language" aria-label="{escape(here.t("light.language"))}">'
        f'<input type="hidden" name="csrf" value="{token}">{buttons}</form>'
    )


def _help(here: Visit, page: str) -> str:
    """Help of this page, in a window of its own: what is typed here and not saved yet stays.

    The page's cleaner of HTML drops ``target``: our script sets it where ``data-new`` stands.
    """
    address = escape(f"/help?{urlencode({'page': page})}")
    words, hint = escape(here.t("view.help")), escape(here.t("frame.new_window"))
    if page == "help":
        return f'<a href="{address}">{words}</a>'
    return f'<a href="{address}" data-new="1" title="{hint}" aria-label="{words} ({hint})">{words}</a>'


def _way_out(here: Visit, token: str, *, action: str, key: str, hint: str) -> str:
    about = f' title="{escape(here.t(hint))}"' if hint else ""
    return (
        f'<form method="post" action="{action}"><input type="hidden" name="csrf" value="{token}">'
        f"<button{about}>{escape(here.t(key))}</button></form>"
    )


def title(here: Visit, key: str) -> None:
    """The job of the page, in words."""
    st.title(here.t(key), anchor=False)


# ---- tables and empty lists -------------------------------------------------------------------------------------


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "", numbers: str = "") -> None:
    """A plain table to read; names stay byte-exact and stand in their own direction.

    Parameters
    ----------
    columns
        Headings in the visitor's language.
    numbers
        One character a column, ``n`` where it holds numbers; empty for none.
    """

    def kind(index: int) -> str:
        return ' class="n"' if numbers[index : index + 1] == "n" else ""

    head = "".join(f'<th scope="col"{kind(i)}>{escape(text)}</th>' for i, text in enumerate(columns))
    body = "".join(
        "<tr>" + "".join(f'<td{kind(i)} dir="auto">{_cell(value)}</td>' for i, value in enumerate(row)) + "</tr>"
        for row in rows
    )
    about = f"<caption>{escape(caption)}</caption>" if caption else ""
    st.html(
        f'<div class="rt-scroll"><table class="rt">{about}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    lines = [escape(line) for line in str("" if value is None else value).split("\n")]
    # A reference is read out on the phone: it is not broken at its hyphen.
    return "<br>".join(f'<span class="ref">{line}</span>' if _REFERENCE.fullmatch(line) else line for line in lines)


def empty(here: Visit, key: str) -> None:
    """An empty list: what it means, and the next step."""
    st.html(f'<div class="rt-empty"><b>{escape(here.t(f"{key}"))}</b>{escape(here.t(f"{key}.next"))}</div>')


def paged(rows: Sequence[T], here: Visit, key: str) -> Sequence[T]:
    """At most fifty rows, with the pages to choose from below the heading."""
    if len(rows) <= PAGE_ROWS:
        return rows
    pages = (len(rows) + PAGE_ROWS - 1) // PAGE_ROWS
    chosen = st.selectbox(
        here.t("view.page"),
        range(pages),
        format_func=lambda n: f"{n * PAGE_ROWS + 1}–{min(len(rows), (n + 1) * PAGE_ROWS)} / {len(rows)}",
        key=f"{key}.page",
    )
    return rows[chosen * PAGE_ROWS : (chosen + 1) * PAGE_ROWS]


# ---- what people type -----------------------------------------------------------------------------------------


def parse_day(text: str, *, field: str) -> date | None:
    """A typed date: ``dd/mm/aaaa``, day first, or ``aaaa-mm-dd``; ``None`` where nothing is typed.

    Raises
    ------
    InputError
        If it is no date, with an example of one.
    """
    parts = text.strip().replace("-", "/").replace(".", "/").split("/")
    if parts == [""]:
        return None
    if len(parts) == 3 and all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        first, month, last = (int(part) for part in parts)
        day, year = (last, first) if len(parts[0].strip()) == 4 else (first, last)
        if year >= 1900 and (len(parts[0].strip()) == 4 or len(parts[2].strip()) == 4):
            try:
                return date(year, month, day)
            except ValueError:
                pass  # Such as 31/02/2027: the same fault as any other text that is no date.
    raise InputError([Fault(column=field, code="NO_DATE", what="expected a date such as 09/03/2027")])


def parse_clock(text: str, *, field: str) -> time:
    """A typed time of day, 24 hours, such as ``14:05`` (``InputError`` if it is none)."""
    hours, _, minutes = text.strip().partition(":")
    if hours.isdigit() and minutes.isdigit() and len(minutes) == 2 and int(hours) < 24 and int(minutes) < 60:
        return time(int(hours), int(minutes))
    raise InputError([Fault(column=field, code="NO_CLOCK", what="expected a time such as 14:05")])


def parse_instant(day: str, at: str, zone_name: str, *, field: str) -> datetime:
    """A typed place-local day and time as an instant (``InputError`` names the part that is wrong)."""
    on = parse_day(day, field=field)
    if on is None:
        raise InputError([Fault(column=field, code="EMPTY", what="empty, expected a date such as 09/03/2027")])
    return clock.instant_of(datetime.combine(on, parse_clock(at, field=field)), zone_name)


def needed(text: str, *, field: str) -> str:
    """What was typed or chosen (``InputError`` if nothing was)."""
    if not text.strip():
        raise InputError([Fault(column=field, code="EMPTY", what="empty, expected a value")])
    return text


def needed_day(text: str, *, field: str) -> date:
    """As ``parse_day``, where a date has to be typed."""
    day = parse_day(text, field=field)
    if day is None:
        raise InputError([Fault(column=field, code="EMPTY", what="empty, expected a date such as 09/03/2027")])
    return day


def read_all(readers: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Every field of a form read at once; all faults are gathered into one ``InputError``."""
    values: dict[str, T] = {}
    faults: list[Fault] = []
    for name, reader in readers.items():
        try:
            values[name] = reader()
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return values


def day_field(here: Visit, field: str, *, key: str, value: str = "", help_key: str = "") -> str:
    """A date to type, day first."""
    return str(
        st.text_input(
            here.t(f"field.{field}"),
            value=value,
            key=key,
            placeholder=here.t("view.date_format"),
            help=here.t(help_key) if help_key else None,
        )
    )


def day_text(day: date | None) -> str:
    """A date as it is typed: ``09/03/2027``."""
    return day.strftime("%d/%m/%Y") if day else ""


def country_field(here: Visit, text: str, *, key: str, codes: Sequence[str] = (), value: str = "") -> str:
    """A country by its name in the visitor's language."""
    known = sorted(codes or ground().countries, key=lambda code: session.named(code, here.language))
    return str(
        st.selectbox(
            text,
            known,
            index=known.index(value) if value in known else None,
            format_func=lambda code: session.named(code, here.language),
            key=key,
            placeholder=here.t("view.choose"),
        )
        or ""
    )


def language_name(code: str, language: Language) -> str:
    """Name of a language; the code where nobody has given it a name."""
    key = f"language.{code}"
    if key in all_labels():
        return label(key, language)
    return str(Locale(language.value).languages.get(code, code))


def choice(here: Visit, text: str, codes: Sequence[T], prefix: str, *, key: str, index: int | None = 0) -> T:
    """One of a closed list, shown by its label; ``None`` until something is chosen where ``index`` is none."""
    chosen: Any = st.selectbox(
        text,
        codes,
        index=index,
        format_func=lambda code: here.t(f"{prefix}.{code}"),
        key=key,
        placeholder=here.t("view.choose"),
    )
    return chosen  # type: ignore[no-any-return]


# ---- places -------------------------------------------------------------------------------------------------


def all_destinations(facts: Ground, language: Language) -> list[str]:
    """Where a journey may end in any country: places that receive people first, then airports, by country and name."""
    ends = [place_id for place_id in facts.reception if place_id in facts.places]
    airports = [airport_id for airport_id in facts.airports if airport_id not in ends]
    by_name = {each: destination_name(each, language, is_country_first=True) for each in [*ends, *airports]}
    return [*sorted(ends, key=by_name.__getitem__), *sorted(airports, key=by_name.__getitem__)]


def destination_name(place_id: str, language: Language, *, is_country_first: bool = False) -> str:
    """Such as ``Omoa (Honduras)`` or ``Kabul KBL (Afganistán)``: found by either word."""
    facts = ground()
    place, airport = facts.places.get(place_id), facts.airports.get(place_id)
    if place is not None:
        name, country = place.name, place.country
    elif airport is not None:
        name, country = f"{airport.city.rsplit(', ', 1)[-1]} {airport.iata}", airport.country
    else:
        return place_id
    named = session.named(country, language)
    return f"{named} {name}" if is_country_first else f"{name} ({named})"


# ---- people and findings -----------------------------------------------------------------------------------------


def full_name(person: PersonBase) -> str:
    """Given and family names as they are written."""
    return f"{person.given_names} {person.family_names}".strip()


def isolated(name: str) -> str:
    """A name inside a sentence, in its own direction; for the eye only, never stored."""
    return f"\u2068{name}\u2069"


def age_text(person: PersonBase, day: date) -> str:
    """Age on a day, or as declared."""
    if person.birth_date is not None and person.birth_date <= day:
        return str(clock.age_on(person.birth_date, day))
    return "" if person.declared_age is None else f"≈ {person.declared_age}"


def people_count(here: Visit, number: int) -> str:
    """Such as ``1 persona``, ``5 personas``."""
    return plural("view.people", here.language, number)


def findings(here: Visit, found: Sequence[Finding], names: Mapping[str, str] | None = None) -> None:
    """Findings as a table: what, what would change it, who can."""
    rows = []
    for each in found:
        what, now, who = finding_text(each, here.language)
        for reference, name in (names or {}).items():
            what = what.replace(reference, f"{name} ({reference})")
        rows.append((what, now, who))
    table([here.t("column.finding"), here.t("column.what_now"), here.t("column.who")], list(dict.fromkeys(rows)))


def danger(
    here: Visit,
    ask: str,
    facts: str,
    do: str,
    act: str,
    work: Callable[[Session, Actor], T],
    *,
    key: str,
    said: str | Callable[[T], str] = "",
    after: Callable[[T], None] | None = None,
    primary: bool = False,
) -> None:
    """An act that cannot be undone: first the question with its facts, then the button that names the act."""
    is_asked = session.recall(f"asked.{key}", False)
    if not is_asked:
        if st.button(ask, key=f"{key}.ask", type="primary" if primary else "secondary"):
            session.remember(f"asked.{key}", True)
            st.rerun()
        return
    with st.container(border=True):
        st.warning(plain(facts))
        yes, no, _ = st.columns([2, 2, 4])

        def finish(value: T) -> None:
            session.forget(f"asked.{key}")
            if after is not None:
                after(value)

        with yes:
            session.act_button(do, act, work, key=key, said=said, after=finish, primary=True)
        if no.button(here.t("view.cancel"), key=f"{key}.no"):
            session.forget(f"asked.{key}")
            st.rerun()


def is_role(here: Visit, *roles: Role) -> bool:
    """Whether a part of a page is for this visitor."""
    return here.actor.has(*roles)


# ---- what an act did ------------------------------------------------------------------------------------------


def effect_text(here: Visit, effect: Effect) -> str:
    """What a change did, in one sentence; never why."""
    parts = [here.t("effect.recorded")]
    for key, number in (
        ("effect.groups", len(effect.groups)),
        ("effect.superseded", len(effect.superseded)),
        ("effect.voided", len(effect.voided)),
        ("effect.cancelled", len(effect.cancelled)),
    ):
        if number:
            parts.append(plural(key, here.language, number))
    return " ".join(parts)
