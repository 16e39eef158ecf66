"""Offers, vehicles, drivers, escorts, plans, movements, seats, confirmations, manifests, arrivals, closures.

Instants are UTC; money is whole US cents; a segment is the ride between two stops that follow each other.
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import model_validator
from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from retorno.models.base import UtcInstant, new_id
from retorno.vocabulary import (
    Answer,
    AnswerReason,
    ArrivalOutcome,
    ClosureTarget,
    IncidentCode,
    ManifestStatus,
    Mode,
    MovementStatus,
    PartyKind,
    PlanAct,
    PlanStatus,
    RoundKind,
    SeatStatus,
    Sex,
)

# ---- what an office has to plan with -------------------------------------------------------------------------


class Vehicle(SQLModel, table=True):
    """Index: ``vehicle_id``. ``seats`` and ``wheelchairs`` are what is built in; spare seats come off in planning."""

    vehicle_id: str = Field(default_factory=lambda: new_id("V"), primary_key=True)
    vehicle_type: str = Field(description="As in data/vehicles.csv")
    plate: str
    operator: str
    depot_place_id: str
    seats: int = Field(gt=0)
    wheelchairs: int = Field(default=0, ge=0)
    is_hired: bool = False
    licence_until: date
    insurance_until: date
    inspection_until: date
    available_from: date | None = None
    available_until: date | None = None
    version: int = Field(default=1, nullable=False)


class Driver(SQLModel, table=True):
    """Index: ``driver_id``."""

    driver_id: str = Field(default_factory=lambda: new_id("R"), primary_key=True)
    name: str
    operator: str
    licence_until: date
    phone: str = ""


class Escort(SQLModel, table=True):
    """Index: ``escort_id``. Travels along, never drives, returns to the base (R13)."""

    escort_id: str = Field(default_factory=lambda: new_id("E"), primary_key=True)
    name: str
    sex: Sex
    duty: str = Field(description="child_protection, medical or accompaniment")
    base_place_id: str
    phone: str = ""
    user_id: str | None = Field(default=None, foreign_key="app_user.user_id")
    approved_until: date
    is_available: bool = True
    version: int = Field(default=1, nullable=False)


class OfferBase(SQLModel):
    """Seats bought or optioned on a departure, or a whole aircraft."""

    mode: Mode
    carrier: str
    number: str = Field(description="Flight number or service id")
    origin_place_id: str
    destination_place_id: str
    depart_at: datetime = Field(sa_type=UtcInstant)
    arrive_at: datetime = Field(sa_type=UtcInstant)
    seats: int = Field(gt=0)
    wheelchairs: int = Field(default=2, ge=0)
    min_load: int = Field(default=0, ge=0)
    fare_cents: int = Field(default=0, ge=0, description="Per seat; 0 for a charter")
    fixed_cents: int = Field(default=0, ge=0, description="Per aircraft; 0 for seats on a scheduled service")
    crossings: str = Field(default="", description="Crossing ids joined by ;")
    escort_returns: int = Field(default=0, ge=0, description="Return seats bought for escorts (R13)")


class OfferCreate(OfferBase):
    """Input for an offer."""

    @model_validator(mode="after")
    def _order(self) -> OfferCreate:
        if self.arrive_at <= self.depart_at:
            raise ValueError(f"arrives at {self.arrive_at}, must be after the departure at {self.depart_at}")
        return self


class Offer(OfferBase, table=True):
    """Index: ``offer_id``."""

    offer_id: str = Field(default_factory=lambda: new_id("O"), primary_key=True)
    office_id: str = Field(foreign_key="office.office_id", index=True)
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    version: int = Field(default=1, nullable=False)


# ---- dated rows laid over data/ ----------------------------------------------------------------------------


class Closure(SQLModel, table=True):
    """Index: ``closure_id``. In force from ``from_at`` until ``until_at``, or until reopened (R7)."""

    closure_id: str = Field(default_factory=lambda: new_id("X"), primary_key=True)
    target: ClosureTarget
    target_id: str
    from_at: datetime = Field(sa_type=UtcInstant)
    until_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    source: str
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcInstant)
    reopened_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class AgreementConfirmation(SQLModel, table=True):
    """Index: ``confirmation_id``. Somebody confirmed that an agreement works: who, with whom, until when."""

    __tablename__ = "agreement_confirmation"
    confirmation_id: str = Field(default_factory=lambda: new_id("A"), primary_key=True)
    agreement_id: str = Field(default="", description="As in data/agreements.csv; empty for an arrangement of its own")
    mode: str = Field(description="land, air or land;air")
    from_country: str
    to_country: str
    transit_countries: str = Field(default="", description="ISO codes joined by ;")
    crossings: str = Field(default="", description="Crossing ids joined by ;, empty for any of these countries")
    weekdays: str = Field(default="", description="Mon;Tue;..., empty for every day")
    profiles: str = Field(default="", description="Profiles joined by ;, empty for all")
    notice_hours: int = Field(default=72, ge=0)
    daily_heads: int | None = Field(default=None, ge=1)
    confirmed_with: str
    confirmed_by: str
    confirmed_at: datetime = Field(sa_type=UtcInstant)
    valid_from: date
    valid_until: date
    is_invented: bool = False
    revoked_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class PolicySetting(SQLModel, table=True):
    """Index: (``key``, ``valid_from``). An office's stricter number over data/policy.csv; never looser (R30)."""

    __tablename__ = "policy_setting"
    key: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    value: int
    set_by: str
    set_at: datetime = Field(sa_type=UtcInstant)


