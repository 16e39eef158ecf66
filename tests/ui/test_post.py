"""The light door when things go wrong: a sentence in the visitor's language, never a broken page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from retorno import changes
from retorno.confirmation import Party
from retorno.database import Database
from retorno.models.movements import Movement, MovementCrossing, MovementSegment
from retorno.models.office import User
from retorno.office import accounts
from retorno.office.access import Actor
from retorno.settings import Settings
from retorno.vocabulary import Language, PartyKind
from tests import planning_builders as build
from ui.light import Light, Visit
from ui.post import Posts, _meeting

OMOA = Party(kind=PartyKind.RECEPTION, party_id="HN-CAMR-OMOA")


@pytest.fixture
def released(
    database: Database,
    office: object,
    tmp_path: Path,
    coordinator: Actor,
    coordinator_2: Actor,
    frozen_clock: Callable[[datetime], None],
) -> Movement:
    """A released coach with one family of two and an escort, the day before it leaves."""
    build.use_keys(tmp_path)
    with database.transaction() as session:
        bus = build.make_bus(session)
        build.seat_group(session, bus, build.make_family(session, adults=2))
        build.release(session, coordinator, coordinator_2, bus.movement_id)
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

    def visit(self, what: str = "", **form: str) -> Visit:
        assert self.row is not None
        params = {
            "movement_id": self.movement.movement_id,
            "kind": self.party.kind.value,
            "party_id": self.party.party_id,
            "what": what,
        }
        scope = {"type": "http", "path": "/post", "query_string": b"", "headers": [], "path_params": params}
        return Visit(
            request=Request(scope),
            language=Language.ES,
            user_id=self.user_id,
            token=self.token,
            row=self.row,
            form=FormData({"csrf": self.row.csrf_token} | form),
        )

    def page(self) -> Response:
        return self.posts._movement(self.visit(), "", ())

    def paper(self, what: str) -> Response:
        return self.posts._paper(self.visit(what))

    def act(self, what: str, **form: str) -> Response:
        return self.posts._act(self.visit(what, **form))


@pytest.fixture
def post(database: Database, reception: Actor, released: Movement) -> Door:
    """Omoa's own pages."""
    return Door(database, reception.user_id, released, OMOA)


def said(response: Response) -> str:
    return bytes(response.body).decode()


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
        border = Party(kind=PartyKind.BORDER_POST, party_id=crossing.enter_post_id)
        carrier = Party(kind=PartyKind.CARRIER, party_id="Transportes")

        assert _meeting(session, released, border) == (crossing.at, crossing.enter_post_id)
        assert _meeting(session, released, OMOA) == (last.arrive_at, OMOA.party_id)
        assert _meeting(session, released, carrier)[0] == released.depart_at
        assert released.depart_at < crossing.at < last.arrive_at


def test_list_that_became_void_says_so_on_the_page_and_on_the_papers(
    database: Database, coordinator: Actor, released: Movement, post: Door
) -> None:
    assert post.page().status_code == 200
    with database.transaction() as session:
        changes.cancel_movement(session, coordinator, movement_id=released.movement_id)

    for answer in (post.page(), post.paper("pdf"), post.paper("xlsx")):
        assert answer.status_code == 409
        assert "Este manifiesto ya no vale." in said(answer)


def test_ticks_and_handover_without_a_name_are_asked_for_in_spanish(post: Door) -> None:
    nobody = post.act("handover", received_by="Oficial Inventada")
    nameless = post.act("handover", received_by=" ")
    strange = post.act("acknowledge", version="²")

    assert (nobody.status_code, nameless.status_code, strange.status_code) == (422, 422, 409)
    assert "marque primero a quienes llegaron" in said(nobody)
    assert "falta quién recibe" in said(nameless)
    assert "Abra la lista actual" in said(strange)
