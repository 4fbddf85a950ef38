"""The review in a real browser: a label given on an event's page stands in the table that training reads."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline.clock import SystemClock
from pipeline.types import EventKind, EventPhase
from tests.browsers import needs_chromium, open_page, playwright, running_browser
from tests.daemons import LOCAL, OWN, DaemonProcess, shelve_twin
from tests.logs import log_of
from tests.media import moving_square, write_video
from tests.servers import free_port, wait_until
from tests.stations import event

pytestmark = [pytest.mark.e2e, needs_chromium]

EVENT_ID = "00cpd7gq3g0123456789abc"


@pytest.fixture
def daemon(tmp_path) -> Iterator[DaemonProcess]:
    """Run a daemon whose log holds a fight of eight seconds with a clip of twenty."""
    daemon = DaemonProcess(tmp_path / "daemon", mqtt_port=free_port(), cameras={})
    with log_of(daemon.data_dir, SystemClock()) as log:
        fight = replace(event(1), id=EVENT_ID, kind=EventKind.BEHAVIOUR, label="fight")
        log.append(fight)
        log.append(replace(fight, phase=EventPhase.END, end_utc_s=fight.start_utc_s + 8.0))
    clips = daemon.data_dir / "clips/porch"
    clips.mkdir(parents=True)
    write_video(clips / f"{EVENT_ID}.mp4", moving_square(100), fps=5)
    shelve_twin(daemon.data_dir / "models")
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def page(daemon) -> Iterator["playwright.Page"]:
    """Open an empty page of a browser; a script's error fails the test."""
    with running_browser() as browser, open_page(browser, daemon.http_port) as page:
        yield page


def labels(daemon: DaemonProcess, task: str) -> list[str]:
    """Return the labels in a task's table, [] where there is none."""
    table = daemon.data_dir / "dataset" / task / "segments.csv"
    return [row.split(",")[1] for row in table.read_text().splitlines()[1:]] if table.exists() else []


def test_a_label_chosen_on_the_event_page_stands_in_the_table_until_it_is_removed(page, daemon):
    page.goto("/review")
    page.locator("#events strong a").click()
    page.wait_for_url("**/events/*")  # with its script: a choice made before that is lost
    page.get_by_label("It was").select_option("crash")
    playwright.expect(page.get_by_role("status")).to_have_text("labelled: crash")
    assert (labels(daemon, "crash"), labels(daemon, "fight")) == (["crash"], ["normal"])
    page.goto("/review")
    playwright.expect(page.locator("#given a")).to_have_text("crash")
    page.get_by_role("button", name="Remove the label of the fight at porch").click()
    playwright.expect(page.locator("#given li")).to_have_count(0)
    wait_until(lambda: labels(daemon, "crash") == labels(daemon, "fight") == [])


def test_right_and_not_an_alarm_are_one_click(page, daemon):
    page.goto(f"/events/{EVENT_ID}")
    right = page.get_by_role("button", name="Right")
    right.click()
    playwright.expect(right).to_have_attribute("aria-pressed", "true")
    assert labels(daemon, "fight") == ["fight"]
    page.get_by_role("button", name="Not an alarm").click()
    playwright.expect(right).to_have_attribute("aria-pressed", "false")
    assert labels(daemon, "fight") == ["normal"]


def test_a_click_changes_the_model_and_another_goes_back(page):
    page.goto("/review")
    in_use = page.locator(".model", has=page.locator(".pill"))
    playwright.expect(in_use).to_contain_text(OWN)
    page.get_by_role("button", name="Use for fight").click()
    playwright.expect(in_use).to_contain_text(LOCAL.split()[1])
    page.get_by_role("button", name="Go back to it").click()
    playwright.expect(in_use).to_contain_text(OWN)


def test_retraining_without_a_label_says_what_it_takes(page):
    page.goto("/review")
    page.get_by_role("button", name="Retrain").click()
    playwright.expect(page.get_by_role("alert")).to_contain_text("no labelled event has a video")