class HoursSetting(SQLModel, table=True):
    """Index: ``hours_id``. A dated row over data/hours.csv, same meaning of columns."""

    __tablename__ = "hours_setting"
    hours_id: str = Field(default_factory=lambda: new_id("Y"), primary_key=True)
    post_id: str = Field(index=True)
    weekdays: str = ""
    on_date: date | None = None
    open_time: str
    close_time: str
    is_closed: bool = False
    profiles: str = ""
    daily_heads: int | None = None
    valid_from: date
    valid_until: date | None = None
    source: str
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcInstant)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcInstant, description="No longer in the calendar")


# ---- plans ---------------------------------------------------------------------------------------------------


class Plan(SQLModel, table=True):
    """Index: ``plan_id``. A proposal: the frozen problem, the best checked plan so far, and how it was found."""

    plan_id: str = Field(default_factory=lambda: new_id("L"), primary_key=True)
    office_id: str = Field(foreign_key="office.office_id", index=True)
    status: PlanStatus = PlanStatus.RUNNING
    basis_plan_id: str | None = Field(
        default=None, foreign_key="plan.plan_id", description="The plan it was copied from; None for one of its own"
    )
    created_by: str
    created_at: datetime = Field(sa_type=UtcInstant)
    first_date: date
    horizon_days: int
    problem_digest: str = ""
    problem: bytes = Field(default=b"", sa_type=LargeBinary, description="Problem JSON, gzipped")
    details: bytes = Field(
        default=b"", sa_type=LargeBinary, description="Display detail of rows and groups, gzipped JSON"
    )
    solution: bytes = Field(
        default=b"", sa_type=LargeBinary, description="Plan JSON, gzipped; empty before the first plan"
    )
    groups_availability: str = Field(default="{}", sa_type=Text, description="JSON: group id to availability number")
    unplanned: str = Field(default="[]", sa_type=Text, description="JSON: group id, reasons, smallest change")
    value_cents: int | None = None
    bound_cents: int | None = None
    seed: int = 1
    seconds: int = 60
    stop_reason: str = ""
    versions: str = Field(default="", description="Solver, code and time zone data versions")
    verdict: str = Field(default="", sa_type=Text, description="The checker's report, rule by rule, JSON")
    accepted_by: str | None = None
    accepted_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    kept_groups: str = Field(default="[]", sa_type=Text, description="JSON: groups that a search leaves where they are")
    is_hypothetical: bool = Field(default=False, description="Made on facts that were only assumed")
    assumed: str = Field(default="[]", sa_type=Text, description="JSON: what was assumed, one object each")
    step: int = Field(default=0, nullable=False, description="Which of its steps the draft stands at; 0 before any")
    version: int = Field(default=1, nullable=False)


class Contingency(SQLModel, table=True):
    """Index: ``contingency_id``. What would hurt an accepted plan most, as it was worked out last; numbers and ids."""

    contingency_id: str = Field(default_factory=lambda: new_id("N"), primary_key=True)
    plan_id: str = Field(foreign_key="plan.plan_id", unique=True)
    office_id: str = Field(foreign_key="office.office_id", index=True)
    computed_at: datetime | None = Field(default=None, sa_type=UtcInstant, description="None before the first time")
    facts: str = Field(
        default="", description="SHA-256 of what it was worked out on: seats, closures, offers, vehicles"
    )
    rows: bytes = Field(default=b"", sa_type=LargeBinary, description="One object a failure, JSON, gzipped")


