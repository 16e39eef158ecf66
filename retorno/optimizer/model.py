"""The strong arc model: every group a flow over rides in time and space, vehicles and aircraft whole numbers.

One function per constraint; ``arcsolve`` hands it to HiGHS. Rows that cannot bind (enough beds for everybody who
could sleep there, and so on) are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from retorno.optimizer.classes import TravelClass
from retorno.optimizer.ground import INFINITE, SERVICE, TRIP, Ground
from retorno.optimizer.pricing import Pricing, Way

Arc = tuple[int, int]
"""(ride, day)."""
Move = tuple[int, int, int]
"""(vehicle type, trip, day)."""
State = tuple[int, int]
"""(day, node)."""
Key = tuple[object, ...]
Entries = Sequence[tuple[int, float]]
"""(column, coefficient)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackingCut:
    """These single groups, as (class, ride), do not fit together into these vehicles (counts per type)."""

    trip: int
    day: int
    riders: tuple[tuple[int, int], ...]
    vehicles: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AircraftCut:
    """These single groups (classes of one) cannot be shared out over this many aircraft of a charter and day.

    Too many: not by their seats, whatever the least load; so neither with more groups nor in fewer aircraft. Too few:
    they do not fill the aircraft, whatever the seats; so neither with fewer groups nor in more aircraft.
    """

    charter: int
    day: int
    riders: frozenset[int]
    aircraft: int
    is_too_many: bool
    is_too_few: bool


