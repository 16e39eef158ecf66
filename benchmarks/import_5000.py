"""Import of 5,000 invented people: seconds and memory, as CSV and as XLSX.

Run by hand: ``python benchmarks/import_5000.py``. Figures to reach on two cores: 20 s and 300 MB for each format,
reading, search for likely duplicates, and registering together.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from retorno import intake
from retorno.database import Database
from retorno.models.office import Office, RoleGrant, User
from retorno.office import audit
from retorno.office.access import load_actor
from retorno.papers.sheets import Sheet, csv_bytes, xlsx_bytes
from retorno.vocabulary import Language, Role

PEOPLE = 5_000
HEADER = (
    "Clave del grupo", "Clave de la persona", "Nombres", "Apellidos", "Sexo", "Fecha de nacimiento", "Nacionalidad",
    "Idioma de contacto", "Varada desde", "Relación con el titular", "Clave de su cuidador", "País de destino",
    "Punto de recepción", "Tipo de documento", "Número de documento",
)  # fmt: skip
GIVEN = (
    "Ana",
    "Luz",
    "Eva",
    "Marta",
    "Rosa",
    "Omar",
    "José",
    "Iván",
    "Raúl",
    "Noé",
    "Sofía",
    "Elmer",
    "Wendy",
    "Karla",
    "Denis",
    "Yolani",
    "مريم",
    "王小明",
    "রহিমা",
)
FAMILY = (
    "Paz",
    "Mejía",
    "Ruiz",
    "López",
    "Zúñiga",
    "Amaya",
    "Pineda",
    "Rivas",
    "Orellana",
    "Cálix",
    "Bonilla",
    "Funes",
    "Lara",
    "Castro",
    "Sosa",
    "Murillo",
)


def rows() -> list[tuple[str, ...]]:
    """Families of one to five; every name and date is drawn from a fixed seed."""
    draw = random.Random(20270301)
    made: list[tuple[str, ...]] = []
    family = 0
    while len(made) < PEOPLE:
        family += 1
        surname = f"{draw.choice(FAMILY)} {draw.choice(FAMILY)}"
        for member in range(min(draw.choice((1, 1, 2, 3, 4, 5)), PEOPLE - len(made))):
            born = date(1965, 1, 1) + timedelta(
                days=18_000 * (member > 1) + draw.randrange(3_500 if member > 1 else 12_000)
            )
            made.append((
                f"F{family}", str(member + 1), f"{draw.choice(GIVEN)} {draw.choice(GIVEN)} {len(made):05d}"[:-6]
                + " " + "".join(chr(97 + int(digit)) for digit in f"{len(made):04d}").capitalize(),
                surname, draw.choice(("mujer", "hombre")), f"{born:%d/%m/%Y}", "HN", "es", "03/02/2026",
                "titular" if member == 0 else "hija o hijo", "1" if member > 1 else "", "HN", "HN-CAMR-OMOA",
                "pasaporte", f"{len(made):08d}",
            ))  # fmt: skip
    return made


def prepared(folder: str) -> tuple[Database, str]:
    """A fresh office with one coordinator."""
    database = Database(f"sqlite:///{folder}/office.db")
    database.create()
    now = datetime.now(UTC)
    with database.transaction() as session:
        session.add(Office(office_id="Z-BENCH", name="bench", country="MX", home_place_id="MX-TAPACHULA",
                           places="MX-TAPACHULA"))  # fmt: skip
        session.flush()
        session.add(User(user_id="U-BENCH", login="bench", display_name="bench", organisation="bench",
                         office_id="Z-BENCH", language=Language.ES, password_hash="!"))  # fmt: skip
        session.flush()
        session.add(RoleGrant(user_id="U-BENCH", role=Role.COORDINATOR, granted_by="A", granted_at=now,
                              approved_by="B", approved_at=now))  # fmt: skip
    return database, "U-BENCH"


def run(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database, user_id = prepared(folder)
        start = time.perf_counter()
        preview = intake.read_import(content, name)
        read = time.perf_counter()
        with database.transaction() as session:
            pairs = intake.preview_duplicates(session, load_actor(session, user_id), preview)
        searched = time.perf_counter()
        with database.transaction() as session:
            outcome = intake.apply_import(session, load_actor(session, user_id), preview)
        end = time.perf_counter()
        with database.transaction() as session:
            again = intake.apply_import(session, load_actor(session, user_id), preview)
        database.dispose()
        size = Path(folder, "office.db").stat().st_size
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(
        f"{name}: {outcome.new_person_count} people, {outcome.new_group_count} groups;"
        f" read {read - start:.1f} s, {len(pairs)} likely duplicates {searched - read:.1f} s,"
        f" registered {end - searched:.1f} s, together {end - start:.1f} s;"
        f" again unchanged: {again.is_unchanged}; memory {own} MB, reading process {child} MB; file {size >> 20} MB"
    )


def main() -> None:
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(32)))
    people = rows()
    run(csv_bytes(HEADER, people), "people.csv")
    run(xlsx_bytes([Sheet(name="Personas", header=HEADER, rows=people)]), "people.xlsx")


if __name__ == "__main__":
    main()
