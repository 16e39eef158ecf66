"""The import direction: a module imports only what stands before it, and each dependency has one home."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ORDER = """
errors executors vocabulary text clock policy labels settings figures.suppression
routes.cells routes.rows routes.network routes.tables routes.spans routes.answers routes.overlay
routes.outlines routes.column_check routes.draft routes.road_check routes.fact_check routes.check_data
routes.agreements routes.calendars routes.neighbourhood routes.ways routes.timeline routes.departures routes.daytrips
routes.transit routes.offers routes.timetables routes.coaches routes.scheduled routes.transport routes.travellers
routes.bounds routes.chains routes.itineraries routes.no_way
optimizer.facts optimizer.documents optimizer.writing optimizer.problem optimizer.verdict optimizer.check
optimizer.kernels optimizer.timespace
optimizer.handles optimizer.rest optimizer.place optimizer.setting optimizer.insert optimizer.readback
optimizer.construct optimizer.placement
optimizer.memory optimizer.retask optimizer.improve optimizer.ground optimizer.classes optimizer.pricing
optimizer.master optimizer.cohorts
optimizer.network optimizer.volume
optimizer.model optimizer.arcsolve optimizer.bound optimizer.assembly optimizer.neighbourhoods
optimizer.exact
optimizer.dive optimizer.relaxations optimizer.lacks optimizer.explain optimizer.choices
optimizer.solve optimizer.contingency optimizer.rounds optimizer.rounds_files optimizer.rounds_check
optimizer.rounds_times
optimizer.rounds_kernels optimizer.rounds_state optimizer.rounds_ruin optimizer.rounds_moves optimizer.rounds_choice
optimizer.rounds_search optimizer.warm
models.base models.people models.protection models.movements models.office models.triggers models
rules.facts rules.findings rules.persons rules.groups rules.movements rules
database office.audit office.access office.notices office.accounts office.oversight office.jobs
papers.form papers.xlsx_reader papers.sheets papers.mrz papers.keys papers.packing papers.words papers.seal
papers.pages papers.personal papers.journey papers.offline keyring
situation supply.ground_acts figures.statistics first_run movements.journeys supply.offer_acts supply.crew
intake.shared intake.columns intake.drafts intake.consents intake.duplicates intake.acts intake.casefile
intake.registration intake.sheet intake.importing intake
protection health readiness movements.facts plans.scope plans.fleet plans.offers plans.limits
plans.gathering plans.fairness plans.booking plans.store plates plans.assumptions
plans.setting_aside plans.screening plans.solving plans.contingency
plans.planning plans.choosing plans.workbench plans.what_if
plans.comparison plans.plan_report plans.plan_figures
confirmations.confirmation manifest.copies manifest.lists manifest.issue
manifest.signatures manifest under_way.aboard under_way.arrival
changes.effects changes.people changes.movements changes.closures changes changes.at_desk
stopping.places stopping.act stopping.results stopping changes.closed_road confirmations.consulate
rounds.local_round
confirmations.answers under_way.receiving under_way.accompanying movements.story movements.movement_report
figures.monitoring downloads.reports downloads.printing downloads.files
demo.people demo.practice demo.fever demo.road demo.days worker serving demo.tour demo.staging demo.opening
commands.registry commands.planning commands.contingency commands.local_rounds
commands.ground commands.offices commands.verifying __main__
""".split()

ONLY_IN = {
    "ortools": {"optimizer.master", "optimizer.bound", "optimizer.model", "optimizer.neighbourhoods"},
    "highspy": {"optimizer.master", "optimizer.arcsolve", "optimizer.rounds_choice"},
    "numba": {
        "optimizer.timespace",
        "optimizer.kernels",
        "optimizer.network",
        "optimizer.volume",
        "optimizer.rounds_kernels",
        "optimizer.rounds_moves",
        "optimizer.rounds_ruin",
        "optimizer.rounds_state",
        "optimizer.pricing",
        "optimizer.handles",
        "optimizer.place",
        "optimizer.rest",
        "optimizer.setting",
        "optimizer.insert",
        "optimizer.construct",
        "optimizer.memory",
        "optimizer.retask",
        "optimizer.improve",
        "optimizer.dive",
        "optimizer.placement",
    },
    "networkx": {"routes.neighbourhood", "routes.network", "routes.road_check", "routes.scheduled", "routes.ways"},
    "streamlit": set(),
    "typst": {"papers.pages"},
}
OPTIMIZER_USERS = {
    "plans.fleet",
    "plans.offers",
    "plans.limits",
    "plans.gathering",
    "plans.fairness",
    "plans.booking",
    "plans.store",
    "plates",
    "plans.screening",
    "plans.planning",
    "plans.contingency",
    "plans.assumptions",
    "plans.solving",
    "plans.what_if",
    "plans.choosing",
    "plans.comparison",
    "plans.workbench",
    "rounds.local_round",
    "downloads.printing",
    "worker",
    "commands.planning",
    "commands.local_rounds",
    "commands.contingency",
    "demo.road",
}
PROTECTION_USERS = {
    "rules",
    "office.access",
    "intake",
    "protection",
    "readiness",
    "changes",
    "retention",
    "database",
    "models",
    "models.triggers",
    "plans.booking",
    "demo.people",
    "stopping",
}


@cache
def modules() -> dict[str, Path]:
    """Every module of ``retorno`` by its name below the package; a package by the name of its folder."""
    found = {}
    for path in sorted((ROOT / "retorno").rglob("*.py")):
        parts = path.relative_to(ROOT / "retorno").with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name not in (
            "",
            "routes",
            "optimizer",
            "office",
            "papers",
            "plans",
            "movements",
            "confirmations",
            "under_way",
            "supply",
            "downloads",
            "rounds",
            "figures",
            "demo",
            "commands",
        ):
            found[name] = path
    return found


@cache
def imports(path: Path) -> list[tuple[str, int, bool]]:
    """Imported names with their line, and whether the import stands inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if node is not function
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, id(node) in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", node.lineno, id(node) in inside) for alias in node.names]
    return found


