"""Protection: two people lift a hold, two clear a child, and nothing of it reaches the log in clear."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from retorno import protection
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Escort
from retorno.models.office import AuditEntry
from retorno.models.people import Person, TravelGroup
from retorno.models.protection import BestInterestCreate, BestInterestDecision, Hold, ProtectionAssignment
from retorno.office.access import Actor
from retorno.readiness import group_findings
from retorno.rules import RuleCode
from retorno.vocabulary import BestInterestOutcome, HoldKind, Sex
from tests import builders
from tests.builders import NOW, make_person

DAY = date(2027, 3, 9)


def make_hold(session: Session, person: Person, raised_by: Actor, kind: HoldKind = HoldKind.COURT) -> Hold:
    hold = Hold(person_id=person.person_id, kind=kind, raised_by=raised_by.user_id, raised_at=NOW)
    session.add(hold)
    session.flush()
    return hold


def lift(session: Session, hold: Hold, first: Actor, second: Actor) -> Hold:
    protection.propose_lift(session, first, hold_id=hold.hold_id, version=hold.version, decision="Auto 17/2027")
    return protection.lift_hold(session, second, hold_id=hold.hold_id, version=hold.version)


def decision_create(**overrides: Any) -> BestInterestCreate:
    values: dict[str, Any] = {
        "outcome": BestInterestOutcome.RETURN,
        "decided_on": date(2027, 2, 10),
        "valid_until": date(2027, 5, 10),
        "body": "Procuraduría inventada",
        "guardian_consent_on": date(2027, 2, 11),
        "child_view_recorded_on": date(2027, 2, 9),
        "receiving_agreed_on": date(2027, 2, 14),
        "pickup_named": "Tía inventada",
    }
    return BestInterestCreate(**(values | overrides))


def make_girl(session: Session) -> Person:
    return make_person(session, birth_date=date(2012, 6, 1), is_unaccompanied=True)


def codes(session: Session, person: Person) -> list[RuleCode]:
    found = group_findings(session, group_id=person.group_id, travel_date=DAY, last_leg_date=DAY)
    return [each.code for each in found]


# ---- holds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in HoldKind if kind is not HoldKind.MEDICAL])
def test_two_protection_officers_lift_a_hold_and_the_person_may_go(
    session: Session, protection_1: Actor, protection_2: Actor, kind: HoldKind
) -> None:
    person = make_person(session)
    hold = make_hold(session, person, protection_1, kind)
    before = codes(session, person)

    lift(session, hold, protection_1, protection_2)

    assert before == [RuleCode.ON_HOLD]
    assert codes(session, person) == []
    assert (hold.lift_proposed_by, hold.lifted_by, hold.lifted_at) == (protection_1.user_id, protection_2.user_id, NOW)


def test_nobody_lifts_alone(session: Session, protection_1: Actor) -> None:
    hold = make_hold(session, make_person(session), protection_1)

    with pytest.raises(InputError, match="first signature"):
        protection.lift_hold(session, protection_1, hold_id=hold.hold_id, version=1)
    with pytest.raises(InputError, match="another person"):
        lift(session, hold, protection_1, protection_1)

    assert hold.lifted_at is None


def test_medical_hold_takes_a_health_and_a_protection_officer_in_either_order(
    session: Session, protection_1: Actor, protection_2: Actor, health: Actor
) -> None:
    first, second, third = (make_hold(session, make_person(session), health, HoldKind.MEDICAL) for _ in range(3))

    lift(session, first, health, protection_1)
    lift(session, second, protection_1, health)
    with pytest.raises(InputError, match="a health officer and a protection officer"):
        lift(session, third, protection_1, protection_2)

    assert first.lifted_at == second.lifted_at == NOW
    assert third.lifted_at is None


def test_health_officer_neither_sees_nor_lifts_another_hold(
    session: Session, protection_1: Actor, health: Actor
) -> None:
    hold = make_hold(session, make_person(session), protection_1)

    with pytest.raises(NotAllowed):
        protection.propose_lift(session, health, hold_id=hold.hold_id, version=1, decision="Auto 17/2027")


def test_coordinator_and_administrator_cannot_lift(
    session: Session, protection_1: Actor, coordinator: Actor, administrator: Actor
) -> None:
    hold = make_hold(session, make_person(session), protection_1)

    for actor in (coordinator, administrator):
        with pytest.raises(NotAllowed):
            protection.propose_lift(session, actor, hold_id=hold.hold_id, version=1, decision="Auto 17/2027")


def test_lifting_takes_the_written_decision(session: Session, protection_1: Actor) -> None:
    hold = make_hold(session, make_person(session), protection_1)

    with pytest.raises(InputError, match="decision"):
        protection.propose_lift(session, protection_1, hold_id=hold.hold_id, version=1, decision="  ")


def test_second_officer_who_read_an_older_state_is_told(
    session: Session, protection_1: Actor, protection_2: Actor
) -> None:
    hold = make_hold(session, make_person(session), protection_1)
    protection.propose_lift(session, protection_1, hold_id=hold.hold_id, version=1, decision="Auto 17/2027")

    with pytest.raises(Stale):
        protection.lift_hold(session, protection_2, hold_id=hold.hold_id, version=1)


def test_lifted_hold_cannot_be_lifted_again_and_stays_in_the_history(
    session: Session, protection_1: Actor, protection_2: Actor
) -> None:
    person = make_person(session)
    hold = make_hold(session, person, protection_1)
    lift(session, hold, protection_1, protection_2)

    with pytest.raises(NotAllowed):
        protection.lift_hold(session, protection_1, hold_id=hold.hold_id, version=hold.version)

    assert protection.open_holds(session, [person.person_id]) == []
    assert protection.hold_history_exists(session, person.person_id)
    assert not protection.hold_history_exists(session, make_person(session).person_id)


def test_review_day_asks_and_lifts_nothing(session: Session, protection_1: Actor) -> None:
    person = make_person(session)
    hold = make_hold(session, person, protection_1)
    hold.review_on = date(2027, 3, 5)
    session.add(hold)
    session.flush()

    assert protection.holds_to_review(session, protection_1, on_date=date(2027, 3, 4)) == []
    assert protection.holds_to_review(session, protection_1, on_date=date(2027, 3, 5)) == [hold]
    assert codes(session, person) == [RuleCode.ON_HOLD]


def test_log_holds_neither_decision_nor_kind(session: Session, protection_1: Actor, protection_2: Actor) -> None:
    hold = make_hold(session, make_person(session), protection_1, HoldKind.TRAFFICKING)

    lift(session, hold, protection_1, protection_2)

    log = "".join(str(entry.model_dump()) for entry in session.exec(select(AuditEntry)).all())
    assert "Auto 17" not in log
    assert "trafficking" not in log


# ---- screening -----------------------------------------------------------------------------------------------------


def test_screening_counts_as_a_new_fact(session: Session, protection_1: Actor) -> None:
    person = make_person(session)
    before = session.get_one(TravelGroup, person.group_id).availability

    protection.record_screening(session, protection_1, person_id=person.person_id, screened_at=NOW)

    assert session.get_one(TravelGroup, person.group_id, populate_existing=True).availability == before + 1


def test_screening_of_the_future_or_by_an_untrained_role_is_refused(
    session: Session, protection_1: Actor, coordinator: Actor
) -> None:
    person = make_person(session)

    with pytest.raises(InputError, match="future"):
        protection.record_screening(
            session, protection_1, person_id=person.person_id, screened_at=NOW + timedelta(minutes=1)
        )
    with pytest.raises(NotAllowed):
        protection.record_screening(session, coordinator, person_id=person.person_id, screened_at=NOW)


# ---- children ------------------------------------------------------------------------------------------------------


def make_escort(session: Session) -> Escort:
    escort = Escort(
        escort_id="E-INVENTED22",
        name="Invented Escort",
        sex=Sex.FEMALE,
        duty="child_protection",
        base_place_id="MX-TAPACHULA",
        approved_until=date(2027, 12, 31),
    )
    session.add(escort)
    session.flush()
    return escort


def test_child_is_ready_when_decision_two_signatures_and_escort_are_there(
    session: Session, protection_1: Actor, protection_2: Actor
) -> None:
    girl = make_girl(session)
    escort = make_escort(session)
    steps = [codes(session, girl)]
    row = protection.record_best_interest(session, protection_1, person_id=girl.person_id, decision=decision_create())
    steps.append(codes(session, girl))
    protection.clear_to_travel(session, protection_1, decision_id=row.decision_id, version=1)
    steps.append(codes(session, girl))
    protection.clear_to_travel(session, protection_2, decision_id=row.decision_id, version=2)
    steps.append(codes(session, girl))
    protection.approve_escort(
        session, protection_1, person_id=girl.person_id, escort_id=escort.escort_id, valid_until=DAY
    )
    steps.append(codes(session, girl))

    assert steps == [
        [RuleCode.UASC_NO_DECISION, RuleCode.UASC_NO_ESCORT],
        [RuleCode.UASC_NOT_CLEARED, RuleCode.UASC_NO_ESCORT],
        [RuleCode.UASC_NOT_CLEARED, RuleCode.UASC_NO_ESCORT],
        [RuleCode.UASC_NO_ESCORT],
        [],
    ]


def test_escort_who_is_not_available_any_more_does_not_count(
    session: Session, protection_1: Actor, protection_2: Actor
) -> None:
    girl = make_girl(session)
    escort = make_escort(session)
    row = protection.record_best_interest(session, protection_1, person_id=girl.person_id, decision=decision_create())
    protection.clear_to_travel(session, protection_1, decision_id=row.decision_id, version=1)
    protection.clear_to_travel(session, protection_2, decision_id=row.decision_id, version=2)
    protection.approve_escort(
        session, protection_1, person_id=girl.person_id, escort_id=escort.escort_id, valid_until=DAY
    )
    escort.is_available = False
    session.add(escort)
    session.flush()

    assert codes(session, girl) == [RuleCode.UASC_NO_ESCORT]


def test_same_officer_does_not_clear_a_child_twice(session: Session, protection_1: Actor) -> None:
    girl = make_girl(session)
    row = protection.record_best_interest(session, protection_1, person_id=girl.person_id, decision=decision_create())
    protection.clear_to_travel(session, protection_1, decision_id=row.decision_id, version=1)

    with pytest.raises(InputError, match="another officer"):
        protection.clear_to_travel(session, protection_1, decision_id=row.decision_id, version=2)


def test_new_decision_starts_without_signatures_and_the_old_one_cannot_be_signed(
    session: Session, protection_1: Actor, protection_2: Actor, frozen_clock: Any
) -> None:
    girl = make_girl(session)
    old = protection.record_best_interest(session, protection_1, person_id=girl.person_id, decision=decision_create())
    frozen_clock(NOW + timedelta(minutes=5))
    protection.record_best_interest(
        session, protection_1, person_id=girl.person_id, decision=decision_create(is_appealed=True)
    )

    with pytest.raises(Stale):
        protection.clear_to_travel(session, protection_2, decision_id=old.decision_id, version=1)

    assert RuleCode.UASC_DECISION_APPEALED in codes(session, girl)


def test_decision_with_dates_to_come_is_refused_with_all_of_them(session: Session, protection_1: Actor) -> None:
    girl = make_girl(session)

    with pytest.raises(InputError) as refused:
        protection.record_best_interest(
            session,
            protection_1,
            person_id=girl.person_id,
            decision=decision_create(
                decided_on=date(2027, 3, 2), guardian_consent_on=date(2027, 4, 1), pickup_named="T\u202eía"
            ),
        )

    assert [fault.column for fault in refused.value.faults] == ["decided_on", "guardian_consent_on", "pickup_named"]
    assert session.exec(select(BestInterestDecision)).all() == []


def test_missing_parts_are_listed_in_the_order_they_are_asked_for(session: Session, protection_1: Actor) -> None:
    girl = make_girl(session)
    row = protection.record_best_interest(
        session,
        protection_1,
        person_id=girl.person_id,
        decision=decision_create(guardian_consent_on=None, pickup_named=""),
    )

    assert protection.missing_parts(row) == ("guardian_consent_on", "pickup_named", "cleared_at")
    assert protection.missing_parts(None) == ("outcome",)


def test_escort_approval_of_the_past_or_of_nobody_is_refused(session: Session, protection_1: Actor) -> None:
    girl = make_girl(session)

    with pytest.raises(InputError) as refused:
        protection.approve_escort(
            session, protection_1, person_id=girl.person_id, escort_id="E-NOBODY", valid_until=date(2027, 2, 28)
        )

    assert [fault.column for fault in refused.value.faults] == ["escort_id", "valid_until"]


def test_officer_is_named_on_a_case_once(
    session: Session, protection_1: Actor, protection_2: Actor, coordinator: Actor
) -> None:
    person = make_person(session)

    for _ in range(2):
        protection.assign_officer(session, protection_1, person_id=person.person_id, user_id=protection_2.user_id)
    with pytest.raises(InputError, match="protection officer"):
        protection.assign_officer(session, protection_1, person_id=person.person_id, user_id=coordinator.user_id)

    assert [row.user_id for row in session.exec(select(ProtectionAssignment)).all()] == [protection_2.user_id]


def test_an_age_in_doubt_is_set_and_settled_by_protection_only(
    session: Session, protection_1: Actor, coordinator: Actor
) -> None:
    person = builders.make_person(session, builders.make_group(session))

    after = protection.set_age_in_doubt(
        session, protection_1, person_id=person.person_id, version=person.version, is_in_doubt=True
    )
    with pytest.raises(Stale):
        protection.set_age_in_doubt(session, protection_1, person_id=person.person_id, version=1, is_in_doubt=False)
    with pytest.raises(NotAllowed):
        protection.set_age_in_doubt(
            session, coordinator, person_id=person.person_id, version=after.version, is_in_doubt=False
        )

    assert after.is_age_in_doubt
    assert after.version == 2
