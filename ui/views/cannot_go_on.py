"""Someone cannot go on: who, with which family, where they stay and with whom; the facts; one click; what to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import streamlit as st
from sqlmodel import Session

from retorno import clock, stopping
from retorno.labels import plural
from retorno.models.movements import ManifestCopy
from retorno.movements import movement_report
from retorno.movements.movement_report import MovementRow
from retorno.office import notices
from retorno.office.access import Actor
from retorno.stopping import MovementChange, Officer, Outcome, Scene, Shelter, Told, Traveller, Wanted
from retorno.vocabulary import MovementStatus, PartyKind
from ui import components, session
from ui.session import Visit, plain
from ui.views.confirmation import movement_line, named_party
from ui.views.plan.words import place_text

OVER = (MovementStatus.CLOSED, MovementStatus.CANCELLED)


def show() -> None:
    """The four steps for the movement of the address; after the click, what is done and what is to print."""
    here = session.visit()
    components.title(here, "view.cannot_go_on.title")
    stay_id = session.parameter("stay")
    if stay_id:
        _done(here, stay_id)
        return
    movement_id = _movement(here)
    if movement_id is None:
        return
    is_all = bool(session.field_value(f"stop.all.{movement_id}", True))
    found = session.persons(
        "changes.unfit",
        lambda db, actor: stopping.scene(db, actor, movement_id=movement_id, is_all=is_all),
        lambda each: [one.person.person_id for one in each.people],
    )
    ticked = _who(here, found, movement_id)
    if ticked:
        _where(here, found, ticked, movement_id)


def _movement(here: Visit) -> str | None:
    """The movement of the address, or one to choose among those with people."""
    rows = [
        row
        for row in session.look(movement_report.rows)
        if row.person_count and row.movement.status not in OVER
    ]  # fmt: skip
    by_id: dict[str, MovementRow] = {row.movement.movement_id: row for row in rows}
    wanted = session.parameter("movement")
    if not by_id:
        components.empty(here, "view.cannot_go_on.empty")
        return None
    chosen = st.selectbox(
        here.t("view.cannot_go_on.which"),
        list(by_id),
        index=list(by_id).index(wanted) if wanted in by_id else None,
        format_func=lambda each: movement_line(here, by_id[each]),
        placeholder=here.t("view.choose"),
        key=f"stop.movement.{wanted}",
    )
    if chosen is None:
        return None
    if chosen != wanted:
        session.set_parameter("movement", chosen)
    return str(chosen)


# ---- 1. who ---------------------------------------------------------------------------------------------------------


def _who(here: Visit, found: Scene, movement_id: str) -> list[str]:
    """Who is ticked; their families are added and named at once."""
    st.header(here.t("view.cannot_go_on.who"), anchor=False)
    if found.together > 1:
        st.toggle(
            here.t(
                "view.cannot_go_on.all_here",
                movements=plural("view.cannot_go_on.movements", here.language, found.together),
                place=place_text(here, found.place_id),
            ),
            True,
            key=f"stop.all.{movement_id}",
        )
    by_id = {each.person.person_id: each for each in found.people}
    labels = {movement.movement_id: movement.label for movement in found.movements}
    ticked = st.multiselect(
        here.t("view.cannot_go_on.names"),
        list(by_id),
        format_func=lambda each: f"{by_id[each].name} · {labels[by_id[each].movement_id]}",
        placeholder=here.t("view.cannot_go_on.type_name"),
        filter_mode="contains",
        key=f"stop.who.{movement_id}",
    )
    if not ticked:
        st.caption(here.t("view.cannot_go_on.tick_first"))
        return []
    groups = {by_id[each].person.group_id for each in ticked}
    staying = [each for each in found.people if each.person.group_id in groups]
    going = len(found.people) - len(staying)
    st.info(
        plain(
            here.t(
                "view.cannot_go_on.families",
                staying=plural("view.cannot_go_on.stay", here.language, len(staying)),
                going=plural("view.cannot_go_on.go", here.language, going),
                movements=plural("view.cannot_go_on.movements", here.language, len(found.movements)),
            )
        )
    )
    _staying(here, staying, set(ticked), labels)
    return list(ticked)


def _staying(here: Visit, staying: Sequence[Traveller], ticked: set[str], labels: Mapping[str, str]) -> None:
    today = clock.today(here.zone_name)
    components.table(
        [here.t("column.name"), here.t("column.age"), here.t("column.why"), here.t("column.vehicle")],
        [
            (
                each.name,
                components.age_text(each.person, today),
                here.t(
                    "view.cannot_go_on.ticked"
                    if each.person.person_id in ticked
                    else "view.cannot_go_on.with_family"
                ),
                labels[each.movement_id],
            )
            for each in sorted(staying, key=lambda one: (one.person.group_id, one.person.person_id not in ticked))
        ],
        numbers=" n",
    )  # fmt: skip


# ---- 2. where they stay, and with whom ------------------------------------------------------------------------------


def _where(here: Visit, found: Scene, ticked: Sequence[str], movement_id: str) -> None:
    st.header(here.t("view.cannot_go_on.where"), anchor=False)
    movement_ids = [movement.movement_id for movement in found.movements]

    def read(db: Session, actor: Actor) -> tuple[tuple[Shelter, ...], tuple[Officer, ...], int]:
        return (
            stopping.shelters(db, actor, place_id=found.place_id),
            stopping.officers(db, actor, movement_ids=movement_ids, person_ids=ticked),
            stopping.officers_needed(db, ticked),
        )

    places, able, needed = session.look(read)
    beds = {each.place_id: each.free_beds for each in places}
    left, right = st.columns([5, 2])
    place_id = left.selectbox(
        here.t("view.cannot_go_on.place"),
        list(beds),
        format_func=lambda each: _shelter_words(here, each, beds[each]),
        key=f"stop.place.{movement_id}",
    )
    with right:
        until = components.day_field(
            here,
            "unfit_until",
            key=f"stop.until.{movement_id}",
            value=components.day_text(clock.today(here.zone_name) + timedelta(days=stopping.UNFIT_DAYS)),
            help_key="help.unfit_until",
        )
    escort_ids: list[str] = []
    if needed:
        labels = {movement.movement_id: movement.label for movement in found.movements}
        by_id = {each.escort.escort_id: each for each in able}
        escort_ids = st.multiselect(
            here.t("view.cannot_go_on.officers", n=needed),
            list(by_id),
            default=list(stopping.suggested(able, needed)),
            format_func=lambda each: _officer_words(here, by_id[each], labels),
            placeholder=here.t("view.choose"),
            key=f"stop.officers.{movement_id}.{','.join(sorted(ticked))}",
        )
        st.caption(plain(here.t("view.cannot_go_on.never_alone", n=needed)))

    def wanted() -> Wanted:
        return Wanted(
            movement_ids=tuple(movement_ids),
            person_ids=tuple(ticked),
            until=components.needed_day(until, field="unfit_until"),
            place_id=place_id,
            escort_ids=tuple(escort_ids),
        )

    _facts(here, found, wanted, movement_id)


def _shelter_words(here: Visit, place_id: str, free: int | None) -> str:
    if free is None:
        return here.t("view.cannot_go_on.no_beds", place=session.named(place_id))
    return here.t("view.cannot_go_on.beds", place=session.named(place_id), n=free)


def _officer_words(here: Visit, each: Officer, labels: Mapping[str, str]) -> str:
    where = labels.get(each.movement_id) or here.t("view.cannot_go_on.not_aboard")
    words = f"{each.escort.name} · {where}"
    return f"{words} · {here.t('view.cannot_go_on.knows', n=each.approved_count)}" if each.approved_count else words


# ---- 3. the facts, and the click ------------------------------------------------------------------------------------


def _facts(here: Visit, found: Scene, wanted: Callable[[], Wanted], movement_id: str) -> None:
    st.header(here.t("view.cannot_go_on.facts"), anchor=False)
    would = session.tried(lambda db, actor: stopping.foresee(db, actor, wanted=wanted()))
    if would is None:
        return
    labels = {movement.movement_id: movement.label for movement in found.movements}
    _movements(here, would, labels, {each.person.person_id: each.name for each in found.people})
    _beds(here, would)
    _told(here, would)
    session.act_button(
        here.t(
            "view.cannot_go_on.do",
            staying=plural("view.cannot_go_on.stay", here.language, would.staying),
            going=plural("view.cannot_go_on.go", here.language, would.going),
        ),
        "changes.unfit",
        lambda db, actor: stopping.stop(db, actor, wanted=wanted()),
        key=f"stop.do.{movement_id}",
        primary=True,
        after=lambda made: session.set_parameter("stay", made.stay_id),
    )
    st.caption(here.t("view.cannot_go_on.no_undo"))


def _movements(here: Visit, would: Outcome, labels: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Each movement before and after, its list, and why it has none any more where that is so."""
    components.table(
        [here.t("column.movement"), here.t("column.before"), here.t("column.after"), here.t("column.list")],
        [
            (labels.get(each.movement_id, each.movement_id), each.before, each.after, _list_words(here, each))
            for each in sorted(would.movements, key=lambda one: labels.get(one.movement_id, ""))
        ],
        numbers=" nn",
    )
    for each in would.movements:
        if each.findings:
            label = labels.get(each.movement_id, each.movement_id)
            st.warning(plain(here.t("view.cannot_go_on.void_why", movement=label)))
            components.findings(here, each.findings, names)
    if would.is_whole and any(each.old_version for each in would.movements):
        st.success(plain(here.t("view.cannot_go_on.ratio_ok")))


