"""The errors of retorno: one base and six children.

Expected outcomes (no plan for a group, a group that is not ready) are return values, never exceptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class RetornoError(Exception):
    """Base of every error that retorno raises on purpose."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong with input: where it stands, what was found, what would be right."""

    what: str
    file: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    code: str = "INPUT"

    def __str__(self) -> str:
        where = " ".join(
            part
            for part in (
                self.file,
                f"row {self.row}" if self.row is not None else "",
                f'column "{self.column}"' if self.column else "",
            )
            if part
        )
        return f"{where}: {self.what}" if where else self.what


class InputError(RetornoError, ValueError):
    """Bad input: names file, row and column, all faults at once."""

    def __init__(self, faults: str | Sequence[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (Fault(what=faults),) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class NotAllowed(RetornoError):
    """Access refused; says nothing more to the caller than "not found"."""

    def __init__(self) -> None:
        super().__init__("not found, or not yours")


class Refused(RetornoError):
    """A rule forbids the act; ``findings`` says which and why."""

    def __init__(self, findings: Sequence[Any]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(str(finding) for finding in self.findings))


class Stale(RetornoError):
    """The records changed since they were read."""


class NotSaved(RetornoError):
    """The database could not be read or written now (a full disk, a lost server); nothing of the act was kept."""


class Inconsistent(RetornoError):
    """Our own bug: a plan that the checker rejects, a broken audit chain."""
