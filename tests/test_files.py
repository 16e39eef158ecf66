"""Files: made outside the transaction, links that work once, papers of a journey without names."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from retorno import clock
from retorno.database import Database
from retorno.downloads import files
from retorno.errors import NotAllowed, Stale
from retorno.models.movements import Movement
from retorno.models.office import FileToken, Office
from retorno.models.people import Person
from retorno.office import accounts
from retorno.office.access import Actor
from retorno.papers import pages
from retorno.papers.seal import attached_files, parse_seal
from retorno.settings import Settings
from retorno.under_way import arrival
from retorno.vocabulary import IncidentCode, Language
from tests import planning_builders as build
from tests.builders import OfficeFixture
from tests.papers.papers_builders import page_count

SETTINGS = Settings(host="127.0.0.1:8501")
HOME = "HN-CAMR-OMOA"
Clock = Callable[[datetime], None]


@pytest.fixture
def movement(
    database: Database, office: OfficeFixture, coordinator: Actor, coordinator_2: Actor, tmp_path: Path
) -> Movement:
    """A released coach with two families of two adults, the first of whom speaks Haitian Creole."""
    build.use_keys(tmp_path)
    with database.transaction() as session:
        bus = build.make_bus(session)
        build.seat_escort(
            session, bus, build.make_escort(session, escort_id="E-TEST000001", name="Nora Ficticia"), None
        )
        for _ in range(2):
            build.seat_group(session, bus, build.make_family(session, adults=2))
        person = session.get_one(Person, min(build.aboard(session, bus.movement_id)))
        person.contact_language, person.speaks = "ht", "es"
        session.add(person)
    with database.transaction() as session:
        return build.release(session, coordinator, coordinator_2, bus.movement_id)


def link(database: Database, actor: Actor, kind: str, object_id: str) -> str:
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with database.transaction() as session:
        session.add(
            FileToken(
                token_sha256=accounts.token_sha256(token),
                user_id=actor.user_id,
                kind=kind,
                object_id=object_id,
                created_at=now,
                expires_at=now + files.TOKEN_LIFE,
            )
        )
    return token


def fetch(database: Database, actor: Actor, kind: str, object_id: str = "") -> files.File:
    token = link(database, actor, kind, object_id)
    return files.deliver(database, actor.user_id, token, language=Language.ES, settings=SETTINGS)


def words_of(pdf: bytes) -> str:
    run = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(run.stdout.decode().split())


def names_of(database: Database, movement: Movement) -> set[str]:
    with database.reading() as session:
        people = [session.get_one(Person, each) for each in build.aboard(session, movement.movement_id)]
        return {person.family_names for person in people} | {person.given_names for person in people}


def test_others_can_write_while_a_page_is_set_and_the_link_works_once(
    database: Database, movement: Movement, coordinator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting, written = pages.manifest_pdf, []

    def set_while_another_writes(*arguments: object, **named: object) -> bytes:
        with database.transaction() as session:
            office = session.get_one(Office, "Z-TAPACHULA")
            office.name = "Escrita mientras tanto"
            session.add(office)
        written.append(True)
        return setting(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(pages, "manifest_pdf", set_while_another_writes)
    token = link(database, coordinator, "manifest_pdf", f"{movement.movement_id}/reception/{HOME}")

    made = files.deliver(database, coordinator.user_id, token, language=Language.ES, settings=SETTINGS)

    assert made.content.startswith(b"%PDF-")
    assert written == [True]
    with pytest.raises(NotAllowed):
        files.deliver(database, coordinator.user_id, token, language=Language.ES, settings=SETTINGS)


@pytest.mark.poppler
def test_everyones_itinerary_comes_as_one_file_in_each_ones_language(
    database: Database, movement: Movement, coordinator: Actor
) -> None:
    made = fetch(database, coordinator, "itineraries_pdf", movement.movement_id)

    text = words_of(made.content)
    assert page_count(made.content) == 4
    assert made.name == f"{movement.reference}-itineraries.pdf"
    assert text.count("Ou ka di non nenpòt lè, menm sou wout la.") == 1
    assert text.count("Puede decir que no en cualquier momento") == 4
    assert text.count("Corinto") >= 4
    assert all(name in text for name in names_of(database, movement))


@pytest.mark.poppler
@pytest.mark.parametrize("login", ["coordinator", "escort"])
def test_the_route_sheet_counts_people_and_names_none(
    database: Database, movement: Movement, request: pytest.FixtureRequest, frozen_clock: Clock, login: str
) -> None:
    frozen_clock(movement.depart_at - timedelta(hours=2))
    made = fetch(database, request.getfixturevalue(login), "route_pdf", movement.movement_id)

    text = words_of(made.content)
    assert "suben 4, a bordo 4" in text
    assert "bajan 4, a bordo 0" in text
    assert "Versión 1" in text
    assert not any(name in text for name in names_of(database, movement))


@pytest.mark.poppler
def test_the_handover_note_gives_numbers_of_who_was_not_received_and_names_none(
    database: Database, movement: Movement, coordinator: Actor, reception: Actor, frozen_clock: Clock
) -> None:
    frozen_clock(movement.depart_at)
    with database.transaction() as session:
        arrival.depart(session, coordinator, movement_id=movement.movement_id)
    frozen_clock(movement.arrive_at)
    with pytest.raises(Stale):
        fetch(database, reception, "handover_pdf", f"{movement.movement_id}/{HOME}")
    with database.transaction() as session:
        aboard = sorted(build.aboard(session, movement.movement_id))
        ticks = dict.fromkeys(aboard[:3], True) | {aboard[3]: False}
        arrival.record(session, coordinator, movement_id=movement.movement_id, place_id=HOME, arrived=ticks)
        arrival.record_incident(
            session, coordinator, movement_id=movement.movement_id, code=IncidentCode.DELAY, place_id=HOME
        )
        arrival.sign_handover(
            session, coordinator, movement_id=movement.movement_id, place_id=HOME, received_by="Marta Recibidora"
        )
    frozen_clock(movement.arrive_at + timedelta(minutes=5))

    text = words_of(fetch(database, reception, "handover_pdf", f"{movement.movement_id}/{HOME}").content)

    assert "4 3 1" in text
    assert "No recibidas: números en la lista" in text
    assert "Marta Recibidora" in text
    assert "Retraso" in text
    assert not any(name in text for name in names_of(database, movement))


def test_who_may_not_have_a_paper_gets_the_same_answer_as_for_none(
    database: Database, movement: Movement, consulate_hn: Actor, reception: Actor, border_post: Actor, auditor: Actor
) -> None:
    refused = [
        (consulate_hn, "itineraries_pdf", movement.movement_id),
        (reception, "itineraries_pdf", movement.movement_id),
        (border_post, "route_pdf", movement.movement_id),
        (auditor, "route_pdf", movement.movement_id),
        (border_post, "handover_pdf", f"{movement.movement_id}/{HOME}"),
        (consulate_hn, "manifest_xlsx", f"{movement.movement_id}/consulate/HN"),
        (reception, "route_pdf", "M-NONE"),
    ]
    for actor, kind, object_id in refused:
        with pytest.raises(NotAllowed):
            fetch(database, actor, kind, object_id)


def test_a_border_post_can_take_the_offline_check_away(
    database: Database, movement: Movement, border_post: Actor, coordinator: Actor
) -> None:
    made = fetch(database, border_post, "offline_check")
    with database.transaction() as session:
        ready = files.prepare_manifest(
            session, coordinator, f"{movement.movement_id}/reception/{HOME}", Language.ES, SETTINGS, is_pdf=True
        )

    (signed,) = attached_files(ready.file().content)
    seal = parse_seal(signed.decode().rsplit('"seal":"', 1)[1][:-2])
    assert made.name == "retorno-check.html"
    assert seal.key_id.encode() in made.content
