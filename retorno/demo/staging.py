"""The demonstration office: accounts, vehicles, offers, three first movements, by the acts that staff use every day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum, auto

import structlog
from sqlmodel import Session, col, select

from retorno import clock, keyring, manifest, worker
from retorno.confirmations import confirmation
from retorno.database import Database
from retorno.demo.people import Registered, Staff, record, register
from retorno.errors import RetornoError
from retorno.models.movements import (
    AgreementConfirmation,
    Confirmation,
    Driver,
    Escort,
    OfferCreate,
    Vehicle,
)
from retorno.models.office import Office, User
from retorno.movements.facts import view
from retorno.office import access, accounts
from retorno.plans import planning
from retorno.routes.cells import WEEKDAYS, read_rows
from retorno.routes.rows import ExampleConfirmation, ExampleOffer, ExampleVehicle
from retorno.settings import Settings
from retorno.situation import ground
from retorno.vocabulary import JobKind, Language, Mode, PartyKind, Role, Sex

_log = structlog.get_logger("retorno.demo")

HOME = "MX-TAPACHULA"
PLACES = (HOME, "GT-CIUDAD-DE-GUATEMALA", "PA-CIUDAD-DE-PANAMA", "PA-DAVID")
"""The caseload: both land corridors begin at one of these places."""
OPENED_DAYS = 60
FIRST_PLAN_SECONDS = 1
FIRST_MOVEMENTS_FROM = "GT-CIUDAD-DE-GUATEMALA"
"""Three movements from here stand already at the first sign-in: everybody has something to see or to do."""
ARRANGER = "Coordinadora inventada (demo)"


class Stage(StrEnum):
    """How far a first movement has come."""

    ASKED = auto()
    PROPOSED = auto()
    ISSUED = auto()


@dataclass(frozen=True, kw_only=True)
class First:
    """A movement of the demonstration: whom it takes, the days tried for it, counted from today, how far it has come.

    The issued one leaves so soon that posts see its list, and late enough for the notice given the day before; the
    proposed one leaves its notice to whoever signs second today or tomorrow, and fills its van, so that no later plan
    puts more people on it; the asked one leaves time for answers.
    """

    group_key: str
    days: tuple[int, ...]
    stage: Stage


FIRST_MOVEMENTS: tuple[First, ...] = (
    First(group_key="D07", days=(3, 4, 5), stage=Stage.ISSUED),
    First(group_key="D04", days=(6, 7, 8), stage=Stage.PROPOSED),
    First(group_key="D10", days=(6, 7, 8), stage=Stage.ASKED),
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account of the demonstration, as printed."""

    login: str
    role: Role
    name: str
    organisation: str
    country: str = ""
    scope: str = ""
    password: str = ""


_OFFICE = "Oficina de retorno de Tapachula (demo)"
ACCOUNTS: tuple[Account, ...] = (
    Account(login="coordinacion.1", role=Role.COORDINATOR, name="Carmen Coordinación (demo)", organisation=_OFFICE),
    Account(login="coordinacion.2", role=Role.COORDINATOR, name="César Coordinación (demo)", organisation=_OFFICE),
    Account(login="proteccion.1", role=Role.PROTECTION, name="Patricia Protección (demo)", organisation=_OFFICE),
    Account(login="proteccion.2", role=Role.PROTECTION, name="Pablo Protección (demo)", organisation=_OFFICE),
    Account(login="salud", role=Role.HEALTH, name="Sara Salud (demo)", organisation=_OFFICE),
    Account(
        login="consulado.hn",
        role=Role.CONSULATE,
        name="Consulado (demo)",
        organisation="Consulado inventado de Honduras",
        country="HN",
        scope="HN",
    ),
    Account(
        login="puesto.corinto",
        role=Role.BORDER_POST,
        name="Puesto de Corinto (demo)",
        organisation="Migración inventada de Honduras",
        country="HN",
        scope="GT-HN-COR-B",
    ),
    Account(
        login="recepcion.omoa",
        role=Role.RECEPTION,
        name="Recepción de Omoa (demo)",
        organisation="Centro inventado de recepción",
        country="HN",
        scope="HN-CAMR-OMOA",
    ),
    Account(login="acompanante", role=Role.ESCORT, name="Elena Acompañante (demo)", organisation=_OFFICE),
    Account(login="auditoria", role=Role.AUDITOR, name="Aurora Auditoría (demo)", organisation=_OFFICE),
    Account(login="observacion", role=Role.MONITOR, name="Observatorio (demo)", organisation="Defensoría inventada"),
)
"""Everyone but the two administrators, whom ``accounts.create_office`` makes."""

