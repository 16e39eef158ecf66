"""The plan workbench: ask for a plan, watch it, read it, change it, compare it, accept it.

One module per part; only the part that is open is read and drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from retorno.plans import plan_report
from retorno.plans.plan_report import PlanRow
from retorno.vocabulary import PlanStatus
from ui import components, session
from ui.session import Visit
from ui.views.plan import asking, comparing, editing, loads, summary, supposing, timeline, trying, where, why
from ui.views.plan.words import crossing_text, map_crossing, money, tab_key

__all__ = ["crossing_text", "map_crossing", "money", "show"]


def show() -> None:
    """Start a plan, or open one."""
    here = session.visit()
    components.title(here, "view.plan.title")
    found = session.look(plan_report.plan_rows)
    if not found:
        components.empty(here, "view.plan.empty")
        asking.start(here, is_open=True)
        return
    asking.start(here, is_open=False)
    chosen = asking.choose(here, found)
    if chosen.status is PlanStatus.RUNNING:
        asking.running(here, chosen)
    elif chosen.status is PlanStatus.FAILED:
        st.error(here.t("view.plan.failed"))
        asking.discard(here, chosen.plan_id)
    else:
        trying.banner(here, chosen)
        summary.head(here, chosen.plan_id)
        _parts(here, chosen, found)


@st.fragment
def _parts(here: Visit, plan: PlanRow, plans: Sequence[PlanRow]) -> None:
    """The parts of a plan as tabs; only the open one is read, and changing it draws nothing else anew."""
    is_draft = plan.status is PlanStatus.DRAFT
    parts: dict[str, Callable[[], None]] = {
        "summary": lambda: summary.show(here, plan.plan_id),
        "why": lambda: why.show(here, plan.plan_id, is_draft=is_draft),
        "timeline": lambda: timeline.show(here, plan.plan_id),
        "map": lambda: where.show(here, plan.plan_id),
        "loads": lambda: loads.show(here, plan.plan_id),
    }
    if is_draft:
        parts["edit"] = lambda: editing.show(here, plan.plan_id)
        parts["what_if"] = lambda: supposing.show(here, plan.plan_id)
    parts["compare"] = lambda: comparing.show(here, plan, plans)
    tabs = st.tabs(
        [here.t(f"view.plan.tab.{name}") for name in parts],
        key=tab_key(here, plan.plan_id),
        on_change="rerun",
    )
    for tab, draw in zip(tabs, parts.values(), strict=True):
        if tab.open:
            with tab:
                draw()
