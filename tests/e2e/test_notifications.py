"""Notifications of the daemon as a process, to a real HTTP server that comes and goes."""

import pytest

from tests.daemons import DaemonProcess
from tests.hooks import running_hook
from tests.servers import free_port, needs_mosquitto, running_mosquitto, wait_until

pytest.importorskip("apprise", reason="videobertd[notify] is not installed")
pytestmark = [pytest.mark.e2e, needs_mosquitto]


@pytest.fixture
def house(tmp_path):
    """Run a broker and a service; give a daemon, not started, whose camera is not there."""
    with running_mosquitto(tmp_path / "m", "allow_anonymous true") as broker, running_hook() as hook:
        cameras = {"porch": f"rtsp://127.0.0.1:{free_port()}/nothing"}
        daemon = DaemonProcess(tmp_path / "d", mqtt_port=broker.port, cameras=cameras)
        (tmp_path / "url").write_text(hook.url)
        daemon.extra = f'[notify.phone]\nurl_file = "{tmp_path}/url"\ncooldown_s = 0\n'
        try:
            yield daemon, hook
        finally:
            daemon.kill()


def test_an_event_is_told_and_a_restart_does_not_tell_it_again(house):
    daemon, hook = house
    daemon.start()
    wait_until(lambda: hook.titles, 20, what="the notification")
    assert hook.titles == ["porch: offline"]
    wait_until(lambda: daemon.metric("videobert_notify_up", '{notify="phone"}') == 1)
    assert daemon.metric("videobert_notifications_total", '{notify="phone",outcome="sent"}') == 1
    assert daemon.stop() == 0
    daemon.start()
    # The event of the first run has ended; its successor is told, once.
    wait_until(lambda: len(hook.titles) == 2, 20, what="the next run's notification")
    assert daemon.stop() == 0
    assert hook.titles == ["porch: offline"] * 2


def test_a_notification_survives_a_service_that_is_away_and_a_kill(house):
    daemon, hook = house
    hook.stop()
    daemon.start()
    failures = ("videobert_notification_failures_total", '{notify="phone",reason="unreachable"}')
    wait_until(lambda: daemon.metric(*failures) >= 2, 20, what="two attempts")
    assert daemon.metric("videobert_notify_up", '{notify="phone"}') == 0
    wait_until(lambda: daemon.metric("videobert_outbox_pending") == 0)  # MQTT is not kept waiting
    daemon.kill()
    hook.start()
    daemon.start()
    wait_until(lambda: len(hook.titles) >= 2, 20, what="both runs' notifications")
    assert hook.titles == ["porch: offline"] * 2
    log = daemon.log()
    assert log.count("notify.phone: the service cannot be reached") == 1
    assert [secret for secret in ("s3cret", "t0ken") if secret in log] == []
