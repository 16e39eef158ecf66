"""What the documentation must not forget: every rule, command, setting, column and status."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from retorno.__main__ import HOMES, loaded
from retorno.commands.registry import COMMANDS
from retorno.routes.cells import SHIPPED, read_rows
from retorno.routes.rows import ExampleCase
from retorno.rules import RULES, RuleCode
from retorno.settings import Settings
from retorno.vocabulary import ManifestStatus, MovementStatus, PlanStatus, Rule

DOCS = Path(__file__).resolve().parents[1] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def every_page() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(DOCS.glob("*.md")))


def test_every_rule_that_judges_has_its_row():
    rules = page("rules.md")

    assert set(RULES) == set(list(Rule)[:24])
    assert [rule.value for rule in RULES if f"| {rule.value} |" not in rules] == []


def test_every_outcome_of_a_rule_is_described():
    rules = page("rules.md")

    assert [code.value for code in RuleCode if f"`{code.value}`" not in rules] == []


def test_every_command_is_described_and_nothing_else():
    described = set(re.findall(r"^\| `retorno ([a-z-]+)", page("operations.md"), re.MULTILINE))

    assert described == set(HOMES)


def test_every_command_stands_in_the_module_where_it_is_looked_for():
    loaded(HOMES)

    assert {name: command.run.__module__ for name, command in COMMANDS.items()} == {
        name: f"retorno.commands.{home}" for name, home in HOMES.items()
    }


def test_every_setting_is_described_and_nothing_else():
    described = set(re.findall(r"^\| `RETORNO_([A-Z_]+)`", page("operations.md"), re.MULTILINE))

    assert described == {name.upper() for name in Settings.model_fields}


def test_every_column_of_every_table_says_what_it_means():
    with (SHIPPED / "columns.csv").open(encoding="utf-8", newline="") as file:
        described = {(row["file"], row["column"]) for row in csv.DictReader(file) if row["description"].strip()}
    tables = [*SHIPPED.glob("*.csv"), *SHIPPED.glob("examples/*.csv")]
    headers = {
        (path.relative_to(SHIPPED).as_posix(), column)
        for path in tables
        for column in path.read_text("utf-8").partition("\n")[0].split(",")
    }

    assert sorted(headers - described) == []


def test_every_file_of_the_data_folder_is_named_in_its_readme():
    readme = (SHIPPED / "README.md").read_text("utf-8")

    assert [path.name for path in sorted(SHIPPED.rglob("*.csv")) if path.name not in readme] == []


@pytest.mark.parametrize("statuses", [MovementStatus, PlanStatus, ManifestStatus])
def test_every_status_is_described(statuses: type[MovementStatus | PlanStatus | ManifestStatus]):
    text = every_page()

    assert [status.value for status in statuses if f"`{status.value}`" not in text] == []


def test_every_circumstance_of_the_demonstration_is_described():
    codes = {code for case in read_rows(SHIPPED / "examples/cases.csv", ExampleCase) for code in case.circumstances}

    assert sorted(code for code in codes if f"`{code}`" not in page("operations.md")) == []


def test_every_page_is_in_the_index_and_every_link_leads_somewhere():
    index = page("index.md")
    root = DOCS.parent
    pages = [*DOCS.glob("*.md"), root / "README.md", root / "CONTRIBUTING.md", SHIPPED / "README.md"]
    broken = [
        f"{path.name}: {target}"
        for path in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]

    assert [path.name for path in DOCS.glob("*.md") if path.name != "index.md" and f"({path.name})" not in index] == []
    assert broken == []
