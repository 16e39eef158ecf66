"""One movement: where it stands, what it waits for, its way, people, lists, answers, and everything that happened."""

from __future__ import annotations

import streamlit as st

from retorno.movements import movement_report
from retorno.movements.facts import Rider
from retorno.movements.movement_report import MovementReport
from retorno.movements.story import Event
from retorno.vocabulary import MovementStatus, Role
from ui import components, session
from ui.session import Visit, plain
from ui.views import issuing, movement_acts, receiving, rounds
from ui.views.confirmation import answer_text, named_party

LIFE = (
    MovementStatus.ACCEPTED,
    MovementStatus.CONFIRMED,
    MovementStatus.ISSUED,
    MovementStatus.RELEASED,
    MovementStatus.DEPARTED,
    MovementStatus.CLOSED,
)
"""The life of a movement, as the line on top of its page shows it."""
TABS = ("way", "people", "papers", "answers", "rounds", "arrival", "happened", "changes")


def page(here: Visit, movement_id: str) -> None:
    """The page of a movement; people are named, so the reading is logged."""
    found = session.persons(
        "manifest.read",
        lambda db, actor: movement_report.report(db, actor, movement_id=movement_id),
        lambda each: [rider.person.person_id for rider in each.riders],
    )
    if st.button(here.t("view.back"), key="movement.back"):
        session.set_parameter("movement", "")
        st.rerun()
    st.title(here.t("view.movement.title", ref=found.movement.reference), anchor=False)
    _summary(here, found)
    _life(here, found)
    is_coordinator = components.is_role(here, Role.COORDINATOR)
    issuing.next_step(here, found, is_coordinator=is_coordinator)
    # The key keeps the tab open when a note on top of the page moves everything down.
    words = [here.t(f"view.movement.tab.{name}") for name in TABS]
    tabs = dict(zip(TABS, st.tabs(words, key=f"movement.tabs.{movement_id}"), strict=True))
    with tabs["way"]:
        _way(here, found)
        if is_coordinator or components.is_role(here, Role.PROTECTION):
            movement_acts.crew(here, found, is_coordinator=is_coordinator)
    with tabs["people"]:
        _people(here, found)
    with tabs["papers"]:
        issuing.papers(here, found)
    with tabs["answers"]:
        _answers(here, found)
        issuing.acknowledgements(here, found, is_coordinator=is_coordinator)
    with tabs["rounds"]:
        if is_coordinator:
            rounds.tab(here, found)
        else:
            st.markdown(plain(here.t("view.movement.coordinator_only")))
    with tabs["arrival"]:
        receiving.arrivals(here, found, is_coordinator=is_coordinator)
    with tabs["happened"]:
        _happened(here, found)
    with tabs["changes"]:
        if is_coordinator:
            movement_acts.changes_tab(here, found)
        else:
            st.markdown(plain(here.t("view.movement.coordinator_only")))


def _summary(here: Visit, found: MovementReport) -> None:
    """Vehicle, way, departure and people in one line."""
    first, last = found.segments[0], found.segments[-1]
    st.markdown(
        plain(
            here.t(
                "view.movement.summary",
                vehicle=f"{here.t(f'mode.{found.movement.mode.value}')} {found.movement.label}",
                start=session.named(first.from_place_id),
                end=session.named(last.to_place_id),
                time=here.time(found.movement.depart_at, first.from_place_id),
                people=components.people_count(here, len(found.riders)),
            )
        )
    )


def _life(here: Visit, found: MovementReport) -> None:
    """The states of a movement in order, with the one it is in; in words, never by colour alone."""
    status = found.movement.status
    if status is MovementStatus.CANCELLED:
        st.warning(plain(here.t("view.movement.cancelled_next")))
        return
    steps = [
        f"**▸ {plain(here.t(f'status.movement.{each.value}'))}**"
        if each is status
        else plain(here.t(f"status.movement.{each.value}"))
        for each in LIFE
    ]
    st.markdown(" → ".join(steps))


# ---- the way --------------------------------------------------------------------------------------------------------


def _way(here: Visit, found: MovementReport) -> None:
    """Stops and borders in place-local time, then vehicle, crew and the papers of the way."""
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
        caption=here.t("view.movement.stops"),
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
            caption=here.t("view.movement.borders"),
        )
    drivers = "\n".join(_with_phone(each.name, each.phone) for each in found.drivers)
    escorts = "\n".join(dict.fromkeys(_with_phone(each.escort.name, each.escort.phone) for each in found.escorts))
    components.table(
        [here.t("column.what"), here.t("column.who_name")],
        [
            (here.t("view.movement.vehicle"), found.movement.label),
            (here.t("column.operator"), found.movement.operator),
            (here.t("view.movement.drivers"), drivers or here.t("view.movement.no_driver")),
            (here.t("view.movement.escorts"), escorts or here.t("view.movement.no_escort")),
            (
                here.t("view.movement.route"),
                here.t("view.yes" if found.movement.is_route_confirmed else "view.no"),
            ),
        ],
        caption=here.t("view.movement.who_drives"),
    )
    if found.riders:
        with st.container(horizontal=True):
            session.file_link("route_pdf", found.movement.movement_id, here.t("view.movement.route_sheet"))
            session.file_link("itineraries_pdf", found.movement.movement_id, here.t("view.movement.itineraries"))
    for each in found.handovers:
        text = f"{here.t('light.post.note')}: {session.named(each.place_id)}"
        session.file_link("handover_pdf", f"{found.movement.movement_id}/{each.place_id}", text)


