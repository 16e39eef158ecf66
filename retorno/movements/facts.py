"""One movement as the rules and the papers see it: read from the records, judged rule by rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.labels import clock_text
from retorno.models.movements import (
    Acknowledgement,
    Arrival,
    Driver,
    Escort,
    ManifestVersion,
    Movement,
    MovementCrossing,
    MovementSegment,
    Offer,
    Seat,
    Vehicle,
)
from retorno.models.people import Document, Person, TravelGroup
from retorno.readiness import facts_of_groups, occasion_of, persons_of_groups
from retorno.routes.answers import Closed, Open
from retorno.rules import (
    AcknowledgementFacts,
    BreakFacts,
    CrossingFacts,
    DriverFacts,
    EscortFacts,
    Finding,
    JourneyLeg,
    MovementFacts,
    NightFacts,
    Occasion,
    PersonFacts,
    PostFacts,
    ReceptionFacts,
    RiderFacts,
    RuleOutcome,
    SegmentFacts,
    VehicleFacts,
    is_child,
    is_unaccompanied_child,
    is_vulnerable,
    judge_group,
    judge_movement,
    report,
)
from retorno.situation import Situation, situation
from retorno.vocabulary import (
    ArrivalOutcome,
    Mode,
    MovementStatus,
    Need,
    PersonStatus,
    Profile,
    SeatStatus,
)

AIR = (Mode.FLIGHT, Mode.CHARTER)
LONGEST_STAY = timedelta(days=4)
"""How far back somebody who sleeps at a place on the way can have arrived: the longest journey of a plan."""


LATEST = timedelta(hours=12)
"""How much later than planned a vehicle may be and still count as under way (our assumption)."""


@dataclass(frozen=True, kw_only=True)
class Rider:
    """A person on a movement with what the papers print."""

    seat: Seat
    person: Person
    group: TravelGroup
    document: Document | None
    facts: PersonFacts
    assistance: tuple[str, ...]
    is_child: bool
    is_unaccompanied: bool
    is_vulnerable: bool


@dataclass(frozen=True, kw_only=True)
class EscortSeat:
    """An escort on a movement."""

    seat: Seat
    escort: Escort


@dataclass(frozen=True, kw_only=True)
class View:
    """A movement with its segments, borders and everyone aboard; families together, in a fixed order."""

    movement: Movement
    segments: tuple[MovementSegment, ...]
    crossings: tuple[MovementCrossing, ...]
    riders: list[Rider]
    escorts: list[EscortSeat]
    drivers: list[Driver]
    vehicle: Vehicle | None
    offer: Offer | None
    situation: Situation


def view(session: Session, movement_id: str, *, at: Situation | None = None, is_listed_only: bool = False) -> View:
    """Read a movement as it is now; on wish only with the seats that two people signed for."""
    movement = session.get_one(Movement, movement_id)
    where = at or situation(session, day=movement.depart_at.date())
    segments = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement_id)
        .order_by(col(MovementSegment.segment))
        .execution_options(populate_existing=True)
    ).all()
    crossings = session.exec(
        select(MovementCrossing)
        .where(MovementCrossing.movement_id == movement_id)
        .order_by(col(MovementCrossing.sequence))
    ).all()
    seats = session.exec(
        select(Seat)
        .where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
        .execution_options(populate_existing=True)
    ).all()
    if is_listed_only:
        seats = [seat for seat in seats if seat.listed_from is not None]
    escorts = [
        EscortSeat(seat=seat, escort=session.get_one(Escort, seat.escort_id)) for seat in seats if seat.escort_id
    ]
    driver_ids = [part for part in movement.drivers.split(";") if part]
    return View(
        movement=movement,
        segments=tuple(segments),
        crossings=tuple(crossings),
        riders=_riders(session, [seat for seat in seats if seat.person_id], _occasion(where, movement, segments)),
        escorts=sorted(escorts, key=lambda each: each.escort.escort_id),
        drivers=[session.get_one(Driver, driver_id) for driver_id in driver_ids],
        vehicle=session.get(Vehicle, movement.vehicle_id) if movement.vehicle_id else None,
        offer=session.get(Offer, movement.offer_id) if movement.offer_id else None,
        situation=where,
    )


def _riders(session: Session, seats: list[Seat], occasion: Occasion) -> list[Rider]:
    ids = [seat.person_id for seat in seats if seat.person_id]
    persons = {row.person_id: row for row in session.exec(select(Person).where(col(Person.person_id).in_(ids))).all()}
    # Whoever is home already keeps the row on the papers of a movement that goes on.
    facts = persons_of_groups(session, {person.group_id for person in persons.values()}, with_returned=True)
    groups = {
        row.group_id: row
        for row in session.exec(
            select(TravelGroup).where(col(TravelGroup.group_id).in_({p.group_id for p in persons.values()}))
        ).all()
    }
    riders = []
    for seat in seats:
        person = persons[seat.person_id or ""]
        about = facts[person.person_id]
        riders.append(
            Rider(
                seat=seat,
                person=person,
                group=groups[person.group_id],
                document=_document(session, person.person_id),
                facts=about,
                assistance=_assistance(session, person, about, occasion),
                is_child=is_child(about, occasion),
                is_unaccompanied=is_unaccompanied_child(about, occasion),
                is_vulnerable=is_vulnerable(about, occasion),
            )
        )
    return sorted(riders, key=lambda r: (r.group.group_id, r.is_child, r.person.birth_date or clock.now().date(),
                                         r.person.person_id))  # fmt: skip


def _occasion(at: Situation, movement: Movement, segments: Sequence[MovementSegment]) -> Occasion:
    """The days of a movement, each as the calendar of its place has it (I19)."""
    return Occasion(
        now=clock.now(),
        departs_on=clock.local(movement.depart_at, at.zone_name(segments[0].from_place_id)).date(),
        last_leg_on=clock.local(movement.arrive_at, at.zone_name(segments[-1].to_place_id)).date(),
        policy=at.policy,
    )


def _document(session: Session, person_id: str) -> Document | None:
    """The document printed: the one that is valid longest and was checked."""
    rows = session.exec(select(Document).where(Document.person_id == person_id)).all()
    checked = [row for row in rows if row.is_mrz_valid or row.confirmed_by]
    return max(checked or rows, key=lambda row: (row.expires_on is not None, row.expires_on), default=None)


def _assistance(session: Session, person: Person, facts: PersonFacts, occasion: Occasion) -> tuple[str, ...]:
    """Operational needs as codes, never a diagnosis."""
    needs = set(facts.fitness.needs) if facts.fitness else set()
    codes = {need.value for need in needs} | ({Need.WHEELCHAIR.value} if person.needs_wheelchair else set())
    if is_unaccompanied_child(facts, occasion):
        codes.add("accompanied_minor")
    return tuple(sorted(codes))


# ---- the journey of a group --------------------------------------------------------------------------------------


def journey_legs(session: Session, group_id: str, at: Situation) -> tuple[list[JourneyLeg], date]:
    """The rides of a group in order, as the rules ask about them, and the day of the last arrival; days as locals."""
    rows = session.exec(
        select(Seat, Movement)
        .join(Movement, Movement.movement_id == Seat.movement_id)  # type: ignore[arg-type]
        .where(Seat.group_id == group_id, Seat.status == SeatStatus.ACTIVE, col(Seat.person_id).is_not(None))
        .order_by(col(Seat.depart_at))
    ).all()
    legs: dict[str, JourneyLeg] = {}
    last_leg_on = date.min
    for seat, movement in rows:
        if movement.movement_id in legs:
            continue
        stops = session.exec(
            select(MovementSegment)
            .where(MovementSegment.movement_id == movement.movement_id)
            .order_by(col(MovementSegment.segment))
        ).all()
        end_zone = at.zone_name(stops[seat.alight - 1].to_place_id)
        last_leg_on = max(last_leg_on, clock.local(seat.arrive_at, end_zone).date())
        crossings = session.exec(
            select(MovementCrossing)
            .where(
                MovementCrossing.movement_id == movement.movement_id,
                col(MovementCrossing.segment) >= seat.board,
                col(MovementCrossing.segment) < seat.alight,
            )
            .order_by(col(MovementCrossing.sequence))
        ).all()
        legs[movement.movement_id] = JourneyLeg(
            mode=movement.mode,
            carrier=movement.operator,
            departs_on=clock.local(seat.depart_at, at.zone_name(stops[seat.board].from_place_id)).date(),
            duration_min=int((seat.arrive_at - seat.depart_at).total_seconds() // 60),
            transit_countries=tuple(dict.fromkeys(c.enter_country for c in crossings[:-1])),
        )
    return list(legs.values()), last_leg_on


# ---- the facts of a movement ------------------------------------------------------------------------------------


def movement_facts(session: Session, seen: View, *, stage: MovementStatus) -> MovementFacts:
    """Everything that the rules ask about a movement on its way to ``stage``."""
    movement = seen.movement
    route = json.loads(movement.route) if movement.route else {}
    first_issue = session.exec(
        select(func.min(ManifestVersion.issued_at)).where(ManifestVersion.movement_id == movement.movement_id)
    ).one()
    last_addition = session.exec(
        select(func.max(ManifestVersion.issued_at)).where(
            ManifestVersion.movement_id == movement.movement_id,
            ~col(ManifestVersion.is_removal_only),
            ManifestVersion.version > 1,
        )
    ).one()
    acks = session.exec(
        select(Acknowledgement).where(
            Acknowledgement.movement_id == movement.movement_id,
            Acknowledgement.manifest_version == movement.manifest_version,
        )
    ).all()
    return MovementFacts(
        movement_id=movement.movement_id,
        mode=movement.mode,
        stage=stage,
        now=clock.now(),
        depart_at=movement.depart_at,
        arrive_at=movement.arrive_at,
        segments=tuple(_segment(seen, segment) for segment in seen.segments),
        riders=tuple(
            RiderFacts(person=r.facts, board=r.seat.board, alight=r.seat.alight, is_wheelchair=r.seat.is_wheelchair)
            for r in seen.riders
        ),
        group_members=_members(session, seen),
        crossings=tuple(_crossing(seen, crossing) for crossing in seen.crossings),
        receptions=_receptions(session, seen),
        escorts=tuple(_escort(seen, number, each) for number, each in enumerate(seen.escorts)),
        drivers=tuple(_driver(session, seen, driver) for driver in seen.drivers),
        drivers_needed=movement.drivers_needed,
        vehicle=_vehicle(seen),
        drive_stretches_min=tuple(route.get("stretches", ())),
        breaks=tuple(
            BreakFacts(minutes=stop["minutes"], has_toilet=stop["has_toilet"] or _has_toilet(seen))
            for stop in route.get("breaks", ())
        ),
        nights=_nights(session, seen),
        is_route_confirmed=movement.is_route_confirmed or movement.mode in AIR or movement.mode is Mode.COACH,
        travelling_elsewhere=_elsewhere(session, seen),
        notice_hours=movement.notice_hours,
        notice_sent_at=first_issue,
        rows_added_at=last_addition,
        acknowledgements=tuple(
            AcknowledgementFacts(party_kind=ack.party_kind, party_id=ack.party_id, acknowledged_at=ack.acknowledged_at)
            for ack in acks
        ),
    )


def _segment(seen: View, segment: MovementSegment) -> SegmentFacts:
    at = seen.situation
    depart = clock.local(segment.depart_at, at.zone_name(segment.from_place_id)).replace(tzinfo=None)
    arrive = clock.local(segment.arrive_at, at.zone_name(segment.to_place_id)).replace(tzinfo=None)
    light_from, light_until = 0, 1440
    if seen.movement.mode not in AIR:
        light_from = _light(at, segment.from_place_id, depart)[0]
        light_until = _light(at, segment.to_place_id, arrive)[1]
    return SegmentFacts(
        from_place_id=segment.from_place_id,
        to_place_id=segment.to_place_id,
        depart_local=depart,
        arrive_local=arrive,
        usable_seats=segment.capacity,
        built_seats=seen.vehicle.seats if seen.vehicle else None,
        wheelchairs=segment.wheelchairs,
        light_from_min=light_from,
        light_until_min=light_until,
    )


def _light(at: Situation, place_id: str, local: datetime) -> tuple[int, int]:
    """First and last daylight at a place on a local day, minutes after midnight; none at all is (1440, 0)."""
    light = at.calendars.daylight(place_id, local.date(), vulnerable=False)
    if isinstance(light, Closed):
        return 1440, 0
    zone = at.zone_name(place_id)
    first, last = clock.local(light.from_at, zone), clock.local(light.until_at, zone)
    return first.hour * 60 + first.minute, last.hour * 60 + last.minute


def profiles_of(riders: Iterable[Rider]) -> set[Profile]:
    """Who travels, as posts and reception places ask; the parents of a child are a family with it."""
    groups: dict[str, list[Rider]] = {}
    for rider in riders:
        groups.setdefault(rider.group.group_id, []).append(rider)
    found: set[Profile] = set()
    for members in groups.values():
        if any(rider.is_unaccompanied for rider in members):
            found.add(Profile.UNACCOMPANIED)
        elif any(rider.is_child for rider in members):
            found.add(Profile.FAMILIES)
        else:
            found.add(Profile.ADULTS)
    return found or {Profile.ADULTS}


def _post(seen: View, post_id: str, instant: datetime) -> PostFacts:
    state = seen.situation.calendars.post_state(post_id, instant, profiles=profiles_of(seen.riders))
    if isinstance(state, Open):
        zone_name = seen.situation.ground.posts[post_id].timezone
        return PostFacts(
            post_id=post_id,
            is_open=True,
            closes_in_min=_minutes_left(state, instant),
            closes_at=clock_text(state.until_at, zone_name),
        )
    return PostFacts(post_id=post_id, is_open=False, reason=state.reason.value)


def _crossing(seen: View, crossing: MovementCrossing) -> CrossingFacts:
    state = seen.situation.calendars.crossing_state(
        crossing.crossing_id, crossing.at, profiles=profiles_of(seen.riders)
    )
    return CrossingFacts(
        crossing_id=crossing.crossing_id,
        leave=_post(seen, crossing.leave_post_id, crossing.at),
        enter=_post(seen, crossing.enter_post_id, crossing.at),
        is_suspended=isinstance(state, Closed) and state.reason.value == "closure",
    )


def _receptions(session: Session, seen: View) -> tuple[ReceptionFacts, ...]:
    """Every place where people leave this movement, home or for the night, with what is free there."""
    at, found = seen.situation, []
    ends: dict[str, list[Rider]] = {}
    for rider in seen.riders:
        ends.setdefault(seen.segments[rider.seat.alight - 1].to_place_id, []).append(rider)
    for place_id, riders in ends.items():
        arrive_at = seen.segments[riders[0].seat.alight - 1].arrive_at
        rule = at.ground.reception.get(place_id)
        state = at.calendars.post_state(place_id, arrive_at, profiles=profiles_of(riders))
        local = clock.local(arrive_at, at.zone_name(place_id))
        home = [rider for rider in riders if rider.group.destination_place_id == place_id]
        accepted = {Profile(name) for name in rule.profiles} if rule else set()
        free = _free_places(session, seen, place_id, local) if rule else 0
        found.append(
            ReceptionFacts(
                place_id=place_id,
                receiver=at.name(place_id) if rule else "",
                is_open=isinstance(state, Open),
                reason="" if isinstance(state, Open) else state.reason.value,
                closes_in_min=_minutes_left(state, arrive_at),
                free_places=free if home else None,
                person_count=len(home),
                accepts_profiles=not home or not accepted or profiles_of(home) <= accepted,
                is_last_onward_missed=bool(home)
                and rule is not None
                and local.hour * 60 + local.minute + rule.buffer_min > rule.last_onward_min,
            )
        )
    return tuple(found)


def _minutes_left(state: Open | Closed, instant: datetime) -> int | None:
    return int((state.until_at - instant).total_seconds() // 60) if isinstance(state, Open) else None


def _free_places(session: Session, seen: View, place_id: str, local: datetime) -> int:
    """Places left at a reception point on a local day, not counting this movement."""
    rule = seen.situation.ground.reception[place_id]
    day_start = _midnight(seen, place_id, local)
    others = session.exec(
        select(func.count())
        .select_from(Seat)
        .join(TravelGroup, TravelGroup.group_id == Seat.group_id)  # type: ignore[arg-type]
        .join(
            MovementSegment,
            (col(MovementSegment.movement_id) == Seat.movement_id) & (col(MovementSegment.segment) == Seat.alight - 1),
        )
        .where(
            Seat.status == SeatStatus.ACTIVE,
            Seat.movement_id != seen.movement.movement_id,
            col(Seat.person_id).is_not(None),
            TravelGroup.destination_place_id == place_id,
            MovementSegment.to_place_id == place_id,
            col(Seat.arrive_at) >= day_start,
            col(Seat.arrive_at) < day_start + timedelta(days=1),
        )
    ).one()
    return max(0, rule.arrivals_per_day - others)


def _nights(session: Session, seen: View) -> tuple[NightFacts, ...]:
    """Nights that people of this movement spend on the way after it, with the beds free for them.

    Whoever goes on before the local day ends changes vehicles and needs no bed.
    """
    waiting: dict[str, list[Rider]] = {}
    for rider in seen.riders:
        place_id = seen.segments[rider.seat.alight - 1].to_place_id
        if place_id != rider.group.destination_place_id and not _goes_on_today(session, seen, rider.seat, place_id):
            waiting.setdefault(place_id, []).append(rider)
    found = []
    for place_id, riders in waiting.items():
        rule = seen.situation.ground.reception.get(place_id)
        local = clock.local(riders[0].seat.arrive_at, seen.situation.zone_name(place_id))
        beds = max(0, ((rule.beds or 0) if rule else 0) - _sleeping(session, seen, place_id, local))
        found.append(NightFacts(place_id=place_id, free_beds=beds, person_count=len(riders)))
    return tuple(found)


def _sleeping(session: Session, seen: View, place_id: str, local: datetime) -> int:
    """People of other movements who spend the night of a local day at a place on their way.

    They arrived on that day or on one of the days before, and their next ride leaves after it.
    """
    night = _midnight(seen, place_id, local) + timedelta(days=1)
    going_on = aliased(Seat)
    leaves_before = exists().where(
        col(going_on.person_id) == Seat.person_id,
        col(going_on.status) == SeatStatus.ACTIVE,
        col(going_on.depart_at) >= col(Seat.arrive_at),
        col(going_on.depart_at) < night,
    )
    return session.exec(
        select(func.count())
        .select_from(Seat)
        .join(TravelGroup, col(TravelGroup.group_id) == Seat.group_id)
        .join(
            MovementSegment,
            (col(MovementSegment.movement_id) == Seat.movement_id) & (col(MovementSegment.segment) == Seat.alight - 1),
        )
        .where(
            Seat.status == SeatStatus.ACTIVE,
            Seat.movement_id != seen.movement.movement_id,
            MovementSegment.to_place_id == place_id,
            TravelGroup.destination_place_id != place_id,
            col(Seat.arrive_at) >= night - LONGEST_STAY,
            col(Seat.arrive_at) < night,
            ~leaves_before,
        )
    ).one()


def _goes_on_today(session: Session, seen: View, seat: Seat, place_id: str) -> bool:
    """Whether somebody's next ride leaves the place on the local day on which they arrive there."""
    zone = seen.situation.zone_name(place_id)
    leaves_at = session.exec(
        select(func.min(Seat.depart_at)).where(
            Seat.person_id == seat.person_id,
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.depart_at) >= seat.arrive_at,
        )
    ).one()
    return leaves_at is not None and clock.local(leaves_at, zone).date() == clock.local(seat.arrive_at, zone).date()


