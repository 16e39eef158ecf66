"""Solve a joint problem: first plan, better plans, proof; stopping is safe at any moment.

Stages, each of which hands a better plan on: ``first`` (construction, or the repair of the plan before),
``construct`` (constructions with other expected loads), ``bound`` (tens to a few hundred groups: the tight bound;
more: a relaxation), ``dive`` (hundreds of groups and more: a plan rounded from that relaxation), ``exact``
(small problems: prices, arc model, proof), ``neighbourhoods`` (up to a few hundred groups: arc MIP neighbourhoods
at the prices of the bound), ``improve`` (ruin and recreate).  Every plan handed out has passed the judge.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from retorno.errors import Inconsistent, Refused
from retorno.optimizer import place as columns
from retorno.optimizer.bound import ArcBound
from retorno.optimizer.check import Verdict, judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.cohorts import cohort_prices
from retorno.optimizer.construct import Draft, Snapshot, construct, construct_again, repair, restore
from retorno.optimizer.dive import dive, settle
from retorno.optimizer.exact import exact
from retorno.optimizer.ground import Ground
from retorno.optimizer.handles import memory_handle
from retorno.optimizer.improve import rounds
from retorno.optimizer.insert import worst_aircraft
from retorno.optimizer.memory import make_memory
from retorno.optimizer.neighbourhoods import improve_by_mip, relaxation, tight_bound
from retorno.optimizer.placement import construct_on_flights
from retorno.optimizer.problem import Plan, Problem
from retorno.optimizer.rest import restless_vehicle
from retorno.optimizer.setting import MUST_ARRIVE_CENTS, Setting, facts_of, prepare
from retorno.optimizer.timespace import build
from retorno.optimizer.verdict import VERSION_2

# Our assumptions, from the measurements in docs/benchmarks.md.
EXACT_GROUPS = 60
EXACT_SHARE = 0.7
MIP_GROUPS = 300
SEARCH_SHARE = 0.4
# Up to MIP_GROUPS the search begins from this many constructions and goes on from the best; share of its time each.
STARTS, START_SHARE = 4, 0.1
MANY_GROUPS = 2_000
BOUND_SHARE = 0.5
# Above MIP_GROUPS: relative gap at which the program is good enough to dive from, shares of the time left.
DIVE_GAP, PROGRAM_SHARE, DIVE_SHARE = 2e-3, 0.45, 0.6
# Share of the program's time for prices from cohorts; relative gap above which a program begun at them is too far
# from its end for a dive to finish, and the search gets the time.
COHORT_SHARE, LOST_GAP = 0.8, 5e-3
# (Load expected on a new vehicle, those with the earliest date first), in the order of trial.
FIRST_TRIALS = ((6.0, False), (6.0, True), (3.0, False), (12.0, True), (20.0, True), (1.0, False), (30.0, False))
FLIGHT_TRIALS = 3
FIRST_TRIALS_MANY = ((20.0, True), (20.0, False), (10.0, True), (30.0, False))
RUIN_GROUPS = 14
HEAT_SHARE = 0.02
HEAT_SHARE_MANY = 0.1
ROUNDS_PER_LOOK = 50
LOOK_SECONDS = 0.1
PROGRESS_SECONDS = 1.0
SHOW_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How long and how a problem is solved.

    Parameters
    ----------
    seconds
        Time limit, from the call of ``solve``.
    seed
        Same problem, seed and counts give the same plan if no limit of time cuts in.
    threads
        Threads at most. Every step uses one so far, solvers too, so more change nothing.
    max_rounds
        Rounds of ruin and recreate at most; None for no limit but time.  With a limit the search no longer
        looks at the clock for anything but the time limit, so that it can be repeated.
    spent_seconds
        Seconds of the limit that are gone already, for reading the problem.
    """

    seconds: float = 60.0
    seed: int = 1
    threads: int = 1
    max_rounds: int | None = None
    spent_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands: seconds since its start, stage, best value and proven bound in cents.

    ``gap`` is (value - bound) / value, None while no bound is known; see ``Result``.
    """

    seconds: float
    stage: str
    value_cents: int
    bound_cents: int | None
    gap: float | None
    persons_planned: int
    persons: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """The best plan of a run and how it came about.

    Parameters
    ----------
    plan, value_cents, verdict
        The plan, its value, what the judge said of it (never a violation).
    bound_cents, gap
        Proven lower bound and (value - bound) / value; None if nothing was proven.  No plan costs less than 0,
        so a bound of 0 or less says nothing and is never given, but to a plan that costs 0.
    stop_reason
        ``optimal``, ``time``, ``rounds`` or ``stopped``.
    seed, rounds, seconds
        What is needed to repeat the run, and how long it took.
    first_seconds
        When the first valid plan was there.
    failures
        Bugs of ours that ended a stage of proving early, one sentence each; the plan is judged all the same.
    """

    plan: Plan
    value_cents: int
    bound_cents: int | None
    gap: float | None
    verdict: Verdict
    stop_reason: str
    seed: int
    rounds: int
    seconds: float
    first_seconds: float
    failures: tuple[str, ...] = ()


def gap_of(value_cents: int, bound_cents: int | None) -> float | None:
    """(value - bound) / value, at least 0; None without a bound or for a value of 0 or less."""
    if bound_cents is None or value_cents <= 0:
        return 0.0 if bound_cents is not None and bound_cents >= value_cents else None
    return max(0.0, (value_cents - bound_cents) / value_cents)


class _Run:
    """One call of ``solve``: the clock, the best plan and what has been told."""

    def __init__(
        self,
        problem: Problem,
        settings: Settings,
        on_progress: Callable[[Progress], None] | None,
        should_stop: Callable[[], bool] | None,
        on_plan: Callable[[Plan, Verdict], None] | None,
    ) -> None:
        self.problem, self.settings = problem, settings
        self.begun = time.monotonic() - settings.spent_seconds
        self._tell, self._ask, self._hand_out = on_progress, should_stop, on_plan
        self.plan: Plan | None = None
        self.verdict: Verdict | None = None
        self.best: Snapshot | None = None
        self.bound: int | None = None
        self.arc_bound: ArcBound | None = None
        self.first_seconds = 0.0
        self.judge_seconds = 0.0
        self.rounds = 0
        self.failures: list[str] = []
        self.is_stopped = False
        self.shown = 0.0
        self._told = -PROGRESS_SECONDS
        self.persons = sum(group.persons for group in problem.groups)

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun

    def left(self) -> float:
        """Seconds left for searching: what reading back and judging the last plan takes is kept in hand."""
        return self.settings.seconds - self.seconds() - 1.5 * self.judge_seconds - 0.05

    def overrun(self) -> float:
        """Seconds kept in hand for a solver that looks at the clock late (our assumption)."""
        return min(3.0, 0.04 * self.settings.seconds)

    def is_over(self) -> bool:
        """Whether time is up, a stop was asked for, or the plan is proven optimal."""
        if not self.is_stopped and self._ask is not None and self._ask():
            self.is_stopped = True
        return self.is_stopped or self.left() <= 0 or self.is_optimal()

    def is_optimal(self) -> bool:
        """Whether the best plan reaches the bound."""
        return self.verdict is not None and self.bound is not None and self.bound >= self.verdict.value_cents

    def take_bound(self, bound_cents: int, *, stage: str) -> None:
        """Keep a proven bound if it says more than is known; see ``Result`` for what says nothing."""
        says_something = bound_cents > 0 or (self.verdict is not None and bound_cents >= self.verdict.value_cents)
        if says_something and (self.bound is None or bound_cents > self.bound):
            self.bound = bound_cents
            self.tell(stage, now=True)

    def tell(self, stage: str, *, now: bool = False) -> None:
        """Report progress, at most once a second unless ``now``."""
        if self._tell is None or self.verdict is None:
            return
        seconds = self.seconds()
        if not now and seconds - self._told < PROGRESS_SECONDS:
            return
        self._told = seconds
        value, persons_out = self.verdict.value_cents, self.verdict.persons_unplanned
        if self.best is not None and self.best.value_cents < value:
            value, persons_out = self.best.value_cents, self.best.persons_unplanned
        self._tell(
            Progress(
                seconds=seconds,
                stage=stage,
                value_cents=value,
                bound_cents=self.bound,
                gap=gap_of(value, self.bound),
                persons_planned=self.persons - persons_out,
                persons=self.persons,
            )
        )

    def guard(self, stage: str, step: Callable[[], None]) -> None:
        """Run a stage that only proves or polishes: if it fails, say so in the result and keep the plan."""
        try:
            step()
        except Exception as error:
            self.failures.append(f"stage {stage}: {type(error).__name__}: {error}")

    def take(self, plan: Plan, *, stage: str) -> bool:
        """Judge a plan and keep it if it is better; a plan the judge refuses is never kept."""
        begun = time.monotonic()
        verdict = judge(self.problem, plan)
        self.judge_seconds = max(self.judge_seconds, time.monotonic() - begun)
        if not verdict.is_valid:
            facts = judge(self.problem, past_of(self.problem))
            if set(map(str, verdict.violations)) <= set(map(str, facts.violations)):
                raise Refused(verdict.violations)
            raise Inconsistent(
                f"{self.problem.name}: a plan of stage {stage} breaks "
                + "; ".join(str(violation) for violation in verdict.violations[:5])
            )
        if self.verdict is not None and verdict.value_cents >= self.verdict.value_cents:
            return False
        self.shown = self.seconds()
        if self.plan is None:
            self.first_seconds = self.shown
        self.plan, self.verdict = plan, verdict
        if self._hand_out is not None:
            self._hand_out(plan, verdict)
        self.tell(stage, now=True)
        return True

    def take_or_mend(self, plan: Plan, setting: Setting, *, stage: str) -> bool:
        """Keep a plan of the exact stages, which know nothing of version 2: what breaks only that is repaired first."""
        codes = set(judge(self.problem, plan).codes)
        if not codes or codes - VERSION_2:
            return self.take(plan, stage=stage)
        draft, _ = repair(setting, plan, expected=FIRST_TRIALS[0][0])
        return self.take_draft(draft, stage=stage)

    def take_draft(self, draft: Draft, *, stage: str) -> bool:
        """Keep a draft if it is better than the best snapshot and could be shown; see ``can_be_shown``."""
        if self.best is not None and draft.value_cents >= self.best.value_cents:
            return False
        if not can_be_shown(draft):
            return False
        self.best = draft.snapshot()
        begun = time.monotonic()
        plan = draft.to_plan()
        self.judge_seconds = max(self.judge_seconds, time.monotonic() - begun)
        return self.take(plan, stage=stage)


def past_of(problem: Problem) -> Plan:
    """The facts of a replan as a plan: what moved before now, and nothing after."""
    facts = facts_of(problem)
    legs = {name: past for name, past in facts.past_legs.items() if past}
    return Plan(problem=problem.name, vehicles=facts.past_vehicles, itineraries=legs)


def can_be_shown(draft: Draft) -> bool:
    """Whether a draft breaks nothing: all under way arrive, locked legs are kept, aircraft full, drivers rested."""
    ground = draft.setting.ground
    out = draft.unplanned
    if (ground.group[out, columns.LEFT_OUT] >= MUST_ARRIVE_CENTS).any():
        return False
    locked_out = ground.group[out, columns.STATE] == columns.LOCKED
    if (locked_out & (ground.old_count[out] > 0)).any():
        return False
    return int(worst_aircraft(*draft.handles[:2])) < 0 and int(restless_vehicle(*draft.handles[:2], 0)) < 0


def solve(
    problem: Problem,
    settings: Settings,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    start: Plan | None = None,
    on_plan: Callable[[Plan, Verdict], None] | None = None,
) -> Result:
    """The best plan found within the limits.

    Parameters
    ----------
    on_progress
        Called about once a second, and at once when a plan from a new stage is kept.
    should_stop
        Asked several times a second; once it says True the best plan so far is returned.
    start
        A plan to begin from; what no longer holds of it is repaired.
    on_plan
        Called with every plan that is kept, already judged.

    Raises
    ------
    Refused
        If no valid plan exists or was found: only in a replan, when a group under way cannot arrive, a
        locked group can no longer keep its legs, or what happened before now already breaks a rule.
    Inconsistent
        If our own plan breaks a rule.
    """
    run = _Run(problem, settings, on_progress, should_stop, on_plan)
    setting = prepare(build(problem))
    draft = _first(run, setting, start)
    drafts = [draft]
    if problem.groups and not run.is_over():
        drafts = _construct_more(run, setting, draft)
        draft = drafts[0]
    if len(problem.groups) > MIP_GROUPS and not run.is_over():
        run.guard("dive", lambda: _dive(run, setting))
    elif len(problem.groups) > EXACT_GROUPS and settings.max_rounds is None and not run.is_over():
        run.guard("bound", lambda: _tight_bound(run))
    if len(problem.groups) <= EXACT_GROUPS and not run.is_over():
        # Without anybody left to plan the vehicles under way still have to come home at the least cost.
        if problem.groups:
            draft = _improve(run, draft, seconds=min(3.0, run.left() / 10), limit=2_000)
        run.guard("exact", lambda: _prove(run, setting, seconds=EXACT_SHARE * run.left()))
    elif len(problem.groups) <= MIP_GROUPS and not run.is_over():
        draft = _search(run, drafts, seconds=SEARCH_SHARE * run.left())
        if run.settings.max_rounds is None and not run.is_over():
            run.guard("neighbourhoods", lambda: _neighbourhoods(run, setting))
    if problem.groups and not run.is_over():
        _improve(run, draft, seconds=run.left(), limit=None)
    if run.plan is None or run.verdict is None:
        raise Refused(_reasons(draft))
    return Result(
        plan=run.plan,
        value_cents=run.verdict.value_cents,
        bound_cents=run.bound,
        gap=gap_of(run.verdict.value_cents, run.bound),
        verdict=run.verdict,
        stop_reason=_stop_reason(run),
        seed=settings.seed,
        rounds=run.rounds,
        seconds=run.seconds(),
        first_seconds=run.first_seconds,
        failures=tuple(run.failures),
    )


def _stop_reason(run: _Run) -> str:
    if run.is_optimal():
        return "optimal"
    if run.is_stopped:
        return "stopped"
    return "time" if run.left() <= 0 else "rounds"


def _reasons(draft: Draft) -> list[str]:
    """Why a draft could not be shown, by group or charter id."""
    ground, problem = draft.setting.ground, draft.setting.problem
    reasons = []
    for number in draft.unplanned.tolist():
        if ground.group[number, columns.LEFT_OUT] >= MUST_ARRIVE_CENTS:
            reasons.append(f"group {problem.groups[number].id} is under way and no way on was found")
        elif ground.group[number, columns.STATE] == columns.LOCKED and ground.old_count[number] > 0:
            reasons.append(f"group {problem.groups[number].id} is locked to legs that no longer hold")
    worst = int(worst_aircraft(draft.handles[0], draft.handles[1]))
    if worst >= 0:
        places, days = draft.load.aircraft.shape[2], ground.day_count
        charter = problem.charters[worst // (places * days)]
        reasons.append(f"charter {charter.id} on day {worst // places % days} stays below its least load")
    vehicle = int(restless_vehicle(*draft.handles[:2], 0))
    if vehicle >= 0:
        slot = draft.setting.slots[vehicle]
        name = slot.past.id if slot.past else f"of type {problem.vehicle_types[slot.kind].id} at {slot.depot}"
        reasons.append(f"the drivers of a vehicle {name} rest too little")
    return reasons or ["no plan within the time limit"]


def _first(run: _Run, setting: Setting, start: Plan | None) -> Draft:
    """The first plan: repaired from the plan before or the given one, else made from nothing."""
    replan = setting.problem.replan
    before = start if start is not None else replan.previous if replan is not None else None
    many = len(setting.problem.groups) > MANY_GROUPS
    expected, urgent_first = (FIRST_TRIALS_MANY if many else FIRST_TRIALS)[0]
    if before is not None:
        draft, _ = repair(setting, before, expected=expected)
        run.take_draft(draft, stage="repair")
    else:
        draft = construct(setting, expected=expected, urgent_first=urgent_first)
        run.take_draft(draft, stage="first")
    return draft


def _construct_more(run: _Run, setting: Setting, draft: Draft) -> list[Draft]:
    """More constructions, for at most a tenth of the time; the best drafts, best first, at most ``STARTS``."""
    best, found = draft, [draft]
    many = len(setting.problem.groups) > MANY_GROUPS
    is_counted = run.settings.max_rounds is not None
    end = run.seconds() + 0.1 * run.left()

    def is_over() -> bool:
        return run.is_over() or (run.seconds() > end and not is_counted)

    trials = list(FIRST_TRIALS_MANY if many else FIRST_TRIALS)
    for position, (expected, urgent_first) in enumerate(trials):
        other = draft
        # The first plan was the first trial, unless it was a repair.
        if position > 0 or setting.problem.replan is not None:
            if is_over():
                break
            other = construct(setting, expected=expected, urgent_first=urgent_first, should_stop=run.is_over)
        for again in range(3):
            if other.value_cents < best.value_cents:
                best = other
                run.take_draft(best, stage="construct")
            if other is not draft and len(setting.problem.groups) <= MIP_GROUPS:
                found.append(other)
            if again == 2 or is_over():
                break
            other = construct_again(other, unused=expected / 2, urgent_first=urgent_first, should_stop=run.is_over)
    if many and setting.problem.replan is None and not run.is_over():
        best = _construct_on_flights(run, best)
    by_value = {other.value_cents: other for other in reversed(found) if other is not best and can_be_shown(other)}
    return [best, *(by_value[value] for value in sorted(by_value) if value > best.value_cents)][:STARTS]


def _construct_on_flights(run: _Run, draft: Draft) -> Draft:
    """Constructions around aircraft chosen for everybody at once; the best draft."""
    best, other = draft, draft
    for attempt in range(FLIGHT_TRIALS):
        found = construct_on_flights(
            other, urgent_first=True, seed=run.settings.seed + attempt, should_stop=run.is_over
        )
        if found is None or len(found.unplanned) > len(best.unplanned):
            break
        other = found
        if other.value_cents < best.value_cents:
            best = other
            run.take_draft(best, stage="construct")
        if run.is_over():
            break
    return best


def _search(run: _Run, drafts: list[Draft], *, seconds: float) -> Draft:
    """Ruin and recreate from several drafts for a short time each, then from the best: it depends on the start."""
    end = run.seconds() + seconds
    if run.settings.max_rounds is None and len(drafts) > 1:
        for draft in drafts:
            if not run.is_over():
                _improve(run, draft, seconds=START_SHARE * seconds, limit=None, is_start=True)
    return _improve(run, drafts[0], seconds=end - run.seconds(), limit=None)


def _best_draft(run: _Run, draft: Draft) -> Draft:
    """A draft, or one of the best plan so far if that is better."""
    if run.best is not None and run.best.value_cents < draft.value_cents:
        draft = restore(draft.setting, run.best, unused=FIRST_TRIALS[0][0])
    if run.plan is not None and run.verdict is not None and run.verdict.value_cents < draft.value_cents:
        # A stage between found a better plan than the search had: go on from that.
        found, _ = repair(draft.setting, run.plan, expected=FIRST_TRIALS[0][0])
        draft = found if found.value_cents < draft.value_cents else draft
    return draft


def _improve(run: _Run, draft: Draft, *, seconds: float, limit: int | None, is_start: bool = False) -> Draft:
    """Ruin and recreate from a draft, unless ``is_start`` from a better plan if there is one; the draft at its best."""
    if not is_start:
        draft = _best_draft(run, draft)
    draft.prices.barred[:] = False
    most_rounds = run.settings.max_rounds
    limits = [number - run.rounds for number in (most_rounds,) if number is not None]
    if limit is not None:
        limits.append(limit)
    most = min(limits) if limits else None
    memory = make_memory(draft, run.settings.seed + run.rounds)
    handle = memory_handle(memory)
    # No round yet: the first call may have to compile, which is no time spent searching.
    rounds(*draft.handles, handle, 0, 0.0, RUIN_GROUPS)
    begun, done, look = run.seconds(), 0, ROUNDS_PER_LOOK if most_rounds is not None else 1
    groups = len(draft.setting.problem.groups)
    heat_share = HEAT_SHARE_MANY if groups > MIP_GROUPS else HEAT_SHARE
    heat_at_start = heat_share * abs(draft.value_cents) / max(1, groups)
    best = draft.snapshot()
    while not run.is_over() and run.seconds() - begun < seconds and (most is None or done < most):
        share = (run.seconds() - begun) / max(seconds, 1e-9)
        if most_rounds is not None and most is not None:
            share = done / most
        count = look if most is None else min(look, most - done)
        started = time.monotonic()
        heat = heat_at_start * max(0.0, 1.0 - 1.1 * share)
        if rounds(*draft.handles, handle, count, heat, RUIN_GROUPS) < 0:
            raise Inconsistent(f"{run.problem.name}: a round could not be taken back")
        done += count
        run.rounds += count
        if most_rounds is None:
            spent = max(time.monotonic() - started, 1e-4)
            look = max(1, min(2 * look, int(count * LOOK_SECONDS / spent)))
        if draft.value_cents < best.value_cents and can_be_shown(draft):
            best = draft.snapshot()
            if run.best is None or best.value_cents < run.best.value_cents:
                run.best = best
            if run.plan is None or run.seconds() - run.shown > max(SHOW_SECONDS, 30 * run.judge_seconds):
                run.take(draft.to_plan(), stage="improve")
        run.tell("improve")
    if best.value_cents < draft.value_cents:
        draft = restore(draft.setting, best, unused=FIRST_TRIALS[0][0])
    if run.verdict is None or best.value_cents < run.verdict.value_cents:
        run.best = None
        run.take_draft(draft, stage="improve")
    return draft


def _tight_bound(run: _Run) -> None:
    """Up to some hundreds of groups: prices and the bound that they prove, for a share of the time at most."""
    plan, verdict = run.plan, run.verdict
    if plan is None or verdict is None:
        return

    def take_bound(bound_cents: int) -> None:
        run.take_bound(bound_cents, stage="bound")

    ground = Ground(run.problem)
    run.arc_bound = tight_bound(
        ground, classes_of(ground, merge=False), plan, verdict.value_cents, seconds=BOUND_SHARE * run.left(),
        seed=run.settings.seed, should_stop=run.is_over, on_bound=take_bound,
    )  # fmt: skip


def _dive(run: _Run, setting: Setting) -> None:
    """Many groups: the linear program over persons, a bound with it, and the plan that its solution leads to."""
    if run.plan is None:
        return

    def take_bound(bound_cents: int) -> None:
        run.take_bound(bound_cents, stage="bound")

    shares = (1.0, 1.0) if run.settings.max_rounds is not None else (PROGRAM_SHARE, DIVE_SHARE)
    end = run.seconds() + shares[0] * run.left()
    master = relaxation(Ground(run.problem), run.plan, seed=run.settings.seed)
    seconds, seed = COHORT_SHARE * (end - run.seconds()), run.settings.seed
    start = cohort_prices(master, seconds=seconds, gap=DIVE_GAP, seed=seed, should_stop=run.is_over)
    relaxed = master.generate(
        seconds=end - run.seconds(), gap=DIVE_GAP, start=start, should_stop=run.is_over, on_bound=take_bound
    )
    if run.is_over() or not len(master.program.values):
        return
    objective = master.program.objective + master.ground.constant_cents
    if start is not None and objective - relaxed.bound_cents > LOST_GAP * abs(objective):
        return
    dived = dive(master, relaxed, seconds=shares[1] * run.left(), should_stop=run.is_over)
    run.take_draft(settle(setting, master, dived, should_stop=run.is_over), stage="dive")


def _neighbourhoods(run: _Run, setting: Setting) -> None:
    """Arc MIP neighbourhoods with the bound that comes with their prices, until time is up."""
    plan = run.plan
    if plan is None:
        return

    def take_bound(bound_cents: int) -> None:
        run.take_bound(bound_cents, stage="neighbourhoods")

    def take_plan(plan: Plan) -> None:
        run.take_or_mend(plan, setting, stage="neighbourhoods")

    better = improve_by_mip(
        run.problem,
        plan,
        arc_bound=run.arc_bound,
        seconds=run.left() - run.overrun(),
        seed=run.settings.seed,
        should_stop=run.is_over,
        on_plan=take_plan,
        on_bound=take_bound,
    )
    take_plan(better)


def _prove(run: _Run, setting: Setting, *, seconds: float) -> None:
    """The exact mode of small problems: better plans and a proven bound."""

    def take_bound(bound_cents: int) -> None:
        run.take_bound(bound_cents, stage="exact")

    def take_plan(plan: Plan) -> None:
        run.take_or_mend(plan, setting, stage="exact")

    proven = exact(
        run.problem,
        run.plan,
        seconds=min(seconds, run.left() - run.overrun()),
        seed=run.settings.seed,
        should_stop=run.is_over,
        on_bound=take_bound,
        on_plan=take_plan,
    )
    take_bound(proven.bound_cents)
    if proven.plan is not None:
        take_plan(proven.plan)
