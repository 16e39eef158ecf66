"""Import: every problem by row and column at once, all or nothing, the same people again change nothing."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, func, select

from retorno import intake
from retorno.errors import InputError, NotAllowed
from retorno.intake.columns import COLUMNS, CellFault, guess_mapping, read_date
from retorno.labels import all_labels
from retorno.models.people import Case, Consent, Document, Person, TravelGroup
from retorno.models.protection import Hold
from retorno.office.access import Actor
from retorno.papers.sheets import csv_bytes
from retorno.vocabulary import Language, PersonStatus, Relation, Sex
from tests.builders import make_person

HEADER = (
    "Clave del grupo",
    "Clave de la persona",
    "Nombres",
    "Apellidos",
    "Sexo",
    "Fecha de nacimiento",
    "Nacionalidad",
    "Idioma de contacto",
    "Varada desde",
    "Relación con el titular",
    "Clave de su cuidador",
    "País de destino",
    "Punto de recepción",
    "Tipo de documento",
    "Número de documento",
)
MOTHER = (
    "F1",
    "1",
    "Marta",
    "Ruiz",
    "mujer",
    "23/04/1991",
    "Honduras",
    "español",
    "03/02/2027",
    "titular",
    "",
    "HN",
    "HN-CAMR-OMOA",
    "pasaporte",
    "00123",
)
CHILD = ("F1", "2", "Luz", "Ruiz", "mujer", "30/08/2019", "HN", "es", "03/02/2027", "hija o hijo", "1", "", "", "", "")
ALONE = (
    "",
    "",
    "Omar",
    "Paz",
    "hombre",
    "1 mar 1960",
    "HND",
    "es",
    "2027-01-05",
    "",
    "",
    "Honduras",
    "HN-CAMR-OMOA",
    "",
    "",
)


def sheet(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> bytes:
    return csv_bytes(header, rows)


def changed(row: tuple[str, ...], **cells: str) -> tuple[str, ...]:
    names = {
        "group": 0,
        "key": 1,
        "given": 2,
        "family": 3,
        "sex": 4,
        "born": 5,
        "nationality": 6,
        "language": 7,
        "since": 8,
        "relation": 9,
        "caregiver": 10,
        "country": 11,
        "place": 12,
        "document": 13,
        "number": 14,
    }
    values = list(row)
    for name, cell in cells.items():
        values[names[name]] = cell
    return tuple(values)


def problems(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> list[tuple[int | None, str, str]]:
    preview = intake.read_import(sheet(*rows, header=header), "familias.csv")
    return [(fault.row, fault.column, fault.code) for fault in preview.problems]


# ---- the way through -----------------------------------------------------------------------------------------


def test_families_of_a_sheet_are_registered_with_relations_and_papers(session: Session, coordinator: Actor) -> None:
    preview = intake.read_import(sheet(MOTHER, CHILD, ALONE), "familias.csv")

    outcome = intake.apply_import(session, coordinator, preview)

    assert preview.problems == ()
    assert (outcome.new_person_count, outcome.new_group_count, outcome.is_unchanged) == (3, 2, False)
    persons = {person.given_names: person for person in session.exec(select(Person)).all()}
    luz, marta, omar = persons["Luz"], persons["Marta"], persons["Omar"]
    assert (luz.caregiver_id, luz.group_id, luz.relation) == (marta.person_id, marta.group_id, Relation.CHILD)
    assert (omar.birth_date, omar.relation, omar.stranded_since) == (date(1960, 3, 1), Relation.SELF, date(2027, 1, 5))
    group = session.get_one(TravelGroup, marta.group_id)
    assert (group.destination_country, group.destination_place_id) == ("HN", "HN-CAMR-OMOA")
    assert {(each.status, each.version) for each in persons.values()} == {(PersonStatus.ACTIVE, 1)}
    assert (group.availability, group.version) == (1, 1)
    document = session.exec(select(Document)).one()
    assert (document.number, document.issuing_country, document.is_mrz_valid) == ("00123", "HN", False)
    assert session.get_one(Case, group.case_id).place_id == "MX-TAPACHULA"


def test_nothing_that_was_imported_consents_or_is_held(session: Session, coordinator: Actor) -> None:
    header = (*HEADER, "Consentimiento", "Suspensión (hold)", "Observaciones")
    preview = intake.read_import(sheet((*MOTHER, "sí", "asilo", "nota"), header=header), "familias.csv")

    intake.apply_import(session, coordinator, preview)

    assert preview.refused == ("Consentimiento", "Suspensión (hold)")
    assert preview.unused == ("Observaciones",)
    assert session.exec(select(Consent)).all() == []
    assert session.exec(select(Hold)).all() == []


def test_column_of_consents_cannot_be_forced_in() -> None:
    content = sheet((*MOTHER, "sí"), header=(*HEADER, "Consent given"))
    mapping = {**guess_mapping((*HEADER, "Consent given")), "is_detained": "Consent given"}

    preview = intake.read_import(content, "familias.csv", mapping)

    assert [fault.code for fault in preview.problems] == ["MAPPING"]
    assert {column.field for column in COLUMNS}.isdisjoint({"consent", "hold", "witness", "counselled_at"})


def test_same_file_again_changes_nothing(session: Session, coordinator: Actor) -> None:
    preview = intake.read_import(sheet(MOTHER, CHILD, ALONE), "familias.csv")
    first = intake.apply_import(session, coordinator, preview)

    again = intake.apply_import(session, coordinator, preview)

    assert again.is_unchanged
    assert again.run.import_id == first.run.import_id
    assert session.exec(select(func.count()).select_from(Person)).one() == 3


def test_an_import_is_undone_on_the_same_day_and_may_be_repeated(session: Session, coordinator: Actor) -> None:
    preview = intake.read_import(sheet(MOTHER, CHILD), "families.csv")
    made = intake.apply_import(session, coordinator, preview)
    assert intake.is_registered(session, coordinator, preview)

    intake.undo_import(session, coordinator, import_id=made.run.import_id)

    assert session.exec(select(Person)).all() == []
    assert session.exec(select(Case)).all() == []
    assert not intake.is_registered(session, coordinator, preview)
    assert intake.apply_import(session, coordinator, preview).new_person_count == made.new_person_count


def test_an_import_that_somebody_worked_with_is_not_undone(session: Session, coordinator: Actor) -> None:
    made = intake.apply_import(session, coordinator, intake.read_import(sheet(MOTHER, CHILD), "families.csv"))
    intake.touch_person(session, session.exec(select(Person.person_id)).first() or "")

    with pytest.raises(InputError) as problem:
        intake.undo_import(session, coordinator, import_id=made.run.import_id)

    assert [fault.code for fault in problem.value.faults] == ["UNDO_TOUCHED"]


def test_same_people_in_another_file_change_nothing_and_new_ones_are_added(
    session: Session, coordinator: Actor
) -> None:
    intake.apply_import(session, coordinator, intake.read_import(sheet(MOTHER, CHILD), "a.csv"))

    more = intake.apply_import(session, coordinator, intake.read_import(sheet(MOTHER, CHILD, ALONE), "b.csv"))

    assert (more.new_person_count, more.new_group_count) == (1, 1)
    assert session.exec(select(func.count()).select_from(Person)).one() == 3


def test_workbook_and_table_of_the_same_people_are_the_same(session: Session, coordinator: Actor) -> None:
    book = openpyxl.Workbook()
    page = book.active
    for line in (HEADER, MOTHER, CHILD):
        page.append(line)
    page["F2"] = date(1991, 4, 23)
    content = io.BytesIO()
    book.save(content)
    intake.apply_import(session, coordinator, intake.read_import(sheet(MOTHER, CHILD), "a.csv"))

    again = intake.apply_import(session, coordinator, intake.read_import(content.getvalue(), "a.xlsx"))

    assert again.is_unchanged


def test_person_registered_before_is_named_and_nobody_is_imported(session: Session, coordinator: Actor) -> None:
    known = make_person(
        session,
        ready=False,
        given_names="Omar",
        family_names="Paz",
        sex=Sex.MALE,
        birth_date=date(1960, 3, 1),
        search_key="omar paz",
    )
    preview = intake.read_import(sheet(MOTHER, CHILD, ALONE), "familias.csv")

    with pytest.raises(InputError) as refused:
        intake.apply_import(session, coordinator, preview)

    assert [(fault.row, fault.column, fault.code) for fault in refused.value.faults] == [(4, "Nombres", "REGISTERED")]
    assert known.person_id in str(refused.value)
    assert session.exec(select(func.count()).select_from(Person)).one() == 1


def test_likely_duplicates_of_a_sheet_are_shown_before_it_is_imported(session: Session, coordinator: Actor) -> None:
    known = make_person(
        session, ready=False, given_names="Omár", family_names="Pas", sex=Sex.MALE, birth_date=date(1960, 1, 3)
    )
    preview = intake.read_import(sheet(MOTHER, ALONE), "familias.csv")

    pairs = intake.preview_duplicates(session, coordinator, preview)

    assert [{pair.first_ref, pair.second_ref} for pair in pairs] == [{known.person_id, "row 3"}]


def test_place_of_another_office_is_refused_with_its_row(session: Session, coordinator: Actor) -> None:
    header = (*HEADER, "Lugar donde está")
    preview = intake.read_import(sheet((*ALONE, "GT-ESQUIPULAS"), header=header), "familias.csv")

    with pytest.raises(InputError) as refused:
        intake.apply_import(session, coordinator, preview)

    assert [(fault.row, fault.column, fault.code) for fault in refused.value.faults] == [
        (2, "Lugar donde está", "PLACE")
    ]


def test_only_a_coordinator_imports(session: Session, protection_1: Actor, health: Actor) -> None:
    preview = intake.read_import(sheet(MOTHER), "familias.csv")

    for actor in (protection_1, health):
        with pytest.raises(NotAllowed):
            intake.apply_import(session, actor, preview)


def test_preview_with_a_problem_cannot_be_applied(session: Session, coordinator: Actor) -> None:
    preview = intake.read_import(sheet(MOTHER, changed(CHILD, born="30/02/2019")), "familias.csv")

    with pytest.raises(InputError, match="does not exist"):
        intake.apply_import(session, coordinator, preview)

    assert session.exec(select(func.count()).select_from(Person)).one() == 0


# ---- problems ------------------------------------------------------------------------------------------------


def test_all_problems_are_named_by_row_and_column_at_once() -> None:
    found = problems(
        changed(MOTHER, born="31/04/1991", nationality="Atlántida", given="Mar\u200bta"),
        changed(CHILD, born="05/03/2027", caregiver="9", since="06/03/2027"),
        changed(ALONE, sex="W", place="HN-NADA", since=""),
    )

    assert found == [
        (2, "Fecha de nacimiento", "NO_SUCH_DAY"),
        (2, "Nacionalidad", "COUNTRY_UNKNOWN"),
        (2, "Nombres", "TEXT"),
        (3, "Clave de su cuidador", "CAREGIVER"),
        (3, "Fecha de nacimiento", "FUTURE"),
        (3, "Varada desde", "FUTURE"),
        (4, "Punto de recepción", "PLACE"),
        (4, "Sexo", "SEX"),
        (4, "Varada desde", "EMPTY"),
    ]


def test_formula_is_named_once_and_not_also_as_an_empty_or_wrong_cell() -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(list(HEADER))
    page.append(list(changed(MOTHER, given="=A1", born="=TODAY()", number="=1+1")))
    content = io.BytesIO()
    book.save(content)

    preview = intake.read_import(content.getvalue(), "familias.xlsx")

    assert [(fault.row, fault.column, fault.code) for fault in preview.problems] == [
        (2, "Fecha de nacimiento", "FORMULA"),
        (2, "Nombres", "FORMULA"),
        (2, "Número de documento", "FORMULA"),
    ]


def test_guesses_are_told_beside_the_preview() -> None:
    content = sheet(changed(MOTHER, given="Martá", born="03/04/1991"), CHILD).decode("utf-8-sig").encode("cp1252")
    preview = intake.read_import(content, "familias.csv")
    assert [(note.code, note.column, note.value) for note in preview.notes] == [
        ("CP1252", "", "1"),
        ("DAY_FIRST", "Fecha de nacimiento", "03/04/1991"),
        ("DAY_FIRST", "Varada desde", "03/02/2027"),
    ]
    assert {f"import.note.{note.code}" for note in preview.notes} <= set(all_labels())


def test_child_in_an_adults_care_is_not_unaccompanied() -> None:
    header = (*HEADER, "No acompañado")
    assert problems((*MOTHER, "no"), (*CHILD, "sí"), header=header) == [(3, "No acompañado", "UNACCOMPANIED")]
    assert problems((*MOTHER, "no"), (*CHILD, "no"), header=header) == []


def test_two_of_one_name_and_age_are_two_people_unless_more_is_alike() -> None:
    header = (*HEADER, "Edad")
    first = (*changed(ALONE, born=""), "25")
    other = (*changed(ALONE, born="", since="2027-01-09"), "25")
    assert problems(first, other, header=header) == []
    assert problems(first, first, header=header) == [(3, "Nombres", "TWICE")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((ALONE, ALONE), [(3, "Nombres", "TWICE")]),
        ((MOTHER, changed(ALONE, document="passport", number="00123", nationality="HN")),
         [(3, "Número de documento", "TWICE")]),
        ((MOTHER, changed(CHILD, key="1", caregiver="")), [(3, "Clave de la persona", "TWICE")]),
        ((MOTHER, changed(CHILD, relation="titular")), [(3, "Relación con el titular", "RELATION")]),
        ((MOTHER, changed(CHILD, relation="")), [(3, "Relación con el titular", "EMPTY")]),
        ((MOTHER, changed(CHILD, country="GT")), [(3, "País de destino", "GROUP")]),
        ((MOTHER, changed(CHILD, group="f 1", caregiver="", country="HN", place="HN-CAMR-OMOA", relation="titular")),
         [(3, "Clave del grupo", "GROUP_KEY")]),
        ((changed(ALONE, country="GT"), ALONE), [(2, "Punto de recepción", "COUNTRY"), (3, "Nombres", "TWICE")]),
        ((changed(ALONE, country="GT"),), [(2, "Punto de recepción", "COUNTRY")]),
        ((changed(ALONE, country="", place=""),),
         [(2, "País de destino", "EMPTY"), (2, "Punto de recepción", "EMPTY")]),
        ((changed(ALONE, number="A1"),), [(2, "Tipo de documento", "EMPTY")]),
        ((changed(ALONE, document="pasaporte"),), [(2, "Número de documento", "EMPTY")]),
        ((changed(ALONE, born=""),), [(2, "Fecha de nacimiento", "NO_AGE")]),
        ((changed(ALONE, born="03/25/1990"),), [(2, "Fecha de nacimiento", "NO_SUCH_DAY")]),
        ((changed(ALONE, born="1/3/60"),), [(2, "Fecha de nacimiento", "NOT_A_DATE")]),
        ((changed(ALONE, born="29/02/1961"),), [(2, "Fecha de nacimiento", "NO_SUCH_DAY")]),
        ((changed(ALONE, born="01/03/1760"),), [(2, "Fecha de nacimiento", "DATE")]),
    ],
)  # fmt: skip
def test_problem_is_named_where_it_stands(
    rows: tuple[tuple[str, ...], ...], expected: list[tuple[int, str, str]]
) -> None:
    assert problems(*rows) == expected


def test_a_problem_shows_what_stands_in_the_cell() -> None:
    preview = intake.read_import(sheet(changed(MOTHER, born="17/05/2199")), "familias.csv")

    assert {fault.value for fault in preview.problems} == {"17/05/2199"}


def test_missing_columns_are_all_named() -> None:
    preview = intake.read_import(b"Nombres,Apellidos\r\nAna,Paz\r\n", "x.csv")

    assert sorted(fault.column for fault in preview.problems) == [
        "Idioma de contacto", "Nacionalidad", "País de destino", "Punto de recepción", "Sexo", "Varada desde",
        "birth_date",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "x.csv", "EMPTY_FILE"),
        (b"%PDF-1.7 ...", "x.xlsx", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "x.xls", "OLD_EXCEL"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1" + "EncryptedPackage".encode("utf-16-le"), "x.xlsx", "PASSWORD"),
        (b"\x89PNG\r\n\x1a\n", "x.csv", "WRONG_KIND"),
    ],
)
def test_file_that_is_no_table_is_refused_in_words(content: bytes, name: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        intake.read_import(content, name)

    assert [fault.code for fault in refused.value.faults] == [code]


def test_formula_and_merged_cells_are_problems_not_values() -> None:
    book = openpyxl.Workbook()
    page = book.active
    for line in (HEADER, MOTHER, ALONE):
        page.append(line)
    page["C2"] = '="Mar"&"ta"'
    page.merge_cells("C3:D3")
    content = io.BytesIO()
    book.save(content)

    preview = intake.read_import(content.getvalue(), "x.xlsx")

    assert {"FORMULA", "MERGED"} <= {fault.code for fault in preview.problems}


def test_letter_m_is_read_only_where_it_can_mean_one_thing() -> None:
    h_and_m = intake.read_import(sheet(changed(MOTHER, sex="M"), changed(ALONE, sex="H")), "x.csv")
    f_and_m = intake.read_import(sheet(changed(MOTHER, sex="F"), changed(ALONE, sex="M")), "x.csv")

    assert [group.rows[0].person.sex for group in h_and_m.groups] == [Sex.FEMALE, Sex.MALE]
    assert [group.rows[0].person.sex for group in f_and_m.groups] == [Sex.FEMALE, Sex.MALE]
    assert problems(changed(ALONE, sex="M")) == [(2, "Sexo", "SEX")]
    english = tuple("Sex" if name == "Sexo" else name for name in HEADER)
    assert problems(changed(ALONE, sex="M"), header=english) == []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"nationality": "hondureña"}, ("HN", Relation.SELF)),
        ({"nationality": "República Democrática del Congo"}, ("CD", Relation.SELF)),
        ({"nationality": "Inde"}, ("IN", Relation.SELF)),
        ({"nationality": "indio"}, ("IN", Relation.SELF)),
        ({"nationality": "República Dominicana"}, ("DO", Relation.SELF)),
        ({"relation": "jefa de familia"}, ("HN", Relation.SELF)),
        ({"relation": "Épouse"}, ("HN", Relation.PARTNER)),
        ({"relation": "hijo"}, ("HN", Relation.CHILD)),
    ],
)
def test_words_that_sheets_use_are_understood(cells: dict[str, str], expected: tuple[str, Relation]) -> None:
    preview = intake.read_import(sheet(changed(ALONE, **cells)), "x.csv")

    person = preview.groups[0].rows[0].person
    assert (person.nationality, person.relation) == expected


def test_caregiver_may_be_named_instead_of_numbered() -> None:
    preview = intake.read_import(sheet(MOTHER, changed(CHILD, caregiver="marta RUIZ")), "x.csv")

    assert [row.caregiver_key for row in preview.groups[0].rows] == ["", "1"]


# ---- columns and cells ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", list(Language))
def test_template_is_understood_in_every_language(language: Language) -> None:
    book = openpyxl.load_workbook(io.BytesIO(intake.import_template(language)))
    header = tuple(str(cell.value) for cell in book.worksheets[0][1])

    mapping = guess_mapping(header)

    assert list(mapping) == [column.field for column in COLUMNS]
    assert list(mapping.values()) == list(header)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("First name", "given_names"),
        ("APELLIDO", "family_names"),
        ("Prénom", "given_names"),
        ("Date de naissance", "birth_date"),
        ("DOB", "birth_date"),
        ("Fecha de nacimento", "birth_date"),
        ("Nationalité", "nationality"),
        ("Family group", "group_key"),
        ("No. documento", "document_number"),
    ],
)
def test_column_is_guessed_in_three_languages(header: str, field: str) -> None:
    assert guess_mapping((header,)) == {field: header}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09/03/1990", date(1990, 3, 9)),
        ("9-3-1990", date(1990, 3, 9)),
        ("9.3.1990", date(1990, 3, 9)),
        ("1990-03-09", date(1990, 3, 9)),
        ("1990-03-09 00:00:00", date(1990, 3, 9)),
        ("9 mar 1990", date(1990, 3, 9)),
        ("9 de marzo de 1990", date(1990, 3, 9)),
        ("9 août 1990", date(1990, 8, 9)),
        ("29/02/2024", date(2024, 2, 29)),
    ],
)
def test_date_is_read_day_first_or_in_words(text: str, expected: date) -> None:
    assert read_date(text) == expected


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_a_fault_in_words(text: str) -> None:
    try:
        what = f"expected {read_date(text)}"
    except CellFault as fault:
        what = fault.what

    assert "expected" in what


NAMES = (
    "Null", "True", "NA", "1E5", "O'Brien-Ñúñez", "محمد عبد الله", "علی\u200cرضا", "রহিমা খাতুন", "王小明",
    "Ndèye Fatou", "Ῥόδη", "ሀብታሙ ገብረ", "=Ana",
)  # fmt: skip


def test_names_and_numbers_survive_byte_exact(session: Session, coordinator: Actor) -> None:
    rows = [
        changed(ALONE, given=name, family=name, group=f"00{at}", document="passport", number=f"00{at}E5")
        for at, name in enumerate(NAMES)
    ]

    intake.apply_import(session, coordinator, intake.read_import(sheet(*rows), "x.csv"))

    stored = session.exec(select(Person.given_names, Document.number).join(Document)).all()
    assert sorted(tuple(each) for each in stored) == sorted((name, f"00{at}E5") for at, name in enumerate(NAMES))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=15, max_size=15))
def test_whatever_stands_in_a_row_gives_a_preview_or_faults(cells: list[str]) -> None:
    preview = intake.read_import(sheet(MOTHER, tuple(cells)), "x.csv")

    assert preview.problems or preview.person_count >= 1
    assert all(fault.what for fault in preview.problems)


def test_reading_needs_no_database_and_keeps_the_first_rows_to_show() -> None:
    rows: list[Any] = [changed(ALONE, given=f"Ana{chr(97 + at)}") for at in range(25)]

    preview = intake.read_import(sheet(*rows), "x.csv")

    assert (len(preview.shown), preview.person_count) == (20, 25)
    assert preview.shown[0]["Nombres"] == "Anaa"
