"""The light door of border posts, reception points and escorts: what comes, the list in force, ticks, handover."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from sqlmodel import Session, select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from retorno import arrival, changes, clock, confirmation, copies, files, manifest
from retorno.confirmation import Party
from retorno.errors import Fault, InputError, NotAllowed, NotSaved, Refused, Stale
from retorno.labels import all_labels, label, labels_for, time_text
from retorno.models.movements import Handover, Movement, MovementCrossing, MovementSegment
from retorno.office import access
from retorno.situation import situation
from retorno.vocabulary import AnswerReason, ArrivalOutcome, IncidentCode, PartyKind, Role
from ui.light import Light, Visit

Act = Callable[[Visit, str, Party], str]


class Posts:
    """Pages under ``/post``; every act answers by going back to the page it came from."""

    def __init__(self, light: Light) -> None:
        self.light = light
        self.database = light.database
        self.acts: dict[str, Act] = {
            "acknowledge": self._acknowledge,
            "tick": self._tick,
            "handover": self._handover,
            "incident": self._incident,
            "withdraw": self._withdraw,
            "unfit": self._unfit,
        }

    def routes(self) -> list[Route]:
        """The routes of the light door."""
        one = "/post/{movement_id}/{kind}/{party_id}"
        return [
            Route("/post", self.overview, methods=["GET"]),
            Route("/post/answer", self.answer, methods=["POST"]),
            Route("/files/{token}", self.file, methods=["GET"]),
            Route(one, self.movement, methods=["GET"]),
            Route(one + "/{what:str}", self.paper, methods=["GET"]),
            Route(one + "/{what:str}", self.act, methods=["POST"]),
        ]

    # ---- pages ---------------------------------------------------------------------------------------------

    async def overview(self, request: Request) -> Response:
        """What comes in the window, and what is to be answered."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._overview, visit)

    def _overview(self, visit: Visit) -> Response:
        try:
            with access.acting(self.database, visit.user_id or "", "manifest.receive") as (session, actor):
                where = situation(session)
                places = [scope for role in (Role.BORDER_POST, Role.RECEPTION) for scope in actor.scopes(role)]
                home = places[0] if places else None
                rows = []
                for item in manifest.incoming(session, actor):
                    expected_at, place_id = _meeting(session, item.movement, item.party)
                    rows.append(
                        {
                            "time": self._time(visit, expected_at, place_id, where),
                            "label": item.movement.label,
                            "reference": item.movement.reference,
                            "version": item.copy.number if item.copy else "",
                            "people": item.person_count,
                            "is_void": item.is_void,
                            "is_acknowledged": item.is_acknowledged,
                            "href": _base(item.movement.movement_id, item.party),
                        }
                    )
                questions = []
                for row in confirmation.party_questions(session, actor):
                    if row.answer.value != "pending":
                        continue
                    movement = session.get_one(Movement, row.movement_id)
                    expected_at, place_id = _meeting(
                        session, movement, Party(kind=row.party_kind, party_id=row.party_id)
                    )
                    questions.append(
                        {
                            "id": row.confirmation_id,
                            "movement": f"{movement.reference} · {movement.label}",
                            "time": self._time(visit, expected_at, place_id, where),
                            "due": self._time(visit, row.due_at, home or row.party_id, where),
                        }
                    )
                now = self._time(visit, clock.now(), home, where) if home else ""
                names = ", ".join(where.name(place) for place in places)
        except NotAllowed:
            return self._nothing(visit)
        message = label("light.post.done", visit.language) if "done" in visit.request.query_params else ""
        return self.light.page(
            visit, "post_list.html", rows=rows, questions=questions, where=names, now=now, message=message
        )

    def _time(self, visit: Visit, at: Any, place_id: str | None, where: Any) -> str:
        try:
            zone, name = where.zone_name(place_id or ""), where.name(place_id or "")
        except KeyError:
            zone, name = "UTC", ""
        return time_text(at, zone, visit.language, place=name)

    def _nothing(self, visit: Visit) -> Response:
        return self._message(visit, label("light.not_found", visit.language), 404)

    def _closed(self, visit: Visit, error: NotAllowed | Stale) -> Response:
        """Not found, or a list that no longer holds."""
        if isinstance(error, Stale):
            return self._message(visit, label("error.manifest", visit.language), 409)
        return self._nothing(visit)

    def _message(self, visit: Visit, heading: str, status: int) -> Response:
        return self.light.page(visit, "message.html", status=status, heading=heading, back="/post")

    async def movement(self, request: Request) -> Response:
        """One movement: the list in force, ticks, handover, incident."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._movement, visit, "", ())

    def _movement(self, visit: Visit, message: str, faults: tuple[str, ...], status: int = 200) -> Response:
        movement_id, party = _target(visit.request)
        try:
            with access.acting(self.database, visit.user_id or "", "manifest.receive", movement_id) as (session, actor):
                values = self._movement_values(visit, session, actor, movement_id, party)
        except (NotAllowed, Stale) as error:
            # An act may have taken the last row off this list: what was done is said all the same.
            if message or faults:
                return self._message(visit, message or faults[0], status)
            return self._closed(visit, error)
        if not message and "saved" in visit.request.query_params:
            message = label("light.post.done", visit.language)
        return self.light.page(visit, "post_movement.html", status=status, message=message, faults=faults, **values)

    def _movement_values(
        self, visit: Visit, session: Any, actor: access.Actor, movement_id: str, party: Party
    ) -> dict[str, Any]:
        copy = manifest.copy_for(session, actor, movement_id=movement_id, party=party)
        item = next(
            found
            for found in manifest.incoming(session, actor)
            if found.movement.movement_id == movement_id and found.party == party
        )
        content = json.loads(copy.canonical)
        people = copies.persons_by_reference(session, movement_id=movement_id, party=party)
        ticks = arrival.ticks(session, actor, movement_id=movement_id)
        words = labels_for(visit.language, "paper")
        rows = [_row(row, people, ticks, words) for row in content["rows"]]
        in_force = manifest.current_version(session, movement_id)
        place = party.party_id
        handover = session.get(Handover, (movement_id, place))
        where = situation(session)
        expected_at, place_id = _meeting(session, item.movement, party)
        arrived = sum(row["state"] == "arrived" for row in rows)
        missing = sum(row["state"] == "not_travelling" for row in rows)
        return {
            "base": _base(movement_id, party),
            "reference": item.movement.reference,
            "vehicle": item.movement.label,
            "time": self._time(visit, expected_at, place_id, where),
            "version": copy.number,
            "supersedes": copy.supersedes,
            "movement_version": in_force.version if in_force else 0,
            "is_void": item.is_void,
            "is_acknowledged": item.is_acknowledged,
            "has_sheet": party.kind in (PartyKind.BORDER_POST, PartyKind.RECEPTION),
            "rows": rows,
            "counts": {
                "arrived": arrived,
                "missing": missing,
                "unset": len(rows) - arrived - missing,
                "total": len(rows),
            },
            "can_tick": handover is None and party.kind is not PartyKind.ESCORT,
            "is_escort": party.kind is PartyKind.ESCORT,
            "handover": {"count": handover.person_count, "name": handover.received_by} if handover else None,
            "incidents": [code.value for code in IncidentCode],
        }

    # ---- papers --------------------------------------------------------------------------------------------

    async def paper(self, request: Request) -> Response:
        """The printed list or its workbook, made now; needs the session, is never cached."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._paper, visit)

    def _paper(self, visit: Visit) -> Response:
        movement_id, party = _target(visit.request)
        what = visit.request.path_params["what"]
        if what not in ("pdf", "xlsx"):
            return self._nothing(visit)
        try:
            with access.acting(self.database, visit.user_id or "", "manifest.receive", movement_id) as (session, actor):
                made = files.manifest_file(
                    session,
                    actor,
                    f"{movement_id}/{party.kind.value}/{party.party_id}",
                    visit.language,
                    self.light.settings,
                    is_pdf=what == "pdf",
                )
        except (NotAllowed, Stale) as error:
            return self._closed(visit, error)
        return file_response(made)

    async def file(self, request: Request) -> Response:
        """A one-time link made on a screen: for its user, once, within its minutes."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._file, visit)

    def _file(self, visit: Visit) -> Response:
        token = visit.request.path_params["token"]
        try:
            with access.acting(self.database, visit.user_id or "", "file.read") as (session, actor):
                kind, object_id = files.redeem(session, actor.user_id, token)
                made = files.make(
                    session,
                    actor,
                    kind=kind,
                    object_id=object_id,
                    language=visit.language,
                    settings=self.light.settings,
                )
        except (NotAllowed, Stale) as error:
            return self._closed(visit, error)
        return file_response(made)

    # ---- acts ----------------------------------------------------------------------------------------------

    async def act(self, request: Request) -> Response:
        """One act on a movement; a repeated click gives the same page."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._act, visit)

    def _act(self, visit: Visit) -> Response:
        if not visit.csrf or visit.form.get("csrf") != visit.csrf:
            return self._movement(visit, "", (label("light.form_old", visit.language),), 409)
        movement_id, party = _target(visit.request)
        run = self.acts.get(visit.request.path_params["what"])
        if run is None:
            return self._nothing(visit)
        try:
            message = run(visit, movement_id, party)
        except NotAllowed:
            return self._nothing(visit)
        except InputError as error:
            return self._movement(visit, "", tuple(_words(fault, visit) for fault in error.faults), 422)
        except Stale:
            key = f"view.stale.{visit.request.path_params['what']}"
            return self._movement(
                visit, "", (label(key if key in all_labels() else "view.stale", visit.language),), 409
            )
        except NotSaved:
            return self._message(visit, label("error.not_saved", visit.language), 503)
        except Refused as error:
            sentences = [label(found.label_key, visit.language, **found.label_params) for found in error.findings]
            return self._movement(visit, "", tuple(sentences), 409)
        return self._movement(visit, message, ())

    def _acknowledge(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "manifest.acknowledge", movement_id) as (session, actor):
            manifest.acknowledge(
                session, actor, movement_id=movement_id, party=party, version=_number(visit.form.get("version"))
            )
        return label("light.post.acknowledged", visit.language)

    def _tick(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "arrival.record", movement_id) as (session, actor):
            access.require(session, actor, "arrival.record", movement_id=movement_id)
            people = copies.persons_by_reference(session, movement_id=movement_id, party=party)
            marks = {name.removeprefix("p."): str(value) for name, value in visit.form.items() if name.startswith("p.")}
            arrived = {
                people[ref]: value == ArrivalOutcome.ARRIVED.value
                for ref, value in marks.items()
                if value and ref in people
            }
            count = arrival.record(session, actor, movement_id=movement_id, place_id=party.party_id, arrived=arrived)
        return label("light.post.saved", visit.language, count=count)

    def _handover(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "arrival.handover", movement_id) as (session, actor):
            made = arrival.sign_handover(
                session,
                actor,
                movement_id=movement_id,
                place_id=party.party_id,
                received_by=str(visit.form.get("received_by") or ""),
            )
        return label("light.post.handed_over", visit.language, count=made.person_count, name=made.received_by)

    def _incident(self, visit: Visit, movement_id: str, party: Party) -> str:
        code = str(visit.form.get("code") or "")
        if code not in set(IncidentCode):
            raise InputError([Fault(what="choose what happened from the list", column="code", code="ENUM")])
        place_id = party.party_id if party.kind is not PartyKind.ESCORT else ""
        with access.acting(self.database, visit.user_id or "", "arrival.incident", movement_id) as (session, actor):
            arrival.record_incident(session, actor, movement_id=movement_id, code=IncidentCode(code), place_id=place_id)
        return label("light.post.reported", visit.language)

    def _withdraw(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "changes.withdraw", movement_id) as (session, actor):
            changes.withdraw(session, actor, person_id=_person(session, visit, movement_id, party))
        return label("light.post.withdrawn", visit.language)

    def _unfit(self, visit: Visit, movement_id: str, party: Party) -> str:
        until = clock.now().date() + timedelta(days=3)
        with access.acting(self.database, visit.user_id or "", "changes.unfit", movement_id) as (session, actor):
            changes.record_unfit(session, actor, person_ids=[_person(session, visit, movement_id, party)], until=until)
        return label("light.post.withdrawn", visit.language)

    async def answer(self, request: Request) -> Response:
        """Confirm or decline what this post or reception point is asked."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._answer, visit)

    def _answer(self, visit: Visit) -> Response:
        if not visit.csrf or visit.form.get("csrf") != visit.csrf:
            return self._overview(visit)
        asked = str(visit.form.get("confirmation") or "")
        try:
            with access.acting(self.database, visit.user_id or "", "confirmation.party", asked) as (session, actor):
                if visit.form.get("answer") == "confirmed":
                    confirmation.confirm(session, actor, confirmation_id=asked)
                else:
                    changes.decline(session, actor, confirmation_id=asked, reason=AnswerReason.CLOSED_THAT_DAY)
        except (NotAllowed, Stale):
            return self._nothing(visit)
        return RedirectResponse("/post?done", status_code=303)


def file_response(made: files.File) -> Response:
    """A file as the browser gets it: named, typed, never stored."""
    is_shown = made.media_type == files.PDF
    return Response(
        made.content,
        media_type=made.media_type,
        headers={
            "Content-Disposition": f'{"inline" if is_shown else "attachment"}; filename="{made.name}"',
            "Cache-Control": "no-store",
        },
    )


def _meeting(session: Session, movement: Movement, party: Party) -> tuple[datetime, str]:
    """When the movement is expected at this party's place, and that place; otherwise when and where it starts."""
    if party.kind is PartyKind.BORDER_POST:
        for crossing in session.exec(
            select(MovementCrossing).where(MovementCrossing.movement_id == movement.movement_id)
        ).all():
            if party.party_id in (crossing.leave_post_id, crossing.enter_post_id):
                return crossing.at, party.party_id
    if party.kind is PartyKind.RECEPTION:
        for ride in session.exec(
            select(MovementSegment).where(MovementSegment.movement_id == movement.movement_id)
        ).all():
            if ride.to_place_id == party.party_id:
                return ride.arrive_at, party.party_id
    return movement.depart_at, session.get_one(MovementSegment, (movement.movement_id, 0)).from_place_id


