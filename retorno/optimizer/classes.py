"""Classes of travel groups that are alike in everything that matters to a plan's value.

Column generation and the arc model decide how many units of a class take which way. A unit is one whole group;
where groups of several sizes are merged it is one person, and the class becomes a relaxation: families may be cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from retorno.optimizer.ground import CHARTER, SERVICE, TRIP, Bools, Ground
from retorno.optimizer.problem import DAY_MIN, Group, Leg

Path = tuple[tuple[int, int], ...]
"""An itinerary as (ride, day) pairs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Where and when a class may begin the part of its journey that is still to be decided.

    ``elapsed`` are journey days already behind; ``nights`` are (site, night) pairs that must be slept before.
    """

    day: int
    node: int
    elapsed: int
    nights: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TravelClass:
    """Groups that are alike; all amounts are per unit.

    Parameters
    ----------
    group_ids
        Its groups, in the problem's order.
    count
        Number of units: groups, or persons if merged.
    fit_seats
        Seats of the smallest group: what must fit into one vehicle, aircraft or service.
    pool
        Escort pool, -1 for none.
    starts
        Possible starts; for a group under way exactly one (none if it can never go on).
    first_day
        Day of the first leg if that is a fact, else None.
    unplanned_cents
        Leaving it unplanned: penalty and waiting until the horizon, without the change price.
    change_cents
        Price of leaving the previous plan's itinerary; 0 if there was none.
    kept
        That itinerary from now on, if it may still be taken.
    must_travel
        Under way: may not be left.
    """

    group_ids: tuple[str, ...]
    count: int
    persons: int
    escorts: int
    wheelchairs: int
    fit_seats: int
    origin: int
    destination: int
    pool: int
    vulnerable: bool
    barred: frozenset[str]
    starts: tuple[Start, ...]
    first_day: int | None
    latest_day: int
    journey_days: int
    ready_day: int
    wait_cents: float
    unplanned_cents: float
    change_cents: float
    kept: Path | None
    was_planned: bool
    is_locked: bool
    must_travel: bool
    is_merged: bool

    @property
    def seats(self) -> int:
        """Seats of one unit, escorts included."""
        return self.persons + self.escorts


def classes_of(ground: Ground, *, merge: bool, alone: frozenset[str] = frozenset()) -> list[TravelClass]:
    """The classes of all groups still to be planned.

    Parameters
    ----------
    merge
        Whether persons of groups that differ only in size flow together.
    alone
        Groups that stay classes of their own, besides those with a conflict.
    """
    problem = ground.problem
    single = {group_id for pair in problem.conflicts for group_id in pair} | alone
    limits = sorted(
        {int(n) for n in ground.type_seats}
        | {int(n) for n in ground.service_seats}
        | {int(n) for n in ground.charter_seats}
    )
    members: dict[tuple[object, ...], list[TravelClass]] = defaultdict(list)
    for group in problem.groups:
        if group.id in ground.at_home:
            continue
        unit = class_of_group(ground, group)
        if group.id in single:
            members["single", group.id].append(unit)
        elif merge and not group.escorts and not group.wheelchairs:
            bucket = sum(limit < group.persons for limit in limits)
            members["merged", bucket, *_likeness(_per_person(unit))].append(unit)
        else:
            members["alike", *_likeness(unit)].append(unit)
    return [_joined(units, merged=key[0] == "merged") for key, units in members.items()]


def _likeness(unit: TravelClass) -> tuple[object, ...]:
    """Everything but the ids (and, of a person as unit, the size of the group)."""
    plain = replace(unit, group_ids=(), fit_seats=0 if unit.is_merged else unit.fit_seats, count=1)
    return tuple(getattr(plain, name) for name in TravelClass.__slots__)


def _per_person(unit: TravelClass) -> TravelClass:
    """A group as persons that flow on their own."""
    return replace(
        unit,
        count=unit.persons,
        persons=1,
        wait_cents=unit.wait_cents / unit.persons,
        unplanned_cents=unit.unplanned_cents / unit.persons,
        change_cents=unit.change_cents / unit.persons,
        is_merged=True,
    )


def _joined(units: Sequence[TravelClass], *, merged: bool) -> TravelClass:
    first = _per_person(units[0]) if merged else units[0]
    return replace(
        first,
        group_ids=tuple(group_id for unit in units for group_id in unit.group_ids),
        count=sum(unit.persons for unit in units) if merged else len(units),
        fit_seats=min(unit.fit_seats for unit in units),
    )


def class_of_group(ground: Ground, group: Group) -> TravelClass:
    """One group as a class of its own."""
    problem, replan = ground.problem, ground.problem.replan
    past = ground.past_legs.get(group.id, ())
    old = ground.old_legs.get(group.id, ())
    earliest = max(ground.now, group.ready_day)
    journey = group.max_journey_days if group.max_journey_days is not None else problem.max_journey_days
    latest = min(group.latest_day, ground.days - 1)
    origin = ground.site_of[group.origin]
    first_day: int | None = None
    if past:
        first_day = past[0].day
        ride = ground.known_ride(past[-1])
        origin = int(ground.ride_to[ride])
        starts = _under_way(ground, ride, past[-1].day, earliest, first_day)
    else:
        morning = int(ground.site_morning[origin])
        starts = tuple(Start(day=day, node=morning, elapsed=0) for day in range(earliest, latest + 1))
    future = tuple(leg for leg in old if leg.day >= ground.now)
    kept = _kept(ground, group, past, future, earliest, latest, journey) if future else None
    waiting = group.wait_cents_per_day * (ground.days - group.ready_day)
    return TravelClass(
        group_ids=(group.id,),
        count=1,
        persons=group.persons,
        escorts=group.escorts,
        wheelchairs=group.wheelchairs,
        fit_seats=group.seats,
        origin=origin,
        destination=ground.site_of[group.destination],
        pool=ground.pool_of[group.escort_pool] if group.escorts else -1,
        vulnerable=bool(group.vulnerable),
        barred=frozenset(group.barred_countries),
        starts=starts,
        first_day=first_day,
        latest_day=latest,
        journey_days=min(journey, ground.journey_most),
        ready_day=group.ready_day,
        wait_cents=float(group.wait_cents_per_day),
        unplanned_cents=float(group.unplanned_cents + waiting),
        change_cents=float(replan.change_cents) if replan and old else 0.0,
        kept=kept,
        was_planned=bool(old),
        is_locked=bool(replan and group.id in replan.locked_groups),
        must_travel=bool(past),
        is_merged=False,
    )


def _under_way(ground: Ground, ride: int, day: int, earliest: int, first_day: int) -> tuple[Start, ...]:
    """The one start of a group under way: its arrival state, or the morning on which it may go on."""
    site = int(ground.ride_to[ride])
    arrived = day + int(ground.ride_offset[ride])
    ready = arrived + int(ground.ride_wrap[ride])
    begin = max(earliest, ready)
    if begin >= ground.days:
        return ()
    node = int(ground.ride_head[ride]) if begin == ready else int(ground.site_morning[site])
    nights = tuple((site, night) for night in range(arrived, begin))
    return (Start(day=begin, node=node, elapsed=begin - first_day, nights=nights),)


def _kept(
    ground: Ground,
    group: Group,
    past: Sequence[Leg],
    future: Sequence[Leg],
    earliest: int,
    latest: int,
    journey: int,
) -> Path | None:
    """The old itinerary from now on as (ride, day) pairs if the group may still take it, else None."""
    problem = ground.problem
    place, free_at, arrived = group.origin, -(10**9), -(10**9)
    barred = set(group.barred_countries)
    runs = ground.ride_vulnerable_runs if group.vulnerable else ground.ride_runs
    path: list[tuple[int, int]] = []
    for leg in (*past, *future):
        ride = ground.ride_of_leg(leg)
        if ride is None:
            return None
        end = problem.sites[ground.ride_to[ride]]
        if leg.day >= ground.now:
            touched = {c for x in ground.ride_crossings[ride] for c in problem.crossings[x].countries}
            if not ground.ride_land[ride] and end.id != group.destination:
                touched.add(end.country)
            if (
                problem.sites[ground.ride_from[ride]].id != place
                or place == group.destination
                or not earliest <= leg.day < ground.days
                or not runs[ride, leg.day]
                or leg.day * DAY_MIN + int(ground.ride_depart[ride]) < free_at + problem.transfer_min
                or (ground.ride_land[ride] and arrived >= leg.day)
                or touched & barred
            ):
                return None
            path.append((ride, leg.day))
        place = end.id
        free_at = leg.day * DAY_MIN + int(ground.ride_arrive[ride])
        arrived = leg.day + int(ground.ride_offset[ride])
    first = (*past, *future)[0].day
    if place != group.destination or arrived > latest or arrived - first > journey:
        return None
    return tuple(path)


def allowed_rides(ground: Ground, travel: TravelClass) -> Bools:
    """Which rides a class may take on which days, one unit's own size included; shape (rides, days)."""
    key = (
        travel.vulnerable, travel.barred, travel.destination, travel.fit_seats, travel.wheelchairs,
        travel.escorts, travel.is_merged,
    )  # fmt: skip
    if key not in ground.masks:
        ground.masks[key] = _allowed(ground, travel)
    return ground.masks[key]


