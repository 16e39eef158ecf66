"""Audit: what stands in the log, is it whole, and every list rule by rule; of people only ids."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno.downloads import reports
from retorno.errors import InputError
from retorno.models.office import AuditEntry
from retorno.office import oversight
from retorno.office.access import Actor
from retorno.office.audit import ChainState
from retorno.office.oversight import Known, RuleAudit, Wanted
from retorno.vocabulary import Role
from ui import components, lists, session
from ui.session import Visit, plain

MIDNIGHT = "00:00"
OUTCOMES = ("done", "read", "refused")


def show() -> None:
    """Who did what, whether the log is whole, lists and plans rule by rule."""
    here = session.visit()
    components.title(here, "view.audit.title")
    counts = dict.fromkeys(("entries", "log", "rules", "plans"), -1)
    match lists.shelf(here, "show", counts, "view.audit.tab"):
        case "entries":
            _entries(here)
        case "log":
            chain(here)
            session.file_link("audit_report", "", here.t("view.audit.report"))
            st.caption(here.t("view.audit.report_what"))
        case "rules":
            rules(here)
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


def _wanted(here: Visit, known: Known) -> Wanted | None:
    """What the visitor looks for; ``None`` while a date cannot be read."""
    object_id = st.text_input(
        here.t("field.object_id"), key="audit.object", placeholder="Q4NEJYBBEV, P-…", help=here.t("help.object_id")
    ).strip()
    first, second, third = st.columns(3)
    with first:
        since = components.day_field(here, "since_day", key="audit.since")
    with second:
        until = components.day_field(here, "until_day", key="audit.until")
    actor_id = third.text_input(here.t("field.actor_id"), key="audit.actor", help=here.t("help.actor_id")).strip()
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
    known = session.look(oversight.known)
    st.caption(here.t("view.audit.entries_what"))
    wanted = _wanted(here, known)
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
                "\n".join(dict.fromkeys((known.logins.get(row.actor_id, row.actor_id), row.actor_id))),
                role_name(here, row.role),
                _object(here, row),
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


def _object(here: Visit, row: AuditEntry) -> str:
    """What an entry is about; of a page with many people, how many it showed."""
    shown = oversight.shown_count(row)
    return row.object_id or (here.t("view.audit.shown", n=shown) if shown else "–")


# ---- lists and plans, rule by rule ---------------------------------------------------------------------------------


def rules(here: Visit) -> None:
    """Each rule over the lists of a month or of all, then each list; no row of a list, no name."""
    months = session.look(oversight.rule_audit).months
    if not months:
        components.empty(here, "view.audit.no_rule")
        return
    first, _ = st.columns([2, 4])
    month = first.selectbox(
        here.t("field.issued_in"),
        ["", *months],
        format_func=lambda each: reports.month_text(each, here.language) if each else here.t("view.all"),
        key="audit.month",
    )
    found = session.look(lambda db, actor: oversight.rule_audit(db, actor, month=month or "", zone_name=here.zone_name))
    is_auditor = here.actor.has(Role.AUDITOR)
    head = [here.t(f"column.{name}") for name in ("rule", "what", "asked", "passed", "result")]
    components.table(
        head + ([here.t("column.notes")] if is_auditor else []),
        [
            (
                each.rule,
                here.t(f"rule.{each.rule}"),
                each.asked,
                each.passed,
                here.t("view.audit.kept" if each.passed == each.asked else "view.audit.not_kept"),
            )
            + ((each.notes,) if is_auditor else ())
            for each in found.rules
        ],
        numbers="  nn n",
        caption=here.t("view.audit.rules_caption"),
    )
    st.caption(here.t("view.audit.rules_what"))
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
