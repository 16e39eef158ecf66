"""Health: outcome, validity and needs; no diagnosis, no contradiction."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlmodel import Session, select

from retorno import health as health_stage
from retorno.errors import InputError, NotAllowed
from retorno.models.office import AuditEntry
from retorno.models.people import Fitness, FitnessCreate, TravelGroup
from retorno.office.access import Actor
from retorno.readiness import group_findings
from retorno.rules import RuleCode
from retorno.vocabulary import FitnessOutcome, Need
from tests.builders import make_person

DAY = date(2027, 3, 9)


def fitness_create(**overrides: Any) -> FitnessCreate:
    values: dict[str, Any] = {
        "outcome": FitnessOutcome.FIT,
        "valid_from": date(2027, 3, 1),
        "valid_until": date(2027, 4, 30),
    }
    return FitnessCreate(**(values | overrides))


def test_latest_outcome_counts(session: Session, health: Actor) -> None:
    person = make_person(session)

    health_stage.record_fitness(
        session,
        health,
        person_id=person.person_id,
        fitness=fitness_create(outcome=FitnessOutcome.NOT_NOW, valid_until=date(2027, 3, 5)),
    )

    found = group_findings(session, group_id=person.group_id, travel_date=DAY, last_leg_date=DAY)
    assert [each.code for each in found] == [RuleCode.NOT_FIT]


def test_needs_are_kept_as_codes_in_a_fixed_order(session: Session, health: Actor) -> None:
    person = make_person(session)

    row = health_stage.record_fitness(
        session,
        health,
        person_id=person.person_id,
        fitness=fitness_create(outcome=FitnessOutcome.FIT_WITH_CONDITIONS),
        needs=[Need.WHEELCHAIR, Need.OXYGEN, Need.WHEELCHAIR],
    )

    assert row.needs == "oxygen;wheelchair"


def test_contradictions_are_named_all_at_once(session: Session, health: Actor) -> None:
    person = make_person(session)

    with pytest.raises(InputError) as refused:
        health_stage.record_fitness(
            session,
            health,
            person_id=person.person_id,
            fitness=fitness_create(
                valid_from=date(2027, 2, 1),
                valid_until=date(2027, 2, 28),
                pregnancy_weeks=30,
                gave_birth_on=date(2027, 3, 2),
                certificate_on=date(2027, 3, 2),
            ),
            needs=[Need.OXYGEN],
        )

    assert sorted((fault.column, fault.code) for fault in refused.value.faults) == [
        ("certificate_on", "FUTURE"),
        ("gave_birth_on", "CONTRADICTION"),
        ("gave_birth_on", "FUTURE"),
        ("outcome", "CONDITIONS"),
        ("valid_until", "PAST"),
    ]


def test_help_without_naming_it_and_twins_without_weeks_are_refused(session: Session, health: Actor) -> None:
    person = make_person(session)

    with pytest.raises(InputError) as refused:
        health_stage.record_fitness(
            session,
            health,
            person_id=person.person_id,
            fitness=fitness_create(outcome=FitnessOutcome.FIT_WITH_CONDITIONS, is_multiple_pregnancy=True),
        )

    assert sorted(fault.column for fault in refused.value.faults) == ["needs", "pregnancy_weeks"]


def test_only_a_health_officer_records_and_the_coordinator_does_not_read(
    session: Session, coordinator: Actor, protection_1: Actor, health: Actor
) -> None:
    person = make_person(session)

    for actor in (coordinator, protection_1):
        with pytest.raises(NotAllowed):
            health_stage.record_fitness(session, actor, person_id=person.person_id, fitness=fitness_create())
    with pytest.raises(NotAllowed):
        health_stage.current_fitness(session, coordinator, person_id=person.person_id)
    assert health_stage.current_fitness(session, protection_1, person_id=person.person_id) is not None


def test_record_counts_as_a_new_fact_and_is_logged_without_its_content(session: Session, health: Actor) -> None:
    person = make_person(session)
    before = session.get_one(TravelGroup, person.group_id).availability

    health_stage.record_fitness(session, health, person_id=person.person_id, fitness=fitness_create(pregnancy_weeks=31))

    assert session.get_one(TravelGroup, person.group_id, populate_existing=True).availability == before + 1
    entry = session.exec(select(AuditEntry).where(AuditEntry.act == "health.record")).one()
    assert '"pregnancy_weeks":"31"' not in entry.fields
    assert '"pregnancy_weeks":31' not in entry.fields


def test_no_field_of_a_record_can_hold_a_diagnosis() -> None:
    texts = [name for name, field in Fitness.model_fields.items() if field.annotation is str]

    assert texts == ["needs", "fitness_id", "person_id", "assessed_by"]
