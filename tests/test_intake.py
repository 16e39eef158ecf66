"""Intake: a family once, nothing half saved, nobody overwritten, consent one person at a time."""

from __future__ import annotations

import inspect
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from retorno import intake
from retorno.database import Database
from retorno.errors import InputError, NotAllowed, Stale
from retorno.intake import DateRelation, NewPerson
from retorno.intake.duplicates import Identity, find_pairs, identity
from retorno.labels import all_labels
from retorno.models.office import AuditEntry
from retorno.models.people import (
    Case,
    CaseCreate,
    Consent,
    ConsentCreate,
    DocumentCreate,
    Person,
    PersonCreate,
    PersonUpdate,
    TravelGroup,
    TravelGroupCreate,
    TravelGroupUpdate,
)
from retorno.office.access import Actor, load_actor
from retorno.papers.mrz import check_digit
from retorno.vocabulary import ConsentPurpose, DocumentType, PersonStatus, Relation
from tests.builders import NOW, OfficeFixture, make_consent, make_group, make_office, make_person

CASE = CaseCreate(place_id="MX-TAPACHULA")
GROUP = TravelGroupCreate(destination_country="HN", destination_place_id="HN-CAMR-OMOA")


def person_create(**overrides: Any) -> PersonCreate:
    values: dict[str, Any] = {
        "given_names": "Marta Inventada",
        "family_names": "Ruiz",
        "sex": "F",
        "birth_date": date(1991, 4, 23),
        "nationality": "HN",
        "contact_language": "es",
        "stranded_since": date(2027, 2, 3),
    }
    return PersonCreate(**(values | overrides))


def consent_create(**overrides: Any) -> ConsentCreate:
    values: dict[str, Any] = {
        "purpose": ConsentPurpose.RETURN,
        "destination_country": "HN",
        "text_version": "2027-01",
        "language": "es",
        "counselled_at": NOW - timedelta(days=3),
        "counselled_by": "U-TAPACHULA-coordinator",
        "given_at": NOW - timedelta(hours=5),
        "is_own_act": True,
    }
    return ConsentCreate(**(values | overrides))


def mother_and_child() -> list[NewPerson]:
    return [
        NewPerson(
            person=person_create(
                given_names="Luz", birth_date=date(2019, 8, 30), relation=Relation.CHILD, is_unaccompanied=False
            ),
            key="2",
            caregiver_key="1",
        ),
        NewPerson(person=person_create(), key="1"),
    ]


# ---- registering ------------------------------------------------------------------------------------------------


def test_family_is_registered_once_with_its_relations(session: Session, coordinator: Actor) -> None:
    made = intake.register_case(session, coordinator, case=CASE, group=GROUP, persons=mother_and_child())

    child, mother = (session.get_one(Person, person_id) for person_id in made.person_ids)
    assert (child.given_names, child.caregiver_id, mother.caregiver_id) == ("Luz", mother.person_id, None)
    assert child.group_id == mother.group_id == made.group_id
    acts = session.exec(select(AuditEntry.act, AuditEntry.object_kind)).all()
    assert [tuple(act) for act in acts] == [
        ("intake.register", "case"),
        ("intake.register", "person"),
        ("intake.register", "person"),
    ]


def test_log_of_a_registration_holds_no_name(session: Session, coordinator: Actor) -> None:
    intake.register_case(session, coordinator, case=CASE, group=GROUP, persons=mother_and_child())

    text = json.dumps([entry.model_dump(mode="json") for entry in session.exec(select(AuditEntry)).all()])

    assert "Marta" not in text
    assert "Ruiz" not in text
    assert "1991-04-23" not in text


