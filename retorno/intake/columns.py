"""The columns of an import sheet: what each is called in three languages, and how its cells are read.

Consents and holds have no column here on purpose: neither is ever imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any

from anyascii import anyascii
from babel import Locale
from rapidfuzz import fuzz

from retorno.labels import all_labels, label
from retorno.situation import ground
from retorno.vocabulary import DocumentType, EntryBasis, Language, OnwardMeans, Relation, Sex

_FUZZY_HEADER = 88.0
"""Least likeness of a header to a known name for a guess (our assumption); the preview shows every guess."""


class Kind(StrEnum):
    """How a cell is read."""

    TEXT = "text"
    DATE = "date"
    COUNTRY = "country"
    LANGUAGE = "language"
    LANGUAGES = "languages"
    YES_NO = "yes_no"
    NUMBER = "number"
    PLACE = "place"
    SEX = "sex"
    RELATION = "relation"
    DOCUMENT = "document"
    BASIS = "basis"
    ONWARD = "onward"


@dataclass(frozen=True, kw_only=True)
class ImportColumn:
    """One column: its field, how cells are read, whether it must be filled, and further names it goes by.

    Its name in each language is the label ``import.column.<field>``.
    """

    field: str
    kind: Kind
    is_required: bool = False
    is_identifier: bool = False
    aliases: tuple[str, ...] = ()


def _column(field: str, kind: Kind, *aliases: str, required: bool = False, identifier: bool = False) -> ImportColumn:
    return ImportColumn(field=field, kind=kind, is_required=required, is_identifier=identifier, aliases=aliases)


COLUMNS: tuple[ImportColumn, ...] = (
    _column(
        "group_key",
        Kind.TEXT,
        "family",
        "familia",
        "famille",
        "grupo familiar",
        "group",
        "grupo",
        "groupe",
        "family group",
        "travel group",
        "household",
        "nucleo familiar",
        identifier=True,
    ),
    _column(
        "person_key",
        Kind.TEXT,
        "no",
        "n",
        "num",
        "number",
        "numero",
        "row",
        "fila",
        "person no",
        "id persona",
        "person id",
        identifier=True,
    ),
    _column(
        "given_names",
        Kind.TEXT,
        "first name",
        "first names",
        "given name",
        "nombre",
        "primer nombre",
        "prenom",
        "prenoms",
        "nombre de pila",
        required=True,
        identifier=True,
    ),
    _column(
        "family_names",
        Kind.TEXT,
        "last name",
        "surname",
        "surnames",
        "family name",
        "apellido",
        "noms de famille",
        "nom",
        identifier=True,
    ),
    _column("sex", Kind.SEX, "gender", "genero", "genre", required=True),
    _column(
        "birth_date",
        Kind.DATE,
        "date of birth",
        "dob",
        "born",
        "fecha nacimiento",
        "nacimiento",
        "f nac",
        "fecha nac",
        "ne le",
        "naissance",
    ),
    _column("declared_age", Kind.NUMBER, "age", "edad", "age declared", "edad declarada", "years"),
    _column(
        "nationality",
        Kind.COUNTRY,
        "citizenship",
        "pais de nacionalidad",
        "country of nationality",
        "pays de nationalite",
        required=True,
    ),
    _column("habitual_residence", Kind.COUNTRY, "residence", "residencia"),
    _column("contact_language", Kind.LANGUAGE, "idioma", "lengua", "langue", "language", required=True),
    _column("speaks", Kind.LANGUAGES, "otros idiomas", "other languages", "autres langues"),
    _column("phone", Kind.TEXT, "telefono", "telephone", "tel", "celular", "mobile", "movil", identifier=True),
    _column("place_id", Kind.PLACE, "lugar", "place", "lieu", "albergue", "shelter", "where", "ubicacion"),
    _column(
        "stranded_since",
        Kind.DATE,
        "varado desde",
        "desde",
        "since",
        "arrival date",
        "fecha de llegada",
        "waiting since",
        required=True,
    ),
    _column("relation", Kind.RELATION, "parentesco", "relationship", "relacion", "lien"),
    _column("caregiver_key", Kind.TEXT, "caregiver", "responsable", "a cargo de", "cared for by", identifier=True),
    _column("is_unaccompanied", Kind.YES_NO, "unaccompanied", "no acompanado", "non accompagne", "nna no acompanado"),
    _column("is_age_in_doubt", Kind.YES_NO, "age in doubt", "age disputed"),
    _column("is_detained", Kind.YES_NO, "detenido", "detained", "detenu", "en detencion"),
    _column("destination_country", Kind.COUNTRY, "destino", "destination", "pais destino", required=True),
    _column(
        "destination_place_id",
        Kind.PLACE,
        "punto de recepcion",
        "reception point",
        "reception centre",
        "centro de recepcion",
        required=True,
    ),
    _column("destination_municipality", Kind.TEXT, "municipio", "municipality", "commune", identifier=True),
    _column("earliest_date", Kind.DATE, "not before", "no antes de"),
    _column("latest_date", Kind.DATE, "not after", "a mas tardar", "must arrive by"),
    _column("entry_basis", Kind.BASIS, "right to enter", "derecho de entrada"),
    _column("permit_number", Kind.TEXT, "permit", "permiso", identifier=True),
    _column("permit_valid_until", Kind.DATE, "permit until", "permiso hasta"),
    _column("onward_means", Kind.ONWARD, "onward", "traslado final"),
    _column("needs_wheelchair", Kind.YES_NO, "wheelchair", "silla de ruedas", "fauteuil roulant"),
    _column("document_type", Kind.DOCUMENT, "document", "documento", "tipo documento", "type of document"),
    _column(
        "document_number",
        Kind.TEXT,
        "passport",
        "passport number",
        "pasaporte",
        "numero documento",
        "no documento",
        "document no",
        "passeport",
        identifier=True,
    ),
    _column("document_country", Kind.COUNTRY, "issued by", "pais emisor", "issuing country"),
    _column("document_expires", Kind.DATE, "expiry", "expires", "vence", "vencimiento", "expire", "valid until"),
)
"""Every column that is imported, in the order of the template."""

_NEVER = (
    "consent",
    "consentimiento",
    "consentement",
    "suspension",
    "hold",
    "asilo",
    "asylum",
    "asile",
    "temor",
    "fear",
)


@cache
def names_of(column: ImportColumn) -> frozenset[str]:
    """Every name a column goes by, plain: its labels, its field, its further names."""
    labels = all_labels()[f"import.column.{column.field}"].values()
    return frozenset(plain(name) for name in (*labels, column.field, *column.aliases))


def plain(text: str) -> str:
    """Lower case, Latin, no accents, one space between words: how headers and choices are compared."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", anyascii(text).casefold()).split())


