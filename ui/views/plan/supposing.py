"""What if: a copy of the draft on changed facts, searched again from where the draft stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import streamlit as st
from sqlmodel import Session

from retorno.errors import InputError
from retorno.models.movements import Plan
from retorno.office.access import Actor
from retorno.plans import plan_report, what_if
from retorno.plans.assumptions import WhatIf
from retorno.plans.plan_report import Assumable
from retorno.situation import ground
from retorno.vocabulary import Assumed, Language
from ui import components, session
from ui.session import Visit
from ui.views.plan.words import open_part, place_text

KINDS = (
    Assumed.CLOSE_CROSSING,
    Assumed.CANCEL_OFFER,
    Assumed.LOSE_VEHICLE,
    Assumed.ADD_BUS,
    Assumed.ADD_SEATS,
    Assumed.MORE_DAYS,
)
BUS_SEATS = 45


def show(here: Visit, plan_id: str) -> None:
    """Choose one thing that would be otherwise; the draft itself stays as it is."""

    def read(db: Session, actor: Actor) -> tuple[Plan, Assumable]:
        opened = plan_report.open_plan(db, actor, plan_id=plan_id)
        return opened.plan, plan_report.assumable(db, opened)

    plan, found = session.look(read)
    st.markdown(here.t("view.plan.what_if_help"))
    kind = components.choice(
        here, here.t("view.plan.what_if_kind"), list(KINDS), "view.plan.assume", key=f"plan.what_if.{plan_id}"
    )
    last = plan.first_date + timedelta(days=plan.horizon_days - 1)
    made = _fields(here, kind, found, plan.first_date, last, f"plan.what_if.{plan_id}.{kind.value}")
    seconds = st.number_input(here.t("field.seconds"), 1, 300, 10, key=f"plan.what_if.{plan_id}.seconds")

    def ask(db: Session, actor: Actor) -> Plan:
        return what_if.what_if(db, actor, plan_id=plan_id, changes=[made()], seconds=int(seconds))

    session.act_button(
        here.t("view.plan.what_if_do"),
        "planning.edit",
        ask,
        key=f"plan.what_if.{plan_id}.do",
        primary=True,
        said=here.t("view.plan.what_if_started"),
        after=lambda copy: open_part(here, copy.plan_id, "compare"),
    )


def _fields(here: Visit, kind: Assumed, found: Assumable, first: date, last: date, key: str) -> Callable[[], WhatIf]:
    """The fields of one kind; gives what reads them when the button is pressed."""

    def picked(options: list[str], words: Callable[[str], str], label: str) -> str:
        chosen = st.selectbox(
            here.t(label), options, index=None, format_func=words, placeholder=here.t("view.choose"), key=f"{key}.what"
        )
        return str(chosen or "")

    match kind:
        case Assumed.CLOSE_CROSSING:
            crossing = picked(
                list(found.crossing_ids), lambda each: session.named(each, here.language), "column.crossing"
            )
            left, right = st.columns(2)
            with left:
                start = components.day_field(here, "first_date", key=f"{key}.first", value=components.day_text(first))
            with right:
                end = components.day_field(here, "last_date", key=f"{key}.last", value=components.day_text(last))
            return lambda: WhatIf(
                kind=kind,
                ids=_chosen(here, crossing),
                first_day=components.parse_day(start, field="first_date"),
                last_day=components.parse_day(end, field="last_date"),
            )
        case Assumed.CANCEL_OFFER | Assumed.ADD_SEATS:
            offer = picked(list(found.offers), lambda each: found.offers[each], "view.plan.offer")
            more = _number(here, "view.plan.more_seats", f"{key}.n", 10) if kind is Assumed.ADD_SEATS else 1
            return lambda: WhatIf(kind=kind, ids=_chosen(here, offer), amount=more)
        case Assumed.LOSE_VEHICLE:
            vehicle = picked(list(found.vehicles), lambda each: found.vehicles[each], "column.vehicle")
            return lambda: WhatIf(kind=kind, ids=_chosen(here, vehicle))
        case Assumed.ADD_BUS:
            place = picked(list(found.start_ids), lambda each: place_text(here, each), "view.plan.starts_at")
            type_id = st.selectbox(
                here.t("view.plan.vehicle_kind"),
                list(ground().vehicle_types),
                format_func=lambda each: _type_name(here, each),
                key=f"{key}.type",
            )
            seats = _number(here, "view.plan.seats_built", f"{key}.n", BUS_SEATS)
            return lambda: WhatIf(kind=kind, ids=(*_chosen(here, place), type_id), amount=seats)
        case _:
            days = _number(here, "view.plan.more_days", f"{key}.n", 7)
            return lambda: WhatIf(kind=Assumed.MORE_DAYS, amount=days)


def _chosen(here: Visit, value: str) -> tuple[str, ...]:
    if not value:
        raise InputError(here.t("view.plan.what_if_choose"))
    return (value,)


def _number(here: Visit, label: str, key: str, value: int) -> int:
    return int(st.number_input(here.t(label), 1, 80, value, key=key))


def _type_name(here: Visit, type_id: str) -> str:
    known = ground().vehicle_types[type_id]
    return {Language.ES: known.name_es, Language.EN: known.name_en, Language.FR: known.name_fr}[here.language]
