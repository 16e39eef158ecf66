"""What an attacker, a crash or a hand-made edit tries: the act refuses with the rule, or nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from retorno import manifest
from retorno.errors import Refused
from retorno.models.movements import Movement
from retorno.models.people import Person
from retorno.office.access import Actor
from tests import builders
from tests import planning_builders as build

Clock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path) -> None:
    build.use_keys(tmp_path)


@pytest.fixture
def bus(session: Session) -> Movement:
    """A coach with three families of two adults."""
    made = build.make_bus(session)
    for _ in range(3):
        build.seat_group(session, made, build.make_family(session, adults=2))
    return made


def people(session: Session, movement: Movement) -> list[Person]:
    return [session.get_one(Person, person_id) for person_id in sorted(build.aboard(session, movement.movement_id))]


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {found.code.value for found in refused.value.findings}


# ---- days are those of the place -----------------------------------------------------------------------------


def test_who_is_seventeen_on_the_evening_of_the_flight_is_a_child_whatever_day_it_is_in_utc(
    session: Session, coordinator: Actor
) -> None:
    evening = datetime(2027, 3, 9, 1, 0, tzinfo=UTC)  # 19:00 on 8 March in Tapachula
    group = builders.make_group(session, destination_place_id="APT-SAP")
    builders.make_person(session, group, birth_date=date(2009, 3, 9), is_unaccompanied=True)
    offer = build.make_offer(session, depart_at=evening, arrive_at=evening + timedelta(hours=2))
    flight = build.make_flight(session, offer=offer)
    build.seat_group(session, flight, group)
    build.confirm_all(session, coordinator, flight.movement_id)

    with pytest.raises(Refused) as refused:
        manifest.propose(session, coordinator, movement_id=flight.movement_id)

    assert "UASC_NO_DECISION" in codes(refused)
