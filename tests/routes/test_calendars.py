"""When posts, places and borders work: every promise of ``docs/calendars.md``, with hand-computed instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from retorno.errors import InputError
from retorno.routes.answers import Closed, Open, Permit, Window
from retorno.routes.calendars import Calendars
from retorno.routes.overlay import AgreementConfirmation, CalendarPolicy, Closure, DaylightBounds, Overlay
from retorno.routes.rows import ClockMinute, Hours
from retorno.routes.spans import common, local_minute, merged, minute_of, without
from retorno.routes.tables import Ground, load_ground
from retorno.vocabulary import ClosedReason, ClosureTarget, Profile

ADULTS = (Profile.ADULTS,)
BOUNDS = DaylightBounds(earliest=time(5), latest=time(19), vulnerable_earliest=time(6, 30), vulnerable_latest=time(17))
POLICY = CalendarPolicy(bounds=BOUNDS)
ALL_DAY = (0, 1440)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return load_ground()


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def row(
    target_id: str,
    clock: tuple[int, int] | None,
    *,
    zone: str = "America/Guatemala",
    kind: str = "weekly",
    target_kind: str = "post",
    window: str = "",
    weekdays: frozenset[int] | None = None,
    on: tuple[date, date] | None = None,
    profiles: tuple[str, ...] = (),
    cap: int | None = None,
    valid: tuple[date | None, date | None] = (None, None),
    day_type: str = "",
    row_id: str = "TEST",
) -> Hours:
    """An office's row; ``clock`` in minutes after midnight, ``None`` for closed."""
    return Hours(
        row_id=row_id,
        target_kind=target_kind,
        target_id=target_id,
        window=window,
        kind=kind,
        weekdays=weekdays,
        date_from=on[0] if on else None,
        date_to=on[1] if on else None,
        day_type=day_type,
        open_min=ClockMinute(clock[0]) if clock else None,
        close_min=ClockMinute(clock[1]) if clock else None,
        timezone=zone,
        profiles=profiles,
        daily_head_cap=cap,
        valid_from=valid[0],
        valid_to=valid[1],
        basis="office",
        source="test",
        notes="test",
    )


def calendars(
    ground: Ground,
    *,
    hours: tuple[Hours, ...] = (),
    closures: tuple[Closure, ...] = (),
    confirmations: tuple[AgreementConfirmation, ...] = (),
    policy: CalendarPolicy = POLICY,
) -> Calendars:
    return Calendars(ground, Overlay(closures=closures, hours=hours, confirmations=confirmations), policy)


