"""A consulate's rows, by deadline: answered row by row or a page at once, after a page to check.

No totals, no old versions, no export; a row taken back says only "not travelling".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from html import escape
from itertools import groupby

import streamlit as st
from sqlmodel import Session

from retorno import clock
from retorno.confirmations import consulate
from retorno.confirmations.consulate import PAGE_ROWS, REASONS, ConsulateRow
from retorno.office import notices
from retorno.office.access import Actor
from retorno.vocabulary import AnswerReason
from ui import components, session
from ui.session import Visit, plain

YES = AnswerReason.DOCUMENT_READY
_FIELD = "consulate.answer."
_PAGE = "consulate.page"


def show() -> None:
    """The rows to answer, the check page, and the rows already answered."""
    here = session.visit()
    components.title(here, "view.consulate.title")
    rows = session.persons("confirmation.read", consulate.rows, lambda rows: [row.confirmation_id for row in rows])
    chosen: Mapping[str, AnswerReason] = session.recall("consulate.check", {})
    if chosen:
        _check(here, rows, chosen)
        return
    st.markdown(plain(here.t("view.consulate.rhythm", time=here.time(notices.next_batch()))))
    waiting = [row for row in rows if row.is_open]
    if waiting:
        _answer(here, waiting)
    else:
        components.empty(here, "view.consulate.empty")
    rest = [row for row in rows if not row.is_open]
    if rest:
        _answered(here, rest)
    if rows:
        _print(here)


# ---- one row in words ---------------------------------------------------------------------------------------------


def _cells(here: Visit, row: ConsulateRow) -> tuple[str, ...]:
    """Reference, name, born, document, crossing, date: the columns of every table of this page."""
    kind = f"{here.t(f'document_type.{row.document_type}')} {row.document_number}" if row.document_type else "–"
    return (
        row.ref,
        row.name,
        components.day_text(row.birth_date) or "–",
        kind,
        session.named(row.place_id, here.language) if row.place_id else "–",
        here.day(row.on) if row.on else "–",
    )


def _heads(here: Visit) -> list[str]:
    return [here.t(f"column.{name}") for name in ("ref", "name", "born", "document", "crossing", "date")]


def _answer_words(here: Visit, row: ConsulateRow) -> str:
    if row.is_not_travelling:
        return here.t("answer.not_travelling")
    return here.t(f"reason.answer.{row.reason.value}" if row.reason else f"answer.{row.answer.value}")


def _left(here: Visit, row: ConsulateRow) -> str:
    """Until when, and how many hours that leaves."""
    left = row.due_at - clock.now()
    late = left <= timedelta(0)
    hours = here.t("view.late") if late else here.t("view.consulate.left", n=int(left.total_seconds() // 3600))
    return f"{here.time(row.due_at)} · {hours}"


# ---- answering ------------------------------------------------------------------------------------------------------


def _answer(here: Visit, waiting: Sequence[ConsulateRow]) -> None:
    """A page of rows, each with its answer; all at once on wish; then the page to check."""
    st.header(here.t("view.consulate.waiting"), anchor=False)
    st.markdown(plain(here.t("view.consulate.until")))
    if any(row.due_at <= clock.now() for row in waiting):
        st.warning(plain(here.t("view.consulate.late")))
    shown = _page_of(here, waiting)
    with st.container(horizontal=True):
        if st.button(here.t("view.consulate.all_ready"), key="consulate.all"):
            for row in shown:
                session.set_field(_FIELD + row.confirmation_id, YES)
            st.rerun()
        if st.button(here.t("view.consulate.none"), key="consulate.none"):
            session.clear_fields(_FIELD)
            st.rerun()
    _to_check(here, _rows(here, shown), key="consulate.go", is_primary=True)


def _page_of(here: Visit, rows: Sequence[ConsulateRow]) -> Sequence[ConsulateRow]:
    """One page of rows; the pages have no count, because a consulate reads no totals."""
    page = min(session.recall(_PAGE, 0), (len(rows) - 1) // PAGE_ROWS)
    if len(rows) > PAGE_ROWS:
        with st.container(horizontal=True):
            if st.button(here.t("view.consulate.page_back"), key="consulate.before", disabled=page == 0):
                session.remember(_PAGE, page - 1)
                st.rerun()
            is_last = (page + 1) * PAGE_ROWS >= len(rows)
            if st.button(here.t("view.consulate.page_next"), key="consulate.after", disabled=is_last):
                session.remember(_PAGE, page + 1)
                st.rerun()
    return rows[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]


def _rows(here: Visit, shown: Sequence[ConsulateRow]) -> dict[str, AnswerReason]:
    """The rows under their deadlines, each with its answer beside it; gives what is chosen."""
    answers: dict[str, AnswerReason] = {}
    for due, rows in groupby(shown, key=lambda row: _left(here, row)):
        st.markdown(f"**{plain(here.t('column.due'))}: {plain(due)}**")
        _line(here, _heads(here), is_head=True)
        for row in rows:
            facts, field = st.columns([5, 1.6], vertical_alignment="center")
            with facts:
                _line(here, _cells(here, row))
            with field:
                reason = _choice(here, row, is_beside=True)
            if reason is not None:
                answers[row.confirmation_id] = reason
    return answers


_GRID = (
    "display:grid;grid-template-columns:6.9rem minmax(0,1.6fr) 5.7rem minmax(0,1.4fr) minmax(0,1.8fr) "
    "minmax(0,1.1fr);gap:.2rem .8rem;margin:0;padding:0;"
    "font-size:.93rem"
)
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
"""Words for screen readers, where the eye has the heading of the column."""


def _line(here: Visit, cells: Sequence[str], *, is_head: bool = False) -> None:
    """One row in columns; the headings are for the eye, each value carries its own for the ear."""
    if is_head:
        words = "".join(f"<div>{escape(text)}</div>" for text in cells)
        head = "font-weight:600;border-bottom:2px solid #7a7a7a"
        facts, field = st.columns([5, 1.6])
        facts.html(f'<div aria-hidden="true" style="{_GRID};{head}">{words}</div>')
        field.html(f'<div aria-hidden="true" style="font-size:.93rem;{head}">{escape(here.t("column.answer"))}</div>')
        return
    pairs = "".join(
        f'<div><dt style="{_UNSEEN}">{escape(head)}</dt>'
        f'<dd dir="auto" style="margin:0;text-align:start{";white-space:nowrap" if place == 0 else ""}">'
        f"{escape(value)}</dd></div>"
        for place, (head, value) in enumerate(zip(_heads(here), cells, strict=True))
    )
    st.html(f'<dl style="{_GRID}">{pairs}</dl>')


def _choice(here: Visit, row: ConsulateRow, *, is_beside: bool = False) -> AnswerReason | None:
    """The answer to one row; nothing is chosen beforehand."""
    return st.selectbox(
        f"{here.t('column.answer')}: {row.name}",
        REASONS,
        index=None,
        format_func=lambda reason: here.t(f"reason.answer.{reason.value}"),
        placeholder=here.t("view.choose"),
        key=_FIELD + row.confirmation_id,
        label_visibility="collapsed" if is_beside else "visible",
    )


def _to_check(here: Visit, answers: Mapping[str, AnswerReason], *, key: str, is_primary: bool) -> None:
    """The button to the page to check; it counts what the user chose, nothing else."""
    if st.button(
        here.t("view.consulate.to_check", n=len(answers)),
        type="primary" if is_primary else "secondary",
        disabled=not answers,
        key=key,
    ):
        session.remember("consulate.check", dict(answers))
        st.rerun()
    if not answers:
        st.caption(here.t("view.consulate.choose_first"))


def _check(here: Visit, rows: Sequence[ConsulateRow], chosen: Mapping[str, AnswerReason]) -> None:
    """The page to check before answers are sent."""
    asked = [row for row in rows if row.confirmation_id in chosen and (row.is_open or row.may_change)]
    st.header(here.t("view.consulate.check"), anchor=False)
    if len(asked) < len(chosen):
        st.warning(plain(here.t("view.consulate.moved")))
    noes = [row for row in asked if chosen[row.confirmation_id] is not YES]
    components.table(
        [*_heads(here), here.t("view.consulate.your_answer")],
        [(*_cells(here, row), here.t(f"reason.answer.{chosen[row.confirmation_id].value}")) for row in asked],
        caption=here.t("view.consulate.check_what"),
    )
    if noes:
        st.warning(plain(here.t("view.consulate.decline_facts", names=", ".join(row.name for row in noes))))

    def send(db: Session, actor: Actor) -> int:
        return consulate.answer(db, actor, answers={row.confirmation_id: chosen[row.confirmation_id] for row in asked})

    def finish(_: int) -> None:
        session.forget("consulate.check")
        session.clear_fields(_FIELD)

    with st.container(horizontal=True):
        session.act_button(
            here.t("view.consulate.confirm", n=len(asked)),
            "confirmation.consulate",
            send,
            key="consulate.confirm",
            primary=True,
            disabled=not asked,
            said=here.t("view.consulate.confirmed", n=len(asked)),
            after=finish,
        )
        if st.button(here.t("view.back"), key="consulate.back"):
            for row in asked:
                session.set_field(_FIELD + row.confirmation_id, chosen[row.confirmation_id])
            session.forget("consulate.check")
            st.rerun()


# ---- what is answered, and the print view ---------------------------------------------------------------------------


def _answered(here: Visit, rest: Sequence[ConsulateRow]) -> None:
    components.table(
        [*_heads(here), here.t("column.answer")],
        [(*_cells(here, row), _answer_words(here, row)) for row in rest],
        caption=here.t("view.consulate.answered"),
    )
    changeable = {row.confirmation_id: row for row in rest if row.may_change}
    if not changeable:
        st.caption(here.t("view.consulate.fixed"))
        return
    with st.expander(here.t("view.consulate.change")):
        st.markdown(plain(here.t("view.consulate.change_until")))
        one = st.selectbox(
            here.t("column.name"),
            list(changeable),
            index=None,
            format_func=lambda each: f"{changeable[each].name} · {_answer_words(here, changeable[each])}",
            placeholder=here.t("view.choose"),
            key="consulate.change",
        )
        if one is not None:
            reason = _choice(here, changeable[one])
            _to_check(here, {one: reason} if reason else {}, key="consulate.change.go", is_primary=False)


def _print(here: Visit) -> None:
    page = session.recall(_PAGE, 0) + 1
    st.link_button(here.t("view.consulate.print"), f"/consulate-print?page={page}")
    st.caption(here.t("view.consulate.print_about"))
