"""The plan workbench as a coordinator: every part drawn, the empty cases, reasons before the click, undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from retorno import clock
from retorno.database import Database
from retorno.labels import label
from retorno.models.movements import Movement, Plan
from retorno.models.office import User
from retorno.models.people import TravelGroup
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.plans import planning, workbench
from retorno.plans.store import solution_of
from retorno.vocabulary import Language, PlanStatus
from tests import planning_builders as build
from tests.builders import NOW, OfficeFixture, make_office
from tests.test_workbench import draft_of
from tests.ui import views_harness
from tests.ui.views_harness import SCRIPT, Opening, press
from ui import session as screens

ES = Language.ES
PARTS = ("summary", "why", "timeline", "map", "loads", "edit", "what_if", "compare")


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """An office with a draft: one family of three on a coach of four seats, another of two left."""

    path: Path
    office: OfficeFixture
    ids: tuple[str, str, str]


@pytest.fixture(scope="session")
def drafted(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Drafted:
    """Made once, to copy from: gathering a problem takes longer than any page."""
    clock.set_now(lambda: NOW)
    path = tmp_path_factory.mktemp("drafted") / "office.db"
    path.write_bytes(sqlite_template.read_bytes())
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(range(32))))
    database = Database(f"sqlite:///{path}")
    with database.transaction() as db:
        office = make_office(db)
    with database.transaction() as db:
        one, two = two_families(db)
        plan, _ = draft_of(db, access.load_actor(db, office.user_ids["coordinator"]), one)
        ids = (plan.plan_id, one.group_id, two.group_id)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    database.dispose()
    return Drafted(path=path, office=office, ids=ids)


@pytest.fixture
def database(tmp_path: Path, drafted: Drafted) -> Iterator[Database]:
    """Screens speak to the stages only, which are tested on both databases; one is enough here."""
    path = tmp_path / "office.db"
    path.write_bytes(drafted.path.read_bytes())
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(range(32))))
    made = Database(f"sqlite:///{path}")
    yield made
    made.dispose()


@pytest.fixture
def office(drafted: Drafted) -> OfficeFixture:
    """The office of the draft."""
    return drafted.office


@pytest.fixture
def open_plan(database: Database, office: OfficeFixture) -> Iterator[Opening]:
    """Open the plan page at a part: ``open_plan(plan_id, "map")``."""

    def opening(plan_id: str = "", part: str = "summary", language: Language = ES) -> AppTest:
        with database.transaction() as db:
            user = db.get_one(User, office.user_ids["coordinator"])
            user.language = language
            db.add(user)
        screens.configure(database, who=lambda _: office.user_ids["coordinator"])
        page = AppTest.from_string(SCRIPT.format(name="plan"), default_timeout=30)
        if plan_id:
            page.query_params["plan"] = plan_id
            page.session_state[f"plan.tab.{plan_id}.{language.value}"] = label(f"view.plan.tab.{part}", language)
        return page.run()

    yield opening
    screens.configure(database)


def shown(page: AppTest) -> str:
    """Everything that a page says, without the marks that keep Markdown from reading it."""
    return views_harness.shown(page).replace("\\", "")


def said(key: str, **values: object) -> str:
    """The words of a key in Spanish."""
    return label(key, ES, **values)


@pytest.fixture
def draft(drafted: Drafted) -> tuple[str, str, str]:
    """The plan, the group that goes and the one that is left."""
    return drafted.ids


def two_families(db: Session) -> tuple[TravelGroup, TravelGroup]:
    """Three and two adults who wait for the same way home, and two coaches with drivers."""
    build.make_agreement(db)
    for _ in range(2):
        build.make_vehicle(db, seats=5)
    for _ in range(4):
        build.make_driver(db)
    return build.make_neighbours(db, adults=3), build.make_neighbours(db, adults=2)


def plan_now(database: Database, plan_id: str) -> Plan:
    """The plan as it stands in the database."""
    with database.reading() as db:
        return db.get_one(Plan, plan_id)


def set_plan(database: Database, plan_id: str, **values: object) -> None:
    """Change the row of a plan."""
    with database.transaction() as db:
        plan = db.get_one(Plan, plan_id)
        for name, value in values.items():
            setattr(plan, name, value)
        db.add(plan)


def test_the_head_counts_people_and_groups_together(open_plan: Opening, draft: tuple[str, str, str]) -> None:
    text = shown(open_plan(draft[0]))

    # Three people of one group ride on one coach; two people of the other group have no place.
    for words in ("3 personas", "1 grupo, 1 traslado", "2 personas"):
        assert words in text
    assert said("view.plan.check_ok") in text


@pytest.mark.parametrize(
    ("part", "language"), [(part, list(Language)[number % 3]) for number, part in enumerate(PARTS)]
)
def test_every_part_is_drawn_without_a_problem(
    open_plan: Opening, draft: tuple[str, str, str], part: str, language: Language
) -> None:
    page = open_plan(draft[0], part, language)

    assert not page.exception
    assert not page.error


def test_a_vehicle_is_called_by_its_plate_and_never_by_the_plans_own_id(
    open_plan: Opening, draft: tuple[str, str, str]
) -> None:
    text = shown(open_plan(draft[0], "timeline"))

    assert "Autobús PRB-" in text
    assert "v1" not in text


def test_a_border_stands_with_both_sides_and_their_now_in_words(
    open_plan: Opening, draft: tuple[str, str, str]
) -> None:
    text = shown(open_plan(draft[0], "map"))

    assert "Talismán / El Carmen" in text
    assert "México<br>" in text or ">México<" in text
    assert said("crossing.open_word") in text


def test_an_office_without_plans_says_so_and_opens_the_fields(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    set_plan(database, draft[0], status=PlanStatus.DISCARDED)

    page = open_plan()

    assert said("view.plan.empty") in shown(page)
    assert any(button.label == said("view.plan.find") for button in page.button)


def test_a_run_that_failed_says_what_to_do(open_plan: Opening, database: Database, draft: tuple[str, str, str]) -> None:
    set_plan(database, draft[0], status=PlanStatus.FAILED)

    assert said("view.plan.failed") in shown(open_plan(draft[0]))


def test_everyone_planned_says_so_where_the_reasons_would_stand(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    set_plan(database, draft[0], unplanned="[]")

    assert said("view.plan.all_planned") in shown(open_plan(draft[0], "why"))


def test_a_forbidden_journey_shows_its_reason_before_any_choice(
    open_plan: Opening, draft: tuple[str, str, str]
) -> None:
    plan_id, _, left = draft
    page = open_plan(plan_id, "edit")

    page = choose_group(page, left)

    # One seat is free on the coach of the first family; the second has two people.
    assert said("error.seats", n=1, m=2) in shown(page)


def choose_group(page: AppTest, group_id: str) -> AppTest:
    """Choose the group that is changed."""
    box = next(box for box in page.selectbox if box.label == said("view.plan.edit_group"))
    box.set_value(group_id).run()
    return page


def test_a_group_is_taken_out_kept_and_brought_back(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    plan_id, going, _ = draft
    page = choose_group(open_plan(plan_id, "edit"), going)

    press(page, said("view.plan.keep"))
    assert workbench.kept_groups(plan_now(database, plan_id)) == {going}
    press(page, said("view.plan.take_out"))
    assert solution_of(plan_now(database, plan_id)).itineraries == {}
    press(page, said("view.plan.undo"))

    assert set(solution_of(plan_now(database, plan_id)).itineraries) == {going}
    assert said("view.plan.undone") in shown(page)


def test_a_group_is_moved_to_an_allowed_journey(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    plan_id, going, left = draft
    page = choose_group(open_plan(plan_id, "edit"), left)
    journeys = next(box for box in page.selectbox if box.label.startswith("Viajes permitidos"))
    journeys.select_index(0).run()

    press(page, said("view.plan.move"))

    assert set(solution_of(plan_now(database, plan_id)).itineraries) == {going, left}


def test_the_question_before_acceptance_says_who_goes_and_who_is_left_out_and_why(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    page = press(open_plan(draft[0]), said("view.plan.accept"))

    text = shown(page)
    assert "Viajan 3 personas en 1 grupo, en 1 traslado" in text
    assert said("view.plan.left_line", who="2 personas en 1 grupo") in text
    with database.reading() as db:
        assert db.exec(select(Movement)).all() == []


def test_what_changed_since_is_said_in_place_of_acceptance_and_taken_in_with_one_click(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    plan_id, going, _ = draft
    with database.transaction() as db:
        group = db.get_one(TravelGroup, going)
        group.availability += 1
        db.add(group)
    page = open_plan(plan_id)
    assert said("view.plan.changed", who="3 personas en 1 grupo") in shown(page)
    assert all(button.label != said("view.plan.accept") for button in page.button)

    press(page, said("view.plan.take_in"))

    assert set(solution_of(plan_now(database, plan_id)).itineraries) == set()


def test_what_if_makes_a_copy_and_leaves_the_draft_alone(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    plan_id = draft[0]
    before = plan_now(database, plan_id).solution
    page = open_plan(plan_id, "what_if")
    crossing = next(box for box in page.selectbox if box.label == said("column.crossing"))
    crossing.select_index(0).run()

    press(page, said("view.plan.what_if_do"))

    with database.reading() as db:
        copies = db.exec(select(Plan).where(Plan.basis_plan_id == plan_id)).all()
        assert [copy.is_hypothetical for copy in copies] == [True]
    assert plan_now(database, plan_id).solution == before


def test_nothing_chosen_in_what_if_is_said_and_nothing_is_copied(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    page = press(open_plan(draft[0], "what_if"), said("view.plan.what_if_do"))

    assert page.error
    with database.reading() as db:
        assert len(db.exec(select(Plan)).all()) == 1


def copy_of(db: Session, plan_id: str, other_id: str) -> Plan:
    """A second plan alike."""
    other = Plan(**(db.get_one(Plan, plan_id).model_dump() | {"plan_id": other_id}))
    db.add(other)
    db.flush()
    return other


def test_the_first_choice_of_another_plan_is_kept(
    open_plan: Opening, database: Database, draft: tuple[str, str, str]
) -> None:
    with database.transaction() as db:
        copy_of(db, draft[0], "L-OTHER00001").status = PlanStatus.FAILED
    page = open_plan()
    before = page.selectbox[0].value

    page.selectbox[0].set_value("L-OTHER00001" if before == draft[0] else draft[0]).run()
    page.run()

    assert page.selectbox[0].value != before
    assert "".join(page.query_params["plan"]) == page.selectbox[0].value


def test_two_plans_are_compared_in_words(
    open_plan: Opening, database: Database, office: OfficeFixture, draft: tuple[str, str, str]
) -> None:
    plan_id, going, _ = draft
    with database.transaction() as db:
        actor: Actor = access.load_actor(db, office.user_ids["coordinator"])
        copy_of(db, plan_id, "L-OTHER00001")
        workbench.take_out(db, actor, plan_id="L-OTHER00001", group_id=going)
        assert len(planning.plans(db, actor)) == 2

    text = shown(open_plan(plan_id, "compare"))

    # A has three people going, B none.
    assert said("view.plan.b_less", n="3") in text
    assert said("view.plan.worse") in text
    assert said("view.plan.accept_b") not in text
