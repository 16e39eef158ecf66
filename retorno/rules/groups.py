"""The rules that judge a travel group as a whole: suspension, family unity, caregivers."""

from __future__ import annotations

from retorno.rules.facts import GroupFacts, Occasion, PersonFacts
from retorno.rules.findings import Finding, RuleCode, finding
from retorno.rules.persons import is_child, is_unaccompanied_child
from retorno.vocabulary import BestInterestOutcome, ConsentPurpose


def destination_open(group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R7: nobody is returned to a country, region or place that is suspended on any day of the journey."""
    return [
        finding(RuleCode.DESTINATION_SUSPENDED, group_id=group.group_id, place=suspension.target_id)
        for suspension in group.suspensions
        if suspension.from_at.date() <= occasion.last_leg_on
        and (suspension.until_at is None or suspension.until_at.date() >= occasion.departs_on)
    ]


def family_united(group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R10: a family travels together or not at all; a split takes every adult's request and each child's decision."""
    found: list[Finding] = []
    if not group.persons:
        found.append(finding(RuleCode.GROUP_EMPTY, group_id=group.group_id))
    if group.is_split or group.left_behind:
        family = (*group.persons, *group.left_behind)
        found += [
            finding(RuleCode.SPLIT_CHILD_NO_DECISION, person_id=person.person_id, group_id=group.group_id)
            if is_child(person, occasion)
            else finding(RuleCode.SPLIT_NOT_REQUESTED, person_id=person.person_id, group_id=group.group_id)
            for person in family
            if not _agrees_to_split(person, occasion)
        ]
    seats = group.largest_vehicle_seats
    if seats is not None and len(group.persons) > seats:
        found.append(
            finding(RuleCode.GROUP_TOO_LARGE, group_id=group.group_id, persons=len(group.persons), seats=seats)
        )
    return found


def _agrees_to_split(person: PersonFacts, occasion: Occasion) -> bool:
    """An adult by a written request of their own in force; a child by a best-interest decision that stands."""
    if is_child(person, occasion):
        decision = person.best_interest
        return (
            decision is not None
            and decision.outcome is not BestInterestOutcome.PENDING
            and not decision.is_appealed
            and decision.decided_on <= occasion.now.date()
            and decision.valid_until >= occasion.last_leg_on
        )
    return any(
        consent.purpose is ConsentPurpose.GROUP_SPLIT
        and consent.is_own_act
        and consent.withdrawn_at is None
        and consent.given_at <= occasion.now
        and (consent.expires_on is None or consent.expires_on >= occasion.last_leg_on)
        for consent in person.consents
    )


def caregivers_travel(group: GroupFacts, occasion: Occasion) -> list[Finding]:
    """R11: no child travels without its caregiver, and no caregiver leaves somebody who depends on them."""
    by_id = {person.person_id: person for person in group.persons}
    found = [
        finding(RuleCode.CHILD_WITHOUT_CAREGIVER, person_id=person.person_id, group_id=group.group_id)
        for person in group.persons
        if is_child(person, occasion)
        and not is_unaccompanied_child(person, occasion)
        # Whose age is in doubt and who has nobody here is named by R15.
        and not (person.is_age_in_doubt and person.caregiver_id not in by_id)
        and not _is_cared_for(person, by_id, occasion)
    ]
    found += [
        finding(RuleCode.CAREGIVER_LEAVES_DEPENDANT, person_id=caregiver, group_id=group.group_id, dependant=dependant)
        for caregiver, dependant in group.dependants_elsewhere
    ]
    return found


def _is_cared_for(person: PersonFacts, by_id: dict[str, PersonFacts], occasion: Occasion) -> bool:
    """Whether the chain of caregivers inside the group ends at an adult, or at a child whom R12 looks after.

    A mother of sixteen may care for her baby, if an adult cares for her or her own file is complete.
    """
    seen = {person.person_id}
    current = person
    while current.caregiver_id is not None and current.caregiver_id in by_id and current.caregiver_id not in seen:
        current = by_id[current.caregiver_id]
        seen.add(current.person_id)
        if not is_child(current, occasion) or is_unaccompanied_child(current, occasion):
            return True
    return False
