"""Likely duplicates: two records that may be one person, shown to a person for decision, never merged.

Candidates share a bucket: the skeleton of the whole name, the birth date as written or with day and month swapped, or
one word of the name together with the birth year or the birthday. A closer measure of names and dates ranks them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from rapidfuzz import fuzz
from sqlalchemy import or_
from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.models.people import DuplicateDecision, Person, PersonBase
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.text import clean_text, comparison_key, skeleton_key
from retorno.vocabulary import PersonStatus, Role

NEAR_NAME, FAR_NAME = 82.0, 72.0
"""Least likeness of two names, 0 to 100 (our assumption, set on invented pairs in tests/test_intake.py)."""


class DateRelation(StrEnum):
    """How two birth dates stand to each other."""

    EQUAL = "equal"
    SWAPPED = "swapped"
    ONE_DIGIT = "one_digit"
    SAME_AGE = "same_age"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the search compares of one person; ``ref`` is a person id, or a row of a file."""

    ref: str
    name: str
    skeleton: str
    birth_date: date | None
    age: int | None


@dataclass(frozen=True, kw_only=True)
class LikelyDuplicate:
    """Two records that may be one person.

    Parameters
    ----------
    score
        0 to 100, the likeness of the names; the order in which pairs are shown.
    dates
        How the birth dates stand to each other.
    """

    first_ref: str
    second_ref: str
    score: int
    dates: DateRelation


def identity(ref: str, person: PersonBase, *, today: date) -> Identity:
    """What is compared of a person."""
    full = f"{person.given_names} {person.family_names}"
    born = person.birth_date
    age = clock.age_on(born, today) if born is not None and born <= today else person.declared_age
    return Identity(ref=ref, name=comparison_key(full), skeleton=skeleton_key(full), birth_date=born, age=age)


def compare_dates(first: Identity, second: Identity) -> DateRelation:
    """Equal, day and month swapped, one digit different, or, where a date is unknown, about the same age."""
    if first.birth_date is None or second.birth_date is None:
        ages = (first.age, second.age)
        if ages[0] is not None and ages[1] is not None and abs(ages[0] - ages[1]) <= 2:
            return DateRelation.SAME_AGE
        return DateRelation.OTHER
    if first.birth_date == second.birth_date:
        return DateRelation.EQUAL
    if _swapped(first.birth_date) == second.birth_date:
        return DateRelation.SWAPPED
    a, b = first.birth_date.isoformat(), second.birth_date.isoformat()
    different = [at for at in range(len(a)) if a[at] != b[at]]
    is_transposed = (
        len(different) == 2
        and a[different[0]] == b[different[1]]
        and a[different[1]] == b[different[0]]
        and all(step - at <= 2 for at, step in pairwise(different))
    )
    return DateRelation.ONE_DIGIT if len(different) == 1 or is_transposed else DateRelation.OTHER


def _swapped(day: date) -> date | None:
    return date(day.year, day.day, day.month) if day.day <= 12 else None


def compare(first: Identity, second: Identity) -> LikelyDuplicate | None:
    """The pair, if a person should look at it; None if they are plainly two people."""
    dates = compare_dates(first, second)
    by_letters = fuzz.token_sort_ratio(first.name, second.name)
    by_skeleton = fuzz.token_sort_ratio(first.skeleton, second.skeleton)
    # Transliterations agree in their consonants; a single short skeleton says too little to count on its own.
    words = min(len(first.skeleton.split()), len(second.skeleton.split()))
    likeness = max(by_letters, by_skeleton - 3 if words > 1 else 0.0, _contained(first.name, second.name))
    needed = {
        DateRelation.EQUAL: FAR_NAME,
        DateRelation.SWAPPED: NEAR_NAME,
        DateRelation.ONE_DIGIT: NEAR_NAME,
        DateRelation.SAME_AGE: NEAR_NAME,
        DateRelation.OTHER: 101.0,
    }[dates]
    if likeness < needed:
        return None
    low, high = sorted((first, second), key=lambda each: each.ref)
    return LikelyDuplicate(first_ref=low.ref, second_ref=high.ref, score=round(likeness), dates=dates)


def _contained(first: str, second: str) -> float:
    """Likeness where one record leaves out a second given or family name; two words at least must agree."""
    a, b = set(first.split()), set(second.split())
    shorter = min(a, b, key=len)
    return 92.0 if len(shorter) >= 2 and (a <= b or b <= a) else 0.0


def _words(person: Identity) -> set[str]:
    return {word for word in person.skeleton.split() if len(word) > 1}


def _filed_under(person: Identity) -> set[str]:
    """Buckets in which a record lies for others to find."""
    buckets = {f"name {person.skeleton}"} | {f"word {word}" for word in _words(person)}
    born = person.birth_date
    if born is None:
        return buckets | {f"undated {word}" for word in _words(person)}
    buckets.add(f"born {born}")
    for word in _words(person):
        buckets |= {f"year {born.year} {word}", f"day {born.month}-{born.day} {word}"}
    return buckets


def _looks_into(person: Identity) -> set[str]:
    """Buckets in which the likely duplicates of a record lie: few people each, whatever the caseload."""
    buckets = {f"name {person.skeleton}"}
    born = person.birth_date
    if born is None:
        return buckets | {f"word {word}" for word in _words(person)}
    buckets |= {f"born {born}", f"born {_swapped(born)}"} | {f"undated {word}" for word in _words(person)}
    for word in _words(person):
        buckets |= {f"year {born.year} {word}", f"day {born.month}-{born.day} {word}"}
    return buckets


