"""What a coordinator changes on a movement: drivers, escorts, somebody who cannot go on or no longer wants, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock
from retorno.errors import Fault, InputError
from retorno.models.movements import Movement
from retorno.movements.movement_report import LIST_OPEN, MovementReport
from retorno.office.access import Actor
from retorno.plans import planning
from retorno.under_way import aboard
from retorno.under_way.aboard import EscortChoice
from retorno.vocabulary import MovementStatus
from ui import components, session
from ui.session import Visit, plain

# ---- drivers and escorts --------------------------------------------------------------------------------------------


def crew(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    """Who drives and who accompanies, to name or to replace."""
    is_open = found.movement.status in LIST_OPEN
    if is_coordinator and found.movement.drivers_needed and is_open:
        with st.expander(here.t("view.movement.change_drivers"), expanded=not found.drivers):
            _drivers(here, found)
    if is_open or found.is_without_list:
        with st.expander(here.t("view.movement.change_escorts")):
            _escorts(here, found)


def _drivers(here: Visit, found: MovementReport) -> None:
    """The drivers, and whether they have the route sheet; what somebody else saved meanwhile is shown beside it."""
    movement = found.movement
    names = {each.driver_id: each.name for each in found.known_drivers}
    key = f"drivers.{movement.movement_id}"
    now = (movement.drivers, movement.is_route_confirmed)
    base = session.recall(f"{key}.base", now)
    session.remember(f"{key}.base", base)
    chosen = st.multiselect(
        here.t("view.movement.choose_drivers", n=movement.drivers_needed),
        list(names),
        default=[each for each in base[0].split(";") if each in names],
        format_func=lambda each: names[each],
        placeholder=here.t("view.choose"),
        key=f"{key}.field",
    )
    is_confirmed = st.checkbox(here.t("view.movement.route_confirmed"), base[1], key=f"{key}.route")
    if base != now:
        _conflict(here, found, names, chosen, is_confirmed, key)
        return
    session.act_button(
        here.t("view.save"),
        "movement.update",
        lambda db, actor: planning.update_movement(
            db,
            actor,
            movement_id=movement.movement_id,
            version=movement.version,
            driver_ids=chosen,
            is_route_confirmed=is_confirmed,
        ),
        key=f"{key}.save",
        said=here.t("view.movement.drivers_saved"),
        after=lambda _: session.forget(f"{key}.base"),
    )


def _conflict(
    here: Visit, found: MovementReport, names: dict[str, str], chosen: Sequence[str], is_confirmed: bool, key: str
) -> None:
    """Somebody changed the drivers meanwhile: both choices, and one click for either."""
    movement = found.movement

    def words(ids: Sequence[str], is_route: bool) -> str:
        who = ", ".join(names.get(each, each) for each in ids) or here.t("view.movement.no_driver")
        return f"{who} · {here.t('view.movement.route')}: {here.t('view.yes' if is_route else 'view.no')}"

    changed = [event.at for event in found.events if event.words.get("act_key") == "act.movement.update"]
    st.warning(plain(here.t("view.movement.conflict", t=here.clock(changed[-1] if changed else clock.now()))))
    components.table(
        [here.t("view.movement.conflict_theirs"), here.t("view.movement.conflict_yours")],
        [
            (
                words([each for each in movement.drivers.split(";") if each], movement.is_route_confirmed),
                words(chosen, is_confirmed),
            )
        ],
    )
    with st.container(horizontal=True):
        if st.button(here.t("view.movement.keep_theirs"), key=f"{key}.theirs"):
            session.forget(f"{key}.base")
            session.clear_fields(f"{key}.field")
            session.clear_fields(f"{key}.route")
            st.rerun()
        if st.button(here.t("view.movement.keep_yours"), key=f"{key}.yours"):
            session.remember(f"{key}.base", (movement.drivers, movement.is_route_confirmed))
            st.rerun()


def _escorts(here: Visit, found: MovementReport) -> None:
    """Name an escort, or let one take another's place."""
    movement_id = found.movement.movement_id
    choices = session.look(lambda db, actor: aboard.escort_choices(db, actor, movement_id=movement_id))
    groups = session.look(lambda db, actor: aboard.accompanied_groups(db, actor, movement_id=movement_id))
    if not choices:
        components.empty(here, "view.movement.no_escorts")
        return
    st.markdown(plain(here.t("view.movement.escorts_about")))
    by_id = {each.escort.escort_id: each for each in choices}
    now = {each.escort.escort_id: each.escort.name for each in found.escorts}
    first, second, third = st.columns(3)
    escort_id = first.selectbox(
        here.t("view.movement.escort"),
        list(by_id),
        index=None,
        format_func=lambda each: _escort_words(here, by_id[each]),
        placeholder=here.t("view.choose"),
        key=f"escort.{movement_id}",
    )
    instead_of = second.selectbox(
        here.t("view.movement.instead_of"),
        ["", *now],
        format_func=lambda each: now.get(each) or here.t("view.movement.instead_of_nobody"),
        key=f"escort.instead.{movement_id}",
    )
    names = {each.group_id: ", ".join(each.names) for each in groups}
    for_group = third.selectbox(
        here.t("view.movement.for_whom"),
        ["", *names],
        format_func=lambda each: names.get(each) or here.t("view.movement.for_everybody"),
        key=f"escort.for.{movement_id}",
        disabled=bool(instead_of),
    )
    if escort_id is None:
        return
    session.act_button(
        here.t("view.movement.replace_escort" if instead_of else "view.movement.assign_escort"),
        "changes.escort",
        lambda db, actor: aboard.assign_escort(
            db,
            actor,
            movement_id=movement_id,
            escort_id=escort_id,
            for_group_id=for_group or None,
            instead_of=instead_of or None,
        ),
        key=f"escort.do.{movement_id}",
        primary=True,
        said=here.t("view.movement.escort_named"),
    )


