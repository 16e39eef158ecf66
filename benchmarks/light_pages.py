"""The plain pages on a line of 0.4 Mbit/s with 150 ms of latency: bytes and seconds until a page can be used.

Run: ``.venv/bin/python -m benchmarks.light_pages [RUNS]``. An invented office with 60 people on one coach is built in a
temporary folder and served; Chromium, without JavaScript and without anything in its cache, opens each page.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.ui import light_office
from tests.ui.light_office import LightOffice

BITS_PER_SECOND = 400_000
LATENCY_MS = 150


def pages(made: LightOffice) -> dict[str, tuple[str | None, str]]:
    """What is opened, by whom."""
    full, stopped = made.full.movement_id, made.stopped.movement_id
    return {
        "sign-in": (None, "/login"),
        "check of a manifest": (None, "/verify"),
        "what comes": ("border_post", "/post"),
        "list of 60, post": ("border_post", f"/post/{full}/border_post/GT-HN-COR-B"),
        "stopped list": ("border_post", f"/post/{stopped}/border_post/GT-HN-COR-B"),
        "list of 60, reception": ("reception", f"/post/{full}/reception/HN-CAMR-OMOA"),
        "journey of 60, escort": ("escort", f"/post/{full}/escort/E-TEST000001"),
        "who cannot go on, 60": ("escort", f"/post/{full}/escort/E-TEST000001/unfit"),
    }


def seconds(browser: Browser, address: str, cookie: str, *, is_first: bool) -> float:
    """Until the page has loaded, style sheet included; ``is_first`` with an empty cache."""
    context = browser.new_context(java_script_enabled=False)
    if cookie:
        context.add_cookies([{"name": "retorno_session", "value": cookie, "url": address}])
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    if not is_first:
        page.goto(address)
    rate = BITS_PER_SECOND / 8
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY_MS, "downloadThroughput": rate, "uploadThroughput": rate},
    )
    begin = time.perf_counter()
    page.goto(address, wait_until="load")
    took = time.perf_counter() - begin
    context.close()
    return took


def main(runs: int) -> None:
    """Print a row for each page."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        made = light_office.start(Path(folder))
        made.at(made.full.depart_at + timedelta(hours=8))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        print("| page | bytes | gzipped | first visit s | later s |")
        print("| --- | --- | --- | --- | --- |")
        for name, (login, path) in pages(made).items():
            cookie = made.office.sign_in(login) if login else ""
            plain = len(made.office.ask("GET", path, cookie=cookie).body)
            packed = len(made.office.ask("GET", path, cookie=cookie, headers={"Accept-Encoding": "gzip"}).body)
            address = made.office.origin + path
            first, later = (
                statistics.median(seconds(browser, address, cookie, is_first=is_first) for _ in range(runs))
                for is_first in (True, False)
            )
            print(f"| {name} | {plain:,} | {packed:,} | {first:.2f} | {later:.2f} |", flush=True)
        browser.close()
        made.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
