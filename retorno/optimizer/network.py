"""Chosen rides of every class, and all vehicles, as flat arrays: what ``volume`` looks for prices on.

A class is a small graph from its source to its arrivals; a row is one limit with a price. Only limits that
several have to share are rows; docs/optimizer.md, section *Finding the prices*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from retorno.optimizer.classes import allowed_rides
from retorno.optimizer.ground import CHARTER, SERVICE, TRIP, Bools, Floats, Ground, Ints
from retorno.optimizer.pricing import FORBIDDEN_CENTS, Prices, Pricing

SHARED = ("seat", "wheelchair", "quota", "bed", "reception", "service", "charter_seat", "escort")
"""The shared limits in the order of their rows; the strong rows come after them."""


class Network(NamedTuple):
    """The chosen rides and all vehicles in the form that the compiled loops read.

    Edges leave their node in the order of ``first``; ``head`` -1 ends a journey. An edge costs ``base`` +
    ``weight`` x the price at ``price`` (-1: none) + the prices of ``width`` strong rows from ``strong`` on.
    Every class has a node ``source`` and ``units``. A *run* is a trip or charter on one day that somebody may ride;
    ``run_rows`` are its strong rows. Only ``active`` rows ever have a price. Moves are sorted by day.
    """

    days: int
    now: int
    offsets: Ints
    capacity: Floats
    scale: Floats
    active: Ints
    first: Ints
    head: Ints
    base: Floats
    weight: Floats
    price: Ints
    strong: Ints
    width: Ints
    wheels: Floats
    source: Ints
    units: Floats
    used_ride: Ints
    used_day: Ints
    ride_kind: Ints
    ride_row: Ints
    ride_low: Ints
    ride_high: Ints
    pass_first: Ints
    pass_crossing: Ints
    run_row: Ints
    run_day: Ints
    run_rows: Ints
    trip_runs: int
    row_class: Ints
    places: Floats
    aircraft_places: Floats
    segment_first: Ints
    seats: Floats
    wheelchairs: Floats
    move_first: Ints
    move_kind: Ints
    move_from: Ints
    move_to: Ints
    move_run: Ints
    move_cents: Floats
    stay_cents: Floats
    end_cents: Floats
    fleet_kind: Ints
    fleet_site: Ints
    fleet_count: Floats
    fleet_cents: Floats
    fleet_forced: Bools
    charter_seats: Floats
    charter_cents: Floats
    charter_most: Floats
    has_wheelchairs: bool


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def lay_out(
    ride: Any,
    day: Any,
    base: Any,
    price: Any,
    strong: Any,
    width: Any,
    seats: float,
    wheelchairs: float,
    night: Any,
    bed_price: int,
    destination: int,
    latest: int,
    start_day: Any,
    start_node: Any,
    start_cents: Any,
    start_price: Any,
    escorts: float,
    arrival: Any,
    arrival_weight: float,
    arrival_price: Any,
    escort_price: Any,
    node0: int,
    order: Any,
    site_of: Any,
    step: Any,
    link: Any,
    is_end: Any,
    morning: Any,
    tail: Any,
    head_of: Any,
    offset: Any,
    wrap: Any,
    ride_to: Any,
) -> Any:
    """Nodes and edges of one class from its source on, in an order in which every edge leads forward.

    Returns the nodes' ``first`` (edges counted from 0) and the columns head, base, weight, price, strong, width,
    wheels of the edges. ``arrival`` is the price of arriving per day; impossible days hold 1e15.
    """
    days, nodes, arcs = arrival.size, site_of.size, ride.size
    is_tail = np.zeros((days + 1, nodes), dtype=np.bool_)
    reached = np.zeros((days + 1, nodes), dtype=np.bool_)
    needed = np.zeros((days + 1, nodes), dtype=np.bool_)
    count = np.zeros((days + 1, nodes), dtype=np.int64)
    alias = np.full((days + 1, nodes), -1, dtype=np.int64)
    last = 0
    for a in range(arcs):
        is_tail[day[a], tail[ride[a]]] = True
        count[day[a], tail[ride[a]]] += 1
        last = max(last, day[a])
        if ride_to[ride[a]] != destination:
            reached[min(days, day[a] + offset[ride[a]] + wrap[ride[a]]), head_of[ride[a]]] = True
    for s in range(start_day.size):
        reached[start_day[s], start_node[s]] = True
    for d in range(days):
        for number in range(order.size - 1, -1, -1):
            n = order[number]
            if not reached[d, n]:
                continue
            if step[n] >= 0:
                reached[d, step[n]] = True
            if link[n] >= 0:
                reached[d, link[n]] = True
            if is_end[n] and d + 1 < days and night[site_of[n], d] < 1e14:
                reached[d + 1, morning[site_of[n]]] = True
    total = 1
    for d in range(min(last, days - 1), -1, -1):
        for n in order:
            if not reached[d, n]:
                continue
            onward = 0
            target = -1
            if step[n] >= 0 and needed[d, step[n]]:
                onward += 1
                target = alias[d, step[n]]
            if link[n] >= 0 and needed[d, link[n]]:
                onward += 1
                target = alias[d, link[n]]
            sleeps = is_end[n] and d + 1 < days and needed[d + 1, morning[site_of[n]]]
            if sleeps and night[site_of[n], d] > 1e14:
                sleeps = False
            if not is_tail[d, n] and onward == 0 and not sleeps:
                continue
            needed[d, n] = True
            if not is_tail[d, n] and onward == 1 and not sleeps:
                alias[d, n] = target
            else:
                alias[d, n] = d * nodes + n
                total += 1
    number_of = np.full((days + 1) * nodes, -1, dtype=np.int64)
    state_of = np.zeros(total, dtype=np.int64)
    made = 1
    for d in range(days):
        for position in range(order.size - 1, -1, -1):
            n = order[position]
            if alias[d, n] == d * nodes + n:
                number_of[alias[d, n]] = made
                state_of[made] = alias[d, n]
                made += 1
    # Arrivals: one node per day, a second one behind it where escorts are paid until then.
    links = 2 if escorts > 0 else 1
    room = total + links * days + 1
    first = np.zeros(room, dtype=np.int64)
    most = start_day.size + arcs + 3 * total + links * days + 1
    head = np.full(most, -1, dtype=np.int64)
    out_base = np.zeros(most)
    weight = np.zeros(most)
    out_price = np.full(most, -1, dtype=np.int64)
    out_strong = np.full(most, -1, dtype=np.int64)
    out_width = np.zeros(most, dtype=np.int64)
    wheels = np.zeros(most)
    edge = 0
    for s in range(start_day.size):
        if start_cents[s] > 1e14 or alias[start_day[s], start_node[s]] < 0:
            continue
        head[edge] = node0 + number_of[alias[start_day[s], start_node[s]]]
        out_base[edge] = start_cents[s]
        if escorts > 0:
            out_price[edge] = start_price[s]
            weight[edge] = -escorts
        edge += 1
    first[1] = edge
    begin = np.zeros((days + 1, nodes), dtype=np.int64)
    running = 0
    for d in range(days + 1):
        for n in range(nodes):
            begin[d, n] = running
            running += count[d, n]
    slot = begin.copy()
    arc_of = np.zeros(arcs, dtype=np.int64)
    for a in range(arcs):
        where = slot[day[a], tail[ride[a]]]
        arc_of[where] = a
        slot[day[a], tail[ride[a]]] += 1
    for k in range(1, total):
        d, n = state_of[k] // nodes, state_of[k] % nodes
        for where in range(begin[d, n], begin[d, n] + count[d, n]):
            a = arc_of[where]
            r = ride[a]
            arrived = d + offset[r]
            cents = base[a]
            if ride_to[r] == destination:
                if arrived >= days or arrived > latest or arrival[arrived] > 1e14:
                    continue
                head[edge] = node0 + total + links * arrived
            else:
                later = arrived + wrap[r]
                if later >= days or alias[later, head_of[r]] < 0:
                    continue
                for extra in range(wrap[r]):
                    cents += night[ride_to[r], arrived + extra]
                if cents > 1e14:
                    continue
                head[edge] = node0 + number_of[alias[later, head_of[r]]]
            out_base[edge] = cents
            out_price[edge] = price[a]
            weight[edge] = seats
            out_strong[edge] = strong[a]
            out_width[edge] = width[a]
            wheels[edge] = wheelchairs
            edge += 1
        if step[n] >= 0 and alias[d, step[n]] >= 0:
            head[edge] = node0 + number_of[alias[d, step[n]]]
            edge += 1
        if link[n] >= 0 and alias[d, link[n]] >= 0:
            head[edge] = node0 + number_of[alias[d, link[n]]]
            edge += 1
        if is_end[n] and d + 1 < days and night[site_of[n], d] < 1e14 and alias[d + 1, morning[site_of[n]]] >= 0:
            head[edge] = node0 + number_of[alias[d + 1, morning[site_of[n]]]]
            out_base[edge] = night[site_of[n], d]
            out_price[edge] = bed_price + site_of[n] * days + d
            weight[edge] = seats
            edge += 1
        first[k + 1] = edge
    for d in range(days):
        k = total + links * d
        if arrival[d] < 1e14:
            out_base[edge] = arrival[d]
            out_price[edge] = arrival_price[d]
            weight[edge] = arrival_weight
            head[edge] = node0 + k + 1 if escorts > 0 else -1
            edge += 1
        first[k + 1] = edge
        if escorts > 0:
            if arrival[d] < 1e14:
                out_price[edge] = escort_price[d]
                weight[edge] = escorts
                edge += 1
            first[k + 2] = edge
    return (
        first,
        head[:edge],
        out_base[:edge],
        weight[:edge],
        out_price[:edge],
        out_strong[:edge],
        out_width[:edge],
        wheels[:edge],
    )


class ChosenNetwork:
    """The network over chosen (ride, day) pairs of every class.

    Parameters
    ----------
    arcs
        Per class: positions ride x days + day, sorted; only those that the class may ride count.
    """

    def __init__(self, pricing: Pricing, arcs: Sequence[Ints]) -> None:
        self.pricing, self.ground = pricing, pricing.ground
        ground, classes = self.ground, pricing.classes
        self._shared_rows()
        self._own_rows(arcs)
        edges = self._edges()
        moves = self._moves()
        fleet = self._fleet()
        passes = np.bincount(ground.pass_ride, minlength=ground.rides)
        by_ride = np.argsort(ground.pass_ride, kind="stable")
        self.network = Network(
            days=ground.days,
            now=ground.now,
            offsets=self.offsets,
            capacity=self.capacity,
            scale=self.scale,
            active=np.flatnonzero(self.scale > 0),
            units=np.array([float(travel.count) for travel in classes]),
            used_ride=self.used // ground.days,
            used_day=self.used % ground.days,
            ride_kind=ground.ride_kind,
            ride_row=ground.ride_row,
            ride_low=ground.ride_low,
            ride_high=ground.ride_high,
            pass_first=np.concatenate([[0], np.cumsum(passes)]).astype(np.int64),
            pass_crossing=ground.pass_crossing[by_ride],
            segment_first=ground.segment_first,
            seats=ground.type_seats.astype(np.float64),
            wheelchairs=ground.type_wheelchairs.astype(np.float64),
            stay_cents=ground.stay_cents,
            end_cents=ground.end_cents,
            charter_seats=ground.charter_seats,
            charter_cents=ground.charter_cents,
            charter_most=ground.charter_most,
            has_wheelchairs=any(travel.wheelchairs for travel in classes),
            **edges,
            **moves,
            **fleet,
            **self._runs(),
        )

    # ---- rows ----

    def _shared_rows(self) -> None:
        """Shared limits, in the order of ``SHARED``; a row scaled by 0 keeps its price."""
        ground = self.ground
        services = np.repeat(ground.service_seats[:, None], ground.days, axis=1)
        group = max([travel.seats for travel in self.pricing.classes], default=1)
        escorts = max([travel.escorts for travel in self.pricing.classes], default=1)
        running = np.zeros((ground.segments, ground.days))
        charters = np.zeros((len(ground.charter_seats), ground.days))
        wheels = max([int(ground.type_wheelchairs.max(initial=0)), 1])
        tables: list[tuple[Floats, float]] = [
            (running, float(ground.type_seats.max(initial=1))),
            (running, float(wheels)),
            (ground.quota, float(group)),
            (ground.beds, float(group)),
            (ground.reception, float(group)),
            (services, float(group)),
            (charters, float(ground.charter_seats.max(initial=1.0))),
            (ground.escorts, float(max(1, escorts))),
        ]
        self.offsets: Ints = np.concatenate([[0], np.cumsum([table.size for table, _ in tables])]).astype(np.int64)
        room = np.concatenate([table.ravel() for table, _ in tables])
        scale = np.concatenate([np.full(table.size, 1.0 / most**2) for table, most in tables])
        # What everybody together cannot use up never has a price.
        most = np.array([t.count * max(t.seats, t.persons) for t in self.pricing.classes]).sum()
        scale[(room >= most) & (room > 0)] = 0.0
        self.capacity: Floats = np.where(np.isfinite(room), room, 0.0)
        self.scale: Floats = scale

    def _own_rows(self, arcs: Sequence[Ints]) -> None:
        """Strong rows of what every class may ride, by run, class and segment."""
        ground, pricing = self.ground, self.pricing
        days, trips = ground.days, len(ground.trip_from)
        self.places = np.array([pricing.places_per_vehicle(t) for t in pricing.classes], dtype=np.float64)
        self.places = self.places.reshape(len(pricing.classes), len(ground.type_seats))
        self.aircraft_places = np.array([pricing.places_per_aircraft(t) for t in pricing.classes], dtype=np.float64)
        self.aircraft_places = self.aircraft_places.reshape(len(pricing.classes), len(ground.charter_seats))
        deepest = int((ground.ride_high - ground.ride_low).max(initial=1)) + int(ground.segment_first.max(initial=0))
        self._per_run, self._per_class = len(pricing.classes) * (deepest + 1), deepest + 1
        self.arcs: list[Ints] = []
        self._kept: list[Ints] = []
        codes: list[Ints] = []
        for index, travel in enumerate(pricing.classes):
            kept = pricing.kept[index]
            path = [ride * days + day for ride, day in kept.path] if kept is not None else []
            self._kept.append(np.array(path, dtype=np.int64))
            mine = np.zeros(0, dtype=np.int64) if travel.is_locked else np.asarray(arcs[index], dtype=np.int64)
            mine = mine[allowed_rides(ground, travel).ravel()[mine]]
            self.arcs.append(mine)
            both = np.concatenate([mine, self._kept[index]])
            code, width = self._codes(index, both)
            for extra in range(int(width.max(initial=0))):
                codes.append((code + extra)[width > extra])
        self.codes: Ints = np.unique(np.concatenate(codes)) if codes else np.zeros(0, dtype=np.int64)
        self.used: Ints = np.unique(np.concatenate([*self.arcs, *self._kept, np.zeros(0, dtype=np.int64)]))
        rides, on = self.used // days, self.used % days
        kinds, row = ground.ride_kind[rides], ground.ride_row[rides]
        trip_runs = np.unique((row * days + on)[kinds == TRIP])
        flights = np.unique(((trips + row) * days + on)[kinds == CHARTER])
        self.runs: Ints = np.concatenate([trip_runs, flights]).astype(np.int64)
        self._without_use(trip_runs, row * days + on, kinds)
        self.trip_runs = len(trip_runs)
        self.row_class = self.codes // self._per_class % max(1, len(pricing.classes))
        count = len(self.codes)
        self.capacity = np.concatenate([self.capacity, np.zeros(count)])
        most = np.maximum(self.places.max(axis=1, initial=1.0), 1.0)
        self.scale = np.concatenate([self.scale, 1.0 / most[self.row_class] ** 2])
        # Where the price of each row stands in ``Prices.strong``.
        run = self.codes // self._per_run
        self.row_day = run % days
        trip = run // days
        flies = trip >= trips
        single = np.array([travel.count == 1 for travel in pricing.classes], dtype=bool)[self.row_class]
        units = np.where(single, trips, ground.segments)
        in_trip = np.where(single, trip, self.codes % self._per_class)
        self.row_place = np.where(flies, units + trip - trips, in_trip)

    def _without_use(self, trip_runs: Ints, row_day: Ints, kinds: Ints) -> None:
        """Seats of trips that nobody may ride, of services and charters likewise, never have a price."""
        ground, days = self.ground, self.ground.days
        used = np.ones(len(self.scale), dtype=bool)
        seats = np.zeros((ground.segments, days), dtype=bool)
        running = np.zeros((len(ground.trip_from), days), dtype=bool)
        running[trip_runs // days, trip_runs % days] = True
        seats[:] = np.repeat(running, np.diff(ground.segment_first), axis=0)
        wheels = any(travel.wheelchairs for travel in self.pricing.classes)
        for name, kind in (("service", SERVICE), ("charter_seat", CHARTER)):
            number = SHARED.index(name)
            used[self.offsets[number] : self.offsets[number + 1]] = False
            used[self.offsets[number] + row_day[kinds == kind]] = True
        used[: self.offsets[1]] = seats.ravel()
        used[self.offsets[1] : self.offsets[2]] = seats.ravel() & wheels
        self.scale[~used] = 0.0

    def _codes(self, index: int, positions: Ints) -> tuple[Ints, Ints]:
        """Of each (ride, day): code of its first strong row, and how many follow one another; 0 for none."""
        ground, travel = self.ground, self.pricing.classes[index]
        days, trips = ground.days, len(ground.trip_from)
        ride, day = positions // days, positions % days
        kind, row = ground.ride_kind[ride], ground.ride_row[ride]
        is_trip, flies = kind == TRIP, kind == CHARTER
        run = np.where(flies, trips + row, row) * days + day
        low = np.zeros(len(ride), dtype=np.int64)
        width = np.zeros(len(ride), dtype=np.int64)
        if self.places[index].any():
            width[is_trip] = 1
            if travel.count > 1:
                low[is_trip] = ground.ride_low[ride[is_trip]]
                width[is_trip] = (ground.ride_high - ground.ride_low)[ride[is_trip]]
        width[flies] = self.aircraft_places[index][row[flies]] > 0
        return run * self._per_run + index * self._per_class + low, width

    # ---- classes ----

    def _edges(self) -> dict[str, Any]:
        """All classes' graphs, one after the other."""
        ground, pricing = self.ground, self.pricing
        self.pricing.set_prices(Prices(ground, len(pricing.classes)))
        first: list[Ints] = [np.zeros(1, dtype=np.int64)]
        columns: list[list[Any]] = [[] for _ in range(7)]
        source: list[int] = []
        node, edge = 0, 0
        for index in range(len(pricing.classes)):
            source.append(node)
            parts = self._class_edges(index, node)
            first.append(parts[0][1:] + edge)
            for own, part in zip(columns, parts[1:], strict=True):
                own.append(part)
            node += len(parts[0]) - 1
            edge += len(parts[1])
        names = ("head", "base", "weight", "price", "strong", "width", "wheels")
        kinds = (np.int64, np.float64, np.float64, np.int64, np.int64, np.int64, np.float64)
        joined = {
            name: np.concatenate([*own, np.zeros(0)]).astype(kind)
            for name, kind, own in zip(names, kinds, columns, strict=True)
        }
        return {"first": np.concatenate(first), "source": np.array(source, dtype=np.int64), **joined}

    def _class_edges(self, index: int, node: int) -> list[Any]:
        """A root that leaves the class unplanned, keeps its old itinerary or starts it; then rides and nights."""
        ground, pricing = self.ground, self.pricing
        travel, kept, days = pricing.classes[index], pricing.kept[index], ground.days
        shown = len(self.used)
        beds = shown
        reception, escorts = beds + ground.beds.size, beds + ground.beds.size + ground.reception.size
        root: list[tuple[int, float]] = []
        if not (travel.is_locked and (travel.kept or travel.was_planned)):
            root.append((-1, pricing.unplanned_cents(travel)))
        parts: list[Any] = [np.zeros(1, dtype=np.int64), *[np.zeros(0)] * 7]
        if len(self.arcs[index]) and travel.starts:
            mine = self.arcs[index]
            ride, day = mine // days, mine % days
            code, width = self._codes(index, mine)
            pool = max(0, travel.pool)
            firsts = [s.day if travel.first_day is None else travel.first_day for s in travel.starts]
            ends = np.minimum(np.arange(days) + ground.problem.escort_return_days + 1, days)
            parts = list(
                lay_out(
                    ride, day, travel.persons * ground.ride_comfort[ride] + travel.seats * ground.ride_fare[ride],
                    np.searchsorted(self.used, mine), self._row_of(code, width), width, float(travel.seats),
                    float(travel.wheelchairs), pricing.night_prices(travel), beds, travel.destination,
                    travel.latest_day, np.array([s.day for s in travel.starts]),
                    np.array([s.node for s in travel.starts]), pricing.start_prices(travel),
                    escorts + pool * (days + 1) + np.array(firsts), float(travel.escorts),
                    pricing.arrival_prices(travel), float(travel.persons),
                    reception + travel.destination * days + np.arange(days), escorts + pool * (days + 1) + ends,
                    node + 1, *_states(ground),
                )
            )  # fmt: skip
            root.append((node + 1, 0.0))
        inner = len(parts[0]) - 1
        chain = self._kept[index]
        if kept is not None:
            root.append((node + 1 + inner, kept.cents))
        if not root:
            root.append((-1, FORBIDDEN_CENTS))
        code, width = self._codes(index, chain)
        ahead = len(root)
        steps = np.arange(len(chain))
        first = [[0], [ahead], parts[0][1:] + ahead, ahead + len(parts[1]) + steps + 1]
        onward = np.where(steps + 1 < len(chain), node + 1 + inner + steps + 1, -1)
        nothing = np.full(ahead, -1)
        none = np.zeros(ahead)
        return [
            np.concatenate(first).astype(np.int64),
            np.concatenate([[head for head, _ in root], parts[1], onward]),
            np.concatenate([[cents for _, cents in root], parts[2], np.zeros(len(chain))]),
            np.concatenate([none, parts[3], np.full(len(chain), float(travel.seats))]),
            np.concatenate([nothing, parts[4], np.searchsorted(self.used, chain)]),
            np.concatenate([nothing, parts[5], self._row_of(code, width)]),
            np.concatenate([none, parts[6], width]),
            np.concatenate([none, parts[7], np.full(len(chain), float(travel.wheelchairs))]),
        ]

    def _row_of(self, code: Ints, width: Ints) -> Ints:
        """Position of each (ride, day)'s first strong row among all rows."""
        result: Ints = np.where(width > 0, self.offsets[-1] + np.searchsorted(self.codes, code), -1)
        return result

    # ---- runs, moves, fleet ----

    def _runs(self) -> dict[str, Any]:
        days, trips = self.ground.days, len(self.ground.trip_from)
        bounds = np.searchsorted(self.codes, np.append(self.runs, self.runs[-1:] + 1) * self._per_run)
        # Rows are sorted by run and every row has its run: one run's rows end where the next one's begin.
        row = self.runs // days
        row[self.trip_runs :] -= trips
        return {
            "run_row": row,
            "run_day": self.runs % days,
            "run_rows": (bounds if len(self.runs) else np.zeros(1, dtype=np.int64)) + self.offsets[-1],
            "trip_runs": self.trip_runs,
            "row_class": self.row_class,
            "places": self.places,
            "aircraft_places": self.aircraft_places,
        }

    def _moves(self) -> dict[str, Any]:
        """Every move on a run, and of all others of a day from a place to a place the cheapest."""
        ground = self.ground
        days = ground.days
        trips, on = np.nonzero(ground.trip_runs)
        late = on >= ground.now
        trips, on = trips[late], on[late]
        code = trips * days + on
        mine = self.runs[: self.trip_runs]
        place = np.minimum(np.searchsorted(mine, code), max(0, len(mine) - 1))
        used = mine[place] == code if len(mine) else np.zeros(len(code), dtype=bool)
        sites = len(ground.site_of)
        found: list[list[Ints]] = []
        for kind in range(len(ground.type_seats)):
            cents = ground.move_cents[kind, trips]
            pair = (on * sites + ground.trip_from[trips]) * sites + ground.trip_to[trips]
            order = np.lexsort((trips, cents, pair))
            cheapest = np.zeros(len(trips), dtype=bool)
            cheapest[order[np.concatenate([[True], np.diff(pair[order]) != 0])[: len(order)]]] = True
            keep = np.flatnonzero(used | cheapest)
            run = np.where(used[keep], place[keep], -1)
            found.append([np.full(len(keep), kind), trips[keep], on[keep], run])
        kinds, trip, day, run = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(day, kind="stable")
        kinds, trip, day, run = kinds[order], trip[order], day[order], run[order]
        return {
            "move_first": np.searchsorted(day, np.arange(days + 1)).astype(np.int64),
            "move_kind": kinds,
            "move_from": ground.trip_from[trip],
            "move_to": ground.trip_to[trip],
            "move_run": run,
            "move_cents": ground.move_cents[kinds, trip],
        }

    def _fleet(self) -> dict[str, Any]:
        """Where vehicles may begin: own, hired, and those under way (which must go on)."""
        ground = self.ground
        rows: list[tuple[int, int, float, float, bool]] = []
        for (depot, kind), number in ground.fleet_own.items():
            rows.append((kind, ground.site_of[depot], float(number), 0.0, False))
        for (depot, kind), number in ground.fleet_hire.items():
            hire = float(ground.problem.vehicle_types[kind].hire_cents)
            rows.append((kind, ground.site_of[depot], float(number), hire, False))
        rows += [(kind, site, 1.0, 0.0, True) for _, kind, _, _, site in ground.standing]
        rows = [row for row in rows if row[2] > 0]
        return {
            "fleet_kind": np.array([row[0] for row in rows], dtype=np.int64),
            "fleet_site": np.array([row[1] for row in rows], dtype=np.int64),
            "fleet_count": np.array([row[2] for row in rows]),
            "fleet_cents": np.array([row[3] for row in rows]),
            "fleet_forced": np.array([row[4] for row in rows], dtype=bool),
        }

    # ---- prices ----

    def multipliers(self, prices: Prices) -> Floats:
        """The prices of all rows, in their order."""
        shared = [getattr(prices, name).ravel() for name in SHARED]
        own = np.zeros(len(self.codes))
        for index, strong in enumerate(prices.strong):
            if strong is not None:
                mine = np.flatnonzero(self.row_class == index)
                own[mine] = strong[self.row_place[mine], self.row_day[mine]]
        return np.concatenate([*shared, own])

    def prices(self, multipliers: Floats) -> Prices:
        """Prices of everything limited, from those of all rows; what has no row costs nothing."""
        prices = Prices(self.ground, len(self.pricing.classes))
        for name, begin, end in zip(SHARED, self.offsets, self.offsets[1:], strict=False):
            table = getattr(prices, name)
            table[:] = multipliers[begin:end].reshape(table.shape)
        own = multipliers[self.offsets[-1] :]
        for index in np.unique(self.row_class[own > 0]).tolist():
            mine = np.flatnonzero((self.row_class == index) & (own > 0))
            strong = prices.strong_of(index, self.pricing.classes[index])
            strong[self.row_place[mine], self.row_day[mine]] = own[mine]
        return prices


def positions_of(arcs: Iterable[tuple[int, int]], days: int) -> Ints:
    """(ride, day) pairs as sorted positions ride x days + day."""
    return np.array(sorted({ride * days + day for ride, day in arcs}), dtype=np.int64)


def _states(ground: Ground) -> tuple[Ints | Bools, ...]:
    return (
        ground.node_order, ground.node_site, ground.node_step, ground.node_link, ground.node_is_end,
        ground.site_morning, ground.ride_tail, ground.ride_head, ground.ride_offset, ground.ride_wrap,
        ground.ride_to,
    )  # fmt: skip
