"""Solving the strong arc model: as a linear program for prices and a bound, in whole numbers for plans."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from retorno.optimizer.classes import Path
from retorno.optimizer.ground import INFINITE, Floats
from retorno.optimizer.master import quiet_highs
from retorno.optimizer.model import Arc, ArcRows, Key, Move, State
from retorno.optimizer.pricing import FORBIDDEN_CENTS, Prices, Way


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a solved model decided: itineraries with units per class, vehicles per move, aircraft per charter day."""

    ways: list[list[tuple[Way, int]]]
    moves: dict[Move, int]
    aircraft: dict[tuple[int, int], int]
    broken_journeys: tuple[int, ...]


class ArcModel(ArcRows):
    """The rows and columns of ``ArcRows`` with what HiGHS makes of them."""

    # ---- solving ----

    def highs_model(self, *, integer: bool, are_arcs_whole: bool = True) -> highspy.HighsLp:
        """The model in HiGHS's own form; entries of one row and column are summed."""
        rows, columns = len(self._row_low), len(self._cost)
        place = np.array(self._entry_column, dtype=np.int64) * rows + np.array(self._entry_row, dtype=np.int64)
        where, position = np.unique(place, return_inverse=True)
        values: Floats = np.bincount(position, weights=np.array(self._entry_value), minlength=len(where)).astype(
            np.float64
        )
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = columns, rows
        lp.col_cost_ = np.array(self._cost)
        lp.col_lower_, lp.col_upper_ = np.array(self._low), np.array(self._high, dtype=np.float64)
        lp.row_lower_, lp.row_upper_ = np.array(self._row_low), np.array(self._row_high)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        counts = np.bincount(where // rows, minlength=columns) if rows else np.zeros(columns, dtype=np.int64)
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        lp.a_matrix_.index_ = (where % rows).astype(np.int32)
        lp.a_matrix_.value_ = values
        if integer:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            free = () if are_arcs_whole else ("arc", "start")
            lp.integrality_ = [
                kinds[flag and key[0] not in free] for flag, key in zip(self._integer, self.columns, strict=True)
            ]
        return lp

    def solve_relaxed(self, *, seconds: float, basis: Basis | None = None, seed: int = 0) -> Basis | None:
        """Solve the linear relaxation; sets ``values``, ``duals``, ``objective``. None if time ran out."""
        end = time.monotonic() + seconds
        highs = quiet_highs(seed)
        highs.passModel(self.highs_model(integer=False))
        if basis is not None:
            highs.setBasis(basis.fitted(self.columns, self.rows))
        highs.setOptionValue("time_limit", max(0.01, end - time.monotonic()))
        highs.run()
        solution = highs.getSolution()
        self.values: Floats = np.array(solution.col_value)
        self.duals: Floats = np.array(solution.row_dual)
        self.objective = float(highs.getInfo().objective_function_value) + self.constant
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        found = highs.getBasis()
        return Basis(
            columns=dict(zip(self.columns, found.col_status, strict=True)),
            rows=dict(zip(self.rows, found.row_status, strict=True)),
        )

    def solve_whole(
        self,
        *,
        seconds: float,
        seed: int = 0,
        start: Mapping[Key, float] | None = None,
        gap: float = 0.0,
        should_stop: Callable[[], bool] = lambda: False,
        on_bound: Callable[[float], None] = lambda bound: None,
    ) -> WholeResult:
        """Solve with whole numbers.

        Parameters
        ----------
        start
            Values of whole columns of a known plan, by column key; others are 0.
        gap
            Relative gap at which to stop.
        on_bound
            Called with the proven bound of this model, cents, now and then.
        """
        end = time.monotonic() + seconds
        bound = -INFINITE
        status = highspy.HighsModelStatus.kNotset
        found = False
        # Where the moves are whole the arcs mostly are too: half the time, and a valid bound in any case.
        for are_arcs_whole in (False, True):
            highs = quiet_highs(seed)
            highs.passModel(self.highs_model(integer=True, are_arcs_whole=are_arcs_whole))
            highs.setOptionValue("time_limit", max(0.01, end - time.monotonic()))
            highs.setOptionValue("mip_rel_gap", gap)
            highs.setOptionValue("mip_abs_gap", 0.4)
            if start is not None:
                self._give_start(highs, start)

            def watch(event: Any) -> None:
                if time.monotonic() > end or should_stop():
                    event.interrupt()
                told = float(event.data_out.mip_dual_bound)
                if abs(told) < INFINITE:
                    on_bound(told + self.constant)

            highs.cbMipInterrupt += watch
            highs.run()
            status = highs.getModelStatus()
            info = highs.getInfo()
            self.values = np.array(highs.getSolution().col_value)
            found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
            bound = max(bound, float(info.mip_dual_bound) + self.constant)
            if not found or self._is_whole() or time.monotonic() > end:
                break
        if status == highspy.HighsModelStatus.kInfeasible:
            bound = INFINITE
        is_plan = found and self._is_whole() and not self._leaves_travellers()
        return WholeResult(
            choice=self.read_choice() if is_plan else None,
            bound_cents=bound,
            is_optimal=status == highspy.HighsModelStatus.kOptimal,
            is_infeasible=status == highspy.HighsModelStatus.kInfeasible,
        )

    def _give_start(self, highs: highspy.Highs, start: Mapping[Key, float]) -> None:
        whole = [(column, float(start.get(key, 0.0))) for key, column in self.columns.items() if self._integer[column]]
        highs.setSolution(
            len(whole),
            np.array([column for column, _ in whole], dtype=np.int32),
            np.array([value for _, value in whole]),
        )

    def _is_whole(self) -> bool:
        """Whether every whole column has a whole value."""
        values = self.values[np.array(self._integer, dtype=bool)]
        return bool(np.all(np.abs(values - np.round(values)) < 1e-5))

    def _leaves_travellers(self) -> bool:
        """Whether somebody who must travel on stays where they are: a solve that ends early may say so."""
        return any(
            key[0] == "unplanned" and self._cost[column] >= FORBIDDEN_CENTS and self.values[column] > 0.5
            for key, column in self.columns.items()
        )

    # ---- reading back ----

    def read_prices(self) -> Prices:
        """The prices (row duals) of the last relaxed solve."""
        ground = self.ground
        prices = Prices(ground, len(self.classes))
        charters = len(ground.problem.charters)
        for key, row in self.rows.items():
            price = -float(self.duals[row])
            name = str(key[0])
            if price <= 0 or name not in _PRICED:
                continue
            if name in ("strong", "strong_charter"):
                index, unit, day = int(key[1]), int(key[2]), int(key[3])  # type: ignore[call-overload]
                strong = prices.strong_of(index, self.classes[index])
                if name == "strong_charter":
                    unit += len(strong) - charters
                strong[unit, day] += price
            elif name == "conflict":
                prices.conflict_of(int(key[1]))[key[2], key[3]] += price  # type: ignore[call-overload,index]
            else:
                getattr(prices, name)[key[1], key[2]] += price
        return prices

    def targets(self) -> list[float]:
        """Dual of every class row: what one unit of the class costs at the last relaxed optimum."""
        return [
            float(self.duals[self.rows["class", i]]) if ("class", i) in self.rows else -INFINITE
            for i in range(len(self.classes))
        ]

    def read_choice(self) -> Choice:
        """The decisions behind the present (whole) values, itineraries put together from arcs."""
        ways: list[list[tuple[Way, int]]] = [[] for _ in self.classes]
        broken = []
        taken = {key: round(self.values[column]) for key, column in self.columns.items()}
        for index, travel in enumerate(self.classes):
            kept = self.pricing.kept[index]
            if kept is not None and taken.get(("kept", index), 0):
                ways[index].append((kept, taken["kept", index]))
            for path in self._paths(index, taken):
                way = self.pricing.way(travel, path)
                if way.arrival_day - way.first_day > travel.journey_days:
                    broken.append(index)
                ways[index].append((way, 1))
        for index, way, units in self.fixed:
            ways[index].append((way, units))
        return Choice(
            ways=ways,
            moves={
                (int(k[1]), int(k[2]), int(k[3])): n  # type: ignore[call-overload]
                for k, n in taken.items()
                if k[0] == "move" and n
            },
            aircraft={
                (int(k[1]), int(k[2])): n  # type: ignore[call-overload]
                for k, n in taken.items()
                if k[0] == "aircraft" and n
            },
            broken_journeys=tuple(sorted(set(broken))),
        )

    def _paths(self, index: int, taken: Mapping[Key, int]) -> list[Path]:
        """The class's flow taken apart into one itinerary per unit."""
        ground, travel = self.ground, self.classes[index]
        left: dict[Arc, int] = {arc: taken.get(("arc", index, *arc), 0) for arc in self.arcs[index]}
        by_state: dict[State, list[Arc]] = defaultdict(list)
        for ride, day in self.arcs[index]:
            if left[ride, day]:
                by_state[day, int(ground.ride_tail[ride])].append((ride, day))
        waits: dict[State, list[tuple[State, Key]]] = defaultdict(list)
        left_wait: dict[Key, int] = {}
        for key, units in taken.items():
            if units and key[0] == "wait" and key[1] == index:
                day, node, later, target = (int(part) for part in key[2:])  # type: ignore[call-overload]
                waits[day, node].append(((later, target), key))
                left_wait[key] = units
        paths: list[Path] = []
        for number, start in enumerate(travel.starts):
            for _ in range(taken.get(("start", index, number), 0)):
                state: State = (start.day, start.node)
                path: list[Arc] = []
                while True:
                    arc = next((a for a in by_state.get(state, ()) if left[a]), None)
                    if arc is not None:
                        left[arc] -= 1
                        path.append(arc)
                        ride, day = arc
                        if int(ground.ride_to[ride]) == travel.destination:
                            break
                        later = day + int(ground.ride_offset[ride]) + int(ground.ride_wrap[ride])
                        state = (later, int(ground.ride_head[ride]))
                        continue
                    target, key = next((t, k) for t, k in waits[state] if left_wait[k])
                    left_wait[key] -= 1
                    state = target
                paths.append(tuple(path))
        return paths


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeResult:
    """Outcome of a whole-number solve; ``bound_cents`` holds for this model only."""

    choice: Choice | None
    bound_cents: float
    is_optimal: bool
    is_infeasible: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """A simplex basis by column and row key, so that it fits a model with more or other rows and columns."""

    columns: dict[Key, highspy.HighsBasisStatus]
    rows: dict[Key, highspy.HighsBasisStatus]

    def fitted(self, columns: Iterable[Key], rows: Iterable[Key]) -> highspy.HighsBasis:
        """The basis for other columns and rows: new columns at their lower bound, new rows basic."""
        basis = highspy.HighsBasis()
        at_lower, basic = highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic
        basis.col_status = [self.columns.get(key, at_lower) for key in columns]
        basis.row_status = [self.rows.get(key, basic) for key in rows]
        basis.valid = True
        return basis


_PRICED = frozenset(
    {"seat", "wheelchair", "quota", "bed", "reception", "service", "charter_seat", "charter_least", "escort",
     "strong", "strong_charter", "conflict"}
)  # fmt: skip
