"""Hold, best-interest decision, escort approval: restricted tables.

Nothing joins them outside ``rules``, ``protection``, ``readiness``, ``changes`` and ``office.access``; on
PostgreSQL they live in a schema of their own, ``protection`` (translated away on SQLite, which has none).
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import model_validator
from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from retorno.models.base import UtcInstant, new_id
from retorno.vocabulary import BestInterestOutcome, HoldKind

PROTECTION_SCHEMA = "protection"


class Hold(SQLModel, table=True):
    """Index: ``hold_id``. Open while ``lifted_at`` is empty; lifted by two different people (R6, I2)."""

    __table_args__ = (
        CheckConstraint(
            "lifted_at IS NULL OR (lift_proposed_by IS NOT NULL AND lifted_by IS NOT NULL"
            " AND lift_proposed_by <> lifted_by AND length(lift_decision) > 0)",
            name="lifted_by_two",
        ),
        {"schema": PROTECTION_SCHEMA},
    )
    hold_id: str = Field(default_factory=lambda: new_id("H"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    kind: HoldKind
    raised_by: str
    raised_at: datetime = Field(sa_type=UtcInstant)
    review_on: date | None = Field(default=None, description="Asks for a look; never lifts by itself")
    note: str = Field(default="", description="Free text; read by protection officers only")
    lift_proposed_by: str | None = None
    lift_proposed_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    lift_decision: str = Field(default="", description="Written decision of the authority that set it, and the reason")
    lifted_by: str | None = None
    lifted_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    version: int = Field(default=1, nullable=False)


class BestInterestBase(SQLModel):
    """Best-interest decision of an unaccompanied child and its parts (R12)."""

    outcome: BestInterestOutcome
    decided_on: date
    valid_until: date
    body: str = Field(min_length=1, description="Competent body")
    is_appealed: bool = False
    guardian_consent_on: date | None = Field(default=None, description="Guardian of the sending side")
    child_view_recorded_on: date | None = None
    receiving_agreed_on: date | None = Field(default=None, description="Caregiver or authority agreed in writing")
    pickup_named: str = Field(default="", description="Who stands there at the arrival time")


class BestInterestCreate(BestInterestBase):
    """Input for a best-interest decision."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> BestInterestCreate:
        if self.valid_until < self.decided_on:
            raise ValueError(f"valid until {self.valid_until} is before the decision of {self.decided_on}")
        return self


class BestInterestDecision(BestInterestBase, table=True):
    """Index: ``decision_id``. The latest row of a child counts; clearance to travel takes two officers."""

    __tablename__ = "best_interest_decision"
    __table_args__ = (
        CheckConstraint("cleared_by_second IS NULL OR cleared_by <> cleared_by_second", name="cleared_by_two"),
        {"schema": PROTECTION_SCHEMA},
    )
    decision_id: str = Field(default_factory=lambda: new_id("B"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcInstant)
    cleared_by: str | None = None
    cleared_by_second: str | None = None
    cleared_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    version: int = Field(default=1, nullable=False)


class EscortApproval(SQLModel, table=True):
    """Index: ``approval_id``. A named escort approved for one child, by a protection officer."""

    __tablename__ = "escort_approval"
    __table_args__ = {"schema": PROTECTION_SCHEMA}
    approval_id: str = Field(default_factory=lambda: new_id("E"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    escort_id: str = Field(foreign_key="escort.escort_id")
    approved_by: str
    approved_at: datetime = Field(sa_type=UtcInstant)
    valid_until: date


class ProtectionAssignment(SQLModel, table=True):
    """Index: (``person_id``, ``user_id``). Which protection officers are named on a case."""

    __tablename__ = "protection_assignment"
    __table_args__ = {"schema": PROTECTION_SCHEMA}
    person_id: str = Field(foreign_key="person.person_id", primary_key=True)
    user_id: str = Field(foreign_key="app_user.user_id", primary_key=True)
    assigned_at: datetime = Field(sa_type=UtcInstant)
