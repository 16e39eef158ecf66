"""Accounts: passwords, sessions, roles by two, separation of duties."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.office import LoginSession, RoleGrant, User
from retorno.office import access, accounts
from retorno.office.access import Actor
from retorno.vocabulary import Role
from tests.builders import NOW, OfficeFixture

Clock = Callable[[datetime], None]
GOOD = "lluvia sobre el puente viejo 47"


def newcomer(session: Session, administrator: Actor, login: str = "nueva.persona", **overrides: str) -> User:
    return accounts.create_user(
        session, administrator, login=login, display_name="Nueva", organisation="INM", password=GOOD,
        office_id="Z-TAPACHULA", **overrides,
    )  # fmt: skip


# ---- passwords and logins -------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["corta", "x" * 201, "passwordpassword", "aaaaaaaaaaaaaaaaaaaa"])
def test_a_password_that_is_short_endless_or_easy_is_refused(password: str) -> None:
    with pytest.raises(InputError):
        accounts.check_password(password)


def test_every_fault_of_a_new_account_is_named_at_once(session: Session, administrator: Actor) -> None:
    with pytest.raises(InputError) as caught:
        accounts.create_user(session, administrator, login="é", display_name="x", organisation="y", password="corta")
    assert len(caught.value.faults) == 2


def test_a_login_is_one_persons_in_any_case(session: Session, administrator: Actor) -> None:
    newcomer(session, administrator)
    with pytest.raises(InputError, match="taken"):
        newcomer(session, administrator, login="NUEVA.Persona")
    found = accounts.find_login(session, " Nueva.PERSONA ")
    assert found is not None
    assert accounts.verify_password(found.password_hash, GOOD)
    assert not accounts.verify_password(found.password_hash, GOOD + "x")
    assert not accounts.verify_password(None, GOOD)
    assert GOOD not in found.password_hash


def test_only_administrators_make_accounts(session: Session, coordinator: Actor, auditor: Actor) -> None:
    for actor in (coordinator, auditor):
        with pytest.raises(NotAllowed):
            newcomer(session, actor)


def test_each_wrong_password_from_the_fifth_on_waits_longer_up_to_a_quarter_of_an_hour(
    session: Session, administrator: Actor
) -> None:
    user = newcomer(session, administrator)
    waits = []
    for _ in range(16):
        accounts.record_failure(session, user)
        waits.append(accounts.wait_before_try(user).total_seconds())
    assert waits[:8] == [0, 0, 0, 0, 2, 4, 8, 16]
    assert waits[-1] == 900
    accounts.open_session(session, user)
    assert accounts.wait_before_try(user) == timedelta(0)
    assert accounts.wait_before_try(None) == timedelta(0)


# ---- sessions -------------------------------------------------------------------------------------------------


def test_a_session_ends_after_half_an_hour_idle_or_eight_hours_or_at_sign_out(
    session: Session, administrator: Actor, frozen_clock: Clock
) -> None:
    user = newcomer(session, administrator)
    token = accounts.open_session(session, user).token
    assert session.exec(select(LoginSession)).one().token_sha256 == accounts.token_sha256(token)
    frozen_clock(NOW + timedelta(minutes=30))
    assert accounts.live_session(session, token) is not None
    frozen_clock(NOW + timedelta(minutes=30, seconds=1))
    assert accounts.live_session(session, token) is None
    frozen_clock(NOW)
    for half_hour in range(1, 17):
        frozen_clock(NOW + timedelta(minutes=30 * half_hour))
        accounts.touch_session(session, token)
    assert accounts.live_session(session, token) is not None
    frozen_clock(NOW + timedelta(hours=8, seconds=1))
    assert accounts.live_session(session, token) is None
    frozen_clock(NOW)
    second = accounts.open_session(session, user).token
    accounts.close_session(session, second)
    assert accounts.live_session(session, second) is None


@pytest.mark.parametrize("token", ["", "x", "y" * 300])
def test_an_invented_token_opens_nothing(session: Session, token: str) -> None:
    assert accounts.live_session(session, token) is None


def test_disabling_and_new_roles_end_every_session_at_once(
    session: Session, administrator: Actor, administrator_2: Actor
) -> None:
    user = newcomer(session, administrator)
    token = accounts.open_session(session, user).token
    grant = accounts.grant_role(session, administrator, user_id=user.user_id, role=Role.HEALTH)
    assert accounts.live_session(session, token) is not None
    accounts.approve_role(session, administrator_2, grant_id=grant.grant_id)
    assert accounts.live_session(session, token) is None
    token = accounts.open_session(session, user).token
    accounts.disable_user(session, administrator, user_id=user.user_id)
    assert accounts.live_session(session, token) is None
    assert accounts.find_login(session, user.login) is None
    with pytest.raises(NotAllowed):
        access.load_actor(session, user.user_id)


# ---- roles ----------------------------------------------------------------------------------------------------


def test_a_role_works_only_after_a_second_administrator(
    session: Session, administrator: Actor, administrator_2: Actor
) -> None:
    user = newcomer(session, administrator)
    grant = accounts.grant_role(session, administrator, user_id=user.user_id, role=Role.COORDINATOR)
    assert not access.load_actor(session, user.user_id).has(Role.COORDINATOR)
    with pytest.raises(NotAllowed):
        accounts.approve_role(session, administrator, grant_id=grant.grant_id)
    accounts.approve_role(session, administrator_2, grant_id=grant.grant_id)
    assert access.load_actor(session, user.user_id).has(Role.COORDINATOR)
    with pytest.raises(Stale):
        accounts.approve_role(session, administrator_2, grant_id=grant.grant_id)
    accounts.revoke_role(session, administrator, grant_id=grant.grant_id)
    assert not access.load_actor(session, user.user_id).has(Role.COORDINATOR)


def test_nobody_gives_or_takes_a_role_of_their_own(
    session: Session, administrator: Actor, administrator_2: Actor, office: OfficeFixture
) -> None:
    with pytest.raises(NotAllowed):
        accounts.grant_role(session, administrator, user_id=administrator.user_id, role=Role.HEALTH)
    own = session.exec(select(RoleGrant).where(RoleGrant.user_id == administrator.user_id)).one()
    with pytest.raises(NotAllowed):
        accounts.revoke_role(session, administrator, grant_id=own.grant_id)
    with pytest.raises(NotAllowed):
        accounts.disable_user(session, administrator, user_id=administrator.user_id)
    grant = accounts.grant_role(session, administrator, user_id=office.user_ids["health"], role=Role.HEALTH)
    grant.user_id = administrator_2.user_id
    session.add(grant)
    session.flush()
    with pytest.raises(NotAllowed):
        accounts.approve_role(session, administrator_2, grant_id=grant.grant_id)


@pytest.mark.parametrize(
    ("holder", "role", "scope"),
    [
        ("coordinator", Role.PROTECTION, ""),
        ("protection_1", Role.COORDINATOR, ""),
        ("administrator", Role.AUDITOR, ""),
        ("coordinator", Role.ADMINISTRATOR, ""),
        ("auditor", Role.HEALTH, ""),
        ("consulate_hn", Role.COORDINATOR, ""),
        ("consulate_hn", Role.PROTECTION, ""),
        ("border_post", Role.PROTECTION, ""),
        ("monitor", Role.COORDINATOR, ""),
    ],
)
def test_duties_that_exclude_each_other_stay_apart(
    session: Session, administrator_2: Actor, office: OfficeFixture, holder: str, role: Role, scope: str
) -> None:
    with pytest.raises(InputError, match="cannot stand beside"):
        accounts.grant_role(session, administrator_2, user_id=office.user_ids[holder], role=role, scope=scope)


def test_a_consulate_answers_for_its_own_state_only(
    session: Session, administrator: Actor, office: OfficeFixture
) -> None:
    for scope in ("GT", ""):
        with pytest.raises(InputError):
            accounts.grant_role(
                session, administrator, user_id=office.user_ids["consulate_hn"], role=Role.CONSULATE, scope=scope
            )


def test_a_role_ends_after_its_last_day(
    session: Session, administrator: Actor, administrator_2: Actor, frozen_clock: Clock
) -> None:
    user = newcomer(session, administrator)
    grant = accounts.grant_role(
        session, administrator, user_id=user.user_id, role=Role.HEALTH, valid_until=date(2027, 3, 1)
    )
    accounts.approve_role(session, administrator_2, grant_id=grant.grant_id)
    assert access.load_actor(session, user.user_id).has(Role.HEALTH)
    frozen_clock(NOW + timedelta(days=1))
    assert not access.load_actor(session, user.user_id).has(Role.HEALTH)


def test_a_second_office_is_not_made_over_the_first(session: Session) -> None:
    with pytest.raises(InputError, match="office already"):
        accounts.create_office(session, name="Otra", country="MX", place_id="MX-TAPACHULA", places={"MX-TAPACHULA"})
