"""Person, case, travel group, consent, screening, document, fitness: identifying tables.

Input goes ``XCreate(...)`` then ``X.model_validate(create, update={...})``; a table class does not validate.
Instants are UTC; dates are calendar days at the place concerned; countries are ISO 3166 alpha-2.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, field_validator, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from retorno.models.base import UtcInstant, new_id
from retorno.text import clean_text
from retorno.vocabulary import (
    ConsentPurpose,
    DocumentType,
    EntryBasis,
    FitnessOutcome,
    OnwardMeans,
    PersonStatus,
    Relation,
    Sex,
)

Name = Annotated[str, AfterValidator(clean_text)]
"""A name as written by the person: byte-exact after Unicode NFC, no hidden characters."""

CleanText = Annotated[str, AfterValidator(clean_text)]
"""Any other text of a person: NFC, no hidden characters."""


def _country_code(value: str) -> str:
    if not re.fullmatch("[A-Z]{2}", value):
        raise PydanticCustomError("country_unknown", 'expected a two-letter country code such as "HN"')
    return value


def _language_code(value: str) -> str:
    if not re.fullmatch("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", value) or len(value) > 12:
        raise PydanticCustomError("language", 'expected a language code such as "es" or "ht"')
    return value


# SQLModel ignores a pattern given to Field, so the form of a code is checked by a validator of its own.
CountryCode = Annotated[str, AfterValidator(_country_code)]
LanguageCode = Annotated[str, AfterValidator(_language_code)]


# ---- cases and groups ------------------------------------------------------------------------------------


class CaseBase(SQLModel):
    """A file that an office keeps on people who are stranded together."""

    place_id: str = Field(description="Where they are now, as in data/places.csv; decides whose caseload it is")


class CaseCreate(CaseBase):
    """Input for a new case."""


class Case(CaseBase, table=True):
    """Index: ``case_id``. One row a file; ``reference`` is what staff say on the phone."""

    __tablename__ = "person_case"
    case_id: str = Field(default_factory=lambda: new_id("C"), primary_key=True)
    reference: str = Field(unique=True)
    office_id: str = Field(foreign_key="office.office_id", index=True)
    opened_at: datetime = Field(sa_type=UtcInstant)
    opened_by: str
    closed_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    import_key: str | None = Field(default=None, unique=True, description="File's group key on import (idempotence)")
    version: int = Field(default=1, nullable=False)


class TravelGroupBase(SQLModel):
    """People who travel together or not at all (R10)."""

    destination_country: CountryCode
    destination_place_id: str = Field(description="Reception place, as in data/places.csv, or an airport abroad")
    destination_municipality: CleanText = ""
    earliest_date: date | None = None
    latest_date: date | None = Field(default=None, description="Date they must be home by, if any")


class TravelGroupCreate(TravelGroupBase):
    """Input for a new travel group."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> TravelGroupCreate:
        if self.earliest_date and self.latest_date and self.latest_date < self.earliest_date:
            raise PydanticCustomError("order", "the latest date is before the earliest date")
        return self


class TravelGroupUpdate(SQLModel):
    """Fields of a travel group that staff may change."""

    destination_country: CountryCode | None = None
    destination_place_id: str | None = None
    destination_municipality: str | None = None
    earliest_date: date | None = None
    latest_date: date | None = None


class TravelGroup(TravelGroupBase, table=True):
    """Index: ``group_id``. ``availability`` counts every fact that touches who may travel (I3)."""

    __tablename__ = "travel_group"
    group_id: str = Field(default_factory=lambda: new_id("G"), primary_key=True)
    case_id: str = Field(foreign_key="person_case.case_id", index=True)
    split_from_group_id: str | None = Field(default=None, foreign_key="travel_group.group_id")
    availability: int = Field(default=1, nullable=False, description="Compared at acceptance of a plan")
    version: int = Field(default=1, nullable=False)


# ---- persons ---------------------------------------------------------------------------------------------


