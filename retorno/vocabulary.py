"""Closed lists, as they are stored and shown; their labels stand in ``data/labels.csv``.

A code is what the database and the files hold; nobody reads a code on a screen.
"""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """Languages of the screens."""

    ES = "es"
    EN = "en"
    FR = "fr"


class Role(StrEnum):
    """What a user may be; the matrix is in ``office/access.py``."""

    COORDINATOR = "coordinator"
    CONSULATE = "consulate"
    BORDER_POST = "border_post"
    RECEPTION = "reception"
    ESCORT = "escort"
    PROTECTION = "protection"
    HEALTH = "health"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    MONITOR = "monitor"


class Sex(StrEnum):
    """As the person or the document states it; X where neither applies or it is not stated."""

    FEMALE = "F"
    MALE = "M"
    UNSPECIFIED = "X"


class PersonStatus(StrEnum):
    """Where a person's return stands. ``withdrawn`` is neutral and carries no penalty (R3)."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    CLOSED = "closed"


class Relation(StrEnum):
    """Relation of a group member to the person the group is registered under."""

    SELF = "self"
    PARTNER = "partner"
    CHILD = "child"
    PARENT = "parent"
    SIBLING = "sibling"
    GRANDCHILD = "grandchild"
    GRANDPARENT = "grandparent"
    OTHER_RELATIVE = "other_relative"
    WARD = "ward"
    UNRELATED = "unrelated"


class ConsentPurpose(StrEnum):
    """What a consent is for; each is given and withdrawn on its own."""

    RETURN = "return"
    CONSULAR_CONTACT = "consular_contact"
    GROUP_SPLIT = "group_split"
    FOLLOW_UP = "follow_up"


class StepState(StrEnum):
    """Where a step of a half-filled form stands."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    BLOCKED = "blocked"


class EntryBasis(StrEnum):
    """Why the person may enter the destination country (R9)."""

    NATIONALITY = "nationality"
    HABITUAL_RESIDENCE = "habitual_residence"
    PERMIT = "permit"


class OnwardMeans(StrEnum):
    """How a person gets from the reception point to the final municipality (R24)."""

    PROVIDED = "provided"
    FAMILY = "family"
    OWN_CHOICE = "own_choice"


class DocumentType(StrEnum):
    """Travel and identity documents."""

    PASSPORT = "passport"
    LAISSEZ_PASSER = "laissez_passer"
    NATIONAL_ID = "national_id"
    BIRTH_CERTIFICATE = "birth_certificate"
    SAFE_CONDUCT = "safe_conduct"
    OTHER = "other"


class FitnessOutcome(StrEnum):
    """Outcome of a fitness-to-travel check (R16)."""

    FIT = "fit"
    FIT_WITH_CONDITIONS = "fit_with_conditions"
    NOT_NOW = "not_now"


class Need(StrEnum):
    """Operational needs on the way; never a diagnosis."""

    WHEELCHAIR = "wheelchair"
    MEDICAL_ESCORT = "medical_escort"
    OXYGEN = "oxygen"
    GROUND_FLOOR = "ground_floor"
    SPECIAL_DIET = "special_diet"
    INTERPRETER = "interpreter"
    INFANT_SEAT = "infant_seat"


class HoldKind(StrEnum):
    """Why a person may not be moved; known to protection (and health for medical) only."""

    ASYLUM = "asylum"
    REFOULEMENT = "refoulement"
    COURT = "court"
    TRAFFICKING = "trafficking"
    MISSING_CHILD = "missing_child"
    MEDICAL = "medical"
    CUSTODY = "custody"
    FEAR = "fear"
    IDENTITY = "identity"


class BestInterestOutcome(StrEnum):
    """Outcome of a best-interest decision."""

    RETURN = "return"
    STAY = "stay"
    PENDING = "pending"


class Mode(StrEnum):
    """How a movement travels."""

    ROAD = "road"
    COACH = "coach"
    FLIGHT = "flight"
    CHARTER = "charter"


class Profile(StrEnum):
    """Who a post or reception place accepts."""

    ADULTS = "adults"
    FAMILIES = "families"
    CHILDREN = "children"
    UNACCOMPANIED = "unaccompanied"
    VULNERABLE = "vulnerable"


class PlanAct(StrEnum):
    """One edit of a draft by hand."""

    MOVE = "move"
    TAKE_OUT = "take_out"
    KEEP = "keep"
    LET_GO = "let_go"
    TAKE_IN = "take_in"


class Assumed(StrEnum):
    """What a plan on a copy may assume: that something is no longer there, or that there is more of it."""

    CLOSE_CROSSING = "close_crossing"
    CANCEL_OFFER = "cancel_offer"
    LOSE_VEHICLE = "lose_vehicle"
    SHUT_PLACE = "shut_place"
    ADD_BUS = "add_bus"
    ADD_SEATS = "add_seats"
    MORE_DAYS = "more_days"
    CHANGE = "change"


class PlanStatus(StrEnum):
    """Life of a plan."""

    RUNNING = "running"
    DRAFT = "draft"
    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"
    FAILED = "failed"


class MovementStatus(StrEnum):
    """Life of a movement, in order; ``cancelled`` can follow any of the first five."""

    DRAFT = "draft"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    ISSUED = "issued"
    RELEASED = "released"
    DEPARTED = "departed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class SeatStatus(StrEnum):
    """A seat is held or was given back."""

    ACTIVE = "active"
    FREED = "freed"


class PartyKind(StrEnum):
    """Who is asked to confirm or to acknowledge."""

    CONSULATE = "consulate"
    BORDER_POST = "border_post"
    TRANSIT_STATE = "transit_state"
    RECEPTION = "reception"
    CARRIER = "carrier"
    ESCORT = "escort"


