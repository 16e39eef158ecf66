"""The light door of border posts, reception points and escorts: what comes, the list in force, who is here, journey.

Every act answers by leading back to the page it came from, so that a reload repeats nothing; an act that is refused
comes back with what was typed and with everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from retorno import changes, manifest
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.downloads import files
from retorno.errors import Fault, InputError, NotAllowed, NotSaved, Refused, Stale
from retorno.labels import all_labels, label
from retorno.models.movements import Acknowledgement
from retorno.office import access
from retorno.under_way import accompanying, arrival, receiving
from retorno.under_way.accompanying import ONE_AT_A_TIME, Stopping
from retorno.vocabulary import AnswerReason, IncidentCode, PartyKind
from ui import post_pages
from ui.light import Light, Visit
from ui.post_pages import NOTHING, Typed, base_of, fault_text

Act = Callable[[Visit, str, Party], "Response | str"]
REFRESH_SECONDS = 120
"""How often the list of what comes is fetched anew (our assumption); only that page, where nothing is typed."""
SAID: dict[str, tuple[str, ...]] = {
    "acknowledged": (),
    "acknowledged_again": (),
    "ticks": ("count",),
    "ticks_none": (),
    "handover": (),
    "handover_again": (),
    "incident": (),
    "delay": (),
    "incident_again": (),
    "count": ("counted", "expected"),
    "count_off": ("counted", "expected"),
    "confirmed": (),
    "declined": (),
    "answered_again": (),
    "stopped": ("off", "on", "number"),
    "stopped_void": ("off", "on"),
    "stopped_all": ("off",),
    "stopped_again": (),
}
"""What was done, as it stands in an address: a word and the numbers of its sentence, never a name."""
WARNINGS = ("count_off", "stopped_void")
"""Of these, what has to catch the eye."""

PAPERS: dict[str, tuple[str, Callable[[str, Party], str]]] = {
    "pdf": ("manifest_pdf", lambda movement_id, party: f"{movement_id}/{party.kind.value}/{party.party_id}"),
    "xlsx": ("manifest_xlsx", lambda movement_id, party: f"{movement_id}/{party.kind.value}/{party.party_id}"),
    "route": ("route_pdf", lambda movement_id, _: movement_id),
    "note": ("handover_pdf", lambda movement_id, party: f"{movement_id}/{party.party_id}"),
    "offline": ("offline_check", lambda *_: ""),
}
"""Papers of a movement at the light door: the last part of the address to the kind of file and what it is made of."""


class Posts:
    """Pages under ``/post``."""

    def __init__(self, light: Light) -> None:
        self.light = light
        self.database = light.database
        self.acts: dict[str, Act] = {
            "acknowledge": self._acknowledge,
            "tick": self._tick,
            "absent": self._absent,
            "handover": self._handover,
            "sign": self._sign,
            "incident": self._incident,
            "delay": self._delay,
            "count": self._count,
            **{kind.value: self._stop for kind in Stopping},
        }

    def routes(self) -> list[Route]:
        """The routes of the light door."""
        one = "/post/{movement_id}/{kind}/{party_id}"
        return [
            Route("/post", self.overview, methods=["GET"]),
            Route("/post/now", self.overview, methods=["GET"]),
            Route("/post/answer", self.overview, methods=["GET"]),
            Route("/post/answer", self.answer, methods=["POST"]),
            Route("/post/answer/{confirmation_id}", self.no, methods=["GET"]),
            Route("/files/{token}", self.file, methods=["GET"]),
            Route(one, self.movement, methods=["GET"]),
            Route(one + "/{what:str}", self.paper, methods=["GET"]),
            Route(one + "/{what:str}", self.act, methods=["POST"]),
            Route("/post/{rest:path}", self.missing, methods=["GET", "POST"]),
        ]

    # ---- what comes ------------------------------------------------------------------------------------------

    async def overview(self, request: Request) -> Response:
        """What comes in the window, and what is to be answered."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._overview, visit)

    def _overview(self, visit: Visit) -> Response:
        try:
            with access.acting(self.database, visit.user_id or "", "manifest.receive") as (session, actor):
                values = post_pages.overview(session, actor, visit.language)
        except NotAllowed:
            return self._nothing(visit)
        is_still = "still" in visit.request.query_params
        response = self.light.page(
            visit, "post_list.html", message=_said(visit), here="/post", is_still=is_still, **values
        )
        if not is_still:
            # A header, not an element: readers who are disturbed by it switch it off with a link of the page.
            response.headers["Refresh"] = f"{REFRESH_SECONDS}; url=/post/now"
        return response

    async def no(self, request: Request) -> Response:
        """The reasons why a movement is not possible, and what a no does."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._no, visit, request.path_params["confirmation_id"], ())

    def _no(self, visit: Visit, confirmation_id: str, faults: tuple[tuple[str, str], ...]) -> Response:
        try:
            with access.acting(self.database, visit.user_id or "", "confirmation.party") as (session, actor):
                question = post_pages.question(session, actor, confirmation_id, visit.language)
        except NotAllowed:
            question = None
        if question is None:
            return self._nothing(visit)
        here = f"/post/answer/{question['id']}"
        status = 422 if faults else 200
        return self.light.page(visit, "post_no.html", status=status, faults=faults, here=here, question=question)

    async def answer(self, request: Request) -> Response:
        """Confirm or decline what this post, reception point or escort is asked."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._answer, visit)

    def _answer(self, visit: Visit) -> Response:
        if not visit.csrf or visit.form.get("csrf") != visit.csrf:
            return self._message(visit, label("light.form_old", visit.language), 409)
        asked, reason = str(visit.form.get("confirmation") or ""), str(visit.form.get("reason") or "")
        is_yes = visit.form.get("answer") == "confirmed"
        if not is_yes and reason not in post_pages.NO_REASONS:
            return self._no(visit, asked, ((label("light.no.choose", visit.language), "reason"),))
        try:
            with access.acting(self.database, visit.user_id or "", "confirmation.party", asked) as (session, actor):
                if is_yes:
                    confirmation.confirm(session, actor, confirmation_id=asked)
                else:
                    changes.decline(session, actor, confirmation_id=asked, reason=AnswerReason(reason))
        except NotAllowed:
            return self._nothing(visit)
        except Stale:
            return _back("/post", "answered_again")
        except NotSaved:
            return self._message(visit, label("error.not_saved", visit.language), 503)
        return _back("/post", "confirmed" if is_yes else "declined")

    # ---- small answers ---------------------------------------------------------------------------------------

    async def missing(self, request: Request) -> Response:
        """An address of this door that leads nowhere."""
        return self._nothing(await self.light.visit(request))

    def _nothing(self, visit: Visit) -> Response:
        return self._message(visit, label("light.not_found", visit.language), 404, more="light.window")

    def _closed(self, visit: Visit, error: NotAllowed | Stale) -> Response:
        """Not found, or a list that no longer holds."""
        if isinstance(error, Stale):
            return self._message(visit, label("error.manifest", visit.language), 409)
        return self._nothing(visit)

    def _message(self, visit: Visit, heading: str, status: int, *, more: str = "") -> Response:
        text = label(more, visit.language) if more else ""
        return self.light.page(visit, "message.html", status=status, heading=heading, text=text, here="/post")

    # ---- one movement ----------------------------------------------------------------------------------------

    async def movement(self, request: Request) -> Response:
        """One movement: the list in force, ticks, handover, incident; for an escort, the journey."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._movement, visit)

    def _movement(
        self, visit: Visit, faults: tuple[tuple[str, str], ...] = (), status: int = 200, typed: Typed = NOTHING
    ) -> Response:
        movement_id, party = _target(visit.request)
        said = _said(visit) if visit.request.method == "GET" else ""
        try:
            with access.acting(self.database, visit.user_id or "", "manifest.receive", movement_id) as (session, actor):
                seen = receiving.sheet(session, actor, movement_id=movement_id, party=party)
                values = post_pages.movement(session, actor, seen, visit.language, typed)
        except (NotAllowed, Stale) as error:
            # An act may have taken the last row off this list: what was done is said all the same.
            if said or faults:
                return self._message(visit, said or faults[0][0], status)
            return self._closed(visit, error)
        template = "post_void.html" if seen.is_void else "post_movement.html"
        if party.kind is PartyKind.ESCORT and not seen.is_void:
            template = "post_journey.html"
        if seen.is_void and status == 200 and not said:
            status = 409
        return self.light.page(
            visit,
            template,
            status=status,
            message=said,
            is_warning=visit.request.query_params.get("said", "").split(".")[0] in WARNINGS,
            faults=faults,
            here=values["base"],
            **values,
        )

    # ---- papers ----------------------------------------------------------------------------------------------

    async def paper(self, request: Request) -> Response:
        """The printed list or its workbook, made now; or the page on which an escort chooses who gets off."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._paper, visit)

    def _paper(self, visit: Visit) -> Response:
        movement_id, party = _target(visit.request)
        what = visit.request.path_params["what"]
        if what in set(Stopping):
            return self._choose(visit, movement_id, party, Stopping(what))
        if what in self.acts:
            return RedirectResponse(base_of(movement_id, party), status_code=303)
        paper = PAPERS.get(what)
        if paper is None:
            return self._nothing(visit)
        kind, object_of = paper
        try:
            with access.acting(self.database, visit.user_id or "", "manifest.receive", movement_id) as (session, actor):
                ready = files.prepare(
                    session,
                    actor,
                    kind=kind,
                    object_id=object_of(movement_id, party),
                    language=visit.language,
                    settings=self.light.settings,
                )
        except (NotAllowed, Stale) as error:
            return self._closed(visit, error)
        # The page is set after the transaction: nobody waits for it.
        return file_response(ready.file())

    async def file(self, request: Request) -> Response:
        """A one-time link made on a screen: for its user, once, within its minutes."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._file, visit)

    def _file(self, visit: Visit) -> Response:
        token = visit.request.path_params["token"]
        try:
            made = files.deliver(
                self.database, visit.user_id or "", token, language=visit.language, settings=self.light.settings
            )
        except (NotAllowed, Stale) as error:
            return self._closed(visit, error)
        return file_response(made)

    # ---- acts ------------------------------------------------------------------------------------------------

    async def act(self, request: Request) -> Response:
        """One act on a movement; a repeated click gives the same page."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._act, visit)

    def _act(self, visit: Visit) -> Response:
        what = visit.request.path_params["what"]
        typed = _typed(visit.form, what)
        if not visit.csrf or visit.form.get("csrf") != visit.csrf:
            return self._movement(visit, ((label("light.form_old", visit.language), ""),), 409, typed)
        movement_id, party = _target(visit.request)
        run = self.acts.get(what)
        if run is None:
            return self._nothing(visit)
        try:
            done = run(visit, movement_id, party)
        except NotAllowed:
            return self._nothing(visit)
        except InputError as error:
            faults = tuple((fault_text(fault, visit.language), fault.column) for fault in error.faults)
            if what in set(Stopping):
                return self._choose(visit, movement_id, party, Stopping(what), faults)
            return self._movement(visit, faults, 422, typed)
        except Stale:
            key = f"view.stale.{what}" if f"view.stale.{what}" in all_labels() else "view.stale"
            return self._movement(visit, ((label(key, visit.language), ""),), 409, typed)
        except NotSaved:
            return self._message(visit, label("error.not_saved", visit.language), 503)
        except Refused as error:
            sentences = tuple((label(f.label_key, visit.language, **f.label_params), "") for f in error.findings)
            return self._movement(visit, sentences, 409, typed)
        return _back(base_of(movement_id, party), done) if isinstance(done, str) else done

    def _acknowledge(self, visit: Visit, movement_id: str, party: Party) -> str:
        version = _number(visit.form.get("version"))
        with access.acting(self.database, visit.user_id or "", "manifest.acknowledge", movement_id) as (session, actor):
            row = session.get(Acknowledgement, (movement_id, version, party.kind, party.party_id))
            is_again = row is not None and row.acknowledged_at is not None
            manifest.acknowledge(session, actor, movement_id=movement_id, party=party, version=version)
        return "acknowledged_again" if is_again else "acknowledged"

    def _tick(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "arrival.record", movement_id) as (session, actor):
            access.require(session, actor, "arrival.record", movement_id=movement_id)
            count = receiving.tick(
                session,
                actor,
                movement_id=movement_id,
                party=party,
                number=_number(visit.form.get("number")),
                marks=_marks(visit.form),
            )
        return f"ticks.{count}" if count else "ticks_none"

    def _absent(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "arrival.record", movement_id) as (session, actor):
            access.require(session, actor, "arrival.record", movement_id=movement_id)
            count = receiving.tick_absent(
                session,
                actor,
                movement_id=movement_id,
                party=party,
                number=_number(visit.form.get("number")),
                absent=str(visit.form.get("absent") or "")[:500],
            )
        return f"ticks.{count}" if count else "ticks_none"

    def _handover(self, visit: Visit, movement_id: str, party: Party) -> Response | str:
        form = {name: str(visit.form.get(name) or "") for name in ("number", "received_by", "time")}
        with access.acting(self.database, visit.user_id or "", "arrival.handover", movement_id) as (session, actor):
            access.require(session, actor, "arrival.handover", movement_id=movement_id)
            if receiving.sheet(session, actor, movement_id=movement_id, party=party).handover is not None:
                return "handover_again"
            facts = receiving.check_handover(
                session,
                actor,
                movement_id=movement_id,
                party=party,
                number=_number(form["number"]),
                received_by=form["received_by"],
                time_text=form["time"],
            )
            values = post_pages.handover_check(facts, visit.language, form)
        return self.light.page(visit, "post_check.html", **values)

    def _sign(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "arrival.handover", movement_id) as (session, actor):
            _, is_new = receiving.sign_handover(
                session,
                actor,
                movement_id=movement_id,
                party=party,
                number=_number(visit.form.get("number")),
                received_by=str(visit.form.get("received_by") or ""),
                time_text=str(visit.form.get("time") or ""),
            )
        return "handover" if is_new else "handover_again"

    def _incident(self, visit: Visit, movement_id: str, party: Party) -> str:
        code = str(visit.form.get("code") or "")
        if code not in set(IncidentCode):
            raise InputError([Fault(what="choose what happened from the list", column="code", code="ENUM")])
        is_new = self._record(visit, movement_id, party, IncidentCode(code), None)
        return "incident" if is_new else "incident_again"

    def _delay(self, visit: Visit, movement_id: str, party: Party) -> str:
        minutes = _number(visit.form.get("minutes"))
        if minutes not in arrival.DELAYS_MIN:
            raise InputError([Fault(what="choose how late it is", column="minutes", code="ENUM")])
        is_new = self._record(visit, movement_id, party, IncidentCode.DELAY, minutes)
        return "delay" if is_new else "incident_again"

    def _record(self, visit: Visit, movement_id: str, party: Party, code: IncidentCode, minutes: int | None) -> bool:
        place_id = party.party_id if party.kind is not PartyKind.ESCORT else ""
        with access.acting(self.database, visit.user_id or "", "arrival.incident", movement_id) as (session, actor):
            _, is_new = arrival.record_incident(
                session,
                actor,
                movement_id=movement_id,
                code=code,
                place_id=place_id,
                minutes=minutes,
                key=str(visit.form.get("key") or ""),
            )
        return is_new

    def _count(self, visit: Visit, movement_id: str, party: Party) -> str:
        with access.acting(self.database, visit.user_id or "", "arrival.record", movement_id) as (session, actor):
            row = accompanying.count_heads(
                session,
                actor,
                movement_id=movement_id,
                party=party,
                place_id=str(visit.form.get("place") or ""),
                count_text=str(visit.form.get("count") or ""),
            )
            counted, expected = row.person_count, row.expected_count
        return f"{'count' if counted == expected else 'count_off'}.{counted}.{expected}"

    # ---- somebody gets off -------------------------------------------------------------------------------------

    def _choose(
        self, visit: Visit, movement_id: str, party: Party, kind: Stopping, faults: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        """The page on which an escort chooses who it is."""
        try:
            with access.acting(self.database, visit.user_id or "", "manifest.receive", movement_id) as (session, actor):
                seen = receiving.sheet(session, actor, movement_id=movement_id, party=party)
                if party.kind is not PartyKind.ESCORT:
                    raise NotAllowed
                values = post_pages.movement(session, actor, seen, visit.language)
        except (NotAllowed, Stale) as error:
            return self._closed(visit, error)
        return self.light.page(
            visit,
            "post_choose.html",
            status=422 if faults else 200,
            faults=faults,
            here=f"{values['base']}/{kind.value}",
            what=kind.value,
            is_one=kind in ONE_AT_A_TIME,
            wanted=[str(ref) for ref in visit.form.getlist("ref")],
            **values,
        )

    def _stop(self, visit: Visit, movement_id: str, party: Party) -> Response | str:
        kind = Stopping(visit.request.path_params["what"])
        references = [str(ref) for ref in visit.form.getlist("ref")]
        with access.acting(self.database, visit.user_id or "", f"changes.{ACT_OF[kind]}", movement_id) as (
            session,
            actor,
        ):
            access.require(session, actor, f"changes.{ACT_OF[kind]}")
            if party.kind is PartyKind.ESCORT and party.party_id not in actor.scopes(access.ES):
                raise NotAllowed
            if accompanying.is_off(session, movement_id=movement_id, party=party, references=references):
                return "stopped_again"
            who = accompanying.who_stops(
                session, actor, movement_id=movement_id, party=party, kind=kind, references=references
            )
            if visit.form.get("sure") != "yes":
                seen = receiving.sheet(session, actor, movement_id=movement_id, party=party)
                return self.light.page(
                    visit, "post_check.html", **post_pages.stop_check(seen, kind, who, visit.language)
                )
            effect = accompanying.stop_people(session, actor, movement_id=movement_id, party=party, kind=kind, who=who)
            off, copy = len(who.chosen) + len(who.family), manifest.latest_copy(session, movement_id, party)
        if not who.going_on:
            return f"stopped_all.{off}"
        if movement_id in effect.voided or copy is None:
            return f"stopped_void.{off}.{who.going_on}"
        return f"stopped.{off}.{who.going_on}.{copy.number}"


ACT_OF = {Stopping.UNFIT: "unfit", Stopping.WITHDRAW: "withdraw", Stopping.FEAR: "hold"}
"""The act of the access matrix behind each word of an escort."""


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


def _back(address: str, said: str) -> Response:
    return RedirectResponse(f"{address}?said={said}", status_code=303)


def _said(visit: Visit) -> str:
    """The sentence on what was done; empty where the address names nothing that can be done."""
    name, *numbers = visit.request.query_params.get("said", "").split(".")
    names = SAID.get(name)
    if names is None or len(numbers) != len(names) or not all(n.isascii() and n.isdigit() for n in numbers):
        return ""
    return label(f"light.said.{name}", visit.language, **dict(zip(names, numbers, strict=True)))


def _target(request: Request) -> tuple[str, Party]:
    kind = request.path_params["kind"]
    wanted = PartyKind(kind) if kind in set(PartyKind) else PartyKind.CARRIER
    return request.path_params["movement_id"], Party(kind=wanted, party_id=request.path_params["party_id"])


def _number(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _marks(form: FormData) -> dict[str, str]:
    return {name.removeprefix("p."): str(value) for name, value in form.items() if name.startswith("p.")}


def _typed(form: FormData, what: str) -> Typed:
    values = {name: str(value)[:500] for name, value in form.items() if not name.startswith("p.") and name != "csrf"}
    return Typed(marks=_marks(form) if what == "tick" else {}, values=values, form=what)
