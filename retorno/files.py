"""What leaves the house as a file: made at the moment of the download, for the one who may have it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock, keyring, reports
from retorno.confirmation import Party
from retorno.errors import NotAllowed
from retorno.intake import import_template
from retorno.labels import label, labels_for
from retorno.manifest import copy_for, seal_of
from retorno.models.movements import Movement, MovementSegment, Seat
from retorno.models.office import AuditEntry, Draft, FileToken, Office
from retorno.models.people import Consent, Person, TravelGroup
from retorno.office import access, accounts, audit
from retorno.papers import pages, personal
from retorno.papers.keys import reference
from retorno.papers.sheets import Sheet, xlsx_bytes
from retorno.settings import Settings
from retorno.situation import situation
from retorno.vocabulary import Language, Mode, PartyKind, PersonStatus, SeatStatus

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TOKEN_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class File:
    """Name (without a person's name in it), media type and bytes."""

    name: str
    media_type: str
    content: bytes


# ---- one-time links ---------------------------------------------------------------------------------------------


def redeem(session: Session, user_id: str, token: str) -> tuple[str, str]:
    """Kind and object of a one-time link: for the user it was made for, once, within its minutes."""
    row = session.get(FileToken, accounts.token_sha256(token), with_for_update=True)
    now = clock.now()
    if row is None or row.user_id != user_id or row.used_at is not None or row.expires_at < now:
        raise NotAllowed
    row.used_at = now
    session.add(row)
    session.flush()
    return row.kind, row.object_id


def make(
    session: Session, actor: access.Actor, *, kind: str, object_id: str, language: Language, settings: Settings
) -> File:
    """The file of a kind, if the actor may have it; ``NotAllowed`` otherwise."""
    match kind:
        case "manifest_pdf":
            return manifest_file(session, actor, object_id, language, settings, is_pdf=True)
        case "manifest_xlsx":
            return manifest_file(session, actor, object_id, language, settings, is_pdf=False)
        case "itinerary_pdf":
            return itinerary_file(session, actor, object_id, settings)
        case "consent_pdf":
            return consent_file(session, actor, object_id)
        case "audit_report":
            name = f"retorno-audit-{clock.now():%Y%m%d-%H%M}.json"
            return File(name=name, media_type="application/json", content=reports.audit_report(session, actor))
        case "statistics_csv":
            content = reports.statistics_csv(session, actor, month=object_id, language=language)
            return File(name=f"retorno-{object_id}.csv", media_type="text/csv; charset=utf-8", content=content)
        case "statistics_page":
            content = reports.statistics_page(session, actor, month=object_id, language=language)
            return File(name=f"retorno-{object_id}.html", media_type="text/html; charset=utf-8", content=content)
        case "import_template":
            access.require(session, actor, "intake.import")
            return File(name="retorno.xlsx", media_type=XLSX, content=import_template(language))
        case "import_faults":
            return faults_file(session, actor, object_id, language)
        case _:
            raise NotAllowed


# ---- manifest ---------------------------------------------------------------------------------------------------


def party_of(text: str) -> tuple[str, Party]:
    """Movement and recipient out of ``movement/kind/id``; ``NotAllowed`` if it is malformed."""
    parts = text.split("/", 2)
    if len(parts) != 3 or parts[1] not in set(PartyKind):
        raise NotAllowed
    return parts[0], Party(kind=PartyKind(parts[1]), party_id=parts[2])


def manifest_file(
    session: Session, actor: access.Actor, object_id: str, language: Language, settings: Settings, *, is_pdf: bool
) -> File:
    """The list in force for one recipient, printed or as a workbook. A consulate has no workbook (R25)."""
    movement_id, party = party_of(object_id)
    if party.kind is PartyKind.CONSULATE and not is_pdf:
        raise NotAllowed
    copy = copy_for(session, actor, movement_id=movement_id, party=party)
    movement = session.get_one(Movement, movement_id)
    office_keys = keyring.of_office(movement.office_id)
    zone = situation(session).zone_name(session.get_one(Office, movement.office_id).home_place_id)
    words = labels_for(language, "paper")
    name = f"{movement.reference}-{copy.number}"
    if not is_pdf:
        content = pages.manifest_xlsx(
            copy.canonical,
            seal_of(copy),
            labels=words,
            language=language.value,
            zone=zone,
            key=office_keys.signing,
        )
        return File(name=f"{name}.xlsx", media_type=XLSX, content=content)
    content = pages.manifest_pdf(
        copy.canonical,
        seal_of(copy),
        labels=words,
        language=language.value,
        foot=_foot(session, actor, zone, settings),
        key=office_keys.signing,
    )
    return File(name=f"{name}.pdf", media_type=PDF, content=content)


def _foot(session: Session, actor: access.Actor, zone: str, settings: Settings) -> pages.Foot:
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    anchored = session.exec(select(AuditEntry.sequence).where(col(AuditEntry.at) < midnight).limit(1)).first()
    return pages.Foot(
        audit_head=audit.daily_anchor(session),
        audit_day=midnight.date() if anchored else None,
        printed_by=actor.user_id,
        printed_at=clock.now(),
        zone=zone,
        check_address=f"{settings.origin}/verify",
    )


# ---- itinerary, consent ------------------------------------------------------------------------------------------


def itinerary_file(session: Session, actor: access.Actor, person_id: str, settings: Settings) -> File:
    """One person's journey in the person's language, with Spanish beside it."""
    actor = access.require(session, actor, "intake.read", person_id=person_id)
    person = session.get_one(Person, person_id)
    group = session.get_one(TravelGroup, person.group_id)
    office = session.get_one(Office, actor.office_id)
    where = situation(session)
    rows = session.exec(
        select(Seat, Movement)
        .join(Movement, col(Movement.movement_id) == Seat.movement_id)
        .where(Seat.person_id == person_id, Seat.status == SeatStatus.ACTIVE)
        .order_by(col(Seat.depart_at))
    ).all()
    stops: list[personal.Stop] = []
    for seat, movement in rows:
        segments = session.exec(
            select(MovementSegment)
            .where(MovementSegment.movement_id == movement.movement_id)
            .order_by(col(MovementSegment.segment))
        ).all()
        start, end = segments[seat.board].from_place_id, segments[seat.alight - 1].to_place_id
        mode = "plane" if movement.mode in (Mode.FLIGHT, Mode.CHARTER) else "bus"
        kind = "reception" if end == group.destination_place_id else "night"
        stops.append(_stop("depart", where.name(start), seat.depart_at, where.zone_name(start), mode))
        stops.append(_stop(kind, where.name(end), seat.arrive_at, where.zone_name(end), mode))
    if not stops:
        raise NotAllowed
    companions = session.exec(
        select(Person).where(
            Person.group_id == person.group_id, Person.person_id != person_id, Person.status == PersonStatus.ACTIVE
        )
    ).all()
    language = person.contact_language if person.contact_language in set(Language) else Language.ES.value
    itinerary = personal.Itinerary(
        name=f"{person.given_names} {person.family_names}".strip(),
        reference=reference(keyring.of_office(office.office_id).reference_key, person_id, "PERSON"),
        stops=stops,
        bring=("documents", "medicine", "clothes", "phone"),
        companions=[f"{other.given_names} {other.family_names}".strip() for other in companions],
        met_by=where.name(group.destination_place_id),
        complaint_phone=office.complaint_contact,
        printed_on=clock.now().date(),
        check_text=f"{settings.origin}/verify",
        is_demo=office.is_demo,
    )
    content = personal.itinerary_pdf(
        itinerary,
        labels=labels_for(Language(language), "paper"),
        language=language,
        spanish_labels=None if language == Language.ES else labels_for(Language.ES, "paper"),
    )
    audit.append(
        session,
        actor,
        act="file.itinerary",
        object_kind="person",
        object_id=person_id,
        outcome="read",
    )
    return File(name=f"{itinerary.reference}.pdf", media_type=PDF, content=content)


def _stop(kind: str, place: str, at: datetime, zone: str, mode: str) -> personal.Stop:
    return personal.Stop(kind=kind, place=place, at=at, zone=zone, mode=mode)


def consent_file(session: Session, actor: access.Actor, consent_id: str) -> File:
    """The person's copy of one consent, in the language it was read in."""
    consent = session.get(Consent, consent_id)
    if consent is None:
        raise NotAllowed
    actor = access.require(session, actor, "intake.read", person_id=consent.person_id)
    person = session.get_one(Person, consent.person_id)
    office = session.get_one(Office, actor.office_id)
    language = Language(consent.language) if consent.language in set(Language) else Language.ES
    key = keyring.of_office(office.office_id).reference_key
    country = situation(session).ground.countries[consent.destination_country]
    copy = personal.ConsentCopy(
        name=f"{person.given_names} {person.family_names}".strip(),
        reference=reference(key, person.person_id, "PERSON"),
        text_version=consent.text_version,
        paragraphs=[label(f"consent.text.{number}", language) for number in (1, 2, 3, 4)],
        answers=[
            (
                label(f"consent.question.{consent.purpose.value}", language, country=country.name_es
                      if language is Language.ES else country.name_en),
                label("consent.answer.no" if consent.withdrawn_at else "consent.answer.yes", language),
            )
        ],
        facts=[
            (label("consent.fact.counselled", language), f"{consent.counselled_at:%Y-%m-%d %H:%M} UTC"),
            (label("consent.fact.given", language), f"{consent.given_at:%Y-%m-%d %H:%M} UTC"),
            (label("consent.fact.language", language), consent.language),
            (label("consent.fact.interpreter", language), consent.interpreter or "–"),
        ],
        complaint_phone=office.complaint_contact,
        printed_on=clock.now().date(),
        is_demo=office.is_demo,
    )  # fmt: skip
    content = personal.consent_pdf(copy, labels=labels_for(language, "paper"), language=language.value)
    audit.append(session, actor, act="file.consent", object_kind="person", object_id=person.person_id, outcome="read")
    return File(name=f"{copy.reference}.pdf", media_type=PDF, content=content)


# ---- import faults --------------------------------------------------------------------------------------------------


def faults_file(session: Session, actor: access.Actor, object_id: str, language: Language) -> File:
    """The problems of an import by row and column, as a workbook; kept as a draft of the one who imported."""
    actor = access.require(session, actor, "intake.import")
    draft = session.get(Draft, (actor.user_id, "import_faults", object_id))
    if draft is None:
        raise NotAllowed
    rows = [
        [str(fault["row"] or ""), fault["column"], fault["value"], fault["what"]] for fault in json.loads(draft.values)
    ]
    header = [label(f"import.fault.{name}", language) for name in ("row", "column", "value", "what")]
    sheet = Sheet(name="1", header=header, rows=rows, widths=(8, 24, 30, 80))
    return File(name="retorno-faults.xlsx", media_type=XLSX, content=xlsx_bytes([sheet]))
