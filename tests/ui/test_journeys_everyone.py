"""For every role: each page is reached and worked with keys alone, in three languages, and no key of a label shows.

The demonstration office with a draft plan, one server; pictures of every page are kept under ``artifacts/screens``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from sqlmodel import select

from retorno import clock, worker
from retorno.models.office import User
from retorno.office import access
from retorno.plans import planning
from retorno.vocabulary import Role
from tests import builders, demonstration
from tests.ui.desk import Desk
from tests.ui.serving import Office, free_port
from tests.ui.walking import keep, raw_keys, unreached
from ui.navigation import VIEWS, View

pytestmark = pytest.mark.browser

LOGINS = {
    Role.COORDINATOR: "coordinacion.1",
    Role.CONSULATE: "consulado.hn",
    Role.PROTECTION: "proteccion.1",
    Role.HEALTH: "salud",
    Role.ADMINISTRATOR: "admin.1",
    Role.AUDITOR: "auditoria",
    Role.MONITOR: "observacion",
}


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The demonstration, served at the moment at which it was set up."""

    office: Office
    passwords: dict[str, str]

    def desk(self, browser: Browser, login: str, **named: object) -> Desk:
        """A window of one of its users, signed in."""
        return Desk(browser, self.office, login, password=self.passwords[login], **named)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demonstration office with the draft of a plan for everybody who is ready."""
    copy = demonstration.copied(tmp_path_factory, "everyone")
    database = copy.open()
    with clock.standing_at(builders.NOW):
        with database.transaction() as session:
            user_id = session.exec(select(User.user_id).where(User.login == LOGINS[Role.COORDINATOR])).one()
            coordinator = access.load_actor(session, user_id)
            first = builders.NOW.date() + timedelta(days=4)
            planning.start(session, coordinator, first_date=first, days=10, seconds=2)
        worker.run(database, name="everyone", should_stop=lambda: False, once=True)
    database.dispose()
    clock_file = copy.folder / "clock"
    clock_file.write_text(builders.NOW.isoformat(), "ascii")
    office = Office(port=free_port(), folder=copy.folder, clock_file=clock_file)
    office.start()
    yield Demo(office=office, passwords={account.login: account.password for account in copy.accounts})
    office.stop()


def views_of(role: Role) -> list[View]:
    """The pages in the menu of a role."""
    return [view for view in VIEWS if role in view.roles]


def walk_by_key(desk: Desk, view: View) -> None:
    """Open a page from the menu with tabulator and Enter; help stands in the frame and opens a window of its own."""
    if view.name == "help":
        desk.tab_to(desk.page.locator('.rt-frame a[href^="/help"]').first)
        desk.open("/help")
    elif view.path:
        desk.tab_to(desk.page.locator(f'[data-testid="stSidebarNav"] a[href$="/{view.path}"]'))
        desk.page.keyboard.press("Enter")
        desk.page.wait_for_url(re.compile(rf"/{view.path}(\?.*)?$"))
    desk.page.get_by_role("heading", level=1).first.wait_for()
    desk.settle()


@pytest.mark.parametrize("role", list(LOGINS))
def test_a_role_reaches_its_pages_and_all_that_is_on_them_with_keys_alone(
    demo: Demo, chromium: Browser, role: Role
) -> None:
    wrong: list[str] = []
    with demo.desk(chromium, LOGINS[role]) as desk:
        for view in views_of(role):
            walk_by_key(desk, view)
            wrong += [f"{view.name}: raw {key}" for key in raw_keys(desk.page)]
            keep(desk, f"{role.value}-{view.name}")
            wrong += [f"{view.name}: not reached {each}" for each in unreached(desk.page)]
    assert not wrong, "\n".join(wrong)


def wrong_words(demo: Demo, browser: Browser, languages: dict[Role, str]) -> list[str]:
    """What is no word on any page, each opened as one of its roles, and on each role's home."""
    wrong: list[str] = []
    opened: set[str] = set()
    for role, lang in languages.items():
        with demo.desk(browser, LOGINS[role], lang=lang) as desk:
            for view in views_of(role):
                if view.path and view.name in opened:
                    continue
                opened.add(view.name)
                walk_by_key(desk, view)
                assert desk.page.evaluate("document.documentElement.lang") == lang
                wrong += [f"{role.value} {view.name}: {key}" for key in raw_keys(desk.page)]
    return wrong


def test_no_key_of_a_label_shows_in_english_or_french(demo: Demo, chromium: Browser) -> None:
    assert wrong_words(demo, chromium, {role: ("en", "fr")[place % 2] for place, role in enumerate(LOGINS)}) == []


@pytest.mark.long
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_no_key_of_a_label_shows_on_any_page_in_any_language(demo: Demo, chromium: Browser, lang: str) -> None:
    assert wrong_words(demo, chromium, dict.fromkeys(LOGINS, lang)) == []
