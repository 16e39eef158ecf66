"""The timeline: a row per vehicle or flight, days across, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import streamlit as st
from sqlmodel import Session

from retorno import clock
from retorno.office.access import Actor
from retorno.plans import plan_figures, plan_report
from retorno.plans.plan_report import PlanMovement
from retorno.situation import ground
from ui import charts, components, session
from ui.session import Visit
from ui.views.plan.words import is_air, place_text, row_name, signs, vehicle_name, way_text


def show(here: Visit, plan_id: str) -> None:
    """Picture and table of the days that are chosen."""

    def read(db: Session, actor: Actor) -> tuple[PlanMovement, ...]:
        return plan_report.movements(db, plan_report.open_plan(db, actor, plan_id=plan_id))

    found = session.look(read)
    if not found:
        components.empty(here, "view.plan.nobody")
        return
    bars, marks = drawn(here, found)
    days = sorted({bar.start.date() for bar in bars} | {bar.end.date() for bar in bars})
    first, last = _range(here, plan_id, days)
    office_id = here.office.home_place_id if here.office else ""
    nights = plan_figures.nights(office_id, first, last)
    st.vega_lite_chart(
        charts.timeline_spec(
            bars,
            marks,
            first=first,
            last=last,
            nights=nights,
            words={"title": here.t("view.plan.clock")},
        ),
        width="stretch",
        alt=here.t("view.plan.timeline_alt"),
    )
    colors = {"road": charts.BLUE, "air": charts.VIOLET, "rest": charts.SAND, "border": charts.RED, "stop": charts.INK}
    shapes = {"road": "▬", "air": "▬", "rest": "▮", "border": "◆", "stop": "○"}
    signs([(shapes[key], colors[key], here.t(f"view.plan.bar.{key}")) for key in shapes])
    st.caption(here.t("view.plan.timeline_caption", place=here.place_name))
    _table(here, [row for row in found if first <= _day(here, row) <= last])


def _range(here: Visit, plan_id: str, days: Sequence[date]) -> tuple[date, date]:
    """The days to look at; two handles, also by the arrow keys."""
    if len(days) < 2:
        return days[0], days[0]
    chosen = st.select_slider(
        here.t("view.plan.days_shown"),
        days,
        value=(days[0], days[-1]),
        format_func=here.day,
        key=f"plan.range.{plan_id}.{days[0]}.{days[-1]}",
    )
    return chosen[0], chosen[1]


def drawn(here: Visit, found: Sequence[PlanMovement]) -> tuple[list[charts.Bar], list[charts.Mark]]:
    """Bars and marks of every movement, roads first; each bar starts on the clock of the place it leaves."""
    bars: list[charts.Bar] = []
    marks: list[charts.Mark] = []
    for row in sorted(found, key=lambda each: (is_air(each), str(each.stops[0].depart_at))):
        name = row_name(here, row)
        zone_id = row.stops[0].place_id
        start, end = row.stops[0].depart_at, row.stops[-1].arrive_at
        if start is None or end is None:
            continue
        bars.append(
            charts.Bar(
                row=name,
                start=_local(here, start, zone_id),
                end=_local(here, end, zone_id),
                people=row.person_count,
                is_air=is_air(row),
                text=_bar_text(here, row, start, end),
            )
        )
        for stop in row.stops[1:-1]:
            if stop.arrive_at is not None:
                text = f"{place_text(here, stop.place_id)} {here.clock(stop.arrive_at, stop.place_id)}"
                marks.append(_mark(here, name, "stop", stop.arrive_at, stop.depart_at, zone_id, "", text))
        for first, until in row.rests:
            text = f"{here.t('view.plan.bar.rest')} {here.clock(first, zone_id)}"
            marks.append(_mark(here, name, "rest", first, until, zone_id, "", text))
        for border in row.borders:
            if border.at is not None:
                post = ground().crossings[border.crossing_id].posts[0]
                at = here.clock(border.at, post.post_id)
                text = f"{session.named(border.crossing_id, here.language)} {at}"
                marks.append(_mark(here, name, "border", border.at, border.at, zone_id, at.split(" ")[0], text))
    return bars, marks


def _mark(
    here: Visit, row: str, kind: str, start: datetime, end: datetime | None, zone_id: str, hour: str, text: str
) -> charts.Mark:
    first = _local(here, start, zone_id)
    last = _local(here, end, zone_id) if end is not None else first
    return charts.Mark(
        row=row, kind=kind, start=first, end=max(last, first + timedelta(minutes=1)), hour=hour, text=text
    )


def _bar_text(here: Visit, row: PlanMovement, start: datetime, end: datetime) -> str:
    first, last = row.stops[0].place_id, row.stops[-1].place_id
    return (
        f"{vehicle_name(here, row)}: {way_text(here, first, last)}, {here.clock(start, first)} – "
        f"{here.clock(end, last)}, {aboard_text(here, row)}"
    )


def aboard_text(here: Visit, row: PlanMovement) -> str:
    """People, and escorts where there are any."""
    people = components.people_count(here, row.person_count)
    return people + (f" + {here.t('view.plan.escorts', n=row.escort_count)}" if row.escort_count else "")


def _local(here: Visit, instant: datetime, place_id: str) -> datetime:
    """Local time of a place without its zone, so that the browser's zone never enters."""
    facts = ground()
    where = facts.places.get(place_id) or facts.airports.get(place_id)
    return clock.local(instant, where.timezone if where else here.zone_name).replace(tzinfo=None)


def _day(here: Visit, row: PlanMovement) -> date:
    start = row.stops[0].depart_at
    return _local(here, start, row.stops[0].place_id).date() if start else row.day


def _table(here: Visit, found: Sequence[PlanMovement]) -> None:
    """Every journey of the days shown, at most fifty rows at once."""
    components.table(
        [
            here.t("column.date"),
            here.t("column.vehicle"),
            here.t("column.stops"),
            here.t("column.borders"),
            here.t("column.rests"),
            here.t("column.people"),
        ],
        [
            (
                here.day(_day(here, row)),
                vehicle_name(here, row),
                "\n".join(_stop_lines(here, row)),
                "\n".join(_border_lines(here, row)),
                "\n".join(here.clock(start, row.stops[0].place_id) for start, _ in row.rests) or "–",
                f"{aboard_text(here, row)}\n"
                + here.t("view.plan.of_seats", used=row.person_count + row.escort_count, seats=row.seats),
            )
            for row in components.paged(found, here, "plan.journeys")
        ],
    )


def _stop_lines(here: Visit, row: PlanMovement) -> list[str]:
    lines = []
    for stop in row.stops:
        times = [here.clock(at, stop.place_id) for at in (stop.arrive_at, stop.depart_at) if at is not None]
        lines.append(f"{place_text(here, stop.place_id)} {' – '.join(times)}")
    return lines


def _border_lines(here: Visit, row: PlanMovement) -> list[str]:
    lines = []
    for border in row.borders:
        post = ground().crossings[border.crossing_id].posts[0]
        at = here.clock(border.at, post.post_id) if border.at else ""
        lines.append(f"{session.named(border.crossing_id, here.language)} {at}".strip())
    return lines or ["–"]