def confirmation(**changed: object) -> AgreementConfirmation:
    """Confirmed for March 2026, Mexico to Honduras through Guatemala, everybody, every day."""
    base = AgreementConfirmation(
        confirmation_id="A1",
        from_countries=frozenset({"MX"}),
        transit_countries=frozenset({"GT"}),
        to_countries=frozenset({"HN"}),
        confirmed_by="Desk Norte",
        confirmed_with="Consulado de prueba",
        valid_from=date(2026, 3, 1),
        valid_until=date(2026, 3, 31),
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def window_utc(windows: tuple[Window, ...]) -> list[tuple[str, str]]:
    return [(f"{one.from_at:%d %H:%M}", f"{one.until_at:%d %H:%M}") for one in windows]


# -- hours of both sides -------------------------------------------------------------------------------------


def test_the_older_report_closes_the_honduran_desk_of_el_amatillo_at_night(ground: Ground) -> None:
    # 1 September 2025, 22:30 in Honduras (UTC-6) = 04:30 UTC on the 2nd; the desk closed at 22:00.
    at = utc(2025, 9, 2, 4, 30)
    asked = calendars(ground)

    honduran = asked.post_state("HN-SV-AMA-A", at, profiles=ADULTS, empty_vehicle=True)
    salvadoran = asked.post_state("HN-SV-AMA-B", at, profiles=ADULTS, empty_vehicle=True)
    both = asked.crossing_state("HN-SV-AMA", at, profiles=ADULTS, empty_vehicle=True)

    # It opens again at 07:00 = 13:00 UTC.
    expected = Closed(reason=ClosedReason.OUTSIDE_HOURS, target_id="HN-SV-AMA-A", next_open_at=utc(2025, 9, 2, 13))
    assert honduran == expected
    assert isinstance(salvadoran, Open)
    assert both == expected


def test_a_newer_row_replaces_the_older_one_on_its_first_day(ground: Ground) -> None:
    asked = calendars(ground)

    eve = asked.crossing_state("HN-SV-AMA", utc(2025, 9, 9, 5), profiles=ADULTS, empty_vehicle=True)
    first_night = asked.crossing_state("HN-SV-AMA", utc(2025, 9, 10, 5), profiles=ADULTS, empty_vehicle=True)

    # 05:00 UTC = 23:00 of the day before: 8 September is still closed at 22:00, 9 September is not.
    assert isinstance(eve, Closed)
    assert isinstance(first_night, Open)


def test_returns_pass_only_in_the_repatriation_window_while_an_empty_bus_passes_all_day(
    ground: Ground,
) -> None:
    asked = calendars(ground)
    day = date(2026, 3, 3)

    # 08:00 to 17:00 at UTC-6 on both sides; opening 06:00 to 21:00 on the Honduran side.
    assert window_utc(asked.crossing_windows("GT-HN-COR", day, profiles=ADULTS)) == [("03 14:00", "03 23:00")]
    assert window_utc(asked.crossing_windows("GT-HN-COR", day, profiles=ADULTS, empty_vehicle=True)) == [
        ("03 12:00", "04 03:00")
    ]


def test_returns_need_the_opening_and_the_repatriation_window_together(ground: Ground) -> None:
    office = (row("GT-HN-COR-A", (540, 720), window="opening"),)

    windows = calendars(ground, hours=office).crossing_windows("GT-HN-COR", date(2026, 3, 3), profiles=ADULTS)

    # The post opens 09:00 to 12:00; returns would be taken from 08:00 to 17:00.
    assert window_utc(windows) == [("03 15:00", "03 18:00")]


def test_each_side_is_read_on_its_own_clock(ground: Ground) -> None:
    office = (
        row("CR-PA-PCA-A", (480, 1020), zone="America/Costa_Rica"),
        row("CR-PA-PCA-B", (480, 1020), zone="America/Panama"),
    )
    asked = calendars(ground, hours=office)

    windows = asked.crossing_windows("CR-PA-PCA", date(2026, 3, 3), profiles=ADULTS)

    # Costa Rica 08:00 to 17:00 at UTC-6 = 14:00 to 23:00; Panama at UTC-5 = 13:00 to 22:00; common 14 to 22.
    assert window_utc(windows) == [("03 14:00", "03 22:00")]


def test_the_last_open_minute_is_open_and_the_closing_minute_is_closed(ground: Ground) -> None:
    asked = calendars(ground)

    # 16:59 and 17:00 at UTC-6.
    assert isinstance(asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 22, 59), profiles=ADULTS), Open)
    shut = asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 23, 0), profiles=ADULTS)
    assert isinstance(shut, Closed)
    assert shut.next_open_at == utc(2026, 3, 4, 14)


def test_dominican_republic_to_haiti_never_on_sundays_holidays_or_at_night(ground: Ground) -> None:
    # An office's row in the opening window lifts the restricted status; the repatriation rows stay.
    office = tuple(
        row(post, (480, 1020), zone="America/Santo_Domingo", window="opening")
        for post in ("DO-HT-DAJ-A", "DO-HT-DAJ-B")
    )
    asked = calendars(ground, hours=office)

    def reason(at: datetime) -> ClosedReason | None:
        state = asked.crossing_state("DO-HT-DAJ", at, profiles=ADULTS)
        return state.reason if isinstance(state, Closed) else None

    # UTC-4. Saturday 28 February 2026 12:00, Sunday 1 March 12:00, Good Friday 3 April, Monday 20:00.
    assert reason(utc(2026, 2, 28, 16)) is None
    assert reason(utc(2026, 3, 1, 16)) is ClosedReason.WEEKDAY
    assert reason(utc(2026, 4, 3, 16)) is ClosedReason.PUBLIC_HOLIDAY
    assert reason(utc(2026, 3, 3, 0)) is ClosedReason.OUTSIDE_HOURS


def test_a_restricted_crossing_is_closed_until_the_office_gives_its_hours(ground: Ground) -> None:
    state = calendars(ground).crossing_state("DO-HT-DAJ", utc(2026, 3, 3, 16), profiles=ADULTS)

    assert isinstance(state, Closed)
    assert state.reason is ClosedReason.RESTRICTED


