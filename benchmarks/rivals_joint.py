"""Joint instances side by side: retorno, planning by hand, and one big model in CP-SAT and in HiGHS; one table.

    python -m benchmarks.rivals_joint week40 fever corridor --seconds 30

The big model is the whole arc model of ``retorno.optimizer.model`` over every ride and move, with its strong rows but
without prices, fixing or a plan to start from.  Every run is a process of its own with one thread; ``--seconds`` is
what the solver itself gets (retorno: everything, reading and proving included; the rivals' models are built before
their clock starts).  Plans are judged by the referee.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import highspy
import numpy as np
from ortools.sat.python import cp_model

from benchmarks.joint_run import FOLDER, instance_path, reference
from retorno.optimizer.arcsolve import ArcModel
from retorno.optimizer.assembly import assemble
from retorno.optimizer.check import judge
from retorno.optimizer.classes import allowed_rides, classes_of
from retorno.optimizer.ground import Ground
from retorno.optimizer.master import quiet_highs
from retorno.optimizer.model import Arc, Move
from retorno.optimizer.pricing import FORBIDDEN_CENTS, Pricing
from retorno.optimizer.problem import Plan, read_plan, read_problem, write_plan
from retorno.optimizer.solve import Settings, solve
from retorno.optimizer.warm import warm_up

GIB = 1024**3
CANNOT_STATE = {
    "by hand": "looks one group ahead: nobody waits so that a coach is shared, and nothing is proven",
    "CP-SAT, one model": "which vehicle a family boards: seats are counted per departure, so a plan may split one; "
    "drivers' rest; quotas, escorts, least loads and strong rows it has from us, as rows",
    "HiGHS, one model": "the same as CP-SAT",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One line of the table; money in cents, times in seconds, memory in MiB, ``note`` for the reader."""

    who: str
    value_cents: int | None = None
    bound_cents: int | None = None
    left_out: int | None = None
    build_seconds: float = 0.0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    memory_mib: int = 0
    note: str = ""


def everything(pricing: Pricing) -> tuple[list[list[Arc]], list[Move]]:
    """Every (ride, day) that a class may use, and every move that a vehicle may make."""
    ground = pricing.ground
    arcs = [
        [(int(r), int(d)) for r, d in zip(*np.nonzero(allowed_rides(ground, travel)), strict=True)]
        for travel in pricing.classes
    ]
    runs = [(int(t), int(d)) for t, d in zip(*np.nonzero(ground.trip_runs), strict=True)]
    return arcs, [(kind, trip, day) for kind in range(len(ground.type_seats)) for trip, day in runs]


