"""Who can go on a date, and what is missing: longest stranded first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from retorno import clock, planning, readiness
from retorno.errors import InputError
from retorno.intake import casefile
from retorno.labels import plural
from retorno.readiness import GroupReadiness
from retorno.rules import blocking
from retorno.vocabulary import Role
from ui import components, session
from ui.session import Visit

DEFAULT_AHEAD = timedelta(days=7)


def show() -> None:
    """Choose a day, see who is ready, open one group to see what is missing."""
    here = session.visit()
    components.title(here, "view.readiness.title")
    day = _day(here)
    if day is None:
        return
    groups = session.look(lambda db, actor: readiness.ready_groups(db, actor, on_date=day))
    seated = session.look(planning.seated_groups)
    if not groups:
        components.empty(here, "view.readiness.empty")
        return
    free = [group for group in groups if group.group_id not in seated]
    ready, missing = [g for g in free if g.is_ready], [g for g in free if not g.is_ready]
    st.markdown(
        session.plain(
            here.t(
                "view.readiness.summary",
                ready=_people(here, ready),
                missing=_people(here, missing),
                seated=_people(here, [g for g in groups if g.group_id in seated]),
            )
        )
    )
    wanted = st.segmented_control(
        here.t("view.readiness.show"),
        ["missing", "ready", "seated"],
        default="missing" if missing else "ready",
        format_func=lambda each: here.t(f"view.readiness.{each}"),
        key="readiness.filter",
        label_visibility="collapsed",
    )
    shown = {"ready": ready, "missing": missing, "seated": [g for g in groups if g.group_id in seated]}
    chosen = shown.get(wanted or "missing", missing)
    if chosen:
        _list(here, components.paged(chosen, here, "readiness"), day)
    else:
        components.empty(here, f"view.readiness.none_{wanted or 'missing'}")
    if ready and components.is_role(here, Role.COORDINATOR):
        session.link_to("plan", here.t("view.readiness.plan"))
    if chosen:
        _group(here, chosen)


def _day(here: Visit) -> date | None:
    default = components.day_text(clock.today(here.zone_name) + DEFAULT_AHEAD)
    column, _ = st.columns([2, 6])
    with column:
        text = components.day_field(here, "ready_on", key="readiness.day", value=default)
    try:
        return components.parse_day(text, field="ready_on")
    except InputError as problem:
        session.show_problem(problem, "read")
        return None


def _people(here: Visit, groups: Sequence[GroupReadiness]) -> str:
    return components.people_count(here, sum(len(group.person_ids) for group in groups))


def _list(here: Visit, groups: Sequence[GroupReadiness], day: date) -> None:
    components.table(
        [
            here.t("column.case"),
            here.t("column.people"),
            here.t("column.place"),
            here.t("column.destination"),
            here.t("column.days_waiting"),
            here.t("column.missing"),
        ],
        [
            (
                group.case_reference,
                len(group.person_ids),
                session.named(group.origin_place_id, here.language),
                f"{session.named(group.destination_place_id, here.language)}, "
                f"{session.named(group.destination_country, here.language)}",
                (day - group.stranded_since).days,
                _missing(here, group),
            )
            for group in groups
        ],
        numbers=" n  n ",
    )


def _missing(here: Visit, group: GroupReadiness) -> str:
    if group.is_ready:
        return here.t("view.readiness.nothing_missing")
    found = blocking(group.findings)
    return (
        plural("view.things", here.language, len(found))
        + ": "
        + ", ".join(dict.fromkeys(here.t(f"role.{each.who.value}") for each in found))
    )


def _group(here: Visit, groups: Sequence[GroupReadiness]) -> None:
    """One group by name, with what is missing for each member."""
    st.subheader(here.t("view.readiness.one"), anchor=False)
    by_id = {group.group_id: group for group in groups}
    chosen = st.selectbox(
        here.t("field.group"),
        list(by_id),
        index=None,
        format_func=lambda group_id: f"{by_id[group_id].case_reference} ({len(by_id[group_id].person_ids)})",
        key="readiness.group",
        placeholder=here.t("view.choose"),
    )
    if chosen is None:
        return
    group = by_id[chosen]
    people = session.persons(
        "intake.read", lambda db, actor: casefile.people(db, actor, person_ids=group.person_ids), lambda found: found
    )
    names = {person_id: components.full_name(person) for person_id, person in people.items()}
    components.table(
        [here.t("column.name"), here.t("column.ref")], [(name, person_id) for person_id, name in names.items()]
    )
    if group.findings:
        components.findings(here, group.findings, names)
    else:
        st.success(here.t("view.readiness.all_ready"))
    if components.is_role(here, Role.COORDINATOR) and st.button(here.t("view.open_case"), key="readiness.open"):
        session.go_to("intake", case=group.case_id)
