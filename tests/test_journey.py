"""One family through every stage, and the same family when one member withdraws at each of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from retorno import changes, keyring, manifest
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.database import Database
from retorno.downloads import files
from retorno.errors import NotAllowed, Refused, Stale
from retorno.intake import record_consent
from retorno.models.movements import ManifestCopy, ManifestVersion, Movement, Seat
from retorno.models.people import ConsentCreate, Person, TravelGroup
from retorno.office import audit
from retorno.office.access import Actor
from retorno.optimizer.problem import Leg, PlannedVehicle
from retorno.optimizer.problem import Plan as Solution
from retorno.papers.seal import Verdict, verify_file
from retorno.plans import planning
from retorno.readiness import ready_groups
from retorno.settings import Settings
from retorno.under_way import arrival
from retorno.vocabulary import (
    ConsentPurpose,
    HoldKind,
    Language,
    ManifestStatus,
    MovementStatus,
    PartyKind,
    PersonStatus,
    SeatStatus,
)
from tests import planning_builders as build
from tests.builders import NOW, OfficeFixture

Clock = Callable[[datetime], None]
POST = Party(kind=PartyKind.BORDER_POST, party_id="MX-GT-TAL-B")


def plan_home(session: Session, coordinator: Actor, group_ids: list[str]) -> str:
    """A draft that takes these groups to Guatemala City with the only coach, written by hand."""
    plan = planning.start(session, coordinator, first_date=build.LAND_DAY, days=2, seconds=2)
    found = planning.gathered(session, plan.plan_id)
    planning.keep_problem(session, plan.plan_id, found)
    trip = next(
        row
        for row in found.problem.trips
        if row.stops == ("MX-TAPACHULA", "GT-CAMIEX") and row.days[0] == "1" and row.vulnerable_days[0] == "1"
    )
    coach = PlannedVehicle(
        id="v1", type=found.problem.vehicle_types[0].id, depot="MX-TAPACHULA", hired=False, moves=((0, trip.id),)
    )
    leg = Leg(kind="trip", vehicle="v1", day=0, row_id=trip.id, board=0, alight=1)
    solution = Solution(problem=found.problem.name, vehicles=(coach,), itineraries=dict.fromkeys(group_ids, (leg,)))
    planning.keep_solution(
        session, plan.plan_id, solution=solution, bound_cents=None, stop_reason="time", is_final=True
    )
    return plan.plan_id


@pytest.fixture
def family(database: Database, office: OfficeFixture, tmp_path: Path) -> TravelGroup:
    """Two adults and a child of ten, and a second family of two on the same coach."""
    build.use_keys(tmp_path)
    with database.transaction() as session:
        build.make_agreement(session)
        build.make_vehicle(session)
        for _ in range(3):
            build.make_driver(session)
        build.make_neighbours(session, adults=2)
        return build.make_neighbours(session, adults=2, children=1)


def paper(session: Session, actor: Actor, movement_id: str, party: Party, folder: Path, *, is_pdf: bool = True) -> Path:
    """A recipient's copy as a file on disk."""
    settings = Settings(host="127.0.0.1:8501")
    made = files.manifest_file(
        session, actor, f"{movement_id}/{party.kind.value}/{party.party_id}", Language.ES, settings, is_pdf=is_pdf
    )
    path = folder / made.name
    path.write_bytes(made.content)
    return path


def verdict(session: Session, path: Path) -> Verdict:
    return verify_file(
        path, keyring.public_keys(session), is_superseded=lambda seal: manifest.is_superseded(session, seal)
    ).verdict


