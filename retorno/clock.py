"""The only reader of the real time; UTC instants, place-local times, ages, plan minutes."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version

from retorno.errors import InputError

# The machine's own time zone data may be years old; the tzdata package is part of the lock file.
zoneinfo.reset_tzpath(())

TZDATA_VERSION = version("tzdata")
"""Version of the time zone data in use; stored with every plan."""

_now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731


def now() -> datetime:
    """The instant now, UTC, whole microseconds, time-zone aware."""
    return _now()


def set_now(source: Callable[[], datetime] | None) -> None:
    """Replace the source of the real time (tests, drills); ``None`` restores it."""
    global _now
    _now = source if source is not None else lambda: datetime.now(UTC)


@contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Let the time stand still at an instant, then go on with the source there was (setting up a demonstration)."""
    global _now
    before = _now
    _now = lambda: instant  # noqa: E731
    try:
        yield
    finally:
        _now = before


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The time zone called ``name``; ``InputError`` if there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f'time zone "{name}" is unknown, expected a name such as "America/Guatemala"') from error


def local(instant: datetime, zone_name: str) -> datetime:
    """An instant as place-local time, aware."""
    return instant.astimezone(zone(zone_name))


def instant_of(local_time: datetime, zone_name: str) -> datetime:
    """The UTC instant of a naive place-local time.

    Raises
    ------
    InputError
        If the local time does not exist (clocks forward) or is ambiguous (clocks back).
    """
    if local_time.tzinfo is not None:
        raise InputError("local time already carries a time zone, expected a naive local time")
    place = zone(zone_name)
    first = local_time.replace(tzinfo=place, fold=0)
    second = local_time.replace(tzinfo=place, fold=1)
    if first.utcoffset() != second.utcoffset():
        exists = first.astimezone(UTC).astimezone(place).replace(tzinfo=None) == local_time
        what = "occurs twice" if exists else "does not exist"
        raise InputError(f"local time {local_time:%Y-%m-%d %H:%M} {what} in {zone_name}: choose another")
    return first.astimezone(UTC)


def today(zone_name: str) -> date:
    """The place-local date now."""
    return local(now(), zone_name).date()


def age_on(birth_date: date, day: date) -> int:
    """Completed years on ``day``; a person born on 29 February has the birthday on 1 March."""
    if birth_date > day:
        raise InputError(f"birth date {birth_date} is after {day}")
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def plan_minute(instant: datetime, first_date: date, clock_utc_offset_min: int) -> int:
    """Whole minutes since 00:00 of ``first_date`` on a plan clock that is fixed against UTC."""
    start = datetime(first_date.year, first_date.month, first_date.day, tzinfo=UTC) - timedelta(
        minutes=clock_utc_offset_min
    )
    return int((instant - start).total_seconds() // 60)


def plan_instant(minute: int, first_date: date, clock_utc_offset_min: int) -> datetime:
    """The UTC instant of a plan minute; inverse of ``plan_minute``."""
    start = datetime(first_date.year, first_date.month, first_date.day, tzinfo=UTC)
    return start + timedelta(minutes=minute - clock_utc_offset_min)
