"""What every command is made of: its registration, its exit status, its arguments, what it prints.

A command is one function under `@command(name, summary, argument(...), ...)`; it takes the parsed arguments and
returns the exit status: 0 done, 1 a plan or data that are not valid, 2 input that cannot be used.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retorno.errors import Fault, InputError

OK: Final = 0
INVALID: Final = 1
WRONG_INPUT: Final = 2
# A program that a signal ended has this much more than the signal's number; 130 after Ctrl-C.
SIGNALLED: Final = 128
INTERRUPTED: Final = SIGNALLED + signal.SIGINT
LEAVING_SHARE: Final = 0.2
"""Ending the program takes about this share of the time that loading it took, on a busy machine too (measured)."""

Run = Callable[[argparse.Namespace], int]


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line: its name, what it does in a few words, its arguments, the function that runs it."""

    name: str
    summary: str
    arguments: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]
    run: Run


COMMANDS: dict[str, Command] = {}


def argument(*names: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """One argument, as `argparse` takes it."""
    return names, settings


def command(name: str, summary: str, *arguments: tuple[tuple[str, ...], dict[str, Any]]) -> Callable[[Run], Run]:
    """Register the function below as the command of this name."""

    def register(run: Run) -> Run:
        COMMANDS[name] = Command(name=name, summary=summary, arguments=arguments, run=run)
        return run

    return register


def positive_number(text: str) -> float:
    """A finite number above 0, for `argparse`."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"is {text}, expected a number above 0")
    return number


def positive_count(text: str) -> int:
    """A whole number from 1, for `argparse`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"is {text}, expected a whole number from 1")
    return int(text)


def whole_number(text: str) -> int:
    """A whole number from 0, for `argparse`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"is {text}, expected a whole number from 0")
    return int(text)


def expect_writable(path: Path) -> None:
    """Refuse a file that could not be written, before anybody waits for what should go into it.

    Raises
    ------
    InputError
        If the file is a folder, or stands in none or in one that may not be written to.
    """
    folder = path.parent
    if path.is_dir():
        raise InputError([Fault(what="is a folder, expected a file to write", file=str(path))])
    if not folder.is_dir():
        raise InputError([Fault(what=f"cannot be written: there is no folder {folder}", file=str(path))])
    if not os.access(folder, os.W_OK):
        raise InputError([Fault(what=f"cannot be written: no right to write in {folder}", file=str(path))])


def all_faults_of(steps: Sequence[Callable[[], object]]) -> list[Any]:
    """What each step gives; if some are refused, the faults of all of them in one refusal.

    Raises
    ------
    InputError
        With the faults of every step that raised one.
    """
    found: list[Any] = []
    faults: list[Fault] = []
    for step in steps:
        try:
            found.append(step())
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return found


def printable(text: str) -> str:
    """The text with a mark in place of whatever could steer a terminal: files may hold any id."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
