"""Two days that happened, with invented people: fever at a stopover, and a road closed for days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from retorno import changes, manifest
from retorno.database import Database
from retorno.models.movements import Escort, Movement, Plan, Seat
from retorno.models.office import Notice
from retorno.models.people import Case, Screening, TravelGroup
from retorno.office.access import Actor
from retorno.optimizer.check import judge
from retorno.optimizer.solve import Settings, solve
from retorno.plans import planning
from retorno.under_way import arrival
from retorno.vocabulary import ClosureTarget, MovementStatus, Relation, SeatStatus, Sex
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW, OfficeFixture

Clock = Callable[[datetime], None]


# ---- fever ----------------------------------------------------------------------------------------------------


HOME = ("APT-TGU", "APT-SAP", "APT-RTB")
"""One airport for each aircraft: none receives more than sixty people a day."""


def brothers(session: Session, size: int, escorts: list[Escort], place_id: str) -> TravelGroup:
    """Unaccompanied children of one family, or one child, with every paper in order."""
    case = builders.make_case(session, place_id="APT-TAP")
    group = builders.make_group(session, case, destination_place_id=place_id)
    for number in range(size):
        build.make_child_alone(
            session, group, escorts=escorts, birth_date=date(2013, 6, 1 + number), sex=Sex.MALE,
            relation=Relation.SIBLING,
        )  # fmt: skip
    return group


def flight(session: Session, number: int, start: str, end: str, depart_at: datetime) -> Movement:
    offer = build.make_offer(
        session, number=f"INV{number}", origin_place_id=start, destination_place_id=end, seats=60,
        depart_at=depart_at, arrive_at=depart_at + timedelta(hours=2), escort_returns=6,
    )  # fmt: skip
    return build.make_flight(session, offer=offer)


@dataclass(frozen=True, kw_only=True)
class FeverDay:
    """Group ids of each aircraft, and the movements to the stopover and home."""

    groups: list[list[str]]
    to_stopover: list[str]
    home: list[str]


MORNING = datetime(2027, 3, 9, 14, 0, tzinfo=UTC)


def fever_day(database: Database, coordinator: Actor, protection_1: Actor) -> FeverDay:
    """Three aircraft with 36, 35 and 35 children and six child-protection officers each, released and under way."""
    with database.transaction() as session:
        groups: list[list[str]] = []
        first, second = [], []
        for number, (place_id, sizes) in enumerate(zip(HOME, ([4] + [1] * 32, [1] * 35, [1] * 35), strict=True)):
            escorts = [build.make_escort(session) for _ in range(6)]
            there = flight(session, number, "APT-TAP", "APT-MEX", MORNING)
            onward = flight(session, number + 3, "APT-MEX", place_id, MORNING + timedelta(hours=4))
            groups.append([])
            for size in sizes:
                group = brothers(session, size, escorts[:1], place_id)
                groups[-1].append(group.group_id)
                for movement in (there, onward):
                    build.seat_group(session, movement, group)
            for movement in (there, onward):
                for escort in escorts:
                    build.seat_escort(session, movement, escort, None)
            first.append(there.movement_id)
            second.append(onward.movement_id)
    with database.transaction() as session:
        for movement_id in (*first, *second):
            build.release(session, coordinator, protection_1, movement_id)
        for movement_id in first:
            arrival.depart(session, coordinator, movement_id=movement_id)
        for notice in session.exec(select(Notice)).all():
            notice.seen_at = NOW
            session.add(notice)
    return FeverDay(groups=groups, to_stopover=first, home=second)


def test_fever_at_a_stopover_six_stay_and_a_hundred_fly(
    database: Database, office: OfficeFixture, coordinator: Actor, protection_1: Actor, health: Actor,
    frozen_clock: Clock, tmp_path: Path,
) -> None:  # fmt: skip
    """106 children on three aircraft; at the stopover three have fever, one of them has three brothers."""
    build.use_keys(tmp_path)
    day = fever_day(database, coordinator, protection_1)
    frozen_clock(MORNING + timedelta(hours=3))
    with database.transaction() as session:
        for movement_id in day.to_stopover:
            here = dict.fromkeys(sorted(build.aboard(session, movement_id)), True)
            arrival.record(session, coordinator, movement_id=movement_id, place_id="APT-MEX", arrived=here)
    with database.transaction() as session:
        ill_groups = [day.groups[number][0] for number in range(3)]
        feverish = [build.members(session, group_id)[0].person_id for group_id in ill_groups]
        effect = changes.record_unfit(session, health, person_ids=feverish, until=date(2027, 3, 12))
        stays = {person.person_id for group_id in ill_groups for person in build.members(session, group_id)}
    assert len(stays) == 6
    assert {change.group_id for change in effect.groups} == set(ill_groups)
    assert effect.superseded == tuple((movement_id, 2) for movement_id in sorted(day.home))
    assert (effect.voided, effect.cancelled) == ((), ())
    with database.transaction() as session:
        flying = [build.aboard(session, movement_id) for movement_id in day.home]
        assert [len(people) for people in flying] == [32, 34, 34]
        assert not stays & set().union(*flying)
        for movement_id in day.home:
            assert build.status_of(session, movement_id) is MovementStatus.RELEASED
            assert current_number(session, movement_id) == 2
            told = told_about(session, movement_id)
            # The consulate's notice names no movement.
            assert told == {"reception", "carrier", "escort", "coordinator"}
            arrival.depart(session, coordinator, movement_id=movement_id)
        assert told_about(session, "HN") == {"consulate"}
        # The ride that is done stays as it was: everybody is still on its list.
        assert [len(build.aboard(session, movement_id)) for movement_id in day.to_stopover] == [36, 35, 35]
        assert [current_number(session, movement_id) for movement_id in day.to_stopover] == [1, 1, 1]


def current_number(session: Session, movement_id: str) -> int | None:
    version = manifest.current_version(session, movement_id)
    return version.version if version else None


def told_about(session: Session, movement_id: str) -> set[str]:
    """Kinds of recipients with an unseen notice about a movement, whenever they may see it."""
    rows = session.exec(
        select(Notice.recipient_kind).where(Notice.object_id == movement_id, col(Notice.seen_at).is_(None))
    ).all()
    return set(rows)


@pytest.mark.long
def test_an_officer_with_fever_too_leaves_enough_or_stops_the_aircraft(
    database: Database, office: OfficeFixture, coordinator: Actor, protection_1: Actor, frozen_clock: Clock,
    tmp_path: Path,
) -> None:  # fmt: skip
    build.use_keys(tmp_path)
    day = fever_day(database, coordinator, protection_1)
    frozen_clock(MORNING + timedelta(hours=3))
    with database.transaction() as session:
        aboard = session.exec(
            select(Seat.escort_id).where(Seat.movement_id == day.home[0], col(Seat.escort_id).is_not(None))
        ).all()
        # Thirty-six children of thirteen need six officers: five are too few, and two people have to sign anew.
        effect = changes.escort_unavailable(session, coordinator, escort_id=sorted(e for e in aboard if e)[-1])
        assert effect.voided == (day.home[0],)
        assert current_number(session, day.home[0]) is None


# ---- closed road ----------------------------------------------------------------------------------------------


def stranded(session: Session, sizes: list[int], first_day: date) -> list[str]:
    """Families of Guatemalans in Tapachula, each a day longer stranded than the next."""
    made = []
    for number, size in enumerate(sizes):
        family = build.make_neighbours(session, adults=size)
        for person in build.members(session, family.group_id):
            person.stranded_since = first_day + timedelta(days=number)
            session.add(person)
        made.append(family.group_id)
    session.flush()
    return made


def run(session: Session, coordinator: Actor, *, first_date: date, days: int, seconds: int = 3) -> list[str]:
    """Ask for a plan, solve it, accept it; gives the movements."""
    plan = planning.start(session, coordinator, first_date=first_date, days=days, seconds=seconds)
    found = planning.gathered(session, plan.plan_id)
    planning.keep_problem(session, plan.plan_id, found)
    result = solve(found.problem, Settings(seconds=seconds, seed=1))
    assert judge(found.problem, result.plan).is_valid
    planning.keep_solution(
        session, plan.plan_id, solution=result.plan, bound_cents=result.bound_cents, stop_reason=result.stop_reason,
        is_final=True,
    )  # fmt: skip
    if not any(planning.solution_of(session.get_one(Plan, plan.plan_id)).itineraries.values()):
        return []
    return list(planning.accept(session, coordinator, plan_id=plan.plan_id).movement_ids)


def home_at(session: Session, group_id: str) -> datetime | None:
    """When a group's last ride arrives, if it has one."""
    rows = session.exec(select(Seat.arrive_at).where(Seat.group_id == group_id, Seat.status == SeatStatus.ACTIVE)).all()
    return max(rows, default=None)