def test_nothing_ever_passes_where_there_is_no_road_whatever_an_office_writes(ground: Ground) -> None:
    office = tuple(row(post, ALL_DAY) for post in ("PA-CO-DAR-A", "PA-CO-DAR-B"))
    state = calendars(ground, hours=office).crossing_state("PA-CO-DAR", utc(2026, 3, 3, 16), profiles=ADULTS)

    assert isinstance(state, Closed)
    assert state.reason is ClosedReason.NO_ROAD
    assert state.next_open_at is None


def test_a_post_without_any_row_is_unknown_never_open(ground: Ground) -> None:
    bare = replace(ground, hours=tuple(one for one in ground.hours if one.target_id != "GT-HN-COR-B"))
    state = calendars(bare).crossing_state("GT-HN-COR", utc(2026, 3, 3, 16), profiles=ADULTS)

    assert isinstance(state, Closed)
    assert (state.reason, state.target_id) == (ClosedReason.HOURS_UNKNOWN, "GT-HN-COR-B")


# -- special days --------------------------------------------------------------------------------------------


def test_a_holiday_of_one_side_closes_the_crossing(ground: Ground) -> None:
    # 14 April is a public holiday in Honduras only.
    state = calendars(ground).crossing_state("GT-HN-COR", utc(2026, 4, 14, 16), profiles=ADULTS)

    assert isinstance(state, Closed)
    assert (state.reason, state.target_id) == (ClosedReason.PUBLIC_HOLIDAY, "GT-HN-COR-B")
    assert state.parts
    assert state.next_open_at == utc(2026, 4, 15, 14)


def test_a_decreed_day_wins_over_the_library_in_both_directions(ground: Ground) -> None:
    decreed, moved = date(2026, 4, 17), date(2026, 4, 14)
    office = (
        row("HN", None, kind="date", target_kind="country", on=(decreed, decreed), day_type="holiday"),
        row("HN", None, kind="date", target_kind="country", on=(moved, moved), day_type="workday"),
    )
    asked = calendars(ground, hours=office)

    assert asked.crossing_windows("GT-HN-COR", decreed, profiles=ADULTS) == ()
    assert len(asked.crossing_windows("GT-HN-COR", moved, profiles=ADULTS)) == 1


def test_a_dated_row_beats_the_holiday_and_the_holiday_beats_the_week(ground: Ground) -> None:
    feast = date(2026, 4, 14)
    office = (row("GT-HN-COR-B", (600, 720), zone="America/Tegucigalpa", kind="date", on=(feast, feast)),)

    windows = calendars(ground, hours=office).crossing_windows("GT-HN-COR", feast, profiles=ADULTS)

    # 10:00 to 12:00 at UTC-6.
    assert window_utc(windows) == [("14 16:00", "14 18:00")]


def test_a_row_of_the_leap_day_counts_on_29_february_only(ground: Ground) -> None:
    leap = date(2028, 2, 29)
    asked = calendars(ground, hours=(row("GT-HN-COR-A", None, kind="date", on=(leap, leap)),))

    assert len(asked.crossing_windows("GT-HN-COR", date(2028, 2, 28), profiles=ADULTS)) == 1
    assert asked.crossing_windows("GT-HN-COR", leap, profiles=ADULTS) == ()
    assert len(asked.crossing_windows("GT-HN-COR", date(2028, 3, 1), profiles=ADULTS)) == 1


def test_every_country_with_a_crossing_has_its_holidays(ground: Ground) -> None:
    asked = calendars(ground)
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]

    for country in sorted({post.country for post in ground.posts.values()}):
        assert sum(asked.holiday(country, day) is not None for day in days) >= 5, country


# -- midnight, 24:00 and the clocks ----------------------------------------------------------------------------


def test_hours_past_midnight_belong_to_the_evening_they_begin(ground: Ground) -> None:
    # Open 22:00 to 02:00 on Mondays only (UTC-6).
    office = tuple(row(post, (1320, 120), weekdays=frozenset({0})) for post in ("GT-HN-COR-A", "GT-HN-COR-B"))
    asked = calendars(ground, hours=office)

    def is_open(at: datetime) -> bool:
        return isinstance(asked.crossing_state("GT-HN-COR", at, profiles=ADULTS), Open)

    # Monday 2 March 22:00 = 3 March 04:00 UTC; Tuesday 02:00 = 08:00 UTC; Monday 01:00 = 07:00 UTC on the 2nd.
    assert is_open(utc(2026, 3, 3, 4))
    assert is_open(utc(2026, 3, 3, 7, 59))
    assert not is_open(utc(2026, 3, 3, 8))
    assert not is_open(utc(2026, 3, 2, 7))


