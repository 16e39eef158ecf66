"""Offers: seats bought on departures, and charters."""

from __future__ import annotations

import streamlit as st
from sqlmodel import Session

from retorno import intake, plan_report, planning
from retorno.errors import Fault, InputError
from retorno.models.movements import OfferCreate
from retorno.office.access import Actor
from retorno.situation import ground
from retorno.vocabulary import Mode
from ui import components, session
from ui.components import Form
from ui.session import Visit
from ui.views.plan import money

FORM = "offer"


def show() -> None:
    """What the office has, and a form for more."""
    here = session.visit()
    components.title(here, "view.offers.title")
    found = session.look(plan_report.offers)
    if found:
        components.table(
            [
                here.t("column.vehicle"),
                here.t("column.from"),
                here.t("column.to"),
                here.t("column.departs"),
                here.t("column.arrives"),
                here.t("column.seats"),
                here.t("column.price"),
            ],
            [
                (
                    f"{here.t(f'mode.{offer.mode.value}')} {offer.carrier} {offer.number}",
                    session.named(offer.origin_place_id),
                    session.named(offer.destination_place_id),
                    here.moment(offer.depart_at, offer.origin_place_id),
                    here.moment(offer.arrive_at, offer.destination_place_id),
                    offer.seats,
                    money(offer.fixed_cents or offer.fare_cents),
                )
                for offer in components.paged(found, here, "offers")
            ],
            numbers="     nn",
        )
    else:
        components.empty(here, "view.offers.empty")
    _fleet(here)
    _add(here, is_open=not found)


def _fleet(here: Visit) -> None:
    vehicles, drivers, escorts = session.look(plan_report.fleet)
    with st.expander(here.t("view.offers.fleet")):
        components.table(
            [here.t("column.vehicle"), here.t("column.operator"), here.t("column.place"), here.t("column.seats")],
            [(each.plate, each.operator, session.named(each.depot_place_id), each.seats) for each in vehicles]
            or [(here.t("view.offers.no_vehicle"), "", "", "")],
            numbers="   n",
        )
        components.table(
            [here.t("column.driver"), here.t("column.operator"), here.t("column.until")],
            [(each.name, each.operator, components.day_text(each.licence_until)) for each in drivers]
            or [(here.t("view.offers.no_driver"), "", "")],
        )
        components.table(
            [here.t("column.escort"), here.t("column.place"), here.t("column.until")],
            [
                (each.name, session.named(each.base_place_id), components.day_text(each.approved_until))
                for each in escorts
            ]
            or [(here.t("view.offers.no_escort"), "", "")],
        )


def _add(here: Visit, *, is_open: bool) -> None:
    facts = ground()
    ends = sorted([*facts.airports, *facts.places], key=session.named)
    with st.expander(here.t("view.offers.add"), expanded=is_open):
        form = Form(here, FORM)
        first, second, third = st.columns(3)
        with first:
            mode = form.choose("mode", [Mode.FLIGHT, Mode.CHARTER, Mode.COACH], lambda code: here.t(f"mode.{code}"))
            carrier = form.text("carrier")
            number = form.text("flight_number")
            seats = form.number("seats", 1, 500)
            wheelchairs = form.number("wheelchairs", 0, 20)
        with second:
            origin = form.choose("origin_place_id", ends, session.named)
            day = form.day("depart_day")
            at = form.text("depart_time", placeholder="08:30", help_key="help.place_time")
            fare = form.number("fare_usd", 0, 100_000)
            returns = form.number("escort_returns", 0, 50)
        with third:
            destination = form.choose("destination_place_id", ends, session.named)
            end_day = form.day("arrive_day")
            end_at = form.text("arrive_time", placeholder="10:15", help_key="help.place_time")
            fixed = form.number("fixed_usd", 0, 2_000_000)
            least = form.number("min_load", 0, 500)

        def save(db: Session, actor: Actor) -> object:
            if origin is None or destination is None:
                raise InputError([Fault(column="origin_place_id", code="EMPTY", what="empty, expected a place")])
            zones = {each: (facts.places.get(each) or facts.airports[each]).timezone for each in (origin, destination)}
            times = components.read_all(
                {
                    "depart_at": lambda: components.parse_instant(day, at, zones[origin], field="depart_day"),
                    "arrive_at": lambda: components.parse_instant(
                        end_day, end_at, zones[destination], field="arrive_day"
                    ),
                }
            )
            offer = intake.read_form(
                OfferCreate,
                {
                    "mode": mode,
                    "carrier": carrier,
                    "number": number,
                    "origin_place_id": origin,
                    "destination_place_id": destination,
                    "seats": seats,
                    "wheelchairs": wheelchairs or 0,
                    "min_load": least or 0,
                    "fare_cents": 100 * (fare or 0),
                    "fixed_cents": 100 * (fixed or 0),
                    "escort_returns": returns or 0,
                }
                | times,
            )
            return planning.add_offer(db, actor, offer=offer)

        session.act_button(
            here.t("view.offers.save"),
            "planning.offer",
            save,
            key="offer-save",
            primary=True,
            said=here.t("view.offers.saved"),
            after=lambda _: session.drop_draft(FORM),
        )
