"""What leaves the house as a file: made at the moment of the download, for the one who may have it.

A paper is made in two steps. ``prepare`` checks, reads and logs inside the transaction of the act; ``Prepared.file``
sets the page afterwards, so that nobody waits for a lock while a page is set. ``deliver`` does both for a one-time
link, which is used up by the first step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from babel import Locale
from sqlmodel import Session, col, select

from retorno import clock, keyring
from retorno.confirmations.confirmation import Party
from retorno.database import Database
from retorno.downloads import printing, reports
from retorno.errors import NotAllowed
from retorno.intake import import_template
from retorno.labels import label, labels_for
from retorno.manifest import copy_for, seal_of
from retorno.models.movements import LocalRound, Movement
from retorno.models.office import AuditEntry, Draft, FileToken, Office
from retorno.models.people import Consent, Person
from retorno.office import access, accounts, audit
from retorno.papers import journey, offline, pages, personal
from retorno.papers.keys import reference
from retorno.papers.sheets import Sheet, csv_bytes, xlsx_bytes
from retorno.papers.words import person_language, words
from retorno.settings import Settings
from retorno.situation import situation
from retorno.vocabulary import Language, PartyKind, Role

PDF = "application/pdf"
HTML = "text/html; charset=utf-8"
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TOKEN_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class File:
    """Name (without a person's name in it), media type and bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A file whose content is still to be made, from plain values only: without database and lock."""

    name: str
    media_type: str
    render: Callable[[], bytes]

    def file(self) -> File:
        """The file; may take a while."""
        return File(name=self.name, media_type=self.media_type, content=self.render())


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


def deliver(database: Database, user_id: str, token: str, *, language: Language, settings: Settings) -> File:
    """The file of a one-time link; the page is set after the transaction that used the link up."""
    with access.acting(database, user_id, "file.read") as (session, actor):
        kind, object_id = redeem(session, actor.user_id, token)
        ready = prepare(session, actor, kind=kind, object_id=object_id, language=language, settings=settings)
    return ready.file()


def make(
    session: Session, actor: access.Actor, *, kind: str, object_id: str, language: Language, settings: Settings
) -> File:
    """The file of a kind at once, inside the transaction; ``deliver`` and ``prepare`` hold no lock while it is set."""
    return prepare(session, actor, kind=kind, object_id=object_id, language=language, settings=settings).file()


def prepare(
    session: Session, actor: access.Actor, *, kind: str, object_id: str, language: Language, settings: Settings
) -> Prepared:
    """A file of a kind, if the actor may have it; ``NotAllowed`` otherwise.

    Parameters
    ----------
    kind, object_id
        ``manifest_pdf``, ``manifest_xlsx``: movement/party kind/party id. ``itineraries_pdf``, ``route_pdf``: movement.
        ``round_pdf``: local round/vehicle.
        ``handover_pdf``: movement/place. ``itinerary_pdf``: person. ``consent_pdf``: consent. ``offline_check``: empty.
        ``import_template``: empty. ``import_faults``, ``import_faults_csv``: the draft.
    """
    match kind:
        case "manifest_pdf" | "manifest_xlsx":
            return prepare_manifest(session, actor, object_id, language, settings, is_pdf=kind == "manifest_pdf")
        case "itinerary_pdf":
            return prepare_itinerary(session, actor, object_id, settings)
        case "itineraries_pdf":
            return prepare_itineraries(session, actor, object_id, settings)
        case "route_pdf":
            return prepare_route(session, actor, object_id, language, settings)
        case "round_pdf":
            return prepare_round(session, actor, object_id, language, settings)
        case "handover_pdf":
            return prepare_handover(session, actor, object_id, language, settings)
        case "consent_pdf":
            return prepare_consent(session, actor, object_id)
        case "offline_check":
            return prepare_offline_check(session, actor)
        case _:
            return _ready(_made(session, actor, kind, object_id, language))


def _ready(made: File) -> Prepared:
    return Prepared(name=made.name, media_type=made.media_type, render=lambda: made.content)


def _made(session: Session, actor: access.Actor, kind: str, object_id: str, language: Language) -> File:
    """Files that need the database to the end and are made in a moment."""
    match kind:
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
        case "import_faults" | "import_faults_csv":
            return faults_file(session, actor, object_id, language, is_csv=kind == "import_faults_csv")
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
    """The list in force for one recipient at once; ``prepare_manifest`` holds no lock while it is set."""
    return prepare_manifest(session, actor, object_id, language, settings, is_pdf=is_pdf).file()


def prepare_manifest(
    session: Session, actor: access.Actor, object_id: str, language: Language, settings: Settings, *, is_pdf: bool
) -> Prepared:
    """The list in force for one recipient, printed or as a workbook. A consulate has no workbook (R25)."""
    movement_id, party = party_of(object_id)
    if party.kind is PartyKind.CONSULATE and not is_pdf:
        raise NotAllowed
    copy = copy_for(session, actor, movement_id=movement_id, party=party)
    movement = session.get_one(Movement, movement_id)
    key = keyring.of_office(movement.office_id).signing
    zone = situation(session).zone_name(session.get_one(Office, movement.office_id).home_place_id)
    words, code = labels_for(language, "paper"), language.value
    name, content, seal = f"{movement.reference}-{copy.number}", copy.canonical, seal_of(copy)
    if not is_pdf:
        return Prepared(
            name=f"{name}.xlsx",
            media_type=XLSX,
            render=lambda: pages.manifest_xlsx(content, seal, labels=words, language=code, zone=zone, key=key),
        )
    foot = _foot(session, actor, zone, settings)
    return Prepared(
        name=f"{name}.pdf",
        media_type=PDF,
        render=lambda: pages.manifest_pdf(content, seal, labels=words, language=code, foot=foot, key=key),
    )


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


# ---- papers of a person ------------------------------------------------------------------------------------------


def prepare_itinerary(session: Session, actor: access.Actor, person_id: str, settings: Settings) -> Prepared:
    """One person's journey in the person's language, with Spanish beside it; ``NotAllowed`` without a seat."""
    actor = access.require(session, actor, "intake.read", person_id=person_id)
    office = session.get_one(Office, actor.office_id)
    found = printing.itineraries(session, (person_id,), office=office, check_address=f"{settings.origin}/verify")
    if not found:
        raise NotAllowed
    audit.append(session, actor, act="file.itinerary", object_kind="person", object_id=person_id, outcome="read")
    return Prepared(name=f"{found[0].reference}.pdf", media_type=PDF, render=lambda: personal.itineraries_pdf(found))


def prepare_itineraries(session: Session, actor: access.Actor, movement_id: str, settings: Settings) -> Prepared:
    """The journeys of everyone on a movement as one file, families together; ``NotAllowed`` if nobody travels."""
    actor = access.require(session, actor, "file.itineraries", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id)
    office = session.get_one(Office, movement.office_id)
    people = printing.people_aboard(session, movement_id)
    found = printing.itineraries(session, people, office=office, check_address=f"{settings.origin}/verify")
    if not found:
        raise NotAllowed
    for person_id in people:
        audit.append(session, actor, act="file.itinerary", object_kind="person", object_id=person_id, outcome="read")
    title = f"{movement.reference} ({len(found)})"
    return Prepared(
        name=f"{movement.reference}-itineraries.pdf",
        media_type=PDF,
        render=lambda: personal.itineraries_pdf(found, title=title),
    )


def prepare_consent(session: Session, actor: access.Actor, consent_id: str) -> Prepared:
    """The person's copy of one consent, in the language it was read in; Spanish where we have no text in it."""
    consent = session.get(Consent, consent_id)
    if consent is None:
        raise NotAllowed
    actor = access.require(session, actor, "intake.read", person_id=consent.person_id)
    person = session.get_one(Person, consent.person_id)
    office = session.get_one(Office, actor.office_id)
    language = person_language(consent.language)
    own = words(language, "consent")
    zone = situation(session).zone_name(office.home_place_id)
    names = Locale.parse(language)
    country = names.territories.get(consent.destination_country, consent.destination_country)
    key = keyring.of_office(office.office_id).reference_key
    copy = personal.ConsentCopy(
        language=language,
        name=printing.full_name(person),
        reference=reference(key, person.person_id, "PERSON"),
        text_version=consent.text_version,
        paragraphs=[own[f"text.{number}"] for number in (1, 2, 3, 4)],
        answers=[
            (
                own[f"question.{consent.purpose.value}"].format(country=country),
                own["answer.no" if consent.withdrawn_at else "answer.yes"],
            )
        ],
        facts=[
            (own["fact.counselled"], personal.instant_words(consent.counselled_at, zone, language)),
            (own["fact.given"], personal.instant_words(consent.given_at, zone, language)),
            (own["fact.language"], names.languages.get(consent.language.split("-")[0], consent.language)),
            (own["fact.interpreter"], consent.interpreter or "–"),
        ],
        complaint_phone=office.complaint_contact,
        printed_on=clock.now().date(),
        is_demo=office.is_demo,
    )
    audit.append(session, actor, act="file.consent", object_kind="person", object_id=person.person_id, outcome="read")
    return Prepared(name=f"{copy.reference}.pdf", media_type=PDF, render=lambda: personal.consent_pdf(copy))


# ---- papers of a journey -----------------------------------------------------------------------------------------


def prepare_route(
    session: Session, actor: access.Actor, movement_id: str, language: Language, settings: Settings
) -> Prepared:
    """The route sheet for drivers and escorts: stops, desks, rests, head counts, phones; no names of people."""
    actor = access.require(session, actor, "file.route", movement_id=movement_id)
    sheet = printing.route_sheet(session, movement_id, escort_ids=actor.scopes(Role.ESCORT))
    foot = _foot_of(session, actor, movement_id, settings)
    labels = labels_for(language, "paper")
    audit.append(session, actor, act="file.route", object_kind="movement", object_id=movement_id, outcome="read")
    return Prepared(
        name=f"{sheet.movement}-route.pdf",
        media_type=PDF,
        render=lambda: journey.route_pdf(sheet, labels=labels, language=language.value, foot=foot),
    )


def prepare_round(
    session: Session, actor: access.Actor, object_id: str, language: Language, settings: Settings
) -> Prepared:
    """The route sheet of one van (``round/vehicle``): stops, references and head counts, phones; no names of people."""
    round_id, _, vehicle_id = object_id.partition("/")
    row = session.get(LocalRound, round_id)
    if row is None:
        raise NotAllowed
    actor = access.require(session, actor, "rounds.read", movement_id=row.movement_id)
    sheet = printing.round_sheet(session, row, vehicle_id)
    foot = _foot_of(session, actor, row.movement_id, settings)
    labels = labels_for(language, "paper")
    audit.append(session, actor, act="file.route", object_kind="movement", object_id=row.movement_id, outcome="read")
    return Prepared(
        name=f"{sheet.movement}-{sheet.vehicle}-route.pdf",
        media_type=PDF,
        render=lambda: journey.route_pdf(sheet, labels=labels, language=language.value, foot=foot),
    )


def prepare_handover(
    session: Session, actor: access.Actor, object_id: str, language: Language, settings: Settings
) -> Prepared:
    """The note of a signed handover at one place (``movement/place``), without names of people."""
    movement_id, _, place_id = object_id.partition("/")
    actor = access.require(session, actor, "arrival.read", movement_id=movement_id)
    own_places = (*actor.scopes(Role.BORDER_POST), *actor.scopes(Role.RECEPTION))
    if not actor.has(Role.COORDINATOR, Role.ESCORT) and place_id not in own_places:
        raise NotAllowed
    note = printing.handover_note(session, movement_id, place_id)
    foot = _foot_of(session, actor, movement_id, settings)
    labels = labels_for(language, "paper")
    audit.append(
        session,
        actor,
        act="file.handover",
        object_kind="movement",
        object_id=movement_id,
        outcome="read",
        ids={"place_id": place_id},
    )
    return Prepared(
        name=f"{note.movement}-handover.pdf",
        media_type=PDF,
        render=lambda: journey.handover_pdf(note, labels=labels, language=language.value, foot=foot),
    )


def _foot_of(session: Session, actor: access.Actor, movement_id: str, settings: Settings) -> pages.Foot:
    office = session.get_one(Office, session.get_one(Movement, movement_id).office_id)
    return _foot(session, actor, situation(session).zone_name(office.home_place_id), settings)


def prepare_offline_check(session: Session, actor: access.Actor) -> Prepared:
    """The page that checks a list without network, with the public keys in force; nothing in it is secret."""
    actor = access.require(session, actor, "file.offline")
    keys = keyring.public_keys(session)
    made_on = clock.now().date()
    audit.append(session, actor, act="file.offline", object_kind="office", object_id="", outcome="read")
    return Prepared(
        name="retorno-check.html", media_type=HTML, render=lambda: offline.offline_page(keys, made_on=made_on)
    )


# ---- import faults --------------------------------------------------------------------------------------------------


def faults_file(
    session: Session, actor: access.Actor, object_id: str, language: Language, *, is_csv: bool = False
) -> File:
    """The problems of an import by row and column, as a workbook or CSV; kept as a draft of the one who imported."""
    actor = access.require(session, actor, "intake.import")
    draft = session.get(Draft, (actor.user_id, "import_faults", object_id))
    if draft is None:
        raise NotAllowed
    rows = [
        [str(fault["row"] or ""), fault["column"], fault["value"], fault["what"]] for fault in json.loads(draft.values)
    ]
    header = [label(f"import.fault.{name}", language) for name in ("row", "column", "value", "what")]
    if is_csv:
        return File(name="retorno-faults.csv", media_type=CSV, content=csv_bytes(header, rows))
    sheet = Sheet(name="1", header=header, rows=rows, widths=(8, 24, 30, 80))
    return File(name="retorno-faults.xlsx", media_type=XLSX, content=xlsx_bytes([sheet]))
