"""The rules that judge a movement: families in one vehicle, escorts, seats, hours, driving, reception, notice.

One function a rule, ``(movement, policy) -> list[Finding]``. What the calendars say about a post (open, closed,
closing) comes in as a fact; what cannot be known before a stage is not asked before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from retorno.policy import Policy
from retorno.rules.facts import AIR, EscortFacts, MovementFacts, Occasion, PersonFacts, RiderFacts
from retorno.rules.findings import Finding, RuleCode, finding
from retorno.rules.persons import age_of, is_child, is_unaccompanied_child, is_vulnerable
from retorno.vocabulary import MovementStatus, Need, Sex

_ORDER = list(MovementStatus)
_MEDICAL_DUTY = "medical"


def _has_reached(movement: MovementFacts, stage: MovementStatus) -> bool:
    return _ORDER.index(movement.stage) >= _ORDER.index(stage)


def occasion_of(movement: MovementFacts, policy: Policy) -> Occasion:
    """The days of a movement, for the questions of age and health."""
    return Occasion(
        now=movement.now,
        departs_on=movement.segments[0].depart_local.date() if movement.segments else movement.depart_at.date(),
        last_leg_on=movement.segments[-1].arrive_local.date() if movement.segments else movement.arrive_at.date(),
        policy=policy,
    )


def _on_segment(movement: MovementFacts, segment: int) -> list[RiderFacts]:
    return [rider for rider in movement.riders if rider.board <= segment < rider.alight]


def _escorts_on(movement: MovementFacts, segment: int) -> list[EscortFacts]:
    return [escort for escort in movement.escorts if escort.board <= segment < escort.alight]


def _usable(escorts: Iterable[EscortFacts]) -> list[EscortFacts]:
    """Escorts of children: available, not driving, not there for medical duty."""
    return [e for e in escorts if e.is_available and not e.is_driver and e.duty != _MEDICAL_DUTY]


def escorts_needed(ages: Sequence[int], policy: Policy) -> int:
    """Escorts for unaccompanied children of these ages in one vehicle; 0 for none.

    The bands are counted apart and rounded up each, which is never fewer than sharing an escort between bands.
    """
    if not ages:
        return 0
    small = sum(age < policy.escort_band_small_age for age in ages)
    middle = sum(policy.escort_band_small_age <= age < policy.escort_band_middle_age for age in ages)
    older = len(ages) - small - middle
    by_ratio = (
        -(-small // policy.children_per_escort_small)
        - (-middle // policy.children_per_escort_middle)
        - (-older // policy.children_per_escort_older)
    )
    return max(by_ratio, policy.escorts_with_unaccompanied)


def _of(
    movement: MovementFacts,
    code: RuleCode,
    /,
    *,
    person: PersonFacts | None = None,
    person_id: str | None = None,
    group_id: str | None = None,
    **params: object,
) -> Finding:
    """A finding on this movement."""
    return finding(
        code,
        person_id=person.person_id if person else person_id,
        group_id=person.group_id if person else group_id,
        movement_id=movement.movement_id,
        **params,  # type: ignore[arg-type]
    )


# ---- R7, R10, R12 to R14: people -----------------------------------------------------------------------------


def route_open(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R7: no movement through a suspended country, crossing or route."""
    return [
        _of(movement, RuleCode.ROUTE_SUSPENDED, crossing=crossing.crossing_id)
        for crossing in movement.crossings
        if crossing.is_suspended
    ]


