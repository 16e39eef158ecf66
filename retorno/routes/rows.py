"""The rows of ``data/`` as typed, frozen facts: one dataclass per file.

A field carries the name of its column, unless the unit belongs into the name (``cells.COLUMN_OF``); what a
column means, its unit and its source stand in ``data/columns.csv``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from retorno.routes.cells import ClockMinute, FirstDay, LastDay


@dataclass(frozen=True, kw_only=True)
class Country:
    """One state: codes, names, role in the Regional Conference on Migration, land neighbours."""

    iso2: str
    iso3: str
    name_es: str
    name_en: str
    crm_role: str
    use: str
    in_road_graph: bool
    land_neighbors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A city, shelter, reception centre, migration station or bus terminal.

    ``capacity`` is people, as far as a source gives it; beds for a night stand in ``Reception``.
    A ``migration_station`` is a place of detention: pick-up only.
    """

    place_id: str
    name: str
    country: str
    admin1: str
    lat: float
    lon: float
    timezone: str
    kind: str
    is_admin1_capital: bool
    status: str
    capacity: int | None
    population: int | None
    road_access: bool
    coord_basis: str
    confidence: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Airport:
    """An airport; ``airport_id`` (``APT-`` and the IATA code) is its node in the network."""

    airport_id: str
    iata: str
    icao: str
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str
    role: str
    road_access: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Junction:
    """A point where a through road passes near a city; nobody stops there."""

    junction_id: str
    near_city: str
    country: str
    lat: float
    lon: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Road:
    """A road between two nodes, both ways; km measured, hours of driving only."""

    from_id: str
    to_id: str
    km: float
    drive_hours: float
    road_class: str
    country: str
    gc_km: float
    km_fallback: float
    confidence: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Post:
    """One side of a land crossing."""

    post_id: str
    crossing_id: str
    name: str
    country: str
    lat: float
    lon: float
    timezone: str


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A land crossing with a post on each side.

    ``open_min``/``close_min`` and ``repat_*`` are on the clock of ``hours_tz``; ``None`` where there is no
    road. The hours of each post are in ``hours.csv``. All repatriation windows are assumptions.
    """

    crossing_id: str
    country_a: str
    country_b: str
    post_a_id: str
    post_a_name: str
    post_a_lat: float
    post_a_lon: float
    post_a_tz: str
    post_b_id: str
    post_b_name: str
    post_b_lat: float
    post_b_lon: float
    post_b_tz: str
    unlocode_a: str
    unlocode_b: str
    open_min: ClockMinute | None
    close_min: ClockMinute | None
    days: frozenset[int] | None
    hours_tz: str
    hours_basis: str
    hours_source: str
    repat_open_min: ClockMinute | None
    repat_close_min: ClockMinute | None
    repat_days: frozenset[int] | None
    repat_basis: str
    repat_point_source: str
    vehicles: tuple[str, ...]
    road_link: str
    status: str
    coord_basis: str
    confidence: str
    notes: str

    @property
    def drivable(self) -> bool:
        """Whether a road joins the two posts: never over a river, never where no road exists."""
        return self.road_link == "yes" and self.status != "no_road"

    @property
    def posts(self) -> tuple[Post, Post]:
        """The post of ``country_a`` and the post of ``country_b``."""
        return (
            Post(
                post_id=self.post_a_id,
                crossing_id=self.crossing_id,
                name=self.post_a_name,
                country=self.country_a,
                lat=self.post_a_lat,
                lon=self.post_a_lon,
                timezone=self.post_a_tz,
            ),
            Post(
                post_id=self.post_b_id,
                crossing_id=self.crossing_id,
                name=self.post_b_name,
                country=self.country_b,
                lat=self.post_b_lat,
                lon=self.post_b_lon,
                timezone=self.post_b_tz,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class AirService:
    """A direct flight between two airports; an assumed schedule, to be replaced by real offers."""

    service_id: str
    from_iata: str
    to_iata: str
    carrier: str
    weekly_frequency: int
    gc_km: float
    block_hours: float
    basis: str
    source: str
    status: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """An agreement, arrangement or practice on returns; dated, never in force without a confirmation.

    An empty field means: not known. ``valid_from`` and ``valid_to`` are the widest reading of the date given.
    """

    agreement_id: str
    name_es: str
    name_en: str
    kind: str
    from_countries: tuple[str, ...]
    to_countries: tuple[str, ...]
    transit_countries: tuple[str, ...]
    nationalities: tuple[str, ...]
    mode: tuple[str, ...]
    crossings: tuple[str, ...]
    weekdays: frozenset[int] | None
    not_on_holidays: bool | None
    open_min: ClockMinute | None
    close_min: ClockMinute | None
    hours_tz: str
    notice_hours: int | None
    list_approval: str
    profiles: str
    safe_conduct_hours: int | None
    cost_borne_by: str
    valid_from: FirstDay | None
    valid_to: LastDay | None
    status: str
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class TransitVisa:
    """Whether a nationality needs a visa to pass through a country; plan with ``planning_default``."""

    transit_country: str
    nationality: str
    required: str
    required_for_return: str
    planning_default: str
    basis: str
    source: str
    source_date: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When a post or a receiving place works, or what a day is in a country (``docs/calendars.md``).

    ``window`` is opening, repatriation, receiving or day; of an office's row it may be empty: all windows of
    its target. ``kind`` is weekly, holiday or date, the more special one wins. Empty clock times mean closed;
    a close at or before the open is after midnight. ``profiles`` empty means everybody. ``day_type`` (holiday
    or workday) is filled in the rows of a country only.
    """

    row_id: str
    target_kind: str
    target_id: str
    window: str
    kind: str
    weekdays: frozenset[int] | None
    date_from: date | None
    date_to: date | None
    day_type: str
    open_min: ClockMinute | None
    close_min: ClockMinute | None
    timezone: str
    profiles: tuple[str, ...]
    daily_head_cap: int | None
    valid_from: date | None
    valid_to: date | None
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class CoachService:
    """Seats on a scheduled coach by day; an assumed timetable, to be replaced by real offers.

    Times are local to the place of departure and of arrival; ``crossings`` are in riding order.
    """

    service_id: str
    carrier: str
    from_id: str
    to_id: str
    crossings: tuple[str, ...]
    days: frozenset[int]
    depart_min: ClockMinute
    arrive_min: ClockMinute
    arrive_days_later: int
    seats: int
    fare_usd_cents: int
    status: str
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class VehicleType:
    """A kind of vehicle. ``seats`` are built in; the spare share (R18) comes off in planning.

    ``crossing_vehicle`` is the word that ``crossings.vehicles`` uses for it; ``needs`` are those that it can meet.
    """

    vehicle_type: str
    name_es: str
    name_en: str
    name_fr: str
    crossing_vehicle: str
    seats: int
    wheelchair_places: int
    needs: tuple[str, ...]
    has_toilet: bool
    km_usd_cents: int
    day_usd_cents: int
    hire_usd_cents: int
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class DocumentAccepted:
    """Whether a state lets people in or through with a kind of document (R23).

    ``state`` ``*`` is every state; ``nationalities`` hold codes, ``*own`` (nationals of the state) or ``*any``.
    ``accepted`` is yes, no or on_confirmation: only with the word of that state on record. ``margin_days`` is
    the validity left on the day of entry; the row is good for people of ``min_age`` to ``max_age``, completed years.
    """

    rule_id: str
    document_type: str
    state: str
    role: str
    nationalities: tuple[str, ...]
    mode: tuple[str, ...]
    accepted: str
    margin_days: int
    min_age: int | None
    max_age: int | None
    valid_from: date | None
    valid_to: date | None
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class CarrierHealth:
    """Until when a carrier, or a land leg, takes pregnant people and newborns (R17).

    ``carrier`` ``*`` is every carrier of the mode. ``not_carried_from_week`` ``None`` is no bar.
    ``applies_over_min`` is the length of a leg in minutes above which the row counts.
    """

    rule_id: str
    carrier: str
    mode: str
    pregnancy: str
    certificate_from_week: int
    certificate_max_age_hours: int
    not_carried_from_week: int | None
    min_days_after_birth: int
    applies_over_min: int
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Reception:
    """What a place, post or airport can receive; its hours are in ``hours.csv``.

    ``arrivals_per_day`` 0 is an overnight stop only. ``beds`` ``None`` is no overnight stop, never unlimited.
    An arrival must be at least ``buffer_min`` before closing and before the last onward transport or lodging.
    """

    place_id: str
    profiles: tuple[str, ...]
    arrivals_per_day: int
    beds: int | None
    buffer_min: int
    last_onward_min: ClockMinute
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a fact was read, or what a guess rests on."""

    source_id: str
    kind: str
    publisher: str
    title: str
    published: str
    address: str
    licence: str
    checked_on: date | None


@dataclass(frozen=True, kw_only=True)
class PolicyNumber:
    """A number that a rule uses; an office may move it between floor and ceiling, ``None`` is the default."""

    rule: str
    key: str
    default: int
    floor: int | None
    ceiling: int | None
    unit: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ExampleVehicle:
    """An invented vehicle of the demonstration; ``*_days`` count from the day the demonstration is set up."""

    vehicle_id: str
    vehicle_type: str
    depot_place_id: str
    plate: str
    operator: str
    seats: int
    wheelchair_places: int
    licence_days: int
    insurance_days: int
    inspection_days: int
    invented: bool
    notes: str


@dataclass(frozen=True, kw_only=True)
class ExampleConfirmation:
    """An invented confirmation that an agreement works, so that the demonstration may plan.

    ``agreement_id`` empty is an arrangement of its own; empty ``crossings``, ``weekdays`` and ``profiles`` are all.
    It was given ``confirmed_days_ago`` before and ends ``valid_days`` after the day of setting up.
    """

    confirmation_id: str
    agreement_id: str
    mode: tuple[str, ...]
    from_country: str
    to_country: str
    transit_countries: tuple[str, ...]
    crossings: tuple[str, ...]
    weekdays: frozenset[int] | None
    profiles: tuple[str, ...]
    notice_hours: int
    daily_heads: int | None
    confirmed_with: str
    confirmed_by: str
    confirmed_days_ago: int
    valid_days: int
    invented: bool
    notes: str


@dataclass(frozen=True, kw_only=True)
class ExampleCase:
    """An invented person of the demonstration; rows with one ``group_key`` are one travel group.

    Exactly one of ``age_years``, ``born_days_ago`` and ``declared_age`` is filled. Days count from the day of setting
    up. ``circumstances`` are codes of what staff record besides; the demonstration does it by their own acts.
    """

    group_key: str
    person_key: str
    given_names: str
    family_names: str
    sex: str
    age_years: int | None
    born_days_ago: int | None
    declared_age: int | None
    nationality: str
    habitual_residence: str
    contact_language: str
    speaks: tuple[str, ...]
    place_id: str
    stranded_days: int
    relation: str
    caregiver_key: str
    is_unaccompanied: bool
    is_age_in_doubt: bool
    is_detained: bool
    destination_country: str
    destination_place_id: str
    destination_municipality: str
    onward_means: str
    needs_wheelchair: bool
    document_type: str
    document_days: int
    circumstances: tuple[str, ...]
    invented: bool
    notes: str


@dataclass(frozen=True, kw_only=True)
class ExampleOffer:
    """Invented seats or an invented aircraft; leaves ``depart_days`` after the day of setting up, in local time."""

    offer_id: str
    mode: str
    carrier: str
    number: str
    from_place: str
    to_place: str
    depart_days: int
    depart_min: ClockMinute
    duration_min: int
    seats: int
    wheelchairs: int
    min_load: int
    fare_usd_cents: int
    fixed_usd_cents: int
    escort_returns: int
    invented: bool
    notes: str
