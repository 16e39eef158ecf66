"""Health: fitness to travel, needs and validity. Outcomes only: no diagnosis has a field here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.intake import touch_person
from retorno.models.people import Fitness, FitnessCreate, Person
from retorno.movements.journeys import Journey, next_journeys
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.vocabulary import FitnessOutcome, Need, PersonStatus, Role


def record_fitness(
    session: Session, actor: Actor, *, person_id: str, fitness: FitnessCreate, needs: Iterable[Need] = ()
) -> Fitness:
    """Record the outcome of a fitness check; the latest record counts (R16, R17).

    A record "not now" of somebody who holds a seat goes through ``changes``, which takes the group off.

    Parameters
    ----------
    needs
        What the person needs on the way; they replace the text in ``fitness.needs``.

    Raises
    ------
    InputError
        With every contradiction: needs without "fit with conditions" or the other way round, a birth or certificate
        in the future, a pregnancy together with a birth later than it.
    """
    actor = access.require(session, actor, "health.record", person_id=person_id)
    codes = sorted(set(needs))
    faults = _faults(fitness, codes)
    if faults:
        raise InputError(faults)
    row = Fitness.model_validate(
        fitness,
        update={
            "person_id": person_id,
            "assessed_by": actor.user_id,
            "assessed_at": clock.now(),
            "needs": ";".join(need.value for need in codes),
        },
    )
    session.add(row)
    touch_person(session, person_id)
    audit.append(
        session,
        actor,
        act="health.record",
        object_kind="fitness",
        object_id=row.fitness_id,
        subject_id=person_id,
        values=fitness.model_dump() | {"needs": row.needs},
        ids={"person_id": person_id},
    )
    return row


def _faults(fitness: FitnessCreate, needs: list[Need]) -> list[Fault]:
    today = clock.now().date()
    faults = [
        Fault(column=name, code="FUTURE", what=f"{day} lies in the future")
        for name, day in (("gave_birth_on", fitness.gave_birth_on), ("certificate_on", fitness.certificate_on))
        if day is not None and day > today
    ]
    has_conditions = bool(needs) or not fitness.may_fly
    if fitness.outcome is FitnessOutcome.FIT and has_conditions:
        faults.append(
            Fault(
                column="outcome", code="CONDITIONS", what='help or a bar to flying is named, expected "fit with help"'
            )
        )
    if fitness.outcome is FitnessOutcome.FIT_WITH_CONDITIONS and not has_conditions:
        faults.append(Fault(column="needs", code="CONDITIONS", what='"fit with help", but no help is named'))
    if fitness.is_multiple_pregnancy and fitness.pregnancy_weeks is None:
        faults.append(Fault(column="pregnancy_weeks", code="MISSING", what="weeks of the pregnancy are needed"))
    if fitness.pregnancy_weeks is not None and fitness.gave_birth_on is not None:
        faults.append(
            Fault(column="gave_birth_on", code="CONTRADICTION", what="either weeks of pregnancy or a birth, not both")
        )
    if fitness.valid_until < today:
        faults.append(
            Fault(column="valid_until", code="PAST", what=f"{fitness.valid_until} has passed, expected a day to come")
        )
    return faults


def current_fitness(session: Session, actor: Actor, *, person_id: str) -> Fitness | None:
    """The record that counts, for health and protection officers; None where nobody has assessed the person yet."""
    access.require(session, actor, "health.read", person_id=person_id)
    row = session.exec(
        select(Fitness)
        .where(Fitness.person_id == person_id)
        .order_by(col(Fitness.assessed_at).desc(), col(Fitness.fitness_id).desc())
        .limit(1)
    ).first()
    audit.append(session, actor, act="health.read", object_kind="person", object_id=person_id, outcome="read")
    return row


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A person of the caseload with the fitness record that counts; none yet is ``None``.

    ``journey`` is the next one with a seat; ``weeks_now`` are the completed weeks of a pregnancy today.
    """

    person: Person
    fitness: Fitness | None
    journey: Journey | None = None
    weeks_now: int | None = None

    @property
    def due_on(self) -> date:
        """The day by which somebody has to look: at once without a record, else the last day of the record."""
        return self.fitness.valid_until if self.fitness else self.person.stranded_since

    @property
    def ends_on_journey(self) -> bool:
        """Whether the record ends before the journey does."""
        return (
            self.journey is not None
            and self.fitness is not None
            and self.fitness.valid_until < self.journey.arrive_at.date()
        )


SOON = timedelta(days=14)


def is_due(row: Waiting, today: date) -> bool:
    """Whether to look at somebody now: never assessed, ending within two weeks, or before the end of a journey."""
    return row.fitness is None or row.ends_on_journey or row.fitness.valid_until <= today + SOON


def waiting(session: Session, actor: Actor) -> list[Waiting]:
    """Everyone of the caseload who still returns: whose record ends on a journey, then never assessed, then by its end.

    The reading is logged by the page that shows it.
    """
    actor = access.require(session, actor, "health.record")
    persons = session.exec(
        select(Person)
        .where(access.persons_of(actor, Role.HEALTH), Person.status == PersonStatus.ACTIVE)
        .order_by(Person.person_id)
    ).all()
    latest: dict[str, Fitness] = {}
    for row in session.exec(
        select(Fitness)
        .where(col(Fitness.person_id).in_([person.person_id for person in persons]))
        .order_by(col(Fitness.assessed_at), col(Fitness.fitness_id))
    ).all():
        latest[row.person_id] = row
    journeys = next_journeys(session, [person.person_id for person in persons])
    found = [
        Waiting(
            person=person,
            fitness=latest.get(person.person_id),
            journey=journeys.get(person.person_id),
            weeks_now=_weeks_now(latest.get(person.person_id)),
        )
        for person in persons
    ]
    return sorted(
        found,
        key=lambda each: (not each.ends_on_journey, each.fitness is not None, each.due_on, each.person.person_id),
    )


def _weeks_now(fitness: Fitness | None) -> int | None:
    """Completed weeks of a pregnancy today, from those on the first day of the record."""
    if fitness is None or fitness.pregnancy_weeks is None or fitness.gave_birth_on is not None:
        return None
    return fitness.pregnancy_weeks + (clock.now().date() - fitness.valid_from).days // 7
