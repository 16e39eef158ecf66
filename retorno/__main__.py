"""The command `retorno`: finds the command that is asked for and runs it; the commands are in `retorno.commands`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Final

from retorno import BEGUN_AT
from retorno.commands.registry import COMMANDS, INTERRUPTED, INVALID, WRONG_INPUT, Command, printable
from retorno.errors import InputError, RetornoError

# Loading everything takes over a second, which whoever plans a file would lose of a limit of ten: a command loads the
# module it stands in and no other.
HOMES: Final[Mapping[str, str]] = {
    "check": "planning",
    "solve": "planning",
    "rounds": "local_rounds",
    "contingency": "contingency",
    "check-data": "ground",
    "serve": "offices",
    "demo": "offices",
    "worker": "offices",
    "init": "offices",
    "verify": "verifying",
    "verify-page": "verifying",
    "verify-audit": "verifying",
}

MOST_FAULTS_SHOWN: Final = 50


def loaded(names: Iterable[str]) -> list[Command]:
    """The commands of these names, their modules loaded."""
    for home in sorted({HOMES[name] for name in names}):
        import_module(f"retorno.commands.{home}")
    return [COMMANDS[name] for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="retorno", description="Plans assisted voluntary returns.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    name = words[0] if words else ""
    try:
        for each in loaded([name] if name in HOMES else HOMES):
            below = commands.add_parser(each.name, help=each.summary, description=each.summary)
            for names, settings in each.arguments:
                below.add_argument(*names, **settings)
        parsed = parser.parse_args(words)
        # Whoever waits at a terminal waits for the program to be loaded too.
        parsed.loading_seconds = time.monotonic() - BEGUN_AT if arguments is None else 0.0
        status = COMMANDS[parsed.command].run(parsed)
        sys.stdout.flush()
        return status
    except RetornoError as error:
        print_error(name, error)
        return WRONG_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INVALID
    except OSError as error:
        print(printable(f"retorno {name}: {error.filename}: {error.strerror}"), file=sys.stderr)
        return WRONG_INPUT


def print_error(name: str, error: RetornoError) -> None:
    """Print an error, one line per fault, on the error output."""
    lines = [str(fault) for fault in error.faults] if isinstance(error, InputError) else [str(error)]
    for line in lines[:MOST_FAULTS_SHOWN]:
        print(printable(f"retorno {name}: {line}"), file=sys.stderr)
    if len(lines) > MOST_FAULTS_SHOWN:
        print(f"retorno {name}: and {len(lines) - MOST_FAULTS_SHOWN} more faults", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
