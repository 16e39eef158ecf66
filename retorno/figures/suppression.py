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
from itertools import combinations, product

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
    """Cells that move together while every other cell and sum stays: which rise, which fall, all that is touched."""

    touched: frozenset[Key]
    rising: tuple[Key, ...]
    falling: tuple[Key, ...]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What protects a small cell: what it costs to hide, and the cells to hide."""

    cost: int
    touched: frozenset[Key]


def _partitions(axes: Sequence[int]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every way to put axes into blocks."""
    if not axes:
        yield ()
        return
    first, rest = axes[0], axes[1:]
    for size in range(len(rest) + 1):
        for others in combinations(rest, size):
            left = [axis for axis in rest if axis not in others]
            for blocks in _partitions(left):
                yield ((first, *others), *blocks)


def _above(part: Key) -> set[Key]:
    """A cell, and every sum that it is part of."""
    return set(product(*((category, TOTAL) for category in part)))


def _patterns(cell: Key, axes: Sequence[Sequence[str]], blocks: Sequence[tuple[int, ...]]) -> Iterator[_Pattern]:
    """Every pattern of these blocks of axes that moves ``cell``.

    In each block a pattern takes either one cell, and then moves the sums over the block as well, or two, one up and
    one down, and then leaves what both are part of alone.
    """
    choices: list[list[tuple[Key, ...]]] = []
    for block in blocks:
        every = list(product(*(axes[axis] for axis in block)))
        ours = [part for part in every if all(cell[axis] in (TOTAL, c) for axis, c in zip(block, part, strict=True))]
        pairs = [(mine, other) for mine in ours for other in every if other not in ours]
        choices.append([*((mine,) for mine in ours), *pairs])
    order = [axis for block in blocks for axis in block]
    place = [order.index(axis) for axis in range(len(axes))]

    def whole(parts: Iterable[Key]) -> Key:
        flat = [category for part in parts for category in part]
        return tuple(flat[at] for at in place)

    for chosen in product(*choices):
        spans = [_above(one[0]) if len(one) == 1 else _above(one[0]) ^ _above(one[1]) for one in chosen]
        rising: list[Key] = []
        falling: list[Key] = []
        for corner in product(*chosen):
            downs = sum(part != one[0] for part, one in zip(corner, chosen, strict=True))
            (falling if downs % 2 else rising).append(whole(corner))
        touched = frozenset(whole(parts) for parts in product(*spans))
        yield _Pattern(touched=touched, rising=tuple(rising), falling=tuple(falling))


def _cost(touched: Iterable[Key], sums: Mapping[Key, int], hidden: set[Key]) -> int:
    """How much is lost: every newly hidden cell by its count; the further it sums up, the more it weighs."""
    return sum((sums[key] + 1) * SUM_WEIGHT ** key.count(TOTAL) for key in touched if key not in hidden)


def _cheapest(
    cell: Key, axes: Sequence[Sequence[str]], sums: Mapping[Key, int], hidden: set[Key], threshold: int
) -> _Found | None:
    """The patterns that protect ``cell`` together and hide least; ``None`` where the people around it are too few.

    Several patterns can be gone up at the same time as long as no falling cell gives more than it has; one of them can
    be gone down.
    """
    everybody = (TOTAL,) * len(axes)
    best: _Found | None = None
    for blocks in _partitions(range(len(axes))):
        kinds: dict[frozenset[Key], list[tuple[int, int, int, _Pattern]]] = {}
        for pattern in _patterns(cell, axes, blocks):
            if everybody in pattern.touched or not pattern.falling:
                continue
            up = min(sums[key] for key in pattern.falling)
            down = min(sums[key] for key in pattern.rising)
            if up or down:
                sums_touched = frozenset(key for key in pattern.touched if key.count(TOTAL) >= len(axes) - 1)
                cost = _cost(pattern.touched, sums, hidden)
                kinds.setdefault(sums_touched, []).append((cost, up, down, pattern))
        for found in kinds.values():
            found.sort(key=lambda each: (each[0] / (each[1] + each[2]), each[3].rising, each[3].falling))
            touched: set[Key] = set()
            left: dict[Key, int] = {}
            ups = downs = 0
            for _, _, down, pattern in found:
                up = min(left.get(key, sums[key]) for key in pattern.falling)
                if up == 0 and down <= downs:
                    continue
                for key in pattern.falling:
                    left[key] = left.get(key, sums[key]) - up
                touched |= pattern.touched
                ups, downs = ups + up, max(downs, down)
                if ups + downs >= threshold:
                    cost = _cost(touched, sums, hidden)
                    if best is None or cost < best.cost:
                        best = _Found(cost=cost, touched=frozenset(touched))
                    break
        if best is not None and best.cost == 0:
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
    # Margins first: what they force to be hidden then serves the cells below them.
    for cell in small:
        best = _cheapest(cell, axes, sums, hidden, threshold)
        if best is None:
            hidden = {key for key in sums if not _is_everybody(key, axes)}
            break
        hidden.update(best.touched)
    return {cell: None if cell in hidden else count for cell, count in sums.items()}
