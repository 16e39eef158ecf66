"""The whole line in a real browser: a coordinator plans, a consulate answers, a border post ticks who is here.

Runs in headless chromium against a real application; what other parties do without an account is written down through
the same acts that their own pages call.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from sqlalchemy import text
from sqlmodel import select

from retorno import clock, confirmation, keyring, manifest, worker
from retorno.confirmation import Party
from retorno.database import Database
from retorno.models.movements import AgreementConfirmation, Confirmation, Driver, Movement, Vehicle
from retorno.office import access, audit
from retorno.papers.keys import load_keys
from retorno.papers.seal import Verdict, verify_content
from retorno.vocabulary import Answer, MovementStatus, PartyKind
from tests import builders
from tests.ui.serving import PASSWORD, Office, free_port

pytestmark = pytest.mark.browser

OFFICE_ID = "Z-TAPACHULA"


def test_chromium_is_here(nothing_skipped: bool) -> None:
    """With everything installed this file may not skip itself silently."""
    assert shutil.which("chromium") or not nothing_skipped


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's chromium, headless; skipped by name where it is not installed."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with two families ready to go to Omoa, a coach, drivers and confirmed agreements."""
    clock_file = tmp_path / "clock"
    clock_file.write_text(builders.NOW.isoformat(), "ascii")
    clock.set_now(lambda: datetime.fromisoformat(clock_file.read_text("ascii")))
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(32)))
    database = Database(f"sqlite:///{tmp_path}/office.db")
    database.create()
    hashed = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)
    with database.transaction() as session:
        builders.make_office(session)
        session.execute(text("UPDATE app_user SET password_hash = :h"), {"h": hashed})
        session.execute(text("UPDATE app_user SET login = replace(lower(login), '.z-tapachula', '')"))
        for family in ("Luz", "Eva"):
            group = builders.make_group(session)
            for number in range(3):
                builders.make_person(session, group, given_names=f"{family} Inventada {number}")
        last = date(2028, 1, 1)
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
    keyring.use(load_keys(tmp_path / "keys.json", office_ids=[OFFICE_ID], create=True))
    running = Office(port=free_port(), folder=tmp_path, clock_file=clock_file)
    running.start()
    yield running
    running.stop()
    database.dispose()


class Desk:
    """One user's browser: signs in, opens pages, presses buttons; notes hosts and refused content."""

    def __init__(self, browser: Browser, office: Office, login: str) -> None:
        self.office = office
        self.context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page: Page = self.context.new_page()
        self.hosts: set[str] = set()
        self.violations: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.on(
            "console",
            lambda message: self.violations.append(message.text) if "Content Security Policy" in message.text else None,
        )
        self.page.goto(office.origin + "/login")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_load_state("networkidle")

    def open(self, path: str, heading: str) -> None:
        """Open a page and wait for its heading."""
        self.page.goto(self.office.origin + path)
        self.page.get_by_role("heading", name=heading).first.wait_for(timeout=30_000)

    def press(self, name: str, *, nth: int = 0) -> None:
        """Press a button once it is there."""
        button = self.page.get_by_role("button", name=name, exact=True).nth(nth)
        button.wait_for(timeout=30_000)
        self.settle()
        button.click()

    def settle(self) -> None:
        """Wait until Streamlit's script has come to rest: a click on a page that is being redrawn is lost."""
        if self.page.locator("[data-testid=stApp]").count():
            self.page.wait_for_timeout(300)
            self.page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=30_000)

    def agree(self, name: str) -> None:
        """Press the button that does an act, once its facts and the way back stand beside it."""
        self.page.get_by_role("button", name="No, volver", exact=True).wait_for(timeout=30_000)
        self.press(name)

    def see(self, words: str) -> None:
        """Wait until words stand on the page."""
        try:
            self.page.get_by_text(words).first.wait_for(timeout=40_000)
        except PlaywrightTimeout:
            self.page.screenshot(path=str(self.office.folder / "missing.png"), full_page=True)
            raise AssertionError(f'"{words}" is not on the page:\n{self.page.inner_text("body")}') from None

    def close(self) -> None:
        """Close the window; nothing went to another host, nothing was refused."""
        assert self.hosts == {f"127.0.0.1:{self.office.port}"}
        assert self.violations == []
        self.context.close()


def _database(office: Office) -> Database:
    return Database(f"sqlite:///{office.folder}/office.db")


def _others_answer(database: Database) -> None:
    """Every party but consulate and border post of Corinto answers by telephone; the coordinator writes it down."""
    with database.transaction() as session:
        actor = access.load_actor(session, "U-TAPACHULA-coordinator")
        for row in session.exec(select(Confirmation).where(Confirmation.answer == Answer.PENDING)).all():
            if row.party_kind is not PartyKind.CONSULATE and row.party_id != "GT-HN-COR-B":
                confirmation.confirm(
                    session, actor, confirmation_id=row.confirmation_id, answered_by="Turno", way="phone"
                )


def _others_acknowledge(database: Database, movement_id: str) -> None:
    with database.transaction() as session:
        actor = access.load_actor(session, "U-TAPACHULA-coordinator")
        for row in manifest.acknowledgements(session, movement_id):
            if row.acknowledged_at is None and row.party_id != "GT-HN-COR-B":
                party = Party(kind=row.party_kind, party_id=row.party_id)
                manifest.acknowledge(
                    session, actor, movement_id=movement_id, party=party, version=row.manifest_version,
                    answered_by="Turno", way="phone",
                )  # fmt: skip


def _movement_into_honduras(database: Database) -> Movement:
    with database.reading() as session:
        return session.exec(select(Movement).order_by(Movement.depart_at.desc())).first()  # type: ignore[attr-defined, return-value]


