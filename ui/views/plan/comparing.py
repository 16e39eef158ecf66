"""Two plans side by side: what each gives, whose date, vehicle or crossing differ, and accepting the other one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from retorno.plans import comparison, plan_report
from retorno.plans.comparison import GroupDifference, Journey, Measure
from retorno.plans.plan_report import PlanRow
from retorno.vocabulary import PlanStatus
from ui import components, session
from ui.session import Visit, plain
from ui.views.plan import summary
from ui.views.plan.words import carriers, money, open_part, people_and_groups, plan_name

MEASURES = ("going", "not_planned", "waiting_days", "cost_cents", "vehicles", "crossings", "gap")
MORE_IS_BETTER = frozenset({"going"})
NEUTRAL = frozenset({"vehicles", "crossings", "gap"})


def show(here: Visit, plan: PlanRow, plans: Sequence[PlanRow]) -> None:
    """This plan is A; B is the one it was copied from, a copy of it, or what is chosen."""
    others = {
        each.plan_id: each
        for each in plans
        if each.plan_id != plan.plan_id and each.status in (PlanStatus.DRAFT, PlanStatus.ACCEPTED)
    }
    if not others:
        components.empty(here, "view.plan.compare_none")
        return
    related = [key for key, each in others.items() if each.basis_plan_id == plan.plan_id or key == plan.basis_plan_id]
    order = [*related, *(key for key in others if key not in related)]
    other_id = st.selectbox(
        here.t("view.plan.compare_with"),
        order,
        format_func=lambda plan_id: plan_name(here, others[plan_id]),
        key=f"plan.compare.{plan.plan_id}",
    )
    # Of a plan and its copy, A is what was before.
    a, b = (others[other_id], plan) if plan.basis_plan_id == other_id else (plan, others[other_id])
    found = session.look(lambda db, actor: comparison.compare(db, actor, plan_id=a.plan_id, other_plan_id=b.plan_id))
    st.markdown(f"**A:** {plain(plan_name(here, a))}  \n**B:** {plain(plan_name(here, b))}")
    if not found.is_same_period:
        st.info(here.t("view.plan.compare_days"))
    _measures(here, [each for each in found.measures if not each.nationality], is_same_period=found.is_same_period)
    _accept_b(here, plan, others[other_id], b)
    _groups(here, found.groups)
    _nationalities(here, [each for each in found.measures if each.nationality])


def _measures(here: Visit, rows: Sequence[Measure], *, is_same_period: bool) -> None:
    components.table(
        [here.t("column.what"), "A", "B", here.t("column.difference")],
        [
            (
                here.t(f"view.plan.measure.{row.key}"),
                figure(here, row.key, row.a),
                figure(here, row.key, row.b),
                difference(here, row, is_judged=is_same_period)
                if row.key != "waiting_days" or is_same_period
                else here.t("view.plan.not_comparable"),
            )
            for key in MEASURES
            for row in rows
            if row.key == key
        ],
        numbers=" nn",
    )


def figure(here: Visit, key: str, value: float | None) -> str:
    """One figure in its unit."""
    if value is None:
        return "–"
    if key == "cost_cents":
        return money(int(value))
    if key == "gap":
        return f"{100 * value:.1f} %".replace(".", "." if here.language == "en" else ",")
    return f"{value:.0f}"


def difference(here: Visit, row: Measure, *, is_judged: bool = True) -> str:
    """What B has more or less than A, in words; of plans for other days nothing is called better or worse."""
    if row.a is None or row.b is None:
        return "–"
    by = row.b - row.a
    if abs(by) < 0.0005:
        return here.t("view.plan.same")
    text = here.t(
        "view.plan.b_more" if by > 0 else "view.plan.b_less", n=figure(here, row.key, abs(by)).replace("–", "")
    )
    if row.key in NEUTRAL or not is_judged:
        return text
    is_better = (by > 0) is (row.key in MORE_IS_BETTER)
    return f"{text} ({here.t('view.plan.better' if is_better else 'view.plan.worse')})"


def _groups(here: Visit, rows: Sequence[GroupDifference]) -> None:
    people = sum(row.person_count for row in rows)
    st.header(here.t("view.plan.compare_groups", who=people_and_groups(here, (people, len(rows)))), anchor=False)
    if not rows:
        components.empty(here, "view.plan.compare_same")
        return
    components.table(
        [here.t("column.case"), here.t("column.people"), "A", "B"],
        [
            (row.case_reference, row.person_count, _journey(here, row.a), _journey(here, row.b))
            for row in components.paged(rows, here, "plan.compare.groups")
        ],
        numbers=" n",
    )


def _journey(here: Visit, journey: Journey | None) -> str:
    if journey is None:
        return here.t("view.plan.not_planned")
    lines = [here.t("view.plan.journey", day=here.day(journey.day), home=here.day(journey.home_on))]
    lines.append(carriers(here, journey.vehicles))
    lines += [session.named(each, here.language) for each in journey.crossings]
    return "\n".join(lines)


def _nationalities(here: Visit, rows: Sequence[Measure]) -> None:
    by_nationality = {(row.nationality, row.key): row for row in rows}
    names = sorted({row.nationality for row in rows}, key=lambda each: session.named(each, here.language))
    if not names:
        return
    st.header(here.t("view.plan.fairness"), anchor=False)

    def cell(nationality: str, key: str, side: str) -> str:
        row = by_nationality.get((nationality, key))
        return figure(here, key, getattr(row, side)) if row else "–"

    components.table(
        [
            here.t("column.nationality"),
            f"{here.t('view.plan.going')} A",
            f"{here.t('view.plan.going')} B",
            f"{here.t('column.p90')} A",
            f"{here.t('column.p90')} B",
        ],
        [
            (
                session.named(name, here.language),
                *(cell(name, key, side) for key in ("going", "wait_p90") for side in ("a", "b")),
            )
            for name in components.paged(names, here, "plan.compare.nations")
        ],
        numbers=" nnnn",
    )


def _accept_b(here: Visit, plan: PlanRow, other: PlanRow, b: PlanRow) -> None:
    """The other plan can be opened, and B accepted from here with its own facts."""
    with st.container(horizontal=True):
        if st.button(
            here.t("view.plan.open_b" if other is b else "view.plan.open_a"), key=f"plan.open.{other.plan_id}"
        ):
            open_part(here, other.plan_id, "summary")
            st.rerun()
        if b.status is PlanStatus.DRAFT:
            found = session.look(
                lambda db, actor: plan_report.headline(db, plan_report.open_plan(db, actor, plan_id=b.plan_id))
            )
            if found.going[0] and not found.changed[1]:
                summary.accept(here, b.plan_id, found, words="view.plan.accept_b")
    if b.is_hypothetical and b is not plan:
        st.caption(here.t("view.plan.what_if_only"))
