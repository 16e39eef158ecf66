"""What would hurt a plan most: one thing fails at a time (N-1), and what each failure would cost once repaired.

Planners of power grids ask of every line what happens if it is lost. Here the lines are the crossings, vehicles,
departures, reception places and beds that a plan uses. A failure is noticed on its first day: what happened before
stands (``replan.now_day``), whoever it does not touch keeps their journey, and those it touches look for another way,
by repair first, then by a short search limited by counts. The judge accepts every repaired plan or it is not given.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from retorno.errors import Inconsistent, InputError
from retorno.optimizer import place as columns
from retorno.optimizer.check import judge
from retorno.optimizer.construct import Draft, repair, restore
from retorno.optimizer.handles import memory_handle
from retorno.optimizer.improve import rounds
from retorno.optimizer.memory import make_memory
from retorno.optimizer.problem import DAY_MIN, Depot, Leg, Plan, Problem, Replan, Site
from retorno.optimizer.setting import MUST_ARRIVE_CENTS, Setting, prepare
from retorno.optimizer.solve import FIRST_TRIALS, RUIN_GROUPS, can_be_shown
from retorno.optimizer.timespace import build

# Rounds between two looks whether the plan could still be shown.
ROUNDS_PER_LOOK = 50


class OutageKind(StrEnum):
    """What fails."""

    CROSSING = "crossing"
    VEHICLE = "vehicle"
    DEPARTURE = "departure"
    RECEPTION = "reception"
    BEDS = "beds"


@dataclass(frozen=True, kw_only=True, order=True)
class Outage:
    """One thing that fails, from a first to a last day of the problem, both included.

    Parameters
    ----------
    kind, id
        A crossing of the problem, a vehicle of the plan, a service or charter, a site whose reception or whose
        beds are shut.
    """

    kind: OutageKind
    id: str
    first_day: int
    last_day: int


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms failures are judged; the numbers are our assumptions.

    Parameters
    ----------
    closed_days
        For how many days a crossing, a reception place or the beds of a site stay shut.
    notice_days
        So many days pass after the failure before anybody hit who has not left yet may go another way.
    change_cents
        Price of changing a group, as in a replan.
    rounds_per_group, most_rounds
        Rounds of search after the repair, for each group that looks for another way, and at most: counts, so that
        the same question gives the same answer.
    seed
        Of the random choices.
    """

    closed_days: int = 7
    notice_days: int = 0
    change_cents: int = 300_000
    rounds_per_group: int = 10
    most_rounds: int = 300
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Job:
    """The failures of one first day, with everything needed to work them out: it can be sent to another process.

    Parameters
    ----------
    problem, plan
        The problem, and a plan that the judge accepts for it.
    outages, terms
        What fails, each by itself, all from the same first day on; and on what terms.
    """

    problem: Problem
    plan: Plan
    outages: tuple[Outage, ...]
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What one failure would cost, and the plan repaired.

    Parameters
    ----------
    hit, persons_hit
        Groups that ride, sleep or arrive where it fails, and their persons.
    changed
        Groups that would travel otherwise than planned, or no longer, those hit and those that depend on them.
    left_out, persons_left_out
        Groups that were planned and would stay behind.
    persons_delayed, person_days, longest_delay_days
        Persons who would be home later, the days added up over all who still go (those who come home earlier
        counted off), and the longest delay of a group.
    cost_cents
        What journeys would cost more than now; those who stay behind cost no journey, so it may be below zero.
    seconds
        How long it took to work out.
    stuck
        Groups under way that could not go on at all, among those left out: of them the plan says no more.
    plan
        The repaired plan, for ``problem_after`` of the problem without those who are stuck.
    """

    outage: Outage
    hit: tuple[str, ...]
    persons_hit: int
    changed: tuple[str, ...]
    left_out: tuple[str, ...]
    persons_left_out: int
    persons_delayed: int
    person_days: int
    longest_delay_days: int
    cost_cents: int
    seconds: float
    stuck: tuple[str, ...]
    plan: Plan

    @property
    def harm(self) -> tuple[int, int, int, Outage]:
        """To be sorted by: people left out, then days, then money, the worst first."""
        return -self.persons_left_out, -self.person_days, -self.cost_cents, self.outage


# ---- what a plan stands on ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Uses:
    """Who needs what on which day.

    Parameters
    ----------
    groups
        (kind, id) to day to group ids.
    vehicle_days
        Vehicle id to the days on which it moves, empty or not.
    first_leg_day
        Group id to the day on which its first ride leaves.
    """

    groups: Mapping[tuple[OutageKind, str], Mapping[int, frozenset[str]]]
    vehicle_days: Mapping[str, tuple[int, ...]]
    first_leg_day: Mapping[str, int]

    def hit_by(self, outage: Outage) -> frozenset[str]:
        """The groups that ride, sleep or arrive where something fails.

        A place that shuts still takes in those who are on the way when it does.
        """
        days = self.groups.get((outage.kind, outage.id), {})
        hit = {name for day, ids in days.items() if outage.first_day <= day <= outage.last_day for name in ids}
        if outage.kind in (OutageKind.RECEPTION, OutageKind.BEDS):
            hit = {name for name in hit if self.first_leg_day[name] >= outage.first_day}
        return frozenset(hit)

    def on_the_way(self, outage: Outage) -> dict[int, frozenset[str]]:
        """Day to the groups that arrive or sleep then at a place that shuts, and have left before."""
        days = self.groups.get((outage.kind, outage.id), {})
        return {
            day: frozenset(name for name in ids if self.first_leg_day[name] < outage.first_day)
            for day, ids in days.items()
            if outage.first_day <= day <= outage.last_day
        }


def _uses(problem: Problem, plan: Plan) -> _Uses:
    trips = {trip.id: trip for trip in problem.trips}
    services = {service.id: service for service in problem.services}
    links = services | {charter.id: charter for charter in problem.charters}
    found: dict[tuple[OutageKind, str], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for group_id, legs in plan.itineraries.items():
        place, since = "", -1
        for leg in legs:
            if since >= 0:
                for night in range(since, leg.day):
                    found[OutageKind.BEDS, place][night].add(group_id)
            if leg.kind == "trip":
                trip = trips[leg.row_id]
                found[OutageKind.VEHICLE, leg.vehicle][leg.day].add(group_id)
                passed = {crossing for segment in trip.crossings for crossing in segment}
                place, arrive_min = trip.stops[leg.alight], trip.arrive_min[leg.alight]
            else:
                row = links[leg.row_id]
                found[OutageKind.DEPARTURE, leg.row_id][leg.day].add(group_id)
                passed = set(services[leg.row_id].crossings) if leg.kind == "service" else set()
                place, arrive_min = row.destination, row.arrive_min
            for crossing in passed:
                found[OutageKind.CROSSING, crossing][leg.day].add(group_id)
            since = leg.day + arrive_min // DAY_MIN
        if legs:
            found[OutageKind.RECEPTION, place][since].add(group_id)
    return _Uses(
        groups={key: {day: frozenset(ids) for day, ids in days.items()} for key, days in found.items()},
        vehicle_days={vehicle.id: tuple(day for day, _ in vehicle.moves) for vehicle in plan.vehicles},
        first_leg_day={group_id: legs[0].day for group_id, legs in plan.itineraries.items() if legs},
    )


def outages(
    problem: Problem, plan: Plan, terms: Terms, *, now_day: int = 0, without: Collection[str] = ()
) -> tuple[Outage, ...]:
    """Every single failure that touches what a plan still has to do, by kind, id and day.

    A crossing or a place that is shut for some days is asked once for each stretch of use: from its first day of use
    on, and again from the next day of use after that. A vehicle is lost for good, from its first move on; one that
    moved before ``now_day`` stays, for what it did cannot be taken back.

    Parameters
    ----------
    now_day
        What lies before it has happened.
    without
        Ids of crossings and rows that are no real ones.
    """
    now = max(now_day, problem.replan.now_day if problem.replan else 0)
    last = problem.horizon_days - 1
    uses = _uses(problem, plan)
    found = []
    for (kind, name), groups in uses.groups.items():
        days = sorted(day for day in groups if day >= now)
        if name in without or not days:
            continue
        if kind is OutageKind.VEHICLE:
            first = min(uses.vehicle_days[name])
            if first >= now:
                found.append(Outage(kind=kind, id=name, first_day=first, last_day=last))
        elif kind is OutageKind.DEPARTURE:
            found += [Outage(kind=kind, id=name, first_day=day, last_day=day) for day in days]
        elif kind is OutageKind.BEDS:
            # Beds are one number for the whole plan: nights that people have slept there already must stand.
            if min(groups) >= now:
                found.append(Outage(kind=kind, id=name, first_day=days[0], last_day=last))
        else:
            until = -1
            for day in days:
                if day > until:
                    until = min(day + terms.closed_days - 1, last)
                    found.append(Outage(kind=kind, id=name, first_day=day, last_day=until))
    return tuple(sorted(outage for outage in found if uses.hit_by(outage)))


# ---- the problem as it would be -------------------------------------------------------------------------------------


def problem_after(problem: Problem, plan: Plan, outage: Outage, terms: Terms) -> Problem:
    """The problem from the first day of a failure on: what happened stands, what failed is gone."""
    days = range(outage.first_day, outage.last_day + 1)
    problem = _replanned(problem, plan, outage.first_day, terms)
    match outage.kind:
        case OutageKind.CROSSING:
            return replace(problem, closures=problem.closures | {(outage.id, day) for day in days})
        case OutageKind.DEPARTURE:
            return replace(problem, cancelled=problem.cancelled | {(outage.id, day) for day in days})
        case OutageKind.VEHICLE:
            return _without_vehicle(problem, plan, outage, terms)
        case OutageKind.RECEPTION:
            on_the_way = _uses(problem, plan).on_the_way(outage)
            received = {day: sum(g.persons for g in problem.groups if g.id in on_the_way.get(day, ())) for day in days}
            return replace(problem, sites=tuple(_full(row, outage.id, received, problem) for row in problem.sites))
        case OutageKind.BEDS:
            sleeping = _uses(problem, plan).on_the_way(outage).values()
            beds = max((sum(g.seats for g in problem.groups if g.id in ids) for ids in sleeping), default=0)
            return replace(
                problem, sites=tuple(replace(row, beds=beds) if row.id == outage.id else row for row in problem.sites)
            )


def _replanned(problem: Problem, plan: Plan, day: int, terms: Terms) -> Problem:
    """The problem on a day of the plan, when nothing has failed yet."""
    return replace(
        problem, replan=Replan(now_day=day, previous=plan, change_cents=terms.change_cents, locked_groups=())
    )


def _without_vehicle(problem: Problem, plan: Plan, outage: Outage, terms: Terms) -> Problem:
    """One vehicle less in its depot; the plan before no longer names it, so that no other takes its part."""
    lost = next(vehicle for vehicle in plan.vehicles if vehicle.id == outage.id)
    left = replace(plan, vehicles=tuple(vehicle for vehicle in plan.vehicles if vehicle.id != outage.id))
    depots = tuple(_fewer(row, lost.type, lost.hired) if row.site == lost.depot else row for row in problem.depots)
    return _replanned(replace(problem, depots=depots), left, outage.first_day, terms)


def _fewer(row: Depot, kind: str, is_hired: bool) -> Depot:
    def fewer(counts: Mapping[str, int]) -> dict[str, int]:
        return {name: count - (name == kind) for name, count in counts.items()}

    return replace(row, hire_max=fewer(row.hire_max)) if is_hired else replace(row, own=fewer(row.own))


def _full(row: Site, site: str, received: Mapping[int, int], problem: Problem) -> Site:
    """A site where on some days nobody is received but those who have left on their last ride already."""
    if row.id != site:
        return row
    everybody = sum(group.persons for group in problem.groups)
    open_days = row.arrivals if row.arrivals is not None else (everybody,) * problem.horizon_days
    return replace(row, arrivals=tuple(received.get(day, count) for day, count in enumerate(open_days)))


def without_groups(problem: Problem, plan: Plan, group_ids: Collection[str]) -> tuple[Problem, Plan]:
    """Problem and plan as if some groups were not there; vehicles drive all the same."""
    groups = tuple(group for group in problem.groups if group.id not in group_ids)
    conflicts = tuple(pair for pair in problem.conflicts if not set(pair) & set(group_ids))
    left = {name: legs for name, legs in plan.itineraries.items() if name not in group_ids}
    return replace(problem, groups=groups, conflicts=conflicts), replace(plan, itineraries=left)


# ---- one failure after the other ------------------------------------------------------------------------------------


def jobs(problem: Problem, plan: Plan, found: Iterable[Outage], terms: Terms) -> tuple[Job, ...]:
    """The failures of each first day as a job of its own, in the order of days."""
    by_day: dict[int, list[Outage]] = defaultdict(list)
    for outage in found:
        by_day[outage.first_day].append(outage)
    return tuple(Job(problem=problem, plan=plan, outages=tuple(by_day[day]), terms=terms) for day in sorted(by_day))


def expect_valid(problem: Problem, plan: Plan) -> None:
    """Refuse a plan that does not stand even while nothing fails (``InputError``, with what it breaks)."""
    verdict = judge(problem, plan)
    if not verdict.is_valid:
        broken = "; ".join(str(violation) for violation in verdict.violations[:5])
        raise InputError(f"the plan does not fit its problem, so nothing can be said of it: {broken}")


def consequences(job: Job) -> tuple[Consequence, ...]:
    """What each failure of a job would cost, in the job's order: repair, a short search, the judge.

    Raises
    ------
    Inconsistent
        If the judge refuses a repaired plan.
    """
    day = _Day(job)
    return tuple(day.consequence(outage) for outage in job.outages)


class _Day:
    """One day of a plan on which something fails: what all failures of that day share is made once."""

    def __init__(self, job: Job) -> None:
        self.problem, self.plan, self.terms = job.problem, job.plan, job.terms
        self.first_day = job.outages[0].first_day
        self.uses = _uses(self.problem, self.plan)
        self.planned = {group_id: legs for group_id, legs in self.plan.itineraries.items() if legs}
        self.under_way = frozenset(name for name, legs in self.planned.items() if legs[0].day < self.first_day)
        self.sizes = {group.id: group.persons for group in self.problem.groups}
        self.numbers = {group.id: number for number, group in enumerate(self.problem.groups)}
        self.home = home_day_of(self.problem)
        self.cost_cents = judge(self.problem, self.plan).components["cost"]
        self._unharmed: Setting | None = None

    def consequence(self, outage: Outage) -> Consequence:
        """What one failure would cost."""
        begun = time.monotonic()
        hit = self.uses.hit_by(outage)
        after = problem_after(self.problem, self.plan, outage, self.terms)
        with self._setting(after, outage) as setting:
            draft = self._repaired(setting, outage, hit)
            if not can_be_shown(draft):
                return self._told_of_stuck(outage, hit, self._stuck(draft), begun)
            repaired = draft.to_plan()
        verdict = judge(after, repaired)
        if not verdict.is_valid:
            broken = "; ".join(str(violation) for violation in verdict.violations[:5])
            raise Inconsistent(f"{after.name}, {outage.kind} {outage.id}: the repaired plan breaks {broken}")
        cost_cents = verdict.components["cost"] - self.cost_cents
        return self._told(outage, hit, repaired, cost_cents, time.monotonic() - begun)

    def _stuck(self, draft: Draft) -> tuple[str, ...]:
        """The groups under way that found no way on; at least one."""
        table = draft.setting.ground.group
        stuck = [
            self.problem.groups[number].id
            for number in draft.unplanned.tolist()
            if table[number, columns.LEFT_OUT] >= MUST_ARRIVE_CENTS
        ]
        if not stuck:
            raise Inconsistent(f"{self.problem.name}: a plan could not be repaired although nobody is stuck")
        return tuple(stuck)

    def _told_of_stuck(self, outage: Outage, hit: Collection[str], stuck: tuple[str, ...], begun: float) -> Consequence:
        """The same question about everybody else, those who are stuck added to who stays behind."""
        problem, plan = without_groups(self.problem, self.plan, stuck)
        rest = _Day(Job(problem=problem, plan=plan, outages=(outage,), terms=self.terms)).consequence(outage)
        return replace(
            rest,
            hit=tuple(sorted(hit)),
            persons_hit=sum(self.sizes[name] for name in hit),
            changed=tuple(sorted({*rest.changed, *stuck})),
            left_out=tuple(sorted({*rest.left_out, *stuck})),
            persons_left_out=rest.persons_left_out + sum(self.sizes[name] for name in stuck),
            stuck=tuple(sorted({*rest.stuck, *stuck})),
            seconds=time.monotonic() - begun,
        )

    @contextmanager
    def _setting(self, after: Problem, outage: Outage) -> Iterator[Setting]:
        """The arrays of the problem after a failure; nearly always those of the unharmed problem serve.

        Where vehicles can no longer go, or are gone, the ways between places change: those arrays are made anew.
        Limits are read from the problem. A departure that does not run is barred to everybody, and taken from those
        who had it; what was written into the shared arrays is taken back afterwards.
        """
        if outage.kind in (OutageKind.CROSSING, OutageKind.VEHICLE):
            yield prepare(build(after))
            return
        if self._unharmed is None:
            self._unharmed = prepare(build(_replanned(self.problem, self.plan, self.first_day, self.terms)))
        setting, ground = replace(self._unharmed, problem=after), self._unharmed.ground
        kept = ground.group.copy(), ground.allowed.copy(), ground.old_legs.copy()
        if outage.kind is OutageKind.DEPARTURE:
            _bar(setting, outage)
        try:
            yield setting
        finally:
            for array, values in zip((ground.group, ground.allowed, ground.old_legs), kept, strict=True):
                array[...] = values

    def _repaired(self, setting: Setting, outage: Outage, hit: Collection[str]) -> Draft:
        """The plan repaired and searched on."""
        table = setting.ground.group
        state = table[:, columns.STATE]
        for name, number in self.numbers.items():
            if name not in self.planned and state[number] == columns.FREE:
                # Who had no place before gets none now: the question is what those lose who have one.
                state[number] = columns.LOCKED
            elif name in hit and name not in self.under_way:
                first = max(int(table[number, columns.FIRST]), self.first_day + self.terms.notice_days)
                table[number, columns.FIRST] = table[number, columns.START_DAY] = first
        replan = setting.problem.replan
        vehicles = replan.previous.vehicles if replan is not None else ()
        left = {name: legs for name, legs in self.planned.items() if name not in hit or name in self.under_way}
        draft, lost = repair(
            setting,
            Plan(problem=setting.problem.name, vehicles=vehicles, itineraries=left),
            expected=FIRST_TRIALS[0][0],
        )
        looking = {self.numbers[name] for name in {*hit, *lost}}
        for number in self.numbers.values():
            if number not in looking and state[number] == columns.FREE:
                state[number] = columns.LOCKED
        return _searched(draft, self.terms, groups=len(looking))

    def _told(
        self, outage: Outage, hit: Collection[str], repaired: Plan, cost_cents: int, seconds: float
    ) -> Consequence:
        now, sizes = self.planned, self.sizes
        then = {name: legs for name, legs in repaired.itineraries.items() if legs}
        left_out = sorted(set(now) - set(then))
        changed = sorted(name for name, legs in now.items() if _ways(then.get(name, ())) != _ways(legs))
        delays = {name: self.home(then[name]) - self.home(now[name]) for name in changed if name in then}
        return Consequence(
            outage=outage,
            hit=tuple(sorted(hit)),
            persons_hit=sum(sizes[name] for name in hit),
            changed=tuple(changed),
            left_out=tuple(left_out),
            persons_left_out=sum(sizes[name] for name in left_out),
            persons_delayed=sum(sizes[name] for name, days in delays.items() if days > 0),
            person_days=sum(sizes[name] * days for name, days in delays.items()),
            longest_delay_days=max([0, *delays.values()]),
            cost_cents=cost_cents,
            seconds=seconds,
            stuck=(),
            plan=repaired,
        )


def _bar(setting: Setting, outage: Outage) -> None:
    """Changes the setting's arrays: nobody may take a service or charter on its day, not even who had it."""
    ground = setting.ground
    rows = [service.id for service in setting.problem.services], [charter.id for charter in setting.problem.charters]
    is_out = np.zeros(len(ground.ride), dtype=np.bool_)
    for kind, ids in zip((columns.SERVICE, columns.CHARTER), rows, strict=True):
        if outage.id in ids:
            is_out |= (ground.ride[:, columns.KIND] == kind) & (ground.ride[:, columns.ROW] == ids.index(outage.id))
    is_out &= (ground.ride[:, columns.DAY] >= outage.first_day) & (ground.ride[:, columns.DAY] <= outage.last_day)
    is_out[-1] = False  # the last row stands for no ride
    ground.allowed[:, is_out] = False
    gone = np.flatnonzero(is_out)
    ground.old_legs[np.isin(ground.old_legs, gone)] = -1


