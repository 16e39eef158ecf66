"""First and later visits on a slow line: bytes that travel, and the time until the page's heading stands.

    python benchmarks/first_visit.py                 # the demonstration office, made anew in a temporary folder
    python benchmarks/first_visit.py --kbits 400     # another line
    python benchmarks/first_visit.py --role consulate --role protection

Chromium's own throttling: the download rate given, a third of it upwards, 150 ms there and back. Needs chromium.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from retorno import clock, serving
from retorno.database import Database
from retorno.demo.opening import settings_of
from retorno.demo.staging import build
from retorno.settings import Settings
from retorno.vocabulary import Role

PAGES = {
    Role.COORDINATOR: ("", "intake", "plan"),
    Role.CONSULATE: ("", "consulate"),
    Role.PROTECTION: ("", "protection"),
    Role.ADMINISTRATOR: ("", "administration"),
}
LATENCY_MS = 150


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What one opening of a page cost."""

    kilobytes: float
    seconds: float
    hosts: frozenset[str]


def main() -> int:
    """Measure every page of ``PAGES``: the first visit with an empty cache, then once more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kbits", type=int, default=1600)
    parser.add_argument("--port", type=int, default=8681)
    parser.add_argument(
        "--role", action="append", type=Role, choices=list(PAGES), help="all of them where none is named"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), chosen.port)
        database = Database(settings.database)
        passwords = {each.role: (each.login, each.password) for each in build(database, settings, now=clock.now())}
        database.dispose()
        server = subprocess.Popen(
            [sys.executable, "-m", "retorno", "serve"], cwd=serving.ROOT, env=serving.environment(settings)
        )
        try:
            while not serving.answers(settings):
                time.sleep(0.3)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
                )
                print(f"{chosen.kbits} kbit/s, {LATENCY_MS} ms: role page | first kB, s | later kB, s")
                for role in chosen.role or PAGES:
                    for page in PAGES[role]:
                        first, later = measure(browser, settings, passwords[role], page, chosen.kbits)
                        print(
                            f"{role.value} /{page} | {first.kilobytes:.0f} kB, {first.seconds:.1f} s | "
                            f"{later.kilobytes:.0f} kB, {later.seconds:.1f} s | {', '.join(first.hosts | later.hosts)}",
                            flush=True,
                        )
                browser.close()
        finally:
            server.terminate()
            server.wait(timeout=30)
    return 0


def measure(
    browser: Browser, settings: Settings, account: tuple[str, str], page: str, kbits: int
) -> tuple[Visit, Visit]:
    """The first visit and the next one of a browser that was never here."""
    context = browser.new_context(locale="es")
    signing = context.new_page()
    signing.goto(f"{settings.origin}/login")
    signing.fill("#login", account[0])
    signing.fill("#password", account[1])
    # The cookie only: the page behind the door is not opened here, so the cache stays empty.
    with signing.expect_response("**/login"):
        signing.route("**/*", lambda route: route.continue_() if "/login" in route.request.url else route.abort())
        signing.click("main button")
    signing.close()
    visits = (visit(context, f"{settings.origin}/{page}", kbits), visit(context, f"{settings.origin}/{page}", kbits))
    context.close()
    return visits


def visit(context: BrowserContext, address: str, kbits: int) -> Visit:
    """Open a page on the slow line, in a fresh window of the same browser."""
    window = context.new_page()
    line = context.new_cdp_session(window)
    line.send("Network.enable")
    rate = kbits * 1000 / 8
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY_MS, "downloadThroughput": rate, "uploadThroughput": rate / 3},
    )
    sizes: list[float] = []
    hosts: set[str] = set()
    line.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    line.on("Network.webSocketFrameReceived", lambda event: sizes.append(len(event["response"]["payloadData"]) * 0.75))
    line.on("Network.requestWillBeSent", lambda event: hosts.add(event["request"]["url"].split("/")[2]))
    started = time.monotonic()
    window.goto(address, wait_until="commit", timeout=180_000)
    window.wait_for_selector("h1", timeout=180_000)
    seconds = time.monotonic() - started
    window.wait_for_selector('[data-test-script-state="notRunning"]', timeout=180_000)
    window.wait_for_timeout(1500)
    window.close()
    return Visit(kilobytes=sum(sizes) / 1000, seconds=seconds, hosts=frozenset(hosts))


if __name__ == "__main__":
    sys.exit(main())