class PlanStep(SQLModel, table=True):
    """Index: (``plan_id``, ``number``). A draft as it stood after one edit by hand; 0 is the draft before the first."""

    __tablename__ = "plan_step"
    plan_id: str = Field(foreign_key="plan.plan_id", primary_key=True)
    number: int = Field(primary_key=True)
    act: PlanAct | None = None
    group_ids: str = Field(default="[]", sa_type=Text, description="JSON: the groups that the edit was about")
    solution: bytes = Field(sa_type=LargeBinary, description="Plan JSON, gzipped")
    unplanned: str = Field(sa_type=Text)
    verdict: str = Field(sa_type=Text)
    value_cents: int | None = None
    kept_groups: str = Field(sa_type=Text)
    made_by: str
    made_at: datetime = Field(sa_type=UtcInstant)


# ---- movements and seats -----------------------------------------------------------------------------------


class Movement(SQLModel, table=True):
    """Index: ``movement_id``. One vehicle on one day, or one departure of a flight."""

    movement_id: str = Field(default_factory=lambda: new_id("M"), primary_key=True)
    reference: str = Field(unique=True, description="What is said on the phone; no order, no place")
    office_id: str = Field(foreign_key="office.office_id", index=True)
    plan_id: str | None = Field(default=None, foreign_key="plan.plan_id", index=True)
    mode: Mode
    status: MovementStatus = MovementStatus.ACCEPTED
    vehicle_id: str | None = Field(default=None, foreign_key="vehicle.vehicle_id")
    offer_id: str | None = Field(default=None, foreign_key="offer.offer_id")
    label: str = Field(description="Plate or flight number, as printed")
    operator: str = ""
    drivers: str = Field(default="", description="Driver ids joined by ;")
    drivers_needed: int = 0
    is_route_confirmed: bool = Field(default=False, description="Drivers have the route sheet and confirmed (R20)")
    agreement_confirmation_id: str | None = Field(default=None, foreign_key="agreement_confirmation.confirmation_id")
    depart_at: datetime = Field(sa_type=UtcInstant, index=True)
    arrive_at: datetime = Field(sa_type=UtcInstant)
    notice_hours: int = 72
    opens_at: datetime = Field(sa_type=UtcInstant, description="From when posts and reception points see it")
    route: str = Field(
        default="[]", sa_type=Text, description="JSON: breaks, stops and border times for the route sheet"
    )
    manifest_version: int = Field(default=0, nullable=False)
    cancelled_reason: str = Field(default="", description="A code, or the id of the closure that stopped it")
    version: int = Field(default=1, nullable=False)


class MovementSegment(SQLModel, table=True):
    """Index: (``movement_id``, ``segment``). The ride between two stops; the load is kept by triggers (I9)."""

    __tablename__ = "movement_segment"
    __table_args__ = (
        CheckConstraint("taken >= 0 AND taken <= capacity", name="seats"),
        CheckConstraint("wheelchairs_taken >= 0 AND wheelchairs_taken <= wheelchairs", name="wheelchairs"),
        CheckConstraint("depart_at < arrive_at", name="order"),
    )
    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    segment: int = Field(primary_key=True)
    from_place_id: str
    to_place_id: str
    depart_at: datetime = Field(sa_type=UtcInstant)
    arrive_at: datetime = Field(sa_type=UtcInstant)
    capacity: int = Field(description="Seats that may be used; spare seats are already off (R18)")
    taken: int = 0
    wheelchairs: int = 0
    wheelchairs_taken: int = 0


class MovementCrossing(SQLModel, table=True):
    """Index: (``movement_id``, ``sequence``). One border on the way, with both posts and the expected instant."""

    __tablename__ = "movement_crossing"
    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    sequence: int = Field(primary_key=True)
    segment: int
    crossing_id: str = Field(index=True)
    leave_post_id: str
    enter_post_id: str
    leave_country: str
    enter_country: str
    at: datetime = Field(sa_type=UtcInstant)


