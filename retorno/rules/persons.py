"""The rules that judge one person: consent, protection, destination, children, health, papers, onward means.

One function a rule, ``(person, group, occasion) -> list[Finding]``; pure, no database, no clock. Numbers come from
``occasion.policy`` only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from retorno.clock import age_on
from retorno.rules.facts import (
    AIR,
    LAND,
    AcceptedDocument,
    CarrierHealth,
    ConsentFacts,
    DocumentFacts,
    FitnessFacts,
    GroupFacts,
    JourneyLeg,
    Occasion,
    PersonFacts,
)
from retorno.rules.findings import Finding, RuleCode, finding
from retorno.vocabulary import (
    BestInterestOutcome,
    ConsentPurpose,
    DocumentType,
    EntryBasis,
    FitnessOutcome,
    Language,
    PersonStatus,
)

_STAFF_LANGUAGES = frozenset(Language)
"""Counsellors speak these; a text in another one needs an interpreter's code (our assumption)."""

_MUST_EXPIRE = frozenset({DocumentType.PASSPORT, DocumentType.LAISSEZ_PASSER, DocumentType.SAFE_CONDUCT})


# ---- who is a child, who is vulnerable ----------------------------------------------------------------------


def age_of(person: PersonFacts, day: date) -> int:
    """Completed years on ``day``; the declared age where no birth date is known, 0 before birth."""
    if person.birth_date is None:
        return person.declared_age or 0
    return age_on(person.birth_date, day) if person.birth_date <= day else 0


def is_child(person: PersonFacts, occasion: Occasion) -> bool:
    """Whether the person is a child on any day of the journey; age in doubt always means child (R15).

    Who comes of age on the way leaves as a child, so the day of departure decides.
    """
    return person.is_age_in_doubt or age_of(person, occasion.departs_on) < occasion.policy.age_of_majority


def is_unaccompanied_child(person: PersonFacts, occasion: Occasion) -> bool:
    """Whether R12 to R14 apply: a child recorded as travelling without parent or customary caregiver."""
    return person.is_unaccompanied and is_child(person, occasion)


def is_vulnerable(person: PersonFacts, occasion: Occasion) -> bool:
    """Whether the stricter daylight window and the second signature of protection apply.

    Children, people from the office's elderly age on, pregnant women and new mothers, and everyone who needs help
    on the way. Protection facts play no part, so nothing can be read from it.
    """
    fitness = person.fitness
    return (
        is_child(person, occasion)
        or age_of(person, occasion.last_leg_on) >= occasion.policy.elderly_age
        or person.needs_wheelchair
        or (
            fitness is not None
            and (
                fitness.pregnancy_weeks is not None
                or fitness.gave_birth_on is not None
                or fitness.outcome is FitnessOutcome.FIT_WITH_CONDITIONS
            )
        )
    )


# ---- R1 to R5: consent -----------------------------------------------------------------------------------------


def return_consent(person: PersonFacts) -> ConsentFacts | None:
    """The consent to return that counts: the latest given, so that a withdrawal or a change of mind is never passed."""
    consents = [consent for consent in person.consents if consent.purpose is ConsentPurpose.RETURN]
    return max(consents, key=lambda consent: (consent.given_at, consent.consent_id), default=None)


def _sees_own_view(person: PersonFacts, occasion: Occasion) -> bool:
    """Whether the person's own act is needed: adults, and children old enough to have a view recorded (R2)."""
    return person.is_age_in_doubt or age_of(person, occasion.last_leg_on) >= occasion.policy.child_view_age


