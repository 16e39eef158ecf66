"""Who can go on a date, and what is missing: longest stranded first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from retorno import clock, readiness
from retorno.errors import InputError
from retorno.intake import casefile
from retorno.labels import plural
from retorno.plans import planning
from retorno.readiness import GroupReadiness
from retorno.rules import blocking
from retorno.vocabulary import Role
from ui import components, session
from ui.session import Visit
from ui.views import actions

DEFAULT_AHEAD = timedelta(days=7)
FILTERS = ("missing", "ready", "seated")


def show() -> None:
    """Choose a day, see who is ready, open one group to see what is missing; the choices stand in the address."""
    here = session.visit()
    components.title(here, "view.readiness.title")
    day = _day(here)
    if day is None:
        return
    groups = session.look(lambda db, actor: readiness.ready_groups(db, actor, on_date=day))
    seated = session.look(planning.seated_groups)
    if not groups:
        components.empty(here, "view.readiness.empty")
        for page in ("intake", "import"):
            session.link_to(page, here.t(f"view.{page}"))
        return
    by_filter = {
        "missing": [g for g in groups if g.group_id not in seated and not g.is_ready],
        "ready": [g for g in groups if g.group_id not in seated and g.is_ready],
        "seated": [g for g in groups if g.group_id in seated],
    }
    words = {name: _people(here, found) for name, found in by_filter.items()}
    st.markdown(session.plain(here.t("view.readiness.summary", **words)))
    wanted, country = _filters(here, groups, by_filter)
    chosen = [group for group in by_filter[wanted] if country in ("", group.destination_country)]
    if chosen:
        _list(here, components.paged(chosen, here, "readiness"), day)
    else:
        components.empty(here, f"view.readiness.none_{wanted}")
    if by_filter["ready"] and components.is_role(here, Role.COORDINATOR):
        session.link_to("plan", here.t("view.readiness.plan"))
    if chosen:
        _group(here, chosen)


def _day(here: Visit) -> date | None:
    """The day of departure: as the address says, else in a week."""
    default = components.day_text(clock.today(here.zone_name) + DEFAULT_AHEAD)
    column, _ = st.columns([3, 5])
    with column:
        text = components.day_field(
            here,
            "ready_on",
            key="readiness.day",
            value=session.parameter("day") or default,
            help_key="field_help.ready_on",
        )
    try:
        day = components.parse_day(text, field="ready_on")
    except InputError as problem:
        session.show_problem(problem, "read")
        return None
    session.set_parameter("day", text if text != default else "")
    return day


def _filters(
    here: Visit, groups: Sequence[GroupReadiness], by_filter: dict[str, list[GroupReadiness]]
) -> tuple[str, str]:
    """What to show: missing, ready or with a journey; and for which destination."""
    first = "missing" if by_filter["missing"] else "ready"
    in_address = session.parameter("show")
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with left:
        wanted = st.segmented_control(
            here.t("view.readiness.show"),
            FILTERS,
            default=in_address if in_address in FILTERS else first,
            format_func=lambda each: f"{here.t(f'view.readiness.{each}')} ({len(by_filter[each])})",
            key="readiness.filter",
        )
    countries = sorted({group.destination_country for group in groups})
    asked = session.parameter("to")
    with right:
        country = st.selectbox(
            here.t("column.destination"),
            ["", *countries],
            index=["", *countries].index(asked) if asked in countries else 0,
            format_func=lambda code: session.named(code, here.language) if code else here.t("view.readiness.anywhere"),
            key="readiness.to",
        )
    session.set_parameter("show", "" if wanted in (None, first) else str(wanted))
    session.set_parameter("to", country or "")
    return str(wanted or first), country or ""


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
    """One group by name, with what is missing for each member and the way to where it is done."""
    st.header(here.t("view.readiness.one"), anchor=False)
    by_id = {group.group_id: group for group in groups}
    asked = session.parameter("group")
    chosen = st.selectbox(
        here.t("field.group"),
        list(by_id),
        index=list(by_id).index(asked) if asked in by_id else None,
        format_func=lambda group_id: (
            f"{by_id[group_id].case_reference} · {components.people_count(here, len(by_id[group_id].person_ids))}"
        ),
        key="readiness.group",
        placeholder=here.t("view.choose"),
    )
    session.set_parameter("group", chosen or "")
    if chosen is None:
        return
    group = by_id[chosen]
    people = session.persons(
        "readiness.read",
        lambda db, actor: casefile.people(db, actor, person_ids=group.person_ids),
        lambda found: found,
    )
    names = {person_id: components.full_name(person) for person_id, person in people.items()}
    st.markdown(session.plain(", ".join(components.isolated(name) for name in names.values())))
    if group.findings:
        actions.show(here, group, names, key="readiness.do")
    else:
        st.success(here.t("view.readiness.all_ready"))
    if components.is_role(here, Role.COORDINATOR) and st.button(here.t("view.open_case"), key="readiness.open"):
        session.go_to("intake", case=group.case_id)
