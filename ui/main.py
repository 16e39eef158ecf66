"""Streamlit's page script: the frame around the views, and which of them a role opens."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import components, session
from ui.navigation import HOME, VIEWS


def main() -> None:
    """Draw the page that the address names, for whoever is signed in now."""
    st.set_page_config(page_title="retorno", page_icon="🧭", layout="wide")
    here = session.visit()
    session.stay_signed_in()
    sections: dict[str, list[Any]] = {}
    pages: dict[str, Any] = {}
    for view in VIEWS:
        if here.actor.has(*view.roles) and (here.is_demo or not view.is_demo_only):
            pages[view.name] = st.Page(
                view.show, title=here.t(f"view.{view.name}"), url_path=view.path, default=view.name == HOME
            )
            sections.setdefault(here.t(f"view.section.{view.section}"), []).append(pages[view.name])
    if not sections:
        components.frame(here)
        components.empty(here, "view.no_role")
        return
    session.know_pages(pages)
    page = st.navigation(sections)
    components.frame(here, page.url_path or HOME)
    session.enter_page(page.url_path)
    session.run_page(page)


main()
