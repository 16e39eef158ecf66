"""A plan in a glance: who goes, who does not, what it costs, whether it holds; fairness and cost; acceptance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from sqlmodel import Session

from retorno.errors import Fault, InputError
from retorno.labels import plural
from retorno.models.movements import Plan
from retorno.office.access import Actor
from retorno.plans import plan_figures, plan_report, planning, workbench
from retorno.plans.plan_figures import CostLine, Fairness, Waits
from retorno.plans.plan_report import Headline, OpenPlan, UnplannedGroup
from retorno.vocabulary import PlanStatus
from ui import charts, components, session
from ui.session import Visit
from ui.views.plan.asking import discard
from ui.views.plan.words import cards, gap_text, groups_text, left_out_lines, money, people_and_groups, told

REASONS_IN_DIALOG = 5


def head(here: Visit, plan_id: str) -> None:
    """The figures on top, and the acts of a draft."""
    opened, found = session.look(lambda db, actor: _headline(db, actor, plan_id))
    people, groups = found.going
    rows = [
        (
            here.t("view.plan.going"),
            components.people_count(here, people),
            here.t(
                "view.plan.in_groups",
                groups=groups_text(here, groups),
                movements=plural("view.plan.movements", here.language, found.movement_count),
            ),
            "",
        ),
        (
            here.t("view.plan.left"),
            components.people_count(here, found.left[0]),
            groups_text(here, found.left[1]),
            "warn" if found.left[0] else "calm",
        ),
        (
            here.t("view.plan.not_ready"),
            components.people_count(here, found.not_ready[0]),
            groups_text(here, found.not_ready[1]),
            "calm",
        ),
        (
            here.t("view.plan.cost"),
            money(found.cost_cents),
            here.t("view.plan.per_person", cost=money(round(found.cost_cents / people))) if people else "",
            "calm",
        ),
        (
            here.t("view.plan.check"),
            here.t("view.plan.check_ok" if found.is_valid else "view.plan.check_bad"),
            gap_text(here, found.gap),
            "" if found.is_valid else "warn",
        ),
    ]
    cards(rows)
    if opened.plan.status is PlanStatus.DRAFT:
        if found.changed[1]:
            _take_in(here, opened.plan, found)
        _acts(here, opened.plan.plan_id, found, is_hypothetical=opened.plan.is_hypothetical)
    elif opened.plan.status is PlanStatus.ACCEPTED:
        with st.container(horizontal=True):
            session.link_to("confirmation", here.t("view.plan.to_confirmations"))
            session.link_to("manifest", here.t("view.plan.to_movements"))


def _headline(db: Session, actor: Actor, plan_id: str) -> tuple[OpenPlan, Headline]:
    opened = plan_report.open_plan(db, actor, plan_id=plan_id)
    return opened, plan_report.headline(db, opened)


def _take_in(here: Visit, plan: Plan, found: Headline) -> None:
    """What changed since the plan was made, and one click that takes it in; until then acceptance is refused."""
    st.warning(session.plain(here.t("view.plan.changed", who=people_and_groups(here, found.changed))))
    session.act_button(
        here.t("view.plan.take_in"),
        "planning.edit",
        told(here, lambda db, actor: workbench.take_in(db, actor, plan_id=plan.plan_id, version=plan.version)),
        key=f"plan.take_in.{plan.plan_id}",
        said=lambda out: plural("view.plan.taken_in", here.language, len(out)),
        primary=True,
    )


def _acts(here: Visit, plan_id: str, found: Headline, *, is_hypothetical: bool) -> None:
    if is_hypothetical:
        st.caption(here.t("view.plan.what_if_only"))
    with st.container(horizontal=True):
        if found.going[0] and not found.changed[1]:
            accept(here, plan_id, found)
        discard(here, plan_id)


def accept(here: Visit, plan_id: str, found: Headline, *, words: str = "view.plan.accept") -> None:
    """Accept a draft, after its facts: movements, people, who is left out and why."""

    def said(done: planning.Accepted) -> str:
        text = plural("view.plan.accepted", here.language, len(done.movement_ids))
        return text + (" " + plural("view.plan.dropped", here.language, len(done.dropped)) if done.dropped else "")

    key = f"{words}.{plan_id}"
    components.danger(
        here,
        here.t(words),
        _facts(here, plan_id, found, key),
        here.t(words),
        "planning.accept",
        lambda db, actor: _accepted(here, db, actor, plan_id),
        key=key,
        said=said,
        after=lambda _: session.set_parameter("plan", plan_id),
        primary=True,
    )


def _accepted(here: Visit, db: Session, actor: Actor, plan_id: str) -> planning.Accepted:
    """Accept; what a plan only assumes is told in words."""
    try:
        return planning.accept(db, actor, plan_id=plan_id)
    except planning.NotYetReal as error:
        lines = [here.t("view.plan.not_yet_real"), *(here.t(f"check.{code}") for code in error.reasons)]
        raise InputError([Fault(what=" ".join(lines), column="")]) from error


def _facts(here: Visit, plan_id: str, found: Headline, key: str) -> str:
    """What acceptance does, read only when somebody asks for it."""
    if not session.recall(f"asked.{key}", False):
        return ""
    lines = [
        here.t(
            "view.plan.accept_facts",
            people=people_and_groups(here, found.going),
            movements=plural("view.plan.movements", here.language, found.movement_count),
        ),
        *left_out_lines(here, found),
    ]
    left = session.look(
        lambda db, actor: plan_report.unplanned(db, actor, plan_report.open_plan(db, actor, plan_id=plan_id))
    )
    ready = [group for group in left if group.is_ready]
    lines += [_why_line(here, group) for group in ready[:REASONS_IN_DIALOG]]
    if len(ready) > REASONS_IN_DIALOG:
        lines.append(here.t("view.plan.more_why", n=len(ready) - REASONS_IN_DIALOG))
    return "\n\n".join(lines)


def _why_line(here: Visit, group: UnplannedGroup) -> str:
    why = here.t(f"reason.plan.{group.reasons[0]}") if group.reasons else here.t("view.plan.by_rule")
    return here.t(
        "view.plan.why_line",
        case=group.case_reference,
        people=components.people_count(here, group.person_count),
        why=why,
    )


# ---- the tab ------------------------------------------------------------------------------------------------------


def show(here: Visit, plan_id: str) -> None:
    """Fairness in one glance, and the cost with who is paid."""

    def read(db: Session, actor: Actor) -> tuple[Waits, tuple[CostLine, ...]]:
        opened = plan_report.open_plan(db, actor, plan_id=plan_id)
        return plan_figures.waits(db, opened), plan_figures.costs(db, opened)

    waits, costs = session.look(read)
    if not waits.everyone.person_count:
        components.empty(here, "view.plan.nobody")
        return
    st.header(here.t("view.plan.fairness"), anchor=False)
    st.markdown(_glance(here, waits))
    left, right = st.columns(2, gap="large")
    with left:
        _waits(
            here,
            "nationality",
            waits.by_nationality,
            waits.everyone,
            lambda key: session.named(key, here.language),
        )
    with right:
        _waits(here, "profile", waits.by_profile, waits.everyone, lambda key: here.t(f"profile.{key}"))
        _costs(here, costs)


def _glance(here: Visit, waits: Waits) -> str:
    slowest = max(waits.by_nationality, key=lambda each: each.p90_days)
    return session.plain(
        here.t(
            "view.plan.fairness_glance",
            days=waits.everyone.p90_days,
            slowest=session.named(slowest.key, here.language),
            most=slowest.p90_days,
        )
    )


def _waits(here: Visit, kind: str, rows: Sequence[Fairness], everyone: Fairness, words: Callable[[str], str]) -> None:
    ordered = sorted(rows, key=lambda each: (-each.p90_days, each.key))
    st.vega_lite_chart(
        charts.waits_spec(
            [(words(each.key), each.p90_days) for each in ordered],
            everyone=everyone.p90_days,
            words={"days": here.t("view.plan.p90_axis"), "everyone": here.t("view.plan.everyone")},
        ),
        width="stretch",
        alt=here.t("view.plan.waits_alt", kind=here.t(f"column.{kind}")),
    )
    components.table(
        [here.t(f"column.{kind}"), here.t("column.people"), here.t("view.plan.going"), here.t("column.p90")],
        [
            *((words(each.key), each.person_count, each.planned_count, each.p90_days) for each in ordered),
            (here.t("view.plan.everyone"), everyone.person_count, everyone.planned_count, everyone.p90_days),
        ],
        numbers=" nnn",
    )
    if kind == "nationality":
        st.caption(here.t("view.plan.fairness_caption"))


def _costs(here: Visit, rows: Sequence[CostLine]) -> None:
    st.header(here.t("view.plan.cost_parts"), anchor=False)
    components.table(
        [here.t("column.what"), here.t("column.payee"), here.t("view.plan.cost")],
        [
            *(
                (
                    here.t(f"cost.{row.key}"),
                    row.payee or here.t(f"payee.{row.key}"),
                    money(row.cents),
                )
                for row in rows
            ),
            (here.t("view.plan.total"), "", money(sum(row.cents for row in rows))),
        ],
        numbers="  n",
    )
    st.caption(here.t("view.plan.payer", office=here.office.name if here.office else ""))