class PersonBase(SQLModel):
    """One person: identity, language, place, destination, onward means."""

    given_names: Name = Field(min_length=1, max_length=120)
    family_names: Name = Field(default="", max_length=120)
    sex: Sex
    birth_date: date | None = None
    declared_age: int | None = Field(default=None, ge=0, le=120, description="Years, where no birth date is known")
    is_age_in_doubt: bool = Field(default=False, description="R15: then the person is treated as a child")
    nationality: CountryCode
    habitual_residence: CountryCode | None = None
    contact_language: LanguageCode = Field(description="BCP 47, such as es, ht, bn")
    speaks: CleanText = Field(default="", description="Further languages, BCP 47, joined by ;")
    phone: str = ""
    stranded_since: date
    is_detained: bool = Field(default=False, description="Held by an authority when consent is given (R5)")
    relation: Relation = Relation.SELF
    is_unaccompanied: bool = Field(default=False, description="A child without parent or customary caregiver")
    entry_basis: EntryBasis = EntryBasis.NATIONALITY
    permit_number: CleanText = ""
    permit_valid_until: date | None = None
    is_third_state_choice_written: bool = Field(default=False, description="R9: the person's own written choice")
    onward_means: OnwardMeans | None = None
    needs_wheelchair: bool = False


class PersonCreate(PersonBase):
    """Input for a new person; all faults are reported by pydantic at once."""

    @model_validator(mode="after")
    def _age_known(self) -> PersonCreate:
        if self.birth_date is None and self.declared_age is None:
            raise PydanticCustomError("no_age", "birth date or age in years is needed")
        if self.birth_date is not None and self.birth_date > self.stranded_since:
            # A child born on the way is stranded from birth on.
            raise PydanticCustomError("born_later", "the birth date is after the first stranded day")
        return self

    @field_validator("phone")
    @classmethod
    def _phone_digits(cls, value: str) -> str:
        compact = value.replace(" ", "").replace("-", "")
        if compact and not (compact.lstrip("+").isdigit() and 6 <= len(compact) <= 16):
            raise PydanticCustomError("phone", "expected digits with country code, such as +502 5555 1234")
        return compact


class PersonUpdate(SQLModel):
    """Fields of a person that staff may correct; ``None`` means unchanged."""

    given_names: Name | None = None
    family_names: Name | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    declared_age: int | None = None
    is_age_in_doubt: bool | None = None
    nationality: CountryCode | None = None
    habitual_residence: CountryCode | None = None
    contact_language: str | None = None
    speaks: str | None = None
    phone: str | None = None
    stranded_since: date | None = None
    is_detained: bool | None = None
    relation: Relation | None = None
    is_unaccompanied: bool | None = None
    entry_basis: EntryBasis | None = None
    permit_number: str | None = None
    permit_valid_until: date | None = None
    is_third_state_choice_written: bool | None = None
    onward_means: OnwardMeans | None = None
    needs_wheelchair: bool | None = None


class Person(PersonBase, table=True):
    """Index: ``person_id``. Names are stored as given (NFC); ``search_key`` is for likely duplicates only."""

    __table_args__ = (
        CheckConstraint("birth_date IS NOT NULL OR declared_age IS NOT NULL", name="age_known"),
        CheckConstraint("length(given_names) > 0", name="named"),
        Index("ix_person_search_key", "search_key"),
    )
    person_id: str = Field(default_factory=lambda: new_id("P"), primary_key=True)
    group_id: str = Field(foreign_key="travel_group.group_id", index=True)
    caregiver_id: str | None = Field(default=None, foreign_key="person.person_id")
    status: PersonStatus = PersonStatus.ACTIVE
    search_key: str = ""
    import_key: str | None = Field(default=None, unique=True)
    registered_at: datetime = Field(sa_type=UtcInstant)
    version: int = Field(default=1, nullable=False)


class DuplicateDecision(SQLModel, table=True):
    """A person's decision on two records that look alike; they are never merged by machine."""

    __tablename__ = "duplicate_decision"
    __table_args__ = (CheckConstraint("first_person_id < second_person_id", name="ordered"),)
    first_person_id: str = Field(foreign_key="person.person_id", primary_key=True)
    second_person_id: str = Field(foreign_key="person.person_id", primary_key=True)
    is_same: bool
    decided_by: str
    decided_at: datetime = Field(sa_type=UtcInstant)


# ---- consent and screening ---------------------------------------------------------------------------------


class ConsentBase(SQLModel):
    """One person's consent for one purpose, with everything that makes it valid (R1, R4, R5)."""

    purpose: ConsentPurpose
    destination_country: CountryCode
    text_version: str = Field(min_length=1, description="Version of the text that was read")
    language: LanguageCode = Field(description="Language it was read in")
    interpreter: str = Field(default="", description="Interpreter's staff code; empty where none was needed")
    counselled_at: datetime = Field(sa_type=UtcInstant)
    counselled_by: str = Field(min_length=1)
    given_at: datetime = Field(sa_type=UtcInstant)
    is_own_act: bool = Field(description="Spoken or signed by the person, not implied, not by proxy")
    is_reflection_waived: bool = Field(default=False, description="Waived by the person in writing")
    witness: str = Field(default="", description="Independent person present where the person is detained (R5)")
    expires_on: date | None = None


