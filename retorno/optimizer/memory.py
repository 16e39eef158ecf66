"""What a round of ruin and recreate remembers, so that it can be taken back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from retorno.optimizer.construct import Draft
from retorno.optimizer.place import (
    FREE,
    LARGEST_LEGS,
    STATE,
    Array,
    Ground,
    Load,
    Real,
    Whole,
    YesNo,
    place,
    take_out,
)

# Tasks that change their vehicle in one round at most.
LARGEST_TASKS = 64


class Memory(NamedTuple):
    """What a round needs to remember: how the groups it took out travelled, and the random state.

    ``taken`` holds the groups taken out and the number of the round, ``mark`` the last round that took a group
    out; ``left_out`` the groups without an itinerary; ``barred`` the charters barred for the round; ``tasks``,
    ``instead`` and ``new_vehicle`` the tasks that change their vehicle.
    """

    random: Array
    taken: Array
    mark: Array
    group: Array
    order: Array
    key: Array
    leg_count: Array
    leg_ride: Array
    leg_vehicle: Array
    chosen: Array
    left_out: Array
    left_out_count: Array
    barred: Array
    barred_count: Array
    tasks: Array
    instead: Array
    new_vehicle: Array


def make_memory(draft: Draft, seed: int) -> Memory:
    """An empty memory; ``seed`` 0 and up gives the random state."""
    groups = len(draft.setting.problem.groups)
    state = (seed * 0x9E3779B97F4A7C15 + 0x1234567B) % 2**64
    memory = Memory(
        random=np.array([state or 1], dtype=np.uint64),
        taken=np.zeros(2, dtype=np.int64),
        mark=np.zeros(groups, dtype=np.int64),
        group=np.zeros(groups, dtype=np.int64),
        order=np.zeros(groups, dtype=np.int64),
        key=np.zeros(groups),
        leg_count=np.zeros(groups, dtype=np.int64),
        leg_ride=np.zeros((groups, LARGEST_LEGS), dtype=np.int64),
        leg_vehicle=np.zeros((groups, LARGEST_LEGS), dtype=np.int64),
        chosen=np.zeros(len(draft.setting.slots), dtype=np.int64),
        left_out=np.zeros(groups, dtype=np.int64),
        left_out_count=np.zeros(1, dtype=np.int64),
        barred=np.zeros((8, 2), dtype=np.int64),
        barred_count=np.zeros(1, dtype=np.int64),
        tasks=np.zeros((LARGEST_TASKS, 6), dtype=np.int64),
        instead=np.full((len(draft.setting.slots), draft.setting.space.day_count), -1, dtype=np.int64),
        new_vehicle=np.zeros(LARGEST_LEGS, dtype=np.int64),
    )
    is_free = draft.setting.ground.group[:, STATE] == FREE
    left_out = np.flatnonzero((draft.load.leg_count == 0) & is_free)
    memory.left_out[: len(left_out)] = left_out
    memory.left_out_count[0] = len(left_out)
    return memory


@njit(cache=True)  # type: ignore[untyped-decorator]
def draw(memory: Memory, below: int) -> Whole:
    """Changes ``memory``: a random whole number from 0 to ``below`` - 1 (a xorshift generator)."""
    state = memory.random[0]
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    memory.random[0] = state
    return np.int64(state >> np.uint64(11)) % max(1, below)


@njit(cache=True)  # type: ignore[untyped-decorator]
def draw_share(memory: Memory) -> Real:
    """Changes ``memory``: a random number from 0 up to 1."""
    return draw(memory, np.int64(1 << 30)) / float(1 << 30)


@njit(cache=True)  # type: ignore[untyped-decorator]
def remove(ground: Ground, load: Load, memory: Memory, group: int) -> None:
    """Changes ``load`` and ``memory``: takes a group out and remembers how it travelled."""
    if memory.mark[group] != memory.taken[1]:
        memory.mark[group] = memory.taken[1]
        position = memory.taken[0]
        memory.taken[0] += 1
        memory.group[position] = group
        memory.leg_count[position] = load.leg_count[group]
        for leg in range(load.leg_count[group]):
            memory.leg_ride[position, leg] = load.leg_ride[group, leg]
            memory.leg_vehicle[position, leg] = load.leg_vehicle[group, leg]
    if load.leg_count[group] > 0:
        take_out(ground, load, group)


@njit(cache=True)  # type: ignore[untyped-decorator]
def take_back(ground: Ground, load: Load, memory: Memory) -> YesNo:
    """Changes ``load``: every remembered group travels as before; False if one cannot (never, if all is well)."""
    for position in range(memory.taken[0]):
        if load.leg_count[memory.group[position]] > 0:
            take_out(ground, load, memory.group[position])
    for position in range(memory.taken[0]):
        if memory.leg_count[position] > 0 and not place(
            ground,
            load,
            memory.group[position],
            memory.leg_ride[position],
            memory.leg_vehicle[position],
            memory.leg_count[position],
            np.int64(1),
        ):
            return False
    return True


@njit(cache=True)  # type: ignore[untyped-decorator]
def random_planned(ground: Ground, load: Load, memory: Memory) -> Whole:
    """Changes ``memory``: a random planned group that may move, or -1."""
    for _ in range(50):
        group = draw(memory, ground.group.shape[0])
        if load.leg_count[group] > 0 and ground.group[group, STATE] == FREE:
            return group
    return -1
