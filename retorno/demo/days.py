"""Two real days to practise in the demonstration office: asked for on a page, set up by the worker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from retorno.database import Database
from retorno.demo import fever, road
from retorno.demo.practice import Tell, team_of
from retorno.errors import NotAllowed
from retorno.models.movements import Movement
from retorno.models.office import Job, Office
from retorno.office import access, jobs
from retorno.vocabulary import JobKind, JobState, MovementStatus


class Day(StrEnum):
    """The two days."""

    FEVER = "practice-fever"
    ROAD = "practice-road"


# ---- asking for it, and how it stands -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far the setting up of a day is; ``share`` of 1."""

    day: Day
    state: JobState | None
    share: float
    error: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether everybody and everything is there."""
        return self.state is JobState.DONE


def standing(session: Session, actor: access.Actor, *, day: Day) -> Standing:
    """How a day stands; no state where nobody asked for it."""
    _expect_demo(session, actor)
    job = jobs.of_object(session, day.value)
    if job is None:
        return Standing(day=day, state=None, share=0.0)
    progress = json.loads(job.progress or "{}")
    share = 1.0 if job.state is JobState.DONE else progress.get("done", 0) / max(1, progress.get("steps", 1))
    return Standing(day=day, state=job.state, share=share, error=job.error)


def request(session: Session, actor: access.Actor, *, day: Day) -> Job:
    """Ask the worker to set a day up; asked again it changes nothing while it runs or once it is there."""
    actor = _expect_demo(session, actor)
    job = jobs.of_object(session, day.value)
    if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING, JobState.DONE):
        return job
    return jobs.enqueue(session, actor, kind=JobKind.PRACTICE, object_id=day.value, priority=4)


def _expect_demo(session: Session, actor: access.Actor) -> access.Actor:
    actor = access.require(session, actor, "planning.start")
    office = session.get(Office, actor.office_id or "")
    if office is None or not office.is_demo:
        raise NotAllowed
    return actor


def set_up(database: Database, *, day: Day, now: datetime, office_id: str, tell: Tell) -> None:
    """Fill the demonstration with one of the days; ``now`` is the moment from which its days count.

    Raises
    ------
    InputError
        If the office lacks a second coordinator, two protection officers or a health officer.
    """
    with database.transaction() as session:
        team = team_of(session, office_id)
    {Day.FEVER: fever.set_up, Day.ROAD: road.set_up}[day](database, team, now, tell)


# ---- what to do with it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What the steps of a day name: values for their words, and the pages they lead to with what each shall show."""

    words: dict[str, str | tuple[str, ...]]
    pages: tuple[str, ...]
    parameters: dict[str, dict[str, str]]


def guide(session: Session, actor: access.Actor, *, day: Day) -> Guide:
    """The names and pages of a day that is set up; all its people are invented."""
    _expect_demo(session, actor)
    if day is Day.ROAD:
        return Guide(words={}, pages=("closures", "plan", "confirmation"), parameters={})
    first = session.exec(
        select(Movement.movement_id)
        .where(
            Movement.label == fever.FLIGHTS[0][0],
            Movement.office_id == (actor.office_id or ""),
            col(Movement.status) != MovementStatus.CANCELLED,
        )
        .limit(1)
    ).first()
    return Guide(
        words={"names": fever.feverish()},
        pages=("cannot_go_on", "manifest"),
        parameters={"cannot_go_on": {"movement": first}} if first else {},
    )