_ESCORTS = (
    ("Elena Acompañante (demo)", Sex.FEMALE, "child_protection"),
    ("Ernesto Acompañante (demo)", Sex.MALE, "child_protection"),
    ("Eva Acompañante (demo)", Sex.FEMALE, "child_protection"),
    ("Emma Enfermera (demo)", Sex.FEMALE, "medical"),
)


# ---- building ---------------------------------------------------------------------------------------------------


def build(database: Database, settings: Settings, *, now: datetime) -> list[Account]:
    """Fill an empty database with the demonstration office; gives the accounts with their passwords.

    Everything is done by the acts of the roles, on the days on which it would have been done.

    Parameters
    ----------
    settings
        Where the key file lies; it is made where it is missing.
    now
        The moment of setting up; every day of the examples counts from it.

    Raises
    ------
    InputError
        If the database has an office already.
    """
    with clock.standing_at(now):
        return _build(database, settings, now)


def _build(database: Database, settings: Settings, now: datetime) -> list[Account]:
    database.create()
    keyring.open_keys(settings, database)
    opened = now - timedelta(days=OPENED_DAYS)
    with clock.standing_at(opened), database.transaction() as session:
        made, user_ids = _open_office(session)
    keyring.open_keys(settings, database)
    with database.transaction() as session:
        staff = Staff(
            coordinator=access.load_actor(session, user_ids["coordinacion.1"]),
            protection=access.load_actor(session, user_ids["proteccion.1"]),
            protection_2=access.load_actor(session, user_ids["proteccion.2"]),
            health=access.load_actor(session, user_ids["salud"]),
        )
        escorts = _escorts(session, user_ids["acompanante"], now.date())
        _confirmations(session, now)
        _drivers(session, now.date())
    with clock.standing_at(now - timedelta(days=1)), database.transaction() as session:
        _give(session, user_ids, "acompanante", Role.ESCORT, escorts[0].escort_id)
    people = _people(database, staff, escorts, now)
    with database.transaction() as session:
        _vehicles(session, now.date(), lambda row: row.depot_place_id == FIRST_MOVEMENTS_FROM)
    _first_movements(database, user_ids, people, now)
    with clock.standing_at(now - timedelta(days=1)), database.transaction() as session:
        _vehicles(session, now.date(), lambda row: row.depot_place_id != FIRST_MOVEMENTS_FROM)
        _offers(session, staff, now.date())
    return made


def _open_office(session: Session) -> tuple[list[Account], dict[str, str]]:
    """The office, its two administrators, and everyone whom they let in."""
    first = accounts.create_office(session, name=_OFFICE, country="MX", place_id=HOME, places=ground().places)
    office = session.exec(select(Office)).one()
    office.places, office.is_demo, office.complaint_contact = ";".join(PLACES), True, "+52 000 000 0000"
    session.add(office)
    session.flush()
    administrators = [
        Account(login=login, role=Role.ADMINISTRATOR, name=login, organisation=_OFFICE, password=password)
        for login, password in first
    ]
    admin = access.load_actor(session, _user_id(session, "admin.1"))
    made, user_ids = [], {}
    for account in ACCOUNTS:
        password = accounts.new_password()
        is_own = account.role not in (Role.CONSULATE, Role.BORDER_POST, Role.RECEPTION)
        user = accounts.create_user(
            session,
            admin,
            login=account.login,
            display_name=account.name,
            organisation=account.organisation,
            password=password,
            country=account.country,
            office_id=office.office_id if is_own else None,
            language=Language.ES,
        )
        user_ids[account.login] = user.user_id
        made.append(Account(**(asdict(account) | {"password": password})))
        if account.role is not Role.ESCORT:
            _give(session, user_ids, account.login, account.role, account.scope)
    return [*made, *administrators], user_ids


