"""Drivers and escorts are registered with what the rules ask of them, and an escort who left is not planned with."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlmodel import Session

from retorno import protection
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Driver, Escort
from retorno.office.access import Actor
from retorno.supply import crew
from retorno.supply.crew import Duty
from retorno.vocabulary import Sex

UNTIL = date(2027, 12, 31)


def a_driver(db: Session, actor: Actor, **changes: Any) -> Driver:
    """A driver with a licence in force."""
    values = {"name": "Ramiro Inventado", "operator": "Invented Lines", "licence_until": UNTIL}
    return crew.add_driver(db, actor, **(values | changes))


def an_escort(db: Session, actor: Actor, **changes: Any) -> Escort:
    """An escort for children in Tapachula."""
    values = {
        "name": "Eva Inventada",
        "sex": Sex.FEMALE,
        "duty": Duty.CHILD_PROTECTION,
        "base_place_id": "MX-TAPACHULA",
        "approved_until": UNTIL,
    }
    return crew.add_escort(db, actor, **(values | changes))


def codes(refused: pytest.ExceptionInfo[InputError]) -> dict[str, str]:
    """Column to code."""
    return {fault.column: fault.code for fault in refused.value.faults}


def test_a_driver_is_registered_once_and_the_licence_renewed(session: Session, coordinator: Actor) -> None:
    row = a_driver(session, coordinator)

    with pytest.raises(InputError) as again:
        a_driver(session, coordinator, name="ramiro  INVENTADO")
    crew.renew_driver(session, coordinator, driver_id=row.driver_id, licence_until=date(2028, 5, 1))

    assert codes(again) == {"name": "ON_RECORD"}
    assert [each.licence_until for each in crew.drivers(session, coordinator)] == [date(2028, 5, 1)]


def test_every_fault_of_a_driver_or_an_escort_is_named_at_once(session: Session, coordinator: Actor) -> None:
    with pytest.raises(InputError) as driver:
        a_driver(session, coordinator, name=" ", operator="", licence_until=date(2027, 2, 28))
    with pytest.raises(InputError) as escort:
        an_escort(session, coordinator, name="", sex=None, duty=None, base_place_id="NOWHERE", approved_until=None)

    assert codes(driver) == {"name": "EMPTY", "operator": "EMPTY", "licence_until": "PAST"}
    assert codes(escort) == dict.fromkeys(("name", "sex", "duty", "base_place_id", "approved_until"), "EMPTY")


def test_an_escort_who_is_not_available_is_offered_to_nobody(
    session: Session, coordinator: Actor, protection_1: Actor, administrator: Actor
) -> None:
    row = an_escort(session, coordinator)
    assert [each.name for each in protection.escorts(session, protection_1)] == ["Eva Inventada"]
    assert crew.escort_names(session, administrator) == {row.escort_id: "Eva Inventada"}

    crew.change_escort(
        session, coordinator, escort_id=row.escort_id, version=1, is_available=False, approved_until=None
    )

    assert protection.escorts(session, protection_1) == []
    assert crew.escort_names(session, administrator) == {}
    assert [each.approved_until for each in crew.escorts(session, coordinator)] == [UNTIL]
    with pytest.raises(Stale):
        crew.change_escort(
            session, coordinator, escort_id=row.escort_id, version=1, is_available=True, approved_until=UNTIL
        )


def test_crew_is_for_coordinators(session: Session, protection_1: Actor, administrator: Actor) -> None:
    for actor in (protection_1, administrator):
        with pytest.raises(NotAllowed):
            a_driver(session, actor)
        with pytest.raises(NotAllowed):
            an_escort(session, actor)
