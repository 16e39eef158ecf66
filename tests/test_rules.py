"""Rules R1 to R24: each outcome in an illegal case and the legal one at its limit; every outcome worded, documented."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retorno.labels import all_labels, label
from retorno.policy import policy_on
from retorno.rules import (
    OUTCOMES,
    RULES,
    AcknowledgementFacts,
    BreakFacts,
    Finding,
    GroupFacts,
    MovementFacts,
    NightFacts,
    RuleCode,
    ScreeningFacts,
    SuspensionFacts,
    WhatNow,
    blocking,
    coordinator_view,
    escorts_needed,
    is_child,
    judge_group,
    judge_movement,
    report,
    usable_seats,
    weeks_on,
)
from retorno.vocabulary import (
    BestInterestOutcome,
    DocumentType,
    EntryBasis,
    FitnessOutcome,
    HoldKind,
    Language,
    Mode,
    MovementStatus,
    Need,
    PartyKind,
    PersonStatus,
    Rule,
    Sex,
)
from tests.facts import (
    ACCEPTED,
    DAY,
    FLIGHT,
    NOW,
    POLICY,
    child,
    consent,
    crossing,
    decision,
    document,
    driver,
    escort,
    fitness,
    group,
    leg,
    movement,
    occasion,
    person,
    post,
    reception,
    rider,
    segment,
    split_request,
    third_state,
    unaccompanied,
    vehicle,
)

R = RuleCode
Case = tuple[RuleCode, Any, Any]
PERMIT: dict[str, Any] = {"entry_basis": EntryBasis.PERMIT, "has_permit": True}
ESCORTS = (escort("E-1"), escort("E-2", sex=Sex.MALE))


def with_consent(**overrides: Any) -> GroupFacts:
    return group(person(consents=(consent(**overrides),)))


def of(facts: Any, **when: Any) -> list[Finding]:
    if isinstance(facts, MovementFacts):
        return judge_movement(facts, POLICY)
    return judge_group(facts, occasion(**when))


def codes(facts: Any, **when: Any) -> list[RuleCode]:
    return [found.code for found in of(facts, **when)]


# ---- people: code, illegal, the legal case next to it --------------------------------------------------------

PEOPLE: list[Case] = [
    (R.NO_CONSENT, group(person(consents=())), group()),
    (R.CONSENT_WITHDRAWN, with_consent(withdrawn_at=NOW), with_consent()),
    (R.CONSENT_EXPIRED, with_consent(expires_on=DAY - timedelta(days=1)), with_consent(expires_on=DAY)),
    (R.CONSENT_OTHER_DESTINATION, with_consent(destination_country="GT"), with_consent(destination_country="HN")),
    (R.CONSENT_BY_PROXY, with_consent(is_own_act=False), with_consent(is_own_act=True)),
    (
        R.CONSENT_IN_FUTURE,
        with_consent(given_at=NOW + timedelta(minutes=1)),
        with_consent(given_at=NOW),
    ),
    (R.CONSENT_NO_TEXT, with_consent(text_version=" "), with_consent(text_version="1")),
    (R.CONSENT_NO_LANGUAGE, with_consent(language=""), with_consent(language="es-HN")),
    (
        R.CONSENT_NO_INTERPRETER,
        group(person(languages=("ht",), consents=(consent(language="ht"),))),
        group(person(languages=("ht",), consents=(consent(language="ht", interpreter="I-4"),))),
    ),
    (
        R.CHILD_VIEW_MISSING,
        # Twelve on the day of the last leg.
        group(person(), child(birth_date=date(2015, 3, 9), consents=(consent(is_own_act=False),))),
        group(person(), child(birth_date=date(2015, 3, 10), consents=(consent(is_own_act=False),))),
    ),
    (R.WITHDRAWN, group(person(status=PersonStatus.WITHDRAWN)), group()),
    (R.NOT_ACTIVE, group(person(status=PersonStatus.CLOSED)), group()),
    (
        R.COUNSELLED_AFTER_CONSENT,
        with_consent(counselled_at=NOW - timedelta(days=5) + timedelta(minutes=1)),
        with_consent(counselled_at=NOW - timedelta(days=8)),
    ),
    (R.COUNSELLING_LANGUAGE, with_consent(language="fr"), group(person(languages=("ht", "es")))),
    (
        R.REFLECTION_TOO_SHORT,
        with_consent(counselled_at=NOW - timedelta(days=6) + timedelta(minutes=1)),
        with_consent(counselled_at=NOW - timedelta(days=6)),
    ),
    (
        R.REFLECTION_LONG,
        group(person(screening=ScreeningFacts(screened_at=NOW, is_victim_of_trafficking=True))),
        group(
            person(
                screening=ScreeningFacts(screened_at=NOW, is_victim_of_trafficking=True),
                consents=(consent(counselled_at=NOW - timedelta(days=35)),),
            )
        ),
    ),
    (
        R.CONSENT_NOT_INDEPENDENT,
        group(person(consents=(consent(is_given_in_detention=True),))),
        group(person(is_detained=True, consents=(consent(is_given_in_detention=True, witness="W-3"),))),
    ),
    (R.ON_HOLD, group(person(open_hold_kinds=frozenset({HoldKind.COURT}))), group()),
    (
        R.DESTINATION_SUSPENDED,
        group(suspensions=(SuspensionFacts(target_id="HN", from_at=NOW),)),
        group(suspensions=(SuspensionFacts(target_id="HN", from_at=NOW, until_at=NOW + timedelta(days=7)),)),
    ),
    (R.NOT_SCREENED, group(person(screening=None)), group()),
    (
        R.SCREENING_TOO_OLD,
        group(person(screening=ScreeningFacts(screened_at=datetime(2027, 2, 6, 23, 0, tzinfo=UTC)))),
        group(person(screening=ScreeningFacts(screened_at=datetime(2027, 2, 7, 1, 0, tzinfo=UTC)))),
    ),
    (R.DEST_NOT_ADMITTED, group(third_state()), group(third_state(habitual_residence="HN"))),
    (
        R.DEST_PERMIT_EXPIRES,
        group(third_state(**PERMIT, is_third_state_choice_written=True, permit_valid_until=DAY - timedelta(days=1))),
        group(third_state(**PERMIT, is_third_state_choice_written=True, permit_valid_until=DAY)),
    ),
    (
        R.DEST_NOT_CHOSEN,
        group(third_state(**PERMIT, permit_valid_until=DAY)),
        group(third_state(**PERMIT, permit_valid_until=DAY, is_third_state_choice_written=True)),
    ),
    (
        R.SPLIT_NOT_REQUESTED,
        group(person(consents=(consent(), split_request())), is_split=True, left_behind=(person("P-8"),)),
        group(
            person(consents=(consent(), split_request())),
            is_split=True,
            left_behind=(person("P-8", consents=(split_request(given_at=NOW),)),),
        ),
    ),
    (
        R.SPLIT_CHILD_NO_DECISION,
        group(person(consents=(consent(), split_request())), child(), is_split=True),
        group(
            person(consents=(consent(), split_request())),
            child(best_interest=decision(outcome=BestInterestOutcome.STAY, valid_until=DAY)),
            is_split=True,
        ),
    ),
    (
        R.GROUP_TOO_LARGE,
        group(person(), child(), child("P-4"), largest_vehicle_seats=2),
        group(person(), child(), child("P-4"), largest_vehicle_seats=3),
    ),
    (R.GROUP_EMPTY, replace(group(), persons=()), group()),
    (R.CHILD_WITHOUT_CAREGIVER, group(person(), child(caregiver_id=None)), group(person(), child())),
    (
        R.CAREGIVER_LEAVES_DEPENDANT,
        group(dependants_elsewhere=(("P-1", "P-9"),)),
        group(person(), child(), dependants_elsewhere=()),
    ),
    (R.UASC_NO_DECISION, group(unaccompanied(best_interest=None)), group(unaccompanied())),
    (
        R.UASC_DECISION_NOT_RETURN,
        group(unaccompanied(best_interest=decision(outcome=BestInterestOutcome.STAY))),
        group(unaccompanied()),
    ),
    (
        R.UASC_DECISION_APPEALED,
        group(unaccompanied(best_interest=decision(is_appealed=True))),
        group(unaccompanied()),
    ),
    (
        R.UASC_DECISION_EXPIRED,
        # 90 days before 9 March 2027 is 9 December 2026.
        group(unaccompanied(best_interest=decision(decided_on=date(2026, 12, 8)))),
        group(unaccompanied(best_interest=decision(decided_on=date(2026, 12, 9)))),
    ),
    (
        R.UASC_DECISION_IN_FUTURE,
        group(unaccompanied(best_interest=decision(decided_on=date(2027, 3, 2)))),
        group(unaccompanied(best_interest=decision(decided_on=date(2027, 3, 1)))),
    ),
    (R.UASC_NO_BODY, group(unaccompanied(best_interest=decision(body=" "))), group(unaccompanied())),
    (
        R.UASC_NO_GUARDIAN,
        group(unaccompanied(best_interest=decision(guardian_consent_on=None))),
        group(unaccompanied()),
    ),
    (
        R.UASC_NO_VIEW,
        group(unaccompanied(best_interest=decision(child_view_recorded_on=None))),
        group(unaccompanied()),
    ),
    (
        R.UASC_NO_RECEIVER,
        group(unaccompanied(best_interest=decision(receiving_agreed_on=None))),
        group(unaccompanied()),
    ),
    (R.UASC_NO_PICKUP, group(unaccompanied(best_interest=decision(pickup_named=""))), group(unaccompanied())),
    (
        R.UASC_NOT_CLEARED,
        group(unaccompanied(best_interest=decision(is_cleared_by_two=False))),
        group(unaccompanied()),
    ),
    (
        R.UASC_NO_ESCORT,
        group(unaccompanied(escorts_approved_until=(("E-1", DAY - timedelta(days=1)),))),
        group(unaccompanied(escorts_approved_until=(("E-1", DAY),))),
    ),
    (R.DOUBT_MEANS_CHILD, group(person(is_age_in_doubt=True)), group(person(), child(is_age_in_doubt=True))),
    (R.NO_FITNESS, group(person(fitness=None)), group()),
    (R.NOT_FIT, group(person(fitness=fitness(outcome=FitnessOutcome.NOT_NOW))), group()),
    (
        R.FITNESS_EXPIRES,
        group(person(fitness=fitness(valid_until=DAY - timedelta(days=1)))),
        group(person(fitness=fitness(valid_until=DAY))),
    ),
    (
        R.FITNESS_NOT_YET,
        group(person(fitness=fitness(valid_from=DAY + timedelta(days=1)))),
        group(person(fitness=fitness(valid_from=DAY))),
    ),
    (
        R.NEWBORN_TOO_EARLY,
        group(person(fitness=fitness(gave_birth_on=DAY - timedelta(days=6)))),
        group(person(fitness=fitness(gave_birth_on=DAY - timedelta(days=7)))),
    ),
    (R.NO_DOCUMENT, group(person(documents=())), group()),
    (
        R.DOCUMENT_NOT_ACCEPTED,
        group(person(documents=(document(document_type=DocumentType.BIRTH_CERTIFICATE),))),
        group(),
    ),
    (
        R.DOCUMENT_EXPIRES,
        group(person(documents=(document(expires_on=DAY - timedelta(days=1)),))),
        group(person(documents=(document(expires_on=DAY),))),
    ),
    (
        R.DOCUMENT_UNCHECKED,
        group(person(documents=(document(is_mrz_valid=False),))),
        group(person(documents=(document(is_mrz_valid=False, is_confirmed=True),))),
    ),
    (
        R.DOCUMENT_TO_CONFIRM,
        group(person(documents=(document(document_type=DocumentType.NATIONAL_ID),))),
        group(person(documents=(document(document_type=DocumentType.NATIONAL_ID, is_confirmed=True),))),
    ),
    (R.DOCUMENT_IN_REVIEW, group(person(documents=(document(is_in_review=True),))), group()),
    (R.NO_ONWARD_MEANS, group(person(onward_means=None)), group()),
]


@pytest.mark.parametrize("case", PEOPLE, ids=[case[0].value for case in PEOPLE])
def test_person_or_group_is_stopped_and_the_case_at_the_limit_is_not(case: Case) -> None:
    code, illegal, limit = case

    assert codes(illegal) == [code]
    assert codes(limit) == []
    assert blocking(of(illegal)) == of(illegal)


# ---- people on a proposed journey ----------------------------------------------------------------------------


def pregnant(weeks: int, **overrides: Any) -> GroupFacts:
    return group(person(fitness=fitness(valid_from=DAY, pregnancy_weeks=weeks, **overrides)))


CERTIFIED = {"certificate_on": DAY, "is_long_land_leg_ok": True}

JOURNEYS: list[tuple[RuleCode, GroupFacts, GroupFacts, Any]] = [
    (R.MAY_NOT_FLY, group(person(fitness=fitness(may_fly=False))), group(), (FLIGHT,)),
    (R.CERTIFICATE_NEEDED, pregnant(28), pregnant(27), (FLIGHT,)),
    (R.CERTIFICATE_NEEDED, pregnant(28, certificate_on=DAY - timedelta(days=4)),
     pregnant(28, certificate_on=DAY - timedelta(days=3)), (FLIGHT,)),
    (R.NOT_CARRIED_PREGNANT, pregnant(36, **CERTIFIED), pregnant(35, **CERTIFIED), (FLIGHT,)),
    (R.NOT_CARRIED_PREGNANT, pregnant(32, is_multiple_pregnancy=True, **CERTIFIED),
     pregnant(31, is_multiple_pregnancy=True, **CERTIFIED), (FLIGHT,)),
    (R.NOT_CARRIED_PREGNANT, pregnant(30, **CERTIFIED), pregnant(29, **CERTIFIED),
     (leg(mode=Mode.FLIGHT, carrier="STRICT", duration_min=90, transit_countries=()),)),
    (R.LONG_LAND_LEG, pregnant(28, certificate_on=DAY), pregnant(28, **CERTIFIED), (leg(duration_min=241),)),
    (R.TRANSIT_DOCUMENT, group(person(documents=(document(expires_on=DAY + timedelta(days=89)),))),
     group(person(documents=(document(expires_on=DAY + timedelta(days=90)),))), (leg(),)),
    (R.SAFE_CONDUCT_SHORT,
     group(person(documents=(document(expires_on=DAY), document(
         document_type=DocumentType.SAFE_CONDUCT, expires_on=DAY, safe_conduct_hours=7)))),
     group(person(documents=(document(expires_on=DAY), document(
         document_type=DocumentType.SAFE_CONDUCT, expires_on=DAY, safe_conduct_hours=8)))),
     (leg(),)),
]  # fmt: skip


@pytest.mark.parametrize("case", JOURNEYS, ids=[f"{at}-{case[0].value}" for at, case in enumerate(JOURNEYS)])
def test_journey_is_stopped_and_the_one_at_the_limit_is_not(case: tuple[RuleCode, GroupFacts, GroupFacts, Any]) -> None:
    code, illegal, limit, legs = case
    on_the_day = {"now": datetime(2027, 3, 9, 6, 0, tzinfo=UTC), "legs": legs}

    assert codes(illegal, **on_the_day) == [code]
    assert codes(limit, **on_the_day) == []


def test_week_27_now_and_a_flight_in_ten_days_needs_a_certificate_that_cannot_be_dated_yet() -> None:
    facts = group(person(fitness=fitness(valid_from=NOW.date(), pregnancy_weeks=27)))
    when: dict[str, Any] = {"departs_on": date(2027, 3, 11), "last_leg_on": date(2027, 3, 11), "legs": (FLIGHT,)}

    found = of(facts, **when)

    assert [(each.code, each.blocks, dict(each.params)) for each in found] == [
        (R.CERTIFICATE_NEEDED, False, {"earliest": "2027-03-08", "date": "2027-03-11"})
    ]
    assert blocking(of(facts, **when | {"now": datetime(2027, 3, 8, 1, 0, tzinfo=UTC)})) != []


def test_land_leg_of_four_hours_asks_nothing_of_a_pregnant_woman() -> None:
    assert codes(pregnant(30), legs=(leg(duration_min=240, transit_countries=()),)) == []


def test_what_depends_on_the_way_is_named_without_stopping_while_no_way_is_proposed() -> None:
    facts = group(person(fitness=fitness(may_fly=False, valid_from=DAY, pregnancy_weeks=36)))

    assert {(each.code, each.blocks) for each in of(facts)} == {
        (R.MAY_NOT_FLY, False),
        (R.CERTIFICATE_NEEDED, False),
        (R.LONG_LAND_LEG, False),
        (R.NOT_CARRIED_PREGNANT, False),
    }


def test_newborn_waits_as_long_as_its_mother() -> None:
    assert codes(group(person(), child(birth_date=DAY - timedelta(days=6)))) == [R.NEWBORN_TOO_EARLY]
    assert codes(group(person(), child(birth_date=DAY - timedelta(days=7)))) == []


def test_weeks_are_counted_on_the_day_of_the_last_leg() -> None:
    record = fitness(valid_from=date(2027, 3, 1), pregnancy_weeks=27)

    assert [weeks_on(record, date(2027, 3, day)) for day in (1, 7, 8, 15)] == [27, 27, 28, 29]


# ---- movements -----------------------------------------------------------------------------------------------


def late(**overrides: Any) -> MovementFacts:
    return movement(segments=(segment(0), segment(1, **overrides)))


def local(hour: int, minute: int) -> datetime:
    return datetime(2027, 3, 9, hour, minute)  # noqa: DTZ001


def escorted(*people: Any, escorts: Any = ESCORTS, **overrides: Any) -> MovementFacts:
    return movement(*(rider(each) for each in people), escorts=escorts, **overrides)


def girls(count: int) -> list[Any]:
    return [unaccompanied(f"P-{at}", group_id=f"G-{at}") for at in range(count)]


UNRELATED = person("P-9", group_id="G-9")

MOVEMENTS: list[Case] = [
    (R.ROUTE_SUSPENDED, movement(crossings=(crossing(is_suspended=True),)), movement()),
    (
        R.GROUP_NOT_WHOLE,
        movement(rider(), group_members=(("G-1", frozenset({"P-1", "P-2"})),)),
        movement(rider(), group_members=(("G-1", frozenset({"P-1"})), ("G-2", frozenset({"P-7"})))),
    ),
    (R.GROUP_SEPARATED, movement(rider(), rider(child(), board=1)), movement(rider(), rider(child()))),
    (
        R.UASC_ESCORT_NOT_ON_LEG,
        escorted(unaccompanied(escorts_approved_until=(("E-9", DAY),))),
        escorted(unaccompanied()),
    ),
    (
        R.ESCORTS_TOO_FEW,
        escorted(unaccompanied(), escorts=ESCORTS[:1]),
        escorted(unaccompanied(), escorts=ESCORTS),
    ),
    (
        R.ESCORT_OWN_SEX,
        escorted(unaccompanied(), escorts=(escort("E-1", sex=Sex.MALE), escort("E-2", sex=Sex.MALE))),
        escorted(unaccompanied(sex=Sex.MALE), escorts=(escort("E-1", sex=Sex.MALE), escort("E-2", sex=Sex.MALE))),
    ),
    (
        R.ESCORT_DRIVES,
        movement(escorts=(escort("E-1", is_driver=True),)),
        movement(escorts=(escort("E-1"),)),
    ),
    (R.ESCORT_NO_RETURN, movement(escorts=(escort(has_return_seat=False),)), movement(escorts=(escort(),))),
    (
        R.ESCORT_UNAVAILABLE,
        movement(escorts=(escort(approved_until=DAY - timedelta(days=1)),)),
        movement(escorts=(escort(approved_until=DAY),)),
    ),
    (
        R.UASC_PER_VEHICLE,
        escorted(*girls(21), escorts=tuple(escort(f"E-{at}") for at in range(1, 5))),
        escorted(*girls(20), escorts=tuple(escort(f"E-{at}") for at in range(1, 5))),
    ),
    (
        R.CHILD_AMONG_ADULTS,
        movement(rider(child(group_id="G-2")), rider(UNRELATED)),
        movement(rider(), rider(child()), rider(UNRELATED)),
    ),
    (
        R.NEED_NOT_SERVED,
        movement(rider(person(fitness=fitness(needs=frozenset({Need.INFANT_SEAT}))))),
        movement(rider(person(fitness=fitness(needs=frozenset({Need.SPECIAL_DIET}))))),
    ),
    (
        R.WHEELCHAIR_PLACE,
        movement(rider(person(needs_wheelchair=True))),
        movement(rider(person(needs_wheelchair=True), is_wheelchair=True)),
    ),
    (
        R.MEDICAL_ESCORT_MISSING,
        movement(
            rider(person(fitness=fitness(needs=frozenset({Need.MEDICAL_ESCORT})))),
            escorts=(escort(duty="medical", alight=1),),
        ),
        movement(
            rider(person(fitness=fitness(needs=frozenset({Need.MEDICAL_ESCORT})))), escorts=(escort(duty="medical"),)
        ),
    ),
    (
        R.OXYGEN_NOT_APPROVED,
        movement(rider(person(fitness=fitness(needs=frozenset({Need.OXYGEN})))), mode=Mode.FLIGHT, vehicle=None),
        movement(
            rider(person(fitness=fitness(needs=frozenset({Need.OXYGEN})))),
            mode=Mode.FLIGHT,
            vehicle=None,
            offers_oxygen=True,
        ),
    ),
    (
        R.SEATS_OVER,
        movement(rider(), rider(UNRELATED), segments=(segment(0, usable_seats=1), segment(1))),
        movement(rider(), rider(UNRELATED), segments=(segment(0, usable_seats=2), segment(1))),
    ),
    (
        R.SPARE_SEATS,
        # Ten built-in seats at 10 % leave nine.
        movement(
            *(rider(person(f"P-{at}")) for at in range(10)),
            segments=(segment(0, usable_seats=10, built_seats=10), segment(1)),
        ),
        movement(
            *(rider(person(f"P-{at}")) for at in range(9)),
            segments=(segment(0, usable_seats=10, built_seats=10), segment(1)),
        ),
    ),
    (
        R.WHEELCHAIRS_OVER,
        movement(rider(is_wheelchair=True), segments=(segment(0), segment(1, wheelchairs=0))),
        movement(rider(is_wheelchair=True), segments=(segment(0), segment(1, wheelchairs=1))),
    ),
    (
        R.TRAVELS_TWICE,
        movement(travelling_elsewhere=frozenset({"P-1"})),
        movement(travelling_elsewhere=frozenset({"P-7"})),
    ),
    (
        R.DEPARTS_IN_DARK,
        movement(segments=(segment(0, depart_local=local(5, 44)), segment(1))),
        movement(segments=(segment(0, depart_local=local(5, 45)), segment(1))),
    ),
    (R.ARRIVES_IN_DARK, late(arrive_local=local(18, 11)), late(arrive_local=local(18, 10))),
    (
        R.POST_CLOSED,
        movement(crossings=(crossing(enter=post("GT-HN-COR-B", is_open=False, reason="weekday")),)),
        movement(),
    ),
    (
        R.POST_CLOSES_SOON,
        movement(crossings=(crossing(leave=post("GT-HN-COR-A", closes_in_min=59)),)),
        movement(crossings=(crossing(leave=post("GT-HN-COR-A", closes_in_min=60)),)),
    ),
    (R.RECEPTION_CLOSED, movement(receptions=(reception(is_open=False),)), movement()),
    (
        R.RECEPTION_CLOSES_SOON,
        movement(receptions=(reception(closes_in_min=59),)),
        movement(receptions=(reception(closes_in_min=60),)),
    ),
    (R.NO_ONWARD_LEFT, movement(receptions=(reception(is_last_onward_missed=True),)), movement()),
    (R.DRIVES_TOO_LONG, movement(drive_stretches_min=(241, 200)), movement(drive_stretches_min=(240, 200))),
    (
        R.BREAK_TOO_SHORT,
        movement(breaks=(BreakFacts(minutes=29, has_toilet=True),)),
        movement(breaks=(BreakFacts(minutes=30, has_toilet=True),)),
    ),
    (
        R.DRIVERS_TOO_FEW,
        movement(drive_stretches_min=(240, 240, 61), breaks=(BreakFacts(minutes=30, has_toilet=True),) * 2),
        movement(drive_stretches_min=(240, 240, 60), breaks=(BreakFacts(minutes=30, has_toilet=True),) * 2),
    ),
    (
        R.DAY_TOO_LONG,
        movement(arrive_at=datetime(2027, 3, 10, 2, 1, tzinfo=UTC)),
        movement(arrive_at=datetime(2027, 3, 10, 2, 0, tzinfo=UTC)),
    ),
    (
        R.NIGHT_WITHOUT_BED,
        movement(nights=(NightFacts(place_id="GT-CASA", free_beds=3, person_count=4),)),
        movement(nights=(NightFacts(place_id="GT-CASA", free_beds=4, person_count=4),)),
    ),
    (
        R.DRIVER_LICENCE,
        movement(drivers=(driver(licence_until=DAY - timedelta(days=1)),)),
        movement(drivers=(driver(licence_until=DAY),)),
    ),
    (
        R.DRIVER_REST,
        movement(drivers=(driver(rest_hours_before=9),)),
        movement(drivers=(driver(rest_hours_before=10),)),
    ),
    (
        R.DRIVER_WEEK,
        movement(drivers=(driver(days_driven_in_row=6),)),
        movement(drivers=(driver(days_driven_in_row=5),)),
    ),
    (
        R.VEHICLE_LICENCE,
        movement(vehicle=vehicle(licence_until=DAY - timedelta(days=1))),
        movement(vehicle=vehicle(licence_until=DAY)),
    ),
    (
        R.VEHICLE_INSURANCE,
        movement(vehicle=vehicle(insurance_until=DAY - timedelta(days=1))),
        movement(vehicle=vehicle(insurance_until=DAY)),
    ),
    (
        R.VEHICLE_INSPECTION,
        movement(vehicle=vehicle(inspection_until=DAY - timedelta(days=1))),
        movement(vehicle=vehicle(inspection_until=DAY)),
    ),
    (R.NO_VEHICLE, movement(vehicle=None), movement(vehicle=None, stage=MovementStatus.ACCEPTED)),
    (
        R.ROUTE_NOT_CONFIRMED,
        movement(is_route_confirmed=False),
        movement(is_route_confirmed=False, stage=MovementStatus.ISSUED),
    ),
    (R.NO_RECEIVER, movement(receptions=(reception(receiver=""),)), movement()),
    (
        R.RECEPTION_FULL,
        movement(receptions=(reception(person_count=61),)),
        movement(receptions=(reception(person_count=60),)),
    ),
    (R.RECEPTION_PROFILE, movement(receptions=(reception(accepts_profiles=False),)), movement()),
    (
        R.NOT_ACKNOWLEDGED,
        movement(acknowledgements=(AcknowledgementFacts(party_kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B"),)),
        movement(
            acknowledgements=(AcknowledgementFacts(party_kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B"),),
            stage=MovementStatus.ISSUED,
        ),
    ),
    (
        R.NOTICE_TOO_LATE,
        movement(notice_sent_at=datetime(2027, 3, 6, 13, 1, tzinfo=UTC)),
        movement(notice_sent_at=datetime(2027, 3, 6, 13, 0, tzinfo=UTC)),
    ),
    (R.NOTICE_NOT_SENT, movement(notice_sent_at=None), movement(notice_sent_at=None, stage=MovementStatus.ISSUED)),
    (
        R.CHANGED_AFTER_DEADLINE,
        movement(rows_added_at=datetime(2027, 3, 6, 13, 1, tzinfo=UTC)),
        movement(rows_added_at=datetime(2027, 3, 6, 13, 0, tzinfo=UTC)),
    ),
]


@pytest.mark.parametrize("case", MOVEMENTS, ids=[case[0].value for case in MOVEMENTS])
def test_movement_is_stopped_and_the_one_at_the_limit_is_not(case: Case) -> None:
    code, illegal, limit = case

    assert codes(illegal) == [code]
    assert codes(limit) == []


def test_every_outcome_has_its_case() -> None:
    tested = {case[0] for case in (*PEOPLE, *MOVEMENTS)} | {case[0] for case in JOURNEYS}

    assert sorted(set(OUTCOMES) - tested) == []


# ---- rules in more than one case -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(HoldKind))
def test_hold_of_any_kind_stops_and_is_not_told(kind: HoldKind) -> None:
    found = of(group(person(open_hold_kinds=frozenset({kind}))))

    assert [(each.rule, each.code, each.params) for each in found] == [(Rule.R6, R.ON_HOLD, ())]


def test_latest_consent_counts_so_a_withdrawal_is_never_passed_by() -> None:
    older = consent(consent_id="K-0", given_at=NOW - timedelta(days=6), counselled_at=NOW - timedelta(days=9))

    assert codes(group(person(consents=(older, consent(withdrawn_at=NOW))))) == [R.CONSENT_WITHDRAWN]
    assert codes(group(person(consents=(replace(older, withdrawn_at=NOW), consent())))) == []


def test_consent_for_another_purpose_is_no_consent_to_return() -> None:
    assert codes(group(person(consents=(split_request(),)))) == [R.NO_CONSENT]


def test_trafficking_interval_may_be_waived_in_writing_and_the_short_one_may_not() -> None:
    victim = ScreeningFacts(screened_at=NOW, is_victim_of_trafficking=True)
    short = {"counselled_at": NOW - timedelta(days=5, hours=3), "is_reflection_waived": True}

    assert codes(group(person(screening=victim, consents=(consent(is_reflection_waived=True),)))) == []
    assert codes(group(person(screening=victim, consents=(consent(**short),)))) == [R.REFLECTION_TOO_SHORT]


def test_age_in_doubt_is_a_child_at_any_declared_age() -> None:
    for years in (8, 17, 18, 25, 40):
        assert is_child(person(birth_date=None, declared_age=years, is_age_in_doubt=True), occasion())
    doubtful = unaccompanied(birth_date=None, declared_age=19, is_age_in_doubt=True, best_interest=None)
    assert codes(group(doubtful)) == [R.UASC_NO_DECISION]
    assert codes(group(person(is_age_in_doubt=True), child())) == [R.CHILD_WITHOUT_CAREGIVER, R.DOUBT_MEANS_CHILD]


def test_who_comes_of_age_on_the_way_travels_as_a_child() -> None:
    born = date(2009, 3, 10)
    days = {"departs_on": date(2027, 3, 9), "last_leg_on": date(2027, 3, 10)}

    assert is_child(person(birth_date=born), occasion(**days))
    assert codes(group(unaccompanied(birth_date=born, best_interest=None)), **days) == [R.UASC_NO_DECISION]
    assert not is_child(person(birth_date=born), occasion(**days | {"departs_on": date(2027, 3, 10)}))


def test_mother_of_sixteen_cares_for_her_baby_if_somebody_answers_for_her() -> None:
    mother = child("P-2", birth_date=date(2011, 1, 1))
    baby = child("P-3", birth_date=date(2026, 6, 1), caregiver_id="P-2")

    assert codes(group(person(), mother, baby)) == []
    assert codes(group(replace(mother, caregiver_id=None), baby)) == [R.CHILD_WITHOUT_CAREGIVER] * 2
    complete = unaccompanied("P-2", birth_date=date(2011, 1, 1))
    assert codes(group(complete, baby)) == []


@pytest.mark.parametrize(
    ("ages", "needed"),
    [((), 0), ((14,), 2), ((4,), 2), ((4, 3, 2), 3), ((5, 11, 11, 11), 2), ((12,) * 12, 2), ((12,) * 13, 3),
     ((4, 5, 12), 3), ((3, 3, 7, 7, 7, 7, 7, 13), 5)],
)  # fmt: skip
def test_escorts_by_age(ages: tuple[int, ...], needed: int) -> None:
    assert escorts_needed(ages, POLICY) == needed


@pytest.mark.parametrize(("built", "usable"), [(45, 40), (28, 25), (8, 7), (10, 9), (1, 0), (0, 0)])
def test_spare_seats_are_rounded_up(built: int, usable: int) -> None:
    assert usable_seats(built, POLICY) == usable


def test_medical_escort_and_driver_are_no_escorts_of_children() -> None:
    pair = (escort("E-1", duty="medical"), escort("E-2"))

    assert codes(escorted(unaccompanied(), escorts=pair)) == [R.UASC_ESCORT_NOT_ON_LEG, R.ESCORTS_TOO_FEW]


def test_escort_who_falls_ill_counts_no_more() -> None:
    ill = (escort("E-1", is_available=False), escort("E-2"))

    assert set(codes(escorted(unaccompanied(), escorts=ill))) == {
        R.UASC_ESCORT_NOT_ON_LEG,
        R.ESCORTS_TOO_FEW,
        R.ESCORT_UNAVAILABLE,
    }


def test_escort_who_leaves_at_the_transfer_does_not_cover_the_second_leg() -> None:
    half = (escort("E-1", alight=1), escort("E-2"))

    assert codes(escorted(unaccompanied(), escorts=half)) == [R.UASC_ESCORT_NOT_ON_LEG, R.ESCORTS_TOO_FEW]


def test_child_aboard_makes_the_window_of_light_stricter() -> None:
    early = (segment(0, depart_local=local(5, 50)), segment(1, arrive_local=local(17, 40)))

    assert codes(movement(rider(), segments=early)) == []
    assert codes(movement(rider(), rider(child()), segments=early)) == [R.ARRIVES_IN_DARK, R.DEPARTS_IN_DARK]


def test_night_on_the_road_is_never_legal() -> None:
    overnight = segment(1, arrive_local=datetime(2027, 3, 10, 9, 0))  # noqa: DTZ001

    assert codes(movement(segments=(segment(0), overnight))) == [R.ARRIVES_IN_DARK]


def test_flight_may_depart_before_dawn() -> None:
    early = segment(0, depart_local=local(4, 0))

    assert codes(movement(mode=Mode.FLIGHT, segments=(early, segment(1)))) == []


def test_break_without_a_toilet_or_no_break_at_all_is_no_break() -> None:
    assert codes(movement(breaks=(BreakFacts(minutes=45, has_toilet=False),))) == [R.BREAK_TOO_SHORT]
    assert codes(movement(breaks=())) == [R.BREAK_TOO_SHORT]


def test_agreement_may_ask_for_other_notice_than_the_default() -> None:
    sent = datetime(2027, 3, 7, 13, 0, tzinfo=UTC)

    assert codes(movement(notice_sent_at=sent, notice_hours=48)) == []
    assert codes(movement(notice_sent_at=sent, notice_hours=49)) == [R.NOTICE_TOO_LATE]


def test_movement_without_any_party_to_acknowledge_is_not_released() -> None:
    assert codes(movement(acknowledgements=())) == [R.NOT_ACKNOWLEDGED]


def test_closest_row_decides_on_a_document_and_unknown_counts_as_refused() -> None:
    general, national, *_ = ACCEPTED
    own = replace(national, state="HN", nationalities=frozenset({"HN"}), accepted="yes")
    card = group(person(documents=(document(document_type=DocumentType.NATIONAL_ID),)))

    assert codes(card, documents_accepted=(general, national, own)) == []
    assert codes(card, documents_accepted=(own, replace(own, accepted="no"))) == [R.DOCUMENT_NOT_ACCEPTED]
    assert codes(card, documents_accepted=()) == [R.DOCUMENT_NOT_ACCEPTED]


def test_one_good_document_is_enough() -> None:
    old = document(expires_on=date(2026, 1, 1))

    assert codes(group(person(documents=(old, document())))) == []


# ---- what others see -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        person(open_hold_kinds=frozenset({HoldKind.ASYLUM})),
        person(screening=None),
        person(fitness=fitness(outcome=FitnessOutcome.NOT_NOW)),
        person(documents=(document(is_in_review=True),)),
        person(screening=ScreeningFacts(screened_at=NOW, is_victim_of_trafficking=True)),
        person(open_hold_kinds=frozenset({HoldKind.MEDICAL}), fitness=None, documents=()),
    ],
)
def test_hold_review_and_screening_read_alike_to_a_coordinator(facts: Any) -> None:
    shown = coordinator_view(of(group(facts)))

    assert [(each.rule, each.code, each.params, each.person_id) for each in shown] == [
        (None, R.NOT_AVAILABLE, (), "P-1")
    ]


def test_coordinator_still_sees_what_is_theirs_to_do() -> None:
    facts = group(person(open_hold_kinds=frozenset({HoldKind.COURT}), consents=(), onward_means=None))

    assert [each.code for each in coordinator_view(of(facts))] == [R.NOT_AVAILABLE, R.NO_CONSENT, R.NO_ONWARD_MEANS]


def test_report_has_every_rule_once_with_pass_or_fail() -> None:
    outcomes = report([*of(group(person(consents=()))), *of(movement(vehicle=None))])

    assert [outcome.rule for outcome in outcomes] == list(Rule)
    assert [outcome.rule for outcome in outcomes if not outcome.is_passed] == [Rule.R1, Rule.R20]
    assert outcomes[0].as_json()["outcome"] == "fail"


def test_finding_that_does_not_block_passes_its_rule() -> None:
    outcomes = report(of(group(person(fitness=fitness(may_fly=False)))))

    assert all(outcome.is_passed for outcome in outcomes)


# ---- words and documentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", list(OUTCOMES), ids=lambda code: code.value)
def test_every_outcome_is_worded_in_three_languages_and_fills_its_blanks(code: RuleCode) -> None:
    illegal = next(
        (of(case[1]) for case in (*PEOPLE, *MOVEMENTS) if case[0] is code),
        None,
    ) or next(
        of(case[1], legs=case[3], now=datetime(2027, 3, 9, 6, 0, tzinfo=UTC)) for case in JOURNEYS if case[0] is code
    )
    found = next(each for each in illegal if each.code is code)

    for language in Language:
        sentence = label(found.label_key, language, **found.label_params)
        assert sentence
        assert "{" not in sentence
        assert label(found.now_key, language)


def test_every_rule_and_every_remedy_has_its_words() -> None:
    keys = {row.wording_key for row in RULES.values()} | {f"now.{each.value}" for each in WhatNow}

    assert keys | {"rule.NOT_AVAILABLE"} <= set(all_labels())
    assert {OUTCOMES[code][1] for code in OUTCOMES} == set(WhatNow)


def test_every_rule_is_judged_somewhere_and_every_outcome_belongs_to_one() -> None:
    assert list(RULES) == list(Rule)
    assert all(row.of_person or row.of_group or row.of_movement for row in RULES.values())
    assert {code for row in RULES.values() for code in row.codes} == set(RuleCode) - {R.NOT_AVAILABLE}


def test_every_outcome_has_a_row_in_the_documentation() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| (R\d+) \| `([A-Z_]+)` \|", text, flags=re.MULTILINE))

    assert rows == {(rule.value, code.value) for code, (rule, _, _) in OUTCOMES.items()}


# ---- nothing loosens -----------------------------------------------------------------------------------------


class _Setting:
    def __init__(self, key: str, value: int) -> None:
        self.key, self.value, self.valid_from = key, value, date(2027, 1, 1)


@given(st.lists(st.tuples(st.sampled_from(list(POLICY)), st.integers(-(10**6), 10**6)), max_size=6))
def test_no_office_setting_lets_through_what_the_defaults_stop(settings: list[tuple[str, int]]) -> None:
    policy = policy_on(DAY, [_Setting(key, value) for key, value in settings])

    for code, illegal, _ in PEOPLE:
        stopped = {each.code for each in blocking(judge_group(illegal, occasion(policy=policy)))}
        assert stopped, code
    for code, illegal, _ in MOVEMENTS:
        assert judge_movement(illegal, policy), code
