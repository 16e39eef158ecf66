"""The only way back: a new fact is recorded, seats are freed, lists are superseded, everyone concerned is told.

One transaction each. A person who is taken off is off at once; the whole group leaves with them (R3, R10), and a new
plan is asked for. Other groups keep their journeys unless the fact itself takes them away. ``Effect`` lists exactly
what changed and why.
"""

from __future__ import annotations

from retorno.changes.closures import affected_movements, close, reopen
from retorno.changes.effects import Effect, GroupChange
from retorno.changes.movements import cancel_movement, escort_unavailable
from retorno.changes.people import decline, raise_hold, record_no_show, record_unfit, withdraw

__all__ = [
    "Effect",
    "GroupChange",
    "affected_movements",
    "cancel_movement",
    "close",
    "decline",
    "escort_unavailable",
    "raise_hold",
    "record_no_show",
    "record_unfit",
    "reopen",
    "withdraw",
]
