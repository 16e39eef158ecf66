"""The closed road to practise: 101 people on buses through a country that closes, two aircraft, a backlog.

People, companies and officers are invented. Everything is recorded by the acts of its roles on the days on which it
would have been done, and every list passes every rule when it is issued. Begun again after a crash it goes on where it
stood: who is recorded already is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock
from retorno.database import Database
from retorno.demo.practice import FAMILY_NAMES, Team, Tell, issue, person_row, recorded, registered
from retorno.errors import Refused, RetornoError, Stale
from retorno.models.movements import (
    Driver,
    Offer,
    OfferCreate,
    Seat,
    Vehicle,
)
from retorno.office import jobs
from retorno.optimizer.solve import Settings, solve
from retorno.plans import planning
from retorno.routes.rows import ExampleCase
from retorno.situation import ground
from retorno.supply import offer_acts
from retorno.vocabulary import Mode

FIRST_NUMBER = 3001
"""Number of the first invented person, beyond those of every other."""
ROAD_FROM = "MX-TAPACHULA"
ROAD_TO = "HN-SAN-PEDRO-SULA"
BUSLOADS = ((4,) * 9, (4,) * 4 + (7,) * 2, (7,) * 5)
"""Families on three buses: 36, 30 and 35 people; thirteen families of four fill one aircraft, seven of
seven the other."""
AIRCRAFT = (("INV-R52", 58), ("INV-R49", 55))
"""A tenth of the seats stays free: 52 and 49 may be used."""
AIRCRAFT_HOUR = 12
BACKLOG = (5,) * 8
"""Families who came meanwhile, each a day longer stranded than the next."""
ROAD_DAYS = range(4, 12)
BUS_WINDOW = 4
"""Days within which a busload goes, from one of ``ROAD_DAYS`` on: families sleep once on the way."""
BUS_OPERATOR = "Transportes Inventados MX"


def road_cases() -> tuple[ExampleCase, ...]:
    """101 people in twenty families on three buses, and forty more in eight families that wait."""
    rows: list[ExampleCase] = []
    families = [(f"R{load + 1}-{n}", size, 20) for load, sizes in enumerate(BUSLOADS) for n, size in enumerate(sizes)]
    families += [(f"RB-{n}", size, 60 - n) for n, size in enumerate(BACKLOG)]
    for key, size, days in families:
        first = len(rows)
        for place in range(size):
            number = len(rows)
            values: dict[str, object] = {
                "group_key": key,
                "person_key": f"{key}-{place + 1}",
                "family_names": f"{FAMILY_NAMES[first % len(FAMILY_NAMES)]} {FAMILY_NAMES[first * 3 % 20]}",
                "age_years": 34 - place if place < 2 else 16 - place,
                "place_id": ROAD_FROM,
                "stranded_days": days,
                "destination_place_id": ROAD_TO,
                "destination_municipality": "Choloma",
                "relation": ("self", "partner")[place] if place < 2 else "child",
                "caregiver_key": f"{key}-1" if place >= 2 else "",
            }
            rows.append(person_row(number + 200, **values))
    return tuple(rows)


def set_up(database: Database, team: Team, now: datetime, tell: Tell) -> None:
    cases = road_cases()
    steps = len({case.group_key for case in cases}) + len(BUSLOADS) + 1
    done = [0]

    def told() -> None:
        done[0] += 1
        tell(done[0], steps)

    _coaches(database, team, now.date())
    people = registered(database, team, cases, FIRST_NUMBER, now, "practica_camino")
    told()
    recorded(database, team, people, lambda _: (), now, told)
    days = iter(ROAD_DAYS)
    for load in range(len(BUSLOADS)):
        groups = sorted({each.group_id for each in people if each.case.group_key.startswith(f"R{load + 1}-")})
        for movement_id in _bus(database, team, groups, now, days):
            with clock.standing_at(now - timedelta(hours=2)), database.transaction() as session:
                issue(session, team, movement_id, is_released=False)
        told()
    with database.transaction() as session:
        _aircraft(session, team, now)


def _coaches(database: Database, team: Team, today: date) -> None:
    """A coach for each busload with two drivers, beside what the office has."""
    until = today + timedelta(days=300)
    with database.transaction() as session:
        for number in range(len(BUSLOADS)):
            plate = f"INV-R{number + 1:02d}"
            if session.exec(select(Vehicle.vehicle_id).where(Vehicle.plate == plate)).first() is None:
                offer_acts.add_vehicle(
                    session,
                    team.staff.coordinator,
                    vehicle_type="coach",
                    plate=plate,
                    operator=BUS_OPERATOR,
                    depot_place_id=ROAD_FROM,
                    licence_until=until,
                    insurance_until=until,
                    inspection_until=until,
                )
            for which in "AB":
                driver_id = f"R-DIA-{number + 1:02d}{which}"
                if session.get(Driver, driver_id) is None:
                    session.add(
                        Driver(
                            driver_id=driver_id,
                            name=f"Conductor {number + 1:02d}{which} de práctica (demo)",
                            operator=BUS_OPERATOR,
                            licence_until=until,
                            phone="+52 000 000 0000",
                        )
                    )
        session.flush()


def _bus(database: Database, team: Team, group_ids: Sequence[str], now: datetime, days: Iterator[int]) -> list[str]:
    """The movements of one busload: planned and accepted from the first day on that leaves a way."""
    with database.transaction() as session:
        taken = sorted(set(session.exec(select(Seat.movement_id).where(col(Seat.group_id).in_(list(group_ids)))).all()))
    if taken:
        return taken
    for day in days:
        with clock.standing_at(now - timedelta(hours=3)):
            found = _planned(database, team, group_ids, now.date() + timedelta(days=day))
        if found:
            return found
    return []


def _planned(database: Database, team: Team, group_ids: Sequence[str], day: date) -> list[str]:
    """The movements of a plan from a day on; none where it does not take everybody, or a rule refuses it."""
    coordinator = team.staff.coordinator
    with database.transaction() as session:
        plan = planning.start(session, coordinator, first_date=day, days=BUS_WINDOW, group_ids=group_ids, seconds=2)
        jobs.want_stop(session, object_id=plan.plan_id)
        found = planning.gathered(session, plan.plan_id)
        planning.keep_problem(session, plan.plan_id, found)
    result = solve(found.problem, Settings(seconds=2, seed=1))
    try:
        with database.transaction() as session:
            planning.keep_solution(
                session,
                plan.plan_id,
                solution=result.plan,
                bound_cents=result.bound_cents,
                stop_reason=result.stop_reason,
                is_final=True,
            )
            if sum(bool(legs) for legs in result.plan.itineraries.values()) < len(group_ids):
                raise Stale("not everybody goes on this day")
            accepted = planning.accept(session, coordinator, plan_id=plan.plan_id)
            if accepted.dropped:
                raise Refused([found for _, findings in accepted.dropped for found in findings])
            return list(accepted.movement_ids)
    except RetornoError:
        with database.transaction() as session:
            planning.discard(session, coordinator, plan_id=plan.plan_id)
        return []


def _aircraft(session: Session, team: Team, now: datetime) -> None:
    """Two charters over the closed country, for 52 and for 49; the carrier drives on to the reception place."""
    zone = ground().airports["APT-TAP"].timezone
    for number, (name, seats) in enumerate(AIRCRAFT):
        if session.exec(select(Offer.offer_id).where(Offer.number == name)).first() is not None:
            continue
        day = clock.local(now, zone).date() + timedelta(days=6 + number)
        depart_at = clock.instant_of(datetime.combine(day, datetime.min.time()).replace(hour=AIRCRAFT_HOUR), zone)
        planning.add_offer(
            session,
            team.staff.coordinator,
            offer=OfferCreate(
                mode=Mode.CHARTER,
                carrier="Aerolínea Inventada (demo)",
                number=name,
                origin_place_id="APT-TAP",
                destination_place_id=ROAD_TO,
                depart_at=depart_at,
                arrive_at=depart_at + timedelta(hours=3),
                seats=seats,
                fixed_cents=1_500_000,
            ),
        )
