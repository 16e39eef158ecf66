"""Notices: something waits for somebody. They carry a code and an id, never a name or a cause.

Consulates learn of changes in batches, three a day, together with other changes (access.md section 2, point 2).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from retorno import clock
from retorno.models.office import Notice
from retorno.office.access import Actor
from retorno.vocabulary import PartyKind, Role

SEPARATOR = " · "
"""Between the part of an ``object_id`` that a page shows and the rest of it."""
BATCH_HOURS_UTC = (0, 14, 19)
"""18:00, 08:00 and 13:00 in Guatemala."""


def last_batch(now: datetime | None = None) -> datetime:
    """The batch that consulates have seen: the latest one not after ``now``."""
    instant = now or clock.now()
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(
        midnight + timedelta(hours=hour) for hour in BATCH_HOURS_UTC if midnight + timedelta(hours=hour) <= instant
    )


def next_batch(now: datetime | None = None) -> datetime:
    """The first batch after ``now``."""
    instant = now or clock.now()
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    later = [midnight + timedelta(days=day, hours=hour) for day in (0, 1) for hour in BATCH_HOURS_UTC]
    return min(moment for moment in later if moment > instant)


def visible_from(kind: PartyKind, now: datetime | None = None) -> datetime:
    """From when a party of ``kind`` sees a change made now: consulates from their next batch, all others at once."""
    instant = now or clock.now()
    return next_batch(instant) if kind is PartyKind.CONSULATE else instant


def post(
    session: Session, *, recipient_kind: str, recipient_id: str, code: str, object_id: str, at: datetime | None = None
) -> None:
    """Leave a notice; the same notice about the same object is left once until it is seen."""
    now = clock.now()
    earlier = session.exec(
        select(Notice).where(
            Notice.recipient_kind == recipient_kind,
            Notice.recipient_id == recipient_id,
            Notice.code == code,
            Notice.object_id == object_id,
        )
    ).all()
    if any(notice.seen_at is None for notice in earlier):
        return
    # A number, not a time: clocks may stand still or step back.
    key = f"{recipient_kind}:{recipient_id}:{code}:{object_id}:{len(earlier) + 1}"
    session.add(
        Notice(
            recipient_kind=recipient_kind,
            recipient_id=recipient_id,
            code=code,
            object_id=object_id,
            dedupe_key=key,
            created_at=now,
            visible_from=at or now,
        )
    )
    session.flush()


_KIND_OF_ROLE = {
    Role.BORDER_POST: PartyKind.BORDER_POST.value,
    Role.RECEPTION: PartyKind.RECEPTION.value,
    Role.CONSULATE: PartyKind.CONSULATE.value,
    Role.ESCORT: PartyKind.ESCORT.value,
}


def waiting_for(session: Session, actor: Actor) -> list[Notice]:
    """Unseen notices for a user: their own, their office's role, and the parties they stand for; newest first."""
    addressed = [
        (col(Notice.recipient_kind) == "user") & (col(Notice.recipient_id) == actor.user_id),
        *(
            (col(Notice.recipient_kind) == grant.role.value) & (col(Notice.recipient_id) == (actor.office_id or "-"))
            for grant in actor.grants
        ),
        *(
            (col(Notice.recipient_kind) == _KIND_OF_ROLE[grant.role]) & (col(Notice.recipient_id) == grant.scope)
            for grant in actor.grants
            if grant.role in _KIND_OF_ROLE
        ),
    ]
    statement = (
        select(Notice)
        .where(or_(*addressed), col(Notice.seen_at).is_(None), col(Notice.visible_from) <= clock.now())
        .order_by(col(Notice.created_at).desc())
    )
    return list(session.exec(statement).all())


def mark_seen(session: Session, actor: Actor, *, notice_id: str) -> None:
    """Take a notice off the list of the user."""
    for notice in waiting_for(session, actor):
        if notice.notice_id == notice_id:
            notice.seen_at = clock.now()
            session.add(notice)


def settle(session: Session, *, code: str, object_id: str) -> None:
    """Take the notices of a code about one object off every list: what they asked for is done, or no longer asked."""
    for notice in session.exec(
        select(Notice).where(Notice.code == code, Notice.object_id == object_id, col(Notice.seen_at).is_(None))
    ).all():
        notice.seen_at = clock.now()
        session.add(notice)
    session.flush()
