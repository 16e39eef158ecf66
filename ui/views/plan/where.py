"""The map: borders on each side as they are now, rides with head counts, one day or all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

import streamlit as st
from sqlmodel import Session

from retorno.office.access import Actor
from retorno.plans import plan_figures, plan_report
from retorno.plans.plan_figures import PostNow
from retorno.plans.plan_report import PlanMovement
from retorno.situation import ground
from ui import components, drawings, session
from ui.session import Visit
from ui.views.plan.words import is_air, post_text, signs, way_text


def show(here: Visit, plan_id: str) -> None:
    """Map, and beside it who rides where; below it the borders, side by side."""

    def read(db: Session, actor: Actor) -> tuple[tuple[PlanMovement, ...], tuple[PostNow, ...]]:
        found = plan_report.movements(db, plan_report.open_plan(db, actor, plan_id=plan_id))
        return found, plan_figures.posts_now(db, actor, plan_figures.crossings_near(found))

    found, posts = session.look(read)
    if not found:
        components.empty(here, "view.plan.nobody")
        return
    chosen = _day(here, plan_id, sorted({row.day for row in found}))
    shown = [row for row in found if chosen is None or row.day == chosen]
    used = {border.crossing_id for row in found for border in row.borders}
    picture, table = st.columns([5, 3], gap="medium")
    with picture:
        st.vega_lite_chart(
            drawings.map_spec(
                [_side(here, post, used) for post in posts],
                rides(here, shown),
                words={state: here.t(f"crossing.{state}_word") for state in ("open", "closed", "restricted")},
                is_whole=False,
            ),
            width="stretch",
            alt=here.t("view.plan.map_alt"),
        )
        signs(
            [
                ("●", drawings.OPEN, here.t("crossing.open_word")),
                ("⊘", drawings.CLOSED, here.t("crossing.closed_word")),
                ("△", drawings.OTHER, here.t("crossing.restricted_word")),
                ("━", drawings.ROAD, here.t("view.plan.bar.road")),
                ("╍", drawings.AIR, here.t("view.plan.bar.air")),
            ]
        )
        st.caption(f"{here.t('view.plan.map_caption')} {here.t('light.attribution')}")
    with table:
        _corridors(here, shown, chosen)
    _borders(here, posts, used)


def _day(here: Visit, plan_id: str, days: Sequence[date]) -> date | None:
    """The day to show, or all; a slider with a button for the day before and after."""
    key = f"plan.map.{plan_id}"
    options = [None, *days]
    now = session.field_value(key)
    index = options.index(now) if now in options else 0

    def go(by: int) -> None:
        session.set_field(key, options[index + by])

    before, slider, after = st.columns([1.4, 7, 1.4], vertical_alignment="bottom")
    before.button(
        here.t("view.plan.previous"), key=f"{key}.before", disabled=index == 0, on_click=go, args=(-1,), width="stretch"
    )
    after.button(
        here.t("view.plan.following"),
        key=f"{key}.after",
        disabled=index == len(options) - 1,
        on_click=go,
        args=(1,),
        width="stretch",
    )
    chosen: date | None = slider.select_slider(
        here.t("view.plan.map_day"),
        options,
        format_func=lambda day: here.day(day) if day else here.t("view.plan.all_days"),
        key=key,
    )
    return chosen


def rides(here: Visit, found: Sequence[PlanMovement]) -> list[drawings.MapRide]:
    """The same way by the same borders is one ride, with everybody on it."""
    people: dict[tuple[tuple[str, ...], bool], int] = defaultdict(int)
    for row in found:
        people[_waypoints(row), is_air(row)] += row.person_count
    return [
        drawings.MapRide(
            waypoints=waypoints,
            person_count=count,
            is_air=flies,
            text=f"{way_text(here, waypoints[0], waypoints[-1])}: {components.people_count(here, count)}",
        )
        for (waypoints, flies), count in people.items()
    ]


def _waypoints(row: PlanMovement) -> tuple[str, ...]:
    """Stops and borders in the order of the clock; borders without an hour are left out."""
    timed = [(stop.depart_at or stop.arrive_at, stop.place_id) for stop in row.stops]
    timed += [(border.at, border.crossing_id) for border in row.borders if border.at is not None]
    return tuple(waypoint for _, waypoint in sorted(timed, key=lambda each: str(each[0])))


def _side(here: Visit, post: PostNow, used: set[str]) -> drawings.MapCrossing:
    return drawings.MapCrossing(
        crossing_id=post.crossing_id,
        post_id=post.post_id,
        name=_side_name(here, post),
        state=post.state,
        text=post_text(here, post),
        is_used=post.crossing_id in used,
    )


def _side_name(here: Visit, post: PostNow) -> str:
    known = ground().posts[post.post_id]
    return f"{known.name} ({session.named(known.country, here.language)})"


def _corridors(here: Visit, found: Sequence[PlanMovement], day: date | None) -> None:
    people: dict[tuple[str, str, bool], int] = defaultdict(int)
    for row in found:
        people[row.stops[0].place_id, row.stops[-1].place_id, is_air(row)] += row.person_count
    rows = sorted(people.items(), key=lambda each: (-each[1], each[0]))
    components.table(
        [here.t("column.corridor"), here.t("column.way"), here.t("column.people")],
        [
            (way_text(here, start, end), here.t(f"view.plan.way.{'air' if flies else 'road'}"), count)
            for (start, end, flies), count in components.paged(rows, here, "plan.corridors")
        ],
        caption=here.day(day) if day else here.t("view.plan.all_days"),
        numbers="  n",
    )


def _borders(here: Visit, posts: Sequence[PostNow], used: set[str]) -> None:
    """The crossings of the plan with both sides; the others between the same countries on demand."""
    st.header(here.t("view.plan.crossings_now"), anchor=False)
    _border_table(here, [post for post in posts if post.crossing_id in used], "used")
    others = [post for post in posts if post.crossing_id not in used]
    if others:
        panel = st.expander(here.t("view.plan.crossings_others", n=len(others) // 2), on_change="rerun")
        if panel.open:
            with panel:
                _border_table(here, others, "others")


def _border_table(here: Visit, posts: Sequence[PostNow], key: str) -> None:
    sides: dict[str, list[PostNow]] = defaultdict(list)
    for post in posts:
        sides[post.crossing_id].append(post)
    if not sides:
        components.empty(here, "view.plan.loads.crossing_none")
        return
    components.table(
        [here.t("column.crossing"), here.t("column.side"), here.t("column.now")],
        [
            (
                session.named(crossing_id, here.language),
                "\n".join(session.named(ground().posts[post.post_id].country, here.language) for post in both),
                "\n".join(f"{here.t(f'crossing.{post.state}_word')}: {post_text(here, post)}" for post in both),
            )
            for crossing_id, both in components.paged(list(sides.items()), here, f"plan.borders.{key}")
        ],
    )
