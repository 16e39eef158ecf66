"""Closures: what is closed, from when, who says so; what a new one would stop, before it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

import streamlit as st

from retorno import changes, clock
from retorno.changes import closed_road
from retorno.changes.closed_road import Foreseen
from retorno.labels import plural
from retorno.models.movements import Closure
from retorno.movements import movement_report
from retorno.situation import ground
from retorno.vocabulary import ClosureTarget
from ui import components, drawings, session
from ui.session import Visit, plain
from ui.views import closed_road as road
from ui.views.plan import crossing_text, map_crossing
from ui.views.plan.words import groups_text

TARGETS = (ClosureTarget.CROSSING, ClosureTarget.POST, ClosureTarget.PLACE, ClosureTarget.COUNTRY)


class Wanted(TypedDict):
    """What ``changes.close`` takes."""

    target: ClosureTarget
    target_id: str
    from_at: datetime
    until_at: datetime | None
    source: str


def show() -> None:
    """Closures in force, the map of crossings now, and a form to close something."""
    here = session.visit()
    components.title(here, "view.closures.title")
    chosen = session.parameter("closure")
    if chosen:
        road.show(here, chosen)
        return
    found = session.look(movement_report.closures)
    if not found:
        components.empty(here, "view.closures.empty")
    for closure in found:
        _closure(here, closure)
    _close(here, is_open=not found)
    _over(here)
    now = [each for each in session.look(movement_report.crossings_now) if each.is_drivable]
    words = {state: here.t(f"crossing.{state}") for state in ("open", "closed", "restricted")}
    st.vega_lite_chart(
        drawings.map_spec([map_crossing(here, each) for each in now], [], words=words, is_whole=True),
        width="stretch",
        alt=here.t("view.plan.map_alt"),
    )
    st.caption(here.t("light.attribution"))
    with st.expander(here.t("view.closures.all")):
        components.table(
            [here.t("column.crossing"), here.t("column.now")],
            [(session.named(each.crossing_id), crossing_text(here, each)) for each in now],
        )


def _closure(here: Visit, closure: Closure) -> None:
    with st.container(border=True):
        line, door = st.columns([6, 2])
        line.markdown(
            session.plain(
                here.t(
                    "view.closures.line",
                    what=road.what_closed(here, closure),
                    since=here.time(closure.from_at),
                    until=here.time(closure.until_at) if closure.until_at else here.t("view.closures.open_end"),
                    source=closure.source,
                )
            )
        )
        if door.button(here.t("view.closures.open"), key=f"closure.open.{closure.closure_id}", type="primary"):
            session.set_parameter("closure", closure.closure_id)
            st.rerun()


def _over(here: Visit) -> None:
    """Closures that are over, for whoever still waits because of them."""
    rows = session.look(closed_road.reopened)
    if not rows:
        return
    with st.expander(plural("view.closures.past", here.language, len(rows))):
        for closure in rows:
            words = here.t(
                "view.closures.past_line",
                what=road.what_closed(here, closure),
                time=here.time(closure.reopened_at or closure.from_at),
            )
            if st.button(words, key=f"closure.past.{closure.closure_id}"):
                session.set_parameter("closure", closure.closure_id)
                st.rerun()


def _targets(target: ClosureTarget) -> list[str]:
    facts = ground()
    match target:
        case ClosureTarget.CROSSING:
            return sorted((c.crossing_id for c in facts.crossings.values() if c.drivable), key=session.named)
        case ClosureTarget.POST:
            return sorted(facts.posts, key=session.named)
        case ClosureTarget.COUNTRY:
            return sorted(facts.countries, key=session.named)
        case _:
            return sorted([*facts.places, *facts.airports], key=session.named)


def _zone(here: Visit, target: ClosureTarget, target_id: str) -> str:
    """The clock of what closes; of the office for a whole country."""
    facts = ground()
    if target is ClosureTarget.CROSSING:
        return facts.crossings[target_id].posts[0].timezone
    where = facts.places.get(target_id) or facts.airports.get(target_id) or facts.posts.get(target_id)
    return where.timezone if where else here.zone_name


def _close(here: Visit, *, is_open: bool) -> None:
    now = clock.local(clock.now(), here.zone_name)
    with st.expander(here.t("view.closures.close"), expanded=is_open):
        first, second, third = st.columns(3)
        with first:
            target = components.choice(here, here.t("field.closure_target"), TARGETS, "closure", key="closure.target")
            target_id = st.selectbox(
                here.t("field.closure_what"),
                _targets(target),
                index=None,
                format_func=lambda each: session.named(each, here.language),
                placeholder=here.t("view.choose"),
                key=f"closure.id.{target}",
            )
        with second:
            day = components.day_field(here, "from_day", key="closure.day", value=f"{now:%d/%m/%Y}")
            at = st.text_input(
                here.t("field.from_time"), f"{now:%H:%M}", key="closure.at", help=here.t("help.place_time")
            )
        with third:
            end_day = components.day_field(here, "until_day", key="closure.end")
            end_at = st.text_input(here.t("field.until_time"), key="closure.end_at", placeholder="18:00")
        source = st.text_input(here.t("field.source"), key="closure.source", help=here.t("help.source"))
        if target_id is None or not source.strip():
            st.caption(here.t("view.closures.fill_first"))
            return

        def wanted() -> Wanted:
            zone = _zone(here, target, target_id)
            return {
                "target": target,
                "target_id": target_id,
                "from_at": components.parse_instant(day, at, zone, field="from_day"),
                "until_at": components.parse_instant(end_day, end_at or "23:59", zone, field="until_day")
                if end_day.strip()
                else None,
                "source": source,
            }

        would = session.tried(lambda db, actor: closed_road.foresee(db, actor, **wanted()))
        if would is not None:
            _would(here, would, wanted)


def _would(here: Visit, would: Foreseen, wanted: Callable[[], Wanted]) -> None:
    """What stops, how many people, who is told; then the button that closes."""
    st.header(here.t("view.closures.would"), anchor=False)
    if would.movements:
        facts = here.t(
            "view.closures.would_stop",
            movements=plural("view.cannot_go_on.movements", here.language, len(would.movements)),
            people=components.people_count(here, would.person_count),
            groups=groups_text(here, would.group_count),
        )
        st.warning(plain(facts))
        road.stopped_table(here, would.movements, "closure.would")
        road.told_lines(here, would.told)
    else:
        st.info(plain(here.t("view.closures.would_nothing")))
    session.act_button(
        plural("view.closures.do_stop", here.language, len(would.movements))
        if would.movements
        else here.t("view.closures.do"),
        "changes.closure",
        lambda db, actor: changes.close(db, actor, **wanted()),
        key="closure.do",
        primary=True,
        said=lambda made: components.effect_text(here, made[1]),
        after=lambda made: session.set_parameter("closure", made[0].closure_id),
    )
    st.caption(plain(here.t("view.closures.no_return")))