def _escort_words(here: Visit, each: EscortChoice) -> str:
    duty = here.t(f"duty.{each.escort.duty}") if session.has_words(f"duty.{each.escort.duty}") else each.escort.duty
    why = f" · {here.t(f'escort.{each.why_not}')}" if each.why_not else ""
    return f"{each.escort.name} · {duty}{why}"


# ---- people who leave, and the whole movement -----------------------------------------------------------------------


def changes_tab(here: Visit, found: MovementReport) -> None:
    """Who cannot go on, who did not come, who no longer wants to, and the movement that does not run."""
    movement = found.movement
    if movement.status in (MovementStatus.CLOSED, MovementStatus.CANCELLED):
        components.empty(here, "view.movement.over")
        return
    if found.riders:
        _leaving(here, found)
        st.divider()
        _withdrawal(here, found)
        st.divider()
    _cancel(here, movement, found)


def _leaving(here: Visit, found: MovementReport) -> None:
    movement = found.movement
    st.header(here.t("view.movement.who"), anchor=False)
    session.link_to("cannot_go_on", here.t("view.movement.to_guided"), parameters={"movement": movement.movement_id})
    ticked = []
    columns = st.columns(3)
    for number, rider in enumerate(found.riders):
        name = components.full_name(rider.person)
        if columns[number % 3].checkbox(plain(name), key=f"tick.{movement.movement_id}.{rider.person.person_id}"):
            ticked.append(rider)
    groups = {rider.group.group_id for rider in ticked}
    staying = [rider for rider in found.riders if rider.group.group_id in groups]
    if not ticked:
        return
    st.info(
        plain(
            here.t(
                "view.movement.families",
                staying=components.people_count(here, len(staying)),
                going=components.people_count(here, len(found.riders) - len(staying)),
            )
        )
    )
    _leave(here, found, [rider.person.person_id for rider in ticked], [components.full_name(r.person) for r in staying])


def _leave(here: Visit, found: MovementReport, person_ids: Sequence[str], staying: Sequence[str]) -> None:
    """Somebody cannot go on, or did not come: each with the whole family."""
    movement_id = found.movement.movement_id
    unfit, absent = st.columns(2)
    with unfit:
        text = components.day_field(
            here,
            "unfit_until",
            key=f"unfit.{movement_id}",
            value=components.day_text(clock.today(here.zone_name) + timedelta(days=3)),
        )

        def record(db: Session, actor: Actor) -> changes.Effect:
            until = components.parse_day(text, field="unfit_until")
            if until is None:
                raise InputError([Fault(column="unfit_until", code="NO_DATE", what="expected a date")])
            return changes.record_unfit(db, actor, person_ids=person_ids, until=until)

        components.danger(
            here,
            here.t("view.movement.unfit"),
            here.t("view.movement.unfit_facts", names=", ".join(staying)),
            here.t("view.movement.unfit_do"),
            "changes.unfit",
            record,
            key=f"unfit.do.{movement_id}",
            said=lambda effect: components.effect_text(here, effect),
        )
    with absent:
        components.danger(
            here,
            here.t("view.movement.no_show"),
            here.t("view.movement.no_show_facts", names=", ".join(staying)),
            here.t("view.movement.no_show_do"),
            "changes.no_show",
            lambda db, actor: changes.record_no_show(db, actor, movement_id=movement_id, person_ids=person_ids),
            key=f"absent.do.{movement_id}",
            said=lambda effect: components.effect_text(here, effect),
        )


def _withdrawal(here: Visit, found: MovementReport) -> None:
    """Somebody no longer wants to return: one step, no reason; the question repeats the name."""
    movement_id = found.movement.movement_id
    st.header(here.t("view.movement.withdraw"), anchor=False)
    names = {rider.person.person_id: components.full_name(rider.person) for rider in found.riders}
    group_of = {rider.person.person_id: rider.group.group_id for rider in found.riders}
    person_id = st.selectbox(
        here.t("column.person"),
        list(names),
        index=None,
        format_func=lambda each: names[each],
        placeholder=here.t("view.choose"),
        key=f"withdraw.{movement_id}",
    )
    if person_id is None:
        return
    family = [names[each] for each in names if group_of[each] == group_of[person_id] and each != person_id]
    components.danger(
        here,
        here.t("view.movement.withdraw"),
        here.t("view.movement.withdraw_facts", name=names[person_id], family=", ".join(family) or "–"),
        here.t("view.movement.withdraw_do"),
        "changes.withdraw",
        lambda db, actor: changes.withdraw(db, actor, person_id=person_id),
        key=f"withdraw.do.{movement_id}.{person_id}",
        said=lambda effect: components.effect_text(here, effect),
    )


def _cancel(here: Visit, movement: Movement, found: MovementReport) -> None:
    st.header(here.t("view.movement.cancel"), anchor=False)
    is_lost = st.checkbox(here.t("view.movement.vehicle_lost"), key=f"lost.{movement.movement_id}")
    components.danger(
        here,
        here.t("view.movement.cancel"),
        here.t(
            "view.movement.cancel_facts",
            people=components.people_count(here, len(found.riders)),
            n=found.recipient_count,
        ),
        here.t("view.movement.cancel"),
        "changes.movement",
        lambda db, actor: changes.cancel_movement(db, actor, movement_id=movement.movement_id, is_vehicle_lost=is_lost),
        key=f"cancel.{movement.movement_id}",
        said=lambda effect: components.effect_text(here, effect),
    )
