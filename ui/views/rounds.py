"""Local rounds of a movement: vans that collect people before the departure or bring them on after the arrival."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from retorno.movements.movement_report import MovementReport
from retorno.optimizer.rounds import RoundsSettings, Route
from retorno.rounds import local_round
from retorno.rounds.local_round import OPEN, Party, Planned, Rounds, RoundStop
from retorno.vocabulary import RoundKind
from ui import components, drawings, session
from ui.session import Visit, plain

SECONDS = 3.0
"""How long routes are looked for: a few dozen families need less (docs/rounds.md)."""


def tab(here: Visit, found: MovementReport) -> None:
    """The stops that vans may serve, one at a time: the routes made so far, then who needs a van and which vans go."""
    movement_id = found.movement.movement_id
    rounds = session.look(lambda db, actor: local_round.rounds_of(db, actor, movement_id=movement_id))
    st.markdown(plain(here.t("view.rounds.about")))
    if not rounds.stops:
        components.empty(here, "view.rounds.nobody")
        return
    names = {(stop.kind, stop.stop): _stop_name(here, stop) for stop in rounds.stops}
    chosen = st.radio(
        here.t("view.rounds.which"), list(names), format_func=lambda each: names[each], key=f"rounds.{movement_id}"
    )
    stop = next(each for each in rounds.stops if (each.kind, each.stop) == chosen)
    if stop.is_night_between:
        st.info(plain(here.t(f"view.rounds.night.{stop.kind.value}", place=session.named(stop.place_id))))
    planned = rounds.planned.get((stop.kind, stop.stop))
    if planned is not None:
        _planned(here, rounds, stop, planned)
    if rounds.movement.status not in OPEN and stop.kind is RoundKind.COLLECT:
        st.markdown(plain(here.t("view.rounds.left")))
        return
    with st.expander(here.t("view.rounds.change" if planned else "view.rounds.make"), expanded=planned is None):
        _form(here, movement_id, stop, planned)


def _stop_name(here: Visit, stop: RoundStop) -> str:
    people = components.people_count(here, sum(party.persons for party in stop.parties))
    return here.t(
        f"view.rounds.stop.{stop.kind.value}",
        place=session.named(stop.place_id),
        day=here.day(stop.day),
        time=_clock(stop.ready_min),
        people=people,
    )


def _clock(minute: float) -> str:
    whole = round(minute)
    return f"{whole // 60:02d}:{whole % 60:02d}"


# ---- the routes -------------------------------------------------------------------------------------------------


def _planned(here: Visit, rounds: Rounds, stop: RoundStop, planned: Planned) -> None:
    """What is kept: whether it still holds, how much it is, who has no van, map, and a table and a sheet per van."""
    references = {party.group_id: party.reference for party in stop.parties}
    if planned.changed:
        known = [references.get(group, here.t("view.rounds.gone")) for group in planned.changed]
        st.warning(plain(here.t("view.rounds.stale", who=", ".join(sorted(known)))))
    people = sum(_carried(route) for route in planned.routes)
    st.markdown(
        plain(
            here.t(
                "view.rounds.summary",
                vans=len(planned.routes),
                people=components.people_count(here, people),
                minutes=round(sum(route.drive_min for route in planned.routes)),
                km=round(sum(route.distance_m for route in planned.routes) / 1000),
            )
        )
    )
    if planned.left_out:
        st.error(plain(here.t("view.rounds.left_out", n=len(planned.left_out))))
        components.table(
            [here.t("column.case"), here.t("column.why")],
            [
                (references.get(each.request_id, ""), here.t(f"view.rounds.why.{each.reason.value}"))
                for each in planned.left_out
            ],
        )
    plates = {vehicle.vehicle_id: vehicle.plate for vehicle in stop.vehicles}
    depots = {vehicle.id: session.named(vehicle.start) for vehicle in planned.problem.vehicles}
    if planned.routes:
        st.vega_lite_chart(
            drawings.map_spec(
                [],
                [_ride(here, route, plates) for route in planned.routes],
                words={state: here.t(f"crossing.{state}_word") for state in ("open", "closed", "restricted")},
                is_whole=False,
            ),
            width="stretch",
            alt=here.t("view.rounds.map_alt"),
        )
    for route in planned.routes:
        _route(here, route, plates, depots[route.vehicle_id], references)
        session.file_link("round_pdf", f"{planned.row.round_id}/{route.vehicle_id}", here.t("view.rounds.print"))
    components.danger(
        here,
        here.t("view.rounds.discard"),
        here.t("view.rounds.discard_facts"),
        here.t("view.rounds.discard_do"),
        "rounds.plan",
        lambda db, actor: local_round.discard(
            db, actor, movement_id=rounds.movement.movement_id, kind=stop.kind, stop=stop.stop
        ),
        key=f"rounds.discard.{planned.row.round_id}",
        said=here.t("view.rounds.discarded"),
    )


def _ride(here: Visit, route: Route, plates: dict[str, str]) -> drawings.MapRide:
    waypoints = [each.place for each in route.stops]
    kept = [place for index, place in enumerate(waypoints) if not index or waypoints[index - 1] != place]
    people = max(stop.aboard.persons for stop in route.stops)
    name = plates.get(route.vehicle_id, route.vehicle_id)
    return drawings.MapRide(
        waypoints=tuple(kept),
        person_count=people,
        is_air=False,
        text=f"{name}: {components.people_count(here, people)}",
    )


def _route(here: Visit, route: Route, plates: dict[str, str], depot: str, references: dict[str, str]) -> None:
    rows: list[Sequence[object]] = [(_clock(route.depart_min), depot, here.t("view.rounds.depart"), "", "")]
    rows += [
        (
            _clock(stop.begin_min),
            session.named(stop.place),
            here.t(f"view.rounds.act.{stop.act.value}"),
            references.get(stop.request_id, ""),
            stop.aboard.persons,
        )
        for stop in route.stops
    ]
    rows.append((_clock(route.return_min), depot, here.t("view.rounds.back"), "", ""))
    components.table(
        [
            here.t("column.time"),
            here.t("column.place"),
            here.t("column.what"),
            here.t("column.case"),
            here.t("column.aboard"),
        ],
        rows,
        caption=here.t(
            "view.rounds.van",
            plate=plates.get(route.vehicle_id, ""),
            people=components.people_count(here, _carried(route)),
            km=round(route.distance_m / 1000),
        ),
        numbers="    n",
    )


def _carried(route: Route) -> int:
    """How many people a van carries in all, over the whole round."""
    carried, before = 0, 0
    for stop in route.stops:
        carried += max(0, stop.aboard.persons - before)
        before = stop.aboard.persons
    return carried


# ---- asking for routes ------------------------------------------------------------------------------------------


def _form(here: Visit, movement_id: str, stop: RoundStop, planned: Planned | None) -> None:
    """A place for each group and the vans to use; then the routes are looked for, judged and kept."""
    if not stop.vehicles:
        components.empty(here, "view.rounds.no_vans")
        return
    kept = local_round.ends_of(planned) if planned else {}
    key = f"rounds.{movement_id}.{stop.kind.value}.{stop.stop}"
    ends: dict[str, str] = {}
    st.markdown(plain(here.t(f"view.rounds.places.{stop.kind.value}", place=session.named(stop.place_id))))
    shown = components.paged(stop.parties, here, key)
    for party in stop.parties:
        usual = kept.get(party.group_id) or (None if planned else party.place_id) or ""
        field = f"{key}.{party.group_id}"
        if party in shown:
            usual = _place_field(here, stop, party, field, usual)
        else:
            usual = session.field_value(field, usual)
        if usual and usual != stop.place_id:
            ends[party.group_id] = usual
    vans = {vehicle.vehicle_id: vehicle for vehicle in stop.vehicles}
    before = [each for each in (planned.row.vehicles.split(";") if planned else vans) if each in vans]
    chosen = st.multiselect(
        here.t("view.rounds.vans"),
        list(vans),
        default=before,
        format_func=lambda each: here.t(
            "view.rounds.van_choice",
            plate=vans[each].plate,
            seats=vans[each].seats,
            wheelchairs=vans[each].wheelchairs,
            depot=session.named(vans[each].depot_place_id),
        ),
        placeholder=here.t("view.choose"),
        key=f"{key}.vans",
    )
    count = sum(party.persons for party in stop.parties if party.group_id in ends)
    st.caption(here.t("view.rounds.needed", people=components.people_count(here, count)))
    if st.button(here.t("view.rounds.find"), key=f"{key}.find", type="primary", disabled=not ends or not chosen):
        _find(here, movement_id, stop, ends, chosen)


def _place_field(here: Visit, stop: RoundStop, party: Party, field: str, usual: str) -> str:
    """Where one group is collected at or brought to; empty where they need no van."""
    needs = [components.people_count(here, party.persons)]
    if party.children:
        needs.append(here.t("view.rounds.children", n=party.children))
    if party.wheelchairs:
        needs.append(here.t("view.rounds.wheelchairs", n=party.wheelchairs))
    if party.municipality:
        needs.append(party.municipality)
    options = ["", *(place for place in stop.near if place != stop.place_id)]
    return st.selectbox(
        f"{party.reference} · {', '.join(needs)}",
        options,
        index=options.index(usual) if usual in options else 0,
        format_func=lambda each: session.named(each) if each else here.t(f"view.rounds.no_need.{stop.kind.value}"),
        key=field,
    )


def _find(here: Visit, movement_id: str, stop: RoundStop, ends: dict[str, str], chosen: Sequence[str]) -> None:
    """Look for routes with a bar, then keep them."""
    asked = session.tried(
        lambda db, actor: local_round.ask(
            db, actor, movement_id=movement_id, kind=stop.kind, stop=stop.stop, ends=ends, vehicle_ids=chosen
        )
    )
    if asked is None:
        return
    bar = st.progress(0.0, text=here.t("view.rounds.finding"))
    routed = local_round.find_routes(
        asked,
        RoundsSettings(seconds=SECONDS),
        on_progress=lambda now: bar.progress(min(1.0, now.seconds / SECONDS), text=here.t("view.rounds.finding")),
    )
    done = session.do(
        "rounds.plan", lambda db, actor: local_round.keep(db, actor, movement_id=movement_id, found=routed)
    )
    if done is not None:
        session.say(here.t("view.rounds.kept"))
        st.rerun()
