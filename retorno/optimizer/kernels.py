"""Shortest paths through time and place, compiled: the inner loops of pricing.

States, rides and days are numbered as in ``ground``; ``cost`` has one row per ride and one column per day,
``night`` one row per site, ``arrival`` one entry per day. 1e15 stands for impossible.
"""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def backward(
    value: Any,
    choice: Any,
    cost: Any,
    night: Any,
    arrival: Any,
    destination: int,
    exact: bool,
    now: int,
    order: Any,
    site_of: Any,
    step: Any,
    link: Any,
    is_end: Any,
    morning: Any,
    out_first: Any,
    out_ride: Any,
    head: Any,
    offset: Any,
    wrap: Any,
    ride_to: Any,
) -> None:
    """Fill least prices until arrival and the choices behind them, from the last day to the first."""
    days = cost.shape[1]
    layers = value.shape[2]
    value[:] = 1e15
    choice[:] = -1
    for day in range(days - 1, now - 1, -1):
        for node in order:
            cell = value[day, node]
            pick = choice[day, node]
            if step[node] >= 0:
                for k in range(layers):
                    if value[day, step[node], k] < cell[k]:
                        cell[k] = value[day, step[node], k]
                        pick[k] = -2
            if link[node] >= 0:
                for k in range(layers):
                    if value[day, link[node], k] < cell[k]:
                        cell[k] = value[day, link[node], k]
                        pick[k] = -3
            if is_end[node] and day + 1 < days:
                site = site_of[node]
                sleep = night[site, day]
                if sleep < 1e14:
                    for k in range(1, layers):
                        total = sleep + value[day + 1, morning[site], k - 1]
                        if total < cell[k]:
                            cell[k] = total
                            pick[k] = -4
            for position in range(out_first[node], out_first[node + 1]):
                ride = out_ride[position]
                price = cost[ride, day]
                if price > 1e14:
                    continue
                arrived = day + offset[ride]
                if arrived >= days:
                    continue
                if ride_to[ride] == destination:
                    total = price + arrival[arrived]
                    top = offset[ride] + 1 if exact else layers
                    for k in range(offset[ride], min(top, layers)):
                        if total < cell[k]:
                            cell[k] = total
                            pick[k] = ride
                    continue
                for extra in range(wrap[ride]):
                    if arrived + extra < days:
                        price += night[ride_to[ride], arrived + extra]
                later = offset[ride] + wrap[ride]
                if price > 1e14 or day + later >= days:
                    continue
                for k in range(later, layers):
                    total = price + value[day + later, head[ride], k - later]
                    if total < cell[k]:
                        cell[k] = total
                        pick[k] = ride


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def read(
    choice: Any,
    day: int,
    node: int,
    layer: int,
    destination: int,
    ride_to: Any,
    head: Any,
    offset: Any,
    wrap: Any,
    step: Any,
    link: Any,
    site_of: Any,
    morning: Any,
) -> Any:
    """The (ride, day) pairs behind a choice."""
    path: Any = []
    while True:
        pick = choice[day, node, layer]
        if pick == -1:
            path.clear()
            return path
        if pick == -2:
            node = step[node]
        elif pick == -3:
            node = link[node]
        elif pick == -4:
            node = morning[site_of[node]]
            day += 1
            layer -= 1
        else:
            path.append((pick, day))
            if ride_to[pick] == destination:
                return path
            later = offset[pick] + wrap[pick]
            node = head[pick]
            day += later
            layer -= later


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def forward(
    reach: Any,
    cost: Any,
    night: Any,
    destination: int,
    most: int,
    begin: int,
    days: int,
    order: Any,
    site_of: Any,
    step: Any,
    link: Any,
    is_end: Any,
    morning: Any,
    out_first: Any,
    out_ride: Any,
    head: Any,
    offset: Any,
    wrap: Any,
    ride_to: Any,
) -> None:
    """Fill least prices from the starts to every state, from day ``begin`` to before day ``days``."""
    layers = min(reach.shape[2], most + 1)
    for day in range(begin, days):
        for number in range(order.size - 1, -1, -1):
            node = order[number]
            cell = reach[day, node]
            least = 1e15
            for e in range(layers):
                least = min(least, cell[e])
            if least > 1e14:
                continue
            for e in range(layers):
                if step[node] >= 0 and cell[e] < reach[day, step[node], e]:
                    reach[day, step[node], e] = cell[e]
                if link[node] >= 0 and cell[e] < reach[day, link[node], e]:
                    reach[day, link[node], e] = cell[e]
            if is_end[node] and day + 1 < days:
                site = site_of[node]
                sleep = night[site, day]
                if sleep < 1e14:
                    for e in range(layers - 1):
                        total = sleep + cell[e]
                        if total < reach[day + 1, morning[site], e + 1]:
                            reach[day + 1, morning[site], e + 1] = total
            for position in range(out_first[node], out_first[node + 1]):
                ride = out_ride[position]
                price = cost[ride, day]
                if price > 1e14 or ride_to[ride] == destination:
                    continue
                arrived = day + offset[ride]
                later = offset[ride] + wrap[ride]
                if day + later >= days:
                    continue
                for extra in range(wrap[ride]):
                    price += night[ride_to[ride], arrived + extra]
                if price > 1e14:
                    continue
                for e in range(layers - later):
                    total = price + cell[e]
                    if total < reach[day + later, head[ride], e + later]:
                        reach[day + later, head[ride], e + later] = total


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def least_through(
    reach: Any,
    value: Any,
    price: float,
    day: int,
    ride: int,
    night: Any,
    arrival: Any,
    destination: int,
    most: int,
    days: int,
    tail: Any,
    head: Any,
    offset: Any,
    wrap: Any,
    ride_to: Any,
) -> float:
    """Least price of an itinerary through one ride of one day that ends before day ``days``."""
    best = 1e15
    arrived = day + offset[ride]
    if arrived >= days:
        return best
    cell = reach[day, tail[ride]]
    if ride_to[ride] == destination:
        for e in range(most - offset[ride] + 1):
            best = min(best, cell[e] + price + arrival[arrived])
        return best
    later = offset[ride] + wrap[ride]
    if day + later >= days:
        return best
    for extra in range(wrap[ride]):
        price += night[ride_to[ride], arrived + extra]
    ahead = value[day + later, head[ride]]
    for e in range(most - later + 1):
        best = min(best, cell[e] + price + ahead[most - e - later])
    return best


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def through(
    result: Any,
    reach: Any,
    value: Any,
    cost: Any,
    night: Any,
    arrival: Any,
    destination: int,
    most: int,
    now: int,
    tail: Any,
    head: Any,
    offset: Any,
    wrap: Any,
    ride_to: Any,
) -> None:
    """Least price of an itinerary through every ride and day."""
    rides, days = cost.shape
    for ride in range(rides):
        for day in range(now, days):
            if cost[ride, day] < 1e14:
                result[ride, day] = least_through(
                    reach, value, cost[ride, day], day, ride, night, arrival, destination, most, days, tail, head,
                    offset, wrap, ride_to,
                )  # fmt: skip


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def class_prices(
    cost: Any,
    seat_price: Any,
    wheel_price: Any,
    conflict: Any,
    comfort: Any,
    allowed: Any,
    strong: Any,
    single: bool,
    seats: float,
    wheelchairs: float,
    persons: float,
    begin: int,
    end: int,
    kind: Any,
    row: Any,
    low: Any,
    high: Any,
    charters: int,
) -> None:
    """Fill what a unit of a class pays for every ride from day ``begin`` to before ``end``; 1e15 where not allowed."""
    units = strong.shape[0] - charters
    for ride in range(cost.shape[0]):
        for day in range(begin, end):
            if not allowed[ride, day]:
                cost[ride, day] = 1e15
                continue
            price = seats * seat_price[ride, day] + persons * comfort[ride]
            if wheelchairs > 0:
                price += wheelchairs * wheel_price[ride, day]
            if conflict.shape[0] > 0:
                price += conflict[ride, day]
            if kind[ride] == 0:
                if single:
                    price += strong[row[ride], day]
                else:
                    for segment in range(low[ride], high[ride]):
                        price += strong[segment, day]
            elif kind[ride] == 2:
                price += strong[units + row[ride], day]
            cost[ride, day] = price


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def values_ahead(
    value: Any,
    nearest: Any,
    strong: Any,
    slack: Any,
    aircraft_slack: Any,
    reach: Any,
    cost: Any,
    night: Any,
    arrival: Any,
    destination: int,
    most: int,
    begin: int,
    end: int,
    target: float,
    single: bool,
    places: Any,
    aircraft_places: Any,
    kind: Any,
    row: Any,
    low: Any,
    high: Any,
    trip_ride: Any,
    tail: Any,
    order: Any,
    site_of: Any,
    step: Any,
    link: Any,
    is_end: Any,
    morning: Any,
    out_first: Any,
    out_ride: Any,
    head: Any,
    offset: Any,
    wrap: Any,
    ride_to: Any,
) -> None:
    """Least prices until arrival from every state that can be reached (``nearest`` is its least ``reach``).

    With a target above -1e15 strong prices are raised ride by ride, backwards in time, until nothing beats the
    target or no slack is left; what is raised is booked against the slack. Days before ``begin`` and from ``end``
    on are left alone.
    """
    layers = value.shape[2]
    types = slack.shape[0]
    units = strong.shape[0] - aircraft_slack.shape[0]
    value[begin : end + 1] = 1e15
    for day in range(end - 1, begin - 1, -1):
        for node in order:
            if nearest[day, node] > 1e14:
                continue
            cell = value[day, node]
            if step[node] >= 0:
                for k in range(layers):
                    cell[k] = min(cell[k], value[day, step[node], k])
            if link[node] >= 0:
                for k in range(layers):
                    cell[k] = min(cell[k], value[day, link[node], k])
            if is_end[node] and day + 1 < end:
                sleep = night[site_of[node], day]
                if sleep < 1e14:
                    for k in range(1, layers):
                        cell[k] = min(cell[k], sleep + value[day + 1, morning[site_of[node]], k - 1])
            for position in range(out_first[node], out_first[node + 1]):
                ride = out_ride[position]
                price = cost[ride, day]
                arrived = day + offset[ride]
                if price > 1e14 or arrived >= end:
                    continue
                later = offset[ride] + wrap[ride]
                rest = 0.0
                if ride_to[ride] == destination:
                    rest = arrival[arrived]
                else:
                    if day + later >= end:
                        continue
                    for extra in range(wrap[ride]):
                        rest += night[ride_to[ride], arrived + extra]
                    rest += value[day + later, head[ride], layers - 1]
                if rest > 1e14:
                    continue
                if nearest[day, node] + price + rest < target - 1e-6:
                    need = target - least_through(
                        reach, value, price, day, ride, night, arrival, destination, most, end, tail, head, offset,
                        wrap, ride_to,
                    )  # fmt: skip
                    if need > 1e-6 and kind[ride] == 0:
                        trip = row[ride]
                        free = 1e15
                        for v in range(types):
                            if places[v] > 0:
                                free = min(free, slack[v, trip, day] / places[v])
                        raised = min(need, free)
                        if raised > 0:
                            for v in range(types):
                                if places[v] > 0:
                                    slack[v, trip, day] -= raised * places[v]
                            strong[trip if single else low[ride], day] += raised
                            for other in range(trip_ride[trip], trip_ride[trip + 1]):
                                if single or (low[other] <= low[ride] and low[ride] < high[other]):
                                    cost[other, day] += raised
                    elif need > 1e-6 and kind[ride] == 2 and aircraft_places[row[ride]] > 0:
                        charter = row[ride]
                        raised = min(need, aircraft_slack[charter, day] / aircraft_places[charter])
                        if raised > 0:
                            aircraft_slack[charter, day] -= raised * aircraft_places[charter]
                            strong[units + charter, day] += raised
                            cost[ride, day] += raised
                    price = cost[ride, day]
                if ride_to[ride] == destination:
                    total = price + arrival[arrived]
                    for k in range(offset[ride], layers):
                        cell[k] = min(cell[k], total)
                    continue
                for extra in range(wrap[ride]):
                    price += night[ride_to[ride], arrived + extra]
                for k in range(later, layers):
                    cell[k] = min(cell[k], price + value[day + later, head[ride], k - later])


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def settle(
    result: Any,
    value: Any,
    reach: Any,
    nearest: Any,
    cost: Any,
    strong: Any,
    slack: Any,
    aircraft_slack: Any,
    seat_price: Any,
    wheel_price: Any,
    conflict: Any,
    comfort: Any,
    allowed: Any,
    seats: float,
    wheelchairs: float,
    persons: float,
    night: Any,
    arrival: Any,
    destination: int,
    most: int,
    begin: int,
    end: int,
    start_day: Any,
    start_node: Any,
    start_elapsed: Any,
    start_cents: Any,
    target: float,
    exact_below: float,
    single: bool,
    places: Any,
    aircraft_places: Any,
    kind: Any,
    row: Any,
    low: Any,
    high: Any,
    trip_ride: Any,
    tail: Any,
    order: Any,
    site_of: Any,
    step: Any,
    link: Any,
    is_end: Any,
    morning: Any,
    out_first: Any,
    out_ride: Any,
    head: Any,
    offset: Any,
    wrap: Any,
    ride_to: Any,
) -> float:
    """One class at given prices: its least price, after raising its strong prices towards ``target`` (see above).

    ``result`` (rides, days; may be empty) gets the least price through each ride; above the least price +
    ``exact_below`` it may hold less than that. ``value``, ``reach``, ``nearest`` and ``cost`` are scratch.
    """
    layers = reach.shape[2]
    class_prices(
        cost, seat_price, wheel_price, conflict, comfort, allowed, strong, single, seats, wheelchairs, persons, begin,
        end, kind, row, low, high, aircraft_slack.shape[0],
    )  # fmt: skip
    best = 1e15
    for turn in range(2):
        reach[begin : end + 1] = 1e15
        for s in range(start_day.size):
            if start_elapsed[s] < layers and start_day[s] < end:
                cell = reach[start_day[s], start_node[s]]
                cell[start_elapsed[s]] = min(cell[start_elapsed[s]], start_cents[s])
        forward(
            reach, cost, night, destination, most, begin, end, order, site_of, step, link, is_end, morning, out_first,
            out_ride, head, offset, wrap, ride_to,
        )  # fmt: skip
        for day in range(begin, end):
            for node in range(order.size):
                least = 1e15
                for e in range(layers):
                    least = min(least, reach[day, node, e])
                nearest[day, node] = least
        aim = target if turn == 0 else -1e16
        values_ahead(
            value, nearest, strong, slack, aircraft_slack, reach, cost, night, arrival, destination, most, begin, end,
            aim, single, places, aircraft_places, kind, row, low, high, trip_ride, tail, order, site_of, step, link,
            is_end, morning, out_first, out_ride, head, offset, wrap, ride_to,
        )  # fmt: skip
        if target < -1e14:
            break
    for s in range(start_day.size):
        if start_elapsed[s] <= most and start_day[s] < end:
            for k in range(min(layers, most - start_elapsed[s] + 1)):
                best = min(best, start_cents[s] + value[start_day[s], start_node[s], k])
    if result.shape[0] == 0:
        return best
    for ride in range(cost.shape[0]):
        for day in range(begin, end):
            price = cost[ride, day]
            arrived = day + offset[ride]
            if price > 1e14 or arrived >= end or nearest[day, tail[ride]] > 1e14:
                continue
            total = nearest[day, tail[ride]] + price
            if ride_to[ride] == destination:
                total += arrival[arrived]
            elif arrived + wrap[ride] < end:
                for extra in range(wrap[ride]):
                    total += night[ride_to[ride], arrived + extra]
                total += value[arrived + wrap[ride], head[ride], layers - 1]
            else:
                continue
            if total < best + exact_below:
                total = least_through(
                    reach, value, price, day, ride, night, arrival, destination, most, end, tail, head, offset, wrap,
                    ride_to,
                )  # fmt: skip
            result[ride, day] = total
    return best
