"""Movements and their lists: what the rules say, the two signatures, the release, and everything that happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import arrival, changes, clock, manifest, movement_report, planning
from retorno.confirmation import Party
from retorno.errors import Fault, InputError
from retorno.models.movements import Acknowledgement, ManifestCopy, ManifestVersion
from retorno.movement_report import MovementReport, MovementRow
from retorno.office.access import Actor
from retorno.vocabulary import (
    ManifestStatus,
    MovementStatus,
    PartyKind,
    Role,
)
from ui import components, session
from ui.session import Visit, plain
from ui.views.confirmation import WAYS, answer_text, movement_line, party_name

LIFE = (
    MovementStatus.ACCEPTED,
    MovementStatus.CONFIRMED,
    MovementStatus.ISSUED,
    MovementStatus.RELEASED,
    MovementStatus.DEPARTED,
    MovementStatus.CLOSED,
)
"""The life of a movement, as the line on top of its page shows it."""


def show() -> None:
    """The list of movements, or the page of one."""
    here = session.visit()
    movement_id = session.parameter("movement")
    if movement_id:
        _page(here, movement_id)
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
    movement = row.movement
    return (
        movement.reference,
        f"{here.t(f'mode.{movement.mode.value}')} {movement.label}",
        session.named(row.from_place_id),
        session.named(row.to_place_id),
        here.moment(movement.depart_at, row.from_place_id),
        row.person_count,
        movement.manifest_version or "–",
        here.t(f"status.movement.{movement.status.value}"),
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
            key = "waits.arrival"
        case _:
            return "–"
    return here.t(key, n=row.open_answers or row.missing_acknowledgements)


# ---- one movement ------------------------------------------------------------------------------------------------


def _page(here: Visit, movement_id: str) -> None:
    found = session.persons(
        "manifest.read",
        lambda db, actor: movement_report.report(db, actor, movement_id=movement_id),
        lambda each: [rider.person.person_id for rider in each.riders],
    )
    if st.button(here.t("view.back"), key="movement.back"):
        session.set_parameter("movement", "")
        st.rerun()
    movement = found.movement
    st.title(here.t("view.movement.title", ref=movement.reference), anchor=False)
    _life(here, found)
    is_coordinator = components.is_role(here, Role.COORDINATOR)
    _next_step(here, found, is_coordinator=is_coordinator)
    way, people, papers, answers, after, stop = st.tabs(
        [here.t(f"view.movement.tab.{name}") for name in ("way", "people", "papers", "answers", "happened", "changes")]
    )
    with way:
        _way(here, found, is_coordinator=is_coordinator)
    with people:
        _people(here, found)
    with papers:
        _papers(here, found)
    with answers:
        _answers(here, found, is_coordinator=is_coordinator)
    with after:
        _happened(here, found)
    with stop:
        if is_coordinator:
            _changes(here, found)
        else:
            st.markdown(plain(here.t("view.movement.coordinator_only")))


def _life(here: Visit, found: MovementReport) -> None:
    """The states of a movement in order, with the one it is in; in words, never by colour alone."""
    status = found.movement.status
    if status is MovementStatus.CANCELLED:
        st.warning(plain(here.t("status.movement.cancelled")))
        return
    steps = [
        f"**▸ {plain(here.t(f'status.movement.{each.value}'))}**"
        if each is status
        else plain(here.t(f"status.movement.{each.value}"))
        for each in LIFE
    ]
    st.markdown(" → ".join(steps))


def _next_step(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    """What the rules say about the next step, and the button for it."""
    verdict = found.verdict
    if verdict is not None:
        stage = here.t(f"status.movement.{verdict.stage.value}")
        if verdict.stopping:
            st.warning(plain(here.t("view.movement.stopped", stage=stage, n=len(verdict.stopping))))
            names = {rider.person.person_id: components.full_name(rider.person) for rider in found.riders}
            components.findings(here, verdict.stopping, names)
        else:
            st.success(plain(here.t("view.movement.rules_pass", stage=stage)))
        with st.expander(here.t("view.movement.rules")):
            components.table(
                [here.t("column.rule"), here.t("column.what"), here.t("column.result")],
                [
                    (
                        outcome.rule.value,
                        here.t(f"rule.{outcome.rule.value}"),
                        here.t("view.movement.pass" if outcome.is_passed else "view.movement.fail"),
                    )
                    for outcome in verdict.outcomes
                ],
            )
    with st.container(horizontal=True):
        if is_coordinator:
            _release(here, found)
        _signatures(here, found, is_coordinator=is_coordinator)


def _signatures(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    movement = found.movement
    if movement.status not in (MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED):
        return
    version = movement.manifest_version + 1
    if found.proposal is None:
        if is_coordinator:
            word = (
                "view.movement.propose" if movement.status is MovementStatus.CONFIRMED else "view.movement.propose_next"
            )
            session.act_button(
                here.t(word, n=version),
                "manifest.propose",
                lambda db, actor: manifest.propose(db, actor, movement_id=movement.movement_id),
                key=f"propose.{movement.movement_id}",
                primary=movement.status is MovementStatus.CONFIRMED,
                said=here.t("view.movement.proposed"),
            )
        return
    who = here.t("role.protection" if found.needs_protection else "role.coordinator")
    if found.proposal.proposed_by == here.actor.user_id:
        st.info(plain(here.t("view.movement.second", who=who)))
        return
    if found.needs_protection and not components.is_role(here, Role.PROTECTION):
        st.info(plain(here.t("view.movement.second", who=who)))
        return
    components.danger(
        here,
        here.t("view.movement.sign", n=version),
        here.t(
            "view.movement.sign_facts",
            people=components.people_count(here, len(found.riders)),
            time=here.time(found.proposal.proposed_at),
            void=here.t("view.movement.sign_void", n=version - 1) if version > 1 else "",
        ),
        here.t("view.movement.sign", n=version),
        "manifest.sign",
        lambda db, actor: manifest.sign(db, actor, movement_id=movement.movement_id),
        key=f"sign.{movement.movement_id}",
        said=lambda made: here.t("view.movement.signed", n=made.version),
        primary=True,
    )


def _release(here: Visit, found: MovementReport) -> None:
    movement = found.movement
    if movement.status is MovementStatus.ISSUED:
        session.act_button(
            here.t("view.movement.release"),
            "manifest.release",
            lambda db, actor: manifest.release(db, actor, movement_id=movement.movement_id),
            key=f"release.{movement.movement_id}",
            primary=True,
            said=here.t("view.movement.released"),
        )
    elif movement.status is MovementStatus.RELEASED:
        session.act_button(
            here.t("view.movement.depart"),
            "arrival.record",
            lambda db, actor: arrival.depart(db, actor, movement_id=movement.movement_id),
            key=f"depart.{movement.movement_id}",
            primary=True,
            said=here.t("view.movement.departed"),
        )


# ---- the tabs -----------------------------------------------------------------------------------------------------


def _way(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    components.table(
        [
            here.t("column.from"),
            here.t("column.departs"),
            here.t("column.to"),
            here.t("column.arrives"),
            here.t("column.people"),
            here.t("column.seats"),
        ],
        [
            (
                session.named(each.from_place_id),
                here.moment(each.depart_at, each.from_place_id),
                session.named(each.to_place_id),
                here.moment(each.arrive_at, each.to_place_id),
                each.taken,
                each.capacity,
            )
            for each in found.segments
        ],
        numbers="    nn",
    )
    if found.crossings:
        components.table(
            [here.t("column.crossing"), here.t("column.from"), here.t("column.to"), here.t("column.when")],
            [
                (
                    session.named(each.crossing_id),
                    session.named(each.leave_post_id),
                    session.named(each.enter_post_id),
                    here.moment(each.at, each.leave_post_id),
                )
                for each in found.crossings
            ],
        )
    drivers = ", ".join(each.name for each in found.drivers) or here.t("view.movement.no_driver")
    escorts = ", ".join(found.escort_names) or here.t("view.movement.no_escort")
    components.table(
        [here.t("column.what"), here.t("column.who_name")],
        [
            (here.t("column.operator"), found.movement.operator),
            (here.t("view.movement.drivers"), drivers),
            (here.t("view.movement.escorts"), escorts),
            (
                here.t("view.movement.route"),
                here.t("view.yes" if found.movement.is_route_confirmed else "view.no"),
            ),
        ],
    )
    if is_coordinator and found.movement.drivers_needed and found.movement.status in movement_report.LIST_OPEN:
        _drivers(here, found)


def _drivers(here: Visit, found: MovementReport) -> None:
    movement = found.movement
    names = {each.driver_id: each.name for each in found.known_drivers}
    chosen = st.multiselect(
        here.t("view.movement.choose_drivers", n=movement.drivers_needed),
        list(names),
        default=[each.driver_id for each in found.drivers if each.driver_id in names],
        format_func=lambda each: names[each],
        placeholder=here.t("view.choose"),
        key=f"drivers.{movement.movement_id}.{movement.version}",
    )
    is_confirmed = st.checkbox(
        here.t("view.movement.route_confirmed"),
        movement.is_route_confirmed,
        key=f"route.{movement.movement_id}.{movement.version}",
    )
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
        key=f"drivers.save.{movement.movement_id}",
        said=here.t("view.movement.drivers_saved"),
    )


def _people(here: Visit, found: MovementReport) -> None:
    if not found.riders:
        components.empty(here, "view.movement.nobody")
        return
    day = found.movement.depart_at.date()
    outcomes = {each.person_id: each.outcome for each in found.arrivals}
    components.table(
        [
            here.t("column.number"),
            here.t("column.name"),
            here.t("column.age"),
            here.t("column.nationality"),
            here.t("column.group"),
            here.t("column.arrival"),
        ],
        [
            (
                number,
                components.full_name(rider.person),
                components.age_text(rider.person, day),
                session.named(rider.person.nationality, here.language),
                rider.group.group_id,
                here.t(f"arrival.{outcomes[rider.person.person_id].value}")
                if rider.person.person_id in outcomes
                else "–",
            )
            for number, rider in enumerate(found.riders, 1)
        ],
        numbers="n n   ",
    )
    for rider in found.riders:
        session.file_link(
            "itinerary_pdf",
            rider.person.person_id,
            f"{here.t('view.movement.itinerary')}: {components.isolated(components.full_name(rider.person))}",
        )


def _papers(here: Visit, found: MovementReport) -> None:
    if not found.versions:
        components.empty(here, "view.movement.no_version")
        return
    components.table(
        [
            here.t("column.version"),
            here.t("column.state"),
            here.t("column.people"),
            here.t("column.when"),
            here.t("column.signatures"),
        ],
        [
            (
                each.version,
                here.t(f"status.manifest.{each.status.value}"),
                each.person_count,
                here.time(each.issued_at),
                _signed_by(here, found, each),
            )
            for each in found.versions
        ],
        numbers="n n  ",
    )
    if found.versions[0].status is not ManifestStatus.CURRENT:
        st.warning(plain(here.t("error.manifest")))
        return
    for copy in found.copies:
        _copy(here, copy)


def _signed_by(here: Visit, found: MovementReport, version: ManifestVersion) -> str:
    if version.is_removal_only:
        return here.t("view.movement.removal")
    return ", ".join(found.name_of(user_id) for user_id in (version.proposed_by, version.signed_by) if user_id)


def _copy(here: Visit, copy: ManifestCopy) -> None:
    name, pdf, sheet = st.columns([5, 1.5, 1.5], vertical_alignment="center")
    name.markdown(
        plain(
            f"{here.t(f'party.{copy.recipient_kind.value}')}: {session.named(copy.recipient_id, here.language)} · "
            f"{here.t('paper.version', n=copy.number)}"
        )
    )
    object_id = f"{copy.movement_id}/{copy.recipient_kind.value}/{copy.recipient_id}"
    with pdf:
        session.file_link("manifest_pdf", object_id, "PDF")
    if copy.recipient_kind is not PartyKind.CONSULATE:
        with sheet:
            session.file_link("manifest_xlsx", object_id, "XLSX")


def _answers(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    if found.questions:
        components.table(
            [here.t("column.party"), here.t("column.answer"), here.t("column.when"), here.t("column.by")],
            [
                (
                    party_name(here, each),
                    answer_text(here, each),
                    here.time(each.answered_at) if each.answered_at else "–",
                    found.name_of(each.answered_by),
                )
                for each in found.questions
            ],
            caption=here.t("view.movement.answers"),
        )
    if found.acknowledgements:
        components.table(
            [here.t("column.party"), here.t("column.version"), here.t("column.state"), here.t("column.by")],
            [
                (
                    f"{here.t(f'party.{each.party_kind.value}')}: {session.named(each.party_id, here.language)}",
                    each.manifest_version,
                    here.t("view.movement.acknowledged", time=here.time(each.acknowledged_at))
                    if each.acknowledged_at
                    else here.t("view.movement.not_acknowledged"),
                    found.name_of(each.acknowledged_by),
                )
                for each in found.acknowledgements
            ],
            caption=here.t("view.movement.acknowledgements"),
            numbers=" n  ",
        )
        if is_coordinator:
            _acknowledge(here, found, [each for each in found.acknowledgements if each.acknowledged_at is None])
    if not found.questions and not found.acknowledgements:
        components.empty(here, "view.movement.no_answers")


def _acknowledge(here: Visit, found: MovementReport, waiting: Sequence[Acknowledgement]) -> None:
    """Write down that a party without an account has the list."""
    if not waiting:
        return
    key = found.movement.movement_id
    by_party = {f"{each.party_kind.value}/{each.party_id}": each for each in waiting}
    first, second, third = st.columns(3)
    chosen = first.selectbox(
        here.t("field.party"),
        list(by_party),
        index=None,
        format_func=lambda each: (
            f"{here.t(f'party.{by_party[each].party_kind.value}')}: "
            f"{session.named(by_party[each].party_id, here.language)}"
        ),
        placeholder=here.t("view.choose"),
        key=f"ack.{key}",
    )
    by = second.text_input(here.t("field.answered_by"), key=f"ack.by.{key}", help=here.t("help.answered_by"))
    with third:
        way = components.choice(here, here.t("field.way"), WAYS, "way", key=f"ack.way.{key}")
    if chosen is None:
        return
    row = by_party[chosen]

    def acknowledge(db: Session, actor: Actor) -> object:
        if not by.strip():
            raise InputError([Fault(column="answered_by", code="EMPTY", what="empty, expected who answered")])
        return manifest.acknowledge(
            db,
            actor,
            movement_id=key,
            party=Party(kind=row.party_kind, party_id=row.party_id),
            version=row.manifest_version,
            answered_by=by,
            way=way,
        )

    session.act_button(
        here.t("view.movement.acknowledge"),
        "confirmation.record",
        acknowledge,
        key=f"ack.do.{key}",
        primary=True,
        said=here.t("view.confirmation.recorded"),
    )


def _happened(here: Visit, found: MovementReport) -> None:
    for handover in found.handovers:
        st.markdown(
            plain(
                here.t(
                    "view.movement.handover",
                    place=session.named(handover.place_id),
                    people=components.people_count(here, handover.person_count),
                    who=handover.received_by,
                    time=here.time(handover.signed_at, handover.place_id),
                )
            )
        )
    for incident in found.incidents:
        st.markdown(plain(f"{here.t(f'incident.{incident.code.value}')} · {here.time(incident.at)}"))
    components.table(
        [here.t("column.when"), here.t("column.act"), here.t("column.by"), here.t("column.result")],
        [
            (
                here.time(each.at),
                act_name(here, each.act),
                found.name_of(each.actor_id),
                here.t(f"outcome.{each.outcome}"),
            )
            for each in found.history
        ],
    )


def act_name(here: Visit, act: str) -> str:
    """An act of the log in words."""
    return here.t(f"act.{act}") if session.has_words(f"act.{act}") else act


# ---- changes ------------------------------------------------------------------------------------------------------


def _changes(here: Visit, found: MovementReport) -> None:
    movement = found.movement
    if movement.status in (MovementStatus.CLOSED, MovementStatus.CANCELLED):
        components.empty(here, "view.movement.over")
        return
    st.markdown(f"**{plain(here.t('view.movement.who'))}**")
    ticked = []
    columns = st.columns(3)
    for number, rider in enumerate(found.riders):
        name = components.full_name(rider.person)
        if columns[number % 3].checkbox(plain(name), key=f"tick.{movement.movement_id}.{rider.person.person_id}"):
            ticked.append(rider)
    groups = {rider.group.group_id for rider in ticked}
    staying = [rider for rider in found.riders if rider.group.group_id in groups]
    going = len(found.riders) - len(staying)
    if ticked:
        st.info(
            plain(
                here.t(
                    "view.movement.families",
                    staying=components.people_count(here, len(staying)),
                    going=components.people_count(here, going),
                )
            )
        )
        _leave(
            here, found, [rider.person.person_id for rider in ticked], [components.full_name(r.person) for r in staying]
        )
    st.divider()
    is_lost = st.checkbox(here.t("view.movement.vehicle_lost"), key=f"lost.{movement.movement_id}")
    components.danger(
        here,
        here.t("view.movement.cancel"),
        here.t(
            "view.movement.cancel_facts",
            people=components.people_count(here, len(found.riders)),
            n=len(found.acknowledgements),
        ),
        here.t("view.movement.cancel"),
        "changes.movement",
        lambda db, actor: changes.cancel_movement(db, actor, movement_id=movement.movement_id, is_vehicle_lost=is_lost),
        key=f"cancel.{movement.movement_id}",
        said=lambda effect: components.effect_text(here, effect),
    )


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
