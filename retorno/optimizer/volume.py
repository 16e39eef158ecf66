"""Good prices without a linear program: the volume algorithm on a network of chosen rides, compiled.

Prices move along a mean of what past answers used too much of; an answer is every class's and every vehicle's
cheapest way at the prices. docs/optimizer.md, section *Finding the prices*.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from retorno.optimizer.ground import Floats
from retorno.optimizer.network import ChosenNetwork, Network

CHUNK = 50
"""Steps between two looks at the clock."""
MOST_MEAN, LEAST_MEAN = 0.3, 0.003
"""Weight of a new answer in the mean: at most, and as far as it is lowered (our assumption, from measurements)."""
FIRST_STEP, LEAST_STEP, MOST_STEP = 0.1, 1e-3, 1.9
"""Length of a step as a share of the way to the value aimed at, if prices rose evenly."""
PATIENCE = 20
"""Steps without a better value until they are shortened."""


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def evaluate(
    net: Network, prices: Any, excess: Any, value: Any, pick: Any, shown: Any, wheel: Any, revenue: Any,
    ahead: Any, drive: Any,
) -> float:  # fmt: skip
    """Value of the network at row prices; fills ``excess`` (use less capacity, active rows) and every node's value."""
    days, offsets = net.days, net.offsets
    seat0, wheel0, quota0, bed0 = offsets[0], offsets[1], offsets[2], offsets[3]
    service0, charter0, escort0, own0 = offsets[5], offsets[6], offsets[7], offsets[8]
    total = 0.0
    for r in net.active:
        excess[r] = -net.capacity[r]
        total -= net.capacity[r] * prices[r]
    # Prices that rides, nights, arrivals and escorts' days show to everybody.
    used = net.used_ride.size
    for u in range(used):
        ride, day = net.used_ride[u], net.used_day[u]
        kind, row = net.ride_kind[ride], net.ride_row[ride]
        cents = 0.0
        wheels = 0.0
        if kind == 0:
            for segment in range(net.ride_low[ride], net.ride_high[ride]):
                cents += prices[seat0 + segment * days + day]
                if net.has_wheelchairs:
                    wheels += prices[wheel0 + segment * days + day]
        elif kind == 1:
            cents = prices[service0 + row * days + day]
        else:
            cents = prices[charter0 + row * days + day]
        for q in range(net.pass_first[ride], net.pass_first[ride + 1]):
            cents += prices[quota0 + net.pass_crossing[q] * days + day]
        shown[u] = cents
        wheel[u] = wheels
    for n in range(service0 - bed0):
        shown[used + n] = prices[bed0 + n]
    at = used + service0 - bed0
    for pool in range((own0 - escort0) // days):
        running = 0.0
        shown[at] = 0.0
        at += 1
        for day in range(days):
            running += prices[escort0 + pool * days + day]
            shown[at] = running
            at += 1
    # Classes.
    first, head = net.first, net.head
    for n in range(first.size - 2, -1, -1):
        best, choice = 1e15, -1
        for e in range(first[n], first[n + 1]):
            cents = net.base[e]
            if head[e] >= 0:
                cents += value[head[e]]
            if net.price[e] >= 0:
                cents += net.weight[e] * shown[net.price[e]]
                if net.has_wheelchairs and net.wheels[e] > 0:
                    cents += net.wheels[e] * wheel[net.price[e]]
            for s in range(net.width[e]):
                cents += prices[net.strong[e] + s]
            if cents < best:
                best, choice = cents, e
        value[n], pick[n] = best, choice
    for c in range(net.source.size):
        total += net.units[c] * value[net.source[c]]
        n = net.source[c]
        while n >= 0:
            e = pick[n]
            if e < 0:
                break
            for s in range(net.width[e]):
                excess[net.strong[e] + s] += net.units[c]
            p = net.price[e]
            taken = net.units[c] * net.weight[e]
            if 0 <= p < used:
                ride, day = net.used_ride[p], net.used_day[p]
                kind, row = net.ride_kind[ride], net.ride_row[ride]
                if kind == 0:
                    for segment in range(net.ride_low[ride], net.ride_high[ride]):
                        excess[seat0 + segment * days + day] += taken
                        excess[wheel0 + segment * days + day] += net.units[c] * net.wheels[e]
                elif kind == 1:
                    excess[service0 + row * days + day] += taken
                else:
                    excess[charter0 + row * days + day] += taken
                for q in range(net.pass_first[ride], net.pass_first[ride + 1]):
                    excess[quota0 + net.pass_crossing[q] * days + day] += taken
            elif used <= p < used + service0 - bed0:
                excess[bed0 + p - used] += taken
            elif p >= 0:
                p -= used + service0 - bed0
                pool, until = p // (days + 1), p % (days + 1)
                for day in range(until):
                    excess[escort0 + pool * days + day] += taken
            n = head[e]
    # Vehicles.
    kinds = net.seats.size
    for run in range(net.trip_runs):
        trip, day = net.run_row[run], net.run_day[run]
        seat, wheels = 0.0, 0.0
        for segment in range(net.segment_first[trip], net.segment_first[trip + 1]):
            seat += prices[seat0 + segment * days + day]
            wheels += prices[wheel0 + segment * days + day]
        for k in range(kinds):
            revenue[k, run] = net.seats[k] * seat + net.wheelchairs[k] * wheels
        for r in range(net.run_rows[run], net.run_rows[run + 1]):
            if prices[r] > 0:
                c = net.row_class[r - own0]
                for k in range(kinds):
                    revenue[k, run] += net.places[c, k] * prices[r]
    sites = net.stay_cents.size
    for k in range(kinds):
        for site in range(sites):
            ahead[days, k, site] = net.end_cents[k, site]
    for day in range(days - 1, net.now - 1, -1):
        for k in range(kinds):
            for site in range(sites):
                ahead[day, k, site] = ahead[day + 1, k, site] + net.stay_cents[site]
                drive[day, k, site] = -1
        for m in range(net.move_first[day], net.move_first[day + 1]):
            k = net.move_kind[m]
            cents = net.move_cents[m] + ahead[day + 1, k, net.move_to[m]]
            if net.move_run[m] >= 0:
                cents -= revenue[k, net.move_run[m]]
            if cents < ahead[day, k, net.move_from[m]]:
                ahead[day, k, net.move_from[m]] = cents
                drive[day, k, net.move_from[m]] = m
    for f in range(net.fleet_kind.size):
        k, site = net.fleet_kind[f], net.fleet_site[f]
        cents = ahead[net.now, k, site] + net.fleet_cents[f]
        if cents >= 0 and not net.fleet_forced[f]:
            continue
        count = net.fleet_count[f]
        total += count * cents
        for day in range(net.now, days):
            m = drive[day, k, site]
            if m < 0:
                continue
            site = net.move_to[m]
            run = net.move_run[m]
            if run < 0:
                continue
            trip = net.run_row[run]
            for segment in range(net.segment_first[trip], net.segment_first[trip + 1]):
                excess[seat0 + segment * days + day] -= count * net.seats[k]
                excess[wheel0 + segment * days + day] -= count * net.wheelchairs[k]
            for r in range(net.run_rows[run], net.run_rows[run + 1]):
                excess[r] -= count * net.places[net.row_class[r - own0], k]
    # Aircraft.
    for run in range(net.trip_runs, net.run_row.size):
        charter, day = net.run_row[run], net.run_day[run]
        cents = net.charter_cents[charter] - net.charter_seats[charter] * prices[charter0 + charter * days + day]
        for r in range(net.run_rows[run], net.run_rows[run + 1]):
            cents -= net.aircraft_places[net.row_class[r - own0], charter] * prices[r]
        if cents < 0:
            count = net.charter_most[charter]
            total += count * cents
            excess[charter0 + charter * days + day] -= count * net.charter_seats[charter]
            for r in range(net.run_rows[run], net.run_rows[run + 1]):
                excess[r] -= count * net.aircraft_places[net.row_class[r - own0], charter]
    return total


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def steps(
    net: Network, count: int, aim: float, state: Any, centre: Any, mean: Any, prices: Any, excess: Any, value: Any,
    pick: Any, shown: Any, wheel: Any, revenue: Any, ahead: Any, drive: Any, patience: int,
) -> None:  # fmt: skip
    """``count`` steps from ``centre``; changes it, ``mean`` and ``state`` (best value, step, mean weight, misses)."""
    for _ in range(count):
        best, length, weight = state[0], state[1], state[2]
        norm = 0.0
        for r in net.active:
            if mean[r] > 0 or centre[r] > 0:
                norm += mean[r] * mean[r] * net.scale[r]
        if norm <= 1e-12 or aim <= best:
            return
        step = length * (aim - best) / norm
        for r in net.active:
            prices[r] = max(0.0, centre[r] + step * net.scale[r] * mean[r])
        found = evaluate(net, prices, excess, value, pick, shown, wheel, revenue, ahead, drive)
        both, old, new = 0.0, 0.0, 0.0
        for r in net.active:
            old += mean[r] * mean[r] * net.scale[r]
            new += excess[r] * excess[r] * net.scale[r]
            both += excess[r] * mean[r] * net.scale[r]
        apart = new - 2 * both + old
        share = (old - both) / apart if apart > 1e-12 else weight
        share = min(weight, max(weight / 10, share))
        for r in net.active:
            mean[r] = share * excess[r] + (1 - share) * mean[r]
        if found > best:
            if both > 0:
                state[1] = min(length * 1.1, MOST_STEP)
            state[0], state[3] = found, 0.0
            for r in net.active:
                centre[r] = prices[r]
        else:
            state[3] += 1
            if state[3] >= patience:
                state[1] = max(length * 0.66, LEAST_STEP)
                state[3] = 0.0


class Volume:
    """Prices of a chosen network, made better step by step."""

    def __init__(self, chosen: ChosenNetwork, start: Floats) -> None:
        self.chosen, net = chosen, chosen.network
        nodes, kinds, sites = len(net.first) - 1, len(net.seats), len(net.stay_cents)
        pools = (net.offsets[8] - net.offsets[7]) // max(1, net.days)
        self.value, self.pick = np.zeros(nodes), np.zeros(nodes, dtype=np.int64)
        shown = len(net.used_ride) + int(net.offsets[5] - net.offsets[3]) + int(pools) * (net.days + 1)
        self._work = (
            np.zeros(len(start)), self.value, self.pick, np.zeros(shown), np.zeros(len(net.used_ride)),
            np.zeros((kinds, max(1, net.trip_runs))), np.zeros((net.days + 1, kinds, sites)),
            np.zeros((net.days + 1, kinds, sites), dtype=np.int64),
        )  # fmt: skip
        self.centre = start.copy()
        self.mean = np.zeros(len(start))
        self._prices = start.copy()
        found = evaluate(net, self.centre, *self._work)
        self.mean[net.active] = self._work[0][net.active]
        self.state = np.array([found, FIRST_STEP, MOST_MEAN, 0.0])
        self.count = 0

    @property
    def value_cents(self) -> float:
        """Best value so far; no bound by itself, for rides left out might be cheaper."""
        return float(self.state[0]) + self.chosen.ground.constant_cents

    def run(
        self, *, most: int, aim_cents: float, seconds: float, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        """At most ``most`` steps towards a value that is not thought to be exceeded; changes this object."""
        end = time.monotonic() + seconds
        aim = aim_cents - self.chosen.ground.constant_cents
        done = 0
        while done < most and time.monotonic() < end and not should_stop():
            steps(
                self.chosen.network, min(CHUNK, most - done), aim, self.state, self.centre, self.mean, self._prices,
                *self._work, PATIENCE,
            )  # fmt: skip
            done += CHUNK
            self.state[2] = max(LEAST_MEAN, 0.985 * self.state[2])
        self.count += done

    def class_cents(self) -> Floats:
        """Least price of one unit of every class at the best prices, over the chosen rides."""
        net = self.chosen.network
        evaluate(net, self.centre, *self._work)
        return np.asarray(self.value[net.source])
