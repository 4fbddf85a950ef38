"""One connection to an MQTT broker, from CONNECT to the end: messages out, acknowledgements and messages in.

All of it runs in the thread that calls `step`; paho starts none. Another thread rings the `Wakeup`.
"""

import selectors
import socket
import ssl
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from daemon.wakeup import Wakeup
from pipeline.errors import SettingsError, VideobertdError

CONNECT_TIMEOUT_S = 5.0
FAREWELL_TIMEOUT_S = 1.0
# Messages sent and not acknowledged yet; a broker can ask for fewer (mosquitto: 20).
WINDOW = 50
# Fixed header, topic length, packet id and properties of a PUBLISH, generously.
PUBLISH_OVERHEAD_BYTES = 32

# Reason codes of MQTT 5 (section 2.4); paho translates the five of 3.1.1 into them.
SESSION_TAKEN_OVER = 0x8E
# How a broker behaves that doesn't know our version of MQTT: it says so, or nothing.
UNKNOWN_PROTOCOL = ("protocol", "silent")
REFUSALS = {0x84: "protocol", 0x86: "credentials", 0x87: "credentials"}


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Where the broker is and how to speak to it; field for field as in `[mqtt]` of the settings file."""

    host: str = "127.0.0.1"
    port: int = 1883
    base_topic: str = "videobert"
    client_id: str = "videobertd"
    username: str = ""
    password: str = field(default="", repr=False)
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = 30
    tls: bool = False
    tls_insecure: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    discovery: bool = True
    discovery_prefix: str = "homeassistant"
    public_url: str = ""


class BrokerError(VideobertdError):
    """Raised when the broker cannot be reached, refuses us or goes away; `reason` is the metric label."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The broker's answer to one message: `token` as it was given to `publish`, `refusal` empty if taken."""

    token: object
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """A message from the broker; `retained` says that it was lying there before we came."""

    topic: str
    payload: bytes
    retained: bool


