"""Register a family once; open a case; consent, documents, fear, withdrawal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock, intake, readiness
from retorno.errors import Fault, InputError
from retorno.intake import LikelyDuplicate, NewPerson, Registered, casefile
from retorno.intake.casefile import CaseFile
from retorno.labels import all_labels
from retorno.models.people import (
    CaseCreate,
    Consent,
    DocumentCreate,
    Person,
    PersonCreate,
    PersonUpdate,
    TravelGroupCreate,
)
from retorno.office.access import Actor
from retorno.situation import ground
from retorno.vocabulary import (
    ConsentPurpose,
    DocumentType,
    EntryBasis,
    HoldKind,
    OnwardMeans,
    PersonStatus,
    Relation,
    Sex,
)
from ui import components, session
from ui.components import Form
from ui.session import Visit, plain
from ui.views import consent

FORM = "register"
MOST_PERSONS = 20


def show() -> None:
    """A person's consent, a case, or the search and the form: as the address says."""
    here = session.visit()
    if session.parameter("person"):
        consent.show(here, session.parameter("person"))
    elif session.parameter("case"):
        _case_page(here, session.parameter("case"))
    else:
        components.title(here, "view.intake.title")
        _search(here)
        st.divider()
        _register(here)


# ---- search ----------------------------------------------------------------------------------------------------


def _search(here: Visit) -> None:
    line, _ = st.columns([4, 4])
    text = line.text_input(here.t("field.search"), key="intake.search", help=here.t("view.intake.search_help"))
    if not text.strip():
        return
    found = session.persons(
        "intake.read",
        lambda db, actor: intake.search(db, actor, text=text),
        lambda rows: [row.person_id for row in rows],
    )
    if not found:
        components.empty(here, "view.intake.nobody_found")
        return
    _people_table(here, found)
    chosen = st.selectbox(
        here.t("view.intake.open_person"),
        [person.person_id for person in found],
        index=None,
        format_func=lambda each: _named(found, each),
        placeholder=here.t("view.choose"),
        key="intake.found",
    )
    if chosen is not None:
        file = session.look(lambda db, actor: casefile.case_of_person(db, actor, person_id=chosen))
        session.set_parameter("case", file.case.case_id)
        st.rerun()


def _named(people: Sequence[Person], person_id: str) -> str:
    return next(components.full_name(each) for each in people if each.person_id == person_id)


def _people_table(here: Visit, people: Sequence[Person]) -> None:
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


# ---- registration -----------------------------------------------------------------------------------------------


def _register(here: Visit) -> None:
    st.subheader(here.t("view.intake.register"), anchor=False)
    form = Form(here, FORM)
    form.restore()
    case = _case_fields(here, form)
    count = int(session.recall("register.count", 0) or _drafted_count() or 1)
    people = [_person_fields(here, form, number) for number in range(count)]
    more, fewer, _ = st.columns([2.2, 2.2, 4])
    if more.button(here.t("view.intake.add_person"), key="register-more", disabled=count >= MOST_PERSONS):
        session.remember("register.count", count + 1)
        st.rerun()
    if count > 1 and fewer.button(here.t("view.intake.remove_person"), key="register-fewer"):
        session.remember("register.count", count - 1)
        session.clear_fields(f"{FORM}.{count - 1}.")
        st.rerun()
    form.saved_line()
    _likely(here, people)

    def save(db: Session, actor: Actor) -> Registered:
        return _save(db, actor, here, case, people)

    def after(made: Registered) -> None:
        session.drop_draft(FORM)
        session.forget("register.count")
        session.set_parameter("case", made.case_id)

    session.act_button(
        here.t("view.intake.save"),
        "intake.register",
        save,
        key="register-save",
        primary=True,
        shortcut="Alt+G",
        said=lambda made: here.t("view.intake.saved", case=made.reference),
        after=after,
    )


def _drafted_count() -> int:
    """How many persons the restored fields speak of."""
    return sum(session.field_value(f"{FORM}.{number}.given_names") is not None for number in range(MOST_PERSONS))


