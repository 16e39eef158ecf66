"""Offers: seats bought on departures, and charters."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from sqlmodel import Session

from retorno import clock, intake
from retorno.errors import Fault, InputError
from retorno.models.movements import OfferCreate, Vehicle
from retorno.office.access import Actor
from retorno.plans import planning
from retorno.situation import ground
from retorno.supply import offer_acts
from retorno.supply.offer_acts import OfferRow
from retorno.vocabulary import Language, Mode
from ui import components, lists, session
from ui.forms import Form
from ui.session import Visit, plain
from ui.views import crew
from ui.views.plan import money

FORM = "offer"
OFFER_MODES = (Mode.FLIGHT, Mode.CHARTER, Mode.COACH)


def show() -> None:
    """Offers by kind and day, own vehicles, drivers and escorts; each with a form for more."""
    here = session.visit()
    components.title(here, "view.offers.title")
    found = session.look(offer_acts.offers)
    vehicles = session.look(offer_acts.vehicles)
    kinds = {mode: [row for row in found if row.offer.mode is mode] for mode in OFFER_MODES}
    counts = {mode.value: len(rows) for mode, rows in kinds.items()} | {"vehicles": len(vehicles), "crew": -1}
    match lists.shelf(here, "show", counts, "view.offers.tab"):
        case "vehicles":
            _vehicles(here, vehicles)
        case "crew":
            crew.show(here)
        case kind:
            _offers(here, kinds[Mode(kind)])
            _add(here, is_open=not found)


def _offers(here: Visit, rows: Sequence[OfferRow]) -> None:
    """Offers of one kind by day, and how to take one back."""
    if not rows:
        components.empty(here, "view.offers.empty")
        return
    days = sorted({clock.local(row.offer.depart_at, here.zone_name).date() for row in rows})
    first, _ = st.columns([2, 4])
    day = first.selectbox(
        here.t("field.depart_day"),
        [None, *days],
        format_func=lambda each: here.day(each) if each else here.t("view.all"),
        key="offers.day",
    )
    shown = [row for row in rows if day is None or clock.local(row.offer.depart_at, here.zone_name).date() == day]
    components.table(
        [
            here.t(f"column.{name}")
            for name in ("vehicle", "from", "to", "departs", "arrives", "free_seats", "price", "movement")
        ],
        [
            (
                f"{offer.carrier} {offer.number}",
                session.named(offer.origin_place_id),
                session.named(offer.destination_place_id),
                here.moment(offer.depart_at, offer.origin_place_id),
                here.moment(offer.arrive_at, offer.destination_place_id),
                f"{offer.seats - row.taken} / {offer.seats}",
                money(offer.fixed_cents or offer.fare_cents),
                row.movement_reference or here.t("view.offers.unused"),
            )
            for row in components.paged(shown, here, "offers")
            for offer in (row.offer,)
        ],
        numbers="     nn ",
    )
    _take_back(here, shown)


def _take_back(here: Visit, rows: Sequence[OfferRow]) -> None:
    by_id = {row.offer.offer_id: row for row in rows}
    with st.expander(here.t("view.offers.cancel")):
        chosen = st.selectbox(
            here.t("view.offers.which"),
            list(by_id),
            index=None,
            format_func=lambda each: _offer_name(here, by_id[each]),
            placeholder=here.t("view.choose"),
            key="offer.cancel",
        )
        if chosen is None:
            return
        row = by_id[chosen]
        if row.movement_reference:
            st.info(plain(here.t("view.offers.is_used", movement=row.movement_reference, n=row.taken)))
            session.link_to("manifest", here.t("view.manifest"))
            return
        components.danger(
            here,
            here.t("view.offers.cancel_do"),
            here.t("view.offers.cancel_facts", offer=_offer_name(here, row), n=row.offer.seats),
            here.t("view.offers.cancel_do"),
            "planning.offer",
            lambda db, actor: offer_acts.cancel_offer(db, actor, offer_id=chosen),
            key=f"offer.cancel.{chosen}",
            said=here.t("view.offers.cancelled"),
        )


def _offer_name(here: Visit, row: OfferRow) -> str:
    offer = row.offer
    way = f"{session.named(offer.origin_place_id)} → {session.named(offer.destination_place_id)}"
    return f"{offer.carrier} {offer.number}, {way}, {here.moment(offer.depart_at, offer.origin_place_id)}"


def _vehicle_type(here: Visit, code: str) -> str:
    kind = ground().vehicle_types.get(code)
    names = {Language.ES: kind.name_es, Language.EN: kind.name_en, Language.FR: kind.name_fr} if kind else {}
    return names.get(here.language, code)


def _vehicles(here: Visit, vehicles: Sequence[Vehicle]) -> None:
    if not vehicles:
        components.empty(here, "view.offers.no_vehicles")
    else:
        shown = lists.search(here, vehicles, lambda row: f"{row.plate} {row.operator}", key="vehicles")
        names = ("plate", "kind", "operator", "place", "seats", "papers", "available")
        components.table(
            [here.t(f"column.{name}") for name in names],
            [
                (
                    row.plate,
                    _vehicle_type(here, row.vehicle_type),
                    row.operator,
                    session.named(row.depot_place_id),
                    row.seats,
                    components.day_text(min(row.licence_until, row.insurance_until, row.inspection_until)),
                    here.t("view.offers.until", day=components.day_text(row.available_until))
                    if row.available_until
                    else here.t("view.offers.always"),
                )
                for row in components.paged(shown, here, "vehicles")
            ],
            numbers="    n  ",
        )
        _withdraw(here, vehicles)
    _add_vehicle(here, is_open=not vehicles)


def _withdraw(here: Visit, vehicles: Sequence[Vehicle]) -> None:
    by_id = {row.vehicle_id: row for row in vehicles if row.available_until is None}
    with st.expander(here.t("view.offers.withdraw")):
        chosen = st.selectbox(
            here.t("column.vehicle"),
            list(by_id),
            index=None,
            format_func=lambda each: f"{by_id[each].plate} · {session.named(by_id[each].depot_place_id)}",
            placeholder=here.t("view.choose"),
            key="vehicle.withdraw",
        )
        if chosen is not None:
            components.danger(
                here,
                here.t("view.offers.withdraw_do"),
                here.t("view.offers.withdraw_facts", plate=by_id[chosen].plate),
                here.t("view.offers.withdraw_do"),
                "planning.offer",
                lambda db, actor: offer_acts.withdraw_vehicle(db, actor, vehicle_id=chosen),
                key=f"vehicle.withdraw.{chosen}",
                said=here.t("view.offers.withdrawn"),
            )


def _add_vehicle(here: Visit, *, is_open: bool) -> None:
    facts = ground()
    with st.expander(here.t("view.offers.add_vehicle"), expanded=is_open):
        first, second, third = st.columns(3)
        plate = first.text_input(here.t("field.plate"), key="vehicle.new.plate")
        operator = first.text_input(here.t("field.operator"), key="vehicle.new.operator")
        kind = second.selectbox(
            here.t("field.vehicle_type"),
            list(facts.vehicle_types),
            index=None,
            format_func=lambda code: f"{_vehicle_type(here, code)} ({facts.vehicle_types[code].seats})",
            placeholder=here.t("view.choose"),
            key="vehicle.new.type",
        )
        depot = second.selectbox(
            here.t("field.depot_place_id"),
            sorted(facts.places, key=session.named),
            index=None,
            format_func=session.named,
            placeholder=here.t("view.choose"),
            key="vehicle.new.depot",
        )
        names = ("licence_until", "insurance_until", "inspection_until")
        with third:
            typed = {name: components.day_field(here, name, key=f"vehicle.new.{name}") for name in names}

        def save(db: Session, actor: Actor) -> object:
            days = components.read_all(
                {name: lambda name=name: components.parse_day(typed[name], field=name) for name in names}
            )
            return offer_acts.add_vehicle(
                db,
                actor,
                vehicle_type=kind or "",
                plate=plate,
                operator=operator,
                depot_place_id=depot or "",
                licence_until=days["licence_until"],
                insurance_until=days["insurance_until"],
                inspection_until=days["inspection_until"],
            )

        session.act_button(
            here.t("view.offers.save_vehicle"),
            "planning.offer",
            save,
            key="vehicle.save",
            said=here.t("view.offers.vehicle_saved"),
            after=lambda _: session.clear_fields("vehicle.new."),
        )


def _add(here: Visit, *, is_open: bool) -> None:
    facts = ground()
    ends = sorted([*facts.airports, *facts.places], key=session.named)
    with st.expander(here.t("view.offers.add"), expanded=is_open):
        form = Form(here, FORM)
        first, second, third = st.columns(3)
        with first:
            mode = form.choose("mode", OFFER_MODES, lambda code: here.t(f"mode.{code}"))
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
