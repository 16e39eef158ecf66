"""Everything that ``data/`` says about the ground, in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retorno.routes import network as road_network
from retorno.routes.network import Network
from retorno.routes.rows import (
    Agreement,
    Airport,
    AirService,
    Country,
    Crossing,
    Place,
    Post,
    TransitVisa,
    ground_folder,
    read_rows,
)


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
    agreements: dict[str, Agreement]
    transit_visas: dict[tuple[str, str], TransitVisa]
    """Keyed by transit country and nationality."""
    network: Network


def load_ground(folder: Path | None = None) -> Ground:
    """Read and validate the whole ground.

    Parameters
    ----------
    folder
        As for ``ground_folder``.

    Raises
    ------
    InputError
        With the faults found. ``check_data`` finds more, and all at once.
    """
    data = ground_folder(folder)
    crossings = read_rows(data / "crossings.csv", Crossing)
    return Ground(
        folder=data,
        countries={row.iso2: row for row in read_rows(data / "countries.csv", Country)},
        places={row.place_id: row for row in read_rows(data / "places.csv", Place)},
        airports={row.airport_id: row for row in read_rows(data / "airports.csv", Airport)},
        crossings={row.crossing_id: row for row in crossings},
        posts={post.post_id: post for row in crossings for post in row.posts},
        air_services=read_rows(data / "air_services.csv", AirService),
        agreements={row.agreement_id: row for row in read_rows(data / "agreements.csv", Agreement)},
        transit_visas={
            (row.transit_country, row.nationality): row
            for row in read_rows(data / "transit_visa_required.csv", TransitVisa)
        },
        network=road_network.load(data),
    )
