"""Who has not answered, who said no and what now; answers of parties without an account are written down here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock
from retorno.confirmations import answers, confirmation
from retorno.confirmations.answers import Asked, Asking, Refusal
from retorno.errors import Fault, InputError
from retorno.models.movements import Confirmation
from retorno.movements import movement_report
from retorno.movements.movement_report import MovementRow
from retorno.office.access import Actor
from retorno.vocabulary import AnswerReason, PartyKind
from ui import components, session
from ui.session import Visit, plain

WAYS = ("phone", "message", "letter")
CONSULATE_REASONS = (AnswerReason.NOT_OUR_NATIONAL, AnswerReason.NEEDS_INTERVIEW)
OTHER_REASONS = (AnswerReason.NO_CAPACITY, AnswerReason.CLOSED_THAT_DAY, AnswerReason.LIST_TOO_LATE)
NAMES_SHOWN = 12
"""Names of one consulate's people in a cell; the others are counted."""


def show() -> None:
    """Noes first, then the movements that wait for an answer, the most urgent one first."""
    here = session.visit()
    components.title(here, "view.confirmation.title")
    asking = session.persons("confirmation.read", answers.asking, _persons_asked)
    refusals = session.persons("confirmation.read", answers.refusals, _persons_refused)
    if not asking and not refusals:
        components.empty(here, "view.confirmation.empty")
        return
    _for_all(here, asking)
    if refusals:
        _refusals(here, refusals)
    questions = [each.question for one in asking for each in one.answered]
    names = session.look(
        lambda db, actor: movement_report.user_names(db, actor, [each.answered_by for each in questions])
    )
    for one in components.paged(asking, here, "confirmation"):
        _movement(here, one, names)


def _persons_asked(asking: Sequence[Asking]) -> list[str]:
    asked = [each.question.person_id for one in asking for each in (*one.waiting, *one.answered)]
    return [person_id for person_id in asked if person_id]


def _persons_refused(refusals: Sequence[Refusal]) -> list[str]:
    return [each.question.person_id for each in refusals if each.question.person_id]


def _for_all(here: Visit, asking: Sequence[Asking]) -> None:
    """Ask about every movement that nobody was asked about; remind everyone who is late or soon will be."""
    unasked = [one for one in asking if one.unasked_count]
    late = [each.question for one in asking for each in one.waiting if each.may_remind]
    if not unasked and not late:
        return
    with st.container(horizontal=True):
        if unasked:
            session.act_button(
                here.t("view.confirmation.ask_all", n=len(unasked)),
                "confirmation.request",
                confirmation.request_all,
                key="ask.all",
                primary=True,
                said=lambda made: here.t("view.confirmation.asked", n=made),
            )
        if late:
            _remind(here, late, here.t("view.confirmation.remind_all", n=_parties(late)), "remind.all")


def _parties(questions: Sequence[Confirmation]) -> int:
    return len({(each.movement_id, each.party_kind, each.party_id) for each in questions})


def _remind(here: Visit, questions: Sequence[Confirmation], text: str, key: str) -> None:
    ids = [each.confirmation_id for each in questions]
    session.act_button(
        text,
        "confirmation.request",
        lambda db, actor: confirmation.remind(db, actor, confirmation_ids=ids),
        key=key,
        said=lambda number: here.t("view.confirmation.reminded" if number else "view.confirmation.reminded_before"),
    )


# ---- who said no ----------------------------------------------------------------------------------------------------


def _refusals(here: Visit, refusals: Sequence[Refusal]) -> None:
    """Every no of the last days with the smallest next act."""
    components.table(
        [
            here.t("column.movement"),
            here.t("column.party"),
            here.t("column.person"),
            here.t("column.reason"),
            here.t("column.when"),
            here.t("view.confirmation.what_now"),
        ],
        [
            (
                each.movement.reference,
                party_name(here, each.question),
                each.person_name or "–",
                here.t(f"reason.answer.{each.question.reason.value}") if each.question.reason else "–",
                here.time(each.question.answered_at) if each.question.answered_at else "–",
                here.t(f"now.answer.{each.question.reason.value}") if each.question.reason else "",
            )
            for each in refusals
        ],
        caption=here.t("view.confirmation.refused"),
    )
    reasons = {each.question.reason for each in refusals}
    with st.container(horizontal=True):
        session.link_to("plan", here.t("view.confirmation.to_plan"))
        if AnswerReason.CLOSED_THAT_DAY in reasons:
            session.link_to("closures", here.t("view.confirmation.to_closures"))
    people = {each.case_id: each.person_name for each in refusals if each.case_id}
    if people:
        case_id = st.selectbox(
            here.t("view.confirmation.open_case"),
            list(people),
            index=None,
            format_func=lambda each: people[each],
            placeholder=here.t("view.choose"),
            key="refused.case",
        )
        if case_id is not None:
            session.go_to("intake", case=case_id)


