"""Journeys of consulate, border post, escort, protection, monitor and auditor in a real browser.

One office and one server; each journey sets the clock, has its own coach or person, and may run alone or in any order.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import time
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from retorno import keyring
from retorno.figures.suppression import TOTAL, Key, with_margins
from retorno.office import notices
from retorno.papers.seal import Verdict, verify_content, verify_seal
from tests.builders import NOW
from tests.papers.papers_builders import text_of
from tests.test_suppression import THRESHOLD, given_back, narrowest
from tests.ui import journey_office
from tests.ui.desk import Desk
from tests.ui.journey_office import ARABIC, JourneyOffice
from tests.ui.light_office import ESCORT_ID
from tests.ui.walking import keep, raw_keys, unreached

pytestmark = pytest.mark.browser

BITS_PER_SECOND, LATENCY_MS = 400_000, 150
MOST_SECONDS = 15.0
"""Of a plain page on a slow line, on a machine on which much else runs; the benchmark measures the true figure."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JourneyOffice]:
    """The office in the middle of its week, served."""
    office = journey_office.build_office(tmp_path_factory.mktemp("journeys"))
    office.office.start()
    yield office
    office.close()


# ---- 7: a consulate ------------------------------------------------------------------------------------------------


def test_a_consulate_answers_for_its_twelve_nationals_with_keys_alone_and_reads_no_total(
    made: JourneyOffice, chromium: Browser
) -> None:
    made.at(NOW)
    with Desk(chromium, made.office, "consulate_hn") as consulate:
        consulate.open("/consulate")
        consulate.key_press(consulate.t("view.consulate.all_ready"))
        consulate.see(consulate.t("view.consulate.to_check", n=12))
        before = consulate.text
        consulate.key_press(consulate.t("view.consulate.to_check", n=12))
        consulate.see(consulate.t("view.consulate.check"))
        assert len(consulate.cells(1)) == 12
        assert set(consulate.cells(6)) == {consulate.t("reason.answer.document_ready")}
        assert {f"{' '.join(ARABIC)}", f"Luz {made.asked.label} 10 Inventada"} <= set(consulate.cells(1))
        consulate.key_press(consulate.t("view.consulate.confirm", n=12))
        consulate.see(consulate.t("view.consulate.confirmed", n=12))
        consulate.see(consulate.t("view.consulate.empty"))
        after = consulate.text
    for text in (before, after):
        assert "Vecina" not in text  # the nationals of another state
        assert not re.search(r"\b(total|de 12|12 personas|XLSX|CSV|descargar)\b", text, re.IGNORECASE)
    with Desk(chromium, made.office, "consulate_gt") as other:
        other.open("/consulate")
        other.see("Vecina 0 Inventada")
        assert f"Luz {made.asked.label}" not in other.text


# ---- 8: two coordinators and a printed list ------------------------------------------------------------------------


@pytest.mark.poppler
def test_who_proposes_a_list_cannot_publish_it_and_the_printed_list_of_two_people_is_genuine(
    made: JourneyOffice, chromium: Browser, tmp_path: Path
) -> None:
    made.at(NOW)
    address = f"/manifest?movement={made.confirmed.movement_id}"
    with Desk(chromium, made.office, "coordinator") as first:
        first.open(address)
        first.press(first.t("view.movement.propose", n=1))
        first.see("Usted propuso esta nómina; por eso no puede publicarla")
        first.see("coordinator_2")  # who can
        assert first.button(first.t("view.movement.sign", n=1)).count() == 0
    with Desk(chromium, made.office, "coordinator_2") as second:
        second.open(address)
        second.press(second.t("view.movement.sign", n=1))
        second.see(second.t("view.people.other", n=12))
        second.agree(second.t("view.movement.sign", n=1))
        second.see(second.t("view.movement.signed", n=1))
        second.tab(second.t("view.movement.tab.papers"))
        path = second.page.get_by_role("link", name="PDF", exact=True).first.get_attribute("href")
        pdf = second.context.request.get(f"{made.office.origin}{path}").body()
        with made.database.reading() as session:
            keys = keyring.public_keys(session)
        assert verify_content(pdf, keys).verdict is Verdict.VALID
        code = scanned(pdf, tmp_path)
        assert verify_seal(code, keys).verdict is Verdict.VALID
    with Desk(chromium, made.office, "", script=False, width=360) as anybody:
        anybody.open("/verify")
        anybody.page.fill("#code", code)
        anybody.page.click("main button")
        anybody.see(anybody.t("light.verify_valid"))
        assert ARABIC[0] not in anybody.text
        anybody.open("/verify")
        anybody.page.fill("#code", code[:-1] + ("A" if code[-1] != "A" else "B"))
        anybody.page.click("main button")
        assert anybody.t("light.verify_valid") not in anybody.text


