"""The light door in a real browser without JavaScript: border post, escort and reception point do their day's work.

Every page is held to its size, to a width of 320 pixels and to the accessibility checker, in three languages.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.ui import light_office
from tests.ui.light_office import LightOffice
from tests.ui.serving import PASSWORD

pytestmark = pytest.mark.browser
MOST_BYTES = 60_000
"""Of a page with 60 people; a page with 18 of them may have its frame and 18 of the 60 rows."""
FRAME_BYTES = 12_000
SMALLEST_TARGET = 24


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightOffice]:
    """The office with its day at the border: 18 people on the first coach, names in six scripts and lengths."""
    made = light_office.start(tmp_path_factory.mktemp("light"), people=18)
    yield made
    made.close()


def window(browser: Browser, *, lang: str = "es", width: int = 1280, script: bool = False) -> BrowserContext:
    return browser.new_context(
        viewport={"width": width, "height": 800}, locale=lang, java_script_enabled=script, reduced_motion="reduce"
    )


def sign_in(context: BrowserContext, served: LightOffice, login: str, lang: str = "es") -> Page:
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{served.office.origin}/login?lang={lang}")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    return page


def address(served: LightOffice, movement_id: str, party: str) -> str:
    return f"{served.office.origin}/post/{movement_id}/{party}"


BORDER, OMOA, ELENA = "border_post/GT-HN-COR-B", "reception/HN-CAMR-OMOA", "escort/E-TEST000001"


@pytest.mark.parametrize(
    "lang", ["es", pytest.param("en", marks=pytest.mark.long), pytest.param("fr", marks=pytest.mark.long)]
)
def test_every_plain_page_is_small_narrow_and_accessible(served: LightOffice, chromium: Browser, lang: str) -> None:
    full, second, stopped = served.full.movement_id, served.second.movement_id, served.stopped.movement_id
    served.at(served.full.depart_at - timedelta(hours=20))
    pages = {
        None: ["/login?next=/post", "/verify/not-a-code"],
        "border_post": [
            "/post",
            f"/post/{full}/{BORDER}",
            f"/post/{second}/{BORDER}",
            f"/post/{stopped}/{BORDER}",
            "/post/nowhere",
        ],
        "escort": [*(f"/post/{full}/{ELENA}{more}" for more in ("", "/unfit", "/withdraw"))],
        "reception": [f"/post/{full}/{OMOA}"],
    }
    axe, wrong = Axe(), []
    for login, paths in pages.items():
        with window(chromium, lang=lang, width=320, script=True) as context:
            if login:
                page = sign_in(context, served, login, lang)
            else:
                page = context.new_page()
                page.goto(f"{served.office.origin}/login?lang={lang}")
            for path in paths:
                page.goto(served.office.origin + path)
                wrong += [f"{login} {path}: {fault}" for fault in faults_of(page, axe, lang)]
    assert wrong == []


def faults_of(page: Page, axe: Axe, lang: str) -> list[str]:
    """What is wrong with a page: size, width, language, small targets, axe's findings."""
    found = []
    size = len(page.content().encode())
    if size > FRAME_BYTES + (MOST_BYTES - FRAME_BYTES) * 18 / 60:
        found.append(f"{size} bytes")
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > 320:
        found.append(f"{width} pixels wide")
    if page.get_attribute("html", "lang") != lang:
        found.append("another language")
    if page.locator("script").count():
        found.append("a script")
    small = page.evaluate(
        """least => [...document.querySelectorAll('button, .button, input:not([type=hidden]), select, summary')]
        .filter(e => e.offsetParent && (e.offsetHeight < least || e.offsetWidth < least)).map(e => e.outerHTML)""",
        SMALLEST_TARGET,
    )
    found += [f"small: {each[:80]}" for each in small]
    tags = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    for violation in axe.run(page, options=tags).response["violations"]:
        nodes = [node["html"][:100] for node in violation["nodes"][:2]]
        found.append(f"axe {violation['id']}: {nodes}")
    return found