class Answer(StrEnum):
    """Answer of a party."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class AnswerReason(StrEnum):
    """Coded reasons of a consulate or another party."""

    DOCUMENT_READY = "document_ready"
    NOT_OUR_NATIONAL = "not_our_national"
    NEEDS_INTERVIEW = "needs_interview"
    NO_CAPACITY = "no_capacity"
    CLOSED_THAT_DAY = "closed_that_day"
    LIST_TOO_LATE = "list_too_late"


class ManifestStatus(StrEnum):
    """Exactly one version of a movement's manifest is current."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    VOID = "void"


class ArrivalOutcome(StrEnum):
    """What a post or reception point ticks."""

    ARRIVED = "arrived"
    NOT_TRAVELLING = "not_travelling"


class IncidentCode(StrEnum):
    """What went otherwise on the way, by code."""

    DELAY = "delay"
    BREAKDOWN = "breakdown"
    POST_CLOSED = "post_closed"
    REFUSED_ENTRY = "refused_entry"
    MEDICAL_STOP = "medical_stop"
    MISSING_PERSON = "missing_person"
    OTHER = "other"


class ClosureTarget(StrEnum):
    """What is closed or suspended."""

    CROSSING = "crossing"
    POST = "post"
    COUNTRY = "country"
    PLACE = "place"
    ROUTE = "route"


class RoundKind(StrEnum):
    """Which local rounds of a movement: bringing people to its departure, or on from its arrival."""

    COLLECT = "collect"
    ONWARD = "onward"


class ChangeKind(StrEnum):
    """The facts that ``changes`` takes in."""

    WITHDRAWAL = "withdrawal"
    HOLD = "hold"
    UNFIT = "unfit"
    NO_SHOW = "no_show"
    VEHICLE_CANCELLED = "vehicle_cancelled"
    FLIGHT_CANCELLED = "flight_cancelled"
    CLOSURE = "closure"
    REOPENING = "reopening"
    ESCORT_UNAVAILABLE = "escort_unavailable"
    DECLINED = "declined"


class JobKind(StrEnum):
    """Work done outside the page."""

    SOLVE = "solve"
    PRACTICE = "practice"
    CONTINGENCY = "contingency"


class JobState(StrEnum):
    """Life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class HoursWindow(StrEnum):
    """What a row of ``data/hours.csv`` opens."""

    OPENING = "opening"
    REPATRIATION = "repatriation"
    RECEIVING = "receiving"
    DAY = "day"


class ClosedReason(StrEnum):
    """Why a post, a receiving place or a border is closed to a movement at an instant or on a day."""

    CLOSURE = "closure"
    NO_ROAD = "no_road"
    RESTRICTED = "restricted"
    HOURS_UNKNOWN = "hours_unknown"
    PROFILE_NOT_ACCEPTED = "profile_not_accepted"
    PUBLIC_HOLIDAY = "public_holiday"
    SPECIAL_DAY = "special_day"
    WEEKDAY = "weekday"
    OUTSIDE_HOURS = "outside_hours"
    NO_DAYLIGHT = "no_daylight"
    NO_AGREEMENT = "no_agreement"
    AGREEMENT_EXPIRED = "agreement_expired"
    AGREEMENT_NOT_YET = "agreement_not_yet"
    AGREEMENT_DAY = "agreement_day"
    AGREEMENT_PROFILE = "agreement_profile"


class TripEventKind(StrEnum):
    """What happens on a vehicle's working day, besides driving."""

    DEPARTURE = "departure"
    BREAK = "break"
    EXIT_FORMALITIES = "exit_formalities"
    ENTRY_FORMALITIES = "entry_formalities"
    STOP = "stop"
    ARRIVAL = "arrival"


class NoTripReason(StrEnum):
    """Why no working day of a vehicle joins two places on a date."""

    NO_ROUTE = "no_route"
    NOT_A_STOP = "not_a_stop"
    NO_AGREEMENT = "no_agreement"
    CLOSED = "closed"
    CROSSING_TOO_LATE = "crossing_too_late"
    AFTER_DAYLIGHT = "after_daylight"
    PLACE_CLOSED = "place_closed"
    DRIVING_TOO_LONG = "driving_too_long"
    DAY_TOO_LONG = "day_too_long"
    VEHICLE_NOT_ADMITTED = "vehicle_not_admitted"


class NoWayReason(StrEnum):
    """Why a travel group has no way between two places in a window."""

    NO_ROUTE = "no_route"
    BARRED_COUNTRY = "barred_country"
    DATES = "dates"
    NO_BED = "no_bed"
    NOT_RECEIVED = "not_received"
    VULNERABLE_WINDOW = "vulnerable_window"
    PROFILE_NOT_CARRIED = "profile_not_carried"
    GROUP_TOO_LARGE = "group_too_large"
    JOURNEY_TOO_LONG = "journey_too_long"


class Rule(StrEnum):
    """The rights rules of a return, R1 to R36 (``docs/rules.md``)."""

    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    R4 = "R4"
    R5 = "R5"
    R6 = "R6"
    R7 = "R7"
    R8 = "R8"
    R9 = "R9"
    R10 = "R10"
    R11 = "R11"
    R12 = "R12"
    R13 = "R13"
    R14 = "R14"
    R15 = "R15"
    R16 = "R16"
    R17 = "R17"
    R18 = "R18"
    R19 = "R19"
    R20 = "R20"
    R21 = "R21"
    R22 = "R22"
    R23 = "R23"
    R24 = "R24"
