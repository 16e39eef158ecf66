"""Whether returns may pass a border on a day: an office's confirmations, never the historic rows alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from retorno.clock import local
from retorno.errors import InputError
from retorno.routes.answers import Closed, Permit
from retorno.routes.overlay import AgreementConfirmation, CalendarPolicy, Overlay
from retorno.routes.rows import Agreement
from retorno.routes.spans import Spans, clipped, days_around, local_minute, merged
from retorno.vocabulary import ClosedReason, Profile

if TYPE_CHECKING:
    from retorno.routes.tables import Ground

_CRM = "*CRM"
_PROFILES_OF_WORD = {
    "adults": Profile.ADULTS,
    "families": Profile.FAMILIES,
    "children": Profile.CHILDREN,
    "unaccompanied children": Profile.UNACCOMPANIED,
    "unaccompanied": Profile.UNACCOMPANIED,
    "vulnerable": Profile.VULNERABLE,
}


class Agreements:
    """The confirmations of one overlay, asked per crossing, direction and day; answers are remembered.

    Parameters
    ----------
    holiday
        Name of the public holiday of a country on a day, or ``None``; ``Calendars.holiday``.
    """

    def __init__(
        self,
        ground: Ground,
        overlay: Overlay,
        policy: CalendarPolicy,
        holiday: Callable[[str, date], str | None],
    ) -> None:
        self.ground = ground
        self.overlay = overlay
        self.policy = policy
        self._holiday = holiday
        self._permits: dict[tuple[str, str, date, tuple[Profile, ...]], Permit | Closed] = {}

    def agreement_in_force(self, agreement_id: str, day: date) -> Permit | Closed:
        """Whether a recorded confirmation carries an agreement on a day; the shipped row alone never does.

        ``AGREEMENT_EXPIRED`` and ``AGREEMENT_NOT_YET`` name the nearest confirmation's day; they stop
        planning until a person confirms anew.
        """
        if agreement_id not in self.ground.agreements:
            raise InputError(f'agreement "{agreement_id}" is unknown, expected an id of agreements.csv')
        mine = [one for one in self.overlay.confirmations if one.agreement_id == agreement_id]
        return self._permit_of(mine, day, agreement_id)

    def crossing_permit(
        self, crossing_id: str, from_country: str, day: date, *, profiles: Collection[Profile]
    ) -> Permit | Closed:
        """Whether returns may pass a crossing in one direction on a day, under confirmations in force.

        Parameters
        ----------
        from_country
            The country that is left; one of the crossing's two.
        day
            On the clock of the post that is left.
        """
        wanted = tuple(sorted(set(profiles)))
        key = (crossing_id, from_country, day, wanted)
        if key not in self._permits:
            self._permits[key] = self._read_permit(crossing_id, from_country, day, wanted)
        return self._permits[key]

    def _read_permit(
        self, crossing_id: str, from_country: str, day: date, profiles: tuple[Profile, ...]
    ) -> Permit | Closed:
        crossing = self.ground.crossings[crossing_id]
        if from_country not in (crossing.country_a, crossing.country_b):
            raise InputError(f"{crossing_id}: does not leave {from_country}")
        to_country = crossing.country_b if from_country == crossing.country_a else crossing.country_a
        covering = [
            one for one in self.overlay.confirmations if self._covers_way(one, crossing_id, from_country, to_country)
        ]
        in_time = self._permit_of(covering, day, crossing_id)
        if isinstance(in_time, Closed):
            return in_time
        current = [one for one in covering if one.confirmation_id in in_time.confirmation_ids]
        on_day = [one for one in current if self._works_on(one, day, from_country, to_country)]
        if not on_day:
            return Closed(reason=ClosedReason.AGREEMENT_DAY, target_id=current[0].confirmation_id)
        accepted = [one for one in on_day if set(profiles) <= set(self._profiles_of(one) or Profile)]
        if not accepted:
            return Closed(reason=ClosedReason.AGREEMENT_PROFILE, target_id=on_day[0].confirmation_id)
        return self._permit_of(accepted, day, crossing_id)

    def _permit_of(self, confirmations: Sequence[AgreementConfirmation], day: date, target_id: str) -> Permit | Closed:
        current = [one for one in confirmations if one.valid_from <= day <= one.valid_until]
        if current:
            heads = [one.daily_heads for one in current if one.daily_heads is not None]
            return Permit(
                confirmation_ids=tuple(sorted(one.confirmation_id for one in current)),
                notice_hours=max(self._notice_of(one) for one in current),
                daily_heads=min(heads) if heads else None,
            )
        past = [one for one in confirmations if one.valid_until < day]
        if past:
            last = max(one.valid_until for one in past)
            return Closed(
                reason=ClosedReason.AGREEMENT_EXPIRED, target_id=target_id, parts=(("until", last.isoformat()),)
            )
        if confirmations:
            first = min(one.valid_from for one in confirmations)
            return Closed(
                reason=ClosedReason.AGREEMENT_NOT_YET, target_id=target_id, parts=(("from", first.isoformat()),)
            )
        return Closed(reason=ClosedReason.NO_AGREEMENT, target_id=target_id)

    def _row_of(self, confirmation: AgreementConfirmation) -> Agreement | None:
        return self.ground.agreements[confirmation.agreement_id] if confirmation.agreement_id else None

    def _countries(self, own: frozenset[str], row: tuple[str, ...]) -> frozenset[str]:
        named = own or frozenset(row)
        if _CRM not in named:
            return named
        members = {code for code, country in self.ground.countries.items() if country.crm_role == "member"}
        return named - {_CRM} | members

    def _covers_way(
        self, confirmation: AgreementConfirmation, crossing_id: str, from_country: str, to_country: str
    ) -> bool:
        """Whether a confirmation speaks of this crossing in this direction at all."""
        row = self._row_of(confirmation)
        if "land" not in confirmation.modes or (row is not None and row.kind == "fund"):
            return False  # a fund pays a journey, it opens no border
        own = confirmation.from_countries | confirmation.to_countries | confirmation.transit_countries
        ways = (row.from_countries, row.transit_countries, row.to_countries) if row and not own else ((), (), ())
        leaves = self._countries(confirmation.from_countries, ways[0])
        transit = self._countries(confirmation.transit_countries, ways[1])
        enters = self._countries(confirmation.to_countries, ways[2])
        if from_country not in leaves | transit or to_country not in transit | enters:
            return False
        listed = confirmation.crossings or (row.crossings if row else ())
        pair = {from_country, to_country}
        binding = [
            listed_id
            for listed_id in listed
            if {self.ground.crossings[listed_id].country_a, self.ground.crossings[listed_id].country_b} == pair
        ]
        return not binding or crossing_id in binding

    def _works_on(self, confirmation: AgreementConfirmation, day: date, from_country: str, to_country: str) -> bool:
        row = self._row_of(confirmation)
        weekdays = confirmation.weekdays if confirmation.weekdays is not None else (row.weekdays if row else None)
        if weekdays is not None and day.weekday() not in weekdays:
            return False
        no_feasts = confirmation.not_on_holidays or bool(row and row.not_on_holidays)
        return not (no_feasts and (self._holiday(from_country, day) or self._holiday(to_country, day)))

    def _profiles_of(self, confirmation: AgreementConfirmation) -> tuple[Profile, ...]:
        """Profiles of a confirmation, else of its row where that names nothing but profiles, else none: all."""
        row = self._row_of(confirmation)
        if confirmation.profiles or row is None:
            return confirmation.profiles
        words = [word.strip() for word in row.profiles.split(";") if word.strip()]
        known = [_PROFILES_OF_WORD[word] for word in words if word in _PROFILES_OF_WORD]
        return tuple(known) if len(known) == len(words) else ()

    def agreement_hours(self, confirmation_ids: Collection[str], from_min: int, until_min: int) -> Spans:
        """When the agreements behind some confirmations let people pass, inside a stretch of UTC minutes."""
        found: list[tuple[int, int]] = []
        for one in self.overlay.confirmations:
            if one.confirmation_id not in confirmation_ids:
                continue
            row = self._row_of(one)
            if row is None or row.open_min is None or row.close_min is None:
                return clipped(((from_min, until_min),), from_min, until_min)
            found += [
                (
                    local_minute(day, row.open_min, row.hours_tz, opens=True),
                    local_minute(day, row.close_min, row.hours_tz, opens=False),
                )
                for day in days_around(from_min, until_min)
            ]
        return clipped(merged(found), from_min, until_min)

    def _notice_of(self, confirmation: AgreementConfirmation) -> int:
        row = self._row_of(confirmation)
        stated = [confirmation.notice_hours, row.notice_hours if row else None]
        known = [hours for hours in stated if hours is not None]
        return max(known) if known else self.policy.notice_hours

    def notice_deadline(self, crosses_at: datetime, permit: Permit) -> datetime:
        """The last instant to send the list of those who pass a border at ``crosses_at`` (R22); UTC."""
        return crosses_at.astimezone(UTC) - timedelta(hours=permit.notice_hours)

    def first_day_with_notice(self, sent_at: datetime, permit: Permit, zone_name: str) -> date:
        """The first local day all of whose hours lie at least the notice after ``sent_at``."""
        free_at = local(sent_at + timedelta(hours=permit.notice_hours), zone_name)
        return free_at.date() if free_at.time() == time(0) else free_at.date() + timedelta(days=1)
