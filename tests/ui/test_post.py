"""The light door act by act: a sentence in the visitor's language, nothing done twice, never a broken page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlmodel import select
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from retorno import changes, clock
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.database import Database
from retorno.models.movements import (
    Acknowledgement,
    Arrival,
    Confirmation,
    Handover,
    HeadCount,
    Incident,
    Movement,
    MovementCrossing,
    MovementSegment,
)
from retorno.models.office import Notice, User
from retorno.models.people import Consent, Fitness, Person
from retorno.models.protection import Hold
from retorno.office import access, accounts, audit
from retorno.office.access import Actor
from retorno.settings import Settings
from retorno.under_way.receiving import meeting
from retorno.vocabulary import (
    Answer,
    AnswerReason,
    ArrivalOutcome,
    FitnessOutcome,
    HoldKind,
    IncidentCode,
    Language,
    MovementStatus,
    PartyKind,
    PersonStatus,
)
from tests import builders
from tests import planning_builders as build
from ui.light import Light, Visit
from ui.post import Posts

OMOA = Party(kind=PartyKind.RECEPTION, party_id="HN-CAMR-OMOA")
CORINTO = Party(kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B")
ELENA = Party(kind=PartyKind.ESCORT, party_id="E-TEST000001")
Clock = Callable[[datetime], None]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A database to copy, with a released coach: two families, of three and of two, and an escort; and its id."""
    folder = tmp_path_factory.mktemp("released")
    clock.set_now(lambda: builders.NOW)
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(range(32))))
    build.use_keys(folder)
    made = Database(f"sqlite:///{folder}/office.db")
    made.create()
    with made.transaction() as session:
        users = builders.make_office(session).user_ids
        bus = build.make_bus(session)
        for size in (3, 2):
            build.seat_group(session, bus, build.make_family(session, adults=size))
        build.seat_escort(session, bus, build.make_escort(session, escort_id=ELENA.party_id), None)
        first, second = (access.load_actor(session, users[name]) for name in ("coordinator", "coordinator_2"))
        build.release(session, first, second, bus.movement_id)
        movement_id = bus.movement_id
    with made.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        connection.exec_driver_sql("BEGIN")
    made.dispose()
    clock.set_now(None)
    return folder, movement_id


@pytest.fixture
def database(ready: tuple[Path, str], tmp_path: Path) -> Iterator[Database]:
    """A copy of that database; what the pages do to both kinds of database is tested where it is done."""
    shutil.copy(ready[0] / "office.db", tmp_path / "office.db")
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(range(32))))
    build.use_keys(ready[0])
    made = Database(f"sqlite:///{tmp_path}/office.db")
    yield made
    made.dispose()


@pytest.fixture
def office() -> builders.OfficeFixture:
    """The office that stands in it already."""
    users = {login: f"U-TAPACHULA-{login}" for login, *_ in builders.ACCOUNTS}
    return builders.OfficeFixture(office_id="Z-TAPACHULA", user_ids=users)


@pytest.fixture
def released(database: Database, ready: tuple[Path, str], frozen_clock: Clock) -> Movement:
    """The coach, the day before it leaves."""
    with database.reading() as session:
        bus = session.get_one(Movement, ready[1])
        session.expunge(bus)
    frozen_clock(bus.depart_at - timedelta(hours=20))
    return bus


