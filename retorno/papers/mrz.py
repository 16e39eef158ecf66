"""The machine-readable zone of a travel document: TD1, TD2 and TD3, with every check digit.

The three layouts and the check digits are those of ICAO Doc 9303, parts 3 to 6 (8th edition, 2021). A check digit
finds every single wrong digit; it does not find a letter read for a digit ten apart, nor says that a document is real.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from retorno.errors import Fault, InputError

_WEIGHTS = (7, 3, 1)
_LENGTHS = {"TD1": (3, 30), "TD2": (2, 36), "TD3": (2, 44)}
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<")
# Characters that scanners and keyboards put for the filler.
_FILLERS = str.maketrans({"‹": "<", "≪": "<<", "《": "<<", "〈": "<", "＜": "<"})
_LOOK_ALIKE = {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "G": "6", "B": "8"}


@dataclass(frozen=True, kw_only=True)
class MachineReadableZone:
    """What the zone says, check digits proven.

    Parameters
    ----------
    layout
        ``"TD1"`` (card, three lines of 30), ``"TD2"`` (two of 36) or ``"TD3"`` (passport, two of 44).
    document_code
        One or two letters: ``"P"``, ``"I"``, ``"AC"``.
    issuer, nationality
        ICAO codes of one to three letters: ``"GTM"``, ``"D"`` for Germany, ``"XXA"`` stateless.
    surname, given_names
        As in the zone: capitals, transliterated by the issuing state, never turned back.
    is_name_cut
        The name fills its field, so it may go on in the document.
    document_number
        Complete, also where it is longer than nine characters.
    birth_date
        None where month or day are unknown in the document; ``birth_digits`` says what stands there.
    sex
        ``"F"``, ``"M"`` or ``"X"`` (not specified).
    expiry_date
        None where the document does not expire.
    optional_data
        The issuing state's own field or fields, without fillers.
    lines
        The zone as it was understood, without spaces.
    """

    layout: str
    document_code: str
    issuer: str
    surname: str
    given_names: str
    is_name_cut: bool
    document_number: str
    nationality: str
    birth_date: date | None
    birth_digits: str
    sex: str
    expiry_date: date | None
    optional_data: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Span:
    """Part of a line: ``line`` from 0, characters ``start`` to before ``end``."""

    line: int
    start: int
    end: int

    def of(self, lines: tuple[str, ...]) -> str:
        return lines[self.line][self.start : self.end]

    @property
    def where(self) -> str:
        return f"line {self.line + 1}, position {self.start + 1}"


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where each part stands; a check digit follows its field at ``field.end``."""

    names: _Span
    number: _Span
    nationality: _Span
    birth: _Span
    sex: _Span
    expiry: _Span
    optional: tuple[_Span, ...]
    composite: tuple[_Span, ...]
    composite_digit: _Span


_LAYOUTS = {
    "TD1": _Layout(
        names=_Span(2, 0, 30),
        number=_Span(0, 5, 14),
        nationality=_Span(1, 15, 18),
        birth=_Span(1, 0, 6),
        sex=_Span(1, 7, 8),
        expiry=_Span(1, 8, 14),
        optional=(_Span(0, 15, 30), _Span(1, 18, 29)),
        composite=(_Span(0, 5, 30), _Span(1, 0, 7), _Span(1, 8, 15), _Span(1, 18, 29)),
        composite_digit=_Span(1, 29, 30),
    ),
    "TD2": _Layout(
        names=_Span(0, 5, 36),
        number=_Span(1, 0, 9),
        nationality=_Span(1, 10, 13),
        birth=_Span(1, 13, 19),
        sex=_Span(1, 20, 21),
        expiry=_Span(1, 21, 27),
        optional=(_Span(1, 28, 35),),
        composite=(_Span(1, 0, 10), _Span(1, 13, 20), _Span(1, 21, 35)),
        composite_digit=_Span(1, 35, 36),
    ),
    "TD3": _Layout(
        names=_Span(0, 5, 44),
        number=_Span(1, 0, 9),
        nationality=_Span(1, 10, 13),
        birth=_Span(1, 13, 19),
        sex=_Span(1, 20, 21),
        expiry=_Span(1, 21, 27),
        optional=(_Span(1, 28, 42),),
        composite=(_Span(1, 0, 10), _Span(1, 13, 20), _Span(1, 21, 43)),
        composite_digit=_Span(1, 43, 44),
    ),
}


def check_digit(text: str) -> int:
    """The check digit of a field: weights 7, 3, 1; letters count from A = 10, the filler 0; modulo 10."""
    values = (0 if char == "<" else int(char, 36) for char in text)
    return sum(value * _WEIGHTS[at % 3] for at, value in enumerate(values)) % 10