def scanned(pdf: bytes, folder: Path) -> str:
    """What a reader reads from the square on the first page."""
    (folder / "list.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "150", "-l", "1", "-png", "list.pdf", "page"], cwd=folder, check=True)
    picture = next(folder.glob("page*.png"))
    read = subprocess.run(
        ["zbarimg", "-q", "--raw", picture.name], cwd=folder, capture_output=True, text=True, check=True
    )
    return read.stdout.strip()


# ---- 9: a border post on a slow line -------------------------------------------------------------------------------


def slow_down(page: Page) -> None:
    """From now on this window has a line of 0.4 Mbit/s with 150 ms of latency."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    rate = BITS_PER_SECOND / 8
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY_MS, "downloadThroughput": rate, "uploadThroughput": rate},
    )


def test_a_border_post_on_a_slow_line_without_script_opens_its_list_ticks_and_signs(
    made: JourneyOffice, chromium: Browser
) -> None:
    made.at(made.coming.depart_at + timedelta(hours=8, minutes=10))
    with Desk(chromium, made.office, "border_post", script=False) as post:
        slow_down(post.page)
        began = time.monotonic()
        post.open("/post")
        post.page.get_by_role("row", name=made.coming.label).get_by_role("link", name="Abrir lista").click()
        post.see(" ".join(ARABIC))
        assert time.monotonic() - began < 2 * MOST_SECONDS
        assert post.page.locator("script").count() == 0
        post.page.get_by_label(post.t("light.post.absent")).fill("4, 17")
        post.page.get_by_role("button", name=post.t("light.post.absent_button")).click()
        post.see("16 llegaron, 2 no viajan, 0 sin marcar, de 18.")
        post.page.get_by_label(post.t("light.post.received_by")).fill("Oficial Inventada, turno B")
        post.page.get_by_role("button", name=post.t("light.post.handover")).last.click()
        post.page.get_by_role("button", name="Firmar la entrega de 16 personas").click()
        post.see("Entrega firmada: 16 personas, recibidas por Oficial Inventada, turno B.")


# ---- 10: withdrawal on the way -------------------------------------------------------------------------------------


def test_a_withdrawal_on_the_way_reaches_the_post_at_once_and_the_consulate_with_its_batch(
    made: JourneyOffice, chromium: Browser
) -> None:
    on_the_way = made.escorted.depart_at + timedelta(hours=3)
    batch = notices.next_batch(on_the_way)
    name = f"Luz {made.escorted.label} 10 Inventada"
    made.at(on_the_way)
    with Desk(chromium, made.office, "escort", script=False, width=360) as escort:
        escort.page.get_by_role("link", name=escort.t("light.escort.open")).first.click()
        escort.page.get_by_role("link", name=escort.t("light.escort.withdraw")).click()
        escort.page.get_by_role("radio", name=name).check()
        escort.page.get_by_role("button", name="Continuar").click()
        escort.see("Su familia baja también")
        escort.page.get_by_role("button", name="Registrar el retiro").click()
        escort.see("Bajan 3, siguen 6. Nómina nueva: versión 2.")
    with Desk(chromium, made.office, "border_post", script=False) as post:
        post.see("La versión 2 reemplaza a la 1: destruya la 1.")
        post.page.get_by_role("row", name=made.escorted.label).get_by_role("link", name="Abrir lista").click()
        post.see(" ".join(ARABIC))
        assert name not in post.text
    states = {}
    for instant in (batch - timedelta(minutes=1), batch + timedelta(minutes=1)):
        made.at(instant)
        with Desk(chromium, made.office, "consulate_hn") as consulate:
            consulate.open("/consulate")
            consulate.see(name)
            answered = consulate.page.locator("table.rt").last.get_by_role("row")
            states[instant] = answered.filter(has_text=name).inner_text()
    before, after = ("\t".join(state.split("\t")[1:]) for state in states.values())
    assert before.startswith(f"{name}\t17/05/1990\tpasaporte ")
    assert before.endswith("\tconfirmado")
    assert after == f"{name}\t–\t–\t–\t–\tno viaja"


# ---- 14: a hold is lifted by two -----------------------------------------------------------------------------------


def test_nobody_lifts_a_hold_alone_and_two_officers_do(made: JourneyOffice, chromium: Browser) -> None:
    made.at(NOW)
    address = f"/protection?show=holds&person={made.held.person_id}"
    with Desk(chromium, made.office, "protection_1") as first:
        first.open(address)
        first.see(first.t("view.protection.lift_by_two"))
        first.press(first.t("view.protection.propose"))
        first.see(first.t("fault.EMPTY"))
        first.write(first.t("field.decision"), "Entrevista inventada: sin temor.")
        first.press(first.t("view.protection.propose"))
        first.see(first.t("view.protection.second_hold"))
        assert first.button(first.t("view.protection.lift")).count() == 0
    with Desk(chromium, made.office, "protection_2") as second:
        second.open(address)
        second.see("Entrevista inventada: sin temor.")
        second.press(second.t("view.protection.lift"))
        second.see(second.t("view.protection.lift_facts"))
        second.agree(second.t("view.protection.lift"))
        second.see(second.t("view.protection.lifted"))


# ---- 15: a monitor reads a month ------------------------------------------------------------------------------------

NATIONALITIES = 3
TRUTH = {
    (0, 0, 1): 6, (0, 0, 2): 27, (0, 1, 0): 12, (0, 1, 2): 17,
    (1, 0, 2): 14, (1, 1, 1): 13,
    (2, 0, 2): 4, (2, 1, 2): 9,
}  # fmt: skip
"""Returns of the month by nationality (Honduras, El Salvador, others), sex and age group (0-5, 6-29, 30 and more)."""


def test_from_what_a_monitor_reads_no_number_below_ten_can_be_worked_out(
    made: JourneyOffice, chromium: Browser
) -> None:
    made.at(NOW)
    with Desk(chromium, made.office, "monitor") as monitor:
        monitor.open(f"/statistics?month={journey_office.MONTH}")
        monitor.see(monitor.t("statistics.table.profile"))
        published, axes = table_of(monitor.page)
    numbers = [value for value in published.values() if value is not None]
    assert published[(TOTAL, TOTAL, TOTAL)] == 102
    assert len(numbers) >= 4
    assert min(numbers) >= THRESHOLD
    assert given_back(published, axes) == []
    sums = with_margins(
        {
            tuple(axis[place] for axis, place in zip(axes, places, strict=True)): TRUTH.get(places, 0)
            for places in product(*(range(len(axis)) for axis in axes))
        },
        axes,
    )
    assert all(value is None or value == sums[key] for key, value in published.items())
    assert narrowest(published, axes, sums) >= THRESHOLD - 1e-6


def table_of(page: Page) -> tuple[dict[Key, int | None], list[list[str]]]:
    """The table on the page: its numbers by nationality, sex and age group, and the names of each."""
    table = page.locator("table.rt").first
    head = table.locator("thead th").all_inner_texts()
    lines = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    names = [list(dict.fromkeys(line[place] for line in lines)) for place in (0, 1)]
    everybody = lines[-1][0]

    def key(*parts: str) -> Key:
        return tuple(TOTAL if part == everybody else part for part in parts)

    axes = [[name for name in each if name != everybody] for each in (*names, head[2:-1])]
    # Rows of hidden cells only are not shown; who knows the office knows that there are two nationalities more.
    axes[0] += [f"not shown {number}" for number in range(len(axes[0]), NATIONALITIES)]
    cells: dict[Key, int | None] = dict.fromkeys(product(*([*axis, TOTAL] for axis in axes)))
    for line in lines:
        for age, text in zip(head[2:], line[2:], strict=True):
            digits = re.sub(r"\D", "", text)
            cells[key(line[0], line[1], everybody if age == head[-1] else age)] = int(digits) if digits else None
    return cells, axes


# ---- 16: an auditor finds an altered row -----------------------------------------------------------------------------


def test_an_auditor_finds_the_entry_that_was_altered_underneath(made: JourneyOffice, chromium: Browser) -> None:
    made.at(NOW)
    with Desk(chromium, made.office, "auditor") as auditor:
        auditor.open("/audit?show=log")
        auditor.see("El registro está entero")
        number, act = altered(made.office.folder / "office.db")
        auditor.open("/audit?show=log")
        auditor.see(f"El registro está roto en la entrada {number}:")
        restored(made.office.folder / "office.db", number, act)
        auditor.open("/audit?show=log")
        auditor.see("El registro está entero")


def altered(file: Path) -> tuple[int, str]:
    """Change an entry of the log past the program; gives its number and the act that stood there."""
    with closing(sqlite3.connect(file, timeout=20)) as connection:
        number, act = connection.execute(
            "SELECT sequence, act FROM audit_entry WHERE act = 'changes.hold' ORDER BY sequence LIMIT 1"
        ).fetchone()
    restored(file, number, "intake.read")
    return number, act


def restored(file: Path, number: int, act: str) -> None:
    """Write an act into an entry, with the database's own guard taken away and put back."""
    with closing(sqlite3.connect(file, timeout=20)) as connection:
        guards = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'"
        ).fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit_entry SET act = ? WHERE sequence = ?", (act, number))
        for _, statement in guards:
            connection.execute(statement)
        connection.commit()


