"""Words and small parts that the views of the workbench share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TypeVar

import streamlit as st
from sqlmodel import Session

from retorno.errors import Fault, InputError
from retorno.labels import plural
from retorno.movements.movement_report import CrossingNow
from retorno.office.access import Actor
from retorno.plans.plan_figures import PostNow
from retorno.plans.plan_report import Change, Headline, PlanMovement, PlanRow
from retorno.plans.workbench import MoveRefused
from retorno.situation import ground
from retorno.vocabulary import Language, Mode
from ui import components, drawings, session
from ui.session import Visit

T = TypeVar("T")

_CARDS = """<style>
.rt-cards { display: flex; flex-wrap: wrap; gap: .7rem; margin: .3rem 0 .2rem; }
.rt-card { flex: 1 1 10.5rem; border: 1px solid #cfd6da; border-top: .28rem solid #0b5c7a; padding: .5rem .8rem .6rem;
  background: #fbfcfc; }
.rt-card.rt-warn { border-top-color: #a4262c; }
.rt-card.rt-calm { border-top-color: #8a9299; }
.rt-card span { display: block; color: #3d444a; font-size: .88rem; }
.rt-card b { display: block; font-size: 1.32rem; line-height: 1.35; color: #14191d; }
</style>"""

_SIGNS = """<style>
.rt-sign { margin-right: 1.1rem; white-space: nowrap; }
.rt-sign i { font-style: normal; margin-right: .35rem; }
</style>"""


def cards(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """A few figures side by side: what it is, the figure, what belongs to it, and ``warn``, ``calm`` or nothing."""
    parts = [
        f'<div class="rt-card{f" rt-{look}" if look else ""}"><span>{escape(head)}</span><b>{escape(figure)}</b>'
        f"<span>{escape(more)}</span></div>"
        for head, figure, more, look in rows
    ]
    st.html(f'{_CARDS}<div class="rt-cards">{"".join(parts)}</div>')


def groups_text(here: Visit, number: int) -> str:
    """Such as ``1 grupo``, ``28 grupos``."""
    return plural("view.groups", here.language, number)


def people_and_groups(here: Visit, count: tuple[int, int]) -> str:
    """Such as ``9 personas en 3 grupos``: never one of the two numbers alone."""
    return here.t(
        "view.plan.people_in_groups", people=components.people_count(here, count[0]), groups=groups_text(here, count[1])
    )


def plan_name(here: Visit, plan: PlanRow) -> str:
    """Days, state and time of a plan; a copy says that it is one."""
    last = plan.first_date.fromordinal(plan.first_date.toordinal() + plan.horizon_days - 1)
    status = here.t(f"status.plan.{plan.status.value}")
    if plan.is_hypothetical:
        status = here.t("view.plan.what_if_name", status=status)
    return here.t(
        "view.plan.name",
        first=components.day_text(plan.first_date),
        last=components.day_text(last),
        status=status,
        time=here.time(plan.created_at),
    )


def gap_text(here: Visit, gap: float | None) -> str:
    """The proven distance to the best plan, in words."""
    if gap is None:
        return here.t("view.plan.gap_unknown")
    if gap < 0.0005:
        return here.t("view.plan.gap_none")
    return here.t("view.plan.gap", percent=f"{100 * gap:.1f}".replace(".", "," if here.language != "en" else "."))


def money(cents: int) -> str:
    """Whole US dollars, with thin spaces between thousands."""
    return f"{round(cents / 100):,}\u00a0USD".replace(",", "\u202f")


def vehicle_name(here: Visit, row: PlanMovement) -> str:
    """Kind and name of what runs, such as ``Autobús INV-114``; from where it starts, while no plate is free for it."""
    kind = here.t(f"mode.{row.mode.value}")
    if row.vehicle_type:
        known = ground().vehicle_types.get(row.vehicle_type)
        if known is not None:
            kind = {Language.ES: known.name_es, Language.EN: known.name_en, Language.FR: known.name_fr}[here.language]
    if not row.name:
        return here.t("view.plan.no_plate", kind=kind, place=session.named(row.depot_place_id, here.language))
    return f"{kind} {row.name}"


def row_name(here: Visit, row: PlanMovement) -> str:
    """The same in the short form that stands at a row of the timeline."""
    if not row.name:
        return vehicle_name(here, row)
    return row.short_name


def carriers(here: Visit, names: Sequence[str]) -> str:
    """Every plate or flight of a journey once, in its order; in words where no plate is free."""
    return " + ".join(dict.fromkeys(name or here.t("view.plan.plateless") for name in names))


def is_air(row: PlanMovement) -> bool:
    """Whether people fly."""
    return row.mode in (Mode.FLIGHT, Mode.CHARTER)


def place_text(here: Visit, place_id: str) -> str:
    """A place by its name; an airport by its city and code, as a board of departures says it."""
    airport = ground().airports.get(place_id)
    return f"{airport.city.rsplit(', ', 1)[-1]} ({airport.iata})" if airport else session.named(place_id, here.language)


def way_text(here: Visit, start: str, end: str) -> str:
    """``Tapachula → Omoa``."""
    return f"{place_text(here, start)} → {place_text(here, end)}"


def signs(rows: Sequence[tuple[str, str, str]]) -> None:
    """What the signs of a picture mean: sign, its colour, words."""
    parts = [
        f'<span class="rt-sign"><i style="color:{color}" aria-hidden="true">{sign}</i>{escape(text)}</span>'
        for sign, color, text in rows
    ]
    st.html(f'{_SIGNS}<div class="rt-signs">{"".join(parts)}</div>')


def open_part(here: Visit, plan_id: str, part: str) -> None:
    """Show this part of this plan when the page is drawn next."""
    session.set_parameter("plan", plan_id)
    session.set_field(tab_key(here, plan_id), here.t(f"view.plan.tab.{part}"))


def tab_key(here: Visit, plan_id: str) -> str:
    """Key of the tabs of a plan; their words change with the language, so does the key."""
    return f"plan.tab.{plan_id}.{here.language.value}"


def told(here: Visit, work: Callable[[Session, Actor], T]) -> Callable[[Session, Actor], T]:
    """An edit whose refusal by the checker becomes sentences on the page."""

    def act(db: Session, actor: Actor) -> T:
        try:
            return work(db, actor)
        except MoveRefused as refused:
            if refused.findings:
                raise
            faults = [Fault(what=here.t(f"check.{code}"), column="") for code in refused.reasons]
            raise InputError(faults) from refused

    return act


def change_text(here: Visit, change: Change) -> str:
    """The change in words, with the places and the day it is about."""
    if change.code == "TRANSIT" and change.names[-1].startswith("not-"):
        # No country bars them: the trips that would serve were confirmed for other people only.
        return here.t("change.PROFILE", who=here.t(f"profile.{change.names[-1].removeprefix('not-')}"))
    names = []
    for name in change.names:
        first, _, last = name.partition(">")
        names.append(way_text(here, first, last) if last else session.named(first, here.language))
    return here.t(
        f"change.{change.code}",
        n=change.amount,
        first=names[0] if names else "",
        last=names[-1] if names else "",
        day=here.day(change.day) if change.day else "",
    ).strip()


def map_crossing(here: Visit, each: CrossingNow) -> drawings.MapCrossing:
    """A crossing as the map draws it; what is shut by hours only counts as restricted."""
    state = "open" if each.is_open else "closed" if each.is_closed_by_office else "restricted"
    return drawings.MapCrossing(
        crossing_id=each.crossing_id,
        name=session.named(each.crossing_id),
        state=state,
        text=crossing_text(here, each),
    )


def crossing_text(here: Visit, each: CrossingNow) -> str:
    """Whether a crossing may be passed now, in words."""
    if each.is_open:
        return here.t("crossing.now_open")
    return here.t("crossing.now_closed", why=here.t(f"closed_reason.{each.reason}"))


def post_text(here: Visit, each: PostNow) -> str:
    """One side of a crossing now, in words: until when it is open, or why not and when it opens."""
    if each.state == "open" and each.until_at is not None:
        return here.t("crossing.side_open", until=here.moment(each.until_at, each.post_id))
    why = here.t(f"closed_reason.{each.reason}")
    if each.until_at is not None:
        return here.t("crossing.side_adults", until=here.moment(each.until_at, each.post_id))
    if each.opens_at is not None:
        return here.t("crossing.side_later", why=why, opens=here.moment(each.opens_at, each.post_id))
    return here.t("crossing.now_closed", why=why)


def left_out_lines(here: Visit, found: Headline) -> list[str]:
    """Who does not go: could not be placed, and not ready; empty where everybody goes."""
    lines = []
    if found.left[0]:
        lines.append(here.t("view.plan.left_line", who=people_and_groups(here, found.left)))
    if found.not_ready[0]:
        lines.append(here.t("view.plan.not_ready_line", who=people_and_groups(here, found.not_ready)))
    return lines
