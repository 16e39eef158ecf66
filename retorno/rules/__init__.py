"""The rights and safety rules of a return, R1 to R24: one pure function each, and what they say when they object.

Two families of facts are judged: people and groups (``judge_group``), and movements (``judge_movement``). ``RULES``
lists every rule with its source and its functions, so that documentation and tests can enumerate them. Nothing here
can be switched off: the functions take no flag, and numbers come from a ``Policy`` that only becomes stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from retorno.policy import Policy
from retorno.rules import groups, movements, persons
from retorno.rules.facts import (
    AcceptedDocument,
    AcknowledgementFacts,
    BestInterestFacts,
    BreakFacts,
    CarrierHealth,
    ConsentFacts,
    CrossingFacts,
    DocumentFacts,
    DriverFacts,
    EscortFacts,
    FitnessFacts,
    GroupFacts,
    JourneyLeg,
    MovementFacts,
    NightFacts,
    Occasion,
    PersonFacts,
    PostFacts,
    ReceptionFacts,
    RiderFacts,
    ScreeningFacts,
    SegmentFacts,
    SuspensionFacts,
    VehicleFacts,
)
from retorno.rules.findings import (
    OUTCOMES,
    RESTRICTED_CODES,
    Finding,
    RuleCode,
    WhatNow,
    blocking,
    finding,
    not_available,
    order,
)
from retorno.rules.movements import escorts_needed, usable_seats
from retorno.rules.persons import age_of, is_child, is_unaccompanied_child, is_vulnerable, return_consent, weeks_on
from retorno.vocabulary import Rule

__all__ = [
    "OUTCOMES",
    "RESTRICTED_CODES",
    "RULES",
    "AcceptedDocument",
    "AcknowledgementFacts",
    "BestInterestFacts",
    "BreakFacts",
    "CarrierHealth",
    "ConsentFacts",
    "CrossingFacts",
    "DocumentFacts",
    "DriverFacts",
    "EscortFacts",
    "Finding",
    "FitnessFacts",
    "GroupFacts",
    "JourneyLeg",
    "MovementFacts",
    "NightFacts",
    "Occasion",
    "PersonFacts",
    "PostFacts",
    "ReceptionFacts",
    "RiderFacts",
    "RuleCode",
    "RuleOutcome",
    "RuleRow",
    "ScreeningFacts",
    "SegmentFacts",
    "SuspensionFacts",
    "VehicleFacts",
    "WhatNow",
    "age_of",
    "blocking",
    "coordinator_view",
    "escorts_needed",
    "finding",
    "is_child",
    "is_unaccompanied_child",
    "is_vulnerable",
    "judge_group",
    "judge_movement",
    "not_available",
    "report",
    "return_consent",
    "usable_seats",
    "weeks_on",
]

PersonRule = Callable[[PersonFacts, GroupFacts, Occasion], list[Finding]]
GroupRule = Callable[[GroupFacts, Occasion], list[Finding]]
MovementRule = Callable[[MovementFacts, Policy], list[Finding]]


@dataclass(frozen=True, kw_only=True)
class RuleRow:
    """One rule: where it comes from and the functions that judge it; its title is ``rule.<rule>`` in labels.csv."""

    rule: Rule
    source: str
    of_person: PersonRule | None = None
    of_group: GroupRule | None = None
    of_movement: MovementRule | None = None

    @property
    def wording_key(self) -> str:
        """Key of the rule's title in ``data/labels.csv``."""
        return f"rule.{self.rule.value}"

    @property
    def codes(self) -> tuple[RuleCode, ...]:
        """Every outcome of the rule, in the order of the registry."""
        return tuple(code for code, (rule, _, _) in OUTCOMES.items() if rule is self.rule)