def test_one_family_from_readiness_to_the_handover(
    database: Database, family: TravelGroup, coordinator: Actor, coordinator_2: Actor, protection_1: Actor,
    frozen_clock: Clock, tmp_path: Path,
) -> None:  # fmt: skip
    with database.transaction() as session:
        ready = {row.group_id: row.is_ready for row in ready_groups(session, coordinator, on_date=build.LAND_DAY)}
        assert list(ready.values()) == [True, True]
        plan_id = plan_home(session, coordinator, sorted(ready))
    with database.transaction() as session:
        (movement_id,) = planning.accept(session, coordinator, plan_id=plan_id).movement_ids
        assert len(build.aboard(session, movement_id)) == 5
    with database.transaction() as session:
        build.confirm_all(session, coordinator, movement_id)
        assert build.status_of(session, movement_id) is MovementStatus.CONFIRMED
    with database.transaction() as session:
        manifest.propose(session, coordinator, movement_id=movement_id)
        # A child travels along: the second signature is protection's.
        with pytest.raises(NotAllowed):
            manifest.sign(session, coordinator_2, movement_id=movement_id)
        assert manifest.sign(session, protection_1, movement_id=movement_id).person_count == 5
    with database.transaction() as session:
        pdf = paper(session, coordinator, movement_id, POST, tmp_path)
        sheet = paper(session, coordinator, movement_id, POST, tmp_path, is_pdf=False)
        assert [verdict(session, path) for path in (pdf, sheet)] == [Verdict.VALID, Verdict.VALID]
        pdf.write_bytes(pdf.read_bytes().replace(b"2027", b"2028"))
        assert verdict(session, pdf) is not Verdict.VALID
    with database.transaction() as session:
        movement = session.get_one(Movement, movement_id)
        planning.update_movement(
            session, coordinator, movement_id=movement_id, version=movement.version, is_route_confirmed=True
        )
        build.acknowledge_all(session, coordinator, movement_id)
        manifest.release(session, coordinator, movement_id=movement_id)
    frozen_clock(movement.depart_at)
    with database.transaction() as session:
        arrival.depart(session, coordinator, movement_id=movement_id)
    frozen_clock(movement.arrive_at)
    with database.transaction() as session:
        everybody = dict.fromkeys(sorted(build.aboard(session, movement_id)), True)
        arrival.record(session, coordinator, movement_id=movement_id, place_id="GT-CAMIEX", arrived=everybody)
        arrival.sign_handover(
            session, coordinator, movement_id=movement_id, place_id="GT-CAMIEX", received_by="Oficial Inventada"
        )
        assert build.status_of(session, movement_id) is MovementStatus.CLOSED
        statuses = session.exec(select(Person.status)).all()
        assert set(statuses) == {PersonStatus.RETURNED}
        state = audit.verify_chain(session)
        assert state.broken_at is None
        assert state.count > 20


STAGES = ("ready", "solving", "draft", "accepted", "confirmed", "proposed", "issued", "released", "departed")