def test_a_post_open_until_24_00_does_not_close_at_midnight(ground: Ground) -> None:
    office = tuple(row(post, ALL_DAY) for post in ("GT-HN-COR-A", "GT-HN-COR-B"))
    asked = calendars(ground, hours=office)

    state = asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 6), profiles=ADULTS)

    assert isinstance(state, Open)
    assert state.until_at > utc(2026, 3, 20)


def test_split_hours_of_one_day_are_both_open(ground: Ground) -> None:
    office = (
        row("GT-HN-COR-A", (480, 720), row_id="MORNING"),
        row("GT-HN-COR-A", (840, 960), row_id="AFTERNOON"),
    )
    windows = calendars(ground, hours=office).crossing_windows("GT-HN-COR", date(2026, 3, 3), profiles=ADULTS)

    # 08:00 to 12:00 and 14:00 to 16:00 at UTC-6.
    assert window_utc(windows) == [("03 14:00", "03 18:00"), ("03 20:00", "03 22:00")]


def test_a_clock_time_that_does_not_exist_or_occurs_twice_takes_the_safe_side() -> None:
    chicago = "America/Chicago"
    spring, autumn = date(2026, 3, 8), date(2026, 11, 1)

    # On 8 March 02:00 to 03:00 is skipped: 02:30 is 08:30 UTC before or 07:30 UTC after the change.
    assert local_minute(spring, 150, chicago, opens=True) == minute_of(utc(2026, 3, 8, 8, 30))
    assert local_minute(spring, 150, chicago, opens=False) == minute_of(utc(2026, 3, 8, 7, 30))
    # On 1 November 01:30 occurs at 06:30 UTC and again at 07:30 UTC.
    assert local_minute(autumn, 90, chicago, opens=True) == minute_of(utc(2026, 11, 1, 7, 30))
    assert local_minute(autumn, 90, chicago, opens=False) == minute_of(utc(2026, 11, 1, 6, 30))


def test_the_same_clock_hours_move_in_utc_when_the_clocks_change(ground: Ground) -> None:
    asked = calendars(ground)

    # Hidalgo - Reynosa 08:00 to 17:00: Texas changes on 8 March 2026, Reynosa with it; UTC-6, then UTC-5.
    before = asked.crossing_windows("US-MX-HID", date(2026, 3, 7), profiles=ADULTS)
    after = asked.crossing_windows("US-MX-HID", date(2026, 3, 9), profiles=ADULTS)

    assert window_utc(before) == [("07 14:00", "07 23:00")]
    assert window_utc(after) == [("09 13:00", "09 22:00")]


def test_the_day_of_the_change_is_23_or_25_hours_long_for_a_post_that_never_closes(ground: Ground) -> None:
    posts = ("US-MX-HID-A", "US-MX-HID-B")
    asked = calendars(ground, hours=tuple(row(post, ALL_DAY, zone="America/Chicago") for post in posts))

    def hours(day: date) -> float:
        (window,) = asked.crossing_windows("US-MX-HID", day, profiles=ADULTS)
        return (window.until_at - window.from_at) / timedelta(hours=1)

    assert hours(date(2026, 3, 8)) == 23
    assert hours(date(2026, 11, 1)) == 25
    assert hours(date(2026, 3, 9)) == 24


# -- profiles and caps ---------------------------------------------------------------------------------------


def test_children_pass_on_tuesdays_and_fridays_only_while_adults_pass_daily(ground: Ground) -> None:
    office = (
        row("GT-HN-COR-B", (540, 900), profiles=("adults",), row_id="ADULTS"),
        row(
            "GT-HN-COR-B",
            (540, 900),
            profiles=("children", "families"),
            weekdays=frozenset({1, 4}),
            row_id="CHILDREN",
        ),
    )
    asked = calendars(ground, hours=office)

    def days(profile: Profile) -> str:
        week = [date(2026, 3, 2) + timedelta(days=number) for number in range(7)]
        return "".join("01"[bool(asked.crossing_windows("GT-HN-COR", day, profiles=(profile,)))] for day in week)

    assert days(Profile.ADULTS) == "1111111"
    assert days(Profile.CHILDREN) == "0100100"


