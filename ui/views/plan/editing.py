"""A draft changed by hand: move a group, take it out, keep it; undo and redo; search again with the pins kept."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from sqlmodel import Session

from retorno.labels import plural
from retorno.models.movements import Plan
from retorno.office.access import Actor
from retorno.plans import choosing, plan_report, what_if, workbench
from retorno.plans.choosing import Option
from retorno.plans.plan_report import PlannedGroup, UnplannedGroup
from retorno.plans.workbench import History, Step
from ui import components, session
from ui.session import Visit, finding_text
from ui.views.plan.words import carriers, money, open_part, told, way_text

SEATS = ("SEATS", "SERVICE_SEATS", "CHARTER_SEATS")
"""Codes of the checker that say that seats are missing."""


def show(here: Visit, plan_id: str) -> None:
    """The edits so far, a group to choose, and what can be done with it."""

    def read(db: Session, actor: Actor) -> tuple[Plan, tuple[PlannedGroup, ...], tuple[UnplannedGroup, ...], History]:
        opened = plan_report.open_plan(db, actor, plan_id=plan_id)
        planned = plan_report.planned_groups(db, opened, plan_report.movements(db, opened))
        ready = tuple(
            group for group in plan_report.unplanned(db, actor, opened) if group.is_ready and not group.is_changed
        )
        return opened.plan, planned, ready, workbench.history(db, actor, plan_id=plan_id)

    plan, planned, ready, history = session.look(read)
    kept = workbench.kept_groups(plan)
    names = {group.group_id: _planned_name(here, group, is_kept=group.group_id in kept) for group in planned}
    names |= {group.group_id: _unplanned_name(here, group) for group in ready}
    _history(here, plan, history, {group_id: name.split(" · ")[0] for group_id, name in names.items()}, len(kept))
    if not names:
        components.empty(here, "view.plan.nobody_ready")
        return
    before = session.recall(f"plan.edit.{plan_id}")
    chosen = st.selectbox(
        here.t("view.plan.edit_group"),
        list(names),
        index=list(names).index(before) if before in names else None,
        format_func=lambda group_id: names[group_id],
        placeholder=here.t("view.choose"),
        # The words of a group change with every edit: a new key draws them anew, with the same group chosen.
        key=f"plan.edit.{plan_id}.{plan.version}",
    )
    session.remember(f"plan.edit.{plan_id}", chosen)
    if chosen is None:
        components.empty(here, "view.plan.edit_none")
        return
    _acts(here, plan, chosen, is_planned=any(group.group_id == chosen for group in planned), is_kept=chosen in kept)
    sizes = {group.group_id: group.person_count for group in (*planned, *ready)}
    _moves(here, plan, chosen, people=sizes[chosen])


def _planned_name(here: Visit, group: PlannedGroup, *, is_kept: bool) -> str:
    leaves = here.moment(group.depart_at, group.origin_place_id) if group.depart_at else ""
    parts = [
        here.t("view.plan.case", case=group.case_reference),
        components.people_count(here, group.person_count),
        way_text(here, group.origin_place_id, group.destination_place_id),
        leaves,
        " + ".join(dict.fromkeys(group.rides)),
    ]
    return " · ".join(part for part in parts if part) + (f" · {here.t('view.plan.kept')}" if is_kept else "")


def _unplanned_name(here: Visit, group: UnplannedGroup) -> str:
    return " · ".join(
        [
            here.t("view.plan.case", case=group.case_reference),
            components.people_count(here, group.person_count),
            way_text(here, group.origin_place_id, group.destination_place_id),
            here.t("view.plan.not_planned"),
        ]
    )


# ---- what was done -----------------------------------------------------------------------------------------------


def _history(here: Visit, plan: Plan, history: History, names: dict[str, str], kept_count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        session.act_button(
            here.t("view.plan.undo"),
            "planning.edit",
            lambda db, actor: workbench.undo(db, actor, plan_id=plan.plan_id, version=plan.version),
            key=f"plan.undo.{plan.plan_id}",
            said=here.t("view.plan.undone"),
            disabled=not history.can_undo,
        )
        session.act_button(
            here.t("view.plan.redo"),
            "planning.edit",
            lambda db, actor: workbench.redo(db, actor, plan_id=plan.plan_id, version=plan.version),
            key=f"plan.redo.{plan.plan_id}",
            said=here.t("view.plan.redone"),
            disabled=not history.can_redo,
        )
        session.act_button(
            plural("view.plan.search_again", here.language, kept_count)
            if kept_count
            else here.t("view.plan.search_further"),
            "planning.edit",
            lambda db, actor: what_if.improve(db, actor, plan_id=plan.plan_id),
            key=f"plan.improve.{plan.plan_id}",
            said=here.t("view.plan.started"),
            after=lambda made: open_part(here, made.plan_id, "compare"),
        )
    if not history.steps:
        st.caption(here.t("view.plan.no_edits"))
        return
    with st.expander(here.t("view.plan.edits", n=sum(step.is_done for step in history.steps))):
        components.table(
            [here.t("column.what"), here.t("field.groups"), here.t("column.when"), here.t("column.state")],
            [
                (
                    here.t(f"view.plan.act.{step.act.value}"),
                    _whose(step, names),
                    here.time(step.made_at),
                    here.t("view.plan.step_done" if step.is_done else "view.plan.step_undone"),
                )
                for step in history.steps[-components.PAGE_ROWS :]
            ],
        )


def _whose(step: Step, names: dict[str, str]) -> str:
    return "\n".join(names.get(group_id, group_id) for group_id in step.group_ids)


# ---- what can be done --------------------------------------------------------------------------------------------


def _acts(here: Visit, plan: Plan, group_id: str, *, is_planned: bool, is_kept: bool) -> None:
    if not is_planned:
        return
    with st.container(horizontal=True):
        session.act_button(
            here.t("view.plan.let_go" if is_kept else "view.plan.keep"),
            "planning.edit",
            lambda db, actor: workbench.keep(
                db, actor, plan_id=plan.plan_id, group_ids=[group_id], is_kept=not is_kept, version=plan.version
            ),
            key=f"plan.keep.{plan.plan_id}.{group_id}",
            said=here.t("view.plan.was_let_go" if is_kept else "view.plan.was_kept"),
        )
        session.act_button(
            here.t("view.plan.take_out"),
            "planning.edit",
            told(
                here,
                lambda db, actor: workbench.take_out(
                    db, actor, plan_id=plan.plan_id, group_id=group_id, version=plan.version
                ),
            ),
            key=f"plan.out.{plan.plan_id}.{group_id}",
            said=here.t("view.plan.was_taken_out"),
        )
    st.caption(here.t("view.plan.keep_help"))


def _moves(here: Visit, plan: Plan, group_id: str, *, people: int) -> None:
    """Every way the group could go, allowed or with what stops it, before anything is chosen."""
    found = session.look(lambda db, actor: choosing.options(db, actor, plan_id=plan.plan_id, group_id=group_id))
    st.header(here.t("view.plan.move_to"), anchor=False)
    allowed = {option.option_id: option for option in found if option.is_allowed and not option.is_current}
    if not found:
        components.empty(here, "view.plan.no_options")
        return
    if allowed:
        chosen = st.selectbox(
            here.t("view.plan.move_allowed", n=len(allowed)),
            list(allowed),
            index=None,
            format_func=lambda option_id: _option_name(here, allowed[option_id]),
            placeholder=here.t("view.choose"),
            key=f"plan.move.{plan.plan_id}.{group_id}.{plan.version}",
        )
        session.act_button(
            here.t("view.plan.move"),
            "planning.edit",
            told(
                here,
                lambda db, actor: workbench.move(
                    db,
                    actor,
                    plan_id=plan.plan_id,
                    group_id=group_id,
                    option_id=str(chosen),
                    version=plan.version,
                ),
            ),
            key=f"plan.move.{plan.plan_id}.{group_id}",
            said=here.t("view.plan.moved"),
            primary=True,
            disabled=chosen is None,
        )
    else:
        st.info(here.t("view.plan.move_none"))
    _options(here, found, people)


def _option_name(here: Visit, option: Option) -> str:
    return " · ".join(
        [here.moment(option.depart_at, option.stops[0]), carriers(here, option.vehicles), difference(here, option)]
    )


def difference(here: Visit, option: Option) -> str:
    """What an option would cost more or less, in money and waiting."""
    parts = []
    if option.cost_delta_cents:
        parts.append(("+" if option.cost_delta_cents > 0 else "−") + money(abs(option.cost_delta_cents)))
    if option.waiting_delta_days:
        sign = "+" if option.waiting_delta_days > 0 else "−"
        parts.append(here.t("view.plan.person_days", n=f"{sign}{abs(option.waiting_delta_days)}"))
    return ", ".join(parts) or here.t("view.plan.same_cost")


def _options(here: Visit, found: Sequence[Option], people: int) -> None:
    components.table(
        [
            here.t("column.departs"),
            here.t("column.arrives"),
            here.t("column.vehicle"),
            here.t("column.crossing"),
            here.t("column.left"),
            here.t("column.difference"),
            here.t("column.verdict"),
        ],
        [
            (
                here.moment(option.depart_at, option.stops[0]),
                here.moment(option.arrive_at, option.stops[-1]),
                carriers(here, option.vehicles)
                + (f"\n({here.t('view.plan.new_departure')})" if option.is_new_departure else ""),
                "\n".join(session.named(each, here.language) for each in option.crossings) or "–",
                option.free_seats,
                "" if option.is_current else difference(here, option),
                verdict(here, option, people),
            )
            for option in components.paged(found, here, "plan.options")
        ],
        numbers="    n",
    )


def verdict(here: Visit, option: Option, people: int) -> str:
    """Whether an option is allowed for a group of so many, or every rule that stops it."""
    if option.is_current:
        return here.t("view.plan.option_now")
    if option.is_allowed:
        return here.t("view.plan.option_allowed")
    lines = [_stopped(here, code, option.free_seats, people) for code in option.reasons]
    for found in option.findings:
        what, now, _ = finding_text(found, here.language)
        lines.append(f"{what} {now}")
    return here.t("view.plan.option_stopped", why=plain_lines(lines))


def plain_lines(lines: Sequence[str]) -> str:
    """Each sentence once, on a line of its own."""
    return "\n".join(dict.fromkeys(lines))


def _stopped(here: Visit, code: str, free_seats: int, people: int) -> str:
    """What the checker says, with the numbers where it is seats that are missing."""
    if code in SEATS and free_seats < people:
        return here.t("error.seats", n=free_seats, m=people)
    return here.t(f"check.{code}")