def test_every_fault_is_named_at_once_and_nothing_is_saved(session: Session, coordinator: Actor) -> None:
    persons = [
        NewPerson(person=person_create(), key="1", caregiver_key="7"),
        NewPerson(person=person_create(), key="2"),
        NewPerson(
            person=person_create(given_names="Eva", birth_date=date(2027, 3, 5), stranded_since=date(2027, 3, 6)),
            key="3",
        ),
    ]

    with pytest.raises(InputError) as refused:
        intake.register_case(
            session,
            coordinator,
            case=CaseCreate(place_id="GT-ESQUIPULAS"),
            group=TravelGroupCreate(destination_country="GT", destination_place_id="HN-CAMR-OMOA"),
            persons=persons,
        )

    assert sorted((fault.row or 0, fault.column, fault.code) for fault in refused.value.faults) == [
        (0, "destination_place_id", "COUNTRY"),
        (0, "place_id", "PLACE"),
        (1, "caregiver", "CAREGIVER"),
        (2, "given_names", "TWICE"),
        (3, "birth_date", "FUTURE"),
        (3, "stranded_since", "FUTURE"),
    ]
    assert session.exec(select(func.count()).select_from(Case)).one() == 0


def test_error_on_the_last_person_leaves_nothing_behind(database: Database, office: OfficeFixture) -> None:
    def register_and_fail() -> None:
        with database.transaction() as session:
            actor = load_actor(session, office.user_ids["coordinator"])
            intake.register_case(session, actor, case=CASE, group=GROUP, persons=mother_and_child())
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        register_and_fail()

    with database.reading() as session:
        counts = [session.exec(select(func.count()).select_from(table)).one() for table in (Case, Person, AuditEntry)]
    assert counts == [0, 0, 0]


def test_second_click_registers_nobody_twice(session: Session, coordinator: Actor, coordinator_2: Actor) -> None:
    clicks = [
        intake.register_case(
            session, actor, case=CASE, group=GROUP, persons=mother_and_child(), form_id="2027-03-01T15:00"
        )
        for actor in (coordinator, coordinator, coordinator_2)
    ]

    assert clicks[0] == clicks[1] != clicks[2]
    assert session.exec(select(func.count()).select_from(Person)).one() == 4


def test_country_that_does_not_exist_and_hidden_characters_are_refused(session: Session, coordinator: Actor) -> None:
    with pytest.raises(InputError, match='"QQ" is no country'):
        intake.register_case(
            session,
            coordinator,
            case=CASE,
            group=GROUP,
            persons=[NewPerson(person=person_create(nationality="QQ"), key="1")],
        )
    for field, value in (("permit_number", "A\u200b1"), ("speaks", "fr\u202e"), ("contact_language", "español")):
        with pytest.raises(InputError) as refused:
            intake.read_form(PersonCreate, person_create().model_dump() | {field: value})
        assert [fault.column for fault in refused.value.faults] == [field]


def test_circle_of_caregivers_is_refused(session: Session, coordinator: Actor) -> None:
    persons = [
        NewPerson(person=person_create(), key="a", caregiver_key="b"),
        NewPerson(person=person_create(given_names="Eva"), key="b", caregiver_key="a"),
    ]

    with pytest.raises(InputError, match="circle"):
        intake.register_case(session, coordinator, case=CASE, group=GROUP, persons=persons)


def test_only_a_coordinator_registers(session: Session, protection_1: Actor, administrator: Actor) -> None:
    for actor in (protection_1, administrator):
        with pytest.raises(NotAllowed):
            intake.register_case(session, actor, case=CASE, group=GROUP, persons=mother_and_child())


def test_form_with_several_faults_names_them_all_without_repeating_a_name() -> None:
    values = person_create().model_dump() | {"given_names": "Mar\u202eta", "nationality": "Honduras", "sex": "W"}
    del values["contact_language"]

    with pytest.raises(InputError) as refused:
        intake.read_form(PersonCreate, values)

    assert sorted(fault.column for fault in refused.value.faults) == [
        "contact_language",
        "given_names",
        "nationality",
        "sex",
    ]
    assert "Mar" not in str(refused.value)


# ---- correcting ---------------------------------------------------------------------------------------------------


