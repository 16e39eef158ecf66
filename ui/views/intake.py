"""Intake: search first, go on with a half-filled family, register a new one; a case; one person's consent."""

from __future__ import annotations

import streamlit as st

from retorno import intake
from retorno.intake import casefile
from ui import components, session
from ui.session import Visit
from ui.views import case, consent, registering
from ui.views.family_fields import people_table


def show() -> None:
    """A person's consent, a case, a half-filled family, or the start page: as the address says."""
    here = session.visit()
    if session.parameter("person"):
        consent.show(here, session.parameter("person"))
    elif session.parameter("case"):
        case.show(here, session.parameter("case"))
    elif session.parameter("draft"):
        registering.show(here, session.parameter("draft"), session.parameter("step"))
    else:
        components.title(here, "view.intake.title")
        _search(here)
        registering.start(here)


def _search(here: Visit) -> None:
    """The own caseload first: whoever is there already is not registered again."""
    line, _ = st.columns([5, 3])
    text = line.text_input(here.t("field.search"), key="intake.search", help=here.t("view.intake.search_help"))
    if not text.strip():
        return
    found = session.persons(
        "intake.read",
        lambda db, actor: intake.search(db, actor, text=text),
        lambda rows: [row.person_id for row in rows],
    )
    if not found:
        found = session.persons(
            "intake.read",
            lambda db, actor: intake.search_alike(db, actor, text=text),
            lambda rows: [row.person_id for row in rows],
        )
        if not found:
            components.empty(here, "view.intake.nobody_found")
            return
        st.info(here.t("view.intake.alike"))
    people_table(here, found)
    for person in found[:12]:
        st.button(
            here.t("view.intake.open_case_of", name=components.isolated(components.full_name(person))),
            key=f"intake.open.{person.person_id}",
            on_click=_open,
            args=(person.person_id,),
        )


def _open(person_id: str) -> None:
    file = session.look(lambda db, actor: casefile.case_of_person(db, actor, person_id=person_id))
    session.set_parameter("case", file.case.case_id)
