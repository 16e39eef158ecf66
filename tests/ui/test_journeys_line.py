"""The whole line in a real browser: a plan is searched, protection stops a family meanwhile, the others go home.

One office and one server. What parties without an account answer is written down through the same acts that the
coordinator's pages call.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser
from sqlalchemy import text
from sqlmodel import col, select

from retorno import clock, keyring, manifest, worker
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.database import Database
from retorno.models.movements import AgreementConfirmation, Confirmation, Driver, Movement, Vehicle
from retorno.models.people import Case, Person
from retorno.office import access, audit
from retorno.papers.keys import load_keys
from retorno.papers.seal import Verdict, verify_content
from retorno.vocabulary import Answer, MovementStatus, PartyKind
from tests import builders
from tests.ui.desk import Desk
from tests.ui.serving import PASSWORD, Office, free_port

pytestmark = pytest.mark.browser

OFFICE_ID = "Z-TAPACHULA"
BORDER = "GT-HN-COR-B"
WAIT_SECONDS = 180.0
"""For a search in another thread, on a machine on which much else runs."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The office with its draft, and the family that was stopped while it was searched."""

    office: Office
    database: Database
    stopped: Person
    stopped_case: str

    def now(self) -> datetime:
        """The instant at which the office stands."""
        assert self.office.clock_file is not None
        return datetime.fromisoformat(self.office.clock_file.read_text("ascii"))

    def at(self, instant: datetime) -> None:
        """Move the office to an instant."""
        assert self.office.clock_file is not None
        self.office.clock_file.write_text(instant.isoformat(), "ascii")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Line]:
    """Three families are ready, a plan is asked for; while it is searched, protection stops the third."""
    made = opened_office(tmp_path_factory.mktemp("line"))
    clock.set_now(made.now)
    made.office.start()
    with pytest.MonkeyPatch.context() as patch:
        search_while_protection_stops_a_family(made, chromium, patch)
    yield made
    made.office.stop()
    made.database.dispose()
    clock.set_now(None)


@pytest.fixture(autouse=True)
def _same_time(line: Line, frozen_clock: object) -> None:
    """Acts of the test happen at the time of the office."""
    clock.set_now(line.now)


def opened_office(folder: Path) -> Line:
    """An office with three families bound for Omoa, a coach, drivers and confirmed agreements; not served yet."""
    office = Office(port=free_port(), folder=folder, clock_file=folder / "clock")
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(32)))
    database = Database(f"sqlite:///{folder}/office.db")
    database.create()
    hashed = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)
    last = date(2028, 1, 1)
    clock.set_now(lambda: builders.NOW)
    with database.transaction() as session:
        builders.make_office(session)
        session.execute(text("UPDATE app_user SET password_hash = :h"), {"h": hashed})
        session.execute(text("UPDATE app_user SET login = replace(lower(login), '.z-tapachula', '')"))
        for family in ("Luz", "Eva", "Sol"):
            group = builders.make_group(session)
            people = [
                builders.make_person(session, group, given_names=f"{family} Inventada {number}") for number in range(3)
            ]
        stopped, stopped_case = people[0], session.get_one(Case, group.case_id).reference
        session.add(
            Vehicle(
                vehicle_id="V-JOURNEY",
                vehicle_type="coach",
                plate="INV-001",
                operator="Transportes Inventados",
                depot_place_id="MX-TAPACHULA",
                seats=45,
                licence_until=last,
                insurance_until=last,
                inspection_until=last,
            )
        )
        for number in range(3):
            session.add(Driver(name=f"Conductora {number}", operator="Transportes Inventados", licence_until=last))
        for start, end, through in (("MX", "HN", "GT"), ("GT", "HN", ""), ("MX", "GT", "")):
            session.add(
                AgreementConfirmation(
                    mode="land",
                    from_country=start,
                    to_country=end,
                    transit_countries=through,
                    confirmed_with="Oficina inventada",
                    confirmed_by="Coordinadora inventada",
                    confirmed_at=builders.NOW,
                    valid_from=date(2027, 1, 1),
                    valid_until=date(2027, 12, 1),
                    is_invented=True,
                )
            )
        session.flush()
        session.expunge(stopped)
    keyring.use(load_keys(folder / "keys.json", office_ids=[OFFICE_ID], create=True))
    made = Line(office=office, database=database, stopped=stopped, stopped_case=stopped_case)
    made.at(builders.NOW)
    return made


