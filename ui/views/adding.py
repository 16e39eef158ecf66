"""One more person for a registered family."""

from __future__ import annotations

import streamlit as st
from sqlmodel import Session

from retorno import clock, intake
from retorno.intake import registration
from retorno.intake.casefile import CaseFile
from retorno.office.access import Actor
from retorno.vocabulary import Relation, Sex
from ui import components, session
from ui.forms import Form
from ui.session import Visit


def show(here: Visit, file: CaseFile) -> None:
    """The form, for the first group of the case."""
    if not file.groups:
        return
    group = file.groups[0]
    with st.expander(here.t("view.case.add_person")):
        form = Form(here, "add", draft_id=group.group_id)
        members = [person for person in file.persons if person.group_id == group.group_id]
        names = {person.person_id: components.full_name(person) for person in members}
        left, right = st.columns(2)
        with left:
            form.text("given_names")
            form.text("family_names")
            form.day("birth_date")
            form.number("declared_age", 0, 120)
            form.choose("sex", list(Sex), lambda code: here.t(f"sex.{code}"))
        with right:
            form.country("nationality", first=[*(person.nationality for person in members), group.destination_country])
            form.choose(
                "contact_language",
                list(dict.fromkeys([*(each.contact_language for each in members), *components.CONTACT_LANGUAGES])),
                lambda code: components.language_name(code, here.language),
            )
            form.choose("relation", list(Relation)[1:], lambda code: here.t(f"relation.{code}"))
            form.choose(
                "caregiver",
                [*names, registration.NOBODY],
                lambda each: names.get(each) or here.t("view.intake.no_caregiver"),
            )
            form.day("stranded_since")
        form.why()

        def save(db: Session, actor: Actor) -> object:
            person, caregiver = registration.read_newcomer(form.values, today=clock.now().date())
            return intake.add_person(
                db, actor, group_id=group.group_id, version=group.version, person=person, caregiver_id=caregiver
            )

        session.act_button(
            here.t("view.case.save_person"),
            "intake.update",
            save,
            key=f"add-save-{group.group_id}",
            primary=True,
            said=here.t("view.case.person_added"),
            after=lambda _: session.drop_draft(form.name, form.draft_id, key=form.prefix.rstrip(".")),
        )
        form.saved_line()
