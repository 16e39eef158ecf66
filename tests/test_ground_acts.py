"""Hours and agreements that an office lays over the shipped ground: recorded with a source, taken back, dated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from retorno.errors import InputError, NotAllowed
from retorno.models.office import AuditEntry
from retorno.office.access import Actor
from retorno.routes.answers import Closed
from retorno.situation import situation
from retorno.supply import ground_acts
from retorno.supply.ground_acts import AgreementTerms, Standing
from retorno.vocabulary import Profile

HN_POST = "GT-HN-COR-B"
NOON = datetime(2027, 3, 10, 18, 0, tzinfo=UTC)
"""Wednesday 10 March 2027, noon in Honduras."""

TERMS = AgreementTerms(
    ways=("land",),
    from_country="GT",
    to_country="HN",
    crossings=("GT-HN-COR",),
    weekdays=("Wed", "Mon"),
    profiles=(Profile.FAMILIES, Profile.ADULTS),
    notice_hours=72,
    daily_heads=80,
    confirmed_with="Ana Invented, migration office at Corinto",
    confirmed_by="César Invented",
    valid_from=date(2027, 3, 1),
    valid_until=date(2027, 9, 30),
)


def hours(session: Session, actor: Actor, **changes: Any) -> Any:
    """Hours of the Honduran post at Corinto, with changes."""
    values: dict[str, Any] = {
        "post_id": HN_POST,
        "open_time": "08:00",
        "close_time": "16:00",
        "valid_from": date(2027, 3, 1),
        "source": "Notice of the post",
    }
    return ground_acts.record_hours(session, actor, **(values | changes))


def codes(error: pytest.ExceptionInfo[InputError]) -> dict[str, str]:
    """Column of each fault to its code."""
    return {fault.column: fault.code for fault in error.value.faults}


def test_hours_of_the_office_stand_before_the_shipped_ones(session: Session, administrator: Actor) -> None:
    assert not isinstance(situation(session).calendars.post_state(HN_POST, NOON, profiles=(Profile.ADULTS,)), Closed)

    row = hours(session, administrator, on_date=date(2027, 3, 10), is_closed=True, open_time="", close_time="")

    assert isinstance(situation(session).calendars.post_state(HN_POST, NOON, profiles=(Profile.ADULTS,)), Closed)
    ground_acts.take_back_hours(session, administrator, hours_id=row.hours_id)
    assert not isinstance(situation(session).calendars.post_state(HN_POST, NOON, profiles=(Profile.ADULTS,)), Closed)


def test_every_fault_of_hours_is_named_at_once(session: Session, administrator: Actor) -> None:
    with pytest.raises(InputError) as refused:
        hours(
            session,
            administrator,
            post_id="NOWHERE",
            open_time="8",
            weekdays=("Mon",),
            on_date=date(2027, 3, 10),
            valid_until=date(2027, 2, 1),
            daily_heads=0,
            source=" ",
        )

    assert codes(refused) == {
        "post": "EMPTY",
        "on_date": "DATE_OR_WEEKDAYS",
        "open_time": "NO_CLOCK",
        "valid_until": "ORDER",
        "daily_heads": "RANGE",
        "source": "EMPTY",
    }


def test_hours_are_for_administrators(session: Session, coordinator: Actor, consulate_hn: Actor) -> None:
    for actor in (coordinator, consulate_hn):
        with pytest.raises(NotAllowed):
            hours(session, actor)


def test_taking_back_twice_changes_nothing_more(session: Session, administrator: Actor) -> None:
    row = hours(session, administrator)
    ground_acts.take_back_hours(session, administrator, hours_id=row.hours_id)
    ground_acts.take_back_hours(session, administrator, hours_id=row.hours_id)

    entries = session.exec(select(AuditEntry).where(AuditEntry.act == "admin.hours")).all()
    assert len(entries) == 2
    assert [each.standing for each in ground_acts.hours(session, administrator)] == [Standing.TAKEN_BACK]


def test_a_confirmed_agreement_opens_the_crossing_on_its_days(session: Session, coordinator: Actor) -> None:
    def permit(day: date) -> object:
        at = situation(session)
        return at.calendars.agreements.crossing_permit("GT-HN-COR", "GT", day, profiles=(Profile.FAMILIES,))

    assert isinstance(permit(date(2027, 3, 10)), Closed)

    row = ground_acts.confirm_agreement(session, coordinator, terms=TERMS)

    assert not isinstance(permit(date(2027, 3, 10)), Closed)
    assert isinstance(permit(date(2027, 3, 11)), Closed)
    assert (row.weekdays, row.profiles, row.mode) == ("Mon;Wed", "adults;families", "land")
    ground_acts.take_back_agreement(session, coordinator, confirmation_id=row.confirmation_id)
    assert isinstance(permit(date(2027, 3, 10)), Closed)


def test_every_fault_of_an_agreement_is_named_at_once(session: Session, administrator: Actor) -> None:
    bad = replace(
        TERMS,
        ways=(),
        to_country="GT",
        crossings=("NOWHERE",),
        notice_hours=None,
        daily_heads=0,
        confirmed_with="",
        confirmed_by="",
        valid_until=date(2027, 2, 1),
    )

    with pytest.raises(InputError) as refused:
        ground_acts.confirm_agreement(session, administrator, terms=bad)

    assert codes(refused) == {
        "ways": "EMPTY",
        "to_country": "SAME_COUNTRY",
        "crossings": "UNKNOWN",
        "notice_hours": "RANGE_HOURS",
        "daily_heads": "RANGE",
        "valid_until": "ORDER",
        "confirmed_with": "EMPTY",
        "confirmed_by": "EMPTY",
    }


def test_agreements_that_end_soon_stand_first(session: Session, administrator: Actor) -> None:
    later = ground_acts.confirm_agreement(session, administrator, terms=TERMS)
    soon = ground_acts.confirm_agreement(session, administrator, terms=replace(TERMS, valid_until=date(2027, 3, 22)))
    back = ground_acts.confirm_agreement(session, administrator, terms=TERMS)
    ground_acts.take_back_agreement(session, administrator, confirmation_id=back.confirmation_id)

    found = ground_acts.agreements(session, administrator)

    assert [(each.row.confirmation_id, each.standing) for each in found] == [
        (soon.confirmation_id, Standing.SOON),
        (later.confirmation_id, Standing.CURRENT),
        (back.confirmation_id, Standing.TAKEN_BACK),
    ]


def test_nobody_else_confirms_or_reads_agreements(session: Session, protection_1: Actor) -> None:
    with pytest.raises(NotAllowed):
        ground_acts.confirm_agreement(session, protection_1, terms=TERMS)
    with pytest.raises(NotAllowed):
        ground_acts.take_back_agreement(session, protection_1, confirmation_id="A-1")
    with pytest.raises(NotAllowed):
        ground_acts.agreements(session, protection_1)


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "standing"),
    [
        (date(2027, 3, 2), None, Standing.NOT_YET),
        (date(2027, 3, 1), None, Standing.CURRENT),
        (date(2027, 1, 1), date(2027, 3, 23), Standing.CURRENT),
        (date(2027, 1, 1), date(2027, 3, 22), Standing.SOON),
        (date(2027, 1, 1), date(2027, 3, 1), Standing.SOON),
        (date(2027, 1, 1), date(2027, 2, 28), Standing.EXPIRED),
    ],
)
def test_where_a_dated_row_stands(valid_from: date, valid_until: date | None, standing: Standing) -> None:
    assert ground_acts.standing(valid_from, valid_until, is_revoked=False, today=date(2027, 3, 1)) is standing
