"""Text hygiene: real names pass unchanged, hidden characters are named with their position."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retorno.errors import InputError
from retorno.text import clean_text, comparison_key, latin_suggestion, skeleton_key, text_problems

REAL_NAMES = (
    "María José Ñúñez-Güell",
    "Ndèye Fatou Sène",
    "Nguyễn Thị Hường",
    "محمد عبد الله",
    "علی\u200cرضا",  # Persian, needs the non-joiner
    "שָׁלוֹם כֹּהֵן",
    "ሀብታሙ ገብረ",
    "अर्जुन क्षेत्री",
    "ශ්\u200dරීමතී",  # Sinhala, needs the joiner
    "রহিমা খাতুন",
    "ਗੁਰਪ੍ਰੀਤ ਕੌਰ",
    "王小明",
    "O'Brien",
    "Null",
    "True",
    "Иван Петрович",
)


@pytest.mark.parametrize("name", REAL_NAMES)
def test_real_names_in_every_script_pass_unchanged(name):
    name = unicodedata.normalize("NFC", name)

    assert clean_text(name) == name


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("An\u202ea", "hidden character that turns the direction U+202E at position 3"),
        ("An\u2066a", "hidden character that turns the direction U+2066 at position 3"),
        ("Ana\u200b", "hidden character U+200B at position 4"),
        ("\ufeffAna", "hidden character U+FEFF at position 1"),
        ("A\u00adna", "hidden character U+00AD at position 2"),
        ("An\u200da", "hidden character U+200D at position 3"),
        ("علی\u200c", "hidden character U+200C at position 4"),
        ("A\x00na", "control character U+0000 at position 2"),
        ("A\tna", "control character U+0009 at position 2"),
        ("Ana\n", "control character U+000A at position 4"),
        ("A\u2028na", "hidden character U+2028 at position 2"),
        ("An\ud800", "half of a broken character U+D800 at position 3"),
        ("An\ue000", "private character U+E000 at position 3, which other computers cannot show"),
        ("An\u0378", "unknown character U+0378 at position 3"),
        ("An\ufdd0", "unknown character U+FDD0 at position 3"),
        ("\u3164", "hidden character U+3164 at position 1"),
        ("a\ufe0f", "hidden character U+FE0F at position 2"),
        ("a" + "\u0323\u0301\u0302\u0303\u0304", "more than 4 accents on one letter at position 6"),
        ("\u0301a", "accent U+0301 at position 1 without a letter before it"),
    ],
)
def test_each_hidden_or_broken_character_is_named_with_its_position(value, what):
    assert text_problems(value)[0] == what
    with pytest.raises(InputError) as error:
        clean_text(value, file="f.csv", row=7, column="name")
    fault = error.value.faults[0]
    assert (fault.file, fault.row, fault.column, fault.code) == ("f.csv", 7, "name", "TEXT")
    assert fault.what.startswith(what)


def test_four_marks_pass_and_a_decomposed_name_is_composed():
    four = "a\u0323\u0301\u0303\u0304"

    assert clean_text(four) == unicodedata.normalize("NFC", four)
    assert clean_text("Jose\u0301") == "José"


def test_all_problems_of_a_text_come_at_once():
    with pytest.raises(InputError) as error:
        clean_text("\u202eA\u200bB\x07")

    assert len(error.value.faults) == 3


def test_spaces_become_ordinary_and_ends_are_trimmed():
    assert clean_text("\u00a0 Ana\u3000María ") == "Ana María"
    assert clean_text("   ") == ""


def test_too_long_text_says_how_long_and_how_long_it_may_be():
    assert clean_text("abcde", max_chars=5) == "abcde"
    with pytest.raises(InputError, match="6 characters long, at most 5 allowed"):
        clean_text("abcdef", max_chars=5)


def test_newlines_stay_only_where_allowed():
    assert clean_text("one\r\ntwo", allow_newlines=True) == "one\ntwo"
    with pytest.raises(InputError):
        clean_text("one\r\ntwo")


@given(st.text(max_size=30))
def test_any_text_is_refused_or_comes_back_clean_and_stable(value):
    try:
        text = clean_text(value)
    except InputError:
        return
    assert clean_text(text) == text
    assert text == unicodedata.normalize("NFC", text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") for c in text)


@given(st.text(alphabet=st.characters(codec=None, categories=["Cs", "Cc", "Cf", "Mn", "Lo"]), max_size=12))
def test_hostile_text_never_breaks_the_check(value):
    try:
        clean_text(value)
    except InputError as error:
        message = str(error)
    else:
        message = "fine"
    assert message.encode()  # the message itself can always be shown


def test_swapped_names_accents_and_case_share_one_key():
    assert comparison_key("GARCÍA  López, José") == comparison_key("jose lopez garcia") == "garcia jose lopez"
    assert comparison_key("O’Brien") == comparison_key("O'BRIEN") == "obrien"
    assert comparison_key("Jean-Pierre") == comparison_key("Jean Pierre")
    assert comparison_key("Ana") != comparison_key("Anna")


def test_spellings_across_scripts_meet_in_the_skeleton():
    assert skeleton_key("Mohammed") == skeleton_key("Muhamad") == skeleton_key("محمد") == "mhmd"
    assert skeleton_key("Ana") == "n"
    assert skeleton_key("Io") == "io"


def test_latin_suggestion_is_plain_ascii_with_capitals():
    assert latin_suggestion("محمد") == "Mhmd"
    assert latin_suggestion("José Ñúñez") == "Jose Nunez"
    assert all(latin_suggestion(name).isascii() for name in REAL_NAMES)
