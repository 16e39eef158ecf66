"""A coordinator's day in a real browser: register, come back, import, plan, change, compare; and a newcomer's tour.

One server and one database: an office without people for intake and import, and one with two families, of whom a
draft plan takes the first. Nothing is waited for but states of the page.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from sqlalchemy import text
from sqlmodel import select

from retorno import clock, keyring, worker
from retorno.database import Database
from retorno.labels import label, plural
from retorno.models.movements import Plan
from retorno.models.office import Job
from retorno.models.people import Person, TravelGroup
from retorno.office import access, audit
from retorno.papers.keys import load_keys
from retorno.papers.sheets import csv_bytes
from retorno.plans.store import solution_of
from retorno.vocabulary import Language, PlanStatus
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW
from tests.test_intake_import import ALONE, CHILD, HEADER, MOTHER
from tests.test_workbench import draft_of
from tests.ui.conftest import password_hash
from tests.ui.desk import Desk
from tests.ui.serving import PASSWORD, ROOT, Office, free_port

pytestmark = pytest.mark.browser

ES = Language.ES
EMPTY, FULL = "Z-EMPTY", "Z-TAPACHULA"
NEWCOMER, PLANNER = "coordinator.z-empty", "coordinator.z-tapachula"
WAIT_SECONDS = 120.0
"""For a worker in another thread, on a machine on which much else runs."""
FAMILY = (
    ("Ana", "17/05/1990", "mujer", ""),
    ("محمد", "03/02/1988", "hombre", "pareja"),
    ("李", "05/06/2014", "mujer", "hija"),
    ("Luz", "11/03/2018", "mujer", "hija"),
    ("Leo", "21/09/2023", "hombre", "hija"),
)
"""Given name, birth date, sex, relation to the first."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """The running office, its draft plan, the family that goes with it and the one that is left."""

    office: Office
    database: Database
    plan_id: str
    going: str
    left: str


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Day]:
    """Both offices; the one with people has a coach of four seats for a family of three and one of two."""
    folder = tmp_path_factory.mktemp("coordinator")
    clock.set_now(lambda: NOW)
    (folder / "office.db").write_bytes(sqlite_template.read_bytes())
    (folder / "clock").write_text(NOW.isoformat(), "ascii")
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(32)))
    database = Database(f"sqlite:///{folder}/office.db")
    with database.transaction() as db:
        builders.make_office(db, office_id=EMPTY)
        planner = builders.make_office(db, office_id=FULL).user_ids["coordinator"]
        db.execute(text("UPDATE app_user SET password_hash = :h, login = lower(login)"), {"h": password_hash()})
    with database.transaction() as db:
        build.make_agreement(db)
        for _ in range(2):
            build.make_vehicle(db, seats=5)
        for _ in range(4):
            build.make_driver(db)
        one, two = build.make_neighbours(db, adults=3), build.make_neighbours(db, adults=2)
        plan, _ = draft_of(db, access.load_actor(db, planner), one)
        made = (plan.plan_id, one.group_id, two.group_id)
        # The draft is made by hand: no worker shall search for it.
        for job in db.exec(select(Job)).all():
            db.delete(job)
    keyring.use(load_keys(folder / "keys.json", office_ids=[EMPTY, FULL], create=True))
    office = Office(port=free_port(), folder=folder, clock_file=folder / "clock")
    office.start()
    yield Day(office=office, database=database, plan_id=made[0], going=made[1], left=made[2])
    office.stop()
    database.dispose()
    clock.set_now(None)


@contextmanager
def working(database: Database) -> Iterator[None]:
    """A worker beside the office, as ``retorno work`` runs it."""
    is_over = threading.Event()
    thread = threading.Thread(target=lambda: worker.run(database, name="journey", should_stop=is_over.is_set))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


def going_now(day: Day, plan_id: str) -> dict[str, object]:
    """The journeys of a plan as the database has them."""
    with day.database.reading() as db:
        return dict(solution_of(db.get_one(Plan, plan_id)).itineraries)


def step_of(desk: Desk, name: str) -> None:
    """Wait until a step of a family is open and its first field has the keyboard."""
    desk.page.locator(f'[class*="st-key-focus-{name}"] :focus').wait_for()
    desk.settle()


def typed(desk: Desk, *fields: str) -> None:
    """Type field by field with Tab between them, as somebody does who knows the form: nothing is waited for."""
    for each in fields:
        if each:
            desk.page.keyboard.type(each, delay=40)
        desk.page.keyboard.press("Tab")


def next_step(desk: Desk, name: str) -> None:
    """On with the key of the form, once everything is saved; the run of the last field may not have begun yet."""
    desk.settle()
    expect(desk.page.locator(".rt-saved")).to_have_text(re.compile(r"\d\d:\d\d"))
    desk.page.keyboard.press("Alt+g")
    try:
        desk.page.locator(f'[class*="st-key-focus-{name}"]').wait_for(timeout=8_000)
    except PlaywrightTimeout:
        desk.page.keyboard.press(
            "Alt+g"
        )  # A key that meets a page being drawn is lost: who sees nothing presses again.
    step_of(desk, name)


def begin(desk: Desk) -> None:
    """A new family, with where it is and where it goes."""
    desk.open("/intake")
    desk.page.get_by_role("button", name=desk.t("view.intake.register")).wait_for()
    desk.page.keyboard.press("Alt+n")
    desk.page.locator('[class*="st-key-focus-journey"] :focus').wait_for()


def journey(desk: Desk) -> None:
    """The first step by keyboard alone; the office has one place, so nobody is asked for it."""
    typed(desk, "10/02/2027")
    desk.page.keyboard.press("Space")
    desk.page.keyboard.press("Tab")
    typed(desk, "Omoa", "Yoro", "familia")


# ---- 1: a family of five -----------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_family_of_five_is_registered_by_keyboard_and_each_gets_a_copy_of_the_consent(
    day: Day, chromium: Browser
) -> None:
    with Desk(chromium, day.office, NEWCOMER) as desk:
        desk.open("/readiness")
        desk.see(desk.t("view.readiness.empty"))
        begin(desk)
        journey(desk)
        next_step(desk, "person-0")
        for number, (name, born, sex, _) in enumerate(FAMILY):
            # Family name, nationality and language of the others are those of the first: they are only passed.
            typed(desk, name, "" if number else "Paz", born, sex, *(["", ""] if number else ["HN", "español"]))
            typed(desk, "ninguno")
            if number + 1 < len(FAMILY):
                desk.key_press(desk.t("view.intake.add_person"))
                step_of(desk, f"person-{number + 1}")
        next_step(desk, "together")
        for number, (_, _, _, relation) in enumerate(FAMILY[1:], start=1):
            typed(desk, relation, *(["Ana"] if number > 1 else []))
        next_step(desk, "needs")
        desk.page.keyboard.press("Space")
        expect(desk.page.get_by_role("radio").first).to_be_checked()
        desk.settle()
        desk.page.keyboard.press("Alt+g")
        desk.see(desk.t("step.check"))
        save = desk.t("view.intake.save", people=plural("view.people", ES, 5))
        expect(desk.page.get_by_role("button", name=save)).to_be_enabled()
        desk.page.keyboard.press("Alt+g")
        desk.see(desk.t("view.case.consents"))
        assert registered(day) == {"Ana Paz", "محمد Paz", "李 Paz", "Luz Paz", "Leo Paz"}

        for number in range(len(FAMILY)):
            consent(desk, is_first=number == 0, is_adult=number < 2)
            if number == 0:
                copy = desk.page.get_by_role("link", name=desk.t("view.consent.print")).first.get_attribute("href")
                assert desk.context.request.get(day.office.origin + str(copy)).body().startswith(b"%PDF")
        desk.press(desk.t("view.back_to_case"))
        desk.see(desk.t("view.case.consent_given"))
        assert desk.page.get_by_text(desk.t("view.case.consent_given")).count() == 5
        assert desk.page.get_by_text(desk.t("view.case.consent_open")).count() == 0


def registered(day: Day) -> set[str]:
    """Names of everybody in the office that began without people."""
    with day.database.reading() as db:
        people = db.exec(select(Person)).all()
        groups = {group.group_id: group for group in db.exec(select(TravelGroup)).all()}
        return {
            f"{person.given_names} {person.family_names}"
            for person in people
            if groups[person.group_id].destination_municipality == "Yoro"
        }


def consent(desk: Desk, *, is_first: bool, is_adult: bool) -> None:
    """Open the next person's consent, say that all was explained an hour ago, and write down two yeses."""
    if is_first:
        desk.press(desk.t("view.case.consent"))
    else:
        desk.page.get_by_role("button", name=re.compile("^Siguiente persona")).click()
    desk.see(desk.t("view.consent.explained"))
    desk.settle()
    if is_first:
        desk.write(desk.t("field.counselled_at"), "25/02/2027")
        desk.write(desk.t("field.counselled_time"), "08:00")
    else:
        desk.press(desk.t("view.consent.same_talk", day="25/02/2027", time="08:00"))
    who = desk.t("view.consent.adult_own" if is_adult else "view.consent.child_own")
    desk.settle()
    desk.page.get_by_text(who, exact=True).click()
    desk.settle()
    for number in range(2):
        yes = desk.page.get_by_role("radio", name=desk.t("view.consent.yes"), exact=True).nth(number)
        yes.check(force=True)
        desk.settle()
    desk.page.keyboard.press("Alt+g")
    desk.see(desk.t("view.consent.saved"))


