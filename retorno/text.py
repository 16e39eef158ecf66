"""Text hygiene and name comparison: what may stand in a name or a note, and when two names are alike.

Imports nothing but errors, so that tables, imports and pages all apply the same rule (access.md I17).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from anyascii import anyascii

from retorno.errors import Fault, InputError

MAX_COMBINING_MARKS = 4
"""Most non-spacing marks in a row; our assumption: pointed Hebrew and Vietnamese need four at most."""

_MAX_MARKS_OF_ANY_KIND = 8
_ZWNJ, _ZWJ = "\u200c", "\u200d"
_VIRAMA_CLASS = 9
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Invisible although Unicode counts them as letters, marks or symbols.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    chr(code)
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(first, last + 1)
)

# Blocks whose spelling needs the joiners: Arabic, Syriac, N'Ko; the Indic ones; Myanmar; Khmer; Mongolian.
_JOINER_BLOCKS = (
    (0x0600, 0x07FF),
    (0x0860, 0x08FF),
    (0x0900, 0x0DFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x1800, 0x18AF),
    (0xA980, 0xA9DF),
    (0xFB50, 0xFDFF),
    (0xFE70, 0xFEFC),
)


def _needs_joiners(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _JOINER_BLOCKS) and char.isprintable()


def _joiner_is_spelling(text: str, at: int) -> bool:
    """Whether the joiner at index ``at`` stands where a script needs one: after a letter, not for nothing."""
    before = text[at - 1] if at else ""
    after = text[at + 1] if at + 1 < len(text) else ""
    if not before or not _needs_joiners(before):
        return False
    if after and _needs_joiners(after):
        return True
    return text[at] == _ZWJ and unicodedata.combining(before) == _VIRAMA_CLASS


def _name_of_code(char: str) -> str:
    return f"U+{ord(char):04X}"


def _problem_with(text: str, at: int, *, allow_newlines: bool) -> str | None:
    """What is wrong with the character at index ``at``, in words, or None."""
    char = text[at]
    category = unicodedata.category(char)
    where = f"{_name_of_code(char)} at position {at + 1}"
    if char in (_ZWNJ, _ZWJ):
        return None if _joiner_is_spelling(text, at) else f"hidden character {where}"
    if char in _INVISIBLE or category in ("Cf", "Zl", "Zp"):
        kind = "hidden character that turns the direction" if char in _DIRECTION else "hidden character"
        return f"{kind} {where}"
    if category == "Cc":
        return None if allow_newlines and char == "\n" else f"control character {where}"
    if category == "Cs":
        return f"half of a broken character {where}"
    if category == "Co":
        return f"private character {where}, which other computers cannot show"
    if category == "Cn":
        return f"unknown character {where}"
    return None


def _mark_problems(text: str) -> Iterator[str]:
    """Runs of combining marks that are too long, and a mark without a letter before it."""
    nonspacing = marks = 0
    for at, char in enumerate(text):
        category = unicodedata.category(char)
        if not category.startswith("M"):
            nonspacing = marks = 0
            continue
        if marks == 0 and (at == 0 or text[at - 1].isspace()):
            yield f"accent {_name_of_code(char)} at position {at + 1} without a letter before it"
        marks += 1
        nonspacing += category != "Mc"
        if nonspacing == MAX_COMBINING_MARKS + 1 or marks == _MAX_MARKS_OF_ANY_KIND + 1:
            yield f"more than {MAX_COMBINING_MARKS} accents on one letter at position {at + 1}"


def text_problems(value: str, *, allow_newlines: bool = False) -> tuple[str, ...]:
    """Everything wrong with the characters of ``value``, in words; empty if nothing is.

    Positions count characters from 1. The text itself is never repeated: it may be a name.
    """
    hidden = (_problem_with(value, at, allow_newlines=allow_newlines) for at in range(len(value)))
    return (*(problem for problem in hidden if problem is not None), *_mark_problems(value))


def clean_text(
    value: str,
    *,
    file: str = "",
    row: int | None = None,
    column: str = "",
    max_chars: int | None = None,
    allow_newlines: bool = False,
) -> str:
    """The text as it may be stored: NFC, ordinary spaces, none at the ends.

    Letters are never changed beyond NFC; other space characters (no-break, ideographic) become U+0020.

    Parameters
    ----------
    value
        As typed or read. May be empty: whether that is allowed is for the caller to say.
    file, row, column
        Where the text stands, for the fault.
    max_chars
        Longest text allowed, in characters after NFC; None for no limit.
    allow_newlines
        Whether line feeds may stay (notes of several lines); carriage returns before them are dropped.

    Raises
    ------
    InputError
        With one fault per problem: control characters, hidden and direction characters, joiners outside the
        scripts that need them, broken halves, private and unassigned characters, piled-up accents, too long.
    """
    if allow_newlines:
        value = value.replace("\r\n", "\n")
    if value.isascii() and value.isprintable():
        text = value.strip()
        problems: tuple[str, ...] = ()
    else:
        spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in value)
        problems = text_problems(spaced, allow_newlines=allow_newlines)
        text = "" if problems else unicodedata.normalize("NFC", spaced).strip()
    if max_chars is not None and len(text) > max_chars:
        problems = (f"{len(text)} characters long, at most {max_chars} allowed",)
    if problems:
        raise InputError(
            [
                Fault(
                    file=file,
                    row=row,
                    column=column,
                    code="TEXT",
                    what=f"{problem}; type it again without it",
                )
                if "long, at most" not in problem
                else Fault(file=file, row=row, column=column, code="TEXT_LENGTH", what=problem)
                for problem in problems
            ]
        )
    return text


def latin_suggestion(name: str) -> str:
    """A Latin spelling to offer for a name in another script; never the spelling of a document.

    A suggestion only: short vowels that the script does not write are missing (محمد gives "Mhmd"). A name
    that is Latin already comes back without its accents.
    """
    words = re.sub(r"[^A-Za-z0-9' .-]+", " ", anyascii(name)).split()
    return " ".join(word[:1].upper() + word[1:] for word in words)


def comparison_key(name: str) -> str:
    """A name reduced to what two spellings of it share: Latin, lower case, no marks, words sorted.

    "GARCÍA  López, José" and "jose lopez garcia" give the same key; so do swapped given and family names.
    For the duplicate search only: people decide, the key never does.
    """
    plain = anyascii(unicodedata.normalize("NFKC", name)).casefold()
    words = re.sub(r"[^a-z0-9]+", " ", re.sub(r"['`´’ʼ]", "", plain)).split()
    return " ".join(sorted(words))


def skeleton_key(name: str) -> str:
    """The comparison key without vowels and doubled letters, so that "Mohammed", "Muhamad" and محمد meet.

    Coarser than ``comparison_key``: a way to find candidates, which a closer measure then ranks.
    """
    skeletons = (
        re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiouy]", "", word)) or word for word in comparison_key(name).split()
    )
    return " ".join(sorted(skeletons))