RULES: dict[Rule, RuleRow] = {
    row.rule: row
    for row in (
        RuleRow(
            rule=Rule.R1,
            source="Mexican Reglamento de la Ley de Migración art. 191: assisted return only at the person's request",
            of_person=persons.consent_in_force,
        ),
        RuleRow(rule=Rule.R2, source="CRC art. 12: the child's own view", of_person=persons.own_view),
        RuleRow(rule=Rule.R3, source="IOM AVRR Framework: withdrawal at any time", of_person=persons.still_wants),
        RuleRow(
            rule=Rule.R4,
            source="IOM AVRR Framework: informed decision; Palermo Protocol art. 8 for victims of trafficking",
            of_person=persons.counselled_before,
        ),
        RuleRow(
            rule=Rule.R5,
            source="A/HRC/38/41: consent under detention is not free by itself",
            of_person=persons.independent_where_detained,
        ),
        RuleRow(rule=Rule.R6, source="1951 Convention art. 33; CAT art. 3", of_person=persons.no_hold),
        RuleRow(
            rule=Rule.R7,
            source="A/HRC/38/41: no return where it is not safe",
            of_group=groups.destination_open,
            of_movement=movements.route_open,
        ),
        RuleRow(rule=Rule.R8, source="A/HRC/38/41: individual screening", of_person=persons.screened),
        RuleRow(rule=Rule.R9, source="ICCPR art. 12.4; the person's own choice", of_person=persons.admitted),
        RuleRow(
            rule=Rule.R10,
            source="CRC art. 9 and 10; Reglamento art. 191: family unity",
            of_group=groups.family_united,
            of_movement=movements.groups_whole,
        ),
        RuleRow(rule=Rule.R11, source="CRC art. 9", of_group=groups.caregivers_travel),
        RuleRow(
            rule=Rule.R12,
            source="CRC General Comment 6, paragraph 84; Alternative Care Guidelines, paragraph 148",
            of_person=persons.unaccompanied_child_file,
            of_movement=movements.escort_on_every_leg,
        ),
        RuleRow(
            rule=Rule.R13,
            source="Planning default: no regional ratio of escorts is published",
            of_movement=movements.escorts_suffice,
        ),
        RuleRow(
            rule=Rule.R14,
            source="CRC General Comment 6; number per vehicle is our assumption",
            of_movement=movements.children_protected,
        ),
        RuleRow(
            rule=Rule.R15,
            source="CRC General Comment 6, paragraph 31: benefit of the doubt",
            of_person=persons.doubt_means_child,
        ),
        RuleRow(
            rule=Rule.R16,
            source="IOM practice: fitness to travel",
            of_person=persons.fit_to_travel,
            of_movement=movements.needs_served,
        ),
        RuleRow(
            rule=Rule.R17,
            source="Carrier practice, data/carrier_health.csv",
            of_person=persons.pregnancy_and_newborns,
        ),
        RuleRow(
            rule=Rule.R18,
            source="Refugee emergency handbook, transport: 10 to 20 % spare seats",
            of_movement=movements.seats_respected,
        ),
        RuleRow(
            rule=Rule.R19,
            source="Practitioner advice: no road travel at night",
            of_movement=movements.daylight_and_hours,
        ),
        RuleRow(
            rule=Rule.R20,
            source="ILO C153 art. 5; NOM-087-SCT-2-2017",
            of_movement=movements.driving_safe,
        ),
        RuleRow(
            rule=Rule.R21,
            source="A/HRC/38/41: reception is part of a safe return",
            of_movement=movements.reception_ready,
        ),
        RuleRow(
            rule=Rule.R22,
            source="Panama to Nicaragua 2020: list 72 h before",
            of_movement=movements.notice_given,
        ),
        RuleRow(
            rule=Rule.R23,
            source="ICAO Doc 9303; data/documents_accepted.csv",
            of_person=persons.documents_in_order,
        ),
        RuleRow(rule=Rule.R24, source="IOM AVRR Framework: onward journey", of_person=persons.onward_arranged),
    )
}
"""Every rule that judges people, groups or movements, in order."""


def judge_group(group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """Everything that R1 to R24 have to say about a group on a journey, in the order of the rules.

    The group may travel if no finding blocks; one member's finding stops the whole group (R10).
    """
    found: list[Finding] = []
    for row in RULES.values():
        if row.of_person is not None:
            for person in group.persons:
                found += [_in_group(each, group.group_id) for each in row.of_person(person, group, occasion)]
        if row.of_group is not None:
            found += row.of_group(group, occasion)
    return sorted(found, key=order)


def judge_movement(movement: MovementFacts, policy: Policy) -> list[Finding]:
    """Everything that the rules have to say about a movement on its way to ``movement.stage``."""
    found = [each for row in RULES.values() if row.of_movement for each in row.of_movement(movement, policy)]
    return sorted(found, key=order)


def _in_group(found: Finding, group_id: str) -> Finding:
    return found if found.group_id else replace(found, group_id=group_id)


def coordinator_view(findings: Iterable[Finding]) -> list[Finding]:
    """The findings as everybody but protection sees them: holds, reviews and screenings are "not available".

    While one of them is open, neither the fitness outcome nor the check of the documents of that person is shown
    (access.md 14), so the words never tell a hold from a review.
    """
    findings = list(findings)
    hidden = {found.person_id for found in findings if found.code in HIDDEN_CODES}
    shown = [
        found
        for found in findings
        if not (found.person_id in hidden and (found.code in HIDDEN_CODES or found.rule in _HEALTH_AND_PAPERS))
    ]
    groups_of = {found.person_id: found.group_id for found in findings if found.person_id in hidden}
    return sorted(
        [*shown, *(not_available(person_id=person, group_id=group) for person, group in groups_of.items())], key=order
    )


HIDDEN_CODES = RESTRICTED_CODES | {RuleCode.NOT_FIT}
"""A health review uses the same words as a hold, otherwise the words would mean "hold"."""

_HEALTH_AND_PAPERS = frozenset({Rule.R16, Rule.R17, Rule.R23})


@dataclass(frozen=True, kw_only=True)
class RuleOutcome:
    """One line of a verdict: a rule, whether it passed, and what it said."""

    rule: Rule
    findings: tuple[Finding, ...]

    @property
    def is_passed(self) -> bool:
        """Whether nothing blocks."""
        return not blocking(self.findings)

    def as_json(self) -> dict[str, object]:
        """For the verdict that is stored and printed; references only, no names."""
        return {
            "rule": self.rule.value,
            "outcome": "pass" if self.is_passed else "fail",
            "findings": [
                {
                    "code": found.code.value,
                    "person": found.person_id,
                    "group": found.group_id,
                    "movement": found.movement_id,
                    "blocks": found.blocks,
                    "params": dict(found.params),
                }
                for found in self.findings
            ],
        }


def report(findings: Sequence[Finding]) -> tuple[RuleOutcome, ...]:
    """Every rule R1 to R24 with pass or fail, in order; ``findings`` are those of all groups and movements judged."""
    return tuple(
        RuleOutcome(rule=rule, findings=tuple(sorted((f for f in findings if f.rule is rule), key=order)))
        for rule in RULES
    )
