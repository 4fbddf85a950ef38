"""A camera's page in a real browser: zones by mouse, finger and keys, and what reaches the settings file."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.access.accounts import Accounts
from daemon.access.rights import Account, Role
from pipeline.clock import SystemClock
from tests import media
from tests.browsers import needs_chromium, open_page, playwright, running_browser
from tests.daemons import DaemonProcess
from tests.servers import free_port, wait_until

pytestmark = [pytest.mark.e2e, needs_chromium]

PASSWORD = "a password of my own"
CAMERA = """\

# The porch, from above the door.
[cameras.porch]
url = "{video}"  # a recording
loop = true

# The street, which is nobody's business.
[cameras.porch.zones.street]
polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.25]]

# ---- until here ----
"""
# As they are clicked, in fractions of the picture; the page rounds to thousandths.
DOOR = [(0.6, 0.4), (0.9, 0.4), (0.9, 0.8), (0.6, 0.8)]


@contextmanager
def running(folder: Path, http: str = "") -> Iterator[DaemonProcess]:
    """Run a daemon with one camera, whose settings are commented."""
    video = media.write_video(folder / "clip.mp4", media.moving_square(20))
    daemon = DaemonProcess(folder / "daemon", mqtt_port=free_port(), cameras={})
    daemon.extra = CAMERA.format(video=video)
    daemon.http = http
    daemon.start()
    try:
        wait_until(lambda: daemon.camera_up("porch"), 20, what="the camera")
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Iterator[DaemonProcess]:
    with running(tmp_path_factory.mktemp("house")) as daemon:
        yield daemon


@pytest.fixture
def daemon(started) -> DaemonProcess:
    """Return a daemon on the settings that the file begins with."""
    reloads = started.log().count("settings reloaded")
    started.write_config()
    started.hang_up()
    wait_until(lambda: started.log().count("settings reloaded") > reloads, 10, what="the reload")
    return started


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with running_browser() as browser:
        yield browser


@contextmanager
def page_of(browser, daemon, **options) -> Iterator["playwright.Page"]:
    """Open the camera's page."""
    with open_page(browser, daemon.http_port, **options) as page:
        page.goto("/cameras/porch")
        yield page


@pytest.fixture
def page(browser, daemon) -> Iterator["playwright.Page"]:
    with page_of(browser, daemon) as page:
        playwright.expect(page.get_by_role("button", name="Draw a zone")).to_be_visible()
        yield page


def zones(daemon: DaemonProcess) -> dict[str, list]:
    camera = tomllib.loads(daemon.config.read_text())["cameras"]["porch"]
    return {name: zone["polygon"] for name, zone in camera["zones"].items()}


def place(page: "playwright.Page", point: tuple[float, float]) -> tuple[float, float]:
    """Return where on the screen a point of the picture is."""
    page.locator("#outlines").scroll_into_view_if_needed()
    box = page.locator("#outlines").bounding_box()
    return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]


def draw(page: "playwright.Page", points: list[tuple[float, float]]) -> None:
    page.get_by_role("button", name="Draw a zone").click()
    for point in [*points, points[0]]:
        page.mouse.click(*place(page, point))


def save(page: "playwright.Page", outcome: str = "Saved, and in use.") -> None:
    page.get_by_role("button", name="Save").click()
    playwright.expect(page.locator("#outcome")).to_have_text(outcome, timeout=20_000)


def near(polygon: list, expected: list) -> bool:
    """Say whether a polygon is another one, up to the pixel that was hit."""
    return [len(polygon)] == [len(expected)] and all(
        abs(x - u) < 0.005 and abs(y - v) < 0.005 for (x, y), (u, v) in zip(polygon, expected, strict=True)
    )


