"""Figures about a plan: waiting by nationality and profile, cost and who is paid, loads by day, borders as they are.

Reads only. Fairness is computed here, outside the solver, which never learns a nationality (R32).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlmodel import Session, col, select

from retorno import clock
from retorno.models.movements import Offer
from retorno.models.people import Person
from retorno.office import access
from retorno.plans.plan_report import OpenPlan, PlanMovement
from retorno.routes.answers import Closed
from retorno.routes.calendars import sunlight
from retorno.situation import ground, situation
from retorno.vocabulary import ClosedReason, Mode, PersonStatus, Profile

ROAD_MODES = (Mode.ROAD, Mode.COACH)


@dataclass(frozen=True, kw_only=True)
class Fairness:
    """People of one nationality or profile: how many go, and the days within which nine of ten of them are home."""

    key: str
    person_count: int
    planned_count: int
    p90_days: int


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Waiting of everybody the plan could take; days from being stranded to being home."""

    everyone: Fairness
    by_nationality: tuple[Fairness, ...]
    by_profile: tuple[Fairness, ...]


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """One part of a plan's cost and who is paid; ``payee`` is empty where it is not one carrier."""

    key: str
    payee: str
    cents: int


@dataclass(frozen=True, kw_only=True)
class Load:
    """Use of a limit on one day; ``kind`` is seats, crossing or beds.

    Parameters
    ----------
    name
        For seats ``road`` or ``air``, else the id of the crossing or place.
    spare
        Seats built in that stay empty on purpose.
    """

    kind: str
    name: str
    day: date
    used: int
    limit: int | None
    spare: int = 0


@dataclass(frozen=True, kw_only=True)
class PostNow:
    """One side of a land crossing at this moment.

    Parameters
    ----------
    state
        ``open``; ``restricted`` where it takes people at other hours, or only some of them; else ``closed``.
    until_at, opens_at
        When it closes, if open; when it opens next, if that is known.
    reason
        A code of ``ClosedReason`` where it is not open.
    """

    post_id: str
    crossing_id: str
    state: str
    until_at: datetime | None
    opens_at: datetime | None
    reason: str


# ---- fairness ----------------------------------------------------------------------------------------------------


def waits(session: Session, opened: OpenPlan) -> Waits:
    """Waiting by nationality and by profile; whoever is not in the plan waits at least until its last day."""
    plan, sizes = opened.plan, opened.sizes
    last = plan.first_date + timedelta(days=plan.horizon_days)
    homes = home_days(opened)
    profiles = {group.id: _profile(group.barred_countries) for group in (opened.problem.groups if sizes else ())}
    everyone: list[tuple[int, bool]] = []
    nationalities: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    kinds: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for group_id, nationality, since in session.exec(
        select(col(Person.group_id), col(Person.nationality), col(Person.stranded_since)).where(
            col(Person.group_id).in_(list(sizes)), Person.status == PersonStatus.ACTIVE
        )
    ).all():
        wait = ((homes.get(group_id, last) - since).days, group_id in homes)
        everyone.append(wait)
        nationalities[nationality].append(wait)
        kinds[profiles[group_id]].append(wait)
    return Waits(
        everyone=_fairness("", everyone),
        by_nationality=tuple(_fairness(key, found) for key, found in sorted(nationalities.items())),
        by_profile=tuple(_fairness(key, found) for key, found in sorted(kinds.items())),
    )