def parse(text: str, *, reference_date: date) -> MachineReadableZone:
    """Read a zone as pasted or scanned.

    Spaces, line breaks, small letters and ``«`` for ``<<`` do no harm.

    Parameters
    ----------
    text
        The whole zone, nothing before or after it.
    reference_date
        The day of reading: a birth year is the latest one not after it, an expiry year the nearest one to it.

    Raises
    ------
    InputError
        With every fault: wrong length, characters that do not belong, missing and wrong check digits (line,
        position, found, expected), dates that do not exist.
    """
    layout_name, lines = _split(text)
    layout = _LAYOUTS[layout_name]
    faults = _character_faults(lines)
    if faults:
        raise InputError(faults)
    number, number_fault = _document_number(layout_name, layout, lines)
    faults += number_fault
    faults += _digit_fault(lines, layout.birth, "birth date")
    faults += _digit_fault(lines, layout.expiry, "expiry date", empty_may_lack=True)
    if layout_name == "TD3":
        faults += _digit_fault(lines, layout.optional[0], "personal number", empty_may_lack=True)
    together = "".join(span.of(lines) for span in layout.composite)
    faults += _compare(layout.composite_digit, layout.composite_digit.of(lines), together, "whole zone")
    birth_date, birth_faults = _birth(layout.birth, lines, reference_date)
    expiry_date, expiry_faults = _expiry(layout.expiry, lines, reference_date)
    faults += birth_faults + expiry_faults + _code_faults(layout, lines)
    if faults:
        raise InputError(faults)
    names = layout.names.of(lines)
    surname, _, given_names = names.partition("<<")
    return MachineReadableZone(
        layout=layout_name,
        document_code=lines[0][:2].rstrip("<"),
        issuer=lines[0][2:5].rstrip("<"),
        surname=_words(surname),
        given_names=_words(given_names),
        is_name_cut=not names.endswith("<"),
        document_number=number,
        nationality=layout.nationality.of(lines).rstrip("<"),
        birth_date=birth_date,
        birth_digits=layout.birth.of(lines),
        sex="X" if layout.sex.of(lines) == "<" else layout.sex.of(lines),
        expiry_date=expiry_date,
        optional_data=" ".join(filter(None, (_words(span.of(lines)) for span in layout.optional))),
        lines=lines,
    )


def _words(text: str) -> str:
    return " ".join(text.replace("<", " ").split())


def _fault(what: str, code: str = "MRZ") -> Fault:
    return Fault(what=what, code=code)


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """The layout's name and the lines, each of its full length."""
    plain = unicodedata.normalize("NFKC", text.translate(_FILLERS)).upper()
    candidates = [plain.replace("«", "<<").replace("»", "<<"), plain.replace("«", "<").replace("»", "<")]
    for candidate in candidates:
        joined = "".join(candidate.split())
        for name, (count, length) in _LENGTHS.items():
            if len(joined) == count * length:
                return name, tuple(joined[at : at + length] for at in range(0, len(joined), length))
    written = [line for line in ("".join(line.split()) for line in candidates[0].splitlines()) if line]
    if not written:
        raise InputError([_fault("the machine-readable zone is empty")])
    nearest = _nearest_layout(written)
    if nearest is None:
        total = sum(map(len, written))
        what = f"the zone has {total} characters; expected 2 lines of 44 (passport), 2 of 36, or 3 of 30 (card)"
        raise InputError([_fault(what)])
    length = _LENGTHS[nearest][1]
    wrong = [(number, len(line)) for number, line in enumerate(written, 1) if len(line) != length]
    raise InputError([_fault(f"line {number} has {found} characters, expected {length}") for number, found in wrong])