def test_second_of_two_editors_is_told_instead_of_overwriting(
    session: Session, coordinator: Actor, coordinator_2: Actor
) -> None:
    person = make_person(session, ready=False)
    intake.update_person(
        session, coordinator, person_id=person.person_id, version=1, changes=PersonUpdate(phone="+502 5555 1234")
    )

    with pytest.raises(Stale):
        intake.update_person(
            session, coordinator_2, person_id=person.person_id, version=1, changes=PersonUpdate(phone="+50499887766")
        )

    assert session.get_one(Person, person.person_id).phone == "+50255551234"


def test_correction_counts_as_a_new_fact_for_plans(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False)
    before = session.get_one(TravelGroup, person.group_id).availability

    intake.update_person(
        session, coordinator, person_id=person.person_id, version=1, changes=PersonUpdate(is_detained=True)
    )

    assert session.get_one(TravelGroup, person.group_id, populate_existing=True).availability == before + 1


def test_correction_without_a_change_changes_nothing(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False)

    intake.update_person(session, coordinator, person_id=person.person_id, version=1, changes=PersonUpdate(phone=""))

    assert session.get_one(Person, person.person_id).version == 1


def test_correction_is_checked_as_a_whole(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False)

    with pytest.raises(InputError, match="birth date or age"):
        intake.update_person(
            session, coordinator, person_id=person.person_id, version=1, changes=PersonUpdate(birth_date=None)
        )
    with pytest.raises(InputError, match="future"):
        intake.update_person(
            session,
            coordinator,
            person_id=person.person_id,
            version=1,
            changes=PersonUpdate(stranded_since=date(2027, 3, 2)),
        )


def test_person_of_another_office_is_not_found(session: Session, coordinator: Actor) -> None:
    make_office(session, office_id="Z-OTHER")
    stranger = make_person(session, make_group(session, _case_of(session, "Z-OTHER")), ready=False)

    for person_id in (stranger.person_id, "P-NOBODY2222"):
        with pytest.raises(NotAllowed, match="not found, or not yours"):
            intake.update_person(
                session, coordinator, person_id=person_id, version=1, changes=PersonUpdate(phone="+50255551234")
            )


def _case_of(session: Session, office_id: str) -> Case:
    case = Case(
        place_id="MX-TAPACHULA", reference=f"R-{office_id}", office_id=office_id, opened_at=NOW, opened_by="U-FIRST"
    )
    session.add(case)
    session.flush()
    return case


def test_caregiver_is_named_inside_the_group_only(session: Session, coordinator: Actor) -> None:
    group = make_group(session)
    mother, child = (make_person(session, group, ready=False) for _ in range(2))
    stranger = make_person(session, ready=False)

    intake.set_caregiver(session, coordinator, person_id=child.person_id, version=1, caregiver_id=mother.person_id)
    with pytest.raises(InputError, match="not in this group"):
        intake.set_caregiver(
            session, coordinator, person_id=child.person_id, version=2, caregiver_id=stranger.person_id
        )
    with pytest.raises(InputError, match="circle"):
        intake.set_caregiver(session, coordinator, person_id=mother.person_id, version=1, caregiver_id=child.person_id)

    assert session.get_one(Person, child.person_id).caregiver_id == mother.person_id


def test_split_moves_some_members_and_never_all(session: Session, coordinator: Actor) -> None:
    group = make_group(session)
    persons = [make_person(session, group, ready=False) for _ in range(3)]
    ids = [person.person_id for person in persons]

    with pytest.raises(InputError, match="3 of 3"):
        intake.split_group(session, coordinator, group_id=group.group_id, version=1, person_ids=ids)
    for person in persons:
        make_consent(session, person, purpose=ConsentPurpose.GROUP_SPLIT)
    part = intake.split_group(session, coordinator, group_id=group.group_id, version=1, person_ids=ids[:1])

    assert part.split_from_group_id == group.group_id
    assert [session.get_one(Person, each).group_id for each in ids] == [part.group_id, *[group.group_id] * 2]