class Seat(SQLModel, table=True):
    """Index: ``seat_id``. One person or one escort on one movement, from segment ``board`` up to before ``alight``.

    Triggers refuse a seat without consent in force, under an open hold, at the same time as another active
    seat of the person, and beyond capacity (I1, I2, I9, I10).
    """

    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (escort_id IS NULL)", name="one_occupant"),
        CheckConstraint("person_id IS NULL OR (consent_id IS NOT NULL AND group_id IS NOT NULL)", name="consented"),
        CheckConstraint("board < alight", name="order"),
        Index(
            "uq_seat_person_active",
            "movement_id",
            "person_id",
            unique=True,
            sqlite_where=text("status = 'active' AND person_id IS NOT NULL"),
            postgresql_where=text("status = 'active' AND person_id IS NOT NULL"),
        ),
    )
    seat_id: str = Field(default_factory=lambda: new_id("T"), primary_key=True)
    movement_id: str = Field(foreign_key="movement.movement_id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.person_id", index=True)
    group_id: str | None = Field(default=None, foreign_key="travel_group.group_id", index=True)
    consent_id: str | None = Field(default=None, foreign_key="consent.consent_id")
    escort_id: str | None = Field(default=None, foreign_key="escort.escort_id", index=True)
    for_group_id: str | None = Field(default=None, description="Whom an escort accompanies")
    board: int
    alight: int
    depart_at: datetime = Field(sa_type=UtcInstant)
    arrive_at: datetime = Field(sa_type=UtcInstant)
    is_wheelchair: bool = False
    is_pinned: bool = False
    listed_from: int | None = Field(
        default=None, description="Version of the list that two people signed with this seat on it; empty before"
    )
    status: SeatStatus = SeatStatus.ACTIVE
    freed_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class LocalRound(SQLModel, table=True):
    """Index: ``round_id``. The vans of a movement at one of its stops: who is brought from or to where, and the routes.

    Head counts and case references only: no name, no fact about a person.
    """

    __tablename__ = "local_round"
    __table_args__ = (UniqueConstraint("movement_id", "kind", "stop", name="one_round"),)
    round_id: str = Field(default_factory=lambda: new_id("LR"), primary_key=True)
    movement_id: str = Field(foreign_key="movement.movement_id", index=True)
    kind: RoundKind
    stop: int = Field(description="Which stop of the movement; 0 is the first")
    day: date = Field(description="Local day of the round")
    ends: str = Field(sa_type=Text, description="JSON: group id to the place it is collected at or brought to")
    vehicles: str = Field(description="Vehicle ids joined by ;")
    people: str = Field(sa_type=Text, description="JSON: group id to its head count when the routes were made")
    problem: bytes = Field(sa_type=LargeBinary, description="Problem JSON (docs/rounds.md), gzipped")
    routes: bytes = Field(sa_type=LargeBinary, description="Plan JSON, gzipped")
    made_by: str
    made_at: datetime = Field(sa_type=UtcInstant)
    version: int = Field(default=1, nullable=False)


# ---- confirmations and acknowledgements ---------------------------------------------------------------------


class Confirmation(SQLModel, table=True):
    """Index: ``confirmation_id``. One question to one party; to a consulate, one a person."""

    __table_args__ = (UniqueConstraint("movement_id", "party_kind", "party_id", "person_id"),)
    confirmation_id: str = Field(default_factory=lambda: new_id("Q"), primary_key=True)
    movement_id: str = Field(foreign_key="movement.movement_id", index=True)
    party_kind: PartyKind
    party_id: str = Field(description="Country, post, place, operator or escort id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.person_id")
    asked_at: datetime = Field(sa_type=UtcInstant)
    due_at: datetime = Field(sa_type=UtcInstant)
    answer: Answer = Answer.PENDING
    reason: AnswerReason | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    answered_by: str = Field(default="", description="User id, or the name of who answered on the phone")
    recorded_by: str | None = Field(
        default=None, description="Coordinator who wrote it down, where the party has no account"
    )
    way: str = Field(default="", description="page, phone, letter, message")
    reminded_at: datetime | None = Field(default=None, sa_type=UtcInstant, description="Last reminder of a coordinator")
    cancelled_at: datetime | None = Field(
        default=None, sa_type=UtcInstant, description="No longer asked; a consulate learns it in its next batch"
    )
    version: int = Field(default=1, nullable=False)


class Acknowledgement(SQLModel, table=True):
    """Index: (``movement_id``, ``manifest_version``, ``party_kind``, ``party_id``). A party has that version."""

    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    manifest_version: int = Field(primary_key=True)
    party_kind: PartyKind = Field(primary_key=True)
    party_id: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=UtcInstant)
    acknowledged_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    acknowledged_by: str = ""
    recorded_by: str | None = None
    way: str = ""


# ---- manifests ---------------------------------------------------------------------------------------------


