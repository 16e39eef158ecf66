"""Everything a travel group may ride in one horizon, as arrays that one search after the other can use.

Day trips and scheduled legs become *rides*: one for each pair of stops that people may board and leave at. Which
rides run on which day, where nights may be spent and when places receive is worked out once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from retorno.errors import Fault, InputError
from retorno.routes.offers import DAY_MIN, EVERYBODY, PlanClock, ScheduledLeg
from retorno.routes.spans import Spans, common, local_minute, merged
from retorno.vocabulary import Mode, Profile

if TYPE_CHECKING:
    from retorno.routes.tables import Ground

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEVER = 1 << 20
"""Day number of a ride that does not run any more."""

DETENTION = "migration_station"
CHILD_SHELTER = "child_shelter"


class WorkingDay(Protocol):
    """A vehicle's working day, as ``daytrips.DayTrip`` and the trips of the problem format have it.

    ``crossings`` has one sequence for each segment between two stops; ``profiles`` are those who may ride.
    """

    @property
    def trip_id(self) -> str: ...
    @property
    def stops(self) -> tuple[str, ...]: ...
    @property
    def depart_min(self) -> tuple[int, ...]: ...
    @property
    def arrive_min(self) -> tuple[int, ...]: ...
    @property
    def crossings(self) -> tuple[tuple[str, ...], ...]: ...
    @property
    def km(self) -> int: ...
    @property
    def drivers(self) -> int: ...
    @property
    def days(self) -> str: ...
    @property
    def vulnerable_days(self) -> str: ...
    @property
    def profiles(self) -> frozenset[Profile]: ...
    @property
    def is_empty_only(self) -> bool: ...


class ReceivingHours(Protocol):
    """When a place receives people of some profiles; ``calendars.Calendars`` is one."""

    def open_spans(self, target_id: str, from_min: int, until_min: int, *, profiles: Collection[Profile]) -> Spans: ...


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place where legs begin or end.

    Parameters
    ----------
    place_kind
        As in ``places.csv``; empty for an airport.
    beds
        Persons per night; ``None`` where no capacity is stated: no overnight stop, never unlimited.
    profiles
        Whom it receives, for the night as for good.
    buffer_min
        Least time between an arrival and the close, or the last onward transport.
    last_onward_min
        Last onward transport, minutes after local midnight; ``None`` where none is stated.
    """

    site_id: str
    country: str
    timezone: str
    place_kind: str = ""
    beds: int | None = None
    profiles: frozenset[Profile] = EVERYBODY
    buffer_min: int = 60
    last_onward_min: int | None = None

    def may_stay(self, persons: int, profiles: Collection[Profile]) -> bool:
        """Whether so many people of some profiles may spend a night here: never in detention."""
        return self.beds is not None and self.beds >= persons and self.may_arrive(profiles)

    def may_arrive(self, profiles: Collection[Profile]) -> bool:
        """Whether people of some profiles may be brought here: child shelters take unaccompanied children only."""
        if self.place_kind == DETENTION:
            return False
        if self.place_kind == CHILD_SHELTER and set(profiles) != {Profile.UNACCOMPANIED}:
            return False
        return set(profiles) <= self.profiles


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a seat costs on average, to compare ways; US cents. The plan itself counts whole vehicles.

    Parameters
    ----------
    bed_night_cents
        A bed for a night.
    trip_km_cents, trip_day_cents, driver_day_cents
        A coach, as in ``vehicles.csv`` and the benchmark problems.
    trip_riders
        People who share it: our assumption, 60 % of its 40 usable seats.
    """

    bed_night_cents: int = 2200
    trip_km_cents: int = 150
    trip_day_cents: int = 26000
    driver_day_cents: int = 9000
    trip_riders: int = 24

    def trip_seat_cents(self, trip: WorkingDay, *, board: int, alight: int) -> int:
        """A person's share of a day trip, by the part of its riding time."""
        whole = trip.km * self.trip_km_cents + self.trip_day_cents + trip.drivers * self.driver_day_cents
        part = trip.arrive_min[alight] - trip.depart_min[board]
        return -(-whole * part // (self.trip_riders * (trip.arrive_min[-1] - trip.depart_min[0])))

    @staticmethod
    def leg_seat_cents(leg: ScheduledLeg) -> int:
        """A fare, or the share of a charter that flies with its least load."""
        return leg.fare_cents + -(-leg.fixed_cents // max(1, leg.min_load))


@dataclass(frozen=True, kw_only=True)
class Ride:
    """One seat from a boarding to an alighting place, on the days of its row.

    ``board`` and ``alight`` are stop indices of a trip, 0 and 1 of a scheduled leg. ``entered`` are the countries
    that are entered on the way, the one of departure left out.
    """

    row_id: str
    mode: Mode
    board: int
    alight: int
    origin: str
    destination: str
    depart_min: int
    arrive_min: int
    days: str
    vulnerable_days: str
    seat_cents: int
    seats: int
    wheelchairs: int
    crossings: tuple[str, ...]
    entered: tuple[str, ...]
    profiles: frozenset[Profile]
    is_received: bool
    is_assumed: bool

    @property
    def is_land(self) -> bool:
        """Whether it goes by road."""
        return self.mode in (Mode.ROAD, Mode.COACH)


def sites_of(ground: Ground, site_ids: Iterable[str]) -> dict[str, Site]:
    """Sites with what ``reception.csv`` states of them; without a row a place has no beds.

    Raises
    ------
    InputError
        With every id that is neither a place nor an airport.
    """
    found, faults = {}, []
    for site_id in sorted(set(site_ids)):
        place = ground.places.get(site_id)
        where = place or ground.airports.get(site_id)
        if where is None:
            faults.append(Fault(what=f'"{site_id}" is unknown, expected the id of a place or airport'))
            continue
        row = ground.reception.get(site_id)
        found[site_id] = Site(
            site_id=site_id,
            country=where.country,
            timezone=where.timezone,
            place_kind=place.kind if place is not None else "",
            beds=row.beds if row is not None and (place is None or place.status != "closed") else None,
            profiles=frozenset(Profile(name) for name in row.profiles) if row and row.profiles else EVERYBODY,
            buffer_min=row.buffer_min if row is not None else 60,
            last_onward_min=row.last_onward_min if row is not None else None,
        )
    if faults:
        raise InputError(faults)
    return found


class TransportOffer:
    """All rides of one horizon, prepared for many searches.

    Parameters
    ----------
    clock
        The horizon; every day string is as long as it.
    sites
        Every place where a ride begins or ends.
    trips, legs
        What may be ridden. Trips that nobody may ride are left out.
    crossings
        The two countries of every crossing that a row names.
    hours
        When places receive; ``None`` where they always do. Day trips keep these hours already.
    transfer_min
        Least time between an arrival and the next departure of a group.
    vehicle_seats, vehicle_wheelchairs
        The largest vehicle in the fleet, for day trips.

    Raises
    ------
    InputError
        With every row that names an unknown site or crossing or whose day strings have the wrong length.
    """

    def __init__(
        self,
        clock: PlanClock,
        sites: Mapping[str, Site],
        trips: Sequence[WorkingDay],
        legs: Sequence[ScheduledLeg],
        *,
        crossings: Mapping[str, tuple[str, str]],
        hours: ReceivingHours | None = None,
        prices: Prices | None = None,
        transfer_min: int = 120,
        vehicle_seats: int = 40,
        vehicle_wheelchairs: int = 2,
    ) -> None:
        faults = [*_row_faults(clock, sites, trips, legs, crossings)]
        if faults:
            raise InputError(faults)
        self.clock = clock
        self.sites = dict(sites)
        self.prices = prices or Prices()
        self.transfer_min = transfer_min
        self.vehicle_seats = vehicle_seats
        self._hours = hours
        self._received: dict[frozenset[Profile], Flags] = {}
        self._admits: dict[frozenset[Profile], Flags] = {}
        rides = [
            *(ride for trip in trips for ride in self._of_trip(trip, crossings, vehicle_seats, vehicle_wheelchairs)),
            *(self._of_leg(leg) for leg in legs),
        ]
        self.names = sorted(self.sites)
        self.index = {name: number for number, name in enumerate(self.names)}
        self.rides = sorted(
            _worth_riding(rides), key=lambda ride: (ride.origin, ride.destination, ride.depart_min, ride.row_id)
        )
        self._arrays()

    def _arrays(self) -> None:
        """Put the rides into arrays, in their order: by site of departure."""
        rides, days = self.rides, self.clock.days

        def column(values: Iterable[int]) -> Ints:
            return np.fromiter(values, dtype=np.int64, count=len(rides))

        self.origin = column(self.index[ride.origin] for ride in rides)
        self.destination = column(self.index[ride.destination] for ride in rides)
        self.depart = column(ride.depart_min for ride in rides)
        self.arrive = column(ride.arrive_min for ride in rides)
        self.seat_cents = column(ride.seat_cents for ride in rides)
        self.seats = column(ride.seats for ride in rides)
        self.wheelchairs = column(ride.wheelchairs for ride in rides)
        self.land = column(ride.is_land for ride in rides).astype(np.bool_)
        self.next_day = [
            _next_days([ride.days for ride in rides], days),
            _next_days([ride.vulnerable_days for ride in rides], days),
        ]
        entering: dict[str, list[int]] = {}
        for number, ride in enumerate(rides):
            for country in ride.entered:
                entering.setdefault(country, []).append(number)
        self.entering = {country: np.array(numbers, dtype=np.int64) for country, numbers in entering.items()}

    def _of_trip(
        self, trip: WorkingDay, crossings: Mapping[str, tuple[str, str]], seats: int, wheelchairs: int
    ) -> Iterable[Ride]:
        """Every pair of stops of a trip that people may ride."""
        if trip.is_empty_only:
            return
        here = self.sites[trip.stops[0]].country
        countries = [[here]]
        for segment in trip.crossings:
            countries.append([])
            for crossing_id in segment:
                pair = crossings[crossing_id]
                countries[-1].append(pair[1] if here == pair[0] else pair[0])
                here = countries[-1][-1]
        for board in range(len(trip.stops) - 1):
            for alight in range(board + 1, len(trip.stops)):
                yield Ride(
                    row_id=trip.trip_id,
                    mode=Mode.ROAD,
                    board=board,
                    alight=alight,
                    origin=trip.stops[board],
                    destination=trip.stops[alight],
                    depart_min=trip.depart_min[board],
                    arrive_min=trip.arrive_min[alight],
                    days=trip.days,
                    vulnerable_days=trip.vulnerable_days,
                    seat_cents=self.prices.trip_seat_cents(trip, board=board, alight=alight),
                    seats=seats,
                    wheelchairs=wheelchairs,
                    crossings=tuple(one for segment in trip.crossings[board:alight] for one in segment),
                    entered=tuple(code for part in countries[board + 1 : alight + 1] for code in part),
                    profiles=trip.profiles,
                    is_received=True,
                    is_assumed=False,
                )

    def _of_leg(self, leg: ScheduledLeg) -> Ride:
        return Ride(
            row_id=leg.leg_id,
            mode=leg.mode,
            board=0,
            alight=1,
            origin=leg.origin,
            destination=leg.destination,
            depart_min=leg.depart_min,
            arrive_min=leg.arrive_min,
            days=leg.days,
            vulnerable_days=leg.vulnerable_days,
            seat_cents=self.prices.leg_seat_cents(leg),
            seats=leg.seats,
            wheelchairs=leg.wheelchairs,
            crossings=leg.crossings,
            entered=leg.countries[1:],
            profiles=leg.profiles,
            is_received=False,
            is_assumed=leg.is_assumed,
        )

    def admits(self, profiles: frozenset[Profile]) -> Flags:
        """Whether a ride takes people of all the profiles, and they may be brought to where it goes.

        An airport may always be passed; whether it receives them counts only where they end or stay.
        """
        if profiles not in self._admits:
            sites = [self.sites[name] for name in self.names]
            welcome = np.array([not site.place_kind or site.may_arrive(profiles) for site in sites], dtype=np.bool_)
            riding = np.array([profiles <= ride.profiles for ride in self.rides], dtype=np.bool_)
            self._admits[profiles] = riding & welcome[self.destination]
        return self._admits[profiles]

    def received(self, profiles: frozenset[Profile]) -> Flags:
        """Whether the place of arrival takes people in: one row for each ride, one column for each day it departs."""
        if profiles not in self._received:
            self._received[profiles] = self._read_received(profiles)
        return self._received[profiles]

    def _read_received(self, profiles: frozenset[Profile]) -> Flags:
        days = np.arange(self.clock.days, dtype=np.int64)
        arrive = self.clock.start_min + days[None, :] * DAY_MIN + self.arrive[:, None]
        found = np.zeros(arrive.shape, dtype=np.bool_)
        for number, name in enumerate(self.names):
            mine = np.flatnonzero(self.destination == number)
            site = self.sites[name]
            if not len(mine) or not site.may_arrive(profiles):
                continue
            kept = np.array([self.rides[ride].is_received for ride in mine])[:, None]
            if self._hours is None:
                found[mine] = True
                continue
            spans = self._arrival_spans(self._hours, site, profiles)
            starts = np.array([first for first, _ in spans], dtype=np.int64)
            ends = np.array([last for _, last in spans], dtype=np.int64)
            place = np.searchsorted(starts, arrive[mine], side="right") - 1
            inside = (place >= 0) & (arrive[mine] <= ends[place]) if len(spans) else np.zeros_like(kept)
            found[mine] = kept | inside
        return found

    def _arrival_spans(self, hours: ReceivingHours, site: Site, profiles: Collection[Profile]) -> Spans:
        """Minutes at which one may arrive: open, and the buffer before closing and before the last onward ride."""
        start = self.clock.start_min - DAY_MIN
        end = self.clock.start_min + (self.clock.days + 3) * DAY_MIN
        spans = hours.open_spans(site.site_id, start, end, profiles=sorted(profiles))
        if site.last_onward_min is not None:
            days = [self.clock.first_date + timedelta(days=number) for number in range(-2, self.clock.days + 4)]
            until_last = merged(
                (
                    local_minute(day, 0, site.timezone, opens=True),
                    local_minute(day, site.last_onward_min, site.timezone, opens=False),
                )
                for day in days
            )
            spans = common(spans, until_last)
        return tuple((first, last - site.buffer_min) for first, last in spans if last - site.buffer_min >= first)


def _worth_riding(rides: Iterable[Ride]) -> list[Ride]:
    """The rides without those that another between the same places beats for every group and on all their days."""
    alike: dict[tuple[str, str, bool], list[Ride]] = {}
    # Whoever beats a ride comes before it in this order.
    for ride in sorted(rides, key=lambda one: (one.arrive_min, -one.depart_min, one.seat_cents, one.row_id)):
        others = alike.setdefault((ride.origin, ride.destination, ride.is_land), [])
        if not any(_beats(other, ride) for other in others):
            others.append(ride)
    return [ride for others in alike.values() for ride in others]


def _beats(other: Ride, ride: Ride) -> bool:
    """Whether whoever may take ``ride`` may take ``other`` as well, and it leaves no earlier and is no worse."""
    return (
        other.depart_min >= ride.depart_min
        and other.arrive_min <= ride.arrive_min
        and other.seat_cents <= ride.seat_cents
        and other.seats >= ride.seats
        and other.wheelchairs >= ride.wheelchairs
        and other.is_received >= ride.is_received
        and other.is_assumed <= ride.is_assumed
        and ride.profiles <= other.profiles
        and set(other.entered) <= set(ride.entered)
        and not int(ride.days, 2) & ~int(other.days, 2)
        and not int(ride.vulnerable_days, 2) & ~int(other.vulnerable_days, 2)
    )


def _next_days(day_strings: Sequence[str], days: int) -> Ints:
    """The first day at or after each day on which a ride runs; shape (rides, days + 1), ``NEVER`` if none."""
    found = np.full((len(day_strings), days + 1), NEVER, dtype=np.int64)
    if day_strings:
        runs = np.frombuffer("".join(day_strings).encode("ascii"), dtype=np.uint8).reshape(-1, days) == ord("1")
        for day in range(days - 1, -1, -1):
            found[:, day] = np.where(runs[:, day], day, found[:, day + 1])
    return found


def _row_faults(
    clock: PlanClock,
    sites: Mapping[str, Site],
    trips: Sequence[WorkingDay],
    legs: Sequence[ScheduledLeg],
    crossings: Mapping[str, tuple[str, str]],
) -> Iterable[Fault]:
    rows: list[tuple[str, Sequence[str], Sequence[str], tuple[str, str]]] = [
        (
            f"trip {trip.trip_id}",
            trip.stops,
            [one for segment in trip.crossings for one in segment],
            (trip.days, trip.vulnerable_days),
        )
        for trip in trips
    ]
    rows += [
        (f"leg {leg.leg_id}", (leg.origin, leg.destination), leg.crossings, (leg.days, leg.vulnerable_days))
        for leg in legs
    ]
    for what, ends, passed, marks in rows:
        for site in ends:
            if site not in sites:
                yield Fault(what=f'{what}: no site "{site}"')
        for crossing_id in passed:
            if crossing_id not in crossings:
                yield Fault(what=f'{what}: no crossing "{crossing_id}"')
        for text in marks:
            if len(text) != clock.days or set(text) - {"0", "1"}:
                yield Fault(what=f'{what}: days "{text}", expected {clock.days} characters 0 or 1')
