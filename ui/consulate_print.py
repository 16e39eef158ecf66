"""A consulate's one print view: a plain page of the rows on its screen, with who printed it and when across it.

Streamlit pages are never printed; this one is made by the server, needs no script, and offers nothing to save.
"""

from __future__ import annotations

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from retorno.confirmations import consulate
from retorno.confirmations.consulate import ConsulateRow
from retorno.errors import NotAllowed
from retorno.labels import day_text, label, time_text
from retorno.models.office import Office
from retorno.office import access
from retorno.situation import ground
from retorno.vocabulary import Language
from ui.light import Light, Visit
from ui.session import named

PATH = "/consulate-print"
_MARKS = 24
"""How often who and when stand across the page: enough that no part of it can be cut out without them."""


class ConsulatePrint:
    """The route of the print view."""

    def __init__(self, light: Light) -> None:
        self.light = light

    def routes(self) -> list[Route]:
        """The one page; it is read, never sent."""
        return [Route(PATH, self.page, methods=["GET"])]

    async def page(self, request: Request) -> Response:
        """One page of rows."""
        visit = await self.light.visit(request)
        return await anyio.to_thread.run_sync(self._page, visit)

    def _page(self, visit: Visit) -> Response:
        wanted = visit.request.query_params.get("page", "")
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 5 else 1
        language = visit.language
        try:
            with access.acting(self.light.database, visit.user_id or "", "confirmation.consulate") as (session, actor):
                sheet = consulate.sheet(session, actor, page=number)
                office = session.get(Office, sheet.office_id) if sheet.office_id else None
        except NotAllowed:
            # The page of the screens says "not found" in the one way in which everything says it.
            return RedirectResponse("/consulate", status_code=303)
        home = ground().places.get(office.home_place_id) if office else None
        zone_name, place = (home.timezone, home.name) if home else ("UTC", "")
        at = time_text(sheet.printed_at, zone_name, language, place=place)
        mark = f"{sheet.printed_by} · {sheet.organisation} · {at}"
        return self.light.page(
            visit,
            "consulate_print.html",
            here=PATH,
            keep={"page": str(number)},
            number=number,
            mark=mark,
            marks=[mark] * _MARKS,
            rows=[_words(row, language) for row in sheet.rows],
        )


def _words(row: ConsulateRow, language: Language) -> dict[str, str]:
    """A row as the page says it."""
    state = "answer.not_travelling" if row.is_not_travelling else f"answer.{row.answer.value}"
    answer = label(state, language)
    if row.reason is not None:
        answer = label(f"reason.answer.{row.reason.value}", language)
    kind = label(f"document_type.{row.document_type}", language) if row.document_type else "–"
    return {
        "ref": row.ref,
        "name": row.name,
        "born": row.birth_date.strftime("%d/%m/%Y") if row.birth_date else "–",
        "document": f"{kind} {row.document_number}".strip(),
        "place": named(row.place_id, language) if row.place_id else "–",
        "day": day_text(row.on, language) if row.on else "–",
        "answer": answer,
    }