def _list_words(here: Visit, each: MovementChange) -> str:
    if not each.old_version:
        return here.t("view.cannot_go_on.no_list")
    if each.version is not None:
        return here.t("view.cannot_go_on.replaces", new=each.version, old=each.old_version)
    return here.t("view.cannot_go_on.void" if each.after else "view.cannot_go_on.nobody_left", old=each.old_version)


def _beds(here: Visit, would: Outcome) -> None:
    """What is left of the beds once they are there; where there are too few or none on record, what to do."""
    place = session.named(would.stay.place_id)
    if would.free_beds is None:
        st.warning(plain(here.t("view.cannot_go_on.beds_none", place=place)))
    elif would.free_beds == 0:
        st.warning(plain(here.t("view.cannot_go_on.beds_full", place=place)))
    else:
        st.markdown(plain(here.t("view.cannot_go_on.beds_left", place=place, n=would.free_beds)))


def _told(here: Visit, would: Outcome) -> None:
    if not would.told:
        return
    names = _escort_names()
    now = [each for each in would.told if each.kind is not PartyKind.CONSULATE]
    later = [each for each in would.told if each.kind is PartyKind.CONSULATE]
    lines = [here.t("view.cannot_go_on.told_now", who=_parties(here, now, names))] if now else []
    lines += [
        here.t("view.cannot_go_on.told_batch", who=_parties(here, [each], names), time=here.time(each.visible_from))
        for each in later
    ]
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def _parties(here: Visit, told: Sequence[Told], names: Mapping[str, str]) -> str:
    """Parties by name; escorts, who are many, by their number."""
    escorts = sum(each.kind is PartyKind.ESCORT for each in told)
    words = [
        named_party(here, each.kind, each.party_id, names) for each in told if each.kind is not PartyKind.ESCORT
    ]  # fmt: skip
    if escorts:
        words.append(plural("view.cannot_go_on.escorts", here.language, escorts))
    return "; ".join(words)


