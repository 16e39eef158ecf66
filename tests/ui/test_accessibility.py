"""Every page as every role under an accessibility checker, in a real browser; what Streamlit causes is listed.

One office, one server and one browser for the whole file. The list of what is allowed stands in
``docs/accessibility.md`` with its reasons; anything else fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from retorno.labels import label
from retorno.models.people import TravelGroup
from retorno.vocabulary import Language, Role
from tests.ui.journey_office import build_office
from tests.ui.serving import PASSWORD, Office
from ui.navigation import VIEWS
from ui.shell import ENGLISH

pytestmark = pytest.mark.browser

LOGINS = {
    Role.COORDINATOR: "coordinator",
    Role.CONSULATE: "consulate_hn",
    Role.PROTECTION: "protection_1",
    Role.HEALTH: "health",
    Role.ADMINISTRATOR: "administrator",
    Role.AUDITOR: "auditor",
    Role.MONITOR: "monitor",
}
ALLOWED: dict[str, str] = {"svg-img-alt": "role-mark"}
"""Rule of the checker to the part of a page (a piece of its HTML) that Streamlit itself causes: the marks of charts."""
OPTIONS: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]},
    "rules": {"heading-order": {"enabled": True}, "target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}


@dataclass(frozen=True, kw_only=True)
class House:
    """The running office, and the pages of one record that each role has."""

    door: Office
    records: dict[Role, tuple[str, ...]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An office in the middle of its week, as a demonstration, so that no page is empty and the tour is there."""
    made = build_office(tmp_path_factory.mktemp("axe"))
    with made.database.transaction() as session:
        session.execute(text("UPDATE office SET is_demo = true"))
        case_id = session.get_one(TravelGroup, made.held.group_id).case_id
    person = f"person={made.held.person_id}"
    movement = f"movement={made.confirmed.movement_id}"
    records = {
        Role.COORDINATOR: (
            f"intake?case={case_id}",
            f"intake?{person}",
            f"manifest?{movement}",
            f"cannot_go_on?{movement}",
            "help?page=intake",
        ),
        Role.PROTECTION: (f"protection?{person}", f"manifest?{movement}"),
    }
    made.office.start()
    yield House(door=made.office, records=records)
    made.close()


@pytest.fixture(scope="module")
def door(house: House) -> Office:
    """The running office alone."""
    return house.door


def sign_in(door: Office, browser: Browser, login: str, language: Language, width: int = 1280) -> Page:
    """A browser window of one user."""
    page = browser.new_context(
        viewport={"width": width, "height": 720}, locale=language.value, reduced_motion="reduce"
    ).new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{door.origin}/login?lang={language.value}")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    return page


def open_page(door: Office, page: Page, path: str) -> None:
    """Open a page and wait until its run is over."""
    page.goto(f"{door.origin}/{path}")
    page.wait_for_selector('[data-test-script-state="notRunning"] h1')
    page.wait_for_timeout(300)  # our script looks after the page five times a second


def faults(page: Page, axe: Axe) -> list[str]:
    """What the checker finds, without what is allowed."""
    found = axe.run(page, options=OPTIONS)
    lines = []
    for each in found.response["violations"]:
        for node in each["nodes"]:
            if each["id"] in ALLOWED and ALLOWED[each["id"]] in node["html"]:
                continue
            lines.append(f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:160]}")
    return lines


def check(house: House, chromium: Browser, language: Language) -> list[str]:
    """The faults of every page, each as one of its roles, of every role's home, and of the pages of one record."""
    axe, lines, opened = Axe(), list[str](), set[str]()
    for role, login in LOGINS.items():
        page = sign_in(house.door, chromium, login, language)
        shown = [view.path for view in VIEWS if role in view.roles and (view.name not in opened or view.path == "")]
        opened |= {view.name for view in VIEWS if role in view.roles}
        for path in (*shown, *house.records.get(role, ())):
            open_page(house.door, page, path)
            lines += [f"{role.value} /{path} {each}" for each in faults(page, axe)]
        page.context.close()
    return lines


def test_every_page_of_every_role_is_clean(house: House, chromium: Browser) -> None:
    assert check(house, chromium, Language.ES) == []