def test_a_closed_road_a_hundred_and_one_fly_and_the_backlog_goes_home_first_stranded_first(
    database: Database, office: OfficeFixture, coordinator: Actor, coordinator_2: Actor, border_post: Actor,
    frozen_clock: Clock, tmp_path: Path,
) -> None:  # fmt: skip
    """The road through Guatemala closes for days; groups of 52 and 49 fly; then the backlog is worked off."""
    build.use_keys(tmp_path)
    with database.transaction() as session:
        build.make_agreement(session)
        build.make_vehicle(session)
        for _ in range(4):
            build.make_driver(session)
        # Everybody is bound for Omoa; on 8 March two coaches with 34 people each would have left.
        coaches = [build.make_bus(session) for _ in range(3)]
        sizes = [13] * 4 + [7] * 7  # 52 and 49
        flyers = []
        for number, size in enumerate(sizes):
            family = build.make_family(session, adults=size, destination_place_id="HN-CAMR-OMOA")
            flyers.append(family.group_id)
            build.seat_group(session, coaches[number % 3], family)
        assert sum(len(build.aboard(session, coach.movement_id)) for coach in coaches) == 101
        for coach in coaches:
            build.release(session, coordinator, coordinator_2, coach.movement_id)
    with database.transaction() as session:
        made, effect = changes.close(
            session, coordinator, target=ClosureTarget.COUNTRY, target_id="GT",
            from_at=datetime(2027, 3, 7, 6, 0, tzinfo=UTC), until_at=None, source="Protección civil inventada",
        )  # fmt: skip
        assert {change.group_id for change in effect.groups} == set(flyers)
        assert sorted(effect.cancelled) == sorted(coach.movement_id for coach in coaches)
        for coach in coaches:
            assert current_number(session, coach.movement_id) is None
            assert "border_post" in told_about(session, coach.movement_id)
    with database.transaction() as session:
        # By air through a neighbour: two aircraft to San Pedro Sula by way of San Salvador, for 52 and for 49.
        by_air = []
        for day, seats, groups in ((10, 58, flyers[:4]), (11, 55, flyers[4:])):
            # A tenth of the seats stays free: 52 and 49 may be used, and only these families fill them.
            offer = build.make_offer(
                session, seats=seats, origin_place_id="APT-TAP", destination_place_id="APT-SAP",
                depart_at=datetime(2027, 3, day, 15, 0, tzinfo=UTC),
                arrive_at=datetime(2027, 3, day, 18, 0, tzinfo=UTC),
            )  # fmt: skip
            for group_id in groups:
                group = session.get_one(TravelGroup, group_id)
                case = session.get_one(Case, group.case_id)
                group.destination_place_id, case.place_id = "APT-SAP", "APT-TAP"
                group.availability += 1
                session.add_all([group, case])
            session.flush()
            by_air.append((offer.offer_id, groups))
    with database.transaction() as session:
        flown = run(session, coordinator, first_date=date(2027, 3, 8), days=5)
        assert sorted(len(build.aboard(session, movement_id)) for movement_id in flown) == [49, 52]
        for movement_id in flown:
            build.release(session, coordinator, coordinator_2, movement_id)
            assert build.status_of(session, movement_id) is MovementStatus.RELEASED
    with database.transaction() as session:
        # Meanwhile four families pile up; the coach (40 seats to use) takes two of them at a time.
        backlog = stranded(session, [19, 19, 19, 19], date(2027, 1, 11))
        assert run(session, coordinator, first_date=date(2027, 3, 8), days=4) == []
    frozen_clock(datetime(2027, 3, 11, 15, 0, tzinfo=UTC))
    with database.transaction() as session:
        for family in backlog:
            refresh_screenings(session, family)
        changes.reopen(session, coordinator, closure_id=made.closure_id)
    with database.transaction() as session:
        run(session, coordinator, first_date=date(2027, 3, 15), days=5, seconds=5)
        arrivals = [home_at(session, group_id) for group_id in backlog]
        assert None not in arrivals
        # Alike in origin, destination, size, needs and dates: the longer stranded never arrives later (R32).
        assert arrivals == sorted(arrivals)  # type: ignore[type-var]
        assert arrivals[0] < arrivals[-1]  # type: ignore[operator]


def refresh_screenings(session: Session, group_id: str) -> None:
    """Protection spoke with a family again a few days ago."""
    for person in build.members(session, group_id):
        session.add(
            Screening(
                person_id=person.person_id, screened_at=NOW + timedelta(days=8), screened_by="U-TAPACHULA-protection_1"
            )
        )
    session.flush()
