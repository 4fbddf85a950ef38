"""Feeds in, RTSP cameras on a local port out: one thread for hundreds of clients, faults on request."""

import argparse
import asyncio
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon.demo.channel import Channel, Fault
from daemon.demo.feeds import Feed, load_file
from daemon.demo.loop_thread import LoopThread
from daemon.demo.rtsp_session import Access, RtspSession


class RtspServer:
    """Virtual cameras at `rtsp://host:port/<name>`, each playing its feed in a loop.

    A server can be stopped and started again; it keeps its port.
    `credentials` ("user:password") are asked for by Basic authentication; `tls` makes it RTSPS.
    """

    def __init__(
        self,
        feeds: Mapping[str, Feed],
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        credentials: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.port = port
        self._host = host
        self._channels = {name: Channel(feed) for name, feed in feeds.items()}
        self._credentials = credentials
        self._tls = tls
        self._loop = LoopThread("rtsp-server", self._serve)

    def start(self) -> None:
        """Listen; returns when clients can connect.

        Raises:
            OSError: The port is taken.
        """
        self.port = self._loop.start()

    def stop(self) -> None:
        """Cut every client off and stop listening."""
        self._loop.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, name: str, *, credentials: str | None = None) -> str:
        """Return the address of a camera, with the credentials to present, if any."""
        scheme = "rtsps" if self._tls else "rtsp"
        user = f"{credentials}@" if credentials else ""
        return f"{scheme}://{user}{self._host}:{self.port}/{name}"

    def fail(self, name: str, fault: Fault) -> None:
        """Let a camera fail in the given way until `heal`."""
        self._loop.call(self._channels[name].fail, fault)

    def heal(self, name: str) -> None:
        """Let a camera work again."""
        self._loop.call(self._channels[name].heal)

    def drop(self, name: str) -> None:
        """Cut the connections of a camera's clients once; they may come back at once."""
        self._loop.call(self._channels[name].drop)

    def jump(self, name: str, seconds_s: float) -> None:
        """Let a camera's timestamps leap, forwards or back."""
        self._loop.call(self._channels[name].jump, seconds_s)

    def clients(self, name: str) -> int:
        """Return how many clients a camera is playing to."""
        return len(self._channels[name].players)

    async def _serve(self, tell_port: Callable[[int], None], stopping: asyncio.Event) -> None:
        for channel in self._channels.values():
            channel.open()
        with _udp_socket(self._host) as rtp_socket, _udp_socket(self._host) as rtcp_socket:
            access = Access(self._channels, self._credentials, rtp_socket, rtcp_socket)
            sessions: dict[asyncio.Task[None], RtspSession] = {}

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                session = RtspSession(reader, writer, access)
                task = asyncio.create_task(session.run())
                sessions[task] = session
                task.add_done_callback(sessions.pop)

            server = await asyncio.start_server(accept, self._host, self.port, ssl=self._tls, backlog=512)
            tell_port(server.sockets[0].getsockname()[1])
            await stopping.wait()
            server.close()
            for session in sessions.values():
                session.abort()
            await asyncio.gather(*sessions)


def _udp_socket(host: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.bind((host, 0))
    return opened


def main(arguments: list[str] | None = None) -> int:
    """Serve files until standard input ends; each line of it is a command such as `stall NAME`."""
    parser = argparse.ArgumentParser(prog="python -m daemon.demo.rtsp_server", description=main.__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="H.264 video, played in a loop")
    parser.add_argument("--port", type=int, default=8554, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--copies", type=int, default=1, help="cameras per file, named NAME-0, NAME-1, …")
    parser.add_argument("--credentials", metavar="USER:PASSWORD", help="ask for them (Basic)")
    options = parser.parse_args(arguments)
    feeds = _feeds(options.files, options.copies)
    with RtspServer(feeds, port=options.port, host=options.host, credentials=options.credentials) as server:
        for name in feeds:
            print(server.url(name), flush=True)
        for line in sys.stdin:
            _obey(server, line.split())
    return 0


def _feeds(files: list[Path], copies: int) -> dict[str, Feed]:
    loops = {path.stem: load_file(path) for path in files}
    if copies == 1:
        return dict(loops)
    return {f"{name}-{number}": loop for number in range(copies) for name, loop in loops.items()}


def _obey(server: RtspServer, words: list[str]) -> None:
    match words:
        case ["drop", name]:
            server.drop(name)
        case ["heal", name]:
            server.heal(name)
        case ["jump", name, seconds]:
            server.jump(name, float(seconds))
        case [fault, name] if fault in set(Fault):
            server.fail(name, Fault(fault))
        case _:
            print(f"not understood: {' '.join(words)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
