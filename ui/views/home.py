"""Home: what waits for this user, most urgent first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st
from sqlmodel import Session

from retorno import clock, first_run, health, protection, readiness
from retorno.confirmations import confirmation, consulate
from retorno.figures import statistics
from retorno.labels import plural
from retorno.models.office import Notice
from retorno.movements import movement_report
from retorno.office import notices, oversight
from retorno.office.access import Actor
from retorno.plans import plan_report, planning
from retorno.supply import ground_acts
from retorno.supply.ground_acts import Standing
from retorno.vocabulary import Answer, MovementStatus, PlanStatus, Role
from ui import components, session
from ui.session import Visit

PAGE_OF_NOTICE = {
    "confirmation.asked": "consulate",
    "confirmation.reminder": "consulate",
    "manifest.to_sign": "manifest",
    "manifest.issued": "consulate",
    "manifest.void": "consulate",
    "movement.changed": "manifest",
    "protection.look": "protection",
    "protection.desk": "protection",
}
READY_AHEAD = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class ToDo:
    """One line of the list: how many of what, the page where it is done, and until when."""

    key: str
    count: int
    page: str
    due: datetime | None = None


def show() -> None:
    """The to-do list, then the notices."""
    here = session.visit()
    components.title(here, "view.home.title")
    found = [todo for todo in _to_do(here) if todo.count]
    last = datetime.max.replace(tzinfo=UTC)
    with st.container(key="todo", gap=None):
        for todo in sorted(found, key=lambda each: each.due or last):
            session.link_to(todo.page, _line(here, todo))
    waiting = [notice for notice in session.look(notices.waiting_for) if _concerns(here, notice)]
    if not found and not waiting:
        components.empty(here, "view.home.empty")
    if waiting:
        st.header(here.t("view.home.notices"), anchor=False)
    for notice in waiting[: components.PAGE_ROWS]:
        _notice(here, notice)


def _concerns(here: Visit, notice: Notice) -> bool:
    """Whether a notice to a role is for this user too: nobody signs second what they proposed themselves."""
    if notice.code != "manifest.to_sign":
        return True
    return notice.object_id in {row.movement.movement_id for row in session.look(movement_report.to_sign)}


def _line(here: Visit, todo: ToDo) -> str:
    """One line: how much time is left, what waits, and why it matters; the whole line opens its page."""
    text = f"**{session.plain(plural(f'todo.{todo.key}', here.language, todo.count))}**"
    if todo.due is not None:
        left = todo.due - clock.now()
        hours = max(0, int(left.total_seconds() // 3600))
        over = left.total_seconds() < 0
        when = here.t("todo.over") if over else plural("todo.hours", here.language, hours)
        text = f"**⏱ {session.plain(when)}** · {text}"
    why = f"todo.why.{todo.key}"
    return f"{text} · {session.plain(here.t(why))}" if session.has_words(why) else text


def _first(instants: Iterable[datetime]) -> datetime | None:
    return min(instants, default=None)


def _to_do(here: Visit) -> Iterator[ToDo]:
    """What each of the user's roles has to do, most urgent first."""
    for role, counts in (
        (Role.CONSULATE, _of_consulate),
        (Role.PROTECTION, _of_protection),
        (Role.COORDINATOR, _of_coordinator),
        (Role.HEALTH, _of_health),
        (Role.ADMINISTRATOR, _of_administrator),
        (Role.AUDITOR, _of_oversight),
        (Role.MONITOR, _of_oversight),
    ):
        if here.actor.has(role):
            yield from counts(here)


def _of_coordinator(here: Visit) -> list[ToDo]:
    def count(db: Session, actor: Actor) -> list[ToDo]:
        rows = movement_report.rows(db, actor)
        status = [row.movement.status for row in rows]
        on_date = clock.today(here.zone_name) + READY_AHEAD
        groups = readiness.ready_groups(db, actor, on_date=on_date)
        seated = planning.seated_groups(db, actor)
        free = [row for row in groups if row.group_id not in seated]
        plans = planning.plans(db, actor)
        signing = movement_report.to_sign(db, actor)
        to_propose = [row for row in rows if row.movement.status is MovementStatus.CONFIRMED and not row.is_proposed]
        asked = [each.due_at for each in confirmation.open_questions(db, actor) if each.answer is Answer.PENDING]

        def leaving(*wanted: MovementStatus) -> datetime | None:
            return _first(row.movement.depart_at for row in rows if row.movement.status in wanted)

        return [
            ToDo(key="sign", count=len(signing), page="manifest", due=_first(r.movement.depart_at for r in signing)),
            ToDo(
                key="release",
                count=status.count(MovementStatus.ISSUED),
                page="manifest",
                due=leaving(MovementStatus.ISSUED),
            ),
            ToDo(
                key="issue",
                count=len(to_propose),
                page="manifest",
                due=_first(row.movement.depart_at for row in to_propose),
            ),
            ToDo(
                key="answers",
                count=sum(row.open_answers for row in rows),
                page="confirmation",
                due=_first(asked),
            ),
            ToDo(
                key="ask",
                count=sum(row.movement.status is MovementStatus.ACCEPTED and not row.open_answers for row in rows),
                page="confirmation",
                due=leaving(MovementStatus.ACCEPTED),
            ),
            ToDo(key="running", count=len(plan_report.running(db, actor)), page="plan"),
            ToDo(key="draft", count=sum(each.status is PlanStatus.DRAFT for each in plans), page="plan"),
            ToDo(key="ready", count=sum(row.is_ready for row in free), page="plan"),
            ToDo(key="missing", count=sum(not row.is_ready for row in free), page="readiness"),
            _agreements(db, actor),
            ToDo(
                key="publish",
                count=sum(each.is_open and not each.is_published for each in statistics.months(db, actor)),
                page="statistics",
            ),
        ]

    return session.look(count)


