"""Monitoring: counts of months that are over, lists rule by rule, and whether the log is whole; no person."""

from __future__ import annotations

import streamlit as st

from retorno.downloads import reports
from retorno.figures import monitoring
from ui import components, lists, session
from ui.session import Visit, plain
from ui.views import audit


def show() -> None:
    """Counts, rules, log: what an observer can check without seeing anybody."""
    here = session.visit()
    components.title(here, "view.monitor.title")
    st.markdown(plain(here.t("view.monitor.what")))
    match lists.shelf(here, "show", {"counts": -1, "rules": -1, "log": -1}, "view.monitor.tab"):
        case "counts":
            _counts(here)
        case "rules":
            audit.rules(here)
        case _:
            audit.chain(here)


def _counts(here: Visit) -> None:
    months = session.look(monitoring.counts)
    components.table(
        [here.t("column.what"), *(reports.month_text(each.month, here.language, is_short=True) for each in months)],
        [
            (
                here.t(f"monitor.{key}"),
                *(
                    here.t("monitor.fewer", n=each.threshold) if each.counts[key] is None else each.counts[key]
                    for each in months
                ),
            )
            for key in monitoring.KEYS
        ],
        numbers=" " + "n" * len(months),
        caption=here.t("view.monitor.counts"),
    )
    st.caption(here.t("view.monitor.counts_what", n=months[0].threshold))
    session.link_to("statistics", here.t("view.monitor.to_statistics"))
