from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from retorno.labels import plural
from retorno.plans import plan_report
from retorno.plans.plan_report import UnplannedGroup
from ui import components, session
from ui.session import Visit, plain
from ui.views.plan import trying
from ui.views.plan.words import change_text, people_and_groups


def show(here: Visit, plan_id: str, *, is_draft: bool) -> None:
    """Those the plan could not take first, then those that a rule kept out of the search."""
    found = session.look(
        lambda db, actor: plan_report.unplanned(db, actor, plan_report.open_plan(db, actor, plan_id=plan_id))
    )
    if not found:
        components.empty(here, "view.plan.all_planned")
        return
    could_not = [group for group in found if group.is_ready]
    not_ready = [group for group in found if not group.is_ready]
    for key, groups in (("left", could_not), ("not_ready", not_ready)):
        if groups:
            people = sum(group.person_count for group in groups)
            st.header(f"{here.t(f'view.plan.{key}')}: {people_and_groups(here, (people, len(groups)))}", anchor=False)
            _panels(here, plan_id, groups, key, is_draft=is_draft)


def _panels(here: Visit, plan_id: str, groups: Sequence[UnplannedGroup], key: str, *, is_draft: bool) -> None:
    for group in components.paged(groups, here, f"plan.why.{key}"):
        with st.container(border=True):
            head, door = st.columns([7, 1.6])
            head.markdown(
                plain(
                    here.t(
                        "view.plan.why_head",
                        case=group.case_reference,
                        people=components.people_count(here, group.person_count),
                        days=plural("view.days", here.language, group.days_waiting),
                        start=session.named(group.origin_place_id, here.language),
                        place=session.named(group.destination_place_id, here.language),
                    )
                )
            )
            if door.button(here.t("view.open_case"), key=f"plan.case.{group.group_id}", width="stretch"):
                session.go_to("intake", case=group.case_id)
            _reasons(here, group)
            if is_draft and group.is_ready and not group.is_changed:
                trying.button(here, plan_id, group)


def _reasons(here: Visit, group: UnplannedGroup) -> None:
    if group.is_changed and group.is_ready:
        st.markdown(f"- {plain(here.t('view.stale.planning.accept'))}")
    for reason in group.reasons:
        st.markdown(f"- {plain(here.t(f'reason.plan.{reason}'))}")
    if group.changes:
        changes = "; ".join(change_text(here, change) for change in group.changes)
        st.markdown(
            f"**{plain(here.t('view.plan.smallest', changes=changes))}** _({plain(here.t('role.coordinator'))})_"
        )
    elif group.reasons and not group.has_room:
        st.markdown(f"**{plain(here.t('view.plan.no_change'))}** _({plain(here.t('role.coordinator'))})_")
        if st.button(here.t("view.plan.add_seats"), key=f"plan.seats.{group.group_id}"):
            session.go_to("offers")
    if group.findings:
        components.findings(here, group.findings)
