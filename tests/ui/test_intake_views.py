"""Registering, consenting, readiness and importing, as a coordinator clicks through them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from retorno import intake
from retorno.database import Database
from retorno.intake import registration
from retorno.labels import label
from retorno.models.office import Draft, Notice
from retorno.models.people import Case, Consent, Document, Person, TransitVisa, TravelGroup
from retorno.models.protection import Hold
from retorno.office import access
from retorno.vocabulary import ConsentPurpose, HoldKind, Language, PersonStatus, Relation, StepState
from tests import builders
from tests.builders import OfficeFixture
from tests.ui.views_harness import Opening, press, shown

ES = Language.ES

JOURNEY = {
    "place_id": "MX-TAPACHULA",
    "stranded_since": "10/02/2027",
    "destination_country": "HN",
    "destination_place_id": "HN-CAMR-OMOA",
    "onward_means": "family",
    "is_held": "no",
    "needs_help": "no",
}


def person(key: str, name: str, born: str, **others: object) -> dict[str, object]:
    """The fields of one person on a draft."""
    fields: dict[str, object] = {
        "given_names": name,
        "birth_date": born,
        "sex": "F",
        "nationality": "HN",
        "contact_language": "es",
        "document_type": registration.NO_DOCUMENT,
    }
    return {f"{key}.{field}": value for field, value in (fields | others).items()}


@pytest.fixture
def typed(database: Database, office: OfficeFixture) -> Callable[[dict[str, object]], None]:
    """Put what somebody typed into the draft ``d1`` of the coordinator."""

    def typing(values: dict[str, object]) -> None:
        with database.transaction() as db:
            actor = access.load_actor(db, office.user_ids["coordinator"])
            for field, value in values.items():
                text = json.dumps(value)
                intake.save_draft_field(db, actor, form=registration.FORM, object_id="d1", field=field, value=text)

    return typing


# ---- a family on its way ------------------------------------------------------------------------------------------


def test_a_new_family_begins_with_its_journey_and_asks_nothing_beforehand(open_view: Opening) -> None:
    page = press(open_view("intake"), label("view.intake.register", ES))

    assert page.title[0].value == label("step.journey", ES)
    assert all(each.value is None for each in [*page.selectbox, *page.radio])


def test_a_family_is_registered_from_its_answers(
    open_view: Opening, database: Database, typed: Callable[[dict[str, object]], None]
) -> None:
    child = person("2", "Luz", "03/11/2020", relation="child", caregiver="0", document_type="birth_certificate")
    typed(
        JOURNEY
        | {"persons": "0;2"}
        | person("0", "Ana", "17 de mayo de 1990")
        | child
        | {"2.number": "00123", "2.issuing_country": "HN"}
    )

    page = press(open_view("intake", draft="d1", step="check"), label("view.intake.go_on", ES))
    press(page, label("view.intake.save", ES, people="2 personas"))

    assert not page.exception
    with database.reading() as db:
        people = {each.given_names: each for each in db.exec(select(Person)).all()}
        case = db.exec(select(Case)).one()
        document = db.exec(select(Document)).one()
        assert db.exec(select(Draft)).all() == []
    assert people["Ana"].birth_date == date(1990, 5, 17)
    assert (people["Luz"].relation, people["Luz"].caregiver_id) == (Relation.CHILD, people["Ana"].person_id)
    assert (document.person_id, document.number) == (people["Luz"].person_id, "00123")
    assert label("view.case.title", ES, case=case.reference) in shown(page)


def test_an_empty_step_names_each_field_once_and_only_its_own(open_view: Opening) -> None:
    page = press(open_view("intake"), label("view.intake.register", ES))

    press(page, label("view.intake.next", ES))

    doors = [button.label for button in page.button if button.label.startswith("→")]
    fields = ("stranded_since", "destination_place_id", "onward_means", "is_held")
    assert {door.removeprefix("→ ").partition(":")[0] for door in doors} == {
        label(f"field.{field}", ES) for field in fields
    }
    assert len(doors) == 4
    assert page.title[0].value == label("step.journey", ES)


def test_a_wrong_date_is_named_below_its_field_as_soon_as_it_is_left(open_view: Opening) -> None:
    page = press(open_view("intake"), label("view.intake.register", ES))
    key = next(field.key for field in page.text_input if str(field.key).endswith("stranded_since"))

    page.text_input(key=key).set_value("31/02/2027").run()

    assert label("fault.NO_SUCH_DAY", ES).split(";")[0] in shown(page).replace("\\", "")


def test_the_check_groups_the_faults_by_step_and_person(
    open_view: Opening, typed: Callable[[dict[str, object]], None]
) -> None:
    typed({"persons": "0;1"} | person("0", "Ana", "17/05/1990") | person("1", "Luz", "", sex=""))

    page = press(open_view("intake", draft="d1", step="check"), label("view.intake.go_on", ES))

    doors = {str(button.key): button.label for button in page.button if button.label.startswith("→")}
    # The journey, the second person, who travels with whom, and the needs; the first person is complete.
    assert list(dict.fromkeys(key.removeprefix("to-").rpartition("-")[0] for key in doors)) == [
        "journey", "person-1", "together", "needs",
    ]  # fmt: skip
    assert not any("fila" in words for words in doors.values())


def test_what_is_wrong_leads_to_its_step_and_field(
    open_view: Opening, typed: Callable[[dict[str, object]], None]
) -> None:
    typed(JOURNEY | {"persons": "0;1"} | person("0", "Ana", "17/05/1990") | person("1", "Luz", "31/02/1990"))
    page = press(open_view("intake", draft="d1", step="check"), label("view.intake.go_on", ES))

    next(button for button in page.button if str(button.key) == "to-person-1-0").click().run()

    assert page.title[0].value.startswith("Persona 2")
    assert page.query_params["field"] == "1-birth_date"


def test_a_further_person_begins_with_what_families_share_and_says_so(
    open_view: Opening, typed: Callable[[dict[str, object]], None]
) -> None:
    typed(JOURNEY | person("0", "Ana", "17/05/1990", family_names="Paz"))
    page = press(open_view("intake", draft="d1", step="person-0"), label("view.intake.go_on", ES))

    press(page, label("view.intake.add_person", ES))

    fields = [label(f"field.{field}", ES) for field in ("family_names", "nationality", "contact_language")]
    assert label("view.intake.same_as_first", ES, fields=", ".join(fields)) in shown(page).replace("\\", "")
    assert page.text_input(key="register-d1.1.family_names").value == "Paz"
    assert page.selectbox(key="register-d1.1.sex").value is None


def test_fear_is_told_before_anybody_is_registered_and_stops_the_return_at_registration(
    open_view: Opening, typed: Callable[[dict[str, object]], None], database: Database, office: OfficeFixture
) -> None:
    typed(JOURNEY | {"persons": "0;1"} | person("0", "Ana", "17/05/1990") | person("1", "Luz", "18/05/1991"))
    typed({"1.relation": "sibling"})
    page = press(open_view("intake", draft="d1", step="person-1"), label("view.intake.go_on", ES))

    press(press(page, label("view.case.afraid", ES)), label("view.intake.afraid_do", ES))

    with database.reading() as db:
        told = {notice.recipient_id: notice for notice in db.exec(select(Notice)).all()}
        draft = db.exec(select(Draft)).one()
    assert set(told) == {office.user_ids["protection_1"], office.user_ids["protection_2"]}
    assert {notice.code for notice in told.values()} == {"protection.desk"}
    assert "Luz" not in "".join(notice.object_id for notice in told.values())
    # Nothing that a coordinator can read says it.
    assert "afraid" not in draft.values
    assert "fear" not in draft.values
    page = press(open_view("intake", draft="d1", step="check"), label("view.intake.go_on", ES))
    press(page, label("view.intake.save", ES, people="2 personas"))
    with database.reading() as db:
        held = {db.get_one(Person, hold.person_id).given_names for hold in db.exec(select(Hold)).all()}
    assert held == {"Luz"}


def test_a_half_filled_family_comes_back_only_when_asked_for(open_view: Opening, database: Database) -> None:
    page = press(open_view("intake"), label("view.intake.register", ES))
    key = next(str(field.key) for field in page.text_input if str(field.key).endswith("stranded_since"))
    page.text_input(key=key).set_value("10/02/2027").run()
    draft_id = key.removeprefix("register-").split(".")[0]

    again = open_view("intake", draft=draft_id, step="journey")
    assert not again.text_input
    press(again, label("view.intake.go_on", ES))

    assert again.text_input(key=key).value == "10/02/2027"


def test_a_field_whose_saving_was_overtaken_is_saved_by_the_next_run(open_view: Opening, database: Database) -> None:
    """Left while the run of the field before goes on: its own call is cut short, what stands in it is not lost."""
    page = press(open_view("intake"), label("view.intake.register", ES))
    key = next(str(field.key) for field in page.text_input if str(field.key).endswith("stranded_since"))
    page.text_input(key=key).set_value("10/02/2027").run()

    page.session_state[key] = "11/02/2027"  # as typed, without the call that leaving the field makes
    page.run()

    with database.reading() as db:
        assert json.loads(json.loads(db.exec(select(Draft)).one().values)["stranded_since"]) == "11/02/2027"


def test_two_windows_with_one_draft_overwrite_nothing_silently(
    open_view: Opening, typed: Callable[[dict[str, object]], None], database: Database
) -> None:
    typed({"stranded_since": "10/02/2027"})
    first = press(open_view("intake", draft="d1", step="journey"), label("view.intake.go_on", ES))
    typed({"stranded_since": "11/02/2027"})

    key = "register-d1.stranded_since"
    first.text_input(key=key).set_value("12/02/2027").run()

    assert "11/02/2027" in shown(first)
    assert "12/02/2027" in shown(first)
    with database.reading() as db:
        assert json.loads(json.loads(db.exec(select(Draft)).one().values)["stranded_since"]) == "11/02/2027"
    press(first, label("view.clash_mine", ES))
    with database.reading() as db:
        assert json.loads(json.loads(db.exec(select(Draft)).one().values)["stranded_since"]) == "12/02/2027"


def test_a_child_without_anybody_of_the_group_is_unaccompanied(
    typed: Callable[[dict[str, object]], None], database: Database, office: OfficeFixture
) -> None:
    typed(JOURNEY | person("0", "Luz", "03/11/2013", caregiver=registration.NOBODY))

    with database.transaction() as db:
        actor = access.load_actor(db, office.user_ids["coordinator"])
        made = intake.register_draft(db, actor, draft_id="d1")
        again = intake.register_draft(db, actor, draft_id="d1")

    assert again == made
    with database.reading() as db:
        assert db.exec(select(Person)).one().is_unaccompanied


def test_a_child_needs_an_answer_to_who_cares_for_it(office: OfficeFixture, database: Database) -> None:
    values = JOURNEY | {"persons": "0"} | person("0", "Luz", "03/11/2013")
    with database.transaction() as db:
        actor = access.load_actor(db, office.user_ids["coordinator"])
        made = intake.check_draft(db, actor, values=values)

    together = made.step("together")
    assert together is not None
    assert together.state is StepState.NOT_STARTED
    assert [(fault.column, fault.code) for fault in together.faults] == [("caregiver", "EMPTY")]


# ---- consent ------------------------------------------------------------------------------------------------------


def talk(page: AppTest, person_id: str, *, answer: str, consular: str) -> AppTest:
    """Fill in the talk of one person."""
    prefix = f"consent-{person_id}."
    page.text_input(key=f"{prefix}counselled_at").set_value("24/02/2027")
    page.text_input(key=f"{prefix}counselled_time").set_value("10:00")
    page.radio(key=f"{prefix}spoken_by").set_value("own")
    page.radio(key=f"{prefix}answer_return").set_value(answer)
    page.radio(key=f"{prefix}answer_consular_contact").set_value(consular)
    return press(page.run(), label("view.consent.save", ES))


def test_consent_is_recorded_for_one_person_and_without_a_default_answer(
    open_view: Opening, database: Database
) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db, ready=False).person_id
    page = open_view("intake", person=person_id)
    assert [radio.value for radio in page.radio] == [None, None, None]

    talk(page, person_id, answer="yes", consular="no")

    assert not page.exception
    with database.reading() as db:
        consents = db.exec(select(Consent)).all()
    assert [(row.person_id, row.purpose, row.is_own_act) for row in consents] == [
        (person_id, ConsentPurpose.RETURN, True)
    ]


def test_no_changes_nothing_and_a_later_no_withdraws_what_was_agreed(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db, ready=False).person_id

    page = talk(open_view("intake", person=person_id), person_id, answer="no", consular="later")
    assert label("view.consent.said_no", ES) in shown(page).replace("\\", "")
    with database.reading() as db:
        assert db.exec(select(Consent)).all() == []
        assert db.get_one(Person, person_id).status is PersonStatus.ACTIVE

    page = talk(open_view("intake", person=person_id), person_id, answer="yes", consular="no")
    page = talk(open_view("intake", person=person_id), person_id, answer="no", consular="no")
    with database.reading() as db:
        assert db.exec(select(Consent)).one().withdrawn_at is not None
        assert db.get_one(Person, person_id).status is PersonStatus.WITHDRAWN


def test_a_language_without_a_text_asks_for_an_interpreter(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db, ready=False, contact_language="quc").person_id

    page = talk(open_view("intake", person=person_id), person_id, answer="yes", consular="no")

    assert label("language.quc", ES) in page.warning[0].value
    assert label("field.interpreter", ES) in page.error[0].value


def test_fear_is_always_at_hand_and_needs_no_reason(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db).person_id

    page = press(open_view("intake", person=person_id), label("view.case.afraid", ES))
    press(page, label("view.case.afraid_do", ES))

    with database.reading() as db:
        hold = db.exec(select(Hold)).one()
    assert (hold.person_id, hold.kind, hold.note) == (person_id, HoldKind.FEAR, "")


# ---- the case -----------------------------------------------------------------------------------------------------


def test_a_transit_visa_is_recorded_from_the_case(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db).person_id
        case_id = db.exec(select(Case)).one().case_id

    page = open_view("intake", case=case_id, of=person_id, part="visa")
    page.selectbox(key=f"visa-{person_id}.transit_country").set_value("GT")
    page.text_input(key=f"visa-{person_id}.visa_until").set_value("30/06/2027")
    press(page.run(), label("view.case.save_visa", ES))

    with database.reading() as db:
        visa = db.exec(select(TransitVisa)).one()
    assert (visa.person_id, visa.country, visa.valid_until) == (person_id, "GT", date(2027, 6, 30))


def test_a_group_is_split_only_on_the_request_of_every_adult(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        group = builders.make_group(db)
        ids = [builders.make_person(db, group, given_names=f"Invented {n}").person_id for n in range(2)]
        case_id, group_id = group.case_id, group.group_id

    page = open_view("intake", case=case_id, part="split")
    page.checkbox(key=f"split.{group_id}.{ids[0]}").check().run()
    press(page, label("view.case.split_do", ES))
    press(page, label("view.case.split_do", ES))

    assert label("fault.SPLIT_REQUEST", ES).split(";")[0] in shown(page).replace("\\", "")
    with database.reading() as db:
        assert len(db.exec(select(TravelGroup)).all()) == 1


# ---- readiness ----------------------------------------------------------------------------------------------------


def test_readiness_leads_to_the_place_where_the_missing_thing_is_done(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person = builders.make_person(db, ready=False)
        group_id = person.group_id

    page = open_view("readiness", group=group_id)

    assert label("view.readiness.do.consent", ES) in [button.label for button in page.button]
    assert "no disponible" in shown(page)


def test_readiness_filters_stand_in_the_address(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        builders.make_person(db)

    page = open_view("readiness", show="ready", to="HN", day="10/03/2027")

    assert page.text_input(key="readiness.day").value == "10/03/2027"
    assert page.selectbox(key="readiness.to").value == "HN"
