"""The pages of confirmations, consulates and movements: what each says, and what a click does."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from retorno import manifest
from retorno.confirmations import confirmation
from retorno.database import Database
from retorno.labels import label
from retorno.models.movements import Confirmation, ManifestProposal, Movement
from retorno.models.office import Notice
from retorno.office.access import load_actor
from retorno.vocabulary import Answer, Language
from tests import planning_builders as build
from tests.builders import OfficeFixture
from tests.ui.views_harness import Opening
from ui import session


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path) -> None:
    build.use_keys(tmp_path)


@pytest.fixture
def bus_id(database: Database, office: OfficeFixture) -> str:
    """A coach with two families of one adult, everybody asked."""
    with database.transaction() as db:
        made = build.make_bus(db)
        for _ in range(2):
            build.seat_group(db, made, build.make_family(db, adults=1))
        coordinator = load_actor(db, office.user_ids["coordinator"])
        confirmation.request_confirmations(db, coordinator, movement_id=made.movement_id)
        return made.movement_id


def shown(page: AppTest) -> str:
    """Everything that a page says, as one text."""
    parts = [
        *page.title,
        *page.header,
        *page.subheader,
        *page.markdown,
        *page.error,
        *page.warning,
        *page.success,
        *page.info,
    ]
    html = [each.proto.body for each in page.get("html")]
    return "\n".join([*(str(part.value) for part in parts), *html])


def press(page: AppTest, key: str, **values: object) -> AppTest:
    """Click the button with the Spanish words of a key."""
    text = label(key, Language.ES, **values)
    return next(button for button in page.button if button.label == text).click().run()


def says(page: AppTest, key: str, **values: object) -> bool:
    """Whether a page says the Spanish words of a key, as Markdown or as HTML."""
    text = label(key, Language.ES, **values)
    return text in shown(page) or session.plain(text) in shown(page)


@pytest.mark.parametrize(
    ("name", "login", "key"),
    [
        ("confirmation", "coordinator", "view.confirmation.empty"),
        ("consulate", "consulate_hn", "view.consulate.empty"),
        ("manifest", "coordinator", "view.manifest.empty"),
    ],
)
def test_an_empty_page_says_what_comes_next(open_view: Opening, name: str, login: str, key: str) -> None:
    page = open_view(name, login)
    assert not page.exception
    assert says(page, key)
    assert says(page, f"{key}.next")


def test_a_consulate_answers_a_whole_page_after_a_page_to_check(
    open_view: Opening, database: Database, bus_id: str
) -> None:
    page = open_view("consulate", "consulate_hn")
    assert not page.exception
    page = press(page, "view.consulate.all_ready")
    page = press(page, "view.consulate.to_check", n=2)
    assert says(page, "view.consulate.check")
    page = press(page, "view.consulate.confirm", n=2)
    assert says(page, "view.consulate.confirmed", n=2)
    assert says(page, "view.consulate.empty")
    with database.reading() as db:
        rows = db.exec(select(Confirmation).where(Confirmation.person_id.is_not(None))).all()  # type: ignore[union-attr]
    assert {row.answer for row in rows} == {Answer.CONFIRMED}


def test_one_no_names_the_person_before_it_is_sent(open_view: Opening, database: Database, bus_id: str) -> None:
    page = open_view("consulate", "consulate_hn")
    field = next(box for box in page.selectbox if str(box.key).startswith("consulate.answer."))
    page = field.select_index(1).run()
    page = press(page, "view.consulate.to_check", n=1)
    warned = [warning.value for warning in page.warning]
    assert len(warned) == 1
    assert "Inventada" in warned[0]


def test_the_page_of_confirmations_names_people_and_reminds_once(
    open_view: Opening, database: Database, bus_id: str
) -> None:
    page = open_view("confirmation", "coordinator")
    assert not page.exception
    assert "Adulta 0" in shown(page)
    page = press(page, "view.confirmation.remind", n=3)
    assert says(page, "view.confirmation.reminded")
    with database.reading() as db:
        told = db.exec(select(Notice).where(Notice.code == "confirmation.reminder")).all()
    assert len(told) == 3


def test_whoever_proposed_reads_why_they_cannot_publish_and_who_can(
    open_view: Opening, database: Database, office: OfficeFixture, bus_id: str
) -> None:
    with database.transaction() as db:
        coordinator = load_actor(db, office.user_ids["coordinator"])
        build.confirm_all(db, coordinator, bus_id)
    page = open_view("manifest", "coordinator", movement=bus_id)
    assert not page.exception
    page = press(page, "view.movement.propose", n=1)
    who = label("role.coordinator", Language.ES)
    assert says(page, "view.movement.second_not_you", who=who, names="coordinator_2")
    with database.reading() as db:
        assert db.get(ManifestProposal, bus_id) is not None

    page = open_view("manifest", "coordinator_2", movement=bus_id)
    page = press(page, "view.movement.sign", n=1)
    page = press(page, "view.movement.sign", n=1)
    assert says(page, "view.movement.signed", n=1)
    with database.reading() as db:
        assert db.get_one(Movement, bus_id).manifest_version == 1


@pytest.mark.parametrize("language", list(Language))
def test_a_movement_on_the_way_is_drawn_in_every_language(
    open_view: Opening, database: Database, office: OfficeFixture, bus_id: str, language: Language
) -> None:
    with database.transaction() as db:
        first, second = (load_actor(db, office.user_ids[login]) for login in ("coordinator", "coordinator_2"))
        build.release(db, first, second, bus_id)
        assert manifest.current_version(db, bus_id) is not None
    page = open_view("manifest", "coordinator", language, movement=bus_id)
    assert not page.exception
    assert escape(label("view.movement.in_order", language)) in shown(page)
    page.toggle[0].set_value(True).run()
    assert not page.exception


def test_rounds_offer_both_ends_and_look_for_routes_only_when_somebody_needs_a_van(
    open_view: Opening, bus_id: str
) -> None:
    page = open_view("manifest", "coordinator", movement=bus_id)
    assert not page.exception
    (which,) = [box for box in page.radio if str(box.key) == f"rounds.{bus_id}"]
    assert len(which.options) == 2  # collected in Tapachula, brought on from Omoa
    assert says(page, "view.rounds.night.collect", place="Tapachula")  # it leaves at dawn
    find = next(button for button in page.button if button.label == label("view.rounds.find", Language.ES))
    assert find.disabled