def consent_in_force(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R1: nobody travels without an explicit consent of their own, in force until home, to this destination."""
    consent = return_consent(person)
    if consent is None:
        return [finding(RuleCode.NO_CONSENT, person_id=person.person_id, country=group.destination_country)]
    if consent.withdrawn_at is not None:
        return [finding(RuleCode.CONSENT_WITHDRAWN, person_id=person.person_id)]
    faults: list[RuleCode] = []
    if consent.given_at > occasion.now:
        faults.append(RuleCode.CONSENT_IN_FUTURE)
    if consent.destination_country != group.destination_country:
        faults.append(RuleCode.CONSENT_OTHER_DESTINATION)
    if not consent.is_own_act and not is_child(person, occasion):
        faults.append(RuleCode.CONSENT_BY_PROXY)
    if not consent.text_version.strip():
        faults.append(RuleCode.CONSENT_NO_TEXT)
    if not consent.language.strip():
        faults.append(RuleCode.CONSENT_NO_LANGUAGE)
    elif _primary(consent.language) not in _STAFF_LANGUAGES and not consent.interpreter.strip():
        faults.append(RuleCode.CONSENT_NO_INTERPRETER)
    found = [finding(code, person_id=person.person_id, country=group.destination_country) for code in faults]
    if consent.expires_on is not None and consent.expires_on < occasion.last_leg_on:
        found.append(finding(RuleCode.CONSENT_EXPIRED, person_id=person.person_id, date=consent.expires_on))
    return found


def own_view(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R2: a parent's consent does not replace the child's own view from the age of the policy on."""
    consent = return_consent(person)
    if consent is None or consent.is_own_act or not is_child(person, occasion):
        return []
    if not _sees_own_view(person, occasion):
        return []
    return [finding(RuleCode.CHILD_VIEW_MISSING, person_id=person.person_id, age=occasion.policy.child_view_age)]


def still_wants(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R3: whoever withdrew travels no further, and the group waits until it is split or whole again."""
    if person.status is PersonStatus.WITHDRAWN:
        return [finding(RuleCode.WITHDRAWN, person_id=person.person_id)]
    if person.status is not PersonStatus.ACTIVE:
        return [finding(RuleCode.NOT_ACTIVE, person_id=person.person_id)]
    return []


def counselled_before(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R4: counselling came first, in a language the person declared, and the time to reflect was kept."""
    consent = return_consent(person)
    if consent is None or consent.withdrawn_at is not None:
        return []
    found: list[Finding] = []
    if consent.counselled_at > consent.given_at:
        found.append(finding(RuleCode.COUNSELLED_AFTER_CONSENT, person_id=person.person_id))
    if consent.language and _primary(consent.language) not in {_primary(code) for code in person.languages}:
        found.append(finding(RuleCode.COUNSELLING_LANGUAGE, person_id=person.person_id, language=consent.language))
    # Measured from counselling, so a new consent after a withdrawal does not wait again (access.md 13).
    reflected = consent.given_at - consent.counselled_at
    hours = occasion.policy.reflection_hours
    if timedelta(0) <= reflected < timedelta(hours=hours):
        found.append(finding(RuleCode.REFLECTION_TOO_SHORT, person_id=person.person_id, hours=hours))
    long_days = occasion.policy.trafficking_reflection_days
    if (
        person.screening is not None
        and person.screening.is_victim_of_trafficking
        and not consent.is_reflection_waived
        and timedelta(0) <= reflected < timedelta(days=long_days)
    ):
        found.append(finding(RuleCode.REFLECTION_LONG, person_id=person.person_id, days=long_days))
    return found


def independent_where_detained(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R5: consent given in detention is confirmed in private by somebody other than the detaining authority."""
    consent = return_consent(person)
    if consent is None or consent.withdrawn_at is not None or consent.witness.strip():
        return []
    if not (person.is_detained or consent.is_given_in_detention):
        return []
    return [finding(RuleCode.CONSENT_NOT_INDEPENDENT, person_id=person.person_id)]


def _primary(language: str) -> str:
    """Primary subtag: ``es-HN`` and ``es`` are one language to a counsellor."""
    return language.strip().lower().partition("-")[0]


# ---- R6, R8, R9: protection ------------------------------------------------------------------------------------


def no_hold(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R6: nobody travels under an open hold of any kind; the finding never says which."""
    return [finding(RuleCode.ON_HOLD, person_id=person.person_id)] if person.open_hold_kinds else []


def screened(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R8: a trained person spoke with them in private, not longer ago on departure than the policy allows."""
    if person.screening is None or person.screening.screened_at > occasion.now:
        return [finding(RuleCode.NOT_SCREENED, person_id=person.person_id)]
    days = occasion.policy.screening_valid_days
    if occasion.departs_on - person.screening.screened_at.date() > timedelta(days=days):
        return [finding(RuleCode.SCREENING_TOO_OLD, person_id=person.person_id, days=days)]
    return []


def admitted(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R9: the destination is the country of nationality or residence, or one with a right to enter and a choice."""
    country = group.destination_country
    if country in (person.nationality, person.habitual_residence):
        # Whatever basis was ticked, a state of nationality or habitual residence is no third state.
        return []
    if person.entry_basis is not EntryBasis.PERMIT or not person.has_permit:
        return [finding(RuleCode.DEST_NOT_ADMITTED, person_id=person.person_id, country=country)]
    found: list[Finding] = []
    if person.permit_valid_until is None or person.permit_valid_until < occasion.last_leg_on:
        found.append(
            finding(
                RuleCode.DEST_PERMIT_EXPIRES, person_id=person.person_id, country=country, date=occasion.last_leg_on
            )
        )
    if not person.is_third_state_choice_written:
        found.append(finding(RuleCode.DEST_NOT_CHOSEN, person_id=person.person_id, country=country))
    return found


# ---- R12, R15: children ---------------------------------------------------------------------------------------


def unaccompanied_child_file(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R12: an unaccompanied child travels only with every part of the best-interest file in place."""
    if not is_unaccompanied_child(person, occasion):
        return []
    missing: list[RuleCode] = []
    decision = person.best_interest
    if decision is None or decision.outcome is BestInterestOutcome.PENDING:
        missing.append(RuleCode.UASC_NO_DECISION)
    else:
        if decision.outcome is not BestInterestOutcome.RETURN:
            missing.append(RuleCode.UASC_DECISION_NOT_RETURN)
        if decision.is_appealed:
            missing.append(RuleCode.UASC_DECISION_APPEALED)
        if decision.decided_on > occasion.now.date():
            missing.append(RuleCode.UASC_DECISION_IN_FUTURE)
        oldest = occasion.last_leg_on - timedelta(days=occasion.policy.best_interest_valid_days)
        if decision.valid_until < occasion.last_leg_on or decision.decided_on < oldest:
            missing.append(RuleCode.UASC_DECISION_EXPIRED)
    if decision is not None:
        missing += [
            code
            for code, is_there in (
                (RuleCode.UASC_NO_BODY, decision.body.strip()),
                (RuleCode.UASC_NO_GUARDIAN, decision.guardian_consent_on),
                (RuleCode.UASC_NO_VIEW, decision.child_view_recorded_on),
                (RuleCode.UASC_NO_RECEIVER, decision.receiving_agreed_on),
                (RuleCode.UASC_NO_PICKUP, decision.pickup_named.strip()),
                (RuleCode.UASC_NOT_CLEARED, decision.is_cleared_by_two),
            )
            if not is_there
        ]
    if not any(until >= occasion.last_leg_on for _, until in person.escorts_approved_until):
        missing.append(RuleCode.UASC_NO_ESCORT)
    return [finding(code, person_id=person.person_id) for code in missing]


def doubt_means_child(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R15: whose age is in doubt is a child: neither travels alone as an adult nor answers for another child."""
    if not person.is_age_in_doubt or person.is_unaccompanied:
        return []
    is_caregiver = any(other.caregiver_id == person.person_id for other in group.persons)
    has_caregiver = any(other.person_id == person.caregiver_id for other in group.persons)
    if has_caregiver and not is_caregiver:
        return []
    return [finding(RuleCode.DOUBT_MEANS_CHILD, person_id=person.person_id)]


# ---- R16, R17: health -----------------------------------------------------------------------------------------


def fit_to_travel(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R16: fitness is recorded and valid on every leg; whoever may not fly does not fly."""
    fitness = person.fitness
    if fitness is None:
        return [finding(RuleCode.NO_FITNESS, person_id=person.person_id)]
    if fitness.outcome is FitnessOutcome.NOT_NOW:
        return [finding(RuleCode.NOT_FIT, person_id=person.person_id)]
    found: list[Finding] = []
    if fitness.valid_from > occasion.departs_on:
        found.append(finding(RuleCode.FITNESS_NOT_YET, person_id=person.person_id, date=fitness.valid_from))
    if fitness.valid_until < occasion.last_leg_on:
        found.append(finding(RuleCode.FITNESS_EXPIRES, person_id=person.person_id, date=fitness.valid_until))
    if not fitness.may_fly and _may_go_by_air(occasion):
        found.append(finding(RuleCode.MAY_NOT_FLY, person_id=person.person_id, blocks=bool(occasion.legs)))
    return found


def pregnancy_and_newborns(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R17: what carriers and long rides ask of pregnant women, new mothers and newborns on the last leg."""
    found: list[Finding] = []
    fitness = person.fitness
    if fitness is not None and fitness.pregnancy_weeks is not None:
        found += _pregnancy(person, fitness, occasion)
    births = [day for day in (fitness.gave_birth_on if fitness else None, person.birth_date) if day is not None]
    least = max(
        [
            occasion.policy.newborn_days,
            *(row.min_days_after_birth or 0 for leg in occasion.legs for row in _rows_for(leg, occasion)),
        ]
    )
    if any(occasion.departs_on < day + timedelta(days=least) for day in births):
        found.append(finding(RuleCode.NEWBORN_TOO_EARLY, person_id=person.person_id, days=least))
    return found


def weeks_on(fitness: FitnessFacts, day: date) -> int:
    """Completed weeks of pregnancy on ``day``, counted from the record's first day; 0 where none is recorded."""
    return (fitness.pregnancy_weeks or 0) + (day - fitness.valid_from).days // 7


def _pregnancy(person: PersonFacts, fitness: FitnessFacts, occasion: Occasion) -> list[Finding]:
    policy = occasion.policy
    weeks = weeks_on(fitness, occasion.last_leg_on)
    rows = [row for leg in occasion.legs for row in _rows_for(leg, occasion) if _is_for(row, fitness)]
    is_short = bool(occasion.legs) and all(
        leg.mode in LAND and leg.duration_min <= policy.long_land_leg_min for leg in occasion.legs
    )
    found: list[Finding] = []
    from_week = min([policy.certificate_from_week, *(row.certificate_from_week or 99 for row in rows)])
    if weeks >= from_week and not is_short:
        max_hours = min([policy.certificate_max_age_hours, *(row.certificate_max_age_hours or 999 for row in rows)])
        found += _certificate(person, fitness, occasion, timedelta(days=max_hours // 24))
        is_long_ride = not occasion.legs or any(
            leg.mode in LAND and leg.duration_min > policy.long_land_leg_min for leg in occasion.legs
        )
        if is_long_ride and not fitness.is_long_land_leg_ok:
            found.append(
                finding(
                    RuleCode.LONG_LAND_LEG,
                    person_id=person.person_id,
                    minutes=policy.long_land_leg_min,
                    blocks=bool(occasion.legs),
                )
            )
    last_week = (
        policy.no_flight_from_week_multiple if fitness.is_multiple_pregnancy else policy.no_flight_from_week_single
    )
    last_week = min([last_week, *(row.not_carried_from_week or 99 for row in rows)])
    if weeks >= last_week and _may_go_by_air(occasion):
        found.append(
            finding(
                RuleCode.NOT_CARRIED_PREGNANT, person_id=person.person_id, weeks=last_week, blocks=bool(occasion.legs)
            )
        )
    return found


def _certificate(person: PersonFacts, fitness: FitnessFacts, occasion: Occasion, max_age: timedelta) -> list[Finding]:
    """The certificate is needed; while none could be dated late enough yet, that does not stop the group."""
    earliest = occasion.last_leg_on - max_age
    if fitness.certificate_on is not None and earliest <= fitness.certificate_on <= occasion.last_leg_on:
        return []
    return [
        finding(
            RuleCode.CERTIFICATE_NEEDED,
            person_id=person.person_id,
            earliest=earliest,
            date=occasion.last_leg_on,
            blocks=occasion.now.date() >= earliest,
        )
    ]


def _may_go_by_air(occasion: Occasion) -> bool:
    return not occasion.legs or any(leg.mode in AIR for leg in occasion.legs)


def _rows_for(leg: JourneyLeg, occasion: Occasion) -> list[CarrierHealth]:
    """Rows of the carrier table that speak of this leg; of several the strictest number counts."""
    mode = "air" if leg.mode in AIR else "land"
    return [
        row
        for row in occasion.carrier_health
        if row.mode == mode and row.carrier in ("*", leg.carrier) and leg.duration_min > row.applies_over_min
    ]


def _is_for(row: CarrierHealth, fitness: FitnessFacts) -> bool:
    return row.pregnancy == ("multiple" if fitness.is_multiple_pregnancy else "single")


# ---- R23, R24: papers and the way on ---------------------------------------------------------------------------


def documents_in_order(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R23: one checked document that the destination accepts until arrival, and one for every transit state."""
    return [*_entry_document(person, group, occasion), *_transit_documents(person, group, occasion)]


def _entry_document(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    if not person.documents:
        return [finding(RuleCode.NO_DOCUMENT, person_id=person.person_id, country=group.destination_country)]
    modes = {"air" if occasion.legs[-1].mode in AIR else "land"} if occasion.legs else {"air", "land"}
    judged = [
        _document_faults(document, person, group.destination_country, "receiving", modes, occasion)
        for document in person.documents
    ]
    return min(judged, key=lambda faults: (len(faults), [fault.code.value for fault in faults]))


def _document_faults(
    document: DocumentFacts, person: PersonFacts, state: str, role: str, modes: set[str], occasion: Occasion
) -> list[Finding]:
    """Everything that keeps one document from being enough; empty if it is."""
    found: list[Finding] = []
    rows = [accepted_row(document, person, state, role, mode, occasion) for mode in sorted(modes)]
    usable = [row for row in rows if row is not None and row.accepted != "no"]
    if not usable:
        return [
            finding(
                RuleCode.DOCUMENT_NOT_ACCEPTED,
                person_id=person.person_id,
                country=state,
                document=document.document_type.value,
            )
        ] + ([finding(RuleCode.DOCUMENT_IN_REVIEW, person_id=person.person_id)] if document.is_in_review else [])
    if all(row.accepted != "yes" for row in usable) and not document.is_confirmed:
        found.append(finding(RuleCode.DOCUMENT_TO_CONFIRM, person_id=person.person_id, country=state))
    margin = max(occasion.policy.document_margin_days, min(row.margin_days for row in usable))
    needed_until = occasion.last_leg_on + timedelta(days=margin)
    if document.expires_on is None and document.document_type in _MUST_EXPIRE:
        found.append(finding(RuleCode.DOCUMENT_UNCHECKED, person_id=person.person_id))
    elif document.expires_on is not None and document.expires_on < needed_until:
        found.append(finding(RuleCode.DOCUMENT_EXPIRES, person_id=person.person_id, date=needed_until))
    if not (document.is_mrz_valid or document.is_confirmed) and not any(
        fault.code in (RuleCode.DOCUMENT_UNCHECKED, RuleCode.DOCUMENT_TO_CONFIRM) for fault in found
    ):
        found.append(finding(RuleCode.DOCUMENT_UNCHECKED, person_id=person.person_id))
    if document.is_in_review:
        found.append(finding(RuleCode.DOCUMENT_IN_REVIEW, person_id=person.person_id))
    return found


def _transit_documents(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    found: list[Finding] = []
    for leg in occasion.legs:
        mode = {"air" if leg.mode in AIR else "land"}
        for state in leg.transit_countries:
            judged = [
                (_document_faults(document, person, state, "transit", mode, occasion), document)
                for document in person.documents
            ]
            enough = [document for faults, document in judged if not faults]
            if not enough:
                found.append(finding(RuleCode.TRANSIT_DOCUMENT, person_id=person.person_id, country=state))
            elif all(_is_too_short(document, leg) for document in enough):
                found.append(finding(RuleCode.SAFE_CONDUCT_SHORT, person_id=person.person_id, country=state))
    return found


def _is_too_short(document: DocumentFacts, leg: JourneyLeg) -> bool:
    """Whether a safe-conduct lasts less than the leg; without hours it cannot be shown to last."""
    if document.document_type is not DocumentType.SAFE_CONDUCT:
        return False
    return (document.safe_conduct_hours or 0) * 60 < leg.duration_min


def accepted_row(
    document: DocumentFacts, person: PersonFacts, state: str, role: str, mode: str, occasion: Occasion
) -> AcceptedDocument | None:
    """The row that decides on a document: the one that names state and nationality most closely.

    Of two equally close rows the stricter one decides. None where no row speaks of it, which counts as refused.
    """
    candidates = [
        (closeness, row)
        for row in occasion.documents_accepted
        if row.document_type is document.document_type
        and row.role == role
        and row.state in ("*", state)
        and mode in row.modes
        and (row.max_age is None or age_of(person, occasion.last_leg_on) <= row.max_age)
        and (row.valid_from is None or row.valid_from <= occasion.last_leg_on)
        and (row.valid_to is None or row.valid_to >= occasion.last_leg_on)
        and (closeness := _closeness(row, person, state))
    ]
    strictness = {"no": 2, "on_confirmation": 1, "yes": 0}
    best = max(
        candidates,
        key=lambda pair: (pair[0], strictness.get(pair[1].accepted, 2), pair[1].margin_days),
        default=None,
    )
    return best[1] if best else None


def _closeness(row: AcceptedDocument, person: PersonFacts, state: str) -> tuple[int, int] | None:
    """How closely a row names the state and the person's nationality; None if it speaks of other people."""
    names_state = int(row.state == state)
    if person.nationality in row.nationalities:
        return (names_state, 2)
    if "*own" in row.nationalities and person.nationality == state:
        return (names_state, 1)
    return (names_state, 0) if "*any" in row.nationalities else None


def onward_arranged(person: PersonFacts, group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R24: transport, meal, lodging and first cash to the final municipality, or the person's own choice."""
    return [] if person.onward_means is not None else [finding(RuleCode.NO_ONWARD_MEANS, person_id=person.person_id)]


def adults(persons: Iterable[PersonFacts], occasion: Occasion) -> list[PersonFacts]:
    """Those who are no children on the last leg."""
    return [person for person in persons if not is_child(person, occasion)]
