"""Some people cannot go on: facts before the click, officers who stay, lists without them, everyone told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlmodel import Session, select

from retorno import manifest, stopping
from retorno.database import Database
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Escort, Movement, Seat, Stay
from retorno.models.office import AuditEntry
from retorno.models.people import Case, Fitness, TravelGroup
from retorno.office.access import Actor
from retorno.rules import RuleCode
from retorno.stopping import Wanted
from retorno.vocabulary import PartyKind, SeatStatus
from tests import planning_builders as build
from tests.builders import OfficeFixture
from tests.test_real_days import brothers, flight

Clock = Callable[[datetime], None]
LEAVES = datetime(2027, 3, 9, 16, 0, tzinfo=UTC)
"""10:00 in Mexico City: both homes are open when the flights arrive."""


@dataclass(frozen=True, kw_only=True)
class TwoFlights:
    """Nine and seven children on two released flights from Mexico City; the first group of ``a`` is four brothers."""

    a: str
    b: str
    groups_a: list[str]
    groups_b: list[str]
    escorts_a: list[str]
    escorts_b: list[str]


@pytest.fixture
def flights(
    database: Database, office: OfficeFixture, coordinator: Actor, protection_1: Actor, tmp_path: Path
) -> TwoFlights:
    build.use_keys(tmp_path)
    made = []
    with database.transaction() as session:
        for number, (home, sizes) in enumerate((("APT-TGU", [4] + [1] * 5), ("APT-SAP", [1] * 7))):
            escorts: list[Escort] = [build.make_escort(session) for _ in range(3)]
            movement = flight(session, number, "APT-MEX", home, LEAVES)
            groups = []
            for size in sizes:
                group = brothers(session, size, escorts, home)
                session.get_one(Case, group.case_id).place_id = "APT-MEX"
                build.seat_group(session, movement, group)
                groups.append(group.group_id)
            for escort in escorts:
                build.seat_escort(session, movement, escort, None)
            made.append((movement.movement_id, groups, [escort.escort_id for escort in escorts]))
    with database.transaction() as session:
        for movement_id, _, _ in made:
            build.release(session, coordinator, protection_1, movement_id)
    (a, groups_a, escorts_a), (b, groups_b, escorts_b) = made
    return TwoFlights(
        a=a, b=b, groups_a=groups_a, groups_b=groups_b, escorts_a=escorts_a, escorts_b=escorts_b
    )  # fmt: skip


def wanted(session: Session, flights: TwoFlights) -> Wanted:
    """One of four brothers, and a child of the other flight; an officer of each flight stays."""
    ill = [build.members(session, group_id)[0].person_id for group_id in (flights.groups_a[0], flights.groups_b[0])]
    return Wanted(
        movement_ids=(flights.a, flights.b),
        person_ids=tuple(ill),
        until=date(2027, 3, 12),
        place_id="MX-CIUDAD-DE-MEXICO",
        escort_ids=(flights.escorts_a[0], flights.escorts_b[0]),
    )


def test_the_facts_before_the_click_are_what_the_click_does_and_nothing_is_kept_of_them(
    database: Database, coordinator: Actor, flights: TwoFlights, frozen_clock: Clock
) -> None:
    frozen_clock(LEAVES.replace(hour=13))
    with database.reading() as session:
        asked = wanted(session, flights)
        before = stopping.foresee(session, coordinator, wanted=asked)
    # Four brothers and one child stay; five and six go on.
    assert (before.staying, before.going, before.is_whole) == (5, 11, True)
    with database.reading() as session:
        assert session.exec(select(Stay)).all() == []
        assert session.exec(select(Seat).where(Seat.status == SeatStatus.FREED)).all() == []
        assert manifest.current_version(session, flights.a).version == 1  # type: ignore[union-attr]
    with database.transaction() as session:
        made = stopping.stop(session, coordinator, wanted=asked)
        after = stopping.outcome(session, coordinator, stay_id=made.stay_id)
    assert after.movements == before.movements
    assert [
        (line.before, line.after, line.version) for line in sorted(after.movements, key=lambda each: -each.before)
    ] == [
        (9, 5, 2),
        (7, 6, 2),
    ]
    assert after.told == before.told
    assert {each.kind for each in after.told} == {
        PartyKind.RECEPTION, PartyKind.CARRIER, PartyKind.ESCORT, PartyKind.CONSULATE,
    }  # fmt: skip
    # 13:00 UTC: posts, carriers and escorts hear it at once, the consulate in its batch at 14:00.
    assert {each.visible_from.hour for each in after.told if each.kind is PartyKind.CONSULATE} == {14}
    assert {each.visible_from.hour for each in after.told if each.kind is not PartyKind.CONSULATE} == {13}
    assert after.free_beds == 35


def test_children_never_stay_without_officers_and_whoever_stays_leaves_the_flight(
    database: Database, coordinator: Actor, flights: TwoFlights, frozen_clock: Clock
) -> None:
    frozen_clock(LEAVES.replace(hour=13))
    with database.transaction() as session:
        asked = wanted(session, flights)
        assert stopping.officers_needed(session, asked.person_ids) == 2
        with pytest.raises(InputError) as refused:
            stopping.stop(session, coordinator, wanted=replace(asked, escort_ids=asked.escort_ids[:1]))
        assert [fault.code for fault in refused.value.faults] == ["OFFICERS_TOO_FEW"]
        made = stopping.stop(session, coordinator, wanted=asked)
        assert made.escort_ids == ";".join(sorted(asked.escort_ids))
        staying = session.exec(
            select(Seat).where(Seat.escort_id == flights.escorts_a[0], Seat.status == SeatStatus.ACTIVE)
        ).all()
        assert staying == []
        entry = session.exec(select(AuditEntry).where(AuditEntry.act == "changes.stay")).one()
        assert entry.object_id == made.stay_id


def test_two_officers_of_one_flight_leave_it_too_few_and_the_reason_is_named(
    database: Database, coordinator: Actor, flights: TwoFlights, frozen_clock: Clock
) -> None:
    frozen_clock(LEAVES.replace(hour=13))
    with database.reading() as session:
        asked = replace(wanted(session, flights), escort_ids=tuple(flights.escorts_a[:2]))
        found = stopping.foresee(session, coordinator, wanted=asked)
    lines = {line.movement_id: line for line in found.movements}
    assert not found.is_whole
    assert lines[flights.a].version is None
    assert [each.code for each in lines[flights.a].findings] == [RuleCode.ESCORTS_TOO_FEW]
    assert lines[flights.b].version == 2


def test_the_proposed_officers_leave_every_flight_with_enough(
    database: Database, coordinator: Actor, flights: TwoFlights, frozen_clock: Clock
) -> None:
    frozen_clock(LEAVES.replace(hour=13))
    with database.reading() as session:
        asked = wanted(session, flights)
        found = stopping.officers(
            session, coordinator, movement_ids=asked.movement_ids, person_ids=asked.person_ids
        )  # fmt: skip
        proposed = stopping.suggested(found, 2)
        assert {each.movement_id for each in found if each.escort.escort_id in proposed} == {flights.a, flights.b}
        assert stopping.foresee(session, coordinator, wanted=replace(asked, escort_ids=proposed)).is_whole


def test_those_who_stay_are_planned_anew_from_where_they_are_once_health_has_looked(
    database: Database, coordinator: Actor, flights: TwoFlights, frozen_clock: Clock
) -> None:
    frozen_clock(LEAVES.replace(hour=13))
    with database.transaction() as session:
        asked = wanted(session, flights)
        stopping.stop(session, coordinator, wanted=asked)
        group = session.get_one(TravelGroup, flights.groups_a[0])
        assert session.get_one(Case, group.case_id).place_id == "MX-CIUDAD-DE-MEXICO"
        until = session.exec(select(Fitness.valid_until).where(Fitness.outcome == "not_now")).all()
        assert list(until) == [date(2027, 3, 12)] * 2
        with pytest.raises(Stale):
            stopping.stop(session, coordinator, wanted=asked)


def test_the_scene_names_everyone_on_the_movements_that_leave_here_now(
    database: Database, coordinator: Actor, flights: TwoFlights
) -> None:
    with database.reading() as session:
        one = stopping.scene(session, coordinator, movement_id=flights.a)
        both = stopping.scene(session, coordinator, movement_id=flights.a, is_all=True)
        assert (one.place_id, one.together, len(one.people), len(both.people)) == ("APT-MEX", 2, 9, 16)
        assert {movement.movement_id for movement in both.movements} == {flights.a, flights.b}
        near = stopping.shelters(session, coordinator, place_id="APT-MEX")
        assert (near[0].place_id, near[0].free_beds) == ("MX-CIUDAD-DE-MEXICO", 40)


@pytest.mark.parametrize("login", ["border_post", "consulate_hn", "administrator"])
def test_nobody_else_stops_anybody(
    database: Database, office: OfficeFixture, flights: TwoFlights, login: str, request: pytest.FixtureRequest
) -> None:
    actor = request.getfixturevalue(login)
    with database.transaction() as session:
        with pytest.raises(NotAllowed):
            stopping.scene(session, actor, movement_id=flights.a)
        with pytest.raises(NotAllowed):
            stopping.stop(session, actor, wanted=wanted(session, flights))
        assert session.get_one(Movement, flights.a).manifest_version == 1
