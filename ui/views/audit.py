"""Audit: is the log whole, and what stands in it; ids only."""

from __future__ import annotations

import streamlit as st

from retorno.office import oversight
from ui import components, session
from ui.session import plain
from ui.views.manifest import act_name


def show() -> None:
    """State of the chain, then the entries, newest first."""
    here = session.visit()
    components.title(here, "view.audit.title")
    anchor = st.text_input(here.t("field.anchor"), key="audit.anchor", help=here.t("help.anchor")).strip()
    state = session.look(lambda db, actor: oversight.chain_state(db, actor, anchor=anchor or None))
    if state.broken_at is None:
        st.success(plain(here.t("view.audit.whole", n=state.count, head=state.head)))
    else:
        st.error(plain(here.t("view.audit.broken", n=state.broken_at)))
    acts = session.look(oversight.acts)
    first, second, _ = st.columns([3, 3, 2])
    act = first.selectbox(
        here.t("column.act"),
        ["", *acts],
        format_func=lambda each: act_name(here, each) if each else here.t("view.all"),
        key="audit.act",
    )
    object_id = second.text_input(here.t("field.object_id"), key="audit.object").strip()
    before = session.recall("audit.before")
    rows = session.look(lambda db, actor: oversight.entries(db, actor, act=act, object_id=object_id, before=before))
    if not rows:
        components.empty(here, "view.audit.empty")
    else:
        components.table(
            [
                here.t("column.number"),
                here.t("column.when"),
                here.t("column.act"),
                here.t("column.by"),
                here.t("column.role"),
                here.t("column.object"),
                here.t("column.result"),
            ],
            [
                (
                    row.sequence,
                    here.time(row.at),
                    act_name(here, row.act),
                    row.actor_id,
                    here.t(f"role.{row.role}") if session.has_words(f"role.{row.role}") else row.role,
                    row.object_id,
                    here.t(f"outcome.{row.outcome}"),
                )
                for row in rows
            ],
            numbers="n      ",
        )
    newer, older, _ = st.columns([2, 2, 4])
    if before is not None and newer.button(here.t("view.audit.newest"), key="audit.newest"):
        session.forget("audit.before")
        st.rerun()
    if len(rows) == 50 and older.button(here.t("view.audit.older"), key="audit.older"):
        session.remember("audit.before", rows[-1].sequence)
        st.rerun()