class Door:
    """The pages of one party as its user sees them."""

    def __init__(self, database: Database, user_id: str, movement: Movement, party: Party) -> None:
        self.posts = Posts(Light(database=database, settings=Settings()))
        self.user_id, self.movement, self.party = user_id, movement, party
        with database.transaction() as session:
            opened = accounts.open_session(session, session.get_one(User, user_id))
        with database.reading() as session:
            self.row = accounts.live_session(session, opened.token)
        self.token = opened.token

    def visit(self, what: str = "", *, query: str = "", method: str = "GET", **form: str | list[str]) -> Visit:
        assert self.row is not None
        params = {
            "movement_id": self.movement.movement_id,
            "kind": self.party.kind.value,
            "party_id": self.party.party_id,
            "what": what,
        }
        scope = {
            "type": "http",
            "method": method,
            "path": "/post",
            "query_string": query.encode(),
            "headers": [],
            "path_params": params,
        }
        fields = {"csrf": self.row.csrf_token} | form
        pairs = [
            (n.replace("__", "."), v) for n, each in fields.items() for v in ([each] if isinstance(each, str) else each)
        ]
        return Visit(
            request=Request(scope),
            language=Language.ES,
            user_id=self.user_id,
            token=self.token,
            row=self.row,
            form=FormData(pairs),
        )

    def page(self, query: str = "") -> Response:
        return self.posts._movement(self.visit(query=query))

    def overview(self, query: str = "") -> Response:
        return self.posts._overview(self.visit(query=query))

    def paper(self, what: str) -> Response:
        return self.posts._paper(self.visit(what))

    def act(self, what: str, **form: str | list[str]) -> Response:
        return self.posts._act(self.visit(what, method="POST", **form))

    def tick(self, number: str = "1", **marks: str) -> Response:
        """Ticks by row number, as the form of the page names its rows."""
        references = self.references()
        return self.act("tick", number=number, **{f"p__{references[int(k[1:]) - 1]}": v for k, v in marks.items()})

    def references(self) -> list[str]:
        found = re.findall(r'name="p\.([0-9A-Z-]+)" value="arrived"', said(self.page()))
        return found or re.findall(r'name="ref" value="([0-9A-Z-]+)"', said(self.paper("unfit")))


@pytest.fixture
def post(database: Database, reception: Actor, released: Movement) -> Door:
    """Omoa's own pages."""
    return Door(database, reception.user_id, released, OMOA)


@pytest.fixture
def border(database: Database, border_post: Actor, released: Movement) -> Door:
    """Corinto's own pages."""
    return Door(database, border_post.user_id, released, CORINTO)


@pytest.fixture
def escort_door(database: Database, escort: Actor, released: Movement) -> Door:
    """The escort's own pages."""
    return Door(database, escort.user_id, released, ELENA)


def said(response: Response) -> str:
    return bytes(response.body).decode()


def done(response: Response) -> str:
    """What an act says it did, after the way back to the page."""
    assert response.status_code == 303
    return urlsplit(response.headers["location"]).query.removeprefix("said=")


