"""The movements of the office and what each of them waits for; one of them opens as its own page."""

from __future__ import annotations

import streamlit as st

from retorno.movements import movement_report
from retorno.movements.movement_report import MovementRow
from retorno.vocabulary import MovementStatus
from ui import components, session
from ui.session import Visit, plain
from ui.views import movement
from ui.views.confirmation import movement_line


def show() -> None:
    """The list of movements, or the page of one."""
    here = session.visit()
    movement_id = session.parameter("movement")
    if movement_id:
        movement.page(here, movement_id)
        return
    components.title(here, "view.manifest.title")
    is_over = st.toggle(here.t("view.manifest.over"), key="manifest.over")
    rows = session.look(lambda db, actor: movement_report.rows(db, actor, is_open=not is_over))
    if not rows:
        components.empty(here, "view.manifest.empty_over" if is_over else "view.manifest.empty")
        return
    if not is_over:
        _to_sign(here)
    shown = components.paged(rows, here, "manifest")
    components.table(
        [
            here.t("column.movement"),
            here.t("column.vehicle"),
            here.t("column.from"),
            here.t("column.to"),
            here.t("column.departs"),
            here.t("column.people"),
            here.t("column.version"),
            here.t("column.state"),
            here.t("column.waits_for"),
        ],
        [_line(here, row) for row in shown],
        numbers="     nn  ",
    )
    by_id = {row.movement.movement_id: row for row in shown}
    chosen = st.selectbox(
        here.t("view.manifest.open"),
        list(by_id),
        index=None,
        format_func=lambda each: movement_line(here, by_id[each]),
        placeholder=here.t("view.choose"),
        key="manifest.open",
    )
    if chosen is not None:
        session.set_parameter("movement", chosen)
        st.rerun()


def _to_sign(here: Visit) -> None:
    for row in session.look(movement_report.to_sign):
        with st.container(border=True):
            text, door = st.columns([6, 2], vertical_alignment="center")
            text.markdown(f"**{plain(here.t('view.manifest.waits_for_you'))}** {plain(movement_line(here, row))}")
            if door.button(here.t("view.open"), key=f"sign.{row.movement.movement_id}"):
                session.set_parameter("movement", row.movement.movement_id)
                st.rerun()


def _line(here: Visit, row: MovementRow) -> tuple[object, ...]:
    one = row.movement
    return (
        one.reference,
        f"{here.t(f'mode.{one.mode.value}')} {one.label}",
        session.named(row.from_place_id),
        session.named(row.to_place_id),
        here.moment(one.depart_at, row.from_place_id),
        row.person_count,
        one.manifest_version or "–",
        here.t(f"status.movement.{one.status.value}"),
        waits_for(here, row),
    )


def waits_for(here: Visit, row: MovementRow) -> str:
    """The next step of a movement, in words."""
    match row.movement.status:
        case MovementStatus.ACCEPTED:
            key = "waits.answers" if row.open_answers else "waits.ask"
        case MovementStatus.CONFIRMED:
            key = "waits.signature" if row.is_proposed else "waits.propose"
        case MovementStatus.ISSUED:
            key = "waits.acknowledgements" if row.missing_acknowledgements else "waits.release"
        case MovementStatus.RELEASED:
            key = "waits.departure"
        case MovementStatus.DEPARTED:
            if row.is_without_list:
                return here.t("waits.list_again")
            key = "waits.arrival"
        case _:
            return "–"
    return here.t(key, n=row.open_answers or row.missing_acknowledgements)