class ArcRows:
    """Columns and rows for given arcs and moves.

    Parameters
    ----------
    pricing
        Ground and classes.
    arcs
        Per class: the (ride, day) pairs that its flow may use; None for a class that is not free at all.
    moves
        (type, trip, day) that vehicles may make.
    fixed
        (class, itinerary, units) that stand: they take capacity and are not decided again.
    """

    def __init__(
        self,
        pricing: Pricing,
        arcs: Sequence[Iterable[Arc] | None],
        moves: Iterable[Move],
        *,
        fixed: Sequence[tuple[int, Way, int]] = (),
        cuts: Sequence[PackingCut | AircraftCut] = (),
    ) -> None:
        self.pricing, self.ground = pricing, pricing.ground
        self.classes = pricing.classes
        self.fixed = fixed
        self.fixed_units = [0] * len(self.classes)
        for index, _, units in fixed:
            self.fixed_units[index] += units
        self.free = [t.count - n for t, n in zip(self.classes, self.fixed_units, strict=True)]
        self.arcs: list[list[Arc]] = [
            [] if own is None or travel.is_locked else sorted(a for a in set(own) if self._in_time(travel, a))
            for own, travel in zip(arcs, self.classes, strict=True)
        ]
        self.moves = sorted(set(moves))
        self.columns: dict[Key, int] = {}
        self.rows: dict[Key, int] = {}
        self._cost: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self._integer: list[bool] = []
        self._row_low: list[float] = []
        self._row_high: list[float] = []
        self._entry_row: list[int] = []
        self._entry_column: list[int] = []
        self._entry_value: list[float] = []
        self.constant = self.ground.constant_cents
        self.riders: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self.flyers: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._use: dict[Key, list[tuple[int, float]]] = defaultdict(list)
        self._taken: dict[Key, float] = defaultdict(float)
        self._group_columns()
        self._fixed_groups()
        self._vehicle_flow()
        self._trip_rows()
        self._charter_rows()
        self._shared_capacities()
        self._conflict_rows()
        for number, cut in enumerate(cuts):
            if isinstance(cut, PackingCut):
                self._packing_row(number, cut)
            else:
                self._aircraft_row(number, cut)

    def _in_time(self, travel: TravelClass, arc: Arc) -> bool:
        """Whether a ride arrives within the horizon and, if it ends the journey, by the latest day."""
        ride, day = arc
        last = travel.latest_day if self.ground.ride_to[ride] == travel.destination else self.ground.days - 1
        return day + int(self.ground.ride_offset[ride]) <= last

    # ---- building blocks ----

    def _column(self, key: Key, cost: float, high: float, *, integer: bool, low: float = 0.0) -> int:
        self.columns[key] = len(self._cost)
        self._cost.append(cost)
        self._low.append(low)
        self._high.append(high)
        self._integer.append(integer)
        return len(self._cost) - 1

    def _row(self, key: Key, low: float, high: float, entries: Iterable[tuple[int, float]] = ()) -> int:
        row = len(self._row_low)
        self.rows[key] = row
        self._row_low.append(low)
        self._row_high.append(high)
        for column, value in entries:
            self._entry(row, column, value)
        return row

    def _entry(self, row: int, column: int, value: float) -> None:
        self._entry_row.append(row)
        self._entry_column.append(column)
        self._entry_value.append(value)

    # ---- groups ----

    def _group_columns(self) -> None:
        """Each class is a flow: its units leave unplanned, on the old itinerary, or from a start along arcs."""
        pricing = self.pricing
        for index, travel in enumerate(self.classes):
            units = self.free[index]
            if not units:
                continue
            row = self._row(("class", index), units, units)
            kept = pricing.kept[index]
            if not (travel.is_locked and (kept or travel.was_planned)):
                cost = pricing.unplanned_cents(travel)
                self._entry(row, self._column(("unplanned", index), cost, units, integer=True), 1.0)
            if kept is not None:
                column = self._column(("kept", index), kept.cents, units, integer=True)
                self._entry(row, column, 1.0)
                self._take_way(index, kept, column)
            if self.arcs[index]:
                self._flow(index, units, row)

    def _flow(self, index: int, units: int, class_row: int) -> None:
        """Flow rows of one class over its arcs, waits between them, and its starts."""
        ground, travel, costs = self.ground, self.classes[index], self.ground.problem.costs
        out: dict[State, list[int]] = defaultdict(list)
        into: dict[State, list[int]] = defaultdict(list)
        homes: list[tuple[int, float]] = []
        begins: list[tuple[int, float]] = []
        bed = costs.bed_night_cents * travel.seats
        escort = costs.escort_day_cents * travel.escorts
        for ride, day in self.arcs[index]:
            cost = travel.persons * ground.ride_comfort[ride] + travel.seats * ground.ride_fare[ride]
            arrived = day + int(ground.ride_offset[ride])
            home = int(ground.ride_to[ride]) == travel.destination
            slept = [] if home else [arrived + extra for extra in range(ground.ride_wrap[ride])]
            if home:
                cost += travel.wait_cents * (arrived - travel.ready_day)
                cost += escort * (arrived + ground.problem.escort_return_days + 1)
            cost += bed * len(slept)
            column = self._column(("arc", index, ride, day), cost, units, integer=True)
            out[day, int(ground.ride_tail[ride])].append(column)
            if home:
                homes.append((column, float(arrived)))
                self._arrive(index, column, arrived)
            else:
                later = arrived + int(ground.ride_wrap[ride])
                into[later, int(ground.ride_head[ride])].append(column)
                for night in slept:
                    self._sleep(index, int(ground.ride_to[ride]), night, column)
            self._ride(index, ride, day, column)
        starts: dict[State, list[int]] = defaultdict(list)
        last = max(day for day, _ in out)
        for number, start in enumerate(travel.starts):
            if start.day > last:
                continue
            first = start.day if travel.first_day is None else travel.first_day
            cost = travel.change_cents - escort * first + bed * len(start.nights)
            column = self._column(("start", index, number), cost, units, integer=True)
            self._entry(class_row, column, 1.0)
            begins.append((column, float(first)))
            starts[start.day, start.node].append(column)
            for site, night in start.nights:
                self._sleep(index, site, night, column)
            if travel.escorts:
                for busy in range(max(first, ground.now), ground.days):
                    self._use["escort", travel.pool, busy].append((column, float(travel.escorts)))
        states = {*out, *into, *starts}
        ready = _ready_nodes(self.ground, states)
        for state in sorted(states):
            entries = [(c, 1.0) for c in into.get(state, ())] + [(c, 1.0) for c in starts.get(state, ())]
            self._row(("flow", index, *state), 0.0, 0.0, entries)
            row = self.rows["flow", index, *state]
            for column in out.get(state, ()):
                self._entry(row, column, -1.0)
        for state in sorted(states):
            for target, nights in ready(state):
                column = self._column(("wait", index, *state, *target), bed * len(nights), units, integer=False)
                self._entry(self.rows["flow", index, *state], column, -1.0)
                self._entry(self.rows["flow", index, *target], column, 1.0)
                for site, night in nights:
                    self._sleep(index, site, night, column)
        earliest = min((s.day - s.elapsed for s in travel.starts), default=0)
        if min(travel.latest_day, ground.days - 1) - earliest > travel.journey_days:
            self._journey_row(index, begins, homes)

    def _journey_row(self, index: int, starts: Entries, homes: Entries) -> None:
        """Arrival day less first day at most the journey limit, summed over the units that travel."""
        limit = float(self.classes[index].journey_days)
        entries = [(column, day) for column, day in homes]
        entries += [(column, -day - limit) for column, day in starts]
        self._row(("journey", index), -np.inf, 0.0, entries)

    def _ride(self, index: int, ride: int, day: int, column: int) -> None:
        """What one unit on a ride takes: places on the trip, service or charter, and crossing quota."""
        ground, travel = self.ground, self.classes[index]
        kind, row = int(ground.ride_kind[ride]), int(ground.ride_row[ride])
        if kind == TRIP:
            self.riders[row, day].append((index, ride, column))
        elif kind == SERVICE:
            self._use["service", row, day].append((column, float(travel.seats)))
        else:
            self.flyers[row, day].append((index, column))
        for crossing in ground.ride_crossings[ride]:
            self._use["quota", crossing, day].append((column, float(travel.seats)))

    def _sleep(self, index: int, site: int, night: int, column: int) -> None:
        if night >= self.ground.now:
            self._use["bed", site, night].append((column, float(self.classes[index].seats)))

    def _arrive(self, index: int, column: int, day: int) -> None:
        """An arrival takes reception and frees its escorts ``escort_return_days`` later (starts take them)."""
        travel, ground = self.classes[index], self.ground
        self._use["reception", travel.destination, day].append((column, float(travel.persons)))
        if travel.escorts:
            for free in range(day + ground.problem.escort_return_days + 1, ground.days):
                self._use["escort", travel.pool, free].append((column, -float(travel.escorts)))

    def _take_way(self, index: int, way: Way, column: int) -> None:
        """A whole itinerary as one column: all that it takes."""
        travel, ground = self.classes[index], self.ground
        for ride, day in way.path:
            self._ride(index, ride, day, column)
        for site, night in way.nights:
            self._sleep(index, site, night, column)
        self._use["reception", travel.destination, way.arrival_day].append((column, float(travel.persons)))
        if travel.escorts:
            end = min(way.arrival_day + ground.problem.escort_return_days + 1, ground.days)
            for busy in range(max(way.first_day, ground.now), end):
                self._use["escort", travel.pool, busy].append((column, float(travel.escorts)))

    def _fixed_groups(self) -> None:
        """Groups that are not decided again: their cost is constant, their uses come off the capacities."""
        ground = self.ground
        self.fixed_rides: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self.fixed_flights: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for index, way, units in self.fixed:
            travel = self.classes[index]
            self.constant += units * way.cents
            seats = float(units * travel.seats)
            for ride, day in way.path:
                kind, row = int(ground.ride_kind[ride]), int(ground.ride_row[ride])
                if kind == TRIP:
                    self.fixed_rides[row, day].append((index, ride, units))
                elif kind == SERVICE:
                    self._taken["service", row, day] += seats
                else:
                    self.fixed_flights[row, day].append((index, units))
                for crossing in ground.ride_crossings[ride]:
                    self._taken["quota", crossing, day] += seats
            for site, night in way.nights:
                self._taken["bed", site, night] += seats
            self._taken["reception", travel.destination, way.arrival_day] += units * travel.persons
            if travel.escorts:
                end = min(way.arrival_day + ground.problem.escort_return_days + 1, ground.days)
                for busy in range(way.first_day, end):
                    self._taken["escort", travel.pool, busy] += units * travel.escorts

    # ---- vehicles ----

    def _vehicle_flow(self) -> None:
        """Vehicles of a type are a flow over the events at each site: moves, stays between them, ends, sources."""
        ground = self.ground
        begin = ground.now
        events: dict[tuple[int, int], set[int]] = defaultdict(set)
        for kind, trip, day in self.moves:
            events[kind, int(ground.trip_from[trip])].add(day)
            events[kind, int(ground.trip_to[trip])].add(day + 1)
        sources: dict[tuple[int, int], list[tuple[Key, float, float, float]]] = defaultdict(list)
        for name, fleet in (("own", ground.fleet_own), ("hire", ground.fleet_hire)):
            for (depot, kind), number in fleet.items():
                place = (kind, ground.site_of[depot])
                hire = ground.problem.vehicle_types[kind].hire_cents if name == "hire" else 0
                if number and place in events:
                    sources[place].append(((name, depot, kind), float(hire), 0.0, float(number)))
        standing: dict[tuple[int, int], int] = defaultdict(int)
        for _, kind, _, _, site in ground.standing:
            standing[kind, site] += 1
        for place, number in standing.items():
            sources[place].append((("standing", *place), 0.0, float(number), float(number)))
        for place in sources:
            events[place].add(begin)
        for place in sorted(events):
            kind, site = place
            days = sorted(events[place])
            for day in days:
                self._row(("vehicle", kind, site, day), 0.0, 0.0)
            for day, later in pairwise(days):
                cost = float(ground.stay_cents[site]) * (later - day)
                column = self._column(("stay", kind, site, day), cost, np.inf, integer=False)
                self._entry(self.rows["vehicle", kind, site, day], column, -1.0)
                self._entry(self.rows["vehicle", kind, site, later], column, 1.0)
            end = float(ground.end_cents[kind, site])
            if end < INFINITE / 2:
                cost = end + float(ground.stay_cents[site]) * (ground.days - days[-1])
                column = self._column(("end", kind, site), cost, np.inf, integer=False)
                self._entry(self.rows["vehicle", kind, site, days[-1]], column, -1.0)
            for key, cost, low, high in sources.get(place, ()):
                column = self._column(key, cost, high, low=low, integer=False)
                self._entry(self.rows["vehicle", kind, site, begin], column, 1.0)
        self.movers: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for kind, trip, day in self.moves:
            column = self._column(("move", kind, trip, day), float(ground.move_cents[kind, trip]), np.inf, integer=True)
            self._entry(self.rows["vehicle", kind, int(ground.trip_from[trip]), day], column, -1.0)
            self._entry(self.rows["vehicle", kind, int(ground.trip_to[trip]), day + 1], column, 1.0)
            self.movers[trip, day].append((kind, column))

    def _trip_rows(self) -> None:
        """Per trip-day and segment: seats, wheelchair places; per class: no more than the vehicles can hold of it."""
        ground = self.ground
        for trip, day in sorted({*self.riders, *self.fixed_rides}):
            riders, fixed = self.riders.get((trip, day), []), self.fixed_rides.get((trip, day), [])
            movers = self.movers.get((trip, day), [])
            for segment in range(ground.segment_first[trip], ground.segment_first[trip + 1]):
                on = [(i, c) for i, r, c in riders if ground.ride_low[r] <= segment < ground.ride_high[r]]
                held = [(i, n) for i, r, n in fixed if ground.ride_low[r] <= segment < ground.ride_high[r]]
                self._seat_row(segment, day, on, held, movers)
                self._wheelchair_row(segment, day, on, held, movers)
            self._strong_rows(trip, day, riders, movers)
            self._fixed_strong_rows(trip, day, fixed, movers)

    def _seat_row(
        self,
        segment: int,
        day: int,
        on: Sequence[tuple[int, int]],
        held: Sequence[tuple[int, int]],
        movers: Sequence[tuple[int, int]],
    ) -> None:
        """Seats: persons and escorts aboard <= seats of all vehicles that run the trip."""
        taken = float(sum(n * self.classes[i].seats for i, n in held))
        if not on and not taken:
            return
        entries = [(c, float(self.classes[i].seats)) for i, c in on]
        entries += [(c, -float(self.ground.type_seats[kind])) for kind, c in movers]
        self._row(("seat", segment, day), -np.inf, -taken, entries)

    def _wheelchair_row(
        self,
        segment: int,
        day: int,
        on: Sequence[tuple[int, int]],
        held: Sequence[tuple[int, int]],
        movers: Sequence[tuple[int, int]],
    ) -> None:
        """Wheelchairs: places used <= places of all vehicles that run the trip."""
        using = [(c, float(self.classes[i].wheelchairs)) for i, c in on if self.classes[i].wheelchairs]
        taken = float(sum(n * self.classes[i].wheelchairs for i, n in held))
        if not using and not taken:
            return
        using += [(c, -float(self.ground.type_wheelchairs[kind])) for kind, c in movers]
        self._row(("wheelchair", segment, day), -np.inf, -taken, using)

    def _strong_rows(
        self, trip: int, day: int, riders: Sequence[tuple[int, int, int]], movers: Sequence[tuple[int, int]]
    ) -> None:
        """Strong: units of one class on a trip-day (segment) <= what the vehicles that run it hold of the class."""
        ground = self.ground
        by_class: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for index, ride, column in riders:
            by_class[index].append((ride, column))
        for index, mine in by_class.items():
            places = self.pricing.places_per_vehicle(self.classes[index])
            if self.free[index] < self.classes[index].count:
                places = np.minimum(places, self.free[index])
            carry = [(c, -float(places[kind])) for kind, c in movers if places[kind]]
            if self.classes[index].count == 1:
                entries = [(c, 1.0) for _, c in mine]
                self._row(("strong", index, trip, day), -np.inf, 0.0, entries + carry)
                continue
            for segment in range(ground.segment_first[trip], ground.segment_first[trip + 1]):
                entries = [(c, 1.0) for r, c in mine if ground.ride_low[r] <= segment < ground.ride_high[r]]
                if entries:
                    self._row(("strong", index, segment, day), -np.inf, 0.0, entries + carry)

    def _fixed_strong_rows(
        self, trip: int, day: int, fixed: Sequence[tuple[int, int, int]], movers: Sequence[tuple[int, int]]
    ) -> None:
        """Every group that stands keeps a vehicle that fits it."""
        fits = {tuple(int(n > 0) for n in self.pricing.places_per_vehicle(self.classes[i])) for i, _, _ in fixed}
        for pattern in sorted(fits):
            entries = [(c, 1.0) for kind, c in movers if pattern[kind]]
            self._row(("fixed", trip, day, pattern), 1.0, np.inf, entries)

    def _charter_rows(self) -> None:
        """Per charter and day: seats, minimum load, and per class no more than the aircraft hold of it."""
        ground = self.ground
        for charter, day in sorted({*self.flyers, *self.fixed_flights}):
            flyers, fixed = self.flyers.get((charter, day), []), self.fixed_flights.get((charter, day), [])
            taken = float(sum(n * self.classes[i].seats for i, n in fixed))
            plane = self._column(
                ("aircraft", charter, day), float(ground.charter_cents[charter]),
                float(ground.charter_most[charter]), integer=True, low=1.0 if fixed else 0.0,
            )  # fmt: skip
            load = [(c, float(self.classes[i].seats)) for i, c in flyers]
            seats = [*load, (plane, -float(ground.charter_seats[charter]))]
            self._row(("charter_seat", charter, day), -np.inf, -taken, seats)
            least = [(c, -n) for c, n in load] + [(plane, float(ground.charter_least[charter]))]
            self._row(("charter_least", charter, day), -np.inf, taken, least)
            by_class: dict[int, list[int]] = defaultdict(list)
            for index, column in flyers:
                by_class[index].append(column)
            for index, mine in by_class.items():
                places = float(self.pricing.places_per_aircraft(self.classes[index])[charter])
                places = min(places, float(self.free[index]))
                entries = [(c, 1.0) for c in mine] + [(plane, -places)]
                self._row(("strong_charter", index, charter, day), -np.inf, 0.0, entries)

    # ---- what all share ----

    def _shared_capacities(self) -> None:
        """Quota, beds, reception, service seats, escorts: uses of a day <= capacity, where they could exceed it."""
        ground = self.ground
        for key, uses in sorted(self._use.items(), key=lambda pair: pair[0]):
            name, index, day = str(key[0]), int(key[1]), int(key[2])  # type: ignore[call-overload]
            room = {
                "service": lambda i, d: ground.service_seats[i],
                "quota": lambda i, d: ground.quota[i, d],
                "bed": lambda i, d: ground.beds[i, d],
                "reception": lambda i, d: ground.reception[i, d],
                "escort": lambda i, d: ground.escorts[i, d],
            }[name](index, day) - self._taken.get(key, 0.0)
            if not np.isfinite(room):
                continue
            totals: dict[int, float] = defaultdict(float)
            for column, amount in uses:
                totals[column] += amount
            if name != "escort" and sum(self._most_per_class(totals).values()) <= room:
                continue
            self._row((name, index, day), -np.inf, float(room), totals.items())

    def _most_per_class(self, totals: Mapping[int, float]) -> dict[int, float]:
        """The most that each class could use of a capacity: all its units, each by its most expensive column."""
        most: dict[int, float] = defaultdict(float)
        if not hasattr(self, "_owner"):
            self._owner = {column: int(key[1]) for key, column in self.columns.items() if key[0] in _GROUP_KEYS}  # type: ignore[call-overload]
        for column, amount in totals.items():
            owner = self._owner[column]
            # A group may cross a border twice on one day's trips only by two land legs, which is not allowed;
            # it may sleep, arrive or fly once: one column per unit and day.
            most[owner] = max(most[owner], amount * self.free[owner])
        return most

    def _conflict_rows(self) -> None:
        """Two groups in conflict on one trip-day need two vehicles."""
        pairs = self.ground.problem.conflicts
        class_of = {g: i for i, t in enumerate(self.classes) for g in t.group_ids}
        for number, (first, second) in enumerate(pairs):
            if first not in class_of or second not in class_of:
                continue
            a, b = class_of[first], class_of[second]
            for trip, day in sorted({*self.riders, *self.fixed_rides}):
                entries = [(c, 1.0) for i, _, c in self.riders.get((trip, day), ()) if i in (a, b)]
                fixed = {i for i, _, _ in self.fixed_rides.get((trip, day), ()) if i in (a, b)}
                present = {i for i, _, _ in self.riders.get((trip, day), ()) if i in (a, b)} | fixed
                if len(present) == 2:
                    entries += [(c, -1.0) for _, c in self.movers.get((trip, day), ())]
                    self._row(("conflict", number, trip, day), -np.inf, -float(len(fixed)), entries)

    def _packing_row(self, number: int, cut: PackingCut) -> None:
        """These groups on this trip-day need one vehicle more of some type than when they did not fit."""
        wanted = set(cut.riders)
        total = float(len(wanted))
        entries = [(c, 1.0) for i, r, c in self.riders.get((cut.trip, cut.day), []) if (i, r) in wanted]
        held = sum((i, r) in wanted for i, r, _ in self.fixed_rides.get((cut.trip, cut.day), ()))
        for kind, column in self.movers.get((cut.trip, cut.day), []):
            more = self._column(("more", number, kind), 0.0, 1.0, integer=True)
            self._row(("more", number, kind), 0.0, np.inf, [(column, 1.0), (more, -float(cut.vehicles[kind] + 1))])
            entries.append((more, -total))
        self._row(("packing", number), -np.inf, total - 1.0 - held, entries)

    def _aircraft_row(self, number: int, cut: AircraftCut) -> None:
        """One of these groups stays off, another joins, or the aircraft are more, or fewer: one of what can help."""
        plane = self.columns.get(("aircraft", cut.charter, cut.day))
        if plane is None:
            return
        flyers = self.flyers.get((cut.charter, cut.day), [])
        fixed = [i for i, _ in self.fixed_flights.get((cut.charter, cut.day), [])]
        least, entries = 1.0, []
        if not cut.is_too_few:
            more = self._column(("more_aircraft", number), 0.0, 1.0, integer=True)
            changes = [(plane, 1.0), (more, -float(cut.aircraft + 1))]
            self._row(("more_aircraft", number), 0.0, np.inf, changes)
            entries += [(more, 1.0), *((c, -1.0) for i, c in flyers if i in cut.riders)]
            least += sum(i in cut.riders for i in fixed) - len(cut.riders)
        if not cut.is_too_many:
            most = float(self.ground.charter_most[cut.charter])
            fewer = self._column(("fewer_aircraft", number), 0.0, 1.0, integer=True)
            changes = [(plane, 1.0), (fewer, most - cut.aircraft + 1.0)]
            self._row(("fewer_aircraft", number), -np.inf, most, changes)
            entries += [(fewer, 1.0), *((c, 1.0) for i, c in flyers if i not in cut.riders)]
            least -= sum(i not in cut.riders for i in fixed)
        self._row(("aircraft_cut", number), least, np.inf, entries)


