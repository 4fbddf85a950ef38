"""A server's coroutine in, the server running in a thread of its own out: start, call into it, stop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

START_TIMEOUT_S = 10.0
# Serves until the event is set; tells its port as soon as clients can connect.
Serve = Callable[[Callable[[int], None], asyncio.Event], Awaitable[None]]


class LoopThread:
    """One event loop in one thread; may be started again after it was stopped."""

    def __init__(self, name: str, serve: Serve) -> None:
        self._name = name
        self._serve = serve
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def start(self) -> int:
        """Start serving and return the port that clients can connect to.

        Raises:
            OSError: The server cannot listen.
        """
        listening: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(listening,), name=self._name, daemon=True)
        self._thread.start()
        return listening.result(START_TIMEOUT_S)

    def stop(self) -> None:
        """Let the server end, and wait for it; where it does not run, do nothing."""
        if self._thread is not None:
            self.call(self._stopping.set)
            self._thread.join()
            self._thread = None

    def call(self, action: Callable[..., None], *values: object) -> None:
        """Have something done in the server's thread, or at once where it does not run."""
        if self._loop is None:
            action(*values)
        else:
            self._loop.call_soon_threadsafe(action, *values)

    def _run(self, listening: Future[int]) -> None:
        try:
            asyncio.run(self._main(listening))
        except OSError as error:
            listening.set_exception(error)
        self._loop = None

    async def _main(self, listening: Future[int]) -> None:
        self._stopping = asyncio.Event()

        def tell_port(port: int) -> None:
            self._loop = asyncio.get_running_loop()
            listening.set_result(port)

        await self._serve(tell_port, self._stopping)