def _midnight(seen: View, place_id: str, local: datetime) -> datetime:
    """Instant at which a local day begins at a place."""
    return clock.instant_of(
        local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None), seen.situation.zone_name(place_id)
    )


def _members(session: Session, seen: View) -> tuple[tuple[str, frozenset[str]], ...]:
    groups = sorted({rider.group.group_id for rider in seen.riders})
    rows = session.exec(
        select(Person.group_id, Person.person_id).where(
            col(Person.group_id).in_(groups), Person.status == PersonStatus.ACTIVE
        )
    ).all()
    return tuple((group, frozenset(person for g, person in rows if g == group)) for group in groups)


def _escort(seen: View, number: int, each: EscortSeat) -> EscortFacts:
    """An escort; home again in our own vehicle, else on one of the return seats bought with the offer."""
    has_return = seen.vehicle is not None or (seen.offer is not None and number < seen.offer.escort_returns)
    return EscortFacts(
        escort_id=each.escort.escort_id,
        sex=each.escort.sex,
        duty=each.escort.duty,
        approved_until=each.escort.approved_until,
        is_available=each.escort.is_available,
        has_return_seat=has_return,
        board=each.seat.board,
        alight=each.seat.alight,
    )


def _driver(session: Session, seen: View, driver: Driver) -> DriverFacts:
    """Rest and days in a row of a driver before this movement, from the movements on record.

    Whoever drives another one at the same time has had less than no rest.
    """
    since = seen.movement.depart_at - timedelta(days=8)
    rows = session.exec(
        select(Movement).where(
            col(Movement.drivers).contains(driver.driver_id),
            Movement.movement_id != seen.movement.movement_id,
            col(Movement.status) != MovementStatus.CANCELLED,
            col(Movement.depart_at) >= since,
            col(Movement.depart_at) < seen.movement.arrive_at,
        )
    ).all()
    if not rows:
        return DriverFacts(driver_id=driver.driver_id, licence_until=driver.licence_until)
    rest = int((seen.movement.depart_at - max(row.arrive_at for row in rows)).total_seconds() // 3600)
    days = {row.depart_at.date() for row in rows}
    in_row, day = 0, seen.movement.depart_at.date() - timedelta(days=1)
    while day in days:
        in_row, day = in_row + 1, day - timedelta(days=1)
    return DriverFacts(
        driver_id=driver.driver_id,
        licence_until=driver.licence_until,
        rest_hours_before=rest,
        days_driven_in_row=in_row,
    )


def _vehicle(seen: View) -> VehicleFacts | None:
    if seen.vehicle is None:
        return None
    kind = seen.situation.ground.vehicle_types.get(seen.vehicle.vehicle_type)
    served: Any = kind.needs if kind else ()
    return VehicleFacts(
        vehicle_id=seen.vehicle.vehicle_id,
        licence_until=seen.vehicle.licence_until,
        insurance_until=seen.vehicle.insurance_until,
        inspection_until=seen.vehicle.inspection_until,
        serves_needs=frozenset(Need(name) for name in served),
    )


def _has_toilet(seen: View) -> bool:
    """Whether the vehicle itself has a toilet."""
    kind = seen.situation.ground.vehicle_types.get(seen.vehicle.vehicle_type) if seen.vehicle else None
    return kind is not None and kind.has_toilet


def _elsewhere(session: Session, seen: View) -> frozenset[str]:
    """Persons and escorts of this movement who hold another active seat at the same time."""
    found = set()
    for seat in [*(rider.seat for rider in seen.riders), *(each.seat for each in seen.escorts)]:
        who = col(Seat.person_id) == seat.person_id if seat.person_id else col(Seat.escort_id) == seat.escort_id
        clash = session.exec(
            select(Seat.seat_id).where(
                who,
                Seat.status == SeatStatus.ACTIVE,
                Seat.seat_id != seat.seat_id,
                col(Seat.depart_at) < seat.arrive_at,
                col(Seat.arrive_at) > seat.depart_at,
            )
        ).first()
        if clash is not None:
            found.add(seat.person_id or seat.escort_id or "")
    return frozenset(found)


def not_travelled(now: datetime) -> ColumnElement[bool]:
    """Seats whose ride is not over: by the timetable, or late, on a movement that left, and not ticked as arrived."""
    arrived = exists().where(
        col(Arrival.movement_id) == Seat.movement_id,
        col(Arrival.person_id) == Seat.person_id,
        col(Arrival.outcome) == ArrivalOutcome.ARRIVED,
    )
    under_way = select(Movement.movement_id).where(
        Movement.status == MovementStatus.DEPARTED, col(Movement.arrive_at) > now - LATEST
    )
    return or_(col(Seat.arrive_at) > now, and_(col(Seat.movement_id).in_(under_way), ~arrived.correlate(Seat)))


# ---- judging ------------------------------------------------------------------------------------------------------


def findings_of(session: Session, seen: View, *, stage: MovementStatus, is_removal: bool = False) -> list[Finding]:
    """Everything the rules say about a movement and about every group that is still on it, at this moment.

    With ``is_removal`` the version only takes people off: neither notice nor acknowledgements are asked again (R22
    allows removals after the deadline, and every party has the longer list).
    """
    # Nobody who was received at home is judged again; the others travel on.
    seen = replace(seen, riders=[each for each in seen.riders if each.person.status is not PersonStatus.RETURNED])
    found = judge_movement(movement_facts(session, seen, stage=stage), seen.situation.policy)
    if is_removal:
        found = [each for each in found if each.code.value not in _NOT_ASKED_AT_REMOVAL]
    group_ids = list(dict.fromkeys(rider.group.group_id for rider in seen.riders))
    facts = facts_of_groups(session, group_ids)
    for group_id in group_ids:
        legs, last_leg_on = journey_legs(session, group_id, seen.situation)
        occasion = occasion_of(session, travel_date=legs[0].departs_on, last_leg_date=last_leg_on, legs=legs)
        found += judge_group(facts[group_id], occasion)
    return found


_NOT_ASKED_AT_REMOVAL = frozenset({"NOTICE_TOO_LATE", "NOTICE_NOT_SENT", "CHANGED_AFTER_DEADLINE", "NOT_ACKNOWLEDGED"})


def judge(session: Session, seen: View, *, stage: MovementStatus, is_removal: bool = False) -> tuple[RuleOutcome, ...]:
    """Every rule R1 to R24 with pass or fail for a movement at this moment."""
    return report(findings_of(session, seen, stage=stage, is_removal=is_removal))
