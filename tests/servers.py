"""Real MQTT brokers for tests: mosquitto as a process, amqtt in a thread; started, stopped and watched."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from daemon.demo.broker import EmbeddedBroker

T = TypeVar("T")

# Debian installs mosquitto where only root's PATH looks.
MOSQUITTO = shutil.which(
    "mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"
)
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until(read: Callable[[], T], timeout_s: float = 8.0, *, what: str = "a condition") -> T:
    """Read until the value is true and return it; fails after `timeout_s`."""
    pause = threading.Event()
    deadline_s = time.monotonic() + timeout_s
    while not (value := read()):
        assert time.monotonic() < deadline_s, f"waited {timeout_s} s for {what}"
        pause.wait(0.005)
    return value


def end_mosquitto(process: subprocess.Popen) -> None:
    """Ask a broker to end until it does: mosquitto forgets a signal that comes before its main loop."""

    def has_ended() -> bool:
        process.terminate()
        return process.poll() is not None

    wait_until(has_ended, 10, what="mosquitto to end")


class Mosquitto:
    """A mosquitto process with a configuration of its own; `start` and `stop` as often as you like."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._lines = lines or ("allow_anonymous true",)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self._folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "user root", *self._lines]
        config.write_text("\n".join(lines) + "\n")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", config], stdout=log, stderr=log)
        wait_until(self._answers, what="mosquitto to listen")

    def stop(self, *, kill: bool = False) -> None:
        if self._process is not None:
            self._process.kill() if kill else end_mosquitto(self._process)
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "mosquitto.log").read_text()
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running_mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    """Run mosquitto with `lines` added to its configuration while the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = Mosquitto(folder, *lines)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@contextmanager
def running_amqtt() -> Iterator[int]:
    """Run the embedded broker while the block lasts; yields its port."""
    with EmbeddedBroker(free_port()) as broker:
        yield broker.port


class Subscriber:
    """A client of its own that keeps what it hears, in order."""

    def __init__(
        self, port: int, topic: str = "#", *, protocol: int = paho.MQTTv311, session: str | None = None
    ) -> None:
        self.messages: list[paho.MQTTMessage] = []
        self._ready = threading.Event()
        # A named session outlives the connection: the broker queues for it while it is away.
        lasting = {"client_id": session, "clean_session": False} if session else {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol, **lasting)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _client, _data, message: self.messages.append(message)
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(8), "no subscription"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(8)

    def payloads(self, topic: str) -> list[bytes]:
        return [bytes(message.payload) for message in list(self.messages) if message.topic == topic]

    def newest(self, topic: str) -> bytes | None:
        return next(iter(self.payloads(topic)[::-1]), None)

    def wait_for(self, topic: str, payload: bytes) -> None:
        wait_until(lambda: self.newest(topic) == payload, what=f"{payload!r} on {topic}")


@contextmanager
def listening(port: int, topic: str = "#", *, session: str | None = None) -> Iterator[Subscriber]:
    """Connect a subscriber while the block lasts; it comes back by itself when the broker does."""
    with Subscriber(port, topic, session=session) as subscriber:
        yield subscriber


def remembering(folder: Path) -> tuple[str, ...]:
    """Return the lines that let mosquitto keep its clients' sessions over a restart, whatever their size."""
    return (
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
        "max_queued_messages 0",
    )


def make_password_file(folder: Path, name: str, password: str) -> Path:
    """Write mosquitto's password file with one user, hashed by mosquitto's own tool."""
    path = folder / "passwords"
    command = ["mosquitto_passwd", "-c", "-b", path, name, password]
    subprocess.run(command, check=True, capture_output=True)
    return path


def make_certificates(folder: Path) -> Path:
    """Write ca.pem, and for server and client a .pem with its .key, signed by it; return the folder."""
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    ca = [*ec, "-x509", "-days", "2", "-subj", "/CN=test-ca", "-keyout", "ca.key", "-out", "ca.pem"]
    authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san.cnf"]
    (folder / "san.cnf").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    commands = [["req", *ca]]
    for name, subject in (("server", "/CN=localhost"), ("client", "/CN=daemon")):
        commands.append(["req", *ec, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr"])
        commands.append(["x509", "-req", "-in", f"{name}.csr", *authority, "-out", f"{name}.pem"])
    for command in commands:
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder
