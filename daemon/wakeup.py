"""A bell that one thread rings and another waits for together with its sockets."""

import socket
from types import TracebackType
from typing import Self


class Wakeup:
    """Makes a selector return as soon as `ring` is called, from any thread; many rings count as one."""

    def __init__(self) -> None:
        self._sender, self._receiver = socket.socketpair()
        self._sender.setblocking(False)
        self._receiver.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable."""
        return self._receiver.fileno()

    def ring(self) -> None:
        """Wake the waiting thread, now or at its next wait; after `close` nobody is there to wake."""
        try:
            self._sender.send(b"\0")
        except BlockingIOError:
            return  # the bell is already ringing loudly enough
        except OSError:
            if self._sender.fileno() != -1:
                raise

    def clear(self) -> None:
        """Take note of all rings so far."""
        try:
            while len(self._receiver.recv(4096)) == 4096:
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give the descriptors back."""
        self._sender.close()
        self._receiver.close()