def _searched(draft: Draft, terms: Terms, *, groups: int) -> Draft:
    """A draft after a short search in which no round makes it worse; as it was if it could no longer be shown."""
    memory = memory_handle(make_memory(draft, terms.seed))
    best, could_be_shown = draft.snapshot(), can_be_shown(draft)
    total = min(terms.most_rounds, terms.rounds_per_group * groups)
    for start in range(0, total, ROUNDS_PER_LOOK):
        count = min(ROUNDS_PER_LOOK, total - start)
        if rounds(*draft.handles, memory, count, 0.0, RUIN_GROUPS) < 0:
            raise Inconsistent(f"{draft.setting.problem.name}: a round could not be taken back")
        if draft.value_cents < best.value_cents and (can_be_shown(draft) or not could_be_shown):
            best, could_be_shown = draft.snapshot(), can_be_shown(draft)
    if best.value_cents == draft.value_cents:
        return draft
    return restore(draft.setting, best, unused=FIRST_TRIALS[0][0])


def _ways(legs: Iterable[Leg]) -> list[tuple[str, str, int, int, int]]:
    """Rides and days; which of two alike vehicles it is does not matter."""
    return [(leg.kind, leg.row_id, leg.day, leg.board, leg.alight) for leg in legs]


def home_day_of(problem: Problem) -> Callable[[Sequence[Leg]], int]:
    """What gives the day of a problem on which legs end."""
    trips = {trip.id: trip for trip in problem.trips}
    links = {row.id: row.arrive_min for row in problem.services} | {row.id: row.arrive_min for row in problem.charters}

    def home_day(legs: Sequence[Leg]) -> int:
        last = legs[-1]
        minute = trips[last.row_id].arrive_min[last.alight] if last.kind == "trip" else links[last.row_id]
        return last.day + minute // DAY_MIN

    return home_day


def by_harm(found: Iterable[Consequence]) -> tuple[Consequence, ...]:
    """The worst first: people left out, then days, then money."""
    return tuple(sorted(found, key=lambda each: each.harm))
