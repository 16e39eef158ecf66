"""What would hurt us most: one failure after the other, what each would cost, and the repaired plan prepared for it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from sqlmodel import Session

from retorno.labels import day_text, plural
from retorno.models.movements import Plan
from retorno.office.access import Actor
from retorno.optimizer.contingency import OutageKind
from retorno.plans import contingency
from retorno.plans.contingency import AskedPlan, Hurt, Report
from ui import charts, components, lists, session
from ui.session import Visit, plain
from ui.views.plan.words import money, place_text

SAID, DRAWN = 3, 12
"""How many failures are told in sentences, and how many are drawn; the table has them all."""


def show() -> None:
    """The newest accepted plan, or another one that is not over."""
    here = session.visit()
    components.title(here, "view.contingency.title")
    found = session.look(contingency.asked_plans)
    if not found:
        components.empty(here, "view.contingency.empty")
        session.link_to("plan", here.t("view.contingency.to_plans"))
        return
    plan_id = _choose(here, found)
    report = session.look(lambda db, actor: contingency.report(db, actor, plan_id=plan_id))
    st.markdown(plain(here.t("view.contingency.help")))
    _standing(here, report)
    if report.computed_at is None:
        return
    if not report.rows:
        components.empty(here, "view.contingency.nothing")
        return
    _failures(here, report)


def _choose(here: Visit, found: Sequence[AskedPlan]) -> str:
    by_id = {each.plan_id: each for each in found}
    wanted = session.parameter("plan")
    shown = wanted if wanted in by_id else found[0].plan_id
    if len(found) == 1:
        return shown

    def words(plan_id: str) -> str:
        plan = by_id[plan_id]
        accepted = here.time(plan.accepted_at) if plan.accepted_at else ""
        return here.t("view.contingency.plan", day=day_text(plan.first_date, here.language), time=accepted)

    chosen = st.selectbox(
        here.t("view.plan.which"),
        list(by_id),
        index=list(by_id).index(shown),
        format_func=words,
        key=f"contingency.which.{shown}",
    )
    if chosen != wanted:
        session.set_parameter("plan", chosen)
    return str(chosen)


# ---- how it stands ---------------------------------------------------------------------------------------------------


def _standing(here: Visit, report: Report) -> None:
    """When it was worked out, whether that still holds, and a run as it goes on."""
    if report.computed_at is not None:
        words = "view.contingency.stale" if report.is_stale else "view.contingency.as_of"
        text = plain(here.t(words, time=here.time(report.computed_at)))
        if report.is_stale:
            st.warning(text)
        else:
            st.caption(text)
    if report.is_computing:
        _running(here, report.plan_id)
        return
    if report.has_failed:
        st.error(here.t("view.contingency.failed"))
    if report.is_stale or report.has_failed:
        session.act_button(
            here.t("view.contingency.again"),
            "planning.start",
            lambda db, actor: contingency.refresh(db, actor, plan_id=report.plan_id),
            key=f"contingency.again.{report.plan_id}",
            said=here.t("view.contingency.asked"),
        )


def _running(here: Visit, plan_id: str) -> None:
    @st.fragment(run_every=2)
    def watch() -> None:
        now = session.look(lambda db, actor: contingency.report(db, actor, plan_id=plan_id))
        if not now.is_computing:
            st.rerun()
            return
        if not now.total:
            st.info(here.t("view.contingency.waiting"))
            return
        st.progress(now.done / now.total, text=here.t("view.contingency.progress", done=now.done, total=now.total))

    watch()


# ---- the failures ----------------------------------------------------------------------------------------------------


@st.fragment
def _failures(here: Visit, report: Report) -> None:
    counts = {"all": len(report.rows)}
    counts |= {kind.value: sum(row.kind is kind for row in report.rows) for kind in OutageKind}
    counts = {name: count for name, count in counts.items() if count}
    kind = lists.shelf(here, "kind", counts, "view.contingency.kind")
    rows = [row for row in report.rows if kind in ("all", row.kind.value)]
    st.markdown("\n".join(f"- {plain(sentence(here, row))}" for row in rows[:SAID]))
    _drawn(here, rows[:DRAWN])
    _table(here, rows)
    _prepare(here, report, rows)


def _drawn(here: Visit, rows: Sequence[Hurt]) -> None:
    names = [name(here, row) for row in rows]
    for title, color, values in (
        ("view.contingency.left", charts.RED, [row.persons_left_out for row in rows]),
        ("view.contingency.days", charts.BLUE, [max(0, row.person_days) for row in rows]),
    ):
        if any(values):
            st.markdown(f"**{here.t(title)}**")
            st.vega_lite_chart(
                charts.harms_spec(list(zip(names, values, strict=True)), color=color, title=here.t(title)),
                width="stretch",
            )


def _table(here: Visit, rows: Sequence[Hurt]) -> None:
    components.table(
        [
            here.t("view.contingency.what"),
            here.t("view.contingency.when"),
            here.t("view.contingency.touched"),
            here.t("view.contingency.left"),
            here.t("view.contingency.later"),
            here.t("view.contingency.days"),
            here.t("view.contingency.money"),
        ],
        [
            (
                name(here, row),
                _when(here, row),
                row.persons_hit,
                row.persons_left_out,
                row.persons_delayed,
                f"{row.person_days:+d}" if row.person_days else "0",
                ("+" if row.cost_cents > 0 else "") + money(row.cost_cents),
            )
            for row in components.paged(rows, here, "contingency.rows")
        ],
        numbers="  nnnnn",
        caption=here.t("view.contingency.title"),
    )


def name(here: Visit, row: Hurt) -> str:
    """What fails, in words."""
    return here.t(f"view.contingency.name.{row.kind.value}", what=_what(here, row))


def _what(here: Visit, row: Hurt) -> str:
    if row.name:
        return row.name
    if row.kind is OutageKind.CROSSING:
        return session.named(row.object_id, here.language)
    return place_text(here, row.object_id)


def _when(here: Visit, row: Hurt) -> str:
    first = components.day_text(row.first_day)
    return first if row.first_day == row.last_day else f"{first} – {components.day_text(row.last_day)}"


def sentence(here: Visit, row: Hurt) -> str:
    """One failure in a sentence: what happens, who comes later, who stays."""
    if_it = here.t(
        f"view.contingency.if.{row.kind.value}", what=_what(here, row), day=day_text(row.first_day, here.language)
    )
    later = here.t("view.contingency.nobody_later")
    if row.persons_delayed:
        later = here.t(
            "view.contingency.some_later",
            people=components.people_count(here, row.persons_delayed),
            days=plural("view.contingency.more_days", here.language, row.longest_delay_days),
        )
    stay = here.t("view.contingency.stay", n=row.persons_left_out)
    stuck = "" if row.is_repaired else " " + here.t("view.contingency.stuck")
    return f"{if_it} {later} {stay}{stuck}"


# ---- prepared for ----------------------------------------------------------------------------------------------------


def _prepare(here: Visit, report: Report, rows: Sequence[Hurt]) -> None:
    """Choose one failure, read its facts, prepare the repaired plan; one that is prepared is opened."""
    st.header(here.t("view.contingency.prepare_title"), anchor=False)
    st.markdown(plain(here.t("view.contingency.prepare_help")))
    by_key = {row.key: row for row in rows}
    key = st.selectbox(
        here.t("view.contingency.which"),
        list(by_key),
        format_func=lambda each: f"{name(here, by_key[each])} · {_when(here, by_key[each])}",
        key="contingency.prepare.which",
    )
    row = by_key[str(key)]
    if row.prepared_plan_id:
        st.success(here.t("view.contingency.is_prepared"))
        session.link_to("plan", here.t("view.contingency.open"), parameters={"plan": row.prepared_plan_id})
        return

    def prepare(db: Session, actor: Actor) -> Plan:
        return contingency.prepare(db, actor, plan_id=report.plan_id, key=row.key)

    components.danger(
        here,
        here.t("view.contingency.prepare"),
        f"{sentence(here, row)} {here.t('view.contingency.prepare_facts')}",
        here.t("view.contingency.prepare"),
        "planning.edit",
        prepare,
        key=f"contingency.prepare.{row.key}",
        said=here.t("view.contingency.prepared"),
        primary=True,
    )