def guess_mapping(header: tuple[str, ...]) -> dict[str, str]:
    """Field to column name, guessed in three languages: exact names first, then near ones; no column twice."""
    mapping: dict[str, str] = {}
    left = [name for name in header if not is_never_imported(name)]
    for column in COLUMNS:
        match = next((name for name in left if plain(name.rstrip("* ")) in names_of(column)), None)
        if match is not None:
            mapping[column.field] = match
            left.remove(match)
    near = [
        (fuzz.ratio(plain(name), known), column.field, name)
        for column in COLUMNS
        if column.field not in mapping
        for known in names_of(column)
        for name in left
        if len(known) > 4
    ]
    for likeness, field, name in sorted(near, reverse=True):
        if likeness >= _FUZZY_HEADER and field not in mapping and name in left:
            mapping[field] = name
            left.remove(name)
    return mapping


def is_never_imported(header: str) -> bool:
    """Whether a column speaks of consent, holds or protection: it is named in the preview and left alone."""
    words = plain(header).split()
    return any(word.startswith(never) for word in words for never in _NEVER)


# ---- reading cells --------------------------------------------------------------------------------------------


class CellFault(Exception):
    """A cell that cannot be read; ``what`` says what would be right."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code, self.what = code, what


def read_cell(column: ImportColumn, text: str, *, sex_words: Mapping[str, Sex]) -> Any:
    """The value of a filled cell.

    Parameters
    ----------
    sex_words
        What one-letter codes mean in this file (``sex_codes``).

    Raises
    ------
    CellFault
    """
    if column.kind is Kind.SEX:
        return _read_sex(text, sex_words)
    return _READERS[column.kind](text)


def sex_codes(cells: set[str], header: str) -> dict[str, Sex]:
    """What the letters F, M, H and X mean in a file; M is missing where it may mean either.

    In Spanish sheets M is "mujer" beside H ("hombre"), and "masculino" beside F. Where a Spanish sheet has M alone,
    nobody can tell.
    """
    letters = {plain(cell) for cell in cells}
    known = {"f": Sex.FEMALE, "x": Sex.UNSPECIFIED, "h": Sex.MALE}
    if "h" in letters and "f" not in letters:
        return known | {"m": Sex.FEMALE}
    is_spanish = plain(header) in {"sexo", "genero"}
    if "f" in letters or not is_spanish:
        return known | {"m": Sex.MALE}
    return known


_SEX_WORDS = {
    Sex.FEMALE: ("femenino", "mujer", "female", "woman", "feminin", "femme", "fem", "niña", "girl", "fille"),
    Sex.MALE: ("masculino", "hombre", "male", "man", "masculin", "homme", "masc", "niño", "boy", "garçon", "varon"),
    Sex.UNSPECIFIED: ("no especificado", "not stated", "unspecified", "non precise", "otro", "other", "autre"),
}


def _read_sex(text: str, codes: Mapping[str, Sex]) -> Sex:
    word = plain(text)
    if word in codes:
        return codes[word]
    for sex, words in _SEX_WORDS.items():
        if word in {plain(each) for each in words}:
            return sex
    if word == "m":
        raise CellFault("SEX", '"M" may mean mujer or masculino; write mujer or hombre')
    raise CellFault("SEX", "expected mujer, hombre or X (female, male; femme, homme)")


_MONTHS: dict[str, int] = {}
for _code in Language:
    for _width in ("wide", "abbreviated"):
        for _number, _name in Locale(_code.value).months["format"][_width].items():
            _MONTHS[plain(_name)] = _number
_MONTHS |= {"ene": 1, "abr": 4, "ago": 8, "set": 9, "dic": 12, "sept": 9, "fev": 2, "aout": 8}

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})")
_NAMED = re.compile(r"(\d{1,2})(?:[/.\- ]+(?:de )?)([^\W\d_]+)\.?(?:[/.\- ]+(?:de )?)(\d{4})")
_RIGHT_DATE = "expected day/month/year such as 09/03/1990, or 1990-03-09"


def read_date(text: str) -> date:
    """A day written as ISO, day first, or with the month in words; four digits for the year.

    Raises
    ------
    CellFault
    """
    cleaned = text.strip()
    if match := _ISO.fullmatch(cleaned):
        year, month, day = (int(part) for part in match.groups())
    elif match := _DAY_FIRST.fullmatch(cleaned):
        day, month, year = (int(part) for part in match.groups())
    elif (match := _NAMED.fullmatch(cleaned)) and plain(match[2]) in _MONTHS:
        day, month, year = int(match[1]), _MONTHS[plain(match[2])], int(match[3])
    else:
        raise CellFault("NOT_A_DATE", f"not a date; {_RIGHT_DATE}")
    try:
        return date(year, month, day)
    except ValueError:
        hint = "; day and month look swapped" if month > 12 >= day else ""
        raise CellFault("NO_SUCH_DAY", f"this day does not exist{hint}; {_RIGHT_DATE}") from None


def is_ambiguous_date(text: str) -> bool:
    """Whether a date is another day where the month is written first: 05/06/1990, not 25/06/1990 or 05/05/1990."""
    match = _DAY_FIRST.fullmatch(text.strip())
    return match is not None and int(match[1]) != int(match[2]) and 1 <= int(match[1]) <= 12 >= int(match[2]) >= 1


def _read_number(text: str) -> int:
    cleaned = text.strip()
    if not re.fullmatch(r"[0-9]{1,3}", cleaned):
        raise CellFault("NUMBER", "expected a whole number of years such as 34")
    return int(cleaned)


_YES = {"si", "s", "yes", "y", "oui", "o", "true", "1", "x", "verdadero", "vrai"}
_NO = {"no", "n", "non", "false", "0", "falso", "faux"}


def _read_yes_no(text: str) -> bool:
    word = plain(text)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise CellFault("YES_NO", "expected sí or no (yes, no; oui, non)")


_NATIONALS = {
    "HN": "hondureña, hondureño, honduran, hondurienne, hondurien",
    "GT": "guatemalteca, guatemalteco, guatemalan, guatémaltèque",
    "SV": "salvadoreña, salvadoreño, salvadoran, salvadorienne, salvadorien",
    "NI": "nicaragüense, nicaraguan, nicaraguayenne, nicaraguayen",
    "CR": "costarricense, costa rican, costaricienne, costaricien",
    "PA": "panameña, panameño, panamanian, panaméenne, panaméen",
    "BZ": "beliceña, beliceño, belizean, bélizienne, bélizien",
    "MX": "mexicana, mexicano, mexican, mexicaine, mexicain",
    "DO": "dominicana, dominicano, dominican, dominicaine, dominicain",
    "HT": "haitiana, haitiano, haitian, haïtienne, haïtien",
    "CU": "cubana, cubano, cuban, cubaine, cubain",
    "VE": "venezolana, venezolano, venezuelan, vénézuélienne, vénézuélien",
    "CO": "colombiana, colombiano, colombian, colombienne, colombien",
    "EC": "ecuatoriana, ecuatoriano, ecuadorian, équatorienne, équatorien",
    "PE": "peruana, peruano, peruvian, péruvienne, péruvien",
    "BR": "brasileña, brasileño, brazilian, brésilienne, brésilien",
    "CL": "chilena, chileno, chilean, chilienne, chilien",
    "IN": "india, indio, indian, indienne, indien",
    "BD": "bangladesí, bangladeshi, bangladaise, bangladais",
    "NP": "nepalí, nepalese, népalaise, népalais",
    "CM": "camerunesa, camerunés, cameroonian, camerounaise, camerounais",
    "SN": "senegalesa, senegalés, senegalese, sénégalaise, sénégalais",
    "CN": "china, chino, chinese, chinoise, chinois",
}
"""What people of a country are called, where sheets say that; names that two countries share are left out."""


@cache
def _countries() -> dict[str, str]:
    """Codes, names and nationals of countries in three languages, plain, to the two-letter code."""
    found = {plain(word): code for code, words in _NATIONALS.items() for word in words.split(",")}
    for language in Language:
        for code, name in Locale(language.value).territories.items():
            if len(code) == 2 and code.isalpha():
                found[plain(name)] = code
                found[code.casefold()] = code
    for row in ground().countries.values():
        found |= {plain(row.name_es): row.iso2, plain(row.name_en): row.iso2, row.iso3.casefold(): row.iso2}
    return found


def _read_country(text: str) -> str:
    code = _countries().get(plain(text))
    if code is None:
        raise CellFault("COUNTRY_UNKNOWN", 'unknown country, expected a code such as "HN" or its name')
    return code


@cache
def _languages() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in Language:
        for code, name in Locale(language.value).languages.items():
            if re.fullmatch(r"[a-z]{2,3}", code):
                found[plain(name)] = code
                found[code] = code
    return found | {"creole": "ht", "criollo": "ht", "creole haitien": "ht", "criollo haitiano": "ht"}


def _read_language(text: str) -> str:
    code = _languages().get(plain(text))
    if code is None:
        raise CellFault("LANGUAGE", 'unknown language, expected a code such as "es" or its name')
    return code


def _read_languages(text: str) -> str:
    parts = [part for part in re.split(r"[;,/]", text) if part.strip()]
    return ";".join(_read_language(part) for part in parts)


@cache
def _places() -> dict[str, str | None]:
    """Ids and names of places to their id; a name that two places share leads nowhere."""
    found: dict[str, str | None] = {}
    for place_id, place in ground().places.items():
        name = plain(place.name)
        found[name] = place_id if name not in found else None
    for airport_id, airport in ground().airports.items():
        found[airport.iata.casefold()] = airport_id
    for known in (*ground().places, *ground().airports):
        found[plain(known)] = known
    return found


def _read_place(text: str) -> str:
    place_id = _places().get(plain(text))
    if place_id is None:
        several = plain(text) in _places()
        why = "several places have this name" if several else "unknown place"
        raise CellFault("PLACE", f'{why}, expected an id of the reference data such as "MX-TAPACHULA"')
    return place_id


_WORDS: dict[StrEnum, str] = {
    Relation.SELF: "principal, jefe de familia, jefa de familia, cabeza de familia, head, head of family, "
    "chef de famille",
    Relation.PARTNER: "esposa, esposo, conyuge, compañera, compañero, wife, husband, spouse, épouse, époux, conjointe",
    Relation.CHILD: "hija, hijo, hijastra, hijastro, son, daughter, stepson, stepdaughter, fils, fille",
    Relation.PARENT: "madre, padre, mamá, papá, mother, father, mère, père",
    Relation.SIBLING: "hermana, hermano, sister, brother, soeur, frère",
    Relation.GRANDCHILD: "nieta, nieto, grandson, granddaughter, petite-fille, petit-fils",
    Relation.GRANDPARENT: "abuela, abuelo, grandmother, grandfather, grand-mère, grand-père",
    Relation.OTHER_RELATIVE: "tía, tío, sobrina, sobrino, prima, primo, cuñada, cuñado, suegra, suegro, familiar, "
    "aunt, uncle, niece, nephew, cousin, relative, tante, oncle, nièce, neveu, parente",
    Relation.WARD: "pupila, pupilo, tutelada, tutelado",
    Relation.UNRELATED: "ninguno, sin relación, none, aucun, amiga, amigo, friend, ami, amie",
    DocumentType.NATIONAL_ID: "dui, dpi, dni, ine, cédula, cédula de identidad, identidad, id, id card, "
    "national id, cni",
    DocumentType.BIRTH_CERTIFICATE: "acta, partida de nacimiento, certificado de nacimiento, extrait de naissance",
    DocumentType.LAISSEZ_PASSER: "salvoconducto, documento de viaje, travel document, emergency passport",
    OnwardMeans.FAMILY: "familia, family, famille",
    OnwardMeans.OWN_CHOICE: "propio, propia, own",
}
"""Further words that sheets use for the entries of closed lists, in three languages."""


def _choice(enum: type[StrEnum], prefix: str) -> Callable[[str], StrEnum]:
    """A reader of one of a closed list: by code, by its label in three languages, or by a further word for it."""

    @cache
    def words() -> dict[str, StrEnum]:
        return {plain(member.value): member for member in enum} | {
            plain(text): member
            for member in enum
            for text in (*all_labels()[f"{prefix}.{member.value}"].values(), *_WORDS.get(member, "").split(","))
            if text
        }

    def read(text: str) -> StrEnum:
        member = words().get(plain(text))
        if member is None:
            shown = ", ".join(all_labels()[f"{prefix}.{each.value}"][Language.ES] for each in enum)
            raise CellFault("CHOICE", f"unknown, expected one of: {shown}")
        return member

    return read


_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.DATE: read_date,
    Kind.COUNTRY: _read_country,
    Kind.LANGUAGE: _read_language,
    Kind.LANGUAGES: _read_languages,
    Kind.YES_NO: _read_yes_no,
    Kind.NUMBER: _read_number,
    Kind.PLACE: _read_place,
    Kind.RELATION: _choice(Relation, "relation"),
    Kind.DOCUMENT: _choice(DocumentType, "document_type"),
    Kind.BASIS: _choice(EntryBasis, "entry_basis"),
    Kind.ONWARD: _choice(OnwardMeans, "onward_means"),
    Kind.TEXT: str,
}


def choices_of(column: ImportColumn, language: Language) -> tuple[str, ...]:
    """Entries of the template's drop-down list; empty where anything may be typed."""
    lists: dict[Kind, tuple[str, type[StrEnum]]] = {
        Kind.RELATION: ("relation", Relation),
        Kind.DOCUMENT: ("document_type", DocumentType),
        Kind.BASIS: ("entry_basis", EntryBasis),
        Kind.ONWARD: ("onward_means", OnwardMeans),
    }
    if column.kind is Kind.YES_NO:
        return {Language.ES: ("sí", "no"), Language.EN: ("yes", "no"), Language.FR: ("oui", "non")}[language]
    if column.kind is Kind.SEX:
        words = {Language.ES: ("mujer", "hombre"), Language.EN: ("female", "male"), Language.FR: ("femme", "homme")}
        return (*words[language], "X")
    if column.kind in lists:
        prefix, enum = lists[column.kind]
        return tuple(label(f"{prefix}.{member.value}", language) for member in enum)
    return ()
