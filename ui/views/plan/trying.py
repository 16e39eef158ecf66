"""Try the smallest change for a group on a copy, and what a copy assumes."""

from __future__ import annotations

import streamlit as st

from retorno.plans import what_if
from retorno.plans.plan_report import PlanRow, UnplannedGroup
from retorno.plans.what_if import Assumption
from retorno.vocabulary import PlanStatus
from ui import components, session
from ui.session import Visit, plain
from ui.views.plan.words import open_part, place_text, way_text


def button(here: Visit, plan_id: str, group: UnplannedGroup) -> None:
    """Make the change on a copy, at once, and open the comparison."""
    if not group.can_try:
        return
    session.act_button(
        here.t("view.plan.try"),
        "planning.edit",
        lambda db, actor: what_if.try_change(db, actor, plan_id=plan_id, group_id=group.group_id),
        key=f"plan.try.{plan_id}.{group.group_id}",
        said=here.t("view.plan.tried"),
        after=lambda made: open_part(here, made.plan_id, "compare"),
    )


def banner(here: Visit, plan: PlanRow) -> None:
    """What a plan assumes, above everything that it shows, and how it becomes true."""
    if not plan.is_hypothetical:
        return
    found = session.look(lambda db, actor: what_if.assumptions(db, actor, plan_id=plan.plan_id))
    lines = "; ".join(assumption_text(here, each) for each in found)
    st.warning(plain(here.t("view.plan.assumes", what=lines)))
    if plan.status is PlanStatus.DRAFT:
        with st.container(horizontal=True):
            session.link_to("offers", here.t("view.plan.make_true_offers"))
            session.link_to("closures", here.t("view.plan.make_true_closures"))


def assumption_text(here: Visit, each: Assumption) -> str:
    """One assumption in words, with its places and days."""
    names = []
    for name in each.names:
        first, _, last = name.partition(">")
        names.append(way_text(here, first, last) if last else place_text(here, first))
    days = ""
    if each.first_day is not None:
        days = components.day_text(each.first_day)
        if each.last_day is not None and each.last_day != each.first_day:
            days += f" – {components.day_text(each.last_day)}"
    key = each.code if each.code.startswith("change.") else f"assumed.{each.code}"
    return here.t(
        key,
        n=each.amount,
        first=names[0] if names else "",
        last=names[-1] if names else "",
        day=days,
        days=days,
    ).strip()
