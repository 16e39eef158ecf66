"""Arrival as the coordinator writes it down: who is here at a post or place without an account, handover, incidents."""

from __future__ import annotations

import streamlit as st
from sqlmodel import Session

from retorno.movements.movement_report import MovementReport, PlaceOnTheWay
from retorno.office.access import Actor
from retorno.under_way import arrival
from retorno.vocabulary import ArrivalOutcome, IncidentCode, MovementStatus
from ui import components, session
from ui.session import Visit, plain

ON_THE_WAY = (MovementStatus.RELEASED, MovementStatus.DEPARTED, MovementStatus.CLOSED)


def arrivals(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    """Handovers and incidents so far, and what a coordinator writes down for a place that has no account."""
    _so_far(here, found)
    if found.movement.status not in ON_THE_WAY:
        components.empty(here, "view.movement.not_left")
        return
    if not is_coordinator:
        return
    open_places = {each.place_id: each for each in found.places if not each.is_signed}
    if found.riders and open_places and not found.is_without_list:
        place_id = st.selectbox(
            here.t("view.movement.where"),
            list(open_places),
            index=None,
            format_func=lambda each: _place_words(here, open_places[each]),
            placeholder=here.t("view.choose"),
            key=f"arrival.place.{found.movement.movement_id}",
        )
        if place_id is not None:
            _tick(here, found, place_id)
            _hand_over(here, found, place_id)
    _incident(here, found)


def _place_words(here: Visit, place: PlaceOnTheWay) -> str:
    how = here.t("view.movement.ticks_itself" if place.has_account else "view.movement.no_account")
    return f"{session.named(place.place_id)} · {here.moment(place.at, place.place_id)} · {how}"


def _so_far(here: Visit, found: MovementReport) -> None:
    if found.handovers:
        components.table(
            [
                here.t("column.place"),
                here.t("column.people"),
                here.t("view.movement.received_by"),
                here.t("column.when"),
                here.t("column.by"),
            ],
            [
                (
                    session.named(each.place_id),
                    each.person_count,
                    each.received_by,
                    here.moment(each.signed_at, each.place_id),
                    found.name_of(each.signed_by),
                )
                for each in found.handovers
            ],
            caption=here.t("view.movement.handovers"),
            numbers=" n   ",
        )
        for each in found.handovers:
            text = f"{here.t('view.movement.handover_note')}: {session.named(each.place_id)}"
            session.file_link("handover_pdf", f"{each.movement_id}/{each.place_id}", text)
    if found.incidents:
        components.table(
            [here.t("column.what"), here.t("column.place"), here.t("column.when")],
            [
                (
                    here.t(f"incident.{each.code.value}"),
                    session.named(each.place_id) if each.place_id else "–",
                    here.time(each.at, each.place_id),
                )
                for each in found.incidents
            ],
            caption=here.t("view.movement.incidents"),
        )


def _tick(here: Visit, found: MovementReport, place_id: str) -> None:
    """Everybody counts as arrived but whoever is named: on the phone one hears who is missing."""
    movement_id = found.movement.movement_id
    names = {rider.person.person_id: components.full_name(rider.person) for rider in found.riders}
    absent_before = [
        each.person_id
        for each in found.arrivals
        if each.place_id == place_id and each.outcome is ArrivalOutcome.NOT_TRAVELLING and each.person_id in names
    ]
    absent = st.multiselect(
        here.t("view.movement.absent"),
        list(names),
        default=absent_before,
        format_func=lambda each: names[each],
        placeholder=here.t("view.movement.nobody_absent"),
        key=f"absent.{movement_id}.{place_id}",
    )
    here_count = components.people_count(here, len(names) - len(absent))

    def record(db: Session, actor: Actor) -> int:
        return arrival.record(
            db,
            actor,
            movement_id=movement_id,
            place_id=place_id,
            arrived={person_id: person_id not in absent for person_id in names},
        )

    session.act_button(
        here.t("view.movement.tick", people=here_count),
        "arrival.record",
        record,
        key=f"tick.{movement_id}.{place_id}",
        primary=True,
        said=here.t("view.movement.ticked"),
    )
    if absent:
        st.caption(here.t("view.movement.absent_next"))


def _hand_over(here: Visit, found: MovementReport, place_id: str) -> None:
    movement_id = found.movement.movement_id
    ticked = [each for each in found.arrivals if each.place_id == place_id and each.outcome is ArrivalOutcome.ARRIVED]
    if not ticked:
        st.caption(here.t("view.movement.tick_first"))
        return
    received_by = st.text_input(
        here.t("view.movement.received_by"),
        key=f"received.{movement_id}.{place_id}",
        help=here.t("help.answered_by"),
    )
    components.danger(
        here,
        here.t("view.movement.sign_handover"),
        here.t(
            "view.movement.sign_handover_facts",
            people=components.people_count(here, len(ticked)),
            place=session.named(place_id),
            who=received_by or "–",
        ),
        here.t("view.movement.sign_handover"),
        "arrival.handover",
        lambda db, actor: arrival.sign_handover(
            db, actor, movement_id=movement_id, place_id=place_id, received_by=received_by
        ),
        key=f"handover.{movement_id}.{place_id}",
        said=here.t("view.movement.handed_over"),
    )


def _incident(here: Visit, found: MovementReport) -> None:
    movement_id = found.movement.movement_id
    if found.movement.status is MovementStatus.CLOSED:
        return
    with st.expander(here.t("view.movement.incident")):
        code: IncidentCode | None = components.choice(
            here,
            here.t("column.what"),
            tuple(IncidentCode),
            "incident",
            key=f"incident.{movement_id}",
            index=None,
        )
        if code is not None:
            session.act_button(
                here.t("view.movement.incident_do"),
                "arrival.incident",
                lambda db, actor: arrival.record_incident(db, actor, movement_id=movement_id, code=code),
                key=f"incident.do.{movement_id}",
                said=plain(here.t("view.movement.incident_done")),
            )
