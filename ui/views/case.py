"""A registered family: what is missing, who has consented, papers, corrections, fear, withdrawal, splitting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock, intake, readiness
from retorno.intake import LikelyDuplicate, casefile
from retorno.intake.casefile import CaseFile
from retorno.models.people import Consent, DocumentCreate, Person, PersonUpdate, TravelGroup
from retorno.office.access import Actor
from retorno.vocabulary import ConsentPurpose, DocumentType, EntryBasis, HoldKind, OnwardMeans, PersonStatus
from ui import components, session
from ui.forms import Form
from ui.session import Visit, plain
from ui.views import actions, adding
from ui.views.family_fields import people_table

PARTS = ("document", "visa", "correct", "withdraw")
"""What can be done for one person, as the address names it (``part``)."""


def show(here: Visit, case_id: str) -> None:
    """The case that the address names; ``of`` and ``part`` name a person and what is to be done."""
    file = session.persons(
        "intake.read",
        lambda db, actor: casefile.read_case(db, actor, case_id=case_id),
        lambda found: [person.person_id for person in found.persons],
    )
    st.button(here.t("view.back"), key="case.back", on_click=_leave)
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
    people_table(here, file.persons)
    _consent_steps(here, file)
    _missing(here, file)
    _duplicates(here, file)
    st.header(here.t("view.case.people"), anchor=False)
    for person in file.persons:
        _person(here, file, person)
    adding.show(here, file)
    for group in file.groups:
        _split(here, file, group)


def _leave() -> None:
    for name in ("case", "of", "part"):
        session.set_parameter(name, "")


def open_consent(person_id: str, part: str = "") -> None:
    """Go to one person's consent; ``part`` is ``split`` where travelling apart is to be asked too."""
    for name in ("case", "of", "part", "draft", "step"):
        session.set_parameter(name, "")
    session.set_parameter("person", person_id)
    session.set_parameter("part", part)


def pending_consent(file: CaseFile) -> list[Person]:
    """Active members without a consent to return in force."""
    return [
        person
        for person in file.persons
        if person.status is PersonStatus.ACTIVE
        and not any(
            each.purpose is ConsentPurpose.RETURN and each.withdrawn_at is None
            for each in file.consents.get(person.person_id, ())
        )
    ]


def _consent_steps(here: Visit, file: CaseFile) -> None:
    """One line a person: the consent is talked about with each of them, never with several at once (R2)."""
    st.header(here.t("view.case.consents"), anchor=False)
    pending = pending_consent(file)
    for person in file.persons:
        name, state, door, afraid = st.columns([3, 2.4, 2.2, 2.2], vertical_alignment="center")
        name.markdown(plain(components.isolated(components.full_name(person))))
        is_open = person in pending
        state.markdown(plain(here.t("view.case.consent_open" if is_open else "view.case.consent_given")))
        door.button(
            here.t("view.case.consent"),
            key=f"consent.{person.person_id}",
            type="primary" if pending and person is pending[0] else "secondary",
            on_click=open_consent,
            args=(person.person_id,),
            help=here.t("view.case.consent_for", name=components.full_name(person)),
        )
        with afraid:
            afraid_button(here, person, key=f"list.{person.person_id}")


def afraid_button(here: Visit, person: Person, *, key: str) -> None:
    """Fear of return: write-only, one step, with the name repeated."""
    components.danger(
        here,
        here.t("view.case.afraid"),
        here.t("view.case.afraid_facts", name=components.isolated(components.full_name(person))),
        here.t("view.case.afraid_do"),
        "changes.hold",
        lambda db, actor: changes.raise_hold(db, actor, person_id=person.person_id, kind=HoldKind.FEAR),
        key=f"afraid.{key}",
        said=here.t("view.case.afraid_done"),
    )


def _missing(here: Visit, file: CaseFile) -> None:
    """What each group still needs to travel in a week."""
    day = clock.today(here.zone_name) + timedelta(days=7)
    rows = session.look(lambda db, actor: readiness.ready_groups(db, actor, on_date=day))
    names = {person.person_id: components.full_name(person) for person in file.persons}
    for row in (row for row in rows if row.case_id == file.case.case_id):
        st.header(here.t("view.case.missing", day=here.day(day)), anchor=False)
        if row.findings:
            actions.show(here, row, names, key="case")
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
    st.header(here.t("view.case.duplicates"), anchor=False)
    for pair in pairs[:10]:
        _pair(here, pair, people)


def _pair(here: Visit, pair: LikelyDuplicate, people: dict[str, Person]) -> None:
    both = [people[ref] for ref in (pair.first_ref, pair.second_ref) if ref in people]
    with st.container(border=True):
        people_table(here, both)
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
    is_wanted = session.parameter("of") == person.person_id
    part = session.parameter("part") if is_wanted else ""
    with st.expander(plain(components.full_name(person)), expanded=is_wanted):
        consents = file.consents.get(person.person_id, ())
        _consents(here, consents)
        tabs = [here.t(f"view.case.part.{each}") for each in PARTS]
        opened = tabs[PARTS.index(part)] if part in PARTS else None
        paper, visa, right, out = st.tabs(tabs, default=opened)
        with paper:
            _documents(here, file, person)
        with visa:
            _visa(here, person)
        with right:
            _correct(here, file, person)
            _carer(here, file, person)
        with out:
            _withdraw(here, person, consents)


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


