"""What a rule says: codes, findings, and the registry that documentation, labels and tests enumerate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from retorno.vocabulary import Role, Rule


class RuleCode(StrEnum):
    """Every outcome of a rule other than "nothing to say"; sentence ``rule.<rule>.<code>`` in labels.csv."""

    # R1
    NO_CONSENT = "NO_CONSENT"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_OTHER_DESTINATION = "CONSENT_OTHER_DESTINATION"
    CONSENT_BY_PROXY = "CONSENT_BY_PROXY"
    CONSENT_IN_FUTURE = "CONSENT_IN_FUTURE"
    CONSENT_NO_TEXT = "CONSENT_NO_TEXT"
    CONSENT_NO_LANGUAGE = "CONSENT_NO_LANGUAGE"
    CONSENT_NO_INTERPRETER = "CONSENT_NO_INTERPRETER"
    # R2
    CHILD_VIEW_MISSING = "CHILD_VIEW_MISSING"
    # R3
    WITHDRAWN = "WITHDRAWN"
    NOT_ACTIVE = "NOT_ACTIVE"
    # R4
    COUNSELLED_AFTER_CONSENT = "COUNSELLED_AFTER_CONSENT"
    COUNSELLING_LANGUAGE = "COUNSELLING_LANGUAGE"
    REFLECTION_TOO_SHORT = "REFLECTION_TOO_SHORT"
    REFLECTION_LONG = "REFLECTION_LONG"
    # R5
    CONSENT_NOT_INDEPENDENT = "CONSENT_NOT_INDEPENDENT"
    # R6
    ON_HOLD = "ON_HOLD"
    # R7
    DESTINATION_SUSPENDED = "DESTINATION_SUSPENDED"
    ROUTE_SUSPENDED = "ROUTE_SUSPENDED"
    # R8
    NOT_SCREENED = "NOT_SCREENED"
    SCREENING_TOO_OLD = "SCREENING_TOO_OLD"
    # R9
    DEST_NOT_ADMITTED = "DEST_NOT_ADMITTED"
    DEST_PERMIT_EXPIRES = "DEST_PERMIT_EXPIRES"
    DEST_NOT_CHOSEN = "DEST_NOT_CHOSEN"
    # R10
    SPLIT_NOT_REQUESTED = "SPLIT_NOT_REQUESTED"
    SPLIT_CHILD_NO_DECISION = "SPLIT_CHILD_NO_DECISION"
    GROUP_TOO_LARGE = "GROUP_TOO_LARGE"
    GROUP_EMPTY = "GROUP_EMPTY"
    GROUP_NOT_WHOLE = "GROUP_NOT_WHOLE"
    GROUP_SEPARATED = "GROUP_SEPARATED"
    # R11
    CHILD_WITHOUT_CAREGIVER = "CHILD_WITHOUT_CAREGIVER"
    CAREGIVER_LEAVES_DEPENDANT = "CAREGIVER_LEAVES_DEPENDANT"
    # R12
    UASC_NO_DECISION = "UASC_NO_DECISION"
    UASC_DECISION_NOT_RETURN = "UASC_DECISION_NOT_RETURN"
    UASC_DECISION_APPEALED = "UASC_DECISION_APPEALED"
    UASC_DECISION_EXPIRED = "UASC_DECISION_EXPIRED"
    UASC_DECISION_IN_FUTURE = "UASC_DECISION_IN_FUTURE"
    UASC_NO_BODY = "UASC_NO_BODY"
    UASC_NO_GUARDIAN = "UASC_NO_GUARDIAN"
    UASC_NO_VIEW = "UASC_NO_VIEW"
    UASC_NO_RECEIVER = "UASC_NO_RECEIVER"
    UASC_NO_PICKUP = "UASC_NO_PICKUP"
    UASC_NOT_CLEARED = "UASC_NOT_CLEARED"
    UASC_NO_ESCORT = "UASC_NO_ESCORT"
    UASC_ESCORT_NOT_ON_LEG = "UASC_ESCORT_NOT_ON_LEG"
    # R13
    ESCORTS_TOO_FEW = "ESCORTS_TOO_FEW"
    ESCORT_OWN_SEX = "ESCORT_OWN_SEX"
    ESCORT_DRIVES = "ESCORT_DRIVES"
    ESCORT_NO_RETURN = "ESCORT_NO_RETURN"
    ESCORT_UNAVAILABLE = "ESCORT_UNAVAILABLE"
    # R14
    UASC_PER_VEHICLE = "UASC_PER_VEHICLE"
    CHILD_AMONG_ADULTS = "CHILD_AMONG_ADULTS"
    # R15
    DOUBT_MEANS_CHILD = "DOUBT_MEANS_CHILD"
    # R16
    NO_FITNESS = "NO_FITNESS"
    NOT_FIT = "NOT_FIT"
    FITNESS_EXPIRES = "FITNESS_EXPIRES"
    FITNESS_NOT_YET = "FITNESS_NOT_YET"
    MAY_NOT_FLY = "MAY_NOT_FLY"
    NEED_NOT_SERVED = "NEED_NOT_SERVED"
    WHEELCHAIR_PLACE = "WHEELCHAIR_PLACE"
    MEDICAL_ESCORT_MISSING = "MEDICAL_ESCORT_MISSING"
    OXYGEN_NOT_APPROVED = "OXYGEN_NOT_APPROVED"
    # R17
    CERTIFICATE_NEEDED = "CERTIFICATE_NEEDED"
    NOT_CARRIED_PREGNANT = "NOT_CARRIED_PREGNANT"
    NEWBORN_TOO_EARLY = "NEWBORN_TOO_EARLY"
    LONG_LAND_LEG = "LONG_LAND_LEG"
    # R18
    SEATS_OVER = "SEATS_OVER"
    SPARE_SEATS = "SPARE_SEATS"
    WHEELCHAIRS_OVER = "WHEELCHAIRS_OVER"
    TRAVELS_TWICE = "TRAVELS_TWICE"
    # R19
    DEPARTS_IN_DARK = "DEPARTS_IN_DARK"
    ARRIVES_IN_DARK = "ARRIVES_IN_DARK"
    POST_CLOSED = "POST_CLOSED"
    POST_CLOSES_SOON = "POST_CLOSES_SOON"
    RECEPTION_CLOSED = "RECEPTION_CLOSED"
    RECEPTION_CLOSES_SOON = "RECEPTION_CLOSES_SOON"
    NO_ONWARD_LEFT = "NO_ONWARD_LEFT"
    # R20
    DRIVES_TOO_LONG = "DRIVES_TOO_LONG"
    BREAK_TOO_SHORT = "BREAK_TOO_SHORT"
    DRIVERS_TOO_FEW = "DRIVERS_TOO_FEW"
    DAY_TOO_LONG = "DAY_TOO_LONG"
    NIGHT_WITHOUT_BED = "NIGHT_WITHOUT_BED"
    DRIVER_LICENCE = "DRIVER_LICENCE"
    DRIVER_REST = "DRIVER_REST"
    DRIVER_WEEK = "DRIVER_WEEK"
    VEHICLE_LICENCE = "VEHICLE_LICENCE"
    VEHICLE_INSURANCE = "VEHICLE_INSURANCE"
    VEHICLE_INSPECTION = "VEHICLE_INSPECTION"
    NO_VEHICLE = "NO_VEHICLE"
    ROUTE_NOT_CONFIRMED = "ROUTE_NOT_CONFIRMED"
    # R21
    NO_RECEIVER = "NO_RECEIVER"
    RECEPTION_FULL = "RECEPTION_FULL"
    RECEPTION_PROFILE = "RECEPTION_PROFILE"
    NOT_ACKNOWLEDGED = "NOT_ACKNOWLEDGED"
    # R22
    NOTICE_TOO_LATE = "NOTICE_TOO_LATE"
    NOTICE_NOT_SENT = "NOTICE_NOT_SENT"
    CHANGED_AFTER_DEADLINE = "CHANGED_AFTER_DEADLINE"
    # R23
    NO_DOCUMENT = "NO_DOCUMENT"
    DOCUMENT_NOT_ACCEPTED = "DOCUMENT_NOT_ACCEPTED"
    DOCUMENT_EXPIRES = "DOCUMENT_EXPIRES"
    DOCUMENT_UNCHECKED = "DOCUMENT_UNCHECKED"
    DOCUMENT_TO_CONFIRM = "DOCUMENT_TO_CONFIRM"
    DOCUMENT_IN_REVIEW = "DOCUMENT_IN_REVIEW"
    TRANSIT_DOCUMENT = "TRANSIT_DOCUMENT"
    SAFE_CONDUCT_SHORT = "SAFE_CONDUCT_SHORT"
    # R24
    NO_ONWARD_MEANS = "NO_ONWARD_MEANS"
    # What a coordinator is shown instead of R6, R8, reviews and the long interval of R4 (access.md 14).
    NOT_AVAILABLE = "NOT_AVAILABLE"


class WhatNow(StrEnum):
    """What would change a "no"; sentence ``now.<code>`` in labels.csv."""

    RECORD_CONSENT = "RECORD_CONSENT"
    RESPECT_WITHDRAWAL = "RESPECT_WITHDRAWAL"
    RECORD_CHILD_VIEW = "RECORD_CHILD_VIEW"
    COUNSEL_AGAIN = "COUNSEL_AGAIN"
    WAIT_REFLECTION = "WAIT_REFLECTION"
    CONFIRM_IN_PRIVATE = "CONFIRM_IN_PRIVATE"
    ASK_PROTECTION = "ASK_PROTECTION"
    SCREEN = "SCREEN"
    WAIT_REOPENING = "WAIT_REOPENING"
    RECORD_RIGHT_TO_ENTER = "RECORD_RIGHT_TO_ENTER"
    RECORD_SPLIT = "RECORD_SPLIT"
    KEEP_TOGETHER = "KEEP_TOGETHER"
    LARGER_VEHICLE = "LARGER_VEHICLE"
    NAME_CAREGIVER = "NAME_CAREGIVER"
    COMPLETE_CHILD_FILE = "COMPLETE_CHILD_FILE"
    ASSIGN_ESCORT = "ASSIGN_ESCORT"
    ASK_HEALTH = "ASK_HEALTH"
    OTHER_WAY = "OTHER_WAY"
    WAIT_DATE = "WAIT_DATE"
    FEWER_PEOPLE = "FEWER_PEOPLE"
    OTHER_TIME = "OTHER_TIME"
    FIX_VEHICLE = "FIX_VEHICLE"
    FIX_DRIVER = "FIX_DRIVER"
    FIND_BEDS = "FIND_BEDS"
    ARRANGE_RECEPTION = "ARRANGE_RECEPTION"
    ASK_ACKNOWLEDGEMENT = "ASK_ACKNOWLEDGEMENT"
    SEND_EARLIER = "SEND_EARLIER"
    GET_DOCUMENT = "GET_DOCUMENT"
    CHECK_DOCUMENT = "CHECK_DOCUMENT"
    ARRANGE_ONWARD = "ARRANGE_ONWARD"


CO, PR, HE = Role.COORDINATOR, Role.PROTECTION, Role.HEALTH
C, W = RuleCode, WhatNow

OUTCOMES: dict[RuleCode, tuple[Rule, WhatNow, Role]] = {
    C.NO_CONSENT: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CONSENT_WITHDRAWN: (Rule.R1, W.RESPECT_WITHDRAWAL, CO),
    C.CONSENT_EXPIRED: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CONSENT_OTHER_DESTINATION: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CONSENT_BY_PROXY: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CONSENT_IN_FUTURE: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CONSENT_NO_TEXT: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CONSENT_NO_LANGUAGE: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CONSENT_NO_INTERPRETER: (Rule.R1, W.RECORD_CONSENT, CO),
    C.CHILD_VIEW_MISSING: (Rule.R2, W.RECORD_CHILD_VIEW, CO),
    C.WITHDRAWN: (Rule.R3, W.RESPECT_WITHDRAWAL, CO),
    C.NOT_ACTIVE: (Rule.R3, W.RECORD_SPLIT, CO),
    C.COUNSELLED_AFTER_CONSENT: (Rule.R4, W.COUNSEL_AGAIN, CO),
    C.COUNSELLING_LANGUAGE: (Rule.R4, W.COUNSEL_AGAIN, CO),
    C.REFLECTION_TOO_SHORT: (Rule.R4, W.WAIT_REFLECTION, CO),
    C.REFLECTION_LONG: (Rule.R4, W.WAIT_REFLECTION, PR),
    C.CONSENT_NOT_INDEPENDENT: (Rule.R5, W.CONFIRM_IN_PRIVATE, PR),
    C.ON_HOLD: (Rule.R6, W.ASK_PROTECTION, PR),
    C.DESTINATION_SUSPENDED: (Rule.R7, W.WAIT_REOPENING, CO),
    C.ROUTE_SUSPENDED: (Rule.R7, W.OTHER_WAY, CO),
    C.NOT_SCREENED: (Rule.R8, W.SCREEN, PR),
    C.SCREENING_TOO_OLD: (Rule.R8, W.SCREEN, PR),
    C.DEST_NOT_ADMITTED: (Rule.R9, W.RECORD_RIGHT_TO_ENTER, CO),
    C.DEST_PERMIT_EXPIRES: (Rule.R9, W.RECORD_RIGHT_TO_ENTER, CO),
    C.DEST_NOT_CHOSEN: (Rule.R9, W.RECORD_RIGHT_TO_ENTER, CO),
    C.SPLIT_NOT_REQUESTED: (Rule.R10, W.RECORD_SPLIT, CO),
    C.SPLIT_CHILD_NO_DECISION: (Rule.R10, W.COMPLETE_CHILD_FILE, PR),
    C.GROUP_TOO_LARGE: (Rule.R10, W.LARGER_VEHICLE, CO),
    C.GROUP_EMPTY: (Rule.R10, W.KEEP_TOGETHER, CO),
    C.GROUP_NOT_WHOLE: (Rule.R10, W.KEEP_TOGETHER, CO),
    C.GROUP_SEPARATED: (Rule.R10, W.KEEP_TOGETHER, CO),
    C.CHILD_WITHOUT_CAREGIVER: (Rule.R11, W.NAME_CAREGIVER, CO),
    C.CAREGIVER_LEAVES_DEPENDANT: (Rule.R11, W.NAME_CAREGIVER, CO),
    C.UASC_NO_DECISION: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_DECISION_NOT_RETURN: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_DECISION_APPEALED: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_DECISION_EXPIRED: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_DECISION_IN_FUTURE: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_NO_BODY: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_NO_GUARDIAN: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_NO_VIEW: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_NO_RECEIVER: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_NO_PICKUP: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_NOT_CLEARED: (Rule.R12, W.COMPLETE_CHILD_FILE, PR),
    C.UASC_NO_ESCORT: (Rule.R12, W.ASSIGN_ESCORT, PR),
    C.UASC_ESCORT_NOT_ON_LEG: (Rule.R12, W.ASSIGN_ESCORT, CO),
    C.ESCORTS_TOO_FEW: (Rule.R13, W.ASSIGN_ESCORT, CO),
    C.ESCORT_OWN_SEX: (Rule.R13, W.ASSIGN_ESCORT, CO),
    C.ESCORT_DRIVES: (Rule.R13, W.ASSIGN_ESCORT, CO),
    C.ESCORT_NO_RETURN: (Rule.R13, W.ASSIGN_ESCORT, CO),
    C.ESCORT_UNAVAILABLE: (Rule.R13, W.ASSIGN_ESCORT, CO),
    C.UASC_PER_VEHICLE: (Rule.R14, W.FEWER_PEOPLE, CO),
    C.CHILD_AMONG_ADULTS: (Rule.R14, W.ASSIGN_ESCORT, CO),
    C.DOUBT_MEANS_CHILD: (Rule.R15, W.NAME_CAREGIVER, CO),
    C.NO_FITNESS: (Rule.R16, W.ASK_HEALTH, HE),
    C.NOT_FIT: (Rule.R16, W.ASK_HEALTH, HE),
    C.FITNESS_EXPIRES: (Rule.R16, W.ASK_HEALTH, HE),
    C.FITNESS_NOT_YET: (Rule.R16, W.WAIT_DATE, HE),
    C.MAY_NOT_FLY: (Rule.R16, W.OTHER_WAY, CO),
    C.NEED_NOT_SERVED: (Rule.R16, W.FIX_VEHICLE, CO),
    C.WHEELCHAIR_PLACE: (Rule.R16, W.FIX_VEHICLE, CO),
    C.MEDICAL_ESCORT_MISSING: (Rule.R16, W.ASSIGN_ESCORT, CO),
    C.OXYGEN_NOT_APPROVED: (Rule.R16, W.OTHER_WAY, CO),
    C.CERTIFICATE_NEEDED: (Rule.R17, W.ASK_HEALTH, HE),
    C.NOT_CARRIED_PREGNANT: (Rule.R17, W.OTHER_WAY, CO),
    C.NEWBORN_TOO_EARLY: (Rule.R17, W.WAIT_DATE, CO),
    C.LONG_LAND_LEG: (Rule.R17, W.ASK_HEALTH, HE),
    C.SEATS_OVER: (Rule.R18, W.FEWER_PEOPLE, CO),
    C.SPARE_SEATS: (Rule.R18, W.FEWER_PEOPLE, CO),
    C.WHEELCHAIRS_OVER: (Rule.R18, W.FEWER_PEOPLE, CO),
    C.TRAVELS_TWICE: (Rule.R18, W.OTHER_TIME, CO),
    C.DEPARTS_IN_DARK: (Rule.R19, W.OTHER_TIME, CO),
    C.ARRIVES_IN_DARK: (Rule.R19, W.OTHER_TIME, CO),
    C.POST_CLOSED: (Rule.R19, W.OTHER_TIME, CO),
    C.POST_CLOSES_SOON: (Rule.R19, W.OTHER_TIME, CO),
    C.RECEPTION_CLOSED: (Rule.R19, W.OTHER_TIME, CO),
    C.RECEPTION_CLOSES_SOON: (Rule.R19, W.OTHER_TIME, CO),
    C.NO_ONWARD_LEFT: (Rule.R19, W.OTHER_TIME, CO),
    C.DRIVES_TOO_LONG: (Rule.R20, W.OTHER_TIME, CO),
    C.BREAK_TOO_SHORT: (Rule.R20, W.OTHER_TIME, CO),
    C.DRIVERS_TOO_FEW: (Rule.R20, W.FIX_DRIVER, CO),
    C.DAY_TOO_LONG: (Rule.R20, W.FIND_BEDS, CO),
    C.NIGHT_WITHOUT_BED: (Rule.R20, W.FIND_BEDS, CO),
    C.DRIVER_LICENCE: (Rule.R20, W.FIX_DRIVER, CO),
    C.DRIVER_REST: (Rule.R20, W.FIX_DRIVER, CO),
    C.DRIVER_WEEK: (Rule.R20, W.FIX_DRIVER, CO),
    C.VEHICLE_LICENCE: (Rule.R20, W.FIX_VEHICLE, CO),
    C.VEHICLE_INSURANCE: (Rule.R20, W.FIX_VEHICLE, CO),
    C.VEHICLE_INSPECTION: (Rule.R20, W.FIX_VEHICLE, CO),
    C.NO_VEHICLE: (Rule.R20, W.FIX_VEHICLE, CO),
    C.ROUTE_NOT_CONFIRMED: (Rule.R20, W.FIX_DRIVER, CO),
    C.NO_RECEIVER: (Rule.R21, W.ARRANGE_RECEPTION, CO),
    C.RECEPTION_FULL: (Rule.R21, W.ARRANGE_RECEPTION, CO),
    C.RECEPTION_PROFILE: (Rule.R21, W.ARRANGE_RECEPTION, CO),
    C.NOT_ACKNOWLEDGED: (Rule.R21, W.ASK_ACKNOWLEDGEMENT, CO),
    C.NOTICE_TOO_LATE: (Rule.R22, W.SEND_EARLIER, CO),
    C.NOTICE_NOT_SENT: (Rule.R22, W.SEND_EARLIER, CO),
    C.CHANGED_AFTER_DEADLINE: (Rule.R22, W.ASK_ACKNOWLEDGEMENT, CO),
    C.NO_DOCUMENT: (Rule.R23, W.GET_DOCUMENT, CO),
    C.DOCUMENT_NOT_ACCEPTED: (Rule.R23, W.GET_DOCUMENT, CO),
    C.DOCUMENT_EXPIRES: (Rule.R23, W.GET_DOCUMENT, CO),
    C.DOCUMENT_UNCHECKED: (Rule.R23, W.CHECK_DOCUMENT, CO),
    C.DOCUMENT_TO_CONFIRM: (Rule.R23, W.CHECK_DOCUMENT, CO),
    C.DOCUMENT_IN_REVIEW: (Rule.R23, W.ASK_PROTECTION, PR),
    C.TRANSIT_DOCUMENT: (Rule.R23, W.GET_DOCUMENT, CO),
    C.SAFE_CONDUCT_SHORT: (Rule.R23, W.GET_DOCUMENT, CO),
    C.NO_ONWARD_MEANS: (Rule.R24, W.ARRANGE_ONWARD, CO),
}
"""Code to its rule, to what would change it and to who can; ``NOT_AVAILABLE`` belongs to no rule on purpose."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a rule has to say, by reference; no name, no kind of hold, no diagnosis.

    Parameters
    ----------
    rule
        None only where the actor may not know it (``NOT_AVAILABLE``).
    params
        Key and value of what the sentence names: a date, a place, a count.
    blocks
        Whether nobody of the group may travel while it stands. Otherwise it names what is still to be done,
        such as a medical certificate that cannot be dated yet.
    """

    rule: Rule | None
    code: RuleCode
    what_now: WhatNow
    who: Role
    person_id: str | None = None
    group_id: str | None = None
    movement_id: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    blocks: bool = True

    @property
    def label_key(self) -> str:
        """Key of the sentence in ``data/labels.csv``."""
        return f"rule.{self.rule.value}.{self.code.value}" if self.rule else f"rule.{self.code.value}"

    @property
    def now_key(self) -> str:
        """Key of the sentence that says what would change it."""
        return f"now.{self.what_now.value}"

    @property
    def label_params(self) -> dict[str, str]:
        """Everything that the sentence may name: ``p``, ``g`` and ``m`` are the references."""
        refs = {"p": self.person_id or "", "g": self.group_id or "", "m": self.movement_id or ""}
        return refs | dict(self.params)

    def __str__(self) -> str:
        about = self.person_id or self.group_id or self.movement_id or ""
        return f"{self.rule.value if self.rule else ''} {self.code.value} {about}".strip()


def finding(
    code: RuleCode,
    *,
    person_id: str | None = None,
    group_id: str | None = None,
    movement_id: str | None = None,
    blocks: bool = True,
    **params: object,
) -> Finding:
    """The finding of ``code``, with rule, remedy and role from the registry."""
    rule, now, who = OUTCOMES[code]
    return Finding(
        rule=rule,
        code=code,
        what_now=now,
        who=who,
        person_id=person_id,
        group_id=group_id,
        movement_id=movement_id,
        params=tuple((key, str(value)) for key, value in params.items()),
        blocks=blocks,
    )


def not_available(*, person_id: str | None, group_id: str | None) -> Finding:
    """The one text for holds, reviews and old screenings, for everyone who may not know more (access.md 14)."""
    return Finding(
        rule=None,
        code=RuleCode.NOT_AVAILABLE,
        what_now=WhatNow.ASK_PROTECTION,
        who=Role.PROTECTION,
        person_id=person_id,
        group_id=group_id,
    )


RESTRICTED_CODES = frozenset({C.ON_HOLD, C.NOT_SCREENED, C.SCREENING_TOO_OLD, C.REFLECTION_LONG, C.DOCUMENT_IN_REVIEW})
"""Codes that only protection officers see as they are; everyone else sees ``NOT_AVAILABLE``."""


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that stop somebody; the others name what is still to be done."""
    return [found for found in findings if found.blocks]


def order(found: Finding) -> tuple[int, str, str, str]:
    """Sort key: by rule number, then code, then whom it concerns."""
    number = int(found.rule.value[1:]) if found.rule else 0
    return (number, found.code.value, found.person_id or "", found.group_id or found.movement_id or "")