def _allowed(ground: Ground, travel: TravelClass) -> Bools:
    mask: Bools = (ground.ride_vulnerable_runs if travel.vulnerable else ground.ride_runs).copy()
    mask[ground.ride_from == travel.destination] = False
    sites, crossings = ground.problem.sites, ground.problem.crossings
    if travel.barred:
        touching = np.array([bool(set(c.countries) & travel.barred) for c in crossings], dtype=bool)
        bad = np.zeros(ground.rides, dtype=bool)
        bad[ground.pass_ride[touching[ground.pass_crossing]]] = True
        landing = np.array([site.country in travel.barred for site in sites], dtype=bool)
        landing[travel.destination] = False
        mask[bad | (~ground.ride_land & landing[ground.ride_to])] = False
    seats = travel.fit_seats
    if not ((ground.type_seats >= seats) & (ground.type_wheelchairs >= travel.wheelchairs)).any():
        mask[ground.ride_kind == TRIP] = False
    services, charters = ground.ride_kind == SERVICE, ground.ride_kind == CHARTER
    mask[services] &= (ground.service_seats[ground.ride_row[services]] >= seats)[:, None]
    flying = (ground.charter_seats >= seats) & (ground.charter_most >= 1)
    mask[charters] &= flying[ground.ride_row[charters]][:, None]
    for ride, crossing in zip(ground.pass_ride, ground.pass_crossing, strict=True):
        mask[ride] &= ground.quota[crossing] >= seats
    ends = np.flatnonzero(ground.ride_to == travel.destination)
    arrivals = np.arange(ground.days)[None, :] + ground.ride_offset[ends][:, None]
    heads = seats if travel.is_merged else travel.persons
    room = ground.reception[travel.destination][np.minimum(arrivals, ground.days - 1)] >= heads
    mask[ends] &= (arrivals < ground.days) & room
    return mask