@pytest.mark.long
@pytest.mark.parametrize("language", [Language.EN, Language.FR])
def test_every_page_is_clean_in_every_language(house: House, chromium: Browser, language: Language) -> None:
    assert check(house, chromium, language) == []


def test_pages_speak_the_language_of_the_user_down_to_what_streamlit_brings(door: Office, chromium: Browser) -> None:
    page = sign_in(door, chromium, "coordinator", Language.FR)
    for path in ("", "intake", "import", "offers"):
        open_page(door, page, path)
        assert page.evaluate("document.documentElement.lang") == "fr"
        page.wait_for_timeout(300)
        words = page.evaluate(
            "[...document.querySelectorAll('body *')].flatMap(e => [e.getAttribute('aria-label'), e.title, "
            "e.placeholder, ...[...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data)])"
        )
        left = {word.strip() for word in words if word} & {
            text for text, key in ENGLISH.items() if text != label(key, Language.FR)
        }
        assert left == set()


def test_the_frame_works_with_the_keyboard_and_at_twice_the_size(door: Office, chromium: Browser) -> None:
    page = sign_in(door, chromium, "coordinator", Language.ES, width=640)
    open_page(door, page, "readiness")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    lock = page.get_by_role("button", name=label("frame.lock", Language.ES))
    box = lock.bounding_box()
    assert box is not None
    assert box["height"] >= 24
    lock.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/login?next=%2Freadiness&locked=1")
    page.fill("#login", "coordinator")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/readiness")


def test_the_language_buttons_draw_the_page_one_is_on_in_another_language_and_it_stays(
    door: Office, chromium: Browser
) -> None:
    page = sign_in(door, chromium, "auditor", Language.ES)
    open_page(door, page, "help?page=audit")
    page.get_by_role("button", name="Français").click()
    page.get_by_role("heading", level=1, name=label("view.help.title", Language.FR)).wait_for()
    assert page.url.endswith("/help?page=audit")
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert page.locator(".rt-frame button[aria-current]").inner_text() == "FR"
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", level=1, name=label("view.help.title", Language.EN)).wait_for()
    open_page(door, page, "")
    assert page.get_by_role("heading", level=1).inner_text() == label("view.home.title", Language.EN)


def test_what_is_typed_is_not_saved_until_the_field_is_left_and_alt_b_finds_the_search(
    door: Office, chromium: Browser
) -> None:
    page = sign_in(door, chromium, "coordinator", Language.ES)
    open_page(door, page, "intake")
    search = page.get_by_role("textbox", name=label("field.search", Language.ES))
    search.wait_for()
    page.keyboard.press("Alt+b")
    expect(search).to_be_focused()
    page.get_by_role("button", name=label("view.intake.register", Language.ES)).click()
    field = page.get_by_role("textbox", name=label("field.destination_municipality", Language.ES))
    saved = page.locator(".rt-saved")
    field.press_sequentially("Omoa")
    page.wait_for_timeout(500)  # longer than our script takes to look after the page
    expect(saved).to_have_text(label("frame.not_saved", Language.ES))
    field.press("Tab")
    expect(saved).to_contain_text(label("view.saved", Language.ES, t=""))
    for window in (page, page.context.new_page()):
        open_page(door, window, "intake")
    page.get_by_role("button", name=label("light.sign_out", Language.ES)).click()
    window.wait_for_url("**/login?next=%2Fintake")


def test_no_line_says_so_and_says_until_when_all_is_saved(door: Office, chromium: Browser) -> None:
    page = sign_in(door, chromium, "coordinator", Language.EN)
    open_page(door, page, "")
    page.wait_for_timeout(600)
    page.context.set_offline(True)
    note = page.locator("#rt-offline")
    note.wait_for(state="visible")
    assert note.inner_text().startswith("No connection. Saved up to ")
    assert page.get_by_text("Connection error").count() == 0
    page.context.set_offline(False)
    note.wait_for(state="hidden")


def test_the_two_files_of_the_shell_are_small() -> None:
    """They stand before everything else."""
    folder = Path(__file__).resolve().parents[2] / "ui" / "assets"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 32_000
