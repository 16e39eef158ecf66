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
    alpha2,
    answer_counts_from,
    confirm_document,
    read_zone,
    record_consent,
    record_transit_visa,
    review_document,
)
from retorno.intake.drafts import DraftSummary, KeptField, drop_draft, load_draft, own_drafts, save_draft_field, search
from retorno.intake.duplicates import (
    DateRelation,
    LikelyDuplicate,
    decide_duplicate,
    duplicates_of_form,
    likely_duplicates,
    search_alike,
)
from retorno.intake.importing import ImportOutcome, apply_import, is_registered, preview_duplicates, undo_import
from retorno.intake.registration import Registration, Step, check_draft, register_draft
from retorno.intake.shared import is_child_person, read_form, touch_group, touch_person
from retorno.intake.sheet import ImportPreview, import_template, read_import

__all__ = [
    "CaseFile",
    "DateRelation",
    "DraftSummary",
    "ImportOutcome",
    "ImportPreview",
    "KeptField",
    "LikelyDuplicate",
    "NewPerson",
    "Registered",
    "Registration",
    "Step",
    "add_document",
    "add_person",
    "alpha2",
    "answer_counts_from",
    "apply_import",
    "case_of_person",
    "check_draft",
    "confirm_document",
    "decide_duplicate",
    "drop_draft",
    "duplicates_of_form",
    "import_template",
    "imports",
    "is_child_person",
    "is_registered",
    "likely_duplicates",
    "load_draft",
    "own_drafts",
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
    "register_draft",
    "review_document",
    "save_draft_field",
    "search",
    "search_alike",
    "set_caregiver",
    "split_group",
    "touch_group",
    "touch_person",
    "undo_import",
    "update_group",
    "update_person",
]