# ---- 17: plain pages for everyone, and a name in Arabic letters -----------------------------------------------------


@pytest.mark.parametrize(
    ("login", "kind"),
    [
        ("border_post", "border_post/GT-HN-COR-B"),
        ("reception", "reception/HN-CAMR-OMOA"),
        ("escort", "escort/" + ESCORT_ID),
    ],
)
def test_plain_pages_are_worked_with_keys_alone_and_speak_words_in_three_languages(
    made: JourneyOffice, chromium: Browser, login: str, kind: str
) -> None:
    made.at(made.escorted.depart_at - timedelta(hours=2))
    one = f"/post/{made.escorted.movement_id}/{kind}"
    pages = {"list": "/post", "one": one} | ({"unfit": f"{one}/unfit"} if login == "escort" else {})
    wrong: list[str] = []
    for lang in ("es", "en", "fr"):
        with Desk(chromium, made.office, login, lang=lang, width=360) as desk:
            for name, address in pages.items():
                desk.open(address)
                wrong += [f"{lang} {address}: {key}" for key in raw_keys(desk.page)]
                if lang == "es":
                    wrong += [f"{address}: not reached {each}" for each in unreached(desk.page)]
                    keep(desk, f"{login}-{name}-phone")
    assert not wrong, "\n".join(wrong)