def groups_whole(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R10: all members of a group ride the same vehicle between the same stops."""
    found: list[Finding] = []
    for group_id, members in sorted(movement.group_members):
        riders = [rider for rider in movement.riders if rider.person.group_id == group_id]
        aboard = {rider.person.person_id for rider in riders}
        if aboard and not members <= aboard:
            found.append(
                _of(
                    movement, RuleCode.GROUP_NOT_WHOLE, group_id=group_id, missing=len(members - aboard), n=len(members)
                )
            )
        if len({(rider.board, rider.alight) for rider in riders}) > 1:
            found.append(_of(movement, RuleCode.GROUP_SEPARATED, group_id=group_id))
    return found


def escort_on_every_leg(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R12: an unaccompanied child has an escort approved for it on every segment that it rides."""
    occasion = occasion_of(movement, policy)
    found: list[Finding] = []
    for rider in movement.riders:
        if not is_unaccompanied_child(rider.person, occasion):
            continue
        approved = {
            escort_id for escort_id, until in rider.person.escorts_approved_until if until >= occasion.last_leg_on
        }
        if any(
            approved.isdisjoint(escort.escort_id for escort in _usable(_escorts_on(movement, segment)))
            for segment in range(rider.board, rider.alight)
        ):
            found.append(_of(movement, RuleCode.UASC_ESCORT_NOT_ON_LEG, person=rider.person))
    return found


def escorts_suffice(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R13: enough escorts by age on every segment, one of a girl's own sex, none driving, each with a way back."""
    occasion = occasion_of(movement, policy)
    found: list[Finding] = []
    for escort in movement.escorts:
        if escort.is_driver or escort.escort_id in {driver.driver_id for driver in movement.drivers}:
            found.append(_of(movement, RuleCode.ESCORT_DRIVES, escort=escort.escort_id))
        if not escort.has_return_seat:
            found.append(_of(movement, RuleCode.ESCORT_NO_RETURN, escort=escort.escort_id))
        if not escort.is_available or escort.approved_until < occasion.last_leg_on:
            found.append(_of(movement, RuleCode.ESCORT_UNAVAILABLE, escort=escort.escort_id))
    worst_gap, needed_there, own_sex = 0, 0, False
    for segment in range(len(movement.segments)):
        children = [r.person for r in _on_segment(movement, segment) if is_unaccompanied_child(r.person, occasion)]
        escorts = [e for e in _usable(_escorts_on(movement, segment)) if e.approved_until >= occasion.last_leg_on]
        needed = escorts_needed([_escorted_age(child, occasion) for child in children], policy)
        if needed - len(escorts) > worst_gap:
            worst_gap, needed_there = needed - len(escorts), needed
        girls = any(child.sex is Sex.FEMALE for child in children)
        own_sex |= girls and not any(escort.sex is Sex.FEMALE for escort in escorts)
    if worst_gap:
        found.append(_of(movement, RuleCode.ESCORTS_TOO_FEW, missing=worst_gap, needed=needed_there))
    if own_sex:
        found.append(_of(movement, RuleCode.ESCORT_OWN_SEX))
    return found


def _escorted_age(child: PersonFacts, occasion: Occasion) -> int:
    """Age for the escort ratio: of a child whose age is in doubt never above the age of majority."""
    return min(age_of(child, occasion.departs_on), occasion.policy.age_of_majority - 1)


def children_protected(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R14: not too many unaccompanied children in a vehicle, and no child among unrelated adults without an escort.

    A child with its family sits beside its own caregiver, who has to be on the same segment.
    """
    occasion = occasion_of(movement, policy)
    most = 0
    exposed: dict[str, Finding] = {}
    for segment in range(len(movement.segments)):
        riders = _on_segment(movement, segment)
        most = max(most, sum(is_unaccompanied_child(rider.person, occasion) for rider in riders))
        if _usable(_escorts_on(movement, segment)):
            continue
        adult_groups = {r.person.group_id for r in riders if not is_child(r.person, occasion)}
        for rider in riders:
            person = rider.person
            is_exposed = is_child(person, occasion) and (
                bool(adult_groups - {person.group_id})
                and (is_unaccompanied_child(person, occasion) or person.group_id not in adult_groups)
            )
            if is_exposed:
                exposed.setdefault(person.person_id, _of(movement, RuleCode.CHILD_AMONG_ADULTS, person=person))
    found = list(exposed.values())
    limit = policy.unaccompanied_per_aircraft if movement.mode in AIR else policy.unaccompanied_per_vehicle
    if most > limit:
        found.append(_of(movement, RuleCode.UASC_PER_VEHICLE, children=most, most=limit))
    return found


# ---- R16, R18: needs and seats ---------------------------------------------------------------------------------


def needs_served(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R16: wheelchair place, medical escort, oxygen and the vehicle itself match what each person needs."""
    found: list[Finding] = []
    for rider in movement.riders:
        person = rider.person
        needs = person.fitness.needs if person.fitness else frozenset()
        if (person.needs_wheelchair or Need.WHEELCHAIR in needs) and not rider.is_wheelchair:
            found.append(_of(movement, RuleCode.WHEELCHAIR_PLACE, person=person))
        if Need.MEDICAL_ESCORT in needs and not all(
            any(e.duty == _MEDICAL_DUTY and e.is_available for e in _escorts_on(movement, segment))
            for segment in range(rider.board, rider.alight)
        ):
            found.append(_of(movement, RuleCode.MEDICAL_ESCORT_MISSING, person=person))
        if Need.OXYGEN in needs and movement.mode in AIR and not movement.offers_oxygen:
            found.append(_of(movement, RuleCode.OXYGEN_NOT_APPROVED, person=person))
        if movement.vehicle is not None:
            left = needs - movement.vehicle.serves_needs - {Need.WHEELCHAIR, Need.MEDICAL_ESCORT}
            found += [_of(movement, RuleCode.NEED_NOT_SERVED, person=person, need=need.value) for need in sorted(left)]
    return found


def seats_respected(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R18: never more people than usable seats, spare seats kept, one person one seat at a time."""
    found: list[Finding] = []
    for index, segment in enumerate(movement.segments):
        riders = _on_segment(movement, index)
        people = len(riders) + len(_escorts_on(movement, index))
        wheelchairs = sum(rider.is_wheelchair for rider in riders)
        if people > segment.usable_seats:
            found.append(
                _of(movement, RuleCode.SEATS_OVER, segment=index + 1, people=people, seats=segment.usable_seats)
            )
        if wheelchairs > segment.wheelchairs:
            found.append(
                _of(
                    movement,
                    RuleCode.WHEELCHAIRS_OVER,
                    segment=index + 1,
                    people=wheelchairs,
                    places=segment.wheelchairs,
                )
            )
        if segment.built_seats is not None:
            most = usable_seats(segment.built_seats, policy)
            if segment.usable_seats > most and people > most:
                found.append(_of(movement, RuleCode.SPARE_SEATS, segment=index + 1, people=people, seats=most))
    ids = [rider.person.person_id for rider in movement.riders] + [escort.escort_id for escort in movement.escorts]
    twice = {each for each in ids if ids.count(each) > 1} | (movement.travelling_elsewhere & set(ids))
    found += [_of(movement, RuleCode.TRAVELS_TWICE, person_id=each) for each in sorted(twice)]
    return found


def usable_seats(built_seats: int, policy: Policy) -> int:
    """Seats that may be used of those built in: the spare ones are rounded up (45 seats at 10 % leave 40)."""
    return built_seats + -(built_seats * policy.spare_seats_percent) // 100


# ---- R19, R20: the journey -------------------------------------------------------------------------------------


def daylight_and_hours(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R19: land movement in daylight only; every desk and reception place open, with the buffer, on both sides."""
    found = _daylight(movement, policy) if movement.is_land else []
    buffer = policy.border_buffer_min
    for crossing in movement.crossings:
        for post in (crossing.leave, crossing.enter):
            if not post.is_open:
                found.append(
                    _of(
                        movement,
                        RuleCode.POST_CLOSED,
                        crossing=crossing.crossing_id,
                        post=post.post_id,
                        reason=post.reason,
                    )
                )
            elif post.closes_in_min is not None and post.closes_in_min < buffer:
                found.append(
                    _of(
                        movement,
                        RuleCode.POST_CLOSES_SOON,
                        post=post.post_id,
                        t=post.closes_at,
                        minutes=post.closes_in_min,
                        buffer=buffer,
                    )
                )
    for place in movement.receptions:
        if not place.is_open:
            found.append(_of(movement, RuleCode.RECEPTION_CLOSED, reason=place.reason, place=place.place_id))
        elif place.closes_in_min is not None and place.closes_in_min < buffer:
            found.append(
                _of(
                    movement,
                    RuleCode.RECEPTION_CLOSES_SOON,
                    minutes=place.closes_in_min,
                    buffer=buffer,
                    place=place.place_id,
                )
            )
        if place.is_last_onward_missed:
            found.append(_of(movement, RuleCode.NO_ONWARD_LEFT, place=place.place_id))
    return found


def _daylight(movement: MovementFacts, policy: Policy) -> list[Finding]:
    occasion = occasion_of(movement, policy)
    is_strict = any(is_vulnerable(rider.person, occasion) for rider in movement.riders)
    opens = policy.earliest_departure_vulnerable_min if is_strict else policy.earliest_departure_min
    closes = policy.latest_arrival_vulnerable_min if is_strict else policy.latest_arrival_min
    found: list[Finding] = []
    for index, segment in enumerate(movement.segments):
        earliest = max(opens, segment.light_from_min)
        latest = min(closes, segment.light_until_min)
        leaves, comes = _minute(segment.depart_local), _minute(segment.arrive_local)
        is_overnight = segment.arrive_local.date() > segment.depart_local.date()
        if leaves < earliest:
            found.append(
                _of(movement, RuleCode.DEPARTS_IN_DARK, segment=index + 1, time=_clock(leaves), bound=_clock(earliest))
            )
        if comes > latest or is_overnight:
            found.append(
                _of(movement, RuleCode.ARRIVES_IN_DARK, segment=index + 1, time=_clock(comes), bound=_clock(latest))
            )
    return found


def _minute(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute + (moment.second > 0)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def driving_safe(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R20: breaks, second driver, day length, beds at night, drivers rested, vehicle and driver papers valid."""
    found = [
        _of(movement, RuleCode.NIGHT_WITHOUT_BED, place=night.place_id, beds=night.free_beds, people=night.person_count)
        for night in movement.nights
        if night.person_count > night.free_beds
    ]
    if not movement.drive_stretches_min and movement.vehicle is None and not movement.drivers_needed:
        # Bought seats: driver and vehicle are the carrier's; its licence is a matter of its confirmation.
        return found
    longest = max(movement.drive_stretches_min, default=0)
    if longest > policy.continuous_driving_min:
        found.append(_of(movement, RuleCode.DRIVES_TOO_LONG, minutes=longest, most=policy.continuous_driving_min))
    found += [
        _of(movement, RuleCode.BREAK_TOO_SHORT, minutes=stop.minutes, least=policy.break_min)
        for stop in movement.breaks
        if stop.minutes < policy.break_min or not stop.has_toilet
    ]
    if len(movement.breaks) < len(movement.drive_stretches_min) - 1:
        found.append(_of(movement, RuleCode.BREAK_TOO_SHORT, minutes=0, least=policy.break_min))
    driving = sum(movement.drive_stretches_min)
    needed = max(1, -(-driving // policy.driver_day_min), movement.drivers_needed)
    have = len(movement.drivers) if _has_reached(movement, MovementStatus.ISSUED) else movement.drivers_needed
    if have < needed:
        found.append(_of(movement, RuleCode.DRIVERS_TOO_FEW, drivers=have, needed=needed))
    day_min = int((movement.arrive_at - movement.depart_at).total_seconds() // 60)
    if day_min > policy.journey_day_min:
        found.append(_of(movement, RuleCode.DAY_TOO_LONG, minutes=day_min, most=policy.journey_day_min))
    return found + _papers_and_rest(movement, policy)


def _papers_and_rest(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """Drivers and vehicle as far as they are named; both must be named before a manifest is issued."""
    last_day = occasion_of(movement, policy).last_leg_on
    found: list[Finding] = []
    for driver in movement.drivers:
        if driver.licence_until < last_day:
            found.append(_of(movement, RuleCode.DRIVER_LICENCE, driver=driver.driver_id, date=driver.licence_until))
        if driver.rest_hours_before is not None and driver.rest_hours_before < policy.driver_daily_rest_hours:
            found.append(
                _of(
                    movement,
                    RuleCode.DRIVER_REST,
                    driver=driver.driver_id,
                    hours=driver.rest_hours_before,
                    least=policy.driver_daily_rest_hours,
                )
            )
        if driver.days_driven_in_row >= policy.driver_days_in_row:
            found.append(_of(movement, RuleCode.DRIVER_WEEK, driver=driver.driver_id, days=policy.driver_days_in_row))
    vehicle = movement.vehicle
    if vehicle is not None:
        found += [
            _of(movement, code, vehicle=vehicle.vehicle_id, date=until)
            for code, until in (
                (RuleCode.VEHICLE_LICENCE, vehicle.licence_until),
                (RuleCode.VEHICLE_INSURANCE, vehicle.insurance_until),
                (RuleCode.VEHICLE_INSPECTION, vehicle.inspection_until),
            )
            if until < last_day
        ]
    elif movement.is_land and _has_reached(movement, MovementStatus.ISSUED):
        found.append(_of(movement, RuleCode.NO_VEHICLE))
    if not movement.is_route_confirmed and _has_reached(movement, MovementStatus.RELEASED):
        found.append(_of(movement, RuleCode.ROUTE_NOT_CONFIRMED))
    return found


# ---- R21, R22: the other side ----------------------------------------------------------------------------------


def reception_ready(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R21: a named receiver with room for these people at every arrival; no release without every acknowledgement."""
    found: list[Finding] = []
    if not movement.receptions and movement.riders:
        found.append(_of(movement, RuleCode.NO_RECEIVER, place=""))
    for place in movement.receptions:
        if not place.receiver.strip():
            found.append(_of(movement, RuleCode.NO_RECEIVER, place=place.place_id))
        if place.free_places is not None and place.person_count > place.free_places:
            found.append(
                _of(
                    movement,
                    RuleCode.RECEPTION_FULL,
                    people=place.person_count,
                    places=place.free_places,
                    place=place.place_id,
                )
            )
        if not place.accepts_profiles:
            found.append(_of(movement, RuleCode.RECEPTION_PROFILE, place=place.place_id))
    if _has_reached(movement, MovementStatus.RELEASED):
        found += [
            _of(movement, RuleCode.NOT_ACKNOWLEDGED, party=ack.party_id, kind=ack.party_kind.value)
            for ack in movement.acknowledgements
            if ack.acknowledged_at is None
        ]
        if not movement.acknowledgements and movement.riders:
            found.append(_of(movement, RuleCode.NOT_ACKNOWLEDGED, party="", kind=""))
    return found


def notice_given(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """R22: the list goes out the agreed hours before departure; later changes only take people off, or are answered."""
    if not _has_reached(movement, MovementStatus.ISSUED):
        return []
    hours = movement.notice_hours if movement.notice_hours is not None else policy.notice_hours
    deadline = movement.depart_at - timedelta(hours=hours)
    sent_at = movement.notice_sent_at
    found: list[Finding] = []
    if sent_at is None and _has_reached(movement, MovementStatus.RELEASED):
        found.append(_of(movement, RuleCode.NOTICE_NOT_SENT, hours=hours))
    elif (sent_at or movement.now) > deadline:
        found.append(_of(movement, RuleCode.NOTICE_TOO_LATE, hours=hours))
    changed = movement.rows_added_at
    if (
        changed is not None
        and changed > deadline
        and _has_reached(movement, MovementStatus.RELEASED)
        and any(ack.acknowledged_at is None or ack.acknowledged_at < changed for ack in movement.acknowledgements)
    ):
        found.append(_of(movement, RuleCode.CHANGED_AFTER_DEADLINE, hours=hours))
    return found
