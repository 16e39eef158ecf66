"""The clock of one way: what happens how many minutes after departure.

A vehicle never waits before a closed border or a closed door: it leaves later instead. So the day is rigid,
every minute of it is a fixed distance from the departure, and when it may leave is plain arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from retorno.errors import Fault, InputError
from retorno.routes.network import Network, NodeKind
from retorno.routes.ways import Border, Way
from retorno.vocabulary import TripEventKind

TOILET_SEARCH_MIN = 60
"""A break is taken in a town if one lies within the last hour before the limit. Our choice."""


@dataclass(frozen=True, kw_only=True)
class DrivingRules:
    """Numbers of R19 and R20 that shape a working day; minutes.

    Parameters
    ----------
    continuous_driving_min, break_min
        A break at least so long after at most so much driving.
    driver_day_min
        Driving of one driver a day; beyond it a second driver, beyond twice of it no journey.
    journey_day_min
        From the first departure to the last arrival.
    border_buffer_min
        Least time between an arrival and the closing of a post or receiving place.
    exit_formalities_min, entry_formalities_min
        Waiting and control at the post that is left and at the post that is entered. Our assumption: 30 and
        60, as the benchmark problems take 90 for both.
    stop_min
        Stay at a middle stop, for those who board and leave, with a toilet.
    departure_step_min
        Departures are rounded up to whole steps where the day allows it.

    Raises
    ------
    InputError
        With every number that cannot be.
    """

    continuous_driving_min: int = 240
    break_min: int = 30
    driver_day_min: int = 540
    journey_day_min: int = 780
    border_buffer_min: int = 60
    exit_formalities_min: int = 30
    entry_formalities_min: int = 60
    stop_min: int = 30
    departure_step_min: int = 15

    def __post_init__(self) -> None:
        positive = ("continuous_driving_min", "break_min", "driver_day_min", "journey_day_min", "departure_step_min")
        faults = [
            Fault(what=f"{name} is {getattr(self, name)}, expected at least 1 minute")
            for name in positive
            if getattr(self, name) < 1
        ]
        others = ("border_buffer_min", "exit_formalities_min", "entry_formalities_min", "stop_min")
        faults += [
            Fault(what=f"{name} is {getattr(self, name)}, expected 0 minutes or more")
            for name in others
            if getattr(self, name) < 0
        ]
        if faults:
            raise InputError(faults)

    @property
    def formalities_min(self) -> int:
        """Formalities of both sides of a crossing together."""
        return self.exit_formalities_min + self.entry_formalities_min


@dataclass(frozen=True, kw_only=True)
class TripEvent:
    """One thing that happens on the way.

    ``from_min`` and ``until_min`` are minutes after departure (in a timeline) or on the plan clock of the day
    (in a trip). ``node`` is where: a place, post or junction; of a break on the open road the node before it.
    """

    kind: TripEventKind
    from_min: int
    until_min: int
    node: str
    crossing_id: str = ""

    def shifted(self, minutes: int) -> TripEvent:
        """The same event ``minutes`` later."""
        return replace(self, from_min=self.from_min + minutes, until_min=self.until_min + minutes)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A crossing on the way: arrival at the first post and release by the second, minutes after departure."""

    border: Border
    arrive_min: int
    done_min: int


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A way with its clock; all times in minutes after departure."""

    way: Way
    arrive_min: tuple[int, ...]
    """At each stop; 0 at the first."""
    depart_min: tuple[int, ...]
    """From each stop; at the last its arrival."""
    passages: tuple[Passage, ...]
    events: tuple[TripEvent, ...]
    drive_min: int
    km: int
    longest_drive_min: int
    """Longest driving without a rest."""

    @property
    def total_min(self) -> int:
        """From departure to the last arrival."""
        return self.arrive_min[-1]

    def drivers(self, rules: DrivingRules) -> int:
        """Drivers needed: one, or two beyond one driver's day."""
        return 1 if self.drive_min <= rules.driver_day_min else 2


@dataclass(frozen=True)
class _Halt:
    """A pause at a point of the way; ``at`` in minutes of driving from the start."""

    at: int
    order: int
    minutes: int
    kind: TripEventKind
    node: str
    crossing_id: str = ""


