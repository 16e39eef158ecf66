"""Two days that happened, in a real browser: fever at a stopover, and a road closed for days; all people invented.

Everything below the pages is made by the builders; what the coordinator does is done with the mouse and the keys.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copy

import pytest
from playwright.sync_api import Browser
from sqlalchemy import text
from sqlmodel import Session, select

from retorno import clock, keyring
from retorno.database import Database
from retorno.labels import plural
from retorno.models.movements import Confirmation, Escort, Movement, Plan, Stay
from retorno.models.people import Case, Screening
from retorno.movements.facts import view
from retorno.office import audit
from retorno.office.access import Actor, load_actor
from retorno.papers.keys import load_keys
from retorno.vocabulary import Language, MovementStatus, PlanStatus
from tests import builders
from tests import planning_builders as build
from tests.test_real_days import HOME, brothers, stranded
from tests.ui.conftest import password_hash
from tests.ui.desk import Desk
from tests.ui.serving import Office, free_port
from tests.ui.test_journeys_coordinator import working

pytestmark = pytest.mark.browser

ES = Language.ES
LOGIN = "coordinator.z-tapachula"
FEVER_AT = datetime(2027, 3, 9, 13, 0, tzinfo=UTC)
"""Seven in the morning at the stopover, three hours before the flights."""
FEVERISH = ("Adán Fiebre", "Berta Fiebre", "Ciro Fiebre")
"""One of four brothers, and a child of each of the other flights."""
LONGEST_SECONDS = 180
"""From the call to the new lists in the hand."""
NEW_PLAN_MS = 180_000
"""For a plan of the worker, on a machine on which much else runs."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """An office with its database and its clock, and those who act in it."""

    office: Office
    database: Database
    coordinator: Actor
    coordinator_2: Actor
    protection: Actor

    def at(self, instant: datetime) -> None:
        """Set the clock of the office and of this process, which works for it."""
        assert self.office.clock_file is not None
        self.office.clock_file.write_text(instant.isoformat(), "ascii")
        clock.set_now(lambda: instant)


@contextmanager
def served(folder: Path, template: Path) -> Iterator[Served]:
    """An office without people, not started yet."""
    clock.set_now(lambda: builders.NOW)
    copy(template, folder / "office.db")
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(32)))
    database = Database(f"sqlite:///{folder}/office.db")
    with database.transaction() as db:
        users = builders.make_office(db).user_ids
        db.execute(text("UPDATE app_user SET password_hash = :h, login = lower(login)"), {"h": password_hash()})
    keyring.use(load_keys(folder / "keys.json", office_ids=["Z-TAPACHULA"], create=True))
    with database.reading() as db:
        first, second, third = (
            load_actor(db, users[name]) for name in ("coordinator", "coordinator_2", "protection_1")
        )
    office = Office(port=free_port(), folder=folder, clock_file=folder / "clock")
    made = Served(office=office, database=database, coordinator=first, coordinator_2=second, protection=third)
    made.at(builders.NOW)
    try:
        yield made
    finally:
        office.stop()
        database.dispose()
        clock.set_now(None)


# ---- 12: fever at the stopover ---------------------------------------------------------------------------------------


def three_flights(db: Session, here: Served) -> list[str]:
    """106 children with seven officers on each of three released flights from Mexico City."""
    made = []
    for number, (place_id, sizes) in enumerate(zip(HOME, ([4] + [1] * 32, [1] * 35, [1] * 35), strict=True)):
        escorts: list[Escort] = [build.make_escort(db, name=f"Oficial {number}-{n}") for n in range(7)]
        offer = build.make_offer(
            db, number=f"INV-F{number}", origin_place_id="APT-MEX", destination_place_id=place_id,
            depart_at=FEVER_AT + timedelta(hours=3), arrive_at=FEVER_AT + timedelta(hours=5), escort_returns=7,
        )  # fmt: skip
        movement = build.make_flight(db, offer=offer)
        for which, size in enumerate(sizes):
            group = brothers(db, size, escorts[:2], place_id)
            db.get_one(Case, group.case_id).place_id = "APT-MEX"
            for place, person in enumerate(build.members(db, group.group_id)):
                is_feverish = which == 0 and place == 0
                person.given_names = FEVERISH[number].split()[0] if is_feverish else f"Niña {number}-{which}-{place}"
                person.family_names = "Fiebre"
                db.add(person)
            build.seat_group(db, movement, group)
        for escort in escorts:
            build.seat_escort(db, movement, escort, None)
        made.append(movement.movement_id)
    for movement_id in made:
        build.release(db, here.coordinator, here.protection, movement_id)
    return made


def choose_by_name(desk: Desk, field: str, names: Sequence[str]) -> None:
    """Type each name and take the option that begins with it; then compare with whom the page holds for chosen."""
    for name in names:
        desk.settle()
        box = desk.page.get_by_role("combobox", name=field)
        box.click()
        box.fill(name)
        desk.page.get_by_role("option", name=re.compile(f"^{name} · ")).click()
        desk.page.locator("table.rt").first.get_by_text(name).wait_for()
    desk.page.keyboard.press("Escape")
    desk.settle()
    found = zip(desk.cells(0), desk.cells(2), strict=True)
    assert sorted(name for name, why in found if why == desk.t("view.cannot_go_on.ticked")) == sorted(names)


def test_of_106_children_six_stay_and_a_hundred_fly_with_new_lists_after_one_click(
    chromium: Browser, tmp_path: Path, sqlite_template: Path
) -> None:
    with served(tmp_path, sqlite_template) as here:
        with here.database.transaction() as db:
            flights = three_flights(db, here)
        here.at(FEVER_AT)
        here.office.start()
        with Desk(chromium, here.office, LOGIN) as desk:
            fever_journey(desk, here, flights)
        with here.database.reading() as db:
            flying = [build.aboard(db, movement_id) for movement_id in flights]
            assert [len(each) for each in flying] == [32, 34, 34]
            assert {db.get_one(Movement, each).manifest_version for each in flights} == {2}


def fever_journey(desk: Desk, here: Served, flights: Sequence[str]) -> None:
    """From the call to the reprinted lists."""
    started = time.monotonic()
    desk.open(f"/cannot_go_on?movement={flights[0]}")
    choose_by_name(desk, desk.t("view.cannot_go_on.names"), FEVERISH)
    # The facts, before anything is done: the brothers stay too, a hundred go on, every list is replaced.
    six, hundred = plural("view.cannot_go_on.stay", ES, 6), plural("view.cannot_go_on.go", ES, 100)
    desk.see(desk.t("view.cannot_go_on.ratio_ok"))
    facts = desk.page.locator("table.rt").nth(1)
    rows = [[cell.inner_text() for cell in row.locator("td").all()] for row in facts.locator("tbody tr").all()]
    new_list = desk.t("view.cannot_go_on.replaces", new=2, old=1)
    assert rows == [
        ["INV-F0", "36", "32", new_list],
        ["INV-F1", "35", "34", new_list],
        ["INV-F2", "35", "34", new_list],
    ]
    with here.database.reading() as db:
        assert db.exec(select(Stay)).all() == []
    desk.press(desk.t("view.cannot_go_on.do", staying=six, going=hundred))
    desk.see(re.compile(f"^Hecho .*{six}, {hundred}"))
    desk.see(desk.t("view.cannot_go_on.print"))
    assert desk.text.count(desk.t("view.cannot_go_on.destroy", new=2, old=1)) == 3
    links = desk.page.locator('a:has-text("PDF v2")')
    for number in range(links.count()):
        printed = desk.context.request.get(here.office.origin + str(links.nth(number).get_attribute("href")))
        assert printed.body().startswith(b"%PDF")
    seconds = time.monotonic() - started
    # Two clicks a name, one to apply, one for each list: the carrier's and the reception's of three flights.
    print(f"from the call to the lists: {2 * len(FEVERISH) + 1 + links.count()} clicks, {seconds:.0f} s")
    assert seconds < LONGEST_SECONDS
    # Who knows: the reception posts and the carrier at once, the consulate with its batch at 14:00 UTC, 08:00 here.
    known = desk.cells(1)
    assert desk.t("view.cannot_go_on.now") in known
    assert any("08:00" in each for each in known)


# ---- 13: the closed road ---------------------------------------------------------------------------------------------

SIZES = ((4,) * 9, (4,) * 4 + (7,) * 2, (7,) * 5)
"""Families on three coaches, 36, 30 and 35 people: thirteen of four fill one aircraft, seven of seven the other."""
ROAD_AT = builders.NOW
REOPENED_AT = datetime(2027, 3, 4, 15, 0, tzinfo=UTC)
"""Before the flights leave: whoever waits for them is no backlog."""
PLAN_SECONDS = 4
SOURCE = "Protección civil inventada"


def three_coaches(db: Session, here: Served) -> list[str]:
    """101 people on three coaches whose lists are out, two aircraft with room for exactly 52 and 49."""
    build.make_agreement(db)
    build.make_vehicle(db)
    for _ in range(4):
        build.make_driver(db)
    made = []
    for sizes in SIZES:
        coach = build.make_bus(db)
        for size in sizes:
            build.seat_group(db, coach, build.make_family(db, adults=size))
        build.confirm_all(db, here.coordinator, coach.movement_id)
        build.issue(db, here.coordinator, here.coordinator_2, coach.movement_id)
        made.append(coach.movement_id)
    for number, seats in ((10, 58), (11, 55)):
        build.make_offer(
            db, number=f"INV-R{number}", seats=seats, origin_place_id="APT-TAP",
            destination_place_id="HN-CAMR-OMOA", depart_at=datetime(2027, 3, number, 15, 0, tzinfo=UTC),
            arrive_at=datetime(2027, 3, number, 18, 0, tzinfo=UTC),
        )  # fmt: skip
    return made


def test_a_road_closes_101_people_fly_and_after_the_reopening_the_longest_stranded_go_first(
    chromium: Browser, tmp_path: Path, sqlite_template: Path
) -> None:
    with served(tmp_path, sqlite_template) as here:
        with here.database.transaction() as db:
            coaches = three_coaches(db, here)
        here.at(ROAD_AT)
        here.office.start()
        with Desk(chromium, here.office, LOGIN) as desk:
            close_the_road(desk, here, coaches)
            fly(desk, here)
        with here.database.transaction() as db:
            # The coaches that drive to the aircraft are taken; another one comes.
            build.make_vehicle(db)
            for _ in range(2):
                build.make_driver(db)
            for group_id in stranded(db, [19, 19, 19, 19], date(2027, 1, 11)):
                for person in build.members(db, group_id):
                    asked_at = REOPENED_AT - timedelta(hours=2)
                    db.add(Screening(person_id=person.person_id, screened_at=asked_at, screened_by="U-PROTECTION"))
        here.at(REOPENED_AT)
        with Desk(chromium, here.office, LOGIN) as desk:
            reopen_and_work_off(desk, here)


def close_the_road(desk: Desk, here: Served, coaches: Sequence[str]) -> None:
    """Facts before the click; then the coaches stop."""
    desk.open("/closures")
    desk.choose(desk.t("field.closure_target"), desk.t("closure.country"))
    box = desk.page.get_by_role("combobox", name=desk.t("field.closure_what"))
    box.click()
    box.fill("Guatemala")
    desk.page.get_by_role("option", name="Guatemala", exact=True).click()
    desk.write(desk.t("field.source"), SOURCE)
    people = plural("view.people", ES, 101)
    desk.see(re.compile(people))
    with here.database.reading() as db:
        assert all(db.get_one(Movement, each).status is MovementStatus.ISSUED for each in coaches)
    desk.press(plural("view.closures.do_stop", ES, 3))
    desk.see(plural("view.closures.stopped", ES, 3))
    with here.database.reading() as db:
        assert all(db.get_one(Movement, each).status is MovementStatus.CANCELLED for each in coaches)


def planned(desk: Desk, here: Served, heading: str) -> None:
    """Let the worker search for the plan just asked for, some seconds only; wait until the page shows what it does."""
    desk.see(desk.t("view.plan.started"))
    with here.database.transaction() as db:
        plan = db.exec(select(Plan).where(Plan.status == PlanStatus.RUNNING)).one()
        plan.seconds = PLAN_SECONDS
        db.add(plan)
    with working(here.database):
        desk.page.get_by_text(heading, exact=True).wait_for(timeout=NEW_PLAN_MS)
    desk.settle()


def fly(desk: Desk, here: Served) -> None:
    """A plan for those alone whom it stopped: 52 and 49 by air; accepted, and everybody asked anew."""
    desk.press(desk.t("view.closures.replan"))
    planned(desk, here, desk.t("view.closures.compare"))
    desk.see(desk.t("view.closures.by_air", flights="52 (INV-R10) + 49 (INV-R11)"))
    desk.press(desk.t("view.plan.accept"))
    desk.agree(desk.t("view.plan.accept"))
    desk.see(desk.t("view.closures.accepted"))
    desk.press(desk.t("view.closures.ask_all"))
    desk.see(re.compile(r"\d+ preguntas? enviadas?"))
    with here.database.reading() as db:
        flown = [row for row in db.exec(select(Movement)).all() if row.label.startswith("INV-R")]
        assert {row.label: len(view(db, row.movement_id).riders) for row in flown} == {"INV-R10": 52, "INV-R11": 49}
        asked = {row.movement_id for row in db.exec(select(Confirmation)).all()}
        assert {row.movement_id for row in flown} <= asked


def reopen_and_work_off(desk: Desk, here: Served) -> None:
    """The road opens; four families who came meanwhile go home, the longest stranded first."""
    desk.open("/closures")
    desk.press(desk.t("view.closures.open"))
    desk.press(desk.t("view.closures.reopen"))
    desk.agree(desk.t("view.closures.reopen"))
    desk.see(desk.t("view.closures.reopened"))
    desk.press(desk.t("view.closures.work_off"))
    planned(desk, here, desk.t("view.closures.backlog"))
    desk.see(re.compile(desk.t("view.closures.all_home", day="§").split("§")[0]))
    desk.page.locator('[data-testid="stVegaLiteChart"]').first.wait_for()
    # The table says what the chart draws: whoever waits becomes fewer day by day, and nobody is left.
    table = desk.page.locator("table.rt", has_text=desk.t("view.closures.home_on_day"))
    waiting = [int(row.locator("td").nth(2).inner_text()) for row in table.locator("tbody tr").all()]
    assert waiting == sorted(waiting, reverse=True)
    assert waiting[-1] == 0
    desk.page.get_by_text(desk.t("view.closures.order"), exact=True).click()
    order = desk.page.locator("table.rt").last
    order.wait_for()
    desk.settle()
    homes = [row.locator("td").nth(3).inner_text() for row in order.locator("tbody tr").all()]
    assert len(homes) == 4
    assert len(set(homes)) > 1
