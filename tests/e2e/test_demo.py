"""`videobertd demo` as a user starts it: rendered cameras, embedded broker, the daemon, an exit code."""

import re
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

DEMO = [sys.executable, "-m", "daemon.cli", "demo"]
# Rendering takes seconds, or minutes on a machine that does other things.
TIMEOUT_S = 240


def run_demo(*arguments):
    return subprocess.run([*DEMO, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.fixture(scope="module")
def demo():
    """Run the demo past its first two deeds: a runner at 30 s, a cart at 42 s."""
    return run_demo("--seconds", "56")


def test_the_demo_ends_by_itself_and_events_have_reached_the_subscriber(demo):
    assert demo.returncode == 0, demo.stdout + demo.stderr


def test_the_first_event_comes_within_a_minute(demo):
    first = re.search(r"^ *([\d.]+) s  \w+ +new ", demo.stdout, re.MULTILINE)
    assert float(first[1]) < 60


def test_the_summary_counts_frames_events_and_latency(demo):
    assert re.search(r"^frames: plaza \d{3} \(analysed \d{3}\), room \d{3} ", demo.stdout, re.MULTILINE)
    assert re.search(r"^events: .*anomaly unusual [1-9]", demo.stdout, re.MULTILINE)
    assert "missing 0" in demo.stdout
    assert re.search(r"acknowledged by the broker: p50 [\d.]+ s, p99 [\d.]+ s", demo.stdout)


def test_the_runner_is_kept_as_a_video(demo):
    assert re.search(r"^clips kept: [1-9]", demo.stdout, re.MULTILINE)


def test_the_cart_is_reported(demo):
    assert re.search(r"a cart crosses the plaza → anomaly unusual after", demo.stdout)


def test_the_addresses_are_told(demo):
    for address in (
        r"page +http://127\.0\.0\.1:\d+",
        r"MQTT +mqtt://127\.0\.0\.1:\d+",
        r"rtsp://127\.0\.0\.1:\d+/plaza",
    ):
        assert re.search(address, demo.stdout)


def test_a_demo_in_which_nothing_happens_says_so_and_fails():
    short = run_demo("--seconds", "3")
    assert short.returncode == 1
    assert "No event reached the subscriber" in short.stdout


def test_a_video_that_is_not_there_is_told_before_anything_starts():
    missing = run_demo("--video", "nowhere.mp4", "--seconds", "3")
    assert missing.returncode == 3
    assert missing.stderr.strip() == "nowhere.mp4 is neither a URL nor a file that can be read"


def test_ctrl_c_ends_the_demo_cleanly():
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("MQTT"):
                break
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert "frames:" in output
    assert "Traceback" not in errors