def own(name: str, known: dict[str, Path]) -> str | None:
    """The module of ours that an imported name belongs to, the most exact one."""
    if not name.startswith("retorno."):
        return None
    parts = name.removeprefix("retorno.").split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in known:
            return ".".join(parts[:end])
    return None


def test_every_module_stands_in_the_order_and_every_name_in_the_order_is_a_module() -> None:
    assert sorted(ORDER) == sorted(modules())


def test_a_module_imports_only_modules_before_it() -> None:
    known, place = modules(), {name: number for number, name in enumerate(ORDER)}
    wrong = [
        f"{name}:{line} imports {target}"
        for name, path in known.items()
        for imported, line, _ in imports(path)
        if (target := own(imported, known))
        and target != name
        and place[target] >= place[name]
        and not name.startswith(f"{target}.")
    ]
    assert wrong == []


def test_no_import_stands_inside_a_function() -> None:
    ours = [*modules().values(), *(ROOT / "ui").rglob("*.py")]
    wrong = [f"{path.name}:{line} {name}" for path in ours for name, line, inside in imports(path) if inside]
    assert wrong == []


def test_every_dependency_has_its_home() -> None:
    wrong = [
        f"{name}:{line} imports {imported}"
        for name, path in modules().items()
        for imported, line, _ in imports(path)
        if (package := imported.split(".")[0]) in ONLY_IN and name not in ONLY_IN[package]
    ]
    assert wrong == []


def test_the_optimizer_meets_no_person_and_the_ground_no_database() -> None:
    known = modules()
    allowed = {
        "optimizer": ("errors", "vocabulary", "optimizer."),
        "routes": ("errors", "vocabulary", "clock", "routes.", "policy", "text"),
    }
    wrong = [
        f"{name}:{line} imports {target}"
        for name, path in known.items()
        for imported, line, _ in imports(path)
        if (package := name.split(".")[0]) in allowed
        and (target := own(imported, known))
        and not target.startswith(allowed[package])
    ]
    assert wrong == []


def test_the_judge_shares_nothing_with_the_judged() -> None:
    known = modules()
    used = {own(name, known) for name, _, _ in imports(known["optimizer.check"])} - {None}
    assert used <= {"errors", "vocabulary", "optimizer.problem", "optimizer.verdict"}


def test_one_door_to_the_optimizer() -> None:
    known = modules()
    users = {
        name
        for name, path in known.items()
        if not name.startswith("optimizer")
        and any((own(i, known) or "").startswith("optimizer") for i, _, _ in imports(path))
    }
    assert users <= OPTIMIZER_USERS


def test_protection_facts_do_not_wander() -> None:
    known = modules()
    users = {
        name
        for name, path in known.items()
        if any(own(imported, known) == "models.protection" for imported, _, _ in imports(path))
    }
    packages = ("intake", "rules", "changes", "stopping")
    assert {name.split(".")[0] if name.startswith(packages) else name for name in users} <= PROTECTION_USERS


def test_only_the_clock_reads_the_real_time() -> None:
    ours = [*((name, path) for name, path in modules().items() if name != "clock")]
    wrong = [
        name
        for name, path in ours
        if any(call in path.read_text("utf-8") for call in ("datetime.now(", "date.today(", "utcnow("))
    ]
    assert wrong == []
