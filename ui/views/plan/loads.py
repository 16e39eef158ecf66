"""How full everything is, day by day: seats, quota of the crossings, beds on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st
from sqlmodel import Session

from retorno.models.movements import Plan
from retorno.office.access import Actor
from retorno.plans import plan_figures, plan_report
from retorno.plans.plan_figures import Load
from ui import charts, components, session
from ui.session import Visit, plain
from ui.views.plan.words import place_text

CHARTS = 6
"""Pictures of one kind, the fullest; the table has them all."""
KINDS = ("seats", "crossing", "beds")


def show(here: Visit, plan_id: str) -> None:
    """One kind at a time: pictures of the fullest, and the table of all."""

    def read(db: Session, actor: Actor) -> tuple[Plan, tuple[Load, ...]]:
        opened = plan_report.open_plan(db, actor, plan_id=plan_id)
        return opened.plan, plan_figures.loads(opened, plan_report.movements(db, opened))

    plan, found = session.look(read)
    if not found:
        components.empty(here, "view.plan.nobody")
        return
    days = [plan.first_date + timedelta(days=number) for number in range(plan.horizon_days)]
    last = max(load.day for load in found)
    kind = st.segmented_control(
        here.t("view.plan.loads.which"),
        KINDS,
        default=KINDS[0],
        required=True,
        format_func=lambda each: here.t(f"view.plan.loads.{each}"),
        key=f"plan.loads.{plan_id}",
    )
    _kind(here, str(kind), [load for load in found if load.kind == kind], [day for day in days if day <= last])


def _kind(here: Visit, kind: str, rows: Sequence[Load], days: Sequence[date]) -> None:
    if not rows:
        components.empty(here, f"view.plan.loads.{kind}_none")
        return
    by_name: dict[str, list[Load]] = defaultdict(list)
    for row in rows:
        by_name[row.name].append(row)
    fullest = sorted(by_name, key=lambda name: (-max(map(fullness, by_name[name])), name))
    st.caption(here.t(f"view.plan.loads.{kind}_help"))
    columns = st.columns(2, gap="large")
    for number, name in enumerate(fullest[:CHARTS]):
        with columns[number % 2]:
            st.markdown(f"**{plain(load_name(here, kind, name))}**")
            st.vega_lite_chart(
                charts.loads_spec(
                    [
                        charts.DayLoad(day=row.day, used=row.used, limit=row.limit, spare=row.spare)
                        for row in by_name[name]
                    ],
                    days=days,
                    words={"used": here.t("column.people"), "limit": here.t("column.limit")},
                ),
                width="stretch",
                alt=f"{here.t(f'view.plan.loads.{kind}')}: {load_name(here, kind, name)}",
            )
    if len(fullest) > CHARTS:
        st.caption(here.t("view.plan.loads.fullest", n=CHARTS))
    has_spare = kind == "seats"
    components.table(
        [
            here.t("column.date"),
            here.t("column.what"),
            here.t("column.used"),
            here.t("column.limit"),
            here.t("column.left"),
            *([here.t("column.spare")] if has_spare else []),
        ],
        [
            (
                here.day(row.day),
                load_name(here, kind, row.name),
                row.used,
                "–" if row.limit is None else row.limit,
                "–" if row.limit is None else row.limit - row.used,
                *([row.spare] if has_spare else []),
            )
            for row in components.paged(sorted(rows, key=lambda each: (each.day, each.name)), here, f"plan.load.{kind}")
        ],
        numbers="  nnnn",
    )


def fullness(row: Load) -> float:
    """Share of the limit that is used; 0 where there is none."""
    return row.used / row.limit if row.limit else 0.0


def load_name(here: Visit, kind: str, name: str) -> str:
    """A place or crossing by name; seats by road or air."""
    return here.t(f"view.plan.seats.{name}") if kind == "seats" else place_text(here, name)
