"""Administration: accounts, role grants by two, the numbers of the rules, what the office still needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from sqlmodel import Session

from retorno import first_run
from retorno.errors import Fault, InputError
from retorno.models.office import RoleGrant
from retorno.office import accounts, oversight
from retorno.office.access import Actor
from retorno.office.oversight import Account, NumberInForce
from retorno.situation import ground
from retorno.supply import crew
from retorno.vocabulary import Language, Role
from ui import components, lists, session
from ui.session import Visit, plain

MINUTES_OF_DAY = "minutes after local midnight"
"""Unit in data/policy.csv that is shown as a time of day."""


def show() -> None:
    """What is missing, accounts with the grants that wait, or the numbers of the rules."""
    here = session.visit()
    components.title(here, "view.administration.title")
    found = session.look(oversight.accounts_of_office)
    needs = session.look(first_run.needs)
    open_needs = sum(not each.is_met for each in needs)
    _new_password(here)
    _waiting(here, found)
    counts = {"users": len(found), "numbers": -1, "needs": open_needs}
    if open_needs:  # On the first days the list of what is missing is the page.
        counts = {"needs": open_needs} | counts
    match lists.shelf(here, "show", counts, "view.administration.tab"):
        case "users":
            names = session.look(crew.escort_names)
            _accounts(here, found, names)
            _new_user(here)
            _grant(here, found, names)
        case "numbers":
            _numbers(here, session.look(oversight.numbers))
        case _:
            _needs(here, needs)


def _scope(here: Visit, grant: RoleGrant, escorts: Mapping[str, str]) -> str:
    name = escorts.get(grant.scope) or session.named(grant.scope, here.language)
    scope = f" ({name})" if grant.scope else ""
    until = f" {here.t('view.until')} {components.day_text(grant.valid_until)}" if grant.valid_until else ""
    return f"{here.t(f'role.{grant.role.value}')}{scope}{until}"


# ---- accounts ----------------------------------------------------------------------------------------------------


def _waiting(here: Visit, found: Sequence[Account]) -> None:
    """Grants that the second administrator has to decide on."""
    if not any(grant.approved_by is None for account in found for grant in account.grants):
        return
    escorts = session.look(crew.escort_names)
    for account in found:
        for grant in (each for each in account.grants if each.approved_by is None):
            with st.container(border=True):
                text, door = st.columns([6, 3], vertical_alignment="center")
                text.markdown(
                    plain(
                        here.t(
                            "view.administration.waits",
                            name=account.user.display_name,
                            role=_scope(here, grant, escorts),
                        )
                    )
                )
                with door:
                    _decide(here, account, grant)


def _decide(here: Visit, account: Account, grant: RoleGrant) -> None:
    if here.actor.user_id in (grant.granted_by, grant.user_id):
        st.markdown(plain(here.t("view.administration.other")))
    else:
        session.act_button(
            here.t("view.administration.approve"),
            "admin.users",
            lambda db, actor: accounts.approve_role(db, actor, grant_id=grant.grant_id),
            key=f"approve.{grant.grant_id}",
            primary=True,
            said=here.t("view.administration.approved"),
        )
    if here.actor.user_id != account.user.user_id:
        session.act_button(
            here.t("view.administration.refuse"),
            "admin.users",
            lambda db, actor: accounts.revoke_role(db, actor, grant_id=grant.grant_id),
            key=f"refuse.{grant.grant_id}",
            said=here.t("view.administration.refused"),
        )


def _new_password(here: Visit) -> None:
    """A password that was just made: shown until it is said to be written down, then never again."""
    held = session.recall("admin.password")
    if held is None:
        return
    login, password = held
    with st.container(border=True):
        st.markdown(plain(here.t("view.administration.password_once", login=login)))
        st.code(password, language=None)
        if st.button(here.t("view.administration.password_seen"), key="admin.password.seen", type="primary"):
            session.forget("admin.password")
            st.rerun()


def _accounts(here: Visit, found: Sequence[Account], escorts: Mapping[str, str]) -> None:
    wanted = lists.search(
        here,
        found,
        lambda each: f"{each.user.login} {each.user.display_name} {each.user.organisation}",
        key="administration",
    )
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
                "\n".join(_scope(here, grant, escorts) for grant in each.grants if grant.approved_by)
                or here.t("view.administration.no_role"),
                here.t("view.administration.disabled" if each.user.disabled_at else "view.administration.enabled"),
            )
            for each in components.paged(wanted, here, "administration")
        ],
    )
    names = {each.user.user_id: each for each in found if each.user.user_id != here.actor.user_id}
    chosen = st.selectbox(
        here.t("view.administration.one"),
        list(names),
        index=None,
        format_func=lambda each: f"{names[each].user.login} · {names[each].user.display_name}",
        placeholder=here.t("view.choose"),
        help=here.t("help.own_account"),
        key="admin.one",
    )
    if chosen is not None:
        _account(here, names[chosen], escorts)


def _account(here: Visit, account: Account, escorts: Mapping[str, str]) -> None:
    """What can be done with one account."""
    user = account.user
    with st.container(border=True):
        for grant in (each for each in account.grants if each.approved_by):
            components.danger(
                here,
                here.t("view.administration.revoke", role=_scope(here, grant, escorts)),
                here.t("view.administration.revoke_facts", name=user.display_name),
                here.t("view.administration.revoke_do"),
                "admin.users",
                lambda db, actor, grant=grant: accounts.revoke_role(db, actor, grant_id=grant.grant_id),
                key=f"revoke.{grant.grant_id}",
                said=here.t("view.administration.revoked"),
            )
        if user.disabled_at is not None:
            session.act_button(
                here.t("view.administration.enable"),
                "admin.users",
                lambda db, actor: accounts.enable_user(db, actor, user_id=user.user_id),
                key=f"enable.{user.user_id}",
                said=here.t("view.administration.enabled_done"),
            )
            return
        components.danger(
            here,
            here.t("view.administration.reset"),
            here.t("view.administration.reset_facts", name=user.display_name),
            here.t("view.administration.reset_do"),
            "admin.users",
            lambda db, actor: accounts.reset_password(db, actor, user_id=user.user_id),
            key=f"reset.{user.user_id}",
            said=here.t("view.administration.reset_done"),
            after=lambda password: session.remember("admin.password", (user.login, password)),
        )
        components.danger(
            here,
            here.t("view.administration.disable"),
            here.t("view.administration.disable_facts", name=user.display_name),
            here.t("view.administration.disable"),
            "admin.users",
            lambda db, actor: accounts.disable_user(db, actor, user_id=user.user_id),
            key=f"disable.{user.user_id}",
            said=here.t("view.administration.disabled_done"),
        )


def _new_user(here: Visit) -> None:
    with st.expander(here.t("view.administration.new_user")):
        first, second, third = st.columns(3)
        login = first.text_input(here.t("field.login"), key="admin.new.login", help=here.t("help.login"))
        name = second.text_input(here.t("field.display_name"), key="admin.new.name")
        organisation = third.text_input(here.t("field.organisation"), key="admin.new.organisation")
        first, second, _ = st.columns(3)
        with first:
            country = components.country_field(here, here.t("field.state_served"), key="admin.new.country")
        language = second.selectbox(
            here.t("light.language"),
            list(Language),
            format_func=lambda code: components.LANGUAGE_NAMES[code],
            key="admin.new.language",
        )
        st.caption(here.t("view.administration.new_user_what"))

        def create(db: Session, actor: Actor) -> tuple[str, str]:
            missing = [
                Fault(column=column, code="EMPTY", what="empty, expected a text")
                for column, value in (("display_name", name), ("organisation", organisation))
                if not value.strip()
            ]
            if missing:
                raise InputError(missing)
            password = accounts.new_password()
            user = accounts.create_user(
                db,
                actor,
                login=login,
                display_name=name,
                organisation=organisation,
                password=password,
                country=country,
                office_id=None if country else actor.office_id,
                language=language or Language.ES,
            )
            return user.login, password

        def made(pair: tuple[str, str]) -> None:
            session.remember("admin.password", pair)
            session.clear_fields("admin.new.")

        session.act_button(
            here.t("view.administration.create"),
            "admin.users",
            create,
            key="admin.create",
            said=here.t("view.administration.created"),
            after=made,
        )


def _scopes(role: Role, escorts: Mapping[str, str]) -> list[str]:
    """What a role is for: states, posts, reception places, an escort; nothing for roles of the office."""
    facts = ground()
    if role is Role.CONSULATE:
        return sorted(facts.countries)
    if role is Role.BORDER_POST:
        return sorted(facts.posts, key=session.named)
    if role is Role.RECEPTION:
        return sorted(facts.reception, key=session.named)
    return list(escorts) if role is Role.ESCORT else []


def _grant(here: Visit, found: Sequence[Account], escorts: Mapping[str, str]) -> None:
    with st.expander(here.t("view.administration.grant")):
        st.caption(here.t("view.administration.duties"))
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
        scopes = _scopes(role, escorts) if role is not None else []
        with third:
            scope = (
                st.selectbox(
                    here.t("field.scope"),
                    scopes,
                    index=None,
                    format_func=lambda each: escorts.get(each) or session.named(each, here.language),
                    placeholder=here.t("view.choose"),
                    key=f"admin.grant.scope.{role}",
                )
                if scopes
                else None
            )
            if role is Role.ESCORT and not scopes:
                st.info(plain(here.t("view.administration.no_escort")))
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
            after=lambda _: session.clear_fields("admin.grant."),
        )


# ---- the numbers of the rules ------------------------------------------------------------------------------------


def number_text(here: Visit, value: int, unit: str) -> str:
    """A number with its unit; a minute of the day as a time."""
    if unit == MINUTES_OF_DAY:
        return _clock(value)
    one = f"unit.{unit}.one"
    return f"{value} {here.t(one if value == 1 and session.has_words(one) else f'unit.{unit}')}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _numbers(here: Visit, found: Sequence[NumberInForce]) -> None:
    st.markdown(plain(here.t("view.administration.numbers_what")))
    by_key = {each.row.key: each for each in found if not each.row.is_fixed}
    key = st.selectbox(
        here.t("field.policy_key"),
        list(by_key),
        index=None,
        format_func=lambda each: f"{by_key[each].row.rule} · {here.t(f'policy.{each}')}",
        placeholder=here.t("view.choose"),
        key="admin.number",
    )
    if key is not None:
        _number(here, by_key[key])
    components.table(
        [
            here.t("column.rule"),
            here.t("column.what"),
            here.t("column.in_force"),
            here.t("column.range"),
            here.t("column.set_by"),
        ],
        [
            (
                each.row.rule,
                here.t(f"policy.{each.row.key}"),
                number_text(here, each.value, each.row.unit),
                _range_text(here, each),
                _set_text(here, each),
            )
            for each in found
        ],
    )


def _range_text(here: Visit, each: NumberInForce) -> str:
    if each.row.is_fixed:
        return here.t("view.administration.fixed")
    low, high = (
        _clock(value) if each.row.unit == MINUTES_OF_DAY else str(value) for value in (each.row.floor, each.row.ceiling)
    )
    unit = "" if each.row.unit == MINUTES_OF_DAY else here.t(f"unit.{each.row.unit}")
    stricter = ("later" if each.row.rises else "earlier") if not unit else ("higher" if each.row.rises else "lower")
    return f"{low}–{high} {unit}".strip() + f" ({here.t(f'view.administration.{stricter}')})"


def _set_text(here: Visit, each: NumberInForce) -> str:
    lines = []
    if each.set_by is not None:
        lines.append(f"{each.set_by}, {components.day_text(each.valid_from)}")
    for coming in each.coming:
        value = number_text(here, coming.value, each.row.unit)
        lines.append(here.t("view.administration.coming", value=value, day=components.day_text(coming.valid_from)))
    return "\n".join(lines) or here.t("view.administration.as_shipped")


def _number(here: Visit, each: NumberInForce) -> None:
    row = each.row
    with st.container(border=True):
        loosest = number_text(here, row.default, row.unit)
        st.markdown(
            plain(here.t("view.administration.floor_rises" if row.rises else "view.administration.floor", n=loosest))
        )
        first, second, _ = st.columns([2, 2, 3])
        is_clock = row.unit == MINUTES_OF_DAY
        typed = first.text_input(
            here.t("field.value") if is_clock else f"{here.t('field.value')} ({here.t(f'unit.{row.unit}')})",
            _clock(each.value) if is_clock else str(each.value),
            key=f"admin.value.{row.key}",
        )
        with second:
            day = components.day_field(here, "policy_from", key=f"admin.from.{row.key}")
        st.caption(f"{here.t('column.range')}: {_range_text(here, each)}")

        def set_it(db: Session, actor: Actor) -> object:
            return oversight.set_number(
                db,
                actor,
                key=row.key,
                value=_typed(typed, is_clock=is_clock),
                valid_from=components.parse_day(day, field="policy_from"),
            )

        session.act_button(
            here.t("view.administration.set"),
            "admin.policy",
            set_it,
            key=f"admin.set.{row.key}",
            primary=True,
            said=here.t("view.administration.set_done"),
        )


def _typed(text: str, *, is_clock: bool) -> int:
    """A typed number, or the minute of a typed time of day."""
    if is_clock:
        at = components.parse_clock(text, field="value")
        return 60 * at.hour + at.minute
    if not text.strip().isdecimal():
        raise InputError([Fault(column="value", code="NUMBER", value=text, what="expected a whole number")])
    return int(text)


# ---- the first-run list -------------------------------------------------------------------------------------------


def _needs(here: Visit, needs: Sequence[first_run.Need]) -> None:
    st.markdown(
        plain(
            here.t("view.administration.needs" if any(not n.is_met for n in needs) else "view.administration.no_need")
        )
    )
    components.table(
        [here.t("column.what"), here.t("column.have"), here.t("column.want"), here.t("column.state")],
        [
            (
                here.t(f"need_of_office.{each.key}", role=here.t(f"role.{each.role.value}") if each.role else ""),
                each.have,
                each.want,
                here.t("view.administration.met" if each.is_met else f"view.administration.unmet.{each.key}"),
            )
            for each in needs
        ],
        numbers=" nn ",
    )
    session.link_to("ground", here.t("view.ground"))
    _complaint(here)
    st.caption(here.t("view.administration.backup"))


def _complaint(here: Visit) -> None:
    """The phone for complaints, printed on every itinerary."""
    now = session.look(oversight.complaint_contact)
    with st.expander(here.t("view.administration.complaint"), expanded=not now):
        first, _ = st.columns([2, 3])
        contact = first.text_input(
            here.t("field.complaint_contact"), now, key="admin.complaint", help=here.t("help.complaint_contact")
        )
        session.act_button(
            here.t("view.administration.complaint_do"),
            "admin.office",
            lambda db, actor: oversight.set_complaint_contact(db, actor, contact=contact),
            key="admin.complaint.do",
            said=here.t("view.administration.complaint_done"),
        )