# ---- 2: half a form ----------------------------------------------------------------------------------------------


def test_a_cut_line_and_a_reload_lose_no_field_and_nothing_comes_back_unasked(day: Day, chromium: Browser) -> None:
    with Desk(chromium, day.office, NEWCOMER) as desk:
        begin(desk)
        journey(desk)
        next_step(desk, "person-0")
        typed(desk, "Eva", "Ríos Ñandú", "2 de mayo de 1991")
        expect(desk.page.locator(".rt-saved")).to_have_text(re.compile(r"\d\d:\d\d"))
        desk.settle()

        desk.context.set_offline(True)
        desk.page.locator("#rt-offline").wait_for(state="visible")
        desk.context.set_offline(False)
        desk.page.reload()

        desk.button(desk.t("view.intake.go_on")).wait_for()
        assert desk.page.get_by_role("textbox", name=desk.t("field.given_names")).count() == 0
        desk.press(desk.t("view.intake.go_on"))
        step_of(desk, "person-0")
        fields = {name: desk.page.get_by_label(desk.t(f"field.{name}"), exact=True).first.input_value() for name in (
            "given_names", "family_names", "birth_date",
        )}  # fmt: skip
        assert fields == {"given_names": "Eva", "family_names": "Ríos Ñandú", "birth_date": "2 de mayo de 1991"}
        desk.press(desk.t("view.intake.all_steps"))
        desk.page.get_by_role("button", name=desk.t("step.journey")).click()
        step_of(desk, "journey")
        assert desk.page.get_by_label(desk.t("field.stranded_since"), exact=True).input_value() == "10/02/2027"
        arrive = desk.page.get_by_role("combobox", name=desk.t("field.destination_place_id"))
        assert arrive.input_value() == "CAMR Omoa (Honduras)"
        assert desk.page.get_by_label(desk.t("field.destination_municipality"), exact=True).input_value() == "Yoro"


