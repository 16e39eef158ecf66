"""One closure from the call to everybody home: what stopped, a plan for those who wait, before and after, backlog."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock
from retorno.changes import closed_road
from retorno.changes.closed_road import Backlog, ClosureNow, Replanned, Stopped, ToldOfClosure, Way
from retorno.confirmations import confirmation
from retorno.labels import plural
from retorno.models.movements import Closure, Plan
from retorno.office.access import Actor
from retorno.plans import plan_report, planning, what_if
from retorno.plans.plan_report import Headline, OpenPlan, PlanRow
from retorno.vocabulary import PlanStatus
from ui import charts, components, session
from ui.session import Visit, plain
from ui.views.confirmation import named_party
from ui.views.plan import asking, summary
from ui.views.plan.words import cards, groups_text, way_text

FIRST_DAY_AHEAD = 4
"""Days until the first journey of a new plan: the notice of three days before it, and a day to ask everyone."""
DAYS, SECONDS = 10, 20
BACKLOG_DAYS = 14


def what_closed(here: Visit, closure: Closure) -> str:
    """Kind and name of what closed, to begin a sentence with."""
    kind = here.t(f"closure.{closure.target.value}")
    return f"{kind[:1].upper()}{kind[1:]} {session.named(closure.target_id, here.language)}"


def show(here: Visit, closure_id: str) -> None:
    """The closure that the address names."""
    found = session.look(lambda db, actor: closed_road.closure_now(db, actor, closure_id=closure_id))
    closure = found.closure
    if st.button(here.t("view.back"), key="closure.back"):
        session.set_parameter("closure", "")
        session.set_parameter("plan", "")
        st.rerun()
    st.header(what_closed(here, closure), anchor=False)
    is_over = closure.reopened_at is not None
    line = here.t(
        "view.closures.over" if is_over else "view.closures.since",
        since=here.time(closure.from_at),
        until=here.time(closure.reopened_at) if closure.reopened_at else _until(here, closure),
        source=closure.source,
    )
    st.markdown(plain(line))
    _stopped(here, found)
    plan = _plan(found)
    if plan is not None:
        _with_plan(here, found, plan, is_over=is_over)
    if plan is None or plan.status is PlanStatus.ACCEPTED:
        _waiting(here, found)
        if found.waiting or is_over:
            _ask(here, found, is_over=is_over)
    if not is_over:
        st.divider()
        _reopen(here, closure)


def _until(here: Visit, closure: Closure) -> str:
    return here.time(closure.until_at) if closure.until_at else here.t("view.closures.open_end")


def _plan(found: ClosureNow) -> PlanRow | None:
    wanted = session.parameter("plan") or found.plan_id
    rows = {row.plan_id: row for row in session.look(plan_report.plan_rows)}
    return rows.get(wanted)


# ---- what stops -----------------------------------------------------------------------------------------------------


def stopped_table(here: Visit, rows: Sequence[Stopped], key: str) -> None:
    """Movements that stop, in the order in which they would have left."""
    components.table(
        [
            here.t("column.movement"),
            here.t("column.vehicle"),
            here.t("column.way"),
            here.t("column.departs"),
            here.t("column.people"),
            here.t("column.list"),
        ],
        [
            (
                row.reference,
                row.label,
                way_text(here, row.from_place_id, row.to_place_id),
                here.moment(row.depart_at, row.from_place_id),
                row.person_count,
                here.t("view.closures.list_out" if row.is_issued else "view.closures.list_none"),
            )
            for row in components.paged(rows, here, key)
        ],
        numbers="    n",
    )


def told_lines(here: Visit, told: Sequence[ToldOfClosure]) -> None:
    """Who hears that a list is void, and when; escorts by their number."""
    if not told:
        st.markdown(plain(here.t("view.closures.told_nobody")))
        return
    now = clock.now() + timedelta(minutes=1)
    at_once = [named_party(here, each.kind, each.party_id) for each in told if each.visible_from <= now]
    later = [each for each in told if each.visible_from > now]
    lines = [here.t("view.cannot_go_on.told_now", who="; ".join(at_once))] if at_once else []
    lines += [
        here.t(
            "view.cannot_go_on.told_batch",
            who=named_party(here, each.kind, each.party_id),
            time=here.time(each.visible_from),
        )
        for each in later
    ]
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def _stopped(here: Visit, found: ClosureNow) -> None:
    if not found.stopped:
        components.empty(here, "view.closures.stopped_none")
        return
    with st.expander(plural("view.closures.stopped", here.language, len(found.stopped))):
        stopped_table(here, found.stopped, "closure.stopped")
        st.caption(plain(here.t("view.closures.no_return")))


# ---- who waits, and a plan for them ---------------------------------------------------------------------------------


def _waiting(here: Visit, found: ClosureNow) -> None:
    if not found.waiting:
        if found.stopped:
            st.success(plain(here.t("view.closures.nobody_waits")))
        return
    st.info(
        plain(
            here.t(
                "view.closures.wait",
                people=components.people_count(here, found.waiting_people),
                groups=groups_text(here, len(found.waiting)),
            )
        )
    )


def _ask(here: Visit, found: ClosureNow, *, is_over: bool) -> None:
    """Replan those whom it stopped; after the reopening, everyone who waits, longest stranded first."""
    closure_id = found.closure.closure_id
    first, days = st.columns(2)
    with first:
        text = components.day_field(
            here,
            "first_date",
            key=f"road.first.{closure_id}",
            value=components.day_text(clock.today(here.zone_name) + timedelta(days=FIRST_DAY_AHEAD)),
        )
    horizon = days.number_input(
        here.t("field.days"),
        1,
        planning.LONGEST_PLAN_DAYS,
        BACKLOG_DAYS if is_over else DAYS,
        key=f"road.days.{closure_id}.{is_over}",
    )

    def begin(db: Session, actor: Actor) -> Plan:
        first_date = components.needed_day(text, field="first_date")
        if is_over:
            return planning.start(db, actor, first_date=first_date, days=int(horizon), seconds=SECONDS)
        return what_if.replan_affected(
            db, actor, closure_id=closure_id, first_date=first_date, days=int(horizon), seconds=SECONDS
        )

    session.act_button(
        here.t("view.closures.work_off" if is_over else "view.closures.replan"),
        "planning.start",
        begin,
        key=f"road.plan.{closure_id}.{is_over}",
        primary=True,
        said=here.t("view.plan.started"),
        after=lambda made: session.set_parameter("plan", made.plan_id),
    )
    st.caption(plain(here.t("view.closures.work_off_about" if is_over else "view.closures.replan_about")))


def _with_plan(here: Visit, found: ClosureNow, plan: PlanRow, *, is_over: bool) -> None:
    """The plan made for them: its run, then what it does, then acceptance and the new confirmations."""
    if plan.status is PlanStatus.RUNNING:
        asking.running(here, plan)
        return
    if plan.status not in (PlanStatus.DRAFT, PlanStatus.ACCEPTED):
        return
    if is_over:
        _backlog(here, plan)
    else:
        _compare(here, found, plan)


def _decide(here: Visit, plan: PlanRow) -> None:
    """Accept the draft; of an accepted one ask everybody at once. Above the long table, where it is seen."""
    if plan.status is PlanStatus.ACCEPTED:
        st.success(plain(here.t("view.closures.accepted")))
    with st.container(horizontal=True):
        if plan.status is PlanStatus.DRAFT:
            _, head = session.look(lambda db, actor: _headline(db, actor, plan.plan_id))
            summary.accept(here, plan.plan_id, head)
        else:
            session.act_button(
                here.t("view.closures.ask_all"),
                "confirmation.request",
                confirmation.request_all,
                key=f"road.ask.{plan.plan_id}",
                primary=True,
                said=lambda count: plural("view.closures.asked", here.language, count),
            )
            session.link_to("confirmation", here.t("view.movement.to_confirmations"))
        session.link_to("plan", here.t("view.closures.open_plan"), parameters={"plan": plan.plan_id})


def _headline(db: Session, actor: Actor, plan_id: str) -> tuple[OpenPlan, Headline]:
    opened = plan_report.open_plan(db, actor, plan_id=plan_id)
    return opened, plan_report.headline(db, opened)


def _compare(here: Visit, found: ClosureNow, plan: PlanRow) -> None:
    """How many fly, pass elsewhere or wait; group by group, the journey that stopped and the new one."""
    rows = session.look(
        lambda db, actor: closed_road.replanned(
            db, actor, closure_id=found.closure.closure_id, plan_id=plan.plan_id
        )
    )  # fmt: skip
    st.subheader(here.t("view.closures.compare"), anchor=False)
    figures = []
    for way in Way:
        those = [row for row in rows if row.way is way]
        homes = [row.after.home_on for row in those if row.after is not None]
        more = here.t("view.closures.home_by", day=here.day(max(homes))) if homes else groups_text(here, len(those))
        look = "calm" if not those else "warn" if way is Way.WAIT else ""
        people = components.people_count(here, sum(row.person_count for row in those))
        figures.append((here.t(f"view.closures.way.{way.value}"), people, more, look))
    cards(figures)
    flights = _flights(rows)
    if flights:
        text = " + ".join(f"{people} ({label})" for label, people in flights)
        st.markdown(plain(here.t("view.closures.by_air", flights=text)))
    _decide(here, plan)
    components.table(
        [here.t("column.case"), here.t("column.people"), here.t("column.stranded_since"),
         here.t("column.before"), here.t("column.after")],
        [
            (row.case_reference, row.person_count, here.day(row.stranded_since), _before(here, row), _after(here, row))
            for row in components.paged(rows, here, "road.compare")
        ],
        caption=here.t("view.closures.longest_first"),
        numbers=" n",
    )  # fmt: skip


def _flights(rows: Sequence[Replanned]) -> list[tuple[str, int]]:
    """People on each flight, the fullest first."""
    found: dict[str, int] = {}
    for row in rows:
        if row.way is Way.AIR and row.after is not None:
            label = row.after.vehicles[-1]
            found[label] = found.get(label, 0) + row.person_count
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))


def _before(here: Visit, row: Replanned) -> str:
    if row.before is None:
        return "–"
    return "\n".join([here.day(row.before.day), " + ".join(row.before.vehicles), *_names(here, row.before.crossings)])


def _after(here: Visit, row: Replanned) -> str:
    if row.after is None:
        return here.t("view.closures.way.wait")
    home = here.t("view.plan.journey", day=here.day(row.after.day), home=here.day(row.after.home_on))
    return "\n".join([home, " + ".join(row.after.vehicles), *_names(here, row.after.crossings)])


def _names(here: Visit, crossing_ids: Sequence[str]) -> list[str]:
    return [session.named(each, here.language) for each in crossing_ids]


# ---- reopening, and the backlog -------------------------------------------------------------------------------------


def _reopen(here: Visit, closure: Closure) -> None:
    components.danger(
        here,
        here.t("view.closures.reopen"),
        here.t("view.closures.reopen_facts", what=what_closed(here, closure)),
        here.t("view.closures.reopen"),
        "changes.closure",
        lambda db, actor: changes.reopen(db, actor, closure_id=closure.closure_id),
        key=f"reopen.{closure.closure_id}",
        said=here.t("view.closures.reopened"),
        after=lambda _: session.set_parameter("plan", ""),
    )


def _backlog(here: Visit, plan: PlanRow) -> None:
    """People waiting at the end of each day, the day on which all are home, and who goes first."""
    found = session.look(lambda db, actor: closed_road.backlog(db, actor, plan_id=plan.plan_id))
    st.subheader(here.t("view.closures.backlog"), anchor=False)
    if not found.order:
        components.empty(here, "view.closures.backlog_none")
        return
    st.markdown(f"**{plain(_home_words(here, found))}**")
    _decide(here, plan)
    st.vega_lite_chart(
        charts.waiting_spec(
            [(each.day, each.waiting) for each in found.days], words={"waiting": here.t("view.closures.waiting")}
        ),
        width="stretch",
        alt=here.t("view.closures.chart_alt"),
    )
    components.table(
        [here.t("column.day"), here.t("view.closures.home_on_day"), here.t("view.closures.waiting")],
        [(here.day(each.day), each.home, each.waiting) for each in found.days],
        numbers=" nn",
    )
    with st.expander(here.t("view.closures.order")):
        components.table(
            [here.t("column.case"), here.t("column.people"), here.t("column.stranded_since"), here.t("column.home_on")],
            [
                (reference, size, here.day(since), here.day(home) if home else here.t("view.closures.way.wait"))
                for reference, size, since, home in components.paged(found.order, here, "road.order")
            ],
            numbers=" n",
        )


def _home_words(here: Visit, found: Backlog) -> str:
    if found.all_home_on is not None:
        return here.t("view.closures.all_home", day=here.day(found.all_home_on))
    return here.t("view.closures.not_all_home", people=components.people_count(here, found.without_journey))
