"""What every page is asked on a walk: does it speak words, is it worked with keys alone; and a picture of it."""

from __future__ import annotations

import re

from playwright.sync_api import Page

from retorno.labels import all_labels
from tests.looking import SCREENS
from tests.ui.desk import Desk

_DOTTED = re.compile(r"[a-z_]+(?:\.[A-Za-z0-9_-]+)+")
_UNFILLED = re.compile(r"\{[a-z_]+\}")
WORDS = (
    "() => [document.title, document.body.innerText, ...[...document.querySelectorAll('body *')].flatMap(each =>"
    " [each.getAttribute('aria-label'), each.title, each.placeholder, each.alt])]"
    ".filter(each => typeof each === 'string').join('\\n')"
)
"""Everything that a page says, seen or read out."""
CONTROLS = (
    "() => [...document.querySelectorAll('main a[href], main button, main input, main textarea, main select,"
    " [data-testid=stMain] :is(a[href], button, input, textarea, select)')]"
    ".filter(each => !each.disabled && each.tabIndex >= 0 && each.type !== 'hidden' && each.type !== 'file'"
    " && each.checkVisibility({ visibilityProperty: true }) && (each.type !== 'radio' || each.checked)"
    " && each.getAttribute('aria-checked') !== 'false')"
)
"""What can be worked on a page; of a group of radio buttons the chosen one, as the tabulator goes."""


def raw_keys(page: Page) -> set[str]:
    """Keys of labels on a page, and places in a sentence that nothing filled."""
    text = page.evaluate(WORDS)
    return {word for word in _DOTTED.findall(text) if word in all_labels()} | set(_UNFILLED.findall(text))


def unreached(page: Page) -> list[str]:
    """Controls of a page to which the tabulator does not come."""
    count = page.evaluate(f"() => ({CONTROLS})().length + document.querySelectorAll('nav a, header button').length")
    page.evaluate(
        "() => { document.activeElement?.blur?.(); window.scrollTo(0, 0); window.rtReached = new Set();"
        " addEventListener('focusin', event => window.rtReached.add(event.target)); }"
    )
    for _ in range(count + 60):
        page.keyboard.press("Tab")
    return page.evaluate(
        f"() => ({CONTROLS})().filter(each => !window.rtReached.has(each)).map(each => each.outerHTML.slice(0, 200))"
    )


def keep(desk: Desk, name: str) -> None:
    """A picture of the whole page; Streamlit scrolls inside its window, so the window grows first."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for _ in range(20):  # fields whose code the browser still fetches are drawn as grey bars, for two seconds at most
        if not desk.page.locator('[data-testid="stSkeleton"]:visible').count():
            break
        desk.page.wait_for_timeout(100)
    size = desk.page.viewport_size or {"width": 1280, "height": 900}
    height = desk.page.evaluate("() => document.querySelector('[data-testid=stMainBlockContainer]')?.scrollHeight ?? 0")
    if height:
        desk.page.set_viewport_size({"width": size["width"], "height": min(max(height + 80, 700), 5000)})
    desk.page.screenshot(path=SCREENS / f"{name}.png", full_page=not height)
    if height:
        desk.page.set_viewport_size(size)