# ---- one movement ---------------------------------------------------------------------------------------------------


def _movement(here: Visit, one: Asking, names: Mapping[str, str]) -> None:
    movement = one.movement
    with st.container(border=True):
        st.markdown(f"**{plain(movement_line(here, one))}**")
        if not one.is_asked:
            st.markdown(plain(here.t("view.confirmation.nobody_asked")))
        elif not one.waiting:
            st.markdown(plain(here.t("view.confirmation.all_answered")))
        else:
            _waiting(here, one)
        _acts(here, one)
        if one.waiting:
            with st.expander(here.t("view.confirmation.record")):
                record(here, one.waiting, movement.movement_id)
        if one.answered:
            with st.expander(here.t("view.confirmation.answered", n=len(one.answered))):
                _answered(here, one.answered, names)


def _waiting(here: Visit, one: Asking) -> None:
    """Missing answers by party, overdue first; a consulate's people by name."""
    parties = _by_party(one.waiting)
    components.table(
        [
            here.t("column.party"),
            here.t("column.person"),
            here.t("column.due"),
            here.t("column.hours_left"),
            here.t("view.confirmation.reach"),
        ],
        [
            (
                party_name(here, asked[0].question),
                _people(here, asked),
                here.time(asked[0].question.due_at),
                hours_left(here, asked[0].question),
                _reach(here, asked),
            )
            for asked in parties
        ],
        caption=here.t("view.confirmation.waiting"),
    )
    if any(asked[0].question.due_at <= clock.now() for asked in parties):
        st.warning(plain(here.t("view.confirmation.late_now")))


def _by_party(asked: Sequence[Asked]) -> list[list[Asked]]:
    found: dict[tuple[PartyKind, str], list[Asked]] = {}
    for each in asked:
        found.setdefault((each.question.party_kind, each.question.party_id), []).append(each)
    return list(found.values())


def _people(here: Visit, asked: Sequence[Asked]) -> str:
    names = [each.person_name for each in asked if each.person_name]
    more = len(names) - NAMES_SHOWN
    lines = names[:NAMES_SHOWN] + ([here.t("view.confirmation.more", n=more)] if more > 0 else [])
    return "\n".join(lines) or "–"


def _reach(here: Visit, asked: Sequence[Asked]) -> str:
    """How a party is reached: a notice on its page and when it was last reminded, or by telephone."""
    if not asked[0].has_account:
        return here.t("view.confirmation.no_account")
    reminded = max((each.question.reminded_at for each in asked if each.question.reminded_at), default=None)
    if reminded is None:
        return here.t("view.confirmation.has_account")
    return here.t("view.confirmation.reminded_at", time=here.time(reminded))


def _acts(here: Visit, one: Asking) -> None:
    movement = one.movement
    with st.container(horizontal=True):
        if one.unasked_count:
            session.act_button(
                here.t("view.confirmation.ask_rest" if one.is_asked else "view.confirmation.ask"),
                "confirmation.request",
                lambda db, actor: confirmation.request_confirmations(db, actor, movement_id=movement.movement_id),
                key=f"ask.{movement.movement_id}",
                primary=not one.is_asked,
                said=lambda made: here.t("view.confirmation.asked", n=len(made)),
            )
        late = [each.question for each in one.waiting if each.may_remind]
        if late:
            text = here.t("view.confirmation.remind", n=_parties(late))
            _remind(here, late, text, f"remind.{movement.movement_id}")
        if st.button(here.t("view.open_movement"), key=f"open.{movement.movement_id}"):
            session.go_to("manifest", movement=movement.movement_id)


def _answered(here: Visit, asked: Sequence[Asked], names: Mapping[str, str]) -> None:
    components.table(
        [
            here.t("column.party"),
            here.t("column.person"),
            here.t("column.answer"),
            here.t("column.when"),
            here.t("column.by"),
            here.t("column.way"),
        ],
        [
            (
                party_name(here, each.question),
                each.person_name or "–",
                answer_text(here, each.question),
                here.time(each.question.answered_at) if each.question.answered_at else "–",
                names.get(each.question.answered_by, each.question.answered_by),
                here.t(f"way.{each.question.way}") if each.question.way else "",
            )
            for each in asked
        ],
    )


# ---- words that other pages share -----------------------------------------------------------------------------------


def party_name(here: Visit, each: Confirmation) -> str:
    """Kind and name of a party."""
    return named_party(here, each.party_kind, each.party_id)