def test_a_name_in_arabic_letters_reads_from_the_right_on_screen_and_stands_on_the_printed_list(
    made: JourneyOffice, chromium: Browser
) -> None:
    made.at(made.escorted.depart_at - timedelta(hours=2))
    name = " ".join(ARABIC)
    address = f"/post/{made.escorted.movement_id}/border_post/GT-HN-COR-B"
    with Desk(chromium, made.office, "border_post", script=False) as post:
        post.open(address)
        shown = post.page.locator("bdi", has_text=ARABIC[0]).first
        assert shown.inner_text() == name
        assert shown.evaluate("element => getComputedStyle(element).direction") == "rtl"
        pdf = post.context.request.get(f"{made.office.origin}{address}/pdf").body()
    with Desk(chromium, made.office, "consulate_hn") as consulate:
        consulate.open("/consulate")
        cell = consulate.page.locator("dd, td").filter(has_text=ARABIC[0]).first
        assert cell.inner_text() == name
        assert cell.evaluate("element => getComputedStyle(element).direction") == "rtl"
    printed = "".join(unicodedata.normalize("NFKC", text_of(pdf)).split())
    letters = "".join(name.split())
    assert (
        letters in printed
        or letters[::-1] in printed
        or all(word in printed or word[::-1] in printed for word in name.split())
    )
