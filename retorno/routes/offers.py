"""What an office may put people on: offers, scheduled legs, and the plan clock they are told on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from retorno.clock import local, plan_instant, plan_minute
from retorno.errors import Fault, InputError
from retorno.routes.spans import minute_of
from retorno.vocabulary import Mode, Profile

DAY_MIN = 1440

EVERYBODY = frozenset(Profile)


@dataclass(frozen=True, kw_only=True)
class PlanClock:
    """The clock of a problem: day 0 is ``first_date``, ``days`` the horizon, fixed against UTC.

    Raises
    ------
    InputError
        If the horizon is empty.
    """

    first_date: date
    days: int
    utc_offset_min: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise InputError(f"horizon of {self.days} days, expected at least 1")

    def instant(self, day: int, minute: int) -> datetime:
        """The UTC instant of a minute after 00:00 of a day."""
        return plan_instant(day * DAY_MIN + minute, self.first_date, self.utc_offset_min)

    def minute(self, instant: datetime) -> int:
        """Minutes from 00:00 of day 0 to an instant."""
        return plan_minute(instant, self.first_date, self.utc_offset_min)

    @property
    def start_min(self) -> int:
        """UTC minute since 1970 of 00:00 of day 0."""
        return minute_of(self.instant(0, 0))

    def dates(self) -> list[date]:
        """Every local date, anywhere on earth, on which something of the horizon may happen."""
        return [self.first_date + timedelta(days=number) for number in range(-1, self.days + 1)]


@dataclass(frozen=True, kw_only=True)
class Access:
    """The road between an airport and a place nearby; both ways alike. The airport itself is 0 minutes away."""

    place_id: str
    minutes: int


@dataclass(frozen=True, kw_only=True)
class AirDefaults:
    """What we assume of a flight of ``air_services.csv`` until an office records real seats.

    Parameters
    ----------
    morning_min, afternoon_min, evening_min, night_min
        Local departure, minutes after midnight. Our assumption, so that connections exist as hubs make them: a
        short flight to an airport with at least as many services leaves in the morning, any other short flight in
        the afternoon; a long flight in the evening, from a hub of ``airports.csv`` at night.
    long_from_hours
        Block hours from which a flight is long.
    seats
        Seats that may be had on a departure.
    fare_base_cents, fare_km_cents, far_base_cents, far_km_tenth_cents, far_from_km
        Fare of a seat: base and price of a kilometre, from ``far_from_km`` on the far ones (tenths of a cent a
        kilometre). As in the benchmark problems; no source.
    """

    morning_min: int = 450
    afternoon_min: int = 900
    evening_min: int = 1080
    night_min: int = 1260
    long_from_hours: float = 6.0
    seats: int = 8
    fare_base_cents: int = 9000
    fare_km_cents: int = 9
    far_base_cents: int = 25000
    far_km_tenth_cents: int = 45
    far_from_km: int = 6000

    def fare_cents(self, km: float) -> int:
        """Assumed fare of a seat over a great circle."""
        whole = int(km)
        if whole < self.far_from_km:
            return self.fare_base_cents + self.fare_km_cents * whole
        return self.far_base_cents + self.far_km_tenth_cents * whole // 10


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Seats that an office has bought or optioned on one departure, or an aircraft it can charter.

    Parameters
    ----------
    service_id
        The row of ``air_services.csv`` or ``coach_services.csv`` whose departure this is; empty for any other.
    mode
        Coach, flight or charter.
    origin, destination
        Airport or place ids.
    depart_at, arrive_at
        UTC instants of the carrier's timetable.
    seats, wheelchairs
        What may be used; of a charter, of one aircraft.
    min_load
        Of a charter: with fewer it does not fly.
    fare_cents, fixed_cents
        Price of a seat; price of an aircraft.
    crossings
        Of a coach: crossing ids in riding order.

    Raises
    ------
    InputError
        With everything that cannot be.
    """

    offer_id: str
    mode: Mode
    carrier: str
    origin: str
    destination: str
    depart_at: datetime
    arrive_at: datetime
    seats: int
    service_id: str = ""
    wheelchairs: int = 2
    min_load: int = 0
    fare_cents: int = 0
    fixed_cents: int = 0
    max_per_day: int = 1
    crossings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        what = f"offer {self.offer_id}"
        faults = []
        if self.mode is Mode.ROAD:
            faults.append(Fault(what=f"{what}: mode road, expected coach, flight or charter"))
        if self.depart_at.tzinfo is None or self.arrive_at.tzinfo is None:
            faults.append(Fault(what=f"{what}: instants need a time zone, expected UTC"))
        elif self.arrive_at <= self.depart_at:
            faults.append(Fault(what=f"{what}: arrives at {self.arrive_at}, must be after {self.depart_at}"))
        if self.seats < 1 or not 0 <= self.min_load <= self.seats:
            faults.append(Fault(what=f"{what}: {self.seats} seats, least load {self.min_load}: not possible"))
        if self.crossings and self.mode is not Mode.COACH:
            faults.append(Fault(what=f"{what}: only a coach passes crossings"))
        if faults:
            raise InputError(faults)