def _fairness(key: str, found: Sequence[tuple[int, bool]]) -> Fairness:
    days = sorted(wait for wait, _ in found)
    return Fairness(
        key=key,
        person_count=len(days),
        planned_count=sum(goes for _, goes in found),
        # The smallest number of days within which at least nine of ten are home.
        p90_days=days[-(-9 * len(days) // 10) - 1] if days else 0,
    )


def _profile(barred: Sequence[str]) -> str:
    """The profile of a group, read off the border that only its profile may not pass."""
    return next((name.removeprefix("not-") for name in barred if name.startswith("not-")), Profile.ADULTS.value)


def home_days(opened: OpenPlan) -> dict[str, date]:
    """Group id to the day of its last arrival, of every group that travels in a plan."""
    return {group_id: _home_on(opened, legs[-1]) for group_id, legs in opened.planned.items()}


def _home_on(opened: OpenPlan, last: Any) -> date:
    """Day of arrival of a group's last leg, on the plan's clock."""
    return opened.plan.first_date + timedelta(days=last.day + _arrives_min(opened, last) // 1440)


def _arrives_min(opened: OpenPlan, leg: Any) -> int:
    if leg.kind == "trip":
        return 0  # a vehicle is home on the day it leaves
    row = next(each for each in (*opened.problem.services, *opened.problem.charters) if each.id == leg.row_id)
    return int(row.arrive_min)


# ---- cost --------------------------------------------------------------------------------------------------------


def costs(session: Session, opened: OpenPlan) -> tuple[CostLine, ...]:
    """The cost of a plan by part; seats and aircraft by the carrier that is paid."""
    verdict: dict[str, Any] = json.loads(opened.plan.verdict) if opened.plan.verdict else {}
    parts: Mapping[str, int] = verdict.get("components", {})
    lines = [
        CostLine(key=key, payee="", cents=parts[key])
        for key in ("trips", "idle", "return", "hire", "beds", "escorts")
        if parts.get(key)
    ]
    if not (parts.get("fares") or parts.get("charters")):
        return tuple(lines)
    seats = {group.id: group.seats for group in opened.problem.groups}
    fares = {row.id: row.fare_cents for row in opened.problem.services}
    prices = {row.id: row.fixed_cents for row in opened.problem.charters}
    paid: dict[str, int] = defaultdict(int)
    aircraft: set[tuple[str, int, int]] = set()
    for group_id, legs in opened.planned.items():
        for leg in legs:
            if leg.kind == "service":
                paid[leg.row_id] += fares[leg.row_id] * seats[group_id]
            elif leg.kind == "charter":
                aircraft.add((leg.row_id, leg.day, leg.aircraft))
    flown: dict[str, int] = defaultdict(int)
    for row_id, _, _ in aircraft:
        flown[row_id] += prices[row_id]
    carriers = {
        offer.offer_id: offer.carrier
        for offer in session.exec(select(Offer).where(col(Offer.offer_id).in_([*paid, *flown]))).all()
    }
    for key, found in (("fares", paid), ("charters", flown)):
        by_carrier: dict[str, int] = defaultdict(int)
        for row_id, cents in found.items():
            by_carrier[carriers.get(row_id, "")] += cents
        lines += [
            CostLine(key=key, payee=carrier, cents=cents) for carrier, cents in sorted(by_carrier.items()) if cents
        ]
    return tuple(lines)


# ---- loads -------------------------------------------------------------------------------------------------------


def loads(opened: OpenPlan, movements: Sequence[PlanMovement]) -> tuple[Load, ...]:
    """Seats by day on the road and in the air, people over each crossing, and beds on the way by night."""
    return (*_seats(movements), *_crossed(opened, movements), *_nights(opened))


def _seats(movements: Sequence[PlanMovement]) -> list[Load]:
    found: dict[tuple[str, date], list[int]] = {}
    for each in movements:
        used = found.setdefault(("road" if each.mode in ROAD_MODES else "air", each.day), [0, 0, 0])
        used[0] += each.person_count + each.escort_count
        used[1] += each.seats
        used[2] += each.spare_seats
    return [
        Load(kind="seats", name=name, day=day, used=used, limit=limit, spare=spare)
        for (name, day), (used, limit, spare) in sorted(found.items(), key=lambda each: (each[0][0] != "road", each[0]))
    ]


def _crossed(opened: OpenPlan, movements: Sequence[PlanMovement]) -> list[Load]:
    crossed: dict[tuple[str, date], int] = defaultdict(int)
    for each in movements:
        for border in each.borders:
            crossed[border.crossing_id, each.day] += each.person_count
    quota = {row.id: row.quota for row in (opened.problem.crossings if opened.problem else ())}
    return [
        Load(
            kind="crossing",
            name=crossing_id,
            day=day,
            used=used,
            limit=quota[crossing_id][(day - opened.plan.first_date).days] if crossing_id in quota else None,
        )
        for (crossing_id, day), used in sorted(crossed.items())
    ]


def _nights(opened: OpenPlan) -> list[Load]:
    """People and escorts who sleep on the way: every night from an arrival to the departure after it."""
    if opened.problem is None:
        return []
    trips = {trip.id: trip for trip in opened.problem.trips}
    trip_of = {(vehicle.id, day): trip for vehicle in opened.solution.vehicles for day, trip in vehicle.moves}
    rows = {row.id: row for row in (*opened.problem.services, *opened.problem.charters)}
    beds = {site.id: site.beds for site in opened.problem.sites}
    seats = {group.id: group.seats for group in opened.problem.groups}
    slept: dict[tuple[str, int], int] = defaultdict(int)
    for group_id, legs in opened.planned.items():
        for leg, after in pairwise(legs):
            if leg.kind == "trip":
                place_id, night = trips[trip_of[leg.vehicle, leg.day]].stops[leg.alight], leg.day
            else:
                place_id, night = rows[leg.row_id].destination, leg.day + rows[leg.row_id].arrive_min // 1440
            for each in range(night, after.day):
                slept[place_id, each] += seats[group_id]
    return [
        Load(
            kind="beds",
            name=place_id,
            day=opened.plan.first_date + timedelta(days=night),
            used=used,
            limit=beds.get(place_id),
        )
        for (place_id, night), used in sorted(slept.items())
    ]


# ---- borders -----------------------------------------------------------------------------------------------------

_AT_OTHER_HOURS = (
    ClosedReason.OUTSIDE_HOURS,
    ClosedReason.PUBLIC_HOLIDAY,
    ClosedReason.SPECIAL_DAY,
    ClosedReason.WEEKDAY,
    ClosedReason.PROFILE_NOT_ACCEPTED,
)


def posts_now(session: Session, actor: access.Actor, crossing_ids: Sequence[str]) -> tuple[PostNow, ...]:
    """Both sides of some land crossings as they are at this moment, for adults and for families."""
    access.require(session, actor, "planning.read")
    now, at = clock.now(), situation(session)
    found = []
    for crossing_id in crossing_ids:
        for post in at.ground.crossings[crossing_id].posts:
            adults = at.calendars.post_state(post.post_id, now, profiles={Profile.ADULTS})
            if isinstance(adults, Closed):
                state = "restricted" if adults.reason in _AT_OTHER_HOURS else "closed"
                until, opens, reason = None, adults.next_open_at, adults.reason.value
            else:
                families = at.calendars.post_state(post.post_id, now, profiles={Profile.FAMILIES})
                state = "restricted" if isinstance(families, Closed) else "open"
                until, opens = adults.until_at, None
                reason = families.reason.value if isinstance(families, Closed) else ""
            found.append(
                PostNow(
                    post_id=post.post_id,
                    crossing_id=crossing_id,
                    state=state,
                    until_at=until,
                    opens_at=opens,
                    reason=reason,
                )
            )
    return tuple(found)


def crossings_near(movements: Sequence[PlanMovement]) -> tuple[str, ...]:
    """Every land crossing with a road between two countries whose border the plan passes."""
    known = ground().crossings
    used = [known[border.crossing_id] for each in movements for border in each.borders]
    pairs = {frozenset((each.country_a, each.country_b)) for each in used}
    return tuple(
        each.crossing_id
        for each in known.values()
        if each.drivable and frozenset((each.country_a, each.country_b)) in pairs
    )


# ---- night -------------------------------------------------------------------------------------------------------


def nights(place_id: str, first: date, last: date) -> tuple[tuple[datetime, datetime], ...]:
    """Darkness at a place, from sunset to sunrise, on its own clock without a zone; from the day before ``first``."""
    where = ground().places.get(place_id)
    if where is None:
        return ()
    days = [first + timedelta(days=number) for number in range(-1, (last - first).days + 2)]
    lights = [sunlight(where.lat, where.lon, where.timezone, day) for day in days]
    found = []
    for light, after in pairwise(lights):
        if light is not None and after is not None:
            dusk, dawn = clock.local(light.until_at, where.timezone), clock.local(after.from_at, where.timezone)
            found.append((dusk.replace(tzinfo=None), dawn.replace(tzinfo=None)))
    return tuple(found)