def _escort_names() -> dict[str, str]:
    return session.look(stopping.escort_names)


# ---- 4. done: print, and what next ----------------------------------------------------------------------------------


def _done(here: Visit, stay_id: str) -> None:
    """What was done, the lists to print and to destroy, who knows it already, what comes next for those who stay."""
    found = session.persons(
        "changes.unfit",
        lambda db, actor: stopping.aftermath(db, actor, stay_id=stay_id),
        lambda each: [one.person_id for one in each.people],
    )
    done = found.outcome
    st.success(
        plain(
            here.t(
                "view.cannot_go_on.done",
                staying=plural("view.cannot_go_on.stay", here.language, done.staying),
                going=plural("view.cannot_go_on.go", here.language, done.going),
                movements=plural(
                    "view.cannot_go_on.movements", here.language, sum(bool(each.after) for each in done.movements)
                ),
                time=here.time(done.stay.recorded_at),
            )
        )
    )
    st.header(here.t("view.cannot_go_on.print"), anchor=False)
    names = {each.escort_id: each.name for each in found.escorts}
    for each in sorted(done.movements, key=lambda one: found.movements[one.movement_id].label):
        _print(here, each, found.movements[each.movement_id].label, found.copies[each.movement_id], names)
    st.header(here.t("view.cannot_go_on.told"), anchor=False)
    escorts = [each for each in done.told if each.kind is PartyKind.ESCORT]
    _knowing(here, [each for each in done.told if each.kind is not PartyKind.ESCORT], names)
    if escorts:
        with st.expander(plural("view.cannot_go_on.escorts", here.language, len(escorts))):
            _knowing(here, escorts, names)
    st.caption(plain(here.t("view.cannot_go_on.batch", time=here.time(notices.next_batch(done.stay.recorded_at)))))
    st.header(here.t("view.cannot_go_on.next"), anchor=False)
    people = ", ".join(f"{each.given_names} {each.family_names}".strip() for each in found.people)
    steps = [
        here.t("view.cannot_go_on.next_place", people=people, place=session.named(done.stay.place_id)),
        *(
            [here.t("view.cannot_go_on.next_officers", names=", ".join(each.name for each in found.staying_escorts))]
            if found.staying_escorts
            else []
        ),
        here.t("view.cannot_go_on.next_health", day=here.day(done.stay.until)),
        here.t("view.cannot_go_on.next_plan"),
    ]
    st.markdown("\n".join(f"{number}. {plain(step)}" for number, step in enumerate(steps, start=1)))
    with st.container(horizontal=True):
        session.link_to("readiness", here.t("view.cannot_go_on.to_readiness"))
        session.link_to("plan", here.t("view.cannot_go_on.to_plan"))
        if st.button(here.t("view.cannot_go_on.again"), key="stop.again"):
            session.set_parameter("stay", "")
            st.rerun()


