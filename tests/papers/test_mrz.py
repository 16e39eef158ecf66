"""The machine-readable zone: the specimens of ICAO Doc 9303, every check digit, every fault with its position."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retorno.errors import InputError
from retorno.papers.mrz import check_digit, parse

TODAY = date(2026, 3, 9)

# Doc 9303 parts 4, 6 and 5: the UTOPIA specimens of Anna Maria Eriksson.
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
# Doc 9303 part 5: a document number of twelve characters, D23145890734, check digit 9.
TD1_LONG = "I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<"
SPECIMENS = (TD1, TD2, TD3, TD1_LONG)


def faults_of(text):
    with pytest.raises(InputError) as error:
        parse(text, reference_date=TODAY)
    return [fault.what for fault in error.value.faults]


@pytest.mark.parametrize(
    ("text", "layout", "number"), [(TD1, "TD1", "D23145890"), (TD2, "TD2", "D23145890"), (TD3, "TD3", "L898902C3")]
)
def test_the_specimens_are_read(text, layout, number):
    zone = parse(text, reference_date=TODAY)

    assert (zone.layout, zone.document_number) == (layout, number)
    assert (zone.surname, zone.given_names) == ("ERIKSSON", "ANNA MARIA")
    assert (zone.issuer, zone.nationality, zone.sex) == ("UTO", "UTO", "F")
    assert zone.birth_date == date(1974, 8, 12)
    assert zone.expiry_date == date(2012, 4, 15)
    assert not zone.is_name_cut
    assert zone.lines == tuple(text.split())


def test_passport_has_its_personal_number_and_code():
    zone = parse(TD3, reference_date=TODAY)

    assert (zone.document_code, zone.optional_data) == ("P", "ZE184226B")


def test_a_number_longer_than_nine_goes_on_in_the_optional_field():
    zone = parse(TD1_LONG, reference_date=date(1994, 1, 1))

    assert zone.document_number == "D23145890734"
    assert zone.birth_date == date(1934, 7, 12)
    assert faults_of(TD1_LONG.replace("7349<", "7348<"))[0] == (
        "line 1, position 19: the check digit of the document number is 8, expected 9; compare what it covers"
    )


@pytest.mark.parametrize("text", SPECIMENS)
def test_spaces_breaks_small_letters_and_guillemets_do_no_harm(text):
    wanted = parse(text, reference_date=TODAY)

    assert parse(f"  {text.lower()}\r\n\n", reference_date=TODAY) == wanted
    assert parse(text.replace("\n", ""), reference_date=TODAY) == wanted
    assert parse(" ".join(text), reference_date=TODAY) == wanted
    assert parse(text.replace("<<", "«"), reference_date=TODAY) == wanted
    assert parse(text.replace("<", "«"), reference_date=TODAY) == wanted
    assert parse(text.replace("<", "＜"), reference_date=TODAY) == wanted


# Every place that a check digit covers, from 0: (line, first, past last).
COVERED = {
    "TD1": [(0, 5, 30), (1, 0, 7), (1, 8, 15), (1, 18, 30)],
    "TD2": [(1, 0, 10), (1, 13, 20), (1, 21, 36)],
    "TD3": [(1, 0, 10), (1, 13, 20), (1, 21, 44)],
}


@pytest.mark.parametrize("text", SPECIMENS)
def test_every_single_wrong_digit_is_found(text):
    lines = text.split("\n")
    layout = {30: "TD1", 36: "TD2", 44: "TD3"}[len(lines[0])]
    tried = 0
    for line, first, last in COVERED[layout]:
        for at in range(first, last):
            if not lines[line][at].isdigit():
                continue
            for digit in "0123456789".replace(lines[line][at], ""):
                wrong = list(lines)
                wrong[line] = wrong[line][:at] + digit + wrong[line][at + 1 :]
                with pytest.raises(InputError):
                    parse("\n".join(wrong), reference_date=TODAY)
                tried += 1
    assert tried >= 200


@pytest.mark.parametrize("text", SPECIMENS)
def test_every_missing_check_digit_is_found_with_its_place(text):
    lines = text.split("\n")
    layout = {30: "TD1", 36: "TD2", 44: "TD3"}[len(lines[0])]
    places = {"TD1": [(1, 6), (1, 14), (1, 29)], "TD2": [(1, 9), (1, 19), (1, 27), (1, 35)]}
    places["TD3"] = [(1, 9), (1, 19), (1, 27), (1, 42), (1, 43)]
    for line, at in places[layout]:
        wrong = list(lines)
        wrong[line] = wrong[line][:at] + "<" + wrong[line][at + 1 :]

        found = faults_of("\n".join(wrong))

        assert any(
            f"line {line + 1}, position {at + 1}: the check digit" in what and "missing" in what for what in found
        )


def test_a_wrong_digit_names_line_position_found_and_expected():
    # The tenth character has weight 7, so one more adds 7 to the digit of the whole zone.
    assert faults_of(TD3.replace("L898902C36", "L898902C37")) == [
        "line 2, position 10: the check digit of the document number is 7, expected 6; compare what it covers",
        "line 2, position 44: the check digit of the whole zone is 0, expected 7; compare what it covers",
    ]


def test_empty_personal_number_may_lack_its_digit():
    number, birth, expiry = "L898902C36", "7408122", "1204159"
    composite = check_digit(number + birth + expiry + "<" * 15)
    text = f"{TD3.split()[0]}\n{number}UTO{birth}F{expiry}{'<' * 15}{composite}"

    assert parse(text, reference_date=TODAY).optional_data == ""


def with_dates(birth, expiry, sex="F"):
    """The TD3 specimen with other dates and right check digits."""
    number, personal = "L898902C36", "ZE184226B<<<<<1"
    birth, expiry = f"{birth}{check_digit(birth)}", f"{expiry}{check_digit(expiry)}"
    return (
        f"{TD3.split()[0]}\n{number}UTO{birth}{sex}{expiry}{personal}{check_digit(number + birth + expiry + personal)}"
    )


@pytest.mark.parametrize(
    ("birth", "year"), [("260309", 2026), ("260310", 1926), ("250101", 2025), ("270101", 1927), ("000229", 2000)]
)
def test_the_century_of_birth_is_the_latest_that_is_not_in_the_future(birth, year):
    assert parse(with_dates(birth, "300101"), reference_date=TODAY).birth_date.year == year


@pytest.mark.parametrize(("expiry", "year"), [("300101", 2030), ("991231", 1999), ("750101", 2075), ("770101", 1977)])
def test_the_century_of_expiry_is_the_nearest(expiry, year):
    assert parse(with_dates("740812", expiry), reference_date=TODAY).expiry_date.year == year


def test_dates_that_do_not_exist_and_letters_in_them_are_named():
    assert faults_of(with_dates("740230", "251301")) == [
        "line 2, position 14: the birth date 740230 (year, month, day) does not exist",
        "line 2, position 22: the expiry date 251301 (year, month, day) does not exist",
    ]
    assert faults_of(with_dates("7408I2", "300101")) == [
        "line 2, position 18: I in a date, expected a digit; perhaps 1"
    ]


def test_unknown_birth_parts_and_unspecified_sex_are_allowed():
    zone = parse(with_dates("7408<<", "<<<<<<", sex="<"), reference_date=TODAY)

    assert (zone.birth_date, zone.birth_digits, zone.expiry_date, zone.sex) == (None, "7408<<", None, "X")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the machine-readable zone is empty"),
        (TD3[:-1], "line 2 has 43 characters, expected 44"),
        ("HOLA", "the zone has 4 characters; expected 2 lines of 44 (passport), 2 of 36, or 3 of 30 (card)"),
        (TD3.replace("ANNA", "AN-A"), "line 1, position 18: a character that no zone has; letters, digits and < only"),
        (TD3.replace("P<UTO", "V<UTO"), "this is the zone of a visa; expected that of a passport or identity card"),
        (TD3.replace("2F1", "271"), "line 2, position 21: 7 for the sex, expected F, M or <"),
        (TD3.replace("P<UTO", "P<U1O"), 'line 1, position 3: the issuing state is a code of letters, such as "GTM"'),
        (TD3.replace("ERIKSSON", "ER1KSSON"), "line 1, position 6: the name starts with a letter and has no digits"),
    ],
)
def test_what_is_no_zone_gets_a_sentence(text, what):
    assert faults_of(text) == [what]


def test_a_name_that_fills_its_field_may_be_cut():
    text = TD3.replace("ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "ERIKSSON<<ANNA<MARIA<MARGARETA<ALEXANDR")

    assert parse(text, reference_date=TODAY).is_name_cut


@given(st.text(alphabet=st.sampled_from("ABZ019<« \nñ"), max_size=100))
def test_no_text_breaks_the_reader(text):
    with pytest.raises(InputError):
        parse(text, reference_date=TODAY)