def _user_id(session: Session, login: str) -> str:
    return session.exec(select(User.user_id).where(User.login == login)).one()


def _give(session: Session, user_ids: dict[str, str], login: str, role: Role, scope: str) -> None:
    """Grant a role by one administrator and approve it by the other."""
    first, second = (access.load_actor(session, _user_id(session, name)) for name in ("admin.1", "admin.2"))
    grant = accounts.grant_role(session, first, user_id=user_ids[login], role=role, scope=scope)
    accounts.approve_role(session, second, grant_id=grant.grant_id)


# ---- what there is to plan with ----------------------------------------------------------------------------------


def _escorts(session: Session, user_id: str, today: date) -> list[Escort]:
    made = [
        Escort(
            name=name,
            sex=sex,
            duty=duty,
            base_place_id=HOME,
            phone="+52 000 000 0000",
            user_id=user_id if number == 0 else None,
            approved_until=today + timedelta(days=200),
        )
        for number, (name, sex, duty) in enumerate(_ESCORTS)
    ]
    session.add_all(made)
    session.flush()
    return made


def _confirmations(session: Session, now: datetime) -> None:
    rows = read_rows(ground().folder / "examples/agreement_confirmations.csv", ExampleConfirmation)
    for row in rows:
        given = now - timedelta(days=row.confirmed_days_ago)
        weekdays = sorted(row.weekdays) if row.weekdays is not None else ()
        session.add(
            AgreementConfirmation(
                confirmation_id=row.confirmation_id,
                agreement_id=row.agreement_id,
                mode=";".join(row.mode),
                from_country=row.from_country,
                to_country=row.to_country,
                transit_countries=";".join(row.transit_countries),
                crossings=";".join(row.crossings),
                weekdays=";".join(WEEKDAYS[number] for number in weekdays),
                profiles=";".join(row.profiles),
                notice_hours=row.notice_hours,
                daily_heads=row.daily_heads,
                confirmed_with=row.confirmed_with,
                confirmed_by=row.confirmed_by,
                confirmed_at=given,
                valid_from=given.date(),
                valid_until=now.date() + timedelta(days=row.valid_days),
                is_invented=True,
            )
        )
    session.flush()


def _fleet() -> tuple[ExampleVehicle, ...]:
    return read_rows(ground().folder / "examples/fleet.csv", ExampleVehicle)


def _vehicles(session: Session, today: date, is_wanted: Callable[[ExampleVehicle], bool]) -> None:
    for row in filter(is_wanted, _fleet()):
        session.add(
            Vehicle(
                vehicle_id=row.vehicle_id,
                vehicle_type=row.vehicle_type,
                plate=row.plate,
                operator=row.operator,
                depot_place_id=row.depot_place_id,
                seats=row.seats,
                wheelchairs=row.wheelchair_places,
                licence_until=today + timedelta(days=row.licence_days),
                insurance_until=today + timedelta(days=row.insurance_days),
                inspection_until=today + timedelta(days=row.inspection_days),
            )
        )
    session.flush()


def _drivers(session: Session, today: date) -> None:
    """Two drivers a vehicle, so that a long day has its second one."""
    for number, row in enumerate(_fleet()):
        for which in "AB":
            session.add(
                Driver(
                    driver_id=f"R-DEMO-{number + 1:02d}{which}",
                    name=f"Conductor {number + 1:02d}{which} (demo)",
                    operator=row.operator,
                    licence_until=today + timedelta(days=300 + number),
                    phone="+52 000 000 0000",
                )
            )
    session.flush()


def _offers(session: Session, staff: Staff, today: date) -> None:
    for row in read_rows(ground().folder / "examples/offers.csv", ExampleOffer):
        depart = datetime.combine(today + timedelta(days=row.depart_days), datetime.min.time())
        depart_at = clock.instant_of(depart + timedelta(minutes=row.depart_min), _zone(row.from_place))
        planning.add_offer(
            session,
            staff.coordinator,
            offer=OfferCreate(
                mode=Mode(row.mode),
                carrier=row.carrier,
                number=row.number,
                origin_place_id=row.from_place,
                destination_place_id=row.to_place,
                depart_at=depart_at,
                arrive_at=depart_at + timedelta(minutes=row.duration_min),
                seats=row.seats,
                wheelchairs=row.wheelchairs,
                min_load=row.min_load,
                fare_cents=row.fare_usd_cents,
                fixed_cents=row.fixed_usd_cents,
                escort_returns=row.escort_returns,
            ),
        )


