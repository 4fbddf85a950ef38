"""The metrics' names are a public interface."""

from prometheus_client import CollectorRegistry, generate_latest

from pipeline.metrics import Metrics


def test_a_camera_that_was_removed_leaves_no_series():
    metrics = Metrics(CollectorRegistry())
    for camera in ("porch", "yard"):
        metrics.camera_up.labels(camera).set(1)
        metrics.frames.labels(camera, "decoded").inc(3)
        metrics.frames_dropped.labels(camera, "overload").inc()
    metrics.forget_camera("porch")
    text = generate_latest(metrics.registry).decode()
    assert "porch" not in text
    assert 'videobert_frames_total{camera="yard",stage="decoded"} 3.0' in text


def test_two_daemons_in_one_process_do_not_share_metrics():
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    first.outbox_pending.set(5)
    assert second.registry.get_sample_value("videobert_outbox_pending") == 0.0


def test_a_new_registry_shows_the_daemon_as_disconnected():
    assert Metrics(CollectorRegistry()).registry.get_sample_value("videobert_mqtt_connected") == 0.0
