"""Every fault that intake can name has words in three languages, and every field of its forms a help line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from retorno.labels import all_labels

ROOT = Path(__file__).resolve().parents[1]
RAISING = (
    *sorted((ROOT / "retorno/intake").glob("*.py")),
    *(ROOT / "retorno" / name for name in ("text.py", "models/people.py", "papers/mrz.py", "papers/sheets.py")),
    ROOT / "retorno/papers/xlsx_reader.py",
)
ASKING = ("family_fields", "consent", "case", "adding")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_CALLS = {"CellFault": 0, "PydanticCustomError": 0, "_refuse": 1, "_fault": -1}


def codes(path: Path) -> Iterator[str]:
    """Codes of faults in a module: the keyword ``code``, and the place of the code in calls that make faults."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        found = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        if name in _CALLS and len(node.args) > max(_CALLS[name], 0):
            found.append(node.args[_CALLS[name]])
        for value in found:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                code = value.value.upper()
                if _CODE.fullmatch(code):
                    yield code


def test_every_fault_of_intake_has_words() -> None:
    found = {code for path in RAISING for code in codes(path)}

    assert len(found) > 40
    assert sorted(code for code in found if f"fault.{code}" not in all_labels()) == []


def test_every_field_of_the_forms_of_intake_has_a_help_line() -> None:
    asked: set[str] = set()
    for name in ASKING:
        text = (ROOT / "ui/views" / f"{name}.py").read_text(encoding="utf-8")
        asked |= set(
            re.findall(
                r'form\.(?:text|day|choose|ask|tick|number|several|country|area)\(\s*f?"(?:\{key\}\.)?(\w+)"', text
            )
        )

    assert len(asked) > 25
    # Who needs a wheelchair place is ticked by name below the question, which has the help line.
    asked -= {"needs_wheelchair"}
    assert sorted(field for field in asked if f"field_help.{field}" not in all_labels()) == []