def _nearest_layout(written: list[str]) -> str | None:
    """The layout that the lines were probably meant for: right line count, at least one line of the right length."""
    fitting = [
        name
        for name, (count, length) in _LENGTHS.items()
        if len(written) == count and any(len(line) == length for line in written)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _character_faults(lines: tuple[str, ...]) -> list[Fault]:
    faults = [
        _fault(f"line {number}, position {position}: a character that no zone has; letters, digits and < only")
        for number, line in enumerate(lines, 1)
        for position, char in enumerate(line, 1)
        if char not in _ALLOWED
    ]
    if not faults and lines[0][0] == "V":
        faults.append(_fault("this is the zone of a visa; expected that of a passport or identity card"))
    return faults


def _compare(at: _Span, found: str, field: str, name: str) -> list[Fault]:
    expected = check_digit(field)
    if found == str(expected):
        return []
    if found == "<":
        return [_fault(f"{at.where}: the check digit of the {name} is missing, expected {expected}", "MRZ_CHECK_DIGIT")]
    what = f"{at.where}: the check digit of the {name} is {found}, expected {expected}; compare what it covers"
    return [_fault(what, "MRZ_CHECK_DIGIT")]


def _digit_fault(lines: tuple[str, ...], field: _Span, name: str, *, empty_may_lack: bool = False) -> list[Fault]:
    """The field's own check digit; an empty field may have a filler instead where Doc 9303 allows it."""
    at = _Span(field.line, field.end, field.end + 1)
    if empty_may_lack and at.of(lines) == "<" and not field.of(lines).strip("<"):
        return []
    return _compare(at, at.of(lines), field.of(lines), name)


def _document_number(name: str, layout: _Layout, lines: tuple[str, ...]) -> tuple[str, list[Fault]]:
    """The number and its faults; on cards a long number goes on in the optional field, its check digit behind it."""
    principal = layout.number.of(lines)
    at = _Span(layout.number.line, layout.number.end, layout.number.end + 1)
    rest = layout.optional[0].of(lines)
    if name == "TD3" or at.of(lines) != "<" or rest.startswith("<"):
        faults = _digit_fault(lines, layout.number, "document number")
        if not principal.strip("<"):
            faults = [_fault(f"{layout.number.where}: the document number is missing")]
        return principal.rstrip("<"), faults
    tail = rest.partition("<")[0]
    start = layout.optional[0].start + len(tail) - 1
    digit_at = _Span(layout.optional[0].line, start, start + 1)
    number = principal + tail[:-1]
    return number.replace("<", ""), _compare(digit_at, tail[-1], principal + tail[:-1], "document number")


def _digits_only(field: _Span, text: str) -> list[Fault]:
    faults = []
    for at, char in enumerate(text):
        if not char.isdigit():
            hint = f"; perhaps {_LOOK_ALIKE[char]}" if char in _LOOK_ALIKE else ""
            where = _Span(field.line, field.start + at, field.end).where
            faults.append(_fault(f"{where}: {char} in a date, expected a digit{hint}", "MRZ_DATE"))
    return faults


def _real_date(year: int, digits: str) -> date | None:
    try:
        return date(year, int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None


def _birth(field: _Span, lines: tuple[str, ...], reference_date: date) -> tuple[date | None, list[Fault]]:
    """The birth date in the latest century that does not lie after the reference date."""
    digits = field.of(lines)
    if re.fullmatch(r"([0-9]{4}|[0-9]{2}<<|<<<<)<<", digits):
        return None, []
    faults = _digits_only(field, digits)
    if faults:
        return None, faults
    century = reference_date.year // 100 * 100
    for first_year in (century, century - 100):
        found = _real_date(first_year + int(digits[:2]), digits)
        if found is not None and found <= reference_date:
            return found, []
    return None, [_fault(f"{field.where}: the birth date {digits} (year, month, day) does not exist", "MRZ_DATE")]


def _expiry(field: _Span, lines: tuple[str, ...], reference_date: date) -> tuple[date | None, list[Fault]]:
    """The expiry date in the century that puts it nearest to the reference date."""
    digits = field.of(lines)
    if digits == "<<<<<<":
        return None, []
    faults = _digits_only(field, digits)
    if faults:
        return None, faults
    century = reference_date.year // 100 * 100
    years = (first_year + int(digits[:2]) for first_year in (century - 100, century, century + 100))
    found = _real_date(min(years, key=lambda year: abs(year - reference_date.year)), digits)
    if found is None:
        what = f"{field.where}: the expiry date {digits} (year, month, day) does not exist"
        return None, [_fault(what, "MRZ_DATE")]
    return found, []


def _code_faults(layout: _Layout, lines: tuple[str, ...]) -> list[Fault]:
    """Faults of document code, states, sex and names, which no check digit covers."""
    faults = []
    if not re.fullmatch(r"[A-Z][A-Z<]", lines[0][:2]):
        faults.append(_fault('line 1, position 1: the document code is one or two letters, such as "P<"'))
    for span, name in ((_Span(0, 2, 5), "issuing state"), (layout.nationality, "nationality")):
        if not re.fullmatch(r"[A-Z]{3}|[A-Z]{2}<|[A-Z]<<", span.of(lines)):
            faults.append(_fault(f'{span.where}: the {name} is a code of letters, such as "GTM"'))
    if layout.sex.of(lines) not in "FMX<":
        faults.append(_fault(f"{layout.sex.where}: {layout.sex.of(lines)} for the sex, expected F, M or <"))
    names = layout.names.of(lines)
    if names.startswith("<") or re.search("[0-9]", names):
        faults.append(_fault(f"{layout.names.where}: the name starts with a letter and has no digits"))
    return faults
