"""Readiness: computed from the records each time, whole households, longest stranded first."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from retorno.models.movements import Closure, Movement, MovementSegment, Seat
from retorno.models.people import Consent, Fitness, Person
from retorno.models.protection import Hold
from retorno.office.access import Actor, load_actor
from retorno.readiness import group_findings, ready_groups
from retorno.rules import RuleCode
from retorno.vocabulary import ClosureTarget, ConsentPurpose, FitnessOutcome, HoldKind, Mode, PersonStatus, Relation
from tests.builders import NOW, make_consent, make_group, make_office, make_person, make_ready

DAY = date(2027, 3, 9)


def findings(session: Session, group_id: str, *, day: date = DAY) -> list[RuleCode]:
    found = group_findings(session, group_id=group_id, travel_date=day, last_leg_date=day)
    return [each.code for each in found]


def make_family(session: Session) -> tuple[str, Person, Person, Person]:
    """A mother, a child of eight and one of five, all ready."""
    group = make_group(session)
    mother = make_person(session, group)
    first = make_person(
        session, group, birth_date=date(2018, 7, 2), relation=Relation.CHILD, caregiver_id=mother.person_id
    )
    second = make_person(
        session, group, birth_date=date(2021, 9, 30), relation=Relation.CHILD, caregiver_id=mother.person_id
    )
    return group.group_id, mother, first, second


def test_complete_family_is_ready(session: Session, coordinator: Actor) -> None:
    group_id, *_ = make_family(session)

    ready = ready_groups(session, coordinator, on_date=DAY)

    assert [(row.group_id, row.is_ready, row.findings, len(row.person_ids)) for row in ready] == [
        (group_id, True, (), 3)
    ]
    assert ready[0].is_vulnerable


def test_fever_of_one_child_stops_the_whole_family(session: Session) -> None:
    group_id, _, _, youngest = make_family(session)
    session.add(
        Fitness(
            person_id=youngest.person_id,
            outcome=FitnessOutcome.NOT_NOW,
            valid_from=date(2027, 3, 1),
            valid_until=date(2027, 3, 4),
            assessed_by="U-TAPACHULA-health",
            assessed_at=NOW,
        )
    )
    session.flush()

    found = group_findings(session, group_id=group_id, travel_date=DAY, last_leg_date=DAY)

    assert [(each.code, each.person_id) for each in found] == [(RuleCode.NOT_FIT, youngest.person_id)]


def test_hold_shows_to_protection_and_reads_not_available_to_the_coordinator(
    session: Session, coordinator: Actor, protection_1: Actor
) -> None:
    _, mother, *_ = make_family(session)
    session.add(Hold(person_id=mother.person_id, kind=HoldKind.COURT, raised_by=protection_1.user_id, raised_at=NOW))
    session.flush()

    for_coordinator = ready_groups(session, coordinator, on_date=DAY)[0]
    for_protection = ready_groups(session, protection_1, on_date=DAY)[0]

    assert [(each.rule, each.code) for each in for_coordinator.findings] == [(None, RuleCode.NOT_AVAILABLE)]
    assert [each.code for each in for_protection.findings] == [RuleCode.ON_HOLD]
    assert not for_coordinator.is_ready


def test_new_fact_counts_at_the_next_look_because_nothing_is_stored(session: Session) -> None:
    group = make_group(session)
    person = make_person(session, group, ready=False)
    before = findings(session, group.group_id)
    make_ready(session, person)

    after = findings(session, group.group_id)

    assert before == [RuleCode.NO_CONSENT, RuleCode.NOT_SCREENED, RuleCode.NO_FITNESS, RuleCode.NO_DOCUMENT]
    assert after == []


def test_same_records_may_be_ready_today_and_not_next_month(session: Session) -> None:
    group_id, *_ = make_family(session)

    # Screened on 23 February: 30 days later is 25 March.
    assert findings(session, group_id, day=date(2027, 3, 25)) == []
    assert set(findings(session, group_id, day=date(2027, 3, 26))) == {RuleCode.SCREENING_TOO_OLD}


def test_withdrawn_member_stops_the_others_until_the_family_is_split(session: Session) -> None:
    group = make_group(session)
    make_person(session, group)
    leaving = make_person(session, group)
    for consent in session.exec(select(Consent).where(Consent.person_id == leaving.person_id)).all():
        consent.withdrawn_at = NOW
        session.add(consent)
    session.flush()
    leaving.status = PersonStatus.WITHDRAWN
    session.add(leaving)
    session.flush()

    assert findings(session, group.group_id) == [RuleCode.CONSENT_WITHDRAWN, RuleCode.WITHDRAWN]


def test_split_takes_the_written_request_of_every_adult_on_both_sides(session: Session) -> None:
    group = make_group(session)
    stays = make_person(session, group)
    part = make_group(session, split_from_group_id=group.group_id)
    goes = make_person(session, part)
    make_consent(session, goes, purpose=ConsentPurpose.GROUP_SPLIT)

    missing = group_findings(session, group_id=part.group_id, travel_date=DAY, last_leg_date=DAY)
    make_consent(session, stays, purpose=ConsentPurpose.GROUP_SPLIT)

    assert [(each.code, each.person_id) for each in missing] == [(RuleCode.SPLIT_NOT_REQUESTED, stays.person_id)]
    assert findings(session, part.group_id) == []
    assert findings(session, group.group_id) == []


def test_caregiver_does_not_leave_without_a_dependant_in_another_group(session: Session) -> None:
    group = make_group(session)
    mother = make_person(session, group)
    other = make_group(session)
    child = make_person(session, other, birth_date=date(2019, 1, 5), caregiver_id=mother.person_id)

    found = group_findings(session, group_id=group.group_id, travel_date=DAY, last_leg_date=DAY)

    assert [(each.code, each.person_id) for each in found] == [(RuleCode.CAREGIVER_LEAVES_DEPENDANT, mother.person_id)]
    assert RuleCode.CHILD_WITHOUT_CAREGIVER in findings(session, other.group_id)
    assert dict(found[0].params) == {"dependant": child.person_id}


def test_suspended_country_blocks_and_reopening_opens(session: Session) -> None:
    group_id, *_ = make_family(session)
    closure = Closure(
        target=ClosureTarget.COUNTRY,
        target_id="HN",
        from_at=NOW - timedelta(days=1),
        source="invented",
        recorded_by="U-TAPACHULA-coordinator",
        recorded_at=NOW,
    )
    session.add(closure)
    session.flush()
    closed = findings(session, group_id)
    closure.reopened_at = NOW
    session.add(closure)
    session.flush()

    assert closed == [RuleCode.DESTINATION_SUSPENDED]
    assert findings(session, group_id) == []


def test_longest_stranded_group_comes_first_whatever_its_nationality(session: Session, coordinator: Actor) -> None:
    later = make_group(session)
    make_person(session, later, stranded_since=date(2027, 1, 9))
    earlier = make_group(session, destination_country="GT", destination_place_id="GT-CRR-TECUN")
    make_person(session, earlier, stranded_since=date(2027, 1, 8), nationality="GT", ready=False)

    order = [row.group_id for row in ready_groups(session, coordinator, on_date=DAY)]

    assert order == [earlier.group_id, later.group_id]


def test_other_office_sees_nothing(session: Session, coordinator: Actor) -> None:
    make_family(session)

    assert len(ready_groups(session, coordinator, on_date=DAY)) == 1
    other = make_office(session, office_id="Z-OTHER")

    assert ready_groups(session, load_actor(session, other.user_ids["coordinator"]), on_date=DAY) == []


def test_many_groups_cost_a_fixed_number_of_queries(session: Session, coordinator: Actor) -> None:
    for _ in range(3):
        make_family(session)
    few = _count_queries(session, coordinator)
    for _ in range(7):
        make_family(session)

    assert _count_queries(session, coordinator) == few


def _count_queries(session: Session, actor: Actor) -> int:
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        ready_groups(session, actor, on_date=DAY)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize(
    ("born", "is_own_act", "is_age_in_doubt", "takes_a_seat"),
    [
        (date(2015, 3, 10), False, False, True),
        (date(2015, 3, 9), False, False, False),
        (date(2015, 3, 9), True, False, True),
        (date(2015, 3, 10), False, True, False),
    ],
)
def test_database_gives_a_seat_on_a_caregivers_consent_below_twelve_only(
    session: Session, born: date, is_own_act: bool, is_age_in_doubt: bool, takes_a_seat: bool
) -> None:
    child = make_person(session, ready=False, birth_date=born, is_age_in_doubt=is_age_in_doubt)
    consent = make_consent(session, child, is_own_act=is_own_act)
    departs = datetime(2027, 3, 9, 13, 0, tzinfo=UTC)
    move = Movement(
        reference="M-TEST",
        office_id="Z-TAPACHULA",
        mode=Mode.ROAD,
        label="P-000",
        depart_at=departs,
        arrive_at=departs + timedelta(hours=8),
        opens_at=departs - timedelta(hours=96),
    )
    session.add(move)
    session.flush()
    session.add(
        MovementSegment(
            movement_id=move.movement_id,
            segment=0,
            from_place_id="MX-TAPACHULA",
            to_place_id="HN-CAMR-OMOA",
            depart_at=move.depart_at,
            arrive_at=move.arrive_at,
            capacity=40,
        )
    )
    session.flush()
    seat = Seat(
        movement_id=move.movement_id,
        person_id=child.person_id,
        group_id=child.group_id,
        consent_id=consent.consent_id,
        board=0,
        alight=1,
        depart_at=move.depart_at,
        arrive_at=move.arrive_at,
    )
    outcome = nullcontext() if takes_a_seat else pytest.raises(IntegrityError, match="no consent in force")

    with outcome, session.begin_nested():
        session.add(seat)
        session.flush()
