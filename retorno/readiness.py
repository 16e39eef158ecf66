"""Stage 2: who can go on a date, and what is missing. Computed from the records each time, never stored.

A group is ready if no finding blocks; one member who is not ready stops the whole group (R10). What an actor may
read of the findings goes through ``access.visible_findings``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, inspect, or_, true
from sqlmodel import Session, SQLModel, col, select

from retorno import clock, rules
from retorno.errors import NotAllowed
from retorno.models.movements import Closure, Escort, PolicySetting
from retorno.models.people import Case, Consent, Document, Fitness, Person, Screening, TravelGroup
from retorno.models.protection import BestInterestDecision, EscortApproval, Hold
from retorno.office import access
from retorno.office.access import Actor
from retorno.policy import policy_on
from retorno.rules import Finding, GroupFacts, JourneyLeg, Occasion, PersonFacts
from retorno.situation import ground
from retorno.vocabulary import ClosureTarget, DocumentType, Need, PersonStatus

Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True, kw_only=True)
class GroupReadiness:
    """One travel group on one date.

    Parameters
    ----------
    stranded_since
        First stranded day of the member who waits longest; the order of the list (R32).
    availability
        Number of the group's records when this was computed, compared when a plan is accepted.
    findings
        As the actor may read them; ``is_ready`` was decided on all of them.
    """

    group_id: str
    case_id: str
    case_reference: str
    origin_place_id: str
    destination_country: str
    destination_place_id: str
    person_ids: tuple[str, ...]
    stranded_since: date
    earliest_date: date | None
    latest_date: date | None
    availability: int
    is_vulnerable: bool
    findings: tuple[Finding, ...]
    is_ready: bool


def ready_groups(
    session: Session, actor: Actor, *, on_date: date, last_leg_date: date | None = None
) -> list[GroupReadiness]:
    """Every group of the actor's office with somebody still to return, longest stranded first.

    Parameters
    ----------
    on_date
        Day of departure.
    last_leg_date
        Day of the last leg, on which ages and papers count; the day of departure where not given.
    """
    actor = access.require(session, actor, "readiness.read")
    rows = session.exec(
        select(TravelGroup, Case)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(Case.office_id == (actor.office_id or ""), col(Case.closed_at).is_(None))
        .order_by(TravelGroup.group_id)
    ).all()
    facts = facts_of_groups(session, [group.group_id for group, _ in rows])
    occasion = occasion_of(session, travel_date=on_date, last_leg_date=last_leg_date or on_date)
    since = _stranded_since(session, facts)
    ready = [
        _readiness(group, case, facts[group.group_id], occasion, since[group.group_id], actor)
        for group, case in rows
        if any(person.status is PersonStatus.ACTIVE for person in facts[group.group_id].persons)
    ]
    return sorted(ready, key=lambda row: (row.stranded_since, row.group_id))


def _readiness(
    group: TravelGroup, case: Case, facts: GroupFacts, occasion: Occasion, stranded_since: date, actor: Actor
) -> GroupReadiness:
    findings = rules.judge_group(facts, occasion)
    return GroupReadiness(
        group_id=group.group_id,
        case_id=case.case_id,
        case_reference=case.reference,
        origin_place_id=case.place_id,
        destination_country=group.destination_country,
        destination_place_id=group.destination_place_id,
        person_ids=tuple(person.person_id for person in facts.persons),
        stranded_since=stranded_since,
        earliest_date=group.earliest_date,
        latest_date=group.latest_date,
        availability=group.availability,
        is_vulnerable=any(rules.is_vulnerable(person, occasion) for person in facts.persons),
        findings=tuple(access.visible_findings(findings, actor)),
        is_ready=not rules.blocking(findings),
    )


def group_findings(
    session: Session,
    *,
    group_id: str,
    travel_date: date,
    last_leg_date: date,
    legs: Sequence[JourneyLeg] = (),
    largest_vehicle_seats: int | None = None,
) -> list[Finding]:
    """Everything that the rules have to say about one group; not for a screen without ``access.visible_findings``.

    Parameters
    ----------
    travel_date, last_leg_date
        First and last day of the journey.
    legs
        The proposed journey; without it, what depends on the way does not block.
    largest_vehicle_seats
        Usable seats of the biggest vehicle in play.

    Raises
    ------
    NotAllowed
        If there is no such group.
    """
    facts = facts_of_groups(session, [group_id], largest_vehicle_seats=largest_vehicle_seats).get(group_id)
    if facts is None:
        raise NotAllowed
    occasion = occasion_of(session, travel_date=travel_date, last_leg_date=last_leg_date, legs=legs)
    return rules.judge_group(facts, occasion)


def occasion_of(
    session: Session, *, travel_date: date, last_leg_date: date, legs: Sequence[JourneyLeg] = ()
) -> Occasion:
    """Now, the days of a journey, and the numbers and tables in force on it."""
    return Occasion(
        now=clock.now(),
        departs_on=travel_date,
        last_leg_on=last_leg_date,
        policy=policy_on(travel_date, session.exec(select(PolicySetting)).all()),
        legs=tuple(legs),
        carrier_health=carrier_health_rows(),
        documents_accepted=accepted_document_rows(),
    )


@cache
def carrier_health_rows() -> tuple[rules.CarrierHealth, ...]:
    """``data/carrier_health.csv`` as the rules take it."""
    return tuple(
        rules.CarrierHealth(
            carrier=row.carrier,
            mode=row.mode,
            pregnancy=row.pregnancy,
            certificate_from_week=row.certificate_from_week,
            certificate_max_age_hours=row.certificate_max_age_hours,
            not_carried_from_week=row.not_carried_from_week,
            min_days_after_birth=row.min_days_after_birth,
            applies_over_min=row.applies_over_min,
        )
        for row in ground().carrier_health
    )


@cache
def accepted_document_rows() -> tuple[rules.AcceptedDocument, ...]:
    """``data/documents_accepted.csv`` as the rules take it."""
    return tuple(
        rules.AcceptedDocument(
            document_type=DocumentType(row.document_type),
            state=row.state,
            role=row.role,
            nationalities=frozenset(row.nationalities),
            modes=frozenset(row.mode),
            accepted=row.accepted,
            margin_days=row.margin_days,
            max_age=row.max_age,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in ground().documents_accepted
    )


# ---- facts from the tables -----------------------------------------------------------------------------------


def facts_of_groups(
    session: Session, group_ids: Iterable[str], *, largest_vehicle_seats: int | None = None
) -> dict[str, GroupFacts]:
    """What the rules ask about these groups, in a fixed number of queries whatever their count.

    Members who have returned are left out; withdrawn ones are in, because the others wait for a split (R3, R10).
    """
    wanted = sorted(set(group_ids))
    groups = {row.group_id: row for row in _rows(session, TravelGroup, col(TravelGroup.group_id).in_(wanted))}
    relatives = _split_relatives(session, groups)
    everyone = persons_of_groups(session, {*groups, *(each for ids in relatives.values() for each in ids)})
    members: dict[str, list[PersonFacts]] = defaultdict(list)
    for person in everyone.values():
        members[person.group_id].append(person)
    elsewhere = _dependants_elsewhere(session, everyone, set(groups))
    suspensions = _suspensions(session)
    return {
        group_id: GroupFacts(
            group_id=group_id,
            destination_country=group.destination_country,
            destination_place_id=group.destination_place_id,
            persons=tuple(members[group_id]),
            is_split=group.split_from_group_id is not None,
            left_behind=tuple(person for other in relatives[group_id] for person in members[other]),
            dependants_elsewhere=tuple(elsewhere[group_id]),
            suspensions=tuple(
                facts
                for target in (group.destination_country, group.destination_place_id)
                for facts in suspensions[target]
            ),
            largest_vehicle_seats=largest_vehicle_seats,
        )
        for group_id, group in groups.items()
    }


def _rows(session: Session, table: type[Row], condition: ColumnElement[bool]) -> Sequence[Row]:
    return session.exec(select(table).where(condition).execution_options(populate_existing=True)).all()


def _split_relatives(session: Session, groups: Mapping[str, TravelGroup]) -> dict[str, list[str]]:
    """Groups that were one family unit with each group before a split, without the group itself."""
    origins = {group.split_from_group_id or group_id for group_id, group in groups.items()}
    family: dict[str, set[str]] = defaultdict(set)
    rows = session.exec(
        select(col(TravelGroup.group_id), col(TravelGroup.split_from_group_id)).where(
            col(TravelGroup.split_from_group_id).in_(origins)
        )
    ).all()
    for group_id, origin in rows:
        family[origin or ""] |= {group_id, origin or ""}
    return {
        group_id: sorted(family[group.split_from_group_id or group_id] - {group_id})
        for group_id, group in groups.items()
    }


def persons_of_groups(
    session: Session, group_ids: Iterable[str], *, with_returned: bool = False
) -> dict[str, PersonFacts]:
    """Everything that the rules ask about the members of these groups, by person id; on wish also of the returned."""
    still_here = col(Person.status) != PersonStatus.RETURNED
    persons = session.exec(
        select(Person)
        .where(col(Person.group_id).in_(sorted(set(group_ids))), true() if with_returned else still_here)
        .order_by(Person.group_id, Person.person_id)
        .execution_options(populate_existing=True)
    ).all()
    ids = [person.person_id for person in persons]
    consents = _by_person(_rows(session, Consent, col(Consent.person_id).in_(ids)))
    screenings = _latest(_rows(session, Screening, col(Screening.person_id).in_(ids)), "screened_at")
    holds = _by_person(_rows(session, Hold, col(Hold.person_id).in_(ids) & col(Hold.lifted_at).is_(None)))
    decisions = _latest(
        _rows(session, BestInterestDecision, col(BestInterestDecision.person_id).in_(ids)), "recorded_at"
    )
    documents = _by_person(_rows(session, Document, col(Document.person_id).in_(ids)))
    fitness = _latest(_rows(session, Fitness, col(Fitness.person_id).in_(ids)), "assessed_at")
    escorts = _escort_approvals(session, ids)
    return {
        person.person_id: _person_facts(
            person,
            consents[person.person_id],
            screenings.get(person.person_id),
            holds[person.person_id],
            decisions.get(person.person_id),
            documents[person.person_id],
            fitness.get(person.person_id),
            escorts[person.person_id],
        )
        for person in persons
    }


def _by_person(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append(row)
    return found


def _latest(rows: Iterable[Any], instant: str) -> dict[str, Any]:
    """The row of each person with the latest ``instant``; of equal ones the one with the greater id."""
    ordered = sorted(rows, key=lambda row: (getattr(row, instant), inspect(row).identity))
    return {row.person_id: row for row in ordered}


def _escort_approvals(session: Session, person_ids: Sequence[str]) -> dict[str, list[tuple[str, date]]]:
    """Escort and last day, for approvals of escorts who are available; the shorter of both validities counts."""
    rows = session.exec(
        select(EscortApproval, Escort)
        .join(Escort, col(Escort.escort_id) == EscortApproval.escort_id)
        .where(col(EscortApproval.person_id).in_(person_ids), col(Escort.is_available))
    ).all()
    found: dict[str, list[tuple[str, date]]] = defaultdict(list)
    for approval, escort in rows:
        found[approval.person_id].append((escort.escort_id, min(approval.valid_until, escort.approved_until)))
    return found


def _person_facts(
    person: Person,
    consents: Sequence[Consent],
    screening: Screening | None,
    holds: Sequence[Hold],
    decision: BestInterestDecision | None,
    documents: Sequence[Document],
    fitness: Fitness | None,
    escorts: Sequence[tuple[str, date]],
) -> PersonFacts:
    return PersonFacts(
        person_id=person.person_id,
        group_id=person.group_id,
        status=person.status,
        sex=person.sex,
        nationality=person.nationality,
        languages=(person.contact_language, *(code for code in person.speaks.split(";") if code)),
        birth_date=person.birth_date,
        declared_age=person.declared_age,
        is_age_in_doubt=person.is_age_in_doubt,
        habitual_residence=person.habitual_residence,
        is_detained=person.is_detained,
        caregiver_id=person.caregiver_id,
        is_unaccompanied=person.is_unaccompanied,
        entry_basis=person.entry_basis,
        has_permit=bool(person.permit_number.strip()),
        permit_valid_until=person.permit_valid_until,
        is_third_state_choice_written=person.is_third_state_choice_written,
        onward_means=person.onward_means,
        needs_wheelchair=person.needs_wheelchair,
        consents=tuple(_consent_facts(consent) for consent in consents),
        screening=_screening_facts(screening) if screening else None,
        open_hold_kinds=frozenset(hold.kind for hold in holds),
        best_interest=_decision_facts(decision) if decision else None,
        escorts_approved_until=tuple(sorted(escorts)),
        documents=tuple(_document_facts(document) for document in documents),
        fitness=fitness_facts(fitness) if fitness else None,
    )


def _consent_facts(consent: Consent) -> rules.ConsentFacts:
    return rules.ConsentFacts(
        consent_id=consent.consent_id,
        purpose=consent.purpose,
        destination_country=consent.destination_country,
        text_version=consent.text_version,
        language=consent.language,
        interpreter=consent.interpreter,
        counselled_at=consent.counselled_at,
        given_at=consent.given_at,
        is_own_act=consent.is_own_act,
        is_reflection_waived=consent.is_reflection_waived,
        witness=consent.witness,
        is_given_in_detention=consent.is_given_in_detention,
        expires_on=consent.expires_on,
        withdrawn_at=consent.withdrawn_at,
    )


def _screening_facts(screening: Screening) -> rules.ScreeningFacts:
    return rules.ScreeningFacts(
        screened_at=screening.screened_at, is_victim_of_trafficking=screening.is_victim_of_trafficking
    )


def _decision_facts(decision: BestInterestDecision) -> rules.BestInterestFacts:
    return rules.BestInterestFacts(
        outcome=decision.outcome,
        decided_on=decision.decided_on,
        valid_until=decision.valid_until,
        body=decision.body,
        is_appealed=decision.is_appealed,
        guardian_consent_on=decision.guardian_consent_on,
        child_view_recorded_on=decision.child_view_recorded_on,
        receiving_agreed_on=decision.receiving_agreed_on,
        pickup_named=decision.pickup_named,
        is_cleared_by_two=decision.cleared_at is not None and decision.cleared_by_second is not None,
    )


def _document_facts(document: Document) -> rules.DocumentFacts:
    return rules.DocumentFacts(
        document_type=document.document_type,
        issuing_country=document.issuing_country,
        expires_on=document.expires_on,
        safe_conduct_hours=document.safe_conduct_hours,
        is_mrz_valid=document.is_mrz_valid,
        is_confirmed=document.confirmed_by is not None,
        is_in_review=document.is_in_review,
    )


def fitness_facts(fitness: Fitness) -> rules.FitnessFacts:
    """A fitness record as the rules take it."""
    return rules.FitnessFacts(
        outcome=fitness.outcome,
        valid_from=fitness.valid_from,
        valid_until=fitness.valid_until,
        needs=frozenset(Need(code) for code in fitness.needs.split(";") if code),
        may_fly=fitness.may_fly,
        pregnancy_weeks=fitness.pregnancy_weeks,
        is_multiple_pregnancy=fitness.is_multiple_pregnancy,
        gave_birth_on=fitness.gave_birth_on,
        certificate_on=fitness.certificate_on,
        is_long_land_leg_ok=fitness.is_long_land_leg_ok,
    )


def _dependants_elsewhere(
    session: Session, everyone: Mapping[str, PersonFacts], group_ids: set[str]
) -> dict[str, list[tuple[str, str]]]:
    """Caregiver and dependant, by the caregiver's group, where the dependant is in another group and still here."""
    rows = session.exec(
        select(col(Person.person_id), col(Person.group_id), col(Person.caregiver_id)).where(
            col(Person.caregiver_id).in_([p.person_id for p in everyone.values() if p.group_id in group_ids]),
            col(Person.status).in_((PersonStatus.ACTIVE, PersonStatus.WITHDRAWN)),
        )
    ).all()
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for dependant_id, group_id, caregiver_id in sorted(rows):
        own_group = everyone[caregiver_id or ""].group_id
        if group_id != own_group:
            found[own_group].append((caregiver_id or "", dependant_id))
    return found


