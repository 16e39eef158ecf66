"""Drivers and escorts: who is on record, until when their papers count, and a form for one more."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from sqlmodel import Session

from retorno.models.movements import Driver, Escort
from retorno.office.access import Actor
from retorno.situation import ground
from retorno.supply import crew
from retorno.supply.crew import Duty
from retorno.vocabulary import Sex
from ui import components, lists, session
from ui.session import Visit


def show(here: Visit) -> None:
    """Drivers, or escorts; each list with its forms."""
    drivers, escorts = session.look(crew.drivers), session.look(crew.escorts)
    counts = {"drivers": len(drivers), "escorts": len(escorts)}
    if lists.shelf(here, "who", counts, "view.crew.tab") == "drivers":
        _drivers(here, drivers)
    else:
        _escorts(here, escorts)


# ---- drivers ------------------------------------------------------------------------------------------------------


def _drivers(here: Visit, rows: Sequence[Driver]) -> None:
    if not rows:
        components.empty(here, "view.crew.no_driver")
    else:
        shown = lists.search(here, rows, lambda row: f"{row.name} {row.operator}", key="drivers")
        components.table(
            [here.t(f"column.{name}") for name in ("driver", "operator", "phone", "licence")],
            [
                (row.name, row.operator, row.phone or "–", components.day_text(row.licence_until))
                for row in components.paged(shown, here, "drivers")
            ],
        )
        _renew(here, rows)
    _add_driver(here, is_open=not rows)


def _renew(here: Visit, rows: Sequence[Driver]) -> None:
    by_id = {row.driver_id: row for row in rows}
    with st.expander(here.t("view.crew.renew")):
        st.caption(here.t("view.crew.renew_what"))
        first, second, _ = st.columns([3, 2, 2])
        chosen = first.selectbox(
            here.t("column.driver"),
            list(by_id),
            index=None,
            format_func=lambda each: f"{by_id[each].name} · {by_id[each].operator}",
            placeholder=here.t("view.choose"),
            key="driver.renew",
        )
        if chosen is None:
            return
        with second:
            until = components.day_field(
                here,
                "licence_until",
                key=f"driver.renew.until.{chosen}",
                value=components.day_text(by_id[chosen].licence_until),
            )
        session.act_button(
            here.t("view.crew.renew_do"),
            "planning.offer",
            lambda db, actor: crew.renew_driver(
                db, actor, driver_id=chosen, licence_until=components.parse_day(until, field="licence_until")
            ),
            key=f"driver.renew.do.{chosen}",
            said=here.t("view.crew.saved"),
        )


def _add_driver(here: Visit, *, is_open: bool) -> None:
    with st.expander(here.t("view.crew.add_driver"), expanded=is_open):
        first, second = st.columns(2)
        name = first.text_input(here.t("field.full_name"), key="driver.new.name")
        operator = first.text_input(here.t("field.operator"), key="driver.new.operator")
        with second:
            until = components.day_field(here, "licence_until", key="driver.new.until")
            phone = st.text_input(here.t("field.phone"), key="driver.new.phone")

        def save(db: Session, actor: Actor) -> Driver:
            day = components.parse_day(until, field="licence_until")
            return crew.add_driver(db, actor, name=name, operator=operator, licence_until=day, phone=phone)

        session.act_button(
            here.t("view.crew.save_driver"),
            "planning.offer",
            save,
            key="driver.save",
            primary=True,
            said=here.t("view.crew.driver_saved"),
            after=lambda _: session.clear_fields("driver.new."),
        )


# ---- escorts ------------------------------------------------------------------------------------------------------


def _escorts(here: Visit, rows: Sequence[Escort]) -> None:
    if not rows:
        components.empty(here, "view.crew.no_escort")
    else:
        components.table(
            [here.t(f"column.{name}") for name in ("escort", "sex", "duty", "place", "phone", "until", "available")],
            [
                (
                    row.name,
                    here.t(f"sex.{row.sex.value}"),
                    here.t(f"duty.{row.duty}"),
                    session.named(row.base_place_id),
                    row.phone or "–",
                    components.day_text(row.approved_until),
                    here.t("view.yes" if row.is_available else "view.no"),
                )
                for row in components.paged(rows, here, "escorts")
            ],
        )
        _change(here, rows)
    _add_escort(here, is_open=not rows)


def _change(here: Visit, rows: Sequence[Escort]) -> None:
    by_id = {row.escort_id: row for row in rows}
    with st.expander(here.t("view.crew.change")):
        st.caption(here.t("view.crew.change_what"))
        first, second, third = st.columns([3, 2, 2], vertical_alignment="bottom")
        chosen = first.selectbox(
            here.t("column.escort"),
            list(by_id),
            index=None,
            format_func=lambda each: f"{by_id[each].name} · {session.named(by_id[each].base_place_id)}",
            placeholder=here.t("view.choose"),
            key="escort.change",
        )
        if chosen is None:
            return
        row = by_id[chosen]
        with second:
            until = components.day_field(
                here,
                "approved_until",
                key=f"escort.change.until.{chosen}",
                value=components.day_text(row.approved_until),
            )
        is_available = third.checkbox(
            here.t("field.is_available"), row.is_available, key=f"escort.change.available.{chosen}"
        )

        def change(db: Session, actor: Actor) -> Escort:
            day = components.parse_day(until, field="approved_until")
            return crew.change_escort(
                db,
                actor,
                escort_id=chosen,
                version=row.version,
                is_available=is_available,
                approved_until=day,
            )

        session.act_button(
            here.t("view.crew.change_do"),
            "planning.offer",
            change,
            key=f"escort.change.do.{chosen}",
            said=here.t("view.crew.saved"),
        )


def _add_escort(here: Visit, *, is_open: bool) -> None:
    with st.expander(here.t("view.crew.add_escort"), expanded=is_open):
        st.caption(here.t("view.crew.escort_what"))
        first, second, third = st.columns(3)
        name = first.text_input(here.t("field.full_name"), key="escort.new.name")
        with first:
            sex = components.choice(here, here.t("field.sex"), list(Sex), "sex", key="escort.new.sex", index=None)
        with second:
            duty = components.choice(here, here.t("field.duty"), list(Duty), "duty", key="escort.new.duty", index=None)
            place = st.selectbox(
                here.t("field.base_place_id"),
                sorted(ground().places, key=session.named),
                index=None,
                format_func=session.named,
                placeholder=here.t("view.choose"),
                key="escort.new.place",
            )
        with third:
            until = components.day_field(here, "approved_until", key="escort.new.until")
            phone = st.text_input(here.t("field.phone"), key="escort.new.phone")

        def save(db: Session, actor: Actor) -> Escort:
            day = components.parse_day(until, field="approved_until")
            return crew.add_escort(
                db,
                actor,
                name=name,
                sex=sex,
                duty=duty,
                base_place_id=place or "",
                approved_until=day,
                phone=phone,
            )

        session.act_button(
            here.t("view.crew.save_escort"),
            "planning.offer",
            save,
            key="escort.save",
            primary=True,
            said=here.t("view.crew.escort_saved"),
            after=lambda _: session.clear_fields("escort.new."),
        )
