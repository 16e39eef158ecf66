"""What the papers of people and journeys say, read from the records: itineraries, route sheets, handover notes.

Everything is read here into plain values; the pages are made later, outside the transaction (``files``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlmodel import Session, col, select

from retorno import clock, keyring
from retorno.confirmations.confirmation import Party, parties_of
from retorno.errors import NotAllowed, Stale
from retorno.manifest import latest_copy, list_stands, seal_of
from retorno.manifest.copies import persons_by_reference
from retorno.models.movements import (
    Arrival,
    Driver,
    Escort,
    Handover,
    Incident,
    LocalRound,
    ManifestCopy,
    Movement,
    MovementCrossing,
    MovementSegment,
    Seat,
    Vehicle,
)
from retorno.models.office import Office, User
from retorno.models.people import Case, Person, TravelGroup
from retorno.movements.facts import AIR, View, profiles_of, view
from retorno.optimizer.rounds import Seats
from retorno.optimizer.rounds_files import plan_from_json
from retorno.papers.form import Contact, CrewMember, manifest_from_bytes
from retorno.papers.journey import HandoverNote, RouteSheet, RouteStop
from retorno.papers.keys import reference
from retorno.papers.personal import Itinerary, Stop
from retorno.papers.words import person_language
from retorno.plans.store import unpacked
from retorno.routes.spans import instant_of_minute, minute_of
from retorno.situation import Situation, situation
from retorno.vocabulary import ArrivalOutcome, MovementStatus, Need, PartyKind, PersonStatus, SeatStatus, TripEventKind

BRING = ("documents", "medicine", "clothes", "phone")
BABY_YEARS = 3
"""Up to this age a group is reminded of nappies and baby food (our assumption)."""

_WITH_DESK = frozenset({TripEventKind.EXIT_FORMALITIES.value, TripEventKind.ENTRY_FORMALITIES.value})
_WHERE_PEOPLE_CHANGE = frozenset({TripEventKind.DEPARTURE.value, TripEventKind.STOP.value, TripEventKind.ARRIVAL.value})


def full_name(person: Person) -> str:
    """Given and family names as the person writes them."""
    return f"{person.given_names} {person.family_names}".strip()


# ---- itineraries ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Leg:
    """One ride of one person with what lies on its way."""

    seat: Seat
    movement: Movement
    segments: Sequence[MovementSegment]
    crossings: Sequence[MovementCrossing]


def people_aboard(session: Session, movement_id: str) -> list[str]:
    """Ids of the people with a seat on a movement, families together."""
    return list(
        session.exec(
            select(Person.person_id)
            .join(Seat, col(Seat.person_id) == Person.person_id)
            .where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
            .order_by(Person.group_id, col(Person.birth_date), Person.person_id)
        ).all()
    )


def itineraries(session: Session, person_ids: Sequence[str], *, office: Office, check_address: str) -> list[Itinerary]:
    """The journey of each person, in the order of ``person_ids``; who has no seat is left out."""
    where = situation(session)
    people = session.exec(select(Person).where(col(Person.person_id).in_(person_ids))).all()
    persons = {row.person_id: row for row in people}
    groups = {
        row.group_id: row
        for row in session.exec(
            select(TravelGroup).where(col(TravelGroup.group_id).in_({row.group_id for row in people}))
        ).all()
    }
    members: dict[str, list[Person]] = {}
    for row in session.exec(
        select(Person)
        .where(col(Person.group_id).in_(groups), Person.status == PersonStatus.ACTIVE)
        .order_by(col(Person.birth_date), Person.person_id)
    ).all():
        members.setdefault(row.group_id, []).append(row)
    legs = _legs(session, person_ids)
    key = keyring.of_office(office.office_id).reference_key
    made = []
    for person_id in person_ids:
        person = persons.get(person_id)
        if person is None or person_id not in legs:
            continue
        group = groups[person.group_id]
        family = members.get(group.group_id, [])
        departs = clock.local(legs[person_id][0].seat.depart_at, where.zone_name(office.home_place_id)).date()
        has_baby = any(
            row.birth_date is not None and clock.age_on(row.birth_date, departs) < BABY_YEARS for row in family
        )
        made.append(
            Itinerary(
                language=person_language(person.contact_language),
                name=full_name(person),
                reference=reference(key, person_id, "PERSON"),
                stops=_stops(legs[person_id], group.destination_place_id, where),
                bring=(*BRING, "child") if has_baby else BRING,
                companions=[full_name(row) for row in family if row.person_id != person_id],
                met_by=where.name(group.destination_place_id),
                complaint_phone=office.complaint_contact,
                printed_on=clock.now().date(),
                check_text=check_address,
                is_demo=office.is_demo,
            )
        )
    return made


def _legs(session: Session, person_ids: Sequence[str]) -> dict[str, list[_Leg]]:
    rows = session.exec(
        select(Seat, Movement)
        .join(Movement, col(Movement.movement_id) == Seat.movement_id)
        .where(col(Seat.person_id).in_(person_ids), Seat.status == SeatStatus.ACTIVE)
        .order_by(col(Seat.depart_at))
    ).all()
    movement_ids = {movement.movement_id for _, movement in rows}
    segments: dict[str, list[MovementSegment]] = {}
    for segment in session.exec(
        select(MovementSegment)
        .where(col(MovementSegment.movement_id).in_(movement_ids))
        .order_by(col(MovementSegment.segment))
    ).all():
        segments.setdefault(segment.movement_id, []).append(segment)
    crossings: dict[str, list[MovementCrossing]] = {}
    for crossing in session.exec(
        select(MovementCrossing)
        .where(col(MovementCrossing.movement_id).in_(movement_ids))
        .order_by(col(MovementCrossing.sequence))
    ).all():
        crossings.setdefault(crossing.movement_id, []).append(crossing)
    legs: dict[str, list[_Leg]] = {}
    for seat, movement in rows:
        on_way = [c for c in crossings.get(movement.movement_id, ()) if seat.board <= c.segment < seat.alight]
        leg = _Leg(seat=seat, movement=movement, segments=segments[movement.movement_id], crossings=on_way)
        legs.setdefault(seat.person_id or "", []).append(leg)
    return legs


def _stops(legs: Sequence[_Leg], home_place_id: str, where: Situation) -> list[Stop]:
    stops: list[Stop] = []
    for number, leg in enumerate(legs):
        start, end = leg.segments[leg.seat.board].from_place_id, leg.segments[leg.seat.alight - 1].to_place_id
        mode = "plane" if leg.movement.mode in AIR else "bus"
        stops.append(
            Stop(
                kind="depart",
                place=where.name(start),
                at=leg.seat.depart_at,
                zone=where.zone_name(start),
                mode=mode,
                vehicle=leg.movement.label,
            )
        )
        stops += [
            Stop(
                kind="border",
                place=f"{where.name(crossing.leave_post_id)} / {where.name(crossing.enter_post_id)}",
                at=crossing.at,
                zone=where.zone_name(crossing.leave_post_id),
            )
            for crossing in leg.crossings
        ]
        zone = where.zone_name(end)
        later = legs[number + 1].seat.depart_at if number + 1 < len(legs) else None
        stays = later is None or clock.local(later, zone).date() > clock.local(leg.seat.arrive_at, zone).date()
        kind = "reception" if end == home_place_id else "night" if stays and later is not None else "arrive"
        stops.append(Stop(kind=kind, place=where.name(end), at=leg.seat.arrive_at, zone=zone, mode=mode))
    return stops


# ---- route sheet ------------------------------------------------------------------------------------------------


def route_sheet(session: Session, movement_id: str, *, escort_ids: Sequence[str]) -> RouteSheet:
    """The way of a movement for its drivers, or for one of ``escort_ids`` who travels on it; ``Stale`` once over."""
    movement = session.get_one(Movement, movement_id)
    if movement.status in (MovementStatus.CLOSED, MovementStatus.CANCELLED):
        raise Stale("this journey is over: there is no route to drive")
    seen = view(session, movement_id)
    office = session.get_one(Office, movement.office_id)
    copy = _copy_of_duty(session, movement, escort_ids)
    stops = _route_stops(seen) if movement.mode not in AIR else ()
    return RouteSheet(
        movement=movement.reference,
        version=copy.number if copy else None,
        supersedes=copy.supersedes if copy else None,
        seal=seal_of(copy) if copy else None,
        vehicle=movement.label,
        operator=movement.operator,
        crew=_crew(session, movement),
        contacts=(Contact(side="sending", name=office.name, phone=office.complaint_contact),),
        stops=stops or _timetable_stops(seen),
        is_demo=office.is_demo,
    )


def _copy_of_duty(session: Session, movement: Movement, escort_ids: Sequence[str]) -> ManifestCopy | None:
    """The list in force of the escort, or of the carrier, or of any escort; None before the first issue."""
    if not list_stands(session, movement.movement_id):
        return None
    parties = parties_of(session, movement)
    own = [party for party in parties if party.kind is PartyKind.ESCORT and party.party_id in escort_ids]
    on_duty = [party for party in parties if party.kind in (PartyKind.CARRIER, PartyKind.ESCORT)]
    chosen = next(iter(own or on_duty), None)
    return latest_copy(session, movement.movement_id, chosen, visible_at=clock.now()) if chosen else None


def _crew(session: Session, movement: Movement) -> tuple[CrewMember, ...]:
    drivers = [session.get_one(Driver, driver_id) for driver_id in movement.drivers.split(";") if driver_id]
    escorts = session.exec(
        select(Escort)
        .join(Seat, col(Seat.escort_id) == Escort.escort_id)
        .where(Seat.movement_id == movement.movement_id, Seat.status == SeatStatus.ACTIVE)
        .distinct()
        .order_by(Escort.escort_id)
    ).all()
    return (
        *(CrewMember(role="driver", name=driver.name, phone=driver.phone) for driver in drivers),
        *(CrewMember(role="escort", name=escort.name, phone=escort.phone) for escort in escorts),
    )


def _people_from(seen: View, stop: int) -> tuple[int, int, int, dict[str, int]]:
    """How many get on and off at a stop and travel on from it, and how many of those have which need."""
    aboard = [rider for rider in seen.riders if rider.seat.board <= stop < rider.seat.alight]
    needs = Counter(code for rider in aboard for code in rider.assistance)
    boarding = sum(rider.seat.board == stop for rider in seen.riders)
    leaving = sum(rider.seat.alight == stop for rider in seen.riders)
    return boarding, leaving, len(aboard), dict(needs)


def _route_stops(seen: View) -> list[RouteStop]:
    """Every event of the way as planned: departure, rests, desks, stops, arrival."""
    where, network = seen.situation, seen.situation.ground.network
    stops: list[RouteStop] = []
    last_until, zone, stop_number = None, "", 0
    for event in json.loads(seen.movement.route or "{}").get("events", ()):
        node = network.nodes[event["node"]]
        zone = node["timezone"] or zone
        at = datetime.fromisoformat(event["at"])
        until = at + timedelta(minutes=event["until_min"] - event["from_min"])
        people: tuple[int, int, int | None, dict[str, int]] = (0, 0, None, {})
        if event["kind"] in _WHERE_PEOPLE_CHANGE:
            people, stop_number = _people_from(seen, stop_number), stop_number + 1
        stops.append(
            RouteStop(
                kind=event["kind"],
                place=node["name"],
                zone=zone,
                at=at,
                until=until,
                drive_min=int((at - last_until).total_seconds() // 60) if last_until else 0,
                desk=_desk_hours(seen, where, event["node"], at, zone) if event["kind"] in _WITH_DESK else None,
                boarding=people[0],
                leaving=people[1],
                aboard=people[2],
                needs=people[3],
            )
        )
        last_until = until
    return stops


def _desk_hours(seen: View, where: Situation, post_id: str, at: datetime, zone: str) -> list[tuple[datetime, datetime]]:
    """When a post takes these people on the local day of an instant."""
    midnight = clock.local(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = minute_of(midnight), minute_of(midnight + timedelta(days=1))
    spans = where.calendars.open_spans(post_id, first, last, profiles=profiles_of(seen.riders))
    return [(instant_of_minute(start), instant_of_minute(end)) for start, end in spans]


def _timetable_stops(seen: View) -> list[RouteStop]:
    """Departure and arrival of each segment, where no way on the road is known."""
    where = seen.situation
    stops = []
    for number, segment in enumerate(seen.segments):
        boarding, leaving, aboard, needs = _people_from(seen, number)
        is_first = number == 0
        stops.append(
            RouteStop(
                kind=(TripEventKind.DEPARTURE if is_first else TripEventKind.STOP).value,
                place=where.name(segment.from_place_id),
                zone=where.zone_name(segment.from_place_id),
                at=segment.depart_at if is_first else seen.segments[number - 1].arrive_at,
                until=segment.depart_at,
                boarding=boarding,
                leaving=leaving,
                aboard=aboard,
                needs=needs,
            )
        )
    last = seen.segments[-1]
    stops.append(
        RouteStop(
            kind=TripEventKind.ARRIVAL.value,
            place=where.name(last.to_place_id),
            zone=where.zone_name(last.to_place_id),
            at=last.arrive_at,
            until=last.arrive_at,
            leaving=_people_from(seen, len(seen.segments))[1],
            aboard=0,
        )
    )
    return stops


# ---- handover note ----------------------------------------------------------------------------------------------


def round_sheet(session: Session, row: LocalRound, vehicle_id: str) -> RouteSheet:
    """The stops of one van of a local round for its driver: ``NotAllowed`` if it has none."""
    movement = session.get_one(Movement, row.movement_id)
    routes, _ = plan_from_json(unpacked(row.routes))
    route = next((each for each in routes if each.vehicle_id == vehicle_id), None)
    vehicle = session.get(Vehicle, vehicle_id)
    if route is None or vehicle is None:
        raise NotAllowed
    office = session.get_one(Office, movement.office_id)
    where = situation(session, day=row.day)
    references = {
        group.group_id: reference
        for group, reference in session.exec(
            select(TravelGroup, Case.reference)
            .join(Case, col(Case.case_id) == TravelGroup.case_id)
            .where(col(TravelGroup.group_id).in_({stop.request_id for stop in route.stops}))
        ).all()
    }
    zone = where.zone_name(vehicle.depot_place_id)

    def at(minute: float) -> datetime:
        return clock.instant_of(datetime.combine(row.day, time()) + timedelta(minutes=minute), zone)

    depot = where.name(vehicle.depot_place_id)
    stops = [RouteStop(kind="departure", place=depot, zone=zone, at=at(route.depart_min), until=at(route.depart_min))]
    last, before = route.depart_min, Seats()
    for stop in route.stops:
        moved = stop.aboard.persons - before.persons
        stops.append(
            RouteStop(
                kind=stop.act.value,
                place=where.name(stop.place),
                zone=zone,
                at=at(stop.begin_min),
                until=at(stop.leave_min),
                drive_min=round(stop.arrive_min - last),
                boarding=max(0, moved),
                leaving=max(0, -moved),
                aboard=stop.aboard.persons,
                who=references.get(stop.request_id, ""),
                needs={Need.WHEELCHAIR.value: stop.aboard.wheelchair} if stop.aboard.wheelchair else {},
            )
        )
        last, before = stop.leave_min, stop.aboard
    stops.append(
        RouteStop(
            kind="arrival", place=depot, zone=zone, at=at(route.return_min), until=at(route.return_min),
            drive_min=round(route.return_min - last),
        )
    )  # fmt: skip
    return RouteSheet(
        movement=movement.reference,
        version=None,
        vehicle=vehicle.plate,
        operator=vehicle.operator,
        crew=(),
        contacts=(Contact(side="sending", name=office.name, phone=office.complaint_contact),),
        stops=stops,
        is_demo=office.is_demo,
        is_round=True,
    )


def handover_note(session: Session, movement_id: str, place_id: str) -> HandoverNote:
    """What was handed over at a place; ``Stale`` before the handover there is signed."""
    signed = session.get(Handover, (movement_id, place_id))
    if signed is None:
        raise Stale("the handover here is not signed yet: tick who is here and sign it first")
    movement = session.get_one(Movement, movement_id)
    where = situation(session, day=movement.depart_at.date())
    is_post = place_id in where.ground.posts
    party = Party(kind=PartyKind.BORDER_POST if is_post else PartyKind.RECEPTION, party_id=place_id)
    copy = latest_copy(session, movement_id, party)
    if copy is None:
        raise NotAllowed
    rows = manifest_from_bytes(copy.canonical).rows
    persons = persons_by_reference(session, movement_id=movement_id, party=party)
    arrived = set(
        session.exec(
            select(Arrival.person_id).where(
                Arrival.movement_id == movement_id, Arrival.outcome == ArrivalOutcome.ARRIVED
            )
        ).all()
    )
    incidents = session.exec(
        select(Incident).where(Incident.movement_id == movement_id).order_by(col(Incident.at), Incident.incident_id)
    ).all()
    office, signer = session.get_one(Office, movement.office_id), session.get(User, signed.signed_by)
    return HandoverNote(
        movement=movement.reference,
        version=copy.number,
        place=where.name(place_id),
        zone=where.zone_name(place_id),
        vehicle=movement.label,
        operator=movement.operator,
        crew=_crew(session, movement),
        listed=len(rows),
        arrived=signed.person_count,
        missing=tuple(row["no"] for row in rows if persons.get(row["ref"]) not in arrived),
        received_by=signed.received_by,
        recorded_by=signer.display_name if signer else signed.signed_by,
        signed_at=signed.signed_at,
        handed_at=signed.handed_at,
        incidents=tuple((row.code.value, row.at) for row in incidents),
        is_demo=office.is_demo,
    )