def test_a_profile_that_no_row_of_today_names_is_not_accepted(ground: Ground) -> None:
    whole = tuple(one for one in ground.hours if one.target_id != "GT-HN-COR-B")
    only_families = (
        row("GT-HN-COR-B", (540, 900), profiles=("families",), window="opening"),
        row("GT-HN-COR-B", (540, 900), profiles=("families",), window="repatriation"),
    )
    asked = calendars(replace(ground, hours=whole + only_families))

    refused = asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 16), profiles=(Profile.UNACCOMPANIED,))
    mixed = asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 16), profiles=(Profile.FAMILIES, Profile.ADULTS))

    assert isinstance(refused, Closed)
    assert refused.reason is ClosedReason.PROFILE_NOT_ACCEPTED
    assert isinstance(mixed, Closed)
    assert isinstance(asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 16), profiles=(Profile.FAMILIES,)), Open)


def test_the_smaller_head_cap_of_the_two_sides_counts_and_a_closed_day_has_none_to_give(
    ground: Ground,
) -> None:
    office = (row("GT-HN-COR-A", (480, 1020), cap=110),)
    asked = calendars(ground, hours=office)

    # The shipped Honduran side says 500.
    assert asked.daily_cap("GT-HN-COR", date(2026, 3, 3), profiles=ADULTS) == 110
    assert calendars(ground).daily_cap("GT-HN-COR", date(2026, 3, 3), profiles=ADULTS) == 500
    assert asked.daily_cap("GT-HN-COR", date(2026, 4, 14), profiles=ADULTS) == 0


# -- closures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "target_id"),
    [
        (ClosureTarget.CROSSING, "GT-HN-COR"),
        (ClosureTarget.POST, "GT-HN-COR-B"),
        (ClosureTarget.COUNTRY, "GT"),
        (ClosureTarget.COUNTRY, "HN"),
    ],
)
def test_a_closure_shuts_from_its_first_instant_until_its_last_and_reopens_on_time(
    ground: Ground, target: ClosureTarget, target_id: str
) -> None:
    closure = Closure(
        target=target,
        target_id=target_id,
        from_at=utc(2026, 3, 3, 16),
        until_at=utc(2026, 3, 5, 15, 30),
        source="call",
    )
    asked = calendars(ground, closures=(closure,))

    before = asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 15, 59), profiles=ADULTS)
    during = asked.crossing_state("GT-HN-COR", utc(2026, 3, 3, 16), profiles=ADULTS)
    after = asked.crossing_state("GT-HN-COR", utc(2026, 3, 5, 15, 30), profiles=ADULTS)

    assert before == Open(until_at=utc(2026, 3, 3, 16))
    assert isinstance(during, Closed)
    assert (during.reason, during.next_open_at) == (ClosedReason.CLOSURE, utc(2026, 3, 5, 15, 30))
    assert isinstance(after, Open)


def test_a_closure_until_further_notice_has_no_next_opening(ground: Ground) -> None:
    closure = Closure(
        target=ClosureTarget.CROSSING,
        target_id="GT-HN-COR",
        from_at=utc(2026, 3, 3, 16),
        until_at=None,
        source="call",
    )
    state = calendars(ground, closures=(closure,)).crossing_state("GT-HN-COR", utc(2026, 3, 9, 16), profiles=ADULTS)

    assert isinstance(state, Closed)
    assert state.next_open_at is None


def test_an_overlay_that_names_what_does_not_exist_is_refused_with_every_fault(ground: Ground) -> None:
    closures = tuple(
        Closure(target=target, target_id=target_id, from_at=utc(2026, 3, 3), until_at=None, source="call")
        for target, target_id in (
            (ClosureTarget.CROSSING, "GT-HN-XXX"),
            (ClosureTarget.ROUTE, "MX-TAPACHULA|HN-OMOA"),
        )
    )
    with pytest.raises(InputError) as caught:
        calendars(ground, closures=closures, hours=(row("NOWHERE", ALL_DAY),))

    assert len(caught.value.faults) == 3


def test_a_closure_without_a_time_zone_or_backwards_is_refused() -> None:
    with pytest.raises(InputError, match="time zone"):
        Closure(
            target=ClosureTarget.COUNTRY,
            target_id="GT",
            from_at=datetime(2026, 3, 3),  # noqa: DTZ001 (the fault under test)
            until_at=None,
            source="call",
        )
    with pytest.raises(InputError, match="before it starts"):
        Closure(
            target=ClosureTarget.COUNTRY,
            target_id="GT",
            from_at=utc(2026, 3, 3),
            until_at=utc(2026, 3, 2),
            source="call",
        )