_GROUP_KEYS = frozenset({"unplanned", "kept", "arc", "start", "wait"})


def _ready_nodes(
    ground: Ground, states: Collection[State]
) -> Callable[[State], list[tuple[State, tuple[tuple[int, int], ...]]]]:
    """A function that gives, for a state, the next of ``states`` reached by waiting, with the nights slept."""
    last = max((day for day, _ in states), default=0)
    known: dict[State, dict[State, tuple[tuple[int, int], ...]]] = {}

    def onward(state: State) -> dict[State, tuple[tuple[int, int], ...]]:
        if state in known:
            return known[state]
        day, node = state
        found: dict[State, tuple[tuple[int, int], ...]] = {}
        steps: list[tuple[State, tuple[tuple[int, int], ...]]] = []
        if ground.node_step[node] >= 0:
            steps.append(((day, int(ground.node_step[node])), ()))
        if ground.node_link[node] >= 0:
            steps.append(((day, int(ground.node_link[node])), ()))
        if ground.node_is_end[node] and day < last:
            site = int(ground.node_site[node])
            steps.append(((day + 1, int(ground.site_morning[site])), ((site, day),)))
        for target, nights in steps:
            if target in states:
                found.setdefault(target, nights)
                continue
            for further, more in onward(target).items():
                found.setdefault(further, nights + more)
        known[state] = found
        return found

    return lambda state: list(onward(state).items())
