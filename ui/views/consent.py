"""One person's consent, in their language: never several people at once, no answer chosen beforehand (R2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import clock, intake
from retorno.errors import Fault, InputError
from retorno.intake import casefile
from retorno.intake.casefile import CaseFile
from retorno.labels import label
from retorno.models.people import ConsentCreate, Person
from retorno.office.access import Actor
from retorno.vocabulary import ConsentPurpose, Language
from ui import components, session
from ui.session import Visit, plain


def show(here: Visit, person_id: str) -> None:
    """One person, in their language; no default answer, never for several at once (R2)."""
    file = session.persons(
        "intake.read",
        lambda db, actor: casefile.case_of_person(db, actor, person_id=person_id),
        lambda _: [person_id],
    )
    person = next(each for each in file.persons if each.person_id == person_id)
    country = file.group_of(person).destination_country
    if st.button(here.t("view.back_to_case"), key="consent.back"):
        _leave(file)
        st.rerun()
    st.title(here.t("view.consent.title", name=components.full_name(person)), anchor=False)
    spoken = [person.contact_language, *(code for code in person.speaks.split(";") if code)]
    readable = next((Language(code) for code in spoken if code in set(Language)), None)
    if readable is None:
        st.info(here.t("view.consent.interpret", language=components.language_name(spoken[0], here.language)))
    shown = readable or here.language
    with st.container(border=True):
        for number in (1, 2, 3, 4):
            st.markdown(f"##### {plain(label(f'consent.text.{number}', shown))}")
    _form(here, file, person, country, spoken, shown)


def _leave(file: CaseFile) -> None:
    session.set_parameter("person", "")
    session.set_parameter("case", file.case.case_id)


def _form(here: Visit, file: CaseFile, person: Person, country: str, spoken: Sequence[str], shown: Language) -> None:
    key = f"consent.{person.person_id}"
    now = clock.local(clock.now(), here.zone_name)
    left, right = st.columns(2)
    with left:
        language = st.selectbox(
            here.t("field.consent_language"),
            list(dict.fromkeys([*spoken, *components.CONTACT_LANGUAGES])),
            format_func=lambda code: components.language_name(code, here.language),
            key=f"{key}.language",
        )
        interpreter = st.text_input(here.t("field.interpreter"), key=f"{key}.interpreter")
        by = st.text_input(here.t("field.counselled_by"), here.actor.display_name, key=f"{key}.by")
    with right:
        day = components.day_field(
            here, "counselled_at", key=f"{key}.day", value=components.day_text(now.date() - timedelta(days=1))
        )
        at = st.text_input(here.t("field.counselled_time"), f"{now:%H:%M}", key=f"{key}.at")
        witness = st.text_input(here.t("field.witness"), key=f"{key}.witness", help=here.t("help.witness"))
    answers: dict[ConsentPurpose, str | None] = {}
    for purpose in (ConsentPurpose.RETURN, ConsentPurpose.CONSULAR_CONTACT):
        about = person.nationality if purpose is ConsentPurpose.CONSULAR_CONTACT else country
        answers[purpose] = st.radio(
            label(f"consent.question.{purpose.value}", shown, country=session.named(about, shown)),
            ["yes", "no", "later"],
            index=None,
            horizontal=True,
            format_func=lambda each: label(f"view.consent.{each}", shown),
            key=f"{key}.{purpose.value}",
        )
    is_own = st.checkbox(here.t("field.is_own_act"), key=f"{key}.own")
    is_waived = st.checkbox(here.t("field.is_reflection_waived"), key=f"{key}.waived", help=here.t("help.waived"))

    def save(db: Session, actor: Actor) -> int:
        if None in answers.values():
            raise InputError([Fault(column="answer", code="EMPTY", what="each question needs an answer")])
        if not by.strip():
            raise InputError([Fault(column="counselled_by", code="EMPTY", what="empty, expected who explained it")])
        counselled = components.parse_instant(day, at, here.zone_name, field="counselled_at")
        for purpose in (each for each, answer in answers.items() if answer == "yes"):
            about = person.nationality if purpose is ConsentPurpose.CONSULAR_CONTACT else country
            is_return = purpose is ConsentPurpose.RETURN
            intake.record_consent(
                db,
                actor,
                person_id=person.person_id,
                consent=intake.read_form(
                    ConsentCreate,
                    {
                        "purpose": purpose,
                        "destination_country": about,
                        "text_version": casefile.CONSENT_TEXT_VERSION,
                        "language": language,
                        "interpreter": interpreter,
                        "counselled_at": counselled,
                        "counselled_by": by,
                        "given_at": clock.now(),
                        "is_own_act": is_own,
                        "is_reflection_waived": is_waived,
                        "witness": witness if is_return else "",
                    },
                ),
            )
        return sum(answer == "yes" for answer in answers.values())

    session.act_button(
        here.t("view.consent.save"),
        "intake.consent",
        save,
        key=f"{key}.save",
        primary=True,
        said=lambda given: here.t("view.consent.saved" if given else "view.consent.said_no"),
        after=lambda _: _leave(file),
    )