def timeline(network: Network, way: Way, rules: DrivingRules) -> Timeline:
    """Put stops, formalities and breaks on a way.

    Breaks are as few as the rule allows and lie in towns where possible (a toilet). Formalities and stops of at
    least the break's length count as a break: everybody is off the vehicle, the driver too.
    """
    nodes, at, km = _axis(network, way)
    halts = _fixed_halts(way, nodes, at, rules)
    rests = sorted({0, at[-1], *(halt.at for halt in halts if halt.minutes >= rules.break_min)})
    longest = 0
    for start, end in pairwise(rests):
        points = _break_points(network, nodes, at, start, end, rules.continuous_driving_min)
        longest = max([longest, *(after - before for before, after in pairwise([start, *points, end]))])
        halts += [
            _Halt(point, 1, rules.break_min, TripEventKind.BREAK, _node_before(nodes, at, point)) for point in points
        ]
    return _clocked(way, sorted(halts, key=lambda halt: (halt.at, halt.order)), at[-1], km, longest)


def _axis(network: Network, way: Way) -> tuple[list[str], list[int], int]:
    """Nodes of the whole way, the minutes of driving to each, and the length in whole km."""
    nodes = [way.stops[0]]
    at = [0]
    km = 0.0
    for segment in way.segments:
        for before, after in pairwise(segment):
            road = network.edges[before, after]
            nodes.append(after)
            at.append(at[-1] + road["drive_min"])
            km += road["km"]
    return nodes, at, math.ceil(km)


def _fixed_halts(way: Way, nodes: Sequence[str], at: Sequence[int], rules: DrivingRules) -> list[_Halt]:
    """Middle stops and formalities, in the order of the way."""
    halts: list[_Halt] = []
    position = 0
    for number, (segment, borders) in enumerate(zip(way.segments, way.borders, strict=True)):
        for border in borders:
            leave = nodes.index(border.exit_post, position)
            enter = nodes.index(border.entry_post, leave)
            halts += [
                _Halt(
                    at[leave],
                    2,
                    rules.exit_formalities_min,
                    TripEventKind.EXIT_FORMALITIES,
                    border.exit_post,
                    border.crossing_id,
                ),
                _Halt(
                    at[enter],
                    2,
                    rules.entry_formalities_min,
                    TripEventKind.ENTRY_FORMALITIES,
                    border.entry_post,
                    border.crossing_id,
                ),
            ]
        position += len(segment) - 1
        if number < len(way.segments) - 1:
            halts.append(_Halt(at[position], 2, rules.stop_min, TripEventKind.STOP, way.stops[number + 1]))
    return halts


def _break_points(
    network: Network, nodes: Sequence[str], at: Sequence[int], start: int, end: int, most: int
) -> list[int]:
    """Where to pause between two rests: as few breaks as possible, each in a town, else at a node, if it can be."""
    points: list[int] = []
    while end - start > most:
        # So many breaks are needed in any case; a candidate must not make it one more.
        needed = math.ceil((end - start) / most) - 1
        earliest = max(start + 1, end - needed * most)
        latest = start + most
        near = [
            (minute, node)
            for minute, node in zip(at, nodes, strict=True)
            if max(earliest, latest - TOILET_SEARCH_MIN) <= minute <= latest
        ]
        towns = [minute for minute, node in near if network.nodes[node]["kind"] == NodeKind.PLACE]
        others = [minute for minute, node in near]
        start = max(towns or others or [latest])
        points.append(start)
    return points


def _node_before(nodes: Sequence[str], at: Sequence[int], point: int) -> str:
    """The last node reached after so many minutes of driving."""
    return [node for node, minute in zip(nodes, at, strict=True) if minute <= point][-1]


def _clocked(way: Way, halts: Sequence[_Halt], drive_min: int, km: int, longest: int) -> Timeline:
    """Turn halts on the way into events on the clock."""
    events = [TripEvent(kind=TripEventKind.DEPARTURE, from_min=0, until_min=0, node=way.stops[0])]
    halted = 0
    for halt in halts:
        start = halt.at + halted
        halted += halt.minutes
        events.append(
            TripEvent(
                kind=halt.kind,
                from_min=start,
                until_min=start + halt.minutes,
                node=halt.node,
                crossing_id=halt.crossing_id,
            )
        )
    total = drive_min + halted
    events.append(TripEvent(kind=TripEventKind.ARRIVAL, from_min=total, until_min=total, node=way.stops[-1]))
    stays = [event for event in events if event.kind is TripEventKind.STOP]
    exits = [event for event in events if event.kind is TripEventKind.EXIT_FORMALITIES]
    entries = [event for event in events if event.kind is TripEventKind.ENTRY_FORMALITIES]
    return Timeline(
        way=way,
        arrive_min=(0, *(stay.from_min for stay in stays), total),
        depart_min=(0, *(stay.until_min for stay in stays), total),
        passages=tuple(
            Passage(border=border, arrive_min=leave.from_min, done_min=enter.until_min)
            for border, leave, enter in zip(way.all_borders, exits, entries, strict=True)
        ),
        events=tuple(events),
        drive_min=drive_min,
        km=km,
        longest_drive_min=longest,
    )
