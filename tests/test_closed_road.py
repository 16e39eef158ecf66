"""A closed road in numbers: what it would stop, who waits, what a plan does for them, how the backlog goes down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypedDict

import pytest
from sqlmodel import select

from retorno import changes
from retorno.changes import closed_road
from retorno.changes.closed_road import Way
from retorno.database import Database
from retorno.errors import InputError, NotAllowed
from retorno.models.movements import Closure, Movement
from retorno.office.access import Actor
from retorno.plans import what_if
from retorno.vocabulary import ClosureTarget, MovementStatus, PartyKind
from tests import planning_builders as build
from tests.builders import OfficeFixture
from tests.test_workbench import draft_of


class Call(TypedDict):
    """What somebody says on the telephone."""

    target: ClosureTarget
    target_id: str
    from_at: datetime
    until_at: datetime | None
    source: str


GUATEMALA: Call = {
    "target": ClosureTarget.COUNTRY,
    "target_id": "GT",
    "from_at": datetime(2027, 3, 7, 6, 0, tzinfo=UTC),
    "until_at": None,
    "source": "Protección civil inventada",
}


@dataclass(frozen=True, kw_only=True)
class Coaches:
    """Two coaches through Guatemala, of which the first has its list out; three and two people."""

    out: str
    later: str


@pytest.fixture
def coaches(
    database: Database, office: OfficeFixture, coordinator: Actor, coordinator_2: Actor, tmp_path: Path
) -> Coaches:
    build.use_keys(tmp_path)
    with database.transaction() as session:
        made = []
        for adults in (3, 2):
            bus = build.make_bus(session)
            family = build.make_family(session, adults=adults)
            for person in build.members(session, family.group_id):
                person.stranded_since = date(2027, 1, 10 + adults)
                session.add(person)
            build.seat_group(session, bus, family)
            made.append(bus.movement_id)
        build.confirm_all(session, coordinator, made[0])
        build.issue(session, coordinator, coordinator_2, made[0])
    return Coaches(out=made[0], later=made[1])


def test_the_facts_before_a_closure_are_those_of_the_closure_and_nothing_is_kept_of_them(
    database: Database, coordinator: Actor, coaches: Coaches
) -> None:
    with database.reading() as session:
        would = closed_road.foresee(session, coordinator, **GUATEMALA)
    assert (len(would.movements), would.group_count, would.person_count) == (2, 2, 5)
    assert {line.movement_id: (line.person_count, line.is_issued) for line in would.movements} == {
        coaches.out: (3, True),
        coaches.later: (2, False),
    }
    # Only who has a paper is told; consulates come last, with their batch.
    kinds = [each.kind for each in would.told]
    assert PartyKind.BORDER_POST in kinds
    assert kinds[-1] is PartyKind.CONSULATE
    with database.reading() as session:
        assert session.exec(select(Closure)).all() == []
        assert session.get_one(Movement, coaches.out).status is MovementStatus.ISSUED
    with database.transaction() as session:
        closure, effect = changes.close(session, coordinator, **GUATEMALA)
        now = closed_road.closure_now(session, coordinator, closure_id=closure.closure_id)
        assert sorted(effect.cancelled) == sorted(line.movement_id for line in would.movements)
        assert (now.waiting_people, len(now.stopped), now.plan_id) == (5, 2, "")


def test_a_closure_that_has_no_source_is_refused_before_it_is_done(
    database: Database, coordinator: Actor, coaches: Coaches
) -> None:
    with database.reading() as session, pytest.raises(InputError, match="source"):
        closed_road.foresee(session, coordinator, **(GUATEMALA | {"source": " "}))


def test_whoever_has_no_new_journey_waits_and_the_longest_stranded_stands_first(
    database: Database, coordinator: Actor, coaches: Coaches
) -> None:
    with database.transaction() as session:
        closure, _ = changes.close(session, coordinator, **GUATEMALA)
        plan = what_if.replan_affected(
            session, coordinator, closure_id=closure.closure_id, first_date=date(2027, 3, 8), days=3, seconds=2
        )
        running = closed_road.closure_now(session, coordinator, closure_id=closure.closure_id)
        assert (running.plan_id, running.is_plan_running) == (plan.plan_id, True)
        assert [each.person_count for each in running.waiting] == [2, 3]
        rows = closed_road.replanned(session, coordinator, closure_id=closure.closure_id, plan_id=plan.plan_id)
        assert [(row.stranded_since, row.person_count, row.way) for row in rows] == [
            (date(2027, 1, 12), 2, Way.WAIT),
            (date(2027, 1, 13), 3, Way.WAIT),
        ]
        assert all(row.before and row.before.crossings == ("MX-GT-TAL", "GT-HN-COR") for row in rows)


def test_the_backlog_counts_down_to_the_day_on_which_all_are_home(
    database: Database, office: OfficeFixture, coordinator: Actor, tmp_path: Path
) -> None:
    build.use_keys(tmp_path)
    with database.transaction() as session:
        build.make_agreement(session)
        build.make_vehicle(session)
        for _ in range(2):
            build.make_driver(session)
        family = build.make_neighbours(session, adults=3)
        plan, _ = draft_of(session, coordinator, family)
        found = closed_road.backlog(session, coordinator, plan_id=plan.plan_id)
    assert found.without_journey == 0
    assert found.all_home_on == found.days[-1].day
    assert sum(each.home for each in found.days) == 3
    assert found.days[-1].waiting == 0
    assert [size for _, size, _, _ in found.order] == [3]


@pytest.mark.parametrize("login", ["border_post", "consulate_hn", "administrator"])
def test_nobody_else_learns_what_a_closure_stops(
    database: Database, coaches: Coaches, login: str, request: pytest.FixtureRequest
) -> None:
    with database.reading() as session, pytest.raises(NotAllowed):
        closed_road.foresee(session, request.getfixturevalue(login), **GUATEMALA)