def test_a_zone_is_drawn_named_watched_and_in_the_file_with_every_comment(page, daemon):
    before = daemon.config.read_text()
    draw(page, DOOR)
    page.keyboard.type("door")
    page.keyboard.press("Tab")
    page.locator("#zones li").nth(1).get_by_role("button", name="Watch it").click()
    page.get_by_label("from").fill("21:00")
    page.get_by_label("to", exact=True).fill("07:00")
    page.get_by_label("alarms a day accepted").fill("2.5")
    save(page)
    text = daemon.config.read_text()
    assert [line for line in before.splitlines() if line not in text.splitlines()] == []
    assert near(zones(daemon)["door"], DOOR)
    camera = tomllib.loads(text)["cameras"]["porch"]
    assert camera["rules"] == [{"do": "watch", "zone": "door", "begin": "21:00", "end": "07:00"}]
    assert camera["budget_per_day"] == 2.5
    assert "settings reloaded: 1 cameras" in daemon.log()
    page.reload()
    playwright.expect(page.locator("#outlines .outline")).to_have_count(2)


def test_an_outline_that_crosses_itself_is_not_closed_and_shown_at_once(page, daemon):
    draw(page, [DOOR[0], DOOR[2], DOOR[1], DOOR[3]])
    playwright.expect(page.locator("#hint")).to_contain_text("the outline crosses itself: edges 1 and 3 meet")
    playwright.expect(page.locator(".sketch[data-wrong]")).to_have_count(1)
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#zones li")).to_have_count(1)


def test_a_corner_that_is_dragged_across_is_refused_by_the_daemon_beside_its_zone(page, daemon):
    draw(page, DOOR)
    before = daemon.config.read_bytes()
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(*place(page, DOOR[1]))
    page.mouse.down()
    page.mouse.move(*place(page, (0.5, 0.6)), steps=5)
    page.mouse.up()
    row = page.locator("#zones li").nth(1)
    playwright.expect(row.locator(".mistake")).to_contain_text("crosses itself")
    playwright.expect(page.locator(".outline[data-wrong]")).to_have_count(1)
    save(page, "Nothing was saved.")
    playwright.expect(row.locator(".mistake")).to_contain_text("is not allowed: the polygon crosses itself")
    assert daemon.config.read_bytes() == before


def test_a_zone_is_changed_by_keys_alone(page, daemon):
    page.locator("#outlines .outline").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="corner 3 of 3 of street").focus()
    for key in (
        "ArrowDown",
        "Shift+ArrowDown",
        "Insert",
    ):  # 0.005 and 0.05 down, and one more before the first
        page.keyboard.press(key)
    for _ in range(2):
        page.keyboard.press("Shift+ArrowLeft")
    save(page)
    # Half way from (1, 0.305) to (0, 0) is (0.5, 0.1525), rounded to 0.153 or 0.152, and a tenth to the left.
    assert near(zones(daemon)["street"], [(0, 0), (1, 0), (1, 0.305), (0.4, 0.1525)])


def test_a_zone_is_drawn_by_keys_alone(page, daemon):
    page.get_by_role("button", name="Draw a zone").press("Enter")
    for keys in ([], ["Shift+ArrowRight"] * 4, ["Shift+ArrowDown"] * 4):  # from the middle, a fifth each way
        for key in [*keys, "Enter"]:
            page.keyboard.press(key)
    page.get_by_role("button", name="Close the outline").press("Enter")
    save(page)
    assert zones(daemon)["zone-2"] == [[0.5, 0.5], [0.7, 0.5], [0.7, 0.7]]


def test_a_corner_is_deleted_and_comes_back_by_undo(page, daemon):
    draw(page, DOOR)
    corner = page.get_by_role("button", name="corner 4 of 4 of zone-2")
    corner.focus()
    page.keyboard.press("Delete")
    playwright.expect(corner).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    playwright.expect(corner).to_have_count(1)


