"""Stage 1: register a case, form a travel group, record consent and documents; likely duplicates; import.

One function per act; each checks access, validates, writes and logs in the caller's transaction.
"""

from __future__ import annotations

from retorno.intake.acts import (
    NewPerson,
    Registered,
    add_person,
    persons_of_case,
    register_case,
    set_caregiver,
    split_group,
    update_group,
    update_person,
)
from retorno.intake.casefile import CaseFile, case_of_person, imports, people, read_case
from retorno.intake.consents import (
    add_document,
    confirm_document,
    read_zone,
    record_consent,
    record_transit_visa,
    review_document,
)
from retorno.intake.drafts import drop_draft, load_draft, save_draft_field, search
from retorno.intake.duplicates import (
    DateRelation,
    LikelyDuplicate,
    decide_duplicate,
    duplicates_of_form,
    likely_duplicates,
)
from retorno.intake.importing import ImportOutcome, apply_import, preview_duplicates
from retorno.intake.shared import read_form, touch_group, touch_person
from retorno.intake.sheet import ImportPreview, import_template, read_import

__all__ = [
    "CaseFile",
    "DateRelation",
    "ImportOutcome",
    "ImportPreview",
    "LikelyDuplicate",
    "NewPerson",
    "Registered",
    "add_document",
    "add_person",
    "apply_import",
    "case_of_person",
    "confirm_document",
    "decide_duplicate",
    "drop_draft",
    "duplicates_of_form",
    "import_template",
    "imports",
    "likely_duplicates",
    "load_draft",
    "people",
    "persons_of_case",
    "preview_duplicates",
    "read_case",
    "read_form",
    "read_import",
    "read_zone",
    "record_consent",
    "record_transit_visa",
    "register_case",
    "review_document",
    "save_draft_field",
    "search",
    "set_caregiver",
    "split_group",
    "touch_group",
    "touch_person",
    "update_group",
    "update_person",
]