def test_a_group_is_not_split_without_the_written_request_of_every_adult(session: Session, coordinator: Actor) -> None:
    group = make_group(session)
    adult, other = (make_person(session, group, ready=False) for _ in range(2))
    make_person(session, group, ready=False, birth_date=date(2019, 5, 17), caregiver_id=adult.person_id)
    make_consent(session, adult, purpose=ConsentPurpose.GROUP_SPLIT)
    ids = [other.person_id]

    with pytest.raises(InputError) as problem:
        intake.split_group(session, coordinator, group_id=group.group_id, version=1, person_ids=ids)

    assert [fault.code for fault in problem.value.faults] == ["SPLIT_REQUEST"]


def test_new_destination_makes_consents_to_the_old_one_count_no_more(session: Session, coordinator: Actor) -> None:
    person = make_person(session)

    intake.update_group(
        session,
        coordinator,
        group_id=person.group_id,
        version=1,
        changes=TravelGroupUpdate(destination_country="GT", destination_place_id="GT-CRR-TECUN"),
    )

    assert session.get_one(TravelGroup, person.group_id).destination_country == "GT"


# ---- consent --------------------------------------------------------------------------------------------------------


def test_no_function_takes_the_consent_of_more_than_one_person() -> None:
    parameters = inspect.signature(intake.record_consent).parameters

    assert parameters["person_id"].annotation == "str"
    assert not [name for name in parameters if name.endswith("ids")]


def test_consent_is_recorded_with_who_wrote_it_and_where_it_was_given(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False, is_detained=True)

    row = intake.record_consent(
        session, coordinator, person_id=person.person_id, consent=consent_create(witness="W-17")
    )

    assert (row.recorded_by, row.is_given_in_detention, row.witness) == (coordinator.user_id, True, "W-17")


def test_consent_of_the_future_before_counselling_or_to_elsewhere_is_refused_at_once(
    session: Session, coordinator: Actor
) -> None:
    person = make_person(session, ready=False)

    with pytest.raises(InputError) as refused:
        intake.record_consent(
            session,
            coordinator,
            person_id=person.person_id,
            consent=consent_create(
                given_at=NOW + timedelta(hours=1), counselled_at=NOW + timedelta(hours=2), destination_country="GT"
            ),
        )

    assert sorted((fault.column, fault.code) for fault in refused.value.faults) == [
        ("counselled_at", "FUTURE"),
        ("counselled_at", "ORDER"),
        ("destination_country", "DESTINATION"),
        ("given_at", "FUTURE"),
    ]
    assert session.exec(select(Consent)).all() == []


def test_whoever_withdrew_may_consent_anew_and_is_active_again(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False, status=PersonStatus.WITHDRAWN)
    make_consent(session, person, withdrawn_at=NOW - timedelta(days=1))

    intake.record_consent(session, coordinator, person_id=person.person_id, consent=consent_create())

    assert session.get_one(Person, person.person_id).status is PersonStatus.ACTIVE


def test_only_protection_witnesses_a_consent_to_consular_contact(
    session: Session, coordinator: Actor, protection_1: Actor
) -> None:
    person = make_person(session, ready=False)
    consular = consent_create(purpose=ConsentPurpose.CONSULAR_CONTACT, witness="W-17")

    with pytest.raises(InputError, match="protection officer"):
        intake.record_consent(session, coordinator, person_id=person.person_id, consent=consular)
    row = intake.record_consent(session, protection_1, person_id=person.person_id, consent=consular)

    assert row.witness == protection_1.user_id


# ---- documents ------------------------------------------------------------------------------------------------------


def passport_zone(number: str = "H1234567", *, birth: str = "910423", sex: str = "F", expiry: str = "290630") -> str:
    """A TD3 zone of an invented Honduran passport with right check digits."""
    field = number.ljust(9, "<")
    second = f"{field}{check_digit(field)}HND{birth}{check_digit(birth)}{sex}{expiry}{check_digit(expiry)}"
    second += "<" * 14 + "0"
    composite = second[0:10] + second[13:20] + second[21:43]
    return "P<HNDRUIZ<<MARTA".ljust(44, "<") + "\n" + second + str(check_digit(composite))