def named_party(here: Visit, kind: PartyKind, party_id: str, names: Mapping[str, str] | None = None) -> str:
    """Kind and name of a party: a country, post or place by its name, an escort by theirs."""
    name = (names or {}).get(party_id) or session.named(party_id, here.language)
    return f"{here.t(f'party.{kind.value}')}: {name}"


def hours_left(here: Visit, each: Confirmation) -> str:
    """Hours until the answer is due, or that it is late."""
    left = each.due_at - clock.now()
    return here.t("view.late") if left <= timedelta(0) else here.t("view.hours", n=int(left.total_seconds() // 3600))


def answer_text(here: Visit, each: Confirmation) -> str:
    """The answer with its coded reason."""
    text = here.t(f"answer.{each.answer.value}")
    return f"{text}: {here.t(f'reason.answer.{each.reason.value}')}" if each.reason else text


def movement_line(here: Visit, one: Asking | MovementRow) -> str:
    """A movement in one line: reference, way, departure, people, state."""
    movement = one.movement
    return here.t(
        "view.movement_line",
        ref=movement.reference,
        vehicle=f"{here.t(f'mode.{movement.mode.value}')} {movement.label}",
        start=session.named(one.from_place_id),
        end=session.named(one.to_place_id),
        time=here.time(movement.depart_at, one.from_place_id),
        people=components.people_count(here, one.person_count),
        status=here.t(f"status.movement.{movement.status.value}"),
    )


# ---- writing an answer down -----------------------------------------------------------------------------------------


def record(here: Visit, waiting: Sequence[Asked], key: str) -> None:
    """Write down the answer that a party gave in another way: who, when, by which way; a consulate's for several."""
    parties = {(asked[0].question.party_kind, asked[0].question.party_id): asked for asked in _by_party(waiting)}
    st.markdown(plain(here.t("view.confirmation.record_about")))
    first, second, third = st.columns(3)
    chosen = first.selectbox(
        here.t("field.party"),
        list(parties),
        index=None,
        format_func=lambda each: named_party(here, *each),
        placeholder=here.t("view.choose"),
        key=f"record.{key}",
    )
    by = second.text_input(here.t("field.answered_by"), key=f"record.by.{key}", help=here.t("help.answered_by"))
    with third:
        way = components.choice(here, here.t("field.way"), WAYS, "way", key=f"record.way.{key}")
    if chosen is None:
        return
    asked = list(parties[chosen])
    is_consulate = chosen[0] is PartyKind.CONSULATE
    if is_consulate:
        by_id = {each.question.confirmation_id: each for each in asked}
        picked = st.multiselect(
            here.t("view.confirmation.whom"),
            list(by_id),
            default=list(by_id),
            format_func=lambda each: by_id[each].person_name,
            placeholder=here.t("view.choose"),
            key=f"record.whom.{key}.{chosen[1]}",
        )
        asked = [by_id[each] for each in picked]
    _yes_or_no(here, asked, key, by=by, way=way, is_consulate=is_consulate)


def _yes_or_no(here: Visit, asked: Sequence[Asked], key: str, *, by: str, way: str, is_consulate: bool) -> None:
    """The two answers; a no has its facts, its reason and its own button."""
    ids = [each.question.confirmation_id for each in asked]

    def expect() -> None:
        faults = []
        if not by.strip():
            faults.append(Fault(column="answered_by", code="EMPTY", what="empty, expected who answered"))
        if not ids:
            faults.append(Fault(column="party", code="EMPTY", what="empty, expected whom the answer is about"))
        if faults:
            raise InputError(faults)

    def confirm(db: Session, actor: Actor) -> None:
        expect()
        for each in ids:
            confirmation.confirm(db, actor, confirmation_id=each, answered_by=by, way=way)

    yes, no = st.columns(2)
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
        reason: AnswerReason | None = components.choice(
            here,
            here.t("field.reason"),
            CONSULATE_REASONS if is_consulate else OTHER_REASONS,
            "reason.answer",
            key=f"record.reason.{key}",
            index=None,
        )

        def decline(db: Session, actor: Actor) -> list[changes.Effect]:
            expect()
            return [
                changes.decline(db, actor, confirmation_id=each, reason=reason, answered_by=by, way=way)
                for each in ids
                if reason is not None
            ]

        if reason is None:
            st.caption(here.t("view.confirmation.no_needs_reason"))
            return
        components.danger(
            here,
            here.t("view.confirmation.no"),
            here.t("view.confirmation.no_facts_person" if is_consulate else "view.confirmation.no_facts"),
            here.t("view.confirmation.no"),
            "confirmation.record",
            decline,
            key=f"record.no.{key}",
            said=lambda effects: " ".join(dict.fromkeys(components.effect_text(here, each) for each in effects)),
        )
