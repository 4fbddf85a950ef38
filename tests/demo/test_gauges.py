"""The numbers that the demo reads from the daemon's metrics page."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest, start_http_server

from daemon.demo.gauges import Gauges, parse_gauges, read_gauges
from daemon.demo.ports import free_port
from pipeline.metrics import Metrics


@pytest.fixture
def registry():
    metrics = Metrics(CollectorRegistry())
    metrics.frames.labels("plaza", "decoded").inc(100)
    metrics.frames.labels("plaza", "sampled").inc(50)
    metrics.frames_dropped.labels("plaza", "overload").inc(2)
    metrics.frames_dropped.labels("room", "overload").inc(1)
    for outcome, count in (("written", 3), ("failed", 1)):
        metrics.clips.labels("plaza", outcome).inc(count)
    for latency_s in (0.06, 0.07, 0.15, 0.6):
        metrics.capture_to_publish_seconds.observe(latency_s)
    return metrics.registry


def test_frames_are_told_apart_by_camera_and_stage(registry):
    gauges = parse_gauges(generate_latest(registry).decode())
    assert gauges.decoded == {"plaza": 100}
    assert gauges.analysed == {"plaza": 50}


def test_drops_of_all_cameras_and_reasons_are_added(registry):
    assert parse_gauges(generate_latest(registry).decode()).dropped == 3


def test_clips_count_once_they_are_written(registry):
    assert parse_gauges(generate_latest(registry).decode()).clips == 3


def test_the_median_latency_lies_within_its_bucket(registry):
    # two of four lie in the bucket from 0.05 to 0.1 s: the median is its upper end
    assert parse_gauges(generate_latest(registry).decode()).latency_s(0.5) == pytest.approx(0.1)


def test_a_share_within_a_bucket_is_interpolated():
    gauges = Gauges(latency_counts={0.1: 8, 0.2: 10, float("inf"): 10})
    assert gauges.latency_s(0.9) == pytest.approx(0.15)


def test_what_lies_beyond_the_last_bound_is_told_as_that_bound():
    gauges = Gauges(latency_counts={0.1: 8, float("inf"): 10})
    assert gauges.latency_s(0.99) == 0.1


def test_without_events_there_is_no_latency():
    assert Gauges().latency_s(0.5) is None
    assert Gauges(latency_counts={0.1: 0, float("inf"): 0}).latency_s(0.5) is None


def test_a_page_is_read_over_http(registry):
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        gauges = read_gauges(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert gauges.decoded == {"plaza": 100}


def test_a_page_that_does_not_answer_gives_nothing():
    assert read_gauges(free_port(0)) is None
