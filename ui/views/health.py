"""Health: fit, with help, or not now; until when; which help. No diagnosis has a field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st
from sqlmodel import Session

from retorno import changes, clock, health, intake
from retorno.errors import Fault, InputError
from retorno.health import Waiting
from retorno.models.people import FitnessCreate
from retorno.office.access import Actor
from retorno.vocabulary import FitnessOutcome, HoldKind, Need
from ui import components, lists, session
from ui.session import Visit


def show() -> None:
    """Who waits for a check, then the form for one person."""
    here = session.visit()
    components.title(here, "view.health.title")
    found = session.persons("health.read", health.waiting, lambda rows: [row.person.person_id for row in rows])
    if not found:
        components.empty(here, "view.health.empty")
        return
    today = clock.today(here.zone_name)
    due = [row for row in found if health.is_due(row, today)]
    rows = {
        "due": due,
        "journey": [row for row in found if row.journey is not None],
        "pregnant": [row for row in found if row.weeks_now is not None],
        "not_now": [row for row in found if row.fitness and row.fitness.outcome is FitnessOutcome.NOT_NOW],
        "everyone": found,
    }
    chosen = lists.shelf(here, "show", {name: len(each) for name, each in rows.items()}, "view.health.tab")
    st.caption(here.t(f"view.health.about.{chosen}"))
    shown = lists.search(here, rows[chosen], lambda row: components.full_name(row.person), key="health")
    if not rows[chosen]:
        components.empty(here, f"view.health.none.{chosen}")
    elif not shown:
        components.empty(here, "lists.no_match")
    else:
        _list(here, shown)
    _choose(here, shown or found)


def _list(here: Visit, rows: Sequence[Waiting]) -> None:
    today = clock.today(here.zone_name)
    names = ("name", "age", "state", "until", "needs", "travels_on")
    components.table(
        [here.t(f"column.{name}") for name in names],
        [
            (
                components.full_name(row.person),
                components.age_text(row.person, today),
                _state(here, row),
                _until(here, row, today),
                _needs(here, row),
                here.day(clock.local(row.journey.depart_at, here.zone_name).date()) if row.journey else "–",
            )
            for row in components.paged(rows, here, "health")
        ],
        numbers=" n    ",
    )


def _state(here: Visit, row: Waiting) -> str:
    words = here.t(f"fitness.{row.fitness.outcome.value}" if row.fitness else "fitness.none")
    return words + (f"\n{here.t('view.health.weeks', n=row.weeks_now)}" if row.weeks_now is not None else "")


def _until(here: Visit, row: Waiting, today: date) -> str:
    """Until when the record counts, and why somebody has to look."""
    if row.fitness is None:
        return here.t("view.health.waits", n=(today - row.person.stranded_since).days)
    text = components.day_text(row.fitness.valid_until)
    if row.fitness.valid_until < today:
        return f"{text} ({here.t('view.health.over')})"
    return f"{text} ({here.t('view.health.ends_on_journey')})" if row.ends_on_journey else text


def _choose(here: Visit, found: Sequence[Waiting]) -> None:
    by_id = {row.person.person_id: row for row in found}
    chosen = st.selectbox(
        here.t("view.health.one"),
        list(by_id),
        index=None,
        format_func=lambda each: components.full_name(by_id[each].person),
        placeholder=here.t("view.choose"),
        key="health.person",
    )
    if chosen is not None:
        _form(here, by_id[chosen])


def _needs(here: Visit, row: Waiting) -> str:
    codes = [code for code in (row.fitness.needs if row.fitness else "").split(";") if code]
    return ", ".join(here.t(f"need.{code}") for code in codes) or "–"


def _form(here: Visit, row: Waiting) -> None:
    key = f"health.{row.person.person_id}"
    today = clock.today(here.zone_name)
    last = row.fitness
    if last is not None:
        st.caption(
            here.t("view.health.last", what=_state(here, row).replace("\n", ", "), until=_until(here, row, today))
        )
    outcome = st.radio(
        here.t("field.fitness"),
        list(FitnessOutcome),
        index=None,
        horizontal=True,
        format_func=lambda code: here.t(f"fitness.{code.value}"),
        key=f"{key}.outcome",
    )
    first, second = st.columns(2)
    with first:
        until = components.day_field(
            here, "valid_until", key=f"{key}.until", value=components.day_text(today + timedelta(days=30))
        )
        may_fly = st.checkbox(here.t("field.may_fly"), last is None or last.may_fly, key=f"{key}.fly")
    with second:
        needs = st.multiselect(
            here.t("field.needs"),
            list(Need),
            [Need(code) for code in (last.needs if last else "").split(";") if code],
            format_func=lambda code: here.t(f"need.{code.value}"),
            placeholder=here.t("view.none"),
            key=f"{key}.needs",
        )
        is_long_ok = st.checkbox(
            here.t("field.is_long_land_leg_ok"), last is not None and last.is_long_land_leg_ok, key=f"{key}.long"
        )
    with st.expander(here.t("view.health.pregnancy"), expanded=row.weeks_now is not None):
        first, second, third = st.columns(3)
        with first:
            weeks = st.number_input(here.t("field.pregnancy_weeks"), 1, 45, value=row.weeks_now, key=f"{key}.weeks")
            is_multiple = st.checkbox(
                here.t("field.is_multiple_pregnancy"),
                row.weeks_now is not None and last is not None and last.is_multiple_pregnancy,
                key=f"{key}.multiple",
            )
        with second:
            certificate = components.day_field(here, "certificate_on", key=f"{key}.certificate")
        with third:
            birth = components.day_field(
                here,
                "gave_birth_on",
                key=f"{key}.birth",
                value=components.day_text(last.gave_birth_on if last else None),
            )

    def read_days() -> dict[str, date | None]:
        return components.read_all(
            {
                "valid_until": lambda: components.parse_day(until, field="valid_until"),
                "gave_birth_on": lambda: components.parse_day(birth, field="gave_birth_on"),
                "certificate_on": lambda: components.parse_day(certificate, field="certificate_on"),
            }
        )

    def stop(db: Session, actor: Actor) -> changes.Effect:
        day = read_days()["valid_until"]
        if day is None:
            raise InputError([Fault(column="valid_until", code="EMPTY", what="empty, expected a date")])
        return changes.record_unfit(db, actor, person_ids=[row.person.person_id], until=day)

    def save(db: Session, actor: Actor) -> object:
        if outcome is None:
            raise InputError([Fault(column="fitness", code="EMPTY", what="empty, expected an outcome")])
        days = read_days()
        form = intake.read_form(
            FitnessCreate,
            {
                "outcome": outcome,
                "valid_from": today,
                "may_fly": may_fly,
                "pregnancy_weeks": weeks,
                "is_multiple_pregnancy": is_multiple,
                "is_long_land_leg_ok": is_long_ok,
            }
            | days,
        )
        return health.record_fitness(db, actor, person_id=row.person.person_id, fitness=form, needs=needs)

    if outcome is FitnessOutcome.NOT_NOW:
        # A medical stop frees the seats of the whole group, so it is asked before it is done.
        components.danger(
            here,
            here.t("view.health.stop"),
            here.t("view.health.stop_facts", name=components.isolated(components.full_name(row.person))),
            here.t("view.health.stop"),
            "changes.unfit",
            stop,
            key=f"{key}.stop",
            said=lambda effect: components.effect_text(here, effect),
            after=lambda _: session.clear_fields("health."),
            primary=True,
        )
    else:
        session.act_button(
            here.t("view.health.save"),
            "health.record",
            save,
            key=f"{key}.save",
            primary=True,
            said=here.t("view.health.saved"),
            after=lambda _: session.clear_fields("health."),
        )
    components.danger(
        here,
        here.t("view.case.afraid"),
        here.t("view.case.afraid_facts", name=components.isolated(components.full_name(row.person))),
        here.t("view.case.afraid_do"),
        "changes.hold",
        lambda db, actor: changes.raise_hold(db, actor, person_id=row.person.person_id, kind=HoldKind.FEAR),
        key=f"{key}.afraid",
        said=here.t("view.case.afraid_done"),
    )
