"""Every page in a real browser, on a phone and a desktop, light and dark: whether all can see and use it.

The pictures that it takes stay in .artifacts/ (or $CI_ARTIFACTS), to be looked at.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from daemon.access.accounts import Accounts
from daemon.access.guard import COOKIE, Policy
from daemon.access.rights import Account, Role
from daemon.config import HttpTable
from daemon.recent_scores import curve, curve_words
from daemon.web import Door, create_app
from pipeline.clock import SystemClock
from tests.backstages import EVENT_ID, logged
from tests.browsers import needs_chromium, playwright, running_browser
from tests.documents.snippets import REPOSITORY
from tests.galleries import Gallery, event_id, write_gallery
from tests.visitors import served

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
pytestmark = [pytest.mark.e2e, needs_chromium]
PICTURES = Path(os.environ.get("CI_ARTIFACTS", REPOSITORY / ".artifacts")) / "pages"
# A page that is added here is looked at in all its forms.
PAGES = {
    "login": "/login",
    "cameras": "/",
    "archive": "/events",
    "archive-empty": "/events?label=nothing",
    "event": f"/events/{event_id(1)}",
    "event-of-the-camera": f"/events/{event_id(2)}",
    "event-not-found": "/events/gone",
    "search": "/search?words=fall",
    "review": "/review",
    "system": "/system",
    "account": "/account",
    "camera": "/cameras/porch",
    "new-camera": "/cameras",
}
FORMS = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "desktop": {"viewport": {"width": 1280, "height": 800}},
}
TABBABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, video[controls]"
# Marks each element that Tab should reach; a video's own buttons are the browser's affair.
MARK = """selector => [...document.querySelectorAll(selector)]
    .filter(e => e.tabIndex >= 0 && e.checkVisibility() && !e.disabled)
    .map((e, n) => { e.dataset.stop = n; return `${n} ${e.outerHTML.slice(0, 80)}`; })"""
FOCUSED = """() => { const e = document.activeElement, s = getComputedStyle(e);
    return [e.dataset.stop ?? null, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; }"""
# What lies below the window is loaded when it comes into view; a picture of the whole page shows all.
LOAD_ALL = """() => Promise.all([...document.images].filter(image => image.src).map(image => {
    image.loading = "eager";
    return image.decode().catch(() => null); }))"""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the gallery is served, and the key of a session."""

    url: str
    key: str
    gallery: Gallery


@dataclass
class Visit:
    """A page that is open, and what was wrong on the way."""

    page: "playwright.Page"
    errors: list = field(default_factory=list)
    strangers: list = field(default_factory=list)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """Serve the gallery to who has an account."""
    folder = tmp_path_factory.mktemp("site")
    accounts = Accounts(folder, SystemClock())
    accounts.add(Account("anna", Role.ADMIN), "correct horse battery")
    door = Door(accounts, Policy(asks=True), SystemClock())
    gallery = write_gallery(folder)
    with served(create_app(gallery, CollectorRegistry(), HttpTable(), door=door)) as url:
        yield Site(url, accounts.begin_session("anna", 3600.0), gallery)


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(params=["light", "dark"])
def scheme(request) -> str:
    return request.param


@pytest.fixture(params=list(FORMS))
def form(request) -> str:
    return request.param


@pytest.fixture(params=list(PAGES))
def name(request) -> str:
    return request.param


@pytest.fixture
def visit(site, browser, name, form, scheme) -> Iterator[Visit]:
    """Open a page as somebody who has logged in, unless it is the page of the login."""
    url = site.url
    context = browser.new_context(base_url=url, color_scheme=scheme, locale="en-GB", **FORMS[form])
    if name != "login":
        context.add_cookies([{"name": COOKIE, "value": site.key, "url": url}])
    visit = Visit(context.new_page())
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("console", lambda said: said.type == "error" and visit.errors.append(said.text))
    visit.page.on("request", lambda sent: sent.url.startswith(url) or visit.strangers.append(sent.url))
    visit.page.goto(PAGES[name], wait_until="load")
    yield visit
    context.close()


def test_everybody_can_see_and_use_every_page(visit, name, form, scheme):
    visit.page.evaluate(LOAD_ALL)
    visit.page.screenshot(path=PICTURES / f"{name}-{form}-{scheme}.png", full_page=True)
    found = axe.Axe().run(visit.page).response["violations"]
    serious = [
        (one["id"], [node["target"] for node in one["nodes"]], one["nodes"][0]["failureSummary"])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= FORMS[form]["viewport"]["width"], "the page scrolls sideways"
    # A page that is not there is told as such by the browser, too.
    assert [error for error in visit.errors if name != "event-not-found"] == []
    assert visit.strangers == []


@pytest.mark.parametrize("scheme", ["light"], indirect=True)
@pytest.mark.parametrize("form", ["desktop"], indirect=True)
def test_everything_is_reached_by_tab_and_shows_that_it_is(visit):
    wanted = visit.page.evaluate(MARK, TABBABLE)
    visit.page.evaluate("document.activeElement.blur()")
    reached = {}
    for _ in range(3 * len(wanted) + 12):  # videos and dates have stops of their own within
        visit.page.keyboard.press("Tab")
        stop, is_visible = visit.page.evaluate(FOCUSED)
        if stop is not None:
            reached[int(stop)] = is_visible or reached.get(int(stop), False)
    assert [text for number, text in enumerate(wanted) if number not in reached] == []
    assert [wanted[number] for number, is_visible in reached.items() if not is_visible] == []


@pytest.mark.parametrize("scheme", ["light"], indirect=True)
@pytest.mark.parametrize("form", ["phone"], indirect=True)
@pytest.mark.parametrize("name", ["cameras"], indirect=True)
def test_an_event_comes_into_an_open_page_by_itself(visit, site):
    before = site.gallery.log
    site.gallery.log = (*before, logged(2000, label="smoke"))
    row = visit.page.locator(f'#events > [data-id="{EVENT_ID}"]')
    playwright.expect(row).to_contain_text("smoke", timeout=5000)  # it is asked for every second
    assert row.evaluate("row => row === row.parentElement.firstElementChild")
    site.gallery.log = before


@pytest.mark.parametrize("scheme", ["light"], indirect=True)
@pytest.mark.parametrize("form", ["desktop"], indirect=True)
@pytest.mark.parametrize("name", ["cameras"], indirect=True)
def test_the_script_draws_and_tells_the_last_scores_as_the_server_does(visit, site):
    before = site.gallery.all_cameras
    scores = (0.25, None, 0.634, 0.5, 0.3, 0.9, 0.126)
    site.gallery.all_cameras = (replace(before[0], recent_scores=scores), *before[1:])
    drawn = visit.page.locator(f'[data-name="{before[0].name}"] .curve')
    playwright.expect(drawn).to_have_attribute("aria-label", curve_words(scores), timeout=8000)
    assert drawn.locator(".scores").get_attribute("d") == curve(scores)
    site.gallery.all_cameras = before