@pytest.mark.parametrize("stage", STAGES)
def test_one_member_withdraws_at_each_stage_and_the_family_is_nowhere(
    database: Database, family: TravelGroup, coordinator: Actor, protection_1: Actor, frozen_clock: Clock,
    tmp_path: Path, stage: str,
) -> None:  # fmt: skip
    reached = STAGES.index(stage)
    instant = NOW
    with database.transaction() as session:
        others = [row for row in session.exec(select(TravelGroup.group_id)).all() if row != family.group_id]
        leaver = build.members(session, family.group_id)[0].person_id

    def withdraw() -> None:
        with database.transaction() as session:
            changes.withdraw(session, coordinator, person_id=leaver)

    movement_id, old_paper = "", None
    if stage == "ready":
        withdraw()
        with database.transaction() as session:
            ready = {row.group_id: row.is_ready for row in ready_groups(session, coordinator, on_date=build.LAND_DAY)}
            assert ready == {family.group_id: False, others[0]: True}
        return
    with database.transaction() as session:
        plan_id = plan_home(session, coordinator, [family.group_id, *others])
    if stage in ("solving", "draft"):
        withdraw()
        with pytest.raises(Stale), database.transaction() as session:
            planning.accept(session, coordinator, plan_id=plan_id)
    else:
        with database.transaction() as session:
            (movement_id,) = planning.accept(session, coordinator, plan_id=plan_id).movement_ids
            movement = session.get_one(Movement, movement_id)
            movement.is_route_confirmed = True
            session.add(movement)
        steps: list[Callable[[Session], object]] = [
            lambda s: build.confirm_all(s, coordinator, movement_id),
            lambda s: manifest.propose(s, coordinator, movement_id=movement_id),
            lambda s: manifest.sign(s, protection_1, movement_id=movement_id),
            lambda s: (
                build.acknowledge_all(s, coordinator, movement_id),
                manifest.release(s, coordinator, movement_id=movement_id),
            ),
            lambda s: arrival.depart(s, coordinator, movement_id=movement_id),
        ]
        for number, step in enumerate(steps):
            if STAGES.index("accepted") + number < reached:
                if number == 4:
                    instant = movement.depart_at + timedelta(minutes=20)
                    frozen_clock(instant)
                with database.transaction() as session:
                    step(session)
        if reached >= STAGES.index("issued"):
            with database.transaction() as session:
                old_paper = paper(session, coordinator, movement_id, POST, tmp_path)
        withdraw()
    with database.transaction() as session:
        active = session.exec(
            select(Seat.group_id).where(Seat.status == SeatStatus.ACTIVE, col(Seat.arrive_at) > instant)
        ).all()
        assert family.group_id not in active
        if movement_id:
            assert len(build.aboard(session, movement_id)) == 2
        person = session.get_one(Person, leaver)
        assert person.status is PersonStatus.WITHDRAWN
        if old_paper is None:
            assert session.exec(select(ManifestVersion)).all() == []
            return
        current = session.exec(select(ManifestVersion).where(ManifestVersion.status == ManifestStatus.CURRENT)).one()
        assert (current.version, current.person_count) == (2, 2)
        assert verdict(session, old_paper) is Verdict.SUPERSEDED
        kept = STAGES[reached]
        assert build.status_of(session, movement_id).value == kept
        for copy in session.exec(select(ManifestCopy).where(ManifestCopy.version == 2)).all():
            assert family.group_id[-4:] not in copy.canonical.decode()


def test_who_withdrew_may_consent_anew_and_travel_on_the_next_plan(
    database: Database, family: TravelGroup, coordinator: Actor, frozen_clock: Clock
) -> None:
    with database.transaction() as session:
        leaver = build.members(session, family.group_id)[0].person_id
        changes.withdraw(session, coordinator, person_id=leaver)
    frozen_clock(NOW + timedelta(hours=1))
    with database.transaction() as session:
        record_consent(
            session,
            coordinator,
            person_id=leaver,
            consent=ConsentCreate(
                purpose=ConsentPurpose.RETURN, destination_country="GT", text_version="2027-01", language="es",
                counselled_at=NOW - timedelta(days=8), counselled_by="U-TAPACHULA-coordinator",
                given_at=datetime(2027, 3, 1, 15, 30, tzinfo=UTC), is_own_act=True,
            ),
        )  # fmt: skip
        plan_id = plan_home(session, coordinator, [family.group_id])
        (movement_id,) = planning.accept(session, coordinator, plan_id=plan_id).movement_ids
        assert leaver in build.aboard(session, movement_id)


def test_a_hold_raised_at_the_barrier_takes_the_family_off_and_says_nothing_why(
    database: Database, family: TravelGroup, coordinator: Actor, protection_1: Actor
) -> None:
    with database.transaction() as session:
        plan_id = plan_home(session, coordinator, [family.group_id])
        (movement_id,) = planning.accept(session, coordinator, plan_id=plan_id).movement_ids
        build.confirm_all(session, coordinator, movement_id)
        held = build.members(session, family.group_id)[0].person_id
        effect = changes.raise_hold(session, protection_1, person_id=held, kind=HoldKind.FEAR)
        assert effect.cancelled == (movement_id,)
        with pytest.raises((Stale, Refused)):
            manifest.propose(session, coordinator, movement_id=movement_id)
        assert confirmation.open_questions(session, coordinator, movement_id=movement_id) == []