def _suspensions(session: Session) -> dict[str, list[rules.SuspensionFacts]]:
    """Suspensions of countries and places that nobody has lifted yet, by target (R7)."""
    now = clock.now()
    rows = session.exec(
        select(Closure).where(
            col(Closure.target).in_((ClosureTarget.COUNTRY, ClosureTarget.PLACE)),
            or_(col(Closure.until_at).is_(None), col(Closure.until_at) >= now),
            or_(col(Closure.reopened_at).is_(None), col(Closure.reopened_at) > now),
        )
    ).all()
    found: dict[str, list[rules.SuspensionFacts]] = defaultdict(list)
    for row in rows:
        ends = [instant for instant in (row.until_at, row.reopened_at) if instant is not None]
        found[row.target_id].append(
            rules.SuspensionFacts(target_id=row.target_id, from_at=row.from_at, until_at=min(ends, default=None))
        )
    return found


def _stranded_since(session: Session, facts: Mapping[str, GroupFacts]) -> dict[str, date]:
    """First stranded day of each group's longest waiting member."""
    rows = session.exec(
        select(col(Person.group_id), col(Person.stranded_since)).where(
            col(Person.group_id).in_(list(facts)), Person.status == PersonStatus.ACTIVE
        )
    ).all()
    found: dict[str, date] = {}
    for group_id, since in rows:
        found[group_id] = min(since, found.get(group_id, since))
    return found
