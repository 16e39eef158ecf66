"""Regional return statistics: tables of a month that may leave the office, frozen once they are published.

Who counts: everybody who was ticked as arrived at the destination of the group, where the handover there is signed.
A month may be published from the first day of the month after next on (a whole month's lag). What is published is
stored with small cells already hidden and is never computed anew: a late handover would otherwise show one person as
the difference of two tables.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed
from retorno.figures.suppression import TOTAL, Key, protect
from retorno.models.movements import Arrival, Handover, Movement, MovementCrossing
from retorno.models.office import StatisticRelease
from retorno.models.people import Case, DuplicateDecision, Person, TravelGroup
from retorno.office import access, audit
from retorno.situation import situation
from retorno.vocabulary import ArrivalOutcome, Sex

AGE_GROUPS: tuple[tuple[str, int, int], ...] = (
    ("0-5", 0, 5),
    ("6-11", 6, 11),
    ("12-17", 12, 17),
    ("18-29", 18, 29),
    ("30-59", 30, 59),
    ("60+", 60, 200),
)
OTHER = "other"
"""Nationalities with too few people, together."""
FEMALE_PLUS, MALE_PLUS = "F-plus", "M-plus"
"""Women and men with the people whose sex is unspecified shared out between them, where those are few."""
BY_AIR = "air"
"""Stands for the crossing of a return that crossed no land border."""
DAYS_OF_WEEK = 7


class Correction(StrEnum):
    """Why a later version of a month replaces the one before."""

    LATE_HANDOVER = "late_handover"
    WRONG_RECORD = "wrong_record"
    SAME_PERSON = "same_person"


class Unit(StrEnum):
    """What is counted; one month is published in one of them, never in both."""

    EVENTS = "events"
    PERSONS = "persons"


@dataclass(frozen=True, kw_only=True)
class Return:
    """One return that is over: no name, no reference but the person's id, which no table shows."""

    person_id: str
    month: str
    nationality: str
    sex: Sex
    age: int
    days_waiting: int
    crossing_id: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as published: ``None`` is a hidden cell."""

    axes: tuple[tuple[str, ...], ...]
    cells: Mapping[Key, int | None]


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Days waited from being stranded to being home; ``max_weeks`` is rounded up to whole weeks."""

    nationality: str
    median_days: int
    p90_days: int
    max_weeks: int


