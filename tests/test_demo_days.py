"""The two days to practise: who is in them, how they are asked for, and the whole set-up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, func, select

from retorno.database import Database
from retorno.demo import days, fever, road
from retorno.demo.days import Day
from retorno.errors import NotAllowed
from retorno.models.movements import Movement, Offer, Seat
from retorno.models.office import Job, Office
from retorno.models.people import Person
from retorno.office.access import Actor
from retorno.vocabulary import JobKind, JobState, MovementStatus
from tests import demonstration
from tests.builders import OfficeFixture


def test_106_children_travel_alone_and_three_who_bear_their_own_names_have_fever() -> None:
    cases = fever.fever_cases()
    assert Counter(case.destination_place_id for case in cases) == {"APT-TGU": 36, "APT-SAP": 35, "APT-RTB": 35}
    assert all(case.is_unaccompanied and case.invented for case in cases)
    # One of the three is a brother of four; no name of the three is borne by anybody else.
    names = [f"{case.given_names} {case.family_names}" for case in cases]
    assert [names.count(name) for name in fever.feverish()] == [1, 1, 1]
    first = next(case for case in cases if f"{case.given_names} {case.family_names}" == fever.feverish()[0])
    assert sum(case.group_key == first.group_key for case in cases) == 4


def test_101_people_fill_two_aircraft_with_52_and_49_and_forty_wait() -> None:
    sizes = Counter(case.group_key for case in road.road_cases())
    on_buses = sorted(size for key, size in sizes.items() if not key.startswith("RB-"))
    assert on_buses == [4] * 13 + [7] * 7
    assert (13 * 4, 7 * 7) == (52, 49)
    # A tenth of an aircraft's seats stays free.
    assert [seats * 9 // 10 for _, seats in road.AIRCRAFT] == [52, 49]
    assert sum(size for key, size in sizes.items() if key.startswith("RB-")) == 40


@pytest.mark.parametrize("hour", [0, 7, 12, 13, 14, 23])
def test_the_flights_never_leave_in_less_than_three_hours(hour: int) -> None:
    now = datetime(2027, 3, 1, hour, 30, tzinfo=UTC)
    found = fever.fever_departures(now)
    assert len(found) == 3
    assert timedelta(hours=3) <= min(found) - now < timedelta(days=2)


def test_a_day_asked_for_twice_is_set_up_once_and_after_a_failure_once_more(
    database: Database, office: OfficeFixture, coordinator: Actor
) -> None:
    with database.transaction() as session:
        assert days.standing(session, coordinator, day=Day.ROAD).state is None
        first = days.request(session, coordinator, day=Day.ROAD)
        assert days.request(session, coordinator, day=Day.ROAD).job_id == first.job_id
        assert days.standing(session, coordinator, day=Day.ROAD).state is JobState.QUEUED
        first.state = JobState.FAILED
        session.add(first)
        session.flush()
        days.request(session, coordinator, day=Day.ROAD)
        waiting = session.exec(select(Job).where(Job.kind == JobKind.PRACTICE, Job.state == JobState.QUEUED)).all()
        assert len(waiting) == 1


def test_an_office_with_real_people_has_no_practice_days(
    database: Database, office: OfficeFixture, coordinator: Actor
) -> None:
    with database.transaction() as session:
        row = session.get_one(Office, office.office_id)
        row.is_demo = False
        session.add(row)
        session.flush()
        with pytest.raises(NotAllowed):
            days.request(session, coordinator, day=Day.FEVER)
        with pytest.raises(NotAllowed):
            days.guide(session, coordinator, day=Day.ROAD)


@pytest.mark.long
def test_both_days_stand_in_the_demonstration_and_set_up_again_they_make_no_doubles(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    database = demonstration.copied(tmp_path_factory, "days").open()
    with database.reading() as session:
        office_id = session.exec(select(Office.office_id)).one()
    counts = []
    for _ in range(2):
        for day in Day:
            days.set_up(database, day=day, now=demonstration.NOW, office_id=office_id, tell=lambda done, steps: None)
        with database.reading() as session:
            flights = session.exec(
                select(Movement).where(col(Movement.label).in_([name for name, _, _ in fever.FLIGHTS]))
            ).all()
            assert {row.status for row in flights} == {MovementStatus.RELEASED}
            aboard = [
                session.exec(
                    select(func.count())
                    .select_from(Seat)
                    .where(Seat.movement_id == row.movement_id, col(Seat.person_id).is_not(None))
                ).one()
                for row in sorted(flights, key=lambda each: each.label)
            ]
            assert aboard == [36, 35, 35]
            offers = session.exec(select(Offer.number).where(col(Offer.number).like("INV-R%"))).all()
            assert sorted(offers) == ["INV-R49", "INV-R52"]
            counts.append(session.exec(select(func.count()).select_from(Person)).one())
    assert counts[0] == counts[1]
    database.dispose()