def _zone(place_id: str) -> str:
    facts = ground()
    return facts.airports[place_id].timezone if place_id in facts.airports else facts.places[place_id].timezone


# ---- people, and the first movements ------------------------------------------------------------------------------


def _people(database: Database, staff: Staff, escorts: Sequence[Escort], now: datetime) -> list[Registered]:
    with database.transaction() as session:
        people = register(session, staff, now)
    approved = [escort for escort in escorts if escort.duty == "child_protection"]
    for group_id in dict.fromkeys(each.group_id for each in people):
        with database.transaction() as session:
            for each in people:
                if each.group_id == group_id:
                    record(session, staff, approved, each, now)
    return people


def _first_movements(database: Database, user_ids: dict[str, str], people: Sequence[Registered], now: datetime) -> None:
    """Plan, accept and ask for the groups of one place: one movement issued, one proposed, one that waits for answers.

    Where the calendar leaves no day for it, there is no movement yet and everybody waits for the first plan.
    """
    with clock.standing_at(now - timedelta(days=1)):
        for first in FIRST_MOVEMENTS:
            group_ids = sorted({each.group_id for each in people if each.case.group_key == first.group_key})
            for day in first.days:
                accepted = _planned(database, user_ids, group_ids, now.date() + timedelta(days=day))
                for movement_id in accepted:
                    _ask(database, user_ids, movement_id, stage=first.stage)
                if accepted:
                    break


def _planned(database: Database, user_ids: dict[str, str], group_ids: Sequence[str], day: date) -> tuple[str, ...]:
    """The movements of a plan for one day, accepted; none where a holiday or a closed post leaves no way."""
    with database.transaction() as session:
        coordinator = access.load_actor(session, user_ids["coordinacion.1"])
        plan = planning.start(
            session, coordinator, first_date=day, days=1, group_ids=group_ids, seconds=FIRST_PLAN_SECONDS
        )
    worker.run(database, name="demo", should_stop=lambda: False, once=True, kinds=(JobKind.SOLVE,))
    try:
        with database.transaction() as session:
            return planning.accept(session, coordinator, plan_id=plan.plan_id).movement_ids
    except RetornoError as error:
        _log.warning("no first movement on this day", day=day.isoformat(), why=type(error).__name__)
        with database.transaction() as session:
            planning.discard(session, coordinator, plan_id=plan.plan_id)
        return ()


def _ask(database: Database, user_ids: dict[str, str], movement_id: str, *, stage: Stage) -> None:
    """Ask everyone about a movement; beyond ``ASKED`` all say yes and its list is proposed, then signed."""
    with database.transaction() as session:
        coordinator = access.load_actor(session, user_ids["coordinacion.1"])
        confirmation.request_confirmations(session, coordinator, movement_id=movement_id)
        if stage is Stage.ASKED:
            return
        questions = session.exec(
            select(Confirmation)
            .where(Confirmation.movement_id == movement_id, col(Confirmation.cancelled_at).is_(None))
            .order_by(Confirmation.confirmation_id)
        ).all()
        consulate = access.load_actor(session, user_ids["consulado.hn"])
        for question in questions:
            if question.party_kind is PartyKind.CONSULATE:
                confirmation.confirm(session, consulate, confirmation_id=question.confirmation_id)
            else:
                confirmation.confirm(
                    session,
                    coordinator,
                    confirmation_id=question.confirmation_id,
                    answered_by=ARRANGER,
                    way="phone",
                )
    with database.transaction() as session:
        manifest.propose(session, coordinator, movement_id=movement_id)
        if stage is Stage.PROPOSED:
            return
        is_vulnerable = manifest.needs_protection_signature(view(session, movement_id))
        second = access.load_actor(session, user_ids["proteccion.1" if is_vulnerable else "coordinacion.2"])
        manifest.sign(session, second, movement_id=movement_id)