def _documents(here: Visit, file: CaseFile, person: Person) -> None:
    """The person's documents, the check by hand of each, and a form for one more."""
    documents = file.documents.get(person.person_id, ())
    if documents:
        components.table(
            [here.t(f"field.{name}") for name in ("document_type", "number", "issuing_country", "expires_on")],
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
        st.caption(here.t("view.case.check_what"))
    for document in documents:
        seen, doubt, _ = st.columns([3, 3, 2])
        with seen:
            session.act_button(
                here.t("view.case.confirm_document", number=document.number),
                "intake.document",
                lambda db, actor, document=document: intake.confirm_document(
                    db, actor, document_id=document.document_id, version=document.version
                ),
                key=f"confirm.{document.document_id}",
                said=here.t("view.case.document_confirmed"),
            )
        with doubt:
            session.act_button(
                here.t("view.case.doubt_document", number=document.number),
                "intake.document",
                lambda db, actor, document=document: intake.review_document(
                    db, actor, document_id=document.document_id, version=document.version, is_in_review=True
                ),
                key=f"doubt.{document.document_id}",
                said=here.t("view.case.document_doubted"),
            )
    _new_document(here, person)


def _new_document(here: Visit, person: Person) -> None:
    form = Form(here, "document", draft_id=person.person_id)
    left, right = st.columns(2)
    with left:
        kind = form.choose("document_type", list(DocumentType), lambda code: here.t(f"document_type.{code}"))
        number = form.text("number")
        issuer = form.country("issuing_country", first=[person.nationality])
    with right:
        expires = form.day("expires_on")
        hours = form.number("safe_conduct_hours", 1, 24 * 60) if kind == DocumentType.SAFE_CONDUCT else None
        zone = form.area("mrz")
    form.why()

    def save(db: Session, actor: Actor) -> object:
        values = components.read_all({"expires_on": lambda: components.parse_day(expires, field="expires_on")})
        given = {
            "document_type": kind,
            "number": number,
            "issuing_country": issuer,
            "expires_on": values["expires_on"],
            "safe_conduct_hours": hours,
            "mrz": zone,
        }
        document = intake.read_form(DocumentCreate, given)
        return intake.add_document(db, actor, person_id=person.person_id, document=document)

    session.act_button(
        here.t("view.case.save_document"),
        "intake.document",
        save,
        key=f"document.{person.person_id}",
        primary=True,
        said=here.t("view.case.document_saved"),
        after=lambda _: session.drop_draft(form.name, form.draft_id, key=form.prefix.rstrip(".")),
    )
    form.saved_line()


def _visa(here: Visit, person: Person) -> None:
    """A visa or waiver for passing one country."""
    form = Form(here, "visa", draft_id=person.person_id)
    left, right = st.columns(2)
    with left:
        country = form.country("transit_country")
    with right:
        until = form.day("visa_until")

    def save(db: Session, actor: Actor) -> object:
        day = components.read_all(
            {
                "country": lambda: components.needed(country or "", field="transit_country"),
                "until": lambda: components.needed_day(until, field="visa_until"),
            }
        )
        return intake.record_transit_visa(
            db, actor, person_id=person.person_id, country=str(day["country"]), valid_until=day["until"]
        )

    session.act_button(
        here.t("view.case.save_visa"),
        "intake.document",
        save,
        key=f"visa.{person.person_id}",
        primary=True,
        said=here.t("view.case.visa_saved"),
        after=lambda _: session.drop_draft(form.name, form.draft_id, key=form.prefix.rstrip(".")),
    )


def _correct(here: Visit, file: CaseFile, person: Person) -> None:
    key = f"correct.{person.person_id}.{person.version}"
    spoken = [code for code in person.speaks.split(";") if code]
    left, middle, other = st.columns(3)
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
    with other:
        wheelchair = st.checkbox(here.t("field.needs_wheelchair"), person.needs_wheelchair, key=f"{key}.wheel")
        speaks = st.multiselect(
            here.t("field.speaks"),
            list(dict.fromkeys([*components.CONTACT_LANGUAGES, *spoken])),
            default=spoken,
            format_func=lambda code: components.language_name(code, here.language),
            key=f"{key}.speaks",
            placeholder=here.t("view.choose"),
        )
    right = _right_to_enter(here, file, person, key)

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
                    "speaks": ";".join(speaks),
                    **_right_values(right),
                },
            ),
        )

    session.act_button(
        here.t("view.save"), "intake.update", save, key=f"{key}.save", said=here.t("view.case.corrected")
    )


