"""Local rounds of a movement: who is collected or brought on, by daylight and by road, and what is kept."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from retorno import changes
from retorno.database import Database
from retorno.downloads import printing
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import LocalRound, Movement
from retorno.models.people import Case, TravelGroup
from retorno.office.access import load_actor
from retorno.optimizer.rounds import LeftOutReason, RoundsSettings
from retorno.rounds import local_round
from retorno.vocabulary import RoundKind
from tests import planning_builders as build
from tests.builders import OfficeFixture

COUNTED = RoundsSettings(seconds=60, max_rounds=200)


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path) -> None:
    build.use_keys(tmp_path)


class Bus:
    """A coach at 10:45 from Tapachula, with two families: one waits in Huixtla, one in a shelter of the city."""

    def __init__(self, database: Database, office: OfficeFixture) -> None:
        self.database, self.office = database, office
        with database.transaction() as db:
            movement = build.make_bus(db, depart_at=build.LAND_DEPART + timedelta(hours=4))
            self.movement_id = movement.movement_id
            self.groups = []
            for place, children in (("MX-HUIXTLA", 2), ("MX-BUEN-PASTOR", 0)):
                family = build.make_family(db, adults=1, children=children, destination_municipality="Puerto Cortés")
                db.get_one(Case, family.case_id).place_id = place
                build.seat_group(db, movement, family)
                self.groups.append(family.group_id)
            self.van = build.make_vehicle(db, vehicle_type="van", seats=8, wheelchairs=2).vehicle_id

    def read(self) -> local_round.Rounds:
        with self.database.reading() as db:
            actor = load_actor(db, self.office.user_ids["coordinator"])
            return local_round.rounds_of(db, actor, movement_id=self.movement_id)

    def stop(self, kind: RoundKind) -> local_round.RoundStop:
        return next(stop for stop in self.read().stops if stop.kind is kind)

    def find(self, kind: RoundKind, ends: dict[str, str], *vehicle_ids: str) -> local_round.Routed:
        with self.database.reading() as db:
            asked = local_round.ask(
                db,
                load_actor(db, self.office.user_ids["coordinator"]),
                movement_id=self.movement_id,
                kind=kind,
                stop=self.stop(kind).stop,
                ends=ends,
                vehicle_ids=vehicle_ids,
            )
        return local_round.find_routes(asked, COUNTED)

    def keep(self, found: local_round.Routed) -> LocalRound:
        with self.database.transaction() as db:
            actor = load_actor(db, self.office.user_ids["coordinator"])
            return local_round.keep(db, actor, movement_id=self.movement_id, found=found)


@pytest.fixture
def bus(database: Database, office: OfficeFixture) -> Bus:
    return Bus(database, office)


def test_both_ends_of_a_movement_are_offered_with_what_the_records_know(bus: Bus) -> None:
    collect, onward = bus.stop(RoundKind.COLLECT), bus.stop(RoundKind.ONWARD)
    assert (collect.place_id, onward.place_id) == ("MX-TAPACHULA", "HN-CAMR-OMOA")
    assert {p.place_id for p in collect.parties} == {"MX-HUIXTLA", "MX-BUEN-PASTOR"}
    assert {p.place_id for p in onward.parties} == {"HN-PUERTO-CORTES"}
    assert [v.vehicle_id for v in collect.vehicles] == [bus.van]
    assert onward.vehicles == ()  # no depot near Omoa
    assert collect.ready_min == 10 * 60  # 10:45 less boarding
    assert collect.day == date(2027, 3, 8)


def test_everybody_is_collected_by_daylight_and_in_time(bus: Bus) -> None:
    stop = bus.stop(RoundKind.COLLECT)
    ends = {party.group_id: party.place_id or "" for party in stop.parties}
    bus.keep(bus.find(RoundKind.COLLECT, ends, bus.van))
    kept = bus.read().planned[RoundKind.COLLECT, 0]
    assert (len(kept.routes), kept.left_out, kept.changed) == (1, (), ())
    (route,) = kept.routes
    assert route.depart_min >= stop.first_min
    assert max(s.begin_min for s in route.stops) <= 10 * 60
    assert {s.place for s in route.stops} == {"MX-HUIXTLA", "MX-BUEN-PASTOR", "MX-TAPACHULA"}
    # A family with children rides at most 75 minutes, or a quarter longer than straight there.
    huixtla = next(r for r in kept.problem.requests if r.pickup == "MX-HUIXTLA")
    assert huixtla.children == 2
    assert huixtla.max_ride_min == 75


def test_before_a_departure_at_dawn_people_are_collected_the_day_before(
    database: Database, office: OfficeFixture, bus: Bus
) -> None:
    with database.transaction() as db:
        early = build.make_bus(db)  # 06:45
        build.seat_group(db, early, build.make_family(db, adults=1))
    bus.movement_id = early.movement_id
    stop = bus.stop(RoundKind.COLLECT)
    assert stop.is_night_between
    assert stop.day == date(2027, 3, 7)
    assert stop.ready_min == stop.last_min


def test_who_does_not_fit_is_named_with_the_reason_and_the_others_go(bus: Bus) -> None:
    with bus.database.transaction() as db:
        small = build.make_vehicle(db, vehicle_type="van", seats=3).vehicle_id  # 2 usable
    stop = bus.stop(RoundKind.COLLECT)
    ends = {party.group_id: party.place_id or "" for party in stop.parties}
    bus.keep(bus.find(RoundKind.COLLECT, ends, small))
    kept = bus.read().planned[RoundKind.COLLECT, 0]
    assert [(each.request_id, each.reason) for each in kept.left_out] == [(bus.groups[0], LeftOutReason.NO_SUCH_SEATS)]
    assert [route.request_ids for route in kept.routes] == [(bus.groups[1],)]


def test_a_far_place_no_van_and_nobody_to_bring_are_refused_together(bus: Bus) -> None:
    with pytest.raises(InputError) as refused:
        bus.find(RoundKind.COLLECT, {bus.groups[0]: "MX-PALENQUE"})
    said = str(refused.value)
    assert "MX-PALENQUE cannot be reached" in said
    assert "no vehicle is chosen" in said
    with pytest.raises(InputError, match="nobody has another place"):
        bus.find(RoundKind.COLLECT, {bus.groups[0]: "MX-TAPACHULA"}, bus.van)


def test_a_withdrawal_shows_at_once_and_routes_found_before_it_are_not_kept(bus: Bus) -> None:
    stop = bus.stop(RoundKind.COLLECT)
    found = bus.find(RoundKind.COLLECT, {p.group_id: p.place_id or "" for p in stop.parties}, bus.van)
    first = bus.keep(found)
    assert bus.keep(found).version == first.version == 1  # a second click is harmless
    with bus.database.transaction() as db:
        actor = load_actor(db, bus.office.user_ids["coordinator"])
        changes.withdraw(db, actor, person_id=build.members(db, bus.groups[1])[0].person_id)
    assert bus.read().planned[RoundKind.COLLECT, 0].changed == (bus.groups[1],)
    with pytest.raises(Stale, match="changed while"):
        bus.keep(found)


@pytest.mark.parametrize("login", ["consulate_hn", "auditor"])
def test_only_the_coordinator_sees_or_plans_rounds(bus: Bus, login: str) -> None:
    with bus.database.reading() as db, pytest.raises(NotAllowed):
        local_round.rounds_of(db, load_actor(db, bus.office.user_ids[login]), movement_id=bus.movement_id)


def test_discarded_routes_are_gone_and_a_second_time_does_nothing(bus: Bus) -> None:
    bus.keep(bus.find(RoundKind.COLLECT, {bus.groups[0]: "MX-HUIXTLA"}, bus.van))
    for _ in range(2):
        with bus.database.transaction() as db:
            actor = load_actor(db, bus.office.user_ids["coordinator"])
            local_round.discard(db, actor, movement_id=bus.movement_id, kind=RoundKind.COLLECT, stop=0)
    with bus.database.reading() as db:
        assert db.exec(select(LocalRound)).all() == []
        assert db.get_one(Movement, bus.movement_id).version >= 1


def test_the_sheet_of_a_van_has_references_and_counts_and_no_names(bus: Bus) -> None:
    row = bus.keep(bus.find(RoundKind.COLLECT, {bus.groups[0]: "MX-HUIXTLA"}, bus.van))
    with bus.database.reading() as db:
        sheet = printing.round_sheet(db, db.get_one(LocalRound, row.round_id), bus.van)
        reference = db.exec(select(Case.reference).join(TravelGroup).where(TravelGroup.group_id == bus.groups[0])).one()
        with pytest.raises(NotAllowed):
            printing.round_sheet(db, db.get_one(LocalRound, row.round_id), "V-OTHER")
    assert [stop.kind for stop in sheet.stops] == ["departure", "pickup", "drop", "arrival"]
    assert [stop.who for stop in sheet.stops] == ["", reference, reference, ""]
    assert [stop.aboard for stop in sheet.stops] == [None, 3, 0, None]
    assert "Inventada" not in repr(sheet)
