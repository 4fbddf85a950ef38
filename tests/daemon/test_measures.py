"""What the system's page is made of: frames a second, what was lost, delays, room."""

import pytest
from prometheus_client import CollectorRegistry

from daemon.quantiles import quantile_of
from daemon.system.measures import NOTES, Delay, Larder, Meter, delay_of
from pipeline.metrics import Metrics
from tests.fakes import ManualClock

UNKNOWN = {"decoded": None, "sampled": None, "encoded": None}


@pytest.fixture
def metrics():
    return Metrics(CollectorRegistry())


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def meter(metrics, clock, tmp_path):
    return Meter(metrics, clock, Larder(tmp_path, {"pictures": lambda: 7}))


def only(meter, camera="porch"):
    """Return what is measured of a camera."""
    (measures,) = meter.measures([camera], card="").cameras
    return measures


def test_frames_a_second_are_those_since_the_oldest_note(meter, metrics, clock):
    metrics.frames.labels("porch", "decoded").inc(100)
    meter.note()
    metrics.frames.labels("porch", "decoded").inc(50)
    metrics.frames.labels("porch", "sampled").inc(12)
    clock.advance(4)
    assert only(meter).fps == {"decoded": 12.5, "sampled": 3.0, "encoded": 0.0}  # 50 / 4 and 12 / 4


def test_what_is_older_than_the_notes_counts_no_more(meter, metrics, clock):
    metrics.frames.labels("porch", "decoded").inc(1000)
    for _ in range(NOTES + 1):
        clock.advance(2)
        meter.note()
    assert only(meter).fps["decoded"] == 0.0
    metrics.frames.labels("porch", "decoded").inc(116)
    assert only(meter).fps["decoded"] == 2.0  # from the oldest of 30 notes to the newest there are 58 s


def test_before_the_first_note_no_frames_a_second_are_known(meter, metrics):
    metrics.frames.labels("porch", "decoded").inc(9)
    assert only(meter).fps == UNKNOWN


def test_a_camera_that_was_begun_anew_has_no_negative_frames(meter, metrics, clock):
    metrics.frames.labels("porch", "decoded").inc(100)
    meter.note()
    metrics.forget_camera("porch")
    clock.advance(2)
    assert only(meter).fps["decoded"] == 0.0


def test_what_was_lost_is_told_by_reason_the_most_frequent_first(meter, metrics):
    metrics.frames_dropped.labels("porch", "no_pts").inc(2)
    metrics.frames_dropped.labels("porch", "overload").inc(7)
    metrics.frames_dropped.labels("porch", "shutdown").inc(0)
    metrics.frames_dropped.labels("yard", "overload").inc(99)
    metrics.camera_reconnects.labels("porch", "stalled").inc()
    assert list(only(meter).dropped.items()) == [("overload", 7), ("no_pts", 2)]
    assert only(meter).disconnected == {"stalled": 1}


def test_a_delay_without_values_is_not_known(metrics):
    assert delay_of(metrics.frame_to_score_seconds) == Delay(0, None, None, None)


def test_a_delay_is_read_off_the_histogram(metrics):
    for _ in range(8):
        metrics.frame_to_score_seconds.observe(0.07)  # between the bounds 0.05 and 0.1
    for _ in range(2):
        metrics.frame_to_score_seconds.observe(0.15)  # between 0.1 and 0.2
    delay = delay_of(metrics.frame_to_score_seconds)
    # 5 of the 8 up to 0.1: 0.05 + 0.05 · 5/8; 9.5 of 10: 0.1 + 0.1 · 1.5/2; 9.9 of 10: 0.1 + 0.1 · 1.9/2.
    assert (delay.count, delay.p50_s) == (10, pytest.approx(0.08125))
    assert (delay.p95_s, delay.p99_s) == (pytest.approx(0.175), pytest.approx(0.195))


def test_a_share_beyond_the_last_bound_is_told_as_that_bound():
    assert quantile_of({0.1: 1.0, float("inf"): 10.0}, 0.5) == 0.1


def test_room_is_measured_when_it_is_asked_for(meter, tmp_path):
    storage = meter.measures([], card="").whole.storage
    assert (storage.folder, storage.bytes_by_kind) == (str(tmp_path), {"pictures": 7})
    assert 0 < storage.free_bytes < storage.disk_bytes


def test_a_disk_that_cannot_be_asked_is_not_known(tmp_path):
    storage = Larder(tmp_path / "gone", {}).look()
    assert (storage.free_bytes, storage.disk_bytes) == (None, None)