def test_a_zone_is_drawn_by_a_finger_on_a_phone(browser, daemon):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with page_of(browser, daemon, **phone) as page:
        page.get_by_role("button", name="Draw a zone").tap()
        for point in [*DOOR, DOOR[0]]:
            page.touchscreen.tap(*place(page, point))
        save(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [round(x, 2) for x, _ in zones(daemon)["zone-2"]] == [0.6, 0.9, 0.9, 0.6]


def test_of_two_who_edit_the_second_is_told_and_nothing_of_the_first_is_lost(page, browser, daemon):
    with page_of(browser, daemon) as other:
        other.get_by_label("alarms a day accepted").fill("4")
        save(other)
    page.get_by_label("what it looks at").fill("the door")
    save(page, "Nothing was saved.")
    playwright.expect(page.get_by_role("alert").filter(has_text="load them again")).to_be_visible()
    camera = tomllib.loads(daemon.config.read_text())["cameras"]["porch"]
    assert (camera["budget_per_day"], "description" in camera) == (4.0, False)


def test_what_is_typed_before_the_script_is_ready_stays(browser, daemon):
    with open_page(browser, daemon.http_port) as page:
        waiting = []

        def hold(route):
            waiting.append(route)

        page.route("**/api/v1/cameras/porch/settings", hold, times=1)
        page.goto("/cameras/porch", wait_until="domcontentloaded")
        page.get_by_label("alarms a day accepted").fill("4")
        wait_until(lambda: page.evaluate("1") and waiting, 10, what="the script's question")
        waiting[0].continue_()
        playwright.expect(page.get_by_role("button", name="Draw a zone")).to_be_visible()
        save(page)
    assert tomllib.loads(daemon.config.read_text())["cameras"]["porch"]["budget_per_day"] == 4.0


def test_a_mistake_stands_beside_its_field(page, daemon):
    page.get_by_label("time zone of its rules").fill("Mars/Olympus")
    save(page, "Nothing was saved.")
    mistake = page.locator('[data-problem-of="time_zone"]')
    playwright.expect(mistake).to_contain_text('"Mars/Olympus" is not allowed')


def test_the_form_works_without_a_script(browser, daemon):
    with page_of(browser, daemon, java_script_enabled=False) as page:
        page.get_by_label("keep a video of each event").uncheck()
        page.get_by_role("button", name="Save").click()
        playwright.expect(page.locator("#outcome")).to_have_text("Saved.")
    assert tomllib.loads(daemon.config.read_text())["cameras"]["porch"]["clips"] is False


def test_a_camera_comes_and_goes_without_a_restart(page, daemon):
    before = daemon.config.read_text()
    page.goto("/")
    page.get_by_role("link", name="Add a camera").click()
    page.get_by_label(re.compile("^name")).fill("pond")
    page.get_by_label("URL").fill(tomllib.loads(before)["cameras"]["porch"]["url"])
    page.get_by_role("button", name="Add the camera").click()
    page.wait_for_url("**/cameras/pond")
    wait_until(lambda: daemon.camera_up("pond"), 10, what="the new camera")
    page.get_by_text("Remove this camera").click()
    page.get_by_label(re.compile("Take it out")).check()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_url(lambda url: url.endswith("/"))
    wait_until(lambda: "camera pond: stopped: The camera was taken out" in daemon.log(), 10, what="its end")
    assert daemon.config.read_text() == before


def test_a_viewer_sees_zones_and_settings_and_no_control(browser, tmp_path):
    with running(tmp_path, 'login = "always"') as daemon, page_of(browser, daemon) as page:
        Accounts(daemon.data_dir, SystemClock()).add(Account("vera", Role.VIEWER), PASSWORD)
        page.get_by_label("name").fill("vera")
        page.get_by_label("password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/cameras/porch")
        playwright.expect(page.locator("#outlines .outline")).to_have_count(1)
        playwright.expect(page.get_by_role("button")).to_have_count(0)
        page.goto("/")
        page.get_by_role("link", name="zones and settings").wait_for()
        playwright.expect(page.get_by_role("button")).to_have_count(0)
        playwright.expect(page.get_by_role("spinbutton")).to_have_count(0)