class WholeModel(ArcModel):
    """The arc model, and what rivals that are not called by retorno itself make of it."""

    def by_highs(self, seconds: float) -> float | None:
        """Solve at once in whole numbers; sets ``values``; the proven bound in cents, None without one."""
        highs = quiet_highs(1)
        highs.setOptionValue("time_limit", seconds)
        highs.setOptionValue("mip_rel_gap", 0.0)
        highs.passModel(self.highs_model(integer=True))
        highs.run()
        info = highs.getInfo()
        has_plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        self.values = np.array(highs.getSolution().col_value) if has_plan else np.zeros(0)
        bound = float(info.mip_dual_bound)
        return bound + self.constant if abs(bound) < FORBIDDEN_CENTS * 1e3 else None

    def by_cp_sat(self, seconds: float) -> tuple[float | None, float]:
        """The same rows in CP-SAT; sets ``values``; the proven bound in cents, and seconds spent stating the rows."""
        begun = time.monotonic()
        lp = self.highs_model(integer=True)
        starts, where = np.array(lp.a_matrix_.start_), np.array(lp.a_matrix_.index_)
        owner = np.repeat(np.arange(lp.num_col_), np.diff(starts))
        order = np.lexsort((owner, where))
        by_row, by_column = where[order], owner[order]
        numbers = whole_numbers(np.array(lp.a_matrix_.value_)[order])
        edges = np.searchsorted(by_row, np.arange(lp.num_row_ + 1))
        # No column without an end counts more than all vehicles there are.
        ground = self.ground
        fleet = sum(ground.fleet_own.values()) + sum(ground.fleet_hire.values()) + len(ground.standing)
        highs = np.where(np.isinf(lp.col_upper_), float(fleet), np.array(lp.col_upper_))
        model = cp_model.CpModel()
        lows = whole_numbers(np.array(lp.col_lower_))
        columns = [model.new_int_var(int(a), int(b), "") for a, b in zip(lows, np.floor(highs), strict=True)]
        for row, (low, high) in enumerate(zip(lp.row_lower_, lp.row_upper_, strict=True)):
            span = slice(edges[row], edges[row + 1])
            total = cp_model.LinearExpr.weighted_sum(
                [columns[column] for column in by_column[span]], [int(number) for number in numbers[span]]
            )
            ends = (-(2**40) if low == -np.inf else int(np.ceil(low)), 2**40 if high == np.inf else int(high))
            model.add_linear_constraint(total, *ends)
        costs = [int(cost) for cost in whole_numbers(np.array(lp.col_cost_))]
        model.minimize(cp_model.LinearExpr.weighted_sum(columns, costs))
        stated = time.monotonic() - begun
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 1
        status = solver.solve(model)
        has_plan = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        self.values = np.array([float(solver.value(c)) for c in columns]) if has_plan else np.zeros(0)
        bound = solver.best_objective_bound
        return (bound + self.constant if bound > -FORBIDDEN_CENTS else None), stated

    def put_together(self) -> tuple[Plan | None, str]:
        """The plan behind ``values``, and what is wrong if there is none."""
        if not len(self.values):
            return None, "no plan found"
        if self._leaves_travellers():
            return None, "somebody under way is left behind"
        choice = self.read_choice()
        if choice.broken_journeys:
            return None, f"{len(choice.broken_journeys)} groups travel too long"
        assembled = assemble(self.pricing, choice)
        if assembled.plan is None:
            wrong = len(assembled.unpacked) or "some"
            return None, f"families do not fit whole into the vehicles of {wrong} departures"
        return assembled.plan, ""


def whole_numbers(numbers: np.ndarray) -> np.ndarray:
    """The numbers as integers.

    Raises
    ------
    ValueError
        If one is no whole number: CP-SAT has no others.
    """
    rounded = np.round(numbers)
    if np.abs(rounded - numbers).max(initial=0.0) > 1e-6:
        raise ValueError("the model has coefficients that are no whole numbers")
    return rounded.astype(np.int64)


def run_here(who: str, path: Path, *, seconds: float, gib: float, plan_path: Path) -> dict[str, object]:
    """One run in this process; writes its plan, if there is one."""
    resource.setrlimit(resource.RLIMIT_AS, (int(gib * GIB), int(gib * GIB)))
    begun = time.monotonic()
    problem = read_problem(path)
    built, note, bound = 0.0, "", None
    if who == "retorno":
        result = solve(problem, Settings(seconds=seconds, spent_seconds=time.monotonic() - begun))
        plan: Plan | None = result.plan
        bound, note = result.bound_cents, "; ".join((result.stop_reason, *result.failures))
    else:
        ground = Ground(problem)
        pricing = Pricing(ground, classes_of(ground, merge=False))
        model = WholeModel(pricing, *everything(pricing))
        size = f"{len(model.columns):,} columns, {len(model.rows):,} rows"
        built = time.monotonic() - begun
        if who.startswith("HiGHS"):
            bound = model.by_highs(seconds)
        else:
            bound, stated = model.by_cp_sat(seconds)
            built += stated
        plan, note = model.put_together()
        note = f"{note}; {size}" if note else size
    if plan is not None:
        write_plan(plan_path, plan)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "bound_cents": None if bound is None else int(np.ceil(bound - 0.5)),
        "build_seconds": built,
        "seconds": time.monotonic() - begun,
        "processor_seconds": used.ru_utime + used.ru_stime,
        "memory_mib": used.ru_maxrss // 1024,
        "note": note,
    }


