"""Small cells: which cells of a table and of its margins are hidden so that none of them can be worked out.

A cell below the threshold is hidden, a zero too. Hiding it is not enough where the sums around it are published: the
method here (docs/statistics.md) hides, with every small cell, a set of cells that can rise and fall together while
every published sum stays as it is, by at least the threshold from the lowest to the highest value that the small cell
can have. So no sum or difference of what is published gives a hidden cell back, nor a range of a small one narrower
than the threshold. Cells hidden because they are small and cells hidden to protect them look the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

TOTAL = "*"
"""Stands in a key for the sum over an axis."""

SUM_WEIGHT = 20
"""How much more a sum over an axis is worth to a reader than a cell below it."""

Key = tuple[str, ...]


def with_margins(counts: Mapping[Key, int], axes: Sequence[Sequence[str]]) -> dict[Key, int]:
    """Every cell of the table and of all its margins; a cell without a count is 0."""
    sums = dict.fromkeys(product(*([*axis, TOTAL] for axis in axes)), 0)
    for key, count in counts.items():
        for cell in product(*((part, TOTAL) for part in key)):
            sums[cell] += count
    return sums


@dataclass(frozen=True, kw_only=True)
class _Pattern:
    """Cells that rise and fall together; on an axis with one category its sum moves too."""

    touched: tuple[Key, ...]
    rising: tuple[Key, ...]
    falling: tuple[Key, ...]


def _patterns(cell: Key, axes: Sequence[Sequence[str]]) -> Iterator[_Pattern]:
    """Every pattern that moves ``cell``.

    On each axis a pattern takes either one category, and then moves the sum over the axis as well, or two, one up and
    one down, and then leaves the sum alone.
    """
    choices: list[list[Key]] = []
    for part, axis in zip(cell, axes, strict=True):
        if part == TOTAL:
            choices.append([(category,) for category in axis])
        else:
            choices.append([(part,), *((part, other) for other in axis if other != part)])
    for chosen in product(*choices):
        spans = [categories if len(categories) == 2 else (*categories, TOTAL) for categories in chosen]
        rising: list[Key] = []
        falling: list[Key] = []
        for corner in product(*chosen):
            downs = sum(part != categories[0] for part, categories in zip(corner, chosen, strict=True))
            (falling if downs % 2 else rising).append(corner)
        yield _Pattern(touched=tuple(product(*spans)), rising=tuple(rising), falling=tuple(falling))


def _width(pattern: _Pattern, sums: Mapping[Key, int]) -> float:
    """From the lowest to the highest value that the cells of a pattern can have; no cell falls below zero."""
    if not pattern.falling:
        return float("inf")
    return min(sums[key] for key in pattern.rising) + min(sums[key] for key in pattern.falling)


_Found = tuple[int, set[Key], set[Key]]
"""What it costs to hide, the cells to hide, and those of them that are protected by it."""


def _cost(touched: Iterable[Key], sums: Mapping[Key, int], hidden: set[Key]) -> int:
    """How much information is lost: every newly hidden cell by its count; the further it sums up, the more it weighs."""
    return sum((sums[key] + 1) * SUM_WEIGHT ** key.count(TOTAL) for key in touched if key not in hidden)


def _cheapest_pattern(
    cell: Key, axes: Sequence[Sequence[str]], sums: Mapping[Key, int], hidden: set[Key], threshold: int
) -> _Found | None:
    """The pattern that protects ``cell`` and hides least; ``None`` where none is wide enough."""
    everybody = (TOTAL,) * len(axes)
    best: _Found | None = None
    for pattern in _patterns(cell, axes):
        if everybody in pattern.touched:
            continue
        cost = _cost(pattern.touched, sums, hidden)
        if (best is None or cost < best[0]) and _width(pattern, sums) >= threshold:
            best = (cost, set(pattern.touched), set(pattern.touched))
            if cost == 0:
                break
    return best


def _above(cell: Key) -> set[Key]:
    """The cell and every sum that it is part of."""
    return set(product(*((part, TOTAL) for part in cell)))


def _cheapest_exchange(
    cell: Key, axes: Sequence[Sequence[str]], sums: Mapping[Key, int], hidden: set[Key], threshold: int
) -> _Found | None:
    """The set of inner cells that can give people to ``cell`` and hides least; ``None`` where they are too few.

    Giver and taker agree on some axes, so that the sums over the others stay as they are. Every giver can give all it
    has at the same time and every taker all of its own back: together the width of the range of ``cell``.
    """
    fixed = [index for index, part in enumerate(cell) if part != TOTAL]
    inner = [key for key in sums if TOTAL not in key and sums[key] > 0]
    # What is hidden already costs nothing and comes first, the larger before the smaller.
    inner.sort(key=lambda key: (key not in hidden, sums[key] * (1 if key not in hidden else -1), key))
    best: _Found | None = None
    for kept in product((True, False), repeat=len(fixed)):
        if all(kept):
            continue
        touched: set[Key] = set()
        takers: set[Key] = set()
        width = 0
        for giver in inner:
            if any(same and giver[index] != cell[index] for index, same in zip(fixed, kept, strict=True)):
                continue
            taker = tuple(g if c == TOTAL else c for g, c in zip(giver, cell, strict=True))
            if taker == giver:
                continue
            touched |= _above(giver) ^ _above(taker)
            width += sums[giver] + (0 if taker in takers else sums[taker])
            takers.add(taker)
            if width >= threshold:
                cost = _cost(touched, sums, hidden)
                if best is None or cost < best[0]:
                    best = (cost, touched, {cell})
                break
    return best


def _is_everybody(key: Key, axes: Sequence[Sequence[str]]) -> bool:
    """Whether a cell is the whole table, because each of its axes is summed or has one category only."""
    return all(part == TOTAL or len(axis) == 1 for part, axis in zip(key, axes, strict=True))


def protect(counts: Mapping[Key, int], axes: Sequence[Sequence[str]], threshold: int) -> dict[Key, int | None]:
    """Table and margins as they may be published: a count, or ``None`` for a hidden cell.

    The number of everybody is published where it reaches the threshold, so that tables of the same people may stand
    side by side: they share that one number and nothing else. Where no set of cells protects a small one, nothing but
    that number is published.

    Parameters
    ----------
    counts
        Inner cells by category on each axis; missing ones are 0.
    axes
        Categories of each axis, in the order of the keys.
    threshold
        Counts below it are hidden.
    """
    sums = with_margins(counts, axes)
    if sums[(TOTAL,) * len(axes)] < threshold:
        return dict.fromkeys(sums, None)
    small = sorted(
        (cell for cell, count in sums.items() if count < threshold),
        key=lambda cell: (-cell.count(TOTAL), -sums[cell], cell),
    )
    hidden = set(small)
    certified: set[Key] = set()
    # Margins first: what they force to be hidden then serves the cells below them.
    for cell in small:
        if cell in certified:
            continue
        best = _cheapest_pattern(cell, axes, sums, hidden, threshold)
        if best is None or best[0]:
            other = _cheapest_exchange(cell, axes, sums, hidden, threshold)
            if best is None or (other is not None and other[0] < best[0]):
                best = other
        if best is None:
            hidden = {key for key in sums if not _is_everybody(key, axes)}
            break
        hidden.update(best[1])
        certified.update(best[2])
    return {cell: None if cell in hidden else count for cell, count in sums.items()}