# ---- 3: a sheet with faults --------------------------------------------------------------------------------------


def test_three_bad_rows_are_named_and_nothing_is_saved_until_they_are_mended(day: Day, chromium: Browser) -> None:
    def changed(row: tuple[str, ...], column: str, value: str) -> tuple[str, ...]:
        return tuple(value if name == column else cell for name, cell in zip(HEADER, row, strict=True))

    good = (MOTHER, CHILD, ALONE)
    bad = (
        changed(MOTHER, "Fecha de nacimiento", "31/02/1991"),
        changed(CHILD, "Nacionalidad", "Narnia"),
        changed(ALONE, "Sexo", "M?"),
    )
    before = people_in(day)
    with Desk(chromium, day.office, NEWCOMER) as desk:
        desk.open("/import")
        upload(desk, bad)
        desk.see(plural("error.import", ES, 3))
        assert desk.cells(0, table=desk.page.locator("table.rt").count() - 1) == ["2", "3", "4"]
        link = desk.page.get_by_role("link", name=desk.t("view.import.problems_csv")).get_attribute("href")
        lines = desk.context.request.get(day.office.origin + str(link)).text().splitlines()
        assert len(lines) == 4
        assert label("fault.NO_SUCH_DAY", ES).split(";")[0] in lines[1]
        assert people_in(day) == before

        upload(desk, good)
        desk.press(desk.t("view.import.do", people=plural("view.people", ES, 3)))
        people, groups = plural("view.people", ES, 3), plural("view.groups", ES, 2)
        desk.see(desk.t("view.import.done", people=people, groups=groups))
        assert people_in(day) == before + 3

        upload(desk, good)
        desk.see(desk.t("view.import.unchanged"))
        assert people_in(day) == before + 3


