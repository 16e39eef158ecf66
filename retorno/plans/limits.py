"""What crossings, beds, reception places and escorts are left for a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock
from retorno.models.movements import Escort, MovementCrossing, MovementSegment, Seat
from retorno.models.people import TravelGroup
from retorno.optimizer.problem import Crossing, EscortPool, Rest, Site
from retorno.plans.fleet import BARS, EMPTY_ONLY
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN, Scope, window
from retorno.situation import Situation
from retorno.vocabulary import Profile, SeatStatus, Sex

MEDICAL_DUTY = "medical"
"""Duty of an escort who looks after the sick, not after children."""
NO_LIMIT = 100_000


class Used:
    """What accepted movements already use of crossings, beds and reception, by plan day."""

    def __init__(self, session: Session, scope: Scope, at: Situation) -> None:
        start, end = window(scope)
        self.crossed: dict[tuple[str, int], int] = defaultdict(int)
        self.arrived: dict[tuple[str, int], int] = defaultdict(int)
        self.slept: dict[tuple[str, int], int] = defaultdict(int)

        def day_of(instant: datetime) -> int:
            return clock.plan_minute(instant, scope.first_date, CLOCK_UTC_OFFSET_MIN) // 1440

        rows = session.exec(
            select(Seat, MovementCrossing)
            .join(MovementCrossing, col(MovementCrossing.movement_id) == Seat.movement_id)
            .where(
                Seat.status == SeatStatus.ACTIVE,
                col(MovementCrossing.segment) >= Seat.board,
                col(MovementCrossing.segment) < Seat.alight,
                col(MovementCrossing.at) >= start,
                col(MovementCrossing.at) < end,
            )
        ).all()
        for _, crossing in rows:
            self.crossed[crossing.crossing_id, day_of(crossing.at)] += 1
        ends = session.exec(
            select(Seat, MovementSegment, TravelGroup)
            .join(TravelGroup, col(TravelGroup.group_id) == Seat.group_id)
            .join(
                MovementSegment,
                (col(MovementSegment.movement_id) == Seat.movement_id)
                & (col(MovementSegment.segment) == Seat.alight - 1),
            )
            .where(Seat.status == SeatStatus.ACTIVE, col(Seat.arrive_at) >= start, col(Seat.arrive_at) < end)
        ).all()
        leaves = _departures(session, [seat.person_id for seat, _, _ in ends if seat.person_id])
        for seat, segment, group in ends:
            if segment.to_place_id == group.destination_place_id:
                self.arrived[segment.to_place_id, day_of(seat.arrive_at)] += 1
            else:
                first = day_of(seat.arrive_at)
                later = [at for at in leaves[seat.person_id or ""] if at >= seat.arrive_at]
                for night in range(first, day_of(min(later)) if later else first + 1):
                    self.slept[segment.to_place_id, night] += 1

    def beds_taken(self, place_id: str) -> int:
        """People who sleep at a place on the night on which most do: a problem knows one number of beds a place."""
        return max((count for (place, _), count in self.slept.items() if place == place_id), default=0)


def _departures(session: Session, person_ids: Sequence[str]) -> dict[str, list[datetime]]:
    """When each person's rides leave."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for person_id, depart_at in session.exec(
        select(Seat.person_id, Seat.depart_at).where(
            col(Seat.person_id).in_(person_ids), Seat.status == SeatStatus.ACTIVE
        )
    ).all():
        found[person_id or ""].append(depart_at)
    return found


def site_row(place_id: str, at: Situation, scope: Scope, used: Used) -> Site:
    """A place with the beds and the reception that are left on each day."""
    where = at.where(place_id)
    rule = at.ground.reception.get(place_id)
    daily = rule.arrivals_per_day if rule else 0
    return Site(
        id=place_id,
        country=where.country,
        lat=where.lat,
        lon=where.lon,
        beds=max(0, (rule.beds or 0) - used.beds_taken(place_id)) if rule else 0,
        arrivals=tuple(max(0, daily - used.arrived[place_id, day]) for day in range(scope.days)),
    )


def crossing_row(crossing_id: str, at: Situation, scope: Scope, used: Used, profiles: frozenset[Profile]) -> Crossing:
    """A border with the people that may still pass it on each day; of several profiles the strictest cap counts."""
    if crossing_id == EMPTY_ONLY:
        return Crossing(id=EMPTY_ONLY, countries=("--", "--"), quota=(0,) * scope.days)
    if crossing_id in BARS:
        return Crossing(id=crossing_id, countries=(crossing_id, crossing_id), quota=(NO_LIMIT,) * scope.days)
    row = at.ground.crossings[crossing_id]
    quota = []
    for day in range(scope.days):
        on = scope.first_date + timedelta(days=day)
        # A border that is closed to some is kept from them by the trips, not by its cap for the others.
        caps = [
            cap
            for profile in sorted(profiles or {Profile.ADULTS})
            if (cap := at.calendars.daily_cap(crossing_id, on, profiles={profile})) is None or cap > 0
        ] or [0]
        caps += [
            confirmation.daily_heads
            for confirmation in at.overlay.confirmations
            if crossing_id in confirmation.crossings and confirmation.valid_from <= on <= confirmation.valid_until
        ]
        stated = [cap for cap in caps if cap is not None]
        quota.append(max(0, min(stated, default=NO_LIMIT) - used.crossed[crossing_id, day]))
    return Crossing(id=crossing_id, countries=(row.country_a, row.country_b), quota=tuple(quota))


def escort_pool(session: Session, scope: Scope, pool_id: str) -> EscortPool:
    """Escorts who are available and approved for the whole plan and not on a movement in it.

    Women and men are counted of those who may escort children alone (R13): a medical escort does not count.
    """
    start, end = window(scope)
    busy = select(Seat.escort_id).where(
        Seat.status == SeatStatus.ACTIVE,
        col(Seat.escort_id).is_not(None),
        col(Seat.depart_at) < end,
        col(Seat.arrive_at) > start,
    )
    rows = session.exec(
        select(Escort.sex, Escort.duty).where(
            col(Escort.is_available),
            Escort.approved_until >= scope.first_date + timedelta(days=scope.days),
            col(Escort.escort_id).not_in(busy),
        )
    ).all()
    carers = [sex for sex, duty in rows if duty != MEDICAL_DUTY]

    def of(sex: Sex) -> tuple[int, ...]:
        return (carers.count(sex),) * scope.days

    return EscortPool(id=pool_id, available=len(rows), women=of(Sex.FEMALE), men=of(Sex.MALE))


def drivers_rest(at: Situation) -> Rest:
    """R20: a booked crew stays with its vehicle for the whole plan, so that the vehicle rests as its drivers must."""
    most = at.policy.driver_days_in_row
    return Rest(window_days=most + 1, most_days=most, night_min=at.policy.driver_daily_rest_hours * 60)
