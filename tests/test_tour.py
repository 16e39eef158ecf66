"""The tour of the demonstration: each step ticks when its act stands in the log, and not before."""

from __future__ import annotations

import re

import pytest
from sqlmodel import Session

from retorno.demo import tour
from retorno.errors import NotAllowed
from retorno.labels import label
from retorno.models.office import Office
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.vocabulary import Language
from tests.builders import OfficeFixture

DONE = {
    "register": [("intake.register", "case")],
    "why_not": [("readiness.read", "page")],
    "plan": [("planning.start", "plan")],
    "compare": [("planning.try_change", "plan"), ("planning.accept", "plan")],
    "publish": [("manifest.sign", "movement")],
    "check": [("manifest.read", "manifest_copy")],
    "withdraw": [("changes.withdraw", "person")],
}
"""Every step with the acts that do it, and what they are about."""
QUOTED = {
    "register": ("view.intake.register", "view.intake.next", "view.intake.add_person"),
    "plan": ("view.plan.new", "view.plan.find"),
    "compare": ("view.plan.tab.why", "view.plan.try", "view.plan.open_a", "view.plan.accept"),
    "publish": ("view.movement.sign",),
    "check": ("view.movement.tab.papers", "view.tour.check_code"),
    "withdraw": ("view.movement.tab.people", "view.case.withdraw.return"),
}
"""Every step with the buttons and parts that its words name."""


@pytest.fixture
def coordinator(session: Session, office: OfficeFixture) -> Actor:
    """A coordinator of a demonstration in which nobody has done anything yet."""
    home = session.get_one(Office, office.office_id)
    home.is_demo = True
    session.add(home)
    actor = access.load_actor(session, office.user_ids["coordinator"])
    log(session, actor, "intake.register", "case")  # while it was set up: does not count
    log(session, actor, "session.open", "user")
    return actor


def log(session: Session, actor: Actor, act: str, about: str, outcome: str = "done") -> None:
    audit.append(session, actor, act=act, object_kind=about, object_id="X-1", outcome=outcome)


def ticked(session: Session, actor: Actor) -> list[str]:
    return [row.step.key for row in tour.progress(session, actor) if row.is_done]


def test_nothing_is_ticked_at_the_first_sign_in(session: Session, coordinator: Actor):
    assert ticked(session, coordinator) == []


def test_the_steps_are_those_that_have_words_in_every_language(session: Session, coordinator: Actor):
    assert [row.step.key for row in tour.progress(session, coordinator)] == list(DONE)
    for key in DONE:
        for language in Language:
            assert all(label(f"tour.{key}{part}", language) for part in ("", ".do", ".see"))


@pytest.mark.parametrize("key", DONE)
def test_a_step_is_ticked_by_its_act_alone_and_not_before_the_whole_of_it(
    session: Session, coordinator: Actor, key: str
):
    *before, last = DONE[key]
    for act, about in before:
        log(session, coordinator, act, about)
    assert ticked(session, coordinator) == []

    log(session, coordinator, *last, outcome="refused")
    assert ticked(session, coordinator) == []

    log(session, coordinator, *last)
    assert ticked(session, coordinator) == [key]


def test_looking_at_a_movement_is_not_yet_printing_its_list(session: Session, coordinator: Actor):
    log(session, coordinator, "manifest.read", "page", "read")

    assert ticked(session, coordinator) == []
    assert tour.printed_code(session, coordinator) == ""


def test_what_another_office_or_a_consulate_does_ticks_nothing(
    session: Session, coordinator: Actor, office: OfficeFixture
):
    consulate = access.load_actor(session, office.user_ids["consulate_hn"])
    log(session, consulate, "manifest.read", "manifest_copy", "read")

    assert ticked(session, coordinator) == []


def test_a_real_office_has_no_tour(session: Session, coordinator: Actor, office: OfficeFixture):
    home = session.get_one(Office, office.office_id)
    home.is_demo = False
    session.add(home)
    session.flush()

    with pytest.raises(NotAllowed):
        tour.progress(session, coordinator)
    with pytest.raises(NotAllowed):
        tour.printed_code(session, coordinator)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("key", QUOTED)
def test_every_button_that_the_tour_names_is_called_so(key: str, language: Language):
    said = label(f"tour.{key}.do", language)
    quoted = {words.strip() for words in re.findall(r"[«“]\s?(.*?)\s?[»”]", said)}

    assert quoted == {label(name, language, n=1) for name in QUOTED[key]}
