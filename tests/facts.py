"""Facts for the rules, every field defaulted and every default legal; invented people only."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from retorno.policy import shipped_policy
from retorno.rules import (
    AcceptedDocument,
    AcknowledgementFacts,
    BestInterestFacts,
    BreakFacts,
    CarrierHealth,
    ConsentFacts,
    CrossingFacts,
    DocumentFacts,
    DriverFacts,
    EscortFacts,
    FitnessFacts,
    GroupFacts,
    JourneyLeg,
    MovementFacts,
    Occasion,
    PersonFacts,
    PostFacts,
    ReceptionFacts,
    RiderFacts,
    ScreeningFacts,
    SegmentFacts,
    VehicleFacts,
)
from retorno.vocabulary import (
    BestInterestOutcome,
    ConsentPurpose,
    DocumentType,
    FitnessOutcome,
    Mode,
    MovementStatus,
    Need,
    OnwardMeans,
    PartyKind,
    PersonStatus,
    Sex,
)

NOW = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)
DAY = date(2027, 3, 9)
POLICY = shipped_policy()

ACCEPTED = (
    AcceptedDocument(
        document_type=DocumentType.PASSPORT,
        state="*",
        role="receiving",
        nationalities=frozenset({"*own"}),
        modes=frozenset({"land", "air"}),
        accepted="yes",
        margin_days=0,
    ),
    AcceptedDocument(
        document_type=DocumentType.NATIONAL_ID,
        state="*",
        role="receiving",
        nationalities=frozenset({"*own"}),
        modes=frozenset({"land"}),
        accepted="on_confirmation",
        margin_days=0,
    ),
    AcceptedDocument(
        document_type=DocumentType.PASSPORT,
        state="*",
        role="receiving",
        nationalities=frozenset({"*any"}),
        modes=frozenset({"land", "air"}),
        accepted="on_confirmation",
        margin_days=90,
    ),
    AcceptedDocument(
        document_type=DocumentType.PASSPORT,
        state="*",
        role="transit",
        nationalities=frozenset({"*any"}),
        modes=frozenset({"land", "air"}),
        accepted="yes",
        margin_days=90,
    ),
    AcceptedDocument(
        document_type=DocumentType.SAFE_CONDUCT,
        state="GT",
        role="transit",
        nationalities=frozenset({"HN"}),
        modes=frozenset({"land"}),
        accepted="yes",
        margin_days=0,
    ),
)

CARRIERS = (
    CarrierHealth(
        carrier="*",
        mode="air",
        pregnancy="single",
        certificate_from_week=28,
        certificate_max_age_hours=72,
        not_carried_from_week=36,
        min_days_after_birth=7,
        applies_over_min=0,
    ),
    CarrierHealth(
        carrier="STRICT",
        mode="air",
        pregnancy="single",
        certificate_from_week=25,
        certificate_max_age_hours=48,
        not_carried_from_week=30,
        min_days_after_birth=14,
        applies_over_min=0,
    ),
)


def consent(**overrides: Any) -> ConsentFacts:
    """Consent to return to Honduras, counselled eight and given five days ago."""
    values: dict[str, Any] = {
        "consent_id": "K-1",
        "purpose": ConsentPurpose.RETURN,
        "destination_country": "HN",
        "text_version": "2027-01",
        "language": "es",
        "interpreter": "",
        "counselled_at": NOW - timedelta(days=8),
        "given_at": NOW - timedelta(days=5),
        "is_own_act": True,
    }
    return ConsentFacts(**(values | overrides))


def split_request(**overrides: Any) -> ConsentFacts:
    """A written request to split the group."""
    return consent(**({"consent_id": "K-2", "purpose": ConsentPurpose.GROUP_SPLIT} | overrides))


def fitness(**overrides: Any) -> FitnessFacts:
    """Fit from 25 February to 25 May 2027."""
    values: dict[str, Any] = {
        "outcome": FitnessOutcome.FIT,
        "valid_from": date(2027, 2, 25),
        "valid_until": date(2027, 5, 25),
    }
    return FitnessFacts(**(values | overrides))


def document(**overrides: Any) -> DocumentFacts:
    """A Honduran passport, proven by its zone, until 30 June 2029."""
    values: dict[str, Any] = {
        "document_type": DocumentType.PASSPORT,
        "issuing_country": "HN",
        "expires_on": date(2029, 6, 30),
        "is_mrz_valid": True,
    }
    return DocumentFacts(**(values | overrides))


def person(person_id: str = "P-1", **overrides: Any) -> PersonFacts:
    """A Honduran woman of 36 with everything a return needs."""
    values: dict[str, Any] = {
        "person_id": person_id,
        "group_id": "G-1",
        "status": PersonStatus.ACTIVE,
        "sex": Sex.FEMALE,
        "nationality": "HN",
        "languages": ("es",),
        "birth_date": date(1990, 5, 17),
        "onward_means": OnwardMeans.PROVIDED,
        "consents": (consent(),),
        "screening": ScreeningFacts(screened_at=NOW - timedelta(days=6)),
        "documents": (document(),),
        "fitness": fitness(),
    }
    return PersonFacts(**(values | overrides))


def third_state(**overrides: Any) -> PersonFacts:
    """A Cuban whose passport the destination confirmed; the right to enter is for the test to give."""
    values: dict[str, Any] = {"nationality": "CU", "documents": (document(issuing_country="CU", is_confirmed=True),)}
    return person(**(values | overrides))


def child(person_id: str = "P-2", **overrides: Any) -> PersonFacts:
    """A child of eight in the care of ``P-1``."""
    values: dict[str, Any] = {"birth_date": date(2018, 7, 2), "caregiver_id": "P-1"}
    return person(person_id, **(values | overrides))


def decision(**overrides: Any) -> BestInterestFacts:
    """A complete best-interest decision for return of 1 February 2027, cleared by two."""
    values: dict[str, Any] = {
        "outcome": BestInterestOutcome.RETURN,
        "decided_on": date(2027, 2, 1),
        "valid_until": date(2027, 5, 1),
        "body": "B-17",
        "is_appealed": False,
        "guardian_consent_on": date(2027, 2, 3),
        "child_view_recorded_on": date(2027, 2, 2),
        "receiving_agreed_on": date(2027, 2, 5),
        "pickup_named": "R-5",
        "is_cleared_by_two": True,
    }
    return BestInterestFacts(**(values | overrides))


def unaccompanied(person_id: str = "P-3", **overrides: Any) -> PersonFacts:
    """An unaccompanied girl of fourteen with a complete file and the escort ``E-1``."""
    values: dict[str, Any] = {
        "birth_date": date(2012, 6, 1),
        "is_unaccompanied": True,
        "best_interest": decision(),
        "escorts_approved_until": (("E-1", date(2027, 3, 31)),),
    }
    return person(person_id, **(values | overrides))


def group(*persons: PersonFacts, **overrides: Any) -> GroupFacts:
    """A group of these people, or of one ready adult, bound for Omoa in Honduras."""
    values: dict[str, Any] = {
        "group_id": "G-1",
        "destination_country": "HN",
        "destination_place_id": "HN-CAMR-OMOA",
        "persons": persons or (person(),),
    }
    return GroupFacts(**(values | overrides))


def leg(**overrides: Any) -> JourneyLeg:
    """A bus ride of eight hours through Guatemala on the day of the journey."""
    values: dict[str, Any] = {
        "mode": Mode.ROAD,
        "carrier": "own",
        "departs_on": DAY,
        "duration_min": 480,
        "transit_countries": ("GT",),
    }
    return JourneyLeg(**(values | overrides))


FLIGHT = leg(mode=Mode.FLIGHT, carrier="AIR", duration_min=120, transit_countries=())


def occasion(**overrides: Any) -> Occasion:
    """Judged on 1 March 2027 for a journey on 9 March under the shipped numbers."""
    values: dict[str, Any] = {
        "now": NOW,
        "departs_on": DAY,
        "last_leg_on": DAY,
        "policy": POLICY,
        "carrier_health": CARRIERS,
        "documents_accepted": ACCEPTED,
    }
    return Occasion(**(values | overrides))


def rider(who: PersonFacts | None = None, **overrides: Any) -> RiderFacts:
    """A person on both segments."""
    values: dict[str, Any] = {"person": who or person(), "board": 0, "alight": 2}
    return RiderFacts(**(values | overrides))


def escort(escort_id: str = "E-1", **overrides: Any) -> EscortFacts:
    """A woman who escorts children on both segments and has a way back."""
    values: dict[str, Any] = {
        "escort_id": escort_id,
        "sex": Sex.FEMALE,
        "duty": "child_protection",
        "approved_until": date(2027, 12, 31),
        "is_available": True,
        "has_return_seat": True,
        "board": 0,
        "alight": 2,
    }
    return EscortFacts(**(values | overrides))


def segment(number: int, **overrides: Any) -> SegmentFacts:
    """The first (07:00 to 11:00) or second (11:30 to 15:30) ride of the day, 40 of 45 seats usable."""
    start = datetime(2027, 3, 9, 7, 0) if number == 0 else datetime(2027, 3, 9, 11, 30)  # noqa: DTZ001
    values: dict[str, Any] = {
        "from_place_id": ("MX-TAPACHULA", "GT-ESQUIPULAS")[number],
        "to_place_id": ("GT-ESQUIPULAS", "HN-CAMR-OMOA")[number],
        "depart_local": start,
        "arrive_local": start + timedelta(hours=4),
        "usable_seats": 40,
        "built_seats": 45,
        "wheelchairs": 1,
        "light_from_min": 345,
        "light_until_min": 1090,
    }
    return SegmentFacts(**(values | overrides))


def post(post_id: str, **overrides: Any) -> PostFacts:
    """A desk that is open for two hours more."""
    return PostFacts(**({"post_id": post_id, "is_open": True, "closes_in_min": 120} | overrides))


def crossing(**overrides: Any) -> CrossingFacts:
    """Corinto, both desks open."""
    values: dict[str, Any] = {
        "crossing_id": "GT-HN-COR",
        "leave": post("GT-HN-COR-A"),
        "enter": post("GT-HN-COR-B"),
    }
    return CrossingFacts(**(values | overrides))


def reception(**overrides: Any) -> ReceptionFacts:
    """Omoa receives, with room for sixty."""
    values: dict[str, Any] = {
        "place_id": "HN-CAMR-OMOA",
        "receiver": "HN-CAMR-OMOA",
        "is_open": True,
        "closes_in_min": 90,
        "free_places": 60,
        "person_count": 1,
    }
    return ReceptionFacts(**(values | overrides))


def vehicle(**overrides: Any) -> VehicleFacts:
    """A coach whose papers are valid all year and that serves a wheelchair."""
    values: dict[str, Any] = {
        "vehicle_id": "V-1",
        "licence_until": date(2027, 12, 31),
        "insurance_until": date(2027, 12, 31),
        "inspection_until": date(2027, 12, 31),
        "serves_needs": frozenset({Need.WHEELCHAIR, Need.SPECIAL_DIET}),
    }
    return VehicleFacts(**(values | overrides))


def driver(driver_id: str = "R-1", **overrides: Any) -> DriverFacts:
    """A rested driver with a licence."""
    values: dict[str, Any] = {
        "driver_id": driver_id,
        "licence_until": date(2027, 12, 31),
        "rest_hours_before": 14,
        "days_driven_in_row": 2,
    }
    return DriverFacts(**(values | overrides))


def movement(*riders: RiderFacts, **overrides: Any) -> MovementFacts:
    """A coach from Tapachula to Omoa on 9 March 2027, ready to be released; one adult aboard by default.

    ``group_members`` defaults to the riders' own groups, whole.
    """
    aboard = riders or (rider(),)
    groups = {each.person.group_id for each in aboard}
    departs = datetime(2027, 3, 9, 13, 0, tzinfo=UTC)
    values: dict[str, Any] = {
        "movement_id": "M-1",
        "mode": Mode.ROAD,
        "stage": MovementStatus.RELEASED,
        "now": NOW,
        "depart_at": departs,
        "arrive_at": departs + timedelta(hours=8, minutes=30),
        "segments": (segment(0), segment(1)),
        "riders": aboard,
        "group_members": tuple(
            (each, frozenset(r.person.person_id for r in aboard if r.person.group_id == each))
            for each in sorted(groups)
        ),
        "crossings": (crossing(),),
        "receptions": (reception(),),
        "drivers": (driver(),),
        "drivers_needed": 1,
        "vehicle": vehicle(),
        "drive_stretches_min": (235, 235),
        "breaks": (BreakFacts(minutes=30, has_toilet=True),),
        "is_route_confirmed": True,
        "notice_sent_at": NOW,
        "acknowledgements": (
            AcknowledgementFacts(
                party_kind=PartyKind.RECEPTION, party_id="HN-CAMR-OMOA", acknowledged_at=NOW + timedelta(hours=3)
            ),
        ),
    }
    return MovementFacts(**(values | overrides))