# -- daylight ------------------------------------------------------------------------------------------------


def test_daylight_at_tapachula_lies_around_true_noon(ground: Ground) -> None:
    wide = CalendarPolicy(
        bounds=DaylightBounds(
            earliest=time(0),
            latest=time(23, 59),
            vulnerable_earliest=time(0),
            vulnerable_latest=time(23, 59),
        )
    )
    light = calendars(ground, policy=wide).daylight("MX-TAPACHULA", date(2026, 3, 20), vulnerable=False)

    assert isinstance(light, Window)
    middle = light.from_at + (light.until_at - light.from_at) / 2
    # 92.26 west is 2.26 degrees west of the meridian of UTC-6: 4 min a degree = 9 min late; the equation of
    # time on 20 March adds 7.5 min: noon at 12:16.5 local = 18:16.5 UTC. At the equinox the day is 12 h + 7 min.
    assert abs(middle - utc(2026, 3, 20, 18, 16)) <= timedelta(minutes=2)
    assert timedelta(hours=12, minutes=3) <= light.until_at - light.from_at <= timedelta(hours=12, minutes=11)


def test_the_office_bound_cuts_a_long_day_and_the_sun_cuts_a_short_one(ground: Ground) -> None:
    asked = calendars(ground)

    june = asked.daylight("MX-TIJUANA", date(2026, 6, 20), vulnerable=False)
    december = asked.daylight("MX-TIJUANA", date(2026, 12, 20), vulnerable=False)

    assert isinstance(june, Window)
    assert isinstance(december, Window)
    # June: the sun sets after 19:00 local (UTC-7), the office's bound holds: 02:00 UTC of the next day.
    assert june.until_at == utc(2026, 6, 21, 2)
    # December (UTC-8): sunset about 16:46 and sunrise about 06:43, both inside the office's 05:00 to 19:00.
    assert utc(2026, 12, 21, 0, 40) <= december.until_at <= utc(2026, 12, 21, 0, 52)
    assert utc(2026, 12, 20, 14, 36) <= december.from_at <= utc(2026, 12, 20, 14, 50)


def test_vulnerable_people_have_the_stricter_window(ground: Ground) -> None:
    strict = calendars(ground).daylight("MX-TAPACHULA", date(2026, 6, 20), vulnerable=True)

    # The sun is up from about 05:40 to 18:45 local; the stricter bounds are 06:30 and 17:00, at UTC-6.
    assert strict == Window(from_at=utc(2026, 6, 20, 12, 30), until_at=utc(2026, 6, 20, 23))


def test_there_is_no_journey_without_a_sunrise(ground: Ground) -> None:
    asked = calendars(ground)

    assert asked.journey_span(71.3, -156.8, "America/Anchorage", date(2026, 12, 20), vulnerable=False) is None
    assert asked.journey_span(71.3, -156.8, "America/Anchorage", date(2026, 3, 20), vulnerable=False)


def test_daylight_bounds_are_refused_when_the_stricter_window_is_wider() -> None:
    with pytest.raises(InputError, match="inside"):
        DaylightBounds(earliest=time(6), latest=time(18), vulnerable_earliest=time(5), vulnerable_latest=time(17))


# -- agreements and notice -----------------------------------------------------------------------------------


def test_without_a_confirmation_no_border_may_be_planned_on(ground: Ground) -> None:
    asked = calendars(ground).agreements

    assert asked.crossing_permit("GT-HN-COR", "GT", date(2026, 3, 3), profiles=ADULTS) == Closed(
        reason=ClosedReason.NO_AGREEMENT, target_id="GT-HN-COR"
    )
    # The shipped row of the practice stands in the file and carries nothing by itself.
    assert asked.agreement_in_force("MX-HN-PRACTICE-2019", date(2026, 3, 3)) == Closed(
        reason=ClosedReason.NO_AGREEMENT, target_id="MX-HN-PRACTICE-2019"
    )


def test_a_confirmation_counts_from_its_first_to_its_last_day_and_then_says_expired(ground: Ground) -> None:
    asked = calendars(ground, confirmations=(confirmation(),)).agreements

    def answer(day: date) -> ClosedReason | None:
        permit = asked.crossing_permit("GT-HN-COR", "GT", day, profiles=ADULTS)
        return permit.reason if isinstance(permit, Closed) else None

    assert answer(date(2026, 2, 28)) is ClosedReason.AGREEMENT_NOT_YET
    assert answer(date(2026, 3, 1)) is None
    assert answer(date(2026, 3, 31)) is None
    assert answer(date(2026, 4, 1)) is ClosedReason.AGREEMENT_EXPIRED


