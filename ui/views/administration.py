"""Administration: accounts, role grants by two, the numbers of the rules."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from sqlmodel import Session

from retorno.errors import Fault, InputError
from retorno.models.office import RoleGrant
from retorno.office import accounts, oversight
from retorno.office.access import Actor
from retorno.office.oversight import Account, NumberInForce
from retorno.situation import ground
from retorno.vocabulary import Language, Role
from ui import components, session
from ui.session import Visit, plain

OFFICE_ROLES = (Role.COORDINATOR, Role.PROTECTION, Role.HEALTH, Role.ADMINISTRATOR, Role.AUDITOR, Role.MONITOR)


def show() -> None:
    """Accounts, grants that wait for a second administrator, numbers."""
    here = session.visit()
    components.title(here, "view.administration.title")
    users, numbers = st.tabs([here.t("view.administration.users"), here.t("view.administration.numbers")])
    found = session.look(oversight.accounts_of_office)
    with users:
        _waiting(here, found)
        _accounts(here, found)
        _new_user(here)
        _grant(here, found)
    with numbers:
        _numbers(here, session.look(oversight.numbers))


def _scope(here: Visit, grant: RoleGrant) -> str:
    scope = f" {session.named(grant.scope, here.language)}" if grant.scope else ""
    until = f" {here.t('view.until')} {components.day_text(grant.valid_until)}" if grant.valid_until else ""
    return f"{here.t(f'role.{grant.role.value}')}{scope}{until}"


def _waiting(here: Visit, found: Sequence[Account]) -> None:
    """Grants that the second administrator has to decide on."""
    for account in found:
        for grant in (each for each in account.grants if each.approved_by is None):
            with st.container(border=True):
                text, door = st.columns([6, 2], vertical_alignment="center")
                text.markdown(
                    plain(here.t("view.administration.waits", name=account.user.display_name, role=_scope(here, grant)))
                )
                if here.actor.user_id in (grant.granted_by, grant.user_id):
                    door.markdown(plain(here.t("view.administration.other")))
                    continue
                with door:
                    session.act_button(
                        here.t("view.administration.approve"),
                        "admin.users",
                        lambda db, actor, grant=grant: accounts.approve_role(db, actor, grant_id=grant.grant_id),
                        key=f"approve.{grant.grant_id}",
                        primary=True,
                        said=here.t("view.administration.approved"),
                    )


def _accounts(here: Visit, found: Sequence[Account]) -> None:
    components.table(
        [
            here.t("field.login"),
            here.t("column.name"),
            here.t("column.organisation"),
            here.t("column.roles"),
            here.t("column.state"),
        ],
        [
            (
                each.user.login,
                each.user.display_name,
                each.user.organisation,
                "\n".join(_scope(here, grant) for grant in each.grants if grant.approved_by),
                here.t("view.administration.disabled" if each.user.disabled_at else "view.administration.enabled"),
            )
            for each in components.paged(found, here, "administration")
        ],
    )
    names = {each.user.user_id: each for each in found if each.user.user_id != here.actor.user_id}
    chosen = st.selectbox(
        here.t("view.administration.one"),
        list(names),
        index=None,
        format_func=lambda each: names[each].user.login,
        placeholder=here.t("view.choose"),
        key="admin.one",
    )
    if chosen is None:
        return
    for grant in names[chosen].grants:
        components.danger(
            here,
            here.t("view.administration.revoke", role=_scope(here, grant)),
            here.t("view.administration.revoke_facts", name=names[chosen].user.display_name),
            here.t("view.administration.revoke_do"),
            "admin.users",
            lambda db, actor, grant=grant: accounts.revoke_role(db, actor, grant_id=grant.grant_id),
            key=f"revoke.{grant.grant_id}",
            said=here.t("view.administration.revoked"),
        )
    if names[chosen].user.disabled_at is None:
        components.danger(
            here,
            here.t("view.administration.disable"),
            here.t("view.administration.disable_facts", name=names[chosen].user.display_name),
            here.t("view.administration.disable"),
            "admin.users",
            lambda db, actor: accounts.disable_user(db, actor, user_id=chosen),
            key=f"disable.{chosen}",
            said=here.t("view.administration.disabled_done"),
        )


def _new_user(here: Visit) -> None:
    with st.expander(here.t("view.administration.new_user")):
        first, second, third = st.columns(3)
        login = first.text_input(here.t("field.login"), key="admin.new.login")
        name = second.text_input(here.t("field.display_name"), key="admin.new.name")
        organisation = third.text_input(here.t("field.organisation"), key="admin.new.organisation")
        password = first.text_input(
            here.t("field.password"), type="password", key="admin.new.password", help=here.t("help.password")
        )
        with second:
            country = components.country_field(here, here.t("field.state_served"), key="admin.new.country")
        language = third.selectbox(
            here.t("light.language"),
            list(Language),
            format_func=lambda code: components.LANGUAGE_NAMES[code],
            key="admin.new.language",
        )
        session.act_button(
            here.t("view.administration.create"),
            "admin.users",
            lambda db, actor: accounts.create_user(
                db,
                actor,
                login=login,
                display_name=name,
                organisation=organisation,
                password=password,
                country=country,
                office_id=None if country else actor.office_id,
                language=language or Language.ES,
            ),
            key="admin.new.do",
            said=here.t("view.administration.created"),
            after=lambda _: session.clear_fields("admin.new."),
        )


def _scopes(role: Role) -> list[str]:
    """What a role is for: states, posts, reception places; nothing for roles of the office."""
    facts = ground()
    if role is Role.CONSULATE:
        return sorted(facts.countries)
    if role is Role.BORDER_POST:
        return sorted(facts.posts, key=session.named)
    if role is Role.RECEPTION:
        return sorted(facts.reception, key=session.named)
    return []


def _grant(here: Visit, found: Sequence[Account]) -> None:
    with st.expander(here.t("view.administration.grant")):
        first, second, third = st.columns(3)
        logins = {each.user.user_id: each.user.login for each in found if each.user.user_id != here.actor.user_id}
        user_id = first.selectbox(
            here.t("field.login"),
            list(logins),
            index=None,
            format_func=lambda each: logins[each],
            placeholder=here.t("view.choose"),
            key="admin.grant.user",
        )
        with second:
            role = components.choice(here, here.t("field.role"), list(Role), "role", key="admin.grant.role", index=None)
        scopes = _scopes(role) if role is not None else []
        with third:
            scope = (
                st.selectbox(
                    here.t("field.scope"),
                    scopes,
                    index=None,
                    format_func=lambda each: session.named(each, here.language),
                    placeholder=here.t("view.choose"),
                    key=f"admin.grant.scope.{role}",
                )
                if scopes
                else None
            )
            if role is Role.ESCORT:
                scope = st.text_input(here.t("field.escort_id"), key="admin.grant.escort")
            until = components.day_field(here, "role_until", key="admin.grant.until")

        def grant(db: Session, actor: Actor) -> object:
            needs_scope = bool(scopes) or role is Role.ESCORT
            missing = [
                name
                for name, value in (("login", user_id), ("role", role), ("scope", scope or not needs_scope))
                if not value
            ]
            if user_id is None or role is None or missing:
                raise InputError([Fault(column=name, code="EMPTY", what="empty") for name in missing])
            return accounts.grant_role(
                db,
                actor,
                user_id=user_id,
                role=role,
                scope=scope or "",
                valid_until=components.parse_day(until, field="role_until"),
            )

        session.act_button(
            here.t("view.administration.ask"),
            "admin.users",
            grant,
            key="admin.grant.do",
            primary=True,
            said=here.t("view.administration.asked"),
        )


def _numbers(here: Visit, found: Sequence[NumberInForce]) -> None:
    components.table(
        [
            here.t("column.rule"),
            here.t("column.what"),
            here.t("column.in_force"),
            here.t("column.shipped"),
            here.t("column.range"),
            here.t("column.unit"),
        ],
        [
            (
                each.row.rule,
                each.row.key,
                each.value,
                each.row.default,
                here.t("view.administration.fixed") if each.row.is_fixed else f"{each.row.floor}–{each.row.ceiling}",
                each.row.unit,
            )
            for each in found
        ],
        numbers="  nn  ",
        caption=here.t("view.administration.numbers_what"),
    )
    by_key = {each.row.key: each for each in found if not each.row.is_fixed}
    first, second, _ = st.columns([3, 2, 3])
    key = first.selectbox(
        here.t("field.policy_key"), list(by_key), index=None, placeholder=here.t("view.choose"), key="admin.number"
    )
    if key is None:
        return
    row = by_key[key].row
    value = second.number_input(
        here.t("field.value"), row.floor, row.ceiling, by_key[key].value, key=f"admin.value.{key}"
    )
    st.caption(row.note)
    session.act_button(
        here.t("view.administration.set"),
        "admin.policy",
        lambda db, actor: oversight.set_number(db, actor, key=key, value=int(value)),
        key=f"admin.set.{key}",
        primary=True,
        said=here.t("view.administration.set_done"),
    )