def test_from_a_plan_to_ticks_at_the_border_with_three_users(chromium: Browser, office: Office) -> None:
    database = _database(office)
    coordinator = Desk(chromium, office, "coordinator")

    # The coordinator asks for a plan; the worker finds it; the coordinator accepts it.
    coordinator.open("/plan", "A casa pronto, con seguridad y con explicación")
    coordinator.page.get_by_role("spinbutton", name="Segundos de búsqueda").fill("3")
    coordinator.press("Buscar un plan")
    coordinator.see("Se está buscando")
    assert worker.run(database, name="journey", should_stop=lambda: False, once=True) == 1
    coordinator.open("/plan", "A casa pronto, con seguridad y con explicación")
    coordinator.see("6 / 6")
    coordinator.press("Aceptar el plan")
    coordinator.agree("Aceptar el plan")
    coordinator.see("Plan aceptado")

    # Every party is asked.
    coordinator.open("/confirmation", "¿Quién no ha respondido?")
    with database.reading() as session:
        count = len(session.exec(select(Movement)).all())
    for number in range(count):
        coordinator.press("Preguntar a todas las partes", nth=0)
        coordinator.page.wait_for_timeout(1500 + 100 * number)
    _others_answer(database)

    # The consulate sees its own six nationals, no total, and confirms them after a check page.
    consulate = Desk(chromium, office, "consulate_hn")
    consulate.open("/consulate", "¿Qué nacionales viajan?")
    consulate.press("Poner «documento listo» en todas las de esta página")
    consulate.press("Revisar las respuestas elegidas (6)")
    consulate.press("Confirmar las filas (6)")
    consulate.see("Respuestas enviadas: 6.")
    consulate.close()

    # The other country's consulate sees nobody.
    other = Desk(chromium, office, "consulate_gt")
    other.open("/consulate", "¿Qué nacionales viajan?")
    assert "Inventada" not in other.page.content()
    other.close()

    # The border post confirms on its plain page.
    post = Desk(chromium, office, "border_post")
    post.page.goto(office.origin + "/post")
    post.page.get_by_role("button", name="Confirmar").first.click()
    post.see("Hecho")

    # Two coordinators issue the list.
    last = _movement_into_honduras(database)
    coordinator.open(f"/manifest?movement={last.movement_id}", last.reference)
    coordinator.press("Proponer la nómina, versión 1")
    coordinator.see("por eso no puede publicarla")
    second = Desk(chromium, office, "coordinator_2")
    second.open(f"/manifest?movement={last.movement_id}", last.reference)
    second.press("Firmar y publicar la versión 1")
    second.agree("Firmar y publicar la versión 1")
    second.see("Publicada la versión 1")
    second.close()
    assert _movement_into_honduras(database).status is MovementStatus.ISSUED

    # The post has the list: acknowledges, prints, and later ticks. Its file is genuine.
    (office.folder / "clock").write_text((last.depart_at - timedelta(hours=60)).isoformat(), "ascii")
    _others_acknowledge(database, last.movement_id)
    post.close()
    post = Desk(chromium, office, "border_post")
    post.page.goto(office.origin + "/post")
    post.page.get_by_role("link", name="Abrir lista").first.click()
    post.page.get_by_role("button", name="Acusar recibo de la versión 1").click()
    post.see("Recibida")
    path = post.page.get_by_role("link", name="Imprimir lista (PDF)").get_attribute("href")
    answer = post.context.request.get(office.origin + str(path))
    with database.reading() as session:
        assert verify_content(answer.body(), keyring.public_keys(session)).verdict is Verdict.VALID
    with database.transaction() as session:
        movement = session.get_one(Movement, last.movement_id)
        movement.is_route_confirmed = True
        actor = access.load_actor(session, "U-TAPACHULA-coordinator")
        manifest.release(session, actor, movement_id=last.movement_id)

    (office.folder / "clock").write_text((last.depart_at + timedelta(hours=6)).isoformat(), "ascii")
    post.close()
    post = Desk(chromium, office, "border_post")
    post.page.goto(office.origin + "/post")
    post.page.get_by_role("link", name="Abrir lista").first.click()
    for number in range(6):
        post.page.get_by_role("radio", name="llegó").nth(number).check()
    post.page.get_by_role("button", name="Guardar marcas").click()
    post.see("6 llegaron, 0 no viajan, 0 sin marcar, de 6.")
    post.page.get_by_label("Recibido por").fill("Oficial Inventada")
    post.page.get_by_role("button", name="Firmar la entrega").last.click()
    post.page.get_by_role("button", name="Firmar la entrega de 6 personas").click()
    post.see("Entrega firmada: 6 personas")
    post.close()

    # The reception point receives them: everybody is home, the movement is closed.
    reception = Desk(chromium, office, "reception")
    reception.page.goto(office.origin + "/post")
    reception.page.get_by_role("link", name="Abrir lista").first.click()
    for number in range(6):
        reception.page.get_by_role("radio", name="llegó").nth(number).check()
    reception.page.get_by_role("button", name="Guardar marcas").click()
    reception.page.get_by_label("Recibido por").fill("Trabajadora Inventada")
    reception.page.get_by_role("button", name="Firmar la entrega").last.click()
    reception.page.get_by_role("button", name="Firmar la entrega de 6 personas").click()
    reception.see("Entrega firmada: 6 personas")
    reception.close()
    coordinator.context.close()
    with database.reading() as session:
        assert session.get_one(Movement, last.movement_id).status is MovementStatus.CLOSED
        assert audit.verify_chain(session).broken_at is None
    database.dispose()
