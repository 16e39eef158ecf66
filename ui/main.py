"""Streamlit's page script: the frame around the views, and which of them a role opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from retorno.vocabulary import Role
from ui import components, session
from ui.views import (
    administration,
    audit,
    closures,
    confirmation,
    consulate,
    health,
    home,
    importing,
    intake,
    manifest,
    offers,
    plan,
    protection,
    readiness,
)

CO, CS, PR, HE = Role.COORDINATOR, Role.CONSULATE, Role.PROTECTION, Role.HEALTH
AD, AU, MO = Role.ADMINISTRATOR, Role.AUDITOR, Role.MONITOR


@dataclass(frozen=True, kw_only=True)
class View:
    """One page: where it stands in the menu, and for whom."""

    name: str
    section: str
    show: Callable[[], None]
    roles: tuple[Role, ...]


VIEWS = (
    View(name="home", section="today", show=home.show, roles=(CO, CS, PR, HE, AD, AU, MO)),
    View(name="intake", section="people", show=intake.show, roles=(CO,)),
    View(name="import", section="people", show=importing.show, roles=(CO,)),
    View(name="readiness", section="people", show=readiness.show, roles=(CO, PR)),
    View(name="plan", section="journeys", show=plan.show, roles=(CO,)),
    View(name="offers", section="journeys", show=offers.show, roles=(CO,)),
    View(name="closures", section="journeys", show=closures.show, roles=(CO,)),
    View(name="confirmation", section="journeys", show=confirmation.show, roles=(CO,)),
    View(name="manifest", section="journeys", show=manifest.show, roles=(CO, PR)),
    View(name="consulate", section="people", show=consulate.show, roles=(CS,)),
    View(name="protection", section="people", show=protection.show, roles=(PR,)),
    View(name="health", section="people", show=health.show, roles=(HE,)),
    View(name="administration", section="office", show=administration.show, roles=(AD,)),
    View(name="audit", section="office", show=audit.show, roles=(AU,)),
)


def main() -> None:
    """Draw the page that the address names, for whoever is signed in now."""
    st.set_page_config(page_title="retorno", page_icon="🧭", layout="wide")
    here = session.visit()
    session.stay_signed_in()
    sections: dict[str, list[Any]] = {}
    pages: dict[str, Any] = {}
    for view in VIEWS:
        if here.actor.has(*view.roles):
            pages[view.name] = st.Page(
                view.show,
                title=here.t(f"view.{view.name}"),
                url_path="" if view.name == "home" else view.name,
                default=view.name == "home",
            )
            sections.setdefault(here.t(f"view.section.{view.section}"), []).append(pages[view.name])
    if not sections:
        components.frame(here)
        components.empty(here, "view.no_role")
        return
    session.know_pages(pages)
    page = st.navigation(sections)
    components.frame(here)
    session.enter_page(page.url_path)
    page.run()


main()
