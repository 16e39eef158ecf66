"""Help: a page per stage, opened for the page one is on."""

from __future__ import annotations

import streamlit as st

from ui import components, session
from ui.session import Visit

GENERAL = ("dates", "names", "saved", "keys", "lock", "no", "who")
"""What holds on every page, in the order shown."""


def show() -> None:
    """What the page is for, its steps, what to do when it says no; then what holds everywhere."""
    here = session.visit()
    components.title(here, "view.help.title")
    chosen = session.parameter("page")
    if session.page(chosen) is not None and session.has_words(f"guide.{chosen}.job"):
        _guide(here, chosen)
    st.header(here.t("view.help.pages"), anchor=False)
    for name in session.page_names():
        if name != chosen and session.has_words(f"guide.{name}.job"):
            session.link_to(
                "help", f"{here.t(f'view.{name}')}: {here.t(f'guide.{name}.job')}", parameters={"page": name}
            )
    st.header(here.t("view.help.everywhere"), anchor=False)
    st.markdown("\n".join(f"- {session.plain(here.t(f'guide.all.{each}'))}" for each in GENERAL))


def _guide(here: Visit, name: str) -> None:
    st.header(here.t(f"view.{name}"), anchor=False)
    st.markdown(f"**{session.plain(here.t(f'guide.{name}.job'))}**")
    steps = here.t(f"guide.{name}.steps").split(" | ")
    st.markdown("\n".join(f"{number}. {session.plain(step)}" for number, step in enumerate(steps, start=1)))
    st.markdown(f"{session.plain(here.t('view.help.stuck'))} {session.plain(here.t(f'guide.{name}.stuck'))}")
    session.link_to(name, here.t("view.help.to_page", page=here.t(f"view.{name}")))
