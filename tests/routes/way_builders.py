"""A small world for itineraries: every field defaulted, every default legal; and a judge that shares no code."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from retorno.routes.itineraries import Itinerary
from retorno.routes.offers import PlanClock, ScheduledLeg
from retorno.routes.transport import Prices, Site, TransportOffer
from retorno.routes.travellers import Travellers
from retorno.vocabulary import Mode, Profile

EVERYBODY = frozenset(Profile)
WEEK = PlanClock(first_date=date(2026, 3, 2), days=7, utc_offset_min=-360)  # from a Monday
PRICES = Prices(bed_night_cents=700, trip_km_cents=11, trip_day_cents=500, driver_day_cents=130, trip_riders=10)
CROSSINGS = {"X-GT-HN": ("GT", "HN"), "X-HN-SV": ("HN", "SV"), "X-GT-SV": ("GT", "SV"), "X-HN-NI": ("HN", "NI")}


@dataclass(frozen=True, kw_only=True)
class Day:
    """A vehicle's working day."""

    trip_id: str
    stops: tuple[str, ...]
    depart_min: tuple[int, ...]
    arrive_min: tuple[int, ...]
    crossings: tuple[tuple[str, ...], ...]
    km: int = 100
    drivers: int = 1
    days: str = "1111111"
    vulnerable_days: str = "1111111"
    profiles: frozenset[Profile] = EVERYBODY
    is_empty_only: bool = False


def trip(
    trip_id: str,
    stops: str,
    clock: str,
    *,
    via: Sequence[tuple[str, ...]] = (),
    days: str = "1111111",
    vulnerable_days: str | None = None,
    profiles: frozenset[Profile] = EVERYBODY,
    km: int = 100,
) -> Day:
    """A day trip; ``clock`` is ``06:00 10:00`` for a ride, ``06:00 09:00-09:30 11:00`` with a middle stop."""
    names = tuple(stops.split())
    times = [part.split("-") for part in clock.split()]
    return Day(
        trip_id=trip_id,
        stops=names,
        arrive_min=tuple(minutes(part[0]) for part in times),
        depart_min=tuple(minutes(part[-1]) for part in times),
        crossings=tuple(via) or ((),) * (len(names) - 1),
        days=days,
        vulnerable_days=vulnerable_days if vulnerable_days is not None else days,
        profiles=profiles,
        km=km,
    )


def flight(
    leg_id: str,
    ends: str,
    clock: str,
    countries: str,
    *,
    days: str = "1111111",
    fare_cents: int = 9000,
    seats: int = 8,
    mode: Mode = Mode.FLIGHT,
    crossings: tuple[str, ...] = (),
    vulnerable_days: str | None = None,
    wheelchairs: int = 2,
    fixed_cents: int = 0,
    min_load: int = 0,
) -> ScheduledLeg:
    """A scheduled leg; hours beyond 24 are on the next day: ``18:00 32:00``."""
    origin, destination = ends.split()
    depart, arrive = clock.split()
    return ScheduledLeg(
        leg_id=leg_id,
        service_id=leg_id,
        mode=mode,
        carrier="Invented",
        origin=origin,
        destination=destination,
        from_node=origin,
        to_node=destination,
        depart_zone="America/Guatemala",
        arrive_zone="America/Guatemala",
        depart_min=minutes(depart),
        arrive_min=minutes(arrive),
        days=days,
        vulnerable_days=vulnerable_days if vulnerable_days is not None else days,
        seats=seats,
        wheelchairs=wheelchairs,
        fare_cents=fare_cents,
        fixed_cents=fixed_cents,
        min_load=min_load,
        crossings=crossings,
        countries=tuple(countries.split()),
        is_assumed=False,
    )