def test_an_agreement_opens_its_own_direction_only(ground: Ground) -> None:
    asked = calendars(ground, confirmations=(confirmation(),)).agreements
    day = date(2026, 3, 3)

    assert isinstance(asked.crossing_permit("MX-GT-TAL", "MX", day, profiles=ADULTS), Permit)
    assert isinstance(asked.crossing_permit("GT-HN-COR", "GT", day, profiles=ADULTS), Permit)
    assert isinstance(asked.crossing_permit("GT-HN-COR", "HN", day, profiles=ADULTS), Closed)
    assert isinstance(asked.crossing_permit("MX-GT-TAL", "GT", day, profiles=ADULTS), Closed)
    assert isinstance(asked.crossing_permit("GT-SV-PAL", "GT", day, profiles=ADULTS), Closed)


@pytest.mark.parametrize("changed", [{"modes": ("air",)}, {"agreement_id": "CRM-FUND"}])
def test_a_flight_or_a_fund_opens_no_land_border(ground: Ground, changed: dict[str, object]) -> None:
    asked = calendars(ground, confirmations=(confirmation(**changed),)).agreements

    permit = asked.crossing_permit("GT-HN-COR", "GT", date(2026, 3, 3), profiles=ADULTS)

    assert isinstance(permit, Closed)
    assert permit.reason is ClosedReason.NO_AGREEMENT


def test_terms_left_open_are_read_from_the_agreement_buses_leave_sunday_to_thursday(ground: Ground) -> None:
    practice = confirmation(
        agreement_id="MX-HN-PRACTICE-2019",
        from_countries=frozenset(),
        transit_countries=frozenset(),
        to_countries=frozenset(),
    )
    asked = calendars(ground, confirmations=(practice,)).agreements

    def reason(crossing_id: str, day: date) -> ClosedReason | None:
        permit = asked.crossing_permit(crossing_id, crossing_id[:2], day, profiles=ADULTS)
        return permit.reason if isinstance(permit, Closed) else None

    # 5 March 2026 is a Thursday. The row lists Talismán and Corinto, so other crossings of those pairs are out.
    assert reason("MX-GT-TAL", date(2026, 3, 5)) is None
    assert reason("MX-GT-TAL", date(2026, 3, 6)) is ClosedReason.AGREEMENT_DAY
    assert reason("MX-GT-HI2", date(2026, 3, 5)) is ClosedReason.NO_AGREEMENT
    assert reason("GT-HN-COR", date(2026, 3, 8)) is None


def test_an_agreement_for_families_and_children_does_not_carry_adults(ground: Ground) -> None:
    practice = confirmation(
        agreement_id="MX-SV-CHILD-2014",
        from_countries=frozenset(),
        transit_countries=frozenset(),
        to_countries=frozenset(),
    )
    asked = calendars(ground, confirmations=(practice,)).agreements
    tuesday = date(2026, 3, 3)

    adults = asked.crossing_permit("GT-SV-PAL", "GT", tuesday, profiles=ADULTS)
    children = asked.crossing_permit("GT-SV-PAL", "GT", tuesday, profiles=(Profile.CHILDREN,))

    assert isinstance(adults, Closed)
    assert adults.reason is ClosedReason.AGREEMENT_PROFILE
    assert isinstance(children, Permit)


def test_no_returns_to_haiti_on_a_holiday_of_either_side_even_when_confirmed(ground: Ground) -> None:
    protocol = confirmation(
        agreement_id="DO-HT-1999",
        from_countries=frozenset(),
        transit_countries=frozenset(),
        to_countries=frozenset(),
        valid_until=date(2026, 12, 31),
    )
    asked = calendars(ground, confirmations=(protocol,)).agreements

    # 18 May is Flag Day in Haiti only, a Monday; Sunday is not among the agreement's days.
    feast = asked.crossing_permit("DO-HT-DAJ", "DO", date(2026, 5, 18), profiles=ADULTS)
    sunday = asked.crossing_permit("DO-HT-DAJ", "DO", date(2026, 5, 17), profiles=ADULTS)
    tuesday = asked.crossing_permit("DO-HT-DAJ", "DO", date(2026, 5, 19), profiles=ADULTS)

    assert isinstance(feast, Closed)
    assert isinstance(sunday, Closed)
    assert isinstance(tuesday, Permit)
    # 08:00 to 18:00 at UTC-4.
    start, end = minute_of(utc(2026, 5, 19, 4)), minute_of(utc(2026, 5, 20, 4))
    assert asked.agreement_hours(tuesday.confirmation_ids, start, end) == (
        (minute_of(utc(2026, 5, 19, 12)), minute_of(utc(2026, 5, 19, 22))),
    )


