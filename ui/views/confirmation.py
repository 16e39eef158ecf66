"""Who has not answered: hours left, and answers of parties without an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock, confirmation, movement_report
from retorno.errors import Fault, InputError
from retorno.models.movements import Confirmation
from retorno.movement_report import MovementRow
from retorno.office.access import Actor
from retorno.vocabulary import Answer, AnswerReason, MovementStatus, PartyKind
from ui import components, session
from ui.session import Visit, plain

WAYS = ("phone", "message", "letter")
CONSULATE_REASONS = (AnswerReason.NOT_OUR_NATIONAL, AnswerReason.NEEDS_INTERVIEW)
OTHER_REASONS = (AnswerReason.NO_CAPACITY, AnswerReason.CLOSED_THAT_DAY, AnswerReason.LIST_TOO_LATE)


def show() -> None:
    """Movements that wait for an answer, by departure."""
    here = session.visit()
    components.title(here, "view.confirmation.title")
    rows = [
        row
        for row in session.look(movement_report.rows)
        if row.movement.status in (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED)
    ]
    if not rows:
        components.empty(here, "view.confirmation.empty")
        return
    questions = session.look(confirmation.open_questions)
    names = session.look(
        lambda db, actor: movement_report.user_names(db, actor, [each.answered_by for each in questions])
    )
    _due_first(here, rows, questions)
    for row in rows:
        mine = [each for each in questions if each.movement_id == row.movement.movement_id]
        _movement(here, row, mine, names)


def _due_first(here: Visit, rows: Sequence[MovementRow], questions: Sequence[Confirmation]) -> None:
    references = {row.movement.movement_id: row.movement.reference for row in rows}
    waiting = [each for each in questions if each.answer is Answer.PENDING and each.movement_id in references]
    if waiting:
        components.table(
            [here.t("column.movement"), here.t("column.party"), here.t("column.due"), here.t("column.hours_left")],
            [
                (references[each.movement_id], party_name(here, each), here.time(each.due_at), hours_left(here, each))
                for each in components.paged(waiting, here, "confirmation.due")
            ],
            caption=here.t("view.confirmation.waiting"),
        )


def party_name(here: Visit, each: Confirmation) -> str:
    """Kind and name of a party; of a consulate's question the person's reference, never the name."""
    name = f"{here.t(f'party.{each.party_kind.value}')}: {session.named(each.party_id, here.language)}"
    return f"{name} ({each.person_id})" if each.person_id else name


def hours_left(here: Visit, each: Confirmation) -> str:
    """Hours until the answer is due, or that it is late."""
    left = each.due_at - clock.now()
    return here.t("view.late") if left <= timedelta(0) else here.t("view.hours", n=int(left.total_seconds() // 3600))


def _movement(here: Visit, row: MovementRow, questions: Sequence[Confirmation], names: Mapping[str, str]) -> None:
    movement = row.movement
    with st.expander(plain(movement_line(here, row)), expanded=not questions):
        left, right = st.columns([3, 2])
        with left:
            session.act_button(
                here.t("view.confirmation.ask" if not questions else "view.confirmation.ask_rest"),
                "confirmation.request",
                lambda db, actor: confirmation.request_confirmations(db, actor, movement_id=movement.movement_id),
                key=f"ask.{movement.movement_id}",
                primary=not questions,
                said=lambda made: here.t("view.confirmation.asked", n=len(made)),
            )
        if right.button(here.t("view.open_movement"), key=f"open.{movement.movement_id}"):
            session.go_to("manifest", movement=movement.movement_id)
        if questions:
            components.table(
                [
                    here.t("column.party"),
                    here.t("column.answer"),
                    here.t("column.due"),
                    here.t("column.by"),
                    here.t("column.way"),
                ],
                [
                    (
                        party_name(here, each),
                        answer_text(here, each),
                        here.time(each.due_at),
                        names.get(each.answered_by, each.answered_by),
                        here.t(f"way.{each.way}") if each.way else "",
                    )
                    for each in questions
                ],
            )
            record(here, [each for each in questions if each.answer is Answer.PENDING], movement.movement_id)


def answer_text(here: Visit, each: Confirmation) -> str:
    """The answer with its coded reason."""
    text = here.t(f"answer.{each.answer.value}")
    return f"{text}: {here.t(f'reason.answer.{each.reason.value}')}" if each.reason else text


def movement_line(here: Visit, row: MovementRow) -> str:
    """A movement in one line: reference, way, departure, people, state."""
    movement = row.movement
    return here.t(
        "view.movement_line",
        ref=movement.reference,
        vehicle=f"{here.t(f'mode.{movement.mode.value}')} {movement.label}",
        start=session.named(row.from_place_id),
        end=session.named(row.to_place_id),
        time=here.time(movement.depart_at, row.from_place_id),
        people=components.people_count(here, row.person_count),
        status=here.t(f"status.movement.{movement.status.value}"),
    )


def record(here: Visit, waiting: Sequence[Confirmation], key: str) -> None:
    """Write down the answer of a party that has no account: who, when, by which way."""
    if not waiting:
        return
    st.markdown(f"**{plain(here.t('view.confirmation.record'))}**")
    by_id = {each.confirmation_id: each for each in waiting}
    first, second, third = st.columns(3)
    chosen = first.selectbox(
        here.t("field.party"),
        list(by_id),
        index=None,
        format_func=lambda each: party_name(here, by_id[each]),
        placeholder=here.t("view.choose"),
        key=f"record.{key}",
    )
    by = second.text_input(here.t("field.answered_by"), key=f"record.by.{key}", help=here.t("help.answered_by"))
    with third:
        way = components.choice(here, here.t("field.way"), WAYS, "way", key=f"record.way.{key}")
    if chosen is None:
        return
    is_consulate = by_id[chosen].party_kind is PartyKind.CONSULATE
    yes, no = st.columns(2)

    def expect_name() -> None:
        if not by.strip():
            raise InputError([Fault(column="answered_by", code="EMPTY", what="empty, expected who answered")])

    def confirm(db: Session, actor: Actor) -> object:
        expect_name()
        return confirmation.confirm(db, actor, confirmation_id=chosen, answered_by=by, way=way)

    def decline(db: Session, actor: Actor) -> changes.Effect:
        expect_name()
        return changes.decline(db, actor, confirmation_id=chosen, reason=reason, answered_by=by, way=way)

    with yes:
        session.act_button(
            here.t("view.confirmation.yes"),
            "confirmation.record",
            confirm,
            key=f"record.yes.{key}",
            primary=True,
            said=here.t("view.confirmation.recorded"),
        )
    with no:
        reason = components.choice(
            here,
            here.t("field.reason"),
            CONSULATE_REASONS if is_consulate else OTHER_REASONS,
            "reason.answer",
            key=f"record.reason.{key}",
        )
        components.danger(
            here,
            here.t("view.confirmation.no"),
            here.t("view.confirmation.no_facts_person" if is_consulate else "view.confirmation.no_facts"),
            here.t("view.confirmation.no"),
            "confirmation.record",
            decline,
            key=f"record.no.{key}",
            said=lambda effect: components.effect_text(here, effect),
        )
