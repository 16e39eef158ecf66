"""The fields of each step of a registration: at most seven a page, rare ones only when they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from retorno import clock, intake
from retorno.errors import InputError
from retorno.intake import Step, casefile, registration
from retorno.models.people import Person, PersonCreate
from retorno.situation import ground
from retorno.vocabulary import DocumentType, EntryBasis, OnwardMeans, Relation, Sex
from ui import components, session
from ui.forms import Form
from ui.session import Visit, plain

FORM = registration.FORM


def _journey(here: Visit, form: Form, step: Step) -> None:
    places = here.office.places.split(";") if here.office else []
    left, right = st.columns(2)
    with left:
        if len(places) > 1:
            form.choose("place_id", places, session.named)
        else:
            st.text_input(here.t("field.place_id"), session.named(places[0] if places else ""), disabled=True)
        form.day("stranded_since")
        form.ask("is_held", ["no", "yes"], lambda code: here.t(f"view.consent.{code}"))
    with right:
        # Place and country in one list: a second list that waits for the first loses what a fast typist chooses.
        form.choose(
            "destination_place_id",
            components.all_destinations(ground(), here.language),
            lambda place_id: components.destination_name(place_id, here.language),
        )
        form.text("destination_municipality")
        form.choose("onward_means", list(OnwardMeans), lambda code: here.t(f"onward_means.{code}"))
    with st.expander(here.t("view.intake.rare"), expanded=bool(form.values.get("latest_date"))):
        form.day("latest_date")


def _person(here: Visit, form: Form, step: Step) -> None:
    key, values = step.key, form.values
    others = [each for each in registration.person_keys(values) if each != key]
    countries = [values.get(f"{each}.nationality") for each in others] + [registration.destination_country(values)]
    spoken = [values.get(f"{each}.contact_language") for each in others]
    _paste(here, form, key)
    copied = registration.same_as_first(values, key)
    if copied:
        fields = ", ".join(here.t(f"field.{field}") for field in copied)
        st.caption(plain(here.t("view.intake.same_as_first", fields=fields)))
    left, right = st.columns(2)
    with left:
        form.text(f"{key}.given_names")
        form.text(f"{key}.family_names")
        form.day(f"{key}.birth_date")
        form.choose(f"{key}.sex", list(Sex), lambda code: here.t(f"sex.{code}"))
    with right:
        form.country(f"{key}.nationality", first=[each for each in countries if each])
        form.choose(
            f"{key}.contact_language",
            list(dict.fromkeys([*(each for each in spoken if each), *components.CONTACT_LANGUAGES])),
            lambda code: components.language_name(code, here.language),
        )
        form.choose(
            f"{key}.document_type",
            [*DocumentType, registration.NO_DOCUMENT],
            lambda code: here.t(f"document_type.{code}"),
        )
    if registration.is_third_state(values, key):
        _third_state(here, form, key)
    rare = ("declared_age", "is_age_in_doubt", "speaks", "phone")
    is_needed = any(values.get(f"{key}.{field}") or f"{key}.{field}" in form.faults for field in rare)
    with st.expander(here.t("view.intake.rare"), expanded=is_needed):
        left, right = st.columns(2)
        with left:
            form.number(f"{key}.declared_age", 0, 120)
            form.tick(f"{key}.is_age_in_doubt")
        with right:
            form.several(
                f"{key}.speaks",
                components.CONTACT_LANGUAGES,
                lambda code: components.language_name(code, here.language),
            )
            form.text(f"{key}.phone")
    _likely(here, values, key)


def _third_state(here: Visit, form: Form, key: str) -> None:
    """Only where the destination is another country than that of the nationality (R9)."""
    st.markdown(f"**{plain(here.t('view.intake.third_state'))}**")
    left, right = st.columns(2)
    with left:
        basis = form.choose(
            f"{key}.entry_basis",
            [EntryBasis.HABITUAL_RESIDENCE, EntryBasis.PERMIT],
            lambda code: here.t(f"entry_basis.{code}"),
        )
        form.ask(f"{key}.is_third_state_choice_written", ["yes", "no"], lambda code: here.t(f"view.consent.{code}"))
    with right:
        if basis == EntryBasis.PERMIT:
            form.text(f"{key}.permit_number")
            form.day(f"{key}.permit_valid_until")


def _paste(here: Visit, form: Form, key: str) -> None:
    """The machine-readable zone fills the fields; what stands there already is not overwritten."""
    field = f"{key}.mrz"
    with st.expander(here.t("view.intake.paste"), expanded=False):
        form.area(field)
        if form.values.get(field):
            st.button(here.t("view.intake.fill"), key=f"fill-{key}", on_click=_fill, args=(form.draft_id, key))
        wrong = session.recall(f"zone.{form.draft_id}.{key}")
        if wrong:
            st.error("\n".join(f"- {plain(session.fault_words(fault, here.language))}" for fault in wrong))


_DOCUMENT_OF_ZONE = {"P": DocumentType.PASSPORT, "I": DocumentType.NATIONAL_ID, "A": DocumentType.NATIONAL_ID}


def _fill(draft_id: str, key: str) -> None:
    values = session.draft_values(FORM, draft_id)
    try:
        zone = intake.read_zone(str(values.get(f"{key}.mrz") or ""))
    except InputError as problem:
        session.remember(f"zone.{draft_id}.{key}", problem.faults)
        return
    session.forget(f"zone.{draft_id}.{key}")
    read = {
        "given_names": zone.given_names.title(),
        "family_names": zone.surname.title(),
        "birth_date": components.day_text(zone.birth_date),
        "sex": zone.sex,
        "nationality": intake.alpha2(zone.nationality),
        "document_type": _DOCUMENT_OF_ZONE.get(zone.document_code[:1], DocumentType.OTHER),
        "number": zone.document_number,
        "issuing_country": intake.alpha2(zone.issuer),
        "expires_on": components.day_text(zone.expiry_date),
    }
    empty = {f"{key}.{field}": value for field, value in read.items() if value and not values.get(f"{key}.{field}")}
    session.set_draft(FORM, draft_id, empty)


def _likely(here: Visit, values: Mapping[str, Any], key: str) -> None:
    """People of the own caseload who may be the one on the form."""
    own = {field: values.get(f"{key}.{field}") for field in ("given_names", "family_names", "birth_date", "sex")}
    if not (own["given_names"] and own["birth_date"]):
        return
    try:
        probe = PersonCreate.model_validate(
            {
                "given_names": own["given_names"],
                "family_names": own["family_names"] or "",
                "sex": own["sex"] or Sex.UNSPECIFIED,
                "birth_date": components.parse_day(own["birth_date"], field="birth_date"),
                "nationality": values.get(f"{key}.nationality") or "HN",
                "contact_language": "es",
                "stranded_since": clock.now().date(),
            }
        )
    except ValueError:
        return  # Not yet a form that could be somebody; its faults stand below the fields.
    pairs = session.look(lambda db, actor: intake.duplicates_of_form(db, actor, person=probe))
    if not pairs:
        return
    ids = [pair.first_ref or pair.second_ref for pair in pairs[:5]]
    twins = session.persons(
        "intake.read", lambda db, actor: casefile.people(db, actor, person_ids=ids), lambda found: found
    )
    st.warning(plain(here.t("view.intake.likely")))
    people_table(here, list(twins.values()))


def people_table(here: Visit, people: Sequence[Person]) -> None:
    """People of the caseload, to read."""
    today = clock.today(here.zone_name)
    components.table(
        [
            here.t("column.name"),
            here.t("column.age"),
            here.t("column.nationality"),
            here.t("column.days_waiting"),
            here.t("column.ref"),
            here.t("column.state"),
        ],
        [
            (
                components.full_name(person),
                components.age_text(person, today),
                session.named(person.nationality, here.language),
                (today - person.stranded_since).days,
                person.person_id,
                here.t(f"status.person.{person.status.value}"),
            )
            for person in people
        ],
        numbers=" n n  ",
    )


def _together(here: Visit, form: Form, step: Step) -> None:
    """Relation to the first person, and for each child who cares for it; nothing is guessed."""
    values, today = form.values, clock.now().date()
    keys = registration.person_keys(values)
    names = {key: registration.family_name(values, key) for key in keys}
    st.markdown(plain(here.t("view.intake.together", name=components.isolated(names[keys[0]]))))
    for number, key in enumerate(keys, start=1):
        child = registration.is_child(values, key, today=today)
        if number == 1 and not child and not values.get(f"{key}.caregiver"):
            continue
        left, right = st.columns(2)
        with left:
            if number > 1:
                form.choose(
                    f"{key}.relation",
                    list(Relation)[1:],
                    lambda code: here.t(f"relation.{code}"),
                    text=here.t("view.intake.relation_of", name=components.isolated(names[key])),
                )
        with right:
            if child or values.get(f"{key}.caregiver"):
                carers = [each for each in keys if each != key]
                carers.sort(key=lambda each: registration.is_child(values, each, today=today))
                form.choose(
                    f"{key}.caregiver",
                    [*carers, registration.NOBODY],
                    lambda each: names.get(each) or here.t("view.intake.no_caregiver"),
                    text=here.t("view.intake.carer_of", name=components.isolated(names[key])),
                )


def _document(here: Visit, form: Form, step: Step) -> None:
    key = step.key
    kind = form.values.get(f"{key}.document_type")
    st.markdown(plain(here.t(f"document_type.{kind}")))
    left, right = st.columns(2)
    with left:
        form.text(f"{key}.number")
        form.country(f"{key}.issuing_country", first=[each for each in [form.values.get(f"{key}.nationality")] if each])
        form.day(f"{key}.expires_on")
    with right:
        if kind == DocumentType.SAFE_CONDUCT:
            form.number(f"{key}.safe_conduct_hours", 1, 24 * 60)
        form.area(f"{key}.mrz")


def _needs(here: Visit, form: Form, step: Step) -> None:
    answer = form.ask("needs_help", ["no", "yes"], lambda code: here.t(f"view.consent.{code}"))
    if answer == "yes":
        for key in registration.person_keys(form.values):
            form.tick(f"{key}.needs_wheelchair", text=registration.family_name(form.values, key))
    st.caption(here.t("view.intake.health_asks"))


def _detention(here: Visit, form: Form, step: Step) -> None:
    st.markdown(plain(here.t("view.intake.detention")))
    for key in registration.person_keys(form.values):
        form.ask(
            f"{key}.is_detained",
            ["no", "yes"],
            lambda code: here.t(f"view.consent.{code}"),
            text=here.t("view.intake.held", name=components.isolated(registration.family_name(form.values, key))),
        )


DRAW = {
    "journey": _journey,
    "person": _person,
    "together": _together,
    "document": _document,
    "needs": _needs,
    "detention": _detention,
}
