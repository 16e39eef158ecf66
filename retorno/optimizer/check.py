"""The judge: whether a plan keeps every hard constraint of its problem, and what it costs.

Written from the format alone (docs/optimizer-format.md), apart from every solver, so that it can judge any
of them. The plan is taken as plain JSON: each field is read when a rule needs it, and a field that is missing
or of the wrong kind ends the judgement with `MALFORMED`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retorno.optimizer.problem import (
    DAY_MIN,
    PLAN_FORMAT,
    Charter,
    Group,
    Plan,
    Problem,
    Replan,
    Rest,
    Service,
    Trip,
    VehicleType,
    leg_to_json,
    plan_to_json,
)
from retorno.optimizer.verdict import COST_PARTS, SUMMANDS, Code, Uses, Verdict, Violation

__all__ = ["COST_PARTS", "SUMMANDS", "Code", "Uses", "Verdict", "Violation", "judge", "judge_json", "uses"]


def uses(problem: Problem, plan: Plan) -> Uses:
    """Count what a plan uses of every capacity, as the judge counts it."""
    judgement = _Judgement(problem)
    judgement.hear(plan_to_json(plan))
    return Uses(
        seats=dict(judgement.seats_used),
        wheelchairs=dict(judgement.wheelchairs_used),
        quota=dict(judgement.quota_used),
        beds=dict(judgement.beds_used),
        reception=dict(judgement.received),
        services=dict(judgement.service_used),
        charters=dict(judgement.charter_used),
        escorts=dict(judgement.escorts_used),
        children=dict(judgement.children_used),
        linked_children=dict(judgement.linked_children),
        linked_escorts=dict(judgement.linked_escorts),
        women=dict(judgement.women_used),
        men=dict(judgement.men_used),
        riders={group_id: frozenset(rides) for group_id, rides in judgement.riders.items()},
    )


def judge(problem: Problem, plan: Plan) -> Verdict:
    """Judge a plan: every broken constraint, and the value recomputed from the problem alone."""
    return judge_json(problem, plan_to_json(plan))


def judge_json(problem: Problem, document: Any) -> Verdict:
    """Judge a plan as it stands in a JSON document, whatever that holds.

    Parameters
    ----------
    problem
        What the plan must fulfil.
    document
        Any JSON value. If a field that a rule needs is missing or of the wrong kind, the verdict holds the one
        violation `MALFORMED` and no figures.
    """
    judgement = _Judgement(problem)
    try:
        judgement.hear(document)
        return judgement.verdict()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        missing = isinstance(error, KeyError)
        text = f"the field {error} is missing" if missing else f"a field is of the wrong kind: {error}"
        blank = _Judgement(problem)
        blank.blame(Code.MALFORMED, text)
        return blank.verdict()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ride:
    """One leg as the problem offers it: from where to where, and what it passes."""

    row: Trip | Service | Charter
    runs: str
    vulnerable_runs: str
    start: str
    end: str
    depart_min: int
    arrive_min: int
    crossings: Sequence[str]
    is_land: bool


class _Judgement:
    """One hearing of one plan: tables of the problem, uses booked so far, violations and money so far."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.horizon = problem.horizon_days
        self.sites = {site.id: site for site in problem.sites}
        self.crossings = {crossing.id: crossing for crossing in problem.crossings}
        self.types = {kind.id: kind for kind in problem.vehicle_types}
        self.depots = {depot.site: depot for depot in problem.depots}
        self.trips = {trip.id: trip for trip in problem.trips}
        self.services = {service.id: service for service in problem.services}
        self.charters = {charter.id: charter for charter in problem.charters}
        self.groups = {group.id: group for group in problem.groups}
        self.trip_days = {trip.id: self.running_days(trip) for trip in problem.trips}
        self.rides: dict[tuple[str, int, int], _Ride] = {}
        self.links: dict[tuple[str, str], _Ride] = {}
        self.violations: list[Violation] = []
        self.cents: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.moves: dict[Any, dict[Any, Any]] = {}  # vehicle -> day -> trip
        self.type_of: dict[Any, VehicleType] = {}
        self.riders: defaultdict[str, set[tuple[Any, Any]]] = defaultdict(set)  # group -> (vehicle, day)
        self.seats_used: Counter[Any] = Counter()  # (vehicle, day, segment)
        self.wheelchairs_used: Counter[Any] = Counter()  # (vehicle, day, segment)
        self.quota_used: Counter[Any] = Counter()  # (crossing, day)
        self.beds_used: Counter[Any] = Counter()  # (site, night)
        self.received: Counter[Any] = Counter()  # (site, day)
        self.service_used: Counter[Any] = Counter()  # (service, day)
        self.charter_used: Counter[Any] = Counter()  # (charter, day, aircraft)
        self.escorts_used: Counter[Any] = Counter()  # (pool, day)
        self.women_used: Counter[Any] = Counter()  # (pool, day)
        self.men_used: Counter[Any] = Counter()  # (pool, day)
        self.children_used: Counter[Any] = Counter()  # (vehicle, day, segment); unaccompanied ones
        self.linked_children: Counter[Any] = Counter()  # (service or charter, day, aircraft)
        self.linked_escorts: Counter[Any] = Counter()  # (service or charter, day, aircraft)

    def blame(self, code: Code, text: str, *, group_id: str = "", vehicle_id: Any = "") -> None:
        self.violations.append(Violation(code=code, text=text, group_id=group_id, vehicle_id=str(vehicle_id)))

    def hear(self, document: Any) -> None:
        """Judge the whole plan, constraint by constraint."""
        self.header_matches(document)
        self.vehicles_drive_legally(document["vehicles"])
        self.fleet_is_enough(document["vehicles"])
        self.groups_travel_legally(document["itineraries"])
        self.seats_suffice()
        self.wheelchair_places_suffice()
        self.quotas_hold()
        self.beds_suffice()
        self.reception_suffices()
        self.service_seats_suffice()
        self.charters_are_filled()
        self.escorts_suffice()
        self.escorts_of_each_sex_suffice()
        self.unaccompanied_children_are_few()
        self.escorts_have_return_seats()
        if self.problem.rest is not None:
            self.vehicles_rest(self.problem.rest)
        self.conflicting_groups_stay_apart()
        if self.problem.replan is not None:
            self.past_vehicles_stand(self.problem.replan, document["vehicles"])
            self.past_legs_stand(self.problem.replan, document["itineraries"])

    def verdict(self) -> Verdict:
        cents: dict[str, int] = {part: int(self.cents[part]) for part in COST_PARTS}
        cents["cost"] = sum(cents.values())
        for name in SUMMANDS:
            cents.setdefault(name, int(self.cents[name]))
        return Verdict(
            violations=tuple(self.violations),
            value_cents=sum(cents[name] for name in SUMMANDS),
            components=cents,
            persons=sum(group.persons for group in self.problem.groups),
            persons_unplanned=int(self.counts["persons_unplanned"]),
            person_days=int(self.counts["person_days"]),
            trips_run=int(self.counts["trips_run"]),
            groups_changed=int(self.counts["groups_changed"]),
        )

    def header_matches(self, document: Any) -> None:
        """HEADER: format and problem name are those expected."""
        for key, wanted in (("problem", self.problem.name), ("format", PLAN_FORMAT)):
            found = document.get(key)
            if found != wanted:
                self.blame(Code.HEADER, f"{key} is {found!r}, expected {wanted!r}")

    # ---- what runs ------------------------------------------------------------------------------------

    def running_days(self, row: Trip | Service | Charter) -> str:
        """The row's days less those on which it is cancelled or one of its crossings is closed."""
        crossings = self.every_crossing(row)
        cancelled, closures = self.problem.cancelled, self.problem.closures
        return "".join(
            "1"
            if offered == "1"
            and (row.id, day) not in cancelled
            and not any((crossing, day) in closures for crossing in crossings)
            else "0"
            for day, offered in enumerate(row.days)
        )

    @staticmethod
    def every_crossing(row: Trip | Service | Charter) -> tuple[str, ...]:
        if isinstance(row, Trip):
            return tuple(crossing for segment in row.crossings for crossing in segment)
        return row.crossings if isinstance(row, Service) else ()

    def is_on(self, runs: str, day: Any) -> bool:
        return 0 <= day < self.horizon and runs[day] == "1"

    # ---- vehicles -------------------------------------------------------------------------------------

    def vehicles_drive_legally(self, vehicles: Any) -> None:
        """VEHICLE_TWICE, VEHICLE_UNKNOWN, and for known ones the rules of `follow_moves`."""
        for vehicle in vehicles:
            vehicle_id, type_id, depot = vehicle["id"], vehicle["type"], vehicle["depot"]
            if vehicle_id in self.moves:
                self.blame(Code.VEHICLE_TWICE, f"vehicle {vehicle_id} is listed twice", vehicle_id=vehicle_id)
            if type_id not in self.types or depot not in self.depots:
                text = f"vehicle {vehicle_id}: type {type_id} or depot {depot} is not in the problem"
                self.blame(Code.VEHICLE_UNKNOWN, text, vehicle_id=vehicle_id)
                continue
            moves = vehicle["moves"]
            self.type_of[vehicle_id] = self.types[type_id]
            self.moves[vehicle_id] = {}
            for day, trip_id in moves:
                self.moves[vehicle_id][day] = trip_id
            if moves:
                if vehicle["hired"]:
                    self.cents["hire"] += self.types[type_id].hire_cents
                self.follow_moves(vehicle_id, self.types[type_id], depot, moves)

    def follow_moves(self, vehicle_id: Any, kind: VehicleType, depot: str, moves: Any) -> None:
        """TRIP_UNKNOWN, VEHICLE_DAYS, VEHICLE_PLACE, TRIP_NOT_RUN, VEHICLE_END; books the running cost."""
        costs = self.problem.costs
        stands_at, last_day = depot, -1
        for day, trip_id in moves:
            where = f"vehicle {vehicle_id} day {day}"
            trip = self.trips.get(trip_id)
            if trip is None:
                text = f"{where}: trip {trip_id} is not in the problem"
                self.blame(Code.TRIP_UNKNOWN, text, vehicle_id=vehicle_id)
                return
            if day <= last_day:
                text = f"{where}: comes after a move on day {last_day}"
                self.blame(Code.VEHICLE_DAYS, text, vehicle_id=vehicle_id)
            if trip.stops[0] != stands_at:
                text = f"{where}: stands at {stands_at}, trip {trip_id} starts at {trip.stops[0]}"
                self.blame(Code.VEHICLE_PLACE, text, vehicle_id=vehicle_id)
            if not self.is_on(self.trip_days[trip.id], day):
                text = f"{where}: trip {trip_id} does not run"
                self.blame(Code.TRIP_NOT_RUN, text, vehicle_id=vehicle_id)
            if stands_at not in self.depots:
                self.cents["idle"] += costs.away_day_cents * (day - last_day - 1)
            self.cents["trips"] += kind.day_cents + trip.km * kind.km_cents + trip.drivers * costs.driver_day_cents
            self.counts["trips_run"] += 1
            stands_at, last_day = trip.stops[-1], day
        if stands_at in self.depots:
            return
        self.cents["idle"] += costs.away_day_cents * (self.horizon - last_day - 1)
        if stands_at in kind.return_cents:
            self.cents["return"] += kind.return_cents[stands_at]
        else:
            text = f"vehicle {vehicle_id} ends at {stands_at}, from where no {kind.id} can be brought home"
            self.blame(Code.VEHICLE_END, text, vehicle_id=vehicle_id)

    def fleet_is_enough(self, vehicles: Any) -> None:
        """FLEET: per depot and type, vehicles with a move <= own, and <= hire_max of those hired."""
        used = Counter(
            (vehicle["depot"], vehicle["type"], bool(vehicle["hired"]))
            for vehicle in vehicles
            if vehicle["type"] in self.types and vehicle["depot"] in self.depots and vehicle["moves"]
        )
        for (depot, type_id, hired), count in used.items():
            allowed = self.depots[depot].hire_max if hired else self.depots[depot].own
            self.at_most(
                Code.FLEET, f"{'hired' if hired else 'own'} {type_id} of {depot}", count, allowed.get(type_id, 0)
            )

    # ---- groups ---------------------------------------------------------------------------------------

    def groups_travel_legally(self, itineraries: Any) -> None:
        """GROUP_UNKNOWN, and for each known group the rules of `follow_legs`, or the price of staying."""
        for group_id in itineraries:
            if group_id not in self.groups:
                self.blame(Code.GROUP_UNKNOWN, f"group {group_id} is not in the problem")
        for group in self.problem.groups:
            legs = itineraries.get(group.id)
            if legs:
                self.follow_legs(group, legs)
            else:
                self.cents["unplanned"] += group.unplanned_cents
                self.counts["persons_unplanned"] += group.persons
                self.book_waiting(group, self.horizon)

    def book_waiting(self, group: Group, until_day: int) -> None:
        self.cents["waiting"] += group.wait_cents_per_day * (until_day - group.ready_day)
        self.counts["person_days"] += group.persons * (until_day - group.ready_day)

    def ride(self, leg: Any) -> _Ride | None:
        """What the problem offers under this leg's ids; None if it offers nothing."""
        if "trip" in leg:
            trip_id, board, alight = leg["trip"], leg["board"], leg["alight"]
            trip = self.trips.get(trip_id)
            if trip is None or not 0 <= board < alight < len(trip.stops):
                return None
            return self.trip_ride(trip, board, alight)
        if "service" in leg:
            service = self.services.get(leg["service"])
            return None if service is None else self.link_ride("service", service)
        charter = self.charters.get(leg.get("charter"))
        return None if charter is None else self.link_ride("charter", charter)

    def trip_ride(self, trip: Trip, board: int, alight: int) -> _Ride:
        segments = trip.crossings[board:alight]
        key = (trip.id, board, alight)
        if key not in self.rides:
            self.rides[key] = _Ride(
                row=trip,
                runs=self.trip_days[trip.id],
                vulnerable_runs=trip.vulnerable_days,
                start=trip.stops[board],
                end=trip.stops[alight],
                depart_min=trip.depart_min[board],
                arrive_min=trip.arrive_min[alight],
                crossings=[crossing for segment in segments for crossing in segment],
                is_land=True,
            )
        return self.rides[key]

    def link_ride(self, kind: str, row: Service | Charter) -> _Ride:
        if (kind, row.id) not in self.links:
            self.links[kind, row.id] = _Ride(
                row=row,
                runs=self.running_days(row),
                vulnerable_runs=row.vulnerable_days if isinstance(row, Service) else row.days,
                start=row.origin,
                end=row.destination,
                depart_min=row.depart_min,
                arrive_min=row.arrive_min,
                crossings=self.every_crossing(row),
                is_land=isinstance(row, Service) and row.mode == "coach",
            )
        return self.links[kind, row.id]

    def follow_legs(self, group: Group, legs: Any) -> None:
        """Every rule about one group's legs; books what they use. Stops at a leg that does not exist."""
        before: tuple[_Ride, Any] | None = None
        for index, leg in enumerate(legs):
            ride = self.ride(leg)
            if ride is None:
                text = f"group {group.id} leg {index + 1}: {leg} is not in the problem"
                self.blame(Code.LEG_UNKNOWN, text, group_id=group.id)
                return
            day = leg["day"]
            where = f"group {group.id} leg {index + 1} day {day} ({ride.row.id})"
            self.leg_follows_on(group, ride, before, where)
            self.leg_runs_for_the_group(group, ride, day, where)
            self.country_is_open_to_the_group(group, ride, where)
            if before is not None:
                self.change_is_possible(group, before, ride, day, where)
                self.book_nights(group, before, day)
            for crossing in ride.crossings:
                self.quota_used[crossing, day] += group.seats
            self.book_seats(group, leg, ride, day, where)
            self.cents["comfort"] += group.persons * (
                self.problem.costs.boarding_cents
                + self.problem.costs.ride_minute_cents * (ride.arrive_min - ride.depart_min)
            )
            before = (ride, day)
        if before is not None:
            last, last_day = before
            self.group_comes_home(group, last.end, legs[0]["day"], last_day + last.arrive_min // DAY_MIN)
            if self.problem.escorts_keep_seats and isinstance(last.row, Trip):
                self.book_way_back(group, legs[-1]["vehicle"], last_day)

    def leg_follows_on(self, group: Group, ride: _Ride, before: tuple[_Ride, Any] | None, where: str) -> None:
        """LEG_PLACE: a leg starts where the group is. PAST_DESTINATION: nobody travels on from home."""
        stands_at = group.origin if before is None else before[0].end
        if ride.start != stands_at:
            text = f"{where}: the group is at {stands_at}, the leg starts at {ride.start}"
            self.blame(Code.LEG_PLACE, text, group_id=group.id)
        if stands_at == group.destination:
            self.blame(Code.PAST_DESTINATION, f"{where}: the group is at its destination", group_id=group.id)

    def leg_runs_for_the_group(self, group: Group, ride: _Ride, day: Any, where: str) -> None:
        """LEG_NOT_RUN, VULNERABLE_HOURS, NOT_READY: the leg runs, for this group, not before it is ready."""
        if not self.is_on(ride.runs, day):
            self.blame(Code.LEG_NOT_RUN, f"{where}: does not run that day", group_id=group.id)
        elif group.vulnerable and ride.vulnerable_runs[day] != "1":
            text = f"{where}: not inside the stricter hours that day"
            self.blame(Code.VULNERABLE_HOURS, text, group_id=group.id)
        replan = self.problem.replan
        is_past = replan is not None and day < replan.now_day
        if day < group.ready_day and not is_past:
            self.blame(Code.NOT_READY, f"{where}: the group is ready on day {group.ready_day}", group_id=group.id)

    def country_is_open_to_the_group(self, group: Group, ride: _Ride, where: str) -> None:
        """BARRED_COUNTRY: no crossing touches a barred country, no flight stops over in one."""
        if not group.barred_countries:
            return
        met = {country for crossing in ride.crossings for country in self.crossings[crossing].countries}
        if not ride.is_land and ride.end != group.destination:
            met.add(self.sites[ride.end].country)
        barred = sorted(met.intersection(group.barred_countries))
        if barred:
            text = f"{where}: touches {', '.join(barred)}"
            self.blame(Code.BARRED_COUNTRY, text, group_id=group.id)

    def change_is_possible(self, group: Group, before: tuple[_Ride, Any], ride: _Ride, day: Any, where: str) -> None:
        """TRANSFER: enough minutes between two legs. LAND_LEG_SECOND: a land leg starts on a fresh day."""
        last, last_day = before
        gap_min = (day - last_day) * DAY_MIN + ride.depart_min - last.arrive_min
        if gap_min < self.problem.transfer_min:
            text = f"{where}: {gap_min} minutes after the arrival, at least {self.problem.transfer_min}"
            self.blame(Code.TRANSFER, text, group_id=group.id)
        if ride.is_land and day <= last_day + last.arrive_min // DAY_MIN:
            self.blame(Code.LAND_LEG_SECOND, f"{where}: already travelled that day", group_id=group.id)

    def book_nights(self, group: Group, before: tuple[_Ride, Any], day: Any) -> None:
        """Beds for every night from the last arrival's day to the day before this departure."""
        last, last_day = before
        arrived = last_day + last.arrive_min // DAY_MIN
        nights = range(arrived, day)
        for night in self.within_sight(nights):
            self.beds_used[last.end, night] += group.seats
        self.cents["beds"] += self.problem.costs.bed_night_cents * group.seats * max(0, day - arrived)

    def within_sight(self, days: range) -> Iterator[int]:
        """The days of a range, without those far outside the horizon: a wild day number must not fill memory."""
        reach = self.horizon + 1_000
        near = range(max(days.start, -reach), min(days.stop, reach))
        if days and days.start not in near:
            yield days.start
        yield from near

    def book_seats(self, group: Group, leg: Any, ride: _Ride, day: Any, where: str) -> None:
        """NO_SUCH_MOVE, AIRCRAFT; books seats in the vehicle, service or aircraft that carries the leg."""
        row = ride.row
        if isinstance(row, Trip):
            vehicle_id = leg["vehicle"]
            if self.moves.get(vehicle_id, {}).get(day) != row.id:
                text = f"{where}: vehicle {vehicle_id} does not run this trip that day"
                self.blame(Code.NO_SUCH_MOVE, text, group_id=group.id, vehicle_id=vehicle_id)
                return
            self.riders[group.id].add((vehicle_id, day))
            for segment in range(leg["board"], leg["alight"]):
                self.seats_used[vehicle_id, day, segment] += group.seats
                self.wheelchairs_used[vehicle_id, day, segment] += group.wheelchairs
                self.children_used[vehicle_id, day, segment] += group.unaccompanied
        elif isinstance(row, Service):
            self.service_used[row.id, day] += group.seats
            self.cents["fares"] += row.fare_cents * group.seats
            self.linked_children[row.id, day, 0] += group.unaccompanied
            self.linked_escorts[row.id, day, 0] += group.escorts
        else:
            aircraft = leg["aircraft"]
            if not 0 <= aircraft < row.max_per_day:
                text = f"{where}: aircraft {aircraft}, there are {row.max_per_day} a day"
                self.blame(Code.AIRCRAFT, text, group_id=group.id)
            self.charter_used[row.id, day, aircraft] += group.seats
            self.linked_children[row.id, day, aircraft] += group.unaccompanied
            self.linked_escorts[row.id, day, aircraft] += group.escorts

    def group_comes_home(self, group: Group, end: str, first_day: Any, last_day: Any) -> None:
        """NOT_HOME, TOO_LATE, JOURNEY_TOO_LONG; books reception, waiting and escorts."""
        problem = self.problem
        if end != group.destination:
            text = f"group {group.id} ends at {end}, its destination is {group.destination}"
            self.blame(Code.NOT_HOME, text, group_id=group.id)
        if last_day > group.latest_day or last_day >= self.horizon:
            text = f"group {group.id} arrives on day {last_day}, latest {group.latest_day} of {self.horizon} days"
            self.blame(Code.TOO_LATE, text, group_id=group.id)
        own_limit = group.max_journey_days
        limit = problem.max_journey_days if own_limit is None else own_limit
        if last_day - first_day > limit:
            text = f"group {group.id} travels from day {first_day} to {last_day}, limit {limit} days"
            self.blame(Code.JOURNEY_TOO_LONG, text, group_id=group.id)
        self.received[end, last_day] += group.persons
        self.book_waiting(group, last_day)
        if group.escorts:
            back_day = last_day + problem.escort_return_days
            self.cents["escorts"] += problem.costs.escort_day_cents * group.escorts * (back_day - first_day + 1)
            for day in self.within_sight(range(first_day, min(back_day + 1, self.horizon))):
                self.escorts_used[group.escort_pool, day] += group.escorts
                self.women_used[group.escort_pool, day] += group.escort_women
                self.men_used[group.escort_pool, day] += group.escort_men

    def book_way_back(self, group: Group, vehicle_id: Any, arrived: Any) -> None:
        """Seats for a group's escorts on whatever the vehicle drives while it brings them home."""
        moves = self.moves.get(vehicle_id, {})
        for day in self.within_sight(range(arrived + 1, arrived + self.problem.escort_return_days + 1)):
            trip = self.trips.get(moves.get(day, ""))
            for segment in range(len(trip.stops) - 1 if trip else 0):
                self.seats_used[vehicle_id, day, segment] += group.escorts

    # ---- capacities -----------------------------------------------------------------------------------

    def at_most(self, code: Code, where: str, used: int, limit: int) -> None:
        if used > limit:
            self.blame(code, f"{where}: {used}, limit {limit}")

    def seats_suffice(self) -> None:
        """SEATS: per vehicle, day and segment, persons and escorts aboard <= seats."""
        for (vehicle_id, day, segment), used in self.seats_used.items():
            where = f"vehicle {vehicle_id} day {day} segment {segment}"
            self.at_most(Code.SEATS, where, used, self.type_of[vehicle_id].seats)

    def wheelchair_places_suffice(self) -> None:
        """WHEELCHAIRS: per vehicle, day and segment, wheelchairs aboard <= places."""
        for (vehicle_id, day, segment), used in self.wheelchairs_used.items():
            where = f"vehicle {vehicle_id} day {day} segment {segment}"
            self.at_most(Code.WHEELCHAIRS, where, used, self.type_of[vehicle_id].wheelchairs)

    def quotas_hold(self) -> None:
        """QUOTA: per crossing and day of departure, persons and escorts through it <= quota."""
        for (crossing, day), used in self.quota_used.items():
            if 0 <= day < self.horizon:
                self.at_most(Code.QUOTA, f"{crossing} day {day}", used, self.crossings[crossing].quota[day])

    def beds_suffice(self) -> None:
        """BEDS: per site and night, persons and escorts staying <= beds."""
        for (site, night), used in self.beds_used.items():
            self.at_most(Code.BEDS, f"{site} night {night}", used, self.sites[site].beds)

    def reception_suffices(self) -> None:
        """RECEPTION: per destination and day, persons arriving <= arrivals."""
        for (site, day), used in self.received.items():
            arrivals = self.sites[site].arrivals
            if arrivals is not None and 0 <= day < self.horizon:
                self.at_most(Code.RECEPTION, f"{site} day {day}", used, arrivals[day])

    def service_seats_suffice(self) -> None:
        """SERVICE_SEATS: per service and day, persons and escorts aboard <= seats."""
        for (service, day), used in self.service_used.items():
            self.at_most(Code.SERVICE_SEATS, f"{service} day {day}", used, self.services[service].seats)

    def charters_are_filled(self) -> None:
        """CHARTER_SEATS, CHARTER_MINIMUM: per aircraft that flies, min_load <= aboard <= seats."""
        for (charter_id, day, aircraft), used in self.charter_used.items():
            charter = self.charters[charter_id]
            where = f"{charter_id} day {day} aircraft {aircraft}"
            self.cents["charters"] += charter.fixed_cents
            self.at_most(Code.CHARTER_SEATS, where, used, charter.seats)
            if used < charter.min_load:
                self.blame(Code.CHARTER_MINIMUM, f"{where}: {used}, at least {charter.min_load}")

    def escorts_suffice(self) -> None:
        """ESCORTS: per pool and day, escorts under way or returning <= available."""
        available = {pool.id: pool.available for pool in self.problem.escort_pools}
        for (pool, day), used in self.escorts_used.items():
            self.at_most(Code.ESCORTS, f"pool {pool} day {day}", used, available.get(pool, 0))

    # ---- only in problems of version 2 ----------------------------------------------------------------

    def escorts_of_each_sex_suffice(self) -> None:
        """ESCORT_SEX: per pool and day, escorts who have to be women <= women, and men likewise."""
        for pool in self.problem.escort_pools:
            for word, told, used in (("women", pool.women, self.women_used), ("men", pool.men, self.men_used)):
                for day, limit in enumerate(told or ()):
                    self.at_most(Code.ESCORT_SEX, f"pool {pool.id} day {day}: {word}", used[pool.id, day], limit)

    def unaccompanied_children_are_few(self) -> None:
        """UNACCOMPANIED: per vehicle, day and segment, and per departure, unaccompanied children aboard <= limit."""
        for (vehicle_id, day, segment), used in self.children_used.items():
            limit = self.type_of[vehicle_id].unaccompanied_max
            if limit is not None:
                where = f"vehicle {vehicle_id} day {day} segment {segment}"
                self.at_most(Code.UNACCOMPANIED, where, used, limit)
        for (row_id, day, aircraft), used in self.linked_children.items():
            limit = self.link(row_id).unaccompanied_max
            if limit is not None:
                self.at_most(Code.UNACCOMPANIED, f"{row_id} day {day} aircraft {aircraft}", used, limit)

    def escorts_have_return_seats(self) -> None:
        """ESCORT_RETURN: per departure of a service or charter, escorts aboard <= return seats bought with it."""
        for (row_id, day, aircraft), used in self.linked_escorts.items():
            limit = self.link(row_id).escort_returns
            if limit is not None:
                self.at_most(Code.ESCORT_RETURN, f"{row_id} day {day} aircraft {aircraft}", used, limit)

    def link(self, row_id: str) -> Service | Charter:
        return self.services[row_id] if row_id in self.services else self.charters[row_id]

    def vehicles_rest(self, rest: Rest) -> None:
        """VEHICLE_REST, VEHICLE_NIGHT: enough days without a move, enough minutes between two days. Once a vehicle.

        What happened before now is a fact: only days on which a vehicle still moves are judged.
        """
        now_day = self.problem.replan.now_day if self.problem.replan else 0
        for vehicle_id, moves in self.moves.items():
            days = sorted(day for day, trip_id in moves.items() if trip_id in self.trips)
            for position, last in enumerate(days):
                worked = position + 1 - bisect_right(days, last - rest.window_days)
                if last >= now_day and worked > rest.most_days:
                    text = f"vehicle {vehicle_id} moves on {worked} of the {rest.window_days} days up to day {last}"
                    self.blame(Code.VEHICLE_REST, f"{text}, limit {rest.most_days}", vehicle_id=vehicle_id)
                    break
            for day in days:
                if day < now_day or day - 1 not in moves or moves[day - 1] not in self.trips:
                    continue
                night = DAY_MIN + self.trips[moves[day]].depart_min[0] - self.trips[moves[day - 1]].arrive_min[-1]
                if night < rest.night_min:
                    text = f"vehicle {vehicle_id} stands {night} minutes before day {day}, at least {rest.night_min}"
                    self.blame(Code.VEHICLE_NIGHT, text, vehicle_id=vehicle_id)
                    break

    def conflicting_groups_stay_apart(self) -> None:
        """CONFLICT: two conflicting groups never ride one vehicle on one day."""
        for first, second in self.problem.conflicts:
            for vehicle_id, day in self.riders[first] & self.riders[second]:
                text = f"groups {first} and {second} both ride vehicle {vehicle_id} on day {day}"
                self.blame(Code.CONFLICT, text, group_id=first, vehicle_id=vehicle_id)

    # ---- replanning -----------------------------------------------------------------------------------

    def past_vehicles_stand(self, replan: Replan, vehicles: Any) -> None:
        """PAST_VEHICLE: what vehicles did before now_day is exactly what the previous plan says."""
        previous = plan_to_json(replan.previous)["vehicles"]
        expected = {vehicle["id"]: _past_of(vehicle, replan.now_day) for vehicle in previous}
        for vehicle in vehicles:
            found = _past_of(vehicle, replan.now_day)
            if found != expected.pop(vehicle["id"], None):
                text = f"vehicle {vehicle['id']}: its moves before day {replan.now_day} are facts, and differ"
                self.blame(Code.PAST_VEHICLE, text, vehicle_id=vehicle["id"])
        for vehicle_id, past in expected.items():
            if past is not None:
                text = f"vehicle {vehicle_id} moved before day {replan.now_day} and is missing"
                self.blame(Code.PAST_VEHICLE, text, vehicle_id=vehicle_id)

    def past_legs_stand(self, replan: Replan, itineraries: Any) -> None:
        """PAST_LEG, LOCKED; books the price of each changed group."""
        now_day, locked = replan.now_day, frozenset(replan.locked_groups)
        for group in self.problem.groups:
            old = [leg_to_json(leg) for leg in replan.previous.itineraries.get(group.id, ())]
            new = itineraries.get(group.id, [])
            if _legs_before(old, now_day) != _legs_before(new, now_day):
                text = f"group {group.id}: its legs before day {now_day} are facts, and differ"
                self.blame(Code.PAST_LEG, text, group_id=group.id)
            if _legs_from(old, now_day) == _legs_from(new, now_day):
                continue
            if group.id in locked:
                text = f"group {group.id} is confirmed and must keep its legs"
                self.blame(Code.LOCKED, text, group_id=group.id)
            if old:
                self.cents["changes"] += replan.change_cents
                self.counts["groups_changed"] += 1


def _past_of(vehicle: Any, now_day: int) -> Mapping[str, Any] | None:
    """What a vehicle did before `now_day`, in a form that can be compared; None if nothing."""
    moves = [list(move) for move in vehicle["moves"] if move[0] < now_day]
    if not moves:
        return None
    return {
        "moves": moves,
        "type": vehicle["type"],
        "depot": vehicle["depot"],
        "hired": bool(vehicle["hired"]),
    }


def _legs_before(legs: Iterable[Any], now_day: int) -> list[Any]:
    return [leg for leg in legs if leg["day"] < now_day]


def _legs_from(legs: Iterable[Any], now_day: int) -> list[Any]:
    """Legs from `now_day` on, without the vehicle or aircraft that carries them."""
    carriers = ("vehicle", "aircraft")
    return [{key: value for key, value in leg.items() if key not in carriers} for leg in legs if leg["day"] >= now_day]
