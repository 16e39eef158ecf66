"""Everything that ``data/`` says about the ground, in one frozen object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from retorno.errors import Fault, InputError
from retorno.routes.cells import ground_folder, read_rows
from retorno.routes.network import Network, build, validate
from retorno.routes.rows import (
    Agreement,
    Airport,
    AirService,
    CarrierHealth,
    CoachService,
    Country,
    Crossing,
    DocumentAccepted,
    ExampleCase,
    ExampleConfirmation,
    ExampleOffer,
    ExampleVehicle,
    Hours,
    Junction,
    Place,
    PolicyNumber,
    Post,
    Reception,
    Road,
    Source,
    TransitVisa,
    VehicleType,
)

TABLES: dict[str, type] = {
    "agreements.csv": Agreement,
    "air_services.csv": AirService,
    "airports.csv": Airport,
    "carrier_health.csv": CarrierHealth,
    "coach_services.csv": CoachService,
    "countries.csv": Country,
    "crossings.csv": Crossing,
    "documents_accepted.csv": DocumentAccepted,
    "examples/agreement_confirmations.csv": ExampleConfirmation,
    "examples/cases.csv": ExampleCase,
    "examples/fleet.csv": ExampleVehicle,
    "examples/offers.csv": ExampleOffer,
    "hours.csv": Hours,
    "junctions.csv": Junction,
    "places.csv": Place,
    "policy.csv": PolicyNumber,
    "reception.csv": Reception,
    "roads.csv": Road,
    "sources.csv": Source,
    "transit_visa_required.csv": TransitVisa,
    "vehicles.csv": VehicleType,
}
"""File and the dataclass of its rows."""

_Row = TypeVar("_Row")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The shipped facts about the ground; offices lay their dated facts over it elsewhere.

    Every mapping is keyed by the id of its row; tuples keep file order.
    """

    folder: Path
    countries: dict[str, Country]
    places: dict[str, Place]
    airports: dict[str, Airport]
    crossings: dict[str, Crossing]
    posts: dict[str, Post]
    air_services: tuple[AirService, ...]
    coach_services: dict[str, CoachService]
    hours: tuple[Hours, ...]
    agreements: dict[str, Agreement]
    transit_visas: dict[tuple[str, str], TransitVisa]
    """Keyed by transit country and nationality."""
    vehicle_types: dict[str, VehicleType]
    documents_accepted: tuple[DocumentAccepted, ...]
    carrier_health: tuple[CarrierHealth, ...]
    reception: dict[str, Reception]
    """Keyed by the id of a place, post or airport; who is not in it receives nobody."""
    sources: dict[str, Source]
    network: Network


class _Reader:
    """Reads tables of one folder and keeps their faults until all are known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []

    def read(self, file: str, row_type: type[_Row]) -> tuple[_Row, ...]:
        try:
            return read_rows(self.folder / file, row_type)
        except InputError as error:
            self.faults.extend(error.faults)
            return ()


def load_ground(folder: Path | None = None) -> Ground:
    """Read the whole ground and validate its network.

    Parameters
    ----------
    folder
        As for ``ground_folder``.

    Raises
    ------
    InputError
        With every cell that cannot be read, or every fault of the network. ``check_data`` finds more.
    """
    reader = _Reader(ground_folder(folder))
    read = reader.read
    places = read("places.csv", Place)
    airports = read("airports.csv", Airport)
    crossings = read("crossings.csv", Crossing)
    junctions = read("junctions.csv", Junction)
    roads = read("roads.csv", Road)
    visas = read("transit_visa_required.csv", TransitVisa)
    countries = read("countries.csv", Country)
    air_services = read("air_services.csv", AirService)
    coach_services = read("coach_services.csv", CoachService)
    hours = read("hours.csv", Hours)
    agreements = read("agreements.csv", Agreement)
    vehicle_types = read("vehicles.csv", VehicleType)
    documents_accepted = read("documents_accepted.csv", DocumentAccepted)
    carrier_health = read("carrier_health.csv", CarrierHealth)
    reception = read("reception.csv", Reception)
    sources = read("sources.csv", Source)
    if reader.faults:
        raise InputError(reader.faults)
    network = build(places=places, airports=airports, junctions=junctions, crossings=crossings, roads=roads)
    validate(network)
    return Ground(
        folder=reader.folder,
        countries={row.iso2: row for row in countries},
        places={row.place_id: row for row in places},
        airports={row.airport_id: row for row in airports},
        crossings={row.crossing_id: row for row in crossings},
        posts={post.post_id: post for row in crossings for post in row.posts},
        air_services=air_services,
        coach_services={row.service_id: row for row in coach_services},
        hours=hours,
        agreements={row.agreement_id: row for row in agreements},
        transit_visas={(row.transit_country, row.nationality): row for row in visas},
        vehicle_types={row.vehicle_type: row for row in vehicle_types},
        documents_accepted=documents_accepted,
        carrier_health=carrier_health,
        reception={row.place_id: row for row in reception},
        sources={row.source_id: row for row in sources},
        network=network,
    )


def document_rule(
    rules: Sequence[DocumentAccepted],
    *,
    document_type: str,
    state: str,
    role: str,
    nationality: str,
    mode: str,
    day: date,
    age: int,
) -> DocumentAccepted | None:
    """The most special row on a document: of the state before ``*``, of the nationality before a group.

    Parameters
    ----------
    rules
        ``Ground.documents_accepted``.
    role
        receiving or transit.
    mode
        land or air.
    day, age
        The day of entry, and the person's completed years on it.

    Returns
    -------
    DocumentAccepted or None
        ``None``: no row speaks of it, so the document is not accepted.
    """

    def rank(rule: DocumentAccepted) -> tuple[bool, int]:
        named = 2 if nationality in rule.nationalities else 1 if "*own" in rule.nationalities else 0
        return rule.state == state, named

    fitting = [
        rule
        for rule in rules
        if rule.document_type == document_type
        and rule.state in (state, "*")
        and rule.role == role
        and mode in rule.mode
        and _covers(rule, nationality, state)
        and (rule.min_age is None or rule.min_age <= age)
        and (rule.max_age is None or age <= rule.max_age)
        and (rule.valid_from is None or rule.valid_from <= day)
        and (rule.valid_to is None or day <= rule.valid_to)
    ]
    return max(fitting, key=rank, default=None)


def _covers(rule: DocumentAccepted, nationality: str, state: str) -> bool:
    if nationality in rule.nationalities or "*any" in rule.nationalities:
        return True
    return "*own" in rule.nationalities and nationality == state
