"""The linear programs: a small interface to HiGHS, and column generation for prices and a first bound."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from retorno.optimizer.classes import Path, TravelClass
from retorno.optimizer.ground import INFINITE, SERVICE, TRIP, Floats, Ground, Ints
from retorno.optimizer.pricing import FleetPrices, Prices, Pricing, Sweep, Way, between, whole_bound

ROUND_CENTS = 1e-4
"""Reduced costs above minus this count as zero."""

FIRST_SMOOTHING, MOST_SMOOTHING, SMOOTHING_STEP = 0.5, 0.8, 0.1
"""Share of the best prices so far in the prices that find itineraries (our assumptions, from measurements)."""


class _QuietHighs(highspy.Highs):  # type: ignore[misc]
    """HiGHS prints its name when the callbacks are enabled, which its constructor does: silence it before that."""

    def enableCallbacks(self) -> None:
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


def quiet_highs(seed: int) -> highspy.Highs:
    """A HiGHS that prints nothing, not even its name, and uses one thread."""
    highs = _QuietHighs()
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("random_seed", seed)
    return highs


class LinearProgram:
    """Minimise over rows and columns that may be added at any time: HiGHS, one thread, from the last basis."""

    def __init__(self, *, seed: int = 0) -> None:
        self.highs = quiet_highs(seed)
        self.rows = 0
        self.columns = 0
        self.values: Floats = np.zeros(0)
        self.duals: Floats = np.zeros(0)
        self.objective = 0.0

    def add_rows(
        self,
        lower: Sequence[float],
        upper: Sequence[float],
        entries: Sequence[Sequence[tuple[int, float]]] | None = None,
    ) -> range:
        """Add rows lower <= sum of (column, coefficient) <= upper; their numbers."""
        count = len(lower)
        if not count:
            return range(self.rows, self.rows)
        flat = [pair for row in entries for pair in row] if entries else []
        starts = np.zeros(count, dtype=np.int32)
        if entries:
            starts[1:] = np.cumsum([len(row) for row in entries])[:-1]
        self.highs.addRows(
            count,
            np.array(lower, dtype=np.float64),
            np.array(upper, dtype=np.float64),
            len(flat),
            starts,
            np.array([pair[0] for pair in flat], dtype=np.int32),
            np.array([pair[1] for pair in flat], dtype=np.float64),
        )
        self.rows += count
        return range(self.rows - count, self.rows)

    def add_columns(
        self,
        cost: Sequence[float],
        upper: Sequence[float],
        entries: Sequence[Sequence[tuple[int, float]]],
        *,
        lower: Sequence[float] | None = None,
        integer: Sequence[bool] | None = None,
    ) -> range:
        """Add columns with their (row, coefficient) entries, bounds 0 (or ``lower``) to ``upper``; their numbers."""
        count = len(cost)
        if not count:
            return range(self.columns, self.columns)
        sizes = [len(column) for column in entries]
        starts = np.zeros(count, dtype=np.int32)
        starts[1:] = np.cumsum(sizes)[:-1]
        rows = np.fromiter((pair[0] for column in entries for pair in column), dtype=np.int32, count=sum(sizes))
        values = np.fromiter((pair[1] for column in entries for pair in column), dtype=np.float64, count=sum(sizes))
        low = np.zeros(count) if lower is None else np.array(lower, dtype=np.float64)
        self.highs.addCols(
            count, np.array(cost, dtype=np.float64), low, np.array(upper, dtype=np.float64), sum(sizes), starts,
            rows, values,
        )  # fmt: skip
        if integer is not None:
            for number, flag in enumerate(integer):
                if flag:
                    self.highs.changeColIntegrality(self.columns + number, highspy.HighsVarType.kInteger)
        self.columns += count
        return range(self.columns - count, self.columns)

    def change_bounds(self, column: int, low: float, high: float) -> None:
        """Set the bounds of one column."""
        self.highs.changeColBounds(column, low, high)

    def solve(self, seconds: float) -> bool:
        """Solve within a time limit; whether the optimum was found. Changes ``values`` and ``duals``."""
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(0.01, seconds))
        self.highs.run()
        self.status = self.highs.getModelStatus()
        solution = self.highs.getSolution()
        self.values = np.array(solution.col_value)
        self.duals = np.array(solution.row_dual)
        self.objective = float(self.highs.getInfo().objective_function_value)
        return bool(self.status == highspy.HighsModelStatus.kOptimal)

    @property
    def is_infeasible(self) -> bool:
        """Whether the last solve proved that there is no solution; False if time ran out before."""
        return bool(self.status == highspy.HighsModelStatus.kInfeasible)


@dataclass(frozen=True, kw_only=True)
class Relaxed:
    """What column generation found.

    Parameters
    ----------
    bound_cents
        Proven: no plan costs less.
    prices
        The prices behind the best bound.
    amounts
        Per class: (itinerary, units) of the last LP.
    moves
        (type, trip, day) to vehicles of the last LP.
    aircraft
        (charter, day) to aircraft of the last LP.
    is_closed
        Whether nothing left out of the LP could improve it.
    """

    bound_cents: int
    prices: Prices
    amounts: list[list[tuple[Way, float]]]
    moves: dict[tuple[int, int, int], float]
    aircraft: dict[tuple[int, int], float]
    is_closed: bool


class Master:
    """The LP over generated itineraries and moves; rows of a trip-day appear with its first passenger."""

    def __init__(self, ground: Ground, classes: Sequence[TravelClass], *, seed: int = 0) -> None:
        self.ground = ground
        self.classes = list(classes)
        self.pricing = Pricing(ground, classes)
        self.program = LinearProgram(seed=seed)
        self.rows: dict[tuple[str, int, int], int] = {}
        self.move_columns: dict[tuple[int, int, int], int] = {}
        self.aircraft_columns: dict[tuple[int, int], int] = {}
        self.opened: set[tuple[int, int]] = set()
        self.ways: list[tuple[int, Way, int]] = []  # class, itinerary, column
        self.known: set[tuple[int, Path]] = set()
        program = self.program
        counts = [float(travel.count) for travel in self.classes]
        self.class_rows = program.add_rows(counts, counts)
        program.add_columns(
            [self.pricing.unplanned_cents(travel) for travel in self.classes],
            [np.inf] * len(counts),
            [[(row, 1.0)] for row in self.class_rows],
        )
        self._fleet()
        for index, kept in enumerate(self.pricing.kept):
            if kept is not None:
                self.add_ways([(index, kept)])

    # ---- vehicles ----

    def _fleet(self) -> None:
        """Every vehicle type is a flow over (site, day): stays, ends, own and hired vehicles, those under way."""
        ground, program = self.ground, self.program
        kinds, sites, begin, days = len(ground.type_seats), len(ground.site_of), ground.now, ground.days
        depots = [ground.site_of[site] for site in ground.depot_sites]
        standing = [site for _, _, _, _, site in ground.standing]
        served = sorted({*map(int, ground.trip_from), *map(int, ground.trip_to), *depots, *standing})
        self.node_row = np.full((kinds, sites, days + 1), -1, dtype=np.int64)
        supply = np.zeros((kinds, sites))
        for _, kind, _, _, site in ground.standing:
            supply[kind, site] += 1
        lower: list[float] = []
        for kind in range(kinds):
            for site in served:
                for day in range(begin, days + 1):
                    self.node_row[kind, site, day] = len(lower) + program.rows
                    lower.append(-supply[kind, site] if day == begin else 0.0)
        # Row: inflow - outflow = -supply.
        program.add_rows(lower, lower)
        cost: list[float] = []
        upper: list[float] = []
        entries: list[list[tuple[int, float]]] = []
        for kind in range(kinds):
            for site in served:
                for day in range(begin, days):
                    cost.append(float(ground.stay_cents[site]))
                    upper.append(np.inf)
                    entries.append(
                        [
                            (int(self.node_row[kind, site, day]), -1.0),
                            (int(self.node_row[kind, site, day + 1]), 1.0),
                        ]
                    )
                end = float(ground.end_cents[kind, site])
                cost.append(min(end, 1e10))
                upper.append(np.inf if end < INFINITE / 2 else 0.0)
                entries.append([(int(self.node_row[kind, site, days]), -1.0)])
        for fleet, hired in ((ground.fleet_own, False), (ground.fleet_hire, True)):
            for (depot, kind), number in fleet.items():
                if number:
                    hire = float(ground.problem.vehicle_types[kind].hire_cents) if hired else 0.0
                    cost.append(hire)
                    upper.append(float(number))
                    entries.append([(int(self.node_row[kind, ground.site_of[depot], begin]), 1.0)])
        program.add_columns(cost, upper, entries)

    def add_moves(self, moves: Sequence[tuple[int, int, int]]) -> None:
        """Add moves (type, trip, day) that are not in the LP yet; changes this object."""
        ground = self.ground
        fresh = [move for move in dict.fromkeys(moves) if move not in self.move_columns]
        entries = []
        for kind, trip, day in fresh:
            column = [
                (int(self.node_row[kind, ground.trip_from[trip], day]), -1.0),
                (int(self.node_row[kind, ground.trip_to[trip], day + 1]), 1.0),
            ]
            if (trip, day) in self.opened:
                for segment in range(ground.segment_first[trip], ground.segment_first[trip + 1]):
                    column.append((self.rows["seat", segment, day], -float(ground.type_seats[kind])))
                    wheelchairs = self.rows.get(("wheelchair", segment, day))
                    if wheelchairs is not None:
                        column.append((wheelchairs, -float(ground.type_wheelchairs[kind])))
            entries.append(column)
        numbers = self.program.add_columns(
            [float(ground.move_cents[kind, trip]) for kind, trip, _ in fresh], [np.inf] * len(fresh), entries
        )
        self.move_columns.update(zip(fresh, numbers, strict=True))

    def _open_trip(self, trip: int, day: int) -> None:
        """Seat rows of a trip-day, and a move of every type on it."""
        if (trip, day) in self.opened:
            return
        self._place_rows("seat", trip, day, self.ground.type_seats)
        self.opened.add((trip, day))
        self.add_moves([(kind, trip, day) for kind in range(len(self.ground.type_seats))])

    def _place_rows(self, name: str, trip: int, day: int, places: Ints) -> None:
        """A row per segment of a trip-day: places taken <= places of the vehicles that run it."""
        ground = self.ground
        entries = [
            (self.move_columns[kind, trip, day], -float(count))
            for kind, count in enumerate(places)
            if (kind, trip, day) in self.move_columns
        ]
        segments = range(ground.segment_first[trip], ground.segment_first[trip + 1])
        numbers = self.program.add_rows([-np.inf] * len(segments), [0.0] * len(segments), [entries] * len(segments))
        self.rows.update({(name, segment, day): row for segment, row in zip(segments, numbers, strict=True)})

    def _capacity_row(self, name: str, index: int, day: int, capacity: float) -> int:
        key = (name, index, day)
        if key not in self.rows:
            (self.rows[key],) = self.program.add_rows([-np.inf], [capacity])
        return self.rows[key]

    def _open_charter(self, charter: int, day: int) -> None:
        ground = self.ground
        if (charter, day) in self.aircraft_columns:
            return
        seat, least = self.program.add_rows([-np.inf, -np.inf], [0.0, 0.0])
        self.rows["charter_seat", charter, day] = seat
        self.rows["charter_least", charter, day] = least
        (self.aircraft_columns[charter, day],) = self.program.add_columns(
            [float(ground.charter_cents[charter])],
            [float(ground.charter_most[charter])],
            [[(seat, -float(ground.charter_seats[charter])), (least, float(ground.charter_least[charter]))]],
        )

    # ---- itineraries ----

    def add_ways(self, ways: Sequence[tuple[int, Way]]) -> int:
        """Add itineraries (class, way) that are not in the LP yet; how many were new. Changes this object."""
        fresh = []
        for index, way in ways:
            if (index, way.path) not in self.known:
                self.known.add((index, way.path))
                fresh.append((index, way))
        entries = [self._entries(index, way) for index, way in fresh]
        numbers = self.program.add_columns([way.cents for _, way in fresh], [np.inf] * len(fresh), entries)
        self.ways += [(index, way, number) for (index, way), number in zip(fresh, numbers, strict=True)]
        return len(fresh)

    def _entries(self, index: int, way: Way) -> list[tuple[int, float]]:
        ground, travel = self.ground, self.classes[index]
        seats = float(travel.seats)
        uses: dict[int, float] = {self.class_rows[index]: 1.0}

        def use(row: int, amount: float) -> None:
            uses[row] = uses.get(row, 0.0) + amount

        for ride, day in way.path:
            kind, row = int(ground.ride_kind[ride]), int(ground.ride_row[ride])
            if kind == TRIP:
                self._open_trip(row, day)
                for segment in range(ground.ride_low[ride], ground.ride_high[ride]):
                    use(self.rows["seat", segment, day], seats)
                    if travel.wheelchairs:
                        if ("wheelchair", segment, day) not in self.rows:
                            self._place_rows("wheelchair", row, day, ground.type_wheelchairs)
                        use(self.rows["wheelchair", segment, day], float(travel.wheelchairs))
            elif kind == SERVICE:
                use(self._capacity_row("service", row, day, ground.service_seats[row]), seats)
            else:
                self._open_charter(row, day)
                use(self.rows["charter_seat", row, day], seats)
                use(self.rows["charter_least", row, day], -seats)
            for crossing in ground.ride_crossings[ride]:
                use(self._capacity_row("quota", crossing, day, ground.quota[crossing, day]), seats)
        for site, night in way.nights:
            if night >= ground.now:
                use(self._capacity_row("bed", site, night, ground.beds[site, night]), seats)
        home, arrived = travel.destination, way.arrival_day
        if np.isfinite(ground.reception[home, arrived]):
            room = ground.reception[home, arrived]
            use(self._capacity_row("reception", home, arrived, room), float(travel.persons))
        if travel.escorts:
            end = min(arrived + ground.problem.escort_return_days + 1, ground.days)
            for day in range(max(way.first_day, ground.now), end):
                room = ground.escorts[travel.pool, day]
                use(self._capacity_row("escort", travel.pool, day, room), float(travel.escorts))
        return list(uses.items())

    # ---- prices ----

    def read_prices(self) -> Prices:
        """The prices (row duals) of the last solve."""
        prices = Prices(self.ground, len(self.classes))
        duals = self.program.duals
        for (name, index, day), row in self.rows.items():
            price = -duals[row]
            if price > 0:
                getattr(prices, name)[index, day] = price
        return prices

    def fill_slack(self, prices: Prices, fleet: FleetPrices, *, in_program: Iterable[tuple[int, int]]) -> None:
        """Price the seats of trips up to what their vehicle would cost, but those of ``in_program``.

        Changes ``prices``. ``in_program`` are the (trip, day) whose seats the program prices.
        """
        ground = self.ground
        first, last = ground.segment_first[:-1], ground.segment_first[1:]
        seats = np.maximum(ground.type_seats, 1)[:, None, None]
        share = (fleet.slack / seats).min(axis=0) / (last - first)[:, None]
        share[~ground.trip_runs] = 0.0
        share[share > INFINITE / 1e3] = 0.0
        for trip, day in in_program:
            share[trip, day] = 0.0
        prices.seat += np.repeat(share, last - first, axis=0)

    def _missing_moves(self, prices: Prices, most: int) -> list[tuple[int, int, int]]:
        """Moves outside the LP with negative reduced cost, at most ``most`` per type, best first."""
        ground, duals = self.ground, self.program.duals
        revenue, _ = self.pricing.revenues()
        potential = np.where(self.node_row >= 0, duals[np.maximum(self.node_row, 0)], 0.0)
        found: list[tuple[int, int, int]] = []
        for kind in range(len(ground.type_seats)):
            # Dual of a node row (inflow - outflow): reduced cost = cost + dual(from) - dual(to).
            reduced = (
                ground.move_cents[kind][:, None]
                - revenue[kind]
                + potential[kind, ground.trip_from, :-1]
                - potential[kind, ground.trip_to, 1:]
            )
            reduced[~ground.trip_runs] = 0.0
            trips, days = np.nonzero(reduced < -ROUND_CENTS)
            order = np.argsort(reduced[trips, days], kind="stable")
            best: set[tuple[int, int, int]] = set()
            for position in order:
                trip, day = int(trips[position]), int(days[position])
                pair = (int(ground.trip_from[trip]), int(ground.trip_to[trip]), day)
                if pair in best or (kind, trip, day) in self.move_columns:
                    continue
                best.add(pair)
                found.append((kind, trip, day))
                if len(best) >= most:
                    break
        return found

    def generate(
        self,
        *,
        seconds: float,
        gap: float = 1e-6,
        per_class: int = 2,
        start: Prices | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        on_bound: Callable[[int], None] = lambda bound_cents: None,
    ) -> Relaxed:
        """Column generation until nothing improves, the gap to the LP is small, or time is up.

        With ``start`` it begins at these prices instead of the quick relaxation's.
        """
        end = time.monotonic() + seconds

        def is_over() -> bool:
            return time.monotonic() > end or should_stop()

        # The quick relaxation: nothing is scarce, every seat pays its share of a vehicle. It needs no program.
        begun, closed = time.monotonic(), False
        best_prices, alpha = start or Prices(self.ground, len(self.classes)), FIRST_SMOOTHING
        self.pricing.set_prices(best_prices)
        fleet = self.pricing.fleet(self.pricing.revenues()[0])
        self.fill_slack(best_prices, fleet, in_program=())
        self.pricing.set_prices(best_prices)
        pays = np.array([self.pricing.unplanned_cents(travel) for travel in self.classes])
        best_bound, best_cents, ways = self.price_out(best_prices, per_class, pays, is_over=is_over)
        pricing_seconds = time.monotonic() - begun
        if best_bound > -np.inf:
            on_bound(whole_bound(best_bound))
        self.add_ways(ways)
        self.rounds = 0
        while not is_over():
            # A solved program says nothing without the time to price it out.
            is_solved = self.program.solve(end - time.monotonic() - pricing_seconds)
            begun = time.monotonic()
            if begun + pricing_seconds > end or should_stop() or not len(self.program.duals):
                break
            self.rounds += 1
            prices = self.read_prices()
            self.pricing.set_prices(prices)
            missing = self._missing_moves(prices, 200)
            pays = self.program.duals[self.class_rows]
            if best_bound > -np.inf:
                # A reduced cost is linear in the prices: what is negative here is negative in the program.
                prices = between(best_prices, prices, alpha)
                pays = alpha * best_cents + (1.0 - alpha) * pays
                self.pricing.set_prices(prices)
            fleet = self.pricing.fleet(self.pricing.revenues()[0])
            self.fill_slack(prices, fleet, in_program=self.opened)
            self.pricing.set_prices(prices)
            bound, cents, ways = self.price_out(prices, per_class, pays, is_over=is_over)
            pricing_seconds = max(pricing_seconds, time.monotonic() - begun)
            is_raised = bound > best_bound
            if is_raised:
                best_bound, best_prices, best_cents = bound, prices, cents
                on_bound(whole_bound(bound))
            objective = self.program.objective + self.ground.constant_cents
            self.log = (self.rounds, objective, best_bound, self.program.columns, self.program.rows)
            if not ways and not missing and alpha <= 0.0:
                closed = is_solved and bound > -np.inf
                break
            # The value of a program cut off by time is too low to say how far the bound has come.
            if is_solved and objective - best_bound <= gap * abs(objective):
                closed = True
                break
            self.add_moves(missing)
            added = self.add_ways(ways)
            if not added and not missing and alpha <= 0.0:
                break
            # The program may be trusted further while it promises right.
            alpha = max(0.0, alpha - SMOOTHING_STEP) if is_raised else min(MOST_SMOOTHING, alpha + SMOOTHING_STEP)
            if not added:
                alpha = 0.0
        return self._relaxed(best_bound, best_prices, closed)

    def price_out(
        self, prices: Prices, per_class: int, class_cents: Floats, *, is_over: Callable[[], bool] = lambda: False
    ) -> tuple[float, Floats, list[tuple[int, Way]]]:
        """The bound at these prices, each class's least price, and itineraries cheaper than ``class_cents``.

        If it is over before all classes are priced the bound is minus infinity.
        """
        pricing = self.pricing
        cents = np.full(len(self.classes), INFINITE)
        found: list[tuple[int, Way]] = []
        shared: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for index in range(len(self.classes)):
            shared[pricing.commodity(index)].append(index)
        for key, members in shared.items():
            if is_over():
                return -np.inf, cents, found
            sweep: Sweep | None = None
            for index in members:
                travel = self.classes[index]
                options: list[tuple[float, int, int]] = []
                if not travel.is_locked:
                    if key[0] == "own":
                        sweep = pricing.sweep(index)
                        options = sorted(sweep.options())[: 2 * per_class]
                    else:
                        sweep = sweep or pricing.shared_sweep(index)
                        options = sweep.options_for(travel, 2 * per_class)
                    found += self._beating(sweep, index, options, float(class_cents[index]), per_class)
                best = options[0][0] if options else INFINITE
                cents[index] = pricing.bound_of_class(index, best)
        move, aircraft = pricing.revenues()
        bound = pricing.bound_cents(cents.tolist(), pricing.fleet(move), pricing.charter_slack(aircraft))
        return bound, cents, found

    def _beating(
        self,
        sweep: Sweep,
        index: int,
        options: Sequence[tuple[float, int, int]],
        dual: float,
        most: int,
    ) -> list[tuple[int, Way]]:
        """At most ``most`` different itineraries of a class that are cheaper than its dual."""
        travel = self.classes[index]
        paths: list[Path] = []
        for price, number, layer in options:
            if price >= dual - ROUND_CENTS or len(paths) >= most:
                break
            path = sweep.path(number, layer, travel)
            if path and path not in paths:
                paths.append(path)
        return [(index, self.pricing.way(travel, path)) for path in paths]

    def solution(
        self,
    ) -> tuple[list[list[tuple[Way, float]]], dict[tuple[int, int, int], float], dict[tuple[int, int], float]]:
        """Itineraries with units per class, vehicles per move, aircraft per charter day of the last solve."""
        values = self.program.values
        amounts: list[list[tuple[Way, float]]] = [[] for _ in self.classes]
        for index, way, column in self.ways:
            if column < len(values) and values[column] > 1e-7:
                amounts[index].append((way, float(values[column])))

        def used(columns: dict[tuple[int, ...], int]) -> dict[tuple[int, ...], float]:
            return {k: float(values[c]) for k, c in columns.items() if c < len(values) and values[c] > 1e-7}

        return amounts, used(self.move_columns), used(self.aircraft_columns)  # type: ignore[arg-type,return-value]

    def _relaxed(self, bound: float, prices: Prices, closed: bool) -> Relaxed:
        amounts, moves, aircraft = self.solution()
        return Relaxed(
            bound_cents=whole_bound(bound) if np.isfinite(bound) else -(10**18),
            prices=prices,
            amounts=amounts,
            moves=moves,
            aircraft=aircraft,
            is_closed=closed,
        )
