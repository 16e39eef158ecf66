"""Prices for thousands of classes, from a linear program over far fewer cohorts.

A *cohort* joins classes of merged persons that differ only in weights and, by some days, in when they may start
and must arrive. It is a rough picture, good for finding prices and nothing else: whatever the prices, the bound
that follows from them is computed over the true classes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from retorno.optimizer.classes import TravelClass
from retorno.optimizer.master import Master
from retorno.optimizer.pricing import PRICED, Prices

START_PARTS = 4
"""Parts of the horizon within which first starts count as alike (our assumption, from measurements)."""

MANY_CLASSES, MOST_SHARE = 1_500, 0.7
"""With fewer classes, or more cohorts per class, the program itself is as quick (our assumption)."""


def cohorts_of(classes: Sequence[TravelClass], days: int) -> list[list[int]]:
    """The classes (positions) of every cohort; who has facts, an old itinerary or own needs stays alone."""
    start_days = max(1, days // START_PARTS)
    members: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, travel in enumerate(classes):
        key: tuple[object, ...] = ("alone", index)
        if travel.is_merged and travel.starts and not (travel.must_travel or travel.was_planned or travel.is_locked):
            key = (
                travel.origin, travel.destination, travel.barred, travel.vulnerable, travel.journey_days,
                travel.starts[0].day // start_days,
            )  # fmt: skip
        members[key].append(index)
    return list(members.values())


def joined(classes: Sequence[TravelClass]) -> TravelClass:
    """One class for the persons of several: mean weights, the median person's starts, the last arrival day."""
    if len(classes) == 1:
        return classes[0]
    counts = np.array([travel.count for travel in classes], dtype=np.float64)
    order = sorted(range(len(classes)), key=lambda number: classes[number].starts[0].day)
    median = int(np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2))
    middle = classes[order[median]]
    begin, longest = middle.starts[0].day, max(classes, key=lambda travel: travel.starts[-1].day)
    earlier = tuple(start for start in middle.starts if start.day < longest.starts[0].day)
    return replace(
        middle,
        group_ids=tuple(group_id for travel in classes for group_id in travel.group_ids),
        count=int(counts.sum()),
        fit_seats=min(travel.fit_seats for travel in classes),
        starts=earlier + tuple(start for start in longest.starts if start.day >= begin),
        latest_day=longest.latest_day,
        wait_cents=float(np.average([travel.wait_cents for travel in classes], weights=counts)),
        unplanned_cents=float(np.average([travel.unplanned_cents for travel in classes], weights=counts)),
    )


def cohort_prices(
    master: Master,
    *,
    seconds: float,
    gap: float,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Prices | None:
    """Good prices for a program that is not solved yet, with the itineraries that it has so far.

    None if its classes are few, or its cohorts hardly fewer.
    """
    cohorts = cohorts_of(master.classes, master.ground.days)
    if len(master.classes) < MANY_CLASSES or len(cohorts) > MOST_SHARE * len(master.classes):
        return None
    cohort_of = {index: number for number, own in enumerate(cohorts) for index in own}
    rough = Master(master.ground, [joined([master.classes[index] for index in own]) for own in cohorts], seed=seed)
    known = [(cohort_of[index], way.path) for index, way, _ in master.ways if master.classes[index].kept != way.path]
    rough.add_ways([(number, rough.pricing.way(rough.classes[number], path)) for number, path in known])
    rough.add_moves(list(master.move_columns))
    found = rough.generate(seconds=seconds, gap=gap, should_stop=should_stop).prices
    prices = Prices(master.ground, len(master.classes))
    for name in PRICED:
        setattr(prices, name, getattr(found, name))
    return prices
