"""The pages of the two real days: empty, before the click, after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import select

from retorno.database import Database
from retorno.labels import label
from retorno.models.movements import Closure, Movement, Stay
from retorno.models.office import Job
from retorno.office.access import load_actor
from retorno.vocabulary import JobKind, Language, MovementStatus
from tests import planning_builders as build
from tests.builders import OfficeFixture
from tests.ui.views_harness import Opening, press, shown


@pytest.fixture
def bus_id(database: Database, office: OfficeFixture, tmp_path: Path) -> str:
    """A released coach with a couple and one more adult."""
    build.use_keys(tmp_path)
    with database.transaction() as db:
        made = build.make_bus(db)
        for adults in (2, 1):
            build.seat_group(db, made, build.make_family(db, adults=adults))
    with database.transaction() as db:
        first, second = (load_actor(db, office.user_ids[login]) for login in ("coordinator", "coordinator_2"))
        build.release(db, first, second, made.movement_id)
    return made.movement_id


@pytest.mark.parametrize("language", list(Language))
def test_without_a_movement_the_page_says_what_comes_first(open_view: Opening, language: Language) -> None:
    page = open_view("cannot_go_on", language=language)
    assert not page.exception
    assert label("view.cannot_go_on.empty", language).split("'")[0] in shown(page)


def test_one_of_a_couple_cannot_go_on_both_stay_and_the_list_is_replaced(
    open_view: Opening, database: Database, bus_id: str
) -> None:
    page = open_view("cannot_go_on", movement=bus_id)
    assert not page.exception
    couple = next(each for each in page.multiselect[0].options if "Adulta 1" in each)
    page.multiselect[0].select(couple).run()
    assert not page.exception
    assert "v2 reemplaza a v1" in shown(page)
    with database.reading() as db:
        assert db.exec(select(Stay)).all() == []
    page = press(page, "Aplicar ahora: 2 personas se quedan, 1 persona sigue")
    assert not page.exception
    assert "destruya v1" in shown(page).replace("\\", "")
    with database.reading() as db:
        assert db.exec(select(Stay.person_count)).one() == 2
        assert db.get_one(Movement, bus_id).manifest_version == 2


def test_what_a_closure_stops_stands_there_before_the_click(
    open_view: Opening, database: Database, bus_id: str
) -> None:
    page = open_view("closures")
    assert not page.exception
    page.selectbox(key="closure.target").select_index(3).run()
    page.selectbox(key="closure.id.country").select("GT").run()
    page.text_input(key="closure.source").input("Protección civil inventada").run()
    assert "3 personas" in shown(page)
    with database.reading() as db:
        assert db.exec(select(Closure)).all() == []
    page = press(page, "Cerrar y detener 1 traslado")
    assert not page.exception
    with database.reading() as db:
        assert db.get_one(Movement, bus_id).status is MovementStatus.CANCELLED
    assert "3 personas" in shown(page)
    assert "Replanificar a los afectados" in [button.label for button in page.button]


def test_asking_twice_for_a_practice_day_makes_one_job(open_view: Opening, database: Database) -> None:
    for _ in range(2):
        page = open_view("two_days")
        assert not page.exception
        for button in page.button:
            if button.label == label("view.two_days.fever.do", Language.ES):
                button.click().run()
    with database.reading() as db:
        assert len(db.exec(select(Job).where(Job.kind == JobKind.PRACTICE)).all()) == 1
