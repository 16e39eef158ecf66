"""Every way a vehicle may take between places: roads inside the countries, crossings between them.

A journey inside one country never leaves it. Between countries a way is a sequence of crossings; the road
between two of them stays inside its country. So no path cuts through a third state by accident.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import networkx as nx

from retorno.routes.network import Network
from retorno.routes.rows import Crossing, Post

MAX_CROSSINGS = 3
"""Most borders in one day. Our assumption: with 90 minutes each, four leave no day to drive."""

ALTERNATIVE_FACTOR, ALTERNATIVE_EXTRA_MIN = 1.5, 120
"""How much longer than the best way an alternative over other crossings may be. Our choice: a detour that
takes half a day more is planned when the border is closed, and then it is the best way."""

DETOUR_FACTOR, DETOUR_EXTRA_MIN, SHORTEST_WITH_STOP_MIN = 0.12, 12, 90
"""A middle stop may add an eighth of the driving and 12 minutes, to journeys of at least 90 minutes."""


@dataclass(frozen=True, kw_only=True)
class Border:
    """A crossing in one direction."""

    crossing_id: str
    exit_post: str
    entry_post: str
    from_country: str
    to_country: str
    drive_min: int


@dataclass(frozen=True, kw_only=True)
class Way:
    """A path over the stops of a working day.

    ``segments`` has the nodes from each stop to the next, both included, border posts among them; ``borders``
    the crossings of each segment in order. ``rank`` 0 is the quickest way of its ends.
    """

    stops: tuple[str, ...]
    segments: tuple[tuple[str, ...], ...]
    borders: tuple[tuple[Border, ...], ...]
    drive_min: int
    rank: int

    @property
    def all_borders(self) -> tuple[Border, ...]:
        """The crossings of the whole day in order."""
        return tuple(border for segment in self.borders for border in segment)


BorderTest = Callable[[tuple[Border, ...]], bool]
"""Whether a sequence of borders may be travelled at all; asked with every beginning of a way."""


def driven_nodes(network: Network, marks: Sequence[str]) -> tuple[str, ...]:
    """Nodes of the quickest drive over some marks in order: places, and both posts of every border between them.

    Parameters
    ----------
    marks
        Origin, then exit and entry post of each border, then the destination. Between two marks of one country the
        road stays inside it, as for ``Ways``; where no road joins them they follow each other directly.
    """
    nodes = [marks[0]]
    for start, end in pairwise(marks):
        country = network.nodes[start]["country"] if start in network else ""
        if end in network and country == network.nodes[end]["country"]:
            nodes += _inside(network, country, start, end)[1:]
        else:
            nodes.append(end)
    return tuple(nodes)


def _inside(network: Network, country: str, start: str, end: str) -> list[str]:
    """The quickest path between two nodes of a country on its own roads."""

    def minutes(origin: str, destination: str, road: Mapping[str, Any]) -> int | None:
        is_inside = road["country"] == country and road["crossing_id"] is None
        return cast("int", road["drive_min"]) if is_inside else None

    try:
        return cast("list[str]", nx.dijkstra_path(network, start, end, weight=minutes))
    except nx.NetworkXNoPath:
        return [start, end]


class Ways:
    """The ways between some places of a network, over some crossings.

    Parameters
    ----------
    network
        As ``network.load`` gives it.
    places
        Nodes where a day may begin or end; all of them must be nodes of the network.
    crossings
        Crossings that may be used; those without a road are left out.
    closed_roads
        Pairs of neighbouring nodes, sorted, that may not be driven.
    border_min
        Minutes of formalities at a crossing, used only to compare ways.
    """

    def __init__(
        self,
        network: Network,
        places: Collection[str],
        crossings: Iterable[Crossing],
        *,
        closed_roads: Collection[tuple[str, str]] = (),
        border_min: int,
    ) -> None:
        self.network = network
        self.places = sorted(places)
        self._border_min = border_min
        self._country = {place: network.nodes[place]["country"] for place in self.places}
        self.borders: dict[str, list[Border]] = defaultdict(list)
        """Every usable crossing under the country that it leaves."""
        countries = set(self._country.values())
        for crossing in sorted(crossings, key=lambda one: one.crossing_id):
            if crossing.drivable and network.has_edge(crossing.post_a_id, crossing.post_b_id):
                countries |= {crossing.country_a, crossing.country_b}
                for leave, enter in (crossing.posts, crossing.posts[::-1]):
                    self.borders[leave.country].append(self._border(crossing, leave, enter))
        self._minutes: dict[str, dict[str, int]] = {}
        self._paths: dict[str, dict[str, tuple[str, ...]]] = {}
        for country in sorted(countries):
            self._measure(country, closed_roads)

    def _border(self, crossing: Crossing, leave: Post, enter: Post) -> Border:
        return Border(
            crossing_id=crossing.crossing_id,
            exit_post=leave.post_id,
            entry_post=enter.post_id,
            from_country=leave.country,
            to_country=enter.country,
            drive_min=self.network.edges[leave.post_id, enter.post_id]["drive_min"],
        )

    def _measure(self, country: str, closed_roads: Collection[tuple[str, str]]) -> None:
        """Fill in minutes and paths between the places and posts of a country, on its own roads."""
        ends = [place for place in self.places if self._country[place] == country]
        ends += [border.exit_post for border in self.borders[country]]
        shut = set(closed_roads)
        inside: Network = nx.DiGraph()
        inside.add_nodes_from(ends)
        for origin, destination, road in self.network.edges(data=True):
            if road["country"] == country and road["crossing_id"] is None:
                pair = (min(origin, destination), max(origin, destination))
                if pair not in shut:
                    inside.add_edge(origin, destination, drive_min=road["drive_min"])
        wanted = set(ends)
        for end in ends:
            minutes, paths = cast(
                "tuple[dict[str, int], dict[str, list[str]]]",
                nx.single_source_dijkstra(inside, end, weight="drive_min"),
            )
            self._minutes[end] = {node: minutes[node] for node in minutes if node in wanted}
            self._paths[end] = {node: tuple(paths[node]) for node in minutes if node in wanted}

    def between(self, origin: str, destination: str, allowed: BorderTest, *, limit_min: int) -> list[Way]:
        """The best way and, for each of its crossings, the best way that avoids it; quickest first.

        Parameters
        ----------
        allowed
            Which sequences of borders may be travelled.
        limit_min
            Most minutes of driving and formalities together.
        """
        return self._chosen(origin, destination, self._reach(origin, allowed, limit_min), limit_min)

    def all_pairs(
        self, allowed: BorderTest, *, limit_min: int, origins: Collection[str] | None = None
    ) -> Iterator[Way]:
        """``between`` for every two places (from ``origins`` if given), in the order of their ids."""
        for origin in sorted(origins) if origins is not None else self.places:
            reached = self._reach(origin, allowed, limit_min)
            for destination in self.places:
                if destination != origin:
                    yield from self._chosen(origin, destination, reached, limit_min)

    def _reach(self, origin: str, allowed: BorderTest, limit_min: int) -> list[tuple[int, tuple[Border, ...]]]:
        """Every sequence of borders from a place that leaves time to arrive, with the minutes it takes."""
        found: list[tuple[int, tuple[Border, ...]]] = [(0, ())]
        open_ends: list[tuple[int, str, tuple[Border, ...], frozenset[str]]] = [
            (0, origin, (), frozenset({self._country[origin]}))
        ]
        while open_ends:
            minutes, node, borders, seen = open_ends.pop()
            country = borders[-1].to_country if borders else self._country[origin]
            for border in self.borders[country]:
                drive_min = self._minutes[node].get(border.exit_post)
                if drive_min is None or border.to_country in seen:
                    continue
                total = minutes + drive_min + border.drive_min + self._border_min
                longer = (*borders, border)
                if total > limit_min or not allowed(longer):
                    continue
                found.append((total, longer))
                if len(longer) < MAX_CROSSINGS:
                    open_ends.append((total, border.entry_post, longer, seen | {border.to_country}))
        return found

    def _chosen(
        self, origin: str, destination: str, reached: list[tuple[int, tuple[Border, ...]]], limit_min: int
    ) -> list[Way]:
        complete = []
        for minutes, borders in reached:
            last = borders[-1].entry_post if borders else origin
            country = borders[-1].to_country if borders else self._country[origin]
            if country == self._country[destination] and destination in self._minutes[last]:
                total = minutes + self._minutes[last][destination]
                if total <= limit_min:
                    complete.append((total, tuple(border.crossing_id for border in borders), borders))
        if not complete:
            return []
        complete.sort(key=lambda one: one[:2])
        best_min, best_ids, _ = complete[0]
        chosen = [complete[0]]
        for avoided in best_ids:
            other = next((one for one in complete if avoided not in one[1]), None)
            close = other is not None and other[0] <= best_min * ALTERNATIVE_FACTOR + ALTERNATIVE_EXTRA_MIN
            if other is not None and close and other not in chosen:
                chosen.append(other)
        return [
            self._way((origin, destination), (borders,), rank)
            for rank, (_, _, borders) in enumerate(sorted(chosen, key=lambda one: one[:2]))
        ]

    def _way(self, stops: tuple[str, ...], borders: tuple[tuple[Border, ...], ...], rank: int) -> Way:
        segments = []
        drive_min = 0
        for (origin, destination), crossed in zip(pairwise(stops), borders, strict=True):
            nodes: list[str] = [origin]
            for border in crossed:
                nodes += [*self._paths[nodes[-1]][border.exit_post][1:], border.entry_post]
                drive_min += border.drive_min
            segments.append((*nodes, *self._paths[nodes[-1]][destination][1:]))
            marks = [origin, *(post for one in crossed for post in (one.exit_post, one.entry_post)), destination]
            drive_min += sum(self._minutes[start][end] for start, end in zip(marks[::2], marks[1::2], strict=True))
        return Way(stops=stops, segments=tuple(segments), borders=borders, drive_min=drive_min, rank=rank)

    def with_stops(self, way: Way, stops: Collection[str], *, single: int = 2) -> list[Way]:
        """The way with one of the ``single`` least detours over a middle stop, and with the best two of them.

        Parameters
        ----------
        way
            From one place straight to another.
        stops
            Places where a vehicle may stop in between.
        """
        if way.drive_min < SHORTEST_WITH_STOP_MIN:
            return []
        most = way.drive_min * DETOUR_FACTOR + DETOUR_EXTRA_MIN
        borders = way.borders[0]
        marks = [way.stops[0], *(post for one in borders for post in (one.exit_post, one.entry_post)), way.stops[1]]
        found: list[tuple[int, str, int]] = []
        for leg, (start, end) in enumerate(zip(marks[::2], marks[1::2], strict=True)):
            straight = self._minutes[start][end]
            for stop in stops:
                if stop in way.stops or stop not in self._minutes[start] or end not in self._minutes[stop]:
                    continue
                detour = self._minutes[start][stop] + self._minutes[stop][end] - straight
                if detour <= most:
                    found.append((detour, stop, leg))
        found.sort()
        kept = found[:single]
        ways = [
            self._way((way.stops[0], stop, way.stops[1]), (borders[:leg], borders[leg:]), 0) for _, stop, leg in kept
        ]
        if len(kept) == 2:
            ways += self._with_two(way, marks, kept, most)
        return ways

    def _with_two(self, way: Way, marks: list[str], kept: list[tuple[int, str, int]], most: float) -> list[Way]:
        start_of = dict(enumerate(marks[::2]))
        ordered = sorted(kept, key=lambda one: (one[2], self._minutes[start_of[one[2]]][one[1]]))
        (_, first, first_leg), (_, second, second_leg) = ordered
        borders = way.borders[0]
        if first_leg == second_leg and second not in self._minutes[first]:
            return []
        both = self._way(
            (way.stops[0], first, second, way.stops[1]),
            (borders[:first_leg], borders[first_leg:second_leg], borders[second_leg:]),
            0,
        )
        return [both] if both.drive_min - way.drive_min <= most else []