def upload(desk: Desk, rows: tuple[tuple[str, ...], ...]) -> None:
    """Give the page a sheet."""
    desk.settle()
    file = {"name": "familias.csv", "mimeType": "text/csv", "buffer": csv_bytes(list(HEADER), [list(r) for r in rows])}
    desk.page.locator('input[type="file"]').set_input_files(files=[file])


def people_in(day: Day) -> int:
    """How many people there are."""
    with day.database.reading() as db:
        return len(db.exec(select(Person.person_id)).all())


# ---- 4: a plan while one is elsewhere --------------------------------------------------------------------------------


def test_a_plan_is_found_while_the_coordinator_is_elsewhere_and_the_page_says_how_good_it_is(
    day: Day, chromium: Browser
) -> None:
    with day.database.transaction() as db:
        for _ in range(3):
            build.make_vehicle(db, seats=9)
        for _ in range(6):
            build.make_driver(db)
        for adults in (3, 2, 3, 1, 2):
            build.make_neighbours(db, adults=adults)
    found_meanwhile(day.office, day.database, chromium, PLANNER, PASSWORD, people=16, seconds=4)


def found_meanwhile(
    office: Office, database: Database, browser: Browser, login: str, password: str, *, people: int, seconds: int
) -> None:
    """Ask for a plan, watch it, go away, come back to the plan: the counts rise and the gap stands there in words."""
    with working(database), Desk(browser, office, login, password=password) as desk:
        desk.open("/plan")
        if desk.page.get_by_role("spinbutton", name=desk.t("field.seconds")).count() == 0:
            desk.page.get_by_text(desk.t("view.plan.new"), exact=True).click()
        limit = desk.page.get_by_role("spinbutton", name=desk.t("field.seconds"))
        limit.fill(str(seconds))
        limit.press("Tab")
        before = desk.page.url
        desk.press(desk.t("view.plan.find"))
        desk.page.wait_for_url(lambda url: url != before and "plan=L-" in url)
        asked = desk.page.url.removeprefix(office.origin)
        # The page tells by itself, without a click, how many people have a journey so far.
        placed = re.compile(r"\d+ de \d+ personas con viaje|^Aceptar el plan$")
        desk.page.get_by_text(placed).first.wait_for(timeout=1000 * WAIT_SECONDS)
        desk.open("/")
        desk.see(desk.t("view.home.title"))
        desk.open(asked)
        desk.button(desk.t("view.plan.accept")).wait_for(timeout=1000 * WAIT_SECONDS)
        desk.see(plural("view.people", ES, people))
        words = (
            desk.t("view.plan.gap_none"),
            desk.t("view.plan.gap_unknown"),
            desk.t("view.plan.gap").partition("{")[0],
        )
        assert any(each in desk.text for each in words)


