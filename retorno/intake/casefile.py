"""What the screens read of a case: its groups and people with consents and documents.

Whether a document passed its check is not in here: while a person is "not available" a coordinator does not see it
(access.md section 2, point 14); ``readiness`` says what is missing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, NotAllowed
from retorno.intake.acts import persons_of_case
from retorno.models.office import Draft
from retorno.models.people import Case, Consent, Document, ImportRun, Person, TravelGroup
from retorno.office import access
from retorno.office.access import Actor
from retorno.vocabulary import Role


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """One case; consents and documents by person id, the newest first."""

    case: Case
    groups: tuple[TravelGroup, ...]
    persons: tuple[Person, ...]
    consents: dict[str, tuple[Consent, ...]]
    documents: dict[str, tuple[Document, ...]]

    def group_of(self, person: Person) -> TravelGroup:
        """The travel group of one of the persons."""
        return next(group for group in self.groups if group.group_id == person.group_id)


def read_case(session: Session, actor: Actor, *, case_id: str) -> CaseFile:
    """A case of the actor's caseload; the reading is logged by the page that shows it."""
    persons = persons_of_case(session, actor, case_id=case_id)
    ids = [person.person_id for person in persons]
    consents: dict[str, list[Consent]] = defaultdict(list)
    for consent in session.exec(
        select(Consent).where(col(Consent.person_id).in_(ids)).order_by(col(Consent.recorded_at).desc())
    ).all():
        consents[consent.person_id].append(consent)
    documents: dict[str, list[Document]] = defaultdict(list)
    for document in session.exec(
        select(Document).where(col(Document.person_id).in_(ids)).order_by(col(Document.recorded_at).desc())
    ).all():
        documents[document.person_id].append(document)
    return CaseFile(
        case=session.get_one(Case, case_id),
        groups=tuple(
            session.exec(select(TravelGroup).where(TravelGroup.case_id == case_id).order_by(TravelGroup.group_id)).all()
        ),
        persons=tuple(persons),
        consents={person_id: tuple(found) for person_id, found in consents.items()},
        documents={person_id: tuple(found) for person_id, found in documents.items()},
    )


def case_of_person(session: Session, actor: Actor, *, person_id: str) -> CaseFile:
    """The case that a person of the caseload belongs to."""
    access.require(session, actor, "intake.read", person_id=person_id)
    person = session.get_one(Person, person_id)
    group = session.get_one(TravelGroup, person.group_id)
    return read_case(session, actor, case_id=group.case_id)


def people(session: Session, actor: Actor, *, person_ids: Iterable[str]) -> dict[str, Person]:
    """Persons of the caseload by id; ids outside it are left out, as if there were none."""
    actor = access.require(session, actor, "intake.read")
    role = Role.COORDINATOR if actor.has(Role.COORDINATOR) else Role.PROTECTION
    found = session.exec(
        select(Person).where(access.persons_of(actor, role), col(Person.person_id).in_(sorted(set(person_ids))))
    ).all()
    return {person.person_id: person for person in found}


def imports(session: Session, actor: Actor) -> list[ImportRun]:
    """The latest imports of the office, newest first."""
    actor = access.require(session, actor, "intake.import")
    if actor.office_id is None:
        raise NotAllowed
    return list(
        session.exec(
            select(ImportRun)
            .where(ImportRun.office_id == actor.office_id)
            .order_by(col(ImportRun.imported_at).desc())
            .limit(10)
        ).all()
    )


CONSENT_TEXT_VERSION = "2026-11"
"""Version of the text ``consent.text.1`` to ``consent.text.4`` in ``data/labels.csv``; raised with every change."""


def keep_import_faults(session: Session, actor: Actor, *, content_sha256: str, faults: Sequence[Fault]) -> None:
    """Keep the problems of a file as a draft of the one who imports, so that they can be downloaded."""
    actor = access.require(session, actor, "intake.import")
    key = (actor.user_id, "import_faults", content_sha256)
    row = session.get(Draft, key) or Draft(
        user_id=actor.user_id, form="import_faults", object_id=content_sha256, saved_at=clock.now()
    )
    row.values = json.dumps(
        [{"row": each.row, "column": each.column, "value": each.value, "what": each.what} for each in faults],
        ensure_ascii=False,
    )
    row.saved_at = clock.now()
    session.add(row)
    session.flush()
