"""A consulate's rows, by deadline: confirm row by row or a page at once, decline with a coded reason.

No totals, no old versions, no export; a row taken back says only "not travelling".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st
from sqlmodel import Session

from retorno import changes, confirmation
from retorno.confirmation import ConsulateRow
from retorno.office.access import Actor
from retorno.vocabulary import Answer, AnswerReason
from ui import components, session
from ui.session import Visit, plain

REASONS = (AnswerReason.NOT_OUR_NATIONAL, AnswerReason.NEEDS_INTERVIEW)


def show() -> None:
    """The rows to answer, the check page, and the rows already answered."""
    here = session.visit()
    components.title(here, "view.consulate.title")
    rows = session.persons(
        "confirmation.read", confirmation.consulate_rows, lambda rows: [row.confirmation_id for row in rows]
    )
    waiting = [row for row in rows if row.answer is Answer.PENDING and not row.is_not_travelling]
    rest = [row for row in rows if row not in waiting]
    if not waiting:
        components.empty(here, "view.consulate.empty")
    elif session.recall("consulate.check"):
        _check(here, waiting)
    else:
        _answer(here, waiting)
    if rest:
        _table(here, rest, here.t("view.consulate.answered"))


def _cells(here: Visit, row: ConsulateRow) -> tuple[str, ...]:
    state = "answer.not_travelling" if row.is_not_travelling else f"answer.{row.answer.value}"
    return (
        row.name,
        _born(row),
        _document(here, row),
        session.named(row.crossing) if row.crossing else "–",
        session.local_time(row.depart_at, row.zone_name, here.language),
        here.time(row.due_at),
        here.t(state),
    )


def _born(row: ConsulateRow) -> str:
    return components.day_text(date.fromisoformat(row.birth_date)) if row.birth_date else "–"


def _document(here: Visit, row: ConsulateRow) -> str:
    kind, _, number = row.document.partition(" ")
    return f"{here.t(f'document_type.{kind}')} {number}" if number else "–"


def _table(here: Visit, rows: Sequence[ConsulateRow], caption: str) -> None:
    components.table(
        [
            here.t("column.name"),
            here.t("column.born"),
            here.t("column.document"),
            here.t("column.crossing"),
            here.t("column.departs"),
            here.t("column.due"),
            here.t("column.answer"),
        ],
        [_cells(here, row) for row in rows],
        caption=caption,
    )


def _answer(here: Visit, waiting: Sequence[ConsulateRow]) -> None:
    shown = waiting[: components.PAGE_ROWS]
    _table(here, shown, here.t("view.consulate.waiting"))
    st.subheader(here.t("view.consulate.mark"), anchor=False)
    is_all = st.checkbox(here.t("view.consulate.all"), key="consulate.all")
    ticked = [row for row in shown if _tick(here, row, is_all=is_all)]
    yes, no, _ = st.columns([3, 3, 2])
    with yes:
        if st.button(
            here.t("view.consulate.to_check", n=len(ticked)), type="primary", disabled=not ticked, key="consulate.go"
        ):
            session.remember("consulate.check", [row.confirmation_id for row in ticked])
            st.rerun()
    with no:
        # No reason is chosen for anybody: "not our national" is never a click made by habit.
        reason = components.choice(
            here, here.t("field.reason"), REASONS, "reason.answer", key="consulate.reason", index=None
        )

        def decline(db: Session, actor: Actor) -> int:
            for row in ticked:
                changes.decline(db, actor, confirmation_id=row.confirmation_id, reason=reason)
            return len(ticked)

        if ticked and reason is not None:
            components.danger(
                here,
                here.t("view.consulate.decline", n=len(ticked)),
                here.t("view.consulate.decline_facts", names=", ".join(row.name for row in ticked)),
                here.t("view.consulate.decline_do"),
                "confirmation.answer",
                decline,
                key="consulate.decline",
                said=here.t("view.consulate.declined"),
            )


def _tick(here: Visit, row: ConsulateRow, *, is_all: bool) -> bool:
    text = f"{components.isolated(row.name)} · {_born(row)} · {_document(here, row)}"
    is_ticked = st.checkbox(plain(text), key=f"consulate.{row.confirmation_id}", disabled=is_all)
    return is_ticked or is_all


def _check(here: Visit, waiting: Sequence[ConsulateRow]) -> None:
    """The page to check before a page of rows is confirmed at once."""
    wanted = set(session.recall("consulate.check", []))
    rows = [row for row in waiting if row.confirmation_id in wanted]
    st.subheader(here.t("view.consulate.check"), anchor=False)
    _table(here, rows, here.t("view.consulate.check_what"))
    yes, no, _ = st.columns([3, 2, 3])

    def confirm(db: Session, actor: Actor) -> int:
        for row in rows:
            confirmation.confirm(db, actor, confirmation_id=row.confirmation_id, reason=AnswerReason.DOCUMENT_READY)
        return len(rows)

    with yes:
        session.act_button(
            here.t("view.consulate.confirm", n=len(rows)),
            "confirmation.answer",
            confirm,
            key="consulate.confirm",
            primary=True,
            disabled=not rows,
            said=here.t("view.consulate.confirmed"),
            after=lambda _: session.forget("consulate.check"),
        )
    if no.button(here.t("view.back"), key="consulate.back"):
        session.forget("consulate.check")
        st.rerun()
