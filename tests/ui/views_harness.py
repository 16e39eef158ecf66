"""Opening a view without its frame as a user, and reading what it says; for the tests of the views."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st

from ui import session
from ui.views import {name}

session.visit()
for text in session.said():
    st.success(session.plain(text))
{name}.show()
"""


def shown(page: AppTest) -> str:
    """Everything that a page says, as one text."""
    parts = [*page.title, *page.subheader, *page.markdown, *page.error, *page.warning, *page.success, *page.info]
    html = [each.proto.body for each in page.get("html")]
    return "\n".join([*(str(part.value) for part in parts), *(str(each.value) for each in page.caption), *html])


def press(page: AppTest, text: str) -> AppTest:
    """Click the button with these words."""
    return next(button for button in page.button if button.label == text).click().run()
