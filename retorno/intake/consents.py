"""Consents, documents and transit visas of one person.

A consent is one act of one person: no function here takes more than one person id (R2). Withdrawing is in
``changes``, because it takes the group off its seats at once.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, select

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.intake.shared import country_faults, locked, touch_group
from retorno.models.movements import PolicySetting
from retorno.models.people import (
    Consent,
    ConsentCreate,
    Document,
    DocumentCreate,
    Person,
    PersonBase,
    TransitVisa,
    TravelGroup,
)
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.papers import mrz
from retorno.papers.mrz import MachineReadableZone
from retorno.policy import policy_on
from retorno.situation import ground
from retorno.text import clean_text
from retorno.vocabulary import ConsentPurpose, PersonStatus, Role


def record_consent(session: Session, actor: Actor, *, person_id: str, consent: ConsentCreate) -> Consent:
    """Record the consent of one person for one purpose, as it was given.

    A consent that does not satisfy the rules yet (reflection too short, no witness in detention, given by somebody
    else) is recorded as it is, and ``readiness`` says what is missing. Whoever had withdrawn and consents to return
    anew is active again; nothing of the withdrawal counts against them.

    Raises
    ------
    InputError
        If a time lies in the future, counselling came after the consent, the consent has expired before it was
        given, or the destination is not the group's.
    NotAllowed
        If the person is not in the actor's caseload.
    """
    actor = access.require(session, actor, "intake.consent", person_id=person_id)
    person = session.get_one(Person, person_id, with_for_update=True, populate_existing=True)
    group = session.get_one(TravelGroup, person.group_id)
    faults = _consent_faults(consent, group, actor)
    cleaned: dict[str, str] = {}
    for name in ("text_version", "language", "interpreter", "counselled_by", "witness"):
        try:
            cleaned[name] = clean_text(getattr(consent, name), column=name, max_chars=120)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    if consent.purpose is ConsentPurpose.CONSULAR_CONTACT and actor.has(Role.PROTECTION):
        # R26: after a hold, only a consent that a protection officer witnessed opens a person to the consulate again.
        cleaned["witness"] = actor.user_id
    row = Consent.model_validate(
        consent,
        update={
            "person_id": person_id,
            "recorded_by": actor.user_id,
            "recorded_at": clock.now(),
            "is_given_in_detention": person.is_detained,
            **cleaned,
        },
    )
    session.add(row)
    if consent.purpose is ConsentPurpose.RETURN and person.status is PersonStatus.WITHDRAWN:
        person.status = PersonStatus.ACTIVE
        person.version += 1
        session.add(person)
    touch_group(session, person.group_id)
    audit.append(
        session,
        actor,
        act="intake.consent",
        object_kind="consent",
        object_id=row.consent_id,
        subject_id=person_id,
        values=consent.model_dump(),
        ids={"person_id": person_id},
    )
    return row


def _consent_faults(consent: ConsentCreate, group: TravelGroup, actor: Actor) -> list[Fault]:
    now = clock.now()
    faults = [
        Fault(column=name, code="FUTURE", what="lies in the future; a consent is recorded after it was given")
        for name, instant in (("given_at", consent.given_at), ("counselled_at", consent.counselled_at))
        if instant > now
    ]
    if consent.counselled_at > consent.given_at:
        what = "counselling is later than the consent; expected counselling first"
        faults.append(Fault(column="counselled_at", code="ORDER", what=what))
    if consent.expires_on is not None and consent.expires_on < consent.given_at.date():
        what = f"{consent.expires_on} is before the consent was given"
        faults.append(Fault(column="expires_on", code="ORDER", what=what))
    if consent.purpose is ConsentPurpose.RETURN and consent.destination_country != group.destination_country:
        what = f"the travel group goes to {group.destination_country}; expected a consent to return there"
        faults.append(
            Fault(column="destination_country", value=consent.destination_country, code="DESTINATION", what=what)
        )
    if consent.purpose is ConsentPurpose.CONSULAR_CONTACT and consent.witness and not actor.has(Role.PROTECTION):
        what = "a consent to consular contact with a witness is recorded by a protection officer"
        faults.append(Fault(column="witness", code="WITNESS", what=what))
    return faults


def answer_counts_from(session: Session, actor: Actor, *, counselled_at: datetime) -> datetime:
    """From when an answer counts after counselling (R4): the reflection period of the policy in force today."""
    access.require(session, actor, "intake.consent")
    policy = policy_on(clock.now().date(), session.exec(select(PolicySetting)).all())
    return counselled_at + timedelta(hours=policy.reflection_hours)


# ---- documents ------------------------------------------------------------------------------------------------


def read_zone(text: str) -> MachineReadableZone:
    """The machine-readable zone as pasted, check digits proven; for filling the form and for ``add_document``.

    Raises
    ------
    InputError
        With the line and position of every fault.
    """
    return mrz.parse(text, reference_date=clock.now().date())


def alpha2(code: str) -> str:
    """The two-letter country of an ICAO code (``GTM`` gives ``GT``); the code itself where we know none."""
    if code == "D":
        return "DE"
    return next((row.iso2 for row in ground().countries.values() if row.iso3 == code), code)


def add_document(session: Session, actor: Actor, *, person_id: str, document: DocumentCreate) -> Document:
    """Add a document; with a machine-readable zone its check digits and its agreement with the form are proven.

    Raises
    ------
    InputError
        If the zone has a fault, or says otherwise than the form or the person's record (which value is right is for
        a person to decide; no value is repeated). If the same document is already recorded for this person.
    NotAllowed
        If the person is not in the actor's caseload.
    """
    actor = access.require(session, actor, "intake.document", person_id=person_id)
    person = session.get_one(Person, person_id)
    faults = document_faults(document, person)
    if _is_recorded(session, person_id, document):
        faults.append(Fault(column="number", code="TWICE", what="this document is already recorded for this person"))
    if faults:
        raise InputError(faults)
    row = Document.model_validate(
        document.model_dump(exclude={"mrz"}),
        update={"person_id": person_id, "is_mrz_valid": bool(document.mrz.strip()), "recorded_at": clock.now()},
    )
    session.add(row)
    touch_group(session, person.group_id)
    _log_document(session, actor, "intake.document", row, document.model_dump(exclude={"mrz"}))
    return row


def document_faults(document: DocumentCreate, person: PersonBase) -> list[Fault]:
    """What is wrong with a document by itself and beside its holder: an unknown issuer, a zone that says otherwise.

    Raises
    ------
    InputError
        If the machine-readable zone cannot be read, with every fault of it.
    """
    faults = country_faults(document, ("issuing_country",))
    if document.mrz.strip():
        faults += _zone_faults(read_zone(document.mrz), document, person)
    return faults


def _is_recorded(session: Session, person_id: str, document: DocumentCreate) -> bool:
    found = session.exec(
        select(Document.document_id).where(
            Document.person_id == person_id,
            Document.document_type == document.document_type,
            Document.number == document.number,
        )
    ).first()
    return found is not None


def _plain(number: str) -> str:
    return "".join(char for char in number.upper() if char.isalnum())


def _zone_faults(zone: MachineReadableZone, document: DocumentCreate, person: PersonBase) -> list[Fault]:
    """Where zone, form and person disagree. Names are not compared: the zone writes them its own way."""
    says_otherwise = "the machine-readable zone says otherwise; correct the one that is wrong"
    pairs = (
        ("number", _plain(zone.document_number), _plain(document.number)),
        ("issuing_country", alpha2(zone.issuer), document.issuing_country),
        ("nationality", alpha2(zone.nationality), person.nationality),
        ("expires_on", zone.expiry_date, document.expires_on),
        ("birth_date", zone.birth_date, person.birth_date),
        ("sex", zone.sex, person.sex.value),
    )
    return [
        Fault(column=name, code="MRZ_DIFFERS", what=says_otherwise)
        for name, in_zone, elsewhere in pairs
        if in_zone != elsewhere
        and not (name == "birth_date" and (in_zone is None or elsewhere is None))
        and not (name == "expires_on" and in_zone is None)
        and not (name == "sex" and "X" in (in_zone, elsewhere))
    ]


def confirm_document(session: Session, actor: Actor, *, document_id: str, version: int) -> Document:
    """Confirm by hand that a document was seen and is in order, where no zone proves it (R23).

    Raises
    ------
    NotAllowed, Stale
    """
    actor = access.require(session, actor, "intake.document")
    row = locked(session, Document, document_id, version)
    access.require(session, actor, "intake.document", person_id=row.person_id)
    row.confirmed_by, row.confirmed_at = actor.user_id, clock.now()
    row.version += 1
    session.add(row)
    touch_group(session, session.get_one(Person, row.person_id).group_id)
    _log_document(session, actor, "intake.confirm_document", row, {})
    return row


def review_document(session: Session, actor: Actor, *, document_id: str, version: int, is_in_review: bool) -> Document:
    """Open or close the identity review of a document; while it is open the person is "not available".

    Raises
    ------
    NotAllowed, Stale
    """
    actor = access.require(session, actor, "intake.document")
    row = locked(session, Document, document_id, version)
    access.require(session, actor, "intake.document", person_id=row.person_id)
    row.is_in_review = is_in_review
    row.version += 1
    session.add(row)
    touch_group(session, session.get_one(Person, row.person_id).group_id)
    _log_document(session, actor, "intake.review_document", row, {"is_in_review": is_in_review})
    return row


def _log_document(session: Session, actor: Actor, act: str, row: Document, values: dict[str, object]) -> None:
    audit.append(
        session,
        actor,
        act=act,
        object_kind="document",
        object_id=row.document_id,
        subject_id=row.person_id,
        values=values,
        ids={"person_id": row.person_id},
    )


def record_transit_visa(
    session: Session, actor: Actor, *, person_id: str, country: str, valid_until: date
) -> TransitVisa:
    """Record that a person holds a visa or a waiver for passing one country.

    Raises
    ------
    InputError
        If the country is unknown or the day has passed.
    NotAllowed
    """
    actor = access.require(session, actor, "intake.document", person_id=person_id)
    faults = []
    if country not in ground().countries:
        faults.append(
            Fault(column="country", value=country, code="COUNTRY_UNKNOWN", what='unknown, expected a code such as "PA"')
        )
    if valid_until < clock.now().date():
        faults.append(Fault(column="valid_until", code="PAST", what=f"{valid_until} has passed"))
    if faults:
        raise InputError(faults)
    row = TransitVisa(
        person_id=person_id,
        country=country,
        valid_until=valid_until,
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
    )
    session.add(row)
    touch_group(session, session.get_one(Person, person_id).group_id)
    audit.append(
        session,
        actor,
        act="intake.transit_visa",
        object_kind="transit_visa",
        object_id=row.transit_visa_id,
        subject_id=person_id,
        values={"country": country, "valid_until": valid_until},
        ids={"person_id": person_id},
    )
    return row
