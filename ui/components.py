"""What several views share: tables to read, dates to type, finding lists, people, the frame of a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from html import escape
from typing import Any, TypeVar

import streamlit as st
from babel import Locale
from sqlmodel import Session

from retorno import clock
from retorno.changes import Effect
from retorno.errors import Fault, InputError
from retorno.labels import all_labels, label, plural
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

_STYLE = """<style>
[data-testid="InputInstructions"], [data-testid="stStatusWidget"], [data-testid="stAppDeployButton"],
[data-testid="stHeaderActionElements"] { display: none; }
h1 { font-size: 1.9rem !important; }
h2 { font-size: 1.35rem !important; }
h3 { font-size: 1.2rem !important; }
[data-testid="stPageLink"] a { text-decoration: underline; }
.block-container { padding-top: 2.6rem; padding-bottom: 4rem; max-width: 78rem; }
[data-testid="stSidebarContent"] { padding-top: .5rem; }
.rt-demo { background: #fff3c4; color: #3b2f00; border-left: .4rem solid #b58900; padding: .35rem .8rem;
  font-weight: 600; }
.rt-frame { color: #333; font-size: .92rem; padding-top: .45rem; }
.rt-frame b { color: #111; }
table.rt { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .2rem 0 .6rem; }
table.rt caption { text-align: left; font-weight: 600; padding: .2rem 0 .35rem; color: #222; }
table.rt th { text-align: left; border-bottom: 2px solid #7a7a7a; padding: .35rem .7rem .35rem 0;
  vertical-align: bottom; font-weight: 600; }
table.rt td { border-bottom: 1px solid #dcdcdc; padding: .38rem .7rem .38rem 0; vertical-align: top;
  text-align: left; }
table.rt td.n, table.rt th.n { text-align: right; padding-right: 1.2rem; font-variant-numeric: tabular-nums; }
.ref { white-space: nowrap; }
.rt-empty { border: 1px dashed #9a9a9a; padding: .9rem 1.1rem; color: #333; margin: .3rem 0 .8rem; }
.rt-empty b { display: block; }
[data-testid="stFileUploaderDropzoneInstructions"] { display: none; }
[data-testid="stFileUploaderDropzone"] button[data-testid="stBaseButton-secondary"] > * { display: none; }
[data-testid="stFileUploaderDropzone"] button[data-testid="stBaseButton-secondary"]::after {
  content: "CHOOSE"; font-size: 1rem; }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
</style>"""


# ---- the frame -----------------------------------------------------------------------------------------------


def frame(here: Visit) -> None:
    """What stands on top of every page: office, role, place-local time, language, the way out, what was just done."""
    st.html(_STYLE.replace("CHOOSE", here.t("view.choose_file")))
    if here.is_demo:
        st.html(f'<div class="rt-demo" role="note">{escape(here.t("light.demo"))}</div>')
    about, language, out = st.columns([6, 2, 1.2], vertical_alignment="center")
    roles = ", ".join(
        here.t(f"role.{grant.role.value}") + (f" {session.named(grant.scope, here.language)}" if grant.scope else "")
        for grant in here.actor.grants
    )
    at = clock.local(clock.now(), here.zone_name)
    offset = at.strftime("%z")
    now = f"{at:%H:%M} {here.place_name} (UTC{offset[0].replace('-', '−')}{int(offset[1:3])})".replace("  ", " ")
    office = here.office.name if here.office else here.actor.organisation
    about.html(
        f'<div class="rt-frame"><b>{escape(office)}</b> · {escape(here.actor.display_name)}, {escape(roles)}'
        f" · {escape(now)}</div>"
    )
    chosen = language.selectbox(
        here.t("light.language"),
        list(LANGUAGE_NAMES),
        index=list(LANGUAGE_NAMES).index(here.language),
        format_func=lambda code: LANGUAGE_NAMES[code],
        key="frame.language",
        label_visibility="collapsed",
    )
    if chosen is not here.language:
        session.choose_language(chosen)
        st.rerun()
    if out.button(here.t("light.sign_out"), key="frame.out", width="stretch"):
        session.sign_out()
        st.rerun()
    for text in session.said():
        st.success(plain(text))


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
    st.html(f'<table class="rt">{about}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


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


def destinations(facts: Ground, country: str) -> list[str]:
    """Where a journey to a country may end: its reception places, or its airports."""
    places = [place_id for place_id in facts.reception if facts.places.get(place_id)]
    own = [place_id for place_id in places if facts.places[place_id].country == country]
    own += [airport.airport_id for airport in facts.airports.values() if airport.country == country]
    return sorted(own, key=session.named)


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


# ---- forms that are saved field by field --------------------------------------------------------------------------


class Form:
    """A form whose fields are saved on the server as they are left; a reload or a cut line loses nothing.

    Parameters
    ----------
    name
        Name of the draft; the key of every field starts with it.
    """

    def __init__(self, here: Visit, name: str) -> None:
        self.here = here
        self.name = name

    def key(self, field: str) -> str:
        """Key of a field on the page."""
        return f"{self.name}.{field}"

    def _saving(self, field: str) -> dict[str, Any]:
        key = self.key(field)
        return {"key": key, "on_change": session.save_field, "args": (self.name, key)}

    def _label(self, field: str) -> str:
        return self.here.t(f"field.{field.rsplit('.', 1)[-1]}")

    def text(self, field: str, *, help_key: str = "", placeholder: str = "") -> str:
        """A line of text."""
        return str(
            st.text_input(
                self._label(field),
                help=self.here.t(help_key) if help_key else None,
                placeholder=placeholder or None,
                **self._saving(field),
            )
            or ""
        )

    def area(self, field: str, *, help_key: str = "") -> str:
        """Several lines of text."""
        about = self.here.t(help_key) if help_key else None
        return str(st.text_area(self._label(field), height=90, help=about, **self._saving(field)) or "")

    def day(self, field: str) -> str:
        """A date, day first."""
        return self.text(field, placeholder=self.here.t("view.date_format"))

    def choose(
        self, field: str, codes: Sequence[str], words: Callable[[str], str], *, help_key: str = "", text: str = ""
    ) -> str | None:
        """One of a list; nothing is chosen beforehand."""
        chosen = st.selectbox(
            text or self._label(field),
            codes,
            index=None,
            format_func=words,
            placeholder=self.here.t("view.choose"),
            help=self.here.t(help_key) if help_key else None,
            **self._saving(field),
        )
        return None if chosen is None else str(chosen)

    def country(self, field: str) -> str | None:
        """A country by its name."""
        language = self.here.language
        codes = sorted(ground().countries, key=lambda code: session.named(code, language))
        return self.choose(field, codes, lambda code: session.named(code, language))

    def tick(self, field: str, *, help_key: str = "") -> bool:
        """Yes or no."""
        about = self.here.t(help_key) if help_key else None
        return bool(st.checkbox(self._label(field), help=about, **self._saving(field)))

    def number(self, field: str, low: int, high: int) -> int | None:
        """A whole number; empty for none."""
        value = st.number_input(self._label(field), low, high, value=None, step=1, **self._saving(field))
        return None if value is None else int(value)

    def restore(self) -> None:
        """Ask whether a half-filled form of before shall come back; while that is open nothing else is drawn."""
        found = session.offer_draft(self.name)
        if not found:
            return
        st.info(self.here.t("view.draft_found"))
        yes, no, _ = st.columns([2, 2, 4])
        if yes.button(self.here.t("view.draft_restore"), type="primary", key=f"{self.name}-restore"):
            session.restore_draft(self.name, found)
            st.rerun()
        if no.button(self.here.t("view.draft_drop"), key=f"{self.name}-drop"):
            session.drop_draft(self.name)
            st.rerun()
        st.stop()

    def saved_line(self) -> None:
        """When the form was last saved."""
        at = session.recall("saved_at")
        if at is not None:
            st.caption(self.here.t("view.saved", t=self.here.clock(at)))


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
