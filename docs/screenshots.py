"""Makes the picture of the README anew: ``.venv/bin/python docs/screenshots.py`` (needs chromium; a minute or two).

A demonstration office is set up in a folder of its own, a plan is found, and the plan page is opened in a browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from sqlmodel import select

from retorno import clock, serving, worker
from retorno.database import Database
from retorno.demo import staging
from retorno.labels import label
from retorno.models.office import User
from retorno.office import access
from retorno.plans import planning
from retorno.settings import Settings
from retorno.vocabulary import Language

IMAGES = Path(__file__).resolve().parent / "images"
PORT = 8597
COLOURS = 64
SECONDS = 60


def main() -> int:
    """Set up, plan, look, save."""
    browser_path = shutil.which("chromium")
    if browser_path is None:
        print("chromium is not installed: apt-get install chromium")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database=f"sqlite:///{folder}/office.db", key_file=Path(folder) / "keys.json", port=PORT)
        password = planned_office(settings)
        office = subprocess.Popen(
            [sys.executable, "-m", "retorno", "serve"], cwd=serving.ROOT, env=serving.environment(settings)
        )
        try:
            while not serving.answers(settings):
                time.sleep(0.3)
            picture(settings, password, browser_path, IMAGES / "plan.png")
        finally:
            office.terminate()
            office.wait(timeout=30)
    return 0


def planned_office(settings: Settings) -> str:
    """A demonstration office with a draft plan; gives the password of its first coordinator."""
    now, database = clock.now(), Database(settings.database)
    made = staging.build(database, settings, now=now)
    with database.transaction() as session:
        user_id = session.exec(select(User.user_id).where(User.login == "coordinacion.1")).one()
        coordinator = access.load_actor(session, user_id)
        first = now.date() + timedelta(days=4)
        planning.start(session, coordinator, first_date=first, days=14, seconds=SECONDS)
    worker.run(database, name="screenshot", should_stop=lambda: False, once=True)
    database.dispose()
    return next(account.password for account in made if account.login == "coordinacion.1")


def picture(settings: Settings, password: str, browser_path: str, file: Path) -> None:
    """Sign in, open the plan page at its timeline, save it with few colours."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1080}, locale="es")
        page.goto(f"{settings.origin}/login")
        page.fill("#login", "coordinacion.1")
        page.fill("#password", password)
        page.click("main button")
        page.goto(f"{settings.origin}/plan")
        page.wait_for_selector("[role=tab]", timeout=60_000)
        page.get_by_role("tab", name=label("view.plan.tab.timeline", Language.ES)).click()
        page.wait_for_timeout(8_000)
        page.screenshot(path=file)
        browser.close()
    with Image.open(file) as taken:
        taken.convert("RGB").quantize(COLOURS).save(file, optimize=True)
    print(f"{file}: {os.path.getsize(file):,} bytes")


if __name__ == "__main__":
    sys.exit(main())