# ---- 5 and 6: change and compare -----------------------------------------------------------------------------------


def test_a_forbidden_move_says_why_before_the_click_and_undo_brings_the_same_plan_back(
    day: Day, chromium: Browser
) -> None:
    before = going_now(day, day.plan_id)
    with Desk(chromium, day.office, PLANNER) as desk:
        desk.open(f"/plan?plan={day.plan_id}")
        desk.tab(desk.t("view.plan.tab.edit"))
        desk.choose(desk.t("view.plan.edit_group"), "2 personas")
        desk.see(desk.t("view.plan.move_to"))
        verdicts = desk.cells(6)
        stopped = [verdict for verdict in verdicts if verdict.startswith("No: ")]
        assert stopped
        assert all(len(verdict) > len("No: ") + 20 for verdict in stopped)
        # Only what is allowed can be chosen at all.
        allowed = verdicts.count(desk.t("view.plan.option_allowed"))
        field = desk.t("view.plan.move_allowed", n=allowed)
        desk.page.get_by_role("combobox", name=field).click()
        assert desk.page.get_by_role("option").count() == allowed
        desk.page.get_by_role("option").first.click()

        desk.press(desk.t("view.plan.move"))
        desk.see(desk.t("view.plan.moved"))
        assert going_now(day, day.plan_id) != before

        desk.press(desk.t("view.plan.undo"))
        desk.see(desk.t("view.plan.undone"))
        assert going_now(day, day.plan_id) == before


def test_a_family_without_a_place_is_tried_compared_and_goes_with_the_accepted_plan(
    day: Day, chromium: Browser
) -> None:
    assert not going_now(day, day.plan_id).get(day.left)
    with Desk(chromium, day.office, PLANNER) as desk:
        desk.open(f"/plan?plan={day.plan_id}")
        desk.tab(desk.t("view.plan.tab.why"))
        desk.see(desk.t("reason.plan.ROOM_LEFT"))

        desk.press(desk.t("view.plan.try"))

        desk.see(desk.t("view.plan.tried"))
        # Side by side at once: five people go instead of three.
        desk.see(desk.t("view.plan.compare_with"))
        desk.settle()
        going = desk.page.locator("table.rt tbody tr", has_text=desk.t("view.plan.measure.going")).first
        assert [going.locator("td").nth(column).inner_text() for column in (1, 2)] == ["3", "5"]
        desk.press(desk.t("view.plan.accept_b"))
        desk.agree(desk.t("view.plan.accept_b"))
        desk.see(re.compile("^Plan aceptado"))
    with day.database.reading() as db:
        accepted = db.exec(select(Plan).where(Plan.status == PlanStatus.ACCEPTED)).one()
        assert accepted.basis_plan_id == day.plan_id
        assert set(solution_of(accepted).itineraries) == {day.going, day.left}


# ---- 18: a newcomer --------------------------------------------------------------------------------------------------


def test_a_newcomer_finds_the_tour_from_the_readme_and_sees_ticked_what_was_done(day: Day, chromium: Browser) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "make demo" in readme
    assert "tour" in readme
    with Desk(chromium, day.office, PLANNER) as desk:
        desk.open("/")
        desk.page.get_by_role("link", name=desk.t("view.tour"), exact=True).click()
        desk.see(desk.t("view.tour.title"))
        desk.settle()
        ticked = desk.page.get_by_role("heading", name=re.compile("^☑")).all_inner_texts()
        # The plan was asked for and accepted in this office before; nobody has published or withdrawn.
        assert [re.sub(r"^☑ \d\. ", "", words).rpartition(" (")[0] for words in ticked] == [
            desk.t("tour.plan"),
            desk.t("tour.compare"),
        ]
        desk.page.get_by_role("link", name=desk.t("view.tour.go", page=desk.t("view.intake"))).first.click()
        desk.see(desk.t("view.intake.title"))