@dataclass(frozen=True, kw_only=True)
class Release:
    """The tables of one month as published; ``reason`` says why a later version replaces the one before."""

    month: str
    version: int
    unit: Unit
    threshold: int
    profile: Table
    crossing: Table
    waits: tuple[Wait, ...]
    published_at: datetime | None = None
    reason: Correction | None = None


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month with closed returns: published, ready to be, or too young (``opens_on``)."""

    month: str
    opens_on: date
    is_open: bool
    is_published: bool


# ---- which returns ---------------------------------------------------------------------------------------------


def opens_on(month: str) -> date:
    """From when a month may be published: the first day of the month after next."""
    year, number = (int(part) for part in month.split("-"))
    months = 12 * year + number - 1 + 2
    return date(months // 12, months % 12 + 1, 1)


def closed_returns(session: Session, office_id: str) -> list[Return]:
    """Every return of an office that is over, by person and movement."""
    where = situation(session)
    rows = session.exec(
        select(Arrival, Person, TravelGroup, Movement)
        .join(Person, col(Person.person_id) == Arrival.person_id)
        .join(TravelGroup, col(TravelGroup.group_id) == Person.group_id)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .join(Movement, col(Movement.movement_id) == Arrival.movement_id)
        .join(
            Handover,
            (col(Handover.movement_id) == Arrival.movement_id) & (col(Handover.place_id) == Arrival.place_id),
        )
        .where(
            Case.office_id == office_id,
            Arrival.outcome == ArrivalOutcome.ARRIVED,
            Arrival.place_id == TravelGroup.destination_place_id,
        )
        .order_by(Arrival.movement_id, Arrival.person_id)
    ).all()
    movement_ids = sorted({movement.movement_id for _, _, _, movement in rows})
    entries = {
        (crossing.movement_id, crossing.enter_country): crossing.crossing_id
        for crossing in session.exec(
            select(MovementCrossing)
            .where(col(MovementCrossing.movement_id).in_(movement_ids))
            .order_by(col(MovementCrossing.sequence))
        ).all()
    }
    found = []
    for arrival, person, group, movement in rows:
        day = clock.local(arrival.at, where.zone_name(arrival.place_id)).date()
        found.append(
            Return(
                person_id=person.person_id,
                month=f"{day:%Y-%m}",
                nationality=person.nationality,
                sex=person.sex,
                age=_age(person, day),
                days_waiting=max(0, (day - person.stranded_since).days),
                crossing_id=entries.get((movement.movement_id, group.destination_country), BY_AIR),
                mode=movement.mode.value,
            )
        )
    return found


def _age(person: Person, day: date) -> int:
    """Age on the day of arrival; whoever may be a child counts as one (R15)."""
    if person.birth_date is not None:
        age = clock.age_on(person.birth_date, max(day, person.birth_date))
    else:
        age = person.declared_age or 0
    return min(age, 17) if person.is_age_in_doubt else age


def age_group(age: int) -> str:
    """Name of the age group."""
    return next(name for name, low, high in AGE_GROUPS if low <= age <= high)


def _one_each(session: Session, returns: Sequence[Return]) -> list[Return]:
    """The first return of each person; two records that somebody called the same person count once."""
    same = session.exec(
        select(DuplicateDecision).where(col(DuplicateDecision.is_same)).order_by(DuplicateDecision.first_person_id)
    ).all()
    root: dict[str, str] = {}

    def find(person_id: str) -> str:
        while root.get(person_id, person_id) != person_id:
            person_id = root[person_id]
        return person_id

    for row in same:
        root[find(row.second_person_id)] = find(row.first_person_id)
    first: dict[str, Return] = {}
    for each in returns:
        first.setdefault(find(each.person_id), each)
    return list(first.values())


# ---- the tables ------------------------------------------------------------------------------------------------


def profile_table(returns: Iterable[Return], threshold: int) -> Table:
    """Nationality by sex by age group.

    Nationalities below the threshold stand together as ``OTHER`` with as many of the next larger ones as it takes, age
    groups below it with a neighbour. People whose sex is unspecified are a category of their own from the threshold
    on; else each of them counts with the women or with the men, by a fixed draw, and both categories are named so
    whether there is anybody or not: neither is said to be what they are not, and their number cannot be worked out.
    """
    rows = list(returns)
    merged = _merged(Counter(each.nationality for each in rows), threshold)
    is_x_own = sum(each.sex is Sex.UNSPECIFIED for each in rows) >= threshold
    sexes = ("F", "M", "X") if is_x_own else (FEMALE_PLUS, MALE_PLUS)

    def sex(each: Return) -> str:
        if is_x_own:
            return each.sex.value
        if each.sex is Sex.UNSPECIFIED:
            return (FEMALE_PLUS, MALE_PLUS)[hashlib.sha256(each.person_id.encode()).digest()[0] % 2]
        return FEMALE_PLUS if each.sex is Sex.FEMALE else MALE_PLUS

    ages = _joined_ages(Counter(age_group(each.age) for each in rows), threshold)
    counts: Counter[Key] = Counter((merged[each.nationality], sex(each), ages[age_group(each.age)]) for each in rows)
    return _table(counts, (_ordered(merged.values()), sexes, tuple(dict.fromkeys(ages.values()))), threshold)


def _joined_ages(totals: Mapping[str, int], threshold: int) -> dict[str, str]:
    """Each age group to the one that it is shown under: one below the threshold joins its smaller neighbour."""
    spans = [([name], low, high, totals[name]) for name, low, high in AGE_GROUPS]
    while len(spans) > 1 and min(span[3] for span in spans) < threshold:
        at = min(range(len(spans)), key=lambda index: spans[index][3])
        other = min((index for index in (at - 1, at + 1) if 0 <= index < len(spans)), key=lambda index: spans[index][3])
        first, second = spans[min(at, other)], spans[max(at, other)]
        spans[min(at, other) : max(at, other) + 1] = [
            ([*first[0], *second[0]], first[1], second[2], first[3] + second[3])
        ]
    return {
        name: f"{low}+" if high == AGE_GROUPS[-1][2] else f"{low}-{high}"
        for names, low, high, _ in spans
        for name in names
    }


def crossing_table(returns: Iterable[Return], threshold: int) -> Table:
    """Crossing into the country of destination by way of travelling."""
    rows = list(returns)
    merged = _merged(Counter(each.crossing_id for each in rows), threshold)
    modes = tuple(sorted({each.mode for each in rows}))
    counts: Counter[Key] = Counter((merged[each.crossing_id], each.mode) for each in rows)
    return _table(counts, (_ordered(merged.values()), modes), threshold)


def _table(counts: Mapping[Key, int], axes: tuple[tuple[str, ...], ...], threshold: int) -> Table:
    return Table(axes=axes, cells=protect(counts, axes, threshold))


def _merged(totals: Mapping[str, int], threshold: int) -> dict[str, str]:
    """Each category to the one that it is shown under."""
    small = {name for name, count in totals.items() if count < threshold}
    if small:
        for name, _ in sorted(totals.items(), key=lambda item: (item[1], item[0])):
            if sum(totals[each] for each in small) >= threshold:
                break
            small.add(name)
    return {name: OTHER if name in small else name for name in totals}


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=lambda name: (name == OTHER, name)))


def waits(returns: Iterable[Return], profile: Table, threshold: int) -> tuple[Wait, ...]:
    """Days waited by nationality, for those whose number is published; of everybody under ``TOTAL``."""
    rows = list(returns)
    merged = _merged(Counter(each.nationality for each in rows), threshold)
    rest = (TOTAL,) * (len(profile.axes) - 1)
    found = []
    for name in (TOTAL, *profile.axes[0]):
        if profile.cells[(name, *rest)] is None:
            continue
        days = sorted(each.days_waiting for each in rows if name in (TOTAL, merged[each.nationality]))
        found.append(
            Wait(
                nationality=name,
                median_days=_rank(days, 50),
                p90_days=_rank(days, 90),
                max_weeks=-(-days[-1] // DAYS_OF_WEEK),
            )
        )
    return tuple(found)


def _rank(days: Sequence[int], percent: int) -> int:
    """Nearest-rank percentile of sorted days."""
    return days[-(-len(days) * percent // 100) - 1]


# ---- publishing -----------------------------------------------------------------------------------------------


def months(session: Session, actor: access.Actor) -> list[Month]:
    """Months with closed returns, newest first, for the office; a monitor sees the published ones only."""
    actor = access.require(session, actor, "statistics.read")
    office_id = actor.office_id or ""
    published = set(session.exec(select(StatisticRelease.month).where(StatisticRelease.office_id == office_id)).all())
    names = set(published)
    if actor.has(access.CO):
        names |= {each.month for each in closed_returns(session, office_id)}
    today = clock.now().date()
    return [
        Month(month=name, opens_on=opens_on(name), is_open=today >= opens_on(name), is_published=name in published)
        for name in sorted(names, reverse=True)
    ]


def publish(session: Session, actor: access.Actor, *, month: str, unit: Unit = Unit.EVENTS) -> Release:
    """Freeze the tables of a month; publishing it again gives what was published.

    Raises
    ------
    InputError
        If the month has no closed return, or is not over for a whole month.
    """
    actor = access.require(session, actor, "statistics.publish")
    office_id = actor.office_id or ""
    held = _latest(session, office_id, month)
    if held is not None:
        return read_release(held)
    returns = [each for each in closed_returns(session, office_id) if each.month == month]
    if not returns:
        raise InputError([Fault(column="month", code="NO_RETURN", what=f"no closed return in {month}")])
    if clock.now().date() < opens_on(month):
        what = f"{month} may be published from {opens_on(month)} on: a whole month's lag"
        raise InputError([Fault(column="month", code="TOO_YOUNG", what=what)])
    threshold = situation(session).policy.small_cell_outside
    made = _release(month, unit, returns if unit is Unit.EVENTS else _one_each(session, returns), threshold)
    return _store(session, actor, made, act="statistics.publish")


def correct(session: Session, actor: access.Actor, *, month: str, reason: Correction | None) -> Release:
    """Publish a month anew with the reason; what was published before stays on record.

    Whoever holds both tables can take one from the other. So a number that stands in both has to be the same or differ
    by the threshold at least, and what is counted stays what it was.

    Raises
    ------
    InputError
        If no reason is given, no number changed, or a difference would show a small number of people.
    NotAllowed
        If the month is not published.
    """
    actor = access.require(session, actor, "statistics.publish")
    office_id = actor.office_id or ""
    held = _latest(session, office_id, month)
    if held is None:
        raise NotAllowed
    if reason is None:
        raise InputError([Fault(column="correction", code="EMPTY", what="empty, expected a reason")])
    before = read_release(held)
    returns = [each for each in closed_returns(session, office_id) if each.month == month]
    threshold = situation(session).policy.small_cell_outside
    made = _release(
        month, before.unit, returns if before.unit is Unit.EVENTS else _one_each(session, returns), threshold
    )
    made = replace(made, version=before.version + 1, reason=reason)
    if (made.profile, made.crossing, made.waits) == (before.profile, before.crossing, before.waits):
        raise InputError([Fault(column="month", code="NOTHING_CHANGED", what="every number is as published")])
    if any(0 < difference < threshold for difference in _differences(before, made)):
        what = f"a number would differ by fewer than {threshold} from the one published: the difference would show them"
        raise InputError([Fault(column="month", code="SMALL_DIFFERENCE", value=str(threshold), what=what)])
    return _store(session, actor, made, act="statistics.correct")


def _differences(before: Release, after: Release) -> list[int]:
    """By how much the numbers that are published in both differ."""
    return [
        abs(value - old)
        for first, second in ((before.profile, after.profile), (before.crossing, after.crossing))
        for key, value in second.cells.items()
        if value is not None and (old := first.cells.get(key)) is not None
    ]


def _store(session: Session, actor: access.Actor, made: Release, *, act: str) -> Release:
    row = StatisticRelease(
        office_id=actor.office_id or "",
        month=made.month,
        version=made.version,
        body=json.dumps(_as_json(made), sort_keys=True, separators=(",", ":")),
        reason=made.reason.value if made.reason else "",
        published_by=actor.user_id,
        published_at=clock.now(),
    )
    session.add(row)
    session.flush()
    audit.append(session, actor, act=act, object_kind="statistics", object_id=made.month)
    return read_release(row)


def _release(month: str, unit: Unit, returns: Sequence[Return], threshold: int) -> Release:
    profile = profile_table(returns, threshold)
    crossing = crossing_table(returns, threshold)
    return Release(
        month=month,
        version=1,
        unit=unit,
        threshold=threshold,
        profile=profile,
        crossing=crossing,
        waits=waits(returns, profile, threshold),
    )


def release(session: Session, actor: access.Actor, *, month: str) -> Release:
    """The tables of a month as published; ``NotAllowed`` where there are none."""
    actor = access.require(session, actor, "statistics.read")
    row = _latest(session, actor.office_id or "", month)
    if row is None:
        raise NotAllowed
    return read_release(row)


def _latest(session: Session, office_id: str, month: str) -> StatisticRelease | None:
    return session.exec(
        select(StatisticRelease)
        .where(StatisticRelease.office_id == office_id, StatisticRelease.month == month)
        .order_by(col(StatisticRelease.version).desc())
        .limit(1)
    ).first()


def _as_json(made: Release) -> dict[str, Any]:
    def table(each: Table) -> dict[str, Any]:
        return {"axes": each.axes, "cells": [[*key, value] for key, value in sorted(each.cells.items())]}

    return {
        "format": "retorno statistics 1",
        "month": made.month,
        "version": made.version,
        "unit": made.unit.value,
        "threshold": made.threshold,
        "profile": table(made.profile),
        "crossing": table(made.crossing),
        "waits": [[each.nationality, each.median_days, each.p90_days, each.max_weeks] for each in made.waits],
    }


def read_release(row: StatisticRelease) -> Release:
    """The stored tables of a month."""
    value = json.loads(row.body)

    def table(each: Mapping[str, Any]) -> Table:
        return Table(
            axes=tuple(tuple(axis) for axis in each["axes"]),
            cells={tuple(line[:-1]): line[-1] for line in each["cells"]},
        )

    return Release(
        month=value["month"],
        version=value["version"],
        unit=Unit(value["unit"]),
        threshold=value["threshold"],
        profile=table(value["profile"]),
        crossing=table(value["crossing"]),
        waits=tuple(
            Wait(nationality=name, median_days=median, p90_days=p90, max_weeks=weeks)
            for name, median, p90, weeks in value["waits"]
        ),
        published_at=row.published_at,
        reason=Correction(row.reason) if row.reason else None,
    )
