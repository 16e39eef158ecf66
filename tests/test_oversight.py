"""What auditors and monitors read: the log, lists rule by rule without names, counts with small ones hidden."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session

from retorno import first_run, keyring
from retorno.__main__ import main
from retorno.downloads import reports
from retorno.errors import InputError, NotAllowed
from retorno.figures import monitoring
from retorno.models.movements import ManifestVersion, Movement
from retorno.models.office import User
from retorno.models.people import Case
from retorno.models.protection import Hold
from retorno.office import access, audit, oversight
from retorno.office.access import Actor
from retorno.office.oversight import Wanted
from retorno.papers.keys import Keys, OfficeKeys, SigningKey
from retorno.vocabulary import HoldKind, Mode, MovementStatus, Role
from tests import builders

VERDICT = [
    {"rule": "R1", "outcome": "pass", "findings": []},
    {"rule": "R18", "outcome": "pass", "findings": [{"code": "X", "person": "P-1"}]},
]


def a_list(db: Session, *, status: MovementStatus = MovementStatus.ISSUED, movement_id: str = "M-1") -> None:
    """A movement with one version of its list."""
    at = builders.NOW
    db.add(
        Movement(
            movement_id=movement_id,
            reference=movement_id,
            office_id="Z-TAPACHULA",
            mode=Mode.ROAD,
            status=status,
            label="P-1",
            depart_at=at,
            arrive_at=at + timedelta(hours=9),
            opens_at=at,
        )
    )
    db.flush()
    db.add(
        ManifestVersion(
            movement_id=movement_id,
            version=1,
            proposed_by="U-1",
            proposed_at=at,
            signed_by="U-2",
            issued_at=at,
            verdict=json.dumps(VERDICT),
            person_count=1,
        )
    )
    db.flush()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    """The office's signing key of this process."""
    signing = SigningKey(secret=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    office = OfficeKeys(office_id="Z-TAPACHULA", reference_key=bytes(32), signing=signing)
    monkeypatch.setattr(
        keyring, "_keys", Keys(commitment_key=bytes(32), wrapping_key=bytes(range(32)), offices={"Z-TAPACHULA": office})
    )
    return signing


# ---- the log -----------------------------------------------------------------------------------------------------


def test_the_log_is_searched_by_act_role_object_and_time(
    session: Session, auditor: Actor, coordinator: Actor, frozen_clock: Callable[[datetime], None]
) -> None:
    audit.append(session, coordinator, act="intake.read", object_kind="case", object_id="C-1", outcome="read")
    frozen_clock(builders.NOW + timedelta(days=1))
    audit.append(session, access.System(), act="planning.stop", object_kind="plan", object_id="L-1")

    def found(wanted: Wanted) -> list[str]:
        return [entry.object_id for entry in oversight.entries(session, auditor, wanted=wanted)]

    assert found(Wanted()) == ["L-1", "C-1"]
    assert found(Wanted(act="intake.")) == ["C-1"]
    assert found(Wanted(role="system")) == ["L-1"]
    assert found(Wanted(outcome="read")) == ["C-1"]
    assert found(Wanted(actor_id=coordinator.user_id)) == ["C-1"]
    assert found(Wanted(object_id="L-1")) == ["L-1"]
    assert found(Wanted(since=builders.NOW + timedelta(hours=1))) == ["L-1"]
    assert found(Wanted(until=builders.NOW + timedelta(hours=1))) == ["C-1"]
    assert found(Wanted(before=2)) == ["C-1"]
    assert oversight.known(session, auditor).roles == ("coordinator", "system")


def test_a_monitor_checks_the_log_but_does_not_read_it(session: Session, monitor: Actor, coordinator: Actor) -> None:
    audit.append(session, coordinator, act="intake.read", object_kind="case", object_id="C-1", outcome="read")

    assert oversight.chain_state(session, monitor).broken_at is None
    with pytest.raises(NotAllowed):
        oversight.entries(session, monitor, wanted=Wanted())
    with pytest.raises(NotAllowed):
        oversight.chain_state(session, coordinator)


def test_who_opened_a_persons_page_is_found_by_the_case_and_protection_acts_are_not(
    session: Session, auditor: Actor, coordinator: Actor, health: Actor
) -> None:
    group = builders.make_group(session)
    person = builders.make_person(session, group)
    case = session.get_one(Case, group.case_id)
    other = builders.make_person(session, builders.make_group(session))
    for actor, ids in ((coordinator, f"{person.person_id},{other.person_id}"), (health, other.person_id)):
        audit.append(session, actor, act="x.read", object_kind="page", object_id="", outcome="read", ids={"ids": ids})
    audit.append(
        session,
        coordinator,
        act="changes.hold",
        object_kind="hold",
        object_id="O-1",
        ids={"person_id": person.person_id},
    )

    def found(wanted: str) -> list[tuple[str, str, int]]:
        entries = oversight.entries(session, auditor, wanted=Wanted(object_id=wanted))
        return [(entry.act, entry.actor_id, oversight.shown_count(entry)) for entry in entries]

    assert found(case.reference.lower()) == found(person.person_id) == [("x.read", coordinator.user_id, 2)]
    assert found("NO-CASE") == []
    login = session.get_one(User, health.user_id).login
    assert [entry.act for entry in oversight.entries(session, auditor, wanted=Wanted(actor_id=login))] == ["x.read"]


# ---- rule by rule --------------------------------------------------------------------------------------------------


def test_lists_are_audited_rule_by_rule_without_a_name(session: Session, auditor: Actor) -> None:
    a_list(session)

    found = oversight.rule_audit(session, auditor)

    assert [(each.rule, each.asked, each.passed, each.notes) for each in found.rules] == [
        ("R1", 1, 1, 0),
        ("R18", 1, 1, 1),
    ]
    assert [(each.movement_id, each.passed, each.failed) for each in found.lists] == [("M-1", 2, ())]
    assert "P-1" not in repr(found)


def test_a_monitor_sees_lists_of_journeys_that_are_over_and_no_notes(session: Session, monitor: Actor) -> None:
    a_list(session)
    a_list(session, status=MovementStatus.CLOSED, movement_id="M-2")

    found = oversight.rule_audit(session, monitor)

    assert [each.movement_id for each in found.lists] == ["M-2"]
    assert {each.notes for each in found.rules} == {0}
    assert found.plans == ()


def test_a_rule_is_counted_over_the_lists_of_a_month(
    session: Session, auditor: Actor, frozen_clock: Callable[[datetime], None]
) -> None:
    a_list(session)

    march = oversight.rule_audit(session, auditor, month="2027-03")

    assert march.months == ("2027-03",)
    assert [(each.rule, each.asked, each.passed) for each in march.rules] == [("R1", 1, 1), ("R18", 1, 1)]
    assert oversight.rule_audit(session, auditor, month="2027-02").rules == ()


# ---- the signed report ---------------------------------------------------------------------------------------------


def test_the_report_is_signed_and_a_changed_one_is_found(session: Session, auditor: Actor, keys: SigningKey) -> None:
    a_list(session)
    public = {keys.key_id: keys.public_bytes}

    content = reports.audit_report(session, auditor)

    assert reports.verify_report(content, public)
    changed = content.replace(b'"passed": 1', b'"passed": 0', 1)
    assert changed != content
    assert not reports.verify_report(changed, public)
    with pytest.raises(InputError):
        reports.verify_report(content, {})
    with pytest.raises(InputError):
        reports.verify_report(b"{}", public)


def test_the_command_verifies_a_report_with_nothing_but_the_public_keys(
    session: Session, auditor: Actor, keys: SigningKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = reports.audit_report(session, auditor)
    sent, changed, public = tmp_path / "report.json", tmp_path / "changed.json", tmp_path / "keys.json"
    sent.write_bytes(content)
    changed.write_bytes(content.replace(b'"broken_at": null', b'"broken_at": 7'))
    public.write_text(json.dumps({"keys": {keys.key_id: base64.b64encode(keys.public_bytes).decode()}}))

    assert main(["verify", str(sent), "--keys", str(public)]) == 0
    said = capsys.readouterr().out
    assert main(["verify", str(changed), "--keys", str(public)]) == 1

    assert "audit report of office Z-TAPACHULA" in said
    assert "valid: signed by this office" in said
    assert "altered" in capsys.readouterr().out


def test_only_an_auditor_takes_the_report(session: Session, monitor: Actor, keys: SigningKey) -> None:
    with pytest.raises(NotAllowed):
        reports.audit_report(session, monitor)


# ---- counts of months ----------------------------------------------------------------------------------------------


def test_a_monitor_sees_months_after_a_whole_months_lag(session: Session, monitor: Actor) -> None:
    found = monitoring.counts(session, monitor)

    # On 1 March 2027 January is over for a whole month, February is not.
    assert [each.month for each in found] == ["2027-01", "2026-12", "2026-11", "2026-10", "2026-09", "2026-08"]


def test_counts_below_ten_are_hidden(session: Session, monitor: Actor) -> None:
    at = datetime(2027, 1, 20, 12, 0, tzinfo=UTC)
    group = builders.make_group(session)
    for number in range(10):
        person = builders.make_person(session, group, ready=False, given_names=f"Ana {number}")
        session.add(
            Hold(
                person_id=person.person_id,
                kind=HoldKind.ASYLUM,
                raised_by="U-1",
                raised_at=at if number else at - timedelta(days=60),
            )
        )
    session.flush()
    assert monitoring.counts(session, monitor)[0].counts["holds"] is None

    session.add(Hold(person_id=person.person_id, kind=HoldKind.COURT, raised_by="U-1", raised_at=at))
    session.flush()

    assert monitoring.counts(session, monitor)[0].counts["holds"] == 10


def test_counts_are_for_oversight_only(session: Session, office: builders.OfficeFixture) -> None:
    for login in ("coordinator", "administrator", "consulate_hn", "health"):
        actor = access.load_actor(session, office.user_ids[login])
        with pytest.raises(NotAllowed):
            monitoring.counts(session, actor)


# ---- administration ------------------------------------------------------------------------------------------------


def test_the_first_run_list_names_what_is_missing(session: Session, administrator: Actor) -> None:
    found = {each.key if each.role is None else each.role: each for each in first_run.needs(session, administrator)}

    assert found[Role.COORDINATOR].is_met
    assert found[Role.PROTECTION].have == 2
    assert not found["agreement"].is_met
    assert not found["vehicle"].is_met
    assert found["complaint"].is_met


def test_a_number_names_who_set_it_and_what_is_coming(session: Session, administrator: Actor) -> None:
    oversight.set_number(session, administrator, key="notice_hours", value=96)
    oversight.set_number(session, administrator, key="notice_hours", value=120, valid_from=date(2027, 4, 1))

    row = next(each for each in oversight.numbers(session, administrator) if each.row.key == "notice_hours")

    assert (row.value, row.set_by, row.valid_from) == (96, "administrator", date(2027, 3, 1))
    assert [(each.value, each.valid_from) for each in row.coming] == [(120, date(2027, 4, 1))]
    with pytest.raises(InputError) as looser:
        oversight.set_number(session, administrator, key="notice_hours", value=24)
    assert [(fault.column, fault.code) for fault in looser.value.faults] == [("value", "POLICY_RANGE")]


def test_the_complaint_phone_is_set_by_an_administrator(
    session: Session, administrator: Actor, coordinator: Actor
) -> None:
    oversight.set_complaint_contact(session, administrator, contact="+502 5555 1234")

    assert oversight.complaint_contact(session, administrator) == "+502 5555 1234"
    with pytest.raises(InputError):
        oversight.set_complaint_contact(session, administrator, contact="later")
    with pytest.raises(NotAllowed):
        oversight.set_complaint_contact(session, coordinator, contact="+502 5555 1234")
