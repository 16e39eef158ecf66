"""Hours and agreements: dated facts laid over the shipped ones, each with who said so."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from sqlmodel import Session

from retorno import clock
from retorno.models.movements import AgreementConfirmation
from retorno.office.access import Actor
from retorno.routes.cells import WEEKDAYS
from retorno.routes.rows import Hours
from retorno.situation import ground
from retorno.supply import ground_acts
from retorno.supply.ground_acts import AgreementRow, AgreementTerms, HoursRow, Standing
from retorno.vocabulary import Profile, Role
from ui import components, lists, session
from ui.session import Visit, plain

MINUTES = 60
ASSUMPTION = "ASSUMPTION"
"""What the data name as the source of something that we assumed (data/sources.csv)."""


def show() -> None:
    """Agreements, those ending soon first; for administrators also the hours of posts."""
    here = session.visit()
    components.title(here, "view.ground.title")
    found = session.look(ground_acts.agreements)
    live = [each for each in found if each.standing in (Standing.CURRENT, Standing.SOON, Standing.NOT_YET)]
    rows = {
        "soon": [each for each in live if each.standing is Standing.SOON],
        "land": [each for each in live if "land" in each.row.mode],
        "air": [each for each in live if "air" in each.row.mode],
        "ended": [each for each in found if each not in live],
    }
    counts = {name: len(each) for name, each in rows.items()}
    is_administrator = here.actor.has(Role.ADMINISTRATOR)
    chosen = lists.shelf(here, "show", counts | ({"hours": -1} if is_administrator else {}), "view.ground.tab")
    if chosen == "hours":
        _hours(here, session.look(ground_acts.hours))
        return
    if found:
        _agreements(here, rows[chosen], chosen)
    else:
        components.empty(here, "view.ground.no_agreement")
    _confirm(here, is_open=not found)


# ---- agreements -------------------------------------------------------------------------------------------------


def _agreements(here: Visit, found: Sequence[AgreementRow], shelf: str) -> None:
    st.markdown(plain(here.t("view.ground.agreements_what")))
    if not found:
        components.empty(here, f"view.ground.none.{shelf}")
        return
    if shelf == "soon":
        st.warning(plain(here.t("view.ground.soon", n=len(found))))
    shown = lists.search(here, found, lambda each: _agreement_name(here, each.row), key="agreements")
    has_crossings = any(each.row.crossings for each in shown)
    names = ["corridor", *(["crossing"] if has_crossings else []), "who_travels", "notice", "confirmed_with", "valid"]
    components.table(
        [here.t(f"column.{name}") for name in (*names, "state")],
        [_agreement_line(here, each, has_crossings) for each in components.paged(shown, here, "agreements")],
    )
    _take_back_agreement(here, shown)


def _countries(here: Visit, codes: str) -> str:
    return ", ".join(session.named(code, here.language) for code in codes.split(";") if code)


def _agreement_name(here: Visit, row: AgreementConfirmation) -> str:
    way = ", ".join(here.t(f"by.{each}") for each in row.mode.split(";"))
    return f"{_countries(here, row.from_country)} → {_countries(here, row.to_country)} · {way} · {row.confirmed_with}"


def _agreement_line(here: Visit, each: AgreementRow, has_crossings: bool) -> tuple[str, ...]:
    row = each.row
    corridor = f"{_countries(here, row.from_country)} → {_countries(here, row.to_country)}"
    if row.transit_countries:
        corridor += "\n" + here.t("view.ground.through", countries=_countries(here, row.transit_countries))
    crossings = "\n".join(session.named(part) for part in row.crossings.split(";") if part)
    heads = "\n" + here.t("view.ground.heads", n=row.daily_heads) if row.daily_heads else ""
    return (
        corridor,
        *((crossings or here.t("view.ground.any"),) if has_crossings else ()),
        (_profiles(here, row.profiles) or here.t("view.ground.everybody")) + _days(here, row.weekdays) + heads,
        here.t("view.ground.hours_before", n=row.notice_hours),
        f"{row.confirmed_with} ({here.t('view.ground.asked_by', name=row.confirmed_by)})",
        f"{components.day_text(row.valid_from)} –\n{components.day_text(row.valid_until)}",
        here.t(f"standing.{each.standing.value}"),
    )


def _profiles(here: Visit, codes: str) -> str:
    return ", ".join(here.t(f"profile.{code}") for code in codes.split(";") if code)


def _days(here: Visit, weekdays: str) -> str:
    return "\n" + ", ".join(here.t(f"weekday.{day}") for day in weekdays.split(";")) if weekdays else ""


def _take_back_agreement(here: Visit, found: Sequence[AgreementRow]) -> None:
    live = {each.row.confirmation_id: each.row for each in found if each.standing is not Standing.TAKEN_BACK}
    if not live:
        return
    with st.expander(here.t("view.ground.take_back_agreement")):
        chosen = st.selectbox(
            here.t("view.ground.which_agreement"),
            list(live),
            index=None,
            format_func=lambda each: (
                f"{_agreement_name(here, live[each])} · {components.day_text(live[each].valid_until)}"
            ),
            placeholder=here.t("view.choose"),
            key="agreement.back",
        )
        if chosen is not None:
            components.danger(
                here,
                here.t("view.ground.take_back"),
                here.t("view.ground.take_back_agreement_facts", what=_agreement_name(here, live[chosen])),
                here.t("view.ground.take_back"),
                "admin.agreement",
                lambda db, actor: ground_acts.take_back_agreement(db, actor, confirmation_id=chosen),
                key=f"agreement.back.{chosen}",
                said=here.t("view.ground.taken_back"),
            )


def _confirm(here: Visit, *, is_open: bool) -> None:
    facts = ground()
    with st.expander(here.t("view.ground.confirm"), expanded=is_open):
        first, second, third = st.columns(3)
        with first:
            start = components.country_field(here, here.t("field.from_country"), key="agreement.new.from")
            end = components.country_field(here, here.t("field.to_country"), key="agreement.new.to")
            transit = st.multiselect(
                here.t("field.transit_countries"),
                sorted(facts.countries, key=lambda code: session.named(code, here.language)),
                format_func=lambda code: session.named(code, here.language),
                placeholder=here.t("view.none"),
                key="agreement.new.transit",
            )
            ways = st.multiselect(
                here.t("field.ways"),
                list(ground_acts.WAYS),
                ["land"],
                format_func=lambda way: here.t(f"by.{way}"),
                placeholder=here.t("view.choose"),
                key="agreement.new.ways",
            )
        with second:
            crossings = st.multiselect(
                here.t("field.crossings"),
                sorted((each.crossing_id for each in facts.crossings.values() if each.drivable), key=session.named),
                format_func=session.named,
                placeholder=here.t("view.ground.any"),
                key="agreement.new.crossings",
            )
            weekdays = _weekdays(here, "agreement.new.weekdays")
            profiles = _profiles_field(here, "agreement.new.profiles")
            notice = st.number_input(
                here.t("field.notice_hours"),
                0,
                ground_acts.MAX_NOTICE_HOURS,
                72,
                key="agreement.new.notice",
                help=here.t("help.notice_hours"),
            )
        with third:
            confirmed_with = st.text_input(
                here.t("field.confirmed_with"), key="agreement.new.with", help=here.t("help.confirmed_with")
            )
            confirmed_by = st.text_input(here.t("field.confirmed_by"), here.actor.display_name, key="agreement.new.by")
            today = clock.today(here.zone_name)
            valid_from = components.day_field(
                here, "valid_from", key="agreement.new.since", value=components.day_text(today)
            )
            valid_until = components.day_field(here, "valid_until", key="agreement.new.until")
            heads = st.number_input(here.t("field.daily_heads"), 1, 10_000, None, key="agreement.new.heads")

        def save(db: Session, actor: Actor) -> object:
            days = components.read_all(
                {
                    "valid_from": lambda: components.parse_day(valid_from, field="valid_from"),
                    "valid_until": lambda: components.parse_day(valid_until, field="valid_until"),
                }
            )
            terms = AgreementTerms(
                ways=tuple(ways),
                from_country=start,
                to_country=end,
                transit_countries=tuple(transit),
                crossings=tuple(crossings),
                weekdays=tuple(weekdays),
                profiles=tuple(profiles),
                notice_hours=None if notice is None else int(notice),
                daily_heads=None if heads is None else int(heads),
                confirmed_with=confirmed_with,
                confirmed_by=confirmed_by,
                valid_from=days["valid_from"],
                valid_until=days["valid_until"],
            )
            return ground_acts.confirm_agreement(db, actor, terms=terms)

        session.act_button(
            here.t("view.ground.confirm_do"),
            "admin.agreement",
            save,
            key="agreement.save",
            primary=True,
            said=here.t("view.ground.confirmed"),
            after=lambda _: session.clear_fields("agreement.new."),
        )


def _weekdays(here: Visit, key: str) -> list[str]:
    return st.multiselect(
        here.t("field.weekdays"),
        list(WEEKDAYS),
        format_func=lambda day: here.t(f"weekday.{day}"),
        placeholder=here.t("view.ground.every_day"),
        key=key,
    )


def _profiles_field(here: Visit, key: str) -> list[Profile]:
    return st.multiselect(
        here.t("field.profiles"),
        list(Profile),
        format_func=lambda profile: here.t(f"profile.{profile.value}"),
        placeholder=here.t("view.ground.everybody"),
        key=key,
    )


# ---- hours ------------------------------------------------------------------------------------------------------


def _hours(here: Visit, found: Sequence[HoursRow]) -> None:
    st.markdown(plain(here.t("view.ground.hours_what")))
    if not found:
        components.empty(here, "view.ground.no_hours")
    else:
        components.table(
            [
                here.t("column.post"),
                here.t("column.days"),
                here.t("column.hours"),
                here.t("column.who_travels"),
                here.t("column.valid"),
                here.t("column.source"),
                here.t("column.state"),
            ],
            [_hours_line(here, each) for each in components.paged(found, here, "hours")],
        )
        _take_back_hours(here, found)
    _record(here, is_open=not found)


def _hours_line(here: Visit, each: HoursRow) -> tuple[str, ...]:
    row = each.row
    days = components.day_text(row.on_date) or _days(here, row.weekdays).strip() or here.t("view.ground.every_day")
    until = components.day_text(row.valid_until) or here.t("view.ground.until_further")
    heads = "\n" + here.t("view.ground.heads", n=row.daily_heads) if row.daily_heads else ""
    return (
        session.named(row.post_id),
        days,
        here.t("view.ground.closed") if row.is_closed else f"{row.open_time}–{row.close_time}",
        (_profiles(here, row.profiles) or here.t("view.ground.everybody")) + heads,
        f"{components.day_text(row.valid_from)} – {until}",
        row.source,
        here.t(f"standing.{each.standing.value}"),
    )


def _take_back_hours(here: Visit, found: Sequence[HoursRow]) -> None:
    live = {each.row.hours_id: each for each in found if each.standing is not Standing.TAKEN_BACK}
    if not live:
        return
    with st.expander(here.t("view.ground.take_back_hours")):
        chosen = st.selectbox(
            here.t("view.ground.which_hours"),
            list(live),
            index=None,
            format_func=lambda each: " · ".join(_hours_line(here, live[each])[:3]),
            placeholder=here.t("view.choose"),
            key="hours.back",
        )
        if chosen is not None:
            components.danger(
                here,
                here.t("view.ground.take_back"),
                here.t("view.ground.take_back_hours_facts", what=" · ".join(_hours_line(here, live[chosen])[:3])),
                here.t("view.ground.take_back"),
                "admin.hours",
                lambda db, actor: ground_acts.take_back_hours(db, actor, hours_id=chosen),
                key=f"hours.back.{chosen}",
                said=here.t("view.ground.hours_taken_back"),
            )


def _shipped(here: Visit, post_id: str) -> None:
    """What the data say of a post, before the office lays anything over it."""
    rows = ground_acts.shipped_hours(post_id)
    if not rows:
        st.caption(here.t("view.ground.nothing_shipped"))
        return
    components.table(
        [here.t("column.what"), here.t("column.days"), here.t("column.hours"), here.t("column.source")],
        [_shipped_line(here, row) for row in rows],
        caption=here.t("view.ground.shipped", post=session.named(post_id)),
    )


def _shipped_line(here: Visit, row: Hours) -> tuple[str, ...]:
    if row.weekdays is not None:
        days = ", ".join(here.t(f"weekday.{WEEKDAYS[number]}") for number in sorted(row.weekdays))
    else:
        days = here.t(f"view.ground.kind.{row.kind}")
    closed = row.open_min is None or row.close_min is None
    hours = here.t("view.ground.closed") if closed else f"{_clock(row.open_min)}–{_clock(row.close_min)}"
    sources = [each for each in row.source.split(";") if each != ASSUMPTION]
    if row.basis == "assumed":
        sources.append(here.t("view.ground.assumed"))
    source = ", ".join(sources)
    return here.t(f"view.ground.window.{row.window}"), days, hours, source


def _clock(minute: int | None) -> str:
    return f"{(minute or 0) // MINUTES:02d}:{(minute or 0) % MINUTES:02d}"


def _record(here: Visit, *, is_open: bool) -> None:
    facts = ground()
    with st.expander(here.t("view.ground.record_hours"), expanded=is_open):
        first, second, third = st.columns(3)
        with first:
            post_id = st.selectbox(
                here.t("field.post"),
                sorted(facts.posts, key=session.named),
                index=None,
                format_func=lambda each: session.named(each, here.language),
                placeholder=here.t("view.choose"),
                key="hours.new.post",
            )
            weekdays = _weekdays(here, "hours.new.weekdays")
            on_date = components.day_field(here, "on_date", key="hours.new.date", help_key="help.on_date")
        with second:
            is_closed = st.checkbox(here.t("field.is_closed"), key="hours.new.closed")
            opens = st.text_input(
                here.t("field.open_time"), key="hours.new.open", placeholder="07:00", disabled=is_closed
            )
            closes = st.text_input(
                here.t("field.close_time"), key="hours.new.close", placeholder="17:00", disabled=is_closed
            )
            profiles = _profiles_field(here, "hours.new.profiles")
        with third:
            today = clock.today(here.zone_name)
            valid_from = components.day_field(
                here, "valid_from", key="hours.new.since", value=components.day_text(today)
            )
            valid_until = components.day_field(here, "valid_until", key="hours.new.until")
            heads = st.number_input(here.t("field.daily_heads"), 1, 10_000, None, key="hours.new.heads")
            source = st.text_input(here.t("field.source"), key="hours.new.source", help=here.t("help.source"))
        st.caption(here.t("view.ground.post_clock"))

        def save(db: Session, actor: Actor) -> object:
            days = components.read_all(
                {
                    "valid_from": lambda: components.parse_day(valid_from, field="valid_from"),
                    "valid_until": lambda: components.parse_day(valid_until, field="valid_until"),
                    "on_date": lambda: components.parse_day(on_date, field="on_date"),
                }
            )
            return ground_acts.record_hours(
                db,
                actor,
                post_id=post_id or "",
                source=source,
                valid_from=days["valid_from"] or today,
                valid_until=days["valid_until"],
                weekdays=weekdays,
                on_date=days["on_date"],
                open_time=opens,
                close_time=closes,
                is_closed=is_closed,
                profiles=profiles,
                daily_heads=None if heads is None else int(heads),
            )

        session.act_button(
            here.t("view.ground.hours_do"),
            "admin.hours",
            save,
            key="hours.save",
            primary=True,
            said=here.t("view.ground.hours_saved"),
            after=lambda _: session.clear_fields("hours.new."),
        )
        if post_id is not None:
            _shipped(here, post_id)
