"""Statistics of a month: who counts, the lag, frozen once published, small cells hidden, page and sheet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, select

from retorno.database import Database
from retorno.downloads import reports
from retorno.errors import InputError, NotAllowed
from retorno.figures import statistics
from retorno.figures.statistics import OTHER, Correction, Return, Unit
from retorno.figures.suppression import TOTAL
from retorno.models.movements import Arrival, Handover, Movement, MovementCrossing
from retorno.models.office import AuditEntry, StatisticRelease
from retorno.models.people import DuplicateDecision, Person
from retorno.office.access import Actor
from retorno.vocabulary import ArrivalOutcome, Language, Mode, MovementStatus, Sex
from tests import builders

ARRIVED = datetime(2027, 1, 15, 20, 0, tzinfo=UTC)
OMOA = "HN-CAMR-OMOA"


def closed_movement(db: Session, number: int = 1, at: datetime = ARRIVED) -> Movement:
    """A bus to Omoa that arrived and was handed over."""
    movement = Movement(
        movement_id=f"M-{number}",
        reference=f"REF-{number}",
        office_id="Z-TAPACHULA",
        mode=Mode.ROAD,
        status=MovementStatus.CLOSED,
        label="P-1",
        depart_at=at - timedelta(hours=10),
        arrive_at=at,
        opens_at=at - timedelta(days=5),
    )
    db.add(movement)
    db.flush()
    db.add(
        MovementCrossing(
            movement_id=movement.movement_id,
            sequence=1,
            segment=0,
            crossing_id="GT-HN-COR",
            leave_post_id="GT-HN-COR-A",
            enter_post_id="GT-HN-COR-B",
            leave_country="GT",
            enter_country="HN",
            at=at - timedelta(hours=2),
        )
    )
    db.add(
        Handover(
            movement_id=movement.movement_id,
            place_id=OMOA,
            person_count=1,
            received_by="Invented",
            signed_by="U-1",
            signed_at=at,
        )
    )
    db.flush()
    return movement


def arrive(db: Session, movement: Movement, count: int, *, at: datetime = ARRIVED, **person: object) -> list[Person]:
    """People of one kind who arrived on a movement."""
    group = builders.make_group(db)
    values = {"stranded_since": date(2027, 1, 5), "nationality": "HN"} | person
    people = []
    for number in range(count):
        one = builders.make_person(db, group, ready=False, given_names=f"Ana {number}", **values)
        db.add(
            Arrival(
                movement_id=movement.movement_id,
                person_id=one.person_id,
                outcome=ArrivalOutcome.ARRIVED,
                manifest_version=1,
                place_id=OMOA,
                at=at,
                recorded_by="U-1",
            )
        )
        people.append(one)
    db.flush()
    return people


def a_month(db: Session) -> Movement:
    """Forty-seven returns of January: 30 Honduran women, 12 men, 5 Salvadoran women."""
    movement = closed_movement(db)
    arrive(db, movement, 30)
    arrive(db, movement, 12, sex=Sex.MALE)
    arrive(db, movement, 5, nationality="SV")
    return movement


def test_a_return_counts_when_the_handover_at_the_destination_is_signed(session: Session) -> None:
    movement = closed_movement(session)
    arrive(session, movement, 2)
    not_there = arrive(session, movement, 1)[0]
    row = session.get_one(Arrival, (movement.movement_id, not_there.person_id))
    row.outcome = ArrivalOutcome.NOT_TRAVELLING
    session.add(row)
    unsigned = closed_movement(session, 2)
    session.delete(session.get_one(Handover, (unsigned.movement_id, OMOA)))
    arrive(session, unsigned, 4)
    session.flush()

    found = statistics.closed_returns(session, "Z-TAPACHULA")

    assert len(found) == 2
    assert {(each.month, each.nationality, each.crossing_id, each.days_waiting) for each in found} == {
        ("2027-01", "HN", "GT-HN-COR", 10)
    }
    assert statistics.closed_returns(session, "Z-OTHER") == []


def test_an_age_in_doubt_counts_as_a_childs(session: Session) -> None:
    arrive(session, closed_movement(session), 1, birth_date=None, declared_age=25, is_age_in_doubt=True)

    assert [statistics.age_group(each.age) for each in statistics.closed_returns(session, "Z-TAPACHULA")] == ["12-17"]


@pytest.mark.parametrize(
    ("age", "group"),
    [(0, "0-5"), (5, "0-5"), (6, "6-11"), (17, "12-17"), (18, "18-29"), (59, "30-59"), (60, "60+"), (101, "60+")],
)
def test_age_groups_have_the_bounds_of_the_region(age: int, group: str) -> None:
    assert statistics.age_group(age) == group


@pytest.mark.parametrize(("month", "day"), [("2027-01", date(2027, 3, 1)), ("2026-12", date(2027, 2, 1))])
def test_a_month_opens_on_the_first_day_of_the_month_after_next(month: str, day: date) -> None:
    assert statistics.opens_on(month) == day


def test_a_month_is_published_after_a_whole_months_lag_and_not_before(
    session: Session, coordinator: Actor, frozen_clock: Callable[[datetime], None]
) -> None:
    a_month(session)
    frozen_clock(datetime(2027, 2, 28, 23, 0, tzinfo=UTC))

    with pytest.raises(InputError) as refused:
        statistics.publish(session, coordinator, month="2027-01")

    assert [fault.code for fault in refused.value.faults] == ["TOO_YOUNG"]
    frozen_clock(datetime(2027, 3, 1, 0, 0, tzinfo=UTC))
    assert statistics.publish(session, coordinator, month="2027-01").month == "2027-01"


def test_a_month_without_a_return_is_not_published(session: Session, coordinator: Actor) -> None:
    with pytest.raises(InputError) as refused:
        statistics.publish(session, coordinator, month="2027-01")

    assert [fault.code for fault in refused.value.faults] == ["NO_RETURN"]


def returned(count: int, *, sex: Sex = Sex.FEMALE, nationality: str = "HN", age: int = 37) -> list[Return]:
    """Returns of people of one kind, without a database."""
    return [
        Return(
            person_id=f"P-{nationality}-{sex.value}-{age}-{number}",
            month="2027-01",
            nationality=nationality,
            sex=sex,
            age=age,
            days_waiting=10,
            crossing_id="GT-HN-COR",
            mode="road",
        )
        for number in range(count)
    ]


def test_small_numbers_are_hidden_and_small_nationalities_stand_together() -> None:
    rows = [*returned(30), *returned(12, sex=Sex.MALE), *returned(5, nationality="SV")]

    profile, crossing = statistics.profile_table(rows, 10), statistics.crossing_table(rows, 10)

    assert profile.axes[0] == (OTHER,)  # five people are few, and the next nationality hides them
    assert profile.cells[(TOTAL, TOTAL, TOTAL)] == 47
    assert profile.cells[(OTHER, "F-plus", TOTAL)] == 35
    assert profile.cells[(OTHER, "M-plus", TOTAL)] == 12
    assert profile.axes[2] == ("0+",)  # all are of one age group, and the others are too small to stand alone
    assert crossing.cells[("GT-HN-COR", "road")] == 47
    assert [
        (each.nationality, each.median_days, each.p90_days, each.max_weeks)
        for each in statistics.waits(rows, profile, 10)
    ] == [(TOTAL, 10, 10, 2), (OTHER, 10, 10, 2)]


def test_a_small_age_group_joins_its_smaller_neighbour() -> None:
    rows = [row for count, age in ((20, 3), (3, 9), (15, 15), (30, 37), (9, 67)) for row in returned(count, age=age)]

    made = statistics.profile_table(rows, 10)

    # Nobody is 18 to 29: that group joins 12-17, then 6-11 (3) joins them; 60+ (9) joins 30-59.
    assert made.axes[2] == ("0-5", "6-29", "30+")
    assert [made.cells[(TOTAL, TOTAL, age)] for age in made.axes[2]] == [20, 18, 39]


def test_few_people_of_unspecified_sex_are_shared_out_and_never_called_men() -> None:
    few = statistics.profile_table([*returned(40), *returned(40, sex=Sex.MALE), *returned(9, sex=Sex.UNSPECIFIED)], 10)
    none = statistics.profile_table([*returned(40), *returned(40, sex=Sex.MALE)], 10)
    many = statistics.profile_table(
        [*returned(40), *returned(40, sex=Sex.MALE), *returned(10, sex=Sex.UNSPECIFIED)], 10
    )

    assert few.axes[1] == none.axes[1] == ("F-plus", "M-plus")  # whether there is anybody or not
    assert (few.cells[(TOTAL, "F-plus", TOTAL)], few.cells[(TOTAL, "M-plus", TOTAL)]) == (43, 46)
    assert few.cells[(TOTAL, TOTAL, TOTAL)] == 89
    assert many.axes[1] == ("F", "M", "X")
    assert many.cells[(TOTAL, "X", TOTAL)] == 10


def test_a_nationality_is_never_read_as_a_sex() -> None:
    assert reports.category_text("MX", Language.ES) == "México"
    assert reports.category_text("F", Language.EN) == "female"
    assert reports.category_text("M-plus", Language.ES) == "hombres +"


# ---- corrections -------------------------------------------------------------------------------------------------


def test_a_month_is_corrected_with_a_reason_and_the_first_version_stays(
    session: Session, coordinator: Actor, monitor: Actor
) -> None:
    movement = a_month(session)
    first = statistics.publish(session, coordinator, month="2027-01")
    arrive(session, movement, 15)

    made = statistics.correct(session, coordinator, month="2027-01", reason=Correction.LATE_HANDOVER)

    assert (made.version, made.reason) == (2, Correction.LATE_HANDOVER)
    assert (first.version, first.reason) == (1, None)
    assert made.profile.cells[(TOTAL, TOTAL, TOTAL)] == 62
    assert statistics.release(session, monitor, month="2027-01") == made
    versions = session.exec(select(StatisticRelease).order_by(col(StatisticRelease.version))).all()
    assert [(row.version, row.reason) for row in versions] == [(1, ""), (2, "late_handover")]
    page = reports.statistics_page(session, monitor, month="2027-01", language=Language.EN).decode()
    assert "supersedes version 1: a handover was signed later" in page


def test_a_correction_that_would_show_a_few_people_is_refused(session: Session, coordinator: Actor) -> None:
    movement = a_month(session)
    statistics.publish(session, coordinator, month="2027-01")
    with pytest.raises(InputError) as unchanged:
        statistics.correct(session, coordinator, month="2027-01", reason=Correction.WRONG_RECORD)
    arrive(session, movement, 9)

    with pytest.raises(InputError) as small:
        statistics.correct(session, coordinator, month="2027-01", reason=Correction.LATE_HANDOVER)
    with pytest.raises(InputError) as without:
        statistics.correct(session, coordinator, month="2027-01", reason=None)

    assert [fault.code for fault in unchanged.value.faults] == ["NOTHING_CHANGED"]
    assert [fault.code for fault in small.value.faults] == ["SMALL_DIFFERENCE"]
    assert [fault.code for fault in without.value.faults] == ["EMPTY"]


def test_what_is_not_published_is_not_corrected_and_a_monitor_corrects_nothing(
    session: Session, coordinator: Actor, monitor: Actor
) -> None:
    a_month(session)
    for actor in (coordinator, monitor):
        with pytest.raises(NotAllowed):
            statistics.correct(session, actor, month="2027-01", reason=Correction.WRONG_RECORD)


def test_what_is_published_stays_as_it_is(session: Session, coordinator: Actor, monitor: Actor) -> None:
    movement = a_month(session)
    first = statistics.publish(session, coordinator, month="2027-01")
    arrive(session, movement, 1)

    again = statistics.publish(session, coordinator, month="2027-01")

    assert again == first
    assert statistics.release(session, monitor, month="2027-01") == first
    acts = session.exec(select(AuditEntry).where(AuditEntry.act == "statistics.publish")).all()
    assert [entry.object_id for entry in acts] == ["2027-01"]


def test_the_database_refuses_to_change_a_published_table(database: Database, coordinator: Actor) -> None:
    with database.transaction() as session:
        a_month(session)
        statistics.publish(session, coordinator, month="2027-01")

    for statement in ("UPDATE statistic_release SET body = '{}'", "DELETE FROM statistic_release"):
        with pytest.raises(DatabaseError, match="statisti"), database.transaction() as session:
            session.execute(text(statement))


def test_monitors_see_published_months_only_and_publish_nothing(
    session: Session, coordinator: Actor, monitor: Actor, administrator: Actor
) -> None:
    a_month(session)

    assert statistics.months(session, monitor) == []
    with pytest.raises(NotAllowed):
        statistics.release(session, monitor, month="2027-01")
    with pytest.raises(NotAllowed):
        statistics.publish(session, monitor, month="2027-01")
    with pytest.raises(NotAllowed):
        statistics.months(session, administrator)
    statistics.publish(session, coordinator, month="2027-01")
    assert [each.month for each in statistics.months(session, monitor)] == ["2027-01"]


def test_two_records_of_one_person_count_once_where_people_are_counted(session: Session, coordinator: Actor) -> None:
    movement = closed_movement(session)
    people = arrive(session, movement, 20)
    first, second = sorted((people[0].person_id, people[1].person_id))
    session.add(
        DuplicateDecision(
            first_person_id=first,
            second_person_id=second,
            is_same=True,
            decided_by="U-1",
            decided_at=builders.NOW,
        )
    )
    session.flush()

    made = statistics.publish(session, coordinator, month="2027-01", unit=Unit.PERSONS)

    assert made.unit is Unit.PERSONS
    assert made.profile.cells[(TOTAL, TOTAL, TOTAL)] == 19


def test_page_and_sheet_hold_the_published_numbers_and_no_others(session: Session, coordinator: Actor) -> None:
    a_month(session)
    statistics.publish(session, coordinator, month="2027-01")

    page = reports.statistics_page(session, coordinator, month="2027-01", language=Language.FR).decode()
    sheet = reports.statistics_csv(session, coordinator, month="2027-01", language=Language.ES).decode("utf-8-sig")

    assert "janvier 2027" in page
    assert "<td class=n>47</td>" in page
    assert "enero de 2027" in sheet
    assert ",47\r\n" in sheet
    assert "Ana" not in page + sheet
    assert not any(cell.isdecimal() and 0 < int(cell) < 10 for cell in sheet.split("Días de espera")[0].split(","))