def _case_fields(here: Visit, form: Form) -> dict[str, Any]:
    places = here.office.places.split(";") if here.office else []
    with st.container(border=True):
        st.markdown(f"**{plain(here.t('view.intake.journey'))}**")
        left, middle, right = st.columns(3)
        with left:
            place = form.choose("place_id", places, session.named) if len(places) > 1 else places[0]
            if len(places) == 1:
                st.text_input(here.t("field.place_id"), session.named(place or ""), disabled=True)
            since = form.day("stranded_since")
        with middle:
            country = form.country("destination_country")
            ends = components.destinations(ground(), country) if country else []
            end = form.choose("destination_place_id", ends, session.named)
        with right:
            municipality = form.text("destination_municipality", help_key="help.destination_municipality")
            latest = form.day("latest_date")
    return {
        "place_id": place,
        "stranded_since": since,
        "destination_country": country,
        "destination_place_id": end,
        "destination_municipality": municipality,
        "latest_date": latest,
    }


def _person_fields(here: Visit, form: Form, number: int) -> dict[str, Any]:
    """Seven fields of a person, and those that are needed only sometimes."""

    def name(field: str) -> str:
        return f"{number}.{field}"

    with st.container(border=True):
        st.markdown(f"**{plain(here.t('view.intake.person', n=number + 1))}**")
        left, middle, right = st.columns(3)
        values: dict[str, Any] = {}
        with left:
            values["given_names"] = form.text(name("given_names"))
            values["family_names"] = form.text(name("family_names"))
        with middle:
            values["birth_date"] = form.day(name("birth_date"))
            values["sex"] = form.choose(name("sex"), list(Sex), lambda code: here.t(f"sex.{code}"))
        with right:
            values["nationality"] = form.country(name("nationality"))
            values["contact_language"] = form.choose(
                name("contact_language"),
                components.CONTACT_LANGUAGES,
                lambda code: components.language_name(code, here.language),
            )
        if number:
            values["relation"] = form.choose(
                name("relation"), list(Relation)[1:], lambda code: here.t(f"relation.{code}")
            )
            values["caregiver"] = form.choose(
                name("caregiver"),
                [str(n) for n in range(number)],
                lambda each: here.t("view.intake.person", n=int(each) + 1),
                help_key="help.caregiver",
            )
        with st.expander(here.t("view.intake.rare")):
            values |= _rare_fields(here, form, name)
    return values


def _rare_fields(here: Visit, form: Form, name: Any) -> dict[str, Any]:
    left, middle, right = st.columns(3)
    values: dict[str, Any] = {}
    with left:
        values["declared_age"] = form.number(name("declared_age"), 0, 120)
        values["phone"] = form.text(name("phone"))
        values["speaks"] = form.text(name("speaks"), help_key="help.speaks")
    with middle:
        values["onward_means"] = form.choose(
            name("onward_means"), list(OnwardMeans), lambda code: here.t(f"onward_means.{code}")
        )
        values["entry_basis"] = form.choose(
            name("entry_basis"), list(EntryBasis), lambda code: here.t(f"entry_basis.{code}")
        )
        values["permit_number"] = form.text(name("permit_number"))
        values["permit_valid_until"] = form.day(name("permit_valid_until"))
    with right:
        for field in ("is_unaccompanied", "is_age_in_doubt", "is_detained", "needs_wheelchair"):
            values[field] = form.tick(name(field), help_key=f"help.{field}" if f"help.{field}" in all_labels() else "")
    return values


def _save(db: Session, actor: Actor, here: Visit, case: dict[str, Any], people: Sequence[dict[str, Any]]) -> Registered:
    """Read the whole form, gather every fault, register."""
    faults: list[Fault] = []

    def day(text: str, field: str, row: int | None = None) -> date | None:
        try:
            return components.parse_day(text, field=field)
        except InputError as error:
            faults.extend(Fault(row=row, column=each.column, code=each.code, what=each.what) for each in error.faults)
            return None

    since, latest = day(case["stranded_since"], "stranded_since"), day(case["latest_date"], "latest_date")
    for field in ("destination_country", "destination_place_id", "place_id", "stranded_since"):
        if not case[field]:
            faults.append(Fault(column=field, code="EMPTY", what="empty, expected a value"))
    persons = []
    for row, values in enumerate(people, start=1):
        born = day(values["birth_date"], "birth_date", row)
        permit = day(values["permit_valid_until"], "permit_valid_until", row)
        given = {key: value for key, value in values.items() if value not in (None, "")}
        given |= {"birth_date": born, "permit_valid_until": permit, "stranded_since": since or clock.now().date()}
        given.pop("caregiver", None)
        if born is None and values["declared_age"] is None:
            faults.append(Fault(row=row, column="birth_date", code="NO_AGE", what="birth date or age is needed"))
            given["declared_age"] = 0
        try:
            person = intake.read_form(PersonCreate, given, row=row)
        except InputError as error:
            faults += error.faults
            continue
        caregiver = values.get("caregiver") or ""
        persons.append(NewPerson(person=person, key=str(row - 1), caregiver_key=caregiver))
    if faults:
        raise InputError(faults)
    return intake.register_case(
        db,
        actor,
        case=CaseCreate(place_id=case["place_id"]),
        group=intake.read_form(
            TravelGroupCreate,
            {
                "destination_country": case["destination_country"],
                "destination_place_id": case["destination_place_id"],
                "destination_municipality": case["destination_municipality"],
                "latest_date": latest,
            },
        ),
        persons=persons,
    )


