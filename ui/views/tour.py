"""The tour of ten minutes through the demonstration office, ticked off as its steps are really done."""

from __future__ import annotations

import streamlit as st

from retorno.demo import tour
from retorno.demo.tour import Progress
from ui import components, session
from ui.session import Visit

WITH_CODE = ("check", "withdraw")
"""Steps beside which the code of the list printed last can be checked: it is in force, then it is not."""


def show() -> None:
    """Each step: which account, what to do, what one sees, and the door to its page."""
    here = session.visit()
    components.title(here, "view.tour.title")
    rows = session.look(tour.progress)
    done = sum(row.is_done for row in rows)
    st.markdown(session.plain(here.t("view.tour.what")))
    st.progress(done / len(rows), text=here.t("view.tour.done", n=done, total=len(rows)))
    following = next((row.step.key for row in rows if not row.is_done), "")
    login, code = session.look(tour.login_of), session.look(tour.printed_code)
    for number, row in enumerate(rows, start=1):
        _step(here, number, row, login, code, is_next=row.step.key == following)
    if not following:
        st.success(here.t("view.tour.end"))


def _step(here: Visit, number: int, row: Progress, login: str, code: str, *, is_next: bool) -> None:
    step = row.step
    state = here.t("view.tour.ticked" if row.is_done else "view.tour.next" if is_next else "view.tour.later")
    with st.container(border=True, key=f"tour-{step.key}"):
        mark = "☑" if row.is_done else "☐"
        st.markdown(f"## {mark} {number}. {session.plain(here.t(f'tour.{step.key}'))} ({session.plain(state)})")
        for part in ("do", "see"):
            about = session.plain(here.t(f"view.tour.{part}"))
            st.markdown(f"**{about}** {session.plain(here.t(f'tour.{step.key}.{part}'))}")
        if step.login != login:
            account = here.t("view.tour.account", login=step.login)
            st.markdown(session.plain(f"{account} {here.t('view.tour.sign_in_as')}"))
        session.link_to(step.page, here.t("view.tour.go", page=here.t(f"view.{step.page}")))
        if code and step.key in WITH_CODE:
            st.link_button(here.t("view.tour.check_code"), f"/verify/{code}")
