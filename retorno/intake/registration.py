"""A family on its way to being registered: the steps of the draft, what each still lacks, and the act itself.

A draft is a map of field names to what was typed. Fields of a person begin with the person's key and a point, such
as ``2.given_names``; keys are never used twice, so taking a person off leaves the others as they are. Nothing here
is stored but the draft; nothing of a draft is registered before ``register_draft``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlmodel import Session

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.intake.acts import NewPerson, Registered, group_faults, register_case, registered_before
from retorno.intake.columns import CellFault, read_date
from retorno.intake.consents import add_document, document_faults
from retorno.intake.drafts import drop_draft, load_draft
from retorno.intake.shared import ADULT_AGE, destination_faults, office_of, place_fault, read_form
from retorno.models.office import Office
from retorno.models.people import CaseCreate, DocumentCreate, PersonCreate, TravelGroupCreate
from retorno.office import access
from retorno.office.access import Actor
from retorno.situation import ground
from retorno.vocabulary import DocumentType, EntryBasis, Relation, StepState

FORM = "register"
"""Name under which drafts of families are kept; ``object_id`` names the draft."""
MOST_PERSONS = 20
NOBODY = "nobody"
"""Answer to "who cares for this child?" that makes the child unaccompanied (R12)."""
NO_DOCUMENT = "none"
"""Answer to "which document?" of a person who has none now."""
SAME_AS_FIRST = ("family_names", "nationality", "contact_language")
"""What a further person of a family most often shares with the first: filled in, shown, and to be changed."""
_TOGETHER = frozenset({"relation", "caregiver", "is_unaccompanied", "key"})
_PERSON_FIELDS = (
    *("given_names", "family_names", "birth_date", "sex", "nationality", "contact_language", "document_type"),
    *("declared_age", "is_age_in_doubt", "speaks", "phone", "entry_basis", "permit_number", "permit_valid_until"),
    "is_third_state_choice_written",
)
_DOCUMENT_FIELDS = ("number", "issuing_country", "expires_on", "safe_conduct_hours", "mrz")
_JOURNEY_FIELDS = (
    *("place_id", "stranded_since", "destination_place_id", "destination_municipality"),
    *("onward_means", "is_held", "latest_date"),
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a registration.

    Parameters
    ----------
    step_id
        ``journey``, ``person-<key>``, ``together``, ``document-<key>``, ``needs``, ``detention`` or ``check``.
    key
        Key of the person a step is about; empty for none.
    faults
        What is missing or wrong; of a step that nobody has begun it is what will be asked.
    waits_for
        Ids of the steps that come first; only for a step that cannot start yet.
    """

    step_id: str
    key: str = ""
    state: StepState
    faults: tuple[Fault, ...] = ()
    waits_for: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The step without its person."""
        return self.step_id.partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a draft amounts to: the input of the act, as far as it can be read, and the steps."""

    case: CaseCreate | None
    group: TravelGroupCreate | None
    persons: tuple[NewPerson, ...]
    documents: Mapping[str, DocumentCreate]
    steps: tuple[Step, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Everything that keeps the family from being registered."""
        return tuple(fault for step in self.steps for fault in step.faults if step.step_id != "check")

    def step(self, step_id: str) -> Step | None:
        """The step of this id, if the draft has it now."""
        return next((step for step in self.steps if step.step_id == step_id), None)

    def after(self, step_id: str) -> Step:
        """The next step: the first behind this one that is not complete, else the check of the answers."""
        ids = [step.step_id for step in self.steps]
        behind = self.steps[ids.index(step_id) + 1 :] if step_id in ids else self.steps
        return next((step for step in behind if step.state is not StepState.COMPLETE), self.steps[-1])


def person_keys(values: Mapping[str, Any]) -> list[str]:
    """Keys of the people on a draft, in order; there is always a first one."""
    return [key for key in str(values.get("persons") or "0").split(";") if key]


def is_child(values: Mapping[str, Any], key: str, *, today: date) -> bool:
    """Whether a person on a draft counts as a child today; age in doubt means child (R15)."""
    if values.get(f"{key}.is_age_in_doubt"):
        return True
    born = _day_or_none(values.get(f"{key}.birth_date"))
    age = clock.age_on(born, today) if born is not None and born <= today else values.get(f"{key}.declared_age")
    return age is not None and int(age) < ADULT_AGE


def is_third_state(values: Mapping[str, Any], key: str) -> bool:
    """Whether a person goes to a country that is not the one of the nationality (R9)."""
    nationality, country = values.get(f"{key}.nationality"), destination_country(values)
    return bool(nationality and country and nationality != country)


def destination_country(values: Mapping[str, Any]) -> str:
    """The country of the place where the people of a draft arrive; empty while none is chosen."""
    place_id = values.get("destination_place_id") or ""
    place = ground().places.get(place_id) or ground().airports.get(place_id)
    return place.country if place else ""


def has_document(values: Mapping[str, Any], key: str) -> bool:
    """Whether a document of the person is to be typed."""
    return values.get(f"{key}.document_type") not in (None, "", NO_DOCUMENT)


def same_as_first(values: Mapping[str, Any], key: str) -> list[str]:
    """The fields of a further person that hold what the first person's hold."""
    first = person_keys(values)[0]
    if key == first:
        return []
    return [
        field
        for field in SAME_AS_FIRST
        if values.get(f"{key}.{field}") and values.get(f"{key}.{field}") == values.get(f"{first}.{field}")
    ]


def family_name(values: Mapping[str, Any], key: str) -> str:
    """What a person on a draft is called so far; empty where nothing is typed."""
    return f"{values.get(f'{key}.given_names') or ''} {values.get(f'{key}.family_names') or ''}".strip()


# ---- reading a draft ----------------------------------------------------------------------------------------------


def read_registration(values: Mapping[str, Any], office: Office) -> Registration:
    """The draft as input of the act, with the state and the faults of every step."""
    today = clock.now().date()
    keys = person_keys(values)
    found: dict[str, list[Fault]] = {step_id: [] for step_id in _step_ids(values, keys, today)}
    case, group, since = _read_journey(values, office, found["journey"])
    persons: dict[str, PersonCreate] = {}
    documents: dict[str, DocumentCreate] = {}
    for number, key in enumerate(keys, start=1):
        person = _read_person(values, key, number, since or today, today, found)
        if person is None:
            continue
        persons[key] = person
        document = _read_document(values, key, number, person, found)
        if document is not None:
            documents[key] = document
    new = _together(values, keys, persons, today, found)
    _read_needs(values, keys, found)
    steps = tuple(_steps(values, found))
    return Registration(case=case, group=group, persons=new, documents=documents, steps=steps)


def _step_ids(values: Mapping[str, Any], keys: Sequence[str], today: date) -> list[str]:
    ids = ["journey", *(f"person-{key}" for key in keys)]
    if len(keys) > 1 or any(is_child(values, key, today=today) for key in keys):
        ids.append("together")
    ids += [f"document-{key}" for key in keys if has_document(values, key)]
    ids.append("needs")
    if values.get("is_held") == "yes":
        ids.append("detention")
    return ids


def _day_or_none(text: Any) -> date | None:
    try:
        return read_date(str(text)) if text else None
    except CellFault:
        return None


def _day(values: Mapping[str, Any], field: str, faults: list[Fault], *, row: int | None = None) -> date | None:
    text = str(values.get(field) or "").strip()
    if not text:
        return None
    try:
        return read_date(text)
    except CellFault as fault:
        faults.append(Fault(row=row, column=field.rpartition(".")[2], code=fault.code, what=fault.what))
        return None


def _empty(column: str, *, row: int | None = None) -> Fault:
    return Fault(row=row, column=column, code="EMPTY", what="empty, expected a value")


def _read_journey(
    values: Mapping[str, Any], office: Office, faults: list[Fault]
) -> tuple[CaseCreate | None, TravelGroupCreate | None, date | None]:
    places = office.places.split(";")
    place = str(values.get("place_id") or (places[0] if len(places) == 1 else ""))
    faults += place_fault(place, office) if place else [_empty("place_id")]
    since, latest = _day(values, "stranded_since", faults), _day(values, "latest_date", faults)
    faults += [
        _empty(field)
        for field in ("stranded_since", "destination_place_id", "onward_means", "is_held")
        if not values.get(field)
    ]
    if since is not None and since > clock.now().date():
        faults.append(Fault(column="stranded_since", code="FUTURE", what=f"{since} lies in the future"))
    country, end = destination_country(values), values.get("destination_place_id")
    group = None
    if end:
        faults += destination_faults(country, end)
    if country:
        try:
            group = read_form(
                TravelGroupCreate,
                {
                    "destination_country": country,
                    "destination_place_id": end,
                    "destination_municipality": values.get("destination_municipality") or "",
                    "latest_date": latest,
                },
            )
        except InputError as error:
            faults += error.faults
    return CaseCreate(place_id=place) if place else None, group, since


def _read_person(
    values: Mapping[str, Any], key: str, number: int, since: date, today: date, found: Mapping[str, list[Fault]]
) -> PersonCreate | None:
    """One person, without what only the whole group can tell; faults go to the person's own step."""
    faults = found[f"person-{key}"]
    own = {field: values.get(f"{key}.{field}") for field in _PERSON_FIELDS}
    given: dict[str, Any] = {field: value for field, value in own.items() if value not in (None, "")}
    before = len(faults)
    for field in ("birth_date", "permit_valid_until"):
        given[field] = _day(values, f"{key}.{field}", faults, row=number)
    has_bad_day = len(faults) > before
    document = given.pop("document_type", None)
    if document is None:
        faults.append(_empty("document_type", row=number))
    if isinstance(given.get("speaks"), list):
        given["speaks"] = ";".join(given["speaks"])
    written = given.pop("is_third_state_choice_written", None)
    given["is_third_state_choice_written"] = written == "yes"
    if is_third_state(values, key):
        faults += [_empty(field, row=number) for field in ("entry_basis",) if not own[field]]
        if written is None:
            faults.append(_empty("is_third_state_choice_written", row=number))
        if given.get("entry_basis") == EntryBasis.HABITUAL_RESIDENCE:
            given["habitual_residence"] = destination_country(values)
    born = given["birth_date"]
    # Who was born on the way is stranded from birth on.
    given["stranded_since"] = max(since, born) if born is not None and born <= today else since
    given["relation"] = Relation.SELF if number == 1 else values.get(f"{key}.relation") or Relation.UNRELATED
    given["is_unaccompanied"] = values.get(f"{key}.caregiver") == NOBODY and is_child(values, key, today=today)
    given["is_detained"] = values.get("is_held") == "yes" and values.get(f"{key}.is_detained") == "yes"
    given["onward_means"] = values.get("onward_means") or None
    given["needs_wheelchair"] = values.get("needs_help") == "yes" and bool(values.get(f"{key}.needs_wheelchair"))
    try:
        return read_form(PersonCreate, given, row=number)
    except InputError as error:
        faults += [fault for fault in error.faults if not (has_bad_day and fault.code == "NO_AGE")]
        return None


def read_newcomer(values: Mapping[str, Any], *, today: date) -> tuple[PersonCreate, str | None]:
    """One more person for a registered group, and the id of who cares for them.

    Raises
    ------
    InputError
        With every fault; a child needs an answer to who cares for it.
    """
    faults: list[Fault] = []
    given: dict[str, Any] = {
        field: values.get(field)
        for field in (
            "given_names",
            "family_names",
            "declared_age",
            "sex",
            "nationality",
            "contact_language",
            "relation",
        )
        if values.get(field) not in (None, "")
    }
    given["birth_date"] = _day(values, "birth_date", faults)
    given["stranded_since"] = _day(values, "stranded_since", faults)
    has_bad_day = bool(faults)
    faults += [_empty(field) for field in ("relation", "stranded_since") if not values.get(field)]
    child = is_child({f"0.{field}": value for field, value in values.items()}, "0", today=today)
    caregiver = values.get("caregiver")
    if child and not caregiver:
        faults.append(_empty("caregiver"))
    given["is_unaccompanied"] = child and caregiver == NOBODY
    given["stranded_since"] = given["stranded_since"] or today
    try:
        person = read_form(PersonCreate, given)
    except InputError as error:
        raise InputError(
            [*faults, *(each for each in error.faults if not (has_bad_day and each.code == "NO_AGE"))]
        ) from error
    if faults:
        raise InputError(faults)
    return person, None if caregiver in (None, NOBODY) else str(caregiver)


def _read_document(
    values: Mapping[str, Any], key: str, number: int, person: PersonCreate, found: Mapping[str, list[Fault]]
) -> DocumentCreate | None:
    """The person's document, its zone compared with form and person."""
    if not has_document(values, key):
        return None
    faults = found[f"document-{key}"]
    expires = _day(values, f"{key}.expires_on", faults, row=number)
    kind = DocumentType(values[f"{key}.document_type"])
    given = {"document_type": kind, "expires_on": expires, "mrz": str(values.get(f"{key}.mrz") or "")}
    for field in ("number", "issuing_country", "safe_conduct_hours"):
        if values.get(f"{key}.{field}") not in (None, ""):
            given[field] = values[f"{key}.{field}"]
        elif field != "safe_conduct_hours":
            faults.append(_empty(field, row=number))
    if faults:
        return None
    try:
        document = read_form(DocumentCreate, given, row=number)
        faults += [replace(fault, row=number) for fault in document_faults(document, person)]
    except InputError as error:
        faults += [replace(fault, row=number, column=fault.column or "mrz") for fault in error.faults]
        return None
    return document


def _together(
    values: Mapping[str, Any],
    keys: Sequence[str],
    persons: Mapping[str, PersonCreate],
    today: date,
    found: Mapping[str, list[Fault]],
) -> tuple[NewPerson, ...]:
    """Who cares for whom, judged once everybody can be read; faults go to this step or to the person's."""
    faults = found.get("together")
    if faults is not None:
        for number, key in enumerate(keys, start=1):
            if number > 1 and not values.get(f"{key}.relation"):
                faults.append(_empty("relation", row=number))
            if is_child(values, key, today=today) and not values.get(f"{key}.caregiver"):
                faults.append(_empty("caregiver", row=number))
    new = []
    for key in keys:
        caregiver = str(values.get(f"{key}.caregiver") or "")
        if key in persons:
            known = caregiver if caregiver in keys else ""
            new.append(NewPerson(person=persons[key], key=key, caregiver_key=known))
    if len(new) == len(keys):
        for fault in group_faults(new):
            key = keys[(fault.row or 1) - 1]
            is_shared = fault.column in _TOGETHER and faults is not None
            found["together" if is_shared else f"person-{key}"].append(fault)
    return tuple(new)


def _read_needs(values: Mapping[str, Any], keys: Sequence[str], found: Mapping[str, list[Fault]]) -> None:
    answer = values.get("needs_help")
    if not answer:
        found["needs"].append(_empty("needs_help"))
    elif answer == "yes" and not any(values.get(f"{key}.needs_wheelchair") for key in keys):
        found["needs"].append(_empty("needs_wheelchair"))
    if "detention" in found:
        found["detention"] += [
            _empty("is_detained", row=number)
            for number, key in enumerate(keys, start=1)
            if not values.get(f"{key}.is_detained")
        ]


def _steps(values: Mapping[str, Any], found: Mapping[str, Sequence[Fault]]) -> list[Step]:
    steps: list[Step] = []
    keys = person_keys(values)
    unnamed = tuple(f"person-{key}" for key in keys if not values.get(f"{key}.given_names"))
    for step_id, faults in found.items():
        kind, _, key = step_id.partition("-")
        waits_for = unnamed if kind in ("together", "needs", "detention") else ()
        if waits_for:
            state = StepState.BLOCKED
        elif not faults:
            state = StepState.COMPLETE
        else:
            is_begun = any(values.get(field) not in (None, "", []) for field in _fields_of(kind, key, keys))
            state = StepState.IN_PROGRESS if is_begun else StepState.NOT_STARTED
        steps.append(Step(step_id=step_id, key=key, state=state, faults=tuple(faults), waits_for=waits_for))
    open_steps = tuple(step.step_id for step in steps if step.state is not StepState.COMPLETE)
    state = StepState.BLOCKED if open_steps else StepState.NOT_STARTED
    return [*steps, Step(step_id="check", state=state, waits_for=open_steps)]


def _fields_of(kind: str, key: str, keys: Sequence[str]) -> list[str]:
    """The fields that show that somebody has begun a step."""
    match kind:
        case "journey":
            return list(_JOURNEY_FIELDS)
        case "person":
            return [f"{key}.{field}" for field in _PERSON_FIELDS]
        case "document":
            return [f"{key}.{field}" for field in _DOCUMENT_FIELDS]
        case "together":
            return [f"{each}.{field}" for each in keys for field in ("relation", "caregiver")]
        case "detention":
            return [f"{each}.is_detained" for each in keys]
        case _:
            return ["needs_help"]


# ---- the act --------------------------------------------------------------------------------------------------------


def check_draft(session: Session, actor: Actor, *, values: Mapping[str, Any]) -> Registration:
    """The steps of a draft as the actor's office would judge it now."""
    actor = access.require(session, actor, "intake.register")
    return read_registration(values, office_of(session, actor))


def register_draft(session: Session, actor: Actor, *, draft_id: str) -> Registered:
    """Register the family of a draft with its documents, and forget the draft: all of it, or nothing.

    The same draft again (a second click, a repeat after a lost line) registers nobody twice.

    Raises
    ------
    InputError
        With every fault of every step; ``row`` is the person, counted from 1.
    NotAllowed
        If the actor may not register.
    """
    actor = access.require(session, actor, "intake.register")
    before = registered_before(session, actor, form_id=draft_id)
    if before is not None:
        return before
    saved = load_draft(session, actor, form=FORM, object_id=draft_id)
    values = {field: json.loads(value) for field, value in saved.items()}
    made = read_registration(values, office_of(session, actor))
    if made.faults or made.case is None or made.group is None:
        raise InputError(made.faults)
    registered = register_case(session, actor, case=made.case, group=made.group, persons=made.persons, form_id=draft_id)
    ids = {new.key: person_id for new, person_id in zip(made.persons, registered.person_ids, strict=True)}
    for key, document in made.documents.items():
        add_document(session, actor, person_id=ids[key], document=document)
    drop_draft(session, actor, form=FORM, object_id=draft_id)
    return registered