def _likely(here: Visit, people: Sequence[dict[str, Any]]) -> None:
    """People of the own caseload who may be the ones on the form."""
    for number, values in enumerate(people):
        if not (values["given_names"] and values["birth_date"]):
            continue
        try:
            born = components.parse_day(values["birth_date"], field="birth_date")
            probe = PersonCreate.model_validate(
                {
                    "given_names": values["given_names"],
                    "family_names": values["family_names"],
                    "sex": values["sex"] or Sex.UNSPECIFIED,
                    "birth_date": born,
                    "nationality": values["nationality"] or "HN",
                    "contact_language": "es",
                    "stranded_since": clock.now().date(),
                }
            )
        except ValueError:
            continue  # Not yet a form that could be somebody; its faults are told when it is saved.
        pairs = session.look(lambda db, actor, probe=probe: intake.duplicates_of_form(db, actor, person=probe))
        if pairs:
            ids = [pair.first_ref or pair.second_ref for pair in pairs[:5]]
            twins = session.persons(
                "intake.read",
                lambda db, actor, ids=ids: casefile.people(db, actor, person_ids=ids),
                lambda found: found,
            )
            st.warning(plain(here.t("view.intake.likely", n=number + 1)))
            _people_table(here, list(twins.values()))


# ---- a case -----------------------------------------------------------------------------------------------------


def _case_page(here: Visit, case_id: str) -> None:
    file = session.persons(
        "intake.read",
        lambda db, actor: casefile.read_case(db, actor, case_id=case_id),
        lambda found: [person.person_id for person in found.persons],
    )
    if st.button(here.t("view.back"), key="case.back"):
        session.set_parameter("case", "")
        st.rerun()
    st.title(here.t("view.case.title", case=file.case.reference), anchor=False)
    for group in file.groups:
        st.markdown(
            plain(
                here.t(
                    "view.case.journey",
                    here=session.named(file.case.place_id),
                    place=session.named(group.destination_place_id),
                    country=session.named(group.destination_country, here.language),
                    municipality=group.destination_municipality or "–",
                )
            )
        )
    _people_table(here, file.persons)
    _missing(here, file)
    _duplicates(here, file)
    for person in file.persons:
        _person(here, file, person)
    _add_person(here, file)


def _missing(here: Visit, file: CaseFile) -> None:
    """What each group still needs to travel in a week."""
    day = clock.today(here.zone_name) + timedelta(days=7)
    rows = session.look(lambda db, actor: readiness.ready_groups(db, actor, on_date=day))
    names = {person.person_id: components.full_name(person) for person in file.persons}
    for row in (row for row in rows if row.case_id == file.case.case_id):
        st.subheader(here.t("view.case.missing", day=here.day(day)), anchor=False)
        if row.findings:
            components.findings(here, row.findings, names)
        if row.is_ready:
            st.success(here.t("view.readiness.all_ready"))


def _duplicates(here: Visit, file: CaseFile) -> None:
    ids = [person.person_id for person in file.persons]
    pairs = session.look(lambda db, actor: intake.likely_duplicates(db, actor, person_ids=ids))
    if not pairs:
        return
    refs = {ref for pair in pairs for ref in (pair.first_ref, pair.second_ref)}
    people = session.persons(
        "intake.read", lambda db, actor: casefile.people(db, actor, person_ids=refs), lambda found: found
    )
    st.subheader(here.t("view.case.duplicates"), anchor=False)
    for pair in pairs[:10]:
        _pair(here, pair, people)


