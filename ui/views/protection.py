"""Protection: open holds and who waits, screenings, children's files, escorts, lifting by two."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock, intake, protection
from retorno.errors import Fault, InputError
from retorno.models.protection import BestInterestCreate, Hold
from retorno.office.access import Actor
from retorno.protection import ProtectionCase
from retorno.vocabulary import BestInterestOutcome, HoldKind
from ui import components, lists, session
from ui.session import Visit, plain

TABS = ("touched", "holds", "screenings", "children", "doubt", "everyone")


def show() -> None:
    """Who needs me today, then one person."""
    here = session.visit()
    components.title(here, "view.protection.title")
    found = session.persons("protection.read", protection.cases, lambda rows: [row.person.person_id for row in rows])
    if not found:
        components.empty(here, "view.protection.empty")
        return
    today = clock.today(here.zone_name)
    rows = {
        "touched": [row for row in found if row.is_touched],
        "holds": [row for row in found if row.holds],
        "screenings": sorted(
            (row for row in found if protection.needs_screening(row, today)),
            key=lambda row: (row.screen_by is not None, row.screen_by or today),
        ),
        "children": [row for row in found if row.person.is_unaccompanied],
        "doubt": [row for row in found if row.person.is_age_in_doubt],
        "everyone": found,
    }
    chosen = lists.shelf(here, "show", {name: len(rows[name]) for name in TABS}, "view.protection.tab")
    st.caption(here.t(f"view.protection.about.{chosen}"))
    shown = lists.search(here, rows[chosen], _text, key="protection")
    if not rows[chosen]:
        components.empty(here, f"view.protection.none.{chosen}")
    elif not shown:
        components.empty(here, "lists.no_match")
    elif chosen == "holds":
        _holds(here, shown)
    else:
        _list(here, shown, chosen)
    _choose(here, shown or found)


def _text(row: ProtectionCase) -> str:
    return f"{components.full_name(row.person)} {row.case_reference}"


def _holds(here: Visit, rows: Sequence[ProtectionCase]) -> None:
    today = clock.today(here.zone_name)
    names = ("name", "case", "kind", "since", "review", "journey", "state")
    components.table(
        [here.t(f"column.{name}") for name in names],
        [
            (
                components.full_name(row.person),
                row.case_reference,
                here.t(f"hold.{hold.kind.value}"),
                here.time(hold.raised_at),
                _review(here, hold, today),
                _journey(here, row),
                _hold_state(here, hold),
            )
            for row in components.paged(rows, here, "protection.holds")
            for hold in row.holds
        ],
    )


def _review(here: Visit, hold: Hold, today: date) -> str:
    if hold.review_on is None:
        return here.t("view.protection.no_review")
    due = f" ({here.t('view.protection.due')})" if hold.review_on <= today else ""
    return f"{components.day_text(hold.review_on)}{due}"


def _hold_state(here: Visit, hold: Hold) -> str:
    if hold.lift_proposed_by is None:
        return here.t("view.protection.open")
    mine = hold.lift_proposed_by == here.actor.user_id
    return here.t("view.protection.lift_other" if mine else "view.protection.lift_waits")


def _journey(here: Visit, row: ProtectionCase) -> str:
    """Whether a plan counts on the person, and since when."""
    if row.journey is not None:
        since = (
            "\n"
            + here.t("view.protection.seat_since", day=here.day(clock.local(row.journey.since, here.zone_name).date()))
            if row.journey.since
            else ""
        )
        return f"{row.journey.reference}, {here.day(clock.local(row.journey.depart_at, here.zone_name).date())}{since}"
    if row.in_draft_since is not None:
        return here.t("view.protection.in_draft", t=here.time(row.in_draft_since))
    return here.t("view.protection.no_plan")


def _list(here: Visit, rows: Sequence[ProtectionCase], key: str) -> None:
    today = clock.today(here.zone_name)
    names = ("name", "case", "age", "screened", "child_file", "journey")
    components.table(
        [here.t(f"column.{name}") for name in names],
        [
            (
                components.full_name(row.person),
                row.case_reference,
                components.age_text(row.person, today)
                + (f" ({here.t('view.protection.in_doubt')})" if row.person.is_age_in_doubt else ""),
                _screened(here, row, today),
                _file_text(here, row),
                _journey(here, row),
            )
            for row in components.paged(rows, here, key)
        ],
        numbers="  n   ",
    )


def _screened(here: Visit, row: ProtectionCase, today: date) -> str:
    if row.screening is None or row.screen_by is None:
        return here.t("view.protection.never")
    key = "view.protection.screen_over" if row.screen_by < today else "view.protection.screen_until"
    return here.t(key, day=components.day_text(row.screen_by))


def _file_text(here: Visit, row: ProtectionCase) -> str:
    if not row.person.is_unaccompanied:
        return "–"
    if not row.missing:
        until = components.day_text(row.decision.valid_until) if row.decision else ""
        return f"{here.t('view.protection.complete')} {here.t('view.until')} {until}".strip()
    return here.t("view.protection.lacks", parts=", ".join(here.t(f"field.{name}") for name in row.missing))


def _choose(here: Visit, found: Sequence[ProtectionCase]) -> None:
    by_id = {row.person.person_id: row for row in found}
    chosen = st.selectbox(
        here.t("view.protection.one"),
        list(by_id),
        index=list(by_id).index(session.parameter("person")) if session.parameter("person") in by_id else None,
        format_func=lambda each: f"{components.full_name(by_id[each].person)} · {by_id[each].case_reference}",
        placeholder=here.t("view.choose"),
        key="protection.person",
    )
    if chosen is None:
        return
    session.set_parameter("person", chosen)
    _person(here, by_id[chosen])


def _facts(here: Visit, row: ProtectionCase) -> None:
    """What protection may see of a person, at a glance."""
    person, today = row.person, clock.today(here.zone_name)
    born = components.day_text(person.birth_date)
    waiting = here.t("view.protection.days", n=(today - person.stranded_since).days)
    lines = [
        (here.t("column.case"), row.case_reference),
        (here.t("column.age"), components.age_text(person, today) + (f" ({born})" if born else "")),
        (here.t("field.sex"), here.t(f"sex.{person.sex.value}")),
        (here.t("column.nationality"), session.named(person.nationality, here.language)),
        (here.t("column.language"), components.language_name(person.contact_language, here.language)),
        (here.t("field.phone"), person.phone or "–"),
        (here.t("column.days_waiting"), waiting),
        (here.t("column.journey"), _journey(here, row)),
        (here.t("column.screened"), _screened(here, row, today)),
    ]
    if person.is_age_in_doubt:
        lines.append((here.t("field.is_age_in_doubt"), here.t("view.protection.doubt_means")))
    components.table([here.t("column.what"), here.t("column.result")], lines)


def _person(here: Visit, row: ProtectionCase) -> None:
    st.header(components.full_name(row.person), anchor=False)
    _facts(here, row)
    for hold in row.holds:
        _hold(here, row, hold)
    names = ["screen", "raise"] + (["child", "escort"] if row.person.is_unaccompanied else []) + ["age"]
    for name, tab in zip(names, st.tabs([here.t(f"view.protection.do.{name}") for name in names]), strict=True):
        with tab:
            {"screen": _screen, "raise": _raise, "child": _child, "escort": _escort, "age": _age}[name](here, row)


def _hold(here: Visit, row: ProtectionCase, hold: Hold) -> None:
    """What is known of a hold, and its next signature."""
    with st.container(border=True):
        raised = here.t(
            "view.protection.raised",
            name=row.raised_by.get(hold.raised_by, hold.raised_by),
            at=here.time(hold.raised_at),
        )
        note = hold.note or here.t("view.protection.no_note")
        st.markdown(f"**{plain(here.t(f'hold.{hold.kind.value}'))}**  \n{plain(raised)}  \n{plain(note)}")
        if hold.lift_proposed_by and hold.lift_proposed_at:
            name = row.raised_by.get(hold.lift_proposed_by, hold.lift_proposed_by)
            at = here.time(hold.lift_proposed_at)
            st.markdown(plain(here.t("view.protection.proposed_by", name=name, at=at)))
        if hold.lift_proposed_by and hold.lift_proposed_by != here.actor.user_id:
            st.markdown(plain(here.t("view.protection.decision_says", text=hold.lift_decision)))
            components.danger(
                here,
                here.t("view.protection.lift"),
                here.t("view.protection.lift_facts"),
                here.t("view.protection.lift"),
                "protection.lift",
                lambda db, actor: protection.lift_hold(db, actor, hold_id=hold.hold_id, version=hold.version),
                key=f"lift.{hold.hold_id}",
                said=here.t("view.protection.lifted"),
            )
            return
        if hold.lift_proposed_by:
            st.info(plain(here.t("view.protection.second_hold")))
            return
        st.caption(here.t("view.protection.lift_by_two"))
        decision = st.text_area(
            here.t("field.decision"), key=f"decision.{hold.hold_id}.{hold.version}", help=here.t("help.decision")
        )
        session.act_button(
            here.t("view.protection.propose"),
            "protection.lift",
            lambda db, actor: protection.propose_lift(
                db, actor, hold_id=hold.hold_id, version=hold.version, decision=decision
            ),
            key=f"propose.{hold.hold_id}",
            said=here.t("view.protection.proposed"),
        )


def _screen(here: Visit, row: ProtectionCase) -> None:
    person_id = row.person.person_id
    now = clock.local(clock.now(), here.zone_name)
    first, second, _ = st.columns(3)
    with first:
        day = components.day_field(here, "screened_on", key=f"screen.{person_id}", value=f"{now:%d/%m/%Y}")
    at = second.text_input(here.t("field.time"), f"{now:%H:%M}", key=f"screen.at.{person_id}")
    is_victim = st.checkbox(here.t("field.is_victim_of_trafficking"), key=f"screen.victim.{person_id}")

    def record(db: Session, actor: Actor) -> object:
        screened_at: datetime = components.parse_instant(day, at, here.zone_name, field="screened_on")
        return protection.record_screening(
            db, actor, person_id=person_id, screened_at=screened_at, is_victim_of_trafficking=is_victim
        )

    session.act_button(
        here.t("view.protection.save_screening"),
        "protection.screen",
        record,
        key=f"screen.do.{person_id}",
        primary=True,
        said=here.t("view.protection.screened"),
    )


def _raise(here: Visit, row: ProtectionCase) -> None:
    person_id = row.person.person_id
    first, second = st.columns(2)
    with first:
        kind = components.choice(
            here, here.t("field.hold_kind"), list(HoldKind), "hold", key=f"hold.kind.{person_id}", index=None
        )
        review = components.day_field(here, "review_on", key=f"hold.review.{person_id}")
    note = second.text_area(here.t("field.note"), key=f"hold.note.{person_id}", help=here.t("help.note"))

    def raise_hold(db: Session, actor: Actor) -> changes.Effect:
        if kind is None:
            raise InputError([Fault(column="hold_kind", code="EMPTY", what="empty, expected a kind")])
        return changes.raise_hold(
            db,
            actor,
            person_id=person_id,
            kind=kind,
            note=note,
            review_on=components.parse_day(review, field="review_on"),
        )

    components.danger(
        here,
        here.t("view.protection.raise"),
        here.t("view.protection.raise_facts", name=components.isolated(components.full_name(row.person))),
        here.t("view.protection.raise"),
        "changes.hold",
        raise_hold,
        key=f"hold.do.{person_id}",
        said=lambda effect: components.effect_text(here, effect),
    )


def _age(here: Visit, row: ProtectionCase) -> None:
    """Whether the age is in doubt, and what that changes."""
    person = row.person
    st.markdown(
        plain(here.t("view.protection.age_is_in_doubt" if person.is_age_in_doubt else "view.protection.age_what"))
    )
    session.act_button(
        here.t("view.protection.age_settled" if person.is_age_in_doubt else "view.protection.age_doubt"),
        "protection.age",
        lambda db, actor: protection.set_age_in_doubt(
            db, actor, person_id=person.person_id, version=person.version, is_in_doubt=not person.is_age_in_doubt
        ),
        key=f"age.{person.person_id}",
        said=here.t("view.protection.age_saved"),
    )


def _child(here: Visit, row: ProtectionCase) -> None:
    """The best-interest file: the last decision, the signatures to travel, and a form for a new decision."""
    decision = row.decision
    if decision is not None:
        components.table(
            [here.t("column.what"), here.t("column.result")],
            [
                (here.t("field.outcome"), here.t(f"best_interest.{decision.outcome.value}")),
                (here.t("field.body"), decision.body),
                (here.t("field.decided_on"), components.day_text(decision.decided_on)),
                (here.t("field.valid_until"), components.day_text(decision.valid_until)),
                (
                    here.t("view.protection.missing"),
                    ", ".join(here.t(f"field.{name}") for name in row.missing) or here.t("view.protection.nothing"),
                ),
            ],
        )
        if any(name != "cleared_at" for name in row.missing):
            st.info(plain(here.t("view.protection.fill")))
        elif decision.cleared_at is None and decision.cleared_by != here.actor.user_id:
            session.act_button(
                here.t("view.protection.clear"),
                "protection.best_interest",
                lambda db, actor: protection.clear_to_travel(
                    db, actor, decision_id=decision.decision_id, version=decision.version
                ),
                key=f"clear.{decision.decision_id}",
                primary=True,
                said=here.t("view.protection.cleared"),
            )
        elif decision.cleared_at is None:
            st.info(plain(here.t("view.protection.second")))
    _new_decision(here, row)


def _new_decision(here: Visit, row: ProtectionCase) -> None:
    last = row.decision
    key = f"child.{row.person.person_id}.{last.decision_id if last else ''}"
    is_incomplete = last is None or any(name != "cleared_at" for name in row.missing)
    with st.expander(here.t("view.protection.new_decision"), expanded=is_incomplete):
        first, second, third = st.columns(3)
        outcomes = list(BestInterestOutcome)
        with first:
            outcome = components.choice(
                here,
                here.t("field.outcome"),
                outcomes,
                "best_interest",
                key=f"{key}.out",
                index=outcomes.index(last.outcome) if last else None,
            )
            body = st.text_input(here.t("field.body"), last.body if last else "", key=f"{key}.body")
            pickup = st.text_input(here.t("field.pickup_named"), last.pickup_named if last else "", key=f"{key}.pickup")
        days = {}
        for column, names in (
            (second, ("decided_on", "valid_until", "guardian_consent_on")),
            (third, ("child_view_recorded_on", "receiving_agreed_on")),
        ):
            with column:
                for name in names:
                    held = components.day_text(getattr(last, name)) if last else ""
                    days[name] = components.day_field(here, name, key=f"{key}.{name}", value=held)

        def save(db: Session, actor: Actor) -> object:
            read = components.read_all(
                {name: lambda name=name: components.parse_day(days[name], field=name) for name in days}
            )
            values = {"outcome": outcome, "body": body, "pickup_named": pickup} | read
            form = intake.read_form(
                BestInterestCreate, {name: value for name, value in values.items() if value is not None}
            )
            return protection.record_best_interest(db, actor, person_id=row.person.person_id, decision=form)

        session.act_button(
            here.t("view.protection.save_decision"),
            "protection.best_interest",
            save,
            key=f"{key}.save",
            said=here.t("view.protection.decision_saved"),
        )


def _escort(here: Visit, row: ProtectionCase) -> None:
    escorts = session.look(protection.escorts)
    names = {each.escort_id: each.name for each in escorts}
    if row.approvals:
        components.table(
            [here.t("column.escort"), here.t("column.until")],
            [
                (names.get(each.escort_id, each.escort_id), components.day_text(each.valid_until))
                for each in row.approvals
            ],
        )
    if not escorts:
        components.empty(here, "view.protection.no_escort")
        return
    first, second, _ = st.columns(3)
    chosen = first.selectbox(
        here.t("column.escort"),
        list(names),
        index=None,
        format_func=lambda each: names[each],
        placeholder=here.t("view.choose"),
        key=f"escort.{row.person.person_id}",
    )
    with second:
        until = components.day_field(here, "valid_until", key=f"escort.until.{row.person.person_id}")

    def approve(db: Session, actor: Actor) -> object:
        day = components.parse_day(until, field="valid_until")
        if chosen is None or day is None:
            raise InputError([Fault(column="valid_until", code="EMPTY", what="empty, expected a value")])
        return protection.approve_escort(db, actor, person_id=row.person.person_id, escort_id=chosen, valid_until=day)

    session.act_button(
        here.t("view.protection.approve"),
        "protection.escort",
        approve,
        key=f"escort.do.{row.person.person_id}",
        primary=True,
        said=here.t("view.protection.approved"),
    )