def search_while_protection_stops_a_family(made: Line, browser: Browser, patch: pytest.MonkeyPatch) -> None:
    """The search is held between its last step and the keeping of the plan until the hold is raised."""
    is_searching, is_stopped = threading.Event(), threading.Event()
    follow = worker._follow

    def held_back(*parts: Any, **named: Any) -> Any:
        answer = follow(*parts, **named)
        is_searching.set()
        assert is_stopped.wait(WAIT_SECONDS)
        return answer

    patch.setattr(worker, "_follow", held_back)
    search = threading.Thread(
        target=lambda: worker.run(made.database, name="journey", should_stop=lambda: False, once=True)
    )
    with Desk(browser, made.office, "coordinator") as coordinator:
        coordinator.open("/plan")
        coordinator.page.get_by_role("spinbutton", name=coordinator.t("field.seconds")).fill("3")
        coordinator.press(coordinator.t("view.plan.find"))
        coordinator.see("Se está buscando")
        search.start()
        assert is_searching.wait(WAIT_SECONDS)
        with Desk(browser, made.office, "protection_1") as officer:
            officer.open(f"/protection?show=everyone&person={made.stopped.person_id}")
            officer.tab(officer.t("view.protection.do.raise"))
            officer.choose(officer.t("field.hold_kind"), officer.t("hold.fear"))
            officer.write(officer.t("field.note"), "Conversación inventada.")
            officer.press(officer.t("view.protection.raise"))
            officer.agree(officer.t("view.protection.raise"))
            officer.see(officer.t("effect.recorded"))
        is_stopped.set()
        search.join(WAIT_SECONDS)
        assert not search.is_alive()
        # The page of the search shows the draft by itself.
        coordinator.see(coordinator.t("view.plan.accept"))


def test_a_family_stopped_while_a_plan_is_searched_is_not_in_it_and_its_cause_is_nowhere(
    line: Line, chromium: Browser
) -> None:
    with Desk(chromium, line.office, "coordinator") as coordinator:
        coordinator.open("/plan")
        coordinator.see("6 personas")
        texts = [coordinator.text]
        coordinator.tab(coordinator.t("view.plan.tab.timeline"))
        texts.append(coordinator.text)
        assert line.stopped_case not in texts[-1]
        coordinator.tab(coordinator.t("view.plan.tab.why"))
        coordinator.see(line.stopped_case)
        coordinator.see("no disponible")
        texts.append(coordinator.text)
        coordinator.open("/readiness?show=missing")
        coordinator.choose(coordinator.t("field.group"), line.stopped_case)
        coordinator.see("no disponible")
        texts.append(coordinator.text)
    told = "\n".join(texts).lower()
    assert not any(word in told for word in ("temor", "suspen", "asilo", "conversación inventada"))


def others_answer(made: Line) -> None:
    """Every party but consulate and border post of Corinto answers by telephone; the coordinator writes it down."""
    with made.database.transaction() as session:
        actor = access.load_actor(session, "U-TAPACHULA-coordinator")
        for row in session.exec(select(Confirmation).where(Confirmation.answer == Answer.PENDING)).all():
            if row.party_kind is not PartyKind.CONSULATE and row.party_id != BORDER:
                confirmation.confirm(
                    session, actor, confirmation_id=row.confirmation_id, answered_by="Turno", way="phone"
                )


def others_acknowledge(made: Line, movement_id: str) -> None:
    """Every party but the border post of Corinto has the list; the coordinator writes it down."""
    with made.database.transaction() as session:
        actor = access.load_actor(session, "U-TAPACHULA-coordinator")
        for row in manifest.acknowledgements(session, movement_id):
            if row.acknowledged_at is None and row.party_id != BORDER:
                manifest.acknowledge(
                    session,
                    actor,
                    movement_id=movement_id,
                    party=Party(kind=row.party_kind, party_id=row.party_id),
                    version=row.manifest_version,
                    answered_by="Turno",
                    way="phone",
                )


def movement_into_honduras(made: Line) -> Movement:
    """The last movement of the journey, as the database has it now."""
    with made.database.reading() as session:
        return session.exec(select(Movement).order_by(col(Movement.depart_at).desc())).all()[0]


