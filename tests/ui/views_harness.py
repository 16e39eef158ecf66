"""Opening a view without its frame as a user, and reading what it says; for the tests of the views."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from retorno.database import Database
from retorno.models.office import User
from retorno.vocabulary import Language
from tests.builders import OfficeFixture
from ui import session

Opening = Callable[..., AppTest]
SCRIPT = """
import streamlit as st

from ui import session
from ui.views import {name}

session.visit()
for text in session.said():
    st.success(session.plain(text))
{name}.show()
"""


def opener(database: Database, office: OfficeFixture, script: str = SCRIPT) -> Opening:
    """Opens a view as a user: ``opening("audit", "auditor", show="rules")``, a coordinator if nobody is named."""

    def opening(name: str, login: str = "coordinator", language: Language = Language.ES, **parameters: str) -> AppTest:
        with database.transaction() as db:
            user = db.get_one(User, office.user_ids[login])
            user.language = language
            db.add(user)
        session.configure(database, who=lambda _: office.user_ids[login])
        page = AppTest.from_string(script.format(name=name), default_timeout=30)
        for key, value in parameters.items():
            page.query_params[key] = value
        return page.run()

    return opening


def shown(page: AppTest) -> str:
    """Everything that a page says, as one text."""
    parts = [*page.title, *page.subheader, *page.markdown, *page.error, *page.warning, *page.success, *page.info]
    html = [each.proto.body for each in page.get("html")]
    return "\n".join([*(str(part.value) for part in parts), *(str(each.value) for each in page.caption), *html])


def press(page: AppTest, text: str) -> AppTest:
    """Click the button with these words."""
    return next(button for button in page.button if button.label == text).click().run()