class ManifestVersion(SQLModel, table=True):
    """Index: (``movement_id``, ``version``). Immutable but for its status; exactly one is current (I8)."""

    __tablename__ = "manifest_version"
    __table_args__ = (
        CheckConstraint("is_removal_only OR (signed_by IS NOT NULL AND signed_by <> proposed_by)", name="two_people"),
        Index(
            "uq_manifest_version_current",
            "movement_id",
            unique=True,
            sqlite_where=text("status = 'current'"),
            postgresql_where=text("status = 'current'"),
        ),
    )
    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    version: int = Field(primary_key=True)
    supersedes: int | None = None
    status: ManifestStatus = ManifestStatus.CURRENT
    is_removal_only: bool = False
    proposed_by: str
    proposed_at: datetime = Field(sa_type=UtcInstant)
    signed_by: str | None = None
    issued_at: datetime = Field(sa_type=UtcInstant)
    verdict: str = Field(default="", sa_type=Text, description="Every rule with its outcome, JSON, no names")
    person_count: int
    ended_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class ManifestProposal(SQLModel, table=True):
    """Index: ``movement_id``. The first of two signatures, waiting for the second."""

    __tablename__ = "manifest_proposal"
    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    content_sha256: str = Field(description="Of the rows proposed; the second signature is for exactly these")
    proposed_by: str
    proposed_at: datetime = Field(sa_type=UtcInstant)


class ManifestCopy(SQLModel, table=True):
    """Index: ``copy_id``. What one recipient gets of one version: canonical bytes, hash, signature; immutable."""

    __tablename__ = "manifest_copy"
    __table_args__ = (
        UniqueConstraint("movement_id", "recipient_kind", "recipient_id", "number", "version"),
        Index("ix_manifest_copy_sha256", "sha256"),
    )
    copy_id: str = Field(default_factory=lambda: new_id("N"), primary_key=True)
    movement_id: str = Field(foreign_key="movement.movement_id", index=True)
    version: int = Field(description="Version of the movement's manifest it was made from")
    recipient_kind: PartyKind
    recipient_id: str
    number: int = Field(description="Number on this recipient's paper: 1, 2, ...; a consulate's rises per batch only")
    supersedes: int | None = None
    canonical: bytes = Field(sa_type=LargeBinary)
    sha256: str
    signature: str
    key_id: str
    made_at: datetime = Field(sa_type=UtcInstant)
    visible_from: datetime = Field(sa_type=UtcInstant, description="Consulates see it from their next batch on")


# ---- arrival -------------------------------------------------------------------------------------------------


class Arrival(SQLModel, table=True):
    """Index: (``movement_id``, ``person_id``). The latest tick of a post or reception point on one person."""

    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", primary_key=True)
    outcome: ArrivalOutcome
    manifest_version: int
    place_id: str = Field(description="Post or reception place where it was recorded")
    at: datetime = Field(sa_type=UtcInstant)
    recorded_by: str
    version: int = Field(default=1, nullable=False)


class Handover(SQLModel, table=True):
    """Index: (``movement_id``, ``place_id``). Signed once: who received how many, when (R21)."""

    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    place_id: str = Field(primary_key=True)
    person_count: int
    received_by: str
    handed_at: datetime | None = Field(default=None, sa_type=UtcInstant, description="As written by who signed")
    signed_by: str
    signed_at: datetime = Field(sa_type=UtcInstant)


class Incident(SQLModel, table=True):
    """Index: ``incident_id``. By code; free text lives in protection and health tables only."""

    incident_id: str = Field(default_factory=lambda: new_id("J"), primary_key=True)
    movement_id: str = Field(foreign_key="movement.movement_id", index=True)
    code: IncidentCode
    place_id: str = ""
    minutes: int | None = Field(default=None, description="How late, of a delay")
    at: datetime = Field(sa_type=UtcInstant)
    recorded_by: str


class Stay(SQLModel, table=True):
    """Index: ``stay_id``. People who cannot go on, taken off their journey in one act: where, with whom, until when."""

    stay_id: str = Field(default_factory=lambda: new_id("G"), primary_key=True)
    office_id: str = Field(foreign_key="office.office_id", index=True)
    place_id: str = Field(index=True)
    group_ids: str = Field(description="Travel groups that stay, joined by ;")
    person_count: int = Field(gt=0)
    escort_ids: str = Field(default="", description="Escorts who stay with them, joined by ;")
    until: date = Field(description="From this day on they may be fit again; health looks")
    changed: str = Field(
        sa_type=Text, description="JSON: per movement its people before and after, and the new version"
    )
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcInstant)


class HeadCount(SQLModel, table=True):
    """Index: (``movement_id``, ``place_id``, ``recorded_by``). How many an escort counted aboard at a stop."""

    __tablename__ = "head_count"
    movement_id: str = Field(foreign_key="movement.movement_id", primary_key=True)
    place_id: str = Field(primary_key=True, description="Stop of the journey: place, post or airport")
    recorded_by: str = Field(primary_key=True)
    person_count: int = Field(ge=0)
    expected_count: int = Field(ge=0, description="How many of the escort's own list should have been aboard")
    at: datetime = Field(sa_type=UtcInstant)
    version: int = Field(default=1, nullable=False)
