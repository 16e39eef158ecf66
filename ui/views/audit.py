"""Audit: is the log whole, what stands in it, and every list rule by rule; ids only."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno.errors import InputError
from retorno.office import oversight
from retorno.office.access import Actor
from retorno.office.audit import ChainState
from retorno.office.oversight import RuleAudit, Wanted
from retorno.vocabulary import Role
from ui import components, lists, session
from ui.session import Visit, plain

MIDNIGHT = "00:00"
OUTCOMES = ("done", "read", "refused")


def show() -> None:
    """State of the log, then entries, or lists and plans by rule."""
    here = session.visit()
    components.title(here, "view.audit.title")
    chain(here)
    session.file_link("audit_report", "", here.t("view.audit.report"))
    st.caption(here.t("view.audit.report_what"))
    match lists.shelf(here, "show", {"entries": -1, "rules": -1, "plans": -1}, "view.audit.tab"):
        case "entries":
            _entries(here)
        case "rules":
            rules(here, session.look(oversight.rule_audit))
        case _:
            _plans(here, session.look(oversight.rule_audit))


def chain(here: Visit) -> None:
    """Whether the log is whole, in plain words, and a printed hash to compare with."""
    st.caption(here.t("view.audit.chain_what"))
    anchor = st.text_input(here.t("field.anchor"), key="audit.anchor", help=here.t("help.anchor")).strip().lower()
    state = session.look(lambda db, actor: oversight.chain_state(db, actor, anchor=anchor or None))
    if state.broken_at is not None:
        st.error(plain(_broken(here, state, anchor)))
        return
    st.success(plain(here.t("view.audit.whole", n=state.count)))
    if anchor:
        st.success(plain(here.t("view.audit.anchored")))
    st.caption(here.t("view.audit.last_hash"))
    st.code(state.head, language=None, wrap_lines=True)


def _broken(here: Visit, state: ChainState, anchor: str) -> str:
    if anchor and state.what.startswith("anchor"):
        return here.t("view.audit.not_anchored")
    return here.t("view.audit.broken", n=state.broken_at)


# ---- entries -----------------------------------------------------------------------------------------------------


def act_name(here: Visit, act: str) -> str:
    """An act of the log in words."""
    return here.t(f"act.{act}") if session.has_words(f"act.{act}") else act


def role_name(here: Visit, role: str) -> str:
    """A role of the log in words."""
    return here.t(f"role.{role}") if session.has_words(f"role.{role}") else role


def _wanted(here: Visit) -> Wanted | None:
    """What the visitor looks for; ``None`` while a date cannot be read."""
    known = session.look(oversight.known)
    first, second, third = st.columns(3)
    act = first.selectbox(
        here.t("column.act"),
        ["", *known.acts],
        format_func=lambda each: act_name(here, each) if each else here.t("view.all"),
        key="audit.act",
    )
    role = second.selectbox(
        here.t("column.role"),
        ["", *known.roles],
        format_func=lambda each: role_name(here, each) if each else here.t("view.all"),
        key="audit.role",
    )
    outcome = third.selectbox(
        here.t("column.result"),
        ["", *OUTCOMES],
        format_func=lambda each: here.t(f"outcome.{each}") if each else here.t("view.all"),
        key="audit.outcome",
    )
    with first:
        since = components.day_field(here, "since_day", key="audit.since")
    with second:
        until = components.day_field(here, "until_day", key="audit.until")
    actor_id = third.text_input(here.t("field.actor_id"), key="audit.actor", placeholder="U-…").strip()
    object_id = first.text_input(here.t("field.object_id"), key="audit.object", placeholder="M-…").strip()
    try:
        start, end = (components.parse_day(text, field="since_day") for text in (since, until))
        after = end + timedelta(days=1) if end else None
        return Wanted(
            act=act or "",
            role=role or "",
            outcome=outcome or "",
            actor_id=actor_id,
            object_id=object_id,
            since=components.parse_instant(f"{start:%d/%m/%Y}", MIDNIGHT, here.zone_name, field="since_day")
            if start
            else None,
            until=components.parse_instant(f"{after:%d/%m/%Y}", MIDNIGHT, here.zone_name, field="until_day")
            if after
            else None,
        )
    except InputError as problem:
        session.show_problem(problem, "audit.read")
        return None


def _entries(here: Visit) -> None:
    wanted = _wanted(here)
    if wanted is None:
        return
    asked, before = session.recall("audit.page", (wanted, None))
    if asked != wanted:
        before = None

    def read(db: Session, actor: Actor) -> list[tuple[object, ...]]:
        page = Wanted(**{**vars(wanted), "before": before})
        return [
            (
                row.sequence,
                here.time(row.at),
                act_name(here, row.act),
                row.actor_id,
                role_name(here, row.role),
                row.object_id,
                here.t(f"outcome.{row.outcome}"),
            )
            for row in oversight.entries(db, actor, wanted=page)
        ]

    rows = session.look(read)
    if not rows:
        components.empty(here, "view.audit.empty")
    else:
        names = ("number", "when", "act", "by", "role", "object", "result")
        components.table([here.t(f"column.{name}") for name in names], rows, numbers="n      ")
    newer, older, _ = st.columns([2, 2, 4])
    if before is not None and newer.button(here.t("view.audit.newest"), key="audit.newest"):
        session.forget("audit.page")
        st.rerun()
    if len(rows) == oversight.PAGE_ENTRIES and older.button(here.t("view.audit.older"), key="audit.older"):
        session.remember("audit.page", (wanted, rows[-1][0]))
        st.rerun()


# ---- lists and plans, rule by rule ---------------------------------------------------------------------------------


def rules(here: Visit, found: RuleAudit) -> None:
    """Each rule over every list, then each list; no row of a list, no name."""
    if not found.rules:
        components.empty(here, "view.audit.no_rule")
        return
    is_auditor = here.actor.has(Role.AUDITOR)
    head = [here.t(f"column.{name}") for name in ("rule", "what", "asked", "passed")]
    components.table(
        head + ([here.t("column.notes")] if is_auditor else []),
        [
            (each.rule, here.t(f"rule.{each.rule}"), each.asked, each.passed) + ((each.notes,) if is_auditor else ())
            for each in found.rules
        ],
        numbers="  nnn",
        caption=here.t("view.audit.rules_caption"),
    )
    names = ("movement", "version", "when", "signatures", "passed", "not_passed")
    components.table(
        [here.t(f"column.{name}") for name in names],
        [
            (
                each.movement_id,
                each.version,
                here.time(each.issued_at),
                here.t("view.audit.removal_only") if each.is_removal_only else f"{each.proposed_by}\n{each.signed_by}",
                each.passed,
                ", ".join(each.failed) or here.t("view.audit.none"),
            )
            for each in components.paged(found.lists, here, "audit.lists")
        ],
        numbers=" n  n ",
        caption=here.t("view.audit.lists_caption"),
    )


def _plans(here: Visit, found: RuleAudit) -> None:
    if not found.plans:
        components.empty(here, "view.audit.no_plan")
        return
    st.caption(here.t("view.audit.plans_what"))
    names = ("plan", "when", "by", "checker", "facts_hash")
    components.table(
        [here.t(f"column.{name}") for name in names],
        [
            (
                each.plan_id,
                here.time(each.accepted_at),
                each.accepted_by,
                here.t("view.audit.valid" if each.is_valid else "view.audit.invalid"),
                each.problem_digest[:16],
            )
            for each in found.plans
        ],
    )