def document_create(**overrides: Any) -> DocumentCreate:
    values: dict[str, Any] = {
        "document_type": DocumentType.PASSPORT,
        "number": "H1234567",
        "issuing_country": "HN",
        "expires_on": date(2029, 6, 30),
        "mrz": passport_zone(),
    }
    return DocumentCreate(**(values | overrides))


def test_passport_with_a_sound_zone_needs_no_further_check(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False, birth_date=date(1991, 4, 23))

    row = intake.add_document(session, coordinator, person_id=person.person_id, document=document_create())

    assert (row.is_mrz_valid, row.number, row.confirmed_by) == (True, "H1234567", None)


def test_zone_that_says_otherwise_is_refused_without_repeating_it(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False, birth_date=date(1991, 4, 24))

    with pytest.raises(InputError) as refused:
        intake.add_document(
            session,
            coordinator,
            person_id=person.person_id,
            document=document_create(number="H7654321", expires_on=date(2029, 6, 29)),
        )

    assert [fault.column for fault in refused.value.faults] == ["number", "expires_on", "birth_date"]
    assert "H1234567" not in str(refused.value)


def test_wrong_check_digit_is_refused_with_its_position(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False, birth_date=date(1991, 4, 23))
    broken = passport_zone().replace("H1234567<", "H1234568<")

    with pytest.raises(InputError, match="position"):
        intake.add_document(session, coordinator, person_id=person.person_id, document=document_create(mrz=broken))


def test_document_without_a_zone_waits_for_a_person_to_confirm_it(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False)
    row = intake.add_document(session, coordinator, person_id=person.person_id, document=document_create(mrz=""))

    assert not row.is_mrz_valid
    confirmed = intake.confirm_document(session, coordinator, document_id=row.document_id, version=1)

    assert confirmed.confirmed_by == coordinator.user_id
    with pytest.raises(Stale):
        intake.confirm_document(session, coordinator, document_id=row.document_id, version=1)


def test_document_of_another_person_may_have_the_same_number_and_nobody_is_told(
    session: Session, coordinator: Actor
) -> None:
    first, second = make_person(session, ready=False), make_person(session, ready=False)
    intake.add_document(session, coordinator, person_id=first.person_id, document=document_create(mrz=""))

    intake.add_document(session, coordinator, person_id=second.person_id, document=document_create(mrz=""))
    with pytest.raises(InputError, match="already recorded for this person"):
        intake.add_document(session, coordinator, person_id=first.person_id, document=document_create(mrz=""))


def test_transit_visa_of_the_past_or_of_nowhere_is_refused(session: Session, coordinator: Actor) -> None:
    person = make_person(session, ready=False)

    with pytest.raises(InputError) as refused:
        intake.record_transit_visa(
            session, coordinator, person_id=person.person_id, country="QQ", valid_until=date(2027, 2, 28)
        )
    row = intake.record_transit_visa(
        session, coordinator, person_id=person.person_id, country="PA", valid_until=date(2027, 4, 1)
    )

    assert [fault.column for fault in refused.value.faults] == ["country", "valid_until"]
    assert row.country == "PA"


# ---- drafts and search ----------------------------------------------------------------------------------------


def test_half_a_form_survives_a_lost_line_for_seven_days(
    session: Session, coordinator: Actor, coordinator_2: Actor, frozen_clock: Any
) -> None:
    intake.save_draft_field(session, coordinator, form="family", field="given_names", value="مريم")
    intake.save_draft_field(session, coordinator, form="family", field="sex", value="F")

    assert intake.load_draft(session, coordinator, form="family") == {"given_names": "مريم", "sex": "F"}
    assert intake.load_draft(session, coordinator_2, form="family") == {}
    frozen_clock(NOW + timedelta(days=7, seconds=1))
    assert intake.load_draft(session, coordinator, form="family") == {}


def test_dropped_draft_is_gone(session: Session, coordinator: Actor) -> None:
    intake.save_draft_field(session, coordinator, form="family", object_id="C-1", field="sex", value="F")

    intake.drop_draft(session, coordinator, form="family", object_id="C-1")

    assert intake.load_draft(session, coordinator, form="family", object_id="C-1") == {}


