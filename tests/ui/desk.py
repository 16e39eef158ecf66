"""One user's window in a real browser: signs in, opens pages, presses, reads; with a mouse or with keys alone.

Waits are for a state of the page, never for a number of seconds: Streamlit's script at rest, or the words looked for.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import Self

from playwright.sync_api import Browser, BrowserContext, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from retorno.labels import label
from retorno.vocabulary import Language
from tests.ui.serving import PASSWORD, Office

PATIENCE_MS = 45_000
"""Of every wait: long enough for a machine on which much else runs."""
AT_REST = (
    "() => { const app = document.querySelector('[data-testid=stApp]');"
    " return !app || (app.getAttribute('data-test-script-state') === 'notRunning'"
    " && !document.documentElement.hasAttribute('data-rt-busy') && document.querySelector('h1') !== null); }"
)


class Desk:
    """One user's window; as a context manager it closes itself and refuses foreign hosts and blocked content.

    Parameters
    ----------
    login
        Who signs in; nobody where it is empty.
    script
        Whether the browser runs JavaScript; the plain pages need none.
    """

    def __init__(
        self,
        browser: Browser,
        office: Office,
        login: str,
        *,
        lang: str = "es",
        width: int = 1280,
        height: int = 900,
        script: bool = True,
        password: str = PASSWORD,
    ) -> None:
        self.office = office
        self.language = Language(lang)
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            locale=lang,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.hosts: set[str] = set()
        self.violations: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.on(
            "console",
            lambda message: self.violations.append(message.text) if "Content Security Policy" in message.text else None,
        )
        if login:
            self.page.goto(f"{office.origin}/login?lang={lang}")
            self.page.fill("#login", login)
            self.page.fill("#password", password)
            self.page.click("main button")
            self.page.wait_for_url(lambda url: "/login" not in url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        hosts, violations = self.hosts, self.violations
        self.context.close()
        if kind is None:
            assert hosts <= {f"127.0.0.1:{self.office.port}"}
            assert violations == []

    def t(self, key: str, /, **values: object) -> str:
        """The words for a key in this user's language."""
        return label(key, self.language, **values)

    # ---- waiting and reading ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until the page's run is over: a click on a page that is being redrawn is lost."""
        if self.page.locator("[data-testid=stApp]").count():
            self.page.wait_for_function(AT_REST)

    def open(self, path: str) -> None:
        """Open a page and wait until it is drawn."""
        self.page.goto(self.office.origin + path)
        self.settle()

    def see(self, words: str | re.Pattern[str]) -> Locator:
        """Wait until words stand on the page and it is at rest; fails with the whole page in words."""
        found = self.page.get_by_text(words).first
        try:
            found.wait_for()
        except PlaywrightTimeout:
            self.page.screenshot(path=str(self.office.folder / "missing.png"), full_page=True)
            raise AssertionError(f'"{words}" is not on the page:\n{self.text}') from None
        self.settle()
        return found

    @property
    def text(self) -> str:
        """Everything that stands on the page."""
        return self.page.inner_text("body")

    def cells(self, column: int, *, table: int = 0) -> list[str]:
        """One column of a table of the page, without its heading."""
        rows = self.page.locator("table.rt").nth(table).locator("tbody tr")
        return [rows.nth(number).locator("td").nth(column).inner_text() for number in range(rows.count())]

    # ---- acting ----------------------------------------------------------------------------------------------------

    def button(self, name: str, *, nth: int = 0) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=name, exact=True).nth(nth)

    def press(self, name: str, *, nth: int = 0) -> None:
        """Press a button once it is there and the page is at rest."""
        self.button(name, nth=nth).wait_for()
        self.settle()
        self.button(name, nth=nth).click()

    def agree(self, name: str) -> None:
        """Press the button that does an act, once its facts and the way back stand beside it."""
        self.button(self.t("view.cancel")).wait_for()
        self.press(name)

    def tab(self, name: str) -> None:
        """Open a part of the page."""
        self.settle()
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.settle()

    def choose(self, field: str, option: str | re.Pattern[str], *, nth: int = 0) -> None:
        """Choose in a list to drop down; ``option`` is a part of the words."""
        self.settle()
        box, found = (
            self.page.get_by_role("combobox", name=field).nth(nth),
            self.page.get_by_role("option", name=option),
        )
        box.click()
        try:
            found.first.wait_for(timeout=5_000)
        except PlaywrightTimeout:
            box.click()  # A page that was drawn anew meanwhile has closed the list.
        found.first.click()
        self.settle()

    def write(self, field: str, text: str, *, nth: int = 0) -> None:
        """Fill a field and leave it."""
        self.settle()
        box = self.page.get_by_role("textbox", name=field).nth(nth)
        box.fill(text)
        box.press("Tab")
        self.settle()

    # ---- with keys alone -----------------------------------------------------------------------------------------

    def tab_to(self, target: Locator, *, most: int = 150) -> None:
        """Move the keyboard's focus to an element with the tabulator alone."""
        target.wait_for()
        self.settle()
        for _ in range(most):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} is not reached with {most} tabs")

    def key_press(self, name: str, *, nth: int = 0) -> None:
        """Reach a button with the tabulator and press Enter."""
        self.tab_to(self.button(name, nth=nth))
        self.page.keyboard.press("Enter")
        self.settle()
