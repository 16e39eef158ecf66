"""The ground as an office knows it now: shipped files with the dated rows of the database laid over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache

from sqlmodel import Session, col, select

from retorno import clock
from retorno.models.movements import AgreementConfirmation, Closure, HoursSetting, PolicySetting
from retorno.policy import Policy, policy_on
from retorno.routes import overlay as laid
from retorno.routes.calendars import Calendars
from retorno.routes.cells import clock_minute, weekday_numbers
from retorno.routes.rows import Airport, Hours, Place, Post
from retorno.routes.tables import Ground, load_ground
from retorno.vocabulary import Profile


@cache
def ground() -> Ground:
    """The shipped ground; read once a process."""
    return load_ground()


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Ground, overlay, numbers of the rules and calendars, as of one instant."""

    ground: Ground
    overlay: laid.Overlay
    policy: Policy
    calendars: Calendars

    def where(self, place_id: str) -> Place | Airport | Post:
        """A place, airport or post by its id; ``KeyError`` if there is none."""
        found = self.ground.places.get(place_id) or self.ground.airports.get(place_id)
        return found if found is not None else self.ground.posts[place_id]

    def zone_name(self, place_id: str) -> str:
        """Time zone of a place."""
        return self.where(place_id).timezone

    def country(self, place_id: str) -> str:
        """Country of a place."""
        return self.where(place_id).country

    def name(self, place_id: str) -> str:
        """Name of a place as printed."""
        return self.where(place_id).name


def situation(session: Session, *, day: date | None = None) -> Situation:
    """What holds now, with the numbers of the rules on ``day`` (default: today, UTC)."""
    settings = session.exec(select(PolicySetting)).all()
    policy = policy_on(day or clock.now().date(), settings)
    overlay = read_overlay(session)
    return Situation(
        ground=ground(),
        overlay=overlay,
        policy=policy,
        calendars=Calendars(ground(), overlay, _calendar_policy(policy)),
    )


def read_overlay(session: Session) -> laid.Overlay:
    """Closures, hours and confirmations of the database as facts for ``routes``."""
    closures = session.exec(select(Closure).order_by(Closure.closure_id)).all()
    hours = session.exec(
        select(HoursSetting).where(col(HoursSetting.revoked_at).is_(None)).order_by(HoursSetting.hours_id)
    ).all()
    confirmations = session.exec(
        select(AgreementConfirmation)
        .where(col(AgreementConfirmation.revoked_at).is_(None))
        .order_by(AgreementConfirmation.confirmation_id)
    ).all()
    return laid.Overlay(
        closures=tuple(
            laid.Closure(
                target=row.target,
                target_id=row.target_id,
                from_at=row.from_at,
                until_at=_closed_until(row),
                source=row.source,
            )
            for row in closures
        ),
        hours=tuple(_hours(row) for row in hours),
        confirmations=tuple(_confirmation(row) for row in confirmations if "land" in row.mode),
    )


def _closed_until(row: Closure) -> datetime | None:
    ends = [instant for instant in (row.until_at, row.reopened_at) if instant is not None]
    return max(min(ends), row.from_at) if ends else None


def _hours(row: HoursSetting) -> Hours:
    return Hours(
        row_id=row.hours_id,
        target_kind="post",
        target_id=row.post_id,
        window="",
        kind="date" if row.on_date else "weekly",
        weekdays=weekday_numbers(row.weekdays) if row.weekdays else None,
        date_from=row.on_date,
        date_to=row.on_date,
        day_type="",
        open_min=None if row.is_closed else clock_minute(row.open_time),
        close_min=None if row.is_closed else clock_minute(row.close_time),
        timezone=ground().posts[row.post_id].timezone,
        profiles=_split(row.profiles),
        daily_head_cap=row.daily_heads,
        valid_from=row.valid_from,
        valid_to=row.valid_until,
        basis="office",
        source=row.source,
        notes="",
    )


def _confirmation(row: AgreementConfirmation) -> laid.AgreementConfirmation:
    return laid.AgreementConfirmation(
        confirmation_id=row.confirmation_id,
        agreement_id=row.agreement_id,
        from_countries=frozenset(_split(row.from_country)),
        to_countries=frozenset(_split(row.to_country)),
        transit_countries=frozenset(_split(row.transit_countries)),
        crossings=_split(row.crossings),
        weekdays=weekday_numbers(row.weekdays) if row.weekdays else None,
        profiles=tuple(Profile(name) for name in _split(row.profiles)),
        notice_hours=row.notice_hours,
        daily_heads=row.daily_heads,
        confirmed_by=row.confirmed_by,
        confirmed_with=row.confirmed_with,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _calendar_policy(policy: Policy) -> laid.CalendarPolicy:
    def at(minute: int) -> time:
        return time(minute // 60, minute % 60)

    return laid.CalendarPolicy(
        bounds=laid.DaylightBounds(
            earliest=at(policy.earliest_departure_min),
            latest=at(policy.latest_arrival_min),
            vulnerable_earliest=at(policy.earliest_departure_vulnerable_min),
            vulnerable_latest=at(policy.latest_arrival_vulnerable_min),
        ),
        notice_hours=policy.notice_hours,
    )
