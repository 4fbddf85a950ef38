"""Search in a real browser, from a running daemon: the box of the archive, and more like this."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from daemon.search.index import SearchIndex
from models.checkpoint import DEFAULT_DIR, load_checkpoint
from models.clip_vector import ClipReader, pack
from models.word_table import WordTable
from pipeline.clock import SystemClock
from pipeline.events import new_event_id
from pipeline.types import Event, EventKind, EventPhase, Severity
from tests.browsers import needs_chromium, open_page, playwright, running_browser
from tests.daemons import DaemonProcess
from tests.logs import log_of
from tests.servers import free_port

pytestmark = [pytest.mark.e2e, needs_chromium]

CHECKPOINT = load_checkpoint(DEFAULT_DIR)
CLOCK = SystemClock()


def about(words: str) -> bytes:
    """Return the vector of a clip that looks as words say."""
    return pack(WordTable.load(CHECKPOINT).query(words).direction)


def event(minutes_ago: float, label: str, explanation: str, vector: bytes) -> Event:
    start_utc_s = CLOCK.utc_s() - 60 * minutes_ago
    return Event(
        id=new_event_id(start_utc_s),
        camera="porch",
        phase=EventPhase.NEW,
        kind=EventKind.BEHAVIOUR if label != "unusual" else EventKind.ANOMALY,
        label=label,
        score=0.9,
        severity=Severity.ALERT,
        start_utc_s=start_utc_s,
        explanation=explanation,
        captured_s=0.0,
        vector=vector,
    )


@pytest.fixture
def events():
    """Return two fights, a fall, and something unusual that looks like a fight."""
    return [
        event(40, "fight", "fight: 93 % sure, mostly in the left half.", about("fight")),
        event(30, "fight", "fight: 80 % sure, at the gate.", about("fight")),
        event(20, "falling", "falling: 81 % sure.", about("falling")),
        event(10, "unusual", "Moves 3.4 times as fast as usual there.", about("fight")),
    ]


@pytest.fixture
def daemon(tmp_path, events) -> Iterator[DaemonProcess]:
    """Run a daemon whose log and index hold the events, which have ended."""
    daemon = DaemonProcess(tmp_path / "daemon", mqtt_port=free_port(), cameras={})

    model = ClipReader.load(CHECKPOINT).model
    with (
        log_of(daemon.data_dir, CLOCK) as log,
        SearchIndex(daemon.data_dir, model, CLOCK) as index,
    ):
        for one in events:
            log.append(one)
            log.append(replace(one, phase=EventPhase.END, end_utc_s=one.start_utc_s + 9))
            index.on_event(one)
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def page(daemon) -> Iterator["playwright.Page"]:
    """Open an empty page; a script's error fails the test."""
    with running_browser() as browser, open_page(browser, daemon.http_port) as page:
        yield page


def labels(region: "playwright.Locator") -> list[str]:
    return region.locator("li strong").all_text_contents()


def test_words_typed_into_the_archive_find_what_is_written_and_what_looks_like_it(page):
    page.goto("/events")
    page.get_by_role("searchbox").fill("fight")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/search?words=fight**")
    assert labels(page.get_by_role("region", name="What is written of them")) == ["fight", "fight"]
    alike = page.get_by_role("region", name="What they look like")
    assert sorted(labels(alike)[:3]) == ["fight", "fight", "unusual"]
    playwright.expect(alike).to_contain_text("something like “fight”")
    playwright.expect(alike).to_contain_text("51 % by chance")


def test_a_search_is_narrowed_by_its_form(page):
    page.goto("/search?words=sure")
    page.get_by_label("label").select_option("falling")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**label=falling**")
    assert labels(page.get_by_role("region", name="What is written of them")) == ["falling"]


def test_an_event_leads_to_others_like_it_and_those_to_their_own_page(page, events):
    page.goto(f"/events/{events[3].id}")
    like = page.get_by_role("region", name="More like this")
    assert labels(like)[:2] == ["fight", "fight"]
    playwright.expect(like.get_by_role("progressbar").first).to_have_attribute(
        "value", re.compile(r"^(1\.0|0\.99)")
    )
    like.locator("li strong a").first.click()
    playwright.expect(page.get_by_role("heading", level=2).first).to_contain_text(
        re.compile("fight", re.IGNORECASE)
    )


def test_the_index_of_a_killed_daemon_is_there_at_the_next_start(page, daemon, events):
    daemon.kill()
    daemon.start()
    page.goto(f"/events/{events[0].id}")
    assert sorted(labels(page.get_by_role("region", name="More like this"))) == ["fight", "unusual"]


def test_both_pages_fit_a_phone(page, events):
    page.set_viewport_size({"width": 360, "height": 740})
    for address in ("/search?words=fight", f"/events/{events[0].id}"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
