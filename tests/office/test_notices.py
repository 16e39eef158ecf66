"""Notices: batches for consulates, once until seen, only for whom they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from retorno.models.office import Notice
from retorno.office import notices
from retorno.office.access import Actor
from retorno.vocabulary import PartyKind
from tests.builders import NOW

Clock = Callable[[datetime], None]


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        (at(0), at(0), at(14)),
        (at(13, 59), at(0), at(14)),
        (at(14), at(14), at(19)),
        (at(18, 59), at(14), at(19)),
        (at(19), at(19), at(0, day=2)),
        (at(23, 59), at(19), at(0, day=2)),
    ],
)
def test_three_batches_a_day(now: datetime, last: datetime, following: datetime) -> None:
    assert (notices.last_batch(now), notices.next_batch(now)) == (last, following)


@pytest.mark.parametrize("kind", list(PartyKind))
def test_only_consulates_wait_for_the_batch(kind: PartyKind) -> None:
    assert notices.visible_from(kind, NOW) == (at(19) if kind is PartyKind.CONSULATE else NOW)


def test_a_notice_is_left_once_until_it_is_seen_and_then_again(session: Session, coordinator: Actor) -> None:
    for _ in range(3):
        notices.post(session, recipient_kind="user", recipient_id=coordinator.user_id, code="c", object_id="M-1")
    (waiting,) = notices.waiting_for(session, coordinator)
    notices.mark_seen(session, coordinator, notice_id=waiting.notice_id)
    assert notices.waiting_for(session, coordinator) == []
    # In the same instant: the clock stands still in this test.
    notices.post(session, recipient_kind="user", recipient_id=coordinator.user_id, code="c", object_id="M-1")
    assert len(notices.waiting_for(session, coordinator)) == 1


def test_a_notice_reaches_its_user_its_role_and_its_party_and_nobody_else(
    session: Session, coordinator: Actor, protection_1: Actor, consulate_hn: Actor, consulate_gt: Actor,
    border_post: Actor, reception: Actor,
) -> None:  # fmt: skip
    notices.post(session, recipient_kind="user", recipient_id=protection_1.user_id, code="a", object_id="1")
    notices.post(session, recipient_kind="coordinator", recipient_id="Z-TAPACHULA", code="b", object_id="1")
    notices.post(session, recipient_kind="coordinator", recipient_id="Z-OTHER", code="b2", object_id="1")
    notices.post(session, recipient_kind="consulate", recipient_id="HN", code="c", object_id="1")
    notices.post(session, recipient_kind="border_post", recipient_id="GT-HN-COR-B", code="d", object_id="1")
    actors = (coordinator, protection_1, consulate_hn, consulate_gt, border_post, reception)
    assert [[notice.code for notice in notices.waiting_for(session, actor)] for actor in actors] == [
        ["b"], ["a"], ["c"], [], ["d"], [],
    ]  # fmt: skip


def test_a_notice_of_the_next_batch_is_not_there_before_it(
    session: Session, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    notices.post(
        session, recipient_kind="consulate", recipient_id="HN", code="c", object_id="1",
        at=notices.visible_from(PartyKind.CONSULATE),
    )  # fmt: skip
    assert notices.waiting_for(session, consulate_hn) == []
    frozen_clock(at(19) - timedelta(microseconds=1))
    assert notices.waiting_for(session, consulate_hn) == []
    frozen_clock(at(19))
    assert len(notices.waiting_for(session, consulate_hn)) == 1


def test_nobody_takes_away_what_waits_for_another(session: Session, coordinator: Actor, protection_1: Actor) -> None:
    notices.post(session, recipient_kind="user", recipient_id=protection_1.user_id, code="a", object_id="1")
    notice = session.exec(select(Notice)).one()
    notices.mark_seen(session, coordinator, notice_id=notice.notice_id)
    assert len(notices.waiting_for(session, protection_1)) == 1