class ConsentCreate(ConsentBase):
    """Input for a consent."""

    @model_validator(mode="after")
    def _zones(self) -> ConsentCreate:
        for name in ("counselled_at", "given_at"):
            if getattr(self, name).tzinfo is None:
                raise PydanticCustomError("zone", "a time needs its time zone")
        return self


class Consent(ConsentBase, table=True):
    """Index: ``consent_id``. Never updated but for ``withdrawn_at``; a new consent is a new row."""

    consent_id: str = Field(default_factory=lambda: new_id("K"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    is_given_in_detention: bool = Field(default=False, description="R5: kept even if the person is released later")
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcInstant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    withdrawn_recorded_by: str | None = None


class Screening(SQLModel, table=True):
    """Index: ``screening_id``. That a trained person spoke with them in private; what was said lives in holds."""

    screening_id: str = Field(default_factory=lambda: new_id("S"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    screened_at: datetime = Field(sa_type=UtcInstant)
    screened_by: str
    is_victim_of_trafficking: bool = Field(default=False, description="R4: the long reflection interval applies")


# ---- documents and fitness ----------------------------------------------------------------------------------


class DocumentBase(SQLModel):
    """A travel or identity document; the number is text."""

    document_type: DocumentType
    number: str = Field(min_length=1, max_length=40)
    issuing_country: CountryCode
    expires_on: date | None = None
    safe_conduct_hours: int | None = Field(default=None, ge=1, le=24 * 60)


class DocumentCreate(DocumentBase):
    """Input for a document; ``mrz`` is the pasted machine-readable zone, empty where there is none."""

    mrz: str = ""

    @field_validator("number")
    @classmethod
    def _clean_number(cls, value: str) -> str:
        return clean_text(value).strip()


class Document(DocumentBase, table=True):
    """Index: ``document_id``. Checked by its check digits or by a person (R23)."""

    __table_args__ = (UniqueConstraint("person_id", "document_type", "number"),)
    document_id: str = Field(default_factory=lambda: new_id("D"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    is_mrz_valid: bool = False
    confirmed_by: str | None = Field(default=None, description="Who confirmed it by hand")
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    is_in_review: bool = Field(default=False, description="Identity review open; shown as 'not available'")
    recorded_at: datetime = Field(sa_type=UtcInstant)
    version: int = Field(default=1, nullable=False)


class TransitVisa(SQLModel, table=True):
    """Index: ``transit_visa_id``. A visa or waiver recorded for one person and one transit country."""

    __tablename__ = "transit_visa"
    transit_visa_id: str = Field(default_factory=lambda: new_id("W"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    country: CountryCode
    valid_until: date
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcInstant)


class FitnessBase(SQLModel):
    """Fitness to travel: outcome, validity and needs; no diagnosis (R16, R17, R27)."""

    outcome: FitnessOutcome
    valid_from: date
    valid_until: date
    needs: str = Field(default="", description="Need codes joined by ;")
    may_fly: bool = True
    pregnancy_weeks: int | None = Field(default=None, ge=1, le=45, description="Completed weeks on valid_from")
    is_multiple_pregnancy: bool = False
    gave_birth_on: date | None = None
    certificate_on: date | None = Field(default=None, description="Date of the medical certificate")
    is_long_land_leg_ok: bool = Field(default=False, description="Medical OK for land legs over 4 h")


class FitnessCreate(FitnessBase):
    """Input for a fitness record."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> FitnessCreate:
        if self.valid_until < self.valid_from:
            raise PydanticCustomError("order", "the last valid day is before the first")
        return self


class Fitness(FitnessBase, table=True):
    """Index: ``fitness_id``. The latest row of a person counts."""

    fitness_id: str = Field(default_factory=lambda: new_id("F"), primary_key=True)
    person_id: str = Field(foreign_key="person.person_id", index=True)
    assessed_by: str
    assessed_at: datetime = Field(sa_type=UtcInstant)


class ImportRun(SQLModel, table=True):
    """Index: ``import_id``. One imported file; the same bytes again change nothing (I15)."""

    __tablename__ = "import_run"
    import_id: str = Field(default_factory=lambda: new_id("I"), primary_key=True)
    office_id: str
    content_sha256: str = Field(unique=True)
    person_count: int
    group_count: int
    imported_by: str
    imported_at: datetime = Field(sa_type=UtcInstant)
