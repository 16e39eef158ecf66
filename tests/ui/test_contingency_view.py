"""The page of what would hurt most: sentences, filter, what is stale, and the repaired plan prepared by one click."""

from __future__ import annotations

import pytest
from sqlmodel import select

from retorno import changes
from retorno.database import Database
from retorno.labels import label
from retorno.models.movements import Movement, Plan
from retorno.office.access import Actor
from retorno.optimizer.contingency import OutageKind
from retorno.plans import contingency
from retorno.vocabulary import Language, PlanStatus
from tests import planning_builders as build
from tests.test_contingency import answered, booked
from tests.ui.views_harness import Opening, press, shown

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ES = Language.ES


def test_a_failure_is_told_in_a_sentence_and_prepared_for_once(
    open_view: Opening, database: Database, coordinator: Actor
) -> None:
    with database.transaction() as db:
        plan, family = booked(db, coordinator)
        answered(db, plan)
        plate = db.exec(select(Movement)).one().label

    page = open_view("contingency", "coordinator")

    assert not page.exception
    assert plate in shown(page)
    assert label("view.contingency.name.vehicle", ES, what=plate) in shown(page)
    kinds = next(radio for radio in page.radio if radio.key and radio.key.startswith("shelf.kind"))
    page = kinds.set_value(OutageKind.VEHICLE.value).run()
    prepare = label("view.contingency.prepare", ES)
    page = press(page, prepare)
    assert "Se hará un borrador" in shown(page)
    page = [button for button in page.button if button.label == prepare][-1].click().run()
    assert not page.exception
    assert label("view.contingency.is_prepared", ES) in shown(page)
    with database.reading() as db:
        made = db.exec(select(Plan).where(Plan.status == PlanStatus.RUNNING)).one()
        assert made.is_hypothetical
        (row,) = [
            each
            for each in contingency.report(db, coordinator, plan_id=plan.plan_id).rows
            if each.prepared_plan_id == made.plan_id
        ]
        assert (row.kind, row.name) == (OutageKind.VEHICLE, plate)
        assert family.group_id in made.groups_availability


def test_what_is_stale_says_so_and_is_asked_again_by_a_click(
    open_view: Opening, database: Database, coordinator: Actor
) -> None:
    with database.transaction() as db:
        plan, family = booked(db, coordinator)
        answered(db, plan)
        changes.withdraw(db, coordinator, person_id=build.members(db, family.group_id)[0].person_id)

    page = open_view("contingency", "coordinator")
    assert "Desde entonces cambiaron los datos" in shown(page)
    page = press(page, label("view.contingency.again", ES))

    assert not page.exception
    with database.reading() as db:
        assert contingency.report(db, coordinator, plan_id=plan.plan_id).is_computing
