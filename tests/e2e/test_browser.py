"""The pages in a real browser, from a running daemon: what only that can say about forms and scripts."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.snapshots import SnapshotStore
from pipeline.clock import SystemClock
from pipeline.evidence import Reason, snapshot
from pipeline.heat import heat_layer
from pipeline.privacy import EVERYTHING_SHOWN
from pipeline.types import Region
from tests import media
from tests.browsers import needs_chromium, open_page, playwright, running_browser
from tests.daemons import DaemonProcess
from tests.logs import log_of
from tests.servers import free_port
from tests.stations import event

pytestmark = [pytest.mark.e2e, needs_chromium]

COUNT = 250
PASSWORD = "a password of my own"


SHOWN = replace(event(COUNT), id="00cpd7gq3g0123456789abc", label="shown")


def keep_snapshot(folder: Path) -> None:
    """Keep pictures of the event SHOWN, as the daemon does."""
    original = av.VideoFrame.from_ndarray(media.scene(), format="rgb24")
    layer = heat_layer(np.eye(14, dtype=np.float32), EVERYTHING_SHOWN.hidden_cells)
    taken = snapshot(EVERYTHING_SHOWN.picture_of(original), Reason(Region(0.2, 0.3, 0.25, 0.25), layer))
    store = SnapshotStore(folder, 1.0, SystemClock())
    store.save(SHOWN, replace(taken, outlines={"path": ((0.1, 0.5), (0.9, 0.5), (0.5, 0.9))}))


@pytest.fixture
def daemon(tmp_path) -> Iterator[DaemonProcess]:
    """Run a daemon that asks for a login and whose log holds COUNT events, ten of them falls."""
    daemon = DaemonProcess(tmp_path / "daemon", mqtt_port=free_port(), cameras={})
    daemon.http = 'login = "always"'
    with log_of(daemon.data_dir, SystemClock()) as log:
        for number in range(COUNT - 1):
            log.append(replace(event(number), label="fall" if number % 25 == 0 else "unusual"))
        log.append(SHOWN)
    keep_snapshot(daemon.data_dir / "snapshots")
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def page(daemon) -> Iterator["playwright.Page"]:
    """Open an empty page of a browser that has not been there yet; a script's error fails the test."""
    with running_browser() as browser, open_page(browser, daemon.http_port) as page:
        yield page


def log_in(page: "playwright.Page", password: str) -> None:
    page.get_by_label("name").fill("admin")
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Log in").click()


def come_in(page: "playwright.Page", daemon: DaemonProcess) -> None:
    """Log in with the password of the log, and choose another."""
    first = re.search(r"as admin with (\S+)", daemon.log())[1]
    page.goto("/account")
    log_in(page, first)
    page.get_by_label("present password").fill(first)
    page.get_by_label(re.compile("^new password")).fill(PASSWORD)
    page.get_by_label("once more").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    page.wait_for_url("**/")


def test_the_first_admin_chooses_a_password_and_it_is_the_one_that_counts(page, daemon):
    come_in(page, daemon)
    page.goto("/account")
    page.get_by_role("button", name="Log out").click()
    page.goto("/events?label=fall")
    log_in(page, "a guess of ten letters")
    playwright.expect(page.get_by_role("alert")).to_be_visible()
    log_in(page, PASSWORD)
    page.wait_for_url("**/events?label=fall")


def test_the_archive_brings_older_events_when_its_end_comes_into_view(page, daemon):
    come_in(page, daemon)
    page.goto("/events")
    rows = page.locator("#events > li")
    playwright.expect(rows.first).to_be_visible()
    assert rows.count() < COUNT
    older = page.locator("#older")
    while older.count():
        before = rows.count()
        page.mouse.wheel(0, 100_000)
        playwright.expect(rows).not_to_have_count(before)
    assert rows.count() == COUNT


def test_a_filter_leads_to_an_event_and_its_page(page, daemon):
    come_in(page, daemon)
    page.goto("/events")
    page.get_by_label("label").select_option("fall")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**label=fall**")
    rows = page.locator("#events > li")
    playwright.expect(rows).to_have_count(10)
    rows.first.locator("strong a").click()
    playwright.expect(page.get_by_role("heading", level=2).first).to_contain_text(
        re.compile("fall", re.IGNORECASE)
    )


def test_each_layer_over_an_event_s_picture_is_switched_off_and_on_by_its_label_and_by_keyboard(page, daemon):
    come_in(page, daemon)
    page.goto(f"/events/{SHOWN.id}")
    layers = {"place": "rect.box", "zones": "g.zones", "heat map": "img.heat"}
    for label, layer in layers.items():
        playwright.expect(page.locator(layer)).to_be_visible()
        page.get_by_label(label).uncheck()
        playwright.expect(page.locator(layer)).to_be_hidden()
        page.get_by_label(label).press("Space")
        playwright.expect(page.locator(layer)).to_be_visible()


def test_the_layers_lie_over_the_picture_and_are_as_large(page, daemon):
    come_in(page, daemon)
    page.goto(f"/events/{SHOWN.id}")
    picture, *layers = (
        page.locator(f".stack {part}").bounding_box() for part in ("img:not(.heat)", "img.heat", "svg")
    )
    for layer in layers:
        assert [layer[side] for side in picture] == pytest.approx(list(picture.values()), abs=1)
    box = page.locator("rect.box").bounding_box()
    assert box["x"] - picture["x"] == pytest.approx(0.2 * picture["width"], abs=3)
    assert box["width"] == pytest.approx(0.25 * picture["width"], abs=5)