def test_search_finds_by_name_reference_and_number_in_the_own_caseload_only(
    session: Session, coordinator: Actor
) -> None:
    made = intake.register_case(session, coordinator, case=CASE, group=GROUP, persons=mother_and_child())
    child_id, mother_id = made.person_ids
    intake.add_document(session, coordinator, person_id=child_id, document=document_create(mrz="", number="C-0012"))
    make_office(session, office_id="Z-OTHER")
    make_person(
        session, make_group(session, _case_of(session, "Z-OTHER")), ready=False, search_key="marta inventada ruiz"
    )

    def found(text: str) -> set[str]:
        return {person.person_id for person in intake.search(session, coordinator, text=text)}

    assert found("ruíz MARTA") == {mother_id}
    assert found("ruiz") == {mother_id, child_id}
    assert found(made.reference) == {mother_id, child_id}
    assert found("C-0012") == {child_id}
    assert found("uiz") == set()
    assert found("%") == set()


# ---- likely duplicates ----------------------------------------------------------------------------------------


def who(given: str, family: str, born: date | None = date(1988, 7, 4), age: int | None = None) -> Identity:
    person = person_create(given_names=given, family_names=family, birth_date=born, declared_age=age)
    return identity(f"{given} {family} {born}", person, today=NOW.date())


@pytest.mark.parametrize(
    ("first", "second", "dates"),
    [
        (who("José", "García López"), who("Jose", "Garcia Lopes"), DateRelation.EQUAL),
        (who("Mohammed", "Abdullah"), who("محمد", "عبد الله"), DateRelation.EQUAL),
        (who("Jean Baptiste", "Pierre"), who("Pierre", "Jean-Baptiste"), DateRelation.EQUAL),
        (who("Rahima", "Khatun"), who("রহিমা", "খাতুন"), DateRelation.EQUAL),
        (who("Ana Lucía", "Mejía"), who("Ana Lucía", "Mejía", date(1988, 4, 7)), DateRelation.SWAPPED),
        (who("Ana Lucía", "Mejía"), who("Ana Lucia", "Mejia", date(1983, 7, 4)), DateRelation.ONE_DIGIT),
        (who("Ana Lucía", "Mejía"), who("Ana Lucia", "Megia", date(1898, 7, 4)), DateRelation.ONE_DIGIT),
        (who("Carlos Enrique", "Paz Soto"), who("Carlos", "Paz"), DateRelation.EQUAL),
        (who("Ana Lucía", "Mejía"), who("Ana Lucía", "Mejia", None, 38), DateRelation.SAME_AGE),
    ],
)
def test_likely_duplicate_is_shown(first: Identity, second: Identity, dates: DateRelation) -> None:
    pairs = find_pairs([first, second])

    assert [(pair.dates, {pair.first_ref, pair.second_ref}) for pair in pairs] == [(dates, {first.ref, second.ref})]
    assert [pair.dates for pair in find_pairs([second], [first])] == [dates]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (who("José", "García"), who("José", "García", date(1962, 11, 20))),
        (who("José", "García"), who("María", "Hernández")),
        (who("Ana", "Paz"), who("Eva", "Soto")),
        (who("Ana Lucía", "Mejía", None, 38), who("Ana Lucía", "Mejía", None, 12)),
    ],
)
def test_two_plainly_different_people_are_not_shown(first: Identity, second: Identity) -> None:
    assert find_pairs([first, second]) == []


def test_decision_on_a_pair_is_kept_and_nothing_is_merged(session: Session, coordinator: Actor) -> None:
    group = make_group(session)
    born = date(1988, 7, 4)
    first = make_person(session, group, ready=False, given_names="José", family_names="García", birth_date=born)
    second = make_person(session, group, ready=False, given_names="Jose", family_names="Garzia", birth_date=born)

    shown = intake.likely_duplicates(session, coordinator)
    intake.decide_duplicate(
        session,
        coordinator,
        first_person_id=second.person_id,
        second_person_id=first.person_id,
        is_same=False,
    )

    assert [{pair.first_ref, pair.second_ref} for pair in shown] == [{first.person_id, second.person_id}]
    assert intake.likely_duplicates(session, coordinator) == []
    assert session.exec(select(func.count()).select_from(Person)).one() == 2


