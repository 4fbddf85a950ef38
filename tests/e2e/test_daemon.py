"""`videobertd run` as a process, with a real RTSP server and mosquitto, through kills and outages."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemons import DaemonProcess
from tests.media import moving_square, write_video
from tests.servers import Mosquitto, Subscriber, needs_mosquitto, running_mosquitto, wait_until

pytestmark = [pytest.mark.e2e, needs_mosquitto]
SHARED_VIDEO = Path(__file__).parents[3] / "shared/data/video/plaza.mp4"
OUTAGE_S = 60.0


class Camera:
    """The project's RTSP server as a process; a kill takes the camera from the network."""

    def __init__(self, video: Path, port: int = 0) -> None:
        self._video = video
        self.port = port
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/{self._video.stem}"

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "daemon.demo.rtsp_server",
            str(self._video),
            "--port",
            str(self.port),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        address = self._process.stdout.readline().strip()  # printed when clients can connect
        self.port = int(address.rsplit(":", 1)[1].split("/")[0])

    def tell(self, command: str) -> None:
        """Have the camera fail or heal; see daemon/demo/rtsp_server.py."""
        self._process.stdin.write(f"{command} {self._video.stem}\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None


@pytest.fixture(scope="session")
def footage(tmp_path_factory) -> Path:
    """Return a real surveillance video, or one made here where the shared data are absent."""
    if SHARED_VIDEO.exists():
        return SHARED_VIDEO
    return write_video(tmp_path_factory.mktemp("video") / "square.mp4", moving_square(100, begins=0), fps=10)


@pytest.fixture
def camera(footage) -> Iterator[Camera]:
    camera = Camera(footage)
    camera.start()
    yield camera
    camera.kill()


@pytest.fixture
def broker(tmp_path) -> Iterator[Mosquitto]:
    """Run a mosquitto that remembers its subscribers over a restart: the proof is about the daemon."""
    lines = ("allow_anonymous true", "persistence true", f"persistence_location {tmp_path}/")
    with running_mosquitto(tmp_path / "mosquitto", *lines) as broker:
        yield broker


@pytest.fixture
def daemon(tmp_path, broker, camera) -> Iterator[DaemonProcess]:
    daemon = DaemonProcess(tmp_path / "daemon", mqtt_port=broker.port, cameras={"square": camera.url})
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def subscriber(broker, daemon) -> Iterator[Subscriber]:
    with Subscriber(broker.port, "videobert/#", session="witness") as subscriber:
        subscriber.wait_for("videobert/square/status", b"online")
        yield subscriber


def events(subscriber: Subscriber) -> list[dict]:
    """Return the events in the order of arrival, each seq once: QoS 1 may deliver one again."""
    heard = [json.loads(payload) for payload in subscriber.payloads("videobert/square/event")]
    return list({event["seq"]: event for event in heard}.values())


def offline_phases(subscriber: Subscriber) -> list[str]:
    return [event["type"] for event in events(subscriber) if event["label"] == "offline"]


def assert_no_gap(heard: list[dict]) -> None:
    assert [event["seq"] for event in heard] == list(range(1, len(heard) + 1))


def test_a_camera_whose_server_was_killed_is_used_again_when_it_returns(daemon, camera, subscriber):
    camera.kill()
    subscriber.wait_for("videobert/square/status", b"offline")
    # Six failures in a row: by now the backoff has grown as far as it may.
    wait_until(lambda: daemon.total("videobert_camera_reconnects_total") >= 6, 30)
    camera.start()
    # How soon is measured by benchmarks/recovery.py.
    wait_until(lambda: subscriber.newest("videobert/square/status") == b"online", 20)
    told = wait_until(lambda: offline_phases(subscriber)[1:], what="the end of the offline event")
    assert told == ["end"]


def test_a_minute_without_a_broker_loses_no_event(daemon, camera, broker, subscriber):
    broker.stop()
    ends_s = time.monotonic() + OUTAGE_S
    while time.monotonic() < ends_s:
        camera.tell("gone")
        wait_until(lambda: daemon.camera_up("square") == 0, 15)
        camera.tell("heal")
        wait_until(lambda: daemon.camera_up("square") == 1, 15)
    waiting = int(daemon.metric("videobert_outbox_pending"))
    broker.start()
    wait_until(lambda: daemon.metric("videobert_outbox_pending") == 0, 60, what="an empty outbox")
    wait_until(lambda: len(events(subscriber)) >= waiting, 10)
    assert waiting >= 4
    assert_no_gap(events(subscriber))
    subscriber.wait_for("videobert/status", b"online")


def test_a_daemon_killed_in_mid_event_delivers_it_and_ends_it_after_its_restart(daemon, camera, subscriber):
    camera.tell("gone")
    begun = wait_until(lambda: [e for e in events(subscriber) if e["label"] == "offline"], 20)[0]
    daemon.kill()
    subscriber.wait_for("videobert/status", b"offline")  # the broker's word, by the last will
    camera.tell("heal")
    daemon.start()
    ended = wait_until(
        lambda: [e for e in events(subscriber) if (e["id"], e["type"]) == (begun["id"], "end")], 20
    )
    assert ended[0]["seq"] > begun["seq"]
    assert ended[0]["end_utc"] >= begun["start_utc"]
    subscriber.wait_for("videobert/square/status", b"online")
    assert_no_gap(events(subscriber))


def test_a_stopped_daemon_says_goodbye_and_exits_with_0(daemon, subscriber):
    assert daemon.stop(signal.SIGTERM) == 0
    subscriber.wait_for("videobert/square/status", b"offline")
    subscriber.wait_for("videobert/status", b"offline")
    assert "Traceback" not in daemon.log()


def test_a_mute_camera_does_not_delay_another(tmp_path, broker, camera, subscriber, daemon):
    silent = Camera(camera._video)
    silent.start()
    silent.tell("mute")
    daemon.stop()
    daemon.cameras = {"deaf": silent.url, "square": camera.url}
    daemon.defaults = "open_timeout_s = 60.0"  # whoever waits for the deaf one first comes too late
    daemon.start()
    wait_until(lambda: daemon.camera_up("square") == 1, 30)
    assert daemon.camera_up("deaf") == 0
    assert daemon.total("videobert_camera_reconnects_total") == 0
    silent.kill()
