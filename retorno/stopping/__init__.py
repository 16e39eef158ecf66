"""Some people cannot go on: who stays with them, where they sleep, who flies on; shown before it is done, done at once.

One transaction: the ill leave with their whole groups, escorts who stay with children free their seats, lists without
them are issued, everyone is told. ``foresee`` does all of it in a transaction that is taken back, so what a page shows
before the click is what the click does.
"""

from __future__ import annotations

from retorno.stopping.act import Wanted, stop
from retorno.stopping.places import (
    UNFIT_DAYS,
    Officer,
    Scene,
    Shelter,
    Traveller,
    free_beds,
    officers,
    officers_needed,
    scene,
    shelters,
    suggested,
)
from retorno.stopping.results import (
    Aftermath,
    MovementChange,
    Outcome,
    Told,
    aftermath,
    escort_names,
    foresee,
    outcome,
    stays,
)

__all__ = [
    "UNFIT_DAYS",
    "Aftermath",
    "MovementChange",
    "Officer",
    "Outcome",
    "Scene",
    "Shelter",
    "Told",
    "Traveller",
    "Wanted",
    "aftermath",
    "escort_names",
    "foresee",
    "free_beds",
    "officers",
    "officers_needed",
    "outcome",
    "scene",
    "shelters",
    "stays",
    "stop",
    "suggested",
]
