"""Through which countries people may pass on their way home: visas, waivers, and what nobody has looked up.

A country may be passed only if the table of transit visas says that none is needed, if every person concerned
holds a recorded visa or waiver, or, where the table has no row, if an agreement in force carries these people
through it. Everything else is barred: not known counts as required.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from retorno.errors import Fault, InputError
from retorno.routes.overlay import AgreementConfirmation

if TYPE_CHECKING:
    from retorno.routes.tables import Ground

_CRM = "*CRM"


@dataclass(frozen=True, kw_only=True)
class TransitGrant:
    """A visa or waiver that the office has recorded: leave to pass through a country.

    Parameters
    ----------
    country
        Two-letter code of the country that may be passed.
    person_id
        Who holds it; empty for a waiver that covers everybody of ``nationality``, or the whole group if that is
        empty too.
    nationality
        Two-letter code; only read where ``person_id`` is empty.
    valid_until
        Last day on which it may be used.
    """

    country: str
    valid_until: date
    person_id: str = ""
    nationality: str = ""

    def covers(self, person_id: str, nationality: str) -> bool:
        """Whether it is this person's."""
        if self.person_id:
            return self.person_id == person_id
        return self.nationality in ("", nationality)


@dataclass(frozen=True, kw_only=True)
class TransitBar:
    """Why some people may not pass through a country, and so what would lift it.

    Parameters
    ----------
    country, nationality
        A transit visa of ``country``, or its waiver, for every person listed would lift the bar.
    person_ids
        Those of this nationality without a recorded grant, in order.
    required
        What the table says: yes, conditional or unknown; empty if it has no row.
    """

    country: str
    nationality: str
    person_ids: tuple[str, ...]
    required: str


def transit_bars(
    ground: Ground,
    nationalities: Mapping[str, str],
    visas: Collection[TransitGrant],
    *,
    last_day: date,
    agreed: Collection[str] = (),
) -> dict[str, tuple[TransitBar, ...]]:
    """Every country that a travel group may not pass through, with the causes.

    Parameters
    ----------
    ground
        As ``tables.load_ground`` gives it.
    nationalities
        Person id to the nationality of the travel document, for every person of the group, escorts included.
    visas
        Recorded visas and waivers.
    last_day
        Last day on which the group may be under way; a grant must be valid until then.
    agreed
        Countries through which an agreement in force carries these people (``agreed_countries``). It counts where
        the table has no row; a visa that the table asks for, it does not replace.

    Returns
    -------
    dict
        Country to its causes, one for each nationality; both in order. A person's own country is never barred.

    Raises
    ------
    InputError
        If there is nobody, or a code is not a country.
    """
    faults = [
        Fault(what=f'nationality "{code}" is not a country, expected a two-letter code such as "GT"')
        for code in sorted(set(nationalities.values()) - set(ground.countries))
    ]
    if not nationalities:
        faults.append(Fault(what="nobody travels, expected the nationality of at least one person"))
    if faults:
        raise InputError(faults)
    current = [visa for visa in visas if visa.valid_until >= last_day]
    persons_of: dict[str, list[str]] = {}
    for person_id, nationality in sorted(nationalities.items()):
        persons_of.setdefault(nationality, []).append(person_id)
    bars: dict[str, tuple[TransitBar, ...]] = {}
    for country in sorted(ground.countries):
        found = []
        for nationality, persons in sorted(persons_of.items()):
            if nationality == country:
                continue
            row = ground.transit_visas.get((country, nationality))
            is_free = country in agreed if row is None else row.planning_default == "not_required"
            lacking = [
                person
                for person in persons
                if not any(visa.country == country and visa.covers(person, nationality) for visa in current)
            ]
            if not is_free and lacking:
                found.append(
                    TransitBar(
                        country=country,
                        nationality=nationality,
                        person_ids=tuple(lacking),
                        required=row.required if row is not None else "",
                    )
                )
        if found:
            bars[country] = tuple(found)
    return bars


def barred_countries(
    ground: Ground,
    nationalities: Mapping[str, str],
    visas: Collection[TransitGrant],
    *,
    last_day: date,
    agreed: Collection[str] = (),
    ends: Collection[str] = (),
) -> frozenset[str]:
    """The countries that a travel group may not pass through, as a group of the optimizer carries them.

    Parameters
    ----------
    ends
        The countries where the journey starts and ends: the group is in the one and has the right to enter the
        other (R9). The problem format asks of a crossing whether it *touches* a barred country, so neither may be
        in the set. ``itineraries`` needs no ends: it looks at the countries entered.

    The other parameters are those of ``transit_bars``.
    """
    bars = transit_bars(ground, nationalities, visas, last_day=last_day, agreed=agreed)
    return frozenset(bars) - frozenset(ends)


def agreed_countries(
    ground: Ground,
    confirmations: Collection[AgreementConfirmation],
    nationalities: Collection[str],
    *,
    first_day: date,
    last_day: date,
) -> frozenset[str]:
    """Countries through which confirmed agreements carry people of all the nationalities given.

    A confirmation counts if it is in force on every day from ``first_day`` to ``last_day`` and its agreement, where
    it names nationalities, names the person's. A country counts if every nationality has such a confirmation.
    """
    members = {code for code, country in ground.countries.items() if country.crm_role == "member"}

    def spelled(codes: Collection[str]) -> set[str]:
        return set(codes) - {_CRM} | (members if _CRM in codes else set())

    found: set[str] | None = None
    for nationality in sorted(set(nationalities)):
        carried: set[str] = set()
        for one in confirmations:
            if not (one.valid_from <= first_day and last_day <= one.valid_until):
                continue
            row = ground.agreements.get(one.agreement_id)
            if row is not None and row.nationalities and nationality not in spelled(row.nationalities):
                continue
            own = one.from_countries | one.transit_countries | one.to_countries
            if not own and row is not None:
                own = frozenset(row.from_countries + row.transit_countries + row.to_countries)
            carried |= spelled(own)
        found = carried if found is None else found & carried
    return frozenset(found or ())
