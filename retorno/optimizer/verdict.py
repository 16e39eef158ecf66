"""What the judge says of a plan: codes of broken constraints, the verdict, and what is used of every capacity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """What a plan can break; the words of the public format. See `VERSION_2`."""

    HEADER = "HEADER"
    MALFORMED = "MALFORMED"
    VEHICLE_TWICE = "VEHICLE_TWICE"
    VEHICLE_UNKNOWN = "VEHICLE_UNKNOWN"
    TRIP_UNKNOWN = "TRIP_UNKNOWN"
    VEHICLE_DAYS = "VEHICLE_DAYS"
    VEHICLE_PLACE = "VEHICLE_PLACE"
    VEHICLE_END = "VEHICLE_END"
    TRIP_NOT_RUN = "TRIP_NOT_RUN"
    FLEET = "FLEET"
    GROUP_UNKNOWN = "GROUP_UNKNOWN"
    LEG_UNKNOWN = "LEG_UNKNOWN"
    LEG_PLACE = "LEG_PLACE"
    NOT_HOME = "NOT_HOME"
    PAST_DESTINATION = "PAST_DESTINATION"
    LEG_NOT_RUN = "LEG_NOT_RUN"
    VULNERABLE_HOURS = "VULNERABLE_HOURS"
    NOT_READY = "NOT_READY"
    TOO_LATE = "TOO_LATE"
    JOURNEY_TOO_LONG = "JOURNEY_TOO_LONG"
    TRANSFER = "TRANSFER"
    LAND_LEG_SECOND = "LAND_LEG_SECOND"
    NO_SUCH_MOVE = "NO_SUCH_MOVE"
    BARRED_COUNTRY = "BARRED_COUNTRY"
    SEATS = "SEATS"
    WHEELCHAIRS = "WHEELCHAIRS"
    QUOTA = "QUOTA"
    BEDS = "BEDS"
    RECEPTION = "RECEPTION"
    SERVICE_SEATS = "SERVICE_SEATS"
    CHARTER_SEATS = "CHARTER_SEATS"
    CHARTER_MINIMUM = "CHARTER_MINIMUM"
    AIRCRAFT = "AIRCRAFT"
    ESCORTS = "ESCORTS"
    CONFLICT = "CONFLICT"
    PAST_LEG = "PAST_LEG"
    PAST_VEHICLE = "PAST_VEHICLE"
    LOCKED = "LOCKED"
    UNACCOMPANIED = "UNACCOMPANIED"
    ESCORT_SEX = "ESCORT_SEX"
    ESCORT_RETURN = "ESCORT_RETURN"
    VEHICLE_REST = "VEHICLE_REST"
    VEHICLE_NIGHT = "VEHICLE_NIGHT"


# What only a problem of version 2 can have broken.
VERSION_2: Final = frozenset(
    {Code.UNACCOMPANIED, Code.ESCORT_SEX, Code.ESCORT_RETURN, Code.VEHICLE_REST, Code.VEHICLE_NIGHT}
)

# The five summands of the value, and the parts that the third of them is made of.
SUMMANDS: Final = ("unplanned", "waiting", "cost", "comfort", "changes")
COST_PARTS: Final = ("trips", "idle", "return", "hire", "fares", "charters", "beds", "escorts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One broken constraint; the ids are empty where the constraint is not about one group or vehicle."""

    code: Code
    text: str
    group_id: str = ""
    vehicle_id: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the judge found.

    Parameters
    ----------
    violations
        In the order found; none means the plan is valid.
    value_cents
        The objective, to be minimised; the sum of the components named in `SUMMANDS`. 0 if malformed.
    components
        Cents by name: those of `SUMMANDS` and, as parts of ``cost``, those of `COST_PARTS`.
    persons, persons_unplanned
        Of all groups; of those without a leg.
    person_days
        Persons times days from ready day to arrival, or to the end of the horizon if unplanned.
    trips_run, groups_changed
        Vehicle moves; groups whose earlier itinerary differs (replanning only).
    """

    violations: tuple[Violation, ...]
    value_cents: int
    components: dict[str, int]
    persons: int
    persons_unplanned: int
    person_days: int
    trips_run: int
    groups_changed: int

    @property
    def is_valid(self) -> bool:
        """Whether no constraint is broken."""
        return not self.violations

    @property
    def codes(self) -> tuple[Code, ...]:
        """The code of every violation, sorted, repeats kept."""
        return tuple(sorted(violation.code for violation in self.violations))


@dataclass(frozen=True, kw_only=True, slots=True)
class Uses:
    """What a plan uses of every capacity; persons with their escorts unless said otherwise. Unused is absent.

    Parameters
    ----------
    seats, wheelchairs, children
        By (vehicle, day, segment); wheelchair places; unaccompanied children.
    quota, beds, services
        By (crossing, day), (site, night), (service, day).
    reception
        By (site, day); persons without escorts.
    charters
        By (charter, day, aircraft).
    linked_children, linked_escorts
        By (service or charter, day, aircraft; 0 for a service): unaccompanied children, escorts.
    escorts, women, men
        By (pool, day); escorts, and how many of them have to be women or men.
    riders
        By group: the (vehicle, day) it rides.
    """

    seats: Mapping[tuple[str, int, int], int]
    wheelchairs: Mapping[tuple[str, int, int], int]
    quota: Mapping[tuple[str, int], int]
    beds: Mapping[tuple[str, int], int]
    reception: Mapping[tuple[str, int], int]
    services: Mapping[tuple[str, int], int]
    charters: Mapping[tuple[str, int, int], int]
    escorts: Mapping[tuple[str | None, int], int]
    children: Mapping[tuple[str, int, int], int]
    linked_children: Mapping[tuple[str, int, int], int]
    linked_escorts: Mapping[tuple[str, int, int], int]
    women: Mapping[tuple[str | None, int], int]
    men: Mapping[tuple[str | None, int], int]
    riders: Mapping[str, frozenset[tuple[str, int]]]