def _knowing(here: Visit, told: Sequence[Told], names: Mapping[str, str]) -> None:
    """Who knows it from when, and on how many of their movements they have acknowledged the new list."""
    now = clock.now()
    components.table(
        [here.t("column.party"), here.t("column.knows_from"), here.t("column.acknowledged")],
        [
            (
                named_party(here, each.kind, each.party_id, names),
                here.time(each.visible_from) if each.visible_from > now else here.t("view.cannot_go_on.now"),
                "–" if each.kind is PartyKind.CONSULATE else f"{each.acknowledged} / {len(each.movement_ids)}",
            )
            for each in told
        ],
        numbers="  n",
    )


def _print(
    here: Visit, change: MovementChange, label: str, copies: Sequence[ManifestCopy], names: Mapping[str, str]
) -> None:
    """The new papers of one movement: the way's recipients at once, those of escorts on demand."""
    words = (
        _list_words(here, change)
        if change.version is None
        else f"✂ {here.t('view.cannot_go_on.destroy', new=change.version, old=change.old_version)}"
    )
    st.markdown(f"**{plain(label)}** · {plain(words)}")
    if change.findings:
        components.findings(here, change.findings)
        session.link_to(
            "manifest", here.t("view.cannot_go_on.to_movement"), parameters={"movement": change.movement_id}
        )
    if change.version is None:
        return
    shown = [each for each in copies if each.visible_from <= clock.now()]
    first = [each for each in shown if each.recipient_kind is not PartyKind.ESCORT]
    others = [each for each in shown if each.recipient_kind is PartyKind.ESCORT]
    with st.container(horizontal=True):
        for each in first:
            _link(here, each, names)
    if others:
        panel = st.expander(
            plural("view.cannot_go_on.escort_papers", here.language, len(others)), on_change="rerun",
            key=f"stop.papers.{change.movement_id}",
        )  # fmt: skip
        if panel.open:
            with panel, st.container(horizontal=True):
                for each in others:
                    _link(here, each, names)


def _link(here: Visit, copy: ManifestCopy, names: Mapping[str, str]) -> None:
    party = named_party(here, copy.recipient_kind, copy.recipient_id, names)
    object_id = f"{copy.movement_id}/{copy.recipient_kind.value}/{copy.recipient_id}"
    session.file_link("manifest_pdf", object_id, f"PDF v{copy.number} · {party}")