def test_from_a_plan_to_ticks_at_the_border_and_home_with_everybody_who_takes_part(
    line: Line, chromium: Browser
) -> None:
    with Desk(chromium, line.office, "coordinator") as coordinator:
        coordinator.open("/plan")
        coordinator.press(coordinator.t("view.plan.accept"))
        coordinator.agree(coordinator.t("view.plan.accept"))
        coordinator.see("Plan aceptado")

        # Every party is asked.
        coordinator.open("/confirmation")
        with line.database.reading() as session:
            movements = len(session.exec(select(Movement)).all())
        coordinator.press(coordinator.t("view.confirmation.ask_all", n=movements))
        coordinator.see("Preguntas enviadas: ")
    others_answer(line)

    # The consulate answers for its own six nationals after a check page; another state's consulate sees nobody.
    with Desk(chromium, line.office, "consulate_hn") as consulate:
        consulate.open("/consulate")
        consulate.press(consulate.t("view.consulate.all_ready"))
        consulate.press(consulate.t("view.consulate.to_check", n=6))
        consulate.press(consulate.t("view.consulate.confirm", n=6))
        consulate.see(consulate.t("view.consulate.confirmed", n=6))
    with Desk(chromium, line.office, "consulate_gt") as other:
        other.open("/consulate")
        other.see(other.t("view.consulate.empty"))
        assert "Inventada" not in other.page.content()

    # The border post confirms on its plain page.
    with Desk(chromium, line.office, "border_post", script=False) as post:
        post.page.get_by_role("button", name=post.t("light.post.confirm")).first.click()
        post.see("Hecho")

    # Two coordinators issue the list.
    last = movement_into_honduras(line)
    with Desk(chromium, line.office, "coordinator") as coordinator:
        coordinator.open(f"/manifest?movement={last.movement_id}")
        coordinator.press(coordinator.t("view.movement.propose", n=1))
        coordinator.see("por eso no puede publicarla")
    with Desk(chromium, line.office, "coordinator_2") as second:
        second.open(f"/manifest?movement={last.movement_id}")
        second.press(second.t("view.movement.sign", n=1))
        second.agree(second.t("view.movement.sign", n=1))
        second.see("Publicada la versión 1")
    assert movement_into_honduras(line).status is MovementStatus.ISSUED

    # The post has the list: acknowledges, prints, and later ticks. Its file is genuine.
    line.at(last.depart_at - timedelta(hours=60))
    others_acknowledge(line, last.movement_id)
    with Desk(chromium, line.office, "border_post", script=False) as post:
        post.page.get_by_role("link", name="Abrir lista").first.click()
        post.page.get_by_role("button", name="Acusar recibo de la versión 1").click()
        post.see("Recibida")
        path = post.page.get_by_role("link", name="Imprimir lista (PDF)").get_attribute("href")
        pdf = post.context.request.get(f"{line.office.origin}{path}").body()
    with line.database.reading() as session:
        assert verify_content(pdf, keyring.public_keys(session)).verdict is Verdict.VALID
    with line.database.transaction() as session:
        movement = session.get_one(Movement, last.movement_id)
        movement.is_route_confirmed = True
        actor = access.load_actor(session, "U-TAPACHULA-coordinator")
        manifest.release(session, actor, movement_id=last.movement_id)

    # The border post and the reception point tick and sign: everybody is home, the movement is closed.
    line.at(last.depart_at + timedelta(hours=6))
    for login, signs in (("border_post", "Oficial Inventada"), ("reception", "Trabajadora Inventada")):
        with Desk(chromium, line.office, login, script=False) as desk:
            desk.page.get_by_role("link", name="Abrir lista").first.click()
            for number in range(6):
                desk.page.get_by_role("radio", name="llegó").nth(number).check()
            desk.page.get_by_role("button", name="Guardar marcas").click()
            desk.see("6 llegaron, 0 no viajan, 0 sin marcar, de 6.")
            desk.page.get_by_label("Recibido por").fill(signs)
            desk.page.get_by_role("button", name="Firmar la entrega").last.click()
            desk.page.get_by_role("button", name="Firmar la entrega de 6 personas").click()
            desk.see("Entrega firmada: 6 personas")
    with line.database.reading() as session:
        assert session.get_one(Movement, last.movement_id).status is MovementStatus.CLOSED
        assert audit.verify_chain(session).broken_at is None
