"""What an independent monitor sees: counts of months that are over, small ones hidden; no person, no name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, func, select

from retorno import clock, protection
from retorno.figures.statistics import opens_on
from retorno.models.movements import ManifestVersion, Movement
from retorno.models.office import Office
from retorno.models.people import Case, Consent, Person, TravelGroup
from retorno.office import access
from retorno.situation import situation
from retorno.vocabulary import ConsentPurpose

MONTHS_SHOWN = 6
KEYS = ("consents_given", "consents_withdrawn", "holds", "decisions", "lists")


@dataclass(frozen=True, kw_only=True)
class MonthCounts:
    """Counts of a month by key; ``None`` is fewer than ``threshold``."""

    month: str
    threshold: int
    counts: dict[str, int | None]


def counts(session: Session, actor: access.Actor) -> list[MonthCounts]:
    """The last months that may be shown, newest first: over for a whole month, as statistics are.

    Each number counts something else and none is the sum or a part of another, so that hiding the small ones is enough.
    What was counted once does not change later: consents, holds and lists are never deleted nor dated back.
    """
    actor = access.require(session, actor, "monitor.read")
    office = session.get_one(Office, actor.office_id)
    where = situation(session)
    zone_name, threshold = where.zone_name(office.home_place_id), where.policy.small_cell_outside
    found: list[MonthCounts] = []
    month = clock.today(zone_name).replace(day=1)
    while len(found) < MONTHS_SHOWN:
        month = _month_before(month)
        name = f"{month:%Y-%m}"
        if clock.today(zone_name) < opens_on(name):
            continue
        start, end = _bounds(month, zone_name)
        raw = _count(session, actor, start, end)
        found.append(
            MonthCounts(
                month=name,
                threshold=threshold,
                counts={key: value if value >= threshold else None for key, value in raw.items()},
            )
        )
    return found


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _bounds(month: date, zone_name: str) -> tuple[datetime, datetime]:
    after = (month + timedelta(days=32)).replace(day=1)
    return (
        clock.instant_of(datetime.combine(month, time()), zone_name),
        clock.instant_of(datetime.combine(after, time()), zone_name),
    )


def _count(session: Session, actor: access.Actor, start: datetime, end: datetime) -> dict[str, int]:
    office_id = actor.office_id or ""
    own = (
        select(Person.person_id)
        .join(TravelGroup, col(TravelGroup.group_id) == Person.group_id)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(Case.office_id == office_id)
    )
    consents = (
        select(func.count())
        .select_from(Consent)
        .where(Consent.purpose == ConsentPurpose.RETURN, col(Consent.person_id).in_(own))
    )
    lists = (
        select(func.count())
        .select_from(ManifestVersion)
        .join(Movement, col(Movement.movement_id) == ManifestVersion.movement_id)
        .where(
            Movement.office_id == office_id,
            col(ManifestVersion.issued_at) >= start,
            col(ManifestVersion.issued_at) < end,
        )
    )
    holds, decisions = protection.counts_between(session, actor, start=start, end=end)
    return {
        "consents_given": session.exec(
            consents.where(col(Consent.recorded_at) >= start, col(Consent.recorded_at) < end)
        ).one(),
        "consents_withdrawn": session.exec(
            consents.where(col(Consent.withdrawn_at) >= start, col(Consent.withdrawn_at) < end)
        ).one(),
        "holds": holds,
        "decisions": decisions,
        "lists": session.exec(lists).one(),
    }