def outcomes(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(row.outcome.value for row in session.exec(select(Arrival)).all())


# ---- what comes ---------------------------------------------------------------------------------------------------


def test_posts_and_reception_points_read_when_the_coach_reaches_them_not_when_it_leaves(
    database: Database, released: Movement
) -> None:
    with database.reading() as session:
        crossing = session.exec(
            select(MovementCrossing).where(MovementCrossing.movement_id == released.movement_id)
        ).first()
        last = session.exec(
            select(MovementSegment).where(
                MovementSegment.movement_id == released.movement_id,
                MovementSegment.to_place_id == OMOA.party_id,
            )
        ).one()
        assert crossing is not None
        first_post = Party(kind=PartyKind.BORDER_POST, party_id=crossing.enter_post_id)
        carrier = Party(kind=PartyKind.CARRIER, party_id="Transportes")

        assert meeting(session, released, first_post) == (crossing.at, crossing.enter_post_id)
        assert meeting(session, released, OMOA) == (last.arrive_at, OMOA.party_id)
        assert meeting(session, released, carrier)[0] == released.depart_at
        assert released.depart_at < crossing.at < last.arrive_at


def test_the_list_of_what_comes_updates_itself_unless_the_reader_says_no(border: Door) -> None:
    moving, still = border.overview(), border.overview("still")

    assert moving.headers["refresh"] == "120; url=/post/now"
    assert "refresh" not in still.headers
    assert "lun 8 mar 2027, 14:45 (Corinto (Omoa), UTC−6)" in said(moving)
    assert "5" in said(moving)


def test_a_list_that_was_replaced_is_to_do_again_and_says_what_to_destroy(
    database: Database, coordinator: Actor, border: Door
) -> None:
    assert "Por hacer ahora" not in said(border.overview())
    with database.transaction() as session:
        person = session.exec(select(Person)).first()
        assert person is not None
        changes.withdraw(session, coordinator, person_id=person.person_id)

    for page in (border.overview(), border.page()):
        assert "La versión 2 reemplaza a la 1: destruya la 1." in said(page)
    assert "Por hacer ahora" in said(border.overview())
    assert border.act("acknowledge", version="1").status_code == 409
    assert done(border.act("acknowledge", version="2")) == "acknowledged"
    assert done(border.act("acknowledge", version="2")) == "acknowledged_again"


def test_list_that_became_void_says_so_on_the_page_and_on_the_papers(
    database: Database, coordinator: Actor, released: Movement, post: Door
) -> None:
    assert post.page().status_code == 200
    with database.transaction() as session:
        changes.cancel_movement(session, coordinator, movement_id=released.movement_id)

    for answer in (post.page(), post.paper("pdf"), post.paper("xlsx")):
        assert answer.status_code == 409
        assert "Este manifiesto ya no vale." in said(answer)
    assert "No deje usar la nómina 1" in said(post.page())
    assert "No deje usar esta nómina" in said(post.overview())
    assert "+52 000 000 0000" in said(post.page())


def test_before_the_window_and_for_somebody_elses_place_the_answer_is_the_same(
    database: Database, released: Movement, border: Door, border_post: Actor, frozen_clock: Clock
) -> None:
    foreign = Door(database, border_post.user_id, released, OMOA).page()
    frozen_clock(released.depart_at - timedelta(hours=97))
    early = border.page()

    assert (foreign.status_code, early.status_code) == (404, 404)
    assert said(early) == said(foreign).replace(foreign_csrf(foreign), foreign_csrf(early))


def foreign_csrf(page: Response) -> str:
    """The form token of a page."""
    return said(page).split('name="csrf" value="')[1].split('"')[0]


@pytest.mark.parametrize("answer", ["confirmed", "declined"])
def test_a_question_is_answered_by_code_and_a_second_click_is_harmless(
    database: Database, coordinator: Actor, border: Door, answer: str
) -> None:
    with database.transaction() as session:
        bus = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=3))
        build.seat_group(session, bus, build.make_family(session, adults=1))
        confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
        asked = session.exec(
            select(Confirmation.confirmation_id).where(Confirmation.party_id == CORINTO.party_id,
                                                       Confirmation.answer == Answer.PENDING)
        ).one()  # fmt: skip
    assert asked in said(border.overview())
    assert "Sin capacidad ese día" in said(border.posts._no(border.visit(), asked, ()))
    reasonless = border.posts._answer(border.visit(method="POST", confirmation=asked, answer="declined"))

    form = {"confirmation": asked, "answer": answer, "reason": "no_capacity"}
    first, second = (border.posts._answer(border.visit(method="POST", **form)) for _ in range(2))

    assert reasonless.status_code == 422
    assert done(first) == answer
    assert done(second) in (answer, "answered_again")
    with database.reading() as session:
        row = session.get_one(Confirmation, asked)
        wanted = (Answer.DECLINED, AnswerReason.NO_CAPACITY) if answer == "declined" else (Answer.CONFIRMED, None)
        assert (row.answer, row.reason) == wanted


# ---- ticks --------------------------------------------------------------------------------------------------------


def test_ticks_are_saved_changed_and_taken_back_until_the_handover(database: Database, border: Door) -> None:
    assert done(border.tick(n1="arrived", n2="not_travelling", n3="")) == "ticks.2"
    assert done(border.tick(n1="arrived", n2="not_travelling")) == "ticks_none"
    assert outcomes(database) == ["arrived", "not_travelling"]
    assert done(border.tick(n1="", n2="arrived")) == "ticks.2"
    assert outcomes(database) == ["arrived"]


def test_numbers_of_the_absent_record_everybody_else_as_here(database: Database, border: Door) -> None:
    assert done(border.act("absent", number="1", absent="2 y 4-5")) == "ticks.5"
    assert outcomes(database) == ["arrived"] * 2 + ["not_travelling"] * 3
    assert done(border.act("absent", number="1", absent="")) == "ticks.3"
    assert outcomes(database) == ["arrived"] * 5


