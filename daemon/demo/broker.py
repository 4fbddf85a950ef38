"""An MQTT broker inside this process, for machines that have none: loopback, MQTT 3.1.1, no passwords."""

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError

from daemon.demo.loop_thread import LoopThread


class EmbeddedBroker:
    """amqtt on an event loop in a thread of its own."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self._loop = LoopThread("broker", self._serve)

    def start(self) -> None:
        """Listen; returns when clients can connect.

        Raises:
            OSError: The port is taken.
        """
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        self._loop.start()

    def stop(self) -> None:
        """Disconnect all clients and stop listening."""
        self._loop.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, tell_port: Callable[[int], None], stopping: asyncio.Event) -> None:
        broker = Broker(self._config())
        try:
            await broker.start()
        except BrokerError as error:
            raise OSError(f"the embedded broker cannot listen on port {self.port}: {error}") from error
        tell_port(self.port)
        await stopping.wait()
        await broker.shutdown()

    def _config(self) -> BrokerConfig:
        return BrokerConfig(
            listeners={"default": ListenerConfig(bind=f"{self.host}:{self.port}")},
            plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        )
