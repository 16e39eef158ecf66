"""What the rules judge: facts on people, groups, journeys and draft movements, frozen and free of any database.

Instants are UTC and aware; days are calendar days at the place concerned; ``*_local`` is naive place-local time.
Names of people are not among the facts: no rule needs one, so no finding can repeat one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from retorno.policy import Policy
from retorno.vocabulary import (
    BestInterestOutcome,
    ConsentPurpose,
    DocumentType,
    EntryBasis,
    FitnessOutcome,
    HoldKind,
    Mode,
    MovementStatus,
    Need,
    OnwardMeans,
    PartyKind,
    PersonStatus,
    Sex,
)

AIR = frozenset({Mode.FLIGHT, Mode.CHARTER})
LAND = frozenset({Mode.ROAD, Mode.COACH})


@dataclass(frozen=True, kw_only=True)
class ConsentFacts:
    """One consent record, as in the table ``Consent``."""

    consent_id: str
    purpose: ConsentPurpose
    destination_country: str
    text_version: str
    language: str
    interpreter: str
    counselled_at: datetime
    given_at: datetime
    is_own_act: bool
    is_reflection_waived: bool = False
    witness: str = ""
    is_given_in_detention: bool = False
    expires_on: date | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ScreeningFacts:
    """The latest protection screening."""

    screened_at: datetime
    is_victim_of_trafficking: bool = False


@dataclass(frozen=True, kw_only=True)
class BestInterestFacts:
    """The latest best-interest decision of a child, with its parts (R12)."""

    outcome: BestInterestOutcome
    decided_on: date
    valid_until: date
    body: str
    is_appealed: bool
    guardian_consent_on: date | None
    child_view_recorded_on: date | None
    receiving_agreed_on: date | None
    pickup_named: str
    is_cleared_by_two: bool


@dataclass(frozen=True, kw_only=True)
class DocumentFacts:
    """One travel or identity document; ``is_confirmed`` means that a person confirmed it by hand (R23)."""

    document_type: DocumentType
    issuing_country: str
    expires_on: date | None
    safe_conduct_hours: int | None = None
    is_mrz_valid: bool = False
    is_confirmed: bool = False
    is_in_review: bool = False


@dataclass(frozen=True, kw_only=True)
class FitnessFacts:
    """The latest fitness record: outcome, validity and needs, no diagnosis (R16, R17)."""

    outcome: FitnessOutcome
    valid_from: date
    valid_until: date
    needs: frozenset[Need] = frozenset()
    may_fly: bool = True
    pregnancy_weeks: int | None = None
    is_multiple_pregnancy: bool = False
    gave_birth_on: date | None = None
    certificate_on: date | None = None
    is_long_land_leg_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class PersonFacts:
    """Everything that the rules ask about one person.

    Parameters
    ----------
    birth_date, declared_age
        One of them is known; ``declared_age`` in years, taken as it was declared.
    languages
        Languages that the person declared, BCP 47, the contact language first.
    open_hold_kinds
        Kinds of the holds that are open. The rules only ask whether there is one.
    has_permit
        Whether a permit for the destination is recorded, with its number.
    escorts_approved_until
        Escort id and last day of each approval for this child, latest day of each escort.
    """

    person_id: str
    group_id: str
    status: PersonStatus
    sex: Sex
    nationality: str
    languages: tuple[str, ...]
    birth_date: date | None = None
    declared_age: int | None = None
    is_age_in_doubt: bool = False
    habitual_residence: str | None = None
    is_detained: bool = False
    caregiver_id: str | None = None
    is_unaccompanied: bool = False
    entry_basis: EntryBasis = EntryBasis.NATIONALITY
    has_permit: bool = False
    permit_valid_until: date | None = None
    is_third_state_choice_written: bool = False
    onward_means: OnwardMeans | None = None
    needs_wheelchair: bool = False
    consents: tuple[ConsentFacts, ...] = ()
    screening: ScreeningFacts | None = None
    open_hold_kinds: frozenset[HoldKind] = frozenset()
    best_interest: BestInterestFacts | None = None
    escorts_approved_until: tuple[tuple[str, date], ...] = ()
    documents: tuple[DocumentFacts, ...] = ()
    fitness: FitnessFacts | None = None


@dataclass(frozen=True, kw_only=True)
class SuspensionFacts:
    """A country, place or route to which nobody is returned at present (R7)."""

    target_id: str
    from_at: datetime
    until_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class GroupFacts:
    """A travel group as it stands.

    Parameters
    ----------
    persons
        All members that have not returned yet, the withdrawn ones too: while they are in the group the others
        wait for a split (R3, R10).
    is_split
        Whether the group was split from another.
    left_behind
        Members of the groups it was split from, or that were split from it.
    dependants_elsewhere
        Caregiver (in this group) and dependant (in another, not returned), by person id.
    suspensions
        Suspensions on the destination country, the destination place, or the countries passed.
    largest_vehicle_seats
        Usable seats of the biggest vehicle in play; None where not known.
    """

    group_id: str
    destination_country: str
    destination_place_id: str
    persons: tuple[PersonFacts, ...]
    is_split: bool = False
    left_behind: tuple[PersonFacts, ...] = ()
    dependants_elsewhere: tuple[tuple[str, str], ...] = ()
    suspensions: tuple[SuspensionFacts, ...] = ()
    largest_vehicle_seats: int | None = None


@dataclass(frozen=True, kw_only=True)
class JourneyLeg:
    """One ride of a proposed journey; ``transit_countries`` are passed, neither left from nor arrived in for good."""

    mode: Mode
    carrier: str
    departs_on: date
    duration_min: int
    transit_countries: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CarrierHealth:
    """A row of ``data/carrier_health.csv``: when a carrier (``*``: all) asks for a certificate or carries nobody."""

    carrier: str
    mode: str
    pregnancy: str
    certificate_from_week: int | None
    certificate_max_age_hours: int | None
    not_carried_from_week: int | None
    min_days_after_birth: int | None
    applies_over_min: int


@dataclass(frozen=True, kw_only=True)
class AcceptedDocument:
    """A row of ``data/documents_accepted.csv``: does this state take this paper from these people on this way?

    ``nationalities`` holds codes, ``*own`` or ``*any``; ``accepted`` is yes, no or on_confirmation.
    """

    document_type: DocumentType
    state: str
    role: str
    nationalities: frozenset[str]
    modes: frozenset[str]
    accepted: str
    margin_days: int
    max_age: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """When, under which numbers and tables a group is judged.

    Parameters
    ----------
    now
        The instant of judging.
    departs_on, last_leg_on
        First and last day of the journey; ages and papers count on the last leg.
    legs
        The proposed journey; empty while none is proposed. Then what depends on the way (flying, long rides)
        is named without stopping the group.
    """

    now: datetime
    departs_on: date
    last_leg_on: date
    policy: Policy
    legs: tuple[JourneyLeg, ...] = ()
    carrier_health: tuple[CarrierHealth, ...] = ()
    documents_accepted: tuple[AcceptedDocument, ...] = ()


# ---- movements -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SegmentFacts:
    """The ride between two stops.

    Parameters
    ----------
    light_from_min, light_until_min
        First and last daylight at the two places, minutes after local midnight; land movements only.
    built_seats
        Seats built into the vehicle or aircraft that is ours; None where seats were bought on a service.
    usable_seats
        Seats that may be used, the spare ones already taken off.
    """

    from_place_id: str
    to_place_id: str
    depart_local: datetime
    arrive_local: datetime
    usable_seats: int
    built_seats: int | None = None
    wheelchairs: int = 0
    light_from_min: int = 0
    light_until_min: int = 1440


@dataclass(frozen=True, kw_only=True)
class PostFacts:
    """One desk at the instant of passing: open or why not, and how long it stays open (None: not known to close).

    ``closes_at`` is the hour on the clock of the desk, with its zone, as people read it.
    """

    post_id: str
    is_open: bool
    reason: str = ""
    closes_in_min: int | None = None
    closes_at: str = ""


@dataclass(frozen=True, kw_only=True)
class CrossingFacts:
    """A border on the way with its two desks (R19) and whether the way is suspended (R7)."""

    crossing_id: str
    leave: PostFacts
    enter: PostFacts
    is_suspended: bool = False


@dataclass(frozen=True, kw_only=True)
class ReceptionFacts:
    """Where people of the movement end their journey.

    Parameters
    ----------
    receiver
        Named receiving post or centre; empty if nobody is named.
    free_places
        Free on that day for this movement; None where the place has no limit.
    is_last_onward_missed
        Whether the last onward transport or lodging is gone at that hour.
    """

    place_id: str
    receiver: str
    is_open: bool
    reason: str = ""
    closes_in_min: int | None = None
    free_places: int | None = None
    person_count: int = 0
    accepts_profiles: bool = True
    is_last_onward_missed: bool = False


@dataclass(frozen=True, kw_only=True)
class RiderFacts:
    """A person on the movement, from segment ``board`` up to before ``alight``."""

    person: PersonFacts
    board: int
    alight: int
    is_wheelchair: bool = False


@dataclass(frozen=True, kw_only=True)
class EscortFacts:
    """An escort on the movement; ``duty`` is child_protection, medical or accompaniment."""

    escort_id: str
    sex: Sex
    duty: str
    approved_until: date
    is_available: bool
    has_return_seat: bool
    board: int
    alight: int
    is_driver: bool = False


@dataclass(frozen=True, kw_only=True)
class DriverFacts:
    """A driver of the movement.

    ``rest_hours_before`` is the time since the last driving day ended, None if there was none within a week;
    ``days_driven_in_row`` counts the days before this one.
    """

    driver_id: str
    licence_until: date
    rest_hours_before: int | None = None
    days_driven_in_row: int = 0


@dataclass(frozen=True, kw_only=True)
class VehicleFacts:
    """Papers of the vehicle and the needs that it serves."""

    vehicle_id: str
    licence_until: date
    insurance_until: date
    inspection_until: date
    serves_needs: frozenset[Need] = frozenset()


@dataclass(frozen=True, kw_only=True)
class BreakFacts:
    """A stop between two stretches of driving."""

    minutes: int
    has_toilet: bool


@dataclass(frozen=True, kw_only=True)
class NightFacts:
    """A night on the way: the place and its free beds for this movement."""

    place_id: str
    free_beds: int
    person_count: int


@dataclass(frozen=True, kw_only=True)
class AcknowledgementFacts:
    """One party that has to acknowledge the current version; ``acknowledged_at`` is None until it did."""

    party_kind: PartyKind
    party_id: str
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MovementFacts:
    """A draft or real movement with everything that the rules ask about it.

    Parameters
    ----------
    stage
        The status it is to reach: ACCEPTED for a draft, ISSUED for a manifest, RELEASED for departure. What
        cannot be known earlier (notice, acknowledgements, papers of a vehicle not yet chosen) is asked only from
        its stage on.
    vehicle
        None while no vehicle is chosen, and for bought seats.
    drive_stretches_min, breaks
        Driving minutes between breaks, in order, and the breaks between them (one fewer).
    group_members
        Group id to all its active members, so that a missing one shows (R10).
    travelling_elsewhere
        Persons and escorts who hold another seat at the same time.
    offers_oxygen
        Whether the carrier approved oxygen on board.
    notice_sent_at
        When the list was first sent; None before.
    rows_added_at
        Last time a row was added or changed after the first list; None if never.
    """

    movement_id: str
    mode: Mode
    stage: MovementStatus
    now: datetime
    depart_at: datetime
    arrive_at: datetime
    segments: tuple[SegmentFacts, ...]
    riders: tuple[RiderFacts, ...]
    group_members: tuple[tuple[str, frozenset[str]], ...]
    crossings: tuple[CrossingFacts, ...] = ()
    receptions: tuple[ReceptionFacts, ...] = ()
    escorts: tuple[EscortFacts, ...] = ()
    drivers: tuple[DriverFacts, ...] = ()
    drivers_needed: int = 0
    vehicle: VehicleFacts | None = None
    drive_stretches_min: tuple[int, ...] = ()
    breaks: tuple[BreakFacts, ...] = ()
    nights: tuple[NightFacts, ...] = ()
    is_route_confirmed: bool = False
    offers_oxygen: bool = False
    travelling_elsewhere: frozenset[str] = frozenset()
    notice_hours: int | None = None
    notice_sent_at: datetime | None = None
    rows_added_at: datetime | None = None
    acknowledgements: tuple[AcknowledgementFacts, ...] = field(default=())

    @property
    def is_land(self) -> bool:
        """Whether it travels on a road."""
        return self.mode in LAND
