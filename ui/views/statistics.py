"""Statistics: the tables of a month as they may leave the office, with small cells hidden."""

from __future__ import annotations

import streamlit as st

from retorno.downloads import reports
from retorno.figures import statistics
from retorno.figures.statistics import Correction, Month, Release, Unit
from retorno.figures.suppression import TOTAL
from retorno.vocabulary import Role
from ui import components, lists, session
from ui.session import Visit, plain

TABLES = {"profile": reports.profile_rows, "crossing": reports.crossing_rows, "waits": reports.wait_rows}


def show() -> None:
    """Choose a month; publish it once; read, print and download what was published."""
    here = session.visit()
    components.title(here, "view.statistics.title")
    found = session.look(statistics.months)
    if not found:
        components.empty(here, "view.statistics.empty")
        return
    by_name = {each.month: each for each in found}
    names = list(by_name)
    wanted = session.parameter("month")
    month = st.selectbox(
        here.t("field.month"),
        names,
        index=names.index(wanted) if wanted in by_name else _first(found),
        format_func=lambda name: f"{reports.month_text(name, here.language)} · {_state(here, by_name[name])}",
        key=f"statistics.month.{sum(each.is_published for each in found)}",
    )
    session.set_parameter("month", month)
    chosen = by_name[month]
    if chosen.is_published:
        made = session.look(lambda db, actor: statistics.release(db, actor, month=month))
        _release(here, made)
        if here.actor.has(Role.COORDINATOR):
            _correct(here, made)
    elif not chosen.is_open:
        st.info(plain(here.t("view.statistics.too_young", day=here.day(chosen.opens_on))))
    elif here.actor.has(Role.COORDINATOR):
        _publish(here, chosen)


def _first(found: list[Month]) -> int:
    """The newest month that is published or may be."""
    return next((i for i, each in enumerate(found) if each.is_published or each.is_open), 0)


def _state(here: Visit, month: Month) -> str:
    if month.is_published:
        return here.t("view.statistics.published")
    if month.is_open:
        return here.t("view.statistics.open")
    return here.t("view.statistics.opens_on", day=components.day_text(month.opens_on))


def _publish(here: Visit, month: Month) -> None:
    st.markdown(plain(here.t("view.statistics.publish_what")))
    unit = st.radio(
        here.t("field.unit"),
        list(Unit),
        format_func=lambda each: here.t(f"statistics.unit.{each.value}"),
        key="statistics.unit",
    )
    components.danger(
        here,
        here.t("view.statistics.publish"),
        here.t("view.statistics.publish_facts", month=reports.month_text(month.month, here.language)),
        here.t("view.statistics.publish_do", month=reports.month_text(month.month, here.language)),
        "statistics.publish",
        lambda db, actor: statistics.publish(db, actor, month=month.month, unit=unit or Unit.EVENTS),
        key=f"statistics.publish.{month.month}",
        said=here.t("view.statistics.publish_done"),
        primary=True,
    )


def _correct(here: Visit, made: Release) -> None:
    """Publish the month anew, with the reason."""
    with st.expander(here.t("view.statistics.correct")):
        st.markdown(plain(here.t("view.statistics.correct_what", n=made.threshold)))
        reason = components.choice(
            here,
            here.t("field.correction"),
            list(Correction),
            "statistics.reason",
            key=f"statistics.reason.{made.version}",
            index=None,
        )
        month = reports.month_text(made.month, here.language)
        components.danger(
            here,
            here.t("view.statistics.correct_do"),
            here.t("view.statistics.correct_facts", month=month, n=made.version + 1),
            here.t("view.statistics.correct_do"),
            "statistics.publish",
            lambda db, actor: statistics.correct(db, actor, month=made.month, reason=reason),
            key=f"statistics.correct.{made.month}.{made.version}",
            said=here.t("view.statistics.correct_done"),
        )


def _release(here: Visit, made: Release) -> None:
    for line in reports.notes(made, here.language):
        st.markdown(plain(line))
    first, second, _ = st.columns([2, 2, 4])
    with first:
        session.file_link("statistics_page", made.month, here.t("view.statistics.print"))
    with second:
        session.file_link("statistics_csv", made.month, here.t("view.statistics.csv"))
    name = lists.shelf(here, "table", dict.fromkeys(TABLES, -1), "statistics.table")
    if name == "profile":
        _chart(here, made)
    head, rows = TABLES[name](made, here.language)
    if not rows:
        components.empty(here, "view.statistics.all_hidden")
        return
    labels = 2 if name == "profile" else 1
    components.table(
        head,
        rows,
        caption=f"{here.t(f'statistics.table.{name}')}, {reports.month_text(made.month, here.language)}",
        numbers=" " * labels + "n" * (len(head) - labels),
    )


def _chart(here: Visit, made: Release) -> None:
    """Bars of the nationalities that are published; the table below says the same."""
    rest = (TOTAL,) * (len(made.profile.axes) - 1)
    bars = [
        {"name": reports.category_text(nationality, here.language), "count": count}
        for nationality in made.profile.axes[0]
        if (count := made.profile.cells[(nationality, *rest)]) is not None
    ]
    if bars:
        st.vega_lite_chart(_spec(here, bars), width="stretch", alt=here.t("view.statistics.chart"))


def _spec(here: Visit, bars: list[dict[str, object]]) -> dict[str, object]:
    place = {"field": "name", "type": "nominal", "sort": "-x", "title": None}
    length = {"field": "count", "type": "quantitative", "title": here.t("statistics.total"), "axis": {"tickMinStep": 1}}
    return {
        "data": {"values": bars},
        "height": {"step": 26},
        "layer": [
            {"mark": {"type": "bar", "color": "#1f5fa8"}, "encoding": {"y": place, "x": length}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4},
                "encoding": {"y": place, "x": length, "text": {"field": "count"}},
            },
        ],
    }
