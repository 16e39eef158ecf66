"""Ask for a plan, choose one of the list, watch a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import clock, readiness
from retorno.errors import Fault, InputError
from retorno.models.movements import Plan
from retorno.office.access import Actor
from retorno.plans import plan_report, planning
from retorno.plans.plan_report import PlanRow
from ui import components, session
from ui.session import Visit, plain
from ui.views.plan.words import gap_text, people_and_groups, plan_name

LONGEST_DAYS, LONGEST_SECONDS = planning.LONGEST_PLAN_DAYS, planning.LONGEST_RUN_SECONDS


def start(here: Visit, *, is_open: bool) -> None:
    """The days, groups and time of a new plan; nothing is read before somebody opens it."""
    panel = st.expander(here.t("view.plan.new"), expanded=is_open, key="plan.new", on_change="rerun")
    if not panel.open:
        return
    with panel:
        _fields(here)


def _fields(here: Visit) -> None:
    today = clock.today(here.zone_name)
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
    people = sum(len(group.person_ids) for group in ready.values())
    if not ready:
        components.empty(here, "view.plan.nobody_ready")
    chosen = st.multiselect(
        here.t("field.groups"),
        list(ready),
        format_func=lambda each: f"{ready[each].case_reference} ({len(ready[each].person_ids)})",
        placeholder=here.t("view.plan.all_ready", who=people_and_groups(here, (people, len(ready)))),
        key="plan.groups",
    )

    def begin(db: Session, actor: Actor) -> Plan:
        first_date = components.parse_day(day, field="first_date")
        if first_date is None:
            raise InputError([Fault(column="first_date", code="NO_DATE", what="expected a date")])
        return planning.start(db, actor, first_date=first_date, days=int(horizon), group_ids=chosen, seconds=int(limit))

    session.act_button(
        here.t("view.plan.find"),
        "planning.start",
        begin,
        key="plan.start",
        primary=True,
        said=here.t("view.plan.started"),
        after=lambda made: session.set_parameter("plan", made.plan_id),
    )


def choose(here: Visit, found: Sequence[PlanRow]) -> PlanRow:
    """The plan that the address names, or the newest; another can be chosen."""
    by_id = {plan.plan_id: plan for plan in found}
    wanted = session.parameter("plan")
    shown = wanted if wanted in by_id else found[0].plan_id
    chosen = st.selectbox(
        here.t("view.plan.which"),
        list(by_id),
        index=list(by_id).index(shown),
        format_func=lambda plan_id: plan_name(here, by_id[plan_id]),
        # The words of a run change while its choice does not: a new key draws them anew. The key names what is shown,
        # not what the address says, which is empty at first: a choice would go to a field that is no longer there.
        key=f"plan.which.{shown}.{by_id[shown].status.value}",
    )
    if chosen != wanted:
        session.set_parameter("plan", chosen)
    return by_id[chosen]


def running(here: Visit, plan: PlanRow) -> None:
    """A run as it stands, every two seconds; it can be stopped, put away, or left alone."""

    @st.fragment(run_every=2)
    def watch() -> None:
        now = session.look(lambda db, actor: plan_report.progress(db, actor, plan_id=plan.plan_id))
        if now is None:
            st.rerun()
            return
        if now.is_waiting:
            st.info(here.t("view.plan.waiting"))
            return
        share = min(1.0, now.seconds / max(1, now.seconds_limit))
        if now.persons:
            placed = here.t("view.plan.placed", planned=now.persons_planned, persons=now.persons)
            st.header(placed, anchor=False)
        else:
            st.header(here.t("view.plan.gathering"), anchor=False)
        st.progress(share, text=here.t("view.plan.time", now=f"{now.seconds:.0f}", limit=now.seconds_limit))
        if now.persons:
            st.markdown(plain(gap_text(here, now.gap)))
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
        discard(here, plan.plan_id)


def discard(here: Visit, plan_id: str) -> None:
    """Put a draft or a run away, after the question."""
    components.danger(
        here,
        here.t("view.plan.discard"),
        here.t("view.plan.discard_facts"),
        here.t("view.plan.discard"),
        "planning.start",
        lambda db, actor: planning.discard(db, actor, plan_id=plan_id),
        key=f"plan.discard.{plan_id}",
        said=here.t("view.plan.discarded"),
        after=lambda _: session.set_parameter("plan", ""),
    )