def _right_to_enter(here: Visit, file: CaseFile, person: Person, key: str) -> dict[str, str]:
    """Why the person may enter a country that is not the one of the nationality, and the written choice (R9)."""
    country = file.group_of(person).destination_country
    if person.nationality == country:
        return {}
    st.markdown(f"**{plain(here.t('view.intake.third_state'))}**")
    bases = [EntryBasis.HABITUAL_RESIDENCE, EntryBasis.PERMIT]
    left, middle, other = st.columns(3)
    with left:
        basis = components.choice(
            here,
            here.t("field.entry_basis"),
            bases,
            "entry_basis",
            key=f"{key}.basis",
            index=bases.index(person.entry_basis) if person.entry_basis in bases else None,
        )
    number = middle.text_input(here.t("field.permit_number"), person.permit_number, key=f"{key}.permit")
    with middle:
        until = components.day_field(
            here, "permit_valid_until", key=f"{key}.until", value=components.day_text(person.permit_valid_until)
        )
    is_written = other.checkbox(
        here.t("field.is_third_state_choice_written"), person.is_third_state_choice_written, key=f"{key}.written"
    )
    return {
        "entry_basis": basis or "",
        "permit_number": number,
        "permit_valid_until": until,
        "is_third_state_choice_written": "yes" if is_written else "",
        "habitual_residence": country if basis is EntryBasis.HABITUAL_RESIDENCE else "",
    }


def _right_values(right: dict[str, str]) -> dict[str, object]:
    """The answers of ``_right_to_enter`` as fields of a correction."""
    if not right:
        return {}
    return {
        "entry_basis": right["entry_basis"] or EntryBasis.NATIONALITY,
        "permit_number": right["permit_number"],
        "permit_valid_until": components.parse_day(right["permit_valid_until"], field="permit_valid_until"),
        "is_third_state_choice_written": right["is_third_state_choice_written"] == "yes",
        "habitual_residence": right["habitual_residence"] or None,
    }


def _carer(here: Visit, file: CaseFile, person: Person) -> None:
    """Who of the group cares for this person (R11)."""
    others = [each for each in file.persons if each.group_id == person.group_id and each.person_id != person.person_id]
    if not others:
        return
    names = {each.person_id: components.full_name(each) for each in others}
    now = person.caregiver_id if person.caregiver_id in names else ""
    chosen = st.selectbox(
        here.t("field.caregiver"),
        ["", *names],
        index=["", *names].index(now or ""),
        format_func=lambda each: names.get(each, here.t("view.case.no_carer")),
        key=f"carer.{person.person_id}.{person.version}",
        help=here.t("field_help.caregiver"),
    )
    if chosen != now:
        session.act_button(
            here.t("view.case.save_carer"),
            "intake.update",
            lambda db, actor: intake.set_caregiver(
                db, actor, person_id=person.person_id, version=person.version, caregiver_id=chosen or None
            ),
            key=f"carer-save.{person.person_id}",
            said=here.t("view.case.corrected"),
        )


def _withdraw(here: Visit, person: Person, consents: Sequence[Consent]) -> None:
    """Withdrawal, for each purpose one step without a reason; the dialog repeats the name."""
    name = components.full_name(person)
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
    if person.status is PersonStatus.WITHDRAWN:
        st.caption(here.t("view.case.anew"))


# ---- splitting a group ------------------------------------------------------------------------------------------


def _split(here: Visit, file: CaseFile, group: TravelGroup) -> None:
    """Part of a group travels apart: only on every adult's own written request, and never a child by itself (R10)."""
    members = [person for person in file.persons if person.group_id == group.group_id]
    if len(members) < 2:
        return
    is_wanted = session.parameter("part") == "split"
    with st.expander(here.t("view.case.split"), expanded=is_wanted):
        st.markdown(plain(here.t("view.case.split_what")))
        asked = {
            person.person_id
            for person in members
            for each in file.consents.get(person.person_id, ())
            if each.purpose is ConsentPurpose.GROUP_SPLIT and each.withdrawn_at is None
        }
        moving = []
        for person in members:
            tick, state, door = st.columns([4, 3, 3], vertical_alignment="center")
            if tick.checkbox(components.full_name(person), key=f"split.{group.group_id}.{person.person_id}"):
                moving.append(person.person_id)
            state.markdown(
                plain(here.t("view.case.split_asked" if person.person_id in asked else "view.case.split_not_asked"))
            )
            if person.person_id not in asked:
                door.button(
                    here.t("view.case.split_ask"),
                    key=f"split-ask.{person.person_id}",
                    on_click=open_consent,
                    args=(person.person_id, "split"),
                )
        if not moving or len(moving) == len(members):
            st.caption(here.t("view.case.split_choose"))
            return
        names = ", ".join(
            components.isolated(components.full_name(each)) for each in members if each.person_id in moving
        )
        components.danger(
            here,
            here.t("view.case.split_do"),
            here.t("view.case.split_facts", names=names, stay=len(members) - len(moving)),
            here.t("view.case.split_do"),
            "intake.update",
            lambda db, actor: intake.split_group(
                db, actor, group_id=group.group_id, version=group.version, person_ids=moving
            ),
            key=f"split.{group.group_id}",
            said=here.t("view.case.split_done"),
        )