class Connection:
    """A session with the broker while the `with` block lasts; `will` is published if it ends unexpectedly.

    Leaving the block normally says goodbye; leaving it by an exception lets the broker publish the will.
    """

    def __init__(self, settings: MqttSettings, *, will_topic: str, will: bytes, wakeup: Wakeup) -> None:
        self._settings = settings
        self._will_topic = will_topic
        self._will = will
        self._wakeup = wakeup
        self._selector: selectors.BaseSelector
        self._client: paho.Client
        self._sock: socket.socket
        self._accepted = False
        self._failure: BrokerError | None = None
        self._max_packet_bytes = 0
        self._window = WINDOW
        self._in_flight: dict[int, object] = {}
        self._acknowledged: list[Acknowledgement] = []
        self._received: list[Received] = []
        self._refused_topics: list[str] = []
        self._subscriptions: dict[int, tuple[str, ...]] = {}

    def __enter__(self) -> Self:
        """Connect and wait for the broker's consent.

        Raises:
            BrokerError: It cannot be reached, or it refuses.
            SettingsError: A certificate file cannot be used.
        """
        with ExitStack() as on_failure:
            self._client = self._new_client()
            self._selector = selectors.DefaultSelector()
            on_failure.callback(self._abandon)
            self._open_socket()
            self._await_consent()
            on_failure.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._say_goodbye()
        finally:
            self._abandon()

    @property
    def room(self) -> int:
        """How many more messages may be sent before the broker acknowledges one."""
        return max(0, self._window - len(self._in_flight))

    @property
    def in_flight(self) -> int:
        """How many messages wait for their acknowledgement."""
        return len(self._in_flight)

    def fits(self, topic: str, payload: bytes) -> bool:
        """Say whether the broker accepts a message of this size."""
        size = len(topic.encode()) + len(payload) + PUBLISH_OVERHEAD_BYTES
        return not self._max_packet_bytes or size <= self._max_packet_bytes

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: object = None
    ) -> None:
        """Send a message; with QoS 1 its `token` comes back from `take_acknowledged`."""
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        if qos:
            self._in_flight[info.mid] = token

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Ask for the messages of `topics`; a topic refused turns up in `take_refused_topics`."""
        if topics:
            _, mid = self._client.subscribe([(topic, 1) for topic in topics])
            self._subscriptions[mid or 0] = topics

    def step(self, timeout_s: float) -> None:
        """Wait for the broker, the bell or the time-out; then read, write and keep alive.

        Raises:
            BrokerError: The connection was lost.
        """
        self._check()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)
        self._selector.modify(self._sock, wanted)
        has_bytes = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        ready = {key.fileobj for key, _ in self._selector.select(0.0 if has_bytes else timeout_s)}
        if self._wakeup in ready:
            self._wakeup.clear()
        if has_bytes or self._sock in ready:
            self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()
        self._check()

    def take_acknowledged(self) -> list[Acknowledgement]:
        """Return the answers that came since the last call."""
        taken, self._acknowledged = self._acknowledged, []
        return taken

    def take_received(self) -> list[Received]:
        """Return the messages that came since the last call."""
        taken, self._received = self._received, []
        return taken

    def take_refused_topics(self) -> list[str]:
        """Return the subscriptions that the broker refused since the last call."""
        taken, self._refused_topics = self._refused_topics, []
        return taken

    def _new_client(self) -> paho.Client:
        settings = self._settings
        is_v5 = settings.protocol == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            clean_session=None if is_v5 else True,
            protocol=paho.MQTTv5 if is_v5 else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)  # our own window counts
        client.will_set(self._will_topic, self._will, qos=1, retain=True)
        if settings.username:
            client.username_pw_set(settings.username, settings.password or None)
        context = tls_context(settings)
        if context is not None:
            client.tls_set_context(context)
            client.tls_insecure_set(settings.tls_insecure)
        self._listen(client)
        return client

    def _listen(self, client: paho.Client) -> None:
        """Take from paho's callbacks what matters; all are called within `step`."""
        client.on_connect = lambda _c, _d, _flags, reason, properties: self._on_connect(reason, properties)
        client.on_disconnect = lambda _c, _d, flags, reason, _p: self._on_disconnect(
            reason, by_broker=flags.is_disconnect_packet_from_server
        )
        client.on_publish = lambda _c, _d, mid, reason, _p: self._on_publish(mid, reason)
        client.on_message = lambda _c, _d, message: self._received.append(
            Received(message.topic, bytes(message.payload), message.retain)
        )
        client.on_subscribe = lambda _c, _d, mid, reasons, _p: self._on_subscribe(mid, reasons)

    def _open_socket(self) -> None:
        settings = self._settings
        where = f"{settings.host}:{settings.port}"
        try:
            self._client.connect(settings.host, settings.port, settings.keepalive_s)
        except TimeoutError as error:
            raise BrokerError("timeout", f"nothing answers at {where}") from error
        except ssl.SSLError as error:
            raise BrokerError("tls", f"no secure connection to {where}: {_tls_words(error)}") from error
        except socket.gaierror as error:
            raise BrokerError("dns", f"{settings.host} is not known: {error.strerror}") from error
        except OSError as error:
            words = error.strerror or str(error)
            raise BrokerError("unreachable", f"{where} cannot be reached: {words}") from error
        sock = self._client.socket()
        if not isinstance(sock, socket.socket):
            raise BrokerError("lost", f"{where} closed the connection at once")
        self._sock = sock
        self._selector.register(sock, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)

    def _await_consent(self) -> None:
        deadline_s = time.monotonic() + CONNECT_TIMEOUT_S
        while not self._accepted:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise self._silence()
            try:
                self.step(left_s)
            except BrokerError as error:
                raise self._silence() if error.reason == "lost" else error from None

    def _silence(self) -> BrokerError:
        """Return what it means that CONNECT got no answer; an old broker closes the connection on MQTT 5."""
        where = f"{self._settings.host}:{self._settings.port}"
        other = "without" if self._settings.tls else "with"
        words = f"{where} does not answer as a broker of MQTT {self._settings.protocol}; one {other} TLS?"
        return BrokerError("silent", words)

    def _say_goodbye(self) -> None:
        """Send DISCONNECT, and the bytes before it, while the broker takes them."""
        self._client.disconnect()
        deadline_s = time.monotonic() + FAREWELL_TIMEOUT_S
        while self._client.socket() is not None and time.monotonic() < deadline_s:
            self._selector.modify(self._sock, selectors.EVENT_WRITE)
            self._selector.select(deadline_s - time.monotonic())
            self._client.loop_write()

    def _abandon(self) -> None:
        self._selector.close()
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            sock.close()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._client.socket() is None:
            raise BrokerError("lost", "the connection to the broker was lost")

    def _on_connect(self, reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            label = REFUSALS.get(reason.value, "refused")
            self._failure = BrokerError(label, f"the broker refuses the connection: {reason}")
            return
        self._accepted = True
        self._window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        self._max_packet_bytes = getattr(properties, "MaximumPacketSize", 0)

    def _on_disconnect(self, reason: ReasonCode, *, by_broker: bool) -> None:
        if self._failure is not None:
            return
        if by_broker and reason.value == SESSION_TAKEN_OVER:
            self._failure = BrokerError("taken_over", "another client took the session over")
        elif by_broker:
            self._failure = BrokerError("lost", f"the broker ended the connection: {reason}")
        else:
            self._failure = BrokerError("lost", f"the connection to the broker was lost: {reason}")

    def _on_publish(self, mid: int, reason: ReasonCode) -> None:
        if mid in self._in_flight:
            refusal = str(reason) if reason.is_failure else ""
            self._acknowledged.append(Acknowledgement(self._in_flight.pop(mid), refusal))

    def _on_subscribe(self, mid: int, reasons: list[ReasonCode]) -> None:
        topics = self._subscriptions.pop(mid, ())
        refused = [topic for topic, reason in zip(topics, reasons, strict=False) if reason.is_failure]
        self._refused_topics.extend(refused)


class _SecureSocket(ssl.SSLSocket):
    """A TLS socket that closes itself when the handshake fails; paho would leave it to the collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of ssl
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            super().do_handshake(block)
            on_failure.pop_all()


def tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """Return what TLS needs, read anew so that renewed certificates count; None where TLS is off.

    Raises:
        SettingsError: A certificate file cannot be used.
    """
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.sslsocket_class = _SecureSocket
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        files = [settings.ca_file, settings.cert_file, settings.key_file]
        names = ", ".join(str(file) for file in files if file is not None)
        raise SettingsError(f"mqtt: the certificates in {names} cannot be used: {error}") from error
    return context


def probe(settings: MqttSettings) -> str:
    """Connect and leave again under a client id of its own; return the protocol that the broker speaks.

    Raises:
        BrokerError: It cannot be reached, or it refuses.
        SettingsError: A certificate file cannot be used.
    """
    guest = replace(settings, client_id=f"{settings.client_id}-check")
    with Wakeup() as wakeup:
        for protocol in dict.fromkeys((settings.protocol, "3.1.1")):
            this_try = replace(guest, protocol=protocol)
            topic = f"{settings.base_topic}/check"
            try:
                with Connection(this_try, will_topic=topic, will=b"", wakeup=wakeup):
                    return f"MQTT {protocol}"
            except BrokerError as error:
                failure = error
                if error.reason not in UNKNOWN_PROTOCOL:
                    break
        raise failure


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return error.reason or str(error)