def minutes(clock: str) -> int:
    """Minutes of ``HH:MM``."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def site(site_id: str, country: str = "GT", *, beds: int | None = 50, kind: str = "city", **other: object) -> Site:
    """A place with beds."""
    return Site(site_id=site_id, country=country, timezone="America/Guatemala", place_kind=kind, beds=beds, **other)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Doors:
    """Receiving hours: minutes after midnight of the plan clock, the same every day; who is not named never closes."""

    clock: PlanClock
    hours: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def open_spans(
        self, target_id: str, from_min: int, until_min: int, *, profiles: Collection[Profile]
    ) -> tuple[tuple[int, int], ...]:
        """As ``Calendars.open_spans``."""
        if target_id not in self.hours:
            return ((from_min, until_min),)
        opens, closes = self.hours[target_id]
        starts = [self.clock.start_min + day * 1440 for day in range(-1, self.clock.days + 2)]
        return tuple((start + opens, start + closes) for start in starts)


def offer_of(
    sites: Sequence[Site],
    trips: Sequence[Day] = (),
    legs: Sequence[ScheduledLeg] = (),
    *,
    clock: PlanClock = WEEK,
    doors: Mapping[str, tuple[int, int]] | None = None,
    transfer_min: int = 120,
) -> TransportOffer:
    """Everything on offer in the small world."""
    return TransportOffer(
        clock,
        {one.site_id: one for one in sites},
        trips,
        legs,
        crossings=CROSSINGS,
        hours=None if doors is None else Doors(clock, doors),
        prices=PRICES,
        transfer_min=transfer_min,
    )


# -- the judge: reads the rows themselves, in the plainest way ---------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One seat on one row between two of its stops."""

    row: Day | ScheduledLeg
    board: int
    alight: int
    day: int

    @property
    def row_id(self) -> str:
        """The id of its row."""
        return self.row.trip_id if isinstance(self.row, Day) else self.row.leg_id

    @property
    def origin(self) -> str:
        """Where it is boarded."""
        return self.row.stops[self.board] if isinstance(self.row, Day) else self.row.origin

    @property
    def destination(self) -> str:
        """Where it is left."""
        return self.row.stops[self.alight] if isinstance(self.row, Day) else self.row.destination

    @property
    def leaves(self) -> int:
        """Minute of departure from day 0."""
        minute = self.row.depart_min[self.board] if isinstance(self.row, Day) else self.row.depart_min
        return self.day * 1440 + minute

    @property
    def reaches(self) -> int:
        """Minute of arrival from day 0."""
        minute = self.row.arrive_min[self.alight] if isinstance(self.row, Day) else self.row.arrive_min
        return self.day * 1440 + minute

    @property
    def by_road(self) -> bool:
        """Whether it is a land leg."""
        return isinstance(self.row, Day) or self.row.mode is Mode.COACH

    def seat_cents(self) -> int:
        """The price of a seat, with fractions of a cent rounded up."""
        if not isinstance(self.row, Day):
            share = 0 if not self.row.fixed_cents else -(-self.row.fixed_cents // self.row.min_load)
            return self.row.fare_cents + share
        whole = self.row.km * PRICES.trip_km_cents + PRICES.trip_day_cents + self.row.drivers * PRICES.driver_day_cents
        part = (self.reaches - self.leaves) / (self.row.arrive_min[-1] - self.row.depart_min[0])
        return -int(-round(whole * part / PRICES.trip_riders, 6) // 1)

    def entered(self, sites: Mapping[str, Site]) -> list[str]:
        """The countries entered on the way."""
        if not isinstance(self.row, Day):
            return list(self.row.countries[1:])
        here = sites[self.row.stops[0]].country
        found = []
        for number, segment in enumerate(self.row.crossings):
            for crossing in segment:
                here = next(code for code in CROSSINGS[crossing] if code != here)
                if self.board <= number < self.alight:
                    found.append(here)
        return found


def breaches(
    steps: Sequence[Step],
    world: TransportOffer,
    group: Travellers,
    ends: tuple[str, str],
    doors: Mapping[str, tuple[int, int]],
) -> list[str]:
    """Every rule that a chain of steps breaks; empty for a legal way."""
    found = []
    sites, seats = world.sites, group.persons + group.escorts
    if steps[0].origin != ends[0] or steps[-1].destination != ends[1]:
        found.append("ends")
    if any(step.destination == ends[1] for step in steps[:-1]):
        found.append("past the destination")

    def welcome(step: Step) -> bool:
        place = sites[step.destination]
        if place.place_kind == "migration_station" or not group.profiles <= place.profiles:
            return False
        return place.place_kind != "child_shelter" or group.profiles == {Profile.UNACCOMPANIED}

    def takes_in(step: Step) -> bool:
        place = sites[step.destination]
        if not welcome(step):
            return False
        if isinstance(step.row, Day) or step.destination not in doors:
            return True
        opens, closes = doors[step.destination]
        minute = step.reaches % 1440
        return opens <= minute <= closes - place.buffer_min

    for step in steps:
        days = step.row.vulnerable_days if group.vulnerable else step.row.days
        if not 0 <= step.day < len(days) or days[step.day] != "1":
            found.append("does not run")
        if not group.profiles <= step.row.profiles:
            found.append("not carried")
        if not isinstance(step.row, Day) and (seats > step.row.seats or group.wheelchairs > step.row.wheelchairs):
            found.append("seats")
        if sites[step.destination].place_kind and not welcome(step):
            found.append("brought to a place that is not for them")
        barred = group.barred_countries - {sites[ends[1]].country}
        if barred & set(step.entered(sites)):
            found.append("barred country")
    for before, after in pairwise(steps):
        if after.origin != before.destination:
            found.append("place")
        if after.leaves < before.reaches + world.transfer_min:
            found.append("transfer")
        if after.by_road and after.day <= before.reaches // 1440:
            found.append("second land leg or land leg after a flight")
        if after.day > before.reaches // 1440:
            place = sites[before.destination]
            if place.beds is None or place.beds < seats or not takes_in(before):
                found.append("no bed")
    if not takes_in(steps[-1]):
        found.append("not received")
    arrival_day = steps[-1].reaches // 1440
    if arrival_day - steps[0].day > group.max_journey_days or arrival_day >= world.clock.days:
        found.append("journey too long")
    return found


def measures(steps: Sequence[Step], group: Travellers) -> tuple[int, int, int, int]:
    """Arrival, cost, legs, hours of riding begun."""
    seats = group.persons + group.escorts
    nights = sum(max(0, after.day - before.reaches // 1440) for before, after in pairwise(steps))
    cost = seats * (sum(step.seat_cents() for step in steps) + nights * PRICES.bed_night_cents)
    hours = sum(-((step.leaves - step.reaches) // 60) for step in steps)
    return steps[-1].reaches, cost, len(steps), hours


def every_step(trips: Sequence[Day], legs: Sequence[ScheduledLeg], days: int) -> list[Step]:
    """Every seat on every row and day."""
    found = []
    for day in range(days):
        for row in trips:
            found += [
                Step(row, board, alight, day)
                for board in range(len(row.stops))
                for alight in range(board + 1, len(row.stops))
            ]
        found += [Step(leg, 0, 1, day) for leg in legs]
    return found


def every_way(
    steps: Sequence[Step],
    world: TransportOffer,
    group: Travellers,
    ends: tuple[str, str],
    start_days: range,
    doors: Mapping[str, tuple[int, int]],
    *,
    max_legs: int,
) -> Iterator[list[Step]]:
    """Every legal way, by trying everything."""
    leaving: dict[str, list[Step]] = {}
    for step in steps:
        leaving.setdefault(step.origin, []).append(step)
    stack = [[step] for step in leaving.get(ends[0], []) if step.day in start_days]
    while stack:
        chain = stack.pop()
        wrong = breaches(chain, world, group, (ends[0], chain[-1].destination), doors)
        if chain[-1].destination == ends[1]:
            if not breaches(chain, world, group, ends, doors):
                yield chain
            continue
        # What is wrong with the end of a chain may still be mended by riding on; the rest may not.
        if set(wrong) - {"not received", "barred country", "past the destination"} or len(chain) == max_legs:
            continue
        last = chain[-1]
        stack += [[*chain, step] for step in leaving.get(last.destination, []) if step.leaves > last.reaches]


def best_of(ways: Sequence[tuple[int, int, int, int]]) -> set[tuple[int, int, int, int]]:
    """Those that no other is at least as good as in everything."""
    distinct = set(ways)
    return {
        way
        for way in distinct
        if not any(other != way and all(a <= b for a, b in zip(other, way, strict=True)) for other in distinct)
    }


def steps_of(way: Itinerary, rows: Mapping[str, Day | ScheduledLeg]) -> list[Step]:
    """A way that was found, as steps on its rows."""
    return [Step(rows[leg.ride.row_id], leg.ride.board, leg.ride.alight, leg.day) for leg in way.legs]


def utc(day: int, clock: str) -> datetime:
    """The UTC instant of a clock time of the plan clock on a day of ``WEEK``."""
    return datetime(2026, 3, 2, 6, tzinfo=UTC) + timedelta(days=day, minutes=minutes(clock))