def test_duplicate_in_another_office_is_never_told(session: Session, coordinator: Actor) -> None:
    make_office(session, office_id="Z-OTHER")
    twin = {"given_names": "José", "family_names": "García", "birth_date": date(1988, 7, 4), "ready": False}
    mine = make_person(session, make_group(session), **twin)
    theirs = make_person(session, make_group(session, _case_of(session, "Z-OTHER")), **twin)

    assert intake.likely_duplicates(session, coordinator) == []
    assert (
        intake.duplicates_of_form(
            session,
            coordinator,
            person=person_create(given_names="Jose", family_names="Garcia", birth_date=date(1988, 7, 4)),
        )[0].second_ref
        == mine.person_id
    )
    with pytest.raises(NotAllowed):
        intake.decide_duplicate(
            session,
            coordinator,
            first_person_id=mine.person_id,
            second_person_id=theirs.person_id,
            is_same=True,
        )
    assert session.exec(select(Person.status).where(col(Person.person_id) == mine.person_id)).one()


def test_of_many_editors_at_once_one_succeeds_and_the_others_are_told(
    database: Database, office: OfficeFixture
) -> None:
    with database.transaction() as session:
        person_id = make_person(session, ready=False).person_id

    def edit(number: int) -> str:
        try:
            with database.transaction() as session:
                actor = load_actor(session, office.user_ids["coordinator"])
                changes = PersonUpdate(phone=f"+5025555000{number}")
                intake.update_person(session, actor, person_id=person_id, version=1, changes=changes)
        except Stale:
            return "stale"
        return "saved"

    with ThreadPoolExecutor(max_workers=5) as pool:
        outcomes = sorted(pool.map(edit, range(5)))

    assert outcomes == ["saved", "stale", "stale", "stale", "stale"]
    with database.reading() as session:
        assert session.get_one(Person, person_id).version == 2


def test_same_file_imported_by_two_at_once_registers_nobody_twice(database: Database, office: OfficeFixture) -> None:
    header = "Nombres,Sexo,Edad,Nacionalidad,Idioma,Varado desde,Destino,Punto de recepción"
    content = f"{header}\r\nOmar,hombre,40,HN,es,05/01/2027,HN,HN-CAMR-OMOA\r\n".encode()
    preview = intake.read_import(content, "x.csv")
    assert preview.problems == ()

    def run(login: str) -> str:
        try:
            with database.transaction() as session:
                outcome = intake.apply_import(session, load_actor(session, office.user_ids[login]), preview)
        except Stale:
            return "unchanged"
        return "unchanged" if outcome.is_unchanged else "imported"

    with ThreadPoolExecutor(max_workers=4) as pool:
        outcomes = sorted(pool.map(run, ["coordinator", "coordinator_2"] * 2))

    assert outcomes == ["imported", "unchanged", "unchanged", "unchanged"]
    with database.reading() as session:
        assert session.exec(select(func.count()).select_from(Person)).one() == 1


def test_every_code_of_a_fault_has_its_words() -> None:
    root = Path(__file__).resolve().parents[1] / "retorno"
    sources = [*sorted((root / "intake").glob("*.py")), *(root / f"{name}.py" for name in ("protection", "health"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*sources, root / "models" / "people.py"))
    found = set(re.findall(r'code="([A-Z_]+)"', text)) | set(re.findall(r'CellFault\(\s*"([A-Z_]+)"', text))
    found |= {code.upper() for code in re.findall(r'PydanticCustomError\("([a-z_]+)"', text)}

    assert len(found) > 30
    # What is only told, and stops nothing, has its words as a note.
    known = {key.rsplit(".", 1)[-1] for key in all_labels() if key.startswith(("fault.", "import.note."))}
    assert sorted(found - known) == []