def test_wrong_numbers_are_all_named_and_what_was_typed_stays(database: Database, border: Door) -> None:
    answer = border.act("absent", number="1", absent="2, 6, abc")

    assert answer.status_code == 422
    assert "«6» no es un número de esta nómina" in said(answer)
    assert "«abc» no es un número de esta nómina" in said(answer)
    assert 'value="2, 6, abc" autofocus aria-invalid="true"' in said(answer)
    assert '<a href="#absent">' in said(answer)
    assert outcomes(database) == []


def test_a_list_that_changed_while_ticking_records_nothing_and_keeps_the_ticks(
    database: Database, coordinator: Actor, border: Door
) -> None:
    references = border.references()
    with database.transaction() as session:
        gone = session.exec(select(Person).order_by(Person.group_id)).all()[-1]
        changes.withdraw(session, coordinator, person_id=gone.person_id)
    still = border.references()
    kept = next(ref for ref in references if ref in still)

    answer = border.act("tick", number="1", **{f"p__{kept}": "arrived"})

    assert answer.status_code == 409
    assert "sus marcas siguen abajo" in said(answer)
    assert f'name="p.{kept}" value="arrived" checked' in said(answer)
    assert border.act("absent", number="1", absent="2").status_code == 409
    assert outcomes(database) == []


def test_a_post_that_is_late_with_its_ticks_does_not_undo_those_made_further_on(
    database: Database, border: Door, post: Door
) -> None:
    border.act("absent", number="1", absent="5")
    assert "0 llegaron, 0 no viajan, 5 sin marcar" in said(post.page())
    assert "en una parada anterior: no viaja" in said(post.page())
    post.act("absent", number="1", absent="5")

    assert done(border.act("absent", number="1", absent="")) == "ticks_none"
    assert "registrada más adelante" in said(border.page())
    assert outcomes(database) == ["arrived"] * 4 + ["not_travelling"]


# ---- handover -----------------------------------------------------------------------------------------------------


def test_ticks_and_handover_without_a_name_are_asked_for_in_spanish(post: Door) -> None:
    nobody = post.act("handover", number="1", received_by="Oficial Inventada", time="14:45")
    nameless = post.act("handover", number="1", received_by=" ", time="25:00")
    strange = post.act("acknowledge", version="²")

    assert (nobody.status_code, nameless.status_code, strange.status_code) == (422, 422, 409)
    assert "faltan personas por marcar: n.º 1, 2, 3, 4, 5" in said(nobody)
    assert 'value="Oficial Inventada"' in said(nobody)
    assert "falta quién recibe" in said(nameless)
    assert "Hora de la entrega: no es una hora" in said(nameless)
    assert "Abra la lista actual" in said(strange)


def test_the_handover_is_checked_then_signed_once_with_its_time(
    database: Database, released: Movement, border: Door, frozen_clock: Clock
) -> None:
    frozen_clock(released.depart_at + timedelta(hours=8, minutes=20))  # 15:05 in Corinto
    border.act("absent", number="1", absent="3")
    form = {"number": "1", "received_by": "Oficial Inventada", "time": "14:50"}

    check = border.act("handover", **form)
    assert "lun 8 mar 2027, 14:50 (Corinto (Omoa), UTC−6)" in said(check)
    assert "Firmar la entrega de 4 personas" in said(check)
    with database.reading() as session:
        assert session.exec(select(Handover)).all() == []
    assert done(border.act("sign", **form)) == "handover"
    assert done(border.act("sign", **(form | {"received_by": "Otra"}))) == "handover_again"
    assert done(border.act("handover", **form)) == "handover_again"

    with database.reading() as session:
        row = session.exec(select(Handover)).one()
    assert (row.person_count, row.received_by) == (4, "Oficial Inventada")
    assert row.handed_at == released.depart_at + timedelta(hours=8, minutes=5)
    assert "Entrega firmada: 4 personas, recibidas por Oficial Inventada." in said(border.page("said=handover"))
    assert border.act("absent", number="1", absent="").status_code == 409


