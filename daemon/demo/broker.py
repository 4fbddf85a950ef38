"""An MQTT broker inside this process, for machines that have none: loopback, MQTT 3.1.1, no passwords."""

import asyncio
import logging
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError

START_TIMEOUT_S = 10.0


class EmbeddedBroker:
    """amqtt on an event loop in a thread of its own."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; returns when clients can connect.

        Raises:
            OSError: The port is taken.
        """
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        listening: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="broker", daemon=True)
        self._thread.start()
        listening.result(START_TIMEOUT_S)

    def stop(self) -> None:
        """Disconnect all clients and stop listening."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, listening: Future[None]) -> None:
        try:
            asyncio.run(self._serve(listening))
        except (BrokerError, OSError) as error:
            listening.set_exception(
                OSError(f"the embedded broker cannot listen on port {self.port}: {error}")
            )
        self._loop = None

    async def _serve(self, listening: Future[None]) -> None:
        self._stopping = asyncio.Event()
        broker = Broker(self._config())
        await broker.start()
        self._loop = asyncio.get_running_loop()
        listening.set_result(None)
        await self._stopping.wait()
        await broker.shutdown()

    def _config(self) -> BrokerConfig:
        return BrokerConfig(
            listeners={"default": ListenerConfig(bind=f"{self.host}:{self.port}")},
            plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        )