def _of_consulate(here: Visit) -> list[ToDo]:
    rows = session.persons("confirmation.read", consulate.rows, lambda rows: [row.confirmation_id for row in rows])
    open_rows = [row for row in rows if row.is_open]
    # No totals for a consulate: the line says only whether something waits (access.md, CS).
    due = _first(row.due_at for row in open_rows)
    return [ToDo(key="consulate", count=1 if open_rows else 0, page="consulate", due=due)]


def _of_protection(here: Visit) -> list[ToDo]:
    rows = session.persons("protection.read", protection.cases, lambda rows: [row.person.person_id for row in rows])
    signing = session.look(movement_report.to_sign)
    today = clock.today(here.zone_name)
    return [
        ToDo(key="sign", count=len(signing), page="manifest", due=_first(row.movement.depart_at for row in signing)),
        ToDo(key="touched", count=sum(row.is_touched for row in rows), page="protection"),
        ToDo(key="holds", count=sum(bool(row.holds) for row in rows), page="protection"),
        ToDo(key="screen", count=sum(protection.needs_screening(row, today) for row in rows), page="protection"),
        ToDo(key="children", count=sum(protection.child_file_due(row, today) for row in rows), page="protection"),
    ]


def _of_health(here: Visit) -> list[ToDo]:
    rows = session.persons("health.read", health.waiting, lambda rows: [row.person.person_id for row in rows])
    soon = clock.today(here.zone_name) + READY_AHEAD
    return [
        ToDo(key="fitness", count=sum(row.fitness is None for row in rows), page="health"),
        ToDo(
            key="fitness_ends",
            count=sum(row.fitness is not None and row.fitness.valid_until <= soon for row in rows),
            page="health",
        ),
    ]


def _of_administrator(here: Visit) -> list[ToDo]:
    def count(db: Session, actor: Actor) -> list[ToDo]:
        waiting = sum(
            grant.approved_by is None and grant.granted_by != actor.user_id and account.user.user_id != actor.user_id
            for account in oversight.accounts_of_office(db, actor)
            for grant in account.grants
        )
        return [
            ToDo(key="grants", count=waiting, page="administration"),
            ToDo(key="needs", count=sum(not each.is_met for each in first_run.needs(db, actor)), page="administration"),
            _agreements(db, actor),
        ]

    return session.look(count)


def _agreements(db: Session, actor: Actor) -> ToDo:
    ending = sum(each.standing is Standing.SOON for each in ground_acts.agreements(db, actor))
    return ToDo(key="agreements", count=ending, page="ground")


def _of_oversight(here: Visit) -> list[ToDo]:
    """For auditors and monitors the log is always there to check; monitors read what was published as well."""
    if not here.actor.has(Role.MONITOR):
        return [ToDo(key="chain", count=1, page="audit")]
    published = session.look(statistics.months)
    return [
        ToDo(key="read_statistics", count=len(published), page="statistics"),
        ToDo(key="chain", count=1, page="monitor"),
    ]


def _notice(here: Visit, notice: Notice) -> None:
    text, door, seen = st.columns([7, 1.6, 1.6], vertical_alignment="center")
    about = here.t(f"notice.{notice.code}", ref=notice.object_id.partition(notices.SEPARATOR)[0])
    text.markdown(session.plain(f"{about} · {here.time(notice.created_at)}"))
    with door:
        session.link_to(PAGE_OF_NOTICE.get(notice.code, ""), here.t("view.open"))
    with seen:
        session.act_button(
            here.t("view.seen"),
            "notice.seen",
            lambda db, actor: notices.mark_seen(db, actor, notice_id=notice.notice_id),
            key=f"seen.{notice.notice_id}",
        )