def run_apart(who: str, path: Path, *, seconds: float, gib: float) -> Run:
    """One run in a process of its own, its plan judged by the referee."""
    with tempfile.TemporaryDirectory() as folder:
        plan_path = Path(folder) / "plan.json"
        command = [sys.executable, "-m", "benchmarks.rivals_joint", str(path), "--one", who, "--plan", str(plan_path)]
        command += ["--seconds", str(seconds), "--gib", str(gib)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20 * seconds + 300)
        except subprocess.TimeoutExpired:
            return Run(who=who, note=f"did not end within {20 * seconds + 300:.0f} s")
        if done.returncode:
            text = done.stderr.strip()
            too_much = "MemoryError" in text or "bad_alloc" in text or done.returncode < 0
            last = text.splitlines()[-1] if text else f"status {done.returncode}"
            return Run(who=who, note=f"does not fit in {gib:g} GiB" if too_much else last)
        told = json.loads(done.stdout.splitlines()[-1])
        if not plan_path.exists():
            return Run(who=who, **told)
        referee = [sys.executable, str(FOLDER / "referee.py"), str(path), str(plan_path)]
        judged = subprocess.run(referee, capture_output=True, text=True, check=False)
        if judged.returncode:
            return Run(who=who, **{**told, "note": "INVALID for the referee; " + told["note"]})
        verdict = judge(read_problem(path), read_plan(plan_path))
    return Run(who=who, value_cents=verdict.value_cents, left_out=verdict.persons_unplanned, **told)


def line(name: str, run: Run) -> str:
    """One line of the table, in dollars."""

    def dollars(cents: int | None) -> str:
        return "-" if cents is None else f"{cents / 100:,.0f}"

    gap = "-"
    if run.bound_cents is not None and run.bound_cents > 0 and run.value_cents:
        gap = f"{100 * max(0, run.value_cents - run.bound_cents) / run.value_cents:.2f} %"
    cells = (
        name, run.who, dollars(run.value_cents), dollars(run.bound_cents), gap,
        "-" if run.left_out is None else str(run.left_out), f"{run.build_seconds:.1f}", f"{run.seconds:.1f}",
        f"{run.processor_seconds:.1f}", str(run.memory_mib or "-"), run.note,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


HEAD = "| instance | who | value $ | bound $ | gap | left out | building s | s in all | processor s | MiB | note |"


def main() -> int:
    """Print the table; status 1 if retorno has no valid plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instances", nargs="+", help="names in benchmarks/joint, or files")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--gib", type=float, default=6.0, help="memory of a run at most")
    parser.add_argument("--one", metavar="WHO", help=argparse.SUPPRESS)
    parser.add_argument("--plan", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        path = instance_path(given.instances[0])
        print(json.dumps(run_here(given.one, path, seconds=given.seconds, gib=given.gib, plan_path=given.plan)))
        return 0
    warm_up()
    known = reference()
    print(HEAD)
    print("|" + " --- |" * (HEAD.count("|") - 1))
    is_good = True
    for name in given.instances:
        path = instance_path(name)
        ours = run_apart("retorno", path, seconds=given.seconds, gib=given.gib)
        is_good = is_good and ours.value_cents is not None
        print(line(name, ours), flush=True)
        row = known.get(path.name.removesuffix(".json.gz"), {}) if path.parent == FOLDER else {}
        if row:
            hand = Run(
                who="by hand", value_cents=int(row["baseline_value_cents"]),
                left_out=int(row["baseline_unplanned_persons"]), note="from reference.csv",
            )  # fmt: skip
        else:
            hand = Run(who="by hand", note="known for the instances of benchmarks/joint only")
        print(line(name, hand), flush=True)
        for who in ("CP-SAT, one model", "HiGHS, one model"):
            print(line(name, run_apart(who, path, seconds=given.seconds, gib=given.gib)), flush=True)
    print("\nWhat they cannot state:")
    for who, what in CANNOT_STATE.items():
        print(f"- {who}: {what}.")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