def test_a_border_post_without_script_acknowledges_ticks_and_signs(served: LightOffice, chromium: Browser) -> None:
    served.at(served.full.depart_at + timedelta(hours=8, minutes=10))
    with window(chromium) as context:
        page = sign_in(context, served, "border_post")
        page.get_by_text("No deje usar esta nómina").wait_for()
        page.get_by_role("row", name=served.second.label).get_by_role("link", name="Abrir lista").click()
        page.get_by_role("button", name="Acusar recibo de la versión 1").click()
        page.get_by_text("Acuse de recibo registrado").wait_for()
        page.reload()
        assert page.get_by_role("button", name="Acusar recibo").count() == 0
        page.goto(address(served, served.full.movement_id, BORDER))
        assert page.locator("table tbody tr").count() == 18 + 1  # and the line to sign on paper
        for name in ("فاطمة الزهراء", "ዘውዲቱ", "王"):
            assert page.get_by_text(name).count() >= 1
        page.get_by_label("Números de quienes no llegaron").fill("4, 17")
        page.get_by_role("button", name="Registrar: las demás llegaron").click()
        page.get_by_text("16 llegaron, 2 no viajan, 0 sin marcar, de 18.").wait_for()
        # One tick is changed and saved with the keyboard alone.
        page.locator('input[value="arrived"]').nth(3).focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.get_by_text("17 llegaron, 1 no viajan, 0 sin marcar, de 18.").wait_for()
        page.get_by_role("button", name="Firmar la entrega").last.click()
        assert "falta quién recibe" in page.inner_text(".faults")
        page.get_by_label("Recibido por").fill("Oficial Inventada, turno B")
        page.get_by_role("button", name="Firmar la entrega").last.click()
        page.get_by_role("heading", name="Revise antes de firmar la entrega").wait_for()
        page.get_by_role("button", name="Firmar la entrega de 17 personas").click()
        page.get_by_text("Entrega firmada: 17 personas, recibidas por Oficial Inventada, turno B.").wait_for()
        assert page.locator("input[type=radio]").count() == 0


def test_a_session_that_ended_leads_back_to_where_one_was(served: LightOffice, chromium: Browser) -> None:
    served.at(served.full.depart_at - timedelta(hours=10))
    with window(chromium, lang="fr", width=360) as context:
        page = sign_in(context, served, "border_post", "fr")
        page.goto(address(served, served.second.movement_id, BORDER))
        where = page.url
        served.at(served.full.depart_at - timedelta(hours=9))
        page.goto(where)
        page.get_by_text("pour arriver à la page demandée").wait_for()
        page.fill("#login", "border_post")
        page.fill("#password", PASSWORD)
        page.click("main button")
        assert page.url == where
        served.at(served.full.depart_at - timedelta(hours=8))
        page.get_by_text("Le véhicule est en retard").click()
        page.get_by_label("De combien").select_option("60")
        page.get_by_role("button", name="Signaler le retard").click()
        page.get_by_text("Votre dernier envoi n'a pas été enregistré").wait_for()


def test_a_list_that_updates_itself_does_not_keep_a_session_alive(served: LightOffice, chromium: Browser) -> None:
    begin = served.full.depart_at - timedelta(hours=30)
    served.at(begin)
    cookie = served.office.sign_in("reception")
    for minutes in (0, 10, 20):
        served.at(begin + timedelta(minutes=minutes))
        assert served.office.ask("GET", "/post/now", cookie=cookie).status == 200
    served.at(begin + timedelta(minutes=31))
    assert served.office.ask("GET", "/post/now", cookie=cookie).status == 303


def test_an_escort_on_a_phone_takes_somebody_off_who_no_longer_wants(served: LightOffice, chromium: Browser) -> None:
    served.at(served.full.depart_at + timedelta(hours=3))
    with window(chromium, width=360) as context:
        page = sign_in(context, served, "escort")
        page.get_by_role("link", name="Abrir el viaje").click()
        page.get_by_role("link", name="Ya no quiere volver").click()
        page.get_by_role("button", name="Continuar").click()
        assert "No eligió a nadie" in page.inner_text(".faults")
        page.locator("input[type=radio]").nth(4).check()
        page.get_by_role("button", name="Continuar").click()
        page.get_by_role("heading", name="ya no quiere volver").wait_for()
        assert "Su familia baja también" in page.inner_text("main")
        page.get_by_role("button", name="Registrar el retiro").click()
        page.get_by_text("Bajan 3, siguen 15. Nómina nueva: versión 2.").wait_for()
        page.get_by_text("Contar aquí").nth(2).click()
        page.get_by_label("¿Cuántas personas").nth(2).fill("15")
        page.get_by_role("button", name="Anotar").click()
        page.get_by_text("Anotado: 15 a bordo, como en la nómina.").wait_for()
    with window(chromium) as context:
        post = sign_in(context, served, "border_post")
        post.get_by_text("La versión 2 reemplaza a la 1: destruya la 1.").first.wait_for()


def test_a_reception_point_records_who_came_with_municipality(served: LightOffice, chromium: Browser) -> None:
    served.at(served.full.depart_at + timedelta(hours=9, minutes=5))
    with window(chromium, width=640) as context:
        page = sign_in(context, served, "reception")
        page.goto(address(served, served.full.movement_id, OMOA))
        assert "Municipio final: El Progreso" in page.inner_text("main")
        page.get_by_role("button", name="Acusar recibo de la versión 2").click()
        page.get_by_role("button", name="Registrar: las demás llegaron").click()
        page.get_by_text("15 llegaron, 0 no viajan, 0 sin marcar, de 15.").wait_for()
        page.get_by_label("Recibido por").fill("Trabajadora Inventada")
        page.get_by_role("button", name="Firmar la entrega").last.click()
        page.get_by_role("button", name="Firmar la entrega de 15 personas").click()
        page.get_by_text("Entrega firmada: 15 personas").wait_for()