def test_a_handover_in_the_future_or_with_a_hidden_sign_is_refused(border: Door) -> None:
    border.act("absent", number="1", absent="")
    later = border.act("handover", number="1", received_by="Oficial\u202e", time="12:30")  # It is 10:45.

    assert later.status_code == 422
    assert "Hora de la entrega: está en el futuro" in said(later)
    assert "contiene un signo que no se puede guardar" in said(later)


def test_nobody_is_ticked_before_the_journey_is_released(
    database: Database,
    coordinator: Actor,
    coordinator_2: Actor,
    released: Movement,
    border_post: Actor,
    frozen_clock: Clock,
) -> None:
    frozen_clock(builders.NOW)
    with database.transaction() as session:
        bus = build.make_bus(session)
        build.seat_group(session, bus, build.make_family(session, adults=2))
        build.confirm_all(session, coordinator, bus.movement_id)
        build.issue(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(bus.depart_at - timedelta(hours=20))
    waiting = Door(database, border_post.user_id, bus, CORINTO)

    assert "El viaje todavía no está autorizado" in said(waiting.page())
    assert waiting.act("absent", number="1", absent="").status_code == 409


# ---- incident, delay ----------------------------------------------------------------------------------------------


def test_the_same_incident_form_sent_twice_is_one_incident(database: Database, border: Door) -> None:
    key = said(border.page()).split(f"{border.movement.movement_id}/border_post/GT-HN-COR-B/incident")[1]
    form = {"key": key.split('name="key" value="')[1].split('"')[0], "code": "breakdown"}

    assert done(border.act("incident", **form)) == "incident"
    assert done(border.act("incident", **form)) == "incident_again"
    assert border.act("incident", key="J-23456789AB", code="").status_code == 422
    with database.reading() as session:
        assert [row.code for row in session.exec(select(Incident)).all()] == [IncidentCode.BREAKDOWN]


def test_a_delay_said_by_the_escort_is_read_by_the_posts(
    database: Database, border: Door, escort_door: Door, coordinator: Actor
) -> None:
    assert done(escort_door.act("delay", key="J-23456789AB", minutes="120")) == "delay"

    for page in (border.overview(), border.page(), escort_door.page()):
        assert "Retraso avisado: unas 2 horas tarde" in said(page)
    with database.reading() as session:
        codes = [row.code for row in session.exec(select(Notice).where(Notice.recipient_kind == "coordinator")).all()]
    assert "movement.changed" in codes


# ---- escort -------------------------------------------------------------------------------------------------------


def test_an_escort_sees_name_age_band_and_needs_and_nothing_more(database: Database, escort_door: Door) -> None:
    page = said(escort_door.page())

    assert "18–59 años" in page
    with database.reading() as session:
        for person in session.exec(select(Person)).all():
            assert person.given_names in page
            assert person.person_id not in page
    for hidden in ("1990", "pasaporte", "El Progreso", "Hond"):
        assert hidden not in page
    for stop in ("Salida: Tapachula", "Corinto (Omoa)", "Llegada: CAMR Omoa"):
        assert stop in page


def test_a_head_count_that_differs_is_kept_and_told(database: Database, escort_door: Door) -> None:
    assert done(escort_door.act("count", place="GT-HN-COR-B", count="4")) == "count_off.4.5"
    assert done(escort_door.act("count", place="GT-HN-COR-B", count="5")) == "count.5.5"
    assert escort_door.act("count", place="GT-HN-COR-B", count="cinco").status_code == 422
    assert escort_door.act("count", place="HN-TEGUCIGALPA", count="5").status_code == 404
    with database.reading() as session:
        row = session.exec(select(HeadCount)).one()
    assert (row.person_count, row.expected_count, row.version) == (5, 5, 2)


@pytest.mark.parametrize("kind", ["unfit", "withdraw", "fear"])
def test_who_gets_off_is_checked_with_the_family_and_recorded_once(
    database: Database, released: Movement, escort_door: Door, kind: str
) -> None:
    references = escort_door.references()
    with database.reading() as session:
        names = {p.person_id: p for p in session.exec(select(Person)).all()}
    check = escort_door.act(kind, ref=references[-1])
    size = 3 if "3 no siguen" in said(check) or "<dd><bdi>3</bdi></dd>" in said(check).split("Siguen")[0] else 2
    with database.reading() as session:
        assert session.exec(select(Fitness).where(Fitness.outcome == FitnessOutcome.NOT_NOW)).all() == []

    assert done(escort_door.act(kind, ref=references[-1], sure="yes")) == f"stopped.{size}.{5 - size}.2"
    assert done(escort_door.act(kind, ref=references[-1], sure="yes")) == "stopped_again"

    page = said(escort_door.page(f"said=stopped.{size}.{5 - size}.2"))
    assert f"Bajan {size}, siguen {5 - size}. Nómina nueva: versión 2." in page
    with database.reading() as session:
        off = [p for p in session.exec(select(Person)).all() if p.status is PersonStatus.WITHDRAWN]
        holds = session.exec(select(Hold)).all()
        withdrawn = [c for c in session.exec(select(Consent)).all() if c.withdrawn_at is not None]
    assert len(names) == 5
    assert (len(off), len(holds), bool(withdrawn)) == {
        "unfit": (0, 0, False),
        "withdraw": (1, 0, True),
        "fear": (0, 1, False),
    }[kind]
    assert [hold.kind for hold in holds] == ([HoldKind.FEAR] if kind == "fear" else [])


def test_what_is_each_ones_own_word_is_never_recorded_for_two(database: Database, escort_door: Door) -> None:
    two = escort_door.references()[:2]

    assert escort_door.act("withdraw", ref=two, sure="yes").status_code == 422
    assert escort_door.act("fear", ref=two, sure="yes").status_code == 422
    nobody = escort_door.act("unfit")
    assert (nobody.status_code, "No eligió a nadie" in said(nobody)) == (422, True)
    assert escort_door.act("withdraw", ref="AAA-AAA-AAA", sure="yes").status_code == 404


def test_posts_and_reception_points_cannot_take_anybody_off(post: Door, border: Door, escort_door: Door) -> None:
    for door in (post, border):
        for kind in ("unfit", "withdraw", "fear"):
            assert door.act(kind, ref=escort_door.references()[0], sure="yes").status_code == 404
            assert door.paper(kind).status_code == 404


def test_an_escort_whose_last_person_got_off_still_reads_what_was_done(
    database: Database, released: Movement, escort_door: Door
) -> None:
    everybody = escort_door.references()
    answer = done(escort_door.act("unfit", ref=everybody, sure="yes"))

    assert answer == "stopped_all.5"
    assert "Bajan 5: nadie de su nómina sigue." in said(escort_door.page(f"said={answer}"))
    with database.reading() as session:
        assert session.get_one(Movement, released.movement_id).status is MovementStatus.CANCELLED


# ---- forms --------------------------------------------------------------------------------------------------------


def test_a_form_of_another_session_changes_nothing_and_keeps_what_was_typed(database: Database, border: Door) -> None:
    answer = border.act("absent", csrf="another", number="1", absent="4")

    assert answer.status_code == 409
    assert 'value="4"' in said(answer)
    assert outcomes(database) == []


@pytest.mark.parametrize("query", ["said=ticks", "said=ticks.x", "said=nothing.1", "said=handover.1", "said="])
def test_an_address_cannot_make_a_page_say_what_was_not_done(border: Door, query: str) -> None:
    assert 'class="message" role="status"' not in said(border.page(query))


def test_acknowledging_is_noted_for_the_party_that_did_it(database: Database, border: Door) -> None:
    border.act("acknowledge", version="1")
    with database.reading() as session:
        row = session.get_one(
            Acknowledgement, (border.movement.movement_id, 1, PartyKind.BORDER_POST, CORINTO.party_id)
        )
    assert row.acknowledged_at is not None
    assert ArrivalOutcome.ARRIVED.value not in outcomes(database)
