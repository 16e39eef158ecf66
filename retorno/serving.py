"""Start an office: the application and its worker as two processes, watched together."""

from __future__ import annotations

import gc
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from retorno.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
"""Where ``.streamlit/config.toml`` lies; Streamlit reads it from the folder it is started in."""


SELDOM = 200
"""A full collection at most after so many smaller ones (our assumption: once in some hundred clicks)."""


def collect_seldom() -> None:
    """Let the process look through all of its memory seldom.

    The problems of plans are large and never garbage. A look through them takes a fifth of a second of the processor,
    in the middle of somebody's click; the smaller collections find what a click leaves behind.
    """
    gc.collect()
    gc.freeze()
    first, second, _ = gc.get_threshold()
    gc.set_threshold(first, second, SELDOM)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables of a child process."""
    return os.environ | {
        "RETORNO_DATABASE": settings.database,
        "RETORNO_KEY_FILE": str(settings.key_file),
        "RETORNO_HOST": settings.host,
        "RETORNO_PORT": str(settings.port),
        "RETORNO_SCHEME": settings.scheme,
        "RETORNO_BIND_PORT": str(settings.bind_port),
    }


def serve(settings: Settings, *, on_ready: Callable[[], None] | None = None) -> int:
    """Run application and worker until one of them ends or a signal comes; gives the exit status.

    Parameters
    ----------
    on_ready
        Called once, as soon as the sign-in page answers.
    """
    port = settings.bind_port or settings.port
    application = [
        sys.executable, "-m", "uvicorn", "ui.app:app", "--host", "127.0.0.1", "--port", str(port),
        "--no-server-header", "--log-level", "warning", "--no-access-log", "--ws-max-size", "20000000",
    ]  # fmt: skip
    worker = [sys.executable, "-m", "retorno", "worker"]
    children = [subprocess.Popen(each, cwd=ROOT, env=environment(settings)) for each in (application, worker)]

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, on_signal)
    try:
        while all(child.poll() is None for child in children):
            if on_ready is not None and answers(settings):
                on_ready()
                on_ready = None
            time.sleep(0.3 if on_ready is None else 0.1)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()


def answers(settings: Settings) -> bool:
    """Whether the sign-in page can be opened now."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.bind_port or settings.port, timeout=5)
    try:
        connection.request("GET", "/login", headers={"Host": min(settings.allowed_hosts)})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
