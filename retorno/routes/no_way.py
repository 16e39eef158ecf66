"""Why a travel group has no way between two places, and what would open one.

One rule after the other is taken away for the search alone: where that opens a way, the rule is a reason. The way
found then is never offered; it only says which country, place or day stands in between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from retorno.routes.itineraries import Itinerary, check_query, find
from retorno.routes.offers import DAY_MIN
from retorno.routes.transit import TransitBar
from retorno.routes.transport import TransportOffer
from retorno.routes.travellers import Freedoms, Travellers
from retorno.vocabulary import NoWayReason, Profile

_ORDER = (
    NoWayReason.BARRED_COUNTRY,
    NoWayReason.DATES,
    NoWayReason.NO_BED,
    NoWayReason.NOT_RECEIVED,
    NoWayReason.VULNERABLE_WINDOW,
    NoWayReason.PROFILE_NOT_CARRIED,
    NoWayReason.GROUP_TOO_LARGE,
    NoWayReason.JOURNEY_TOO_LONG,
)
"""Reasons in the order in which they are told."""

BAR_CHOICES = 3
"""So many choices of countries are named at most where each would open a way."""


@dataclass(frozen=True, kw_only=True)
class NoWay:
    """One reason why there is no way.

    Parameters
    ----------
    is_enough
        Whether this reason alone, lifted, opens a way; otherwise all reasons given must be lifted together.
    countries
        Of ``BARRED_COUNTRY``: the countries that would have to be passed, in order.
    bars
        Of ``BARRED_COUNTRY``: what bars them, each with the nationality and the persons who need a transit visa or a
        waiver of that country; empty if the caller gave no causes.
    site_ids
        Of ``NO_BED`` the places of the nights without a bed, of ``NOT_RECEIVED`` the place of arrival, of
        ``NO_ROUTE`` the destination.
    depart_day, arrive_day
        Of ``DATES`` and ``JOURNEY_TOO_LONG``: the days of the plan clock of the earliest way then.
    """

    reason: NoWayReason
    is_enough: bool
    countries: tuple[str, ...] = ()
    bars: tuple[TransitBar, ...] = ()
    site_ids: tuple[str, ...] = ()
    depart_day: int | None = None
    arrive_day: int | None = None


def why_no_way(
    offer: TransportOffer,
    travellers: Travellers,
    origin: str,
    destination: str,
    *,
    bars: Mapping[str, Collection[TransitBar]] | None = None,
    first_day: int,
    last_day: int,
    latest_day: int | None = None,
    max_legs: int = 8,
) -> tuple[NoWay, ...]:
    """Why ``itineraries`` finds nothing.

    Parameters
    ----------
    bars
        The causes of the group's barred countries (``transit.transit_bars``).

    The other parameters are those of ``itineraries``.

    Returns
    -------
    tuple of NoWay
        Empty if there is a way. Else every reason that alone would open one (a barred country once for each of up to
        ``BAR_CHOICES`` choices); if none does, a set that does together and of which none can be spared; ``NO_ROUTE``
        if nothing does.

    Raises
    ------
    InputError
        As for ``itineraries``.
    """
    check_query(offer, origin, destination, first_day=first_day, last_day=last_day)
    case = _Case(offer, travellers, (origin, destination), first_day, last_day, latest_day, max_legs, bars or {})
    if case.ways(frozenset()):
        return ()
    if not case.ways(frozenset(_ORDER)):
        return (NoWay(reason=NoWayReason.NO_ROUTE, is_enough=False, site_ids=(destination,)),)
    alone: list[NoWay] = []
    for reason in _ORDER:
        ways = case.ways(frozenset({reason}))
        if ways:
            alone += case.told(reason, ways, is_enough=True)
    if alone:
        return tuple(alone)
    lifted = frozenset(_ORDER)
    for reason in reversed(_ORDER):
        if case.ways(lifted - {reason}):
            lifted -= {reason}
    ways = case.ways(lifted)
    return tuple(told for reason in _ORDER if reason in lifted for told in case.told(reason, ways, is_enough=False))


@dataclass(frozen=True)
class _Case:
    """One question that has no answer."""

    offer: TransportOffer
    travellers: Travellers
    ends: tuple[str, str]
    first_day: int
    last_day: int
    latest_day: int | None
    max_legs: int
    bars: Mapping[str, Collection[TransitBar]]

    def ways(self, lifted: frozenset[NoWayReason]) -> tuple[Itinerary, ...]:
        """The ways without some rules."""
        group = self.travellers
        if NoWayReason.VULNERABLE_WINDOW in lifted:
            group = replace(group, vulnerable=False)
        if NoWayReason.PROFILE_NOT_CARRIED in lifted:
            group = replace(group, profiles=frozenset({Profile.ADULTS}))
        if NoWayReason.GROUP_TOO_LARGE in lifted:
            group = replace(group, persons=1, escorts=0, wheelchairs=0)
        if NoWayReason.JOURNEY_TOO_LONG in lifted:
            group = replace(group, max_journey_days=self.offer.clock.days)
        free_dates = NoWayReason.DATES in lifted
        return find(
            self.offer,
            group,
            self.ends,
            range(0 if free_dates else self.first_day, self.offer.clock.days if free_dates else self.last_day + 1),
            latest_day=None if free_dates else self.latest_day,
            max_legs=self.max_legs,
            freedoms=Freedoms(
                barred=NoWayReason.BARRED_COUNTRY in lifted,
                beds=NoWayReason.NO_BED in lifted,
                receiving=NoWayReason.NOT_RECEIVED in lifted,
            ),
        )

    def told(self, reason: NoWayReason, ways: tuple[Itinerary, ...], *, is_enough: bool) -> list[NoWay]:
        """What to say of a reason, from the ways that it would open."""
        said = NoWay(reason=reason, is_enough=is_enough)
        first = ways[0]
        if reason is NoWayReason.BARRED_COUNTRY:
            choices = self._countries(ways)[: BAR_CHOICES if is_enough else 1]
            return [replace(said, countries=countries, bars=self._causes(countries)) for countries in choices]
        if reason is NoWayReason.NO_BED:
            return [replace(said, site_ids=min((self._bedless(way) for way in ways), key=len))]
        if reason is NoWayReason.NOT_RECEIVED:
            places = dict.fromkeys([*(night.site_id for night in first.nights), self.ends[1]])
            return [replace(said, site_ids=tuple(places))]
        if reason in (NoWayReason.DATES, NoWayReason.JOURNEY_TOO_LONG):
            return [replace(said, depart_day=first.legs[0].day, arrive_day=first.arrive_min // DAY_MIN)]
        return [said]

    def _causes(self, countries: tuple[str, ...]) -> tuple[TransitBar, ...]:
        return tuple(bar for country in countries for bar in self.bars.get(country, ()))

    def _countries(self, ways: tuple[Itinerary, ...]) -> list[tuple[str, ...]]:
        """The smallest sets of barred countries that a way would pass, the cheapest way first."""
        barred = self.travellers.barred_countries - {self.offer.sites[self.ends[1]].country}
        passed = [
            tuple(country for country in dict.fromkeys(way.entered) if country in barred)
            for way in sorted(ways, key=lambda one: one.cost_cents)
        ]
        fewest = min(len(countries) for countries in passed)
        return list(dict.fromkeys(countries for countries in passed if len(countries) == fewest))

    def _bedless(self, way: Itinerary) -> tuple[str, ...]:
        """The places of a way's nights that have no bed for the group."""
        group, sites = self.travellers, self.offer.sites
        return tuple(
            dict.fromkeys(
                night.site_id for night in way.nights if not sites[night.site_id].may_stay(group.seats, group.profiles)
            )
        )
