"""Two real days to practise with invented people: set up by the worker, then step by step through the real pages."""

from __future__ import annotations

import streamlit as st

from retorno.demo import days
from retorno.demo.days import Day, Standing
from retorno.vocabulary import JobState
from ui import components, session
from ui.session import Visit, plain

WORDS = {Day.FEVER: "fever", Day.ROAD: "road"}


def show() -> None:
    """Both days: what happened, the button that sets it up, and what to do."""
    here = session.visit()
    components.title(here, "view.two_days.title")
    st.markdown(plain(here.t("view.two_days.what")))
    for day in Day:
        st.header(here.t(f"view.two_days.{WORDS[day]}"), anchor=False)
        st.markdown(plain(here.t(f"view.two_days.{WORDS[day]}.story")))
        found = session.look(lambda db, actor, each=day: days.standing(db, actor, day=each))
        if found.state in (JobState.QUEUED, JobState.RUNNING):
            _running(here, day)
        elif found.is_ready:
            st.success(plain(here.t("view.two_days.ready")))
            _steps(here, day)
        else:
            _ask(here, day, found)


def _ask(here: Visit, day: Day, found: Standing) -> None:
    if found.state is JobState.FAILED:
        st.error(plain(here.t("view.two_days.failed", error=found.error)))
    session.act_button(
        here.t(f"view.two_days.{WORDS[day]}.do"),
        "planning.start",
        lambda db, actor: days.request(db, actor, day=day),
        key=f"two_days.{WORDS[day]}",
        primary=True,
        said=here.t("view.two_days.begun"),
    )


def _running(here: Visit, day: Day) -> None:
    """How far the worker is, every two seconds; the page may be left."""

    @st.fragment(run_every=2)
    def watch() -> None:
        now = session.look(lambda db, actor: days.standing(db, actor, day=day))
        if now.state not in (JobState.QUEUED, JobState.RUNNING):
            st.rerun()
            return
        waiting = now.state is JobState.QUEUED
        words = "view.two_days.waiting" if waiting else "view.two_days.running"
        st.progress(min(1.0, now.share), text=here.t(words, percent=f"{100 * now.share:.0f}"))

    watch()
    st.caption(here.t("view.two_days.leave"))


def _steps(here: Visit, day: Day) -> None:
    """What to do, in order, with the door to each page."""
    guide = session.look(lambda db, actor: days.guide(db, actor, day=day))
    values = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in guide.words.items()}
    steps = here.t(f"view.two_days.{WORDS[day]}.steps", **values).split(" | ")
    st.markdown("\n".join(f"{number}. {plain(step)}" for number, step in enumerate(steps, start=1)))
    with st.container(horizontal=True):
        for page in guide.pages:
            session.link_to(page, here.t(f"view.{page}"), parameters=guide.parameters.get(page))
