"""The command on reference data."""

from __future__ import annotations

import argparse
from pathlib import Path

from retorno.commands.registry import INVALID, OK, argument, command, printable
from retorno.routes.cells import ground_folder
from retorno.routes.check_data import check_data


@command(
    "check-data",
    "check every file of a data folder and print all problems at once",
    argument("folder", metavar="FOLDER", nargs="?", type=Path, help="default: RETORNO_DATA, or data/"),
)
def check_data_folder(arguments: argparse.Namespace) -> int:
    folder = ground_folder(arguments.folder)
    faults = check_data(folder)
    for fault in faults:
        print(printable(str(fault)))
    print(printable(f"{len(faults) or 'no'} {'problem' if len(faults) == 1 else 'problems'} found in {folder}"))
    return INVALID if faults else OK
