"""The plan workbench: ask for a plan, watch it, read it, accept it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import streamlit as st
from sqlmodel import Session

from retorno import clock, movement_report, plan_report, planning, readiness
from retorno.errors import Fault, InputError
from retorno.labels import all_labels, plural
from retorno.models.movements import Plan
from retorno.movement_report import CrossingNow
from retorno.office.access import Actor
from retorno.plan_report import Change, PlanMovement, PlanReport, UnplannedGroup
from retorno.situation import ground
from retorno.vocabulary import PlanStatus
from ui import components, drawings, session
from ui.session import Visit, plain

LONGEST_DAYS, LONGEST_SECONDS = planning.LONGEST_PLAN_DAYS, planning.LONGEST_RUN_SECONDS


def show() -> None:
    """Start a plan, or open one."""
    here = session.visit()
    components.title(here, "view.plan.title")
    found = session.look(planning.plans)
    _start(here, is_open=not found)
    if not found:
        components.empty(here, "view.plan.empty")
        return
    chosen = _choose(here, found)
    st.divider()
    if chosen.status is PlanStatus.RUNNING:
        _running(here, chosen)
    elif chosen.status is PlanStatus.FAILED:
        st.error(here.t("view.plan.failed"))
        _discard(here, chosen)
    else:
        _read(here, chosen)


# ---- asking ----------------------------------------------------------------------------------------------------


def _start(here: Visit, *, is_open: bool) -> None:
    today = clock.today(here.zone_name)
    with st.expander(here.t("view.plan.new"), expanded=is_open):
        first, days, seconds = st.columns(3)
        with first:
            day = components.day_field(
                here, "first_date", key="plan.first", value=components.day_text(today + timedelta(days=3))
            )
        horizon = days.number_input(here.t("field.days"), 1, LONGEST_DAYS, 14, key="plan.days")
        limit = seconds.number_input(
            here.t("field.seconds"), 1, LONGEST_SECONDS, 30, key="plan.seconds", help=here.t("view.plan.seconds_help")
        )
        groups = session.look(lambda db, actor: readiness.ready_groups(db, actor, on_date=today + timedelta(days=7)))
        seated = session.look(planning.seated_groups)
        ready = {group.group_id: group for group in groups if group.is_ready and group.group_id not in seated}
        chosen = st.multiselect(
            here.t("field.groups"),
            list(ready),
            format_func=lambda each: f"{ready[each].case_reference} ({len(ready[each].person_ids)})",
            placeholder=here.t("view.plan.all_ready", n=len(ready)),
            key="plan.groups",
        )

        def begin(db: Session, actor: Actor) -> Plan:
            first_date = components.parse_day(day, field="first_date")
            if first_date is None:
                raise InputError([Fault(column="first_date", code="NO_DATE", what="expected a date")])
            return planning.start(
                db, actor, first_date=first_date, days=int(horizon), group_ids=chosen, seconds=int(limit)
            )

        session.act_button(
            here.t("view.plan.find"),
            "planning.start",
            begin,
            key="plan.start",
            primary=True,
            said=here.t("view.plan.started"),
            after=lambda made: session.set_parameter("plan", made.plan_id),
        )


def _choose(here: Visit, found: Sequence[Plan]) -> Plan:
    by_id = {plan.plan_id: plan for plan in found}
    wanted = session.parameter("plan")
    index = list(by_id).index(wanted) if wanted in by_id else 0
    chosen = st.selectbox(
        here.t("view.plan.which"),
        list(by_id),
        index=index,
        format_func=lambda plan_id: _name(here, by_id[plan_id]),
        # The words of a run change while its choice does not: a new key draws them anew.
        key=f"plan.which.{wanted}.{by_id[list(by_id)[index]].status.value}",
    )
    if chosen != wanted:
        session.set_parameter("plan", chosen)
    return by_id[chosen]


def _name(here: Visit, plan: Plan) -> str:
    last = plan.first_date + timedelta(days=plan.horizon_days - 1)
    return here.t(
        "view.plan.name",
        first=components.day_text(plan.first_date),
        last=components.day_text(last),
        status=here.t(f"status.plan.{plan.status.value}"),
        time=here.time(plan.created_at),
    )


# ---- while it runs ----------------------------------------------------------------------------------------------


def _running(here: Visit, plan: Plan) -> None:
    @st.fragment(run_every=2)
    def watch() -> None:
        now = session.look(lambda db, actor: plan_report.progress(db, actor, plan_id=plan.plan_id))
        if now is None:
            st.rerun()
            return
        if now.is_waiting:
            st.info(here.t("view.plan.waiting"))
        else:
            share = min(1.0, now.seconds / max(1, now.seconds_limit))
            st.progress(
                share,
                text=here.t("view.plan.time", now=f"{now.seconds:.0f}", limit=now.seconds_limit),
            )
            if now.persons:
                st.markdown(
                    f"**{plain(here.t('view.plan.placed', planned=now.persons_planned, persons=now.persons))}**  \n"
                    f"{plain(gap_text(here, now.gap))}"
                )
            else:
                st.markdown(plain(here.t("view.plan.gathering")))
        if now.is_stopping:
            st.info(here.t("view.plan.stopping"))

    watch()
    st.caption(here.t("view.plan.leave"))
    with st.container(horizontal=True):
        session.act_button(
            here.t("view.plan.stop"),
            "planning.start",
            lambda db, actor: planning.stop(db, actor, plan_id=plan.plan_id),
            key=f"plan.stop.{plan.plan_id}",
        )
        _discard(here, plan)


def gap_text(here: Visit, gap: float | None) -> str:
    """The proven distance to the best plan, in words."""
    if gap is None:
        return here.t("view.plan.gap_unknown")
    if gap < 0.0005:
        return here.t("view.plan.gap_none")
    return here.t("view.plan.gap", percent=f"{100 * gap:.1f}".replace(".", "," if here.language != "en" else "."))


def _discard(here: Visit, plan: Plan) -> None:
    components.danger(
        here,
        here.t("view.plan.discard"),
        here.t("view.plan.discard_facts"),
        here.t("view.plan.discard"),
        "planning.start",
        lambda db, actor: planning.discard(db, actor, plan_id=plan.plan_id),
        key=f"plan.discard.{plan.plan_id}",
        said=here.t("view.plan.discarded"),
        after=lambda _: session.set_parameter("plan", ""),
    )


# ---- reading ----------------------------------------------------------------------------------------------------


def _read(here: Visit, plan: Plan) -> None:
    found = session.look(lambda db, actor: plan_report.report(db, actor, plan_id=plan.plan_id))
    _summary(here, found)
    if plan.status is PlanStatus.DRAFT:
        _accept(here, found)
    journeys, why, chart, where, loads = st.tabs(
        [
            here.t("view.plan.tab.movements"),
            f"{here.t('view.plan.tab.why')} ({len(found.unplanned)})",
            here.t("view.plan.tab.timeline"),
            here.t("view.plan.tab.map"),
            here.t("view.plan.tab.loads"),
        ]
    )
    with journeys:
        _movements(here, found)
    with why:
        _why_not(here, found)
    with chart:
        _timeline(here, found)
    with where:
        _map(here, found)
    with loads:
        _loads(here, found)


def _summary(here: Visit, found: PlanReport) -> None:
    going, waiting, cost, verdict = st.columns(4)
    going.metric(here.t("view.plan.going"), f"{found.persons_planned} / {found.persons}")
    waiting.metric(here.t("view.plan.not_planned"), found.persons - found.persons_planned)
    cost.metric(here.t("view.plan.cost"), money(found.components.get("cost", 0)))
    verdict.metric(here.t("view.plan.check"), here.t("view.plan.check_ok" if found.is_valid else "view.plan.check_bad"))
    st.markdown(plain(gap_text(here, found.gap)))
    if found.fairness:
        with st.expander(here.t("view.plan.fairness")):
            components.table(
                [
                    here.t("column.nationality"),
                    here.t("column.people"),
                    here.t("view.plan.going"),
                    here.t("column.p90"),
                ],
                [
                    (session.named(row.nationality, here.language), row.person_count, row.planned_count, row.p90_days)
                    for row in found.fairness
                ],
                caption=here.t("view.plan.fairness_caption"),
                numbers=" nnn",
            )
    parts = [(key, cents) for key, cents in found.components.items() if cents and f"cost.{key}" in all_labels()]
    if parts:
        with st.expander(here.t("view.plan.cost_parts")):
            components.table(
                [here.t("column.what"), here.t("view.plan.cost")],
                [(here.t(f"cost.{key}"), money(cents)) for key, cents in parts],
                numbers=" n",
            )


def money(cents: int) -> str:
    """Whole US dollars, with thin spaces between thousands."""
    return f"{round(cents / 100):,} USD".replace(",", "\u202f")


def _accept(here: Visit, found: PlanReport) -> None:
    if not found.persons_planned:
        return

    def said(done: planning.Accepted) -> str:
        text = plural("view.plan.accepted", here.language, len(done.movement_ids))
        return text + (" " + plural("view.plan.dropped", here.language, len(done.dropped)) if done.dropped else "")

    with st.container(horizontal=True):
        components.danger(
            here,
            here.t("view.plan.accept"),
            here.t(
                "view.plan.accept_facts",
                people=components.people_count(here, found.persons_planned),
                n=len(found.movements),
            ),
            here.t("view.plan.accept"),
            "planning.accept",
            lambda db, actor: planning.accept(db, actor, plan_id=found.plan.plan_id),
            key=f"plan.accept.{found.plan.plan_id}",
            said=said,
            primary=True,
        )
        _discard(here, found.plan)


def _movements(here: Visit, found: PlanReport) -> None:
    if not found.movements:
        components.empty(here, "view.plan.nobody")
        return
    days: dict[date, list[PlanMovement]] = defaultdict(list)
    for movement in found.movements:
        days[movement.day].append(movement)
    for day, rows in days.items():
        components.table(
            [
                here.t("column.vehicle"),
                here.t("column.stops"),
                here.t("column.borders"),
                here.t("column.people"),
                here.t("column.seats"),
            ],
            [
                (
                    vehicle_name(here, row),
                    "\n".join(_stop_line(here, row)),
                    "\n".join(_border_line(here, row)),
                    row.person_count,
                    row.seats,
                )
                for row in rows
            ],
            caption=here.day(day),
            numbers="   nn",
        )


def vehicle_name(here: Visit, row: PlanMovement) -> str:
    """Kind and name of what runs, such as ``Autobús V-12``."""
    return f"{here.t(f'mode.{row.mode.value}')} {row.name}"


def _stop_line(here: Visit, row: PlanMovement) -> list[str]:
    lines = []
    for stop in row.stops:
        times = [here.clock(at, stop.place_id) for at in (stop.arrive_at, stop.depart_at) if at is not None]
        lines.append(f"{session.named(stop.place_id, here.language)} {' – '.join(times)}")
    return lines


def _border_line(here: Visit, row: PlanMovement) -> list[str]:
    lines = []
    for border in row.borders:
        post = ground().crossings[border.crossing_id].posts[0]
        at = here.clock(border.at, post.post_id) if border.at else ""
        lines.append(f"{session.named(border.crossing_id, here.language)} {at}".strip())
    return lines or ["–"]


# ---- why not ------------------------------------------------------------------------------------------------------


def _why_not(here: Visit, found: PlanReport) -> None:
    if not found.unplanned:
        components.empty(here, "view.plan.all_planned")
        return
    for group in components.paged(found.unplanned, here, "plan.why"):
        with st.container(border=True):
            head, door = st.columns([7, 1.6])
            head.markdown(
                plain(
                    here.t(
                        "view.plan.why_head",
                        case=group.case_reference,
                        people=components.people_count(here, group.person_count),
                        days=plural("view.days", here.language, group.days_waiting),
                        place=session.named(group.destination_place_id, here.language),
                    )
                )
            )
            if door.button(here.t("view.open_case"), key=f"plan.case.{group.group_id}"):
                session.go_to("intake", case=group.case_id)
            _reasons(here, group)


def _reasons(here: Visit, group: UnplannedGroup) -> None:
    for reason in group.reasons:
        st.markdown(f"- {plain(here.t(f'reason.plan.{reason}'))}")
    if group.changes:
        changes = "; ".join(change_text(here, change) for change in group.changes)
        st.markdown(
            f"**{plain(here.t('view.plan.smallest', changes=changes))}** _({plain(here.t('role.coordinator'))})_"
        )
    elif group.reasons:
        st.markdown(f"**{plain(here.t('view.plan.no_change'))}** _({plain(here.t('role.coordinator'))})_")
    if group.findings:
        components.findings(here, group.findings)


def change_text(here: Visit, change: Change) -> str:
    """The change in words, with the places and the day it is about."""
    if change.code == "TRANSIT" and change.names[-1].startswith("not-"):
        # No country bars them: the trips that would serve were confirmed for other people only.
        return here.t("change.PROFILE", who=here.t(f"profile.{change.names[-1].removeprefix('not-')}"))
    names = []
    for name in change.names:
        first, _, last = name.partition(">")
        start, end = session.named(first, here.language), session.named(last, here.language)
        names.append(f"{start} → {end}" if last else start)
    return here.t(
        f"change.{change.code}",
        n=change.amount,
        first=names[0] if names else "",
        last=names[-1] if names else "",
        day=here.day(change.day) if change.day else "",
    ).strip()


# ---- pictures -----------------------------------------------------------------------------------------------------


def _timeline(here: Visit, found: PlanReport) -> None:
    if not found.movements:
        components.empty(here, "view.plan.nobody")
        return
    ride, rest, border = (here.t(f"view.plan.bar.{kind}") for kind in ("ride", "rest", "border"))
    bars: list[drawings.Bar] = []
    for row in found.movements:
        name = f"{components.day_text(row.day)} {vehicle_name(here, row)}"
        for start, end in zip(row.stops, row.stops[1:], strict=False):
            text = f"{session.named(start.place_id, here.language)} → {session.named(end.place_id, here.language)}"
            if start.depart_at is not None and end.arrive_at is not None:
                bars.append(_bar(here, name, ride, start.depart_at, end.arrive_at, text))
        bars += [_bar(here, name, rest, start, end, rest) for start, end in row.rests]
        bars += [
            _bar(here, name, border, each.at, each.at + timedelta(minutes=20), session.named(each.crossing_id))
            for each in row.borders
            if each.at is not None
        ]
    st.vega_lite_chart(
        drawings.timeline_spec(
            bars, kinds=(ride, rest, border), title=here.t("view.plan.clock", place=here.place_name)
        ),
        width="stretch",
        alt=here.t("view.plan.timeline_alt"),
    )
    st.caption(here.t("view.plan.timeline_caption", place=here.place_name))


def _bar(here: Visit, row: str, kind: str, start: datetime, end: datetime, text: str) -> drawings.Bar:
    """A bar on the office's clock; ``clock.local`` without its zone, so that the browser's zone never enters."""
    first, last = (clock.local(at, here.zone_name).replace(tzinfo=None) for at in (start, end))
    return drawings.Bar(row=row, kind=kind, start=first, end=last, text=f"{text}, {first:%H:%M}–{last:%H:%M}")


def _map(here: Visit, found: PlanReport) -> None:
    now = session.look(movement_report.crossings_now)
    days = sorted({row.day for row in found.movements})
    chosen = None
    if days:
        chosen = st.select_slider(
            here.t("view.plan.map_day"),
            [None, *days],
            format_func=lambda day: here.day(day) if day else here.t("view.plan.all_days"),
            key=f"plan.map.{found.plan.plan_id}",
        )
    people: dict[tuple[str, str], int] = defaultdict(int)
    for row in found.movements:
        if chosen is None or row.day == chosen:
            people[row.stops[0].place_id, row.stops[-1].place_id] += row.person_count
    corridors = [
        drawings.MapCorridor(
            from_place_id=start,
            to_place_id=end,
            person_count=count,
            text=f"{session.named(start)} → {session.named(end)}: {components.people_count(here, count)}",
        )
        for (start, end), count in people.items()
    ]
    words = {state: here.t(f"crossing.{state}") for state in ("open", "closed", "restricted")}
    st.vega_lite_chart(
        drawings.map_spec(
            [map_crossing(here, each) for each in now if each.is_drivable],
            corridors,
            words=words,
            is_whole=not corridors,
        ),
        width="stretch",
        alt=here.t("view.plan.map_alt"),
    )
    st.caption(here.t("light.attribution"))
    used = {border.crossing_id for row in found.movements for border in row.borders}
    components.table(
        [here.t("column.corridor"), here.t("column.people")],
        [
            (f"{session.named(each.from_place_id)} → {session.named(each.to_place_id)}", each.person_count)
            for each in corridors
        ],
        numbers=" n",
    )
    components.table(
        [here.t("column.crossing"), here.t("column.now")],
        [
            (session.named(each.crossing_id), crossing_text(here, each))
            for each in now
            if each.crossing_id in used or each.is_closed_by_office
        ],
        caption=here.t("view.plan.crossings_caption"),
    )


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


def _loads(here: Visit, found: PlanReport) -> None:
    for kind in ("seats", "crossing"):
        rows = [
            {
                "name": f"{components.day_text(load.day)} "
                + (load.name if kind == "seats" else session.named(load.name)),
                "used": load.used,
                "limit": load.limit,
            }
            for load in found.loads
            if load.kind == kind
        ]
        if not rows:
            continue
        st.subheader(here.t(f"view.plan.loads.{kind}"), anchor=False)
        st.vega_lite_chart(
            drawings.loads_spec(rows, used=here.t("column.people"), limit=here.t("column.limit")),
            width="stretch",
            alt=here.t(f"view.plan.loads.{kind}"),
        )
        components.table(
            [here.t("column.what"), here.t("column.people"), here.t("column.limit")],
            [(row["name"], row["used"], "–" if row["limit"] is None else row["limit"]) for row in rows],
            numbers=" nn",
        )
    if not found.loads:
        components.empty(here, "view.plan.nobody")