def _pair(here: Visit, pair: LikelyDuplicate, people: dict[str, Person]) -> None:
    both = [people[ref] for ref in (pair.first_ref, pair.second_ref) if ref in people]
    with st.container(border=True):
        _people_table(here, both)
        same, other, _ = st.columns([2, 2, 4])
        for column, is_same, word in ((same, True, "view.case.same"), (other, False, "view.case.not_same")):
            with column:
                session.act_button(
                    here.t(word),
                    "intake.duplicate",
                    lambda db, actor, is_same=is_same: intake.decide_duplicate(
                        db,
                        actor,
                        first_person_id=pair.first_ref,
                        second_person_id=pair.second_ref,
                        is_same=is_same,
                    ),
                    key=f"pair.{pair.first_ref}.{pair.second_ref}.{is_same}",
                    said=here.t("view.case.decided"),
                )


def _person(here: Visit, file: CaseFile, person: Person) -> None:
    name = components.full_name(person)
    with st.expander(plain(name)):
        consents, documents = file.consents.get(person.person_id, ()), file.documents.get(person.person_id, ())
        _consents(here, consents)
        if documents:
            components.table(
                [
                    here.t("field.document_type"),
                    here.t("field.number"),
                    here.t("field.issuing_country"),
                    here.t("field.expires_on"),
                ],
                [
                    (
                        here.t(f"document_type.{each.document_type.value}"),
                        each.number,
                        session.named(each.issuing_country, here.language),
                        components.day_text(each.expires_on),
                    )
                    for each in documents
                ],
                caption=here.t("view.case.documents"),
            )
        if st.button(here.t("view.case.consent"), key=f"consent.{person.person_id}", type="primary"):
            session.set_parameter("person", person.person_id)
            st.rerun()
        paper, right, out = st.tabs(
            [here.t("view.case.add_document"), here.t("view.case.correct"), here.t("view.case.stop")]
        )
        with paper:
            _document(here, file, person)
        with right:
            _correct(here, person)
        with out:
            _stop(here, person, consents)


def _consents(here: Visit, consents: Sequence[Consent]) -> None:
    components.table(
        [here.t("column.consent"), here.t("column.given"), here.t("column.language"), here.t("column.state")],
        [
            (
                here.t(f"purpose.{each.purpose.value}"),
                here.time(each.given_at),
                components.language_name(each.language, here.language),
                here.t("status.consent.withdrawn" if each.withdrawn_at else "status.consent.given"),
            )
            for each in consents
        ]
        or [(here.t("view.case.no_consent"), "", "", "")],
        caption=here.t("view.case.consents"),
    )
    for each in consents:
        if each.withdrawn_at is None:
            session.file_link(
                "consent_pdf",
                each.consent_id,
                f"{here.t('view.case.copy')}: {here.t(f'purpose.{each.purpose.value}')}",
            )


def _document(here: Visit, file: CaseFile, person: Person) -> None:
    form = Form(here, f"document-{person.person_id}")
    left, right = st.columns(2)
    with left:
        kind = form.choose("document_type", list(DocumentType), lambda code: here.t(f"document_type.{code}"))
        number = form.text("number")
        issuer = form.country("issuing_country")
    with right:
        expires = form.day("expires_on")
        zone = form.area("mrz", help_key="help.mrz")

    def save(db: Session, actor: Actor) -> object:
        values = components.read_all({"expires_on": lambda: components.parse_day(expires, field="expires_on")})
        document = intake.read_form(
            DocumentCreate,
            {
                "document_type": kind,
                "number": number,
                "issuing_country": issuer,
                "expires_on": values["expires_on"],
                "mrz": zone,
            },
        )
        return intake.add_document(db, actor, person_id=person.person_id, document=document)

    session.act_button(
        here.t("view.case.save_document"),
        "intake.document",
        save,
        key=f"document.{person.person_id}",
        primary=True,
        said=here.t("view.case.document_saved"),
        after=lambda _: session.drop_draft(form.name),
    )
    for document in file.documents.get(person.person_id, ()):
        session.act_button(
            here.t("view.case.confirm_document", number=document.number),
            "intake.document",
            lambda db, actor, document=document: intake.confirm_document(
                db, actor, document_id=document.document_id, version=document.version
            ),
            key=f"confirm.{document.document_id}",
            said=here.t("view.case.document_confirmed"),
        )


