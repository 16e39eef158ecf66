"""The application with the clock of a file: browser tests move through days by writing another instant into it."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import uvicorn

from retorno import clock

CLOCK_FILE = "TEST_CLOCK_FILE"


def main() -> None:
    """Serve ``ui.app`` on the port given, at the instant that the file holds."""
    file = Path(os.environ[CLOCK_FILE])
    clock.set_now(lambda: datetime.fromisoformat(file.read_text("ascii")))
    uvicorn.run("ui.app:app", host="127.0.0.1", port=int(sys.argv[1]), server_header=False, log_level="warning")


if __name__ == "__main__":
    main()