def _base(movement_id: str, party: Party) -> str:
    return f"/post/{movement_id}/{party.kind.value}/{quote(party.party_id, safe='')}"


def _target(request: Request) -> tuple[str, Party]:
    kind = request.path_params["kind"]
    wanted = PartyKind(kind) if kind in set(PartyKind) else PartyKind.CARRIER
    return request.path_params["movement_id"], Party(kind=wanted, party_id=request.path_params["party_id"])


def _number(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _words(fault: Fault, visit: Visit) -> str:
    """What is wrong and what would be right, in the visitor's language."""
    key = f"fault.{fault.code}"
    return label(key, visit.language) if key in all_labels() else fault.what


def _person(session: Any, visit: Visit, movement_id: str, party: Party) -> str:
    """The person behind a reference on this recipient's paper; ``NotAllowed`` if there is none."""
    people = copies.persons_by_reference(session, movement_id=movement_id, party=party)
    person_id = people.get(str(visit.form.get("ref") or ""))
    if person_id is None:
        raise NotAllowed
    return person_id


def _row(
    row: dict[str, str], people: dict[str, str], ticks: dict[str, ArrivalOutcome], words: dict[str, str]
) -> dict[str, str]:
    """What the screen shows of a row: of the document only its kind and the last four signs."""
    tick = ticks.get(people.get(row["ref"], ""))
    number = row.get("document_number", "")
    kind = words.get(f"document.{row.get('document_type', '')}", "")
    needs = [words.get(f"need.{code}", code) for code in row.get("assistance", "").split(";") if code]
    return {
        "no": row["no"],
        "ref": row["ref"],
        "name": row["name"],
        "latin": row.get("latin_name", ""),
        "birth_date": row.get("birth_date", ""),
        "document": f"{kind} …{number[-4:]}" if number else "",
        "group": row.get("group", ""),
        "assistance": ", ".join(needs),
        "onward": row.get("onward", ""),
        "state": tick.value if tick else "",
    }