def _correct(here: Visit, person: Person) -> None:
    key = f"correct.{person.person_id}.{person.version}"
    left, middle, right = st.columns(3)
    given = left.text_input(here.t("field.given_names"), person.given_names, key=f"{key}.given")
    family = left.text_input(here.t("field.family_names"), person.family_names, key=f"{key}.family")
    with middle:
        born = components.day_field(here, "birth_date", key=f"{key}.born", value=components.day_text(person.birth_date))
        means = components.choice(
            here,
            here.t("field.onward_means"),
            list(OnwardMeans),
            "onward_means",
            key=f"{key}.means",
            index=list(OnwardMeans).index(person.onward_means) if person.onward_means else None,
        )
    with right:
        wheelchair = st.checkbox(here.t("field.needs_wheelchair"), person.needs_wheelchair, key=f"{key}.wheel")
        speaks = st.text_input(here.t("field.speaks"), person.speaks, key=f"{key}.speaks", help=here.t("help.speaks"))

    def save(db: Session, actor: Actor) -> object:
        return intake.update_person(
            db,
            actor,
            person_id=person.person_id,
            version=person.version,
            changes=intake.read_form(
                PersonUpdate,
                {
                    "given_names": given,
                    "family_names": family,
                    "birth_date": components.parse_day(born, field="birth_date"),
                    "onward_means": means,
                    "needs_wheelchair": wheelchair,
                    "speaks": speaks,
                },
            ),
        )

    session.act_button(
        here.t("view.save"), "intake.update", save, key=f"{key}.save", said=here.t("view.case.corrected")
    )


def _stop(here: Visit, person: Person, consents: Sequence[Consent]) -> None:
    """Fear of return (write-only) and withdrawal: each one step, with the name repeated."""
    name = components.full_name(person)
    components.danger(
        here,
        here.t("view.case.afraid"),
        here.t("view.case.afraid_facts", name=components.isolated(name)),
        here.t("view.case.afraid_do"),
        "changes.hold",
        lambda db, actor: changes.raise_hold(db, actor, person_id=person.person_id, kind=HoldKind.FEAR),
        key=f"afraid.{person.person_id}",
        said=here.t("view.case.afraid_done"),
    )
    for purpose in (ConsentPurpose.RETURN, ConsentPurpose.CONSULAR_CONTACT):
        given = [each for each in consents if each.purpose is purpose and each.withdrawn_at is None]
        if not given and not (purpose is ConsentPurpose.RETURN and person.status is PersonStatus.ACTIVE):
            continue
        components.danger(
            here,
            here.t(f"view.case.withdraw.{purpose.value}"),
            here.t(f"view.case.withdraw_facts.{purpose.value}", name=components.isolated(name)),
            here.t("view.case.withdraw_do"),
            "changes.withdraw",
            lambda db, actor, purpose=purpose: changes.withdraw(db, actor, person_id=person.person_id, purpose=purpose),
            key=f"withdraw.{person.person_id}.{purpose.value}",
            said=lambda effect: components.effect_text(here, effect),
        )


def _add_person(here: Visit, file: CaseFile) -> None:
    group = file.groups[0] if file.groups else None
    if group is None:
        return
    with st.expander(here.t("view.case.add_person")):
        form = Form(here, f"add-{group.group_id}")
        values = _person_fields(here, form, 1)
        since = form.day("stranded_since")

        def save(db: Session, actor: Actor) -> object:
            days = components.read_all(
                {
                    "birth_date": lambda: components.parse_day(values["birth_date"], field="birth_date"),
                    "stranded_since": lambda: components.parse_day(since, field="stranded_since"),
                    "permit_valid_until": lambda: components.parse_day(
                        values["permit_valid_until"], field="permit_valid_until"
                    ),
                }
            )
            given = {key: value for key, value in values.items() if value not in (None, "")} | days
            given.pop("caregiver", None)
            person = intake.read_form(PersonCreate, {k: v for k, v in given.items() if v is not None})
            return intake.add_person(
                db, actor, group_id=group.group_id, version=group.version, person=person, caregiver_id=caregiver
            )

        caregiver = st.selectbox(
            here.t("field.caregiver"),
            [person.person_id for person in file.persons],
            index=None,
            format_func=lambda each: _named(file.persons, each),
            placeholder=here.t("view.choose"),
            key=f"{form.name}-caregiver",
        )
        session.act_button(
            here.t("view.save"),
            "intake.update",
            save,
            key=f"{form.name}-save",
            said=here.t("view.case.person_added"),
            after=lambda _: session.drop_draft(form.name),
        )
