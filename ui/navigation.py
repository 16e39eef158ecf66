"""Which pages there are, where they stand in the menu, and which roles open them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from retorno.vocabulary import Role
from ui.views import (
    administration,
    audit,
    cannot_go_on,
    closures,
    confirmation,
    consulate,
    contingency,
    ground,
    health,
    help,
    home,
    importing,
    intake,
    manifest,
    monitor,
    offers,
    plan,
    protection,
    readiness,
    statistics,
    tour,
    two_days,
)

CO, CS, PR, HE = Role.COORDINATOR, Role.CONSULATE, Role.PROTECTION, Role.HEALTH
AD, AU, MO = Role.ADMINISTRATOR, Role.AUDITOR, Role.MONITOR
EVERYONE = (CO, CS, PR, HE, AD, AU, MO)
HOME = "home"


@dataclass(frozen=True, kw_only=True)
class View:
    """One page: where it stands in the menu, and for whom."""

    name: str
    section: str
    show: Callable[[], None]
    roles: tuple[Role, ...]
    is_demo_only: bool = False

    @property
    def path(self) -> str:
        """Its part of the address; empty for the home page."""
        return "" if self.name == HOME else self.name


VIEWS = (
    View(name=HOME, section="today", show=home.show, roles=EVERYONE),
    View(name="tour", section="today", show=tour.show, roles=EVERYONE, is_demo_only=True),
    View(name="two_days", section="today", show=two_days.show, roles=(CO,), is_demo_only=True),
    View(name="intake", section="people", show=intake.show, roles=(CO,)),
    View(name="import", section="people", show=importing.show, roles=(CO,)),
    View(name="readiness", section="people", show=readiness.show, roles=(CO, PR)),
    View(name="plan", section="journeys", show=plan.show, roles=(CO,)),
    View(name="contingency", section="journeys", show=contingency.show, roles=(CO,)),
    View(name="offers", section="journeys", show=offers.show, roles=(CO,)),
    View(name="ground", section="journeys", show=ground.show, roles=(CO, AD)),
    View(name="closures", section="journeys", show=closures.show, roles=(CO,)),
    View(name="confirmation", section="journeys", show=confirmation.show, roles=(CO,)),
    View(name="manifest", section="journeys", show=manifest.show, roles=(CO, PR)),
    View(name="cannot_go_on", section="journeys", show=cannot_go_on.show, roles=(CO,)),
    View(name="consulate", section="people", show=consulate.show, roles=(CS,)),
    View(name="protection", section="people", show=protection.show, roles=(PR,)),
    View(name="health", section="people", show=health.show, roles=(HE,)),
    View(name="statistics", section="office", show=statistics.show, roles=(CO, MO)),
    View(name="monitor", section="office", show=monitor.show, roles=(MO,)),
    View(name="administration", section="office", show=administration.show, roles=(AD,)),
    View(name="audit", section="office", show=audit.show, roles=(AU,)),
    View(name="help", section="today", show=help.show, roles=EVERYONE),
)

BY_PATH = {view.path: view for view in VIEWS}