def _with_phone(name: str, phone: str) -> str:
    return f"{name} · {phone}" if phone else name


# ---- the people -----------------------------------------------------------------------------------------------------


def _people(here: Visit, found: MovementReport) -> None:
    if not found.riders:
        components.empty(here, "view.movement.nobody")
        return
    day = found.movement.depart_at.date()
    outcomes = {each.person_id: each for each in found.arrivals}

    def arrived(rider: Rider) -> str:
        tick = outcomes.get(rider.person.person_id)
        return f"{here.t(f'arrival.{tick.outcome.value}')} · {session.named(tick.place_id)}" if tick else "–"

    components.table(
        [
            here.t("column.number"),
            here.t("column.name"),
            here.t("column.age"),
            here.t("column.nationality"),
            here.t("column.group"),
            here.t("view.movement.readiness"),
            here.t("column.arrival"),
        ],
        [
            (
                number,
                components.full_name(rider.person),
                components.age_text(rider.person, day),
                session.named(rider.person.nationality, here.language),
                rider.group.group_id,
                _readiness(here, found, rider),
                arrived(rider),
            )
            for number, rider in enumerate(found.riders, 1)
        ],
        numbers="n n    ",
    )
    by_id = {rider.person.person_id: components.full_name(rider.person) for rider in found.riders}
    one = st.selectbox(
        here.t("view.movement.one_itinerary"),
        list(by_id),
        index=None,
        format_func=lambda each: by_id[each],
        placeholder=here.t("view.choose"),
        key=f"itinerary.{found.movement.movement_id}",
    )
    if one is not None:
        session.file_link("itinerary_pdf", one, f"{here.t('view.movement.itinerary')}: {by_id[one]}")


def _readiness(here: Visit, found: MovementReport, rider: Rider) -> str:
    """Whether anything is missing for a person or the group on this movement; what it is stands on top of the page."""
    if found.verdict is None:
        return "–"
    named = {rider.person.person_id, rider.group.group_id}
    missing = sum(bool(named & set(each.label_params.values())) for each in found.verdict.stopping)
    return here.t("view.movement.missing", n=missing) if missing else here.t("view.movement.ready")


# ---- answers, and what happened -------------------------------------------------------------------------------------


def _answers(here: Visit, found: MovementReport) -> None:
    if not found.questions and not found.acknowledgements:
        components.empty(here, "view.movement.no_answers")
    if not found.questions:
        return
    names = {rider.person.person_id: components.full_name(rider.person) for rider in found.riders}
    components.table(
        [
            here.t("column.party"),
            here.t("column.person"),
            here.t("column.answer"),
            here.t("column.when"),
            here.t("column.by"),
        ],
        [
            (
                named_party(here, each.party_kind, each.party_id, found.names),
                names.get(each.person_id or "", each.person_id or "–"),
                answer_text(here, each),
                here.time(each.answered_at)
                if each.answered_at
                else here.t("view.movement.due", time=here.time(each.due_at)),
                found.name_of(each.answered_by),
            )
            for each in found.questions
        ],
        caption=here.t("view.movement.answers"),
    )
    session.link_to("confirmation", here.t("view.movement.to_confirmations"))


def _happened(here: Visit, found: MovementReport) -> None:
    if not found.events:
        components.empty(here, "view.movement.no_events")
        return
    components.table(
        [here.t("column.when"), here.t("column.what"), here.t("column.by")],
        [
            (here.time(each.at, each.place_id), event_text(here, found, each), found.name_of(each.by))
            for each in found.events
        ],
        caption=here.t("view.movement.in_order"),
    )


def event_text(here: Visit, found: MovementReport, event: Event) -> str:
    """An event of the story in words."""
    words: dict[str, str] = {}
    for name, value in event.words.items():
        if name.endswith("_key"):
            words[name.removesuffix("_key")] = here.t(value) if session.has_words(value) else value
        else:
            words[name] = value
    if event.party is not None:
        words["party"] = named_party(here, *event.party, found.names)
    words["place"] = session.named(event.place_id) if event.place_id else ""
    if "people" in words or "n" in words:
        words["people"] = components.people_count(here, int(words.get("people", words.get("n", "0"))))
    if "answer" in words:
        reason = words.get("reason")
        words["answer"] = f"{words['answer']} ({reason})" if reason else words["answer"]
    return here.t(f"story.{event.code}", **words)