def find_pairs(new: Sequence[Identity], known: Iterable[Identity] = ()) -> list[LikelyDuplicate]:
    """Likely pairs among the new people, and between new and known ones; the likeliest first."""
    buckets: dict[str, list[Identity]] = defaultdict(list)
    for person in known:
        for bucket in _filed_under(person):
            buckets[bucket].append(person)
    found: dict[tuple[str, str], LikelyDuplicate] = {}
    for person in new:
        candidates = {other.ref: other for bucket in _looks_into(person) for other in buckets.get(bucket, ())}
        for other in candidates.values():
            pair = compare(person, other) if other.ref != person.ref else None
            if pair is not None:
                found[(pair.first_ref, pair.second_ref)] = pair
        for bucket in _filed_under(person):
            buckets[bucket].append(person)
    return sorted(found.values(), key=lambda pair: (-pair.score, pair.first_ref, pair.second_ref))


def likely_duplicates(session: Session, actor: Actor, *, person_ids: Sequence[str] = ()) -> list[LikelyDuplicate]:
    """Likely pairs of the actor's caseload that nobody has decided on yet.

    Parameters
    ----------
    person_ids
        Pairs with one of these persons only, such as those just registered; empty for the whole caseload.
    """
    actor = access.require(session, actor, "intake.duplicate")
    everyone = caseload_identities(session, actor)
    wanted = set(person_ids)
    new = [person for person in everyone if person.ref in wanted] if wanted else everyone
    known = [person for person in everyone if person.ref not in wanted] if wanted else []
    decided = _decided(session, [person.ref for person in new])
    return [pair for pair in find_pairs(new, known) if (pair.first_ref, pair.second_ref) not in decided]


def duplicates_of_form(session: Session, actor: Actor, *, person: PersonBase) -> list[LikelyDuplicate]:
    """Persons of the caseload who may be the one on an unsaved form; ``first_ref`` or ``second_ref`` is empty."""
    actor = access.require(session, actor, "intake.duplicate")
    new = identity("", person, today=clock.now().date())
    return find_pairs([new], caseload_identities(session, actor))


def search_alike(session: Session, actor: Actor, *, text: str, limit: int = 10) -> list[Person]:
    """Persons of the caseload whose name is written nearly like a text, the likeliest first (another spelling).

    Raises
    ------
    InputError
        If the text holds hidden characters.
    """
    actor = access.require(session, actor, "intake.duplicate")
    wanted = clean_text(text, column="search", max_chars=200)
    name, skeleton = comparison_key(wanted), skeleton_key(wanted)
    if not name:
        return []

    def likeness(person: Identity) -> float:
        return max(fuzz.token_set_ratio(name, person.name), fuzz.token_sort_ratio(skeleton, person.skeleton))

    ranked = sorted(((likeness(each), each.ref) for each in caseload_identities(session, actor)), reverse=True)
    ids = [ref for score, ref in ranked[:limit] if score >= NEAR_NAME]
    rows = {row.person_id: row for row in session.exec(select(Person).where(col(Person.person_id).in_(ids))).all()}
    return [rows[ref] for ref in ids]


def caseload_identities(session: Session, actor: Actor) -> list[Identity]:
    """What is compared of everybody in the actor's caseload who has not returned."""
    today = clock.now().date()
    persons = session.exec(
        select(Person)
        .where(access.persons_of(actor, Role.COORDINATOR), Person.status != PersonStatus.RETURNED)
        .order_by(Person.person_id)
    ).all()
    return [identity(person.person_id, person, today=today) for person in persons]


def _decided(session: Session, person_ids: Sequence[str]) -> set[tuple[str, str]]:
    rows = session.exec(
        select(DuplicateDecision.first_person_id, DuplicateDecision.second_person_id).where(
            or_(
                col(DuplicateDecision.first_person_id).in_(person_ids),
                col(DuplicateDecision.second_person_id).in_(person_ids),
            )
        )
    ).all()
    return {(first, second) for first, second in rows}


def decide_duplicate(
    session: Session, actor: Actor, *, first_person_id: str, second_person_id: str, is_same: bool
) -> DuplicateDecision:
    """Record a person's decision on a pair; nothing is merged, and a later decision replaces it.

    Raises
    ------
    InputError
        If both ids are the same.
    NotAllowed
        If one of them is not in the actor's caseload.
    """
    actor = access.require(session, actor, "intake.duplicate", person_id=first_person_id)
    access.require(session, actor, "intake.duplicate", person_id=second_person_id)
    if first_person_id == second_person_id:
        raise InputError([Fault(column="second_person_id", code="SAME", what="two different records are needed")])
    first, second = sorted((first_person_id, second_person_id))
    row = session.exec(
        select(DuplicateDecision).where(
            DuplicateDecision.first_person_id == first, DuplicateDecision.second_person_id == second
        )
    ).first() or DuplicateDecision(
        first_person_id=first,
        second_person_id=second,
        is_same=is_same,
        decided_by=actor.user_id,
        decided_at=clock.now(),
    )
    row.is_same, row.decided_by, row.decided_at = is_same, actor.user_id, clock.now()
    session.add(row)
    audit.append(
        session,
        actor,
        act="intake.duplicate",
        object_kind="person",
        object_id=first,
        ids={"second_person_id": second, "is_same": str(is_same).lower()},
    )
    return row