@dataclass(frozen=True, kw_only=True)
class LegTimes:
    """A leg on one day: UTC and place-local instants, and the carrier's own departure and arrival, UTC."""

    depart_at: datetime
    arrive_at: datetime
    depart_local: datetime
    arrive_local: datetime
    carrier_depart_at: datetime
    carrier_arrive_at: datetime


@dataclass(frozen=True, kw_only=True)
class ScheduledLeg:
    """A flight, coach or charter between two sites, on the days on which it runs at this time.

    Parameters
    ----------
    leg_id
        Unique, the same in every run.
    service_id
        The row or offer it comes from. Legs of one service between other sites near the same airports are the same
        seats: a problem may hold one of them.
    origin, destination
        Sites: places, or airports where no place in play is near.
    from_node, to_node
        Where the vehicle itself leaves and arrives: of a flight the airports, of a coach the sites.
    depart_min, arrive_min
        Minutes from 00:00 of the day of departure at the site: the road to and from the airport is in them, time
        for check-in is not (that is ``transfer_min``). ``arrive_min`` may be 1440 or more.
    access_from_min, access_to_min
        The part of it that is the road to and from the airport.
    days, vulnerable_days
        One character per day of the horizon, as in the problem format.
    seats, wheelchairs, fare_cents
        Of a departure (of a charter: of an aircraft); a charter has no fare.
    fixed_cents, min_load, max_per_day
        Of a charter; 0 otherwise.
    crossings
        Of a coach, in riding order.
    countries
        Every country on the way, in order, the one of departure first.
    profiles
        Who may ride.
    is_assumed
        An assumed timetable: ask the carrier before anything is promised.
    """

    leg_id: str
    service_id: str
    mode: Mode
    carrier: str
    origin: str
    destination: str
    from_node: str
    to_node: str
    depart_zone: str
    arrive_zone: str
    depart_min: int
    arrive_min: int
    access_from_min: int = 0
    access_to_min: int = 0
    days: str
    vulnerable_days: str
    seats: int
    wheelchairs: int = 2
    fare_cents: int = 0
    fixed_cents: int = 0
    min_load: int = 0
    max_per_day: int = 0
    crossings: tuple[str, ...] = ()
    countries: tuple[str, ...]
    profiles: frozenset[Profile] = EVERYBODY
    is_assumed: bool

    def times(self, clock: PlanClock, day: int) -> LegTimes:
        """When it leaves and arrives if it departs on a day of the plan clock."""
        depart_at, arrive_at = clock.instant(day, self.depart_min), clock.instant(day, self.arrive_min)
        return LegTimes(
            depart_at=depart_at,
            arrive_at=arrive_at,
            depart_local=local(depart_at, self.depart_zone),
            arrive_local=local(arrive_at, self.arrive_zone),
            carrier_depart_at=depart_at + timedelta(minutes=self.access_from_min),
            carrier_arrive_at=arrive_at - timedelta(minutes=self.access_to_min),
        )