def test_the_longest_notice_and_the_smallest_cap_of_the_confirmations_count(ground: Ground) -> None:
    both = (
        confirmation(confirmation_id="A1", notice_hours=48, daily_heads=90),
        confirmation(confirmation_id="A2", daily_heads=130),
    )
    permit = calendars(ground, confirmations=both).agreements.crossing_permit(
        "GT-HN-COR", "GT", date(2026, 3, 3), profiles=ADULTS
    )

    # A2 states no notice: the policy's 72 h.
    assert permit == Permit(confirmation_ids=("A1", "A2"), notice_hours=72, daily_heads=90)
    alone = calendars(ground, confirmations=both[:1]).agreements.crossing_permit(
        "GT-HN-COR", "GT", date(2026, 3, 3), profiles=ADULTS
    )
    assert alone == Permit(confirmation_ids=("A1",), notice_hours=48, daily_heads=90)


def test_the_list_leaves_the_notice_before_the_border_and_the_first_day_is_a_whole_one(
    ground: Ground,
) -> None:
    asked = calendars(ground).agreements
    permit = Permit(confirmation_ids=("A1",), notice_hours=72, daily_heads=None)

    assert asked.notice_deadline(utc(2026, 3, 9, 15), permit) == utc(2026, 3, 6, 15)
    # Sent on 2 March 06:00 UTC = 00:00 at UTC-6: 72 h later is 00:00 on the 5th; a minute later it is the 6th.
    zone = "America/Guatemala"
    assert asked.first_day_with_notice(utc(2026, 3, 2, 6), permit, zone) == date(2026, 3, 5)
    assert asked.first_day_with_notice(utc(2026, 3, 2, 6, 1), permit, zone) == date(2026, 3, 6)


def test_a_confirmation_says_who_with_whom_and_until_when() -> None:
    with pytest.raises(InputError) as caught:
        confirmation(confirmed_with=" ", valid_until=date(2026, 2, 1), to_countries=frozenset())

    assert len(caught.value.faults) == 3


# -- receiving places ----------------------------------------------------------------------------------------


def test_a_city_without_a_row_receives_in_the_policys_hours_and_a_reception_centre_in_its_own(
    ground: Ground,
) -> None:
    office = (row("SV-GAMI", (420, 900), zone="America/El_Salvador", target_kind="place"),)
    asked = calendars(ground, hours=office)

    def state(place_id: str, at: datetime) -> bool:
        return isinstance(asked.post_state(place_id, at, profiles=ADULTS), Open)

    # Policy 06:00 to 20:00, the office's row 07:00 to 15:00, both at UTC-6.
    assert state("SV-SAN-SALVADOR", utc(2026, 3, 3, 12))
    assert not state("SV-SAN-SALVADOR", utc(2026, 3, 4, 2))
    assert not state("SV-GAMI", utc(2026, 3, 3, 12))
    assert state("SV-GAMI", utc(2026, 3, 3, 13))
    assert not state("SV-GAMI", utc(2026, 3, 3, 21))


def test_a_place_marked_closed_receives_nobody(ground: Ground) -> None:
    closed = sorted(place_id for place_id, place in ground.places.items() if place.status == "closed")
    state = calendars(ground).post_state(closed[0], utc(2026, 3, 3, 17), profiles=ADULTS)

    assert isinstance(state, Closed)
    assert state.reason is ClosedReason.RESTRICTED


# -- arithmetic of stretches ---------------------------------------------------------------------------------


def test_stretches_join_cut_and_meet_as_sets_of_minutes() -> None:
    left, right = merged([(0, 30), (30, 50), (70, 90), (95, 95)]), merged([(10, 75)])

    def minutes(spans: tuple[tuple[int, int], ...]) -> set[int]:
        return {minute for start, end in spans for minute in range(start, end)}

    assert left == ((0, 50), (70, 90))
    assert minutes(common(left, right)) == minutes(left) & minutes(right)
    assert minutes(without(left, right)) == minutes(left) - minutes(right)
    assert without(right, left) == ((50, 70),)
