"""A real office for the door and browser tests: database, keys, accounts, and the application in a process."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(kw_only=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(kw_only=True)
class Office:
    """A running application; ``ask`` speaks plain HTTP to it."""

    port: int
    folder: Path
    clock_file: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Address as browsers see it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the application and wait until it answers."""
        self.environment = os.environ | {
            "RETORNO_DATABASE": f"sqlite:///{self.folder}/office.db",
            "RETORNO_KEY_FILE": f"{self.folder}/keys.json",
            "RETORNO_PORT": str(self.port),
        }
        command = [sys.executable, "-m", "uvicorn", "ui.app:app", "--host", "127.0.0.1", "--port", str(self.port)]
        command.append("--no-server-header")
        if self.clock_file is not None:
            command = [sys.executable, "-m", "tests.ui.frozen_server", str(self.port)]
            self.environment["TEST_CLOCK_FILE"] = str(self.clock_file)
        with (self.folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        for _ in range(300):
            try:
                if self.ask("GET", "/healthz").status == 200:
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
            time.sleep(0.2)
        raise RuntimeError((self.folder / "server.log").read_text("utf-8"))

    def stop(self) -> None:
        """End the application."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        cookie: str = "",
    ) -> Answer:
        """One request, headers exactly as given; a form sends the right origin unless ``headers`` says otherwise."""
        sent = {"Host": f"127.0.0.1:{self.port}", "Accept": "text/html"}
        body = None
        if form is not None:
            body = urlencode(form).encode()
            sent |= {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        if cookie:
            sent["Cookie"] = f"retorno_session={cookie}"
        sent |= headers or {}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body=body, headers={k: v for k, v in sent.items() if v != "-"})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, headers=found, body=answer.read())

    def sign_in(self, login: str, password: str = PASSWORD) -> str:
        """The session cookie of a fresh sign-in; empty if it was refused."""
        answer = self.ask("POST", "/login", form={"login": login, "password": password})
        return answer.headers.get("set-cookie", "").removeprefix("retorno_session=").split(";")[0]
